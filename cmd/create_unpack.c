#include "cmd/create_unpack.h"

#include <pthread.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/os.h"
#include "cmd/create_stages.h"
#include "cmd/sbom.h"

enum {
    WORKERS_MAX = 64,
    QUEUE_MAX = 512,                  /* verified packages that wait as open descriptors */
    DECODER_BASE = 2 * 1024 * 1024,   /* libarchive's buffers and ours, per package */
    DECODER_MAX = 64 * 1024 * 1024,   /* the largest dictionary that xz -9 asks for */
    MEMORY_BUDGET = 64 * 1024 * 1024, /* for all decoders together */
    SPARE = 16 * 1024 * 1024          /* what a package may expand to beyond twice its Installed-Size */
};

struct item {
    struct unpacker *u;
    struct transfer_file file;
    unsigned index; /* in the plan */
    int fd;
    bool reading; /* for its owners */
};

/* One queue between the transfers and the workers; everything below the lock is shared. */
struct unpacker {
    struct job *job;
    struct create_plan *plan;
    struct tree *tree;
    struct pkgfmt_second *second;
    const struct pkgfmt_trust *trust; /* NULL: packages' signatures are not looked at */
    struct pkgfmt_owners *owners;     /* NULL: the format has none */
    struct item *items;
    bool redo, ordered; /* ordered: packages are begun in the plan's order */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct item **ready; /* verified, not taken yet */
    size_t nready, done, total;
    unsigned next;      /* ordered: index of the package to begin with */
    size_t read, nread; /* packages whose owners were read, and shall be before any is unpacked */
    bool reading;       /* the owners of one are being read */
    uint64_t memory;    /* what the running decoders may use */
    bool closed, failed;
    struct err err;
};

/* A decoder's dictionary is never larger than what it decodes. */
static uint64_t decoder_cost(const struct plan_pkg *pkg)
{
    uint64_t size = pkg->installed_size < DECODER_MAX ? pkg->installed_size : DECODER_MAX;
    return DECODER_BASE + size;
}

static uint64_t unpack_bound(const struct plan_pkg *pkg)
{
    if (pkg->installed_size == 0)
        return pkg->size * 64 + SPARE;
    return pkg->installed_size * 2 + SPARE;
}

static struct item *take_at(struct unpacker *u, size_t i)
{
    struct item *it = u->ready[i];
    u->ready[i] = u->ready[--u->nready];
    return it;
}

/* One at a time and in the plan's order, so that the result is the same every time. Lock held. */
static struct item *take_unread(struct unpacker *u)
{
    for (size_t i = 0; i < u->nready; i++)
        if (u->ready[i]->index == u->read) {
            struct item *it = take_at(u, i);
            it->reading = u->reading = true;
            return it;
        }
    return NULL;
}

/* The largest package that fits the memory budget, in an ordered tree the next one if it does; one always
 * fits when nothing runs. Lock held. */
static struct item *take(struct unpacker *u)
{
    size_t best = u->nready;
    if (u->read < u->nread)
        return take_unread(u);
    for (size_t i = 0; i < u->nready; i++) {
        const struct plan_pkg *pkg = &u->plan->plan.pkgs[u->ready[i]->index];
        if (u->memory > 0 && u->memory + decoder_cost(pkg) > MEMORY_BUDGET)
            continue;
        if (u->ordered && u->ready[i]->index != u->next)
            continue;
        if (best == u->nready ||
            pkg->installed_size > u->plan->plan.pkgs[u->ready[best]->index].installed_size)
            best = i;
    }
    if (best == u->nready)
        return NULL;
    struct item *it = take_at(u, best);
    u->next = it->index + 1;
    u->memory += decoder_cost(&u->plan->plan.pkgs[it->index]);
    return it;
}

static struct pkgfmt_package package_of(const struct unpacker *u, const struct item *it)
{
    return (struct pkgfmt_package){.fd = it->fd,
                                   .pkg = &u->plan->plan.pkgs[it->index],
                                   .index = it->index,
                                   .max_bytes = unpack_bound(&u->plan->plan.pkgs[it->index]),
                                   .trust = u->trust,
                                   .owners = u->owners};
}

/* *w is left where it failed. */
static int unpack_one(struct unpacker *u, struct item *it, struct tree_writer **w, struct err *e)
{
    const struct plan_pkg *pkg = &u->plan->plan.pkgs[it->index];
    /* The writer first: whoever waits for this package's turn hears of it when the writer is closed. */
    if (tree_writer_open(u->tree, it->index, pkg->name, unpack_bound(pkg), u->redo, w, e) < 0 ||
        job_check_stop(e) < 0)
        return -1;
    const struct pkgfmt_package package = package_of(u, it);
    if (u->plan->fmt->unpack(&package, *w, u->redo ? NULL : u->second, e) < 0 ||
        (u->plan->sbom != NULL && sbom_take(u->plan->sbom, &package, e) < 0))
        return -1;
    return tree_writer_finish(w, e);
}

static void fail(struct unpacker *u, const struct err *e)
{
    if (!u->failed)
        u->err = *e;
    u->failed = true;
}

/* Takes the users and groups out of the package, and gives it back. Lock held on entry and exit. */
static void read_owners(struct unpacker *u, struct item *it)
{
    struct err e = {0};
    const struct pkgfmt_package package = package_of(u, it);
    pthread_mutex_unlock(&u->lock);
    int rc = u->plan->fmt->owners_read(&package, &e);
    pthread_mutex_lock(&u->lock);
    if (rc < 0)
        fail(u, &e);
    it->reading = u->reading = false;
    u->ready[u->nready++] = it;
    u->read++;
    pthread_cond_broadcast(&u->changed);
}

/* Lock held on entry and exit. */
static void report(struct unpacker *u, struct item *it, int rc, const struct err *e)
{
    u->memory -= decoder_cost(&u->plan->plan.pkgs[it->index]);
    u->done++;
    if (rc < 0)
        fail(u, e);
    const struct progress p = {"unpack", u->done, u->total, "packages", u->plan->plan.pkgs[it->index].name};
    log_progress(u->job->log, &p);
    pthread_cond_broadcast(&u->changed);
}

static void *worker(void *arg)
{
    struct unpacker *u = arg;
    pthread_mutex_lock(&u->lock);
    for (;;) {
        struct item *it = u->failed ? NULL : take(u);
        bool end = u->closed && u->nready == 0 && u->read == u->nread;
        if (it == NULL && (u->failed || end))
            break;
        if (it == NULL) {
            pthread_cond_wait(&u->changed, &u->lock);
            continue;
        }
        pthread_cond_broadcast(&u->changed);
        if (it->reading) {
            read_owners(u, it);
            continue;
        }
        pthread_mutex_unlock(&u->lock);
        struct err e = {0};
        struct tree_writer *w = NULL;
        int rc = unpack_one(u, it, &w, &e);
        close(it->fd);
        it->fd = -1;
        pthread_mutex_lock(&u->lock);
        report(u, it, rc, &e);
        if (w == NULL)
            continue;
        /* Others may fail because of it: only when the reason is known. */
        pthread_mutex_unlock(&u->lock);
        tree_writer_close(w);
        pthread_mutex_lock(&u->lock);
    }
    pthread_mutex_unlock(&u->lock);
    return NULL;
}

/* Whether the workers have something to do with what is here. Lock held. */
static bool can_begin(const struct unpacker *u)
{
    bool unread = u->read < u->nread;
    if (u->reading)
        return true;
    for (size_t i = 0; i < u->nready; i++)
        if (unread ? u->ready[i]->index == u->read : !u->ordered || u->ready[i]->index == u->next)
            return true;
    return false;
}

/* A package is here and verified. Transfers wait when too many are: the kernel's limit on descriptors is not
 * ours to hit. */
static int package_done(struct transfer_file *f, struct transfer_result *r, struct err *e)
{
    struct item *it = f->ctx;
    struct unpacker *u = it->u;
    it->fd = r->fd;
    pthread_mutex_lock(&u->lock);
    while (u->nready >= QUEUE_MAX && can_begin(u) && !u->failed)
        pthread_cond_wait(&u->changed, &u->lock);
    u->ready[u->nready++] = it;
    bool failed = u->failed;
    pthread_cond_broadcast(&u->changed);
    pthread_mutex_unlock(&u->lock);
    return failed ? err_set(e, ERR_FORMAT, "unpacking failed") : 0;
}

static int by_index(const void *a, const void *b)
{
    const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Those whose owners the others wait for come first. */
static int by_size(const void *a, const void *b)
{
    const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;
    bool first = x->index < x->u->nread;
    if (first != (y->index < y->u->nread))
        return first ? -1 : 1;
    if (x->file.size != y->file.size)
        return x->file.size > y->file.size ? -1 : 1;
    return by_index(a, b);
}

/* Queues the items' transfers, the largest first, so that none of them comes last and is unpacked alone; in
 * an ordered tree in that order. */
static int queue_transfers(struct unpacker *u, struct transfer *t, const unsigned *indexes, size_t n,
                           struct err *e)
{
    struct arena *a = &u->job->arena;
    struct item **order = arena_array(a, n + 1, sizeof *order);
    for (size_t i = 0; i < n; i++) {
        struct item *it = &u->items[indexes[i]];
        const struct plan_pkg *pkg = &u->plan->plan.pkgs[indexes[i]];
        *it = (struct item){.u = u, .index = indexes[i], .fd = -1};
        it->file = (struct transfer_file){.mirrors = &u->plan->sources[pkg->repo].urls,
                                          .path = pkg->path,
                                          .size = pkg->size,
                                          .digest = pkg->digest,
                                          .what = arena_printf(a, "%s %s", pkg->name, pkg->version),
                                          .ctx = it,
                                          .done = package_done};
        order[i] = it;
    }
    qsort(order, n, sizeof *order, u->ordered ? by_index : by_size);
    for (size_t i = 0; i < n; i++)
        if (transfer_add(t, &order[i]->file, e) < 0)
            return -1;
    return 0;
}

static unsigned worker_count(const struct job *j, size_t packages)
{
    uint64_t n = j->opt.jobs ? j->opt.jobs : os_cpus();
    if (n > WORKERS_MAX)
        n = WORKERS_MAX;
    return (unsigned)(n < packages ? n : packages);
}

/* Fetches with the workers running; the workers' own error is the one to show. */
static int fetch_and_unpack(struct unpacker *u, struct transfer *t, size_t n, struct err *e)
{
    pthread_t threads[WORKERS_MAX];
    unsigned want = worker_count(u->job, n), started = 0;
    while (started < want && pthread_create(&threads[started], NULL, worker, u) == 0)
        started++;
    int rc = started == 0 && n > 0 ? err_set(e, ERR_HOST, "cannot start a thread") : transfer_run(t, e);
    progress_end(&u->job->ui, "fetch");
    pthread_mutex_lock(&u->lock);
    u->closed = true;
    if (rc < 0)
        fail(u, e);
    pthread_cond_broadcast(&u->changed);
    pthread_mutex_unlock(&u->lock);
    while (started > 0)
        pthread_join(threads[--started], NULL);
    if (u->failed)
        *e = u->err;
    return u->failed ? -1 : 0;
}

static int run_pass(struct unpacker *u, const unsigned *indexes, size_t n, bool redo, struct err *e)
{
    struct transfer *t;
    struct transfer_opts to = create_transfer_opts(u->job, "fetch");
    u->redo = redo;
    u->ordered = tree_ordered(u->tree);
    u->closed = false;
    u->done = 0;
    u->total = n;
    if (transfer_open(&t, &to, e) < 0)
        return -1;
    int rc = queue_transfers(u, t, indexes, n, e) < 0 ? -1 : fetch_and_unpack(u, t, n, e);
    transfer_close(t);
    for (size_t i = 0; i < n; i++)
        if (u->items[indexes[i]].u != NULL && u->items[indexes[i]].fd >= 0)
            close(u->items[indexes[i]].fd);
    return rc;
}

static int run_passes(struct unpacker *u, struct err *e)
{
    struct arena *a = &u->job->arena;
    size_t n = u->plan->plan.n;
    unsigned *all = arena_array(a, n + 1, sizeof *all), *again;
    for (size_t i = 0; i < n; i++)
        all[i] = (unsigned)i;
    if (run_pass(u, all, n, false, e) < 0 || tree_redo(u->tree, a, &again, &n, e) < 0)
        return -1;
    if (n > 0 && run_pass(u, again, n, true, e) < 0)
        return -1;
    if (u->second != NULL && u->plan->fmt->second_settle(u->second, e) < 0)
        return -1;
    return tree_settle(u->tree, e);
}

int create_unpack(struct job *j, struct create_plan *p, struct tree *t, struct pkgfmt_second *second,
                  struct pkgfmt_owners *owners, struct err *e)
{
    struct unpacker u = {.job = j,
                         .plan = p,
                         .tree = t,
                         .second = second,
                         .trust = create_trust(j, p),
                         .owners = owners,
                         .nread = owners != NULL ? p->plan.nfirst : 0};
    u.items = arena_array(&j->arena, p->plan.n + 1, sizeof *u.items);
    u.ready = arena_array(&j->arena, p->plan.n + 1, sizeof *u.ready);
    pthread_mutex_init(&u.lock, NULL);
    pthread_cond_init(&u.changed, NULL);
    progress_begin(&j->ui, "fetch");
    progress_begin(&j->ui, "unpack");
    int rc = run_passes(&u, e);
    progress_end(&j->ui, "unpack");
    pthread_cond_destroy(&u.changed);
    pthread_mutex_destroy(&u.lock);
    return rc;
}
