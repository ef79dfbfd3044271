/* The tarball back end: entries go into the archive as they come, in the plan's order. What was announced
   with tree_hold() is held back in memory until fixups have seen it (tree_held.c). */
#include <stdlib.h>
#include <time.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/tarball.h"
#include "base/tree_tar.h"

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int tar_hold(struct tree *t, const char *const *paths, size_t n, struct err *e)
{
    struct tree_tar *r = t->tar;
    r->holds = mem_grow(r->holds, r->nholds + n, sizeof *r->holds);
    for (size_t i = 0; i < n; i++) {
        struct str *s = &r->holds[r->nholds];
        if (tree_canonical(t, str_c(paths[i]), &t->arena, s, e) < 0)
            return -1;
        r->nholds++;
    }
    if (r->nholds > 0)
        qsort(r->holds, r->nholds, sizeof *r->holds, by_bytes);
    return 0;
}

bool tree_tar_holds(const struct tree *t, struct str path)
{
    const struct tree_tar *r = t->tar;
    for (size_t n = 0; n <= path.n && r->nholds > 0; n++) {
        const struct str up = {path.p, n};
        if ((n == path.n || (n > 0 && path.p[n] == '/')) &&
            bsearch(&up, r->holds, r->nholds, sizeof *r->holds, by_bytes) != NULL)
            return true;
    }
    return false;
}

static struct tree_entry node_entry(const struct tree *t, const struct tree_node *n, const struct buf *path,
                                    enum tree_type type)
{
    static const struct tree_meta made = {.mode = 0755};
    const struct tree_meta *m = n->meta != NULL ? n->meta : &made;
    return (struct tree_entry){.path = buf_view(path),
                               .type = type,
                               .mode = m->mode,
                               .uid = m->uid,
                               .gid = m->gid,
                               .mtime = n->meta != NULL ? m->mtime : t->epoch,
                               .mtime_nsec = m->mtime_nsec,
                               .xattrs = m->xattrs,
                               .nxattrs = m->nxattrs};
}

int tree_tar_dir(struct tree *t, struct tree_node *n, struct err *e)
{
    if (n->made)
        return 0;
    if (n->parent != NULL && tree_tar_dir(t, n->parent, e) < 0)
        return -1;
    AUTO_BUF path = {0};
    tree_node_path(n, &path);
    const struct tree_entry en = node_entry(t, n, &path, TREE_DIR);
    tree_claim_set_made(t, n);
    return tarball_entry(t->tar->tarball, &en, e);
}

struct tar_sink {
    struct tarball *tarball;
    uint64_t at;
};

static int write_zeros(struct tar_sink *s, uint64_t to, struct err *e)
{
    static const char zeros[16384];
    while (s->at < to) {
        size_t n = to - s->at < sizeof zeros ? (size_t)(to - s->at) : sizeof zeros;
        if (tarball_data(s->tarball, zeros, n, e) < 0)
            return -1;
        s->at += n;
    }
    return 0;
}

static int sink_piece(void *ctx, const void *p, size_t n, uint64_t off, struct err *e)
{
    struct tar_sink *s = ctx;
    if (write_zeros(s, off, e) < 0 || tarball_data(s->tarball, p, n, e) < 0)
        return -1;
    s->at = off + n;
    return 0;
}

int tree_tar_write(const struct tree_job *j, struct err *e)
{
    struct tree_entry en = *j->en;
    AUTO_BUF target = {0};
    struct tar_sink s = {.tarball = j->w->t->tar->tarball};
    en.path = buf_view(&j->w->path);
    en.mode = en.type == TREE_LINK ? 0777 : j->meta.mode;
    en.mtime = j->meta.mtime;
    en.mtime_nsec = j->meta.mtime_nsec;
    if (en.type == TREE_HARD) {
        tree_node_path(j->target, &target);
        en.link = buf_view(&target);
    }
    if (tarball_entry(s.tarball, &en, e) < 0)
        return -1;
    return en.type == TREE_FILE ? tree_content(j, sink_piece, &s, e) : 0;
}

static int shipped_twice(const char *who, const char *path, struct err *e)
{
    err_set(e, ERR_FORMAT, "%s: %s: ships the path twice, and a tarball cannot take back the first one", who,
            path);
    return err_hint(e, "make a directory instead");
}

/* The directory a package names is written when it is named, one that is only passed through with the first
   entry below it; layout links come last, when all that is known of them is. */
static int tar_put(const struct tree_job *j, struct err *e)
{
    struct tree *t = j->w->t;
    struct tree_node *n = j->node;
    if (j->layout || (n->kind == KIND_DIR && n->meta == NULL))
        return 0;
    bool held = tree_tar_holds(t, buf_view(&j->w->path));
    if (j->replace && !held && n->kind != KIND_DIR)
        return shipped_twice(j->w->who, buf_c(&j->w->path), e);
    if (held || (j->en->type == TREE_HARD && tree_held_has(t, buf_view(&j->w->target))))
        return tree_held_put(j, e);
    if (n->kind == KIND_DIR)
        return tree_tar_dir(t, n, e);
    return tree_tar_dir(t, n->parent, e) < 0 ? -1 : tree_tar_write(j, e);
}

/* A hard link to a path that another package won: another name of what stands there. */
static int settle_hard(struct tree *t, struct tree_node *n, struct err *e)
{
    struct tree_node *base = NULL;
    AUTO_BUF path = {0}, target = {0};
    if (tree_claim_base(t, n, &base, e) < 0)
        return -1;
    tree_node_path(n, &path);
    tree_node_path(base, &target);
    if (n->writer != TREE_NOBODY)
        return shipped_twice(tree_who(t, n->owner), buf_c(&path), e);
    if (tree_tar_holds(t, buf_view(&path)) || tree_held_has(t, buf_view(&target)))
        return tree_held_link(t, buf_view(&path), buf_view(&target), n->meta, e);
    struct tree_entry en = node_entry(t, n, &path, TREE_HARD);
    en.link = buf_view(&target);
    return tree_tar_dir(t, n->parent, e) < 0 ? -1 : tarball_entry(t->tar->tarball, &en, e);
}

static int settle_dir(struct tree *t, struct tree_node *n, struct err *e)
{
    AUTO_BUF path = {0};
    tree_node_path(n, &path);
    const struct tree_entry en = node_entry(t, n, &path, TREE_DIR);
    return tree_tar_holds(t, buf_view(&path)) ? tree_held_claimed(t, &en, e) : tree_tar_dir(t, n, e);
}

static int settle_layout(struct tree *t, size_t i, struct err *e)
{
    const struct tree_node *n = t->layout_nodes[i];
    AUTO_BUF path = {0};
    if (n == NULL)
        return 0;
    tree_node_path(n, &path);
    struct tree_entry en = node_entry(t, n, &path, TREE_LINK);
    en.mode = 0777;
    en.link = str_c(t->layout[i].text);
    if (tree_tar_holds(t, en.path))
        return tree_held_claimed(t, &en, e);
    return tree_tar_dir(t, n->parent, e) < 0 ? -1 : tarball_entry(t->tar->tarball, &en, e);
}

static int settle_all(struct tree *t, struct tree_node *const *nodes, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (nodes[i]->kind == KIND_DIR && settle_dir(t, nodes[i], e) < 0)
            return -1;
    for (size_t i = 0; i < n; i++)
        if (nodes[i]->kind == KIND_HARD && (nodes[i]->writer == TREE_NOBODY || nodes[i]->meta != NULL) &&
            settle_hard(t, nodes[i], e) < 0)
            return -1;
    for (size_t i = 0; i < t->nlayout; i++)
        if (settle_layout(t, i, e) < 0)
            return -1;
    return 0;
}

static int tar_settle(struct tree *t, struct err *e)
{
    AUTO_MEM struct tree_node **nodes = mem_grow(NULL, t->count + 1, sizeof *nodes);
    size_t n = t->count;
    for (struct tree_node *at = t->newest; at != NULL && n > 0; at = at->older)
        nodes[--n] = at;
    return tree_tar_dir(t, t->root, e) < 0 ? -1 : settle_all(t, nodes, t->count, e);
}

static int tar_seal(struct tree *t, bool nosync, struct err *e)
{
    if (tree_held_write(t, e) < 0 || tarball_finish(t->tar->tarball, nosync, &t->tar->digest, e) < 0)
        return -1;
    t->sealed = true;
    return 0;
}

static void tar_close(struct tree *t)
{
    tree_queue_free(t);
    tree_held_free(t);
    free(t->tar->holds);
    free(t->tar);
    free(t->path);
    tree_claim_free(t);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static const struct tree_ops tree_tar_ops = {
    .put = tar_put,
    .hold = tar_hold,
    .settle = tar_settle,
    .import = tree_held_import,
    .seal = tar_seal,
    .close = tar_close,
    .stat = tree_held_stat,
    .exists = tree_held_exists,
    .read = tree_held_read,
    .write = tree_held_make,
    .mkdir = tree_held_mkdir,
    .symlink = tree_held_symlink,
    .node = tree_held_node,
    .remove = tree_held_remove,
    .rename = tree_held_rename,
    .mode = tree_held_mode,
    .owner = tree_held_owner,
    .list = tree_held_list,
};

const struct digest *tree_digest(const struct tree *t)
{
    return &t->tar->digest;
}

int tree_open_tar(struct tree **out, struct tarball *tarball, const char *target, const struct log *log,
                  struct err *e)
{
    (void)e;
    struct tree *t = mem_alloc(sizeof *t);
    t->ops = &tree_tar_ops;
    t->log = log;
    t->epoch = (int64_t)time(NULL);
    t->fd = -1;
    t->path = mem_dup(target);
    t->tar = mem_alloc(sizeof *t->tar);
    t->tar->tarball = tarball;
    pthread_mutex_init(&t->lock, NULL);
    tree_claim_init(t);
    t->root->made = false;
    tree_queue_init(t);
    *out = t;
    return 0;
}
