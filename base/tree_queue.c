/* Packages take turns. */
#include <pthread.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/tree_int.h"

/* Contents that wait, of all packages together. */
enum { QUEUE_BYTES_MAX = 64 * 1024 * 1024, ENTRY_COST = 256 };

struct piece {
    struct piece *next;
    uint64_t off;
    size_t n;
    char bytes[];
};

struct tree_queued {
    struct tree_queued *next;
    struct tree_entry en; /* its strings in a */
    struct arena a;
    struct piece *first, **last;
    const struct piece *at; /* next to be put */
    uint64_t cost;
    tree_next *rest; /* what could not be waited for any more: the content goes on there */
    void *ctx;
};

struct tree_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock */
    unsigned turn; /* index of the package that writes */
    struct tree_writer **done;
    size_t ndone;     /* room in done: whole packages whose turn is to come, by index */
    uint64_t waiting; /* bytes */
    bool failed;
    struct err err; /* why; may be empty */
};

void tree_queue_init(struct tree *t)
{
    t->queue = mem_alloc(sizeof *t->queue);
    pthread_mutex_init(&t->queue->lock, NULL);
    pthread_cond_init(&t->queue->changed, NULL);
}

static void free_entry(struct tree_queue *q, struct tree_queued *en)
{
    for (struct piece *p = en->first, *next; p != NULL; p = next) {
        next = p->next;
        free(p);
    }
    pthread_mutex_lock(&q->lock);
    q->waiting -= en->cost;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    arena_free(&en->a);
    free(en);
}

static void free_waiting(struct tree_writer *w)
{
    for (struct tree_queued *en = w->first, *next; en != NULL; en = next) {
        next = en->next;
        free_entry(w->t->queue, en);
    }
    w->first = NULL;
}

void tree_queue_free(struct tree *t)
{
    struct tree_queue *q = t->queue;
    if (q == NULL)
        return;
    for (size_t i = 0; i < q->ndone; i++)
        tree_writer_close(q->done[i]);
    free(q->done);
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
    free(q);
    t->queue = NULL;
}

void tree_queue_drop(struct tree_writer *w)
{
    struct tree_queue *q = w->t->queue;
    if (q == NULL)
        return;
    free_waiting(w);
    pthread_mutex_lock(&q->lock);
    q->failed = q->failed || w->index >= q->turn;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

static struct tree_queued *copy_entry(const struct tree_entry *en)
{
    struct tree_queued *c = mem_alloc(sizeof *c);
    struct arena *a = &c->a;
    struct tree_xattr *x = arena_array(a, en->nxattrs + 1, sizeof *x);
    c->en = *en;
    c->en.path = arena_copy(a, en->path);
    c->en.link = arena_copy(a, en->link);
    c->en.xattrs = x;
    c->cost = ENTRY_COST + en->path.n + en->link.n;
    for (size_t i = 0; i < en->nxattrs; i++) {
        x[i] = (struct tree_xattr){arena_copy(a, en->xattrs[i].name), arena_copy(a, en->xattrs[i].value)};
        c->cost += x[i].name.n + x[i].value.n;
    }
    c->last = &c->first;
    return c;
}

static void add_piece(struct tree_queued *en, const void *p, size_t n, uint64_t off)
{
    struct piece *c = mem_grow(NULL, sizeof *c + n, 1);
    *c = (struct piece){.off = off, .n = n};
    if (n > 0)
        memcpy(c->bytes, p, n);
    *en->last = c;
    en->last = &c->next;
}

/* The pieces that waited, then what follows them. */
static int next_waited(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e)
{
    struct tree_queued *en = ctx;
    const struct piece *c = en->at;
    if (c == NULL)
        return en->rest != NULL ? en->rest(en->ctx, p, n, off, e) : 0;
    *p = c->bytes;
    *n = c->n;
    *off = c->off;
    en->at = c->next;
    return 1;
}

/* 1: it is the package's turn; 0: n more bytes may wait; -1: another package has failed. */
static int ask(struct tree_writer *w, uint64_t n, struct err *e)
{
    struct tree_queue *q = w->t->queue;
    pthread_mutex_lock(&q->lock);
    while (w->index > q->turn && !q->failed && q->waiting > 0 && q->waiting + n > QUEUE_BYTES_MAX)
        pthread_cond_wait(&q->changed, &q->lock);
    int rc = q->failed ? -1 : w->index <= q->turn;
    if (rc == 0)
        q->waiting += n;
    if (rc < 0)
        *e = q->err;
    pthread_mutex_unlock(&q->lock);
    if (rc < 0 && e->class == ERR_NONE)
        err_set(e, ERR_HOST, "%s: given up, as another package failed", w->who);
    return rc;
}

static int put_waiting(struct tree_writer *w, struct err *e)
{
    while (w->first != NULL) {
        struct tree_queued *en = w->first;
        en->at = en->first;
        int rc = tree_put_now(w, &en->en, en->first != NULL ? next_waited : NULL, en, e);
        w->first = en->next;
        free_entry(w->t->queue, en);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* 1: the entry waits; 0: its turn has come, put_waiting() puts it, the last one, too; -1. */
static int take_pieces(struct tree_writer *w, struct tree_queued *en, tree_next *next, void *ctx,
                       struct err *e)
{
    const void *p;
    size_t n;
    uint64_t off;
    int r = 0;
    while (next != NULL && (r = next(ctx, &p, &n, &off, e)) > 0) {
        int turn = ask(w, sizeof(struct piece) + n, e);
        if (turn < 0)
            return -1;
        if (turn == 0)
            en->cost += sizeof(struct piece) + n;
        add_piece(en, p, n, off);
        if (turn > 0) {
            en->rest = next;
            en->ctx = ctx;
            return 0;
        }
    }
    return r < 0 ? -1 : 1;
}

int tree_queue_put(struct tree_writer *w, const struct tree_entry *en, tree_next *next, void *ctx,
                   struct err *e)
{
    int turn = ask(w, 0, e);
    if (turn < 0)
        return -1;
    if (turn > 0)
        return put_waiting(w, e) < 0 ? -1 : tree_put_now(w, en, next, ctx, e);
    struct tree_queued *c = copy_entry(en);
    if (w->first == NULL)
        w->last = &w->first;
    *w->last = c;
    w->last = &c->next;
    uint64_t cost = c->cost;
    c->cost = 0;
    turn = ask(w, cost, e);
    c->cost = turn == 0 ? cost : 0;
    if (turn < 0)
        return -1;
    int rc = take_pieces(w, c, next, ctx, e);
    return rc == 0 ? put_waiting(w, e) : rc < 0 ? -1 : 0;
}

/* The whole package whose turn it is by now, taken out of those that wait; NULL: it is not whole yet. */
static struct tree_writer *next_turn(struct tree_queue *q)
{
    struct tree_writer *next = NULL;
    pthread_mutex_lock(&q->lock);
    q->turn++;
    if (q->turn < q->ndone) {
        next = q->done[q->turn];
        q->done[q->turn] = NULL;
    }
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    return next;
}

/* Whether the package was left to whoever ends the turn before it. */
static bool leave(struct tree_writer *w)
{
    struct tree_queue *q = w->t->queue;
    pthread_mutex_lock(&q->lock);
    bool later = w->index > q->turn;
    if (later && w->index >= q->ndone) {
        size_t n = (size_t)w->index + 64;
        q->done = mem_grow(q->done, n, sizeof *q->done);
        memset(q->done + q->ndone, 0, (n - q->ndone) * sizeof *q->done);
        q->ndone = n;
    }
    if (later)
        q->done[w->index] = w;
    pthread_mutex_unlock(&q->lock);
    return later;
}

/* Whoever waits gets to know the reason. */
static void fail(struct tree_queue *q, const struct err *e)
{
    pthread_mutex_lock(&q->lock);
    q->failed = true;
    q->err = *e;
    pthread_mutex_unlock(&q->lock);
}

int tree_queue_finish(struct tree_writer *w, struct err *e)
{
    struct tree_queue *q = w->t->queue;
    if (leave(w))
        return 0;
    do {
        int rc = put_waiting(w, e);
        bool again = w->index < q->turn; /* more of a package whose turn has ended */
        if (rc < 0)
            fail(q, e);
        struct tree_writer *next = rc == 0 && !again ? next_turn(q) : NULL;
        tree_writer_close(w);
        if (rc < 0)
            return -1;
        w = next;
    } while (w != NULL);
    return 0;
}
