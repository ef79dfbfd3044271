/* The index files of rpm repositories: what is read, and what malformed ones are answered with. */
#include "tests/unit/test.h"

#include <solv/pool.h>
#include <solv/repo.h>
#include <solv/solvable.h>
#include <sys/stat.h>

#include "pkgfmt/rpm_index.h"
#include "tests/unit/rpm_repo.h"

static char said[4096]; /* the last warning */

static void hear(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    if (level == LOG_WARN)
        snprintf(said, sizeof said, "%s", text);
}

static struct solve *new_solver(void)
{
    static struct log log = {.line = hear};
    struct solve *s;
    struct err e;
    said[0] = '\0';
    if (solve_open(&s, DISTTYPE_RPM, "x86_64", &log, &e) < 0)
        abort();
    return s;
}

static int load(struct solve *s, const char *kind, const char *what, struct str text, const char *solv_dir,
                struct err *e)
{
    struct pkgfmt_index ix = {.what = what, .component = kind, .size = text.n};
    struct pkgfmt_repo repo = {.id = "base"};
    AUTO_FD fd = scratch_fd(text);
    memset(e, 0, sizeof *e);
    if (digest_of(&ix.digest, DIGEST_SHA256, text, e) < 0)
        return -1;
    return rpm_index_load(s, fd, &ix, &repo, solv_dir, e);
}

static unsigned count(struct solve *s)
{
    Pool *pool = solve_pool(s);
    unsigned n = 0;
    Id p;
    FOR_POOL_SOLVABLES(p)
    {
        n++;
    }
    return n;
}

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PKG(name, version, sum, size, location, format)                                                      \
    "<package type=\"rpm\">" name "<arch>x86_64</arch>" version sum size location "<format>" format          \
    "</format></package>"
#define NAME     "<name>a</name>"
#define VERSION  "<version epoch=\"0\" ver=\"1\" rel=\"1\"/>"
#define CHECKSUM "<checksum type=\"sha256\" pkgid=\"YES\">" SUM "</checksum>"
#define SIZE     "<size package=\"10\" installed=\"20\" archive=\"30\"/>"
#define LOCATION "<location href=\"Packages/a.rpm\"/>"
#define GOOD     PKG("<name>good</name>", VERSION, CHECKSUM, SIZE, LOCATION, "")

/* One package is left out with a warning, the other stays; alone it is an error. */
static void unusable_packages(void)
{
    static const struct {
        const char *package, *why;
    } t[] = {
        {PKG("", VERSION, CHECKSUM, SIZE, LOCATION, ""), "no valid name"},
        {PKG("<name>a b</name>", VERSION, CHECKSUM, SIZE, LOCATION, ""), "no valid name"},
        {PKG("<name>../a</name>", VERSION, CHECKSUM, SIZE, LOCATION, ""), "no valid name"},
        {PKG("<name>-a</name>", VERSION, CHECKSUM, SIZE, LOCATION, ""), "no valid name"},
        {PKG(NAME, "", CHECKSUM, SIZE, LOCATION, ""), "a: no valid version and release"},
        {PKG(NAME, "<version ver=\"1\"/>", CHECKSUM, SIZE, LOCATION, ""), "a: no valid version and release"},
        {PKG(NAME, "<version epoch=\"x\" ver=\"1\" rel=\"1\"/>", CHECKSUM, SIZE, LOCATION, ""),
         "a: no valid version and release"},
        {PKG(NAME, "<version epoch=\"0\" ver=\"1/2\" rel=\"1\"/>", CHECKSUM, SIZE, LOCATION, ""),
         "a: no valid version and release"},
        {PKG(NAME, VERSION, "", SIZE, LOCATION, ""), "a: no valid checksum"},
        {PKG(NAME, VERSION, "<checksum type=\"sha256\">12</checksum>", SIZE, LOCATION, ""),
         "a: no valid checksum"},
        {PKG(NAME, VERSION, "<checksum type=\"sha\">aa</checksum>", SIZE, LOCATION, ""),
         "a: its checksum's type proves nothing, expected sha256 or better"},
        {PKG(NAME, VERSION, CHECKSUM, "", LOCATION, ""), "a: no valid size"},
        {PKG(NAME, VERSION, CHECKSUM, "<size package=\"x\"/>", LOCATION, ""), "a: no valid size"},
        {PKG(NAME, VERSION, CHECKSUM, SIZE, "", ""), "a: no location"},
        {PKG(NAME, VERSION, CHECKSUM, SIZE, "<location xml:base=\"http://x/\" href=\"a.rpm\"/>", ""),
         "a: its location is outside of the repository (xml:base)"},
        {PKG(NAME, VERSION, CHECKSUM, SIZE, LOCATION, "<requires><entry/></requires>"),
         "a: a relation that cannot be read"},
        {PKG(NAME, VERSION, CHECKSUM, SIZE, LOCATION,
             "<requires><entry name=\"b\" flags=\"XX\" ver=\"1\"/></requires>"),
         "a: a relation that cannot be read"},
        {PKG(NAME, VERSION, CHECKSUM, SIZE, LOCATION,
             "<requires><entry name=\"b\" flags=\"GE\"/></requires>"),
         "a: a relation that cannot be read"},
        {PKG(NAME, VERSION, CHECKSUM, SIZE, LOCATION, "<requires><entry name=\"(b and\"/></requires>"),
         "a: a relation that cannot be read"},
        {PKG(NAME, VERSION, CHECKSUM, SIZE, LOCATION, "<provides><entry name=\"(b or c)\"/></provides>"),
         "a: a relation that cannot be read"},
        {"<package type=\"rpm\">" NAME VERSION CHECKSUM SIZE LOCATION "</package>",
         "a: no valid architecture"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        AUTO_BUF text = {0};
        struct err e;
        char want[400];
        struct solve *s = new_solver();
        buf_printf(&text, "<metadata>%s%s</metadata>", t[i].package, GOOD);
        CHECK(load(s, "primary", "p.xml", buf_view(&text), NULL, &e) == 0);
        CHECK(count(s) == 1);
        snprintf(want, sizeof want, "p.xml: 1 unusable packages left out (the first: %s)", t[i].why);
        CHECK_STR(said, want);
        solve_close(s);
        s = new_solver();
        buf_clear(&text);
        buf_printf(&text, "<metadata>%s</metadata>", t[i].package);
        CHECK(load(s, "primary", "p.xml", buf_view(&text), NULL, &e) == -1 && e.class == ERR_FORMAT);
        snprintf(want, sizeof want, "p.xml: no usable package in it (%s)", t[i].why);
        CHECK_STR(e.msg, want);
        CHECK(count(s) == 0);
        solve_close(s);
    }
}

static void packages_beside_the_repository(void)
{
    struct solve *s = new_solver();
    struct err e;
    struct str text = STR("<metadata>" PKG(NAME, VERSION, CHECKSUM, SIZE,
                                           "<location href=\"../../../../blobs/a.rpm\"/>", "") "</metadata>");
    CHECK(load(s, "primary", "p.xml", text, NULL, &e) == 0);
    CHECK(count(s) == 1);
    CHECK_STR(solvable_lookup_location(pool_id2solvable(solve_pool(s), 2), NULL), "../../../../blobs/a.rpm");
    solve_close(s);
}

static void hostile_packages(void)
{
    static const struct {
        const char *text, *want;
    } t[] = {
        {"<metadata>" PKG(NAME, VERSION, CHECKSUM, SIZE, "<location href=\"b/../../a.rpm\"/>",
                          "") "</metadata>",
         "p.xml:1: a: its location is no path from the repository: `b/../../a.rpm'"},
        {"<metadata>" PKG(NAME, VERSION, CHECKSUM, SIZE, "<location href=\"/etc/passwd\"/>",
                          "") "</metadata>",
         "p.xml:1: a: its location is no path from the repository: `/etc/passwd'"},
        {"<metadata>" PKG(NAME, VERSION, CHECKSUM, SIZE, "<location href=\"http://x/a\"/>", "") "</metadata>",
         "p.xml:1: a: its location is no path from the repository: `http://x/a'"},
        {"<metadata>" PKG(NAME, VERSION, CHECKSUM, "<size package=\"99999999999999999999\"/>", LOCATION,
                          "") "</metadata>",
         "p.xml:1: a: its size is absurd: 99999999999999999999"},
        {"<metadata>" PKG(NAME, VERSION, CHECKSUM, "<size package=\"1\" installed=\"9999999999999\"/>",
                          LOCATION, "") "</metadata>",
         "p.xml:1: a: its size is absurd: 9999999999999"},
        {"<filelists></filelists>", "p.xml:1: expected the element <metadata>, got <filelists>"},
        {"<metadata>x</metadata>", "p.xml:1: text where <package> was expected"},
        {"<metadata><package type=\"rpm\">x</package></metadata>",
         "p.xml:1: text where an element was expected"},
        {"<metadata><package type=\"rpm\"><name><b/></name></package></metadata>",
         "p.xml:1: an element where text was expected"},
        {"<metadata><package type=\"rpm\">", "p.xml:1: the file ends inside element package"},
        {"", "p.xml:1: no element in it: this is no XML"},
        {"<!DOCTYPE metadata><metadata/>", "p.xml:1: a document type declaration, which is not accepted"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct solve *s = new_solver();
        struct err e;
        CHECK(load(s, "primary", "p.xml", str_c(t[i].text), NULL, &e) == -1 && e.class == ERR_FORMAT);
        CHECK_STR(e.msg, t[i].want);
        CHECK(count(s) == 0);
        solve_close(s);
    }
}

static void left_out_silently(void)
{
    struct solve *s = new_solver();
    struct err e;
    CHECK(load(s, "primary", "p.xml",
               STR("<metadata><package type=\"rpm\"><name>a</name><arch>src</arch></package>"
                   "<package type=\"rpm\"><name>a</name><arch>aarch64</arch></package>"
                   "<package type=\"deb\"><b/></package><other><x/></other></metadata>"),
               NULL, &e) == 0);
    CHECK(count(s) == 0);
    CHECK_STR(said, "");
    solve_close(s);
}

/* What the pool holds of a package, after the parsed form was kept and read again, too. */
static void one_package(void)
{
    struct str text = STR("<metadata>" PKG(NAME, "<version epoch=\"3\" ver=\"1.0\" rel=\"2.el9\"/>", CHECKSUM,
                                           SIZE, "<location href=\"./Packages/a.rpm\"/>",
                                           "<rpm:provides xmlns:rpm=\"x\"><rpm:entry name=\"b\" flags=\"EQ\" "
                                           "epoch=\"0\" ver=\"2\"/></rpm:provides>"
                                           "<requires><entry name=\"rpmlib(X)\" flags=\"LE\" "
                                           "ver=\"1\"/><entry name=\"/bin/sh\" pre=\"1\"/>"
                                           "<entry name=\"/bin/sh\"/></requires><file>/etc/a</file><file "
                                           "type=\"dir\">/etc/a.d</file>") "</metadata>");
    scratch_new();
    for (int round = 0; round < 2; round++) {
        struct solve *s = new_solver();
        struct err e;
        Pool *pool = solve_pool(s);
        AUTO_BUF deps = {0};
        CHECK(load(s, "primary", "p.xml", text, in_scratch("solv"), &e) == 0);
        CHECK(count(s) == 1);
        Solvable *x = pool_id2solvable(pool, 2);
        CHECK_STR(pool_id2str(pool, x->name), "a");
        CHECK_STR(pool_id2str(pool, x->evr), "3:1.0-2.el9");
        CHECK_STR(solvable_lookup_location(x, NULL), "Packages/a.rpm");
        CHECK(solvable_lookup_num(x, SOLVABLE_DOWNLOADSIZE, 0) == 10);
        CHECK(solvable_lookup_num(x, SOLVABLE_INSTALLSIZE, 0) == 20);
        for (Id *d = x->repo->idarraydata + x->provides; *d; d++)
            buf_printf(&deps, "%s; ", pool_dep2str(pool, *d));
        for (Id *d = x->repo->idarraydata + x->requires; *d; d++)
            buf_printf(&deps, "%s; ", *d == SOLVABLE_PREREQMARKER ? "pre" : pool_dep2str(pool, *d));
        CHECK_STR(buf_c(&deps), "b = 2; a = 3:1.0-2.el9; /bin/sh; pre; /bin/sh; ");
        /* Files found for others are not written down. */
        struct solve_request r = {.include = (const char *const[]){"/etc/a"}, .ninclude = 1};
        AUTO_ARENA a = {0};
        struct plan plan;
        CHECK(solve_run(s, &r, &a, &plan, &e) == -1); /* nobody has /bin/sh */
        CHECK_STR(e.msg, "no solution: a (asked for); a Requires: /bin/sh, which no repository has");
        solve_close(s);
    }
    scratch_remove();
}

static struct {
    const char *file, *kind;
    const char *want; /* NULL: read, `packages` of them */
    unsigned packages;
} malformed[] = {
    {"bad_file_type-filelists.xml", "filelists", NULL, 1},
    {"error_00-filelists.xml", "filelists", "error_00-filelists.xml:3: a <package> without a pkgid", 0},
    {"error_00-primary.xml", "primary", NULL, 1},
    {"long_primary.xml", "primary", NULL, 2},
    {"multiple_warnings_00-filelists.xml", "filelists", NULL, 1},
    {"multiple_warnings_00-primary.xml", "primary", NULL, 2},
    {"no_pkgid-filelists.xml", "filelists", "no_pkgid-filelists.xml:7: a <package> without a pkgid", 0},
    {"repo_01_ampersand-filelists.xml", "filelists", NULL, 1},
    {"repo_01_ampersand-primary.xml", "primary", NULL, 1},
    {"repo_02_different_order_filelists.xml", "filelists", NULL, 1},
    {"unknown_element_00-filelists.xml", "filelists", NULL, 1},
    {"unknown_element_00-primary.xml", "primary", NULL, 2},
    {"unknown_element_01-filelists.xml", "filelists", NULL, 1},
    {"unknown_element_01-primary.xml", "primary", NULL, 1},
    {"unknown_element_02-filelists.xml", "filelists", NULL, 1},
    {"unknown_element_02-primary.xml", "primary", NULL, 2},
    {"updateinfo_ampersand.xml", "updateinfo", NULL, 0},
};

/* createrepo_c's own malformed files; it warns where it can go on, and so does this. */
static void malformed_files(void)
{
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        AUTO_BUF text = {0};
        char path[4096];
        struct err e = {0};
        snprintf(path, sizeof path, "%s/evil/repomd-malformed/%s", test_data(), malformed[i].file);
        if (access(path, R_OK) != 0)
            SKIP("the malformed files are not there");
        CHECK(file_read(path, 1 << 24, &text, &e) == 0);
        struct solve *s = new_solver();
        if (strcmp(malformed[i].kind, "filelists") == 0)
            CHECK(load(s, "primary", "p.xml", STR("<metadata>" GOOD "</metadata>"), NULL, &e) == 0);
        int rc = load(s, malformed[i].kind, malformed[i].file, buf_view(&text), NULL, &e);
        CHECK(rc == (malformed[i].want != NULL ? -1 : 0));
        if (malformed[i].want != NULL)
            CHECK_STR(e.msg, malformed[i].want);
        else
            CHECK(count(s) == malformed[i].packages);
        solve_close(s);
    }
}

static void other_files(void)
{
    static const struct {
        const char *kind, *text, *want;
    } t[] = {
        {"group", "<comps><group><packagelist/></group></comps>",
         "x:1: a group whose list stands before its id"},
        {"group", "<comps><group><id> </id></group></comps>", "x:1: a group with no usable id"},
        {"group", "<metadata/>", "x:1: expected the element <comps>, got <metadata>"},
        {"group", "<!DOCTYPE comps []><comps/>", "x:1: a document type declaration, which is not accepted"},
        {"updateinfo", "<comps/>", "x:1: expected the element <updates>, got <comps>"},
        {"updateinfo", "<updates>x</updates>", "x:1: text where <update> was expected"},
        {"filelists", "<filelists/>", "x: its repository's list of packages is not loaded"},
        {"nonsense", "<x/>", "x: nothing reads such an index"},
        {"modules", "---\ndocument: modulemd\ndata:\n  stream: 1\n", "x:4: a module without a name"},
        {"modules", "---\ndocument: modulemd\ndata:\n  name: 1\n...\n", "x:4: a module without a stream"},
        {"modules", "document: modulemd\ndata:\n\tname: 1\n", "x:3: a tab in an indent"},
        {"modules", "<modules/>\n", "x:1: expected KEY: VALUE"},
        {"modules",
         "document: modulemd\ndata:\n  name: a\n  stream: b\n  artifacts:\n    rpms:\n    - a-1.x86_64\n",
         "x:7: an artifact that is no NAME-EPOCH:VERSION-RELEASE.ARCH"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct solve *s = new_solver();
        struct err e;
        CHECK(load(s, t[i].kind, "x", str_c(t[i].text), NULL, &e) == -1 && e.class == ERR_FORMAT);
        CHECK_STR(e.msg, t[i].want);
        solve_close(s);
    }
}

/* What would take for ever is refused. */
static void too_much(void)
{
    AUTO_BUF text = {0};
    struct solve *s = new_solver();
    struct err e;
    buf_puts(&text, "<metadata><package><name>a</name><arch>noarch</arch>" VERSION CHECKSUM SIZE LOCATION
                    "<format>");
    for (int i = 0; i < 100000; i++)
        buf_printf(&text, "<file>/etc/%d/x</file>", i);
    buf_puts(&text, "</format></package></metadata>");
    CHECK(load(s, "primary", "p.xml", buf_view(&text), NULL, &e) == -1);
    CHECK_STR(e.msg, "p.xml:1: more than 60000 directories");
    buf_clear(&text);
    buf_puts(&text, "<metadata><package><name>a</name><arch>noarch</arch>" VERSION CHECKSUM SIZE LOCATION
                    "<format><requires>");
    for (int i = 0; i < 200001; i++)
        buf_puts(&text, "<entry name='b'/>");
    buf_puts(&text, "</requires></format></package></metadata>");
    CHECK(load(s, "primary", "p.xml", buf_view(&text), NULL, &e) == -1);
    CHECK_STR(e.msg, "p.xml:1: a: more than 200000 relations");
    solve_close(s);
}

/* More decoded bytes than the root says, and damaged ones. */
static void compressed(void)
{
    static const unsigned char gz[] = {0x1f, 0x8b, 8,    0,    0,    0,    0,    0,    0,    3,    0xb3, 0xc9,
                                       0x4d, 0x2d, 0x49, 0x4c, 0x49, 0x2c, 0x49, 0xd4, 0xb7, 0x03, 0x00};
    struct solve *s = new_solver();
    struct err e;
    CHECK(load(s, "primary", "p.xml.gz", (struct str){(const char *)gz, sizeof gz}, NULL, &e) == -1);
    CHECK(e.class == ERR_FORMAT && strstr(e.msg, "p.xml.gz: ") == e.msg);
    CHECK(load(s, "primary", "p.xml.zst", STR("<metadata/>"), NULL, &e) == -1);
    CHECK_STR(e.msg, "p.xml.zst: it is not in zst format");
    struct pkgfmt_index ix = {.what = "p.xml", .component = "primary", .open_size = 5};
    struct pkgfmt_repo repo = {.id = "base"};
    AUTO_FD fd = scratch_fd(STR("<metadata/>"));
    CHECK(rpm_index_load(s, fd, &ix, &repo, NULL, &e) == -1);
    CHECK_STR(e.msg, "p.xml: it decodes to more than 5 bytes");
    solve_close(s);
}

int main(void)
{
    RUN(unusable_packages);
    RUN(packages_beside_the_repository);
    RUN(hostile_packages);
    RUN(left_out_silently);
    RUN(one_package);
    RUN(malformed_files);
    RUN(other_files);
    RUN(compressed);
    RUN(too_much);
    return test_done();
}
