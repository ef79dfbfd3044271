#include "pkgfmt/deb_release.h"

#include <stdint.h>

#include "base/auto.h"
#include "base/file.h"
#include "pkgfmt/pkgfmt.h"
#include "test.h"

#define H256 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define H512 H256 H256

static void dates(void)
{
    static const struct {
        const char *text;
        int64_t want; /* -1: refused */
    } rows[] = {
        {"Thu, 01 Jan 1970 00:00:00 UTC", 0},
        {"Sat, 09 Aug 2025 09:16:30 UTC", 1754730990},
        {"Sat,  9 Aug 2025  9:16:30 GMT", 1754730990},
        {"9 Aug 2025 09:16:30 +0000", 1754730990},
        {"Tue, 29 Feb 2000 23:59:59 Z", 951868799},
        {"Tue, 31 Dec 2999 23:59:60 UTC", 32503680000},
        {"", -1},
        {"Sat, 09 Aug 2025 09:16:30", -1},
        {"Sat, 09 Aug 2025 09:16:30 CEST", -1},
        {"Sat, 09 Aug 2025 09:16:30 +0200", -1},
        {"Sat, 09 Aug 2025 09:16:30 UTC trailing", -1},
        {"Sat, 32 Aug 2025 09:16:30 UTC", -1},
        {"Sat, 00 Aug 2025 09:16:30 UTC", -1},
        {"Sat, 31 Apr 2025 09:16:30 UTC", -1},
        {"Sat, 09 Agu 2025 09:16:30 UTC", -1},
        {"Sat, 09 Aug 1925 09:16:30 UTC", -1},
        {"Sat, 09 Aug 20250 09:16:30 UTC", -1},
        {"Sat, 09 Aug 2025 24:00:00 UTC", -1},
        {"Sat, 09 Aug 2025 09:16 UTC", -1},
        {"Sat, 09 Aug 2025 09:16:30:00 UTC", -1},
        {"2025-08-09 09:16:30 UTC", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t got = -1;
        bool ok = deb_release_date(str_c(rows[i].text), &got);
        if (ok != (rows[i].want >= 0) || (ok && got != rows[i].want)) {
            printf("`%s': %s %lld\n", rows[i].text, ok ? "accepted" : "refused", (long long)got);
            CHECK(!"date");
        }
    }
}

static void verdicts(void)
{
    static const struct {
        const char *text;
        enum err_class want;
        const char *msg; /* part of it */
    } rows[] = {
        {"Suite: x\nSHA256:\n " H256 " 1 a\n", ERR_NONE, ""},
        {"Suite: x\r\nSHA256:\r\n " H256 " 1 a\r\n", ERR_NONE, ""},
        {"suite: x\nsha512:\n " H512 " 1 a", ERR_NONE, ""},
        {"Unknown: y\n more\nSHA256:\n " H256 "\t12345678901234 main/a b\n", ERR_FORMAT, "Release:4"},
        {"", ERR_FORMAT, "no field in it"},
        {"\n\n", ERR_FORMAT, "no field in it"},
        {"<html>\n", ERR_FORMAT, "Release:1: expected FIELD: VALUE"},
        {"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n", ERR_FORMAT, "Release:1"},
        {"Suite: x\n\nSHA256:\n " H256 " 1 a\n", ERR_FORMAT, "empty line"},
        {" folded\nSuite: x\n", ERR_FORMAT, "a continuation of nothing"},
        {"Suite: x\nSuite: y\nSHA256:\n " H256 " 1 a\n", ERR_FORMAT, "twice"},
        {"Suite: x\nSHA256:\n " H256 " 1 a\nSHA256:\n " H256 " 1 b\n", ERR_FORMAT, "twice"},
        {"Suite: x\n", ERR_TRUST, "neither SHA256 nor SHA512"},
        {"Suite: x\nMD5Sum:\n 00000000000000000000000000000000 1 a\n", ERR_TRUST,
         "neither SHA256 nor SHA512"},
        {"Suite: x\nSHA1:\n 0000000000000000000000000000000000000000 1 a\n", ERR_TRUST, "neither"},
        {"Suite: x\nSHA256:\n 00000000000000000000000000000000 1 a\n", ERR_FORMAT,
         "Release:3: no SHA256 digest"},
        {"Suite: x\nSHA512:\n " H256 " 1 a\n", ERR_FORMAT, "no SHA512 digest"},
        {"Suite: x\nSHA256:\n " H256 " -1 a\n", ERR_FORMAT, "no size"},
        {"Suite: x\nSHA256:\n " H256 " 99999999999999999999 a\n", ERR_FORMAT, "no size"},
        {"Suite: x\nSHA256:\n " H256 " 1\n", ERR_FORMAT, "expected DIGEST SIZE PATH"},
        {"Suite: x\nSHA256:\n " H256 " 1 ../a\n", ERR_FORMAT, "leaves the repository"},
        {"Suite: x\nSHA256:\n " H256 " 1 a/../../b\n", ERR_FORMAT, "leaves the repository"},
        {"Suite: x\nSHA256:\n " H256 " 1 /etc/passwd\n", ERR_FORMAT, "leaves the repository"},
        {"Suite: x\nSHA256:\n " H256 " 1 a\n " H256 " 2 a\n", ERR_FORMAT, "two different sizes"},
        {"Suite: x\nSHA256:\n " H256 " 1 a\nSHA512:\n " H512 " 2 a\n", ERR_FORMAT, "two different sizes"},
        {"Suite: x\nDate: yesterday\nSHA256:\n " H256 " 1 a\n", ERR_FORMAT,
         "Release:2: no date in UTC: `yesterday'"},
        {"Suite: x\nValid-Until: never\nSHA256:\n " H256 " 1 a\n", ERR_FORMAT, "no date in UTC"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_ARENA a = {0};
        struct err e = {0};
        struct deb_release r;
        int rc = deb_release_parse(str_c(rows[i].text), &a, &r, &e);
        if (rc != (rows[i].want == ERR_NONE ? 0 : -1) || e.class != rows[i].want ||
            strstr(e.msg, rows[i].msg) == NULL) {
            printf("row %zu: class %d, `%s'\n", i, e.class, e.msg);
            CHECK(!"verdict");
        }
    }
}

static void nul_byte(void)
{
    AUTO_ARENA a = {0};
    struct err e = {0};
    struct deb_release r;
    CHECK(deb_release_parse(STR("Suite: x\0y\nSHA256:\n " H256 " 1 a\n"), &a, &r, &e) == -1 &&
          e.class == ERR_FORMAT);
}

/* Of two digests the stronger counts, whichever section comes first. */
static void strongest_digest(void)
{
    static const char *const texts[] = {
        "SHA256:\n " H256 " 7 b\n " H256 " 1 a\nSHA512:\n " H512 " 1 a\n",
        "SHA512:\n " H512 " 1 a\nMD5Sum:\n 00 1 a\nSHA256:\n " H256 " 1 a\n " H256 " 7 ./b\n",
    };
    for (int i = 0; i < 2; i++) {
        AUTO_ARENA a = {0};
        struct err e = {0};
        struct deb_release r;
        CHECK(deb_release_parse(str_c(texts[i]), &a, &r, &e) == 0);
        const struct deb_release_file *f = deb_release_find(&r, STR("a")),
                                      *g = deb_release_find(&r, STR("b"));
        CHECK(r.nfiles == 2 && f != NULL && f->digest.kind == DIGEST_SHA512 && f->size == 1);
        CHECK(g != NULL && g->digest.kind == DIGEST_SHA256 && g->size == 7);
        CHECK(deb_release_find(&r, STR("c")) == NULL && deb_release_find(&r, STR("")) == NULL);
    }
}

/* Every prefix is parsed or refused; none crashes. */
static void truncated(void)
{
    static const char text[] =
        "Suite: x\nDate: Sat, 09 Aug 2025 09:16:30 UTC\nAcquire-By-Hash: yes\nSHA256:\n " H256
        " 12 main/a\nSHA512:\n " H512 " 12 main/a\n";
    for (size_t n = 0; n < sizeof text; n++) {
        AUTO_ARENA a = {0};
        struct err e = {0};
        struct deb_release r;
        char *copy = malloc(n + 1); /* exact, so that a sanitizer sees a read past it */
        memcpy(copy, text, n);
        int rc = deb_release_parse((struct str){copy, n}, &a, &r, &e);
        CHECK(rc == 0 || e.class == ERR_FORMAT || e.class == ERR_TRUST);
        free(copy);
    }
}

/* Fills `text` from TEST DATA/openpgp/debian-release/NAME/Release; false when it is not there. */
static bool real_release(const char *name, struct buf *text)
{
    char path[4096];
    struct err e = {0};
    snprintf(path, sizeof path, "%s/openpgp/debian-release/%s/Release", test_data(), name);
    return file_read(path, 1 << 24, text, &e) == 0;
}

static void real_releases(void)
{
    static const struct {
        const char *name, *suite, *codename;
        bool all_in_arch, expires;
    } rows[] = {
        {"bookworm", "oldstable", "bookworm", true, false},
        {"trixie", "stable", "trixie", true, false},
        {"sid", "unstable", "sid", true, true},
        {"bookworm-updates", "oldstable-updates", "bookworm-updates", true, false},
        {"bookworm-security", "oldstable-security", "bookworm-security", false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_ARENA a = {0};
        AUTO_BUF text = {0};
        struct err e = {0};
        struct deb_release r;
        struct pkgfmt_root root;
        if (!real_release(rows[i].name, &text))
            SKIP("the test data has no Debian Release files");
        CHECK(deb_release_parse(buf_view(&text), &a, &r, &e) == 0);
        CHECK(str_is(r.suite, rows[i].suite) && str_is(r.codename, rows[i].codename));
        CHECK(r.by_hash && r.all_in_arch == rows[i].all_in_arch && (r.valid_until != 0) == rows[i].expires);
        CHECK(r.nfiles > 50 && r.files[0].digest.kind == DIGEST_SHA256);
        const struct pkgfmt *deb = pkgfmt_find("deb");
        CHECK(deb != NULL && deb->root_parse(buf_view(&text), &a, &root, &e) == 0);
        CHECK_STR(root.codename, rows[i].codename);
        CHECK(root.date > 1700000000 && root.valid_until == r.valid_until);
    }
}

static struct pkgfmt_index *list(const char *text, const char *suite, const char *const *components, size_t n,
                                 const char *arch, struct arena *a, size_t *count, struct err *e)
{
    struct pkgfmt_query q = {.suite = suite, .components = components, .ncomponents = n, .arch = arch};
    struct pkgfmt_index *out = NULL;
    *count = 0;
    return pkgfmt_find("deb")->index_list(str_c(text), &q, a, &out, count, e) == 0 ? out : NULL;
}

static void index_list_real(void)
{
    static const char *const main_only[] = {"main"}, *const bad[] = {"main", "univers"};
    AUTO_ARENA a = {0};
    AUTO_BUF text = {0}, security = {0};
    struct err e = {0};
    size_t n;
    if (!real_release("bookworm", &text) || !real_release("bookworm-security", &security))
        SKIP("the test data has no Debian Release files");
    struct pkgfmt_index *ix = list(buf_c(&text), "bookworm", main_only, 1, "amd64", &a, &n, &e);
    CHECK(ix != NULL && n == 1);
    if (ix != NULL && n == 1) {
        CHECK_STR(ix->what, "main/binary-amd64/Packages.xz");
        CHECK_STR(ix->plain, "dists/bookworm/main/binary-amd64/Packages.xz");
        CHECK(strncmp(ix->path, "dists/bookworm/main/binary-amd64/by-hash/SHA256/", 48) == 0);
        CHECK(strlen(ix->path) == 48 + 64 && ix->open_size > ix->size && ix->size > 1000000);
    }
    CHECK(list(buf_c(&text), "bookworm", bad, 2, "amd64", &a, &n, &e) == NULL && e.class == ERR_USAGE);
    CHECK_STR(e.msg, "suite bookworm has no component `univers'");
    CHECK_STR(e.hint, "it has: main contrib non-free-firmware non-free");
    CHECK(list(buf_c(&text), "bookworm", main_only, 1, "vax", &a, &n, &e) == NULL && e.class == ERR_USAGE);
    CHECK(strstr(e.msg, "no Packages file for vax") != NULL && strstr(e.hint, "riscv64") == NULL);
    /* Its Components read updates/main. */
    ix = list(buf_c(&security), "bookworm-security", main_only, 1, "arm64", &a, &n, &e);
    CHECK(ix != NULL && n == 1);
    if (ix != NULL && n == 1)
        CHECK_STR(ix->what, "main/binary-arm64/Packages.xz");
}

#define LINE(path) " " H256 " 5 " path "\n"

static void index_list_forms(void)
{
    static const struct {
        const char *text, *suite, *component, *arch;
        const char *want; /* what, path and arch of each, blank-separated */
    } rows[] = {
        /* The best compression that is there. */
        {"SHA256:\n" LINE("main/binary-amd64/Packages") LINE("main/binary-amd64/Packages.gz"), "s", "main",
         "amd64", "main/binary-amd64/Packages.gz dists/s/main/binary-amd64/Packages.gz amd64 "},
        {"SHA256:\n" LINE("main/binary-amd64/Packages.bz2") LINE("main/binary-amd64/Packages.gz")
             LINE("main/binary-amd64/Packages.zst"),
         "s", "main", "amd64",
         "main/binary-amd64/Packages.zst dists/s/main/binary-amd64/Packages.zst amd64 "},
        {"SHA256:\n" LINE("main/binary-amd64/Packages"), "s", "main", "amd64",
         "main/binary-amd64/Packages dists/s/main/binary-amd64/Packages amd64 "},
        /* `all` in an index of its own, unless the native one repeats it. */
        {"Architectures: all amd64\nSHA256:\n" LINE("main/binary-amd64/Packages")
             LINE("main/binary-all/Packages"),
         "s", "main", "amd64",
         "main/binary-amd64/Packages dists/s/main/binary-amd64/Packages amd64 "
         "main/binary-all/Packages dists/s/main/binary-all/Packages all "},
        {"Architectures: all amd64\nNo-Support-for-Architecture-all: Packages\nSHA256:\n" LINE(
             "main/binary-amd64/Packages") LINE("main/binary-all/Packages"),
         "s", "main", "amd64", "main/binary-amd64/Packages dists/s/main/binary-amd64/Packages amd64 "},
        {"Architectures: all\nSHA256:\n" LINE("main/binary-all/Packages"), "s", "main", "amd64",
         "main/binary-all/Packages dists/s/main/binary-all/Packages all "},
        {"Architectures: amd64\nSHA256:\n" LINE("main/binary-amd64/Packages")
             LINE("main/binary-all/Packages"),
         "s", "main", "amd64", "main/binary-amd64/Packages dists/s/main/binary-amd64/Packages amd64 "},
        /* By hash, with the strongest digest's name. */
        {"Acquire-By-Hash: yes\nSHA512:\n " H512 " 5 main/binary-amd64/Packages.xz\n", "s", "main", "amd64",
         "main/binary-amd64/Packages.xz dists/s/main/binary-amd64/by-hash/SHA512/" H512 " amd64 "},
        /* Flat places. */
        {"SHA256:\n" LINE("Packages.gz"), ".", "", "amd64", "Packages.gz Packages.gz amd64 "},
        {"SHA256:\n" LINE("./Packages"), "", "", "amd64", "Packages Packages amd64 "},
        {"SHA256:\n" LINE("Packages"), "./", "", "amd64", "Packages Packages amd64 "},
        {"Acquire-By-Hash: yes\nSHA256:\n" LINE("Packages"), "sub/", "", "amd64",
         "Packages sub/by-hash/SHA256/" H256 " amd64 "},
        /* Errors. */
        {"SHA256:\n" LINE("other"), ".", "", "amd64", "error 2"},
        {"SHA256:\n" LINE("main/binary-arm64/Packages"), "s", "main", "amd64", "error 2"},
        {"Components: main\nSHA256:\n" LINE("main/binary-amd64/Packages"), "s", "contrib", "amd64",
         "error 2"},
        {"MD5Sum:\n 00000000000000000000000000000000 1 main/binary-amd64/Packages\n", "s", "main", "amd64",
         "error 4"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_ARENA a = {0};
        AUTO_BUF got = {0};
        struct err e = {0};
        size_t n;
        struct pkgfmt_index *ix = list(rows[i].text, rows[i].suite, &rows[i].component,
                                       rows[i].component[0] != '\0', rows[i].arch, &a, &n, &e);
        if (ix == NULL)
            buf_printf(&got, "error %d", (int)e.class);
        for (size_t k = 0; ix != NULL && k < n; k++)
            buf_printf(&got, "%s %s %s ", ix[k].what, ix[k].path, ix[k].arch);
        CHECK_STR(buf_c(&got), rows[i].want);
    }
}

static void root_paths(void)
{
    static const struct {
        const char *suite;
        int which;
        const char *want;
    } rows[] = {
        {"trixie", 0, "dists/trixie/InRelease"},
        {"trixie", 1, "dists/trixie/Release"},
        {"trixie", 2, "dists/trixie/Release.gpg"},
        {"buster/updates", 0, "dists/buster/updates/InRelease"},
        {".", 0, "InRelease"},
        {"", 2, "Release.gpg"},
        {"./", 1, "Release"},
        {"/", 1, "Release"},
        {"sub/", 1, "sub/Release"},
    };
    AUTO_ARENA a = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pkgfmt_query q = {.suite = rows[i].suite};
        CHECK_STR(pkgfmt_find("deb")->root_path(&q, rows[i].which, &a), rows[i].want);
    }
    CHECK(pkgfmt_find("deb")->root_path(&(struct pkgfmt_query){.suite = "x"}, 3, &a) == NULL);
    CHECK(pkgfmt_find("ebd") == NULL);
}

int main(void)
{
    RUN(dates);
    RUN(verdicts);
    RUN(nul_byte);
    RUN(strongest_digest);
    RUN(truncated);
    RUN(real_releases);
    RUN(index_list_real);
    RUN(index_list_forms);
    RUN(root_paths);
    return test_done();
}
