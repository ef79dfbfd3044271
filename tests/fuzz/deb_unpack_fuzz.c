/* Packages, unpacked into a tree with what the second stage needs kept: nothing beside the target changes. */
#include <errno.h>

#include "pkgfmt/deb.h"
#include "tests/fuzz/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const struct tree_layout links[] = {{"bin", "usr/bin"}, {"lib", "usr/lib"}};
    struct plan_pkg pkg = {
        .name = "evil", .version = "1", .arch = "all", .size = n, .installed_size = 1 << 20};
    const struct plan plan = {.pkgs = &pkg, .n = 1};
    const struct pkgfmt_second_opts opts = {.fixups_sh = STR("")};
    struct pkgfmt_second *second = NULL;
    struct tree_writer *w;
    struct tree *t;
    struct err e = {0};
    struct stat before, after;
    if (target == NULL)
        set_up();
    if (stat(beside, &before) < 0 || tree_open_dir(&t, target, NULL, &e) < 0 ||
        tree_layout(t, links, 2, &e) < 0 || deb_second_begin(&second, t, &plan, false, &e) < 0 ||
        tree_writer_open(t, 0, pkg.name, 4 << 20, false, &w, &e) < 0)
        abort();
    int rc = deb_unpack(&(struct pkgfmt_package){.fd = fuzz_fd(p, n), .pkg = &pkg}, w, second, &e);
    if (rc == 0)
        rc = tree_writer_finish(&w, &e);
    tree_writer_close(w);
    if (rc == 0 && deb_second_settle(second, &e) == 0 && tree_settle(t, &e) == 0)
        deb_second_finish(second, &opts, &e);
    deb_second_free(second);
    tree_close(t);
    if (stat(target, &after) == 0 || errno != ENOENT)
        abort();
    if (stat(beside, &after) < 0 || after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
        after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
        abort();
    return 0;
}
