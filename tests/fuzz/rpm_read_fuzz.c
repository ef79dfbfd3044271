/* Packages: lead, headers and digests. What is read keeps its own promises. */
#include "pkgfmt/rpm_read.h"

#include "pkgfmt/rpm_verify.h"
#include "tests/fuzz/fuzz.h"

static void walk(const struct rpm_header *h)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct rpm_entry *en = &h->entries[i];
        struct str s;
        uint64_t u;
        size_t at = 0, strings = 0;
        while (rpm_entry_string(en, &at, &s))
            strings += s.n < en->n;
        if (strings != 0 && strings != en->count)
            abort();
        if (rpm_header_find(h, en->tag) != en || (i > 0 && en->tag <= en[-1].tag))
            abort();
        if (rpm_header_u64(h, en->tag, en->count - 1, &u) && rpm_header_u64(h, en->tag, en->count, &u))
            abort();
        if (memchr(en->data, 0x55, en->n) == en->data + en->n) /* every byte may be looked at */
            abort();
    }
}

/* Every signature is good: the longest way through. */
static int trusting(void *ctx, unsigned repo, int fd, uint64_t off, uint64_t n, struct str sig, struct err *e)
{
    (void)ctx;
    (void)repo;
    (void)fd;
    (void)e;
    return sig.n > 0 && off + n > off ? 0 : -1;
}

static bool vouched(void *ctx, unsigned repo)
{
    (void)ctx;
    return repo == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const struct pkgfmt_trust trust = {trusting, vouched, NULL};
    struct rpm_read r;
    struct err e = {0};
    int fd = fuzz_fd(p, n);
    if (rpm_read_open(&r, fd, &e) < 0)
        return 0;
    if (r.payload_off > n || r.header_off + r.header.size != r.payload_off)
        abort();
    walk(&r.sig);
    walk(&r.header);
    AUTO_ARENA a = {0};
    uint64_t epoch = 0;
    rpm_header_u64(&r.header, RPM_TAG_EPOCH, 0, &epoch);
    struct plan_pkg pkg = {
        .name = arena_str(&a, rpm_header_string(&r.header, RPM_TAG_NAME)),
        .version = arena_printf(&a, "%llu:%s-%s", (unsigned long long)epoch,
                                arena_str(&a, rpm_header_string(&r.header, RPM_TAG_VERSION)),
                                arena_str(&a, rpm_header_string(&r.header, RPM_TAG_RELEASE))),
        .arch = r.source ? "src" : arena_str(&a, rpm_header_string(&r.header, RPM_TAG_ARCH))};
    rpm_verify(&r, &(struct pkgfmt_package){.fd = fd, .pkg = &pkg, .trust = &trust}, &e);
    rpm_read_close(&r);
    return 0;
}
