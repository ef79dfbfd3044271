#include "tests/unit/test.h"

#include <errno.h>

#include "base/err.h"

static void set(void)
{
    struct err e = {.sys = 5, .hint = "old"};
    CHECK(err_set(&e, ERR_TRUST, "%s: %d", "main", 42) == -1);
    CHECK_STR(e.msg, "main: 42");
    CHECK_STR(e.hint, "");
    CHECK(e.class == ERR_TRUST && e.sys == 0);
}

static void control_bytes_are_shown(void)
{
    struct err e = {0};
    err_set(&e, ERR_FORMAT, "%s", "a\nzonestrap: error: forged\r\033[2J\x7f\xc3\xa9");
    CHECK_STR(e.msg, "a\\x0azonestrap: error: forged\\x0d\\x1b[2J\\x7f\xc3\xa9");
    err_wrap(&e, "%s", "con\ntext");
    CHECK(strncmp(e.msg, "con\\x0atext: a\\x0a", 17) == 0);
    err_hint(&e, "%s", "hi\tnt");
    CHECK_STR(e.hint, "hi\\x09nt");
}

static void sys(void)
{
    struct err e = {0};
    char want[256];
    CHECK(err_sys(&e, ERR_HOST, ENOENT, "%s", "/x") == -1);
    snprintf(want, sizeof want, "/x: %s", strerror(ENOENT));
    CHECK_STR(e.msg, want);
    CHECK(e.sys == ENOENT);
    CHECK_STR(e.hint, "");
}

static void sys_hints(void)
{
    static const int with[] = {ENOSPC, EDQUOT, EROFS, EACCES, EPERM};
    for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
        struct err e = {0};
        err_sys(&e, ERR_HOST, with[i], "x");
        CHECK(e.hint[0] != '\0');
        CHECK(e.sys == with[i]);
    }
}

static void wrap(void)
{
    struct err e = {0};
    err_sys(&e, ERR_HOST, EROFS, "f");
    char inner[sizeof e.msg], hint[sizeof e.hint];
    memcpy(inner, e.msg, sizeof inner);
    memcpy(hint, e.hint, sizeof hint);
    CHECK(err_wrap(&e, "%s/%s", "debian", "trixie") == -1);
    CHECK(strncmp(e.msg, "debian/trixie: ", 15) == 0);
    CHECK_STR(e.msg + 15, inner);
    CHECK(e.class == ERR_HOST && e.sys == EROFS);
    CHECK_STR(e.hint, hint);
}

/* A caller may quote the error's own text in its new one. */
static void own_text_as_argument(void)
{
    struct err e = {0};
    err_set(&e, ERR_NET, "inner");
    err_set(&e, ERR_NET, "outer (%s)", e.msg);
    CHECK_STR(e.msg, "outer (inner)");
    err_wrap(&e, "%s", e.msg);
    CHECK_STR(e.msg, "outer (inner): outer (inner)");
}

static void long_texts_are_cut(void)
{
    static char text[8192];
    struct err e;
    for (int c = 0; c < 2; c++) {
        memset(text, c ? '\n' : 'x', sizeof text - 1);
        memset(&e, 0xaa, sizeof e);
        err_set(&e, ERR_FORMAT, "%s", text);
        CHECK(memchr(e.msg, '\0', sizeof e.msg) != NULL);
        CHECK(strlen(e.msg) > sizeof e.msg - 16);
        CHECK(strchr(e.msg, '\n') == NULL);
        for (int i = 0; i < 10; i++)
            err_wrap(&e, "%s", text);
        CHECK(memchr(e.msg, '\0', sizeof e.msg) != NULL);
        err_hint(&e, "%s", text);
        CHECK(memchr(e.hint, '\0', sizeof e.hint) != NULL);
        CHECK(strlen(e.hint) > sizeof e.hint - 16);
        err_sys(&e, ERR_HOST, ENOENT, "%s", text);
        CHECK(memchr(e.msg, '\0', sizeof e.msg) != NULL);
    }
    /* A cut never splits the \xNN of a control byte. */
    memset(text, '\n', sizeof text - 1);
    err_set(&e, ERR_FORMAT, "%s", text);
    CHECK(strlen(e.msg) % 4 == 0);
}

static void class_names(void)
{
    static const struct {
        enum err_class class;
        int status;
        const char *name;
    } t[] = {{ERR_NONE, 0, "none"},          {ERR_USAGE, 2, "usage"},
             {ERR_NET, 3, "network"},        {ERR_TRUST, 4, "trust"},
             {ERR_FORMAT, 5, "format"},      {ERR_SOLVE, 6, "solve"},
             {ERR_HOST, 7, "host"},          {ERR_SECOND, 8, "second-stage"},
             {ERR_INTR, 130, "interrupted"}, {(enum err_class)1, 1, "unknown"}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        CHECK_STR(err_class_name(t[i].class), t[i].name);
        CHECK((int)t[i].class == t[i].status);
    }
}

int main(void)
{
    RUN(set);
    RUN(control_bytes_are_shown);
    RUN(sys);
    RUN(sys_hints);
    RUN(wrap);
    RUN(own_text_as_argument);
    RUN(long_texts_are_cut);
    RUN(class_names);
    return test_done();
}
