#include "tests/unit/test.h"

#include "base/auto.h"
#include "base/kw.h"

static int parse(struct kw_file *f, struct str text, struct arena *a, struct err *e)
{
    return kw_parse(f, "x.distro", text, a, e);
}

static void sections(void)
{
    AUTO_ARENA a = {0};
    struct kw_file f;
    struct err e = {0};
    struct str text = STR("top   level\n"
                          "[distro]\n"
                          "title     Debian GNU/Linux\n"
                          "flag\n"
                          "\n"
                          "  [release trixie arch=amd64 x=]   \n"
                          "\tversion\t13\t \n"
                          "[layout arch=arm64]\n"
                          "[empty]");
    CHECK(parse(&f, text, &a, &e) == 0);
    CHECK(f.n == 5);
    CHECK_STR(f.name, "x.distro");
    CHECK(f.sections[0].name.n == 0 && f.sections[0].nlines == 1);
    CHECK(str_is(f.sections[0].lines[0].key, "top") && str_is(f.sections[0].lines[0].arg, "level"));
    const struct kw_section *s = &f.sections[1];
    CHECK(str_is(s->name, "distro") && s->label.n == 0 && s->nquals == 0 && s->nlines == 2 && s->line == 2);
    CHECK(str_is(s->lines[0].key, "title") && str_is(s->lines[0].arg, "Debian GNU/Linux"));
    CHECK(str_is(s->lines[1].key, "flag") && s->lines[1].arg.n == 0);
    s = &f.sections[2];
    CHECK(str_is(s->name, "release") && str_is(s->label, "trixie") && s->nquals == 2 && s->col == 3);
    CHECK(str_is(s->quals[0].key, "arch") && str_is(s->quals[0].value, "amd64"));
    CHECK(str_is(kw_qual(s, "arch"), "amd64"));
    CHECK(kw_qual(s, "x").p != NULL && kw_qual(s, "x").n == 0);
    CHECK(kw_qual(s, "none").p == NULL);
    CHECK(str_is(s->lines[0].key, "version") && str_is(s->lines[0].arg, "13"));
    CHECK(f.sections[3].label.n == 0 && str_is(kw_qual(&f.sections[3], "arch"), "arm64"));
    CHECK(str_is(f.sections[4].name, "empty") && f.sections[4].nlines == 0);
}

static void columns(void)
{
    AUTO_ARENA a = {0};
    struct kw_file f;
    struct err e = {0};
    CHECK(parse(&f, STR("[a]\n  key   arg with  blanks \nnoarg\n"), &a, &e) == 0);
    const struct kw_line *l = f.sections[1].lines;
    CHECK(l[0].line == 2 && l[0].col == 3 && l[0].arg_col == 9);
    CHECK(str_is(l[0].arg, "arg with  blanks"));
    CHECK(l[1].line == 3 && l[1].col == 1 && l[1].arg_col == 6);
}

static void comments(void)
{
    AUTO_ARENA a = {0};
    struct kw_file f;
    struct err e = {0};
    struct str text =
        STR("# whole\n   # indented\n[a] # behind a heading\nk v#1 #2\nu http://x/#frag\t# c\n#\nw #\n");
    CHECK(parse(&f, text, &a, &e) == 0);
    CHECK(f.n == 2 && f.sections[1].nlines == 3);
    CHECK(str_is(f.sections[1].lines[0].arg, "v#1"));
    CHECK(str_is(f.sections[1].lines[1].arg, "http://x/#frag"));
    CHECK(str_is(f.sections[1].lines[2].key, "w") && f.sections[1].lines[2].arg.n == 0);
}

static void line_ends(void)
{
    AUTO_ARENA a = {0};
    struct kw_file f;
    struct err e = {0};
    CHECK(parse(&f, STR("[a]\r\nk v\r\nlast x"), &a, &e) == 0);
    CHECK(f.sections[1].nlines == 2 && str_is(f.sections[1].lines[0].arg, "v"));
    CHECK(str_is(f.sections[1].lines[1].arg, "x"));
    CHECK(parse(&f, (struct str){NULL, 0}, &a, &e) == 0);
    CHECK(f.n == 1 && f.sections[0].nlines == 0);
}

static void errors(void)
{
    static const struct {
        struct str text;
        const char *want;
    } t[] = {
        {{"[a\n", 3}, "x.distro:1:1: section heading without `]'"},
        {{"\n  [", 4}, "x.distro:2:3: section heading without `]'"},
        {{"[a] b\n", 6}, "x.distro:1:1: section heading without `]'"},
        {{"[]\n", 3}, "x.distro:1:1: empty section heading"},
        {{"k v\n[ \t ]", 9}, "x.distro:2:1: empty section heading"},
        {{"[a b c]\n", 8}, "x.distro:1:1: section heading [a] has two labels"},
        {{"ok\nab\0c\n", 8}, "x.distro:2:3: NUL byte: this is no text file"},
        {{"# \0\n", 4}, "x.distro:1:3: NUL byte: this is no text file"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        AUTO_ARENA a = {0};
        struct kw_file f;
        struct err e = {0};
        CHECK(parse(&f, t[i].text, &a, &e) == -1);
        CHECK(e.class == ERR_USAGE);
        CHECK_STR(e.msg, t[i].want);
    }
}

static void long_lines(void)
{
    AUTO_ARENA a = {0};
    AUTO_BUF b = {0};
    struct kw_file f;
    struct err e = {0};
    buf_puts(&b, "k ");
    while (b.n < 64 * 1024)
        buf_putc(&b, 'x');
    buf_putc(&b, '\n');
    CHECK(parse(&f, buf_view(&b), &a, &e) == 0);
    CHECK(f.sections[0].lines[0].arg.n == 64 * 1024 - 2);
    b.p[b.n - 1] = 'x';
    CHECK(parse(&f, buf_view(&b), &a, &e) == -1);
    CHECK_STR(e.msg, "x.distro:1:1: line of over 65536 bytes");
}

static void error_helper(void)
{
    struct kw_file f = {.name = "d/x.fixup"};
    struct err e = {0};
    CHECK(kw_error(&f, 7, 0, &e, "unknown verb `%s'", "fro\nb") == -1);
    CHECK_STR(e.msg, "d/x.fixup:7:1: unknown verb `fro\\x0ab'");
    kw_error(&f, 7, 12, &e, "x");
    CHECK_STR(e.msg, "d/x.fixup:7:12: x");
}

/* The reader's arrays are counted beforehand: every mix of lines must fit them. */
static void any_bytes(void)
{
    static const char alphabet[] = "[]# =a\n\r\t";
    unsigned seed = 1;
    for (int round = 0; round < 3000; round++) {
        AUTO_ARENA a = {0};
        struct kw_file f;
        struct err e = {0};
        char text[64];
        size_t n = (size_t)round % sizeof text;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1103515245u + 12345u;
            text[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        if (parse(&f, (struct str){text, n}, &a, &e) == 0)
            for (size_t i = 0; i < f.n; i++)
                for (size_t k = 0; k < f.sections[i].nlines; k++)
                    CHECK(f.sections[i].lines[k].key.n > 0);
        else
            CHECK(e.class == ERR_USAGE && strncmp(e.msg, "x.distro:", 9) == 0);
    }
}

int main(void)
{
    RUN(sections);
    RUN(columns);
    RUN(comments);
    RUN(line_ends);
    RUN(errors);
    RUN(long_lines);
    RUN(error_helper);
    RUN(any_bytes);
    return test_done();
}
