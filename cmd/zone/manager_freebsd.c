/* Jails of FreeBSD: jail(8), jail.conf(5), jls(8), jexec(8). */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "cmd/zone/manager.h"

enum { MOUNTS_MAX = 64 };

static const char *const programs[] = {"jail", "jls", "jexec", "mount", "umount", NULL};
static const char *const files[] = {"config", "extra", NULL};

/* linux(4) takes three numbers, and jail(8) does not say so. */
static int check(const struct manager_zone *z, struct err *e)
{
    unsigned dots = 0;
    for (const char *p = z->kernel; p != NULL && *p != '\0'; p++)
        dots += *p == '.';
    return z->kernel == NULL || dots == 2
               ? 0
               : err_set(e, ERR_USAGE, "--kernel-version: `%s' is not of three numbers, as 5.15.0 is",
                         z->kernel);
}

static int steps(const struct manager_zone *z, struct manager_steps *s, struct err *e)
{
    if (check(z, e) < 0)
        return -1;
    manager_steps_place(s, z, z->root);
    manager_steps_add(s, MANAGER_FILE, z->config, z->config_text);
    manager_steps_add(s, MANAGER_FILE, z->extra, z->extra_text);
    if (!z->boot)
        return 0;
    manager_steps_add(s, MANAGER_BOOT, NULL, (struct str){0});
    if (!z->second)
        return 0;
    manager_steps_add(s, MANAGER_SECOND, NULL, (struct str){0});
    s->v[s->n - 1].argv =
        manager_argv(z->arena, "jexec", z->name, "/bin/sh", "/zonestrap/second-stage", NULL);
    /* Its services are there only now. */
    manager_steps_add(s, MANAGER_HALT, NULL, (struct str){0});
    manager_steps_add(s, MANAGER_BOOT, NULL, (struct str){0});
    return 0;
}

/* The last of the file systems that `mount -p' shows below the root, in fstab(5)'s way; NULL: there are none.
 */
static int last_mount(const struct manager_zone *z, const char **out, struct err *e)
{
    AUTO_BUF said = {0};
    struct str rest, line, device, word;
    const char *below = arena_printf(z->arena, "%s/", z->root);
    *out = NULL;
    if (manager_run(z, manager_argv(z->arena, "mount", "-p", NULL), &said, e) < 0)
        return -1;
    rest = buf_view(&said);
    while (str_line(&rest, &line))
        if (str_word(&line, &device) && str_word(&line, &word) && str_starts(word, str_c(below)))
            *out = arena_str(z->arena, word);
    return 0;
}

static int runs(const struct manager_zone *z, bool *out, struct err *e)
{
    AUTO_BUF said = {0};
    struct str rest, line;
    *out = false;
    /* The names of the jails that run, a line each. */
    if (manager_run(z, manager_argv(z->arena, "jls", "name", NULL), &said, e) < 0)
        return -1;
    rest = buf_view(&said);
    while (str_line(&rest, &line))
        *out = *out || str_is(str_trim(line), z->name);
    return 0;
}

/* A jail(8) that was killed leaves what it mounted. */
static int state(const struct manager_zone *z, enum manager_state *out, struct err *e)
{
    struct stat st;
    bool up;
    const char *mounted;
    if (runs(z, &up, e) < 0 || last_mount(z, &mounted, e) < 0)
        return -1;
    *out = up                                                ? MANAGER_RUNNING
           : mounted != NULL                                 ? MANAGER_HALF
           : z->config != NULL && lstat(z->config, &st) == 0 ? MANAGER_HALTED
                                                             : MANAGER_ABSENT;
    return 0;
}

static const char *const *boot(const struct manager_zone *z)
{
    return manager_argv(z->arena, "jail", "-f", z->config, "-c", z->name, NULL);
}

static const char *const *halt(const struct manager_zone *z)
{
    return manager_argv(z->arena, "jail", "-f", z->config, "-r", z->name, NULL);
}

static int unmount(const struct manager_zone *z, struct err *e)
{
    const char *mounted;
    for (int i = 0; i < MOUNTS_MAX; i++) {
        if (last_mount(z, &mounted, e) < 0)
            return -1;
        if (mounted == NULL)
            return 0;
        if (manager_run(z, manager_argv(z->arena, "umount", "-f", mounted, NULL), NULL, e) < 0)
            return -1;
    }
    return err_set(e, ERR_HOST, "%s: what is mounted below it does not go", z->root);
}

static int do_boot(const struct manager_zone *z, struct err *e)
{
    const char *console =
        manager_beside(z, "console"); /* jail.conf's exec.consolelog, which is appended to */
    unlink(console);
    if (unmount(z, e) < 0)
        return -1;
    return manager_run(z, boot(z), NULL, e) < 0 ? manager_explain(z, console, e) : 0;
}

/* jail(8) shuts the jail down by its exec.stop and unmounts; when that fails, it may be there still (-R: the
   end of it), or what was mounted. */
static int do_halt(const struct manager_zone *z, struct err *e)
{
    struct err gentle = {0};
    bool up;
    if (runs(z, &up, e) < 0)
        return -1;
    if (up && manager_run(z, halt(z), NULL, &gentle) < 0) {
        if (gentle.class == ERR_INTR)
            return err_set(e, ERR_INTR, "%s", gentle.msg);
        log_warn(z->log, "zone %s: does not shut down, it is halted: %s", z->name, gentle.msg);
        if (runs(z, &up, e) < 0 ||
            (up && manager_run(z, manager_argv(z->arena, "jail", "-R", z->name, NULL), NULL, e) < 0))
            return -1;
    }
    return unmount(z, e);
}

const struct manager manager_freebsd = {.name = "freebsd",
                                        .programs = programs,
                                        .files = files,
                                        .inside = true,
                                        .steps = steps,
                                        .state = state,
                                        .boot = boot,
                                        .halt = halt,
                                        .do_boot = do_boot,
                                        .do_halt = do_halt};
