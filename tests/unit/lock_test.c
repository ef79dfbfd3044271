#include "cmd/lock.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

#define HEX  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEAD "[lock]\nversion 1\ndistro d\nrelease r\narch a\nset s\nepoch 86400\n"
#define REPO "[repo main]\nmirrors m\nsuite r\ndate 5\nindex sha256:" HEX "\n"
#define PKG  "package a 1 all 10 2048 sha256:" HEX " main pool/a.deb\n"

/* What is written is what is read, and the other way round. */
static void there_and_back(void)
{
    static const char text[] =
        "# What `zonestrap create --locked FILE debian/bookworm TARGET' installs; see zonestrap(8).\n"
        "[lock]\n"
        "version    1\n"
        "distro     debian\n"
        "release    bookworm\n"
        "arch       amd64\n"
        "set        base\n"
        "zone       lx\n"
        "include    vim\n"
        "include    nano\n"
        "include    (webserver >= 2:1.0~ if @core)\n"
        "exclude    perl\n"
        "weak       yes\n"
        "security   yes\n"
        "epoch      1783764997  # 2026-07-11 10:16:37 UTC\n"
        "packages   4\n"
        "\n"
        "[repo main]\n"
        "mirrors    debian\n"
        "suite      bookworm\n"
        "components main contrib\n"
        "date       1783764997  # 2026-07-11 10:16:37 UTC\n"
        "index      sha256:" HEX "\n"
        "\n"
        "[repo flat]\n"
        "mirrors    http://h.example/x#y\n"
        "suite      ./\n"
        "date       86400  # 1970-01-02 00:00:00 UTC\n"
        "index      sha512:" HEX HEX "\n"
        "keyring    sha256:" HEX "\n"
        "\n"
        "[repo updates]\n"
        "mirrors    mine\n"
        "suite      updates/9/Everything/x86_64/os\n"
        "date       86400  # 1970-01-02 00:00:00 UTC\n"
        "index      sha256:" HEX "\n"
        "\n"
        "# package NAME VERSION ARCH SIZE INSTALLED-SIZE DIGEST REPO PATH, in the order of unpacking; sizes "
        "in "
        "bytes\n"
        "[packages]\n"
        "package libstdc++6 1:12.2.0-14+deb12u1~x amd64 613252 2344960 sha256:" HEX " main pool/g/x~1.deb\n"
        "package zlib 1 all 1 0 sha384:" HEX "00112233445566778899aabbccddeeff flat a.deb\n"
        "package libstdc++ 2:1.0~rc1^20240101git-2.el9_1 x86_64 1 0 sha256:" HEX
        " updates Packages/l/libstdc++-1.0~rc1^20240101git-2.el9_1.x86_64.rpm\n"
        "package ImageMagick-c++ 6.9-1 noarch 1 0 sha256:" HEX " updates ../../../../blobstore/I.rpm\n";
    AUTO_ARENA a = {0};
    AUTO_BUF out = {0};
    struct lock l;
    struct err e = {0};
    if (lock_parse("x.lock", STR(text), &a, &l, &e) < 0)
        printf("%s\n", e.msg);
    CHECK(lock_render(&l, &out, &e) == 0);
    CHECK_STR(buf_c(&out), text);
    CHECK_STR(l.file, "x.lock");
    CHECK_STR(l.zone, "lx");
    CHECK(l.weak && l.security && l.include.n == 3 && l.exclude.n == 1 && l.nrepos == 3 && l.plan.n == 4);
    CHECK_STR(l.repos[0].repo.components[1], "contrib");
    CHECK(l.repos[1].repo.ncomponents == 0 && l.repos[1].keyring.kind == DIGEST_SHA256);
    CHECK(l.plan.pkgs[1].repo == 1 && l.plan.pkgs[1].digest.kind == DIGEST_SHA384);
    CHECK(l.plan.pkgs[0].size == 613252 && l.plan.pkgs[0].installed_size == 2344960);
}

static const char *parse(const char *text, size_t n, struct arena *a)
{
    struct lock l;
    struct err e = {0};
    if (lock_parse("x", (struct str){text, n}, a, &l, &e) == 0)
        return "good";
    CHECK(e.class == ERR_USAGE);
    return arena_dup(a, e.msg);
}

static void damage(void)
{
    static const struct {
        const char *text, *want;
    } t[] = {
        {HEAD "packages 1\n" REPO "[packages]\n" PKG, "good"},
        {HEAD "packages 1\r\n" REPO "[packages]\r\n" PKG, "good"},
        {"", "x:1:1: a lock is [lock], [repo ID] and [packages]"},
        {"distro d\n", "x:1:1: expected [lock] first: this is no lock"},
        {"[mirrors]\nurl http://h\n", "x:1:1: expected [lock] here"},
        {"[lock x]\nversion 1\n", "x:1:1: expected [lock] here"},
        {"[lock]\ndistro d\n", "x:1:1: the section has no `version'"},
        {"[lock]\nbells on\nversion 2\n", "x:3:9: version `2' of the lock format is not known here, but 1"},
        {"[lock]\nversion one\n", "x:2:9: version `one' of the lock format is not known here, but 1"},
        {HEAD "packages 1\n", "x:1:1: a lock is [lock], [repo ID] and [packages]"},
        {HEAD "packages 1\n" REPO, "x:9:1: expected [packages] here"},
        {HEAD "packages 1\n[packages]\n" PKG, "x:10:97: there is no [repo main] above"},
        {HEAD "packages 1\n[packages]\n" PKG REPO, "x:9:1: expected [repo] here"},
        {HEAD "packages 1\n" REPO "[packages a=b]\n" PKG, "x:14:1: expected [packages] here"},
        {HEAD "packages 1\n" REPO REPO "[packages]\n" PKG,
         "x:14:1: repository `main' stands in line 9 already"},
        {HEAD "packages 1\n[repo ../x]\n[packages]\n" PKG,
         "x:9:1: [repo ID] wants an ID: letters, digits and -_.+"},
        {HEAD "packages 1\n[repo]\n[packages]\n" PKG,
         "x:9:1: [repo ID] wants an ID: letters, digits and -_.+"},
        {HEAD "packages 1\n[repo main]\nmirrors m\nsuite r\ndate 5\n[packages]\n" PKG,
         "x:9:1: the section has no `index'"},
        {HEAD "packages 1\n[repo main]\nmirror m\n[packages]\n" PKG,
         "x:10:1: unknown keyword `mirror', expected one of mirrors, suite, components, date, index, "
         "keyring"},
        {"[lock]\nversion 1\ndistro d\nrelease r\narch a\nset s\npackages 1\n" REPO "[packages]\n" PKG,
         "x:1:1: the section has no `epoch'"},
        {HEAD "packages 1\ndistro e\n" REPO "[packages]\n" PKG,
         "x:9:1: `distro' stands in this section already"},
        {HEAD "packages 1\nweak no\n" REPO "[packages]\n" PKG, "x:9:6: `weak' is yes, or is left out"},
        {HEAD "packages 1\nsecurity no\n" REPO "[packages]\n" PKG,
         "x:9:10: `security' is yes, or is left out"},
        {HEAD "packages 1\ninclude a >= 2\n" REPO "[packages]\n" PKG, "good"},
        {HEAD "packages 1\ninclude\n" REPO "[packages]\n" PKG, "x:9:8: `include' without a value"},
        {HEAD "packages 0\n" REPO "[packages]\n", "x:8:10: `0' is no number from 1 to 8388608"},
        {HEAD "packages 99999999999999999999\n",
         "x:8:10: `99999999999999999999' is no number from 1 to 8388608"},
        {"[lock]\nversion 1\nepoch -5\n", "x:3:7: `-5' is no number from 1 to 253402300799"},
        {HEAD "packages 2\n" REPO "[packages]\n" PKG, "x:14:1: 1 packages, but [lock] says that there are 2"},
        {HEAD "packages 2\n" REPO "[packages]\n" PKG PKG, "x:16:9: package `a' stands in line 15 already"},
        {HEAD "packages 1\n" REPO "[packages]\npkg x\n", "x:15:1: unknown keyword `pkg', expected package"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        AUTO_ARENA a = {0};
        CHECK_STR(parse(t[i].text, strlen(t[i].text), &a), t[i].want);
    }
}

/* One package's line, whose words begin at column 9. */
static void packages(void)
{
    static const struct {
        const char *line, *want;
    } t[] = {
        {"a 1 all 10 0 sha256:" HEX " main ./a..b/c", "good"},
        {"a 1 all 10 0 sha256:" HEX " main ../../blobs/a", "good"},
        {"a 1 all 10 0 sha256:" HEX " main",
         "9: `package' needs NAME VERSION ARCH SIZE INSTALLED-SIZE DIGEST REPO PATH, not 7 words"},
        {"", "8: `package' needs NAME VERSION ARCH SIZE INSTALLED-SIZE DIGEST REPO PATH, not 0 words"},
        {"a 1 all 10 0 sha256:" HEX " main a b", "101: a word behind the path"},
        {"../a 1 all 10 0 sha256:" HEX " main a", "9: `../a' is no package's name"},
        {"-a 1 all 10 0 sha256:" HEX " main a", "9: `-a' is no package's name"},
        {"a;b 1 all 10 0 sha256:" HEX " main a", "9: `a;b' is no package's name"},
        {"a 1$x all 10 0 sha256:" HEX " main a", "11: `1$x' is no version"},
        {"a 1 a/b 10 0 sha256:" HEX " main a", "13: `a/b' is no architecture"},
        {"a 1 all 0 0 sha256:" HEX " main a", "17: `0' is no number from 1 to 1099511627776"},
        {"a 1 all 1e3 0 sha256:" HEX " main a", "17: `1e3' is no number from 1 to 1099511627776"},
        {"a 1 all 1 4398046511105 sha256:" HEX " main a",
         "19: `4398046511105' is no number from 0 to 4398046511104"},
        {"a 1 all 1 0 md5:00112233445566778899aabbccddeeff main a",
         "21: md5 proves nothing any more, expected sha256 or stronger"},
        {"a 1 all 1 0 sha1:00112233445566778899aabbccddeeff00112233 main a",
         "21: sha1 proves nothing any more, expected sha256 or stronger"},
        {"a 1 all 1 0 sha256:0011 main a", "28: `0011' is no sha256 digest: 64 hexadecimal digits"},
        {"a 1 all 1 0 sha512:" HEX " main a", "28: `" HEX "' is no sha512 digest: 128 hexadecimal digits"},
        {"a 1 all 1 0 crc32:0011 main a", "21: `crc32:0011' is no digest, expected sha256:HEX"},
        {"a 1 all 1 0 none: main a", "21: `none:' is no digest, expected sha256:HEX"},
        {"a 1 all 1 0 sha256:" HEX " other a", "93: there is no [repo other] above"},
        {"a 1 all 1 0 sha256:" HEX " main /etc/passwd", "98: `/etc/passwd' is no path from the repository"},
        {"a 1 all 1 0 sha256:" HEX " main pool/../../x", "98: `pool/../../x' is no path from the repository"},
        {"a 1 all 1 0 sha256:" HEX " main ..", "98: `..' is no path from the repository"},
        {"a 1 all 1 0 sha256:" HEX " main x\\y", "98: `x\\y' is no path from the repository"},
        {"a 1 all 1 0 sha256:" HEX " main http://h/x", "98: `http://h/x' is no path from the repository"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        AUTO_ARENA a = {0};
        const char *text = arena_printf(&a, HEAD "packages 1\n" REPO "[packages]\npackage %s\n", t[i].line);
        const char *want = strcmp(t[i].want, "good") == 0 ? "good" : arena_printf(&a, "x:15:%s", t[i].want);
        CHECK_STR(parse(text, strlen(text), &a), want);
    }
}

static void control_bytes(void)
{
    AUTO_ARENA a = {0};
    CHECK_STR(parse("[lock]\nver\0sion", 14, &a), "x:2:4: control byte 0x00: this is no lock");
    CHECK_STR(parse("[lock]\n# \033[2J\n", 13, &a), "x:2:3: control byte 0x1b: this is no lock");
    CHECK_STR(parse("[lock]\na\rb\n", 11, &a), "x:2:2: control byte 0x0d: this is no lock");
    CHECK_STR(parse("\177\n", 2, &a), "x:1:1: control byte 0x7f: this is no lock");
}

/* Whatever is missing at the end is missed; a flipped bit does no harm. */
static void any_cut(void)
{
    static const char text[] =
        HEAD "packages 2\n" REPO "[packages]\npackage b 1 all 10 0 sha256:" HEX " main pool/b.deb\n" PKG;
    for (size_t n = 0; n < sizeof text - 1; n++) {
        AUTO_ARENA a = {0};
        CHECK(strcmp(parse(text, n, &a), "good") != 0);
    }
    for (size_t n = 0; n < sizeof text - 1; n++) {
        AUTO_ARENA a = {0};
        char *bent = arena_dup(&a, text);
        bent[n] ^= 1;
        parse(bent, sizeof text - 1, &a);
    }
    AUTO_ARENA a = {0};
    CHECK_STR(parse(text, sizeof text - 1, &a), "good");
    CHECK_STR(parse(text, sizeof text - 2, &a), "x:16:112: the line does not end: the lock is cut off");
}

/* A line could not hold them. */
static void words_that_do_not_fit(void)
{
    static const char *const bad[] = {"", "#x", "a b", "a\nb", "a\tb", "a\177"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AUTO_BUF out = {0};
        struct err e = {0};
        struct lock l = {.distro = "d", .release = "r", .arch = "a", .set = bad[i]};
        CHECK(lock_render(&l, &out, &e) == -1 && e.class == ERR_FORMAT);
    }
}

static void files(void)
{
    AUTO_ARENA a = {0};
    AUTO_BUF big = {0};
    struct lock l, again;
    struct err e = {0};
    const char *file = in_scratch("x.lock");
    struct stat st;
    CHECK(lock_parse("x", STR(HEAD "packages 1\n" REPO "[packages]\n" PKG), &a, &l, &e) == 0);
    CHECK(lock_write(&l, file, &e) == 0 && lock_read(file, &a, &again, &e) == 0);
    CHECK(again.plan.n == 1 && stat(file, &st) == 0 && (st.st_mode & 0777) == 0644);
    CHECK(lock_write(&l, in_scratch("none/x.lock"), &e) == -1 && e.class == ERR_HOST && e.sys == ENOENT);
    CHECK(lock_write(&l, "/dev/null", &e) == -1 && e.class == ERR_USAGE);
    CHECK_STR(e.msg, "--lock: /dev/null: no regular file");
    CHECK(lock_read(in_scratch("none"), &a, &again, &e) == -1 && e.class == ERR_HOST && e.sys == ENOENT);
    CHECK(lock_read(scratch, &a, &again, &e) == -1 && e.class == ERR_HOST);
    /* A hundred megabytes of nothing: the end is not looked for. */
    CHECK(file_replace(in_scratch("big"), STR("[lock]\n"), 0644, &e) == 0);
    CHECK(truncate(in_scratch("big"), 100 * 1024 * 1024) == 0);
    CHECK(lock_read(in_scratch("big"), &a, &again, &e) == -1 && e.class == ERR_USAGE);
    CHECK(strstr(e.msg, "big:1:1: over 8388608 bytes: this is no lock") != NULL);
    buf_puts(&big, "[lock]\nversion 1\n");
    while (big.n < 1024 * 1024)
        buf_puts(&big, "include x\n");
    CHECK_STR(parse(big.p, big.n, &a), "x:1:1: the section has no `distro'");
}

int main(void)
{
    scratch_new();
    RUN(there_and_back);
    RUN(damage);
    RUN(packages);
    RUN(control_bytes);
    RUN(any_cut);
    RUN(words_that_do_not_fit);
    RUN(files);
    scratch_remove();
    return test_done();
}
