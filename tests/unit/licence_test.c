#include "pkgfmt/licence.h"

#include <strings.h>

#include "base/auto.h"
#include "base/data.h"
#include "tests/unit/test.h"

static const struct licence_name rows[] = {
    {"boost", "BSL-1.0", false}, {"gpl+", "GPL-1.0-or-later", false}, {"goplv2", "GPL-2.0", true},
    {"vim", "", false},          {"mit-with-strings", "X11", false},  {0},
};
static const struct licence_names all = {rows, true}, own = {rows, false};

static void check(const struct licence_names *names, const char *name, const char *exception,
                  const char *want)
{
    AUTO_ARENA a = {0};
    const char *got = licence_spdx(names, str_c(name), str_c(exception), &a);
    CHECK_STR(got != NULL ? got : "none", want);
}

/* The search goes by halves. */
static void finds_all_of_the_lists(void)
{
    static const char *const lists[] = {"spdx.licences", "spdx.exceptions"};
    for (size_t i = 0; i < 2; i++) {
        AUTO_ARENA a = {0};
        struct str text, line;
        struct err e = {0};
        size_t n = 0;
        CHECK(data_read(&(struct data){0}, "pkgfmt", lists[i], &a, &text, NULL, &e) == 0);
        while (str_line(&text, &line)) {
            const char *id = arena_str(&a, line);
            if (id[0] == '#')
                continue;
            char upper[128] = "";
            for (size_t k = 0; id[k] != '\0' && k < sizeof upper - 1; k++)
                upper[k] = (char)(id[k] >= 'a' && id[k] <= 'z' ? id[k] - 'a' + 'A' : id[k]);
            if (strcasecmp(id, "vim") == 0)
                check(&all, upper, "", "none");
            else if (i == 0)
                check(&all, upper, "", id);
            else
                check(&all, "MIT", upper, arena_printf(&a, "MIT WITH %s", id));
            n++;
        }
        CHECK(n > 50);
    }
    check(&all, "# Identifiers of the SPDX License List", "", "none");
    check(&all, "", "", "none");
    check(&all, "zzzz", "", "none");
    check(&all, "0", "", "none");
}

static void has_versions(void)
{
    check(&all, "GPL-2.0", "", "GPL-2.0-only");
    check(&all, "gpl-2", "", "GPL-2.0-only");
    check(&all, "GPL-2.0+", "", "GPL-2.0-or-later");
    check(&all, "GPL-2.0-or-later", "", "GPL-2.0-or-later");
    check(&all, "LGPL 2.1 or later", "", "LGPL-2.1-or-later");
    check(&all, "GFDL-1.3-no-invariants", "", "GFDL-1.3-no-invariants-only");
    check(&all, "MPL-2", "", "MPL-2.0");
    check(&all, "MPL-2.0+", "", "MPL-2.0+");
    check(&all, "Apache-2.0-only", "", "Apache-2.0");
    check(&all, "goplv2.0+", "", "GPL-2.0-or-later");
    check(&all, "GPL+", "", "GPL-1.0-or-later");
    check(&all, "GPL++", "", "GPL-1.0-or-later");
    check(&all, "GPL+ or later", "", "GPL-1.0-or-later");
    check(&all, "GPL-2.0-or-later+", "", "GPL-2.0-or-later");
    check(&all, "GPL-2.0-only+", "", "none");
}

static void a_format_decides(void)
{
    check(&own, "Boost", "", "BSL-1.0");
    check(&own, "GPL-3+", "", "GPL-3.0-or-later");
    check(&own, "BSD-2-Clause", "", "none");
    check(&all, "BSD  2-Clause", "", "BSD-2-Clause");
    check(&all, "VIM", "", "none");
}

static void knows_exceptions(void)
{
    check(&all, "GPL-2.0-with-GCC-exception", "", "GPL-2.0-only WITH GCC-exception-2.0");
    check(&all, "GPL-3.0-with-autoconf-exception", "", "GPL-3.0-only WITH Autoconf-exception-3.0");
    check(&all, "GPL-2.0 with classpath exception", "", "GPL-2.0-only WITH Classpath-exception-2.0");
    check(&all, "Apache-2.0", "LLVM-Exception", "Apache-2.0 WITH LLVM-exception");
    check(&all, "LGPL-2.1", "gcc", "none");
    check(&all, "MIT with strings", "", "X11");
    check(&all, "GPL-2.0", "exceptions", "none");
    check(&all, "Nothing", "LLVM-exception", "none");
}

static struct licence_group group(char op, const char *x, const char *y)
{
    struct licence_group g = {.op = op};
    str_list_add(&g.terms, str_c(x));
    if (y != NULL)
        str_list_add(&g.terms, str_c(y));
    return g;
}

static void joins_groups(void)
{
    AUTO_ARENA a = {0};
    struct licence_group g = group('|', "b", "a"), h = group('|', "c", "b"), i = group(0, "d", NULL),
                         j = group('|', "f", "e"), one = group('&', "(a OR b)", "(a OR b)"), none = {0};
    licence_join(&g, '|', &h, &a);
    licence_join(&g, '&', &i, &a);
    licence_join(&g, '&', &j, &a);
    CHECK_STR(licence_expression(&g, &a), "(a OR b OR c) AND (e OR f) AND d");
    CHECK(str_is(licence_term(&g, &a), "((a OR b OR c) AND (e OR f) AND d)"));
    CHECK_STR(licence_expression(&one, &a), "a OR b");
    CHECK(licence_expression(&none, &a) == NULL);
    str_list_free(&g.terms);
    str_list_free(&one.terms);
}

static void bounds_terms(void)
{
    AUTO_ARENA a = {0};
    struct licence_group g = {.op = '&'};
    for (int i = 0; i < LICENCE_TERMS_MAX; i++)
        str_list_add(&g.terms, str_c(arena_printf(&a, "x%d", i)));
    CHECK(licence_expression(&g, &a) != NULL);
    str_list_add(&g.terms, STR("y"));
    CHECK(licence_expression(&g, &a) == NULL);
    str_list_free(&g.terms);
}

static void bounds_refs(void)
{
    AUTO_ARENA a = {0};
    static struct licence_refs r;
    static char text[LICENCE_TEXT_MAX];
    struct pkgfmt_licence out = {0};
    memset(text, 'x', sizeof text);
    r.a = &a;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < LICENCE_TERMS_MAX; i++) {
            struct str id = str_c(arena_printf(&a, "LicenseRef-%d", i));
            CHECK_STR(licence_ref(&r, id, STR("n"), (struct str){text, i < 2 ? sizeof text : 0}, "beyond"),
                      id.p);
        }
    CHECK(!r.too_many && r.n == LICENCE_TERMS_MAX);
    CHECK_STR(licence_ref(&r, STR("LicenseRef-y"), STR("y"), STR(""), ""), "");
    CHECK(r.too_many);
    licence_refs_give(&r, &out);
    CHECK(out.nrefs == LICENCE_TERMS_MAX && strlen(out.refs[0].text) == sizeof text);
    CHECK_STR(out.refs[1].text, "beyond");
}

static void makes_identifiers(void)
{
    static const char *const names[][3] = {
        {"Public Domain", "", "LicenseRef-Public-Domain"},
        {"a+", "12", "LicenseRef-aplus-12"},
        {"/(\xff", "12", "LicenseRef-12"},
        {"a__b", "", "LicenseRef-a-b"},
        {"a.b-1", "0123456789", "LicenseRef-a.b-1-0123456789"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        AUTO_BUF b = {0};
        licence_ref_id(&b, str_c(names[i][0]), names[i][1]);
        CHECK_STR(buf_c(&b), names[i][2]);
    }
}

int main(void)
{
    RUN(finds_all_of_the_lists);
    RUN(has_versions);
    RUN(a_format_decides);
    RUN(knows_exceptions);
    RUN(joins_groups);
    RUN(bounds_terms);
    RUN(bounds_refs);
    RUN(makes_identifiers);
    return test_done();
}
