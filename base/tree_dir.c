/* The directory back end: entries become files below the root's descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/os.h"
#include "base/tree_int.h"

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

void tree_dirs_init(struct tree_dirs *d)
{
    *d = (struct tree_dirs){0};
    for (size_t i = 0; i < TREE_DIRS; i++)
        d->slot[i].fd = -1;
}

void tree_dirs_close(struct tree_dirs *d)
{
    for (size_t i = 0; i < TREE_DIRS; i++)
        if (d->slot[i].fd >= 0)
            close(d->slot[i].fd);
    tree_dirs_init(d);
}

static int keep_open(struct tree_dirs *d, const struct tree_node *n, int fd)
{
    if (d->slot[d->next].fd >= 0)
        close(d->slot[d->next].fd);
    d->slot[d->next].node = n;
    d->slot[d->next].fd = fd;
    d->next = (d->next + 1) % TREE_DIRS;
    return fd;
}

static int node_sys(const struct tree_node *n, const char *who, const char *what, struct err *e)
{
    int errnum = errno;
    AUTO_BUF path = {0};
    tree_node_path(n, &path);
    return err_sys(e, ERR_HOST, errnum, "%s%s%s: %s", who ? who : "", who ? ": " : "",
                   n->parent ? buf_c(&path) : "/", what);
}

/* The claimed directory n, opened and, if need be, made with those above it. The descriptor belongs to the
 * cache. */
static int dir_open(struct tree *t, struct tree_dirs *d, struct tree_node *n, struct err *e)
{
    if (n->parent == NULL)
        return t->fd;
    for (size_t i = 0; i < TREE_DIRS; i++)
        if (d->slot[i].node == n && d->slot[i].fd >= 0)
            return d->slot[i].fd;
    AUTO_BUF path = {0};
    tree_node_path(n, &path);
    int fd = os_open_dir_below(t->fd, buf_c(&path));
    if (fd >= 0)
        return keep_open(d, n, fd);
    if (errno != ENOENT)
        return node_sys(n, NULL, "cannot open the directory", e);
    int up = dir_open(t, d, n->parent, e);
    if (up < 0)
        return -1;
    if (mkdirat(up, n->name, 0755) < 0 && errno != EEXIST)
        return node_sys(n, NULL, "cannot make the directory", e);
    fd = openat(up, n->name, DIR_FLAGS);
    return fd < 0 ? node_sys(n, NULL, "cannot open the directory", e) : keep_open(d, n, fd);
}

static int set_xattrs(struct tree *t, int fd, const struct tree_meta *m, const char *path, struct err *e)
{
    for (size_t i = 0; i < m->nxattrs; i++) {
        char name[TREE_NAME_MAX + 1];
        struct str value = m->xattrs[i].value;
        if (t->drop_caps && str_is(m->xattrs[i].name, "security.capability"))
            continue;
        snprintf(name, sizeof name, "%" STR_FMT, STR_ARG(m->xattrs[i].name));
        if (os_set_xattr(fd, name, value.n ? value.p : "", value.n) == 0)
            continue;
        if (errno != ENOTSUP && errno != EOPNOTSUPP)
            return err_sys(e, ERR_HOST, errno, "%s: extended attribute %s", path, name);
        pthread_mutex_lock(&t->lock);
        bool first = !t->no_xattrs;
        t->no_xattrs = true;
        pthread_mutex_unlock(&t->lock);
        if (first)
            log_warn(t->log, "%s: no extended attribute %s (file capabilities, ACLs) on this file system",
                     path, name);
    }
    return 0;
}

static int chown_failed(const char *path, const struct tree_meta *m, int errnum, struct err *e)
{
    err_sys(e, ERR_HOST, errnum, "%s: chown to %u:%u", path, m->uid, m->gid);
    return errnum == EINVAL ? err_hint(e, "this user namespace has no such id: run as the host's root") : -1;
}

int tree_dir_meta(struct tree *t, int fd, const struct tree_meta *m, const char *path, struct err *e)
{
    struct stat st;
    const struct timespec at = {(time_t)m->mtime, (long)m->mtime_nsec}, times[2] = {at, at};
    if (fstat(fd, &st) < 0)
        return err_sys(e, ERR_HOST, errno, "%s: stat", path);
    bool chowned = st.st_uid != m->uid || st.st_gid != m->gid;
    if (chowned && fchown(fd, m->uid, m->gid) < 0)
        return chown_failed(path, m, errno, e);
    /* chown(2) takes setuid, setgid and capabilities away: they come after it. */
    if ((chowned || (st.st_mode & 07777) != m->mode) && fchmod(fd, m->mode) < 0)
        return err_sys(e, ERR_HOST, errno, "%s: chmod to %04o", path, (unsigned)m->mode);
    if (m->nxattrs > 0 && set_xattrs(t, fd, m, path, e) < 0)
        return -1;
    if (futimens(fd, times) < 0)
        return err_sys(e, ERR_HOST, errno, "%s: setting the time", path);
    return 0;
}

int tree_dir_meta_at(struct tree *t, int dir, const char *name, bool link, const struct tree_meta *m,
                     const char *path, struct err *e)
{
    struct stat st;
    const struct timespec at = {(time_t)m->mtime, (long)m->mtime_nsec}, times[2] = {at, at};
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return err_sys(e, ERR_HOST, errno, "%s: stat", path);
    if ((st.st_uid != m->uid || st.st_gid != m->gid) &&
        fchownat(dir, name, m->uid, m->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return chown_failed(path, m, errno, e);
    if (!link && fchmodat(dir, name, m->mode, 0) < 0)
        return err_sys(e, ERR_HOST, errno, "%s: chmod to %04o", path, (unsigned)m->mode);
    if (m->nxattrs > 0)
        log_debug(t->log, "%s: extended attributes left out, as it is no file and no directory", path);
    if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return err_sys(e, ERR_HOST, errno, "%s: setting the time", path);
    return 0;
}

static int put_sys(const struct tree_job *j, const char *what, struct err *e)
{
    bool taken = errno == EEXIST;
    node_sys(j->node, j->w->who, what, e);
    if (taken)
        err_hint(e, "is the file system one that does not tell upper from lower case?");
    return -1;
}

static int write_all(int fd, const char *p, size_t n, uint64_t off)
{
    while (n > 0) {
        ssize_t w = pwrite(fd, p, n, (off_t)off);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return -1;
        p += w;
        n -= (size_t)w;
        off += (uint64_t)w;
    }
    return 0;
}

struct file_sink {
    const struct tree_job *j;
    int fd;
    uint64_t written;
};

static int write_sys(const struct tree_job *j, struct err *e)
{
    return err_sys(e, ERR_HOST, errno, "%s: %s: write", j->w->who, buf_c(&j->w->path));
}

static int sink_piece(void *ctx, const void *p, size_t n, uint64_t off, struct err *e)
{
    struct file_sink *s = ctx;
    if (write_all(s->fd, p, n, off) < 0)
        return write_sys(s->j, e);
    s->written = n > 0 ? off + n : s->written;
    return 0;
}

int tree_dir_content(const struct tree_job *j, int fd, struct err *e)
{
    struct file_sink s = {j, fd, 0};
    if (tree_content(j, sink_piece, &s, e) < 0)
        return -1;
    if (s.written < j->en->size && ftruncate(fd, (off_t)j->en->size) < 0)
        return write_sys(j, e);
    return 0;
}

static int put_file(const struct tree_job *j, int dir, struct err *e)
{
    AUTO_FD fd =
        openat(dir, j->node->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, j->meta.mode & 0777);
    if (fd < 0)
        return put_sys(j, "cannot make the file", e);
    if (tree_dir_content(j, fd, e) < 0)
        return -1;
    if (tree_dir_meta(j->w->t, fd, &j->meta, buf_c(&j->w->path), e) < 0)
        return err_wrap(e, "%s", j->w->who);
    /* Where there are quotas, or over the network, a write may fail as late as here. */
    if (close(auto_take_fd(&fd)) < 0 && errno != EINTR)
        return put_sys(j, "write", e);
    return 0;
}

static int put_dir(const struct tree_job *j, int dir, struct err *e)
{
    if (mkdirat(dir, j->node->name, 0755) < 0) {
        struct stat st;
        if (errno != EEXIST || fstatat(dir, j->node->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISDIR(st.st_mode))
            return put_sys(j, "cannot make the directory", e);
    }
    tree_claim_set_made(j->w->t, j->node);
    return 0;
}

static int put_link(const struct tree_job *j, int dir, struct err *e)
{
    AUTO_BUF text = {0};
    buf_str(&text, j->en->link);
    if (symlinkat(buf_c(&text), dir, j->node->name) < 0 && !(j->layout && errno == EEXIST))
        return put_sys(j, "cannot make the link", e);
    if (tree_dir_meta_at(j->w->t, dir, j->node->name, true, &j->meta, buf_c(&j->w->path), e) < 0)
        return err_wrap(e, "%s", j->w->who);
    if (j->layout)
        tree_claim_set_made(j->w->t, j->node);
    return 0;
}

static int put_special(const struct tree_job *j, int dir, struct err *e)
{
    const struct tree_entry *en = j->en;
    mode_t type = en->type == TREE_CHAR ? S_IFCHR : en->type == TREE_BLOCK ? S_IFBLK : S_IFIFO;
    dev_t dev = en->type == TREE_FIFO ? 0 : os_makedev(en->major, en->minor);
    if (mknodat(dir, j->node->name, type | 0600, dev) < 0) {
        const struct tree_kept_node kept = {.path = buf_c(&j->w->path),
                                            .type = en->type,
                                            .major = en->major,
                                            .minor = en->minor,
                                            .meta = j->meta};
        int sys = errno;
        if (sys == EPERM && j->w->t->keep_nodes && tree_keep_node(j->w->t, &kept))
            return 0;
        errno = sys;
        return put_sys(j, "cannot make the node", e);
    }
    if (tree_dir_meta_at(j->w->t, dir, j->node->name, false, &j->meta, buf_c(&j->w->path), e) < 0)
        return err_wrap(e, "%s", j->w->who);
    return 0;
}

static int link_files(struct tree *t, struct tree_dirs *d, const struct tree_node *from,
                      const struct tree_node *to, const char *who, struct err *e)
{
    /* The cache may close the first directory while it opens the second. */
    int source = dir_open(t, d, from->parent, e);
    AUTO_FD keep = source < 0 ? -1 : fcntl(source, F_DUPFD_CLOEXEC, 0);
    int dir = source < 0 ? -1 : dir_open(t, d, to->parent, e);
    if (source < 0 || dir < 0)
        return err_wrap(e, "%s", who);
    if (keep < 0 || linkat(keep, from->name, dir, to->name, 0) < 0)
        return node_sys(to, who, "cannot make the hard link", e);
    return 0;
}

static int dir_put(const struct tree_job *j, struct err *e)
{
    struct tree_writer *w = j->w;
    int dir = dir_open(w->t, &w->dirs, j->node->parent, e);
    if (dir < 0)
        return err_wrap(e, "%s", w->who);
    if (j->replace && unlinkat(dir, j->node->name, 0) < 0 && errno != ENOENT)
        return put_sys(j, "cannot replace it", e);
    switch (j->en->type) {
    case TREE_FILE:
        return put_file(j, dir, e);
    case TREE_DIR:
        return put_dir(j, dir, e);
    case TREE_LINK:
        return put_link(j, dir, e);
    case TREE_HARD:
        return link_files(w->t, &w->dirs, j->target, j->node, w->who, e);
    default:
        return put_special(j, dir, e);
    }
}

static void dir_writer_close(struct tree_writer *w)
{
    tree_dirs_close(&w->dirs);
}

/* A hard link names what stands at its target in the end, whoever wrote it, and whenever. */
static int settle_hard(struct tree *t, struct tree_dirs *d, struct tree_node *n, struct err *e)
{
    struct tree_node *base = NULL;
    struct stat st, want;
    const char *who = tree_who(t, n->owner);
    if (tree_claim_base(t, n, &base, e) < 0)
        return -1;
    int dir = dir_open(t, d, base->parent, e);
    if (dir < 0)
        return -1;
    if (fstatat(dir, base->name, &want, AT_SYMLINK_NOFOLLOW) < 0)
        return node_sys(n, who, "the file that it is a hard link to", e);
    dir = dir_open(t, d, n->parent, e);
    if (dir < 0)
        return -1;
    if (fstatat(dir, n->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (st.st_ino == want.st_ino && st.st_dev == want.st_dev)
            return 0;
        if (unlinkat(dir, n->name, 0) < 0)
            return node_sys(n, who, "cannot replace it", e);
    }
    return link_files(t, d, base, n, who, e);
}

static int settle_meta(struct tree *t, struct tree_dirs *d, struct tree_node *n, struct err *e)
{
    const struct tree_meta made = {.mode = 0755, .mtime = t->epoch}, *m = n->meta ? n->meta : &made;
    AUTO_BUF path = {0};
    tree_node_path(n, &path);
    if (n->kind == KIND_LAYOUT) {
        int up = dir_open(t, d, n->parent, e);
        return up < 0 ? -1 : tree_dir_meta_at(t, up, n->name, true, m, buf_c(&path), e);
    }
    int fd = dir_open(t, d, n, e);
    return fd < 0 ? -1 : tree_dir_meta(t, fd, m, path.n > 0 ? buf_c(&path) : "/", e);
}

static int settle_all(struct tree *t, struct tree_dirs *d, struct err *e)
{
    for (struct tree_node *n = t->newest; n != NULL; n = n->older)
        if (n->kind == KIND_HARD && settle_hard(t, d, n, e) < 0)
            return -1;
    /* From the newest on: what stands in a directory comes before it. */
    for (struct tree_node *n = t->newest; n != NULL; n = n->older)
        if ((n->kind == KIND_DIR || n->kind == KIND_LAYOUT) && settle_meta(t, d, n, e) < 0)
            return -1;
    return t->own_root || t->root->meta != NULL ? settle_meta(t, d, t->root, e) : 0;
}

static int dir_settle(struct tree *t, struct err *e)
{
    struct tree_dirs d;
    tree_dirs_init(&d);
    int rc = settle_all(t, &d, e);
    tree_dirs_close(&d);
    return rc;
}

const struct tree_ops tree_dir_ops = {
    .put = dir_put,
    .writer_close = dir_writer_close,
    .settle = dir_settle,
    .import = tree_dir_import,
    .seal = tree_target_seal,
    .close = tree_target_close,
    .stat = tree_edit_stat,
    .read = tree_edit_read,
    .write = tree_edit_write,
    .mkdir = tree_edit_mkdir,
    .symlink = tree_edit_symlink,
    .node = tree_edit_node,
    .remove = tree_edit_remove,
    .rename = tree_edit_rename,
    .mode = tree_edit_mode,
    .owner = tree_edit_owner,
    .list = tree_edit_list,
};
