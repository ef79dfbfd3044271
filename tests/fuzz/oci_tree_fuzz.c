/* A layer that somebody else made, on top of another one. */
#include "cmd/oci_tree.h"
#include "tests/fuzz/fuzz.h"

static int apply(struct oci_tree *t, int fd, struct err *e)
{
    struct tar_in *r;
    if (tar_in_open(&r, fd, "fuzz", 1 << 26, true, e) < 0)
        return -1;
    int rc = oci_tree_apply(t, r, e);
    if (rc == 0)
        rc = tar_in_end(r, NULL, e);
    tar_in_close(r);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct oci_tree *base = oci_tree_new(1 << 26, true), *want = oci_tree_new(1 << 26, false);
    struct err e = {0};
    const struct str *gone;
    int fd = fuzz_fd(p, n);
    /* Twice: what the second one finds is of a lower layer. */
    if (apply(base, fd, &e) == 0 && apply(base, fd, &e) == 0 && apply(want, fd, &e) == 0 &&
        oci_tree_diff(want, base, 0, &e) == 0)
        (void)oci_tree_whiteouts(want, &gone);
    oci_tree_free(base);
    oci_tree_free(want);
    return 0;
}
