#include "pkgfmt/rpm_content.h"

#include <stdlib.h>

#include "base/mem.h"
#include "pkgfmt/rpm_cpio.h"
#include "pkgfmt/rpm_payload.h"

struct rpm_content {
    const struct rpm_files *files;
    struct rpm_payload *payload;
    struct rpm_cpio cpio;
    unsigned char *seen;         /* by index */
    const struct rpm_file *file; /* the current one */
    uint64_t end;                /* of what was given of it */
    bool ended, digested;
    struct digest want;
    struct digest_ctx digest;
};

int rpm_content_open(struct rpm_content **out, const struct rpm_read *r, const struct rpm_files *f,
                     struct rpm_stored *copy, struct err *e)
{
    struct rpm_content *c = *out = mem_alloc(sizeof *c);
    c->files = f;
    c->seen = mem_alloc((size_t)f->n + 1);
    c->ended = true;
    if (rpm_payload_open(&c->payload, r, copy, e) < 0) {
        rpm_content_close(c);
        *out = NULL;
        return -1;
    }
    rpm_cpio_init(&c->cpio, rpm_payload_next, c->payload);
    return 0;
}

int rpm_content_rest(struct rpm_content *c, struct err *e)
{
    const void *p;
    size_t n;
    int r;
    while ((r = rpm_payload_next(c->payload, &p, &n, e)) > 0)
        continue;
    return r;
}

void rpm_content_close(struct rpm_content *c)
{
    if (c == NULL)
        return;
    digest_end(&c->digest, NULL);
    rpm_cpio_free(&c->cpio);
    rpm_payload_close(c->payload);
    free(c->seen);
    free(c);
}

static const struct rpm_file *file_of(const struct rpm_content *c, const struct rpm_cpio_entry *en,
                                      struct err *e)
{
    if (en->stripped) {
        if (en->index < c->files->n)
            return &c->files->v[en->index];
        err_set(e, ERR_FORMAT, "payload: an entry for file %u of %u", en->index, c->files->n);
        return NULL;
    }
    const struct rpm_file *f = rpm_files_find(c->files, en->path);
    if (f == NULL)
        err_set(e, ERR_FORMAT, "payload: %" STR_FMT ": the header has no such file", STR_ARG(en->path));
    return f;
}

/* What follows a stripped entry: of a file's names the header's last one has the content. */
static uint64_t stripped_size(const struct rpm_content *c, const struct rpm_file *f)
{
    unsigned type = rpm_file_type(f);
    if (type == RPM_LNK)
        return f->size;
    return type == RPM_REG && f->last == f - c->files->v ? f->size : 0;
}

static int bad(const struct rpm_file *f, struct err *e, const char *what)
{
    return err_set(e, ERR_FORMAT, "payload: /%s: %s", f->path, what);
}

static int check_size(const struct rpm_content *c, const struct rpm_file *f, uint64_t size, struct err *e)
{
    switch (rpm_file_type(f)) {
    case RPM_REG:
        if (size == f->size || (size == 0 && f->next != f - c->files->v))
            return 0;
        break;
    case RPM_LNK:
        if (size == strlen(f->link))
            return 0;
        return bad(f, e, "a link's text of another length than the header says");
    default:
        if (size == 0)
            return 0;
    }
    return err_set(e, ERR_FORMAT, "payload: /%s: %llu bytes, the header says %llu", f->path,
                   (unsigned long long)size, (unsigned long long)f->size);
}

/* The link's text must be what the header says. */
static int check_link(struct rpm_content *c, struct err *e)
{
    const char *want = c->file->link;
    const void *p;
    size_t n, at = 0, len = strlen(want);
    int r;
    while ((r = rpm_cpio_data(&c->cpio, &p, &n, e)) > 0) {
        if (n > len - at || memcmp(p, want + at, n) != 0)
            return bad(c->file, e, "a link with another text than the header says");
        at += n;
    }
    return r;
}

static int begin(struct rpm_content *c, uint64_t size, struct err *e)
{
    const struct rpm_file *f = c->file;
    c->end = 0;
    c->ended = size == 0 && f->size > 0; /* another name bears it */
    c->digested = !c->ended && rpm_file_type(f) == RPM_REG && f->digest[0] != '\0';
    if (rpm_file_type(f) == RPM_LNK) {
        c->ended = true;
        return check_link(c, e);
    }
    if (!c->digested)
        return 0;
    if (!digest_parse(&c->want, c->files->algo, str_c(f->digest)))
        return err_set(e, ERR_FORMAT, "header: /%s: `%s' is no %s digest", f->path, f->digest,
                       digest_name(c->files->algo));
    return digest_begin(&c->digest, c->files->algo, e);
}

static int drain(struct rpm_content *c, struct err *e)
{
    const void *p;
    size_t n;
    uint64_t off;
    int r;
    while ((r = rpm_content_data(c, &p, &n, &off, e)) > 0)
        ;
    return r;
}

static int missing(const struct rpm_content *c, struct err *e)
{
    for (uint32_t i = 0; i < c->files->n; i++)
        if (c->seen[i] == 0 && (c->files->v[i].flags & RPM_FILE_GHOST) == 0)
            return bad(&c->files->v[i], e, "the header lists it, the payload has it not");
    return 0;
}

int rpm_content_next(struct rpm_content *c, const struct rpm_file **out, uint64_t *size, struct err *e)
{
    struct rpm_cpio_entry en;
    if (drain(c, e) < 0)
        return -1;
    int r = rpm_cpio_next(&c->cpio, &en, e);
    if (r <= 0)
        return r < 0 ? -1 : missing(c, e);
    const struct rpm_file *f = file_of(c, &en, e);
    if (f == NULL)
        return -1;
    if (c->seen[f - c->files->v]++ > 0)
        return bad(f, e, "twice");
    if (en.stripped)
        rpm_cpio_size(&c->cpio, en.size = stripped_size(c, f));
    else if ((en.mode >> 12 & 15) != rpm_file_type(f))
        return bad(f, e, "another type of file than the header says");
    c->file = *out = f;
    *size = en.size;
    return check_size(c, f, en.size, e) < 0 || begin(c, en.size, e) < 0 ? -1 : 1;
}

int rpm_content_data(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e)
{
    struct rpm_content *c = ctx;
    struct digest got;
    if (c->ended)
        return 0;
    int r = rpm_cpio_data(&c->cpio, p, n, e);
    c->ended = r <= 0;
    if (r < 0)
        return -1;
    *off = c->end;
    if (r > 0) {
        c->end += *n;
        if (c->digested)
            digest_update(&c->digest, *p, *n);
        return 1;
    }
    if (!c->digested)
        return 0;
    digest_end(&c->digest, &got);
    return digest_eq(&got, &c->want) ? 0
                                     : bad(c->file, e, "its content has not the digest that the header says");
}
