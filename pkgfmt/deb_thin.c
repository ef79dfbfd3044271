#include "pkgfmt/deb_thin.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"

enum { WINDOW = 64 * 1024, AR_HEADER = 60 };

struct deb_thin {
    int fd;
    off_t data_off;    /* of data.tar's content in the file */
    uint64_t left;     /* content that may still be written */
    uint64_t size, at; /* the current entry's */
    struct archive *ar;
    struct err io;
};

static const char what[] = "thin package";

static la_ssize_t on_write(struct archive *ar, void *ctx, const void *p, size_t n)
{
    struct deb_thin *t = ctx;
    if (file_write_fd(t->fd, what, p, n, &t->io) == 0)
        return (la_ssize_t)n;
    archive_set_error(ar, EIO, "write error");
    return -1;
}

static int thin_error(struct deb_thin *t, struct err *e)
{
    if (t->io.class != ERR_NONE) {
        *e = t->io;
        return -1;
    }
    const char *why = archive_error_string(t->ar);
    return err_set(e, ERR_FORMAT, "%s: %s", what, why != NULL ? why : "cannot be written");
}

/* ar(5); times and owners are of no use to dpkg. */
static void ar_header(struct buf *b, const char *name, uint64_t size)
{
    buf_printf(b, "%-16s%-12d%-6d%-6d%-8s%-10llu`\n", name, 0, 0, 0, "100644", (unsigned long long)size);
}

static int copy_control(int fd, const struct deb_read *d, struct err *e)
{
    const struct deb_member *m = &d->control;
    AUTO_MEM unsigned char *p = mem_alloc(WINDOW);
    for (uint64_t at = 0; at < m->size;) {
        size_t n = m->size - at < WINDOW ? (size_t)(m->size - at) : WINDOW;
        if (deb_read_at(d->fd, m->off + at, p, n, e) < 0 || file_write_fd(fd, what, p, n, e) < 0)
            return -1;
        at += n;
    }
    return 0;
}

/* Everything before data.tar's content, its size not known yet. */
static int write_head(struct deb_thin *t, const struct deb_read *d, struct err *e)
{
    AUTO_BUF b = {0};
    buf_puts(&b, "!<arch>\n");
    ar_header(&b, "debian-binary", 4);
    buf_puts(&b, "2.0\n");
    ar_header(&b, d->control.name, d->control.size);
    if (file_write_fd(t->fd, what, b.p, b.n, e) < 0 || copy_control(t->fd, d, e) < 0)
        return -1;
    uint64_t end = b.n + d->control.size + (d->control.size & 1);
    buf_clear(&b);
    if (d->control.size & 1)
        buf_putc(&b, '\n');
    ar_header(&b, "data.tar", 0);
    t->data_off = (off_t)(end + AR_HEADER);
    return file_write_fd(t->fd, what, b.p, b.n, e);
}

int deb_thin_open(struct deb_thin **out, int fd, const struct deb_read *d, uint64_t max_bytes, struct err *e)
{
    struct deb_thin *t = *out = mem_alloc(sizeof *t);
    t->fd = fd;
    t->left = max_bytes;
    t->ar = archive_write_new();
    /* dpkg's own tar reader knows GNU's headers, not pax ones. */
    if (t->ar == NULL || archive_write_set_format_gnutar(t->ar) != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(t->ar, WINDOW) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(t->ar, 1) != ARCHIVE_OK)
        thin_error(t, e);
    else if (write_head(t, d, e) == 0) {
        if (archive_write_open(t->ar, t, NULL, on_write, NULL) == ARCHIVE_OK)
            return 0;
        thin_error(t, e);
    }
    deb_thin_close(t);
    *out = NULL;
    return -1;
}

/* dpkg matches its path filters against the name without its first byte, so that only "./usr" matches "/usr".
 */
static void set_path(struct archive_entry *ae, struct str path)
{
    AUTO_BUF b = {0};
    while (path.n > 0 && (path.p[0] == '/' || (path.p[0] == '.' && (path.n == 1 || path.p[1] == '/'))))
        path = str_from(path, 1);
    buf_puts(&b, "./");
    buf_str(&b, path);
    archive_entry_copy_pathname(ae, buf_c(&b));
}

int deb_thin_entry(struct deb_thin *t, struct archive_entry *ae, const struct tree_entry *en,
                   bool with_content, struct err *e)
{
    t->size = with_content ? en->size : 0;
    t->at = 0;
    if (t->size > t->left)
        return err_set(e, ERR_FORMAT, "%" STR_FMT ": too large for what the index says of the package",
                       STR_ARG(en->path));
    t->left -= t->size;
    struct archive_entry *copy = archive_entry_clone(ae);
    if (copy == NULL)
        return err_set(e, ERR_HOST, "out of memory");
    set_path(copy, en->path);
    archive_entry_sparse_clear(copy);
    archive_entry_set_size(copy, (la_int64_t)t->size);
    int r = archive_write_header(t->ar, copy);
    archive_entry_free(copy);
    /* A warning is about an owner's name that is too long for the header. */
    return r == ARCHIVE_OK || r == ARCHIVE_WARN ? 0 : thin_error(t, e);
}

static int write_bytes(struct deb_thin *t, const void *p, uint64_t n, struct err *e)
{
    t->at += n;
    return n == 0 || archive_write_data(t->ar, p, (size_t)n) == (la_ssize_t)n ? 0 : thin_error(t, e);
}

int deb_thin_data(struct deb_thin *t, const void *p, size_t n, uint64_t off, struct err *e)
{
    static const char zeros[4096];
    if (off < t->at || off > t->size || n > t->size - off)
        return err_set(e, ERR_FORMAT, "the content is longer than its header says");
    while (t->at < off)
        if (write_bytes(t, zeros, off - t->at < sizeof zeros ? off - t->at : sizeof zeros, e) < 0)
            return -1;
    return write_bytes(t, p, n, e);
}

int deb_thin_finish(struct deb_thin *t, struct err *e)
{
    AUTO_BUF b = {0};
    if (archive_write_close(t->ar) != ARCHIVE_OK)
        return thin_error(t, e);
    off_t end = lseek(t->fd, 0, SEEK_CUR);
    if (end < 0)
        return err_sys(e, ERR_HOST, errno, "%s", what);
    ar_header(&b, "data.tar", (uint64_t)(end - t->data_off));
    if (pwrite(t->fd, b.p, b.n, t->data_off - AR_HEADER) != (ssize_t)b.n)
        return err_sys(e, ERR_HOST, errno, "%s: cannot write", what);
    return 0;
}

void deb_thin_close(struct deb_thin *t)
{
    if (t == NULL)
        return;
    archive_write_free(t->ar);
    free(t);
}
