#include "pkgfmt/rpm_put.h"

#include <stdlib.h>

#include "base/auto.h"
#include "base/mem.h"
#include "pkgfmt/rpm_caps.h"
#include "pkgfmt/rpm_content.h"
#include "pkgfmt/rpm_owners.h"
#include "pkgfmt/second_dir.h"

struct put {
    struct rpm_files files;
    struct rpm_content *content;
    struct rpm_owner owner;
    struct tree_writer *w;
    uint32_t *bearer; /* of the set of names whose last index this is: the index that was put, plus one */
    unsigned char *waiting; /* by index: a name whose content has not come yet */
    bool broken;            /* the error is the content's */
    bool named;             /* the tree's error names the package already */
};

static int next_piece(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e)
{
    struct put *u = ctx;
    int r = rpm_content_data(u->content, p, n, off, e);
    u->broken = r < 0;
    return r;
}

static int put_entry(struct put *u, const struct rpm_file *f, enum tree_type type, const char *link,
                     struct err *e)
{
    unsigned char caps[RPM_CAPS_SIZE];
    const struct tree_xattr xattr = {STR("security.capability"), {(const char *)caps, sizeof caps}};
    struct tree_entry en = {.path = str_c(f->path[0] != '\0' ? f->path : "."),
                            .type = type,
                            .mode = f->mode & 07777,
                            .mtime = f->mtime,
                            .size = type == TREE_FILE ? f->size : 0,
                            .link = str_c(link),
                            .major = f->major,
                            .minor = f->minor};
    if (second_dir_holds(en.path))
        return err_set(e, ERR_FORMAT, "/%s: the path is reserved", f->path);
    rpm_owner_set(&u->owner, f, &en);
    if (type == TREE_FILE && f->caps[0] != '\0') {
        if (rpm_caps_value(str_c(f->caps), caps, e) < 0)
            return err_wrap(e, "/%s", f->path);
        en.xattrs = &xattr;
        en.nxattrs = 1;
    }
    if (tree_put(u->w, &en, en.size > 0 ? next_piece : NULL, u, e) == 0)
        return 0;
    u->named = !u->broken;
    return -1;
}

static bool is_ghost(const struct rpm_file *f)
{
    return (f->flags & RPM_FILE_GHOST) != 0;
}

/* A tarball's directory gets what is known of it when the first thing in it comes. Links of the layout are
   ghosts of the package that makes them in a scriptlet. */
static int put_dirs(struct put *u, struct err *e)
{
    for (uint32_t i = 0; i < u->files.n; i++) {
        const struct rpm_file *f = u->files.by_path[i];
        if (is_ghost(f) && tree_put_layout(u->w, str_c(f->path), e) < 0) {
            u->named = true;
            return -1;
        }
        if (rpm_file_type(f) == RPM_DIR && !is_ghost(f) && put_entry(u, f, TREE_DIR, NULL, e) < 0)
            return -1;
    }
    return 0;
}

/* Content that is decompressed for nothing. */
static int spend(struct put *u, const struct rpm_file *f, uint64_t size, struct err *e)
{
    if (size == 0 || tree_spend(u->w, str_c(f->path), size, e) == 0)
        return 0;
    u->named = true;
    return -1;
}

/* Of a file's several names one bears the content, usually the last one in the payload. It must come first in
   the tree. */
static int put_regular(struct put *u, const struct rpm_file *f, uint64_t size, struct err *e)
{
    const struct rpm_file *v = u->files.v;
    uint32_t *bearer = &u->bearer[f->last];
    if (*bearer > 0)
        return spend(u, f, size, e) < 0 ? -1 : put_entry(u, f, TREE_HARD, v[*bearer - 1].path, e);
    if (size < f->size) {
        u->waiting[f - v] = 1;
        return 0;
    }
    if (put_entry(u, f, TREE_FILE, NULL, e) < 0)
        return -1;
    *bearer = (uint32_t)(f - v) + 1;
    for (uint32_t i = f->next; &v[i] != f; i = v[i].next) {
        if (u->waiting[i] && put_entry(u, &v[i], TREE_HARD, f->path, e) < 0)
            return -1;
        u->waiting[i] = 0;
    }
    return 0;
}

static int put_file(struct put *u, const struct rpm_file *f, uint64_t size, struct err *e)
{
    if (is_ghost(f))
        return spend(u, f, size, e);
    switch (rpm_file_type(f)) {
    case RPM_DIR: /* put already */
        return 0;
    case RPM_REG:
        return put_regular(u, f, size, e);
    case RPM_LNK:
        return put_entry(u, f, TREE_LINK, f->link, e);
    case RPM_CHARDEV:
        return put_entry(u, f, TREE_CHAR, NULL, e);
    case RPM_BLOCKDEV:
        return put_entry(u, f, TREE_BLOCK, NULL, e);
    case RPM_FIFO:
        return put_entry(u, f, TREE_FIFO, NULL, e);
    case RPM_SOCK: /* whoever listens there makes it */
        return 0;
    default:
        return err_set(e, ERR_FORMAT, "header: /%s: mode %06o, which has no type of file", f->path, f->mode);
    }
}

static int put_all(struct put *u, struct err *e)
{
    const struct rpm_file *f;
    uint64_t size;
    int r;
    if (put_dirs(u, e) < 0)
        return -1;
    while ((r = rpm_content_next(u->content, &f, &size, e)) > 0)
        if (put_file(u, f, size, e) < 0)
            return -1;
    for (uint32_t i = 0; r == 0 && i < u->files.n; i++)
        if (u->waiting[i])
            return err_set(e, ERR_FORMAT, "payload: /%s: none of the file's names has its content",
                           u->files.v[i].path);
    return r;
}

int rpm_put(const struct rpm_read *r, const struct pkgfmt_package *p, struct rpm_stored *copy,
            struct tree_writer *w, struct err *e)
{
    struct put u = {.w = w};
    int rc = r->source ? err_set(e, ERR_FORMAT, "a source package") : 0;
    if (rc == 0)
        rc = rpm_files_read(&u.files, &r->header, e);
    if (rc == 0)
        rc = rpm_content_open(&u.content, r, &u.files, copy, e);
    rpm_owner_begin(&u.owner, p->owners, p->pkg->name, &r->header);
    u.bearer = mem_alloc(((size_t)u.files.n + 1) * sizeof *u.bearer);
    u.waiting = mem_alloc((size_t)u.files.n + 1);
    if (rc == 0)
        rc = put_all(&u, e);
    if (rc == 0 && copy != NULL)
        rc = rpm_content_rest(u.content, e);
    free(u.bearer);
    free(u.waiting);
    rpm_owner_end(&u.owner);
    rpm_content_close(u.content);
    rpm_files_free(&u.files);
    return rc < 0 && !u.named ? err_wrap(e, "%s", p->pkg->name) : rc;
}
