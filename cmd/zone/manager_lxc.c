/* LXC: lxc-start(1), lxc-stop(1), lxc-info(1), lxc.container.conf(5). */
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "cmd/zone/manager.h"

static const char *const programs[] = {"lxc-start", "lxc-stop", "lxc-info", NULL};

/* The directory that containers lie in. */
static const char *lxcpath(const struct manager_zone *z)
{
    const char *slash = strrchr(z->dir, '/');
    return arena_str(z->arena, (struct str){z->dir, (size_t)(slash - z->dir)});
}

static int steps(const struct manager_zone *z, struct manager_steps *s, struct err *e)
{
    (void)e;
    manager_add(s, MANAGER_DIR, z->dir, (struct str){0});
    manager_add_place(s, z, z->root);
    manager_add(s, MANAGER_FILE, z->config, z->config_text);
    if (z->boot)
        manager_add(s, MANAGER_BOOT, NULL, (struct str){0});
    return 0;
}

/* `lxc-info -s -H' prints the state's name alone. */
static int state(const struct manager_zone *z, enum manager_state *out, struct err *e)
{
    struct stat st;
    AUTO_BUF said = {0};
    *out = MANAGER_ABSENT;
    if (z->config == NULL || lstat(z->config, &st) < 0)
        return 0;
    const char *const *argv =
        manager_argv(z->arena, "lxc-info", "-P", lxcpath(z), "-n", z->name, "-s", "-H", NULL);
    if (manager_run(z, argv, &said, e) < 0)
        return -1;
    *out = str_is(str_trim(buf_view(&said)), "STOPPED") ? MANAGER_HALTED : MANAGER_RUNNING;
    return 0;
}

static const char *const *boot(const struct manager_zone *z)
{
    return manager_argv(z->arena, "lxc-start", "-P", lxcpath(z), "-n", z->name, "-d", "-o",
                        manager_beside(z, "console"), NULL);
}

/* A clean shutdown, and the end of it after a minute. */
static const char *const *halt(const struct manager_zone *z)
{
    return manager_argv(z->arena, "lxc-stop", "-P", lxcpath(z), "-n", z->name, "-t", "60", NULL);
}

const struct manager manager_lxc = {
    .name = "lxc", .programs = programs, .steps = steps, .state = state, .boot = boot, .halt = halt};
