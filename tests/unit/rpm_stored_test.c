#include "pkgfmt/rpm_stored.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "tests/unit/test.h"

static const char head[] = "lead and headers";

/* n bytes through pieces of `piece` bytes: the file, its head taken off. */
static void store(size_t n, size_t piece, struct buf *content, struct buf *out)
{
    struct err e = {0};
    AUTO_FD from = file_temp(NULL, NULL, &e);
    AUTO_FD to = file_temp(NULL, NULL, &e);
    CHECK(from >= 0 && to >= 0 && file_write_fd(from, "x", head, sizeof head, &e) == 0);
    const struct rpm_read r = {.fd = from, .payload_off = sizeof head};
    static struct rpm_stored s;
    for (size_t i = 0; i < n; i++)
        buf_putc(content, (char)(i * 7 + i / 251));
    CHECK(rpm_stored_open(&s, to, &r, &e) == 0);
    for (size_t at = 0; at < n; at += piece)
        rpm_stored_data(&s, content->p + at, n - at < piece ? n - at : piece);
    CHECK(rpm_stored_finish(&s, &e) == 0);
    CHECK(lseek(to, 0, SEEK_SET) == 0 && file_read_fd(to, "x", 1 << 24, out, &e) == 0);
    CHECK(out->n > sizeof head && memcmp(out->p, head, sizeof head) == 0);
}

/* By libarchive, with liblzma behind it. */
static void decode(struct str in, struct buf *out)
{
    char bytes[4096];
    la_ssize_t n = 0;
    struct archive *a = archive_read_new();
    struct archive_entry *en;
    archive_read_support_filter_xz(a);
    archive_read_support_format_raw(a);
    archive_read_support_format_empty(a);
    CHECK(archive_read_open_memory(a, in.p, in.n) == ARCHIVE_OK);
    CHECK(archive_filter_code(a, 0) == ARCHIVE_FILTER_XZ || in.n < 100);
    int r = archive_read_next_header(a, &en);
    while (r == ARCHIVE_OK && (n = archive_read_data(a, bytes, sizeof bytes)) > 0)
        buf_add(out, bytes, (size_t)n);
    CHECK(n == 0);
    archive_read_free(a);
}

static void test_round_trip(void)
{
    static const size_t sizes[] = {1, 2, 65535, 65536, 65537, 131072, 1000003};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t piece = 1000; piece < 200000; piece *= 100) {
            AUTO_BUF content = {0}, out = {0}, back = {0};
            store(sizes[i], piece, &content, &out);
            struct str payload = str_from(buf_view(&out), sizeof head);
            CHECK(payload.p[0] == '\xfd');
            CHECK(payload.n < sizes[i] + sizes[i] / 16384 + 100);
            decode(payload, &back);
            CHECK(str_eq(buf_view(&back), buf_view(&content)));
        }
}

static void test_empty(void)
{
    AUTO_BUF content = {0}, out = {0}, back = {0};
    store(0, 1, &content, &out);
    decode(str_from(buf_view(&out), sizeof head), &back);
    CHECK(back.n == 0);
}

static bool pays(const char *payload, size_t n)
{
    struct err e = {0};
    AUTO_FD fd = file_temp(NULL, NULL, &e);
    const struct rpm_read r = {.fd = fd, .payload_off = 4};
    CHECK(fd >= 0 && file_write_fd(fd, "x", "head", 4, &e) == 0 &&
          file_write_fd(fd, "x", payload, n, &e) == 0);
    return rpm_stored_pays(&r);
}

static void test_pays(void)
{
    CHECK(pays("\xfd\x37zXZ\0\0", 7));
    CHECK(!pays("\xfd\x37zXZ", 5));
    CHECK(!pays("\x28\xb5\x2f\xfd__", 6));
    CHECK(!pays("", 0));
}

int main(void)
{
    RUN(test_round_trip);
    RUN(test_empty);
    RUN(test_pays);
    return test_done();
}
