/* The work is a heap of jobs, one for each directory and one for each large file. Directories get their
   metadata at the end, when nothing changes in them any more; so do further names of a file. */
#include "base/copy.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/copy_int.h"
#include "base/mem.h"
#include "base/os.h"

enum { LARGE = 1 << 20, JOBS_MAX = 64, DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

struct copy_job {
    const char *dir;  /* below the root; "." is the root */
    const char *name; /* a file in it, or NULL: the directory itself */
};

/* A file of several names: where its first one stands. */
struct copy_first {
    dev_t dev;
    ino_t ino;
    const char *path; /* NULL: nothing here */
};

struct copy_link {
    const char *path, *to; /* a further name, and the first */
};

struct copier {
    const struct copy_opts *o;
    const char *from_name;
    int from, to;
    pthread_mutex_t lock;
    pthread_cond_t more;
    /* Under the lock. */
    struct arena arena;
    struct copy_job *jobs;
    size_t njobs, jobs_cap;
    unsigned busy;
    bool failed;
    struct err *err;
    const char **dirs; /* in the order they were found: parents first */
    size_t ndirs, dirs_cap;
    struct copy_first *first; /* a hash table of first_cap places, a power of two */
    size_t nfirst, first_cap;
    struct copy_link *links;
    size_t nlinks, links_cap;
    struct copy_stats stats;
};

static void *grow(void *p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return p;
    *cap = *cap > 0 ? *cap * 2 : 256;
    return mem_grow(p, *cap, size);
}

/* Both with the lock held. */
static void push(struct copier *c, const char *dir, const char *name)
{
    c->jobs = grow(c->jobs, c->njobs, &c->jobs_cap, sizeof *c->jobs);
    c->jobs[c->njobs++] = (struct copy_job){dir, name};
    pthread_cond_signal(&c->more);
}

static void add_dir(struct copier *c, const char *dir)
{
    c->dirs = grow(c->dirs, c->ndirs, &c->dirs_cap, sizeof *c->dirs);
    c->dirs[c->ndirs++] = dir;
}

static const char *join(struct arena *a, const char *dir, const char *name)
{
    return strcmp(dir, ".") == 0 ? arena_dup(a, name) : arena_printf(a, "%s/%s", dir, name);
}

static size_t place_of(const struct copier *c, dev_t dev, ino_t ino)
{
    uint64_t h = ((uint64_t)ino ^ (uint64_t)dev << 40) * 0x9e3779b97f4a7c15u;
    size_t k = (size_t)(h >> 20) & (c->first_cap - 1);
    while (c->first[k].path != NULL && (c->first[k].ino != ino || c->first[k].dev != dev))
        k = (k + 1) & (c->first_cap - 1);
    return k;
}

static void grow_first(struct copier *c)
{
    struct copy_first *old = c->first;
    size_t n = c->first_cap;
    c->first_cap = n > 0 ? n * 2 : 256;
    c->first = mem_alloc(c->first_cap * sizeof *c->first);
    for (size_t i = 0; i < n; i++)
        if (old[i].path != NULL)
            c->first[place_of(c, old[i].dev, old[i].ino)] = old[i];
    free(old);
}

/* Whether the file came under another name before: then this one is noted for the end. */
static bool known(struct copier *c, const char *dir, const char *name, const struct stat *st)
{
    pthread_mutex_lock(&c->lock);
    if (c->nfirst * 2 >= c->first_cap)
        grow_first(c);
    size_t k = place_of(c, st->st_dev, st->st_ino);
    const char *path = join(&c->arena, dir, name);
    bool is_known = c->first[k].path != NULL;
    if (is_known) {
        c->links = grow(c->links, c->nlinks, &c->links_cap, sizeof *c->links);
        c->links[c->nlinks++] = (struct copy_link){path, c->first[k].path};
    } else {
        c->first[k] = (struct copy_first){st->st_dev, st->st_ino, path};
        c->nfirst++;
    }
    pthread_mutex_unlock(&c->lock);
    return is_known;
}

static bool stopped(struct copier *c)
{
    return c->o->stop != NULL && *c->o->stop;
}

static void count(struct copier *c, const struct copy_stats *s)
{
    pthread_mutex_lock(&c->lock);
    c->stats.entries += s->entries;
    c->stats.bytes += s->bytes;
    c->stats.shared += s->shared;
    pthread_mutex_unlock(&c->lock);
}

static int subdir(struct copier *c, const struct copy_at *at, const char *dir, const char *name,
                  struct err *e)
{
    AUTO_FD fd = os_open_subdir(at->from, name);
    bool mounted = fd < 0 && errno == EXDEV;
    if (fd < 0 && !mounted)
        return copy_sys(at, name, "open", e);
    if (mkdirat(at->to, name, 0700) < 0)
        return copy_sys(at, name, "cannot make the directory", e);
    if (mounted) {
        log_info(c->o->log, "%s/%s/%s: what is mounted there is left out", c->from_name, dir, name);
        return fchmodat(at->to, name, 0755, 0) < 0 ? copy_sys(at, name, "mode", e) : 0;
    }
    pthread_mutex_lock(&c->lock);
    const char *path = join(&c->arena, dir, name);
    add_dir(c, path);
    push(c, path, NULL);
    pthread_mutex_unlock(&c->lock);
    return 0;
}

static int entry(struct copier *c, struct copy_at *at, const char *dir, const char *name, struct err *e)
{
    struct stat st;
    if (fstatat(at->from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return copy_sys(at, name, "stat", e);
    at->stats.entries++;
    if (S_ISDIR(st.st_mode))
        return subdir(c, at, dir, name, e);
    if (st.st_nlink > 1 && known(c, dir, name, &st))
        return 0;
    if (!S_ISREG(st.st_mode))
        return copy_special(at, name, &st, e);
    if (st.st_size < LARGE)
        return copy_file(at, name, &st, e);
    pthread_mutex_lock(&c->lock);
    push(c, dir, arena_dup(&c->arena, name));
    pthread_mutex_unlock(&c->lock);
    return 0;
}

static int entries(struct copier *c, struct copy_at *at, const char *dir, struct err *e)
{
    struct dirent *de;
    bool top = strcmp(dir, ".") == 0;
    int rc = 0;
    AUTO_FD fd = openat(at->from, ".", DIR_FLAGS);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (d == NULL)
        return copy_sys(at, ".", "open", e);
    auto_take_fd(&fd);
    while ((errno = 0, de = readdir(d)) != NULL) {
        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0 ||
            (top && strcmp(de->d_name, "lost+found") == 0))
            continue;
        rc = stopped(c) ? err_set(e, ERR_INTR, "interrupted") : entry(c, at, dir, de->d_name, e);
        if (rc < 0)
            break;
    }
    if (rc == 0 && errno != 0)
        rc = copy_sys(at, ".", "reading the directory", e);
    closedir(d);
    return rc;
}

static int open_at(struct copier *c, const char *dir, struct copy_at *at, struct err *e)
{
    *at = (struct copy_at){.o = c->o, .root = c->from_name, .dir = dir, .to = -1};
    at->from = os_open_dir_below(c->from, dir);
    at->to = at->from < 0 ? -1 : os_open_dir_below(c->to, dir);
    return at->to < 0 ? copy_sys(at, ".", "open", e) : 0;
}

static void close_at(struct copy_at *at)
{
    if (at->from >= 0)
        close(at->from);
    if (at->to >= 0)
        close(at->to);
    free(at->window);
}

static int do_job(struct copier *c, const struct copy_job *job, struct err *e)
{
    AUTO(close_at) struct copy_at at;
    struct stat st;
    if (open_at(c, job->dir, &at, e) < 0)
        return -1;
    int rc;
    if (job->name == NULL)
        rc = entries(c, &at, job->dir, e);
    else if (fstatat(at.from, job->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        rc = copy_sys(&at, job->name, "stat", e);
    else
        rc = copy_file(&at, job->name, &st, e);
    count(c, &at.stats);
    return rc;
}

static void *worker(void *arg)
{
    struct copier *c = arg;
    struct err e = {0};
    pthread_mutex_lock(&c->lock);
    while (!c->failed) {
        if (c->njobs == 0 && c->busy == 0)
            break;
        if (c->njobs == 0) {
            pthread_cond_wait(&c->more, &c->lock);
            continue;
        }
        struct copy_job job = c->jobs[--c->njobs];
        c->busy++;
        pthread_mutex_unlock(&c->lock);
        int rc = do_job(c, &job, &e);
        pthread_mutex_lock(&c->lock);
        c->busy--;
        if (rc < 0 && !c->failed) {
            c->failed = true;
            *c->err = e;
        }
    }
    pthread_cond_broadcast(&c->more);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void run_workers(struct copier *c)
{
    pthread_t threads[JOBS_MAX];
    unsigned n = c->o->jobs ? c->o->jobs : os_cpus(), made = 0;
    while (made + 1 < (n > JOBS_MAX ? JOBS_MAX : n) && pthread_create(&threads[made], NULL, worker, c) == 0)
        made++;
    worker(c);
    for (unsigned i = 0; i < made; i++)
        pthread_join(threads[i], NULL);
}

/* The directory of a path below the root, and the last name. */
static struct str split(const char *path, struct str *name)
{
    const char *slash = strrchr(path, '/');
    *name = str_c(slash != NULL ? slash + 1 : path);
    return slash != NULL ? (struct str){path, (size_t)(slash - path)} : STR(".");
}

static int make_links(struct copier *c, struct err *e)
{
    for (size_t i = 0; i < c->nlinks; i++) {
        const struct copy_link *l = &c->links[i];
        struct str name, to_name, dir = split(l->path, &name), to = split(l->to, &to_name);
        AUTO_ARENA a = {0};
        AUTO_FD at = os_open_dir_below(c->to, arena_str(&a, dir)),
                from = os_open_dir_below(c->to, arena_str(&a, to));
        if (at < 0 || from < 0 || linkat(from, arena_str(&a, to_name), at, arena_str(&a, name), 0) < 0)
            return err_sys(e, ERR_HOST, errno, "%s/%s: cannot link it to %s", c->from_name, l->path, l->to);
    }
    return 0;
}

/* Children first: setting a directory's metadata does not touch its parent. */
static int settle_dirs(struct copier *c, struct err *e)
{
    for (size_t i = c->ndirs; i-- > 0;) {
        AUTO(close_at) struct copy_at at;
        if (open_at(c, c->dirs[i], &at, e) < 0 || copy_dir_meta(&at, e) < 0)
            return -1;
    }
    return 0;
}

int copy_tree(int from, const char *from_name, int to, const char *to_name, const struct copy_opts *o,
              struct copy_stats *stats, struct err *e)
{
    struct copier c = {.o = o, .from_name = from_name, .from = from, .to = to, .err = e};
    pthread_mutex_init(&c.lock, NULL);
    pthread_cond_init(&c.more, NULL);
    c.stats.entries = 1;
    add_dir(&c, ".");
    push(&c, ".", NULL);
    run_workers(&c);
    int rc = c.failed || make_links(&c, e) < 0 || settle_dirs(&c, e) < 0 ? -1 : 0;
    if (rc < 0 && e->class != ERR_INTR)
        err_wrap(e, "copying to %s", to_name);
    *stats = c.stats;
    free(c.jobs);
    free(c.dirs);
    free(c.first);
    free(c.links);
    arena_free(&c.arena);
    pthread_mutex_destroy(&c.lock);
    pthread_cond_destroy(&c.more);
    return rc;
}
