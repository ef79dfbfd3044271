/* LXC: lxc-start(1), lxc-stop(1), lxc-info(1), lxc.container.conf(5). */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/zone/manager.h"

static const char *const programs[] = {"lxc-start", "lxc-stop", "lxc-info", NULL};
static const char *const files[] = {"config", NULL};

/* The directory that containers lie in. */
static const char *lxcpath(const struct manager_zone *z)
{
    const char *slash = strrchr(z->dir, '/');
    return arena_str(z->arena, (struct str){z->dir, (size_t)(slash - z->dir)});
}

static int steps(const struct manager_zone *z, struct manager_steps *s, struct err *e)
{
    (void)e;
    manager_steps_add(s, MANAGER_DIR, z->dir, (struct str){0});
    manager_steps_place(s, z, z->root);
    manager_steps_add(s, MANAGER_FILE, z->config, z->config_text);
    if (z->boot)
        manager_steps_add(s, MANAGER_BOOT, NULL, (struct str){0});
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
                        manager_beside(z, "log"), "-L", manager_beside(z, "console"), NULL);
}

/* `lxc-start NAME TIME ERROR MODULE - FILE:FUNCTION:LINE - REASON': the first such line is the cause, the
   others follow from it. */
static struct str reason(struct str text)
{
    static const struct str dash = {" - ", 3}, level = {" ERROR ", 7};
    struct str line;
    while (str_line(&text, &line)) {
        if (str_find(line, level) == line.n)
            continue;
        for (int i = 0; i < 2 && str_find(line, dash) < line.n; i++)
            line = str_from(line, str_find(line, dash) + dash.n);
        return str_trim(line);
    }
    return (struct str){NULL, 0};
}

/* What lxc-start says itself is only that it failed. */
static int do_boot(const struct manager_zone *z, struct err *e)
{
    enum { LOG_MAX = 1 << 20 };
    struct err why = {0};
    AUTO_BUF text = {0};
    unlink(manager_beside(z, "log")); /* it would be appended to */
    unlink(manager_beside(z, "console"));
    if (manager_run(z, boot(z), NULL, e) == 0)
        return 0;
    if (e->class == ERR_INTR || file_read(manager_beside(z, "log"), LOG_MAX, &text, &why) < 0)
        return -1;
    struct str said = reason(buf_view(&text));
    return said.n > 0 ? err_set(e, ERR_HOST, "lxc-start failed: %" STR_FMT, STR_ARG(said)) : -1;
}

/* A clean shutdown, and the end of it after a while: a zone that is taken away has nothing to lose. */
static const char *const *halt(const struct manager_zone *z)
{
    return manager_argv(z->arena, "lxc-stop", "-P", lxcpath(z), "-n", z->name, "-t", z->ready ? "60" : "5",
                        NULL);
}

const struct manager manager_lxc = {.name = "lxc",
                                    .programs = programs,
                                    .files = files,
                                    .links = true,
                                    .settle = 2,
                                    .steps = steps,
                                    .state = state,
                                    .boot = boot,
                                    .halt = halt,
                                    .do_boot = do_boot};
