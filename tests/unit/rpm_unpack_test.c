/* Unpacking rpm packages, good, broken and hostile ones. With arguments it unpacks, for
   tests/flow/rpm_agree.py: rpm_unpack_test TARGET [-p PASSWD] [-g GROUP] [-l PATH=TEXT]... PACKAGE... */
#include <sys/resource.h>

#include "base/mem.h"
#include "pkgfmt/rpm.h"
#include "pkgfmt/rpm_put.h"
#include "pkgfmt/rpm_verify.h"
#include "tests/unit/rpm_fixture.h"
#include "tests/unit/tree_help.h"

enum { BUDGET = 64 << 20 };

/* The plan's package that the file is, strings in a. */
static struct plan_pkg pkg_of(const struct rpm_read *r, uint64_t budget, struct arena *a)
{
    const struct rpm_header *h = &r->header;
    uint64_t epoch = 0;
    bool has = rpm_header_u64(h, RPM_TAG_EPOCH, 0, &epoch);
    struct plan_pkg p = {.name = arena_str(a, rpm_header_string(h, RPM_TAG_NAME)),
                         .arch = r->source ? "src" : arena_str(a, rpm_header_string(h, RPM_TAG_ARCH)),
                         .size = r->size,
                         .installed_size = budget};
    const char *evr =
        arena_printf(a, "%" STR_FMT "-%" STR_FMT, STR_ARG(rpm_header_string(h, RPM_TAG_VERSION)),
                     STR_ARG(rpm_header_string(h, RPM_TAG_RELEASE)));
    p.version = has ? arena_printf(a, "%llu:%s", (unsigned long long)epoch, evr) : evr;
    return p;
}

/* One package as number index of the tree. */
static int unpack_fd(struct tree *t, unsigned index, int fd, uint64_t budget, struct pkgfmt_owners *owners,
                     struct err *e)
{
    AUTO_ARENA a = {0};
    struct rpm_read r;
    struct tree_writer *w = NULL;
    if (rpm_read_open(&r, fd, e) < 0)
        return err_wrap(e, "evil");
    const struct plan_pkg pkg = pkg_of(&r, budget, &a);
    const struct pkgfmt_package p = {.fd = fd, .pkg = &pkg, .index = index, .owners = owners};
    int rc = tree_writer_open(t, index, pkg.name, budget, false, &w, e);
    if (rc == 0 && rpm_verify(&r, &p, e) < 0)
        rc = err_wrap(e, "%s", pkg.name);
    if (rc == 0)
        rc = rpm_put(&r, &p, NULL, w, e);
    if (rc == 0)
        rc = tree_writer_finish(&w, e);
    tree_writer_close(w);
    rpm_read_close(&r);
    return rc;
}

/* ---- with arguments */

static int tool_owners(struct pkgfmt_owners *owners, const char *path)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    AUTO_ARENA a = {0};
    struct rpm_read r;
    if (rpm_read_open(&r, fd, &err) < 0)
        return -1;
    const struct plan_pkg pkg = pkg_of(&r, 0, &a);
    rpm_read_close(&r);
    return rpm_owners_read(&(struct pkgfmt_package){.fd = fd, .pkg = &pkg, .owners = owners}, &err);
}

static int tool(int argc, char **argv)
{
    AUTO_BUF passwd = {0}, group = {0};
    struct tree_layout layout[16];
    struct tree *t = NULL;
    size_t nlayout = 0;
    int opt, failed = 0;
    optind = 2;
    while ((opt = getopt(argc, argv, "p:g:l:")) != -1) {
        if (opt == 'p' || opt == 'g') {
            if (file_read(optarg, 1 << 24, opt == 'p' ? &passwd : &group, &err) < 0)
                abort();
        } else if (opt == 'l' && nlayout < 16 && strchr(optarg, '=') != NULL) {
            char *text = strchr(optarg, '=');
            *text = '\0';
            layout[nlayout++] = (struct tree_layout){optarg, text + 1};
        }
    }
    struct pkgfmt_owners *owners = rpm_owners_new(buf_view(&passwd), buf_view(&group), NULL);
    if (tree_open_dir(&t, argv[1], NULL, &err) < 0 || tree_layout(t, layout, nlayout, &err) < 0)
        abort();
    for (int i = optind; i < argc && passwd.n == 0; i++)
        tool_owners(owners, argv[i]);
    for (int i = optind; i < argc; i++) {
        AUTO_FD fd = open(argv[i], O_RDONLY | O_CLOEXEC);
        if (unpack_fd(t, (unsigned)(i - optind), fd, UINT64_C(1) << 40, owners, &err) < 0) {
            printf("%s: %d: %s\n", argv[i], (int)err.class, err.msg);
            failed = 1;
        }
    }
    rpm_owners_free(owners);
    if (tree_settle(t, &err) < 0 || (!failed && tree_seal(t, true, &err) < 0)) {
        printf("%s\n", err.msg);
        failed = 1;
    }
    tree_close(t);
    return failed;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return tool(argc, argv);
    return test_done();
}
