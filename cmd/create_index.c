/* Root indexes and package indexes: fetched together, verified as they arrive, decoded while others arrive.
 */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"
#include "cmd/create_plan.h"

#define LOCKED_ABSENT                                                                                        \
    "name a mirror that still has what the lock says, such as a snapshot archive, with --mirror, or plan a " \
    "new lock with plan --lock"
#define LOCKED_MISMATCH                                                                                      \
    "the mirrors have other bytes than the lock says: name another one with --mirror, or see what has "      \
    "changed with plan --locked"

enum { ROOT_MAX = 32 * 1024 * 1024, INDEX_MAX = 512 * 1024 * 1024 };

struct fetch_source {
    struct fetch *fetch;
    struct source *source;
    struct transfer_file root; /* the root index in one of its forms */
    int form;                  /* INLINE, BARE or SIGNATURE, as root_path counts them */
    struct str bare;           /* while its signature is fetched */
    bool listed;               /* indexes are known */
    struct transfer_file *files;
    int *fds; /* verified index files; -1: not there yet */
};

/* The loader thread takes index files in the order of the repositories; everything it shares stands under the
 * lock. */
struct fetch {
    struct job *job;
    struct create_plan *plan;
    struct transfer *transfer;
    struct fetch_source *sources;
    size_t nsources;
    bool roots_only;
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    bool stop, load_failed;
    struct err load_err;
};

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

/* Queues the index files that the accepted root names. */
static int queue_indexes(struct fetch_source *fs, struct err *e)
{
    struct fetch *ft = fs->fetch;
    struct source *s = fs->source;
    struct arena *a = &ft->job->arena;
    if (ft->plan->fmt->index_list(s->root_text, &s->query, a, &s->indexes, &s->nindexes, e) < 0)
        return -1;
    fs->files = arena_array(a, s->nindexes + 1, sizeof *fs->files);
    fs->fds = arena_array(a, s->nindexes + 1, sizeof *fs->fds);
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
        if (transfer_add(ft->transfer, &fs->files[i], e) < 0)
            return -1;
    }
    pthread_mutex_lock(&ft->lock);
    fs->listed = true;
    pthread_cond_signal(&ft->arrived);
    pthread_mutex_unlock(&ft->lock);
    return 0;
}

/* The signature's form follows the bare one's. */
enum { INLINE, BARE, SIGNATURE };

static const char *root_path(struct fetch_source *fs, int form)
{
    return fs->fetch->plan->fmt->root_path(&fs->source->query, form, &fs->fetch->job->arena);
}

static const char *cache_key(struct fetch_source *fs, int form)
{
    return arena_printf(&fs->fetch->job->arena, "root %s/%s", fs->source->home, root_path(fs, form));
}

static bool by_signature(const struct fetch_source *fs)
{
    const struct create_plan *p = fs->fetch->plan;
    return p->keyring != NULL && create_root_trust(p, fs->source) == DISTRO_TRUST_SIGNATURE;
}

static int queue_root(struct fetch_source *fs, int form, struct err *e);

/* For --offline: what was accepted, to be verified again. */
static void keep_root(struct fetch_source *fs, struct str text, struct str sig)
{
    struct job *j = fs->fetch->job;
    struct err ignored;
    if (!j->have_cache || j->opt.offline)
        return;
    cache_put_named(&j->cache, cache_key(fs, fs->form == INLINE ? INLINE : BARE), text, &ignored);
    if (sig.n > 0)
        cache_put_named(&j->cache, cache_key(fs, SIGNATURE), sig, &ignored);
    create_mirrors_keep(j, fs->source);
}

/* The root index's text is here (and its signature, if that stands apart). */
static int accept_root(struct fetch_source *fs, struct str text, struct str sig, struct err *e)
{
    if (create_root_accept(fs->fetch->job, fs->fetch->plan, fs->source, text, sig, e) < 0)
        return -1;
    keep_root(fs, text, sig);
    return fs->fetch->roots_only ? 0 : queue_indexes(fs, e);
}

static int missing_root(struct fetch_source *fs, struct err *e)
{
    if (fs->form == INLINE)
        return queue_root(fs, BARE, e);
    if (fs->form == SIGNATURE) {
        err_set(e, ERR_TRUST, "%s: the repository is not signed", fs->root.what);
        if (fs->fetch->plan->fmt->signed_packages)
            return err_hint(e, "if its packages are: `trust packages' in the recipe; --insecure takes it "
                               "all the same");
        return err_hint(e, "--insecure takes it all the same");
    }
    err_set(e, ERR_NET, "%s: not found on any mirror", fs->root.what);
    return err_hint(e, "does this mirror carry the release? choose another one with --mirror");
}

static int root_text(struct fetch_source *fs, struct str text, struct err *e)
{
    if (fs->form == SIGNATURE)
        return accept_root(fs, fs->bare, text, e);
    if (fs->form == INLINE || !by_signature(fs))
        return accept_root(fs, text, (struct str){0}, e);
    fs->bare = arena_copy(&fs->fetch->job->arena, text);
    return queue_root(fs, SIGNATURE, e);
}

static int root_done(struct transfer_file *f, struct transfer_result *r, struct err *e)
{
    struct fetch_source *fs = f->ctx;
    AUTO_BUF text = {0};
    AUTO_FD fd = r->fd;
    int rc;
    if (fd < 0)
        rc = missing_root(fs, e);
    else
        rc = file_read_fd(fd, f->what, ROOT_MAX, &text, e) < 0 ? -1 : root_text(fs, buf_view(&text), e);
    return rc < 0 ? err_wrap(e, "%s", fs->source->repo->id) : 0;
}

static int queue_root(struct fetch_source *fs, int form, struct err *e)
{
    struct fetch *ft = fs->fetch;
    struct source *s = fs->source;
    const char *path = root_path(fs, form);
    bool metalink = create_root_trust(ft->plan, s) == DISTRO_TRUST_METALINK;
    fs->form = form;
    fs->root = (struct transfer_file){.mirrors = &s->urls,
                                      .path = path,
                                      .max_size = ROOT_MAX,
                                      .accept = metalink ? s->accept : NULL,
                                      .naccept = metalink ? s->naccept : 0,
                                      .optional = true,
                                      .what = path,
                                      .ctx = fs,
                                      .done = root_done};
    return transfer_add(ft->transfer, &fs->root, e);
}

/* Offline the last verified form is verified again, as if it had just come. 1: it is not in the cache. */
static int cached_root(struct fetch_source *fs, int form, struct err *e)
{
    struct job *j = fs->fetch->job;
    AUTO_BUF text = {0}, sig = {0};
    if (!j->have_cache || root_path(fs, form) == NULL)
        return 1;
    int rc = cache_get_named(&j->cache, cache_key(fs, form), ROOT_MAX, &text, e);
    if (rc == 0 && form == BARE && by_signature(fs))
        rc = cache_get_named(&j->cache, cache_key(fs, SIGNATURE), ROOT_MAX, &sig, e);
    fs->form = form;
    return rc != 0 ? rc : accept_root(fs, buf_view(&text), buf_view(&sig), e);
}

/* What vouches for the index: said where it is not its signature. */
static int check_trust(struct fetch_source *fs, struct err *e)
{
    const struct create_plan *p = fs->fetch->plan;
    if (p->keyring == NULL || create_root_trust(p, fs->source) != DISTRO_TRUST_PACKAGES)
        return 0;
    if (!p->fmt->signed_packages) {
        err_set(e, ERR_TRUST, "nothing vouches for the index: packages of the format %s are not signed",
                p->fmt->name);
        return err_hint(e, "say `trust signature' in the recipe");
    }
    log_info(fs->fetch->job->log, "%s: the index is not signed: the packages' signatures alone decide",
             fs->source->repo->id);
    return 0;
}

static int start_source(struct fetch_source *fs, struct err *e)
{
    bool metalink = create_root_trust(fs->fetch->plan, fs->source) == DISTRO_TRUST_METALINK;
    int first = metalink || root_path(fs, INLINE) == NULL ? BARE : INLINE;
    if (check_trust(fs, e) < 0)
        return -1;
    if (!fs->fetch->job->opt.offline || strncmp(fs->source->home, "file:", 5) == 0)
        return queue_root(fs, first, e);
    int rc = cached_root(fs, first, e);
    if (rc == 1 && first == INLINE)
        rc = cached_root(fs, BARE, e);
    if (rc < 1)
        return rc;
    err_set(e, ERR_NET, "%s: not in the cache", fs->source->query.suite);
    return err_hint(e, "run it once without --offline");
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
        AUTO_FD fd = wait_fd(ft, fs, i);
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
    for (size_t i = 0; i < ft->nsources; i++)
        if (start_source(&ft->sources[i], e) < 0)
            return err_wrap(e, "%s", ft->sources[i].source->repo->id);
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
