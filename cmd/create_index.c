/* Root indexes and package indexes: fetched together, verified as they arrive, decoded while others arrive.
 */
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "cmd/create_index_int.h"

#define LOCKED_ABSENT                                                                                        \
    "name a mirror that still has what the lock says, such as a snapshot archive, with --mirror, or plan a " \
    "new lock with plan --lock"
#define LOCKED_MISMATCH                                                                                      \
    "the mirrors have other bytes than the lock says: name another one with --mirror, or see what has "      \
    "changed with plan --locked"

enum { INDEX_MAX = 512 * 1024 * 1024 };

struct transfer_opts create_transfer_opts(struct job *j, const char *stage)
{
    bool locked = j->opt.locked != NULL && strcmp(stage, "fetch") == 0;
    return (struct transfer_opts){.log = j->log,
                                  .cache = j->have_cache ? &j->cache : NULL,
                                  .offline = j->opt.offline,
                                  .stop = &job_stop,
                                  .absent_hint = locked ? LOCKED_ABSENT : NULL,
                                  .mismatch_hint = locked ? LOCKED_MISMATCH : NULL,
                                  .stage = stage};
}

static int index_done(struct transfer_file *f, struct transfer_result *r, struct err *e)
{
    struct fetch_source *fs = f->ctx;
    struct fetch *ft = fs->fetch;
    size_t i = (size_t)(f - fs->files);
    if (r->fd < 0) {
        /* Not every mirror carries the by-hash names. */
        f->path = fs->source->indexes[i].plain;
        f->optional = false;
        return transfer_add(ft->transfer, f, e);
    }
    pthread_mutex_lock(&ft->lock);
    fs->fds[i] = r->fd;
    bool failed = ft->load_failed;
    log_debug(ft->job->log, "%s: here%s", f->what, r->cached ? ", from the cache" : "");
    pthread_cond_signal(&ft->arrived);
    pthread_mutex_unlock(&ft->lock);
    /* The loader's own error is what the user gets to see. */
    return failed ? err_set(e, ERR_FORMAT, "an index could not be read") : 0;
}

/* Whether this one is fetched and loaded now. */
static bool due(const struct fetch_source *fs, size_t i)
{
    return fs->fetch->later ? fs->wanted[i] : !fs->source->indexes[i].later;
}

int create_index_queue(struct fetch_source *fs, struct err *e)
{
    struct fetch *ft = fs->fetch;
    struct source *s = fs->source;
    struct arena *a = &ft->job->arena;
    if (ft->plan->fmt->index_list(s->root_text, &s->query, a, &s->indexes, &s->nindexes, e) < 0)
        return -1;
    fs->files = arena_array(a, s->nindexes + 1, sizeof *fs->files);
    fs->fds = arena_array(a, s->nindexes + 1, sizeof *fs->fds);
    fs->wanted = arena_array(a, s->nindexes + 1, sizeof *fs->wanted);
    for (size_t i = 0; i < s->nindexes; i++) {
        const struct pkgfmt_index *ix = &s->indexes[i];
        fs->fds[i] = -1;
        if (ix->size > INDEX_MAX)
            return err_set(e, ERR_FORMAT, "%s: %llu bytes is more than an index may have", ix->what,
                           (unsigned long long)ix->size);
        fs->files[i] =
            (struct transfer_file){.mirrors = &s->urls,
                                   .path = ix->path,
                                   .size = ix->size,
                                   .digest = ix->digest,
                                   .optional = ix->plain != NULL && strcmp(ix->plain, ix->path) != 0,
                                   .what = ix->what,
                                   .ctx = fs,
                                   .done = index_done};
        if (due(fs, i) && transfer_add(ft->transfer, &fs->files[i], e) < 0)
            return -1;
    }
    pthread_mutex_lock(&ft->lock);
    fs->listed = true;
    pthread_cond_signal(&ft->arrived);
    pthread_mutex_unlock(&ft->lock);
    return 0;
}

/* Waits for the file; -1 when there will be none. */
static int wait_fd(struct fetch *ft, struct fetch_source *fs, size_t i)
{
    int fd = -1;
    pthread_mutex_lock(&ft->lock);
    while (!ft->stop && fs->fds[i] < 0)
        pthread_cond_wait(&ft->arrived, &ft->lock);
    if (!ft->stop)
        fd = auto_take_fd(&fs->fds[i]);
    pthread_mutex_unlock(&ft->lock);
    return fd;
}

static bool wait_listed(struct fetch *ft, struct fetch_source *fs)
{
    pthread_mutex_lock(&ft->lock);
    while (!ft->stop && !fs->listed)
        pthread_cond_wait(&ft->arrived, &ft->lock);
    bool listed = fs->listed && !ft->stop;
    pthread_mutex_unlock(&ft->lock);
    return listed;
}

static int load_source(struct fetch *ft, unsigned number, struct err *e)
{
    struct fetch_source *fs = &ft->sources[number];
    const struct pkgfmt_repo repo = {.index = number, .id = fs->source->repo->id};
    if (!wait_listed(ft, fs))
        return 0;
    for (size_t i = 0; i < fs->source->nindexes; i++) {
        const struct pkgfmt_index *ix = &fs->source->indexes[i];
        AUTO_FD fd = due(fs, i) ? wait_fd(ft, fs, i) : -1;
        if (fd < 0 && !due(fs, i))
            continue;
        if (fd < 0)
            return 0;
        if (ft->plan->fmt->index_load(ft->plan->solve, fd, ix, &repo, ft->job->solv_dir, e) < 0)
            return err_wrap(e, "%s", repo.id);
        log_debug(ft->job->log, "%s: %s loaded", repo.id, ix->what);
    }
    return 0;
}

static void *loader(void *arg)
{
    struct fetch *ft = arg;
    struct err e = {0};
    for (size_t i = 0; i < ft->nsources; i++)
        if (load_source(ft, (unsigned)i, &e) < 0) {
            pthread_mutex_lock(&ft->lock);
            ft->load_failed = true;
            ft->load_err = e;
            pthread_mutex_unlock(&ft->lock);
            break;
        }
    return NULL;
}

static int fetch_all(struct fetch *ft, struct err *e)
{
    for (size_t i = 0; !ft->later && i < ft->nsources; i++)
        if (create_index_start(&ft->sources[i], e) < 0)
            return err_wrap(e, "%s", ft->sources[i].source->repo->id);
    for (size_t i = 0; ft->later && i < ft->nsources; i++)
        for (size_t k = 0; k < ft->sources[i].source->nindexes; k++)
            if (due(&ft->sources[i], k) && transfer_add(ft->transfer, &ft->sources[i].files[k], e) < 0)
                return -1;
    return transfer_run(ft->transfer, e);
}

static int fetch_and_load(struct fetch *ft, struct err *e)
{
    pthread_t thread;
    if (ft->roots_only)
        return fetch_all(ft, e);
    if (pthread_create(&thread, NULL, loader, ft) != 0)
        return err_set(e, ERR_HOST, "cannot start a thread");
    int rc = fetch_all(ft, e);
    if (rc < 0) {
        pthread_mutex_lock(&ft->lock);
        ft->stop = true;
        pthread_cond_signal(&ft->arrived);
        pthread_mutex_unlock(&ft->lock);
    }
    pthread_join(thread, NULL);
    if (ft->load_failed) {
        *e = ft->load_err;
        return -1;
    }
    return rc;
}

/* What the packages that are known make necessary: fetched and loaded in the same way. */
static int fetch_later(struct fetch *ft, struct err *e)
{
    const struct pkgfmt *fmt = ft->plan->fmt;
    const struct solve_request r = create_plan_request(ft->job, ft->plan);
    for (size_t i = 0; i < ft->nsources; i++) {
        const struct source *s = ft->sources[i].source;
        for (size_t k = 0; k < s->nindexes; k++) {
            bool wanted = s->indexes[k].later && fmt->index_wanted(ft->plan->solve, &r, &s->indexes[k]);
            ft->sources[i].wanted[k] = wanted;
            ft->later = ft->later || wanted;
        }
    }
    return ft->later ? fetch_and_load(ft, e) : 0;
}

static int run_fetch(struct job *j, struct create_plan *p, struct source *sources, size_t n, bool roots_only,
                     struct err *e)
{
    if (create_mirrors_ask(j, p, sources, n, e) < 0)
        return -1;
    struct fetch ft = {.job = j, .plan = p, .nsources = n, .roots_only = roots_only};
    struct transfer_opts to = create_transfer_opts(j, "indexes");
    ft.sources = arena_array(&j->arena, n, sizeof *ft.sources);
    for (size_t i = 0; i < n; i++)
        ft.sources[i] = (struct fetch_source){.fetch = &ft, .source = &sources[i]};
    if (transfer_open(&ft.transfer, &to, e) < 0)
        return -1;
    pthread_mutex_init(&ft.lock, NULL);
    pthread_cond_init(&ft.arrived, NULL);
    int rc = fetch_and_load(&ft, e);
    if (rc == 0 && !roots_only && p->fmt->index_wanted != NULL)
        rc = fetch_later(&ft, e);
    transfer_close(ft.transfer);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; ft.sources[i].fds != NULL && k < sources[i].nindexes; k++)
            if (ft.sources[i].fds[k] >= 0)
                close(ft.sources[i].fds[k]);
    pthread_cond_destroy(&ft.arrived);
    pthread_mutex_destroy(&ft.lock);
    return rc;
}

int create_index_load(struct job *j, struct create_plan *p, struct err *e)
{
    return run_fetch(j, p, p->sources, p->nsources, false, e);
}

int create_index_root(struct job *j, struct create_plan *p, struct source *s, struct err *e)
{
    return run_fetch(j, p, s, 1, true, e);
}
