/* The layer between two trees. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/mem.h"
#include "cmd/oci_tree_int.h"

#define WHITEOUT ".wh."

enum { NAME_BYTES = 255 };

static void count_names(struct oci_tree *t)
{
    for (struct oci_node *n = t->root; n != NULL; n = n->newer)
        if (oci_node_is(n))
            n->inode->names++;
}

/* Parents come before their children. */
static void pair(struct oci_tree *want, const struct oci_tree *base)
{
    want->root->peer = base->root;
    base->root->peer = want->root;
    for (struct oci_node *n = want->root->newer; n != NULL; n = n->newer) {
        n->peer = n->parent->peer != NULL ? oci_tree_child(base, n->parent->peer, n->name) : NULL;
        if (n->peer != NULL)
            n->peer->peer = n;
    }
}

static bool is_same(const struct oci_inode *a, const struct oci_inode *b, int64_t epoch)
{
    return memcmp(a->sum, b->sum, sizeof a->sum) == 0 &&
           (a->type != TREE_FILE || a->mtime >= epoch || a->mtime == b->mtime);
}

static void compare(struct oci_tree *want, int64_t epoch)
{
    for (struct oci_node *n = want->root; n != NULL; n = n->newer) {
        if (!oci_node_is(n))
            continue;
        struct oci_inode *i = n->inode;
        struct oci_inode *b = n->peer != NULL && oci_node_is(n->peer) ? n->peer->inode : NULL;
        i->differs = i->differs || b == NULL || (i->peer != NULL && i->peer != b) || i->names != b->names ||
                     !is_same(i, b, epoch);
        i->peer = b;
    }
}

/* It and what stands above it: who unpacks the layer alone would make those up. */
static void into_layer(struct oci_node *n)
{
    for (; n != NULL && !n->in_layer; n = n->parent)
        n->in_layer = true;
}

static int check_name(const struct oci_node *n, struct err *e)
{
    AUTO_BUF path = {0};
    if (!str_starts(n->name, STR(WHITEOUT)))
        return 0;
    oci_node_path(n, &path);
    return err_set(e, ERR_FORMAT, "/%s: in an image's layer such a name says that a file is removed",
                   buf_c(&path));
}

static int mark(struct oci_tree *want, struct err *e)
{
    for (struct oci_node *n = want->root; n != NULL; n = n->newer) {
        if (!oci_node_is(n))
            continue;
        if (check_name(n, e) < 0)
            return -1;
        if (n->inode->differs)
            into_layer(n);
    }
    return 0;
}

static bool is_wanted(const struct oci_node *base)
{
    return base->peer != NULL && oci_node_is(base->peer);
}

/* The path is removed in the layer, of which nobody has said so. */
static int add_whiteout(struct oci_tree *want, struct oci_node *gone, size_t *cap, struct err *e)
{
    AUTO_BUF path = {0};
    gone->in_layer = true;
    oci_node_path(gone->parent, &path);
    if (gone->name.n + strlen(WHITEOUT) > NAME_BYTES) {
        err_set(e, ERR_FORMAT, "/%s/%" STR_FMT ": the name is too long for a layer to remove it",
                buf_c(&path), STR_ARG(gone->name));
        return err_hint(e, "choose another --base, or none");
    }
    if (path.n > 0)
        buf_putc(&path, '/');
    buf_puts(&path, WHITEOUT);
    buf_str(&path, gone->name);
    if (want->nwhiteouts == *cap) {
        *cap = *cap * 2 + 64;
        want->whiteouts = mem_grow(want->whiteouts, *cap, sizeof *want->whiteouts);
    }
    want->whiteouts[want->nwhiteouts++] = arena_copy(&want->arena, buf_view(&path));
    into_layer(gone->parent->peer);
    return 0;
}

/* Of what goes the topmost names that are in a directory that stays; a file in a directory's place removes
   what was below it by itself. */
static int find_gone(struct oci_tree *want, const struct oci_tree *base, size_t *cap, struct err *e)
{
    for (struct oci_node *n = base->root; n != NULL; n = n->newer) {
        if (!oci_node_is(n) || is_wanted(n))
            continue;
        struct oci_node *top = n;
        while (!is_wanted(top->parent))
            top = top->parent;
        if (top->in_layer || top->parent->peer->inode->type != TREE_DIR)
            continue;
        if (add_whiteout(want, top, cap, e) < 0)
            return -1;
    }
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

int oci_tree_diff(struct oci_tree *want, struct oci_tree *base, int64_t epoch, struct err *e)
{
    size_t cap = 0;
    if (!oci_node_is(want->root))
        return err_set(e, ERR_FORMAT, "a layer without a root directory");
    count_names(want);
    count_names(base);
    pair(want, base);
    compare(want, epoch);
    if (mark(want, e) < 0 || find_gone(want, base, &cap, e) < 0)
        return -1;
    if (want->nwhiteouts > 0)
        qsort(want->whiteouts, want->nwhiteouts, sizeof *want->whiteouts, by_bytes);
    return 0;
}

bool oci_tree_differs(const struct oci_tree *want, struct str path)
{
    const struct oci_node *n = oci_tree_find(want, path);
    return n != NULL && n->in_layer;
}

size_t oci_tree_whiteouts(const struct oci_tree *want, const struct str **paths)
{
    *paths = want->whiteouts;
    return want->nwhiteouts;
}
