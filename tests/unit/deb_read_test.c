/* The .deb reader against made packages and, for every real one in the test data, against dpkg-deb. */
#include "pkgfmt/deb_read.h"

#include <ftw.h>
#include <locale.h>
#include <time.h>

#include "pkgfmt/deb_tar.h"
#include "tests/unit/deb_fixture.h"
#include "tests/unit/test.h"

/* --- the ar level */

static const char *open_bytes(struct str bytes)
{
    static struct err e;
    struct deb_read d;
    int fd = fd_of(bytes);
    e = (struct err){0};
    int r = deb_read_open(&d, fd, &e);
    close(fd);
    if (r < 0 && e.class != ERR_FORMAT)
        return "not ERR_FORMAT";
    return r < 0 ? e.msg : "ok";
}

/* Members as "name=content" words; the message must hold `want`. */
static void ar_case(const char *members, const char *want)
{
    struct buf ar = {0};
    struct str rest = str_c(members), word, name;
    while (str_cut(&rest, '|', &word)) {
        char field[32] = "";
        str_cut(&word, '=', &name);
        memcpy(field, name.p, name.n);
        ar_add(&ar, field, word, NULL);
    }
    const char *got = open_bytes(buf_view(&ar));
    if (strstr(got, want) == NULL) {
        printf("%s:\n  got `%s', want `%s'\n", members, got, want);
        test_failed_here = 1;
    }
    buf_free(&ar);
}

static void members(void)
{
    ar_case("debian-binary=2.0\n|control.tar.gz=x|data.tar.xz=y", "ok");
    ar_case("debian-binary=2.0\n|control.tar=x|data.tar=y", "ok");
    ar_case("debian-binary=2.0\n|control.tar.xz=xx|data.tar.bz2=y", "ok");
    ar_case("debian-binary=2.0\n|control.tar.zst=xxx|data.tar.lzma=y", "ok");
    ar_case("debian-binary/=2.0\n|control.tar.gz/=x|data.tar.zst/=y", "ok");
    ar_case("debian-binary=2.999\nmore\nlines\n|control.tar.gz=x|data.tar.gz=y", "ok");
    ar_case("debian-binary=2.0\n|_x=1|control.tar.gz=x|_gpgbuilder=22|data.tar.gz=y", "ok");
    ar_case("debian-binary=2.0\n|control.tar.gz=x|data.tar.gz=y|anything=z", "ok");
    ar_case("debian-binary=2.0\n|control.tar.gz=x", "no data.tar");
    ar_case("debian-binary=2.0\n", "no control.tar");
    ar_case("debian-binary=2.0\n|data.tar.gz=y|control.tar.gz=x", "data.tar.gz stands where control.tar");
    ar_case("debian-binary=2.0\n|control.tar.gz=x|control.tar.gz=x|data.tar.gz=y", "stands where data.tar");
    ar_case("debian-binary=2.0\n|x=1|control.tar.gz=x|data.tar.gz=y", "member x stands where");
    ar_case("debian-binary=2.0\n|control.tar.gz=x|x=1|data.tar.gz=y", "member x stands where");
    ar_case("debian-binary=2.0\n|control.tar.gz=x|data.tar.lz4=y", "data.tar.lz4: unknown compression");
    ar_case("debian-binary=2.0\n|control.tar.bz2=x|data.tar.gz=y", "control.tar.bz2: unknown compression");
    ar_case("debian-binary=2.0\n|control.tar.gz=x|data.tarball=y", "unknown compression");
    ar_case("debian-binary=3.0\n|control.tar.gz=x|data.tar.gz=y", "format version 3.0, expected 2.x");
    ar_case("debian-binary=2.0|control.tar.gz=x|data.tar.gz=y", "bad format version");
    ar_case("debian-binary=two\n|control.tar.gz=x|data.tar.gz=y", "bad format version");
    ar_case("debian-binary=|control.tar.gz=x|data.tar.gz=y", "bad format version");
    ar_case("control.tar.gz=x|data.tar.gz=y", "first ar member is control.tar.gz");
    ar_case("debian-split=2.1\n|data.1=x", "dpkg-split");
}

static void ar_headers(void)
{
    static const char *const sizes[] = {"-1", "99999999", "9999999999", "4x", "", "0x4", "1 2"};
    CHECK(strstr(open_bytes(STR("")), "not a Debian package") != NULL);
    CHECK(strstr(open_bytes(STR("!<arch>\n")), "first ar member is missing") != NULL);
    CHECK(strstr(open_bytes(STR("0.939000\n123\n")), "1995") != NULL);
    CHECK(strstr(open_bytes(STR("PK\003\004 and so on")), "no ar archive") != NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buf ar = {0};
        ar_add(&ar, "debian-binary", STR("2.0\n"), NULL);
        ar_add(&ar, "control.tar", STR("xxxx"), sizes[i]);
        ar_add(&ar, "data.tar", STR("xxxx"), NULL);
        CHECK(strcmp(open_bytes(buf_view(&ar)), "ok") != 0);
        buf_free(&ar);
    }
    struct buf ar = {0};
    ar_add(&ar, "debian-binary", STR("2.0\n"), NULL);
    ar_add(&ar, "control.tar", STR("xxxx"), NULL);
    ar_add(&ar, "data.tar", STR("xxxx"), NULL);
    for (size_t n = 0; n < ar.n; n++) /* cut anywhere */
        CHECK(strcmp(open_bytes((struct str){ar.p, n}), "ok") != 0);
    CHECK_STR(open_bytes(buf_view(&ar)), "ok");
    ar.p[8 + 58] = '?';
    CHECK(strstr(open_bytes(buf_view(&ar)), "bad ar header at byte 8") != NULL);
    buf_free(&ar);
}

/* --- the tars */

/* Names in lower-case octal escapes, as tar's --quoting-style=escape has them in the C locale. */
static void add_name(struct buf *b, struct str s)
{
    static const char escaped[] = "\a\b\f\n\r\t\v\\";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        const char *at = c != '\0' ? strchr(escaped, c) : NULL;
        if (at != NULL)
            buf_printf(b, "\\%c", "abfnrtv\\"[at - escaped]);
        else if (c < 0x20 || c >= 0x7f)
            buf_printf(b, "\\%03o", c);
        else
            buf_putc(b, (char)c);
    }
}

static void add_mode(struct buf *b, const struct tree_entry *en)
{
    static const char types[] = {
        [TREE_FILE] = '-', [TREE_DIR] = 'd', [TREE_LINK] = 'l', [TREE_HARD] = 'h', [TREE_FIFO] = 'p'};
    char m[] = "?rwxrwxrwx";
    m[0] = types[en->type];
    for (int i = 0; i < 9; i++)
        if (!(en->mode & (0400u >> i)))
            m[i + 1] = '-';
    if (en->mode & 04000)
        m[3] = m[3] == 'x' ? 's' : 'S';
    if (en->mode & 02000)
        m[6] = m[6] == 'x' ? 's' : 'S';
    if (en->mode & 01000)
        m[9] = m[9] == 'x' ? 't' : 'T';
    buf_puts(b, m);
}

static void add_entry(struct buf *b, const struct tree_entry *en)
{
    char when[32];
    struct tm tm;
    time_t t = (time_t)en->mtime;
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", gmtime_r(&t, &tm));
    add_mode(b, en);
    buf_printf(b, " %u/%u %llu %s ", en->uid, en->gid, (unsigned long long)en->size, when);
    add_name(b, en->path);
    if (en->type == TREE_LINK || en->type == TREE_HARD) {
        buf_puts(b, en->type == TREE_LINK ? " -> " : " link to ");
        add_name(b, en->link);
    }
    buf_putc(b, '\n');
}

/* What is in a member, by our reader; an error is a line of its own. */
static void list_ours(int fd, bool control, struct buf *out)
{
    struct err e = {0};
    struct deb_read d;
    struct deb_tar *t = NULL;
    struct tree_entry en;
    int r = deb_read_open(&d, fd, &e);
    if (r == 0)
        r = deb_tar_open(&t, &d, control ? &d.control : &d.data, &e);
    while (r >= 0 && (r = deb_tar_next(t, &en, &e)) > 0)
        add_entry(out, &en);
    deb_tar_close(t);
    if (r < 0)
        buf_printf(out, "error: %s\n", e.msg);
}

/* The same by dpkg-deb and tar, its columns brought into our form. False: one of them failed. */
static bool list_theirs(const char *path, bool control, struct buf *out)
{
    char cmd[4096], line[65536];
    snprintf(
        cmd, sizeof cmd,
        "f='%s'; t=$(mktemp); LC_ALL=C dpkg-deb --%s \"$f\" >$t 2>/dev/null && LC_ALL=C TZ=UTC0 tar -tvf $t "
        "--numeric-owner --full-time --quoting-style=escape 2>/dev/null || echo failed; rm -f $t",
        path, control ? "ctrl-tarfile" : "fsys-tarfile");
    FILE *p = popen(cmd, "r");
    while (fgets(line, sizeof line, p) != NULL) {
        char mode[32], owner[64], date[32], at[32];
        unsigned long long size;
        int name;
        if (sscanf(line, "%31s %63s %llu %31s %31s%n", mode, owner, &size, date, at, &name) < 5) {
            buf_puts(out, line);
            continue;
        }
        at[8] = '\0'; /* without the fraction */
        while (line[name] == ' ')
            name++;
        buf_printf(out, "%s %s %llu %s %s %s", mode, owner, size, date, at, line + name);
    }
    pclose(p);
    return strstr(buf_c(out), "failed\n") == NULL;
}

/* Where we and dpkg-deb differ, and why. */
#define BROKEN                                                                                               \
    "what stands behind control.tar is broken, which dpkg-deb does not see before it reads the data"
static const struct difference {
    const char *file;
    bool control, data;
    const char *why;
} differences[] = {
    {"old-0.939000.deb", true, true, "the format from before 1995 is refused"},
    {"data-tar-broken.deb", true, false, BROKEN},
    {"bug881937_1.deb", true, false, BROKEN},
    {"bug881937_2.deb", true, false, BROKEN},
    {"libboost-broken-program-options-dev_1.49.0.1_i386.deb", true, false, BROKEN},
    {"libboost-broken-program-options-dev_1.49.0.1_i386~2.deb", true, false, BROKEN},
    {"libboost-broken-program-options-dev_1.49.0.1_i386~3.deb", true, false, BROKEN},
};

static const char *difference(const char *path, bool control)
{
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++)
        if (strcmp(slash + 1, differences[i].file) == 0 &&
            (control ? differences[i].control : differences[i].data))
            return differences[i].why;
    return NULL;
}

static int compared, differing;

static void compare_member(const char *path, bool control)
{
    struct buf ours = {0}, theirs = {0};
    int fd = open(path, O_RDONLY);
    bool they = list_theirs(path, control, &theirs);
    list_ours(fd, control, &ours);
    close(fd);
    bool we = strstr(buf_c(&ours), "error: ") == NULL;
    bool same = we == they && (!we || strcmp(buf_c(&ours), buf_c(&theirs)) == 0);
    if (!same && difference(path, control) == NULL) {
        printf("%s, %s:\nours:\n%stheirs:\n%s", path, control ? "control" : "data", buf_c(&ours),
               buf_c(&theirs));
        test_failed_here = 1;
    }
    if (same && difference(path, control) != NULL) {
        printf("%s: no difference, but one is listed\n", path);
        test_failed_here = 1;
    }
    compared++;
    differing += !same;
    buf_free(&ours);
    buf_free(&theirs);
}

static int compare_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st;
    (void)f;
    size_t n = strlen(path);
    if (type == FTW_F &&
        ((n > 4 && strcmp(path + n - 4, ".deb") == 0) || (n > 5 && strcmp(path + n - 5, ".udeb") == 0))) {
        compare_member(path, true);
        compare_member(path, false);
    }
    return 0;
}

static void agrees_with_dpkg_deb(void)
{
    char dir[1024];
    if (system("command -v dpkg-deb >/dev/null") != 0)
        SKIP("no dpkg-deb");
    snprintf(dir, sizeof dir, "%s/deb", test_data());
    if (nftw(dir, compare_one, 16, FTW_PHYS) != 0 || compared == 0)
        SKIP("no packages in the test data");
    printf("%d members compared, %d differ for a reason\n", compared, differing);
}

static void names_are_bytes(void)
{
    static const char *const locales[] = {"C", "C.UTF-8"};
    static const struct tar_file files[] = {{.path = "./u\xc3\xa9", .type = AE_IFREG, .text = "1"},
                                            {.path = "./latin-\xe9", .type = AE_IFREG, .text = "2"},
                                            {.path = "./l", .type = AE_IFLNK, .text = "to-\xe9\xc3\xa9"}};
    for (size_t i = 0; i < 4; i++) {
        struct buf deb = {0}, list = {0};
        deb_make(&deb, NULL, 0, files, 3, i >= 2);
        setlocale(LC_ALL, locales[i % 2]);
        int fd = fd_of(buf_view(&deb));
        list_ours(fd, false, &list);
        setlocale(LC_ALL, "C");
        close(fd);
        CHECK_STR(buf_c(&list), "-rw-r--r-- 0/0 1 2023-11-14 22:13:20 ./u\\303\\251\n"
                                "-rw-r--r-- 0/0 1 2023-11-14 22:13:20 ./latin-\\351\n"
                                "lrw-r--r-- 0/0 0 2023-11-14 22:13:20 ./l -> to-\\351\\303\\251\n");
        buf_free(&deb);
        buf_free(&list);
    }
}

static void xattrs(void)
{
    static const struct tar_file files[] = {{.path = "./ping",
                                             .type = AE_IFREG,
                                             .text = "x",
                                             .xattr_name = "security.capability",
                                             .xattr_value = "\x01\x02\x03"}};
    struct buf deb = {0};
    struct err e = {0};
    struct deb_read d;
    struct deb_tar *t = NULL;
    struct tree_entry en = {0};
    deb_make(&deb, NULL, 0, files, 1, true);
    int fd = fd_of(buf_view(&deb));
    CHECK(deb_read_open(&d, fd, &e) == 0 && deb_tar_open(&t, &d, &d.data, &e) == 0 &&
          deb_tar_next(t, &en, &e) == 1);
    CHECK(en.nxattrs == 1 && str_is(en.xattrs[0].name, "security.capability") &&
          str_is(en.xattrs[0].value, "\x01\x02\x03"));
    deb_tar_close(t);
    close(fd);
    buf_free(&deb);
}

static void device_nodes(void)
{
    static const unsigned types[] = {AE_IFCHR, AE_IFBLK};
    for (size_t i = 0; i < 2; i++) {
        const struct tar_file node = {.path = "./dev/x", .type = types[i]};
        struct buf deb = {0}, list = {0};
        deb_make(&deb, NULL, 0, &node, 1, false);
        int fd = fd_of(buf_view(&deb));
        list_ours(fd, false, &list);
        CHECK_STR(buf_c(&list), "error: data.tar: ./dev/x: a device node, which no Debian package ships\n");
        close(fd);
        buf_free(&deb);
        buf_free(&list);
    }
}

int main(void)
{
    RUN(members);
    RUN(ar_headers);
    RUN(names_are_bytes);
    RUN(xattrs);
    RUN(device_nodes);
    RUN(agrees_with_dpkg_deb);
    return test_done();
}
