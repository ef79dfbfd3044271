#include "mirrors/mirrorlist.h"

#include <stdlib.h>

#include "base/auto.h"
#include "base/file.h"
#include "tests/unit/test.h"

/* The URLs, or the error. */
static const char *parse(struct str text, struct arena *a)
{
    AUTO_BUF b = {0};
    struct mirror_list l;
    struct err e = {0};
    if (mirrorlist_parse("list", text, a, &l, &e) < 0) {
        CHECK(e.class == ERR_FORMAT);
        return arena_dup(a, e.msg);
    }
    CHECK(l.n > 0 && l.nroots == 0);
    for (size_t i = 0; i < l.n; i++)
        buf_printf(&b, "%s%s", i ? " " : "", l.url[i]);
    return arena_str(a, buf_view(&b));
}

static void texts(void)
{
    static const char *const rows[][2] = {
        {"http://a.example/x\nhttps://b.example/y/\n", "http://a.example/x https://b.example/y"},
        {"# comment\r\n\r\nhttps://a.example/x/\r\n", "https://a.example/x"},
        {"https://a.example/x\nhttps://a.example/x/\nHTTPS://c.example",
         "https://a.example/x HTTPS://c.example"},
        {"ftp://a.example/x\nrsync://a.example/x\nfile:///etc\n/etc\nhttp://b.example", "http://b.example"},
        {"http://a.example/a b\nhttp://a.example/?x\nhttp:///x\nhttp://\nhttp://b.example/c",
         "http://b.example/c"},
        {"", "list: an empty mirror list"},
        {"\n \n", "list: an empty mirror list"},
        {"# repo = rocky-BaseOS-99 arch = x86_64 error: invalid repo\n",
         "list: the list names no mirror; it begins with `# repo = rocky-BaseOS-99 arch = x86_64 error: "
         "invalid repo'"},
        {"<!DOCTYPE html>\n<html>http://a.example</html>\n",
         "list: the list names no mirror; it begins with `<!DOCTYPE html>'"},
        {"\x1b[2J\n", "list: the list names no mirror; it begins with `\\x1b[2J'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_ARENA a = {0};
        CHECK_STR(parse(str_c(rows[i][0]), &a), rows[i][1]);
    }
    AUTO_ARENA a = {0};
    CHECK_STR(parse((struct str){"http://a.example/\0x\nhttp://b.example", 36}, &a), "http://b.example");
}

static void real_files(void)
{
    static const char *const rows[][2] = {
        {"mirrorlist_01", "http://foo.bar/fedora/linux"},
        {"mirrorlist_02",
         "mirrorlist_02: the list names no mirror; it begins with `# repo = fedora-17 arch = i386"},
        {"mirrorlist_03", "mirrorlist_03: an empty mirror list"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_ARENA a = {0};
        AUTO_BUF b = {0};
        struct mirror_list l;
        struct err e = {0};
        const char *path =
            arena_printf(&a, "%s/repomd/librepo/test_data/mirrorlists/%s", test_data(), rows[i][0]);
        if (file_read(path, MIRROR_LIST_BYTES, &b, &e) < 0)
            SKIP("no test data");
        int rc = mirrorlist_parse(rows[i][0], buf_view(&b), &a, &l, &e);
        const char *got = rc < 0 ? e.msg : l.url[0];
        CHECK(strncmp(got, rows[i][1], strlen(rows[i][1])) == 0);
        CHECK(rc < 0 || l.n == 1);
    }
}

/* A megabyte of short URLs is no work. */
static void bounds(void)
{
    AUTO_ARENA a = {0};
    AUTO_BUF b = {0};
    struct mirror_list l;
    struct err e = {0};
    for (unsigned i = 0; b.n < MIRROR_LIST_BYTES; i++)
        buf_printf(&b, "http://h%u\n", i);
    CHECK(mirrorlist_parse("list", buf_view(&b), &a, &l, &e) == 0);
    CHECK(l.n == MIRROR_LIST_MAX);
    buf_clear(&b);
    buf_puts(&b, "http://a.example/");
    for (unsigned i = 0; i < 5000; i++)
        buf_putc(&b, 'x');
    CHECK(mirrorlist_parse("list", buf_view(&b), &a, &l, &e) == -1 && strlen(e.msg) < 300);
}

int main(void)
{
    RUN(texts);
    RUN(real_files);
    RUN(bounds);
    return test_done();
}
