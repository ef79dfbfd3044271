/* Makes rpm packages for tests: headers out of entries, well-formed or not, and the container around them. */
#ifndef TESTS_UNIT_RPM_MAKE_H
#define TESTS_UNIT_RPM_MAKE_H

#include "base/digest.h"
#include "base/str.h"
#include "pkgfmt/rpm_header.h"

struct rpm_make_entry {
    uint32_t tag, type, count;
    struct str data; /* as it stands in the store */
};

static inline void rpm_make_u32(struct buf *b, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_putc(b, (char)(v >> shift));
}

static inline void rpm_make_index(struct buf *b, uint32_t tag, uint32_t type, uint32_t off, uint32_t count)
{
    rpm_make_u32(b, tag);
    rpm_make_u32(b, type);
    rpm_make_u32(b, off);
    rpm_make_u32(b, count);
}

/* A string entry; its NUL is the literal's. */
#define RPM_MAKE_STR(tag, lit)                                                                               \
    {                                                                                                        \
        tag, RPM_STRING, 1,                                                                                  \
        {                                                                                                    \
            lit, sizeof(lit)                                                                                 \
        }                                                                                                    \
    }

/* Appends a header; region 0: none. extra entries at the end stand outside of the region. */
static inline void rpm_make_header(struct buf *out, uint32_t region, const struct rpm_make_entry *v, size_t n,
                                   size_t extra)
{
    static const size_t align[] = {1, 1, 1, 2, 4, 8, 1, 1, 1, 1};
    struct buf index = {0}, store = {0};
    size_t inside = n - extra, trailer = 0;
    for (size_t i = 0; i <= n; i++) {
        if (i == inside && region != 0) {
            trailer = store.n;
            rpm_make_index(&store, region, RPM_BIN, (uint32_t) - (int32_t)((inside + 1) * 16), 16);
        }
        if (i == n)
            break;
        while (v[i].type < 10 && store.n % align[v[i].type] != 0)
            buf_putc(&store, '\0');
        rpm_make_index(&index, v[i].tag, v[i].type, (uint32_t)store.n, v[i].count);
        buf_str(&store, v[i].data);
    }
    buf_add(out, "\x8e\xad\xe8\x01\0\0\0", 8);
    rpm_make_u32(out, (uint32_t)(n + (region != 0)));
    rpm_make_u32(out, (uint32_t)store.n);
    if (region != 0)
        rpm_make_index(out, region, RPM_BIN, (uint32_t)trailer, 16);
    buf_str(out, buf_view(&index));
    buf_str(out, buf_view(&store));
    buf_free(&index);
    buf_free(&store);
}

/* The container: sig is padded. */
static inline void rpm_make_package(struct buf *out, struct str sig, struct str header, struct str payload)
{
    size_t start = out->n;
    buf_add(out, "\xed\xab\xee\xdb\3\0\0\0\0\1", 10);
    buf_puts(out, "name");
    while (out->n - start < 76)
        buf_putc(out, '\0');
    buf_add(out, "\0\1\0\5", 4);
    while (out->n - start < 96)
        buf_putc(out, '\0');
    buf_str(out, sig);
    while ((out->n - start) % 8 != 0)
        buf_putc(out, '\0');
    buf_str(out, header);
    buf_str(out, payload);
}

#endif
