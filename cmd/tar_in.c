#include "cmd/tar_in.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/tar_entry.h"
#include "cmd/cmd.h"

enum { WINDOW = 128 * 1024, HEADER_MAX = 4 * 1024 * 1024 };

struct tar_in {
    int fd;
    const char *name;
    uint64_t max;
    uint64_t pos;
    struct archive *decoder, *ar;
    struct archive_entry *entry;
    bool empty; /* it decodes to nothing */
    bool in_header;
    uint64_t given, header; /* of the tar's bytes: so many were read, and there the entry begins */
    uint64_t end;           /* of what was read of the entry's content */
    locale_t locale;
    struct tar_xattrs xattrs;
    struct err io; /* what a callback met; its class says whether */
    struct digest_ctx hash;
    bool sum;
    char window[WINDOW];
};

static la_ssize_t on_read(struct archive *ar, void *ctx, const void **p)
{
    struct tar_in *r = ctx;
    ssize_t n;
    do {
        n = pread(r->fd, r->window, WINDOW, (off_t)r->pos);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        err_sys(&r->io, ERR_HOST, errno, "read");
    if (n < 0 || job_check_stop(&r->io) < 0) {
        archive_set_error(ar, EIO, "read error");
        return -1;
    }
    r->pos += (uint64_t)n;
    *p = r->window;
    return n;
}

static void take(struct tar_in *r, const void *p, size_t n)
{
    r->given += n;
    if (r->sum && n > 0)
        digest_update(&r->hash, p, n);
}

/* The tar's bytes. libarchive keeps all of a header in memory, and a few compressed bytes can be millions. */
static la_ssize_t on_tar(struct archive *ar, void *ctx, const void **p)
{
    struct tar_in *r = ctx;
    size_t n = 0;
    la_int64_t off;
    if (r->in_header && r->given - r->header > HEADER_MAX)
        err_set(&r->io, ERR_FORMAT, "an entry with a header of more than %d bytes", HEADER_MAX);
    if (r->given > r->max)
        err_set(&r->io, ERR_FORMAT, "more than %llu bytes after decompression", (unsigned long long)r->max);
    if (r->io.class == ERR_NONE && job_check_stop(&r->io) == 0) {
        int rc = r->empty ? ARCHIVE_EOF : archive_read_data_block(r->decoder, p, &n, &off);
        if (rc == ARCHIVE_OK)
            take(r, *p, n);
        if (rc == ARCHIVE_OK || rc == ARCHIVE_EOF)
            return rc == ARCHIVE_OK ? (la_ssize_t)n : 0;
    }
    archive_set_error(ar, EIO, "%s",
                      archive_error_string(r->decoder) ? archive_error_string(r->decoder) : "");
    return -1;
}

static int tar_error(struct tar_in *r, const char *path, struct err *e)
{
    const char *why = r->ar != NULL ? archive_error_string(r->ar) : NULL;
    if (r->io.class != ERR_NONE)
        *e = r->io;
    else if (why == NULL || strstr(why, "Unrecognized") != NULL)
        err_set(e, ERR_FORMAT, "no tar archive in a known compression, or damaged");
    else
        err_set(e, ERR_FORMAT, "%s", why);
    return path != NULL ? err_wrap(e, "%s: %s", r->name, path) : err_wrap(e, "%s", r->name);
}

/* Only what libarchive decodes itself: for some it would run a program. */
static void add_filters(struct archive *ar)
{
    static int (*const filters[])(struct archive *) = {
        archive_read_support_filter_gzip,    archive_read_support_filter_bzip2,
        archive_read_support_filter_xz,      archive_read_support_filter_lzma,
        archive_read_support_filter_zstd,    archive_read_support_filter_lz4,
        archive_read_support_filter_compress};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct archive *probe = archive_read_new();
        if (probe != NULL && filters[i](probe) == ARCHIVE_OK)
            filters[i](ar);
        archive_read_free(probe);
    }
}

static int open_decoder(struct tar_in *r)
{
    struct archive_entry *raw;
    r->decoder = archive_read_new();
    if (r->decoder == NULL || archive_read_support_format_raw(r->decoder) != ARCHIVE_OK ||
        archive_read_support_format_empty(r->decoder) != ARCHIVE_OK)
        return -1;
    add_filters(r->decoder);
    if (archive_read_open(r->decoder, r, NULL, on_read, NULL) != ARCHIVE_OK)
        return -1;
    int rc = archive_read_next_header(r->decoder, &raw);
    r->empty = rc == ARCHIVE_EOF;
    return rc == ARCHIVE_OK || rc == ARCHIVE_EOF ? 0 : -1;
}

void tar_in_close(struct tar_in *r)
{
    if (r == NULL)
        return;
    archive_read_free(r->ar);
    archive_read_free(r->decoder);
    if (r->locale != (locale_t)0)
        freelocale(r->locale);
    tar_xattrs_free(&r->xattrs);
    digest_end(&r->hash, NULL);
    free(r);
}

int tar_in_open(struct tar_in **out, int fd, const char *name, uint64_t max, bool sum, struct err *e)
{
    struct tar_in *r = mem_alloc(sizeof *r);
    r->fd = fd;
    r->name = name;
    r->max = max;
    r->sum = sum;
    r->locale = tar_entry_locale();
    r->ar = archive_read_new();
    if (sum && digest_begin(&r->hash, DIGEST_SHA256, e) < 0) {
        tar_in_close(r);
        return -1;
    }
    if (r->ar == NULL || archive_read_support_format_tar(r->ar) != ARCHIVE_OK || open_decoder(r) < 0 ||
        archive_read_open(r->ar, r, NULL, on_tar, NULL) != ARCHIVE_OK) {
        tar_error(r, NULL, e);
        tar_in_close(r);
        return -1;
    }
    *out = r;
    return 0;
}

int tar_in_next(struct tar_in *r, const char **path, struct err *e)
{
    if (r->entry != NULL && archive_read_data_skip(r->ar) == ARCHIVE_FATAL)
        return tar_error(r, NULL, e);
    locale_t old = uselocale(r->locale);
    r->header = r->given;
    r->in_header = true;
    int rc = archive_read_next_header(r->ar, &r->entry);
    r->in_header = false;
    *path = rc == ARCHIVE_EOF || rc == ARCHIVE_FATAL ? NULL : archive_entry_pathname(r->entry);
    uselocale(old);
    if (rc == ARCHIVE_EOF)
        return 0;
    if (rc != ARCHIVE_OK && !(rc == ARCHIVE_WARN && tar_entry_only_charset(r->ar)))
        return tar_error(r, *path, e);
    r->end = 0;
    return *path != NULL ? 1 : err_set(e, ERR_FORMAT, "%s: an entry without a name", r->name);
}

int tar_in_entry(struct tar_in *r, const char *path, struct tree_entry *en, struct err *e)
{
    if (tar_entry_read(r->entry, path, tree_keeps_xattr, &r->xattrs, en, e) < 0)
        return err_wrap(e, "%s: %s", r->name, path);
    return 0;
}

int tar_in_data(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e)
{
    struct tar_in *r = ctx;
    int rc = tar_entry_data(r->ar, &r->end, p, n, off);
    return rc < 0 ? tar_error(r, archive_entry_pathname(r->entry), e) : rc;
}

int tar_in_end(struct tar_in *r, struct digest *digest, struct err *e)
{
    const void *p;
    la_ssize_t n;
    while ((n = on_tar(r->ar, r, &p)) > 0)
        ;
    if (n < 0)
        return tar_error(r, NULL, e);
    if (digest != NULL)
        digest_end(&r->hash, digest);
    return 0;
}
