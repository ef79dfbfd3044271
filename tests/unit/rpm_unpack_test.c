/* Unpacking rpm packages, good, broken and hostile ones. With arguments it unpacks, for
   tests/flow/rpm_agree.py: rpm_unpack_test TARGET [-p PASSWD] [-g GROUP] [-l PATH=TEXT]... PACKAGE... */
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"
#include "base/tarball.h"
#include "pkgfmt/rpm.h"
#include "pkgfmt/rpm_cpio.h"
#include "pkgfmt/rpm_read.h"
#include "pkgfmt/rpm_second.h"
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
    struct plan_pkg pkg = {.name = "evil", .version = "1-1", .arch = "noarch"};
    if (rpm_read_open(&r, fd, e) == 0) {
        pkg = pkg_of(&r, budget, &a);
        rpm_read_close(&r);
    }
    const struct pkgfmt_package p = {.fd = fd, .pkg = &pkg, .index = index, .owners = owners};
    if (tree_writer_open(t, index, pkg.name, budget, false, &w, e) < 0)
        return -1;
    int rc = rpm_unpack(&p, w, NULL, e);
    if (rc == 0)
        rc = tree_writer_finish(&w, e);
    tree_writer_close(w);
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
    return rpm_owners_read(
        &(struct pkgfmt_package){.fd = fd, .pkg = &pkg, .max_bytes = UINT64_MAX, .owners = owners}, &err);
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

/* ---- without */

static int unpack(struct tree *t, unsigned index, struct str package, uint64_t budget)
{
    AUTO_FD fd = scratch_fd(package);
    err = (struct err){0};
    return unpack_fd(t, index, fd, budget, NULL, &err);
}

static char *listing_of(struct str package)
{
    struct tree *t = tree_at("root");
    char *got = NULL;
    if (unpack(t, 0, package, BUDGET) < 0 || tree_settle(t, &err) < 0)
        printf("%s\n", err.msg);
    else
        got = list_root(tree_fd(t));
    tree_close(t);
    return got;
}

/* One of everything, in no order: children before their directories. */
static const struct made_file good[] = {
    {.path = "/usr/bin/su", .mode = S_IFREG | 04755, .text = "#!/bin/true\n"},
    {.path = "/usr/share/names/a", .text = "the same", .inode = 7, .no_content = true},
    {.path = "/usr/share/names/empty1", .text = "", .inode = 8},
    {.path = "/usr/share/names", .mode = S_IFDIR | 02750},
    {.path = "/usr", .mode = S_IFDIR | 0755},
    {.path = "/usr/bin/link", .mode = S_IFLNK | 0777, .text = "su"},
    {.path = "/var/log/ghost", .text = "never", .flags = RPM_FILE_GHOST},
    {.path = "/usr/share/names/b", .text = "the same", .inode = 7, .no_content = true},
    {.path = "/usr/share/names/c", .text = "the same", .inode = 7},
    {.path = "/dev/null", .mode = S_IFCHR | 0666},
    {.path = "/run/fifo", .mode = S_IFIFO | 0600},
    {.path = "/run/socket", .mode = S_IFSOCK | 0600},
    {.path = "/usr/share/names/empty2", .text = "", .inode = 8},
    {.path = "/", .mode = S_IFDIR | 0555},
    {.path = "/usr/bin/other", .text = "mine", .user = "nobody-here", .mode = S_IFREG | 06755},
};
enum { GOOD = sizeof good / sizeof good[0] };

static const char good_listing[] =
    "dev 040755 0:0 1000000000\n"
    "dev/null 020666 0:0 1000000000\n"
    "run 040755 0:0 1000000000\n"
    "run/fifo 010600 0:0 1000000000\n"
    "usr 040755 0:0 1000000000\n"
    "usr/bin 040755 0:0 1000000000\n"
    "usr/bin/link 120777 0:0 1000000000 -> su\n"
    "usr/bin/other 102755 0:0 1000000000 \"mine\" 4\n"
    "usr/bin/su 104755 0:0 1000000000 \"#!/bin/true\n\" 12\n"
    "usr/share 040755 0:0 1000000000\n"
    "usr/share/names 042750 0:0 1000000000\n"
    "usr/share/names/a 100644 0:0 1000000000 \"the same\" 8 = usr/share/names/a\n"
    "usr/share/names/b 100644 0:0 1000000000 \"the same\" 8 = usr/share/names/a\n"
    "usr/share/names/c 100644 0:0 1000000000 \"the same\" 8 = usr/share/names/a\n"
    "usr/share/names/empty1 100644 0:0 1000000000 \"\" 0 = usr/share/names/empty1\n"
    "usr/share/names/empty2 100644 0:0 1000000000 \"\" 0 = usr/share/names/empty1\n";

static void forms(void)
{
    static const struct made made[] = {
        {0}, {.stripped = true}, {.old_names = true}, {.crc = true}, {.algo = 1}};
    if (geteuid() != 0)
        SKIP("not root");
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        AUTO_BUF package = {0};
        made_package(&package, &made[i], good, GOOD);
        AUTO_MEM char *got = listing_of(buf_view(&package));
        CHECK_STR(got, good_listing);
    }
}

/* A tarball has every path once, and directories with their own metadata, whatever the payload's order. */
static void tarballs(void)
{
    static const struct tarball_opts o = {.jobs = 1};
    struct tarball *tb = NULL;
    struct tree *t = NULL;
    char cmd[20000];
    AUTO_BUF package = {0};
    if (geteuid() != 0)
        SKIP("not root");
    made_package(&package, &(struct made){0}, good, GOOD);
    CHECK(tarball_open(&tb, in_scratch("root.tar"), &o, &err) == 0 &&
          tree_open_tar(&t, tb, in_scratch("root.tar"), NULL, &err) == 0);
    tree_set_epoch(t, EPOCH);
    CHECK(unpack(t, 0, buf_view(&package), BUDGET) == 0 && tree_settle(t, &err) == 0 &&
          tree_seal(t, true, &err) == 0);
    tree_close(t);
    tarball_close(tb);
    snprintf(cmd, sizeof cmd, "mkdir '%s' && tar -C '%s' --numeric-owner --delay-directory-restore -xpf '%s'",
             in_scratch("out"), in_scratch("out"), in_scratch("root.tar"));
    CHECK(system(cmd) == 0);
    AUTO_FD fd = open(in_scratch("out"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_MEM char *got = list_root(fd);
    CHECK_STR(got, good_listing);
}

/* A set of names can come with content in the first one, in each, or in the header's last one. */
static void names_of_a_file(void)
{
    for (unsigned bearers = 1; bearers < 8; bearers++) {
        const struct made_file f[] = {
            {.path = "/a", .text = "x", .inode = 1, .no_content = (bearers & 1) == 0},
            {.path = "/b", .text = "x", .inode = 1, .no_content = (bearers & 2) == 0},
            {.path = "/c", .text = "x", .inode = 1, .no_content = (bearers & 4) == 0}};
        AUTO_BUF package = {0};
        made_package(&package, &(struct made){0}, f, 3);
        AUTO_MEM char *got = listing_of(buf_view(&package));
        CHECK(got != NULL && strstr(got, "b 100644 ") != NULL && strstr(got, "= b") == NULL);
        char *at = got;
        for (int n = 0; n < 3; n++)
            CHECK(at != NULL && (at = strstr(at + 1, " = a\n")) != NULL);
    }
}

static const char *outcome(const struct made *m, const struct made_file *f, size_t n, uint64_t budget)
{
    struct tree *t = tree_at("root");
    AUTO_BUF package = {0};
    made_package(&package, m, f, n);
    int rc = unpack(t, 0, buf_view(&package), budget);
    if (rc == 0)
        rc = tree_settle(t, &err);
    tree_close(t);
    if (rc < 0)
        CHECK(err.class == ERR_FORMAT && strncmp(err.msg, "evil: ", 6) == 0 &&
              strstr(err.msg, "evil: evil") == NULL);
    return rc < 0 ? err.msg : "ok";
}

static void expect(const char *got, const char *want)
{
    if (strstr(got, want) == NULL || (strcmp(want, "ok") == 0) != (strcmp(got, "ok") == 0)) {
        printf("got `%s', want `%s'\n", got, want);
        test_failed_here = 1;
    }
}

#define A   "/a", .text = "x"
#define SHA "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"

static void broken(void)
{
    static const struct {
        struct made m;
        struct made_file f[2];
        size_t n;
        const char *want;
    } cases[] = {
        {{0}, {{.path = A}}, 1, "ok"},
        {{0}, {{.path = A, .digest = SHA}}, 1, "ok"},
        {{0}, {{.path = A, .digest = ""}}, 1, "ok"},
        {{0}, {{.path = A, .entry = "a"}}, 1, "ok"},
        {{0}, {{.path = A, .entry = "/a"}}, 1, "ok"},
        {{.tail = ""}, {{.path = A}}, 0, "ok"},
        {{0}, {{.path = A, .content = "y"}}, 1, "payload: /a: its content has not the digest"},
        {{.algo = 1}, {{.path = A, .content = "y"}}, 1, "payload: /a: its content has not the digest"},
        {{.stripped = true}, {{.path = A, .content = "y"}}, 1, "payload: /a: its content has not the digest"},
        {{0}, {{.path = A, .digest = "00"}}, 1, "header: /a: `00' is no sha256 digest"},
        {{0}, {{.path = A, .content = "xx"}}, 1, "payload: /a: 2 bytes, the header says 1"},
        {{0}, {{.path = A, .content = ""}}, 1, "payload: /a: 0 bytes, the header says 1"},
        {{.stripped = true}, {{.path = A, .content = "xxxxxxxx"}}, 1, "payload: "},
        {{.stripped = true}, {{.path = A, .size = 1ull << 40}}, 1, "expands to more than"},
        {{.stripped = true}, {{.path = A, .size = ~0ull}}, 1, "expands to more than"},
        {{0}, {{.path = A, .absent = true}}, 1, "payload: /a: the header lists it, the payload has it not"},
        {{0}, {{.path = A, .twice = true}}, 1, "payload: /a: twice"},
        {{.stripped = true}, {{.path = A, .twice = true}}, 1, "payload: /a: twice"},
        {{.extra = "./b"}, {{.path = A}}, 1, "payload: ./b: the header has no such file"},
        {{.extra = "../b"}, {{.path = A}}, 1, "payload: ../b: the header has no such file"},
        {{.extra = "/etc/passwd"}, {{.path = A}}, 1, "payload: /etc/passwd: the header has no such file"},
        {{.extra = "./a"}, {{.path = A}}, 1, "payload: /a: twice"},
        {{.tail = "x"}, {{.path = A}}, 1, "behind the archive's end"},
        {{0}, {{.path = A, .entry = "./b"}}, 1, "payload: ./b: the header has no such file"},
        {{0},
         {{.path = A, .inode = 1, .no_content = true},
          {.path = "/b", .text = "x", .inode = 1, .no_content = true}},
         2,
         "payload: /a: none of the file's names has its content"},
        {{0},
         {{.path = A, .inode = 1, .no_content = true}, {.path = "/b", .text = "y", .inode = 1}},
         2,
         "payload: /a: 0 bytes, the header says 1"},
        {{0},
         {{.path = A, .inode = 1}, {.path = "/b", .text = "x", .inode = 1, .content = "y"}},
         2,
         "payload: /b: its content has not the digest"},
        {{0},
         {{.path = "/l", .mode = S_IFLNK | 0777, .text = "x", .content = "y"}},
         1,
         "payload: /l: a link with another text"},
        {{0},
         {{.path = "/l", .mode = S_IFLNK | 0777, .text = "x", .content = "xy"}},
         1,
         "payload: /l: a link's text of another"},
        {{0}, {{.path = "/l", .mode = S_IFLNK | 0777, .text = ""}}, 1, "a link whose text is empty"},
        {{0}, {{.path = A, .caps = "cap_what=p"}}, 1, "/a: `cap_what=p' are no capabilities"},
        {{0}, {{.path = A, .mode = 0170644}}, 1, "no type of file"},
        {{.payload = STR("junk")},
         {{.path = A}},
         1,
         "payload: begins with 6a 75 6e 6b (the header says gzip)"},
        {{.payload = STR("07070")}, {{.path = A}}, 1, "payload: the archive ends at byte"},
        {{.payload = STR("070707 odc")}, {{.path = A}}, 1, "payload: "},
        {{.payload = STR("07070X00000001\0\0x")}, {{.path = A}}, 1, "payload: an entry for file 1 of 1"},
        {{.payload = STR("07070XffffffffXX")},
         {{.path = A}},
         1,
         "payload: an entry for file 4294967295 of 1"},
    };
    if (geteuid() != 0)
        SKIP("not root");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(outcome(&cases[i].m, cases[i].f, cases[i].n, BUDGET), cases[i].want);
    expect(outcome(&cases[0].m, cases[0].f, 1, 0), "expands to more than 0 bytes");
    CHECK(strncmp(outcome(&cases[0].m, (struct made_file[]){{.path = A, .caps = "=ep"}}, 1, BUDGET), "ok",
                  2) == 0);
}

/* What is decompressed and not put counts as well: a bomb needs no files. */
static void budget(void)
{
    static const struct {
        struct made_file f[3];
        size_t n;
    } cases[] = {
        {{{.path = "/a", .text = "xxxx"}}, 1},
        {{{.path = "/g", .text = "xxxx", .flags = RPM_FILE_GHOST, .present = true}}, 1},
        {{{.path = "/a", .text = "xx", .inode = 1}, {.path = "/b", .text = "xx", .inode = 1}}, 2},
    };
    if (geteuid() != 0)
        SKIP("not root");
    for (int stripped = 0; stripped < 2; stripped++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            const struct made m = {.stripped = stripped > 0 && i < 2};
            expect(outcome(&m, cases[i].f, cases[i].n, 4), "ok");
            expect(outcome(&m, cases[i].f, cases[i].n, 3), "expands to more than 3 bytes");
        }
}

/* The package that is kept for the second stage, of one with an xz payload. */
static void kept_of(struct str package, struct buf *out)
{
    struct tree *t = tree_at("root");
    struct plan_pkg pkg = {.name = "evil", .version = "1-1", .arch = "noarch"};
    const struct plan plan = {.pkgs = &pkg, .n = 1};
    struct pkgfmt_second *second = NULL;
    struct tree_writer *w = NULL;
    AUTO_FD fd = scratch_fd(package);
    const struct pkgfmt_package p = {.fd = fd, .pkg = &pkg};
    err = (struct err){0};
    if (rpm_second_begin(&second, t, &plan, PKGFMT_SECOND_AT_ONCE, &err) < 0 ||
        tree_writer_open(t, 0, pkg.name, BUDGET, false, &w, &err) < 0 ||
        rpm_unpack(&p, w, second, &err) < 0 || tree_writer_finish(&w, &err) < 0 ||
        rpm_second_settle(second, &err) < 0 || tree_settle(t, &err) < 0 ||
        tree_read(t, "/zonestrap/packages/evil-1-1.noarch.rpm", BUDGET, out, &err) < 0)
        buf_puts(out, err.msg);
    tree_writer_close(w);
    rpm_second_free(second);
    tree_close(t);
}

/* That its payload is stored is for speed: where there is no room it is kept as it came. */
static void no_room_for_copies(void)
{
    enum { MANY = 32 };
    static char text[32768], path[MANY][8];
    struct made_file f[MANY];
    AUTO_BUF payload = {0}, xz = {0}, package = {0}, kept = {0};
    struct rlimit before, less;
    if (geteuid() != 0)
        SKIP("not root");
    memset(text, 'x', sizeof text - 1);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(path[i], sizeof path[i], "/%02u", i);
        f[i] = (struct made_file){.path = path[i], .text = text};
    }
    made_payload(&payload, &(struct made){0}, f, MANY);
    made_press(&xz, "xz", buf_view(&payload));
    made_package(&package, &(struct made){.payload = buf_view(&xz)}, f, MANY);
    kept_of(buf_view(&package), &kept);
    CHECK(kept.n > payload.n);

    buf_clear(&kept);
    char *tmp = mem_dup(getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    setenv("TMPDIR", in_scratch("absent"), 1);
    kept_of(buf_view(&package), &kept);
    CHECK(str_eq(buf_view(&kept), buf_view(&package)));
    setenv("TMPDIR", tmp, 1);
    free(tmp);

    buf_clear(&kept);
    getrlimit(RLIMIT_FSIZE, &before);
    less = before;
    less.rlim_cur = 100000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &less);
    kept_of(buf_view(&package), &kept);
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK(str_eq(buf_view(&kept), buf_view(&package)));
}

/* What is kept of a package's list grows as the list does, whatever is in it. */
static void many_names_of_one_file(void)
{
    enum { NAMES = 60000, LONG = 250 };
    AUTO_MEM struct made_file *f = mem_alloc(NAMES * sizeof *f);
    AUTO_MEM char *path = mem_alloc((size_t)NAMES * 8);
    char last[4000];
    AUTO_BUF package = {0}, kept = {0};
    struct rusage before, after;
    if (geteuid() != 0)
        SKIP("not root");
    for (unsigned i = 0; i < NAMES; i++) {
        snprintf(path + (size_t)i * 8, 8, "/%05u", i);
        f[i] = (struct made_file){.path = path + (size_t)i * 8, .text = "x", .digest = "", .inode = 1};
    }
    memset(last, 'l', sizeof last - 1);
    for (size_t i = 0; i < sizeof last - 1; i += LONG)
        last[i] = '/';
    last[sizeof last - 1] = '\0';
    f[NAMES - 1].path = last;
    made_package(&package, &(struct made){.payload = STR("junk")}, f, NAMES);
    getrusage(RUSAGE_SELF, &before);
    kept_of(buf_view(&package), &kept);
    getrusage(RUSAGE_SELF, &after);
    CHECK(strstr(buf_c(&kept), "payload: begins with 6a") != NULL);
    CHECK(after.ru_maxrss - before.ru_maxrss < 128 * 1024); /* in KiB */
}

/* Nothing beside the tree may come into being. */
static int others_in(const char *dir)
{
    int n = 0;
    DIR *d = opendir(dir);
    if (d == NULL)
        abort();
    for (struct dirent *de; (de = readdir(d)) != NULL;)
        n += strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0;
    closedir(d);
    return n;
}

static void hostile(void)
{
    static const struct {
        struct made_file f[3];
        size_t n;
        const char *want;
    } cases[] = {
        {{{.path = "/../a", .text = "x"}}, 1, "a path with `..'"},
        {{{.path = "../a", .text = "x", .entry = "../a"}}, 1, "a path with `..'"},
        {{{.path = "/usr/../../a", .text = "x"}}, 1, "a path with `..'"},
        {{{.path = "/..", .mode = S_IFDIR | 0755}}, 1, "a path with `..'"},
        {{{.path = "/l", .mode = S_IFLNK | 0777, .text = "/tmp"}, {.path = "/l/a", .text = "x"}},
         2,
         "passes through `l'"},
        {{{.path = "/l", .mode = S_IFLNK | 0777, .text = ".."}, {.path = "/l/a", .text = "x"}},
         2,
         "passes through `l'"},
        {{{.path = "/l/d", .mode = S_IFDIR | 0755}, {.path = "/l", .mode = S_IFLNK | 0777, .text = ".."}},
         2,
         "ships a symbolic link where evil has a directory"},
        {{{.path = "/f", .text = "x"}, {.path = "/f/a", .text = "x"}}, 2, "passes through `f'"},
        {{{.path = "/f", .text = "x"}, {.path = "/f/d", .mode = S_IFDIR | 0755}},
         2,
         "ships a file where evil has a directory"},
        {{{.path = "/../a", .text = "x", .inode = 1, .no_content = true},
          {.path = "/b", .text = "x", .inode = 1}},
         2,
         "a path with `..'"},
        {{{.path = "/b", .text = "x", .inode = 1, .no_content = true},
          {.path = "/../a", .text = "x", .inode = 1}},
         2,
         "a path with `..'"},
        {{{.path = "/zonestrap/second-stage", .text = "x"}},
         1,
         "/zonestrap/second-stage: the path is reserved"},
        {{{.path = "//zonestrap", .mode = S_IFLNK | 0777, .text = "/etc"}},
         1,
         "/zonestrap: the path is reserved"},
        {{{.path = "/zonestrap/", .mode = S_IFDIR | 0755}}, 1, "/zonestrap: the path is reserved"},
        {{{.path = "/zonestrapper", .mode = S_IFDIR | 0755}}, 1, "ok"},
        {{{.path = "/", .text = "x"}}, 1, "the root must be a directory"},
        {{{.path = "/", .mode = S_IFLNK | 0777, .text = "/etc"}}, 1, "the root must be a directory"},
    };
    if (geteuid() != 0)
        SKIP("not root");
    scratch_new();
    for (int form = 0; form < 3; form++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            const struct made m = {.stripped = form == 1, .old_names = form == 2};
            expect(outcome(&m, cases[i].f, cases[i].n, BUDGET), cases[i].want);
            CHECK(others_in(scratch) == 0);
        }
}

static int whole_archive(void *ctx, const void **p, size_t *n, struct err *e)
{
    struct str *left = ctx;
    (void)e;
    *p = left->p;
    *n = left->n;
    left->n = 0;
    return *n > 0;
}

/* Hostile archives, with a header that says the same as they do. */
static void archives(void)
{
    static const char *const names[] = {"absolute1",    "absolute2", "dirsymlink", "dirsymlink2a",
                                        "dirsymlink2b", "relative0", "relative2",  "symlink"};
    size_t n = 0, refused = 0;
    if (geteuid() != 0)
        SKIP("not root");
    scratch_new();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[4200];
        AUTO_BUF b = {0};
        AUTO_ARENA a = {0};
        struct made_file f[16];
        struct rpm_cpio c;
        struct rpm_cpio_entry en;
        size_t k = 0;
        snprintf(path, sizeof path, "%s/evil/traversal/cpio-newc/%s.cpio", test_data(), names[i]);
        if (file_read(path, 1 << 20, &b, &err) < 0)
            continue;
        n++;
        struct str left = buf_view(&b);
        rpm_cpio_init(&c, whole_archive, &left);
        while (k < 16 && rpm_cpio_next(&c, &en, &err) > 0) {
            AUTO_BUF text = {0};
            const void *p;
            size_t m;
            f[k] = (struct made_file){.path = arena_str(&a, en.path), .mode = en.mode};
            while (rpm_cpio_data(&c, &p, &m, &err) > 0)
                buf_add(&text, p, m);
            f[k++].text = arena_str(&a, buf_view(&text));
        }
        rpm_cpio_free(&c);
        CHECK(k > 0);
        const char *got = outcome(&(struct made){.payload = buf_view(&b)}, f, k, BUDGET);
        refused += strcmp(got, "ok") != 0;
        printf("# %s: %s\n", names[i], got);
        CHECK(others_in(scratch) == 0 &&
              (f[0].path[0] != '/' || strcmp(got, "ok") != 0 || access(f[0].path, F_OK) != 0));
    }
    if (n == 0)
        SKIP("no such test data");
    CHECK(refused > 0);
}

static void cut_anywhere(void)
{
    static const char *const filters[] = {NULL, "gzip", "xz", "zstd", "bzip2", "lzma"};
    if (geteuid() != 0)
        SKIP("not root");
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        AUTO_BUF payload = {0}, pressed = {0}, package = {0};
        made_payload(&payload, &(struct made){0}, good, GOOD);
        if (filters[i] != NULL)
            made_press(&pressed, filters[i], buf_view(&payload));
        made_package(&package, &(struct made){.payload = buf_view(filters[i] != NULL ? &pressed : &payload)},
                     good, GOOD);
        for (size_t n = 0; n < package.n; n += n < 200 ? 9 : 17) {
            struct tree *t = tree_at("root");
            int rc = unpack(t, 0, (struct str){package.p, n}, BUDGET);
            tree_close(t);
            /* What is missing of the end is padding, or a checksum that libarchive does not look at. */
            if ((rc == 0 && package.n - n > 12) || (rc < 0 && err.class != ERR_FORMAT)) {
                printf("%s: cut at %zu of %zu: %s\n", filters[i], n, package.n, rc < 0 ? err.msg : "ok");
                test_failed_here = 1;
            }
        }
    }
}

/* One byte is another one: an error, or something that was not looked at; never anything worse. */
static void changed_anywhere(void)
{
    AUTO_BUF package = {0};
    size_t fine = 0;
    if (geteuid() != 0)
        SKIP("not root");
    made_package(&package, &(struct made){0}, good, GOOD);
    for (size_t i = 0; i < package.n; i += 5) {
        char was = package.p[i];
        package.p[i] = (char)(was ^ (1 << i % 8));
        struct tree *t = tree_at("root");
        int rc = unpack(t, 0, buf_view(&package), BUDGET);
        tree_close(t);
        CHECK(rc == 0 || err.class == ERR_FORMAT || err.class == ERR_TRUST);
        fine += rc == 0;
        package.p[i] = was;
    }
    printf("# %zu changes of %zu were not noticed\n", fine, package.n / 5);
    CHECK(others_in(scratch) == 0);
}

/* What it is called in the plan. */
static void identity(void)
{
    static const char *const plans[][4] = {
        {"evil", "1-1", "noarch", ""},         {"evil", "0:1-1", "noarch", ""},
        {"good", "1-1", "noarch", "good: "},   {"evil", "1-2", "noarch", "evil: "},
        {"evil", "1:1-1", "noarch", "evil: "}, {"evil", "1-1", "x86_64", "evil: "}};
    AUTO_BUF package = {0};
    made_package(&package, &(struct made){0}, good, 1);
    AUTO_FD fd = scratch_fd(buf_view(&package));
    for (size_t i = 0; i < 6; i++) {
        const struct plan_pkg pkg = {.name = plans[i][0], .version = plans[i][1], .arch = plans[i][2]};
        struct tree *t = tree_at("root");
        struct tree_writer *w = writer_of(t, 0, false);
        err = (struct err){0};
        int rc = rpm_unpack(&(struct pkgfmt_package){.fd = fd, .pkg = &pkg}, w, NULL, &err);
        CHECK(plans[i][3][0] == '\0' ? rc == 0 : rc < 0 && err.class == ERR_TRUST);
        CHECK(strncmp(err.msg, plans[i][3], strlen(plans[i][3])) == 0);
        AUTO_MEM char *got = list_root(tree_fd(t));
        CHECK((got[0] == '\0') == (rc < 0)); /* nothing was put before that */
        tree_writer_close(w);
        tree_close(t);
    }
}

/* Two packages with one path: whoever comes first, the lower index wins; both contents are checked. */
static void shared(void)
{
    static const struct made_file one[] = {{.path = "/f", .text = "one"}},
                                  two[] = {{.path = "/f", .text = "two"}},
                                  wrong[] = {{.path = "/f", .text = "two", .content = "too"}};
    AUTO_BUF a = {0}, b = {0}, c = {0};
    made_package(&a, &(struct made){0}, one, 1);
    made_package(&b, &(struct made){.name = "second"}, two, 1);
    made_package(&c, &(struct made){.name = "second"}, wrong, 1);
    struct tree *t = tree_at("root");
    CHECK(unpack(t, 0, buf_view(&a), BUDGET) == 0 && unpack(t, 1, buf_view(&b), BUDGET) == 0);
    CHECK(unpack(t, 2, buf_view(&c), BUDGET) < 0 &&
          strstr(err.msg, "second: payload: /f: its content has not") == err.msg);
    AUTO_MEM char *got = list_root(tree_fd(t));
    CHECK(strstr(got, "\"one\"") != NULL);
    tree_close(t);
}

/* The layout's links: packages may ship them, or directories where they are, or ghosts of either. */
static void layout(void)
{
    static const struct tree_layout links[] = {
        {"bin", "usr/bin"}, {"lib64", "usr/lib64"}, {"sbin", "usr/sbin"}, {"var/run", "../run"}};
    static const struct made_file filesystem[] = {
        {.path = "/bin", .mode = S_IFLNK | 0777, .text = "usr/bin"},
        {.path = "/lib64", .mode = S_IFDIR | 0555, .flags = RPM_FILE_GHOST},
        {.path = "/run", .mode = S_IFDIR | 0755},
        {.path = "/sbin", .mode = S_IFLNK | 0777, .text = "usr/sbin", .flags = RPM_FILE_GHOST},
        {.path = "/usr/bin", .mode = S_IFDIR | 0555},
        {.path = "/var/run", .mode = S_IFDIR | 0755}};
    static const struct made_file tool[] = {{.path = "/bin/sh", .text = "sh"},
                                            {.path = "/lib64", .mode = S_IFDIR | 0755},
                                            {.path = "/lib64/libc.so", .text = "libc"},
                                            {.path = "/var/run/tool", .mode = S_IFDIR | 0700}};
    AUTO_BUF a = {0}, b = {0};
    if (geteuid() != 0)
        SKIP("not root");
    made_package(&a, &(struct made){.name = "filesystem"}, filesystem, 6);
    made_package(&b, &(struct made){.name = "tool"}, tool, 4);
    struct tree *t = tree_at("root");
    CHECK(tree_layout(t, links, 4, &err) == 0);
    CHECK(unpack(t, 0, buf_view(&a), BUDGET) == 0 && unpack(t, 1, buf_view(&b), BUDGET) == 0 &&
          tree_settle(t, &err) == 0);
    AUTO_MEM char *got = list_root(tree_fd(t));
    CHECK_STR(got, "bin 120777 0:0 1000000000 -> usr/bin\n"
                   "lib64 120777 0:0 1000000000 -> usr/lib64\n"
                   "run 040755 0:0 1000000000\n"
                   "run/tool 040700 0:0 1000000000\n"
                   "sbin 120777 0:0 1000000000 -> usr/sbin\n"
                   "usr 040755 0:0 1000000000\n"
                   "usr/bin 040555 0:0 1000000000\n"
                   "usr/bin/sh 100644 0:0 1000000000 \"sh\" 2\n"
                   "usr/lib64 040755 0:0 1000000000\n"
                   "usr/lib64/libc.so 100644 0:0 1000000000 \"libc\" 4\n"
                   "usr/sbin 040755 0:0 1000000000\n"
                   "var 040755 0:0 1000000000\n"
                   "var/run 120777 0:0 1000000000 -> ../run\n");
    tree_close(t);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return tool(argc, argv);
    scratch_new();
    RUN(forms);
    RUN(tarballs);
    RUN(names_of_a_file);
    RUN(broken);
    RUN(budget);
    RUN(no_room_for_copies);
    RUN(many_names_of_one_file);
    RUN(hostile);
    RUN(archives);
    RUN(cut_anywhere);
    RUN(changed_anywhere);
    RUN(identity);
    RUN(shared);
    RUN(layout);
    scratch_remove();
    return test_done();
}
