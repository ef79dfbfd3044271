#include "base/auto.h"
#include "pkgfmt/deb.h"
#include "tests/unit/test.h"

#define FORMAT "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"

/* The expression, then a line for each licence of the package's own: identifier, name, text. */
static void read_as(struct str text, struct buf *out)
{
    AUTO_ARENA a = {0};
    struct pkgfmt_licence l;
    deb_copyright_read(text, &a, &l);
    buf_puts(out, l.expression != NULL ? l.expression : "none");
    for (size_t i = 0; i < l.nrefs; i++)
        buf_printf(out, "\n%s|%s|%s", l.refs[i].id, l.refs[i].name, l.refs[i].text);
}

static void check(const char *text, const char *want)
{
    AUTO_BUF b = {0};
    read_as(str_c(text), &b);
    CHECK_STR(buf_c(&b), want);
}

static void joins_what_its_files_have(void)
{
    check(FORMAT "\nFiles: *\nLicense: GPL-2+\n\nFiles: debian/*\nLicense: Expat\n",
          "GPL-2.0-or-later AND MIT");
    check(FORMAT "\nFiles: *\nLicense: GPL-2+\n\nFiles: b\nLicense: gpl-2.0+\n", "GPL-2.0-or-later");
    check(FORMAT "\nFiles: *\nCopyright: x\nLicense: GPL-1+ or Artistic\n",
          "Artistic-1.0-Perl OR GPL-1.0-or-later");
    check(FORMAT "\nFiles: *\nLicense: GPL-1+ or Artistic\n\nFiles: b\nLicense: ISC\n",
          "(Artistic-1.0-Perl OR GPL-1.0-or-later) AND ISC");
    check(FORMAT "License: ISC\n", "ISC");
    check("\n\r\n" FORMAT " \t\nfiles: *\r\nLICENSE: ISC\r\n text\r\n\t\nFiles: b\nLicense: X11",
          "ISC AND X11");
    /* A licence that no file has does not count. */
    check(FORMAT "\nFiles: *\nLicense: ISC\n\nLicense: X11\n text\n", "ISC");
}

static void says_nothing_of_other_forms(void)
{
    check("", "none");
    check("This package is free software.\n", "none");
    check("Format: x\n\nFiles: *\nLicense: ISC\n", "none");
    check("Format: http://dep.debian.net/deps/dep5\n\nFiles: *\nLicense: ISC\n", "none");
    check("Comment: " FORMAT "\nFiles: *\nLicense: ISC\n", "none");
    check("Files: *\nLicense: ISC\n\n" FORMAT, "none");
    check(FORMAT, "none");
    check(FORMAT "\nFiles: *\nLicense:\n", "none");
    check("\xff\xfe\x80", "none");
    AUTO_BUF b = {0};
    read_as((struct str){FORMAT "\0License: ISC", sizeof FORMAT "\0License: ISC" - 1}, &b);
    CHECK_STR(buf_c(&b), "none");
}

/* sha256sum of the texts, cut off: "mine", "First line.\n\n Second\nlast", "". */
#define MINE  "3fd30542fe3f"
#define LINES "4a8dacc0ef54"
#define EMPTY "e3b0c44298fc"

static void keeps_texts_of_its_own(void)
{
    check(FORMAT "\nFiles: *\nLicense: custom\n mine\n",
          "LicenseRef-custom-" MINE "\nLicenseRef-custom-" MINE "|custom|mine");
    check(FORMAT "\nFiles: *\nLicense: custom\n\nLicense: Custom\n mine\n\nLicense: custom\n other\n",
          "LicenseRef-custom-" MINE "\nLicenseRef-custom-" MINE "|custom|mine");
    check(FORMAT "\nFiles: *\nLicense: custom\n\nLicense: custom\n First line.\n .\n  Second\n last\n",
          "LicenseRef-custom-" LINES "\nLicenseRef-custom-" LINES "|custom|First line.\n\n Second\nlast");
    check(FORMAT "\nFiles: *\nLicense: GPL-2+ with OpenSSL exception\n\nLicense: GPL-2+\n mine\n",
          "LicenseRef-GPL-2plus-with-OpenSSL-exception-" MINE
          "\nLicenseRef-GPL-2plus-with-OpenSSL-exception-" MINE "|GPL-2+ with OpenSSL exception|mine");
    check(FORMAT "\nFiles: *\nLicense: a and ISC\n mine\n",
          "ISC AND LicenseRef-a-" MINE "\nLicenseRef-a-" MINE "|a|mine");
    check(FORMAT "\nFiles: *\nLicense: custom\n",
          "LicenseRef-custom-" EMPTY "\nLicenseRef-custom-" EMPTY
          "|custom|The package's copyright file names this licence without its text.");
}

/* Two files, one name, two texts: two licences. The same again: one. */
static void tells_texts_apart(void)
{
    AUTO_BUF b = {0};
    read_as(STR(FORMAT "\nFiles: *\nLicense: PD\n mine\n\nFiles: b\nLicense: PD\n other\n\nFiles: "
                       "c\nLicense: PD\n mine\n"),
            &b);
    CHECK(strncmp(b.p, "LicenseRef-PD-3fd30542fe3f AND LicenseRef-PD-", 45) == 0 ||
          strstr(b.p, " AND LicenseRef-PD-3fd30542fe3f\n") != NULL);
    size_t lines = 0;
    for (size_t i = 0; i < b.n; i++)
        lines += b.p[i] == '\n';
    CHECK(lines == 2);
}

static void makes_identifiers_of_any_name(void)
{
    check(FORMAT "\nFiles: *\nLicense: A \xff/(b) c\n mine\n",
          "LicenseRef-A-b-c-" MINE "\nLicenseRef-A-b-c-" MINE "|A \xff/(b) c|mine");
    check(FORMAT "\nFiles: *\nLicense: ///\n mine\n", "LicenseRef-" MINE "\nLicenseRef-" MINE "|///|mine");
}

static void passes_over_what_is_no_field(void)
{
    check(FORMAT "\nFiles: *\nno field here\nLicense: ISC\n: nothing\n", "ISC");
    check(FORMAT "\n lone\n\nFiles: *\n# comment\nLicense: ISC\n", "ISC");
}

static void many(struct buf *b, size_t n, const char *form)
{
    buf_puts(b, FORMAT);
    for (size_t i = 0; i < n; i++)
        buf_printf(b, form, i);
}

static void bounds_hostile_ones(void)
{
    AUTO_BUF names = {0}, same = {0}, line = {0}, texts = {0};
    AUTO_ARENA a = {0};
    struct pkgfmt_licence l;
    many(&names, 30000, "\nFiles: *\nLicense: n%zu\n");
    deb_copyright_read(buf_view(&names), &a, &l);
    CHECK(l.expression == NULL && l.nrefs == 0);
    many(&same, 30000, "\nFiles: x%zu\nLicense: n\n\nLicense: n\n t\n");
    deb_copyright_read(buf_view(&same), &a, &l);
    CHECK(l.expression != NULL && l.nrefs == 1);
    buf_puts(&line, FORMAT "\nFiles: *\nLicense: ");
    for (size_t i = 0; i < 1000000; i++)
        buf_putc(&line, 'x');
    deb_copyright_read(buf_view(&line), &a, &l);
    CHECK(l.expression != NULL && strlen(l.expression) < 100 && l.nrefs == 1 &&
          strlen(l.refs[0].name) == 200);
    /* A text that stands for many names comes no more often than the file is long. */
    buf_puts(&texts, FORMAT "\nFiles: *\nLicense: a and b and c and d\n ");
    for (size_t i = 0; i < 900000; i++)
        buf_putc(&texts, 'x');
    deb_copyright_read(buf_view(&texts), &a, &l);
    CHECK(l.nrefs == 4 && strlen(l.refs[0].text) == 900000);
    if (l.nrefs == 4)
        CHECK_STR(l.refs[3].text, "The text stands in the package's copyright file.");
}

static void knows_the_place(void)
{
    AUTO_ARENA a = {0};
    const struct plan_pkg pkg = {.name = "libstdc++6"};
    CHECK_STR(deb.licence_path(&pkg, &a), "/usr/share/doc/libstdc++6/copyright");
    CHECK_STR(deb.purl_type, "deb");
}

int main(void)
{
    RUN(joins_what_its_files_have);
    RUN(says_nothing_of_other_forms);
    RUN(keeps_texts_of_its_own);
    RUN(tells_texts_apart);
    RUN(makes_identifiers_of_any_name);
    RUN(passes_over_what_is_no_field);
    RUN(bounds_hostile_ones);
    RUN(knows_the_place);
    return test_done();
}
