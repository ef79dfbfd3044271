/* A tar archive as an overlay, in whatever compression: read once to list it, once more to copy. */
#include "base/auto.h"
#include "cmd/overlay_int.h"
#include "cmd/tar_in.h"

static int tar_scan(struct overlay_set *s, unsigned i, struct err *e)
{
    struct tar_in *r = NULL;
    const char *path;
    struct tree_entry en;
    int rc;
    if (tar_in_open(&r, s->v[i].fd, s->v[i].name, UINT64_MAX, false, e) < 0)
        return -1;
    while ((rc = tar_in_next(r, &path, e)) > 0) {
        rc = tar_in_entry(r, path, &en, e);
        if (rc == 0)
            rc = overlay_add(s, i, &en, 0, 0, e);
        if (rc < 0)
            break;
    }
    tar_in_close(r);
    return rc;
}

/* The entries in the order of the first time: the root's own was left out. */
static int put_all(struct overlay_set *s, unsigned i, struct tar_in *r, struct tree *t, struct err *e)
{
    size_t k = s->v[i].from;
    const char *path;
    struct str clean = {0};
    int rc;
    while ((rc = tar_in_next(r, &path, e)) > 0) {
        AUTO_ARENA a = {0};
        if (tree_canonical(NULL, str_c(path), &a, &clean, e) < 0)
            return -1;
        if (clean.n == 0)
            continue;
        if (k == s->v[i].to || !str_eq(clean, s->entries[k].en.path))
            return err_set(e, ERR_HOST, "%s: changed while it was read", s->v[i].name);
        if (overlay_wants(s, k) && overlay_put_file(s, k, t, tar_in_data, r, e) < 0)
            return -1;
        k++;
    }
    return rc < 0 || k == s->v[i].to ? rc
                                     : err_set(e, ERR_HOST, "%s: changed while it was read", s->v[i].name);
}

static int tar_put(struct overlay_set *s, unsigned i, struct tree *t, struct err *e)
{
    struct tar_in *r = NULL;
    if (tar_in_open(&r, s->v[i].fd, s->v[i].name, UINT64_MAX, false, e) < 0)
        return -1;
    int rc = put_all(s, i, r, t, e);
    tar_in_close(r);
    return rc;
}

const struct overlay_kind overlay_tar = {.scan = tar_scan, .put = tar_put};
