/* A directory as an overlay. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/os.h"
#include "cmd/cmd.h"
#include "cmd/overlay_int.h"

enum { WINDOW = 256 * 1024, XATTR_MAX = 65536, NAMES_MAX = 65536, TEXT_MAX = 4096 };

struct scan {
    struct overlay_set *s;
    unsigned i;
    struct buf path; /* of the entry in work */
};

static int scan_sys(const struct scan *c, struct err *e)
{
    return err_sys(e, ERR_HOST, errno, "%s/%s", c->s->v[c->i].name, buf_c(&c->path));
}

static int read_xattrs(const struct scan *c, int fd, struct arena *a, struct tree_entry *en, struct err *e)
{
    AUTO_MEM char *names = mem_alloc(NAMES_MAX);
    ssize_t n = os_list_xattr(fd, names, NAMES_MAX);
    if (n < 0 && (errno == ENOTSUP || errno == EOPNOTSUPP))
        return 0;
    if (n < 0)
        return scan_sys(c, e);
    struct tree_xattr *x = arena_array(a, (size_t)n / 2 + 1, sizeof *x);
    for (const char *name = names; name < names + n; name += strlen(name) + 1) {
        if (!tree_keeps_xattr(name))
            continue;
        char *value = arena_alloc(a, XATTR_MAX);
        ssize_t size = os_get_xattr(fd, name, value, XATTR_MAX);
        if (size < 0)
            return scan_sys(c, e);
        x[en->nxattrs++] = (struct tree_xattr){arena_copy(a, str_c(name)), {value, (size_t)size}};
    }
    en->xattrs = x;
    return 0;
}

/* Owners are this host's; the root's are not known here. */
static struct tree_entry entry_of(const struct scan *c, const struct stat *st, enum tree_type type)
{
    return (struct tree_entry){.path = buf_view(&c->path),
                               .type = type,
                               .mode = st->st_mode & 07777,
                               .mtime = st->st_mtim.tv_sec,
                               .mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
                               .size = type == TREE_FILE ? (uint64_t)st->st_size : 0};
}

static int add(const struct scan *c, const struct tree_entry *en, const struct stat *st, struct err *e)
{
    bool several = en->type == TREE_FILE && st->st_nlink > 1;
    return overlay_add(c->s, c->i, en, st->st_dev, several ? st->st_ino : 0, e);
}

static int scan_file(const struct scan *c, int dir, const char *name, const struct stat *st, struct err *e)
{
    AUTO_ARENA a = {0};
    struct tree_entry en = entry_of(c, st, TREE_FILE);
    AUTO_FD fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return scan_sys(c, e);
    return read_xattrs(c, fd, &a, &en, e) < 0 ? -1 : add(c, &en, st, e);
}

static int scan_link(const struct scan *c, int dir, const char *name, const struct stat *st, struct err *e)
{
    char text[TEXT_MAX];
    struct tree_entry en = entry_of(c, st, TREE_LINK);
    ssize_t n = readlinkat(dir, name, text, sizeof text);
    if (n < 0)
        return scan_sys(c, e);
    en.link = (struct str){text, (size_t)n};
    return add(c, &en, st, e);
}

static int scan_dir(struct scan *c, int fd, struct err *e);

static int scan_subdir(struct scan *c, int dir, const char *name, const struct stat *st, struct err *e)
{
    AUTO_ARENA a = {0};
    struct tree_entry en = entry_of(c, st, TREE_DIR);
    AUTO_FD fd = os_open_subdir(dir, name);
    if (fd < 0 && errno == EXDEV) {
        log_warn(c->s->log, "--overlay: %s/%s: what is mounted there is left out", c->s->v[c->i].name,
                 buf_c(&c->path));
        return add(c, &en, st, e);
    }
    if (fd < 0)
        return scan_sys(c, e);
    if (read_xattrs(c, fd, &a, &en, e) < 0 || add(c, &en, st, e) < 0)
        return -1;
    return scan_dir(c, fd, e);
}

static int scan_name(struct scan *c, int dir, const char *name, struct err *e)
{
    struct stat st;
    if (job_check_stop(e) < 0)
        return -1;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return scan_sys(c, e);
    struct tree_entry en;
    switch (st.st_mode & S_IFMT) {
    case S_IFDIR:
        return scan_subdir(c, dir, name, &st, e);
    case S_IFREG:
        return scan_file(c, dir, name, &st, e);
    case S_IFLNK:
        return scan_link(c, dir, name, &st, e);
    case S_IFSOCK:
        log_warn(c->s->log, "--overlay: %s/%s: a socket is left out", c->s->v[c->i].name, buf_c(&c->path));
        return 0;
    default:
        en = entry_of(c, &st, S_ISCHR(st.st_mode) ? TREE_CHAR : S_ISBLK(st.st_mode) ? TREE_BLOCK : TREE_FIFO);
        return add(c, &en, &st, e);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names, sorted: readdir's order is the file system's. */
static int read_names(const struct scan *c, int fd, struct arena *a, const char ***names, size_t *n,
                      struct err *e)
{
    AUTO_BUF all = {0};
    struct dirent *de;
    AUTO_FD own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = own < 0 ? NULL : fdopendir(own);
    if (d == NULL)
        return scan_sys(c, e);
    auto_take_fd(&own);
    while ((errno = 0, de = readdir(d)) != NULL)
        if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0) {
            buf_add(&all, de->d_name, strlen(de->d_name) + 1);
            ++*n;
        }
    int rc = errno == 0 ? 0 : scan_sys(c, e);
    closedir(d);
    const char *at = arena_str(a, buf_view(&all));
    *names = arena_array(a, *n, sizeof **names);
    for (size_t i = 0; i < *n; i++, at += strlen(at) + 1)
        (*names)[i] = at;
    if (*n > 0)
        qsort(*names, *n, sizeof **names, by_text);
    return rc;
}

static int scan_dir(struct scan *c, int fd, struct err *e)
{
    AUTO_ARENA a = {0};
    const char **names = NULL;
    size_t n = 0, at = c->path.n;
    if (read_names(c, fd, &a, &names, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (at > 0)
            buf_putc(&c->path, '/');
        buf_puts(&c->path, names[i]);
        if (scan_name(c, fd, names[i], e) < 0)
            return -1;
        c->path.n = at;
        c->path.p[at] = '\0';
    }
    return 0;
}

static int dir_scan(struct overlay_set *s, unsigned i, struct err *e)
{
    struct scan c = {.s = s, .i = i};
    int rc = scan_dir(&c, s->v[i].fd, e);
    buf_free(&c.path);
    return rc;
}

struct reader {
    int fd;
    const struct overlay *overlay;
    const struct tree_entry *en;
    uint64_t at;
    char *window;
};

static int read_next(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e)
{
    struct reader *r = ctx;
    ssize_t got;
    do {
        got = pread(r->fd, r->window, WINDOW, (off_t)r->at);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_sys(e, ERR_HOST, errno, "%s/%" STR_FMT, r->overlay->name, STR_ARG(r->en->path));
    *p = r->window;
    *n = (size_t)got;
    *off = r->at;
    r->at += (uint64_t)got;
    return got > 0;
}

static int put_one(struct overlay_set *s, size_t k, struct tree *t, char *window, struct err *e)
{
    const struct overlay *o = &s->v[s->entries[k].overlay];
    const struct tree_entry *en = &s->entries[k].en;
    AUTO_ARENA a = {0};
    const char *path = arena_str(&a, en->path), *slash = strrchr(path, '/');
    AUTO_FD dir =
        os_open_dir_below(o->fd, slash != NULL ? arena_printf(&a, "%.*s", (int)(slash - path), path) : ".");
    AUTO_FD fd = dir < 0 ? -1
                         : openat(dir, slash != NULL ? slash + 1 : path,
                                  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, ERR_HOST, errno, "%s/%s", o->name, path);
    struct reader r = {.fd = fd, .overlay = o, .en = en, .window = window};
    return overlay_put_file(s, k, t, read_next, &r, e);
}

static int dir_put(struct overlay_set *s, unsigned i, struct tree *t, struct err *e)
{
    AUTO_MEM char *window = mem_alloc(WINDOW);
    for (size_t k = s->v[i].from; k < s->v[i].to; k++)
        if (overlay_wants(s, k) && (job_check_stop(e) < 0 || put_one(s, k, t, window, e) < 0))
            return -1;
    return 0;
}

const struct overlay_kind overlay_dir = {.scan = dir_scan, .put = dir_put};
