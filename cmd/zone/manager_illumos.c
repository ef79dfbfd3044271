/* lx zones of illumos: zonecfg(8), zoneadm(8), zlogin(1), dladm(8). */
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "cmd/zone/manager.h"

static const char *const programs[] = {"zonecfg", "zoneadm", "zlogin", NULL};
static const char *const files[] = {"config", NULL};

static void add_link(const struct manager_zone *z, struct manager_steps *s)
{
    manager_steps_command(s, manager_argv(z->arena, "dladm", "create-vnic", "-l", z->link, z->vnic, NULL),
                          "dladm delete-vnic %s", z->vnic);
    manager_steps_found(s, manager_argv(z->arena, "dladm", "show-vnic", z->vnic, NULL));
}

/* zoneadm makes the zone's directory, and a ZFS file system of it; what is above it has to be there. */
static int check(const struct manager_zone *z, struct err *e)
{
    struct stat st;
    const char *slash = strrchr(z->dir, '/');
    const char *above = arena_str(z->arena, (struct str){z->dir, (size_t)(slash - z->dir)});
    /* zonecfg(8) takes them for the system's own, and makes none. */
    if (strncmp(z->name, "SUNW", 4) == 0)
        return err_set(e, ERR_USAGE, "zone:%s: a zone's name does not begin with SUNW on illumos", z->name);
    /* lxinit, which sets the network up, waits for ever when it cannot set the route. */
    if (z->gateway != NULL && strchr(z->gateway, ':') != NULL)
        return err_set(e, ERR_USAGE, "--net: an lx zone has no IPv6 gateway (%s), an IPv4 one alone",
                       z->gateway);
    if (stat(above, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    err_set(e, ERR_HOST, "zone %s: there is no %s for it to lie in", z->name, above);
    return err_hint(e, "make a ZFS file system that is mounted there, or name another with --dataset");
}

/* From the tarball. */
static void add_install(const struct manager_zone *z, struct manager_steps *s)
{
    manager_steps_add(s, MANAGER_FILL, z->tarball, (struct str){0});
    manager_steps_command(
        s, manager_argv(z->arena, "zoneadm", "-z", z->name, "install", "-s", z->tarball, NULL), NULL);
    s->v[s->n - 1].undo = "uninstall";
    s->v[s->n - 1].log = arena_printf(z->arena, "%s/log/zone.log", z->dir); /* the brand's script's */
    manager_steps_add(s, MANAGER_DROP, z->tarball, (struct str){0});
}

/* Of another zone, which is halted: a ZFS snapshot and its clone. */
static void add_clone(const struct manager_zone *z, struct manager_steps *s)
{
    manager_steps_command(s, manager_argv(z->arena, "zoneadm", "-z", z->name, "clone", z->source_zone, NULL),
                          NULL);
    s->v[s->n - 1].undo = "uninstall";
    manager_steps_add(s, MANAGER_OWN, z->root, (struct str){0});
}

/* -S: the zone has no accounts and no PAM before the second stage. */
static int steps(const struct manager_zone *z, struct manager_steps *s, struct err *e)
{
    if (check(z, e) < 0)
        return -1;
    if (z->link != NULL)
        add_link(z, s);
    manager_steps_add(s, MANAGER_FILE, z->config, z->config_text);
    manager_steps_command(s, manager_argv(z->arena, "zonecfg", "-z", z->name, "-f", z->config, NULL),
                          "zonecfg -z %s delete -F", z->name);
    manager_steps_found(s, manager_argv(z->arena, "zoneadm", "-z", z->name, "list", NULL));
    if (z->source_zone != NULL)
        add_clone(z, s);
    else
        add_install(z, s);
    if (!z->boot)
        return 0;
    manager_steps_add(s, MANAGER_BOOT, NULL, (struct str){0});
    if (!z->second)
        return 0;
    manager_steps_add(s, MANAGER_SECOND, NULL, (struct str){0});
    s->v[s->n - 1].argv =
        manager_argv(z->arena, "zlogin", "-S", z->name, "/bin/sh", "/zonestrap/second-stage", NULL);
    /* Its services are there only now. */
    manager_steps_add(s, MANAGER_HALT, NULL, (struct str){0});
    manager_steps_add(s, MANAGER_BOOT, NULL, (struct str){0});
    return 0;
}

/* `zoneadm list -cp' prints id:name:state:path:uuid:brand:ip-type, a line each. *word: this zone's state,
   empty when there is none. */
static int state_word(const struct manager_zone *z, const char **word, struct err *e)
{
    AUTO_BUF said = {0};
    struct str rest, line, id, name, state;
    *word = "";
    if (manager_run(z, manager_argv(z->arena, "zoneadm", "list", "-cp", NULL), &said, e) < 0)
        return -1;
    rest = buf_view(&said);
    while (str_line(&rest, &line))
        if (str_cut(&line, ':', &id) && str_cut(&line, ':', &name) && str_cut(&line, ':', &state) &&
            str_is(name, z->name))
            *word = arena_str(z->arena, state);
    return 0;
}

static int state(const struct manager_zone *z, enum manager_state *out, struct err *e)
{
    const char *word;
    if (state_word(z, &word, e) < 0)
        return -1;
    *out = word[0] == '\0'                  ? MANAGER_ABSENT
           : strcmp(word, "running") == 0   ? MANAGER_RUNNING
           : strcmp(word, "installed") == 0 ? MANAGER_HALTED
                                            : MANAGER_HALF;
    return 0;
}

static const char *const *boot(const struct manager_zone *z)
{
    return manager_argv(z->arena, "zoneadm", "-z", z->name, "boot", NULL);
}

static const char *const *halt(const struct manager_zone *z)
{
    return manager_argv(z->arena, "zoneadm", "-z", z->name, "halt", NULL);
}

/* Whether there is anything to halt: one that hangs half-way down has to be, too. */
static bool is_up(const char *word)
{
    static const char *const up[] = {"running", "ready", "shutting_down", "down", "mounted"};
    for (size_t i = 0; i < sizeof up / sizeof *up; i++)
        if (strcmp(word, up[i]) == 0)
            return true;
    return false;
}

/* `shutdown' has its init shut it down and waits, as long as svc:/system/zones does; `halt' is the end of it.
 */
static int do_halt(const struct manager_zone *z, struct err *e)
{
    struct err gentle = {0};
    const char *word;
    if (state_word(z, &word, e) < 0 || !is_up(word))
        return e->class != ERR_NONE ? -1 : 0;
    if (z->ready && strcmp(word, "running") == 0) {
        if (manager_run(z, manager_argv(z->arena, "zoneadm", "-z", z->name, "shutdown", NULL), NULL,
                        &gentle) == 0)
            return 0;
        if (gentle.class == ERR_INTR)
            return err_set(e, ERR_INTR, "%s", gentle.msg);
        log_warn(z->log, "zone %s: does not shut down, it is halted: %s", z->name, gentle.msg);
    }
    return manager_run(z, halt(z), NULL, e);
}

/* An installation that failed leaves the zone `incomplete', or `configured' as it was. */
static int uninstall(const struct manager_zone *z, struct err *e)
{
    const char *word;
    if (state_word(z, &word, e) < 0)
        return -1;
    if (word[0] == '\0' || strcmp(word, "configured") == 0)
        return 0;
    return manager_run(z, manager_argv(z->arena, "zoneadm", "-z", z->name, "uninstall", "-F", NULL), NULL, e);
}

const struct manager manager_illumos = {.name = "illumos",
                                        .programs = programs,
                                        .files = files,
                                        .packed = true,
                                        .inside = true,
                                        .clones = true,
                                        .steps = steps,
                                        .state = state,
                                        .boot = boot,
                                        .halt = halt,
                                        .do_halt = do_halt,
                                        .uninstall = uninstall};
