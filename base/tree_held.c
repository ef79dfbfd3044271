/* What a tarball holds back in memory: the paths that fixups and overlays touch, and what they make. */
#include <stdlib.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/tarball.h"
#include "base/tree_held.h"

enum { HELD_BYTES_MAX = 64 * 1024 * 1024 };

static size_t lower_bound(const struct tree_tar *r, struct str path)
{
    size_t lo = 0, hi = r->nheld;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (str_cmp(r->held[mid].path, path) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct tree_held *tree_held_find(const struct tree *t, struct str path)
{
    size_t i = lower_bound(t->tar, path);
    return i < t->tar->nheld && str_eq(t->tar->held[i].path, path) ? &t->tar->held[i] : NULL;
}

bool tree_held_has(const struct tree *t, struct str path)
{
    return tree_held_find(t, path) != NULL;
}

int tree_held_count(struct tree *t, uint64_t bytes, struct str path, struct err *e)
{
    if (bytes <= HELD_BYTES_MAX && t->tar->held_bytes <= HELD_BYTES_MAX - bytes) {
        t->tar->held_bytes += bytes;
        return 0;
    }
    err_set(e, ERR_USAGE,
            "%" STR_FMT
            ": what fixups and overlays change takes more than %d MiB, which a tarball holds in memory",
            STR_ARG(path), HELD_BYTES_MAX >> 20);
    return err_hint(e, "make a directory, or change less");
}

void tree_held_let_go(struct tree_inode *i)
{
    if (--i->names > 0)
        return;
    buf_free(&i->data);
    free(i);
}

void tree_held_name(struct tree *t, struct str path, struct tree_inode *i)
{
    struct tree_tar *r = t->tar;
    size_t at = lower_bound(r, path);
    i->names++;
    if (at < r->nheld && str_eq(r->held[at].path, path)) {
        tree_held_let_go(r->held[at].inode);
        r->held[at].inode = i;
        return;
    }
    if (r->nheld == r->held_cap) {
        r->held_cap = r->held_cap * 2 + 64;
        r->held = mem_grow(r->held, r->held_cap, sizeof *r->held);
    }
    memmove(&r->held[at + 1], &r->held[at], (r->nheld - at) * sizeof *r->held);
    r->held[at] = (struct tree_held){arena_copy(&t->tar->arena, path), i, false};
    r->nheld++;
}

static struct tree_meta copy_meta(struct tree *t, const struct tree_meta *m)
{
    struct tree_meta c = *m;
    struct tree_xattr *x = arena_array(&t->tar->arena, m->nxattrs + 1, sizeof *x);
    for (size_t i = 0; i < m->nxattrs; i++)
        x[i] = (struct tree_xattr){arena_copy(&t->tar->arena, m->xattrs[i].name),
                                   arena_copy(&t->tar->arena, m->xattrs[i].value)};
    c.xattrs = x;
    return c;
}

struct tree_inode *tree_held_new(struct tree *t, struct str path, enum tree_type type,
                                 const struct tree_meta *m)
{
    struct tree_inode *i = mem_alloc(sizeof *i);
    i->type = type;
    i->meta = copy_meta(t, m);
    tree_held_name(t, path, i);
    return i;
}

int tree_held_parents(struct tree *t, struct str path, struct err *e)
{
    const struct tree_meta m = {.mode = 0755, .mtime = t->epoch};
    for (size_t n = 0; n < path.n; n++) {
        struct str up = {path.p, n};
        if (path.p[n] != '/' || tree_held_find(t, up) != NULL)
            continue;
        if (tree_claim_find(t, up) != NULL && !tree_tar_holds(t, up))
            continue;
        if (tree_held_count(t, TREE_HELD_COST + n, up, e) < 0)
            return -1;
        tree_held_new(t, up, TREE_DIR, &m);
    }
    return 0;
}

static void fill_zeros(struct buf *b, uint64_t to)
{
    buf_reserve(b, (size_t)to - b->n);
    memset(b->p + b->n, 0, (size_t)to - b->n + 1);
    b->n = (size_t)to;
}

static int sink_piece(void *ctx, const void *p, size_t n, uint64_t off, struct err *e)
{
    struct buf *data = ctx;
    (void)e;
    fill_zeros(data, off);
    buf_add(data, p, n);
    return 0;
}

static int hold_hard(const struct tree_job *j, struct err *e)
{
    AUTO_BUF target = {0};
    tree_node_path(j->target, &target);
    return tree_held_link(j->w->t, buf_view(&j->w->path), buf_view(&target), &j->meta, e);
}

int tree_held_put(const struct tree_job *j, struct err *e)
{
    struct tree *t = j->w->t;
    const struct tree_entry *en = j->en;
    struct str path = buf_view(&j->w->path);
    uint64_t size = en->type == TREE_FILE ? en->size : en->link.n;
    if (tree_held_count(t, TREE_HELD_COST + path.n + (size < HELD_BYTES_MAX ? size : HELD_BYTES_MAX), path,
                        e) < 0 ||
        tree_held_parents(t, path, e) < 0)
        return err_wrap(e, "%s", j->w->who);
    if (en->type == TREE_HARD)
        return hold_hard(j, e);
    struct tree_meta m = j->node->kind == KIND_DIR ? *j->node->meta : j->meta;
    m.mode = en->type == TREE_LINK ? 0777 : m.mode;
    struct tree_inode *i = tree_held_new(t, path, en->type, &m);
    i->major = en->major;
    i->minor = en->minor;
    if (en->type == TREE_LINK)
        buf_str(&i->data, en->link);
    return en->type == TREE_FILE ? tree_content(j, sink_piece, &i->data, e) : 0;
}

int tree_held_link(struct tree *t, struct str path, struct str target, const struct tree_meta *m,
                   struct err *e)
{
    if (tree_held_count(t, TREE_HELD_COST + path.n + target.n, path, e) < 0 ||
        tree_held_parents(t, path, e) < 0)
        return -1;
    const struct tree_held *h = tree_held_find(t, target); /* now: parents move what is held */
    if (h != NULL)
        tree_held_name(t, path, h->inode);
    else
        buf_str(&tree_held_new(t, path, TREE_HARD, m)->data, target);
    return 0;
}

int tree_held_claimed(struct tree *t, const struct tree_entry *en, struct err *e)
{
    const struct tree_meta m = {en->mode,       en->uid,    en->gid,    en->mtime,
                                en->mtime_nsec, en->xattrs, en->nxattrs};
    if (tree_held_has(t, en->path))
        return 0;
    if (tree_held_count(t, TREE_HELD_COST + en->path.n + en->link.n, en->path, e) < 0 ||
        tree_held_parents(t, en->path, e) < 0)
        return -1;
    buf_str(&tree_held_new(t, en->path, en->type, &m)->data, en->link);
    return 0;
}

int tree_held_write_one(struct tree *t, struct tree_held *h, struct err *e)
{
    struct tree_inode *i = h->inode;
    struct str data = buf_view(&i->data);
    struct tree_entry en = {.path = h->path,
                            .type = i->written.p != NULL ? TREE_HARD : i->type,
                            .mode = i->meta.mode,
                            .uid = i->meta.uid,
                            .gid = i->meta.gid,
                            .mtime = i->meta.mtime,
                            .mtime_nsec = i->meta.mtime_nsec,
                            .size = i->type == TREE_FILE ? data.n : 0,
                            .link = i->written.p != NULL ? i->written : data,
                            .major = i->major,
                            .minor = i->minor,
                            .xattrs = i->meta.xattrs,
                            .nxattrs = i->meta.nxattrs};
    if (tarball_entry(t->tar->tarball, &en, e) < 0)
        return -1;
    i->written = i->written.p != NULL ? i->written : h->path;
    h->written = true;
    return en.type == TREE_FILE ? tarball_data(t->tar->tarball, data.p, data.n, e) : 0;
}

int tree_held_write(struct tree *t, struct err *e)
{
    struct tree_tar *r = t->tar;
    for (size_t i = 0; i < r->nheld; i++) {
        struct str up = tree_path_dir(r->held[i].path, NULL);
        struct tree_node *parent = tree_held_find(t, up) != NULL ? NULL : tree_claim_find(t, up);
        if (r->held[i].written)
            continue;
        if (parent != NULL && tree_tar_dir(t, parent, e) < 0)
            return -1;
        if (tree_held_write_one(t, &r->held[i], e) < 0)
            return -1;
    }
    return 0;
}

void tree_held_free(struct tree *t)
{
    struct tree_tar *r = t->tar;
    for (size_t i = 0; i < r->nheld; i++)
        tree_held_let_go(r->held[i].inode);
    free(r->held);
    arena_free(&r->arena);
    r->held = NULL;
    r->nheld = 0;
}
