/* The second stage of a root, run in it as a zone: by `create`, or by hand later. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "cmd/create_stages.h"
#include "cmd/zone/command.h"
#include "cmd/zone/zone.h"

enum { TAIL_LINES = 4, TAIL_BYTES = 300 };

/* What the script says: progress and warnings, the rest is its log, of which the last lines are kept for the
 * error.
 */
struct listener {
    struct job *job;
    struct buf line;
    char tail[TAIL_LINES][TAIL_BYTES];
    unsigned ntail;
};

static void take_line(struct listener *l, struct str line)
{
    struct str rest = line, word, number, total;
    uint64_t done, all;
    str_word(&rest, &word);
    if (str_is(word, "zs-progress") && str_word(&rest, &number) && str_word(&rest, &total) &&
        str_u64(number, &done) && str_u64(total, &all)) {
        char item[128];
        snprintf(item, sizeof item, "%" STR_FMT, STR_ARG(str_trim(rest)));
        log_progress(l->job->log, &(struct progress){"second-stage", done, all, "steps", item});
        log_debug(l->job->log, "second stage: %s", item);
        return;
    }
    if (str_is(word, "zs-warning")) {
        log_warn(l->job->log, "second stage: %" STR_FMT, STR_ARG(str_trim(rest)));
        return;
    }
    if (str_trim(line).n == 0)
        return;
    snprintf(l->tail[l->ntail++ % TAIL_LINES], TAIL_BYTES, "%" STR_FMT, STR_ARG(line));
    log_debug(l->job->log, "second stage: %" STR_FMT, STR_ARG(line));
}

static void on_output(void *ctx, const char *p, size_t n)
{
    struct listener *l = ctx;
    for (; n > 0; p++, n--) {
        if (*p != '\n' && l->line.n < 4096) {
            buf_putc(&l->line, *p);
            continue;
        }
        take_line(l, buf_view(&l->line));
        buf_clear(&l->line);
    }
}

static int failed(struct listener *l, const char *root, int status, struct err *e)
{
    AUTO_BUF text = {0};
    unsigned first = l->ntail > TAIL_LINES ? l->ntail - TAIL_LINES : 0;
    for (unsigned i = first; i < l->ntail; i++)
        buf_printf(&text, "%s%s", i > first ? " | " : "", l->tail[i % TAIL_LINES]);
    err_set(e, ERR_SECOND, "second stage: exit status %d: %s", status, buf_c(&text));
    if (root == NULL)
        return err_hint(e, "--keep keeps the root for a look, and to go on with");
    return err_hint(e,
                    "its log is %s" SECOND_STAGE_LOG "; `zonestrap second-stage %s' goes on where it stopped",
                    root, root);
}

/* They may want to fetch something. */
static bool has_hooks(struct job *j, const char *root)
{
    struct stat st;
    return lstat(arena_printf(&j->arena, "%s/zonestrap/hooks", root), &st) == 0 && S_ISDIR(st.st_mode);
}

int second_stage_run(struct job *j, const char *root, const char *shown, const char *hostname, bool fresh,
                     struct err *e)
{
    const char *const argv[] = {"/bin/sh", "/zonestrap/second-stage", fresh ? "fresh" : NULL, NULL};
    static const char *const env[] = {ZONE_PATH, NULL}; /* the script makes its own */
    struct listener l = {.job = j};
    int status = 0;
    const struct zone_opts o = {.root = root,
                                .argv = argv,
                                .env = env,
                                .hostname = hostname,
                                .net = has_hooks(j, root),
                                .no_fsync = true,
                                .exclusive = !fresh, /* create has its lock already */
                                .output = on_output,
                                .ctx = &l,
                                .stop = &job_stop,
                                .log = j->log};
    progress_begin(&j->ui, "second-stage");
    int rc = zone_run(&o, &status, e);
    if (l.line.n > 0)
        take_line(&l, buf_view(&l.line));
    buf_free(&l.line);
    if (rc == 0 && status != 0)
        rc = failed(&l, shown, status, e);
    progress_end(&j->ui, "second-stage");
    return rc;
}

int second_stage_by(struct job *j, const char *const *argv, struct err *e)
{
    struct listener l = {.job = j};
    int status = 0;
    const struct command_opts o = {.output = on_output, .ctx = &l, .stop = &job_stop, .status = &status};
    progress_begin(&j->ui, "second-stage");
    int rc = command_run_with(argv, &o, e);
    if (l.line.n > 0)
        take_line(&l, buf_view(&l.line));
    buf_free(&l.line);
    if (rc == 0 && status != 0) {
        rc = failed(&l, NULL, status, e);
        e->hint[0] = '\0';
    }
    progress_end(&j->ui, "second-stage");
    return rc;
}

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
    if (second_stage_run(j, root, root, job_hostname(j, root), false, e) < 0) {
        if (e->class != ERR_INTR)
            return err_wrap(e, "%s", root);
        err_set(e, ERR_INTR, "%s: interrupted", root);
        return err_hint(e, "`zonestrap second-stage %s' goes on where it stopped", root);
    }
    progress_done(&j->ui, arena_printf(&j->arena, "%s: finished", root), NULL);
    return 0;
}
