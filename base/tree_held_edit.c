/* What fixups do to the paths that a tarball holds back. */
#include <errno.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/os.h"
#include "base/tree_held.h"

static int pass_through(struct tree *t, const char *path, struct str up, struct err *e)
{
    const struct tree_held *h = tree_held_find(t, up);
    const struct tree_node *n = h != NULL || tree_tar_holds(t, up) ? NULL : tree_claim_find(t, up);
    if ((h == NULL || h->inode->type == TREE_DIR) && (n == NULL || n->kind == KIND_DIR))
        return 0;
    return err_set(
        e, ERR_HOST, "%s: passes through `/%" STR_FMT "', which is no directory%s", path, STR_ARG(up),
        n != NULL && n->kind == KIND_LINK ? " but a link, which a tarball's fixups do not follow" : "");
}

/* Canonical path in the tree, the way to it checked. */
static int resolve(struct tree *t, const char *path, struct buf *out, struct err *e)
{
    uint64_t used = 0;
    if (tree_path_clean(str_c(path), out, e) < 0 || tree_path_layout(t, out, true, &used, e) < 0) {
        e->class = ERR_USAGE;
        return -1;
    }
    for (size_t n = 0; n < out->n; n++)
        if (out->p[n] == '/' && pass_through(t, path, (struct str){out->p, n}, e) < 0)
            return -1;
    return 0;
}

static int too_late(const char *path, const char *what, struct err *e)
{
    return err_set(e, ERR_HOST, "%s: is in the tarball already and cannot be %s any more", path, what);
}

/* Resolves it and finds what is held there. 1: nothing is there, 2: a directory that is not held. */
static int look(struct tree *t, const char *path, struct buf *canon, struct tree_held **h, struct err *e)
{
    if (resolve(t, path, canon, e) < 0)
        return -1;
    *h = tree_held_find(t, buf_view(canon));
    if (*h != NULL)
        return (*h)->written && (*h)->inode->type != TREE_DIR ? too_late(path, "read or changed", e) : 0;
    const struct tree_node *n =
        tree_tar_holds(t, buf_view(canon)) ? NULL : tree_claim_find(t, buf_view(canon));
    if (n == NULL || n->kind == KIND_DIR)
        return n == NULL ? 1 : 2;
    return too_late(path, "read or changed", e);
}

static void fill_stat(const struct tree_inode *i, struct arena *a, struct tree_entry *out)
{
    struct str data = buf_view(&i->data);
    out->type = i->type;
    out->mode = i->meta.mode;
    out->uid = i->meta.uid;
    out->gid = i->meta.gid;
    out->mtime = i->meta.mtime;
    out->mtime_nsec = i->meta.mtime_nsec;
    out->size = i->type == TREE_FILE ? data.n : 0;
    out->major = i->major;
    out->minor = i->minor;
    if (i->type == TREE_LINK)
        out->link = arena_copy(a, data);
}

int tree_held_stat(struct tree *t, const char *path, struct arena *a, struct tree_entry *out, struct err *e)
{
    AUTO_BUF canon = {0};
    struct tree_held *h;
    int rc = look(t, path, &canon, &h, e);
    if (rc < 0 || rc == 1)
        return rc;
    *out = (struct tree_entry){
        .path = arena_copy(a, buf_view(&canon)), .type = TREE_DIR, .mode = 0755, .mtime = t->epoch};
    const struct tree_node *n = rc == 2 ? tree_claim_find(t, buf_view(&canon)) : NULL;
    if (rc == 0) {
        fill_stat(h->inode, a, out);
    } else if (n != NULL && n->meta != NULL) {
        out->mode = n->meta->mode;
        out->uid = n->meta->uid;
        out->gid = n->meta->gid;
        out->mtime = n->meta->mtime;
    }
    return 0;
}

int tree_held_exists(struct tree *t, const char *path, bool *there, struct err *e)
{
    AUTO_BUF canon = {0};
    if (resolve(t, path, &canon, e) < 0)
        return -1;
    struct str p = buf_view(&canon);
    *there = tree_held_has(t, p) || (!tree_tar_holds(t, p) && tree_claim_find(t, p) != NULL);
    return 0;
}

int tree_held_read(struct tree *t, const char *path, size_t max, struct buf *out, struct err *e)
{
    AUTO_BUF canon = {0};
    struct tree_held *h;
    int rc = look(t, path, &canon, &h, e);
    if (rc < 0 || rc == 1)
        return rc;
    if (rc == 2 || h->inode->type != TREE_FILE)
        return err_set(e, ERR_HOST, "%s: is no regular file", path);
    if (h->inode->data.n > max)
        return err_set(e, ERR_HOST, "%s: larger than %zu bytes", path, max);
    buf_str(out, buf_view(&h->inode->data));
    return 0;
}

/* Makes something new in the place of what is there, unless that is a directory. NULL: it failed. */
static struct tree_inode *replace(struct tree *t, const char *path, enum tree_type type,
                                  const struct tree_meta *m, size_t bytes, struct err *e)
{
    AUTO_BUF canon = {0};
    struct tree_held *h = NULL;
    int rc = look(t, path, &canon, &h, e);
    if (rc < 0)
        return NULL;
    if (canon.n == 0) {
        err_set(e, ERR_USAGE, "%s: is the root itself", path);
        return NULL;
    }
    if (rc == 2 || (h != NULL && h->inode->type == TREE_DIR)) {
        err_sys(e, ERR_HOST, EISDIR, "%s: cannot be replaced", path);
        return NULL;
    }
    if (tree_held_count(t, TREE_HELD_COST + canon.n + bytes, str_c(path), e) < 0 ||
        tree_held_parents(t, buf_view(&canon), e) < 0)
        return NULL;
    return tree_held_new(t, buf_view(&canon), type, m);
}

int tree_held_make(struct tree *t, const char *path, struct str data, const struct tree_meta *m,
                   struct err *e)
{
    struct tree_inode *i = replace(t, path, TREE_FILE, m, data.n, e);
    if (i == NULL)
        return -1;
    buf_str(&i->data, data);
    return 0;
}

int tree_held_mkdir(struct tree *t, const char *path, const struct tree_meta *m, struct err *e)
{
    AUTO_BUF canon = {0};
    struct tree_held *h;
    int rc = look(t, path, &canon, &h, e);
    if (rc == 1)
        return replace(t, path, TREE_DIR, m, 0, e) != NULL ? 0 : -1;
    if (rc < 0)
        return -1;
    if (rc == 2 || h->written)
        return too_late(path, "changed", e);
    if (h->inode->type != TREE_DIR)
        return err_sys(e, ERR_HOST, ENOTDIR, "%s", path);
    h->inode->meta.mode = m->mode;
    h->inode->meta.uid = m->uid;
    h->inode->meta.gid = m->gid;
    return 0;
}

int tree_held_symlink(struct tree *t, const char *path, const char *text, struct err *e)
{
    const struct tree_meta m = {.mode = 0777, .mtime = t->epoch};
    struct tree_inode *i = replace(t, path, TREE_LINK, &m, strlen(text), e);
    if (i == NULL)
        return -1;
    buf_puts(&i->data, text);
    return 0;
}

int tree_held_node(struct tree *t, const char *path, enum tree_type type, dev_t dev,
                   const struct tree_meta *m, struct err *e)
{
    struct tree_inode *i = replace(t, path, type, m, 0, e);
    if (i == NULL)
        return -1;
    os_devnums(dev, &i->major, &i->minor);
    return 0;
}

int tree_held_remove(struct tree *t, const char *path, struct err *e)
{
    AUTO_BUF canon = {0};
    struct tree_held *h;
    struct tree_tar *r = t->tar;
    int rc = look(t, path, &canon, &h, e);
    if (rc < 0 || rc == 1)
        return rc;
    if (canon.n == 0)
        return err_set(e, ERR_USAGE, "%s: the root itself is not removed", path);
    if (rc == 2 || h->written) /* what stands in a held directory was written with it, or not at all */
        return too_late(path, "removed", e);
    size_t from = (size_t)(h - r->held), keep = from;
    for (size_t i = from; i < r->nheld; i++) {
        struct str p = r->held[i].path;
        if (str_starts(p, buf_view(&canon)) && (p.n == canon.n || p.p[canon.n] == '/'))
            tree_held_let_go(r->held[i].inode);
        else
            r->held[keep++] = r->held[i];
    }
    r->nheld = keep;
    return 0;
}

static void forget(struct tree *t, struct tree_held *h)
{
    struct tree_tar *r = t->tar;
    size_t at = (size_t)(h - r->held);
    tree_held_let_go(h->inode);
    memmove(h, h + 1, (r->nheld - at - 1) * sizeof *h);
    r->nheld--;
}

int tree_held_rename(struct tree *t, const char *path, const char *to, struct err *e)
{
    AUTO_BUF canon = {0}, canon_to = {0}, full = {0};
    struct tree_held *h, *there = NULL;
    int rc = look(t, path, &canon, &h, e);
    if (rc < 0 || rc == 1)
        return rc;
    if (canon.n == 0)
        return err_set(e, ERR_USAGE, "%s: the root itself is not renamed", path);
    if (rc == 2 || h->inode->type == TREE_DIR)
        return err_sys(e, ERR_HOST, EISDIR, "%s: cannot be renamed", path);
    struct str up = tree_path_dir(buf_view(&canon), NULL);
    buf_printf(&full, "/%" STR_FMT "/%s", STR_ARG(up), to);
    rc = look(t, buf_c(&full), &canon_to, &there, e);
    if (rc < 0)
        return -1;
    if (rc == 2 || (rc == 0 && there->inode->type == TREE_DIR))
        return err_sys(e, ERR_HOST, EISDIR, "%s: cannot be renamed to %s", path, to);
    if (str_eq(buf_view(&canon), buf_view(&canon_to)))
        return 0;
    if (tree_held_count(t, TREE_HELD_COST + canon_to.n, buf_view(&canon_to), e) < 0)
        return -1;
    tree_held_name(t, buf_view(&canon_to), h->inode);
    forget(t, tree_held_find(t, buf_view(&canon)));
    return 0;
}

/* What is there and held; 1: nothing. */
static int change(struct tree *t, const char *path, struct tree_inode **out, struct err *e)
{
    AUTO_BUF canon = {0};
    struct tree_held *h;
    int rc = look(t, path, &canon, &h, e);
    if (rc == 2 || (rc == 0 && h->written))
        return too_late(path, "changed", e);
    if (rc == 0)
        *out = h->inode;
    return rc;
}

int tree_held_mode(struct tree *t, const char *path, mode_t mode, struct err *e)
{
    struct tree_inode *i = NULL;
    int rc = change(t, path, &i, e);
    if (i == NULL)
        return rc;
    if (i->type == TREE_LINK)
        return err_set(e, ERR_USAGE, "%s: is a symbolic link, which has no mode", path);
    i->meta.mode = mode;
    return 0;
}

int tree_held_owner(struct tree *t, const char *path, uint32_t uid, uint32_t gid, struct err *e)
{
    struct tree_inode *i = NULL;
    int rc = change(t, path, &i, e);
    if (i == NULL)
        return rc;
    struct tree_xattr *x = arena_array(&t->tar->arena, i->meta.nxattrs + 1, sizeof *x);
    size_t n = 0;
    for (size_t k = 0; k < i->meta.nxattrs; k++)
        if (!str_is(i->meta.xattrs[k].name, "security.capability"))
            x[n++] = i->meta.xattrs[k];
    i->meta.xattrs = x;
    i->meta.nxattrs = n;
    i->meta.uid = uid;
    i->meta.gid = gid;
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Names right below dir: of what is held, and of what is written. */
static size_t children(struct tree *t, struct str dir, struct arena *a, struct str *out)
{
    size_t n = 0;
    const struct tree_node *node = tree_claim_find(t, dir);
    for (size_t i = 0; i < t->tar->nheld; i++) {
        struct str child, up = tree_path_dir(t->tar->held[i].path, &child);
        if (str_eq(up, dir) && out != NULL)
            out[n] = arena_copy(a, child);
        n += str_eq(up, dir);
    }
    for (const struct tree_node *at = t->newest; node != NULL && at != NULL; at = at->older) {
        AUTO_BUF path = {0};
        if (at->parent != node)
            continue;
        tree_node_path(at, &path);
        if (tree_tar_holds(t, buf_view(&path)) || tree_held_find(t, buf_view(&path)) != NULL)
            continue;
        if (out != NULL)
            out[n] = arena_copy(a, (struct str){at->name, at->len});
        n++;
    }
    return n;
}

int tree_held_list(struct tree *t, const char *path, struct arena *a, struct str **names, size_t *n,
                   struct err *e)
{
    AUTO_BUF canon = {0};
    struct tree_held *h;
    int rc = look(t, path, &canon, &h, e);
    if (rc < 0 || rc == 1)
        return rc;
    if (rc == 0 && h->inode->type != TREE_DIR)
        return err_sys(e, ERR_HOST, ENOTDIR, "%s", path);
    *n = children(t, buf_view(&canon), a, NULL);
    *names = arena_array(a, *n + 1, sizeof **names);
    children(t, buf_view(&canon), a, *names);
    if (*names != NULL && *n > 1)
        qsort(*names, *n, sizeof **names, by_bytes);
    return 0;
}
