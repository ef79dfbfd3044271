#include "mirrors/metalink.h"

#include "base/auto.h"
#include "base/file.h"
#include "tests/unit/test.h"

#define PATH   "repodata/repomd.xml"
#define HEAD   "<?xml version=\"1.0\"?><metalink version=\"3.0\" xmlns=\"http://www.metalinker.org/\"><files>"
#define BEGIN  HEAD "<file name=\"repomd.xml\">"
#define END    "</file></files></metalink>"
#define SHA256 "0076c44aabd352da878d5c4d794901ac87f66afac869488f6a4ef166de018cdf"

/* "sha256:0076/4309 ... | URL URL", or the error. */
static const char *parse(const char *name, struct str text, struct arena *a)
{
    AUTO_BUF b = {0};
    struct mirror_list l;
    struct err e = {0};
    char hex[DIGEST_HEX_MAX];
    if (metalink_parse(name, text, PATH, a, &l, &e) < 0) {
        CHECK(e.class == ERR_FORMAT);
        return arena_dup(a, e.msg);
    }
    for (size_t i = 0; i < l.nroots; i++)
        buf_printf(&b, "%s:%.4s/%llu ", digest_name(l.roots[i].digest.kind),
                   digest_hex(&l.roots[i].digest, hex), (unsigned long long)l.roots[i].size);
    buf_putc(&b, '|');
    for (size_t i = 0; i < l.n; i++)
        buf_printf(&b, " %s", l.url[i]);
    return arena_str(a, buf_view(&b));
}

static void real_files(void)
{
    static const struct {
        const char *file, *begins;
        size_t n; /* URLs */
    } rows[] = {
        {"librepo/test_data/metalinks/metalink_good_01",
         "sha512:884d/4309 | http://mirror.pnl.gov/fedora/linux/releases/17/Everything/x86_64/os "
         "http://mirrors.syringanetworks.net/fedora/releases/17/Everything/x86_64/os "
         "http://ftp.linux.ncsu.edu/",
         0},
        {"librepo/test_data/metalinks/metalink_good_02",
         "| http://mirrors.syringanetworks.net/fedora/releases/17/Everything/x86_64/os "
         "http://mirror.pnl.gov/fedora/linux/releases/17/Everything/x86_64/os",
         2},
        {"librepo/test_data/metalinks/metalink_good_03", "|", 0},
        {"librepo/test_data/metalinks/metalink_bad_01",
         "sha512:884d/0 | http://mirror.pnl.gov/fedora/linux/releases/17/Everything/x86_64/os", 1},
        {"librepo/test_data/metalinks/metalink_bad_02", "|", 0},
        {"librepo/test_data/metalinks/metalink_really_bad_01",
         "librepo/test_data/metalinks/metalink_really_bad_01:", 0},
        {"librepo/test_data/metalinks/metalink_really_bad_02",
         "librepo/test_data/metalinks/metalink_really_bad_02:", 0},
        {"librepo/test_data/metalinks/metalink_really_bad_03",
         "librepo/test_data/metalinks/metalink_really_bad_03:", 0},
        {"librepo/test_data/metalinks/metalink_with_alternates",
         "sha512:c076/4761 sha512:bd9d/4761 | "
         "http://www.mirrorservice.org/sites/dl.fedoraproject.org/pub/fedora/linux/updates/19/x86_64 "
         "http://mirror.sov.uk.goscomb.net/fedora/linux/updates/19/x86_64",
         0},
        {"bazeldnf-fc32-el8/metalink", "sha512:", 0},
        {"librepo/test_data/metalink.xml", "sha512:", 0},
        {"librepo/test_data/repo_yum_01/metalink.xml", "sha512:", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_ARENA a = {0};
        AUTO_BUF b = {0};
        struct err e = {0};
        const char *path = arena_printf(&a, "%s/repomd/%s", test_data(), rows[i].file);
        if (file_read(path, MIRROR_LIST_BYTES, &b, &e) < 0)
            SKIP("no test data");
        const char *got = parse(rows[i].file, buf_view(&b), &a);
        if (strncmp(got, rows[i].begins, strlen(rows[i].begins)) != 0)
            CHECK_STR(got, rows[i].begins);
        size_t n = 0;
        for (const char *p = got; (p = strstr(p, " http")) != NULL; p++)
            n++;
        CHECK(rows[i].n == 0 || n == rows[i].n);
        CHECK(strstr(got, " ftp:") == NULL && strstr(got, " rsync:") == NULL);
    }
}

static void texts(void)
{
    static const char *const rows[][2] = {
        {BEGIN "<verification><hash type=\"sha256\"> " SHA256 "\n</hash></verification>" END,
         "sha256:0076/0 |"},
        /* Weak ones, wrong lengths and unknown kinds say nothing. */
        {BEGIN "<verification><hash type=\"md5\">20b6d77930574ae541108e8e7987ad3f</hash>"
               "<hash type=\"sha1\">4a5ae1831a567b58e2e0f0de1529ca199d1d8319</hash>"
               "<hash type=\"sha256\">0076</hash><hash>" SHA256 "</hash></verification>" END,
         "|"},
        {BEGIN "<size>12</size><size>x</size><verification><hash type=\"sha256\">" SHA256
               "</hash></verification>" END,
         "sha256:0076/0 |"},
        /* Alternates alone: better than nothing. */
        {BEGIN
         "<a:alternates xmlns:a=\"x\"><a:alternate><size>7</size><verification><hash type=\"sha256\">" SHA256
         "</hash></verification></a:alternate><a:alternate/></a:alternates>" END,
         "sha256:0076/7 |"},
        /* By preference, https first among equals; anything else is left out. */
        {BEGIN "<resources><url preference=\"1\">http://a.example/x/repodata/repomd.xml</url>"
               "<url preference=\"9\">http://b.example/repodata/repomd.xml</url>"
               "<url preference=\"9\">https://c.example/y/repodata/repomd.xml</url>"
               "<url preference=\"400\">http://d.example/y/repodata/repomd.xml</url>"
               "<url preference=\"9\">http://b.example/repodata/repomd.xml</url>"
               "<url>https://e.example/repomd.xml</url><url>repodata/repomd.xml</url>"
               "<url>file:///etc/repodata/repomd.xml</url><url>https://f.example/xrepodata/repomd.xml</url>"
               "<url preference=\"100\"/></resources>" END,
         "| http://d.example/y https://c.example/y http://b.example http://a.example/x"},
        /* The first entry of the name counts. */
        {BEGIN "</file><file name=\"repomd.xml\"><resources><url>https://a.example/repodata/repomd.xml</url>"
               "</resources>" END,
         "|"},
        {HEAD "</files></metalink>", "m:1: the metalink has no entry for repodata/repomd.xml"},
        {"<metalink/>", "m:1: the metalink has no entry for repodata/repomd.xml"},
        {"<html></html>", "m:1: not a metalink"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_ARENA a = {0};
        CHECK_STR(parse("m", str_c(rows[i][0]), &a), rows[i][1]);
    }
}

static void malformed(void)
{
    static const char *const rows[] = {
        "",
        "# repo = fedora-99 error: invalid repo\n",
        BEGIN,
        BEGIN "<size>1<b/></size>" END,
        BEGIN "<resources><url>http://a.example/<b/></url></resources>" END,
        "<!DOCTYPE x [<!ENTITY a \"b\">]>" BEGIN END,
        BEGIN END "<x/>",
        BEGIN "</resources>" END,
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_ARENA a = {0};
        struct mirror_list l;
        struct err e = {0};
        CHECK(metalink_parse("m", str_c(rows[i]), PATH, &a, &l, &e) == -1);
        CHECK(e.class == ERR_FORMAT && strncmp(e.msg, "m:", 2) == 0);
    }
}

static void every_cut(void)
{
    static const char whole[] =
        BEGIN "<size>4</size><verification><hash type=\"sha256\">" SHA256
              "</hash></verification><resources><url>http://a.example/" PATH "</url></resources>" END;
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        AUTO_ARENA a = {0};
        struct mirror_list l;
        struct err e = {0};
        CHECK(metalink_parse("m", (struct str){whole, n}, PATH, &a, &l, &e) == -1);
    }
    AUTO_ARENA a = {0};
    CHECK_STR(parse("m", STR(whole), &a), "sha256:0076/4 | http://a.example");
}

static void bounds(void)
{
    AUTO_ARENA a = {0};
    AUTO_BUF b = {0};
    struct mirror_list l;
    struct err e = {0};
    buf_puts(&b, BEGIN "<alternates>");
    for (unsigned i = 0; i < 1000; i++)
        buf_puts(&b, "<alternate><verification><hash type=\"sha256\">" SHA256
                     "</hash></verification></alternate>");
    buf_puts(&b, "</alternates><resources>");
    for (unsigned i = 0; i < 5000; i++)
        buf_printf(&b, "<url preference=\"%u\">http://h%u.example/" PATH "</url>", i, i);
    buf_puts(&b, "</resources>" END);
    CHECK(metalink_parse("m", buf_view(&b), PATH, &a, &l, &e) == 0);
    CHECK(l.n == MIRROR_LIST_MAX && l.nroots <= MIRROR_LIST_ROOTS_MAX);
    CHECK_STR(l.url[0], "http://h100.example");
}

int main(void)
{
    RUN(real_files);
    RUN(texts);
    RUN(malformed);
    RUN(every_cut);
    RUN(bounds);
    return test_done();
}
