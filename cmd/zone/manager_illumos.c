/* lx zones of illumos: zonecfg(8), zoneadm(8), zlogin(1). */
#include <string.h>

#include "base/auto.h"
#include "cmd/zone/manager.h"

static const char *const programs[] = {"zonecfg", "zoneadm", "zlogin", NULL};

static void add_link(const struct manager_zone *z, struct manager_steps *s)
{
    manager_add_command(s, manager_argv(z->arena, "dladm", "create-vnic", "-l", z->link, z->vnic, NULL),
                        "dladm delete-vnic %s", z->vnic);
}

/* -S: the zone has no accounts and no PAM before the second stage. */
static int steps(const struct manager_zone *z, struct manager_steps *s, struct err *e)
{
    (void)e;
    if (z->link != NULL)
        add_link(z, s);
    manager_add(s, MANAGER_FILE, z->config, z->config_text);
    manager_add_command(s, manager_argv(z->arena, "zonecfg", "-z", z->name, "-f", z->config, NULL),
                        "zonecfg -z %s delete -F", z->name);
    manager_add(s, MANAGER_FILL, z->tarball, (struct str){0});
    manager_add_command(s,
                        manager_argv(z->arena, "zoneadm", "-z", z->name, "install", "-s", z->tarball, NULL),
                        "zoneadm -z %s uninstall -F", z->name);
    manager_add(s, MANAGER_DROP, z->tarball, (struct str){0});
    if (!z->boot)
        return 0;
    manager_add(s, MANAGER_BOOT, NULL, (struct str){0});
    if (!z->second)
        return 0;
    manager_add(s, MANAGER_SECOND, NULL, (struct str){0});
    s->v[s->n - 1].argv =
        manager_argv(z->arena, "zlogin", "-S", z->name, "/bin/sh", "/zonestrap/second-stage", NULL);
    /* Its services are there only now. */
    manager_add_command(s, manager_argv(z->arena, "zoneadm", "-z", z->name, "reboot", NULL), NULL);
    return 0;
}

/* `zoneadm list -cp' prints id:name:state:path:uuid:brand:ip-type, a line each. */
static int state(const struct manager_zone *z, enum manager_state *out, struct err *e)
{
    AUTO_BUF said = {0};
    struct str rest, line, id, name, word;
    *out = MANAGER_ABSENT;
    if (manager_run(z, manager_argv(z->arena, "zoneadm", "list", "-cp", NULL), &said, e) < 0)
        return -1;
    rest = buf_view(&said);
    while (str_line(&rest, &line)) {
        if (!str_cut(&line, ':', &id) || !str_cut(&line, ':', &name) || !str_cut(&line, ':', &word) ||
            !str_is(name, z->name))
            continue;
        *out = str_is(word, "running")     ? MANAGER_RUNNING
               : str_is(word, "installed") ? MANAGER_HALTED
                                           : MANAGER_HALF;
    }
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

const struct manager manager_illumos = {.name = "illumos",
                                        .programs = programs,
                                        .packed = true,
                                        .inside = true,
                                        .steps = steps,
                                        .state = state,
                                        .boot = boot,
                                        .halt = halt};
