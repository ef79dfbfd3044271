#include "pkgfmt/index_decode.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "pkgfmt/ahead.h"

enum { BLOCK = 64 << 10 };

static const struct filter {
    const char *suffix;
    int code;
    int (*enable)(struct archive *);
} filters[] = {
    {".xz", ARCHIVE_FILTER_XZ, archive_read_support_filter_xz},
    {".zst", ARCHIVE_FILTER_ZSTD, archive_read_support_filter_zstd},
    {".gz", ARCHIVE_FILTER_GZIP, archive_read_support_filter_gzip},
    {".bz2", ARCHIVE_FILTER_BZIP2, archive_read_support_filter_bzip2},
};

static const struct filter *filter_of(const char *name)
{
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (str_ends(str_c(name), str_c(filters[i].suffix)))
            return &filters[i];
    return NULL;
}

static int damaged(struct index_decode *d, struct err *e, const char *what)
{
    const char *why = archive_error_string(d->archive);
    return err_set(e, ERR_FORMAT, "%s: %s%s%s", d->name, what, why ? ": " : "", why ? why : "");
}

static int open_filtered(struct index_decode *d, const struct filter *f, struct err *e)
{
    struct archive_entry *entry;
    d->archive = archive_read_new();
    if (d->archive == NULL)
        return err_set(e, ERR_HOST, "%s: libarchive gives no reader", d->name);
    /* ARCHIVE_WARN would mean a decoder program: stage 1 runs no program. */
    if (f->enable(d->archive) != ARCHIVE_OK) {
        err_set(e, ERR_HOST, "%s: this libarchive cannot decode %s", d->name, f->suffix);
        return err_hint(e, "use a libarchive built with that compression");
    }
    archive_read_support_format_raw(d->archive);
    archive_read_support_format_empty(d->archive);
    if (archive_read_open_fd(d->archive, d->fd, BLOCK) != ARCHIVE_OK)
        return damaged(d, e, "cannot decode it");
    /* An empty file decodes to no entry at all. */
    int rc = archive_read_next_header(d->archive, &entry);
    if (rc != ARCHIVE_OK && rc != ARCHIVE_EOF)
        return damaged(d, e, "cannot decode it");
    if (archive_filter_code(d->archive, 0) != f->code)
        return err_set(e, ERR_FORMAT, "%s: it is not in %s format", d->name, f->suffix + 1);
    d->ended = rc == ARCHIVE_EOF;
    return 0;
}

int index_decode_open(struct index_decode *d, int fd, const char *name, uint64_t max, struct err *e)
{
    const struct filter *f = filter_of(name);
    *d = (struct index_decode){.fd = fd, .name = name, .max = max};
    return f != NULL ? open_filtered(d, f, e) : 0;
}

static ssize_t read_plain(struct index_decode *d, void *p, size_t n, struct err *e)
{
    ssize_t got;
    do
        got = read(d->fd, p, n);
    while (got < 0 && errno == EINTR);
    return got >= 0 ? got : err_sys(e, ERR_HOST, errno, "%s: cannot read it", d->name);
}

static ssize_t read_now(void *ctx, void *p, size_t n, struct err *e)
{
    struct index_decode *d = ctx;
    ssize_t got;
    if (d->ended)
        return 0;
    if (d->archive == NULL)
        got = read_plain(d, p, n, e);
    else if ((got = archive_read_data(d->archive, p, n)) < 0)
        return damaged(d, e, "it is damaged or cut off");
    if (got <= 0)
        return got;
    d->done += (uint64_t)got;
    if (d->done > d->max)
        return err_set(e, ERR_FORMAT, "%s: it decodes to more than %" PRIu64 " bytes", d->name, d->max);
    return got;
}

void index_decode_ahead(struct index_decode *d)
{
    if (d->ahead == NULL)
        d->ahead = ahead_open(read_now, d);
}

ssize_t index_decode_read(struct index_decode *d, void *p, size_t n, struct err *e)
{
    return d->ahead != NULL ? ahead_read(d->ahead, p, n, e) : read_now(d, p, n, e);
}

void index_decode_close(struct index_decode *d)
{
    ahead_close(d->ahead);
    d->ahead = NULL;
    if (d->archive != NULL)
        archive_read_free(d->archive);
    d->archive = NULL;
}
