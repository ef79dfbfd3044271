/* Entries on their way from a package into the tree, above every back end. */
#include "base/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/os.h"
#include "base/tree_int.h"

enum {
    WHOS_MAX = 1024 * 1024,
    FREE_NODES = 131072,
    BYTES_PER_NODE = 128,
    XATTR_MAX = 65536,
    XATTRS_MAX = 1024
};

void tree_set_epoch(struct tree *t, int64_t seconds)
{
    t->epoch = seconds;
    t->clamp = true;
}

void tree_keep_nodes(struct tree *t)
{
    t->keep_nodes = true;
}

void tree_drop_caps(struct tree *t)
{
    t->drop_caps = true;
}

bool tree_has_xattrs(const struct tree *t)
{
    return !t->no_xattrs;
}

bool tree_ordered(const struct tree *t)
{
    return t->queue != NULL;
}

int tree_hold(struct tree *t, const char *const *paths, size_t n, struct err *e)
{
    return t->ops->hold != NULL ? t->ops->hold(t, paths, n, e) : 0;
}

const char *tree_path(const struct tree *t)
{
    return t->path;
}

int tree_fd(const struct tree *t)
{
    return t->fd;
}

int tree_seal(struct tree *t, bool nosync, struct err *e)
{
    return t->ops->seal(t, nosync, e);
}

int tree_settle(struct tree *t, struct err *e)
{
    return t->ops->settle(t, e);
}

void tree_close(struct tree *t)
{
    if (t != NULL)
        t->ops->close(t);
}

static void name_index(struct tree *t, unsigned index, const char *who)
{
    pthread_mutex_lock(&t->lock);
    if (index >= t->nwhos) {
        size_t n = (size_t)index + 64;
        t->whos = mem_grow(t->whos, n, sizeof *t->whos);
        memset(t->whos + t->nwhos, 0, (n - t->nwhos) * sizeof *t->whos);
        t->nwhos = n;
    }
    if (t->whos[index] == NULL)
        t->whos[index] = arena_dup(&t->arena, who);
    pthread_mutex_unlock(&t->lock);
}

int tree_writer_open(struct tree *t, unsigned index, const char *who, uint64_t max_bytes, bool redo,
                     struct tree_writer **out, struct err *e)
{
    if (index >= WHOS_MAX)
        return err_set(e, ERR_FORMAT, "%s: more than %d packages", who, WHOS_MAX);
    struct tree_writer *w = mem_alloc(sizeof *w);
    name_index(t, index, who);
    w->t = t;
    w->index = index;
    w->who = mem_dup(who);
    w->max_bytes = max_bytes < INT64_MAX ? max_bytes : INT64_MAX;
    w->max_nodes = FREE_NODES + w->max_bytes / BYTES_PER_NODE;
    tree_dirs_init(&w->dirs);
    w->redo = redo;
    *out = w;
    return 0;
}

int tree_writer_finish(struct tree_writer **w, struct err *e)
{
    struct tree_writer *own = *w;
    *w = NULL;
    if (own->t->queue != NULL)
        return tree_queue_finish(own, e);
    tree_writer_close(own);
    return 0;
}

void tree_writer_close(struct tree_writer *w)
{
    if (w == NULL)
        return;
    tree_queue_drop(w);
    if (w->t->ops->writer_close != NULL)
        w->t->ops->writer_close(w);
    buf_free(&w->path);
    buf_free(&w->target);
    buf_free(&w->dir_path);
    free((char *)w->who);
    free(w);
}

static int refuse(const struct tree_writer *w, const struct tree_entry *en, struct err *e, const char *why)
{
    return err_set(e, ERR_FORMAT, "%s: %" STR_FMT ": %s", w->who, STR_ARG(en->path), why);
}

static int check_xattrs(struct tree_writer *w, const struct tree_entry *en, struct err *e)
{
    if (en->nxattrs > XATTRS_MAX)
        return refuse(w, en, e, "too many extended attributes");
    for (size_t i = 0; i < en->nxattrs; i++) {
        struct str name = en->xattrs[i].name;
        if (name.n == 0 || name.n > TREE_NAME_MAX || memchr(name.p, '\0', name.n) != NULL ||
            en->xattrs[i].value.n > XATTR_MAX)
            return refuse(w, en, e, "an extended attribute with a bad name, or of more than 64 KiB");
        w->bytes += name.n + en->xattrs[i].value.n;
    }
    return 0;
}

int tree_spend(struct tree_writer *w, struct str path, uint64_t bytes, struct err *e)
{
    if (w->bytes > w->max_bytes || bytes > w->max_bytes - w->bytes)
        return err_set(e, ERR_FORMAT, "%s: %" STR_FMT ": expands to more than %llu bytes", w->who,
                       STR_ARG(path), (unsigned long long)w->max_bytes);
    w->bytes += bytes;
    return 0;
}

/* What no entry may say, whoever has the path; and the budget. */
int tree_check_entry(struct tree_writer *w, const struct tree_entry *en, struct err *e)
{
    bool named = en->type == TREE_LINK || en->type == TREE_HARD;
    if (en->type < TREE_FILE || en->type > TREE_FIFO)
        return refuse(w, en, e, "neither a file, a directory, a link nor a device node");
    if (named &&
        (en->link.n == 0 || en->link.n > TREE_PATH_MAX || memchr(en->link.p, '\0', en->link.n) != NULL))
        return refuse(w, en, e, "a link whose text is empty, too long or has a NUL byte");
    /* To chown(2) this means: leave it as it is. */
    if (en->uid == UINT32_MAX || en->gid == UINT32_MAX)
        return refuse(w, en, e, "an owner out of range");
    if (en->mtime_nsec >= 1000000000)
        return refuse(w, en, e, "a time with more than a second of nanoseconds");
    if (check_xattrs(w, en, e) < 0)
        return -1;
    if (tree_spend(w, en->path, en->type == TREE_FILE ? en->size : 0, e) < 0)
        return -1;
    w->nodes++;
    return 0;
}

/* Names that the tree itself needs at its top. */
int tree_check_reserved(const struct tree_writer *w, struct err *e)
{
    struct str rest = buf_view(&w->path), top;
    if (rest.n == 0 || !str_cut(&rest, '/', &top))
        return 0;
    if (str_is(top, TREE_MARKER) || (w->t->lost_found && str_is(top, "lost+found")))
        return err_set(e, ERR_FORMAT, "%s: %s: this name is not a package's to ship", w->who,
                       buf_c(&w->path));
    return 0;
}

/* Makes a layout link and the directory that it leads to, unless they are there. */
static int make_layout(struct tree_writer *w, size_t i, struct err *e)
{
    struct tree *t = w->t;
    struct tree_node *link = NULL, *dir = NULL;
    if (tree_claim_layout(w, i, &link, &dir, e) < 0)
        return -1;
    struct tree_entry en = {.type = TREE_DIR, .mode = 0755, .mtime = t->epoch};
    struct tree_job j = {
        .w = w, .en = &en, .node = dir, .layout = true, .meta = {.mode = 0755, .mtime = t->epoch}};
    if (!tree_claim_made(t, dir) && t->ops->put(&j, e) < 0)
        return -1;
    en.type = TREE_LINK;
    en.link = str_c(t->layout[i].text);
    j.node = link;
    if (!tree_claim_made(t, link) && t->ops->put(&j, e) < 0)
        return -1;
    w->layout_made |= (uint64_t)1 << i;
    return 0;
}

/* A package may ship the layout's own link (base-files does): 1 when the entry is one. */
static int put_layout_link(struct tree_job *j, int i, struct err *e)
{
    struct tree_writer *w = j->w;
    const struct tree_rewrite *r = &w->t->layout[i];
    struct tree_node *link, *dir;
    AUTO_BUF leads = {0};
    if (tree_path_follow(r->path, j->en->link, &leads, e) < 0)
        return err_wrap(e, "%s", w->who);
    if (!str_eq(buf_view(&leads), r->target))
        return err_set(e, ERR_FORMAT, "%s: %s: a link to `%" STR_FMT "' where the layout has one to `%s'",
                       w->who, buf_c(&w->path), STR_ARG(j->en->link), r->text);
    if (w->redo)
        return 1;
    if (make_layout(w, (size_t)i, e) < 0 || tree_claim_layout(w, (size_t)i, &link, &dir, e) < 0)
        return -1;
    tree_claim_meta(w, link, &j->meta);
    return 1;
}

int tree_put_layout(struct tree_writer *w, struct str path, struct err *e)
{
    uint64_t used = 0;
    if (tree_path_clean(path, &w->path, e) < 0 || tree_path_layout(w->t, &w->path, false, &used, e) < 0)
        return err_wrap(e, "%s", w->who);
    int at = tree_path_layout_at(w->t, buf_view(&w->path));
    if (at < 0 || w->redo)
        return 0;
    used |= (uint64_t)1 << at;
    for (size_t i = 0; i < w->t->nlayout; i++)
        if ((used & ~w->layout_made) >> i & 1 && make_layout(w, i, e) < 0)
            return -1;
    return 0;
}

/* Leaves the canonical path in w->path, that of a hard link's target in w->target, and has the layout links
   made. 1: the entry is a layout link and done with. */
static int resolve(struct tree_job *j, struct err *e)
{
    struct tree_writer *w = j->w;
    const struct tree *t = w->t;
    uint64_t used = 0, target_used = 0;
    if (tree_path_clean(j->en->path, &w->path, e) < 0 || tree_path_layout(t, &w->path, false, &used, e) < 0)
        return err_wrap(e, "%s", w->who);
    int at = j->en->type == TREE_LINK ? tree_path_layout_at(t, buf_view(&w->path)) : -1;
    if (at < 0 && tree_path_layout(t, &w->path, true, &used, e) < 0)
        return err_wrap(e, "%s", w->who);
    if (w->path.n == 0 && j->en->type != TREE_DIR)
        return refuse(w, j->en, e, "the root must be a directory");
    if (tree_check_reserved(w, e) < 0)
        return -1;
    used = w->redo ? 0 : used & ~w->layout_made;
    for (size_t i = 0; used != 0 && i < t->nlayout; i++)
        if ((used >> i & 1) != 0 && make_layout(w, i, e) < 0)
            return -1;
    if (at >= 0)
        return put_layout_link(j, at, e);
    if (j->en->type == TREE_HARD && (tree_path_clean(j->en->link, &w->target, e) < 0 ||
                                     tree_path_layout(t, &w->target, true, &target_used, e) < 0))
        return err_wrap(e, "%s: %s: a hard link to", w->who, buf_c(&w->path));
    return 0;
}

static int bad_size(const struct tree_job *j, const char *how, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: %s: its content is %s than the %llu bytes that its header says",
                   j->w->who, buf_c(&j->w->path), how, (unsigned long long)j->en->size);
}

int tree_content(const struct tree_job *j, tree_sink *sink, void *ctx, struct err *e)
{
    uint64_t end = 0, off = 0, size = j->en->size;
    const void *p = NULL;
    size_t n = 0;
    int rc = 0;
    while (j->next != NULL && (rc = j->next(j->ctx, &p, &n, &off, e)) > 0) {
        if (off > size || n > size - off)
            return bad_size(j, "longer", e);
        if (off < end)
            return err_set(e, ERR_FORMAT, "%s: %s: its content comes out of order", j->w->who,
                           buf_c(&j->w->path));
        if (sink(ctx, p, n, off, e) < 0)
            return -1;
        end = off + n;
    }
    if (rc < 0)
        return -1;
    return end != size ? bad_size(j, "shorter", e) : 0;
}

struct tree_job tree_job_of(struct tree_writer *w, const struct tree_entry *en, tree_next *next, void *ctx)
{
    struct tree_job j = {.w = w, .en = en, .next = next, .ctx = ctx};
    j.meta = (struct tree_meta){en->mode & 07777, en->uid,    en->gid,    en->mtime,
                                en->mtime_nsec,   en->xattrs, en->nxattrs};
    /* Nothing is newer than the indexes, or than SOURCE_DATE_EPOCH where that is set. */
    if (w->t->clamp && j.meta.mtime >= w->t->epoch) {
        j.meta.mtime = w->t->epoch;
        j.meta.mtime_nsec = 0;
    }
    return j;
}

int tree_put_now(struct tree_writer *w, const struct tree_entry *en, tree_next *next, void *ctx,
                 struct err *e)
{
    struct tree_job j = tree_job_of(w, en, next, ctx);
    int rc = resolve(&j, e);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (tree_claim(&j, e) < 0)
        return -1;
    return j.write ? tree_watch_put(&j, e) : 0;
}

int tree_put(struct tree_writer *w, const struct tree_entry *en, tree_next *next, void *ctx, struct err *e)
{
    if (tree_check_entry(w, en, e) < 0)
        return -1;
    if (w->t->queue != NULL)
        return tree_queue_put(w, en, next, ctx, e);
    return tree_put_now(w, en, next, ctx, e);
}

/* A file of our own, read from its start. */
struct own_file {
    int fd;
    const char *path;
    uint64_t at, size;
    char *window;
};

enum { OWN_WINDOW = 64 * 1024 };

static int own_next(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e)
{
    struct own_file *f = ctx;
    ssize_t r;
    do {
        r = f->at < f->size ? pread(f->fd, f->window, OWN_WINDOW, (off_t)f->at) : 0;
    } while (r < 0 && errno == EINTR);
    if (r < 0)
        return err_sys(e, ERR_HOST, errno, "%s", f->path);
    *p = f->window;
    *n = (size_t)r;
    *off = f->at;
    f->at += (uint64_t)r;
    return r > 0;
}

int tree_put_fd(struct tree_writer *w, const char *path, mode_t mode, int fd, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", path);
    AUTO_MEM char *window = mem_alloc(OWN_WINDOW);
    struct own_file f = {fd, path, 0, (uint64_t)st.st_size, window};
    const struct tree_entry en = {
        .path = str_c(path), .type = TREE_FILE, .mode = mode, .mtime = w->t->epoch, .size = f.size};
    w->max_bytes += f.size; /* not the package's own doing */
    return tree_put(w, &en, f.size > 0 ? own_next : NULL, &f, e);
}

static struct tree_meta made_meta(const struct tree *t, mode_t mode, uint32_t uid, uint32_t gid)
{
    return (struct tree_meta){.mode = mode & 07777, .uid = uid, .gid = gid, .mtime = t->epoch};
}

int tree_stat(struct tree *t, const char *path, struct arena *a, struct tree_entry *out, struct err *e)
{
    return t->ops->stat(t, path, a, out, e);
}

int tree_exists(struct tree *t, const char *path, bool *there, struct err *e)
{
    AUTO_ARENA a = {0};
    struct tree_entry en;
    if (t->ops->exists != NULL)
        return t->ops->exists(t, path, there, e);
    int rc = t->ops->stat(t, path, &a, &en, e);
    *there = rc == 0;
    return rc < 0 ? -1 : 0;
}

int tree_read(struct tree *t, const char *path, size_t max, struct buf *out, struct err *e)
{
    return t->ops->read(t, path, max, out, e);
}

int tree_write(struct tree *t, const char *path, struct str data, mode_t mode, uint32_t uid, uint32_t gid,
               struct err *e)
{
    struct tree_meta m = made_meta(t, mode, uid, gid);
    return t->ops->write(t, path, data, &m, e);
}

int tree_mkdir(struct tree *t, const char *path, mode_t mode, uint32_t uid, uint32_t gid, struct err *e)
{
    struct tree_meta m = made_meta(t, mode, uid, gid);
    return t->ops->mkdir(t, path, &m, e);
}

int tree_symlink(struct tree *t, const char *path, const char *text, struct err *e)
{
    return t->ops->symlink(t, path, text, e);
}

int tree_node(struct tree *t, const char *path, enum tree_type type, uint32_t major, uint32_t minor,
              mode_t mode, struct err *e)
{
    struct tree_meta m = made_meta(t, mode, 0, 0);
    if (type != TREE_CHAR && type != TREE_BLOCK && type != TREE_FIFO)
        return err_set(e, ERR_USAGE, "%s: a node must be a character device, a block device or a fifo", path);
    return t->ops->node(t, path, type, type == TREE_FIFO ? 0 : os_makedev(major, minor), &m, e);
}

int tree_remove(struct tree *t, const char *path, struct err *e)
{
    return t->ops->remove(t, path, e);
}

int tree_rename(struct tree *t, const char *path, const char *name, struct err *e)
{
    if (name[0] == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return err_set(e, ERR_USAGE, "%s: `%s' is no name in its directory", path, name);
    return t->ops->rename(t, path, name, e);
}

int tree_mode(struct tree *t, const char *path, mode_t mode, struct err *e)
{
    return t->ops->mode(t, path, mode & 07777, e);
}

int tree_owner(struct tree *t, const char *path, uint32_t uid, uint32_t gid, struct err *e)
{
    return t->ops->owner(t, path, uid, gid, e);
}

int tree_list(struct tree *t, const char *path, struct arena *a, struct str **names, size_t *n, struct err *e)
{
    return t->ops->list(t, path, a, names, n, e);
}
