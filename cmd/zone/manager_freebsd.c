/* Jails of FreeBSD: jail(8), jail.conf(5), jls(8), jexec(8). */
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "cmd/zone/manager.h"

static const char *const programs[] = {"jail", "jls", "jexec", NULL};

static int steps(const struct manager_zone *z, struct manager_steps *s, struct err *e)
{
    (void)e;
    manager_add_place(s, z, z->root);
    manager_add(s, MANAGER_FILE, z->config, z->config_text);
    manager_add(s, MANAGER_FILE, z->extra, z->extra_text);
    if (!z->boot)
        return 0;
    manager_add(s, MANAGER_BOOT, NULL, (struct str){0});
    if (!z->second)
        return 0;
    manager_add(s, MANAGER_SECOND, NULL, (struct str){0});
    s->v[s->n - 1].argv =
        manager_argv(z->arena, "jexec", z->name, "/bin/sh", "/zonestrap/second-stage", NULL);
    /* Its services are there only now. */
    manager_add(s, MANAGER_HALT, NULL, (struct str){0});
    manager_add(s, MANAGER_BOOT, NULL, (struct str){0});
    return 0;
}

/* `jls name' prints the names of the jails that run, a line each. */
static int state(const struct manager_zone *z, enum manager_state *out, struct err *e)
{
    struct stat st;
    AUTO_BUF said = {0};
    struct str rest, line;
    *out = z->config == NULL || lstat(z->config, &st) < 0 ? MANAGER_ABSENT : MANAGER_HALTED;
    if (manager_run(z, manager_argv(z->arena, "jls", "name", NULL), &said, e) < 0)
        return -1;
    rest = buf_view(&said);
    while (str_line(&rest, &line))
        if (str_is(str_trim(line), z->name))
            *out = MANAGER_RUNNING;
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

const struct manager manager_freebsd = {.name = "freebsd",
                                        .programs = programs,
                                        .inside = true,
                                        .steps = steps,
                                        .state = state,
                                        .boot = boot,
                                        .halt = halt};
