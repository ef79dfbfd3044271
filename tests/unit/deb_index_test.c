#include "pkgfmt/deb_index.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <solv/pool.h>
#include <solv/repo.h>
#include <solv/solvable.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "pkgfmt/deb_relation.h"
#include "pkgfmt/deb_stanza.h"
#include "test.h"
#include "tests/unit/scratch.h"

#define H256 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define H512 H256 H256
#define TAIL "Architecture: amd64\nFilename: pool/a.deb\nSize: 5\nSHA256: " H256 "\n"

static char warning[1024];

static void keep_line(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    if (level == LOG_WARN)
        snprintf(warning, sizeof warning, "%s", text);
}

static const struct log keeper = {.line = keep_line};

/* The text as libarchive compresses it. */
static void pack(struct str text, int (*filter)(struct archive *), struct buf *out)
{
    size_t used = 0, room = text.n + (1 << 16);
    struct archive *a = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    buf_reserve(out, room);
    archive_write_set_format_raw(a);
    filter(a);
    archive_write_set_bytes_per_block(a, 1);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_pathname(entry, "data");
    if (archive_write_open_memory(a, out->p, room, &used) != ARCHIVE_OK ||
        archive_write_header(a, entry) != ARCHIVE_OK ||
        archive_write_data(a, text.p, text.n) != (la_ssize_t)text.n || archive_write_close(a) != ARCHIVE_OK)
        abort();
    out->n = used;
    archive_entry_free(entry);
    archive_write_free(a);
}

static const struct packing {
    const char *suffix;
    int (*filter)(struct archive *);
} packings[] = {
    {"", archive_write_add_filter_none},      {".gz", archive_write_add_filter_gzip},
    {".xz", archive_write_add_filter_xz},     {".zst", archive_write_add_filter_zstd},
    {".bz2", archive_write_add_filter_bzip2},
};

/* Loads the bytes as an index of this name: the number of packages in the pool then, or -1. */
static int load(struct solve *s, struct str bytes, const char *name, uint64_t open_size, const char *solv_dir,
                struct err *e)
{
    AUTO_FD fd = scratch_fd(bytes);
    struct pkgfmt_index ix = {.what = name, .size = bytes.n, .open_size = open_size};
    struct pkgfmt_repo repo = {.id = "main"};
    if (digest_of(&ix.digest, DIGEST_SHA256, bytes, e) != 0 ||
        deb_index_load(s, fd, &ix, &repo, solv_dir, e) != 0)
        return -1;
    Pool *pool = solve_pool(s);
    int n = 0;
    Id p;
    FOR_POOL_SOLVABLES(p)
    {
        n++;
    }
    return n;
}

/* The same with a pool of its own. */
static int load_alone(struct str bytes, const char *name, uint64_t open_size, const char *arch, struct err *e)
{
    struct solve *s;
    *e = (struct err){0};
    warning[0] = '\0';
    if (solve_open(&s, DISTTYPE_DEB, arch, &keeper, e) != 0)
        return -1;
    int n = load(s, bytes, name, open_size, NULL, e);
    solve_close(s);
    return n;
}

static void verdicts(void)
{
    static const struct {
        const char *text;
        int packages;     /* -1: ERR_FORMAT */
        const char *says; /* part of the error or the warning; "": no word */
    } rows[] = {
        {"", 0, ""},
        {"\n\n\n", 0, ""},
        {"Package: a\nVersion: 1\n" TAIL, 1, ""},
        {"Package: a\nVersion: 1\n" TAIL "\n\n\nPackage: b\nVersion: 1\n" TAIL, 2, ""},
        {"\n\nPackage: a\r\nVersion: 1\r\n" TAIL "\r\nPackage: b\nVersion: 1\n" TAIL, 2, ""},
        {"PACKAGE: a\nvErSiOn: 1\n" TAIL, 1, ""},
        {"Package:a\nVersion:\n 1\n" TAIL, 1, ""},
        {"Package: a\nVersion: 1\nDescription: x\n .\n more: text\n\ttab\nTag: y,\n z\n" TAIL, 1, ""},
        {"Package: a\nVersion: 1\n" TAIL "Package: b\n", 1, ""},
        {"Package: a\nVersion: 1\nMulti-Arch: allowed\nEssential: yes\nProtected: yes\n" TAIL, 1, ""},
        /* Left out, with one word about it. */
        {"Package: a\nVersion: 1\n" TAIL "\nPackage: b\n" TAIL, 1,
         "1 unusable packages left out (the first: line 8: b: no valid Version)"},
        {"Version: 1\n" TAIL "\nPackage: b\nVersion: 1\n" TAIL, 1, "no Package field"},
        {"Package: a b\nVersion: 1\n" TAIL "\nPackage: b\nVersion: 1\n" TAIL, 1, "no package name"},
        {"Package: ../a\nVersion: 1\n" TAIL "\nPackage: b\nVersion: 1\n" TAIL, 1, "no package name"},
        {"Package: a\nVersion: 1 2\n" TAIL "\nPackage: b\nVersion: 1\n" TAIL, 1, "no valid Version"},
        {"Package: a\nVersion: 1\nDepends: b (>= 1\n" TAIL "\nPackage: b\nVersion: 1\n" TAIL, 1,
         "a relation that cannot be read"},
        {"Package: a\nVersion: 1\nInstalled-Size: many\n" TAIL "\nPackage: b\nVersion: 1\n" TAIL, 1,
         "no valid Installed-Size"},
        {"Package: a\nVersion: 1\nArchitecture: amd64\nFilename: x\nSize: 1\nMD5sum: 00\n\nPackage: "
         "b\nVersion: 1\n" TAIL,
         1, "neither a valid SHA512 nor SHA256"},
        {"Package: a\nVersion: 1\nSHA512: 00\n" TAIL "\nPackage: b\nVersion: 1\n" TAIL, 1,
         "neither a valid SHA512"},
        {"Package: a\nVersion: 1\nArchitecture: arm64\n" TAIL "\nPackage: b\nVersion: 1\n" TAIL, 1, ""},
        /* Nothing good in it. */
        {"Package: a\n" TAIL, -1, "no usable package in it (line 1: a: no valid Version)"},
        {"Package: a\nVersion: 1\nArchitecture: amd64\nSize: 1\nSHA256: " H256 "\n", -1, "a: no Filename"},
        {"Package: a\nVersion: 1\nArchitecture: amd64\nFilename: x\nSHA256: " H256 "\n", -1,
         "a: no valid Size"},
        {"Package: a\nVersion: 1\nFilename: x\nSize: 1\nSHA256: " H256 "\n", -1, "a: no valid Architecture"},
        /* Not a Packages file, or a hostile one. */
        {"<html><body>404</body></html>\n", -1, "Packages: in the stanza at line 1: expected FIELD: VALUE"},
        {"Package: a\nVersion: 1\n" TAIL "\n!<arch>\n", -1, "in the stanza at line 8: expected FIELD: VALUE"},
        {" folded\nPackage: a\n", -1, "expected FIELD: VALUE, got ` folded'"},
        {"Package: a\nVersion: 1\nFilename: /etc/passwd\n" TAIL, -1,
         "Filename is no path below the repository: `/etc/passwd'"},
        {"Package: a\nVersion: 1\nFilename: pool/../../x\n" TAIL, -1, "Filename is no path"},
        {"Package: a\nVersion: 1\nFilename: ..\n" TAIL, -1, "Filename is no path"},
        {"Package: a\nVersion: 1\nFilename: http://other/x.deb\n" TAIL, -1, "Filename is no path"},
        {"Package: a\nVersion: 1\nFilename: pool/a b.deb\n" TAIL, -1, "Filename is no path"},
        {"Package: a\nVersion: 1\nSize: 99999999999999999999999\n" TAIL, -1, "Packages:1: a: Size is absurd"},
        {"Package: a\nVersion: 1\nSize: 1099511627777\n" TAIL, -1, "Size is absurd"},
        {"Package: a\nVersion: 1\nInstalled-Size: 18014398509481984\n" TAIL, -1, "Installed-Size is absurd"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e;
        int n = load_alone(str_c(rows[i].text), "Packages", 0, "amd64", &e);
        const char *said = n < 0 ? e.msg : warning;
        bool ok = rows[i].says[0] == '\0' ? said[0] == '\0' : strstr(said, rows[i].says) != NULL;
        if (n != rows[i].packages || !ok || (n < 0 && e.class != ERR_FORMAT)) {
            printf("row %zu: %d packages, class %d, `%s'\n", i, n, e.class, said);
            CHECK(!"verdict");
        }
    }
}

static void nul_and_long(void)
{
    struct err e;
    AUTO_BUF text = {0};
    CHECK(load_alone(STR("Package: a\0b\nVersion: 1\n" TAIL), "Packages", 0, "amd64", &e) == -1 &&
          e.class == ERR_FORMAT);
    CHECK(strstr(e.msg, "a NUL byte") != NULL);
    /* A long line is fine, up to the bound of a stanza. */
    for (int i = 0; i < 2; i++) {
        buf_clear(&text);
        buf_puts(&text, "Package: a\nVersion: 1\n" TAIL "Tag: ");
        for (int k = 0; k < (i == 0 ? 900000 : DEB_STANZA_MAX + 1000); k++)
            buf_putc(&text, 'x');
        buf_puts(&text, "\n\nPackage: b\nVersion: 1\n" TAIL);
        int n = load_alone(buf_view(&text), "Packages", 0, "amd64", &e);
        CHECK(i == 0 ? n == 2
                     : n == -1 && e.class == ERR_FORMAT && strstr(e.msg, "a stanza of more than") != NULL);
    }
}

/* What every file of the test data's folders of odd index files must give. */
static void odd_files(void)
{
    static const struct {
        const char *name, *arch;
        int packages; /* -1: ERR_FORMAT; 0 with no error: all of other architectures */
        const char *says;
    } rows[] = {
        {"apt-packages/Packages-bug-590438-broken-provides-thanks-to-remove-order", "i386", 3,
         "line 56: coolstuff: neither"},
        {"apt-packages/Packages-bug-591882-conkeror", "i386", -1,
         "line 1: conkeror: neither a valid SHA512 nor SHA256"},
        {"apt-packages/Packages-bug-593360-modifiers-in-names", "i386", 3, ""},
        {"apt-packages/Packages-bug-598669-install-postfix-gets-exim-heavy", "i386", -1,
         "neither a valid SHA512"},
        {"apt-packages/Packages-bug-605394-versioned-or-groups", "i386", -1, "neither a valid SHA512"},
        {"apt-packages/Packages-bug-723705-tagfile-truncates-fields", "amd64", 10, ""},
        {"apt-packages/Packages-bug-lp1347721-dpkg-ordering", "i386", 17, ""},
        {"apt-packages/Packages-github-23-too-long-dependency-line", "amd64", 1, ""},
        {"apt-packages/Packages-hashsum-verification", "i386", -1, "neither a valid SHA512"},
        {"apt-packages/Packages-pdiff-usage", "i386", 2, ""},
        {"apt-packages/Packages-pdiff-usage-new", "i386", 2, ""},
        {"apt-packages/Packages-policy-pinning", "i386", 1, ""},
        {"apt-packages/Packages-releasefile-verification", "i386", 1, ""},
        {"apt-packages/Packages-releasefile-verification-new", "i386", 1, ""},
        {"apt-packages/Packages-xorg-break-providers", "i386", -1, "neither a valid SHA512"},
        {"apt-packages/status-bug-590438-broken-provides-thanks-to-remove-order", "i386", 5, ""},
        {"apt-packages/status-bug-591882-conkeror", "i386", -1, "no Filename"},
        {"apt-packages/status-bug-598669-install-postfix-gets-exim-heavy", "i386", -1,
         "neither a valid SHA512"},
        {"apt-packages/status-bug-601961-install-info", "i386", -1, "no Filename"},
        {"apt-packages/status-bug-605394-versioned-or-groups", "i386", -1, "no Filename"},
        {"apt-packages/status-bug-612557-garbage-upgrade", "i386", -1, "no Filename"},
        {"apt-packages/status-bug-613420-new-garbage-dependency", "i386", -1, "no Filename"},
        {"apt-packages/status-bug-723705-tagfile-truncates-fields", "amd64", -1, "no Filename"},
        {"apt-packages/status-github-23-too-long-dependency-line", "amd64", -1, "no Filename"},
        {"apt-packages/status-xorg-break-providers", "i386", -1, "no Filename"},
        {"dpkg-control/control-1", "amd64", -1, "expected FIELD: VALUE"},
        {"dpkg-control/bogus-unsigned.dsc", "amd64", -1, "expected FIELD: VALUE"},
        {"dpkg-control/bogus-armor-nested.dsc", "amd64", -1, "expected FIELD: VALUE"},
        {"dpkg-control/tests-missing-fields", "amd64", -1, "no Package field"},
        {"dpkg-control/tests-plain-text", "amd64", -1, "expected FIELD: VALUE"},
        {"dpkg-control/tests-valid", "amd64", -1, "no Package field"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[4096];
        AUTO_BUF text = {0};
        struct err e = {0};
        snprintf(path, sizeof path, "%s/evil/%s", test_data(), rows[i].name);
        if (file_read(path, 1 << 24, &text, &e) != 0)
            SKIP("the test data has no evil/apt-packages");
        int n = load_alone(buf_view(&text), "Packages", 0, rows[i].arch, &e);
        const char *said = n < 0 ? e.msg : warning;
        bool ok = rows[i].says[0] == '\0' ? said[0] == '\0' : strstr(said, rows[i].says) != NULL;
        if (n != rows[i].packages || !ok || (n < 0 && e.class != ERR_FORMAT)) {
            printf("%s: %d packages, class %d, `%s'\n", rows[i].name, n, e.class, said);
            CHECK(!"verdict");
        }
    }
}

/* No file of that folder is without a verdict above. */
static void odd_files_are_all_listed(void)
{
    char path[4096];
    int n = 0;
    snprintf(path, sizeof path, "%s/evil/apt-packages", test_data());
    DIR *d = opendir(path);
    if (d == NULL)
        SKIP("the test data has no evil/apt-packages");
    for (struct dirent *entry; (entry = readdir(d)) != NULL;)
        n += entry->d_name[0] != '.';
    closedir(d);
    CHECK(n == 25);
}

static void relations(void)
{
    static const struct {
        const char *text;
        enum deb_relation kind;
        const char *want; /* libsolv's spelling; "!" at the end: malformed there */
    } rows[] = {
        {"", DEB_DEPENDS, ""},
        {"a", DEB_DEPENDS, "a; "},
        {" a ,\n b\t,c", DEB_DEPENDS, "a; b; c; "},
        {",a,,b,", DEB_DEPENDS, "a; b; "},
        {"a (>= 1:2.0~rc1-1+b2)", DEB_DEPENDS, "a >= 1:2.0~rc1-1+b2; "},
        {"a(<<1), b ( <= 1 ), c (=1), d (>> 1), e (> 1), f (< 1)", DEB_DEPENDS,
         "a << 1; b <= 1; c = 1; d >> 1; e >= 1; f <= 1; "},
        {"a | b (>= 2) | c", DEB_DEPENDS, "a | b >= 2 | c; "},
        {"a:any, b:amd64, c:native, d:i386 (= 1), e:all", DEB_DEPENDS, "a:any; b; c; d:i386 = 1; e; "},
        {"a:any, d:i386", DEB_CONFLICTS, "a; d:i386; "},
        {"a (= 1), b, c (>= 1), d", DEB_PROVIDES, "a = 1; b; d; "},
        {"g++, apt+, libx_y, 0ad", DEB_DEPENDS, "g++; apt+; libx_y; 0ad; "},
        {"a b", DEB_DEPENDS, "!"},
        {"ok, a (>= 1", DEB_DEPENDS, "ok; !"},
        {"a (1)", DEB_DEPENDS, "!"},
        {"a (=> 1)", DEB_DEPENDS, "!"},
        {"a (>= )", DEB_DEPENDS, "!"},
        {"a (>= 1) (<< 2)", DEB_DEPENDS, "!"},
        {"a |", DEB_DEPENDS, "!"},
        {"| a", DEB_DEPENDS, "!"},
        {"a || b", DEB_DEPENDS, "!"},
        {"a:", DEB_DEPENDS, "!"},
        {"-a", DEB_DEPENDS, "!"},
        {"a [amd64]", DEB_DEPENDS, "!"},
        {"a | b", DEB_CONFLICTS, "!"},
        {"a | b", DEB_PROVIDES, "!"},
        {"${misc:Depends}", DEB_DEPENDS, "!"},
    };
    Pool *pool = pool_create();
    pool_setdisttype(pool, DISTTYPE_DEB);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_BUF got = {0};
        Queue q;
        queue_init(&q);
        int rc = deb_relation_parse(pool, str_c(rows[i].text), rows[i].kind, "amd64", &q);
        for (int k = 0; k < q.count; k++)
            buf_printf(&got, "%s; ", pool_dep2str(pool, q.elements[k]));
        buf_puts(&got, rc != 0 ? "!" : "");
        CHECK_STR(buf_c(&got), rows[i].want);
        queue_free(&q);
    }
    AUTO_BUF many = {0};
    for (int i = 0; i < DEB_ALTERNATIVES_MAX; i++)
        buf_puts(&many, "a | ");
    buf_puts(&many, "a");
    Queue q;
    queue_init(&q);
    CHECK(deb_relation_parse(pool, buf_view(&many), DEB_DEPENDS, "amd64", &q) == -1);
    queue_free(&q);
    pool_free(pool);
}

static const char small[] =
    "Package: a\nVersion: 1\nDepends: b | c, d (>= 1)\n" TAIL
    "\nPackage: b\nVersion: 2\nPre-Depends: e\nReplaces: f (<< 3)\nPriority: required\n" TAIL;

/* Everything that a plan needs comes out of the pool, from a parsed file and from the kept form alike. */
static void check_fields(struct solve *s)
{
    Pool *pool = solve_pool(s);
    Id p, b = 0, type = 0;
    FOR_POOL_SOLVABLES(p)
    {
        if (strcmp(pool_id2str(pool, pool->solvables[p].name), "b") == 0)
            b = p;
    }
    Solvable *v = pool_id2solvable(pool, b);
    Queue q;
    queue_init(&q);
    CHECK(b != 0);
    CHECK_STR(pool_solvable2str(pool, v), "b-2.amd64");
    CHECK_STR(solvable_lookup_location(v, NULL), "pool/a.deb");
    CHECK(solvable_lookup_num(v, SOLVABLE_DOWNLOADSIZE, 0) == 5);
    CHECK_STR(solvable_lookup_checksum(v, SOLVABLE_CHECKSUM, &type), H256);
    CHECK(type == REPOKEY_TYPE_SHA256);
    CHECK_STR(solvable_lookup_str(v, pool_str2id(pool, SOLVE_KEY_PRIORITY, 1)), "required");
    CHECK(!solvable_lookup_void(v, pool_str2id(pool, SOLVE_KEY_ESSENTIAL, 1)));
    solvable_lookup_idarray(v, pool_str2id(pool, SOLVE_KEY_REPLACES, 1), &q);
    CHECK(q.count == 1 && strcmp(pool_dep2str(pool, q.elements[0]), "f << 3") == 0);
    queue_empty(&q);
    solvable_lookup_idarray(v, SOLVABLE_REQUIRES, &q);
    CHECK(q.count == 2 && q.elements[0] == SOLVABLE_PREREQMARKER);
    queue_free(&q);
}

static void fields(void)
{
    struct solve *s;
    struct err e = {0};
    CHECK(solve_open(&s, DISTTYPE_DEB, "amd64", NULL, &e) == 0);
    CHECK(load(s, STR(small), "Packages", 0, NULL, &e) == 2);
    check_fields(s);
    solve_close(s);
}

/* In each compression: whole it loads, cut off anywhere it is refused (plain text: or loads in part). */
static void truncated(void)
{
    for (size_t i = 0; i < sizeof packings / sizeof *packings; i++) {
        AUTO_BUF packed = {0};
        char name[32];
        struct err e;
        snprintf(name, sizeof name, "Packages%s", packings[i].suffix);
        pack((struct str){small, sizeof small - 1}, packings[i].filter, &packed);
        CHECK(load_alone(buf_view(&packed), name, 0, "amd64", &e) == 2);
        for (size_t n = 0; n < packed.n; n++) {
            int got = load_alone((struct str){packed.p, n}, name, 0, "amd64", &e);
            bool ok =
                i == 0 ? got <= 2 && (got >= 0 || e.class == ERR_FORMAT) : got == -1 && e.class == ERR_FORMAT;
            if (!ok) {
                printf("%s cut off at %zu of %zu: %d packages, %s\n", name, n, packed.n, got, e.msg);
                CHECK(!"refused");
            }
        }
    }
}

/* The suffix alone says what decodes: other bytes are refused, not guessed at. */
static void other_format(void)
{
    for (size_t i = 0; i < sizeof packings / sizeof *packings; i++) {
        AUTO_BUF packed = {0};
        pack((struct str){small, sizeof small - 1}, packings[i].filter, &packed);
        for (size_t k = 0; k < sizeof packings / sizeof *packings; k++) {
            char name[32];
            struct err e;
            snprintf(name, sizeof name, "Packages%s", packings[k].suffix);
            int got = load_alone(buf_view(&packed), name, 0, "amd64", &e);
            CHECK(i == k ? got == 2 : got == -1 && e.class == ERR_FORMAT);
        }
    }
}

/* An empty index is one that has no packages (Debian's empty suites have them). */
static void empty_packed(void)
{
    for (size_t i = 0; i < sizeof packings / sizeof *packings; i++) {
        AUTO_BUF packed = {0};
        char name[32];
        struct err e;
        snprintf(name, sizeof name, "Packages%s", packings[i].suffix);
        pack(STR(""), packings[i].filter, &packed);
        if (load_alone(buf_view(&packed), name, 0, "amd64", &e) != 0) {
            printf("%s: %s\n", name, e.msg);
            CHECK(!"empty");
        }
    }
}

static void bombs(void)
{
    AUTO_BUF text = {0};
    struct err e;
    for (int i = 0; i < 64; i++) {
        buf_reserve(&text, 1 << 20);
        memset(text.p + text.n, i % 2 ? '\n' : 'x', 1 << 20);
        text.n += 1 << 20;
    }
    for (size_t i = 1; i < sizeof packings / sizeof *packings; i++) {
        AUTO_BUF packed = {0};
        char name[32];
        snprintf(name, sizeof name, "Packages%s", packings[i].suffix);
        pack(buf_view(&text), packings[i].filter, &packed);
        CHECK(load_alone(buf_view(&packed), name, 1000, "amd64", &e) == -1 && e.class == ERR_FORMAT);
        CHECK(strstr(e.msg, "decodes to more than 1000 bytes") != NULL);
        CHECK(load_alone(buf_view(&packed), name, 0, "amd64", &e) == -1 && e.class == ERR_FORMAT);
    }
    /* As many bytes as the root said, and one fewer. */
    CHECK(load_alone(STR(small), "Packages", sizeof small - 1, "amd64", &e) == 2);
    CHECK(load_alone(STR(small), "Packages", sizeof small - 2, "amd64", &e) == -1);
}

/* Files that are decoded in a thread of their own: whole, cut off, and given up in the middle. */
static void decoded_ahead(void)
{
    enum { STANZAS = 20000 };
    AUTO_BUF text = {0};
    struct err e;
    uint64_t random = 1;
    for (int i = 0; i < STANZAS; i++) {
        buf_printf(&text, "Package: p%d\nVersion: 1\nTag: ", i);
        for (int k = 0; k < 8; k++) /* what does not compress makes the file large */
            buf_printf(&text, "%016llx",
                       (unsigned long long)(random = random * 6364136223846793005U + 1442695040888963407U));
        buf_puts(&text, "\n" TAIL "\n");
    }
    for (size_t i = 1; i < sizeof packings / sizeof *packings; i++) {
        AUTO_BUF packed = {0};
        char name[32];
        snprintf(name, sizeof name, "Packages%s", packings[i].suffix);
        pack(buf_view(&text), packings[i].filter, &packed);
        CHECK(packed.n > 600000);
        CHECK(load_alone(buf_view(&packed), name, text.n, "amd64", &e) == STANZAS);
        CHECK(load_alone((struct str){packed.p, packed.n / 2}, name, 0, "amd64", &e) == -1 &&
              e.class == ERR_FORMAT);
        CHECK(load_alone(buf_view(&packed), name, text.n - 1, "amd64", &e) == -1 && e.class == ERR_FORMAT);
    }
    AUTO_BUF packed = {0};
    text.p[7] = 0x21; /* no colon in the first line */
    pack(buf_view(&text), archive_write_add_filter_gzip, &packed);
    CHECK(load_alone(buf_view(&packed), "Packages.gz", 0, "amd64", &e) == -1 &&
          strstr(e.msg, "line 1") != NULL);
}

static int files_in(const char *dir, char *first, size_t size)
{
    int n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *entry; d != NULL && (entry = readdir(d)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            snprintf(first, size, "%s/%s", dir, entry->d_name);
            n++;
        }
    if (d != NULL)
        closedir(d);
    return n;
}

/* Loads `small` with the kept form and checks what came of it. */
static void load_kept(const char *dir)
{
    struct solve *s;
    struct err e = {0};
    CHECK(solve_open(&s, DISTTYPE_DEB, "amd64", NULL, &e) == 0);
    CHECK(load(s, STR(small), "Packages", 0, dir, &e) == 2);
    check_fields(s);
    solve_close(s);
}

static void kept_form(void)
{
    char file[512];
    struct stat before, after;
    scratch_new();
    const char *dir = in_scratch("solv");
    load_kept(dir);
    CHECK(files_in(dir, file, sizeof file) == 1 && stat(file, &before) == 0 &&
          (before.st_mode & 0777) == 0600);
    load_kept(dir);
    CHECK(stat(file, &after) == 0 && before.st_ino == after.st_ino);
    /* Damaged at each byte in turn, and cut off: ignored and made again. */
    for (off_t at = 0; at < before.st_size; at += 7) {
        unsigned char c = 0;
        int fd = open(file, O_RDWR);
        CHECK(fd >= 0 && pread(fd, &c, 1, at) == 1);
        c ^= 0x40;
        CHECK(pwrite(fd, &c, 1, at) == 1);
        CHECK(fstat(fd, &before) == 0);
        load_kept(dir);
        CHECK(stat(file, &after) == 0 && before.st_ino != after.st_ino);
        close(fd);
    }
    CHECK(truncate(file, 20) == 0);
    load_kept(dir);
    CHECK(stat(file, &after) == 0 && after.st_size == before.st_size);
    CHECK(files_in(dir, file, sizeof file) == 1);
    /* A file or a directory that others may write is not read. */
    CHECK(chmod(file, 0666) == 0 && stat(file, &before) == 0);
    load_kept(dir);
    CHECK(stat(file, &after) == 0 && before.st_ino != after.st_ino);
    CHECK(unlink(file) == 0 && chmod(dir, 0777) == 0);
    load_kept(dir);
    CHECK(files_in(dir, file, sizeof file) == 0);
    CHECK(chmod(dir, 0700) == 0);
    if (geteuid() == 0) {
        CHECK(chown(dir, 12345, 12345) == 0);
        load_kept(dir);
        CHECK(files_in(dir, file, sizeof file) == 0);
    }
    CHECK(rmdir(dir) == 0);
    scratch_remove();
}

int main(void)
{
    RUN(verdicts);
    RUN(nul_and_long);
    RUN(odd_files);
    RUN(odd_files_are_all_listed);
    RUN(relations);
    RUN(fields);
    RUN(truncated);
    RUN(other_format);
    RUN(empty_packed);
    RUN(bombs);
    RUN(decoded_ahead);
    RUN(kept_form);
    return test_done();
}
