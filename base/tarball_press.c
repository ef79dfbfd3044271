#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/os.h"
#include "base/tarball_int.h"

enum { THREADS_MAX = 32, PIPE_PIECE = 4096, POLL_MS = 200 };

/* What all compressing threads may use together. */
static const uint64_t memory_budget = (uint64_t)512 << 20;

/* Chunk number k lies in slot k % nslots: filled by the caller, taken by a thread, hashed and written in
   order. */
struct slot {
    struct buf raw, out;
};

struct tarball_press {
    const struct tarball_format *format;
    int fd;
    const char *name;
    bool pipe; /* its reader may make us wait */
    const volatile int *stop;
    struct digest_ctx hash;
    struct slot *slots;
    size_t nslots;
    pthread_t threads[THREADS_MAX];
    unsigned nthreads;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock: numbers of chunks. */
    uint64_t filled, taken, hashed, written;
    bool end, failed;
    struct err err;
};

/* A full pipe takes PIPE_BUF bytes at once or none (pipe(7)): so we never wait in write(2) for a reader. */
static int write_pipe(struct tarball_press *p, struct str s, struct err *e)
{
    while (s.n > 0) {
        struct pollfd pfd = {.fd = p->fd, .events = POLLOUT};
        pthread_mutex_lock(&p->lock);
        bool given_up = p->failed || (p->stop != NULL && *p->stop);
        pthread_mutex_unlock(&p->lock);
        if (given_up)
            return err_set(e, ERR_INTR, "interrupted");
        if (poll(&pfd, 1, POLL_MS) <= 0)
            continue;
        size_t n = s.n < PIPE_PIECE ? s.n : PIPE_PIECE;
        if (file_write_fd(p->fd, p->name, s.p, n, e) < 0)
            return e->sys == EPIPE ? err_hint(e, "whoever read it has closed it") : -1;
        s = str_from(s, n);
    }
    return 0;
}

static int write_out(struct tarball_press *p, struct str s, struct err *e)
{
    return p->pipe ? write_pipe(p, s, e) : file_write_fd(p->fd, p->name, s.p, s.n, e);
}

/* Waits until *counter has come to k; false when it will not. Lock held. */
static bool await(struct tarball_press *p, const uint64_t *counter, uint64_t k)
{
    while (*counter != k && !p->failed)
        pthread_cond_wait(&p->changed, &p->lock);
    return !p->failed;
}

/* Lock held on entry and exit. */
static void step(struct tarball_press *p, uint64_t *counter)
{
    ++*counter;
    pthread_cond_broadcast(&p->changed);
}

static int work_on(struct tarball_press *p, uint64_t k, struct err *e)
{
    struct slot *s = &p->slots[k % p->nslots];
    bool go = await(p, &p->hashed, k);
    pthread_mutex_unlock(&p->lock);
    if (go)
        digest_update(&p->hash, s->raw.p, s->raw.n);
    pthread_mutex_lock(&p->lock);
    step(p, &p->hashed);
    pthread_mutex_unlock(&p->lock);
    buf_clear(&s->out);
    int rc = go ? tarball_format_press(p->format, buf_view(&s->raw), &s->out, e) : 0;
    pthread_mutex_lock(&p->lock);
    if (rc < 0 || !await(p, &p->written, k))
        return rc;
    pthread_mutex_unlock(&p->lock);
    rc = write_out(p, buf_view(&s->out), e);
    pthread_mutex_lock(&p->lock);
    step(p, &p->written);
    return rc;
}

static void *worker(void *arg)
{
    struct tarball_press *p = arg;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct err e = {0};
        while (p->taken == p->filled && !p->end && !p->failed)
            pthread_cond_wait(&p->changed, &p->lock);
        if (p->failed || p->taken == p->filled)
            break;
        if (work_on(p, p->taken++, &e) < 0 && !p->failed) {
            p->failed = true;
            p->err = e;
            pthread_cond_broadcast(&p->changed);
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static unsigned thread_count(const struct tarball_format *f, unsigned jobs)
{
    uint64_t n = jobs > 0 ? jobs : os_cpus(), most = memory_budget / (f->memory + 2 * f->chunk);
    n = n < most ? n : most;
    return n > THREADS_MAX ? THREADS_MAX : n < 1 ? 1 : (unsigned)n;
}

int tarball_press_open(struct tarball_press **out, const struct tarball_format *f, int fd, const char *name,
                       const struct tarball_opts *o, struct err *e)
{
    struct tarball_press *p = *out = mem_alloc(sizeof *p);
    struct stat st;
    p->format = f;
    p->fd = fd;
    p->name = name;
    p->stop = o->stop;
    p->pipe = fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    unsigned want = thread_count(f, o->jobs);
    p->nslots = want + 1;
    p->slots = mem_alloc(p->nslots * sizeof *p->slots);
    int rc = digest_begin(&p->hash, DIGEST_SHA256, e);
    while (rc == 0 && p->nthreads < want && pthread_create(&p->threads[p->nthreads], NULL, worker, p) == 0)
        p->nthreads++;
    if (rc == 0 && p->nthreads > 0)
        return 0;
    tarball_press_close(p);
    *out = NULL;
    return rc < 0 ? -1 : err_set(e, ERR_HOST, "cannot start a thread");
}

/* Waits for the slot of the chunk that is being filled. */
static int await_slot(struct tarball_press *p, struct err *e)
{
    if (p->stop != NULL && *p->stop)
        return err_set(e, ERR_INTR, "interrupted");
    pthread_mutex_lock(&p->lock);
    while (p->filled - p->written >= p->nslots && !p->failed)
        pthread_cond_wait(&p->changed, &p->lock);
    bool failed = p->failed;
    if (failed)
        *e = p->err;
    pthread_mutex_unlock(&p->lock);
    return failed ? -1 : 0;
}

static void submit(struct tarball_press *p)
{
    pthread_mutex_lock(&p->lock);
    step(p, &p->filled);
    pthread_mutex_unlock(&p->lock);
}

int tarball_press_add(struct tarball_press *p, const void *bytes, size_t n, struct err *e)
{
    for (const char *at = bytes; n > 0;) {
        struct slot *s = &p->slots[p->filled % p->nslots];
        if (await_slot(p, e) < 0)
            return -1;
        /* A slot that was written is used again. */
        if (s->raw.n == p->format->chunk)
            buf_clear(&s->raw);
        size_t room = p->format->chunk - s->raw.n, take = n < room ? n : room;
        buf_reserve(&s->raw, room);
        buf_add(&s->raw, at, take);
        at += take;
        n -= take;
        if (s->raw.n == p->format->chunk)
            submit(p);
    }
    return 0;
}

static void join(struct tarball_press *p)
{
    pthread_mutex_lock(&p->lock);
    p->end = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    while (p->nthreads > 0)
        pthread_join(p->threads[--p->nthreads], NULL);
}

int tarball_press_finish(struct tarball_press *p, struct digest *sum, struct err *e)
{
    const struct slot *last = &p->slots[p->filled % p->nslots];
    if (await_slot(p, e) < 0)
        return -1;
    if (last->raw.n > 0 && last->raw.n < p->format->chunk)
        submit(p);
    join(p);
    digest_end(&p->hash, sum);
    if (p->failed)
        *e = p->err;
    return p->failed ? -1 : 0;
}

void tarball_press_close(struct tarball_press *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->failed = p->failed || !p->end;
    pthread_mutex_unlock(&p->lock);
    join(p);
    digest_end(&p->hash, NULL);
    for (size_t i = 0; i < p->nslots; i++) {
        buf_free(&p->slots[i].raw);
        buf_free(&p->slots[i].out);
    }
    free(p->slots);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
