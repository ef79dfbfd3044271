/* What fixups and the second stage do to a directory tree. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/os.h"
#include "base/tree_int.h"

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

/* A path's directory, opened, and its last name; "." is the root itself. */
struct place {
    struct tree *t;
    const char *path; /* as the caller gave it */
    int dir;
    char name[TREE_NAME_MAX + 1];
    struct buf at;  /* canonical path of the directory */
    struct stat st; /* of the directory, when it was opened */
};

static void place_close(struct place *p)
{
    if (p->dir >= 0)
        close(p->dir);
    buf_free(&p->at);
}
#define AUTO_PLACE AUTO(place_close) struct place

static int place_sys(const struct place *p, const char *what, struct err *e)
{
    return err_sys(e, ERR_HOST, errno, "%s%s%s", p->path, *what ? ": " : "", what);
}

/* The result does not depend on when an edit was made. */
void tree_edit_keep_time(int dir, const struct stat *before)
{
    const struct timespec times[2] = {before->st_atim, before->st_mtim};
    (void)futimens(dir, times);
}

static int make_dir(const struct place *p, int up, const char *name, const struct tree_meta *m, struct err *e)
{
    struct stat before;
    if (fstat(up, &before) < 0 || mkdirat(up, name, 0700) < 0)
        return place_sys(p, "cannot make the directory", e);
    AUTO_FD fd = openat(up, name, DIR_FLAGS);
    if (fd < 0)
        return place_sys(p, "cannot open the directory", e);
    tree_edit_keep_time(up, &before);
    return tree_dir_meta(p->t, fd, m, p->path, e);
}

static int open_at(const struct place *p)
{
    return os_open_dir_below(p->t->fd, p->at.n > 0 ? buf_c(&p->at) : ".");
}

/* One directory on the way: 0 it is (or was made), 1 there is none, 2 it is a link, whose text is in `text`.
 */
static int step(struct place *p, const char *name, bool make, struct buf *text, struct err *e)
{
    AUTO_FD dir = open_at(p);
    if (dir < 0)
        return !make && (errno == ENOENT || errno == ENOTDIR) ? 1 : place_sys(p, "", e);
    buf_clear(text);
    buf_reserve(text, TREE_PATH_MAX + 1);
    ssize_t n = readlinkat(dir, name, text->p, TREE_PATH_MAX + 1);
    if (n > TREE_PATH_MAX)
        return err_set(e, ERR_HOST, "%s: passes through a link that is too long", p->path);
    if (n >= 0) {
        text->n = (size_t)n;
        return 2;
    }
    if (errno != ENOENT && errno != ENOTDIR && errno != EINVAL)
        return place_sys(p, "", e);
    if (errno == ENOENT && !make)
        return 1;
    const struct tree_meta m = {.mode = 0755, .mtime = p->t->epoch};
    if (errno == ENOENT && make_dir(p, dir, name, &m, e) < 0)
        return -1;
    if (p->at.n > 0)
        buf_putc(&p->at, '/');
    buf_puts(&p->at, name);
    return 0;
}

static void up(struct buf *at)
{
    at->n = tree_path_dir(buf_view(at), NULL).n;
    if (at->p != NULL)
        at->p[at->n] = '\0';
}

/* Walks to the directory of the last name in `todo`, as chroot(2) would: absolute links and .. stay in the
 * root. */
static int walk(struct place *p, struct buf *todo, bool make, struct err *e)
{
    AUTO_BUF text = {0}, again = {0};
    struct str rest = buf_view(todo), part;
    for (int links = 0; str_cut(&rest, '/', &part);) {
        if (part.n > TREE_NAME_MAX)
            return err_sys(e, ERR_HOST, ENAMETOOLONG, "%s", p->path);
        if (part.n == 0 || str_is(part, "."))
            continue;
        if (str_is(part, "..")) {
            up(&p->at);
            continue;
        }
        snprintf(p->name, sizeof p->name, "%" STR_FMT, STR_ARG(part));
        if (rest.p == NULL)
            return 0;
        int rc = step(p, p->name, make, &text, e);
        if (rc == 1 || rc < 0)
            return rc;
        if (rc == 0)
            continue;
        if (++links > TREE_LINKS_MAX)
            return err_sys(e, ERR_HOST, ELOOP, "%s", p->path);
        if (text.n > 0 && text.p[0] == '/')
            buf_clear(&p->at);
        buf_clear(&again);
        buf_str(&again, buf_view(&text));
        buf_putc(&again, '/');
        buf_str(&again, rest);
        buf_clear(todo);
        buf_str(todo, buf_view(&again));
        rest = buf_view(todo);
    }
    return 0;
}

/* Opens the directory of `path`; with make, the missing ones are made. 1: there is no such directory. */
static int place_open(struct place *p, struct tree *t, const char *path, bool make, struct err *e)
{
    AUTO_BUF todo = {0};
    *p = (struct place){.t = t, .path = path, .dir = -1};
    if (tree_path_clean(str_c(path), &todo, e) < 0) {
        e->class = ERR_USAGE;
        return -1;
    }
    snprintf(p->name, sizeof p->name, ".");
    int rc = todo.n == 0 ? 0 : walk(p, &todo, make, e);
    if (rc != 0)
        return rc;
    p->dir = open_at(p);
    if (p->dir < 0 && !make && (errno == ENOENT || errno == ENOTDIR))
        return 1;
    return p->dir < 0 || fstat(p->dir, &p->st) < 0 ? place_sys(p, "", e) : 0;
}

/* 1: there is nothing of that name. */
static int place_stat(const struct place *p, struct stat *st, struct err *e)
{
    if (fstatat(p->dir, p->name, st, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    return errno == ENOENT ? 1 : place_sys(p, "", e);
}

static int type_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return TREE_FILE;
    case S_IFDIR:
        return TREE_DIR;
    case S_IFLNK:
        return TREE_LINK;
    case S_IFCHR:
        return TREE_CHAR;
    case S_IFBLK:
        return TREE_BLOCK;
    case S_IFIFO:
        return TREE_FIFO;
    default:
        return -1;
    }
}

int tree_edit_stat(struct tree *t, const char *path, struct arena *a, struct tree_entry *out, struct err *e)
{
    AUTO_PLACE p;
    struct stat st;
    int rc = place_open(&p, t, path, false, e);
    if (rc != 0 || (rc = place_stat(&p, &st, e)) != 0)
        return rc;
    int type = type_of(st.st_mode);
    if (type < 0)
        return err_set(e, ERR_HOST, "%s: is a socket", path);
    const char *name = strcmp(p.name, ".") == 0 ? "" : p.name;
    *out = (struct tree_entry){
        .path = str_c(arena_printf(a, "%s%s%s", buf_c(&p.at), p.at.n > 0 ? "/" : "", name)),
        .type = (enum tree_type)type,
        .mode = st.st_mode & 07777,
        .uid = st.st_uid,
        .gid = st.st_gid,
        .mtime = st.st_mtim.tv_sec,
        .mtime_nsec = (uint32_t)st.st_mtim.tv_nsec,
        .size = type == TREE_FILE ? (uint64_t)st.st_size : 0,
    };
    if (type == TREE_CHAR || type == TREE_BLOCK)
        os_devnums(st.st_rdev, &out->major, &out->minor);
    if (type == TREE_LINK) {
        char *text = arena_alloc(a, TREE_PATH_MAX + 1);
        ssize_t n = readlinkat(p.dir, p.name, text, TREE_PATH_MAX);
        if (n < 0)
            return place_sys(&p, "", e);
        out->link = (struct str){text, (size_t)n};
    }
    return 0;
}

int tree_edit_read(struct tree *t, const char *path, size_t max, struct buf *out, struct err *e)
{
    AUTO_PLACE p;
    struct stat st;
    int rc = place_open(&p, t, path, false, e);
    if (rc != 0 || (rc = place_stat(&p, &st, e)) != 0)
        return rc;
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_HOST, "%s: is no regular file", path);
    AUTO_FD fd = openat(p.dir, p.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? place_sys(&p, "", e) : file_read_fd(fd, path, max, out, e);
}

/* The new thing has its temporary name: it takes the place of whatever is there, unless that is a directory.
 */
static int put_in_place(const struct place *p, struct err *e)
{
    int rc = 0;
    if (renameat(p->dir, TREE_TEMP, p->dir, p->name) < 0) {
        rc = place_sys(p, "cannot be replaced", e);
        (void)unlinkat(p->dir, TREE_TEMP, 0);
    }
    tree_edit_keep_time(p->dir, &p->st);
    return rc;
}

/* Opens the place of something to be made, and clears the temporary name of what a killed run left. */
static int place_new(struct place *p, struct tree *t, const char *path, struct err *e)
{
    if (place_open(p, t, path, true, e) < 0)
        return -1;
    if (strcmp(p->name, ".") == 0)
        return err_set(e, ERR_USAGE, "%s: is the root itself", path);
    return tree_rm(p->dir, TREE_TEMP, path, e) < 0 ? -1 : 0;
}

static int write_temp(const struct place *p, struct str data, const struct tree_meta *m, struct err *e)
{
    AUTO_FD fd = openat(p->dir, TREE_TEMP, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return place_sys(p, "", e);
    if (file_write_fd(fd, p->path, data.p, data.n, e) < 0 || tree_dir_meta(p->t, fd, m, p->path, e) < 0)
        return -1;
    return close(auto_take_fd(&fd)) < 0 && errno != EINTR ? place_sys(p, "write", e) : 0;
}

int tree_edit_write(struct tree *t, const char *path, struct str data, const struct tree_meta *m,
                    struct err *e)
{
    AUTO_PLACE p;
    if (place_new(&p, t, path, e) < 0)
        return -1;
    if (write_temp(&p, data, m, e) < 0) {
        (void)unlinkat(p.dir, TREE_TEMP, 0);
        tree_edit_keep_time(p.dir, &p.st);
        return -1;
    }
    return put_in_place(&p, e);
}

int tree_edit_mkdir(struct tree *t, const char *path, const struct tree_meta *m, struct err *e)
{
    AUTO_PLACE p;
    struct stat st;
    if (place_open(&p, t, path, true, e) < 0)
        return -1;
    int rc = place_stat(&p, &st, e);
    if (rc == 1)
        return make_dir(&p, p.dir, p.name, m, e);
    if (rc < 0)
        return -1;
    AUTO_FD fd = openat(p.dir, p.name, DIR_FLAGS);
    if (fd < 0)
        return place_sys(&p, "", e);
    struct tree_meta kept = *m;
    kept.mtime = st.st_mtim.tv_sec;
    kept.mtime_nsec = (uint32_t)st.st_mtim.tv_nsec;
    return tree_dir_meta(t, fd, &kept, path, e);
}

int tree_edit_symlink(struct tree *t, const char *path, const char *text, struct err *e)
{
    AUTO_PLACE p;
    const struct tree_meta m = {.mode = 0777, .mtime = t->epoch};
    if (place_new(&p, t, path, e) < 0)
        return -1;
    if (symlinkat(text, p.dir, TREE_TEMP) < 0)
        return place_sys(&p, "cannot make the link", e);
    if (tree_dir_meta_at(t, p.dir, TREE_TEMP, true, &m, path, e) < 0)
        return -1;
    return put_in_place(&p, e);
}

bool tree_keep_node(struct tree *t, const struct tree_kept_node *node)
{
    enum { KEPT_MAX = 1000 };
    unsigned n = 0;
    pthread_mutex_lock(&t->lock);
    struct tree_kept_node **at = &t->kept_nodes;
    for (; *at != NULL && strcmp((*at)->path, node->path) != 0; at = &(*at)->next)
        n++;
    bool fits = n < KEPT_MAX;
    if (fits && *at == NULL)
        *at = arena_alloc(&t->arena, sizeof **at);
    if (fits) {
        struct tree_kept_node *next = (*at)->next;
        **at = *node;
        (*at)->path = arena_dup(&t->arena, node->path);
        (*at)->next = next;
        (*at)->meta.xattrs = NULL;
        (*at)->meta.nxattrs = 0;
    }
    pthread_mutex_unlock(&t->lock);
    return fits;
}

static int keep_node(const struct place *p, enum tree_type type, dev_t dev, const struct tree_meta *m,
                     struct err *e)
{
    AUTO_BUF path = {0};
    struct tree_kept_node n = {.type = type, .meta = *m};
    buf_printf(&path, "%s%s%s", buf_c(&p->at), p->at.n > 0 ? "/" : "", p->name);
    n.path = buf_c(&path);
    os_devnums(dev, &n.major, &n.minor);
    return tree_keep_node(p->t, &n) ? 0 : err_set(e, ERR_HOST, "%s: too many device nodes", n.path);
}

int tree_edit_node(struct tree *t, const char *path, enum tree_type type, dev_t dev,
                   const struct tree_meta *m, struct err *e)
{
    AUTO_PLACE p;
    mode_t bits = type == TREE_CHAR ? S_IFCHR : type == TREE_BLOCK ? S_IFBLK : S_IFIFO;
    if (place_new(&p, t, path, e) < 0)
        return -1;
    if (mknodat(p.dir, TREE_TEMP, bits | 0600, dev) < 0)
        return errno == EPERM && t->keep_nodes ? keep_node(&p, type, dev, m, e)
                                               : place_sys(&p, "cannot make the node", e);
    if (tree_dir_meta_at(t, p.dir, TREE_TEMP, false, m, path, e) < 0)
        return -1;
    return put_in_place(&p, e);
}

int tree_edit_remove(struct tree *t, const char *path, struct err *e)
{
    AUTO_PLACE p;
    int rc = place_open(&p, t, path, false, e);
    if (rc != 0)
        return rc;
    if (strcmp(p.name, ".") == 0)
        return err_set(e, ERR_USAGE, "%s: the root itself is not removed", path);
    rc = tree_rm(p.dir, p.name, path, e);
    if (rc == 0)
        tree_edit_keep_time(p.dir, &p.st);
    return rc;
}

int tree_edit_rename(struct tree *t, const char *path, const char *name, struct err *e)
{
    AUTO_PLACE p;
    struct stat st;
    int rc = place_open(&p, t, path, false, e);
    if (rc != 0 || (rc = place_stat(&p, &st, e)) != 0)
        return rc;
    if (strcmp(p.name, ".") == 0)
        return err_set(e, ERR_USAGE, "%s: the root itself is not renamed", path);
    if (S_ISDIR(st.st_mode))
        return err_sys(e, ERR_HOST, EISDIR, "%s: cannot be renamed", path);
    if (renameat(p.dir, p.name, p.dir, name) < 0)
        return place_sys(&p, "cannot be renamed", e);
    tree_edit_keep_time(p.dir, &p.st);
    return 0;
}

int tree_edit_mode(struct tree *t, const char *path, mode_t mode, struct err *e)
{
    AUTO_PLACE p;
    struct stat st;
    int rc = place_open(&p, t, path, false, e);
    if (rc != 0 || (rc = place_stat(&p, &st, e)) != 0)
        return rc;
    if (S_ISLNK(st.st_mode))
        return err_set(e, ERR_USAGE, "%s: is a symbolic link, which has no mode", path);
    return fchmodat(p.dir, p.name, mode, 0) < 0 ? place_sys(&p, "chmod", e) : 0;
}

int tree_edit_owner(struct tree *t, const char *path, uint32_t uid, uint32_t gid, struct err *e)
{
    AUTO_PLACE p;
    struct stat st;
    int rc = place_open(&p, t, path, false, e);
    if (rc != 0 || (rc = place_stat(&p, &st, e)) != 0)
        return rc;
    if (fchownat(p.dir, p.name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        return place_sys(&p, "chown", e);
    /* chown(2) took setuid and setgid away. */
    if (S_ISREG(st.st_mode) && (st.st_mode & 06000) != 0 &&
        fchmodat(p.dir, p.name, st.st_mode & 07777, 0) < 0)
        return place_sys(&p, "chmod", e);
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The names, each ended by a NUL, one after the other. */
static int read_names(DIR *d, struct buf *names, size_t *n)
{
    struct dirent *de;
    while ((errno = 0, de = readdir(d)) != NULL) {
        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
            continue;
        buf_add(names, de->d_name, strlen(de->d_name) + 1);
        ++*n;
    }
    return errno == 0 ? 0 : -1;
}

int tree_edit_list(struct tree *t, const char *path, struct arena *a, struct str **names, size_t *n,
                   struct err *e)
{
    AUTO_PLACE p;
    AUTO_BUF all = {0};
    int rc = place_open(&p, t, path, false, e);
    if (rc != 0)
        return rc;
    AUTO_FD fd = openat(p.dir, p.name, DIR_FLAGS);
    if (fd < 0)
        return errno == ENOENT ? 1 : place_sys(&p, "", e);
    DIR *d = fdopendir(fd);
    if (d == NULL)
        return place_sys(&p, "", e);
    auto_take_fd(&fd);
    *n = 0;
    rc = read_names(d, &all, n);
    closedir(d);
    if (rc < 0)
        return place_sys(&p, "", e);
    *names = arena_array(a, *n, sizeof **names);
    const char *at = arena_str(a, buf_view(&all));
    for (size_t i = 0; i < *n; i++, at += strlen(at) + 1)
        (*names)[i] = str_c(at);
    if (*n > 0)
        qsort(*names, *n, sizeof **names, by_bytes);
    return 0;
}
