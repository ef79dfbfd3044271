/* Packages take turns. What waits lies in blocks of one size, which are used again: memory is bounded by
   their number, whatever is in them. */
#include <pthread.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/tree_int.h"

enum { BLOCK = 128 * 1024, BLOCKS_MAX = 256, ALIGN = 16 };

/* The blocks of a package are its entries one after the other, in order. */
struct tree_block {
    struct tree_block *next;
    size_t used;
    _Alignas(ALIGN) char bytes[BLOCK];
};

struct piece {
    struct piece *next;
    uint64_t off;
    size_t n;
    char bytes[];
};

struct tree_queued {
    struct tree_queued *next;
    struct tree_block *block; /* where it begins */
    struct tree_entry en;
    struct piece *first, **last;
    const struct piece *at; /* next to be put */
    tree_next *rest;        /* what could not be waited for any more: the content goes on there */
    void *ctx;
};

struct tree_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock */
    unsigned turn; /* index of the package that writes */
    struct tree_writer **done;
    size_t ndone; /* room in done: whole packages whose turn is to come, by index */
    struct tree_block *free;
    size_t in_use;
    bool failed;
    struct err err; /* why; may be empty */
};

void tree_queue_init(struct tree *t)
{
    t->queue = mem_alloc(sizeof *t->queue);
    pthread_mutex_init(&t->queue->lock, NULL);
    pthread_cond_init(&t->queue->changed, NULL);
}

/* Gives back the writer's blocks before `keep` (NULL: all). */
static void give_back(struct tree_writer *w, const struct tree_block *keep)
{
    struct tree_queue *q = w->t->queue;
    if (w->block == keep)
        return;
    pthread_mutex_lock(&q->lock);
    while (w->block != keep) {
        struct tree_block *b = w->block;
        w->block = b->next;
        b->next = q->free;
        q->free = b;
        q->in_use--;
    }
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

void tree_queue_free(struct tree *t)
{
    struct tree_queue *q = t->queue;
    if (q == NULL)
        return;
    for (size_t i = 0; i < q->ndone; i++)
        tree_writer_close(q->done[i]);
    for (struct tree_block *b = q->free, *next; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
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
    give_back(w, NULL);
    pthread_mutex_lock(&q->lock);
    q->failed = q->failed || w->index >= q->turn;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

/* 1: it is the package's turn, 0: it may wait, -1: another package has failed. Lock held. */
static int state(const struct tree_writer *w, struct err *e)
{
    const struct tree_queue *q = w->t->queue;
    if (!q->failed)
        return w->index <= q->turn;
    *e = q->err;
    return e->class != ERR_NONE ? -1
                                : err_set(e, ERR_HOST, "%s: given up, as another package failed", w->who);
}

/* One more block, when there is one or the turn has come meanwhile; as state(). */
static int add_block(struct tree_writer *w, struct err *e)
{
    struct tree_queue *q = w->t->queue;
    pthread_mutex_lock(&q->lock);
    while (w->index > q->turn && !q->failed && q->in_use >= BLOCKS_MAX)
        pthread_cond_wait(&q->changed, &q->lock);
    int rc = state(w, e);
    struct tree_block *b = q->free;
    if (b != NULL)
        q->free = b->next;
    q->in_use++;
    pthread_mutex_unlock(&q->lock);
    b = b != NULL ? b : mem_grow(NULL, 1, sizeof *b);
    b->next = NULL;
    b->used = 0;
    if (w->block == NULL)
        w->block = b;
    else
        w->last_block->next = b;
    w->last_block = b;
    return rc;
}

/* n bytes (at most BLOCK) in the writer's blocks; as state(), the bytes are there but for -1. */
static int take(struct tree_writer *w, size_t n, void **out, struct err *e)
{
    int rc = 0;
    n = (n + ALIGN - 1) / ALIGN * ALIGN;
    if (w->block == NULL || BLOCK - w->last_block->used < n)
        rc = add_block(w, e);
    *out = w->last_block->bytes + w->last_block->used;
    w->last_block->used += n;
    return rc;
}

static int take_copy(struct tree_writer *w, struct str s, struct str *out, struct err *e)
{
    void *p;
    int rc = take(w, s.n, &p, e);
    if (rc >= 0 && s.n > 0)
        memcpy(p, s.p, s.n);
    *out = (struct str){p, s.n};
    return rc;
}

/* The entry's strings and attributes; the path is clean, which bounds it. */
static int copy_strings(struct tree_writer *w, const struct tree_entry *en, struct tree_entry *c,
                        struct err *e)
{
    void *p;
    struct str path = w->path.n > 0 ? buf_view(&w->path) : STR(".");
    if (take_copy(w, path, &c->path, e) < 0 || take_copy(w, en->link, &c->link, e) < 0)
        return -1;
    if (take(w, en->nxattrs * sizeof(struct tree_xattr), &p, e) < 0)
        return -1;
    struct tree_xattr *x = p;
    for (size_t i = 0; i < en->nxattrs; i++)
        if (take_copy(w, en->xattrs[i].name, &x[i].name, e) < 0 ||
            take_copy(w, en->xattrs[i].value, &x[i].value, e) < 0)
            return -1;
    c->xattrs = x;
    return 0;
}

static int add_entry(struct tree_writer *w, const struct tree_entry *en, struct tree_queued **out,
                     struct err *e)
{
    void *p;
    if (tree_path_clean(en->path, &w->path, e) < 0)
        return err_wrap(e, "%s", w->who);
    if (take(w, sizeof **out, &p, e) < 0)
        return -1;
    struct tree_queued *c = *out = p;
    *c = (struct tree_queued){.block = w->last_block, .en = *en};
    c->last = &c->first;
    if (copy_strings(w, en, &c->en, e) < 0)
        return -1;
    *(w->first != NULL ? w->last : &w->first) = c;
    w->last = &c->next;
    return 0;
}

/* A piece of the content; as state(). */
static int add_piece(struct tree_writer *w, struct tree_queued *en, const char *bytes, size_t n, uint64_t off,
                     struct err *e)
{
    enum { MOST = BLOCK / 2 };
    int rc;
    do {
        size_t part = n < MOST ? n : MOST;
        void *p;
        rc = take(w, sizeof(struct piece) + part, &p, e);
        if (rc < 0)
            return -1;
        struct piece *c = p;
        *c = (struct piece){.off = off, .n = part};
        if (part > 0)
            memcpy(c->bytes, bytes, part);
        *en->last = c;
        en->last = &c->next;
        bytes += part;
        off += part;
        n -= part;
    } while (n > 0);
    return rc;
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

static int put_waiting(struct tree_writer *w, struct err *e)
{
    int rc = 0;
    while (rc == 0 && w->first != NULL) {
        struct tree_queued *en = w->first;
        en->at = en->first;
        rc = tree_put_now(w, &en->en, en->first != NULL ? next_waited : NULL, en, e);
        w->first = en->next;
        give_back(w, w->first != NULL ? w->first->block : NULL);
    }
    return rc;
}

/* 1: the turn came while the content was read: the rest follows from where it comes from. 0: all of it waits.
 */
static int add_content(struct tree_writer *w, struct tree_queued *en, tree_next *next, void *ctx,
                       struct err *e)
{
    const void *p;
    size_t n;
    uint64_t off;
    int r = 0;
    while (next != NULL && (r = next(ctx, &p, &n, &off, e)) > 0) {
        int turn = add_piece(w, en, p, n, off, e);
        if (turn == 0)
            continue;
        en->rest = next;
        en->ctx = ctx;
        return turn;
    }
    return r;
}

static int my_turn(struct tree_writer *w, struct err *e)
{
    pthread_mutex_lock(&w->t->queue->lock);
    int rc = state(w, e);
    pthread_mutex_unlock(&w->t->queue->lock);
    return rc;
}

int tree_queue_put(struct tree_writer *w, const struct tree_entry *en, tree_next *next, void *ctx,
                   struct err *e)
{
    struct tree_queued *c = NULL;
    int turn = my_turn(w, e);
    if (turn < 0)
        return -1;
    if (turn > 0)
        return put_waiting(w, e) < 0 ? -1 : tree_put_now(w, en, next, ctx, e);
    if (add_entry(w, en, &c, e) < 0 || c == NULL)
        return -1;
    turn = add_content(w, c, next, ctx, e);
    return turn > 0 ? put_waiting(w, e) : turn;
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
