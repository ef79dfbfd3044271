#include "pkgfmt/ahead.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { SLOTS = 4 };

struct slot {
    char bytes[AHEAD_BLOCK];
    ssize_t n; /* what the source answered */
};

/* A ring: the thread fills slots[filled % SLOTS], the caller empties slots[emptied % SLOTS]. */
struct ahead {
    ahead_source *source;
    void *ctx;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct slot slots[SLOTS];
    unsigned long filled, emptied;
    bool stop;
    struct err err; /* of the slot with n < 0, the last one */
};

/* A slot to fill; NULL when the caller wants no more. */
static struct slot *free_slot(struct ahead *a)
{
    pthread_mutex_lock(&a->lock);
    while (!a->stop && a->filled - a->emptied == SLOTS)
        pthread_cond_wait(&a->moved, &a->lock);
    struct slot *s = a->stop ? NULL : &a->slots[a->filled % SLOTS];
    pthread_mutex_unlock(&a->lock);
    return s;
}

static void move(struct ahead *a, unsigned long *counter)
{
    pthread_mutex_lock(&a->lock);
    ++*counter;
    pthread_cond_broadcast(&a->moved);
    pthread_mutex_unlock(&a->lock);
}

static void *fill(void *arg)
{
    struct ahead *a = arg;
    struct slot *s;
    ssize_t n;
    do {
        s = free_slot(a);
        if (s == NULL)
            break;
        n = a->source(a->ctx, s->bytes, sizeof s->bytes, &a->err);
        s->n = n;
        move(a, &a->filled);
    } while (n > 0);
    return NULL;
}

struct ahead *ahead_open(ahead_source *source, void *ctx)
{
    struct ahead *a = mem_alloc(sizeof *a);
    a->source = source;
    a->ctx = ctx;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->moved, NULL);
    if (pthread_create(&a->thread, NULL, fill, a) == 0)
        return a;
    pthread_cond_destroy(&a->moved);
    pthread_mutex_destroy(&a->lock);
    free(a);
    return NULL;
}

ssize_t ahead_read(struct ahead *a, void *p, size_t n, struct err *e)
{
    pthread_mutex_lock(&a->lock);
    while (a->filled == a->emptied)
        pthread_cond_wait(&a->moved, &a->lock);
    struct slot *s = &a->slots[a->emptied % SLOTS];
    pthread_mutex_unlock(&a->lock);
    ssize_t got = s->n;
    if (got < 0)
        *e = a->err;
    if (got <= 0)
        return got; /* the slot stays: the end is the end */
    memcpy(p, s->bytes, (size_t)got < n ? (size_t)got : n);
    move(a, &a->emptied);
    return got;
}

void ahead_close(struct ahead *a)
{
    if (a == NULL)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_broadcast(&a->moved);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    pthread_cond_destroy(&a->moved);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
