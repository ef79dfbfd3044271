#include "tests/unit/test.h"

#include "base/auto.h"
#include "base/str.h"

static const struct str none = {NULL, 0};

static void compare(void)
{
    CHECK(str_c(NULL).p == NULL && str_c(NULL).n == 0);
    CHECK(str_c("abc").n == 3);
    CHECK(str_eq(none, STR("")));
    CHECK(str_eq(STR("a"), STR("a")) && !str_eq(STR("a"), STR("b")) && !str_eq(STR("a"), STR("ab")));
    CHECK(str_eq(STR("a\0b"), STR("a\0b")) && !str_eq(STR("a\0b"), STR("a\0c")));
    CHECK(str_is(STR("x"), "x") && !str_is(STR("x\0y"), "x") && str_is(none, "") && str_is(none, NULL));
    CHECK(str_cmp(STR("a"), STR("b")) < 0 && str_cmp(STR("b"), STR("a")) > 0);
    CHECK(str_cmp(STR("a"), STR("ab")) < 0 && str_cmp(STR("ab"), STR("a")) > 0);
    CHECK(str_cmp(STR("a"), STR("a")) == 0 && str_cmp(none, STR("")) == 0 && str_cmp(none, STR("a")) < 0);
    CHECK(str_cmp(STR("\xff"), STR("a")) > 0);
}

static void starts_and_ends(void)
{
    CHECK(str_starts(STR("abc"), STR("ab")) && !str_starts(STR("abc"), STR("b")));
    CHECK(!str_starts(STR("ab"), STR("abc")) && str_starts(STR("ab"), none) && str_starts(none, none));
    CHECK(str_ends(STR("a.deb"), STR(".deb")) && !str_ends(STR("deb"), STR(".deb")));
    CHECK(str_ends(STR("x"), none) && str_ends(none, none) && !str_ends(none, STR("x")));
}

static void from(void)
{
    CHECK(str_is(str_from(STR("abc"), 1), "bc"));
    CHECK(str_from(STR("abc"), 3).n == 0 && str_from(STR("abc"), 99).n == 0);
    CHECK(str_from(none, 1).n == 0);
}

static void trim(void)
{
    CHECK(str_is(str_trim(STR(" \t\r\n a b \n")), "a b"));
    CHECK(str_trim(STR(" \t ")).n == 0 && str_trim(STR("")).n == 0 && str_trim(none).n == 0);
    CHECK(str_trim(STR(" \0 ")).n == 1);
}

static void cut(void)
{
    struct str s = STR("a,,b,"), part;
    CHECK(str_cut(&s, ',', &part) && str_is(part, "a"));
    CHECK(str_cut(&s, ',', &part) && part.n == 0);
    CHECK(str_cut(&s, ',', &part) && str_is(part, "b"));
    CHECK(str_cut(&s, ',', &part) && part.n == 0);
    CHECK(!str_cut(&s, ',', &part));
    s = STR("");
    CHECK(str_cut(&s, ',', &part) && part.n == 0);
    CHECK(!str_cut(&s, ',', &part));
    s = none;
    CHECK(!str_cut(&s, ',', &part));
}

static void word(void)
{
    struct str s = STR("  one \ttwo  "), w;
    CHECK(str_word(&s, &w) && str_is(w, "one"));
    CHECK(str_word(&s, &w) && str_is(w, "two"));
    CHECK(!str_word(&s, &w) && w.n == 0);
    s = none;
    CHECK(!str_word(&s, &w));
}

static void line(void)
{
    struct str s = STR("a\r\n\nb\rc\n\rlast"), l;
    CHECK(str_line(&s, &l) && str_is(l, "a"));
    CHECK(str_line(&s, &l) && l.n == 0);
    CHECK(str_line(&s, &l) && str_is(l, "b\rc"));
    CHECK(str_line(&s, &l) && str_is(l, "\rlast"));
    CHECK(!str_line(&s, &l));
    s = none;
    CHECK(!str_line(&s, &l));
    s = STR("end\n");
    CHECK(str_line(&s, &l) && !str_line(&s, &l));
}

static void u64(void)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } t[] = {{"0", true, 0},
             {"007", true, 7},
             {"18446744073709551615", true, UINT64_MAX},
             {"18446744073709551616", false, 0},
             {"99999999999999999999", false, 0},
             {"", false, 0},
             {"+1", false, 0},
             {"-1", false, 0},
             {" 1", false, 0},
             {"1 ", false, 0},
             {"0x1", false, 0},
             {"1.0", false, 0}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        uint64_t v = 77;
        bool good = str_u64(str_c(t[i].text), &v);
        if (good != t[i].good || v != (good ? t[i].value : 77))
            printf("case `%s'\n", t[i].text);
        CHECK(good == t[i].good);
        CHECK(v == (good ? t[i].value : 77));
    }
    uint64_t v;
    CHECK(!str_u64(none, &v));
}

static void find(void)
{
    CHECK(str_chr(STR("abc"), 'c') == 2 && str_chr(STR("abc"), 'x') == 3 && str_chr(none, 'x') == 0);
    CHECK(str_chr(STR("a\0b"), 'b') == 2);
    CHECK(str_find(STR("hello"), STR("llo")) == 2 && str_find(STR("hello"), STR("o")) == 4);
    CHECK(str_find(STR("hello"), STR("lx")) == 5 && str_find(STR("hel"), STR("hello")) == 3);
    CHECK(str_find(STR("aaab"), STR("aab")) == 1 && str_find(STR("a"), none) == 0);
    CHECK(str_find(none, STR("a")) == 0 && str_find(STR("ab"), STR("bc")) == 2);
}

static void format(void)
{
    static char many[3000];
    char out[4096];
    memset(many, 'x', sizeof many);
    snprintf(out, sizeof out, "<%" STR_FMT ">", STR_ARG(((struct str){many, sizeof many})));
    CHECK(strlen(out) == 1002);
    snprintf(out, sizeof out, "<%" STR_FMT ">", STR_ARG(none));
    CHECK_STR(out, "<>");
}

static void buffer(void)
{
    AUTO_BUF b = {0};
    CHECK_STR(buf_c(&b), "");
    CHECK(buf_view(&b).n == 0);
    buf_clear(&b);
    buf_str(&b, none);
    CHECK_STR(buf_c(&b), "");
    buf_puts(&b, "ab");
    buf_putc(&b, 'c');
    buf_str(&b, STR("de"));
    buf_add(&b, "f\0g", 3);
    CHECK(b.n == 8 && memcmp(b.p, "abcdef\0g", 9) == 0);
    buf_printf(&b, "%s-%d", "x", 7);
    CHECK(str_eq(buf_view(&b), STR("abcdef\0gx-7")));
    buf_printf(&b, "%s", "");
    CHECK(b.n == 11);
    size_t cap = b.cap;
    buf_clear(&b);
    CHECK(b.n == 0 && b.cap == cap);
    CHECK_STR(buf_c(&b), "");
    buf_free(&b);
    CHECK(b.p == NULL && b.n == 0 && b.cap == 0);
}

static void buffer_grows(void)
{
    AUTO_BUF b = {0};
    size_t moves = 0;
    for (size_t i = 0, cap = 0; i < 1000000; i++) {
        buf_putc(&b, (char)('a' + i % 26));
        moves += b.cap != cap;
        cap = b.cap;
    }
    CHECK(b.n == 1000000 && b.p[b.n] == '\0' && b.p[999999] == 'a' + 999999 % 26);
    CHECK(moves < 40); /* by doubling, not byte by byte */
    buf_reserve(&b, 5000000);
    CHECK(b.cap > 6000000 && b.n == 1000000 && b.p[b.n] == '\0');
}

static void buffer_printf_long(void)
{
    AUTO_BUF b = {0};
    buf_printf(&b, "%0*d", 9999, 1);
    CHECK(b.n == 9999 && b.p[9998] == '1' && b.p[9999] == '\0');
}

int main(void)
{
    RUN(compare);
    RUN(starts_and_ends);
    RUN(from);
    RUN(trim);
    RUN(cut);
    RUN(word);
    RUN(line);
    RUN(u64);
    RUN(find);
    RUN(format);
    RUN(buffer);
    RUN(buffer_grows);
    RUN(buffer_printf_long);
    return test_done();
}
