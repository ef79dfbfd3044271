#include "cmd/oci_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/mem.h"
#include "cmd/oci_tree_int.h"

#define WHITEOUT ".wh."
#define OPAQUE   ".wh..wh..opq"

enum { NODES_MAX = 4 * 1024 * 1024 };

struct oci_tree *oci_tree_new(uint64_t max_bytes, bool whiteouts)
{
    struct oci_tree *t = mem_alloc(sizeof *t);
    t->left = max_bytes;
    t->acts = whiteouts;
    t->root = arena_alloc(&t->arena, sizeof *t->root);
    t->newest = t->root;
    return t;
}

void oci_tree_free(struct oci_tree *t)
{
    if (t == NULL)
        return;
    free(t->slots);
    free(t->whiteouts);
    arena_free(&t->arena);
    free(t);
}

static size_t slot(const struct oci_tree *t, const struct oci_node *parent, struct str name)
{
    uint64_t h = (uint64_t)(uintptr_t)parent * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 0x100000001b3u;
    return (size_t)(h ^ h >> 29) & (t->cap - 1);
}

static struct oci_node **find_slot(const struct oci_tree *t, const struct oci_node *parent, struct str name)
{
    size_t k = slot(t, parent, name);
    while (t->slots[k] != NULL && (t->slots[k]->parent != parent || !str_eq(t->slots[k]->name, name)))
        k = (k + 1) & (t->cap - 1);
    return &t->slots[k];
}

static void grow(struct oci_tree *t)
{
    t->cap = t->cap > 0 ? t->cap * 2 : 1024;
    free(t->slots);
    t->slots = mem_alloc(t->cap * sizeof *t->slots);
    for (struct oci_node *n = t->newest; n != t->root; n = n->older)
        *find_slot(t, n->parent, n->name) = n;
}

struct oci_node *oci_tree_child(const struct oci_tree *t, const struct oci_node *parent, struct str name)
{
    return t->cap > 0 ? *find_slot(t, parent, name) : NULL;
}

static struct oci_node *make_child(struct oci_tree *t, struct oci_node *parent, struct str name)
{
    if (t->count * 2 >= t->cap)
        grow(t);
    struct oci_node **at = find_slot(t, parent, name);
    if (*at != NULL)
        return *at;
    struct oci_node *n = arena_alloc(&t->arena, sizeof *n);
    *n = (struct oci_node){.parent = parent, .name = arena_copy(&t->arena, name), .older = t->newest};
    t->newest->newer = n;
    t->newest = n;
    t->count++;
    return *at = n;
}

struct oci_node *oci_tree_find(const struct oci_tree *t, struct str path)
{
    struct oci_node *n = t->root;
    struct str rest = path, name;
    while (n != NULL && rest.n > 0 && str_cut(&rest, '/', &name))
        n = oci_tree_child(t, n, name);
    return n;
}

static struct oci_node *make(struct oci_tree *t, struct str path)
{
    struct oci_node *n = t->root;
    struct str rest = path, name;
    while (rest.n > 0 && str_cut(&rest, '/', &name))
        n = make_child(t, n, name);
    return n;
}

/* Whether the last that was said of it, and of the directories above it, is that it is there. */
bool oci_node_is(const struct oci_node *n)
{
    if (n->set == 0 || n->set < n->cut)
        return false;
    for (const struct oci_node *up = n->parent; up != NULL; up = up->parent)
        if (n->set < up->cut || n->set < up->opaque)
            return false;
    return true;
}

void oci_node_path(const struct oci_node *n, struct buf *out)
{
    if (n->parent == NULL)
        return;
    oci_node_path(n->parent, out);
    if (out->n > 0)
        buf_putc(out, '/');
    buf_str(out, n->name);
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct tree_xattr *)a)->name, ((const struct tree_xattr *)b)->name);
}

static void hash_number(struct digest_ctx *c, uint64_t v)
{
    unsigned char b[8];
    for (int i = 0; i < 8; i++)
        b[i] = (unsigned char)(v >> (8 * i));
    digest_update(c, b, sizeof b);
}

static void hash_bytes(struct digest_ctx *c, struct str s)
{
    hash_number(c, s.n);
    digest_update(c, s.p, s.n);
}

/* Everything that makes it what it is, but for time and content. */
static void hash_entry(struct digest_ctx *c, const struct tree_entry *en)
{
    AUTO_MEM struct tree_xattr *x = mem_grow(NULL, en->nxattrs + 1, sizeof *x);
    bool device = en->type == TREE_CHAR || en->type == TREE_BLOCK;
    const uint64_t numbers[] = {en->type,
                                en->type == TREE_LINK ? 0 : en->mode,
                                en->uid,
                                en->gid,
                                device ? en->major : 0,
                                device ? en->minor : 0,
                                en->type == TREE_FILE ? en->size : 0,
                                en->nxattrs};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        hash_number(c, numbers[i]);
    hash_bytes(c, en->type == TREE_LINK ? en->link : STR(""));
    if (en->nxattrs > 0) {
        memcpy(x, en->xattrs, en->nxattrs * sizeof *x);
        qsort(x, en->nxattrs, sizeof *x, by_name);
    }
    for (size_t i = 0; i < en->nxattrs; i++) {
        hash_bytes(c, x[i].name);
        hash_bytes(c, x[i].value);
    }
}

static void hash_zeros(struct digest_ctx *c, uint64_t n)
{
    static const char zeros[16384];
    for (; n > 0; n -= n < sizeof zeros ? n : sizeof zeros)
        digest_update(c, zeros, n < sizeof zeros ? (size_t)n : sizeof zeros);
}

static int hash_content(struct digest_ctx *c, struct tar_in *layer, uint64_t size, struct err *e)
{
    const void *p;
    size_t n;
    uint64_t off, at = 0;
    int rc;
    while ((rc = tar_in_data(layer, &p, &n, &off, e)) > 0) {
        if (off < at || off > size || n > size - off)
            return err_set(e, ERR_FORMAT, "its content is not of the size that it says");
        hash_zeros(c, off - at);
        digest_update(c, p, n);
        at = off + n;
    }
    if (rc == 0)
        hash_zeros(c, size - at);
    return rc;
}

/* What the entry is, from here on under its name. */
static int read_inode(struct oci_tree *t, struct tar_in *layer, const struct tree_entry *en,
                      struct oci_inode *i, struct err *e)
{
    struct digest_ctx c = {0};
    struct digest d;
    uint64_t size = en->type == TREE_FILE ? en->size : 0;
    if (size > t->left)
        return err_set(e, ERR_FORMAT, "the layers unpack to more than there may be");
    t->left -= size;
    if (digest_begin(&c, DIGEST_SHA256, e) < 0)
        return -1;
    hash_entry(&c, en);
    int rc = size > 0 ? hash_content(&c, layer, size, e) : 0;
    digest_end(&c, &d);
    memcpy(i->sum, d.bytes, sizeof i->sum);
    i->type = en->type;
    i->mtime = en->mtime;
    return rc;
}

static int find_inode(struct oci_tree *t, const struct tree_entry *en, struct oci_inode **out, struct err *e)
{
    AUTO_ARENA a = {0};
    struct str path;
    if (tree_canonical(NULL, en->link, &a, &path, e) < 0)
        return -1;
    const struct oci_node *n = oci_tree_find(t, path);
    if (n == NULL || !oci_node_is(n) || n->inode->type == TREE_DIR)
        return err_set(e, ERR_FORMAT, "a hard link to /%" STR_FMT ", where no file is", STR_ARG(path));
    *out = n->inode;
    return 0;
}

static int put(struct oci_tree *t, struct tar_in *layer, struct oci_node *n, const struct tree_entry *en,
               struct err *e)
{
    struct oci_inode *i = NULL;
    if (en->type == TREE_HARD) {
        if (find_inode(t, en, &i, e) < 0 || i == NULL)
            return -1;
    } else {
        if (++t->inodes > NODES_MAX)
            return err_set(e, ERR_FORMAT, "more than %d files", NODES_MAX);
        i = arena_alloc(&t->arena, sizeof *i);
        if (read_inode(t, layer, en, i, e) < 0)
            return -1;
    }
    n->inode = i;
    n->set = t->layers;
    if (i->type != TREE_DIR)
        n->opaque = t->layers;
    return 0;
}

/* What was there below, or before, of the layers underneath. */
static void whiteout(struct oci_tree *t, struct str dir, struct str name)
{
    struct oci_node *n = oci_tree_find(t, dir);
    if (n != NULL && str_is(name, OPAQUE))
        n->opaque = t->layers;
    else if (n != NULL)
        n = oci_tree_child(t, n, str_from(name, strlen(WHITEOUT)));
    if (n != NULL && !str_is(name, OPAQUE))
        n->cut = t->layers;
}

static int put_path(struct oci_tree *t, struct tar_in *layer, struct str path, const struct tree_entry *en,
                    struct err *e)
{
    struct str dir = {path.p, 0}, name;
    for (size_t i = 0; i < path.n; i++)
        dir.n = path.p[i] == '/' ? i : dir.n;
    name = str_from(path, dir.n > 0 ? dir.n + 1 : 0);
    if (t->acts && str_starts(name, STR(WHITEOUT))) {
        whiteout(t, dir, name);
        return 0;
    }
    if (path.n == 0 && en->type != TREE_DIR)
        return err_set(e, ERR_FORMAT, "the root must be a directory");
    struct oci_node *n = make(t, path);
    return t->count > NODES_MAX ? err_set(e, ERR_FORMAT, "more than %d paths", NODES_MAX)
                                : put(t, layer, n, en, e);
}

/* Clients differ in what they do with a path through a link; nobody can say what the image holds. */
static int check_ways(const struct oci_tree *t, struct err *e)
{
    for (const struct oci_node *n = t->newest; n != NULL; n = n->older) {
        if (n->set != t->layers)
            continue;
        for (const struct oci_node *up = n->parent; up != NULL; up = up->parent) {
            if (!oci_node_is(up) || up->inode->type == TREE_DIR)
                continue;
            AUTO_BUF path = {0};
            oci_node_path(n, &path);
            return err_set(e, ERR_FORMAT, "/%s: stands below what is no directory", buf_c(&path));
        }
    }
    return 0;
}

int oci_tree_apply(struct oci_tree *t, struct tar_in *layer, struct err *e)
{
    const char *spelled;
    struct tree_entry en;
    int rc;
    t->layers++;
    while ((rc = tar_in_next(layer, &spelled, e)) > 0) {
        AUTO_ARENA a = {0};
        struct str path;
        rc = tar_in_entry(layer, spelled, &en, e);
        if (rc < 0)
            return -1;
        if (tree_canonical(NULL, str_c(spelled), &a, &path, e) < 0)
            return -1;
        if (put_path(t, layer, path, &en, e) < 0)
            return err_wrap(e, "/%" STR_FMT, STR_ARG(path));
    }
    return rc < 0 ? -1 : check_ways(t, e);
}
