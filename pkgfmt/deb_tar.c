#include "pkgfmt/deb_tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tar_entry.h"

enum { WINDOW = 128 * 1024, HEADER_MAX = 4 * 1024 * 1024 };

struct deb_tar {
    const struct deb_read *deb;
    const struct deb_member *member;
    uint64_t pos;            /* in the member */
    struct archive *decoder; /* NULL: the member is not compressed */
    bool empty;              /* it decodes to nothing */
    bool in_header;
    uint64_t given, header; /* of the tar's bytes: so many were read, and there the entry begins */
    uint64_t end;           /* of what deb_tar_data() gave of the entry */
    struct archive *ar;
    struct archive_entry *entry;
    locale_t locale;
    struct tar_xattrs xattrs;
    struct err io; /* what the callback met; its class says whether */
    unsigned char window[WINDOW];
};

static la_ssize_t on_read(struct archive *ar, void *ctx, const void **p)
{
    struct deb_tar *t = ctx;
    uint64_t left = t->member->size - t->pos;
    size_t n = left < WINDOW ? (size_t)left : WINDOW;
    if (deb_read_at(t->deb->fd, t->member->off + t->pos, t->window, n, &t->io) < 0) {
        archive_set_error(ar, EIO, "read error");
        return -1;
    }
    t->pos += n;
    *p = t->window;
    return (la_ssize_t)n;
}

static la_ssize_t decoded(struct deb_tar *t, struct archive *ar, const void **p)
{
    size_t n = 0;
    la_int64_t off;
    int r = t->empty ? ARCHIVE_EOF : archive_read_data_block(t->decoder, p, &n, &off);
    if (r == ARCHIVE_OK)
        return (la_ssize_t)n;
    if (r == ARCHIVE_EOF)
        return 0;
    archive_set_error(ar, archive_errno(t->decoder), "%s", archive_error_string(t->decoder));
    return -1;
}

/* The tar's bytes. libarchive keeps all of a header in memory, a map of holes too, and a few compressed bytes
   can be millions of them. */
static la_ssize_t on_tar(struct archive *ar, void *ctx, const void **p)
{
    struct deb_tar *t = ctx;
    if (t->in_header && t->given - t->header > HEADER_MAX) {
        err_set(&t->io, ERR_FORMAT, "an entry with a header of more than %d bytes", HEADER_MAX);
        archive_set_error(ar, EIO, "header too large");
        return -1;
    }
    la_ssize_t n = t->decoder != NULL ? decoded(t, ar, p) : on_read(ar, t, p);
    if (n > 0)
        t->given += (uint64_t)n;
    return n;
}

/* What went wrong: our own reading first, else libarchive's words. */
static int tar_error(struct deb_tar *t, const char *path, struct err *e)
{
    const char *why = archive_error_string(t->ar);
    if (t->io.class != ERR_NONE)
        *e = t->io;
    else if (why == NULL || strstr(why, "Unrecognized") != NULL)
        err_set(e, ERR_FORMAT, "not a tar in the compression that the name says, or damaged");
    else
        err_set(e, ERR_FORMAT, "%s", why);
    return path != NULL ? err_wrap(e, "%s: %s", t->member->name, path) : err_wrap(e, "%s", t->member->name);
}

/* append, not support: the bytes must be what the name says, once. */
static int open_decoder(struct deb_tar *t)
{
    struct archive_entry *raw;
    if (t->member->filter == ARCHIVE_FILTER_NONE)
        return 0;
    t->decoder = archive_read_new();
    if (t->decoder == NULL || archive_read_support_format_raw(t->decoder) != ARCHIVE_OK ||
        archive_read_support_format_empty(t->decoder) != ARCHIVE_OK ||
        archive_read_append_filter(t->decoder, t->member->filter) != ARCHIVE_OK ||
        archive_read_open(t->decoder, t, NULL, on_read, NULL) != ARCHIVE_OK)
        return -1;
    int r = archive_read_next_header(t->decoder, &raw);
    t->empty = r == ARCHIVE_EOF;
    return r == ARCHIVE_OK || r == ARCHIVE_EOF ? 0 : -1;
}

int deb_tar_open(struct deb_tar **out, const struct deb_read *d, const struct deb_member *m, struct err *e)
{
    struct deb_tar *t = *out = mem_alloc(sizeof *t);
    t->deb = d;
    t->member = m;
    t->locale = tar_entry_locale();
    t->ar = archive_read_new();
    if (t->ar == NULL || archive_read_support_format_tar(t->ar) != ARCHIVE_OK || open_decoder(t) < 0 ||
        archive_read_open(t->ar, t, NULL, on_tar, NULL) != ARCHIVE_OK) {
        tar_error(t, NULL, e);
        deb_tar_close(t);
        *out = NULL;
        return -1;
    }
    return 0;
}

void deb_tar_close(struct deb_tar *t)
{
    if (t == NULL)
        return;
    archive_read_free(t->ar);
    archive_read_free(t->decoder);
    if (t->locale != (locale_t)0)
        freelocale(t->locale);
    tar_xattrs_free(&t->xattrs);
    free(t);
}

int deb_tar_next(struct deb_tar *t, struct tree_entry *en, struct err *e)
{
    if (t->entry != NULL && archive_read_data_skip(t->ar) == ARCHIVE_FATAL)
        return tar_error(t, NULL, e);
    locale_t old = uselocale(t->locale);
    t->header = t->given;
    t->in_header = true;
    int r = archive_read_next_header(t->ar, &t->entry);
    t->in_header = false;
    const char *path = r == ARCHIVE_EOF || r == ARCHIVE_FATAL ? NULL : archive_entry_pathname(t->entry);
    uselocale(old);
    if (r == ARCHIVE_EOF)
        return 0;
    if (r != ARCHIVE_OK && !(r == ARCHIVE_WARN && tar_entry_only_charset(t->ar)))
        return tar_error(t, path, e);
    if (path == NULL || path[0] == '\0')
        return err_set(e, ERR_FORMAT, "%s: an entry without a name", t->member->name);
    if (tar_entry_read(t->entry, path, NULL, &t->xattrs, en, e) < 0)
        return err_wrap(e, "%s: %s", t->member->name, path);
    if (en->type == TREE_CHAR || en->type == TREE_BLOCK)
        return err_set(e, ERR_FORMAT, "%s: %s: a device node, which no Debian package ships", t->member->name,
                       path);
    t->end = 0;
    return 1;
}

int deb_tar_data(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e)
{
    struct deb_tar *t = ctx;
    int r = tar_entry_data(t->ar, &t->end, p, n, off);
    return r < 0 ? tar_error(t, archive_entry_pathname(t->entry), e) : r;
}

struct archive_entry *deb_tar_entry(const struct deb_tar *t)
{
    return t->entry;
}
