/* Unpacking hostile and broken packages: one clear error or a clean unpack, and nothing outside the root. */
#include <ftw.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"
#include "pkgfmt/deb.h"
#include "pkgfmt/deb_tar.h"
#include "tests/unit/deb_fixture.h"
#include "tests/unit/test.h"

enum { BUDGET = 64 * 1024 * 1024 };

static char base[] = "/tmp/zs-deb-unpack.XXXXXX";
static char target[64];

/* Unpacks the bytes as a package into a new tree that stays open. */
static int unpack(struct str package, struct tree **t, uint64_t budget, bool second_too, struct err *e)
{
    struct plan_pkg pkg = {
        .name = "evil", .version = "1", .arch = "all", .size = package.n, .installed_size = budget};
    struct plan plan = {.pkgs = &pkg, .n = 1};
    struct pkgfmt_second *second = NULL;
    struct tree_writer *w;
    AUTO_FD fd = fd_of(package);
    *e = (struct err){0};
    if (tree_open_dir(t, target, NULL, e) < 0)
        return -1;
    if (second_too && deb_second_begin(&second, *t, &plan, false, e) < 0)
        return -1;
    if (tree_writer_open(*t, 0, pkg.name, budget, false, &w, e) < 0)
        return -1;
    int r = deb_unpack(&(struct pkgfmt_package){.fd = fd, .pkg = &pkg}, w, second, e);
    if (r == 0)
        r = tree_writer_finish(&w, e);
    tree_writer_close(w);
    deb_second_free(second);
    if (r == 0)
        r = tree_settle(*t, e);
    return r;
}

/* The absolute paths that the package names: none may come into being or change. */
struct watch {
    char path[64][256];
    struct stat st[64];
    bool there[64];
    size_t n;
};

static void watch(struct watch *w, struct str package)
{
    struct err e = {0};
    struct deb_read d;
    struct deb_tar *t = NULL;
    struct tree_entry en;
    AUTO_FD fd = fd_of(package);
    w->n = 0;
    if (deb_read_open(&d, fd, &e) < 0 || deb_tar_open(&t, &d, &d.data, &e) < 0)
        return;
    while (w->n < 64 && deb_tar_next(t, &en, &e) > 0) {
        if (en.path.n == 0 || en.path.n > 200 || en.path.p[0] != '/')
            continue;
        snprintf(w->path[w->n], sizeof w->path[0], "%" STR_FMT, STR_ARG(en.path));
        w->there[w->n] = lstat(w->path[w->n], &w->st[w->n]) == 0;
        w->n++;
    }
    deb_tar_close(t);
}

static void check_watched(const struct watch *w, const char *name)
{
    for (size_t i = 0; i < w->n; i++) {
        struct stat st;
        bool there = lstat(w->path[i], &st) == 0;
        if (there != w->there[i] ||
            (there && (st.st_ino != w->st[i].st_ino || st.st_size != w->st[i].st_size ||
                       st.st_mode != w->st[i].st_mode))) {
            printf("%s: %s outside the root was touched\n", name, w->path[i]);
            test_failed_here = 1;
        }
    }
}

static int outside; /* names in base that do not belong there */

static int count_outside(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st;
    (void)type;
    const char *rest = path + strlen(base);
    if (f->level == 1 && strcmp(rest, "/canary") != 0)
        outside++;
    return 0;
}

static int cleanly, refused;

/* Unpacks once as in `create`, once with a second stage: the same outcome, and after closing nothing is left.
 */
static void hostile(const char *name, struct str package)
{
    for (int second = 0; second <= 1; second++) {
        struct tree *t = NULL;
        struct err e = {0};
        struct watch w;
        watch(&w, package);
        int r = unpack(package, &t, BUDGET, second, &e);
        tree_close(t);
        check_watched(&w, name);
        outside = 0;
        nftw(base, count_outside, 16, FTW_PHYS);
        if (outside > 0 || (r < 0 && (e.class != ERR_FORMAT || strncmp(e.msg, "evil: ", 6) != 0 ||
                                      strchr(e.msg, '\n') != NULL))) {
            printf("%s: %d left outside, class %d: %s\n", name, outside, (int)e.class, e.msg);
            test_failed_here = 1;
        }
        if (getenv("VERBOSE") != NULL && second == 0)
            printf("%s: %s\n", name, r < 0 ? e.msg : "ok");
        *(r < 0 ? &refused : &cleanly) += 1;
    }
}

static void wrap(const char *name, const char *member, struct str data)
{
    static const struct tar_file control = {.path = "./control", .type = AE_IFREG, .text = "Package: evil\n"};
    struct buf c = {0}, package = {0};
    tar_make(&c, &control, 1, false);
    ar_add(&package, "debian-binary", STR("2.0\n"), NULL);
    ar_add(&package, "control.tar", buf_view(&c), NULL);
    ar_add(&package, member, data, NULL);
    hostile(name, buf_view(&package));
    buf_free(&c);
    buf_free(&package);
}

static bool ends(const char *s, const char *with)
{
    return str_ends(str_c(s), str_c(with));
}

/* A file of the test data: itself a package, or something to wrap into one as its data. */
static int try_file(const char *path, const struct stat *st, int type, struct FTW *f)
{
    static const struct {
        const char *suffix, *member;
    } members[] = {{".gz", "data.tar.gz"},   {".tgz", "data.tar.gz"},   {".xz", "data.tar.xz"},
                   {".txz", "data.tar.xz"},  {".zst", "data.tar.zst"},  {".bz2", "data.tar.bz2"},
                   {".tbz", "data.tar.bz2"}, {".lzma", "data.tar.lzma"}};
    const char *name = strrchr(path, '/') + 1, *member = "data.tar";
    struct err e = {0};
    AUTO_BUF b = {0};
    (void)st;
    (void)f;
    if (type != FTW_F || file_read(path, BUDGET, &b, &e) < 0)
        return 0;
    if (ends(name, ".deb") || ends(name, ".udeb") || ends(name, ".a")) {
        hostile(name, buf_view(&b));
        return 0;
    }
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (ends(name, members[i].suffix))
            member = members[i].member;
    wrap(name, member, buf_view(&b));
    return 0;
}

static void try_all(const char *what)
{
    char dir[1024];
    snprintf(dir, sizeof dir, "%s/%s", test_data(), what);
    cleanly = refused = 0;
    if (geteuid() != 0)
        SKIP("not root");
    if (nftw(dir, try_file, 16, FTW_PHYS) != 0 || cleanly + refused == 0)
        SKIP("no such test data");
    printf("%s: %d times unpacked, %d times refused\n", what, cleanly, refused);
    CHECK(refused > 0);
}

static void traversal(void)
{
    try_all("evil/traversal");
}
static void zip_slip(void)
{
    try_all("evil/zip-slip");
}
static void tar_rs(void)
{
    try_all("evil/tar-rs");
}
static void libarchive(void)
{
    try_all("evil/libarchive");
}
static void xz(void)
{
    try_all("evil/xz");
}
static void zstd(void)
{
    try_all("evil/zstd");
}
static void packages(void)
{
    try_all("deb");
}

/* Makes a package of these entries and unpacks it; the message, or "ok". */
static const char *outcome(const struct tar_file *f, size_t n, uint64_t budget)
{
    static struct err e;
    struct tree *t = NULL;
    AUTO_BUF package = {0};
    deb_make(&package, NULL, 0, f, n, false);
    int r = unpack(buf_view(&package), &t, budget, false, &e);
    tree_close(t);
    return r < 0 ? e.msg : "ok";
}

static void made_ones(void)
{
    static const struct {
        struct tar_file f[3];
        size_t n;
        const char *want;
    } cases[] = {
        {{{"./a", AE_IFREG, "x", 0, 0, 0}}, 1, "ok"},
        {{{"../a", AE_IFREG, "x", 0, 0, 0}}, 1, "evil: "},
        {{{"./usr/../../a", AE_IFREG, "x", 0, 0, 0}}, 1, "evil: "},
        {{{"./l", AE_IFLNK, "/tmp", 0, 0, 0}, {"./l/a", AE_IFREG, "x", 0, 0, 0}}, 2, "evil: "},
        {{{"./l", AE_IFLNK, "..", 0, 0, 0}, {"./l/a", AE_IFREG, "x", 0, 0, 0}}, 2, "evil: "},
        {{{"./h", 0, "/etc/passwd", 0, 0, 0}}, 1, "evil: "},
        {{{"./h", 0, "../../../etc/passwd", 0, 0, 0}}, 1, "evil: "},
        {{{"./dev/sda", AE_IFBLK, NULL, 0, 0, 0}}, 1, "evil: data.tar: ./dev/sda: a device node"},
        {{{"./zonestrap/second-stage", AE_IFREG, "x", 0, 0, 0}},
         1,
         "evil: data.tar: ./zonestrap/second-stage: the path is"},
        {{{"zonestrap", AE_IFLNK, "/etc", 0, 0, 0}}, 1, "evil: data.tar: zonestrap: the path is"},
        {{{".//zonestrap/", AE_IFDIR, NULL, 0, 0, 0}}, 1, "the path is reserved"},
        {{{"./zonestrapper", AE_IFDIR, NULL, 0, 0, 0}}, 1, "ok"},
    };
    if (geteuid() != 0)
        SKIP("not root");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *got = outcome(cases[i].f, cases[i].n, BUDGET);
        if (strstr(got, cases[i].want) == NULL) {
            printf("%s: got `%s', want `%s'\n", cases[i].f[0].path, got, cases[i].want);
            test_failed_here = 1;
        }
    }
}

static void bomb(void)
{
    enum { SIZE = 3 * 1024 * 1024 };
    AUTO_MEM char *zeros = mem_alloc(SIZE + 1);
    memset(zeros, '0', SIZE);
    const struct tar_file f = {.path = "./zeros", .type = AE_IFREG, .text = zeros};
    if (geteuid() != 0)
        SKIP("not root");
    CHECK(strstr(outcome(&f, 1, 1024 * 1024), "evil: ./zeros: expands to more than 1048576 bytes") != NULL);
    CHECK_STR(outcome(&f, 1, 4 * 1024 * 1024), "ok");
}

/* What a package's control.tar makes the second stage keep is bounded, too. */
static void control_bomb(void)
{
    enum { WORDS = 100001, SIZE_AT = 124 };
    static const struct tar_file data = {.path = "./a", .type = AE_IFREG, .text = "a"};
    AUTO_BUF script = {0}, package = {0}, tar = {0}, big = {0};
    struct tree *t = NULL;
    struct err e;
    if (geteuid() != 0)
        SKIP("not root");
    buf_puts(&script, "dpkg-divert");
    for (int i = 0; i < WORDS; i++)
        buf_puts(&script, " /a");
    const struct tar_file words = {.path = "./preinst", .type = AE_IFREG, .text = buf_c(&script)};
    deb_make(&package, &words, 1, &data, 1, false);
    CHECK(unpack(buf_view(&package), &t, BUDGET, true, &e) == -1 && e.class == ERR_FORMAT);
    CHECK(strstr(e.msg, "preinst") != NULL && strstr(e.msg, "paths") != NULL);
    tree_close(t);
    /* The header alone says what follows. */
    const struct tar_file other = {.path = "./other", .type = AE_IFREG, .text = "x"};
    tar_make(&tar, &other, 1, false);
    memcpy(tar.p + SIZE_AT, "04000000000", 11);
    memcpy(tar.p + 148, "        ", 8);
    unsigned sum = 0;
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)tar.p[i];
    snprintf(tar.p + 148, 8, "%06o", sum);
    ar_add(&big, "debian-binary", STR("2.0\n"), NULL);
    ar_add(&big, "control.tar", buf_view(&tar), NULL);
    buf_clear(&script);
    tar_make(&script, &data, 1, false);
    ar_add(&big, "data.tar", buf_view(&script), NULL);
    CHECK(unpack(buf_view(&big), &t, BUDGET, true, &e) == -1 && e.class == ERR_FORMAT);
    CHECK(strstr(e.msg, "control.tar") != NULL && strstr(e.msg, "expands") != NULL);
    tree_close(t);
}

static void raw_header(struct buf *tar, const char *name, char type, size_t size)
{
    char h[512] = {0};
    unsigned sum = 0;
    snprintf(h, 100, "%s", name);
    snprintf(h + 100, 24, "0000644%c0000000%c0000000", 0, 0);
    snprintf(h + 124, 12, "%011zo", size);
    snprintf(h + 136, 12, "%011o", 0);
    memset(h + 148, ' ', 8);
    h[156] = type;
    memcpy(h + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof h; i++)
        sum += (unsigned char)h[i];
    snprintf(h + 148, 8, "%06o", sum);
    buf_add(tar, h, sizeof h);
}

/* A sparse file's map of holes, which libarchive holds in memory: 16 KB of xz could be 1 GB of it. */
static void sparse_bomb(void)
{
    enum { HOLES = 2000000 };
    static const char pax[] = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n23 GNU.sparse.name=./x\n"
                              "26 GNU.sparse.realsize=10\n";
    AUTO_BUF tar = {0}, map = {0}, package = {0};
    struct tree *t = NULL;
    struct err e;
    if (geteuid() != 0)
        SKIP("not root");
    buf_printf(&map, "%d\n", HOLES);
    for (int i = 0; i < HOLES; i++)
        buf_puts(&map, "0\n0\n");
    while (map.n % 512 != 0)
        buf_putc(&map, '\0');
    raw_header(&tar, "pax", 'x', sizeof pax - 1);
    buf_puts(&tar, pax);
    while (tar.n % 512 != 0)
        buf_putc(&tar, '\0');
    raw_header(&tar, "./x", '0', map.n);
    buf_str(&tar, buf_view(&map));
    ar_add(&package, "debian-binary", STR("2.0\n"), NULL);
    buf_clear(&map);
    raw_header(&map, "./control", '0', 0);
    ar_add(&package, "control.tar", buf_view(&map), NULL);
    ar_add(&package, "data.tar", buf_view(&tar), NULL);
    CHECK(unpack(buf_view(&package), &t, BUDGET, true, &e) == -1 && e.class == ERR_FORMAT);
    CHECK(strstr(e.msg, "data.tar: an entry with a header of more than") != NULL);
    tree_close(t);
}

/* A member that ends in the middle of a file. */
static void truncated(void)
{
    static const struct tar_file f[] = {
        {.path = "./a", .type = AE_IFREG, .text = "some text that is cut off"}};
    struct buf tar = {0};
    if (geteuid() != 0)
        SKIP("not root");
    tar_make(&tar, f, 1, false);
    for (size_t n = 1; n < 1024; n += 37) {
        struct str cut = {tar.p, n};
        wrap("truncated", "data.tar", cut);
    }
    CHECK(refused > 0);
    buf_free(&tar);
}

/* What tar makes of the same archive. */
static void sparse(void)
{
    static const char *const names[] = {"tar-rs/sparse.tar",
                                        "tar-rs/sparse-1.tar",
                                        "libarchive/test_read_format_gtar_sparse_1_17.tar",
                                        "libarchive/test_read_format_gtar_sparse_1_17_posix00.tar",
                                        "libarchive/test_read_format_gtar_sparse_1_17_posix01.tar",
                                        "libarchive/test_read_format_gtar_sparse_1_17_posix10.tar"};
    if (geteuid() != 0)
        SKIP("not root");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[1024], cmd[4096];
        struct err e = {0};
        struct tree *t = NULL;
        AUTO_BUF data = {0}, package = {0};
        snprintf(path, sizeof path, "%s/evil/%s", test_data(), names[i]);
        if (file_read(path, BUDGET, &data, &e) < 0)
            SKIP("no such test data");
        ar_add(&package, "debian-binary", STR("2.0\n"), NULL);
        ar_add(&package, "control.tar", buf_view(&data), NULL);
        ar_add(&package, "data.tar", buf_view(&data), NULL);
        int r = unpack(buf_view(&package), &t, 4 * (uint64_t)BUDGET, false, &e);
        if (r < 0)
            printf("%s: %s\n", names[i], e.msg);
        CHECK(r == 0);
        snprintf(cmd, sizeof cmd,
                 "d=$(mktemp -d) && tar -xf '%s' -C $d --no-same-owner && diff -r $d '%s'; r=$?; rm -rf $d; "
                 "exit $r",
                 path, tree_path(t));
        CHECK(r < 0 || system(cmd) == 0);
        tree_close(t);
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st;
    (void)type;
    (void)f;
    return remove(path);
}

int main(void)
{
    char canary[64];
    if (mkdtemp(base) == NULL)
        return 1;
    snprintf(target, sizeof target, "%s/root", base);
    snprintf(canary, sizeof canary, "%s/canary", base);
    close(open(canary, O_WRONLY | O_CREAT, 0600));
    RUN(made_ones);
    RUN(bomb);
    RUN(control_bomb);
    RUN(sparse_bomb);
    RUN(truncated);
    RUN(sparse);
    RUN(traversal);
    RUN(zip_slip);
    RUN(tar_rs);
    RUN(libarchive);
    RUN(xz);
    RUN(zstd);
    RUN(packages);
    nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return test_done();
}
