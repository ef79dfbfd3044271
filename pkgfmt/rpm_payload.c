#include "pkgfmt/rpm_payload.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

enum { WINDOW = 128 * 1024, MAGIC_MAX = 6 };

struct rpm_payload {
    const struct rpm_read *r;
    struct rpm_stored *copy;
    uint64_t pos;            /* in the package file */
    struct archive *decoder; /* NULL: not compressed */
    bool end;
    struct err io; /* what the callback met; its class says whether */
    unsigned char window[WINDOW];
};

static const struct compression {
    const char *name;
    size_t n;
    unsigned char magic[MAGIC_MAX];
    int filter;
} compressions[] = {
    {"gzip", 2, {0x1f, 0x8b}, ARCHIVE_FILTER_GZIP},
    {"xz", 6, {0xfd, '7', 'z', 'X', 'Z', 0}, ARCHIVE_FILTER_XZ},
    {"zstd", 4, {0x28, 0xb5, 0x2f, 0xfd}, ARCHIVE_FILTER_ZSTD},
    {"bzip2", 3, {'B', 'Z', 'h'}, ARCHIVE_FILTER_BZIP2},
    /* Properties lc=3 lp=0 pb=2, and a dictionary of at least 64 KiB. */
    {"lzma", 3, {0x5d, 0, 0}, ARCHIVE_FILTER_LZMA},
    {"none", 4, {'0', '7', '0', '7'}, ARCHIVE_FILTER_NONE},
};

static la_ssize_t fill(struct rpm_payload *p, const void **out)
{
    uint64_t left = p->r->size - p->pos;
    size_t n = left < WINDOW ? (size_t)left : WINDOW;
    if (rpm_read_at(p->r->fd, p->pos, p->window, n, &p->io) < 0)
        return -1;
    p->pos += n;
    *out = p->window;
    return (la_ssize_t)n;
}

static la_ssize_t on_read(struct archive *ar, void *ctx, const void **out)
{
    la_ssize_t n = fill(ctx, out);
    if (n < 0)
        archive_set_error(ar, EIO, "read error");
    return n;
}

static const struct compression *sniff(const unsigned char *head, size_t n)
{
    for (size_t i = 0; i < sizeof compressions / sizeof compressions[0]; i++)
        if (n >= compressions[i].n && memcmp(head, compressions[i].magic, compressions[i].n) == 0)
            return &compressions[i];
    return NULL;
}

static int unknown(const struct rpm_payload *p, const unsigned char head[MAGIC_MAX], struct err *e)
{
    struct str says = rpm_header_string(&p->r->header, RPM_TAG_PAYLOADCOMPRESSOR);
    err_set(e, ERR_FORMAT, "payload: begins with %02x %02x %02x %02x (the header says %" STR_FMT ")", head[0],
            head[1], head[2], head[3], STR_ARG(says.n > 0 ? says : STR("gzip")));
    return err_hint(e, "gzip, bzip2, xz, lzma, zstd and no compression are understood");
}

static int damaged(const struct rpm_payload *p, struct err *e)
{
    const char *why = p->decoder != NULL ? archive_error_string(p->decoder) : NULL;
    if (p->io.class != ERR_NONE)
        *e = p->io;
    else if (why != NULL && strstr(why, "Unrecognized") != NULL) /* its first bytes decode to none */
        err_set(e, ERR_FORMAT, "damaged or cut off");
    else
        err_set(e, ERR_FORMAT, "damaged or cut off%s%s", why != NULL ? ": " : "", why != NULL ? why : "");
    return err_wrap(e, "payload");
}

/* append, not support: this one filter, once, and none that would be a program. */
static int open_decoder(struct rpm_payload *p, const struct compression *c, struct err *e)
{
    struct archive_entry *raw;
    p->decoder = archive_read_new();
    if (p->decoder == NULL || archive_read_support_format_raw(p->decoder) != ARCHIVE_OK ||
        archive_read_append_filter(p->decoder, c->filter) != ARCHIVE_OK) {
        err_set(e, ERR_HOST, "payload: this libarchive cannot decode %s", c->name);
        return err_hint(e, "use a libarchive built with that compression");
    }
    if (archive_read_open(p->decoder, p, NULL, on_read, NULL) != ARCHIVE_OK)
        return damaged(p, e);
    return archive_read_next_header(p->decoder, &raw) == ARCHIVE_OK ? 0 : damaged(p, e);
}

static int open_payload(struct rpm_payload *p, struct err *e)
{
    unsigned char head[MAGIC_MAX] = {0};
    uint64_t left = p->r->size - p->r->payload_off;
    size_t n = left < MAGIC_MAX ? (size_t)left : MAGIC_MAX;
    struct str format = rpm_header_string(&p->r->header, RPM_TAG_PAYLOADFORMAT);
    if (format.n > 0 && !str_is(format, "cpio"))
        return err_set(e, ERR_FORMAT, "payload: of format `%" STR_FMT "', expected cpio", STR_ARG(format));
    if (rpm_read_at(p->r->fd, p->r->payload_off, head, n, e) < 0)
        return err_wrap(e, "payload");
    p->end = n == 0;
    if (p->end)
        return 0;
    const struct compression *c = sniff(head, n);
    if (c == NULL)
        return unknown(p, head, e);
    return c->filter != ARCHIVE_FILTER_NONE ? open_decoder(p, c, e) : 0;
}

int rpm_payload_open(struct rpm_payload **out, const struct rpm_read *r, struct rpm_stored *copy,
                     struct err *e)
{
    struct rpm_payload *p = *out = mem_alloc(sizeof *p);
    p->r = r;
    p->copy = copy;
    p->pos = r->payload_off;
    if (open_payload(p, e) == 0)
        return 0;
    rpm_payload_close(p);
    *out = NULL;
    return -1;
}

static int next(struct rpm_payload *p, const void **out, size_t *n, struct err *e)
{
    la_int64_t off;
    *n = 0;
    if (p->end)
        return 0;
    if (p->decoder == NULL) {
        la_ssize_t got = fill(p, out);
        p->end = got <= 0;
        *n = got > 0 ? (size_t)got : 0;
        return got < 0 ? damaged(p, e) : got > 0;
    }
    for (;;) {
        int r = archive_read_data_block(p->decoder, out, n, &off);
        p->end = r != ARCHIVE_OK;
        if (r != ARCHIVE_OK)
            return r == ARCHIVE_EOF ? 0 : damaged(p, e);
        if (*n > 0)
            return 1;
    }
}

int rpm_payload_next(void *ctx, const void **out, size_t *n, struct err *e)
{
    struct rpm_payload *p = ctx;
    int r = next(p, out, n, e);
    if (r > 0 && p->copy != NULL)
        rpm_stored_data(p->copy, *out, *n);
    return r;
}

void rpm_payload_close(struct rpm_payload *p)
{
    if (p == NULL)
        return;
    archive_read_free(p->decoder);
    free(p);
}
