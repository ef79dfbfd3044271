/* What overlays put into a tarball, in the place of what is held back there. */
#include "base/tarball.h"
#include "base/tree_held.h"

/* The directories that the path stands in, which are held or were a package's. */
static int write_up(struct tree *t, struct str path, struct err *e)
{
    for (size_t n = 1; n < path.n; n++) {
        struct str up = {path.p, n};
        if (path.p[n] != '/')
            continue;
        struct tree_held *h = tree_held_find(t, up);
        struct tree_node *node = h != NULL ? NULL : tree_claim_find(t, up);
        if ((node != NULL && tree_tar_dir(t, node, e) < 0) ||
            (h != NULL && !h->written && tree_held_write_one(t, h, e) < 0))
            return -1;
    }
    return 0;
}

static const char *type_name(enum tree_type type)
{
    static const enum tree_kind kinds[] = {KIND_FILE,    KIND_DIR,     KIND_LINK,   KIND_FILE,
                                           KIND_SPECIAL, KIND_SPECIAL, KIND_SPECIAL};
    return tree_kind_name(kinds[type]);
}

/* What is in the tree at the path, or NULL; *late: and in the tarball. */
static const char *what_is_at(const struct tree *t, struct str path, bool *late)
{
    const struct tree_held *h = tree_held_find(t, path);
    const struct tree_node *n = h != NULL || tree_tar_holds(t, path) ? NULL : tree_claim_find(t, path);
    *late = n != NULL || (h != NULL && h->written);
    return h != NULL ? type_name(h->inode->type) : n != NULL ? tree_kind_name(n->kind) : NULL;
}

static bool is_dir(const char *what)
{
    return strcmp(what, tree_kind_name(KIND_DIR)) == 0;
}

static int check_way(const struct tree_job *j, struct err *e)
{
    struct str path = buf_view(&j->w->path);
    bool late;
    for (size_t n = 1; n < path.n; n++) {
        struct str up = {path.p, n};
        const char *what = path.p[n] == '/' ? what_is_at(j->w->t, up, &late) : NULL;
        if (what != NULL && !is_dir(what))
            return tree_import_through(j, up, what, e);
    }
    return 0;
}

static int import_hard(const struct tree_job *j, struct err *e)
{
    const struct tree_held *h = tree_held_find(j->w->t, buf_view(&j->w->target));
    if (h == NULL || !h->written || h->inode->type != TREE_FILE)
        return err_set(e, ERR_FORMAT, "%s: %s: a hard link to `%s', which is no file that came before",
                       j->w->who, buf_c(&j->w->path), buf_c(&j->w->target));
    tree_held_name(j->w->t, buf_view(&j->w->path), h->inode);
    return 0;
}

static int import_new(const struct tree_job *j, struct err *e)
{
    struct tree *t = j->w->t;
    struct str path = buf_view(&j->w->path);
    struct tree_meta m = j->meta;
    m.mode = j->en->type == TREE_LINK ? 0777 : m.mode;
    struct tree_inode *i = tree_held_new(t, path, j->en->type, &m);
    i->major = j->en->major;
    i->minor = j->en->minor;
    if (j->en->type == TREE_LINK)
        buf_str(&i->data, j->en->link);
    if (j->en->type != TREE_FILE)
        return 0;
    if (write_up(t, path, e) < 0 || tree_tar_write(j, e) < 0)
        return -1;
    struct tree_held *h = tree_held_find(t, path);
    h->written = true;
    i->written = h->path;
    return 0;
}

int tree_held_import(const struct tree_job *j, struct err *e)
{
    struct tree *t = j->w->t;
    struct str path = buf_view(&j->w->path);
    bool late, dir = j->en->type == TREE_DIR;
    if (check_way(j, e) < 0)
        return -1;
    const char *there = what_is_at(t, path, &late);
    if (there != NULL && (dir || is_dir(there)))
        return dir && is_dir(there) ? 0 : tree_import_conflict(j, there, e);
    if (there != NULL && late)
        return err_set(e, ERR_HOST, "%s: %s: is in the tarball already and cannot be replaced any more",
                       j->w->who, buf_c(&j->w->path));
    if (tree_held_count(t, TREE_HELD_COST + path.n + j->en->link.n, path, e) < 0 ||
        tree_held_parents(t, path, e) < 0)
        return err_wrap(e, "%s", j->w->who);
    return j->en->type == TREE_HARD ? import_hard(j, e) : import_new(j, e);
}
