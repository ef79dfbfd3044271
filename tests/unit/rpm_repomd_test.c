#include "tests/unit/test.h"

#include "pkgfmt/rpm_repomd.h"
#include "tests/unit/rpm_repo.h"

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DATA(type, name, rest)                                                                               \
    "<data type=\"" type "\"><checksum type=\"sha256\">" SUM "</checksum><location href=\"repodata/" name    \
    "\"/><size>7</size>" rest "</data>"
#define PRIMARY DATA("primary", "p.xml.gz", "<open-size>99</open-size>")

static int list(struct str text, bool security, struct arena *a, struct pkgfmt_index **ix, size_t *n,
                struct err *e)
{
    struct pkgfmt_query q = {.suite = "", .arch = "x86_64", .security = security};
    memset(e, 0, sizeof *e);
    return rpm_index_list(text, &q, a, ix, n, e);
}

static void good(void)
{
    static const struct {
        const char *text;
        bool security;
        const char *want; /* KIND PATH, LATER with a star */
    } t[] = {
        {"<repomd>" PRIMARY "</repomd>", false, "primary repodata/p.xml.gz; "},
        {"<repomd>" PRIMARY DATA("primary_db", "p.sqlite.xz", "") DATA("primary_zck", "p.xml.zck", "")
             DATA("other", "o.xml.gz", "") "</repomd>",
         true, "primary repodata/p.xml.gz; "},
        {"<repomd>" PRIMARY DATA("primary_zst", "p.xml.zst", "")
             DATA("primary_xz", "p.xml.xz", "") "</repomd>",
         false, "primary repodata/p.xml.zst; "},
        {"<repomd>" DATA("filelists", "f.xml.xz", "") DATA("group", "c.xml", "")
             DATA("group_xz", "c.xml.xz", "") DATA("group_zck", "c.xml.zck", "")
                 DATA("modules", "m.yaml.gz", "") DATA("updateinfo", "u.xml.zst", "") PRIMARY "</repomd>",
         true,
         "primary repodata/p.xml.gz; group repodata/c.xml.xz; modules repodata/m.yaml.gz; updateinfo "
         "repodata/u.xml.zst; "
         "filelists repodata/f.xml.xz*; "},
        {"<repomd>" DATA("updateinfo", "u.xml.zst", "") PRIMARY "</repomd>", false,
         "primary repodata/p.xml.gz; "},
        /* What is not fetched may be as it likes. */
        {"<repomd>" PRIMARY
         "<data type=\"deltainfo\"><checksum type=\"sha\">x</checksum><location href=\"../x\"/></data>"
         "<data type=\"productid\"/></repomd>",
         false, "primary repodata/p.xml.gz; "},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        AUTO_ARENA a = {0};
        AUTO_BUF got = {0};
        struct pkgfmt_index *ix;
        size_t n = 0;
        struct err e;
        CHECK(list(str_c(t[i].text), t[i].security, &a, &ix, &n, &e) == 0);
        for (size_t k = 0; k < n; k++) {
            buf_printf(&got, "%s %s%s; ", ix[k].component, ix[k].path, ix[k].later ? "*" : "");
            CHECK(ix[k].size == 7 && ix[k].digest.kind == DIGEST_SHA256);
        }
        CHECK_STR(buf_c(&got), t[i].want);
        CHECK(ix[0].open_size == (strstr(ix[0].path, ".gz") ? 99U : 0U));
    }
}

static void bad(void)
{
    static const struct {
        const char *text, *want;
    } t[] = {
        {"", "repomd.xml:1: no element in it: this is no XML"},
        {"<metadata/>", "repomd.xml:1: expected the element <repomd>, got <metadata>"},
        {"<html><body>404</body></html>", "repomd.xml:1: expected the element <repomd>, got <html>"},
        {"<repomd/>", "repomd.xml: it names no primary, the list of packages"},
        {"<repomd>" DATA("primary_db", "p", "") "</repomd>",
         "repomd.xml: it names no primary, the list of packages"},
        {"<repomd>" PRIMARY PRIMARY "</repomd>", "repomd.xml: two entries of type primary"},
        {"<repomd>" PRIMARY DATA("group", "c", "") DATA("group", "c", "") "</repomd>",
         "repomd.xml: two entries of type group"},
        {"<repomd>\n<data><location href=\"x\"/></data></repomd>",
         "repomd.xml:2: a <data> element without a type"},
        {"<repomd><data type=\"primary\"/></repomd>", "repomd.xml: primary has no location"},
        {"<repomd><data type=\"primary\"><location href=\"p\"/></data></repomd>",
         "repomd.xml: primary has no checksum"},
        {"<repomd><data type=\"primary\"><location href=\"p\"/><checksum "
         "type=\"sha\">1</checksum></data></repomd>",
         "repomd.xml: primary has a sha checksum, which proves nothing; expected sha256 or better"},
        {"<repomd><data type=\"primary\"><location href=\"p\"/><checksum "
         "type=\"md5\">1</checksum></data></repomd>",
         "repomd.xml: primary has a md5 checksum, which proves nothing; expected sha256 or better"},
        {"<repomd><data type=\"primary\"><checksum type=\"sha256\">12</checksum></data></repomd>",
         "repomd.xml:1: expected a sha256 checksum, got `12'"},
        {"<repomd>" DATA("primary", "../../x.xml", "") "</repomd>",
         "repomd.xml: the location of primary is no path below the repository: `repodata/../../x.xml'"},
        {"<repomd><data type=\"primary\"><location href=\"p\" xml:base=\"http://x/\"/><checksum "
         "type=\"sha256\">" SUM "</checksum></data></repomd>",
         "repomd.xml: the location of primary is no path below the repository: `p' with a base elsewhere"},
        {"<repomd>" DATA("primary", "p.xml.zck", "") "</repomd>",
         "repomd.xml: primary is there in no form that is read here: `repodata/p.xml.zck'"},
        {"<repomd><data type=\"primary\"><size>-1</size></data></repomd>",
         "repomd.xml:1: expected a size in bytes, got `-1'"},
        {"<repomd><data type=\"primary\"><size>99999999999999</size></data></repomd>",
         "repomd.xml:1: expected a size in bytes, got `99999999999999'"},
        {"<repomd>x</repomd>", "repomd.xml:1: text where an element was expected"},
        {"<repomd><data type=\"x\">x</data></repomd>", "repomd.xml:1: text where an element was expected"},
        {"<repomd>" PRIMARY, "repomd.xml:1: the file ends inside element repomd"},
        {"<repomd>" PRIMARY "</repomd><x/>", "repomd.xml:1: a second root element"},
        {"<!DOCTYPE repomd [<!ENTITY a 'b'>]><repomd/>",
         "repomd.xml:1: a document type declaration, which is not accepted"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        AUTO_ARENA a = {0};
        struct pkgfmt_index *ix;
        size_t n = 0;
        struct err e;
        CHECK(list(str_c(t[i].text), false, &a, &ix, &n, &e) == -1 && e.class == ERR_FORMAT);
        CHECK_STR(e.msg, t[i].want);
    }
}

static void bounds(void)
{
    AUTO_ARENA a = {0};
    AUTO_BUF b = {0};
    struct rpm_repomd r;
    struct err e;
    buf_puts(&b, "<repomd>");
    for (int i = 0; i < 201; i++)
        buf_printf(&b, "<data type=\"t%d\"/>", i);
    buf_puts(&b, "</repomd>");
    CHECK(rpm_repomd_parse(buf_view(&b), &a, &r, &e) == -1);
    CHECK_STR(e.msg, "repomd.xml:1: more than 200 <data> elements");
    while (b.n <= 4 << 20)
        buf_puts(&b, "                                                                ");
    CHECK(rpm_repomd_parse(buf_view(&b), &a, &r, &e) == -1);
    CHECK(strstr(e.msg, "more than 4194304") != NULL);
}

static void root(void)
{
    static const struct {
        const char *text;
        int64_t date;
        const char *origin;
    } t[] = {
        {"<repomd><revision>1712746000</revision>" DATA("primary", "p",
                                                        "<timestamp>1712746999</timestamp>") "</repomd>",
         1712746000, ""},
        {"<repomd><revision>9-stream</revision><tags><content>x</content><distro cpeid=\"y\">CentOS Stream "
         "9</distro>"
         "<distro>Z</distro></tags>" DATA("a", "p", "<timestamp>1712746999.25</timestamp>")
             DATA("b", "p", "<timestamp>1712740000</timestamp>") "</repomd>",
         1712746999, "CentOS Stream 9"},
        {"<repomd><revision>20240410</revision></repomd>", 0, ""},
        {"<repomd><revision>99999999999999</revision><data "
         "type=\"x\"><timestamp>-5</timestamp></data></repomd>",
         0, ""},
        {"<repomd/>", 0, ""},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        AUTO_ARENA a = {0};
        struct pkgfmt_root r;
        struct err e;
        CHECK(rpm_root_parse(str_c(t[i].text), &a, &r, &e) == 0);
        CHECK(r.date == t[i].date && r.valid_until == 0);
        CHECK_STR(r.origin, t[i].origin);
        CHECK_STR(r.suite, "");
        CHECK_STR(r.codename, "");
    }
}

static void paths(void)
{
    struct pkgfmt_query q = {.suite = "9-stream/BaseOS/x86_64/os"};
    struct arena a = {0};
    CHECK(rpm_root_path(&q, 0, &a) == NULL && rpm_root_path(&q, 3, &a) == NULL);
    CHECK_STR(rpm_root_path(&q, 1, &a), "repodata/repomd.xml");
    CHECK_STR(rpm_root_path(&q, 2, &a), "repodata/repomd.xml.asc");
}

/* Every repomd.xml of the test data: read, or an error that says why. */
static void real_ones(void)
{
    static const struct {
        const char *dir, *want; /* NULL: fine */
    } t[] = {
        {"repomd/c9s-baseos-20240410/baseos", NULL},
        {"repomd/c9s-baseos-20240410/custom", NULL},
        {"repomd/c9s-appstream-20250113", NULL},
        {"repomd/dnf-ci-repos/dnf-ci-fedora", NULL},
        {"repomd/signed-empty", NULL},
        {"repomd/md_playground", NULL},
        {"repomd/librepo/test_data/repo_yum_01",
         "repomd.xml: primary has a sha1 checksum, which proves nothing; expected sha256 or better"},
        {"repomd/librepo/test_data/repo_yum_02", NULL},
        {"repomd/librepo/test_data/repo_yum_03", NULL},
        {"repomd/opensuse-libzypp/11.0-update",
         "repomd.xml: primary has a sha checksum, which proves nothing; expected sha256 or better"},
        {"evil/repomd-malformed/missing_type-repomd.xml", "repomd.xml:12: a <data> element without a type"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        AUTO_ARENA a = {0};
        AUTO_BUF text = {0};
        struct pkgfmt_index *ix;
        size_t n;
        struct err e = {0};
        struct rpm_repo r = {.dir = arena_printf(&a, "%s/%s", test_data(), t[i].dir)};
        const char *path = strstr(t[i].dir, ".xml") ? r.dir : rpm_repo_file(&a, &r, "repodata/repomd.xml");
        if (access(path, R_OK) != 0)
            SKIP("the repositories are not there");
        CHECK(file_read(path, 1 << 24, &text, &e) == 0);
        int rc = list(buf_view(&text), true, &a, &ix, &n, &e);
        CHECK(rc == (t[i].want ? -1 : 0));
        CHECK_STR(e.msg, t[i].want ? t[i].want : "");
    }
}

int main(void)
{
    RUN(good);
    RUN(bad);
    RUN(bounds);
    RUN(root);
    RUN(paths);
    RUN(real_ones);
    return test_done();
}
