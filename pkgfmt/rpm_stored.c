#include "pkgfmt/rpm_stored.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"

/* Sections 2.1.1, 3.1, 4 and 2.1.2 of the xz file format. An LZMA2 chunk is a control byte (1: stored,
   dictionary reset; 2: stored; 0: the end), its size less one in 16 bits, and the bytes. */
enum {
    LZMA2 = 0x21,
    DICTIONARY_64K = 8,
    CHUNK_RESET = 1,
    CHUNK = 2,
    FLAGS = 2,
    BLOCK_HEADER = 12,
    WINDOW = 1 << 16
};
static const unsigned char magic[6] = {0xfd, '7', 'z', 'X', 'Z', 0};
static const unsigned char no_check[FLAGS] = {0, 0};
static const char what[] = "the package kept for the second stage";

static uint32_t crc32_of(const void *p, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (const unsigned char *b = p; n > 0; b++, n--) {
        crc ^= *b;
        for (int i = 0; i < 8; i++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    return ~crc;
}

static void put_le32(struct buf *b, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        buf_putc(b, (char)(v >> 8 * i & 0xff));
}

static void put_vli(struct buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_putc(b, (char)((v & 0x7f) | 0x80));
    buf_putc(b, (char)v);
}

static void pad(struct buf *b, uint64_t n)
{
    while (n++ % 4 != 0)
        buf_putc(b, 0);
}

static int put(struct rpm_stored *s, const struct buf *b, struct err *e)
{
    return file_write_fd(s->fd, what, b->p, b->n, e);
}

bool rpm_stored_pays(const struct rpm_read *r)
{
    unsigned char head[sizeof magic];
    return pread(r->fd, head, sizeof head, (off_t)r->payload_off) == (ssize_t)sizeof head &&
           memcmp(head, magic, sizeof magic) == 0;
}

static int copy_head(struct rpm_stored *s, const struct rpm_read *r, struct err *e)
{
    AUTO_MEM unsigned char *window = mem_alloc(WINDOW);
    for (uint64_t at = 0; at < r->payload_off;) {
        uint64_t left = r->payload_off - at;
        ssize_t n = pread(r->fd, window, left < WINDOW ? (size_t)left : WINDOW, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? err_sys(e, ERR_HOST, errno, "cannot read the package file")
                         : err_set(e, ERR_FORMAT, "the package file ends early");
        if (file_write_fd(s->fd, what, window, (size_t)n, e) < 0)
            return -1;
        at += (uint64_t)n;
    }
    return 0;
}

int rpm_stored_open(struct rpm_stored *s, int fd, const struct rpm_read *r, struct err *e)
{
    static const unsigned char header[] = {BLOCK_HEADER / 4 - 1, 0, LZMA2, 1, DICTIONARY_64K, 0, 0, 0};
    AUTO_BUF b = {0};
    s->fd = fd;
    s->open = s->body = 0;
    s->held = 0;
    s->failed = false;
    if (copy_head(s, r, e) < 0)
        return -1;
    buf_add(&b, magic, sizeof magic);
    buf_add(&b, no_check, FLAGS);
    put_le32(&b, crc32_of(no_check, FLAGS));
    buf_add(&b, header, sizeof header);
    put_le32(&b, crc32_of(header, sizeof header));
    return put(s, &b, e);
}

static int flush(struct rpm_stored *s, struct err *e)
{
    size_t last = s->held - 1;
    const unsigned char head[] = {s->open == s->held ? CHUNK_RESET : CHUNK, (unsigned char)(last >> 8),
                                  (unsigned char)last};
    s->body += sizeof head + s->held;
    if (file_write_fd(s->fd, what, head, sizeof head, e) < 0 ||
        file_write_fd(s->fd, what, s->chunk, s->held, e) < 0)
        return -1;
    s->held = 0;
    return 0;
}

/* It takes as much room as the package does unpacked: others may need that. */
static void give_up(struct rpm_stored *s)
{
    s->failed = true;
    if (ftruncate(s->fd, 0) < 0)
        s->held = 0;
}

void rpm_stored_data(struct rpm_stored *s, const void *p, size_t n)
{
    struct err ignored;
    for (const unsigned char *from = p; n > 0 && !s->failed;) {
        size_t k = sizeof s->chunk - s->held < n ? sizeof s->chunk - s->held : n;
        memcpy(s->chunk + s->held, from, k);
        s->held += k;
        s->open += k;
        from += k;
        n -= k;
        if (s->held == sizeof s->chunk && flush(s, &ignored) < 0)
            give_up(s);
    }
}

int rpm_stored_finish(struct rpm_stored *s, struct err *e)
{
    AUTO_BUF tail = {0}, index = {0}, footer = {0};
    if (s->failed)
        return err_set(e, ERR_HOST, "%s: could not be written", what);
    if (s->held > 0 && flush(s, e) < 0)
        return -1;
    s->body++;
    buf_putc(&tail, 0);
    pad(&tail, s->body);
    buf_putc(&index, 0);
    put_vli(&index, 1);
    put_vli(&index, BLOCK_HEADER + s->body);
    put_vli(&index, s->open);
    pad(&index, index.n);
    put_le32(&index, crc32_of(index.p, index.n));
    put_le32(&footer, (uint32_t)(index.n / 4 - 1));
    buf_add(&footer, no_check, FLAGS);
    buf_str(&tail, buf_view(&index));
    put_le32(&tail, crc32_of(footer.p, footer.n));
    buf_str(&tail, buf_view(&footer));
    buf_puts(&tail, "YZ");
    return put(s, &tail, e);
}
