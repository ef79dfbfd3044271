/* cpio archives as rpm payloads have them, in pieces of any size. */
#include "pkgfmt/rpm_cpio.h"
#include "tests/unit/rpm_fixture.h"
#include "tests/unit/test.h"

struct input {
    struct str bytes;
    size_t piece;
};

static int next_bytes(void *ctx, const void **p, size_t *n, struct err *e)
{
    struct input *in = ctx;
    (void)e;
    *p = in->bytes.p;
    *n = in->bytes.n < in->piece ? in->bytes.n : in->piece;
    in->bytes = str_from(in->bytes, *n);
    return *n > 0;
}

/* Every entry and its content in one line; sizes of stripped entries are 3. NULL: e says why not. */
static const char *listed(struct str archive, size_t piece, bool contents, struct err *e)
{
    static struct buf out;
    struct input in = {archive, piece};
    struct rpm_cpio c;
    struct rpm_cpio_entry en;
    int r;
    *e = (struct err){0};
    buf_clear(&out);
    rpm_cpio_init(&c, next_bytes, &in);
    while ((r = rpm_cpio_next(&c, &en, e)) > 0) {
        const void *p;
        size_t n;
        if (en.stripped) {
            rpm_cpio_size(&c, 3);
            buf_printf(&out, "#%u=", en.index);
        } else
            buf_printf(&out, "%.*s %o %llu=", STR_ARG(en.path), en.mode, (unsigned long long)en.size);
        while (contents && (r = rpm_cpio_data(&c, &p, &n, e)) > 0)
            buf_add(&out, p, n);
        if (r < 0)
            break;
        buf_putc(&out, ';');
    }
    rpm_cpio_free(&c);
    return r < 0 ? NULL : buf_c(&out);
}

static void trailer(struct buf *b)
{
    made_newc(b, false, "TRAILER!!!", 0, STR(""));
}

static void entries(void)
{
    for (int crc = 0; crc < 2; crc++)
        for (size_t piece = 1; piece < 300; piece += 7) {
            struct err e;
            AUTO_BUF b = {0};
            made_newc(&b, crc, "./a", 0100644, STR("hello"));
            made_newc(&b, crc, "./d", 040755, STR(""));
            made_newc(&b, crc, "b", 0120777, STR("a"));
            trailer(&b);
            CHECK_STR(listed(buf_view(&b), piece, true, &e), "./a 100644 5=hello;./d 40755 0=;b 120777 1=a;");
            CHECK_STR(listed(buf_view(&b), piece, false, &e), "./a 100644 5=;./d 40755 0=;b 120777 1=;");
        }
}

static void stripped(void)
{
    struct err e;
    AUTO_BUF b = {0};
    buf_puts(&b, "07070X0000000a");
    buf_add(&b, "\0\0", 2);
    buf_puts(&b, "abc");
    buf_add(&b, "\0", 1);
    buf_puts(&b, "07070XfffffFFF");
    buf_add(&b, "\0\0", 2);
    buf_puts(&b, "def");
    buf_add(&b, "\0", 1);
    trailer(&b);
    for (size_t piece = 1; piece < 20; piece++)
        CHECK_STR(listed(buf_view(&b), piece, true, &e), "#10=abc;#4294967295=def;");
}

/* What is behind the trailer. */
static void ends(void)
{
    struct err e;
    AUTO_BUF b = {0};
    trailer(&b);
    CHECK_STR(listed(buf_view(&b), 512, true, &e), "");
    for (int i = 0; i < 60000; i++)
        buf_putc(&b, 0);
    CHECK_STR(listed(buf_view(&b), 512, true, &e), "");
    for (int i = 0; i < 10000; i++)
        buf_putc(&b, 0);
    CHECK(listed(buf_view(&b), 512, true, &e) == NULL && e.class == ERR_FORMAT);
    b.n = 200;
    buf_puts(&b, "x");
    CHECK(listed(buf_view(&b), 512, true, &e) == NULL && strstr(e.msg, "behind the archive's end") != NULL);
}

static void cut_anywhere(void)
{
    struct err e;
    AUTO_BUF b = {0};
    made_newc(&b, true, "./a", 0100644, STR("hello, hello"));
    trailer(&b);
    for (size_t n = 0; n < b.n - 3; n++) /* three zeros at the end are padding */
        if (listed((struct str){b.p, n}, 7, true, &e) != NULL || e.class != ERR_FORMAT) {
            printf("cut at %zu of %zu: %s\n", n, b.n, e.msg);
            test_failed_here = 1;
        }
}

static void broken(void)
{
    static const struct {
        size_t at;
        const char *bytes, *want;
    } cases[] = {
        {0, "070707", "no cpio entry at byte 0"}, {0, "07070Y", "no cpio entry"},
        {6, "0000000g", "no hexadecimal number"}, {54, "+0000005", "no hexadecimal number"},
        {94, "00000000", "a name of 0 bytes"},    {94, "00000001", "a name of 1 bytes"},
        {94, "00001001", "a name of 4097 bytes"}, {94, "ffffffff", "a name of 4294967295 bytes"},
        {94, "00000005", "name does not end"},    {94, "00000003", "name does not end"},
        {54, "ffffffff", "the archive ends"},     {102, "00000001", "has not the sum"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err e;
        AUTO_BUF b = {0};
        made_newc(&b, true, "./a", 0100644, STR("hello"));
        trailer(&b);
        memcpy(b.p + cases[i].at, cases[i].bytes, strlen(cases[i].bytes));
        if (listed(buf_view(&b), 64, true, &e) != NULL || strstr(e.msg, cases[i].want) == NULL) {
            printf("case %zu: `%s', want `%s'\n", i, e.msg, cases[i].want);
            test_failed_here = 1;
        }
    }
}

int main(void)
{
    RUN(entries);
    RUN(stripped);
    RUN(ends);
    RUN(cut_anywhere);
    RUN(broken);
    return test_done();
}
