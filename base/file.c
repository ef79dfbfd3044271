#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/mem.h"

int file_read_fd(int fd, const char *name, size_t max, struct buf *b, struct err *e)
{
    size_t start = b->n;
    for (;;) {
        buf_reserve(b, 64 * 1024);
        ssize_t n = read(fd, b->p + b->n, b->cap - b->n - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(e, ERR_HOST, errno, "%s: read", name);
        if (n == 0)
            break;
        b->n += (size_t)n;
        if (b->n - start > max) {
            err_set(e, ERR_HOST, "%s: larger than %zu bytes", name, max);
            e->sys = EFBIG;
            return -1;
        }
    }
    b->p[b->n] = '\0';
    return 0;
}

int file_read(const char *path, size_t max, struct buf *b, struct err *e)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_sys(e, ERR_HOST, errno, "%s", path);
    return file_read_fd(fd, path, max, b, e);
}

int file_read_at(int fd, const char *name, uint64_t off, void *p, size_t n, struct err *e)
{
    for (size_t done = 0; done < n;) {
        ssize_t r = pread(fd, (char *)p + done, n - done, (off_t)(off + done));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return err_sys(e, ERR_HOST, errno, "cannot read %s", name);
        if (r == 0)
            return err_set(e, ERR_FORMAT, "%s ends early, at byte %llu", name,
                           (unsigned long long)(off + done));
        done += (size_t)r;
    }
    return 0;
}

int file_write_fd(int fd, const char *name, const void *p, size_t n, struct err *e)
{
    const char *at = p;
    while (n > 0) {
        ssize_t w = write(fd, at, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return err_sys(e, ERR_HOST, errno, "%s: write", name);
        at += w;
        n -= (size_t)w;
    }
    return 0;
}

int file_replace(const char *path, struct str data, mode_t mode, struct err *e)
{
    AUTO_BUF tmp = {0};
    buf_printf(&tmp, "%s.XXXXXX", path);
    AUTO_FD fd = mkstemp(tmp.p);
    if (fd < 0)
        return err_sys(e, ERR_HOST, errno, "%s", path);
    int rc = file_write_fd(fd, path, data.p, data.n, e);
    if (rc == 0 && (fchmod(fd, mode) < 0 || rename(tmp.p, path) < 0))
        rc = err_sys(e, ERR_HOST, errno, "%s", path);
    if (rc < 0)
        unlink(tmp.p);
    return rc;
}

int file_temp(const char *dir, struct buf *name, struct err *e)
{
    AUTO_BUF path = {0};
    if (dir == NULL)
        dir = getenv("TMPDIR");
    buf_printf(&path, "%s/zonestrap-XXXXXX", dir != NULL && *dir != '\0' ? dir : "/tmp");
    int fd = mkstemp(path.p);
    if (fd < 0)
        return err_sys(e, ERR_HOST, errno, "temporary file %s", path.p);
    unlink(path.p);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (name != NULL)
        buf_str(name, buf_view(&path));
    return fd;
}

int file_mkdirs(const char *path, mode_t mode, struct err *e)
{
    AUTO_BUF b = {0};
    struct stat st;
    buf_puts(&b, path);
    for (char *p = b.p + 1; b.n > 0; p++) {
        char c = *p;
        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        if (mkdir(b.p, mode) < 0 && errno != EEXIST)
            return err_sys(e, ERR_HOST, errno, "%s", b.p);
        if (c == '\0' && stat(b.p, &st) == 0 && !S_ISDIR(st.st_mode))
            return err_sys(e, ERR_HOST, ENOTDIR, "%s", b.p);
        if (c == '\0')
            break;
        *p = c;
    }
    return 0;
}
