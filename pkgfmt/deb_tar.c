#include "pkgfmt/deb_tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

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
    struct tree_xattr *xattrs;
    size_t xattrs_cap;
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
    /* libarchive turns the UTF-8 names of pax headers into the locale's charset. */
    t->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (t->locale == (locale_t)0)
        t->locale = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
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
    free(t->xattrs);
    free(t);
}

static int entry_type(struct deb_tar *t, struct tree_entry *en, struct err *e)
{
    const char *hard = archive_entry_hardlink(t->entry);
    if (hard != NULL) {
        en->type = TREE_HARD;
        en->link = str_c(hard);
        return 0;
    }
    switch (archive_entry_filetype(t->entry)) {
    case AE_IFREG:
        en->type = TREE_FILE;
        en->size = (uint64_t)archive_entry_size(t->entry);
        return 0;
    case AE_IFDIR:
        en->type = TREE_DIR;
        return 0;
    case AE_IFLNK:
        en->type = TREE_LINK;
        en->link = str_c(archive_entry_symlink(t->entry));
        return 0;
    case AE_IFIFO:
        en->type = TREE_FIFO;
        return 0;
    case AE_IFCHR:
    case AE_IFBLK:
        return err_set(e, ERR_FORMAT, "a device node, which no Debian package ships");
    default:
        return err_set(e, ERR_FORMAT, "an unknown type of file");
    }
}

static void entry_xattrs(struct deb_tar *t, struct tree_entry *en)
{
    const char *name;
    const void *value;
    size_t n;
    archive_entry_xattr_reset(t->entry);
    while (archive_entry_xattr_next(t->entry, &name, &value, &n) == ARCHIVE_OK) {
        if (en->nxattrs == t->xattrs_cap) {
            t->xattrs_cap = t->xattrs_cap * 2 + 4;
            t->xattrs = mem_grow(t->xattrs, t->xattrs_cap, sizeof *t->xattrs);
        }
        t->xattrs[en->nxattrs++] = (struct tree_xattr){str_c(name), {value, n}};
    }
    en->xattrs = t->xattrs;
}

/* uid and gid as the header's numbers, whatever this host calls them. */
static int entry_owner(struct deb_tar *t, struct tree_entry *en, struct err *e)
{
    la_int64_t uid = archive_entry_uid(t->entry), gid = archive_entry_gid(t->entry);
    if (uid < 0 || gid < 0 || uid >= UINT32_MAX || gid >= UINT32_MAX)
        return err_set(e, ERR_FORMAT, "owner %lld:%lld is out of range", (long long)uid, (long long)gid);
    en->uid = (uint32_t)uid;
    en->gid = (uint32_t)gid;
    return 0;
}

/* A name that is not in the locale's charset comes as its bytes, with a warning: just what is wanted. */
static bool only_charset(struct archive *ar)
{
    const char *why = archive_error_string(ar);
    return why != NULL && strstr(why, "can't be converted") != NULL;
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
    if (r != ARCHIVE_OK && !(r == ARCHIVE_WARN && only_charset(t->ar)))
        return tar_error(t, path, e);
    if (path == NULL || path[0] == '\0')
        return err_set(e, ERR_FORMAT, "%s: an entry without a name", t->member->name);
    *en = (struct tree_entry){.path = str_c(path),
                              .mode = archive_entry_perm(t->entry),
                              .mtime = archive_entry_mtime(t->entry),
                              .mtime_nsec = (uint32_t)archive_entry_mtime_nsec(t->entry)};
    if (entry_type(t, en, e) < 0 || entry_owner(t, en, e) < 0)
        return err_wrap(e, "%s: %s", t->member->name, path);
    entry_xattrs(t, en);
    t->end = 0;
    return 1;
}

int deb_tar_data(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e)
{
    struct deb_tar *t = ctx;
    la_int64_t at = 0;
    int r = archive_read_data_block(t->ar, p, n, &at);
    if ((r != ARCHIVE_OK && r != ARCHIVE_EOF) || at < 0)
        return tar_error(t, archive_entry_pathname(t->entry), e);
    if (r == ARCHIVE_EOF) { /* an empty piece stands for the hole at the end of a sparse file */
        *n = 0;
        if ((uint64_t)at <= t->end)
            return 0;
    }
    *off = (uint64_t)at;
    t->end = *off + *n;
    return 1;
}

struct archive_entry *deb_tar_entry(const struct deb_tar *t)
{
    return t->entry;
}
