#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/create_stages.h"
#include "cmd/zone/zone.h"

bool second_stage_pending(struct job *j, const char *root)
{
    struct stat st;
    return lstat(arena_printf(&j->arena, "%s/zonestrap/second-stage", root), &st) == 0 && S_ISREG(st.st_mode);
}

int cmd_second_stage(struct job *j, struct err *e)
{
    struct stat st;
    if (j->opt.operands.n != 1)
        return err_set(e, ERR_USAGE, "second-stage takes one ROOT; see zonestrap second-stage --help");
    const char *root = j->opt.operands.v[0];
    if (root[0] == '\0')
        return err_set(e, ERR_USAGE, "second-stage: the name of the ROOT is empty");
    if (geteuid() != 0) {
        err_set(e, ERR_HOST, "%s: running the second stage needs root", root);
        return err_hint(e, "run it as root or with sudo");
    }
    if (lstat(root, &st) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", root);
    if (!second_stage_pending(j, root)) {
        err_set(e, ERR_USAGE, "%s: no second stage is pending there", root);
        return err_hint(e, "it was finished already, or this is no root that zonestrap made");
    }
    if (second_stage_run(j, root, root, job_hostname(j, root), e) < 0) {
        if (e->class != ERR_INTR)
            return err_wrap(e, "%s", root);
        err_set(e, ERR_INTR, "%s: interrupted", root);
        return err_hint(e, "`zonestrap second-stage %s' goes on where it stopped", root);
    }
    progress_done(&j->ui, arena_printf(&j->arena, "%s: finished", root));
    return 0;
}
