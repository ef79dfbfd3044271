/* What unpacking leaves for the second stage: thin packages, the ones that ride whole, dpkg's options,
 * digests. */
#include "pkgfmt/deb_second.h"

#include <ftw.h>
#include <sys/resource.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"
#include "pkgfmt/deb.h"
#include "pkgfmt/deb_tar.h"
#include "tests/unit/deb_fixture.h"
#include "tests/unit/second_help.h"
#include "tests/unit/test.h"

#define BIG "a content that a thin package does not have"

struct package {
    const char *name, *version;
    struct tar_file control[4], data[6];
};

/* Each package is there for one rule. */
static const struct package packages[] = {
    {"conf",
     "1:2.0~rc1",
     {{"./conffiles", AE_IFREG, "/etc/conf.d/a b\n/usr/share/conf[1]\nremove-on-upgrade /etc/old\n", 0, 0, 0},
      {"./md5sums", AE_IFREG, "", 0, 0, 0}},
     {{"./etc/conf.d/a b", AE_IFREG, "config", 0, 0, 0},
      {"./usr/share/conf[1]", AE_IFREG, "shared config", 0600, 0, 0},
      {"./usr/bin/conf", AE_IFREG, BIG, 04755, 0, 0},
      {"./usr/bin/link", AE_IFLNK, "conf", 0777, 0, 0},
      {"./usr/bin/hard", 0, "./usr/bin/conf", 0, 0, 0}}},
    {"diverter",
     "1",
     {{"./preinst", AE_IFREG,
       "#!/bin/sh\ndpkg-divert --add --rename --divert /bin/diverted.real '/bin/diverted'\n", 0755, 0, 0},
      {"./md5sums", AE_IFREG, "", 0, 0, 0}},
     {{"./usr/bin/other", AE_IFREG, BIG, 0, 0, 0}}},
    {"diverted",
     "1",
     {{"./md5sums", AE_IFREG, "", 0, 0, 0}},
     {{"./usr/bin/diverted", AE_IFREG, BIG, 0, 0, 0},
      {"./usr/bin/its-other-name", 0, "./usr/bin/diverted", 0, 0, 0},
      {"./usr/bin/not-diverted", AE_IFREG, BIG, 0, 0, 0}}},
    {"computed",
     "1",
     {{"./preinst", AE_IFREG, "#!/bin/sh\ndpkg-divert --add --rename --divert ${dir}/own.real ${dir}/own\n",
       0755, 0, 0},
      {"./md5sums", AE_IFREG, "", 0, 0, 0}},
     {{"./usr/bin/own", AE_IFREG, BIG, 0, 0, 0}}},
    {"shared1",
     "1",
     {{"./md5sums", AE_IFREG, "", 0, 0, 0}},
     {{"./usr/lib/both", AE_IFREG, BIG " 1", 0, 0, 0}, {"./usr/lib/dir", AE_IFDIR, NULL, 0, 0, 0}}},
    {"shared2",
     "1",
     {{"./md5sums", AE_IFREG, "", 0, 0, 0}},
     {{"./lib/both", AE_IFREG, BIG " 2", 0, 0, 0}, {"./usr/lib/dir", AE_IFDIR, NULL, 0, 0, 0}}},
    {"nosums", "1", {{"./control", AE_IFREG, "x", 0, 0, 0}}, {{"./usr/bin/nosums", AE_IFREG, BIG, 0, 0, 0}}},
    {"bare",
     "1",
     {{"./md5sums", AE_IFREG, "", 0, 0, 0}},
     {{"usr/bin/bare", AE_IFREG, BIG, 0, 0, 0}, {"etc/bare", AE_IFREG, "no conffile", 0, 0, 0}}},
};
enum { PACKAGES = sizeof packages / sizeof packages[0] };

static char base[] = "/tmp/zs-deb-second.XXXXXX";
static char target[64];
static struct buf debs[PACKAGES];
static struct plan_pkg pkgs[PACKAGES];
static const struct plan plan = {.pkgs = pkgs, .n = PACKAGES};
static struct pkgfmt_second_opts opts = {.fixups_sh = {"true\n", 5}, .epoch = 7};

static size_t count(const struct tar_file *f, size_t max)
{
    size_t n = 0;
    while (n < max && f[n].path != NULL)
        n++;
    return n;
}

static void make_debs(void)
{
    for (size_t i = 0; i < PACKAGES; i++) {
        const struct package *p = &packages[i];
        deb_make(&debs[i], p->control, count(p->control, 4), p->data, count(p->data, 6), false);
        pkgs[i] = (struct plan_pkg){
            .name = p->name, .version = p->version, .arch = "all", .installed_size = debs[i].n};
    }
}

static int unpack_one(struct tree *t, struct pkgfmt_second *s, unsigned i, bool redo, struct err *e)
{
    struct tree_writer *w;
    AUTO_FD fd = fd_of(buf_view(&debs[i]));
    if (tree_writer_open(t, i, pkgs[i].name, 1 << 20, redo, &w, e) < 0)
        return -1;
    int r = deb_unpack(&(struct pkgfmt_package){.fd = fd, .pkg = &pkgs[i], .index = i}, w, s, e);
    if (r == 0)
        r = tree_writer_finish(&w, e);
    tree_writer_close(w);
    return r;
}

/* Unpacks all, the last first, and leaves the second stage in the tree. */
static int leave(struct tree **t, bool full, struct err *e)
{
    static const struct tree_layout links[] = {{"bin", "usr/bin"}, {"lib", "usr/lib"}};
    struct pkgfmt_second *s = NULL;
    AUTO_ARENA a = {0};
    unsigned *again;
    size_t n;
    int r = -1;
    *e = (struct err){0};
    if (tree_open_dir(t, target, NULL, e) < 0 || tree_layout(*t, links, 2, e) < 0 ||
        deb_second_begin(&s, *t, &plan, full, e) < 0)
        return -1;
    for (unsigned i = PACKAGES; i-- > 0;)
        if (unpack_one(*t, s, i, false, e) < 0)
            goto out;
    if (tree_redo(*t, &a, &again, &n, e) < 0)
        goto out;
    for (size_t i = 0; i < n; i++)
        if (unpack_one(*t, s, again[i], true, e) < 0)
            goto out;
    if (deb_second_settle(s, e) == 0 && tree_settle(*t, e) == 0)
        r = deb_second_finish(s, &opts, e);
out:
    deb_second_free(s);
    return r;
}

/* The entries of a left package, "path size content" a line. */
static void list(struct tree *t, const char *file, struct buf *out)
{
    char path[256];
    struct err e = {0};
    struct deb_read d;
    struct deb_tar *tar = NULL;
    struct tree_entry en;
    const void *p;
    size_t n;
    uint64_t off;
    snprintf(path, sizeof path, "%s/zonestrap/packages/%s", tree_path(t), file);
    AUTO_FD fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && deb_read_open(&d, fd, &e) == 0 && deb_tar_open(&tar, &d, &d.data, &e) == 0);
    while (tar != NULL && deb_tar_next(tar, &en, &e) > 0) {
        buf_printf(out, "%" STR_FMT " %03o %" STR_FMT ":", STR_ARG(en.path), (unsigned)en.mode,
                   STR_ARG(en.link));
        while (en.type == TREE_FILE && deb_tar_data(tar, &p, &n, &off, &e) > 0)
            buf_add(out, p, n);
        buf_putc(out, '\n');
    }
    deb_tar_close(tar);
}

static void check_list(struct tree *t, const char *file, const char *want)
{
    AUTO_BUF b = {0};
    list(t, file, &b);
    CHECK_STR(buf_c(&b), want);
}

static bool is_original(struct tree *t, const char *file, unsigned i)
{
    char path[256];
    struct err e = {0};
    AUTO_BUF b = {0};
    snprintf(path, sizeof path, "%s/zonestrap/packages/%s", tree_path(t), file);
    return file_read(path, 1 << 20, &b, &e) == 0 && str_eq(buf_view(&b), buf_view(&debs[i]));
}

/* Every line of `digests` is true, and there is one for each package. */
static void check_digests(struct tree *t, size_t texts)
{
    AUTO_BUF b = {0};
    struct str rest, line, hex;
    size_t n = 0;
    left(t, "digests", &b);
    for (rest = buf_view(&b); str_line(&rest, &line); n++) {
        char path[512];
        struct digest said, got;
        struct err e = {0};
        CHECK(str_cut(&line, ' ', &hex) && digest_parse(&said, DIGEST_SHA256, hex));
        line = str_trim(line);
        snprintf(path, sizeof path, "%s/zonestrap/%" STR_FMT, tree_path(t), STR_ARG(line));
        AUTO_FD fd = open(path, O_RDONLY);
        CHECK(fd >= 0 && digest_of_fd(&got, DIGEST_SHA256, fd, NULL, &e) == 0 && digest_eq(&said, &got));
    }
    CHECK(n == PACKAGES + texts);
}

static void thin(void)
{
    struct tree *t = NULL;
    struct err e;
    AUTO_BUF b = {0};
    if (geteuid() != 0)
        SKIP("not root");
    int r = leave(&t, false, &e);
    if (r < 0)
        printf("%s\n", e.msg);
    CHECK(r == 0);
    check_list(t, "conf_1%3a2.0~rc1_all.deb",
               "./etc/conf.d/a b 644 :config\n./usr/share/conf[1] 600 :shared config\n./usr/bin/conf 4755 :\n"
               "./usr/bin/link 777 conf:\n./usr/bin/hard 644 ./usr/bin/conf:\n");
    check_list(t, "diverter_1_all.deb", "./usr/bin/other 644 :\n");
    check_list(t, "nosums_1_all.deb", "./usr/bin/nosums 644 :" BIG "\n");
    check_list(t, "bare_1_all.deb", "./usr/bin/bare 644 :\n./etc/bare 644 :no conffile\n");
    CHECK(is_original(t, "diverted_1_all_whole.deb", 2));
    CHECK(is_original(t, "computed_1_all_whole.deb", 3));
    CHECK(is_original(t, "shared1_1_all_whole.deb", 4));
    CHECK(is_original(t, "shared2_1_all_whole.deb", 5));
    CHECK_STR(
        left(t, "dpkg.cfg", &b),
        "path-exclude=/*\npath-include=/etc/*\npath-include=/usr/share/conf\\[1]\n"
        "path-include=/usr/bin/diverted\npath-include=/usr/bin/its-other-name\npath-include=/usr/bin/own\n"
        "path-include=/usr/lib/both\n"
        "path-include=/lib/both\npath-include=/usr/bin/nosums\n");
    CHECK_STR(left(t, "plan", &b),
              "format deb\nepoch 7\ncount 8\npackage conf conf_1%3a2.0~rc1_all.deb\n"
              "package diverter diverter_1_all.deb\npackage diverted diverted_1_all_whole.deb\n"
              "package computed computed_1_all_whole.deb\n"
              "package shared1 shared1_1_all_whole.deb\npackage shared2 shared2_1_all_whole.deb\n"
              "package nosums nosums_1_all.deb\npackage bare bare_1_all.deb\n");
    CHECK_STR(left(t, "fixups.sh", &b), "true\n");
    CHECK_STR(left(t, "done", &b), "");
    CHECK(strncmp(left(t, "second-stage", &b), "#!/bin/sh\n", 10) == 0);
    check_digests(t, 3);
    tree_close(t);
}

static void control_is_the_original(void)
{
    struct tree *t = NULL;
    struct err e;
    AUTO_BUF a = {0}, b = {0};
    char path[256];
    struct deb_read d, o;
    if (geteuid() != 0)
        SKIP("not root");
    CHECK(leave(&t, false, &e) == 0);
    snprintf(path, sizeof path, "%s/zonestrap/packages/conf_1%%3a2.0~rc1_all.deb", tree_path(t));
    AUTO_FD thin_fd = open(path, O_RDONLY), fd = fd_of(buf_view(&debs[0]));
    CHECK(deb_read_open(&d, thin_fd, &e) == 0 && deb_read_open(&o, fd, &e) == 0 &&
          d.control.size == o.control.size);
    buf_reserve(&a, o.control.size);
    buf_reserve(&b, o.control.size);
    CHECK(deb_read_at(fd, o.control.off, a.p, o.control.size, &e) == 0 &&
          deb_read_at(thin_fd, d.control.off, b.p, o.control.size, &e) == 0 &&
          memcmp(a.p, b.p, o.control.size) == 0);
    tree_close(t);
}

static void full(void)
{
    static const char *const files[] = {
        "conf_1%3a2.0~rc1_all.deb", "diverter_1_all.deb", "diverted_1_all.deb", "computed_1_all.deb",
        "shared1_1_all.deb",        "shared2_1_all.deb",  "nosums_1_all.deb",   "bare_1_all.deb"};
    struct tree *t = NULL;
    struct err e;
    AUTO_BUF b = {0};
    if (geteuid() != 0)
        SKIP("not root");
    CHECK(leave(&t, true, &e) == 0);
    for (unsigned i = 0; i < PACKAGES; i++)
        CHECK(is_original(t, files[i], i));
    CHECK_STR(left(t, "dpkg.cfg", &b), "");
    check_digests(t, 3);
    tree_close(t);
}

/* Files that are an overlay's, and hooks. Of a hard link's group no name is written; conffiles are dpkg's. */
static void own_and_hooks(void)
{
    static const struct str own[] = {{"etc/bare", 8},          {"etc/conf.d/a b", 14}, {"new", 3},
                                     {"usr/bin/hard", 12},     {"usr/lib/both", 12},   {"usr/lib/dir/x", 13},
                                     {"usr/share/conf[1]", 17}};
    static const struct pkgfmt_hook hooks[] = {{"01-a", {"#!/bin/sh\n", 10}}, {"02-b", {"x", 1}}};
    const struct pkgfmt_second_opts before = opts;
    static const char excluded[] =
        "path-exclude=/usr/bin/conf\npath-exclude=/usr/bin/hard\n"
        "path-exclude=/usr/lib/both\npath-exclude=/lib/both\npath-exclude=/etc/bare\n";
    struct tree *t = NULL;
    struct err e;
    AUTO_BUF b = {0}, plain = {0};
    if (geteuid() != 0)
        SKIP("not root");
    CHECK(leave(&t, false, &e) == 0);
    buf_puts(&plain, left(t, "dpkg.cfg", &b));
    buf_puts(&plain, excluded);
    tree_close(t);
    opts.own = own;
    opts.nown = 7;
    opts.hooks = hooks;
    opts.nhooks = 2;
    CHECK(leave(&t, false, &e) == 0);
    CHECK_STR(left(t, "dpkg.cfg", &b), buf_c(&plain));
    CHECK_STR(left(t, "hooks/01-a", &b), "#!/bin/sh\n");
    CHECK_STR(left(t, "hooks/02-b", &b), "x");
    CHECK(strstr(left(t, "digests", &b), "  hooks/02-b\n") != NULL);
    check_digests(t, 5);
    tree_close(t);
    CHECK(leave(&t, true, &e) == 0);
    CHECK_STR(left(t, "dpkg.cfg", &b), excluded);
    opts = before;
    tree_close(t);
}

/* The package that comes after the last descriptor to spare rides whole; what is included back is the same.
 */
static void few_descriptors(void)
{
    struct rlimit old, few;
    struct tree *t = NULL;
    struct err e;
    AUTO_BUF b = {0}, c = {0};
    if (geteuid() != 0)
        SKIP("not root");
    CHECK(leave(&t, false, &e) == 0);
    left(t, "dpkg.cfg", &b);
    CHECK(!is_original(t, "conf_1%3a2.0~rc1_all.deb", 0));
    tree_close(t);
    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    few.rlim_cur = 4 * (PACKAGES - 1);
    setrlimit(RLIMIT_NOFILE, &few);
    CHECK(leave(&t, false, &e) == 0);
    setrlimit(RLIMIT_NOFILE, &old);
    CHECK_STR(left(t, "dpkg.cfg", &c), buf_c(&b));
    CHECK(is_original(t, "conf_1%3a2.0~rc1_all.deb", 0));
    check_digests(t, 3);
    tree_close(t);
}

static void not_all_unpacked(void)
{
    struct tree *t = NULL;
    struct pkgfmt_second *s = NULL;
    struct err e = {0};
    if (geteuid() != 0)
        SKIP("not root");
    CHECK(tree_open_dir(&t, target, NULL, &e) == 0 && deb_second_begin(&s, t, &plan, false, &e) == 0);
    CHECK(unpack_one(t, s, 0, false, &e) == 0 && deb_second_settle(s, &e) < 0);
    CHECK_STR(e.msg, "diverter was not unpacked before the second stage was left in the tree");
    deb_second_free(s);
    tree_close(t);
}

/* What stands in for init is there twice, and dpkg leaves the place alone, full or not. */
static void first_boot(void)
{
    struct tree *t = NULL;
    struct err e;
    AUTO_BUF a = {0}, b = {0};
    if (geteuid() != 0)
        SKIP("not root");
    opts.first_boot = true;
    for (int all = 0; all < 2; all++) {
        CHECK(leave(&t, all, &e) == 0);
        CHECK(str_ends(str_c(left(t, "dpkg.cfg", &a)), STR("path-exclude=/sbin/init\n")));
        CHECK(strncmp(left(t, "first-boot", &a), "#!/bin/sh\n", 10) == 0);
        CHECK(tree_read(t, "/sbin/init", 1 << 20, &b, &e) == 0 && str_eq(buf_view(&a), buf_view(&b)));
        buf_clear(&b);
        check_digests(t, 4);
        tree_close(t);
    }
    opts.first_boot = false;
}

static void names_are_escaped(void)
{
    const struct plan_pkg p = {.name = "../a/b", .version = "1:2 3%", .arch = "x\ny"};
    AUTO_BUF b = {0};
    deb_keep_file(&p, &b);
    CHECK_STR(buf_c(&b), "..%2fa%2fb_1%3a2%203%25_x%0ay.deb");
}

/* dpkg itself reads what was left. */
static void dpkg_reads_them(void)
{
    struct tree *t = NULL;
    struct err e;
    char cmd[512];
    if (geteuid() != 0)
        SKIP("not root");
    if (system("command -v dpkg-deb >/dev/null") != 0)
        SKIP("no dpkg-deb");
    CHECK(leave(&t, false, &e) == 0);
    snprintf(cmd, sizeof cmd,
             "for f in '%s'/zonestrap/packages/*.deb; do dpkg-deb -c \"$f\" >/dev/null || exit 1; done",
             tree_path(t));
    CHECK(system(cmd) == 0);
    snprintf(cmd, sizeof cmd, "cd '%s/zonestrap' && sha256sum -c --quiet digests && sh -n second-stage",
             tree_path(t));
    CHECK(system(cmd) == 0);
    tree_close(t);
}

int main(void)
{
    if (mkdtemp(base) == NULL)
        return 1;
    snprintf(target, sizeof target, "%s/root", base);
    make_debs();
    RUN(thin);
    RUN(control_is_the_original);
    RUN(full);
    RUN(own_and_hooks);
    RUN(few_descriptors);
    RUN(first_boot);
    RUN(not_all_unpacked);
    RUN(names_are_escaped);
    RUN(dpkg_reads_them);
    for (size_t i = 0; i < PACKAGES; i++)
        buf_free(&debs[i]);
    rmdir(base);
    return test_done();
}
