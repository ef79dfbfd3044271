#include <archive_entry.h>
#include <stdlib.h>

#include "pkgfmt/deb.h"
#include "pkgfmt/deb_keep.h"
#include "pkgfmt/deb_read.h"
#include "pkgfmt/deb_second.h"
#include "pkgfmt/deb_tar.h"
#include "pkgfmt/second_dir.h"

struct unpack {
    struct deb_read deb;
    struct deb_tar *tar;
    struct deb_keep *keep; /* NULL: nothing is kept */
    bool content;          /* the current entry's content is kept too */
    bool end;              /* of the current entry's content */
    bool broken;           /* an error in it */
    bool named;            /* the tree's error names the package already */
};

/* The content for the tree, and on its way for the kept package. */
static int next_piece(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e)
{
    struct unpack *u = ctx;
    if (u->end)
        return 0;
    int r = deb_tar_data(u->tar, p, n, off, e);
    if (r > 0 && u->content && deb_keep_data(u->keep, *p, *n, *off, e) < 0)
        r = -1;
    u->end = r <= 0;
    u->broken = r < 0;
    return r;
}

static int put_entry(struct unpack *u, struct tree_writer *w, const struct tree_entry *en, struct err *e)
{
    bool has_content = en->type == TREE_FILE && en->size > 0;
    u->content = false;
    u->end = !has_content;
    if (second_dir_holds(en->path))
        return err_set(e, ERR_FORMAT, "%s: %" STR_FMT ": the path is reserved", u->deb.data.name,
                       STR_ARG(en->path));
    if (u->keep != NULL && deb_keep_entry(u->keep, deb_tar_entry(u->tar), en, &u->content, e) < 0)
        return -1;
    if (tree_put(w, en, has_content ? next_piece : NULL, u, e) < 0) {
        u->named = !u->broken;
        return -1;
    }
    /* Another package has the path: the tree did not read the content, the kept package needs it. */
    const void *p;
    size_t n;
    uint64_t off = 0;
    int r = 1;
    while (u->content && r > 0)
        r = next_piece(u, &p, &n, &off, e);
    return r < 0 ? -1 : 0;
}

static int put_all(struct unpack *u, struct tree_writer *w, struct err *e)
{
    struct tree_entry en;
    int r;
    if (deb_tar_open(&u->tar, &u->deb, &u->deb.data, e) < 0)
        return -1;
    while ((r = deb_tar_next(u->tar, &en, e)) > 0)
        if (put_entry(u, w, &en, e) < 0)
            return -1;
    return r < 0 || u->keep == NULL ? r : deb_keep_finish(u->keep, w, e);
}

int deb_unpack(const struct pkgfmt_package *p, struct tree_writer *w, struct pkgfmt_second *second,
               struct err *e)
{
    struct unpack u = {0};
    int rc = deb_read_open(&u.deb, p->fd, e);
    if (rc == 0 && second != NULL)
        rc = deb_second_keep(second, p->index, &u.deb, &u.keep, e);
    if (rc == 0)
        rc = put_all(&u, w, e);
    deb_keep_close(u.keep);
    deb_tar_close(u.tar);
    return rc < 0 && !u.named ? err_wrap(e, "%s", p->pkg->name) : rc;
}
