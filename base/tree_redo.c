/* What the claims come to once all packages were unpacked. */
#include <stdlib.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/tree_int.h"

static bool wins_unwritten(const struct tree_node *n)
{
    return n->kind != KIND_DIR && n->kind != KIND_LAYOUT && n->kind != KIND_HARD && n->writer != n->owner;
}

int tree_redo(struct tree *t, struct arena *a, unsigned **indexes, size_t *n, struct err *e)
{
    (void)e;
    size_t max = 0;
    pthread_mutex_lock(&t->lock);
    AUTO_MEM bool *redo = mem_alloc(t->nwhos);
    for (struct tree_node *node = t->newest; node != NULL; node = node->older)
        if (wins_unwritten(node)) {
            node->redo = true;
            max += !redo[node->owner];
            redo[node->owner] = true;
        }
    *indexes = arena_array(a, max, sizeof **indexes);
    *n = 0;
    for (unsigned i = 0; i < t->nwhos; i++)
        if (redo[i])
            (*indexes)[(*n)++] = i;
    pthread_mutex_unlock(&t->lock);
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

int tree_shared(struct tree *t, struct arena *a, struct str **paths, size_t *n, struct err *e)
{
    (void)e;
    size_t max = 0;
    AUTO_BUF path = {0};
    pthread_mutex_lock(&t->lock);
    for (struct tree_node *node = t->newest; node != NULL; node = node->older)
        max += node->others != NULL;
    *paths = arena_array(a, max, sizeof **paths);
    *n = 0;
    for (struct tree_node *node = t->newest; node != NULL; node = node->older)
        if (node->others != NULL) {
            buf_clear(&path);
            tree_node_path(node, &path);
            (*paths)[(*n)++] = arena_copy(a, buf_view(&path));
        }
    pthread_mutex_unlock(&t->lock);
    if (*n > 0)
        qsort(*paths, *n, sizeof **paths, by_bytes);
    return 0;
}

static int no_base(struct tree *t, const struct tree_node *n, const char *why, struct err *e)
{
    AUTO_BUF path = {0}, target = {0};
    tree_node_path(n, &path);
    tree_node_path(n->target, &target);
    return err_set(e, ERR_FORMAT, "%s: %s: a hard link to `%s', which %s", tree_who(t, n->owner),
                   buf_c(&path), buf_c(&target), why);
}

int tree_claim_base(struct tree *t, struct tree_node *n, struct tree_node **base, struct err *e)
{
    struct tree_node *end = n;
    for (size_t steps = 0; end->kind == KIND_HARD && steps <= t->count; steps++)
        end = end->base != NULL ? end->base : end->target;
    if (end->kind == KIND_HARD)
        return no_base(t, n, "is a hard link back to it", e);
    if (end->kind != KIND_FILE)
        return no_base(t, n, "another package ships as something else than a file", e);
    while (n->kind == KIND_HARD && n->base == NULL) {
        n->base = end;
        n = n->target;
    }
    *base = end;
    return 0;
}
