/* Called with `-`, it is a filter for tests/flow/rpm_licence.sh: tags in, a line each; out TAG, expression
   and the references' ID=NAME, parted by |, all parted by tabs. */
#include "pkgfmt/rpm_licence.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/auto.h"
#include "tests/unit/test.h"

static void add_refs(const struct pkgfmt_licence *l, struct buf *out)
{
    for (size_t i = 0; i < l->nrefs; i++)
        buf_printf(out, "%s%s=%s", i > 0 ? "|" : "", l->refs[i].id, l->refs[i].name);
}

static void check(const char *tag, const char *want, const char *want_refs)
{
    AUTO_ARENA a = {0};
    AUTO_BUF refs = {0};
    struct pkgfmt_licence l;
    rpm_licence_read(str_c(tag), &a, &l);
    add_refs(&l, &refs);
    CHECK_STR(l.expression != NULL ? l.expression : "none", want);
    CHECK_STR(buf_c(&refs), want_refs);
}

/* Fedora since 38, EL 10. */
static void reads_spdx(void)
{
    check("MIT", "MIT", "");
    check("GPL-2.0-or-later", "GPL-2.0-or-later", "");
    check("(GPL-2.0-only WITH Linux-syscall-note) OR BSD-3-Clause",
          "BSD-3-Clause OR GPL-2.0-only WITH Linux-syscall-note", "");
    check("Apache-2.0 WITH LLVM-exception OR NCSA", "Apache-2.0 WITH LLVM-exception OR NCSA", "");
    check("(Apache-2.0 OR MIT) AND ((Apache-2.0 OR MIT) AND BSD-3-Clause) AND ( ISC )",
          "(Apache-2.0 OR MIT) AND BSD-3-Clause AND ISC", "");
    check("MIT or Apache-2.0 and ISC", "(Apache-2.0 AND ISC) OR MIT", "");
    check("bsd-3-clause AND zlib And GPL-3.0-Or-Later WITH gcc-exception-3.1",
          "BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1 AND Zlib", "");
    check("GPL-2.0+ and LGPL-2.1", "GPL-2.0-or-later AND LGPL-2.1-only", "");
    check("MPL-1.1+", "MPL-1.1+", "");
    check("ZPL-2.1 AND LicenseRef-Fedora-Public-Domain", "LicenseRef-Fedora-Public-Domain AND ZPL-2.1",
          "LicenseRef-Fedora-Public-Domain=Fedora-Public-Domain");
    check("GPL-3.0-or-later WITH GPL-3.0-389-ds-base-exception AND MIT",
          "LicenseRef-GPL-3.0-or-later-WITH-GPL-3.0-389-ds-base-exception AND MIT",
          "LicenseRef-GPL-3.0-or-later-WITH-GPL-3.0-389-ds-base-exception="
          "GPL-3.0-or-later WITH GPL-3.0-389-ds-base-exception");
}

/* Fedora before, EL 7 to 9. */
static void reads_old_names(void)
{
    check("GPLv2+ and LGPLv2+ and (BSD or MIT)",
          "(LicenseRef-BSD OR MIT) AND GPL-2.0-or-later AND LGPL-2.0-or-later", "LicenseRef-BSD=BSD");
    check("ASL 2.0", "Apache-2.0", "");
    check("Public Domain", "LicenseRef-Public-Domain", "LicenseRef-Public-Domain=Public Domain");
    check("GPLv3+ with exceptions", "LicenseRef-GPLv3plus-with-exceptions",
          "LicenseRef-GPLv3plus-with-exceptions=GPLv3+ with exceptions");
    check("zlib and Boost", "BSL-1.0 AND Zlib", "");
    check("GPL+ or Artistic", "Artistic-1.0-Perl OR GPL-1.0-or-later", "");
    check("GPL", "GPL-1.0-or-later", "");
    check("MPLv1.1 or GPLv2 or LGPLv2", "GPL-2.0-only OR LGPL-2.0-only OR MPL-1.1", "");
    check("MPLv2.0 and AGPLv3+ and LGPLv3 and LGPLv2.1+",
          "AGPL-3.0-or-later AND LGPL-2.1-or-later AND LGPL-3.0-only AND MPL-2.0", "");
    check("BSD with advertising and BSD with attribution and zlib with acknowledgement",
          "BSD-3-Clause-Attribution AND BSD-4-Clause AND zlib-acknowledgement", "");
    check("Artistic 2.0 or Artistic clarified", "Artistic-2.0 OR ClArtistic", "");
    check("Inner-Net and ISC and Bitstream Vera and psfrag",
          "Bitstream-Vera AND ISC AND Inner-Net-2.0 AND psfrag", "");
    check("CC-BY and CC-BY-SA-3.0 and CC0 and OFL and EPL",
          "CC-BY-SA-3.0 AND CC0-1.0 AND EPL-1.0 AND LicenseRef-CC-BY AND OFL-1.1", "LicenseRef-CC-BY=CC-BY");
    check("CC0 and Redistributable, no modification permitted",
          "CC0-1.0 AND LicenseRef-Redistributable-no-modification-permitted-f5ad17e56f43",
          "LicenseRef-Redistributable-no-modification-permitted-f5ad17e56f43="
          "Redistributable, no modification permitted");
}

/* openSUSE before SPDX. */
static void reads_older_names(void)
{
    check("GPL v2 or later", "GPL-2.0-or-later", "");
    check("GPL v2 only; GPL v3 only", "GPL-2.0-only AND GPL-3.0-only", "");
    check("BSD 3-Clause; LGPL v2.0 or later; X11/MIT", "BSD-3-Clause AND LGPL-2.0-or-later AND MIT", "");
    check("GPL v2 or later or ISC", "GPL-2.0-or-later OR ISC", "");
    check("ISC or MIT; zlib or X11", "(ISC OR MIT) AND (X11 OR Zlib)", "");
    check("Any permissive; X11/MIT", "LicenseRef-Any-permissive AND MIT",
          "LicenseRef-Any-permissive=Any permissive");
}

static void takes_free_text_whole(void)
{
    check("GNU Free Documentation License, Version 1.1 (GFDL 1.1)",
          "LicenseRef-GNU-Free-Documentation-License-Version-1.1-GFDL-1.1-22e96d9dc4db",
          "LicenseRef-GNU-Free-Documentation-License-Version-1.1-GFDL-1.1-22e96d9dc4db="
          "GNU Free Documentation License, Version 1.1 (GFDL 1.1)");
    check("GPLv2 and", "LicenseRef-GPLv2-and", "LicenseRef-GPLv2-and=GPLv2 and");
    check("with exceptions", "LicenseRef-with-exceptions", "LicenseRef-with-exceptions=with exceptions");
    check("GPLv2 with", "LicenseRef-GPLv2-with", "LicenseRef-GPLv2-with=GPLv2 with");
    check("MIT \n\t  or\r\n later ", "MIT+", "");
    check("or later", "LicenseRef-or-later", "LicenseRef-or-later=or later");
    check("\n Some\n  License ", "LicenseRef-Some-License", "LicenseRef-Some-License=Some License");
    check("LicenseRef-", "LicenseRef-LicenseRef-72202dc79bdd",
          "LicenseRef-LicenseRef-72202dc79bdd=LicenseRef-");
    check("\xff\xfe\x80", "LicenseRef-b632bfa9c60b", "LicenseRef-b632bfa9c60b=\xff\xfe\x80");
}

static void says_nothing_of_nothing(void)
{
    check("", "none", "");
    check(" \n", "none", "");
    AUTO_ARENA a = {0};
    struct pkgfmt_licence l;
    rpm_licence_read((struct str){"MIT\0ISC", 7}, &a, &l);
    CHECK(l.expression == NULL && l.nrefs == 0);
    rpm_licence_read((struct str){0}, &a, &l);
    CHECK(l.expression == NULL && l.nrefs == 0);
}

static void repeated(struct buf *b, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        buf_puts(b, what);
}

/* n times open, MIT, n times shut. */
static void deep(size_t n, bool good)
{
    AUTO_ARENA a = {0};
    AUTO_BUF b = {0};
    struct pkgfmt_licence l;
    repeated(&b, n, "(");
    buf_puts(&b, "MIT");
    repeated(&b, n, ")");
    rpm_licence_read(buf_view(&b), &a, &l);
    CHECK(good ? strcmp(l.expression, "MIT") == 0 && l.nrefs == 0
               : strncmp(l.expression, "LicenseRef-MIT-", 15) == 0 && l.nrefs == 1);
}

static void bounds_hostile_ones(void)
{
    AUTO_ARENA a = {0};
    AUTO_BUF fits = {0}, large = {0}, names = {0}, open = {0};
    struct pkgfmt_licence l;
    deep(RPM_LICENCE_DEPTH, true);
    deep(RPM_LICENCE_DEPTH + 1, false);
    deep(1000000, false);
    repeated(&open, 5000000, "(");
    rpm_licence_read(buf_view(&open), &a, &l);
    CHECK(l.nrefs == 1 && strlen(l.expression) < 100 && strlen(l.refs[0].name) == LICENCE_NAME_MAX);
    repeated(&fits, 2000, "MIT or ");
    buf_puts(&fits, "MIT");
    rpm_licence_read(buf_view(&fits), &a, &l);
    CHECK_STR(l.expression, "MIT");
    repeated(&large, 500000, "MIT or ");
    buf_puts(&large, "MIT");
    rpm_licence_read(buf_view(&large), &a, &l);
    CHECK(l.nrefs == 1 && strlen(l.expression) < 100 && strlen(l.refs[0].text) < 100);
    for (int i = 0; i <= LICENCE_TERMS_MAX; i++)
        buf_printf(&names, "%sn%d", i > 0 ? ";" : "", i);
    rpm_licence_read(buf_view(&names), &a, &l);
    CHECK(l.nrefs == 1 && strcmp(l.expression, l.refs[0].id) == 0 && strlen(l.refs[0].text) == names.n);
}

static void reads_the_header(void)
{
    static const struct {
        const char *file, *want;
    } rows[] = {{"rpm-upstream/hello-1.0-1.i386.rpm", "GPL"}, {"rpm-upstream/foo-1.0-1.src.rpm", "GPLv2+"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_ARENA a = {0};
        struct str text = {0};
        struct err e = {0};
        AUTO_FD fd = open(arena_printf(&a, "%s/rpm/%s", test_data(), rows[i].file), O_RDONLY);
        if (fd < 0)
            SKIP("no test data beside the project ($ZONESTRAP_TEST_DATA)");
        CHECK(rpm_licence_text(&(struct pkgfmt_package){.fd = fd}, &a, &text, &e) == 0);
        CHECK_STR(arena_str(&a, text), rows[i].want);
    }
}

static void no_package_no_licence(void)
{
    AUTO_ARENA a = {0};
    struct str text = {0};
    struct err e = {0};
    AUTO_FD fd = open("/dev/null", O_RDONLY);
    CHECK(rpm_licence_text(&(struct pkgfmt_package){.fd = fd}, &a, &text, &e) < 0 && e.class == ERR_FORMAT);
}

static int filter(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, stdin)) > 0) {
        AUTO_ARENA a = {0};
        AUTO_BUF refs = {0};
        struct pkgfmt_licence l;
        n -= line[n - 1] == '\n';
        line[n] = '\0';
        rpm_licence_read((struct str){line, (size_t)n}, &a, &l);
        add_refs(&l, &refs);
        printf("%s\t%s\t%s\n", line, l.expression != NULL ? l.expression : "NOASSERTION", buf_c(&refs));
    }
    free(line);
    return ferror(stdin) != 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "-") == 0)
        return filter();
    RUN(reads_spdx);
    RUN(reads_old_names);
    RUN(reads_older_names);
    RUN(takes_free_text_whole);
    RUN(says_nothing_of_nothing);
    RUN(bounds_hostile_ones);
    RUN(reads_the_header);
    RUN(no_package_no_licence);
    return test_done();
}
