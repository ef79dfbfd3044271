#include "tests/unit/test.h"

#include <solv/pool.h>

#include "base/auto.h"
#include "pkgfmt/rpm_relation.h"

static void text(void)
{
    static const struct {
        const char *text, *want; /* NULL: cannot be read */
    } t[] = {
        {"a", "a"},
        {"a >= 1:2-3", "a >= 1:2-3"},
        {"a = 1", "a = 1"},
        {"libc.so.6(GLIBC_2.34)(64bit)", "libc.so.6(GLIBC_2.34)(64bit)"},
        {"(a)", "a"},
        {"(a or b)", "(a or b)"},
        {"(a and b and c)", "(a and b and c)"},
        {"(a if b)", "(a if b)"},
        {"(a if b else c)", "(a if b else c)"},
        {"(a unless b else c)", "(a unless b else c)"},
        {"(a >= 1 with a < 2)", "(a >= 1 with a < 2)"},
        {"(a without b)", "(a without b)"},
        {"(a and (b or c))", "(a and (b or c))"},
        {"((a or b) if (c and d))", "((a or b) if (c and d))"},
        {"( a  or  b )", "(a or b)"},
        {"(lib.so()(64bit) >= 2 or b)", "(lib.so()(64bit) >= 2 or b)"},
        {"(a or (b if c)) ", "(a or (b if c))"},
        {"", NULL},
        {"a b", NULL},
        {"a >=", NULL},
        {"a >= 1 2", NULL},
        {"a ~ 1", NULL},
        {"(", NULL},
        {"()", NULL},
        {"(a", NULL},
        {"(a or b", NULL},
        {"(a or b))", NULL},
        {"(a or b) c", NULL},
        {"(a b)", NULL},
        {"(or)", NULL},
        {"(a or)", NULL},
        {"(a or or b)", NULL},
        {"(a and b or c)", NULL},
        {"(a if b if c)", NULL},
        {"(a without b without c)", NULL},
        {"(a else b)", NULL},
        {"(a or b else c)", NULL},
        {"(a if b else c else d)", NULL},
        {"(a >= )", NULL},
        {"(a xor b)", NULL},
    };
    Pool *pool = pool_create();
    pool_setdisttype(pool, DISTTYPE_RPM);
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        Id id = rpm_relation_text(pool, str_c(t[i].text));
        if ((id != 0) != (t[i].want != NULL))
            printf("# `%s'\n", t[i].text);
        CHECK((id != 0) == (t[i].want != NULL));
        if (id != 0 && t[i].want != NULL)
            CHECK_STR(pool_dep2str(pool, id), t[i].want);
    }
    pool_free(pool);
}

/* Neither deep nor long ones overrun anything. */
static void bounds(void)
{
    Pool *pool = pool_create();
    for (int depth = 31; depth <= 34; depth++) {
        AUTO_BUF b = {0};
        for (int i = 0; i < depth; i++)
            buf_puts(&b, "(");
        buf_puts(&b, "a");
        for (int i = 0; i < depth; i++)
            buf_puts(&b, ")");
        CHECK((rpm_relation_text(pool, buf_view(&b)) != 0) == (depth <= 32));
    }
    AUTO_BUF b = {0};
    buf_puts(&b, "(a");
    while (b.n < 4090)
        buf_puts(&b, " or a");
    buf_puts(&b, ")");
    CHECK(rpm_relation_text(pool, buf_view(&b)) != 0);
    while (b.n < 5000)
        buf_puts(&b, " ");
    CHECK(rpm_relation_text(pool, buf_view(&b)) == 0);
    buf_clear(&b);
    while (b.n < 100000)
        buf_puts(&b, "(");
    CHECK(rpm_relation_text(pool, buf_view(&b)) == 0);
    pool_free(pool);
}

static void versions(void)
{
    static const struct {
        const char *epoch, *version, *release, *want;
    } t[] = {
        {"0", "1", "2", "1-2"},    {"", "1", "2", "1-2"},
        {"3", "1", "2", "3:1-2"},  {"00", "1", "", "1"},
        {"0", "", "2", NULL},      {"x", "1", "2", NULL},
        {"0", "1 2", "3", NULL},   {"99999999999", "1", "1", NULL},
        {"0", "1", "2\x01", NULL}, {"0", "1~rc1", "2^a", "1~rc1-2^a"},
    };
    Pool *pool = pool_create();
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        Id id = rpm_relation_evr(pool, str_c(t[i].epoch), str_c(t[i].version), str_c(t[i].release));
        CHECK((id != 0) == (t[i].want != NULL));
        if (id != 0)
            CHECK_STR(pool_id2str(pool, id), t[i].want);
    }
    AUTO_BUF b = {0};
    while (b.n < 600)
        buf_puts(&b, "1");
    CHECK(rpm_relation_evr(pool, STR("1"), buf_view(&b), STR("1")) == 0);
    pool_free(pool);
    CHECK(rpm_relation_version_ok(STR("1.2~rc+3_4^5")) && !rpm_relation_version_ok(STR("1/2")));
    CHECK(!rpm_relation_version_ok(STR("$(x)")) && !rpm_relation_version_ok(STR("")));
}

static void names(void)
{
    static const char *const good[] = {"a",      "libstdc++", "python3.11",     "a_b",
                                       "x86_64", "0ad",       "ca-certificates"};
    static const char *const bad_ones[] = {"",    "-a",   ".a",  "@a",   "a b", "a/b",       "a;b", "a$b",
                                           "a'b", "a\"b", "a`b", "a\nb", "a*",  "a\xc3\xa9", "a:b", "(a)"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(rpm_relation_name_ok(str_c(good[i])));
    for (size_t i = 0; i < sizeof bad_ones / sizeof *bad_ones; i++)
        CHECK(!rpm_relation_name_ok(str_c(bad_ones[i])));
    /* createrepo_c's test packages have ampersands in the names of what they need, not in their own. */
    CHECK(!rpm_relation_name_ok(STR("super&kernel")));
}

int main(void)
{
    RUN(text);
    RUN(bounds);
    RUN(versions);
    RUN(names);
    return test_done();
}
