/* The second stage: left in the tree by `create`, run in the root as a zone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "cmd/create_stages.h"
#include "cmd/zone/zone.h"

enum { TAIL_LINES = 4, TAIL_BYTES = 300 };

int create_second(struct job *j, struct create_plan *p, struct fixup_set *f, struct pkgfmt_second *s,
                  struct err *e)
{
    AUTO_BUF sh = {0};
    (void)j;
    if (fixup_render(f, &sh, e) < 0)
        return -1;
    const struct pkgfmt_second_opts o = {.fixups_sh = buf_view(&sh)};
    return p->fmt->second_finish(s, &o, e);
}

/* What the script says: progress lines, the rest is its log, of which the last lines are kept for the error.
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
    return err_hint(
        e, "its log is %s/var/log/zonestrap.log; `zonestrap second-stage %s' goes on where it stopped", root,
        root);
}

int second_stage_run(struct job *j, const char *root, const char *shown, const char *hostname, struct err *e)
{
    static const char *const argv[] = {"/bin/sh", "/zonestrap/second-stage", NULL};
    static const char *const env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                      "HOME=/root",
                                      "LC_ALL=C",
                                      "DEBIAN_FRONTEND=noninteractive",
                                      "DEBCONF_NONINTERACTIVE_SEEN=true",
                                      NULL};
    struct listener l = {.job = j};
    int status = 0;
    const struct zone_opts o = {.root = root,
                                .argv = argv,
                                .env = env,
                                .hostname = hostname,
                                .no_fsync = true,
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
