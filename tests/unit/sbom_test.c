/* The parts of a bill of materials that a run over a repository does not reach. */
#include "cmd/sbom.h"

#include <errno.h>

#include "base/auto.h"
#include "base/file.h"
#include "pkgfmt/rpm.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static struct plan_pkg pkgs[] = {
    {.name = "zz", .version = "2:1~a+b", .arch = "all", .path = "pool/z z.deb", .repo = 1},
    {.name = "aa", .version = "1", .arch = "amd64", .path = "pool/aa.deb", .repo = 0},
};
static struct distro_repo repos[] = {{.id = "main"}, {.id = "other"}};
static struct source sources[] = {
    {.repo = &repos[0], .urls = {.canonical = "http://u:p@m.example/d"}, .root = {.origin = "Mine"}},
    {.repo = &repos[1], .urls = {.canonical = "FILE:///srv/x"}, .root = {.origin = "Else & Co"}},
};

static struct create_plan made_plan(void)
{
    for (size_t i = 0; i < 2; i++) {
        pkgs[i].digest.kind = i == 0 ? DIGEST_SHA512 : DIGEST_SHA256;
        sources[i].root_digest.kind = DIGEST_SHA256;
    }
    return (struct create_plan){.fmt = pkgfmt_find("deb"),
                                .release = {.distro = "mine",
                                            .title = "Mine",
                                            .name = "one",
                                            .version = "1",
                                            .arch = "amd64",
                                            .set_name = "base"},
                                .sources = sources,
                                .nsources = 2,
                                .plan = {.pkgs = pkgs, .n = 2},
                                .epoch = 1000000000};
}

static void write_as(const struct create_plan *p, const struct pkgfmt_licence *l,
                     const struct digest *archive, struct buf *out)
{
    AUTO_ARENA a = {0};
    struct err e = {0};
    CHECK(sbom_spdx(p, l, archive, &a, out, &e) == 0);
}

static bool has(const struct buf *b, const char *what)
{
    return strstr(buf_c(b), what) != NULL;
}

static void an_archive_has_its_digest(void)
{
    AUTO_BUF with = {0}, without = {0};
    struct create_plan p = made_plan();
    struct digest d = {.kind = DIGEST_SHA256, .bytes = {0xab, 0xcd}};
    write_as(&p, NULL, &d, &with);
    write_as(&p, NULL, NULL, &without);
    CHECK(has(&with, "\"summary\":\"Mine, a root archive\""));
    CHECK(has(&with, "mine/one amd64, set base; signed indexes: main sha256:0000"));
    CHECK(has(&with,
              "\"filesAnalyzed\":false,\"checksums\":[{\"algorithm\":\"SHA256\",\"checksumValue\":\"abcd00"));
    CHECK(has(&without, "\"summary\":\"Mine, a root directory\"") && !has(&without, "abcd00"));
    /* Up to the namespace the two are the same, and no further. */
    const char *at = strstr(with.p, "mine-one-amd64-");
    CHECK(at != NULL && memcmp(with.p, without.p, (size_t)(at - with.p) + 15) == 0);
    CHECK(at != NULL && memcmp(at + 15, without.p + (at + 15 - with.p), 64) != 0);
}

static void says_where_packages_come_from(void)
{
    AUTO_BUF b = {0};
    struct create_plan p = made_plan();
    write_as(&p, NULL, NULL, &b);
    CHECK(has(&b, "\"downloadLocation\":\"http://m.example/d/pool/aa.deb\""));
    CHECK(has(&b, "\"pkg:deb/mine/aa@1?arch=amd64&distro=one\""));
    CHECK(has(&b, "\"supplier\":\"Organization: Else & Co\",\"downloadLocation\":\"NOASSERTION\""));
    CHECK(has(&b, "\"pkg:deb/else%20%26%20co/zz@2:1~a%2Bb?arch=all&distro=one\""));
    CHECK(has(&b, "\"algorithm\":\"SHA512\"") && !has(&b, "/srv/x") && !has(&b, "u:p"));
    CHECK(strstr(b.p, "\"name\":\"aa\"") < strstr(b.p, "\"name\":\"zz\""));
}

/* "Mine Backports" is the distribution's, "Miner" is another's. */
static void tells_vendors_apart(void)
{
    static const struct {
        const char *origin, *want;
    } rows[] = {{"Mine", "pkg:deb/mine/aa@"},   {"MINE Backports", "pkg:deb/mine/aa@"},
                {"", "pkg:deb/mine/aa@"},       {NULL, "pkg:deb/mine/aa@"},
                {"Miner", "pkg:deb/miner/aa@"}, {"Min", "pkg:deb/min/aa@"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_BUF b = {0};
        struct create_plan p = made_plan();
        sources[0].root.origin = rows[i].origin;
        write_as(&p, NULL, NULL, &b);
        CHECK(has(&b, rows[i].want));
        CHECK(has(&b, "\"supplier\":\"NOASSERTION\"") ==
              (rows[i].origin == NULL || rows[i].origin[0] == '\0'));
    }
    sources[0].root.origin = "Mine";
}

static void created_is_a_time_of_four_digits(void)
{
    static const struct {
        int64_t epoch;
        const char *want;
    } rows[] = {{1000000000, "2001-09-09T01:46:40Z"},
                {0, "1970-01-01T00:00:00Z"},
                {INT64_MAX, "1970-01-01T00:00:00Z"},
                {253402300800, "1970-01-01T00:00:00Z"},
                {INT64_MIN, "1970-01-01T00:00:00Z"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_BUF b = {0}, want = {0};
        struct create_plan p = made_plan();
        p.epoch = rows[i].epoch;
        write_as(&p, NULL, NULL, &b);
        buf_printf(&want, "\"created\":\"%s\"", rows[i].want);
        CHECK(has(&b, want.p));
    }
}

static void a_licence_of_two_packages_comes_once(void)
{
    static const struct pkgfmt_licence_ref refs[] = {{"LicenseRef-b", "b", "text"},
                                                     {"LicenseRef-a", "a", "\xff\n\"\\"}};
    const struct pkgfmt_licence licences[] = {{"LicenseRef-a AND LicenseRef-b", refs, 2},
                                              {"LicenseRef-a", refs + 1, 1}};
    AUTO_BUF b = {0};
    struct create_plan p = made_plan();
    write_as(&p, licences, NULL, &b);
    CHECK(has(
        &b, "\"hasExtractedLicensingInfos\":[\n"
            "{\"licenseId\":\"LicenseRef-a\",\"name\":\"a\",\"extractedText\":\"\\ufffd\\u000a\\\"\\\\\"},\n"
            "{\"licenseId\":\"LicenseRef-b\",\"name\":\"b\",\"extractedText\":\"text\"}\n]}\n"));
    CHECK(has(&b, "\"name\":\"zz\"") &&
          strstr(strstr(b.p, "\"name\":\"zz\""), "\"licenseDeclared\":\"LicenseRef-a AND LicenseRef-b\""));
}

/* Whatever order they come in. */
static void identifiers_are_unique(void)
{
    static struct plan_pkg many[] = {
        {.name = "kernel", .version = "6.1-2", .arch = "x86_64", .path = "a", .repo = 0},
        {.name = "kernel", .version = "3:6.1-1", .arch = "noarch", .path = "b", .repo = 0},
        {.name = "kernel", .version = "6.1^-1", .arch = "x86_64", .path = "c", .repo = 0},
        {.name = "a-b", .version = "1", .arch = "c", .path = "d", .repo = 0},
        {.name = "a", .version = "1", .arch = "b-c", .path = "e", .repo = 0},
        {.name = "lone", .version = "1", .arch = "x86_64", .path = "f", .repo = 0},
    };
    AUTO_BUF b = {0}, turned = {0};
    struct create_plan p = made_plan();
    p.plan = (struct plan){.pkgs = many, .n = sizeof many / sizeof *many};
    write_as(&p, NULL, NULL, &b);
    CHECK(has(&b, "\"SPDXRef-Package-kernel-x86X5F64-6.1-2\""));
    CHECK(has(&b, "\"SPDXRef-Package-kernel-x86X5F64-6.1X5E-1\""));
    CHECK(has(&b, "\"SPDXRef-Package-kernel-noarch\""));
    CHECK(has(&b, "\"SPDXRef-Package-a-b-c-1-X-1\"") && has(&b, "\"SPDXRef-Package-a-b-c-1-X-2\""));
    CHECK(has(&b, "\"SPDXRef-Package-lone-x86X5F64\""));
    for (size_t i = 0; i < p.plan.n / 2; i++) {
        struct plan_pkg x = many[i];
        many[i] = many[p.plan.n - 1 - i];
        many[p.plan.n - 1 - i] = x;
    }
    write_as(&p, NULL, NULL, &turned);
    CHECK_STR(buf_c(&turned), buf_c(&b));
}

static void nothing_to_install(void)
{
    AUTO_BUF b = {0};
    struct create_plan p = made_plan();
    p.plan.n = 0;
    sources[0].root_digest.kind = sources[1].root_digest.kind = DIGEST_NONE;
    write_as(&p, NULL, NULL, &b);
    CHECK(has(&b, "\"sourceInfo\":\"mine/one amd64, set base\""));
    CHECK(has(&b, "\"relationships\":[\n{\"spdxElementId\":\"SPDXRef-DOCUMENT\"") && !has(&b, "CONTAINS"));
}

/* The epoch and the distribution's name as a format has them whose package URLs part them. */
static void a_format_may_part_package_urls(void)
{
    AUTO_BUF b = {0};
    struct create_plan p = made_plan();
    const struct pkgfmt apart = {.purl_type = "rpm", .purl_apart = true};
    p.fmt = &apart;
    write_as(&p, NULL, NULL, &b);
    CHECK(has(&b, "\"pkg:rpm/mine/aa@1?arch=amd64&distro=mine-one\""));
    CHECK(has(&b, "\"pkg:rpm/else%20%26%20co/zz@1~a%2Bb?arch=all&distro=mine-one&epoch=2\""));
    CHECK(has(&b, "\"versionInfo\":\"2:1~a+b\""));
}

/* A format whose packages say their licence themselves. */
static int said(const struct pkgfmt_package *p, struct arena *a, struct str *text, struct err *e)
{
    if (p->fd < 0)
        return err_set(e, ERR_FORMAT, "no package");
    *text = str_c(arena_printf(a, "MIT and Nr. %d", p->fd));
    return 0;
}

static void takes_licences_of_packages(void)
{
    struct err e = {0};
    struct create_plan p = made_plan();
    struct job j = {.opt = {.sbom = "s"}};
    const struct pkgfmt fmt = {.purl_type = "x", .licence_text = said, .licence_read = rpm_licence_read};
    scratch_new();
    j.opt.sbom = in_scratch("s");
    p.fmt = &fmt;
    CHECK(sbom_watch(&j, &p, NULL, &e) == 0 && p.sbom != NULL);
    for (int again = 0; again < 2; again++)
        CHECK(sbom_take(p.sbom, &(struct pkgfmt_package){.fd = 1 + again, .pkg = &pkgs[1], .index = 1}, &e) ==
              0);
    CHECK(sbom_take(p.sbom, &(struct pkgfmt_package){.fd = -1, .pkg = &pkgs[0]}, &e) < 0);
    CHECK_STR(e.msg, "zz: no package");
    CHECK(sbom_write(&j, &p, NULL, &e) == 0);
    AUTO_BUF b = {0};
    CHECK(file_read(j.opt.sbom, 1 << 20, &b, &e) == 0);
    const char *aa = strstr(buf_c(&b), "\"name\":\"aa\""), *zz = strstr(buf_c(&b), "\"name\":\"zz\"");
    CHECK(aa != NULL && zz != NULL);
    if (aa != NULL && zz != NULL) {
        CHECK(strstr(aa, "\"licenseDeclared\":\"LicenseRef-Nr.-2 AND MIT\"") < zz);
        CHECK(strstr(zz, "\"licenseDeclared\":\"NOASSERTION\"") != NULL);
    }
    CHECK(has(&b, "{\"licenseId\":\"LicenseRef-Nr.-2\",\"name\":\"Nr. 2\"") && !has(&b, "Nr. 1"));
    sbom_free(p.sbom);
    scratch_remove();
}

/* Neither in files nor in headers: nothing is collected. */
static void a_format_may_have_no_licences(void)
{
    struct err e = {0};
    struct create_plan p = made_plan();
    struct job j = {.opt = {.sbom = "s"}};
    const struct pkgfmt fmt = {.purl_type = "x"};
    p.fmt = &fmt;
    CHECK(sbom_watch(&j, &p, NULL, &e) == 0 && p.sbom == NULL);
}

static void files_beside_each_other_are_fine(void)
{
    struct err e = {0};
    struct options o = {0};
    scratch_new();
    CHECK(sbom_check(&o, "t", &e) == 0);
    o.manifest = in_scratch("m");
    o.sbom = in_scratch("s");
    CHECK(sbom_check(&o, in_scratch("t"), &e) == 0);
    CHECK(sbom_check(&o, o.sbom, &e) < 0 && e.class == ERR_USAGE);
    o.sbom = "sbom-of-this-directory.json";
    o.manifest = "/manifest-of-the-root";
    CHECK(sbom_check(&o, NULL, &e) == 0 || e.sys == EACCES || e.sys == EROFS);
    scratch_remove();
}

int main(void)
{
    RUN(an_archive_has_its_digest);
    RUN(says_where_packages_come_from);
    RUN(tells_vendors_apart);
    RUN(created_is_a_time_of_four_digits);
    RUN(a_licence_of_two_packages_comes_once);
    RUN(identifiers_are_unique);
    RUN(nothing_to_install);
    RUN(a_format_may_part_package_urls);
    RUN(takes_licences_of_packages);
    RUN(a_format_may_have_no_licences);
    RUN(files_beside_each_other_are_fine);
    return test_done();
}
