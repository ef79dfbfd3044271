/* Armor, packet by packet, and gpg's word on it. */
#include "pkgfmt/rpm_key.h"

#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

#define BEGIN "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"
#define END   "-----END PGP PUBLIC KEY BLOCK-----\n"

static void check(struct str in, const char *want)
{
    AUTO_BUF b = {0};
    struct err e = {0};
    CHECK(rpm_key_armor(in, &b, &e) == 0);
    CHECK_STR(buf_c(&b), want);
}

/* A key, a user ID (tag 13) behind it, another key: in the old packet format and in the new one. */
static void certificates(void)
{
    check(STR("\x98\1a\xb4\1b\x98\1c"), BEGIN "mAFhtAFi\n=liU/\n" END BEGIN "mAFj\n=Wzse\n" END);
    check(STR("\xc6\1a\xcd\1b"), BEGIN "xgFhzQFi\n=julg\n" END);
    check(STR("\x99\0\1a"), BEGIN "mQABYQ==\n=AxTS\n" END);
    check(STR("\x9a\0\0\0\1a"), BEGIN "mgAAAAFh\n=XmW6\n" END);
    check(STR("\xc6\xff\0\0\0\1a"), BEGIN "xv8AAAABYQ==\n=6g0t\n" END);
    check(STR(BEGIN "x\n" END), BEGIN "x\n" END);
    check(STR("# words\n" BEGIN "x"), "# words\n" BEGIN "x\n");
}

/* Every length of the last group and of the last line; two octets of length from 192 on. */
static void lengths(void)
{
    char in[400] = {0};
    for (size_t n = 1; n < sizeof in - 3; n++) {
        AUTO_BUF b = {0};
        struct err e = {0};
        size_t head = n < 192 ? 2 : 3;
        in[0] = '\xc6';
        in[1] = (char)(n < 192 ? n : 192 + ((n - 192) >> 8));
        in[2] = (char)(n < 192 ? 0 : (n - 192) & 0xff);
        CHECK(rpm_key_armor((struct str){in, head + n}, &b, &e) == 0);
        struct str text = buf_view(&b), line;
        size_t letters = 0;
        for (int i = 0; str_line(&text, &line); i++) {
            CHECK(line.n <= 64);
            if (i >= 2 && line.p[0] != '=' && line.p[0] != '-')
                letters += line.n;
        }
        CHECK(letters == (head + n + 2) / 3 * 4);
    }
}

static void malformed(void)
{
    const struct str rows[] = {
        {NULL, 0},
        STR("x"),
        STR("\x98"),
        STR("\x98\2a"),
        STR("\x9b"
            "a"),
        STR("\xb4\1b"),
        STR("\xc6\xe1\1"),
        STR("\xc6\xc0"),
        STR("\x99\0"),
        STR("\x98\1a\x98\2c"),
        STR("\x9a\xff\xff\xff\xff"
            "a"),
        STR("\xc6\xff\xff\xff\xff\xff"
            "a"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_BUF b = {0};
        struct err e = {0};
        CHECK(rpm_key_armor(rows[i], &b, &e) < 0 && e.class == ERR_FORMAT);
    }
}

int main(void)
{
    RUN(certificates);
    RUN(lengths);
    RUN(malformed);
    return test_done();
}
