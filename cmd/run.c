#include <stdlib.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/zone/zone.h"

int cmd_run(struct job *j, struct err *e)
{
    static const char *const shell[] = {"/bin/sh", "-l", NULL};
    const struct option_list *args = &j->opt.operands;
    const char *term = getenv("TERM");
    int status = 0;
    if (args->n == 0)
        return err_set(e, ERR_USAGE, "run takes a ROOT; see zonestrap run --help");
    if (args->v[0][0] == '\0')
        return err_set(e, ERR_USAGE, "run: the name of the ROOT is empty");
    if (geteuid() != 0) {
        err_set(e, ERR_HOST, "%s: running a root as a zone needs root", args->v[0]);
        return err_hint(e, "run it as root or with sudo");
    }
    const char **argv = arena_array(&j->arena, args->n + 1, sizeof *argv);
    for (size_t i = 1; i < args->n; i++)
        argv[i - 1] = args->v[i];
    const char *const env[] = {ZONE_PATH, "HOME=/root", "LANG=C.UTF-8",
                               arena_printf(&j->arena, "TERM=%s", term ? term : "dumb"), NULL};
    const struct zone_opts o = {.root = args->v[0],
                                .argv = args->n > 1 ? argv : shell,
                                .env = env,
                                .hostname = job_hostname(j, args->v[0]),
                                .net = true,
                                .stdio = true,
                                .stop = &job_stop,
                                .log = j->log};
    if (zone_run(&o, &status, e) < 0)
        return -1;
    return status;
}
