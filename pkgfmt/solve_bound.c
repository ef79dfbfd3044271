/* Solving in a thread of its own, which is left alone when it takes too long: a hostile index can make it
   take for ever, and libsolv has nothing to stop it by. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "pkgfmt/solve_impl.h"

enum {
    SECONDS = 60,    /* a real set takes less than one */
    POLL_MS = 100,   /* so soon the stop flag is seen */
    STACK = 16 << 20 /* libsolv recurses */
};

struct bound {
    struct solve *s;
    struct solve_request request; /* the solver's own copy: it may outlive the caller's */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    int rc;
    struct err err;
};

static const char *const *copy_words(struct arena *a, const char *const *words, size_t n)
{
    const char **copy = arena_array(a, n + 1, sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = arena_dup(a, words[i]);
    return copy;
}

static void *run(void *arg)
{
    struct bound *b = arg;
    int rc = solve_find(b->s, &b->request, &b->err);
    pthread_mutex_lock(&b->lock);
    b->rc = rc;
    b->done = true;
    pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

static int start(struct bound *b, pthread_t *thread, struct err *e)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    int rc = pthread_create(thread, &attr, run, b);
    pthread_attr_destroy(&attr);
    return rc == 0 ? 0 : err_sys(e, ERR_HOST, rc, "cannot start a thread");
}

/* Until it is done, the time is up or *stop is set; true when it is done. */
static bool wait_done(struct bound *b, unsigned seconds, const volatile int *stop)
{
    struct timespec begin, now, until;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    now = begin;
    pthread_mutex_lock(&b->lock);
    while (!b->done && now.tv_sec - begin.tv_sec <= (time_t)seconds && (stop == NULL || *stop == 0)) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += POLL_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&b->changed, &b->lock, &until);
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    bool done = b->done;
    pthread_mutex_unlock(&b->lock);
    return done;
}

static int given_up(const struct solve_request *r, unsigned seconds, struct err *e)
{
    if (r->stop != NULL && *r->stop != 0)
        return err_set(e, ERR_INTR, "interrupted");
    err_set(e, ERR_SOLVE, "the packages' relations could not be solved within %u seconds", seconds);
    return err_hint(e, "leave out repositories or packages until they can");
}

int solve_bound(struct solve *s, const struct solve_request *r, struct err *e)
{
    unsigned seconds = r->max_seconds > 0 ? r->max_seconds : SECONDS;
    struct bound *b = mem_alloc(sizeof *b);
    pthread_t thread;
    b->s = s;
    b->request = *r;
    b->request.prefer = copy_words(&s->run, r->prefer, r->nprefer);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, NULL);
    if (start(b, &thread, e) < 0) {
        free(b);
        return -1;
    }
    if (!wait_done(b, seconds, r->stop)) {
        pthread_detach(thread);
        s->abandoned = true; /* it still works on the pool, and on b */
        s->bound = b;
        return given_up(r, seconds, e);
    }
    pthread_join(thread, NULL);
    int rc = b->rc;
    if (rc != 0)
        *e = b->err;
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->lock);
    free(b);
    return rc;
}
