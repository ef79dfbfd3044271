#include "base/auto.h"
#include "base/mem.h"
#include "base/tree_int.h"

void tree_watch(struct tree *t, const struct tree_watch *w)
{
    t->watch = *w;
}

/* A file's content on its way into the back end. */
struct tee {
    tree_next *next;
    void *ctx;
    char *bytes; /* size of them, zeroed: gaps are holes */
    uint64_t size;
};

static int next_piece(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e)
{
    struct tee *tee = ctx;
    int r = tee->next(tee->ctx, p, n, off, e);
    /* What is past the size is the back end's to refuse. */
    if (r > 0 && *n > 0 && *off <= tee->size && *n <= tee->size - *off)
        memcpy(tee->bytes + *off, *p, *n);
    return r;
}

static int put_file(struct tree_job *j, const struct tree_watch *watch, struct str path, struct err *e)
{
    size_t size = j->en->size <= TREE_WATCH_MAX ? (size_t)j->en->size : 0;
    AUTO_MEM char *bytes = mem_alloc(size + 1);
    struct tee tee = {j->next, j->ctx, bytes, size};
    if (j->next != NULL && size > 0) {
        j->next = next_piece;
        j->ctx = &tee;
    }
    if (j->w->t->ops->put(j, e) < 0)
        return -1;
    watch->file(watch->ctx, path, (struct str){bytes, size});
    return 0;
}

static int put_link(struct tree_job *j, const struct tree_watch *watch, struct str path, struct err *e)
{
    AUTO_BUF to = {0};
    uint64_t used = 0;
    struct err ignored = {0};
    if (j->w->t->ops->put(j, e) < 0)
        return -1;
    if (j->en->type == TREE_HARD)
        buf_str(&to, buf_view(&j->w->target));
    else if (tree_path_follow(path, j->en->link, &to, &ignored) < 0 ||
             tree_path_layout(j->w->t, &to, true, &used, &ignored) < 0)
        buf_clear(&to);
    watch->link(watch->ctx, path, buf_view(&to));
    return 0;
}

int tree_watch_put(struct tree_job *j, struct err *e)
{
    const struct tree_watch *watch = &j->w->t->watch;
    enum tree_type type = j->en->type;
    bool link = type == TREE_LINK || type == TREE_HARD;
    struct str path = buf_view(&j->w->path);
    if (watch->wants == NULL || !(link || type == TREE_FILE) || !watch->wants(watch->ctx, path))
        return j->w->t->ops->put(j, e);
    return link ? put_link(j, watch, path, e) : put_file(j, watch, path, e);
}
