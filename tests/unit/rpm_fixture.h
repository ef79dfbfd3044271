/* rpm packages made at test time, byte by byte: headers without regions, as rpm 3 wrote them, and payloads of
   our own cpio. What a test wants wrong is said in struct made_file and struct made. */
#ifndef TESTS_UNIT_RPM_FIXTURE_H
#define TESTS_UNIT_RPM_FIXTURE_H

#include <archive.h>
#include <archive_entry.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/digest.h"
#include "base/str.h"
#include "pkgfmt/rpm_header.h"

struct made_file {
    const char *path; /* in the header */
    unsigned mode;    /* with the type; 0: a file of 0644 */
    const char *text; /* content, or a link's target */
    const char *user, *group, *caps;
    unsigned flags, inode;
    const char *entry;       /* the payload's path; NULL: "." and the header's */
    const char *content;     /* in the payload, where it is not text */
    const char *digest;      /* where it is not text's */
    unsigned long long size; /* the header's; 0: text's */
    bool absent, twice;      /* from the payload, in it */
    bool no_content;         /* a name of a file whose content another one has */
    bool present;            /* in the payload, although it is a ghost */
};

struct made {
    bool stripped, old_names, crc;
    const char *tail;              /* behind the trailer */
    const char *extra;             /* an entry of this path and "x" at the payload's end */
    const char *provide, *version; /* one more Provides */
    uint32_t algo;                 /* file digests'; 0: SHA256 */
    uint32_t wrong_count;          /* this column has a value too few */
    struct str payload;            /* instead of the made one */
    const char *name;
};

struct made_tag {
    uint32_t tag, type, count;
    struct buf data;
};

struct made_header {
    struct made_tag tag[40];
    size_t n;
};

static inline struct made_tag *made_tag(struct made_header *h, uint32_t tag, uint32_t type)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->tag[i].tag == tag)
            return &h->tag[i];
    if (h->n == 40)
        abort();
    struct made_tag *t = &h->tag[h->n++];
    *t = (struct made_tag){.tag = tag, .type = type};
    return t;
}

static inline void made_text(struct made_header *h, uint32_t tag, uint32_t type, const char *s)
{
    struct made_tag *t = made_tag(h, tag, type);
    buf_add(&t->data, s, strlen(s) + 1);
    t->count++;
}

static inline void made_number(struct made_header *h, uint32_t tag, uint32_t type, uint64_t v)
{
    static const int sizes[] = {0, 1, 1, 2, 4, 8};
    struct made_tag *t = made_tag(h, tag, type);
    for (int i = sizes[type] - 1; i >= 0; i--)
        buf_putc(&t->data, (char)(v >> (8 * i)));
    t->count++;
}

static inline void made_be32(struct buf *b, uint32_t v)
{
    for (int i = 3; i >= 0; i--)
        buf_putc(b, (char)(v >> (8 * i)));
}

static inline int made_by_tag(const void *a, const void *b)
{
    const struct made_tag *x = a, *y = b;
    return x->tag < y->tag ? -1 : x->tag > y->tag;
}

/* Appends the header structure and frees it. */
static inline void made_write(struct made_header *h, struct buf *out)
{
    static const unsigned align[] = {1, 1, 1, 2, 4, 8, 1, 1, 1, 1};
    struct buf store = {0}, index = {0};
    qsort(h->tag, h->n, sizeof h->tag[0], made_by_tag);
    for (size_t i = 0; i < h->n; i++) {
        struct made_tag *t = &h->tag[i];
        while (store.n % align[t->type] != 0)
            buf_putc(&store, 0);
        made_be32(&index, t->tag);
        made_be32(&index, t->type);
        made_be32(&index, (uint32_t)store.n);
        made_be32(&index, t->count);
        buf_str(&store, buf_view(&t->data));
        buf_free(&t->data);
    }
    buf_add(out, "\x8e\xad\xe8\x01\0\0\0\0", 8);
    made_be32(out, (uint32_t)h->n);
    made_be32(out, (uint32_t)store.n);
    buf_str(out, buf_view(&index));
    buf_str(out, buf_view(&store));
    buf_free(&store);
    buf_free(&index);
}

static inline void made_pad(struct buf *b)
{
    while (b->n % 4 != 0)
        buf_putc(b, 0);
}

static inline void made_newc(struct buf *b, bool crc, const char *path, unsigned mode, struct str content)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < content.n; i++)
        sum += (unsigned char)content.p[i];
    buf_printf(b, "07070%c%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", crc ? '2' : '1', 1u, mode,
               0u, 0u, 1u, 0u, (unsigned)content.n, 0u, 0u, 0u, 0u, (unsigned)strlen(path) + 1,
               crc ? sum : 0u);
    buf_add(b, path, strlen(path) + 1);
    made_pad(b);
    buf_str(b, content);
    made_pad(b);
}

static inline unsigned made_mode(const struct made_file *f)
{
    return f->mode != 0 ? f->mode : S_IFREG | 0644;
}

static inline void made_entry(struct buf *b, const struct made *m, const struct made_file *f, unsigned index)
{
    char path[8192];
    unsigned mode = made_mode(f);
    struct str content = str_c(f->content != NULL ? f->content : f->text);
    if ((!S_ISREG(mode) && !S_ISLNK(mode)) || f->no_content)
        content.n = 0;
    snprintf(path, sizeof path, "%s%s", f->entry != NULL ? "" : ".", f->entry != NULL ? f->entry : f->path);
    if (m->stripped) {
        buf_printf(b, "07070X%08x", index);
        made_pad(b);
        buf_str(b, content);
        made_pad(b);
    } else
        made_newc(b, m->crc, path, mode, content);
}

static inline void made_payload(struct buf *b, const struct made *m, const struct made_file *f, size_t n)
{
    for (unsigned i = 0; i < n; i++)
        for (int k = f[i].absent ? 1 : 0; k < (f[i].twice ? 2 : 1); k++)
            if ((f[i].flags & RPM_FILE_GHOST) == 0 || f[i].present)
                made_entry(b, m, &f[i], i);
    if (m->extra != NULL)
        made_newc(b, false, m->extra, S_IFREG | 0644, STR("x"));
    made_newc(b, false, "TRAILER!!!", 0, STR(""));
    if (m->tail != NULL)
        buf_puts(b, m->tail);
}

static inline void made_file(struct made_header *h, const struct made *m, const struct made_file *f)
{
    enum digest_kind kind = m->algo == 1 ? DIGEST_MD5 : DIGEST_SHA256;
    struct str text = str_c(f->text);
    const char *base = strrchr(f->path, '/');
    char dir[8192], hex[DIGEST_HEX_MAX] = "";
    struct digest d;
    struct err e = {0};
    base = base != NULL ? base + 1 : f->path;
    snprintf(dir, sizeof dir, "%.*s", (int)(base - f->path), f->path);
    if (S_ISREG(made_mode(f)) && digest_of(&d, kind, text, &e) == 0)
        digest_hex(&d, hex);
    if (m->old_names)
        made_text(h, RPM_TAG_OLDFILENAMES, RPM_STRING_ARRAY, f->path);
    else {
        made_number(h, RPM_TAG_DIRINDEXES, RPM_INT32, made_tag(h, RPM_TAG_DIRNAMES, RPM_STRING_ARRAY)->count);
        made_text(h, RPM_TAG_DIRNAMES, RPM_STRING_ARRAY, dir);
        made_text(h, RPM_TAG_BASENAMES, RPM_STRING_ARRAY, base);
    }
    made_number(h, m->stripped ? RPM_TAG_LONGFILESIZES : RPM_TAG_FILESIZES,
                m->stripped ? RPM_INT64 : RPM_INT32, f->size != 0 ? f->size : text.n);
    made_number(h, RPM_TAG_FILEMODES, RPM_INT16, made_mode(f));
    made_number(h, RPM_TAG_FILERDEVS, RPM_INT16, 0x0103);
    made_number(h, RPM_TAG_FILEMTIMES, RPM_INT32, 1000000000);
    made_number(h, RPM_TAG_FILEFLAGS, RPM_INT32, f->flags);
    made_number(h, RPM_TAG_FILEINODES, RPM_INT32, f->inode);
    made_number(h, RPM_TAG_FILEDEVICES, RPM_INT32, 1);
    made_text(h, RPM_TAG_FILEDIGESTS, RPM_STRING_ARRAY, f->digest != NULL ? f->digest : hex);
    made_text(h, RPM_TAG_FILELINKTOS, RPM_STRING_ARRAY, S_ISLNK(made_mode(f)) ? f->text : "");
    made_text(h, RPM_TAG_FILEUSERNAME, RPM_STRING_ARRAY, f->user != NULL ? f->user : "root");
    made_text(h, RPM_TAG_FILEGROUPNAME, RPM_STRING_ARRAY, f->group != NULL ? f->group : "root");
    made_text(h, RPM_TAG_FILECAPS, RPM_STRING_ARRAY, f->caps != NULL ? f->caps : "");
}

/* Takes the last value away. */
static inline void made_shorten(struct made_tag *t)
{
    size_t n = t->data.n / t->count;
    if (t->type == RPM_STRING_ARRAY)
        for (n = 1; n < t->data.n && t->data.p[t->data.n - n - 1] != '\0';)
            n++;
    t->data.n -= n;
    t->count--;
}

static inline void made_main(struct buf *out, const struct made *m, const struct made_file *f, size_t n)
{
    struct made_header h = {0};
    made_text(&h, RPM_TAG_NAME, RPM_STRING, m->name != NULL ? m->name : "evil");
    made_text(&h, RPM_TAG_VERSION, RPM_STRING, "1");
    made_text(&h, RPM_TAG_RELEASE, RPM_STRING, "1");
    made_text(&h, RPM_TAG_ARCH, RPM_STRING, "noarch");
    made_text(&h, RPM_TAG_SOURCERPM, RPM_STRING, "evil-1-1.src.rpm");
    if (m->provide != NULL) {
        made_text(&h, RPM_TAG_PROVIDENAME, RPM_STRING_ARRAY, m->provide);
        made_text(&h, RPM_TAG_PROVIDEVERSION, RPM_STRING_ARRAY, m->version);
        made_number(&h, RPM_TAG_PROVIDEFLAGS, RPM_INT32, 8);
    }
    if (n > 0)
        made_number(&h, RPM_TAG_FILEDIGESTALGO, RPM_INT32, m->algo != 0 ? m->algo : 8);
    for (size_t i = 0; i < n; i++)
        made_file(&h, m, &f[i]);
    for (size_t i = 0; i < h.n && m->wrong_count != 0; i++)
        if (h.tag[i].tag == m->wrong_count)
            made_shorten(&h.tag[i]);
    made_write(&h, out);
}

/* A whole package. */
static inline void made_package(struct buf *out, const struct made *m, const struct made_file *f, size_t n)
{
    char lead[96] = "\xed\xab\xee\xdb\x03";
    struct made_header sig = {0};
    lead[79] = 5;
    buf_add(out, lead, sizeof lead);
    made_number(&sig, 1000, RPM_INT32, 1);
    made_write(&sig, out);
    while (out->n % 8 != 0)
        buf_putc(out, 0);
    made_main(out, m, f, n);
    struct buf payload = {0};
    if (m->payload.n == 0)
        made_payload(&payload, m, f, n);
    buf_str(out, m->payload.n > 0 ? m->payload : buf_view(&payload));
    buf_free(&payload);
}

static inline la_ssize_t made_pressed(struct archive *a, void *ctx, const void *p, size_t n)
{
    (void)a;
    buf_add(ctx, p, n);
    return (la_ssize_t)n;
}

/* Appends the bytes in the compression of that name. */
static inline void made_press(struct buf *out, const char *filter, struct str bytes)
{
    struct archive *a = archive_write_new();
    struct archive_entry *en = archive_entry_new();
    archive_entry_set_filetype(en, AE_IFREG);
    archive_entry_set_pathname(en, "x");
    if (archive_write_set_format_raw(a) != ARCHIVE_OK ||
        archive_write_add_filter_by_name(a, filter) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
        archive_write_open(a, out, NULL, made_pressed, NULL) != ARCHIVE_OK ||
        archive_write_header(a, en) != ARCHIVE_OK ||
        archive_write_data(a, bytes.p, bytes.n) != (la_ssize_t)bytes.n ||
        archive_write_close(a) != ARCHIVE_OK)
        abort();
    archive_entry_free(en);
    archive_write_free(a);
}

#endif
