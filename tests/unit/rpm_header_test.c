/* Headers made here: what is read, and what is refused. */
#include "pkgfmt/rpm_header.h"

#include "base/auto.h"
#include "tests/unit/rpm_make.h"
#include "tests/unit/test.h"

#define N(v) (sizeof(v) / sizeof *(v))

/* What the parser says; the bytes stand in memory of exactly their size, for the sanitizers. */
static const char *parse(struct str bytes, uint32_t region)
{
    static struct err e;
    struct rpm_header h;
    char *own = malloc(bytes.n + 1);
    memcpy(own, bytes.p, bytes.n);
    own = realloc(own, bytes.n > 0 ? bytes.n : 1);
    e = (struct err){0};
    int r = rpm_header_parse(&h, (struct str){own, bytes.n}, region, &e);
    CHECK(r == 0 || (e.class == ERR_FORMAT && h.entries == NULL && h.n == 0));
    if (r == 0)
        rpm_header_free(&h);
    free(own);
    return r == 0 ? "ok" : e.msg;
}

static void expect(const struct rpm_make_entry *v, size_t n, uint32_t region, const char *want)
{
    AUTO_BUF b = {0};
    rpm_make_header(&b, region, v, n, 0);
    const char *got = parse(buf_view(&b), region);
    if (strstr(got, want) == NULL) {
        printf("got `%s', want `%s'\n", got, want);
        test_failed_here = 1;
    }
}

static void values(void)
{
    static const struct rpm_make_entry v[] = {RPM_MAKE_STR(RPM_TAG_NAME, "hello"),
                                              {1003, RPM_INT32, 2, {"\0\0\1\2\xff\xff\xff\xff", 8}},
                                              {1004, RPM_I18NSTRING, 2, {"one\0zwei", 9}},
                                              {1030, RPM_INT16, 1, {"\x81\xa4", 2}},
                                              {1031, RPM_CHAR, 1, {"\xfe", 1}},
                                              {1032, RPM_BIN, 3, {"abc", 3}},
                                              {1117, RPM_STRING_ARRAY, 3, {"a\0\0ccc", 7}},
                                              {5009, RPM_INT64, 1, {"\1\2\3\4\5\6\7\x08", 8}}};
    AUTO_BUF b = {0};
    struct rpm_header h;
    struct err e;
    struct str s;
    uint64_t u;
    size_t at = 0;
    rpm_make_header(&b, 63, v, N(v), 0);
    size_t size = b.n;
    buf_puts(&b, "what follows");
    CHECK(rpm_header_parse(&h, buf_view(&b), 63, &e) == 0 && h.n == N(v) && h.size == size);
    CHECK(str_is(rpm_header_string(&h, RPM_TAG_NAME), "hello"));
    CHECK(str_is(rpm_header_string(&h, 1004), "one"));
    CHECK(rpm_header_string(&h, 1002).p == NULL && rpm_header_string(&h, 1003).p == NULL);
    CHECK(rpm_header_u64(&h, 1003, 0, &u) && u == 0x102);
    CHECK(rpm_header_u64(&h, 1003, 1, &u) && u == 0xffffffff && !rpm_header_u64(&h, 1003, 2, &u));
    CHECK(rpm_header_u64(&h, 1030, 0, &u) && u == 0x81a4 && rpm_header_u64(&h, 1031, 0, &u) && u == 0xfe);
    CHECK(rpm_header_u64(&h, 5009, 0, &u) && u == 0x0102030405060708);
    CHECK(!rpm_header_u64(&h, 1032, 0, &u) && !rpm_header_u64(&h, 1000, 0, &u) &&
          !rpm_header_u64(&h, 7, 0, &u));
    const struct rpm_entry *en = rpm_header_find(&h, RPM_TAG_BASENAMES);
    CHECK(en != NULL && en->count == 3 && en->n == 7);
    CHECK(rpm_entry_string(en, &at, &s) && str_is(s, "a") && rpm_entry_string(en, &at, &s) && s.n == 0);
    CHECK(rpm_entry_string(en, &at, &s) && str_is(s, "ccc") && !rpm_entry_string(en, &at, &s));
    CHECK(!rpm_entry_string(rpm_header_find(&h, 1032), &(size_t){0}, &s));
    rpm_header_free(&h);
    CHECK(rpm_header_find(&h, 1000) == NULL);
}

static void entries(void)
{
    static const struct {
        struct rpm_make_entry en;
        const char *want;
    } rows[] = {
        {{1000, RPM_STRING, 1, {"x", 2}}, "ok"},
        {{1000, RPM_STRING, 1, {"", 1}}, "ok"},
        {{1000, RPM_STRING, 2, {"x\0y", 4}}, "a count that cannot be"},
        {{1000, RPM_STRING, 0, {"x", 2}}, "a count that cannot be"},
        {{1000, RPM_STRING_ARRAY, 3, {"x\0y", 4}}, "do not fit"},
        {{1000, RPM_STRING_ARRAY, 1, {"x\0y", 4}}, "data ends at 2, expected 4"},
        {{1000, RPM_STRING, 1, {"x", 1}}, "do not fit"},
        {{1000, RPM_STRING_ARRAY, 2, {"x\0y", 3}}, "do not fit"},
        {{1000, RPM_INT32, 0x40000001, {"1234", 4}}, "a count that cannot be"},
        {{1000, RPM_INT32, 0xfffff, {"1234", 4}}, "do not fit"},
        {{1000, RPM_INT32, 2, {"1234567", 7}}, "do not fit"},
        {{1000, RPM_INT64, 1, {"1234567", 7}}, "do not fit"},
        {{1000, RPM_BIN, 0xffffffff, {"1234567", 7}}, "do not fit"},
        {{1000, RPM_BIN, 6, {"1234567", 7}}, "data ends at 6, expected 7"},
        {{1000, RPM_NULL, 1, {"x", 2}}, "a type that is none"},
        {{1000, 10, 1, {"x", 2}}, "a type that is none"},
        {{1000, 0x10004, 1, {"1234", 4}}, "a type that is none"},
        {{99, RPM_STRING, 1, {"x", 2}}, "a tag that is none"},
        {{62, RPM_BIN, 16, {"0123456789abcdef", 16}}, "a tag that is none"},
        {{100, RPM_STRING_ARRAY, 1, {"C", 2}}, "ok"},
    };
    for (size_t i = 0; i < N(rows); i++)
        for (uint32_t region = 0; region <= 63; region += region == 0 ? 62 : 1) {
            expect(&rows[i].en, 1, region, rows[i].want);
            if (test_failed_here) {
                printf("row %zu, region %u\n", i, region);
                return;
            }
        }
}

static void several(void)
{
    static const struct rpm_make_entry twice[] = {RPM_MAKE_STR(1000, "a"), RPM_MAKE_STR(1001, "b"),
                                                  RPM_MAKE_STR(1000, "c")};
    static const struct rpm_make_entry unsorted[] = {RPM_MAKE_STR(1001, "a"), RPM_MAKE_STR(1000, "b")};
    expect(twice, 3, 63, "tag 1000 stands there twice");
    expect(unsorted, 2, 63, "ok");
    expect(NULL, 0, 0, "without entries");
    expect(NULL, 0, 63, "ok"); /* the region alone: rpm takes it */
}

/* Bytes of a good header replaced: at, by a number of four bytes. */
static void patched(uint32_t region, size_t at, uint32_t num, const char *want)
{
    static const struct rpm_make_entry v[] = {RPM_MAKE_STR(1000, "abc"), {1001, RPM_INT32, 1, {"1234", 4}}};
    AUTO_BUF b = {0}, n = {0};
    rpm_make_header(&b, region, v, 2, 0);
    rpm_make_u32(&n, num);
    memcpy(b.p + at, n.p, 4);
    const char *got = parse(buf_view(&b), region);
    if (strstr(got, want) == NULL) {
        printf("%zu=%x: got `%s', want `%s'\n", at, num, got, want);
        test_failed_here = 1;
    }
}

static void damaged(void)
{
    /* 0 magic, 8 entries, 12 bytes (24), 16 region entry, 32 and 48 entries, 64 store, 72 trailer */
    patched(63, 0, 0x8eade801, "ok");
    patched(63, 0, 0x8eade802, "bad magic");
    patched(63, 4, 1, "bad magic");
    patched(63, 8, 0xffffffff, "larger than any real one");
    patched(63, 12, 0xffffffff, "larger than any real one");
    patched(63, 12, RPM_HEADER_BYTES_MAX, "cut off");
    patched(63, 8, RPM_HEADER_ENTRIES_MAX, "cut off");
    patched(63, 8, 0, "without entries");
    patched(63, 8, 2, "the region's trailer is damaged");
    patched(63, 16, 62, "no region 63");
    patched(63, 16, 1000, "no region 63");
    patched(63, 20, RPM_STRING, "no region 63");
    patched(63, 28, 17, "no region 63");
    patched(63, 24, 9, "outside of the data");
    patched(63, 24, 0xffffffff, "outside of the data");
    patched(63, 24, 0xfffffff0, "outside of the data");
    patched(63, 24, 0, "trailer is damaged");
    patched(63, 72, 62, "trailer is damaged");
    patched(63, 76, 4, "trailer is damaged");
    patched(63, 84, 15, "trailer is damaged");
    patched(63, 80, (uint32_t)-32, "1 entries and 0 bytes stand outside");
    patched(63, 80, (uint32_t)-64, "has 64 bytes of entries");
    patched(63, 80, 48, "bytes of entries");
    patched(63, 80, 0, "bytes of entries");
    patched(63, 80, (uint32_t)-47, "bytes of entries");
    patched(62, 72, 61, "ok"); /* as old packages have it */
    patched(62, 80, (uint32_t)-32, "the region's data ends at 4, expected 8");
    patched(63, 40, 1, "its data stands at 1, expected 0");
    patched(63, 56, 0, "its data stands at 0, expected 4");
    patched(63, 56, 5, "its data stands at 5, expected 4");
    patched(63, 56, 8, "its data stands at 8, expected 4");
    patched(63, 56, 0x80000004, "its data stands at 2147483652");
    patched(63, 60, 2, "do not fit"); /* would reach into the trailer */
    patched(63, 52, RPM_BIN, "data ends at 5, expected 8");
}

static void outside_of_the_region(void)
{
    static const struct rpm_make_entry v[] = {RPM_MAKE_STR(1000, "abc"), {1001, RPM_INT32, 1, {"1234", 4}}};
    AUTO_BUF sig = {0}, main = {0};
    struct rpm_header h;
    struct err e;
    uint64_t u;
    rpm_make_header(&sig, 62, v, 2, 1);
    CHECK(rpm_header_parse(&h, buf_view(&sig), 62, &e) == 0 && h.n == 2 && rpm_header_u64(&h, 1001, 0, &u) &&
          u == 0x31323334);
    rpm_header_free(&h);
    rpm_make_header(&main, 63, v, 2, 1);
    CHECK(strstr(parse(buf_view(&main), 63), "1 entries and 4 bytes stand outside") != NULL);
}

static void cut_off(void)
{
    static const struct rpm_make_entry v[] = {RPM_MAKE_STR(1000, "abc"), {1001, RPM_INT32, 1, {"1234", 4}}};
    AUTO_BUF b = {0};
    rpm_make_header(&b, 63, v, 2, 0);
    for (size_t n = 0; n < b.n; n++)
        CHECK(strstr(parse((struct str){b.p, n}, 63), "cut off") != NULL);
    CHECK_STR(parse(buf_view(&b), 63), "ok");
}

/* Every byte, every bit: read or refused, without a step outside. */
static void flipped(void)
{
    static const struct rpm_make_entry v[] = {RPM_MAKE_STR(1000, "abc"),
                                              {1001, RPM_INT32, 2, {"12345678", 8}},
                                              {1002, RPM_STRING_ARRAY, 2, {"x\0y", 4}},
                                              {1003, RPM_BIN, 3, {"bin", 3}}};
    AUTO_BUF b = {0};
    rpm_make_header(&b, 63, v, N(v), 0);
    for (size_t i = 0; i < 8 * b.n; i++) {
        b.p[i / 8] = (char)(b.p[i / 8] ^ 1 << i % 8);
        parse(buf_view(&b), 63);
        parse(buf_view(&b), 0);
        b.p[i / 8] = (char)(b.p[i / 8] ^ 1 << i % 8);
    }
}

static void types(void)
{
    static const struct rpm_make_entry good[] = {{1000, RPM_I18NSTRING, 1, {"x", 2}},
                                                 {1117, RPM_STRING, 1, {"x", 2}},
                                                 {4711, RPM_INT16, 1, {"xx", 2}}};
    static const struct rpm_make_entry bad[] = {{1028, RPM_INT16, 2, {"xxxx", 4}}};
    AUTO_BUF g = {0}, b = {0};
    struct rpm_header h;
    struct err e;
    rpm_make_header(&g, 63, good, N(good), 0);
    CHECK(rpm_header_parse(&h, buf_view(&g), 63, &e) == 0 && rpm_header_types(&h, &e) == 0);
    rpm_header_free(&h);
    rpm_make_header(&b, 63, bad, N(bad), 0);
    CHECK(rpm_header_parse(&h, buf_view(&b), 63, &e) == 0 && rpm_header_types(&h, &e) < 0 &&
          e.class == ERR_FORMAT);
    CHECK_STR(e.msg, "tag 1028 has type 3, expected 4");
    rpm_header_free(&h);
}

int main(void)
{
    RUN(values);
    RUN(entries);
    RUN(several);
    RUN(damaged);
    RUN(outside_of_the_region);
    RUN(cut_off);
    RUN(flipped);
    RUN(types);
    return test_done();
}
