/* The payload's compressions, and what is none. */
#include "pkgfmt/rpm_payload.h"
#include "tests/unit/rpm_fixture.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static const char *const filters[] = {"gzip", "xz", "zstd", "bzip2", "lzma"};
enum { FILTERS = sizeof filters / sizeof filters[0] };

/* Decoded into out. */
static int decode(struct str payload, struct buf *out, struct err *e)
{
    AUTO_BUF package = {0};
    struct rpm_read r;
    struct rpm_payload *p = NULL;
    const void *at;
    size_t n;
    *e = (struct err){0};
    buf_clear(out);
    made_package(&package, &(struct made){.payload = payload}, NULL, 0);
    AUTO_FD fd = scratch_fd(buf_view(&package));
    if (rpm_read_open(&r, fd, e) < 0)
        abort();
    int rc = rpm_payload_open(&p, &r, NULL, e);
    while (rc == 0 && (rc = rpm_payload_next(p, &at, &n, e)) > 0) {
        buf_add(out, at, n);
        rc = 0;
    }
    rpm_payload_close(p);
    rpm_read_close(&r);
    return rc;
}

/* 400 KB with some structure. */
static void sample(struct buf *b)
{
    uint32_t x = 1;
    buf_puts(b, "070701");
    for (int i = 0; i < 100000; i++) {
        x = x * 1664525 + 1013904223;
        buf_printf(b, "%04x", x >> 26);
    }
}

static void all_compressions(void)
{
    AUTO_BUF want = {0}, got = {0};
    struct err e;
    sample(&want);
    CHECK(decode(buf_view(&want), &got, &e) == 0 && str_eq(buf_view(&got), buf_view(&want)));
    for (size_t i = 0; i < FILTERS; i++) {
        AUTO_BUF pressed = {0};
        made_press(&pressed, filters[i], buf_view(&want));
        if (decode(buf_view(&pressed), &got, &e) < 0 || !str_eq(buf_view(&got), buf_view(&want))) {
            printf("%s: %zu bytes of %zu: %s\n", filters[i], got.n, want.n, e.msg);
            test_failed_here = 1;
        }
    }
}

/* As rpm's threads write them: one frame, or member, behind the other. */
static void several_frames(void)
{
    AUTO_BUF want = {0}, got = {0};
    struct err e;
    sample(&want);
    for (size_t i = 0; i < 4; i++) {
        AUTO_BUF pressed = {0};
        made_press(&pressed, filters[i], (struct str){want.p, 1000});
        made_press(&pressed, filters[i], (struct str){want.p + 1000, 1});
        made_press(&pressed, filters[i], str_from(buf_view(&want), 1001));
        if (decode(buf_view(&pressed), &got, &e) < 0 || !str_eq(buf_view(&got), buf_view(&want))) {
            printf("%s: %zu bytes of %zu: %s\n", filters[i], got.n, want.n, e.msg);
            test_failed_here = 1;
        }
    }
}

/* Nothing that is cut off passes for whole. */
static void cut_off(void)
{
    AUTO_BUF got = {0};
    struct str text = STR("0707 is how it begins, and this is how it ends, how it ends.");
    for (size_t i = 0; i < FILTERS; i++) {
        AUTO_BUF pressed = {0};
        struct err e;
        made_press(&pressed, filters[i], text);
        for (size_t n = 1; n < pressed.n; n++)
            if (decode((struct str){pressed.p, n}, &got, &e) == 0 && got.n == text.n)
                printf("# %s: %zu of %zu bytes give everything\n", filters[i], n, pressed.n);
            else if (e.class != ERR_FORMAT && got.n != 0) {
                printf("%s: %zu of %zu bytes: %zu bytes, %s\n", filters[i], n, pressed.n, got.n, e.msg);
                test_failed_here = 1;
            }
    }
}

static void damaged(void)
{
    AUTO_BUF want = {0}, got = {0};
    sample(&want);
    for (size_t i = 0; i < FILTERS; i++) {
        AUTO_BUF pressed = {0};
        struct err e;
        if (strcmp(filters[i], "lzma") == 0) /* has no checksum */
            continue;
        made_press(&pressed, filters[i], buf_view(&want));
        memset(pressed.p + pressed.n / 2, 0x55, 40);
        bool whole = decode(buf_view(&pressed), &got, &e) == 0 && str_eq(buf_view(&got), buf_view(&want));
        CHECK(!whole);
        if (e.class != ERR_FORMAT) /* libarchive does not look at gzip's checksum; the package's digests do */
            printf("# %s: not noticed (%zu of %zu bytes)\n", filters[i], got.n, want.n);
    }
}

static void unknown(void)
{
    static const char *const bad[] = {
        "x",     "PK\3\4 zip", "\x1f\x9d old compress",        "LZIP", "\x04\x22\x4d\x18 lz4",
        "ustar", "070",        "\x5d\x01 lzma of another kind"};
    AUTO_BUF got = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e;
        CHECK(decode(str_c(bad[i]), &got, &e) < 0);
        CHECK(e.class == ERR_FORMAT && strncmp(e.msg, "payload: begins with ", 21) == 0 && e.hint[0] != '\0');
    }
}

/* One layer only: a compressed payload within another one is no archive. */
static void nested(void)
{
    AUTO_BUF once = {0}, twice = {0}, got = {0};
    struct err e;
    made_press(&once, "gzip", STR("070701"));
    made_press(&twice, "xz", buf_view(&once));
    CHECK(decode(buf_view(&twice), &got, &e) == 0);
    CHECK(str_eq(buf_view(&got), buf_view(&once)));
}

int main(void)
{
    RUN(all_compressions);
    RUN(several_frames);
    RUN(cut_off);
    RUN(damaged);
    RUN(unknown);
    RUN(nested);
    return test_done();
}
