/* A root's own init, booted as a zone: its console is this program's standard input and output. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/console.h"
#include "cmd/create_stages.h"
#include "cmd/zone/zone.h"

/* Where a kernel looks, and then systemd's own place. */
static const char *const usual_inits[] = {
    "/sbin/init", "/etc/init", "/bin/init", "/usr/lib/systemd/systemd", "/lib/systemd/systemd", NULL};

static bool there(struct job *j, const char *root, const char *name)
{
    struct stat st;
    return lstat(arena_printf(&j->arena, "%s/%s", root, name), &st) == 0 && S_ISREG(st.st_mode);
}

static int check_root(struct job *j, const char *root, struct err *e)
{
    struct stat st;
    if (geteuid() != 0) {
        err_set(e, ERR_HOST, "%s: booting a root as a zone needs root", root);
        return err_hint(e, "run it as root or with sudo");
    }
    if (stat(root, &st) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", root);
    if (there(j, root, ".zonestrap-incomplete")) {
        err_set(e, ERR_HOST, "%s: incomplete: it is being made, or the run that made it was killed", root);
        return err_hint(e, "create it again");
    }
    if (second_stage_pending(j, root) && !there(j, root, "zonestrap/first-boot"))
        log_line(j->log, j->opt.single ? LOG_INFO : LOG_WARN,
                 "%s: its second stage is pending, its packages are not configured yet: see `zonestrap "
                 "second-stage'",
                 root);
    return 0;
}

static int options(struct job *j, struct err *e)
{
    const struct options *o = &j->opt;
    if (o->operands.n == 0)
        return err_set(e, ERR_USAGE, "boot takes a ROOT; see zonestrap boot --help");
    if (o->operands.v[0][0] == '\0')
        return err_set(e, ERR_USAGE, "boot: the name of the ROOT is empty");
    if (o->init != NULL && o->init[0] != '/')
        return err_set(e, ERR_USAGE, "--init: `%s' is no absolute path in the ROOT", o->init);
    if (o->net != NULL && strcmp(o->net, "none") != 0 && strcmp(o->net, "host") != 0)
        return err_set(e, ERR_USAGE, "--net: `%s' is neither none nor host", o->net);
    if (o->until != NULL && (o->until[0] == '\0' || strlen(o->until) > 1024))
        return err_set(e, ERR_USAGE, "--until: a text of 1 to 1024 bytes is needed");
    if (o->timeout > 31536000)
        return err_set(e, ERR_USAGE, "--timeout: %" PRIu64 " seconds is more than a year", o->timeout);
    return 0;
}

static const char **init_argv(struct job *j)
{
    const struct option_list *args = &j->opt.operands;
    const char **argv = arena_array(&j->arena, args->n + 2, sizeof *argv);
    size_t n = 0;
    argv[n++] = "init";
    if (j->opt.single)
        argv[n++] = "single"; /* sysvinit(8) and systemd(1) both know it */
    for (size_t i = 1; i < args->n; i++)
        argv[n++] = args->v[i];
    argv[n] = NULL;
    return argv;
}

/* The zone ended by itself: the exit status. */
static int ended(struct job *j, const char *root, enum zone_end how, int status, struct err *e)
{
    if (how == ZONE_DIED) {
        err_set(e, ERR_HOST, "%s: its init was killed by signal %d", root, status);
        return err_hint(e, "what it said last stands on the console");
    }
    if (j->opt.until != NULL)
        return err_set(e, ERR_HOST, "%s: the zone ended before its console showed `%s'", root, j->opt.until);
    if (how == ZONE_REBOOT)
        log_warn(j->log, "%s: it asked for a reboot; --no-reboot ends it", root);
    return how == ZONE_EXITED ? status : 0;
}

static int verdict(struct job *j, const char *root, enum console_why why, enum zone_end how, int status,
                   struct err *e)
{
    bool killed = how == ZONE_KILLED;
    if (why != CONSOLE_ENDED && why != CONSOLE_TIMEOUT && killed)
        log_warn(j->log, "%s: it did not shut down in time, and was killed", root);
    switch (why) {
    case CONSOLE_ENDED:
        return ended(j, root, how, status, e);
    case CONSOLE_TIMEOUT:
        if (j->opt.until != NULL)
            err_set(e, ERR_HOST, "%s: its console did not show `%s' within %" PRIu64 " s", root, j->opt.until,
                    j->opt.timeout);
        else
            err_set(e, ERR_HOST, "%s: still up after %" PRIu64 " s", root, j->opt.timeout);
        return err_hint(e, killed ? "it was killed, since it did not shut down either" : "it was shut down");
    case CONSOLE_STOPPED:
        return err_set(e, ERR_INTR, "%s: interrupted; it was %s", root, killed ? "killed" : "shut down");
    case CONSOLE_CLOSED:
        return err_set(e, ERR_HOST, "%s: standard output, its console, was closed; it was %s", root,
                       killed ? "killed" : "shut down");
    case CONSOLE_UNTIL:
    case CONSOLE_ESCAPE:
        break;
    }
    return 0;
}

static int boot(struct job *j, const struct zone_opts *o, struct console *c, struct err *e)
{
    for (;;) {
        struct zone *z;
        enum zone_end how;
        int status;
        if (zone_boot(o, &z, e) < 0)
            return -1;
        console_attach(c);
        enum console_why why = console_use(c, z);
        int rc = zone_end(z, &how, &status, e);
        console_detach(c);
        if (rc < 0)
            return -1;
        if (why != CONSOLE_ENDED || how != ZONE_REBOOT || j->opt.no_reboot)
            return verdict(j, o->root, why, how, status, e);
        log_info(j->log, "%s: boots again", o->root);
    }
}

int cmd_boot(struct job *j, struct err *e)
{
    const char *own[] = {j->opt.init, NULL}, *term = getenv("TERM");
    struct console c = {.until = j->opt.until};
    if (options(j, e) < 0 || check_root(j, j->opt.operands.v[0], e) < 0)
        return -1;
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    const char *const env[] = {ZONE_PATH, "container=zonestrap", "HOME=/",
                               arena_printf(&j->arena, "TERM=%s", term && terminal ? term : "dumb"), NULL};
    const struct zone_opts o = {.root = j->opt.operands.v[0],
                                .inits = j->opt.init != NULL ? own : usual_inits,
                                .argv = init_argv(j),
                                .env = env,
                                .hostname = job_hostname(j, j->opt.operands.v[0]),
                                .net = j->opt.net != NULL && strcmp(j->opt.net, "host") == 0,
                                .exclusive = true,
                                .log = j->log};
    if (j->opt.timeout != 0)
        c.deadline = console_clock() + (int64_t)j->opt.timeout * 1000;
    if (terminal && !j->opt.quiet)
        fprintf(stderr, "zonestrap: %s: booting; Ctrl-] three times within a second shuts it down\n", o.root);
    int rc = boot(j, &o, &c, e);
    console_free(&c);
    return rc;
}
