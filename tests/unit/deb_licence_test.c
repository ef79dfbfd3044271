#include "pkgfmt/deb_licence.h"

#include "base/auto.h"
#include "tests/unit/test.h"

/* Stands for what SPDX does not know: <what>. */
static const char *ref(void *ctx, struct str what)
{
    return arena_printf(ctx, "<%" STR_FMT ">", STR_ARG(what));
}

/* The terms behind each other, parted by `; `. */
static void check(const char *synopsis, const char *want)
{
    AUTO_ARENA a = {0};
    AUTO_BUF b = {0};
    struct str_list terms = {0};
    deb_licence_terms(str_c(synopsis), &a, ref, &a, &terms);
    for (size_t i = 0; i < terms.n; i++)
        buf_printf(&b, "%s%" STR_FMT, i > 0 ? "; " : "", STR_ARG(terms.v[i]));
    str_list_free(&terms);
    CHECK_STR(buf_c(&b), want);
}

static void maps_names(void)
{
    check("GPL-2", "GPL-2.0-only");
    check("GPL-2+", "GPL-2.0-or-later");
    check("gpl-2.0.0+", "GPL-2.0-or-later");
    check("GPL", "GPL-1.0-only");
    check("LGPL-2.1+", "LGPL-2.1-or-later");
    check("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later");
    check("BSD-3-clause", "BSD-3-Clause");
    check("Expat", "MIT");
    check("expat", "MIT");
    check("Apache-2", "Apache-2.0");
    check("Artistic", "Artistic-1.0-Perl");
    check("Artistic-2.0", "Artistic-2.0");
    check("MPL-1.1+", "MPL-1.1+");
    check("GPL-2.0-or-later", "GPL-2.0-or-later");
    check("LGPL-2.1-only", "LGPL-2.1-only");
    check("bzip2-1.0.6", "bzip2-1.0.6");
    check("CC-BY-SA-3.0", "CC-BY-SA-3.0");
    check("CC0", "CC0-1.0");
    check("0BSD", "0BSD");
}

static void leaves_what_it_does_not_know(void)
{
    check("public-domain", "<public-domain>");
    check("BSD", "<BSD>");
    check("GPL-4", "<GPL-4>");
    check("+", "<+>");
    check("GPL-2.", "<GPL-2.>");
    check("MIT/X11", "<MIT/X11>");
}

static void knows_exceptions(void)
{
    check("GPL-3+ with Autoconf exception", "GPL-3.0-or-later WITH Autoconf-exception-3.0");
    check("GPL-2+ with autoconf exception", "GPL-2.0-or-later WITH Autoconf-exception-2.0");
    check("GPL-3+ WITH Bison exception", "GPL-3.0-or-later WITH Bison-exception-2.2");
    check("GPL-3+-WITH-BISON-EXCEPTION", "GPL-3.0-or-later WITH Bison-exception-2.2");
    check("GPL-2 with Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0");
    check("GPL-2 with Linux-syscall-note exception", "GPL-2.0-only WITH Linux-syscall-note");
    check("Apache-2.0 with LLVM exception", "Apache-2.0 WITH LLVM-exception");
    check("LGPL-2+ with Autoconf exception", "<LGPL-2+ with Autoconf exception>");
    check("GPL-2+ with OpenSSL exception", "<GPL-2+ with OpenSSL exception>");
    check("GPL-2+ with  GCC  Runtime Library exception and MIT",
          "<GPL-2+ with  GCC  Runtime Library exception>; MIT");
    check("Foo with Font exception", "<Foo with Font exception>");
}

/* Section 7.2: `and` binds more than `or`, unless a comma stands before it. */
static void reads_expressions(void)
{
    check("GPL-2+ and Expat", "GPL-2.0-or-later; MIT");
    check("GPL-1+ or Artistic", "(Artistic-1.0-Perl OR GPL-1.0-or-later)");
    check("Artistic OR GPL-1+", "(Artistic-1.0-Perl OR GPL-1.0-or-later)");
    check("ISC or X11 and Zlib", "((X11 AND Zlib) OR ISC)");
    check("ISC or X11, and Zlib", "(ISC OR X11); Zlib");
    check("GPL-2+ or Artistic-2.0, and BSD-3-clause", "(Artistic-2.0 OR GPL-2.0-or-later); BSD-3-Clause");
    check("ISC and X11, or Zlib", "((ISC AND X11) OR Zlib)");
    check("foo, and GPL-1+ or Artistic", "<foo>; (Artistic-1.0-Perl OR GPL-1.0-or-later)");
    check("ISC or isc", "ISC");
    check("ISC and ISC", "ISC; ISC");
    check("ISC or X11 with Y exception", "(<X11 with Y exception> OR ISC)");
    check("\tISC  and\tX11 ", "ISC; X11");
}

static void takes_what_is_no_expression_whole(void)
{
    check("BSD 3 clause", "<BSD 3 clause>");
    check("GPL-2+ and", "<GPL-2+ and>");
    check("or GPL-2+", "<or GPL-2+>");
    check("ISC, X11 and Zlib", "<ISC, X11 and Zlib>");
    check("ISC,", "<ISC,>");
    check("ISC with", "<ISC with>");
    check("ISC with and X11", "<ISC with and X11>");
    check("GPL-2+ and/or MIT", "<GPL-2+ and/or MIT>");
    check(",", "<,>");
    check("", "<>");
}

static void bounds_a_long_one(void)
{
    AUTO_ARENA a = {0};
    AUTO_BUF b = {0};
    struct str_list terms = {0};
    while (b.n < DEB_LICENCE_MAX - 10)
        buf_puts(&b, "ISC or ");
    buf_puts(&b, "ISC");
    deb_licence_terms(buf_view(&b), &a, ref, &a, &terms);
    buf_puts(&b, " or ISC");
    deb_licence_terms(buf_view(&b), &a, ref, &a, &terms);
    CHECK(b.n > DEB_LICENCE_MAX && terms.n == 2 && str_is(terms.v[0], "ISC") &&
          str_starts(terms.v[1], STR("<ISC or ISC or ")));
    str_list_free(&terms);
}

int main(void)
{
    RUN(maps_names);
    RUN(leaves_what_it_does_not_know);
    RUN(knows_exceptions);
    RUN(reads_expressions);
    RUN(takes_what_is_no_expression_whole);
    RUN(bounds_a_long_one);
    return test_done();
}
