#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/copy_int.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/os.h"

enum { WINDOW = 256 * 1024, BLOCK = 4096, NAMES_MAX = 65536, XATTR_MAX = 65536, LINK_MAX_BYTES = 4096 };

int copy_sys(const struct copy_at *at, const char *name, const char *what, struct err *e)
{
    bool top = strcmp(at->dir, ".") == 0;
    return err_sys(e, ERR_HOST, errno, "%s%s%s/%s: %s", at->root, top ? "" : "/", top ? "" : at->dir, name,
                   what);
}

/* Where an entry's attributes are read and written: open files, or a name in the two directories. */
struct attrs {
    const struct copy_at *at;
    const char *name;
    int from, to; /* -1: by name */
};

static ssize_t list(const struct attrs *x, char *names)
{
    return x->from >= 0 ? os_list_xattr(x->from, names, NAMES_MAX)
                        : os_list_xattr_at(x->at->from, x->name, names, NAMES_MAX);
}

static ssize_t get(const struct attrs *x, const char *attr, char *value)
{
    return x->from >= 0 ? os_get_xattr(x->from, attr, value, XATTR_MAX)
                        : os_get_xattr_at(x->at->from, x->name, attr, value, XATTR_MAX);
}

static int set(const struct attrs *x, const char *attr, const char *value, size_t n)
{
    return x->to >= 0 ? os_set_xattr(x->to, attr, value, n)
                      : os_set_xattr_at(x->at->to, x->name, attr, value, n);
}

/* What the system itself gives to files is refused without a word. */
static bool is_ours(const char *attr)
{
    return strncmp(attr, "user.", 5) == 0 || strcmp(attr, "security.capability") == 0 ||
           strncmp(attr, "system.posix_acl_", 17) == 0;
}

static int copy_attr(const struct attrs *x, const char *attr, char *value, struct err *e)
{
    ssize_t n = get(x, attr, value);
    if (n < 0 && errno == ENODATA)
        return 0;
    if (n < 0)
        return copy_sys(x->at, x->name, attr, e);
    if (set(x, attr, value, (size_t)n) == 0 || (!is_ours(attr) && errno != ENOSPC))
        return 0;
    if (errno != ENOTSUP && errno != EOPNOTSUPP)
        return copy_sys(x->at, x->name, attr, e);
    log_warn(x->at->o->log, "%s/%s/%s: its %s is lost, the target's file system has none", x->at->root,
             x->at->dir, x->name, attr);
    return 0;
}

static int copy_attrs(const struct attrs *x, struct err *e)
{
    char few[1024];
    ssize_t n = x->from >= 0 ? os_list_xattr(x->from, few, sizeof few)
                             : os_list_xattr_at(x->at->from, x->name, few, sizeof few);
    if (n == 0 || (n < 0 && (errno == ENOTSUP || errno == EOPNOTSUPP)))
        return 0;
    AUTO_MEM char *names = mem_alloc(NAMES_MAX), *value = mem_alloc(XATTR_MAX);
    n = list(x, names);
    if (n < 0)
        return copy_sys(x->at, x->name, "extended attributes", e);
    for (const char *attr = names; attr < names + n; attr += strlen(attr) + 1)
        if (copy_attr(x, attr, value, e) < 0)
            return -1;
    return 0;
}

/* The owner first: setting it takes setuid and capabilities away. */
static int file_meta(const struct copy_at *at, const char *name, int from, int to, const struct stat *st,
                     struct err *e)
{
    const struct attrs x = {at, name, from, to};
    const struct timespec times[2] = {st->st_atim, st->st_mtim};
    if (fchown(to, st->st_uid, st->st_gid) < 0)
        return copy_sys(at, name, "owner", e);
    if (copy_attrs(&x, e) < 0)
        return -1;
    if (fchmod(to, st->st_mode & 07777) < 0 || futimens(to, times) < 0)
        return copy_sys(at, name, "mode and time", e);
    return 0;
}

int copy_dir_meta(const struct copy_at *at, struct err *e)
{
    struct stat st;
    if (fstat(at->from, &st) < 0)
        return copy_sys(at, ".", "stat", e);
    return file_meta(at, ".", at->from, at->to, &st, e);
}

static bool is_zero(const char *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static int write_all(struct copy_at *at, const char *name, int to, const char *p, size_t n, uint64_t off,
                     struct err *e)
{
    for (ssize_t w; n > 0; p += w, n -= (size_t)w, off += (uint64_t)w) {
        w = pwrite(to, p, n, (off_t)off);
        if (w < 0 && errno == EINTR)
            w = 0;
        if (w < 0)
            return copy_sys(at, name, "write", e);
        at->stats.bytes += (uint64_t)w;
    }
    return 0;
}

/* What was read of a file with holes; some file systems do not say where they are. */
static int write_sparse(struct copy_at *at, const char *name, int to, size_t n, uint64_t off, struct err *e)
{
    for (size_t i = 0, next; i < n; i = next) {
        next = i + BLOCK < n ? i + BLOCK : n;
        if (is_zero(at->window + i, next - i))
            continue;
        while (next < n && !is_zero(at->window + next, n - next < BLOCK ? n - next : BLOCK))
            next = next + BLOCK < n ? next + BLOCK : n;
        if (write_all(at, name, to, at->window + i, next - i, off + i, e) < 0)
            return -1;
    }
    return 0;
}

/* [start, end) of the file; less when it ends before. */
static int piece(struct copy_at *at, const char *name, int from, int to, uint64_t start, uint64_t end,
                 bool sparse, struct err *e)
{
    while (start < end) {
        size_t want = end - start < WINDOW ? (size_t)(end - start) : WINDOW;
        ssize_t n = pread(from, at->window, want, (off_t)start);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return copy_sys(at, name, "read", e);
        if (n == 0)
            return 0;
        if (at->o->stop != NULL && *at->o->stop)
            return err_set(e, ERR_INTR, "interrupted");
        if ((sparse ? write_sparse(at, name, to, (size_t)n, start, e)
                    : write_all(at, name, to, at->window, (size_t)n, start, e)) < 0)
            return -1;
        start += (uint64_t)n;
    }
    return 0;
}

static int content(struct copy_at *at, const char *name, int from, int to, const struct stat *st,
                   struct err *e)
{
    uint64_t size = (uint64_t)st->st_size, off = 0, start, end;
    int more;
    if (at->window == NULL)
        at->window = mem_alloc(WINDOW);
    if ((uint64_t)st->st_blocks * 512 >= size) /* no holes: ask nothing */
        return piece(at, name, from, to, 0, size, false, e);
    while (off < size && (more = os_next_data(from, off, &start, &end)) != 0) {
        if (more < 0 && errno != EINVAL)
            return copy_sys(at, name, "read", e);
        if (more < 0) {
            start = off;
            end = size;
        }
        end = end < size ? end : size;
        if (piece(at, name, from, to, start, end, true, e) < 0)
            return -1;
        off = end;
    }
    return ftruncate(to, (off_t)size) < 0 ? copy_sys(at, name, "size", e) : 0;
}

/* 1: it cannot be shared. */
static int share(struct copy_at *at, const char *name, int from, int to, const struct stat *st, struct err *e)
{
    if (at->o->share == COPY_NEVER)
        return 1;
    if (os_share_file(from, to) == 0) {
        at->stats.shared += (uint64_t)st->st_size;
        return 0;
    }
    if (at->o->share == COPY_TRY && errno != ENOSPC)
        return 1;
    return errno == EXDEV || errno == EINVAL
               ? copy_sys(at, name, "source and target cannot share contents", e)
               : copy_sys(at, name, "the file system cannot share contents", e);
}

int copy_file(struct copy_at *at, const char *name, const struct stat *st, struct err *e)
{
    struct stat now;
    AUTO_FD from = openat(at->from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (from < 0 || fstat(from, &now) < 0)
        return copy_sys(at, name, "open", e);
    if (now.st_dev != st->st_dev || now.st_ino != st->st_ino || !S_ISREG(now.st_mode))
        return err_set(e, ERR_HOST, "%s/%s/%s: changed while it was copied", at->root, at->dir, name);
    AUTO_FD to = openat(at->to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return copy_sys(at, name, "cannot make the copy", e);
    int rc = now.st_size > 0 ? share(at, name, from, to, &now, e) : 0;
    if (rc == 1)
        rc = content(at, name, from, to, &now, e);
    return rc < 0 ? -1 : file_meta(at, name, from, to, &now, e);
}

static int make_special(const struct copy_at *at, const char *name, const struct stat *st, struct err *e)
{
    char text[LINK_MAX_BYTES + 1];
    if (!S_ISLNK(st->st_mode)) {
        if (mknodat(at->to, name, (st->st_mode & S_IFMT) | 0600, st->st_rdev) < 0)
            return copy_sys(at, name, "cannot make it", e);
        return 0;
    }
    ssize_t n = readlinkat(at->from, name, text, sizeof text);
    if (n < 0 || n == sizeof text)
        return copy_sys(at, name, "readlink", e);
    text[n] = '\0';
    return symlinkat(text, at->to, name) < 0 ? copy_sys(at, name, "cannot make the link", e) : 0;
}

int copy_special(const struct copy_at *at, const char *name, const struct stat *st, struct err *e)
{
    const struct attrs x = {at, name, -1, -1};
    const struct timespec times[2] = {st->st_atim, st->st_mtim};
    if (make_special(at, name, st, e) < 0)
        return -1;
    if (fchownat(at->to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return copy_sys(at, name, "owner", e);
    if (copy_attrs(&x, e) < 0)
        return -1;
    if (!S_ISLNK(st->st_mode) && fchmodat(at->to, name, st->st_mode & 07777, 0) < 0)
        return copy_sys(at, name, "mode", e);
    if (utimensat(at->to, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return copy_sys(at, name, "time", e);
    return 0;
}
