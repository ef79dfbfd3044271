#include "cmd/oci_layer.h"

#include <errno.h>
#include <fcntl.h>

#include "base/auto.h"

enum { WHITEOUT_MODE = 0600 };

struct source {
    int fd;
    const char *name;
};

static int read_whole(const struct source *s, struct oci_tree *want, struct err *e)
{
    struct tar_in *r;
    if (tar_in_open(&r, s->fd, s->name, UINT64_MAX, false, e) < 0)
        return -1;
    int rc = oci_tree_apply(want, r, e);
    tar_in_close(r);
    return rc;
}

static int copy_content(struct tar_in *r, struct tarball *t, struct err *e)
{
    const void *p;
    size_t n;
    uint64_t off;
    int rc;
    while ((rc = tar_in_data(r, &p, &n, &off, e)) > 0)
        if (tarball_data(t, p, n, e) < 0)
            return -1;
    return rc;
}

static int copy_entry(const struct oci_tree *want, struct tar_in *r, const char *spelled, struct tarball *t,
                      struct err *e)
{
    AUTO_ARENA a = {0};
    struct tree_entry en;
    struct str path;
    if (tar_in_entry(r, spelled, &en, e) < 0 || tree_canonical(NULL, en.path, &a, &path, e) < 0)
        return -1;
    if (!oci_tree_differs(want, path))
        return 0;
    en.path = path;
    if (en.type == TREE_HARD && tree_canonical(NULL, en.link, &a, &en.link, e) < 0)
        return -1;
    if (tarball_entry(t, &en, e) < 0)
        return -1;
    return en.type == TREE_FILE && en.size > 0 ? copy_content(r, t, e) : 0;
}

static int copy_entries(const struct source *s, const struct oci_tree *want, struct tarball *t, struct err *e)
{
    struct tar_in *r;
    const char *spelled;
    int rc;
    if (tar_in_open(&r, s->fd, s->name, UINT64_MAX, false, e) < 0)
        return -1;
    while ((rc = tar_in_next(r, &spelled, e)) > 0)
        if (copy_entry(want, r, spelled, t, e) < 0) {
            rc = -1;
            break;
        }
    tar_in_close(r);
    return rc;
}

static int write_whiteouts(const struct oci_tree *want, int64_t epoch, struct tarball *t, struct err *e)
{
    const struct str *paths;
    size_t n = oci_tree_whiteouts(want, &paths);
    for (size_t i = 0; i < n; i++) {
        const struct tree_entry en = {
            .path = paths[i], .type = TREE_FILE, .mode = WHITEOUT_MODE, .mtime = epoch};
        if (tarball_entry(t, &en, e) < 0)
            return -1;
    }
    return 0;
}

int oci_layer_write(const char *whole, struct oci_tree *base, int64_t epoch, const char *to,
                    const struct tarball_opts *o, struct digest *sum, struct err *e)
{
    struct tarball *t = NULL;
    AUTO_FD fd = open(whole, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    const struct source s = {fd, whole};
    if (fd < 0)
        return err_sys(e, ERR_HOST, errno, "%s", whole);
    struct oci_tree *want = oci_tree_new(UINT64_MAX, false);
    int rc = read_whole(&s, want, e);
    if (rc == 0)
        rc = oci_tree_diff(want, base, epoch, e);
    if (rc == 0)
        rc = tarball_open(&t, to, o, e);
    if (rc == 0)
        rc = copy_entries(&s, want, t, e);
    if (rc == 0)
        rc = write_whiteouts(want, epoch, t, e);
    if (rc == 0)
        rc = tarball_finish(t, true, sum, e);
    tarball_close(t);
    oci_tree_free(want);
    return rc;
}
