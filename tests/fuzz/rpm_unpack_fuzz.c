/* rpm packages, unpacked as if their signatures and digests were good: nothing beside the target changes. */
#include <errno.h>

#include "pkgfmt/rpm.h"
#include "pkgfmt/rpm_payload.h"
#include "pkgfmt/rpm_put.h"
#include "pkgfmt/rpm_stored.h"
#include "pkgfmt/rpm_verify.h"
#include "tests/fuzz/unpack.h"

/* The copy with a payload that is not compressed any more. */
static void begin_copy(struct rpm_stored *s, const struct rpm_read *r)
{
    static FILE *f;
    struct err e;
    if (f == NULL && (f = tmpfile()) == NULL)
        abort();
    if (ftruncate(fileno(f), 0) < 0 || lseek(fileno(f), 0, SEEK_SET) != 0 ||
        rpm_stored_open(s, fileno(f), r, &e) < 0)
        abort();
}

/* The copy of a package that could be unpacked can be read as well. */
static void check_copy(struct rpm_stored *s)
{
    struct rpm_payload *payload;
    struct rpm_read r;
    struct err e;
    const void *p;
    size_t n;
    uint64_t all = 0;
    int rc;
    if (rpm_stored_finish(s, &e) < 0 || rpm_read_open(&r, s->fd, &e) < 0 ||
        rpm_payload_open(&payload, &r, NULL, &e) < 0)
        abort();
    while ((rc = rpm_payload_next(payload, &p, &n, &e)) > 0)
        all += n;
    if (rc < 0 || all != s->open)
        abort();
    rpm_payload_close(payload);
    rpm_read_close(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const struct tree_layout links[] = {{"bin", "usr/bin"}, {"lib", "usr/lib"}};
    const struct plan_pkg pkg = {
        .name = "evil", .version = "1-1", .arch = "noarch", .size = n, .installed_size = 1 << 20};
    struct pkgfmt_package package = {.pkg = &pkg, .max_bytes = 4 << 20};
    struct tree_writer *w;
    struct tree *t;
    struct rpm_read r;
    struct err e = {0};
    struct stat before, after;
    if (target == NULL)
        set_up();
    package.fd = fuzz_fd(p, n);
    if (rpm_read_open(&r, package.fd, &e) < 0)
        return 0;
    if (stat(beside, &before) < 0 || tree_open_dir(&t, target, NULL, &e) < 0 ||
        tree_layout(t, links, 2, &e) < 0 || tree_writer_open(t, 0, pkg.name, 4 << 20, false, &w, &e) < 0)
        abort();
    package.owners = rpm_owners_new(STR("mail:x:8:12:\n"), STR("mail:x:12:\n"), NULL);
    rpm_owners_read(&package, &e);
    rpm_verify(&r, &package, &e);
    static struct rpm_stored copy;
    begin_copy(&copy, &r);
    int rc = rpm_put(&r, &package, &copy, w, &e);
    if (rc == 0)
        check_copy(&copy);
    if (rc == 0)
        rc = tree_writer_finish(&w, &e);
    tree_writer_close(w);
    if (rc == 0)
        tree_settle(t, &e);
    rpm_owners_free(package.owners);
    rpm_read_close(&r);
    tree_close(t);
    if (stat(target, &after) == 0 || errno != ENOENT)
        abort();
    if (stat(beside, &after) < 0 || after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
        after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
        abort();
    return 0;
}
