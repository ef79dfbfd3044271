#include "pkgfmt/rpm_verify.h"

#include <openssl/evp.h>

#include "base/auto.h"

/* Tags of the signature header (rpmtag.h, rpmSigTag_e). */
enum {
    SIG_DSA = 267,
    SIG_RSA = 268,
    SIG_SHA1 = 269,
    SIG_SHA256 = 273,
    SIG_OPENPGP = 278,
    SIG_SHA3_256 = 279,
    SIG_PGP = 1002,
    SIG_MD5 = 1004,
    SIG_GPG = 1005
};
enum { LEAD = 96, MD5_BYTES = 16, CHUNK = 64 * 1024 };

static struct str header_bytes(const struct rpm_read *r)
{
    return (struct str){r->bytes.p + (r->header_off - LEAD), r->header.size};
}

/* ---- is it the package that was planned? */

/* epoch, or none, which is 0; *rest gets what follows it. */
static uint64_t split_epoch(struct str evr, struct str *rest)
{
    uint64_t epoch = 0;
    size_t colon = str_chr(evr, ':');
    bool has = colon < evr.n && str_u64((struct str){evr.p, colon}, &epoch);
    *rest = has ? str_from(evr, colon + 1) : evr;
    return epoch;
}

/* Signed packages that stand under another one's name in an index that nobody signed are none of ours. */
static int check_identity(const struct rpm_read *r, const struct plan_pkg *pkg, struct err *e)
{
    AUTO_BUF vr = {0};
    struct str name = rpm_header_string(&r->header, RPM_TAG_NAME), rest = {0};
    struct str arch = r->source ? STR("src") : rpm_header_string(&r->header, RPM_TAG_ARCH);
    uint64_t epoch = 0;
    rpm_header_u64(&r->header, RPM_TAG_EPOCH, 0, &epoch);
    buf_str(&vr, rpm_header_string(&r->header, RPM_TAG_VERSION));
    buf_putc(&vr, '-');
    buf_str(&vr, rpm_header_string(&r->header, RPM_TAG_RELEASE));
    if (str_is(name, pkg->name) && str_is(arch, pkg->arch) &&
        split_epoch(str_c(pkg->version), &rest) == epoch && str_eq(rest, buf_view(&vr)))
        return 0;
    err_set(e, ERR_TRUST, "the file is %" STR_FMT "-%llu:%s.%" STR_FMT ", the index says %s-%s.%s",
            STR_ARG(name), (unsigned long long)epoch, buf_c(&vr), STR_ARG(arch), pkg->name, pkg->version,
            pkg->arch);
    return err_hint(e, "the repository's index is wrong or forged");
}

/* ---- digests */

static int wrong_digest(const char *of, const struct digest *want, const struct digest *got, struct err *e)
{
    char w[DIGEST_HEX_MAX], g[DIGEST_HEX_MAX];
    err_set(e, ERR_FORMAT, "wrong %s digest of the %s: %s expected, %s found", digest_name(want->kind), of,
            digest_hex(want, w), digest_hex(got, g));
    return err_hint(e, "the file was changed after it was made");
}

/* The digest in a tag, as hexadecimal digits or (MD5) bytes. 1: there, 0: not. */
static int digest_in(const struct rpm_header *h, uint32_t tag, enum digest_kind kind, struct digest *d,
                     struct err *e)
{
    const struct rpm_entry *en = rpm_header_find(h, tag);
    if (en == NULL)
        return 0;
    if (en->type == RPM_BIN && kind == DIGEST_MD5 && en->n == MD5_BYTES) {
        *d = (struct digest){.kind = kind};
        memcpy(d->bytes, en->data, MD5_BYTES);
        return 1;
    }
    if (en->count == 1 && digest_parse(d, kind, rpm_header_string(h, tag)))
        return 1;
    return err_set(e, ERR_FORMAT, "tag %u is no %s digest", tag, digest_name(kind));
}

/* The weak ones prove nothing that the others do not, and an OpenSSL may be without them. */
static int begin(struct digest_ctx *c, enum digest_kind kind, bool *have, struct err *e)
{
    *have = digest_begin(c, kind, e) == 0;
    return *have || !digest_trusted(kind) ? 0 : -1;
}

static int check_header_digests(const struct rpm_read *r, struct err *e)
{
    static const struct {
        uint32_t tag;
        enum digest_kind kind;
    } sums[] = {{SIG_SHA1, DIGEST_SHA1}, {SIG_SHA256, DIGEST_SHA256}, {SIG_SHA3_256, DIGEST_SHA3_256}};
    struct str bytes = header_bytes(r);
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        struct digest want = {0}, got = {0};
        struct digest_ctx c;
        bool have;
        int there = digest_in(&r->sig, sums[i].tag, sums[i].kind, &want, e);
        if (there < 0 || (there > 0 && begin(&c, sums[i].kind, &have, e) < 0))
            return -1;
        if (there == 0 || !have)
            continue;
        digest_update(&c, bytes.p, bytes.n);
        digest_end(&c, &got);
        if (!digest_eq(&want, &got))
            return wrong_digest("header", &want, &got, e);
    }
    return 0;
}

/* A digest of the payload, or of header and payload. alt: of the payload before it was compressed, which
   holds where somebody stored it so. */
struct sum {
    uint32_t tag, alt;
    enum digest_kind kind;
    struct digest want, want_alt;
    bool there, there_alt, have;
    struct digest_ctx ctx;
};

enum { SUMS = 4 };

static int sums_begin(const struct rpm_read *r, struct sum *v, struct err *e)
{
    for (size_t i = 0; i < SUMS; i++) {
        struct sum *s = &v[i];
        const struct rpm_header *h = s->kind == DIGEST_MD5 ? &r->sig : &r->header;
        int there = digest_in(h, s->tag, s->kind, &s->want, e);
        int there_alt = s->alt != 0 ? digest_in(h, s->alt, s->kind, &s->want_alt, e) : 0;
        if (there < 0 || there_alt < 0)
            return -1;
        s->there = there > 0;
        s->there_alt = there_alt > 0;
        if ((s->there || s->there_alt) && begin(&s->ctx, s->kind, &s->have, e) < 0)
            return -1;
        if (s->have && s->kind == DIGEST_MD5)
            digest_update(&s->ctx, header_bytes(r).p, header_bytes(r).n);
    }
    return 0;
}

static int sums_read(const struct rpm_read *r, struct sum *v, struct err *e)
{
    char chunk[CHUNK];
    bool any = v[0].have || v[1].have || v[2].have || v[3].have;
    for (uint64_t at = r->payload_off; any && at < r->size;) {
        size_t n = r->size - at < sizeof chunk ? (size_t)(r->size - at) : sizeof chunk;
        if (rpm_read_at(r->fd, at, chunk, n, e) < 0)
            return -1;
        for (size_t i = 0; i < SUMS; i++)
            if (v[i].have)
                digest_update(&v[i].ctx, chunk, n);
        at += n;
    }
    return 0;
}

/* *covered: one that is trusted holds for the payload. */
static int sums_compare(struct sum *v, bool *covered, struct err *e)
{
    for (size_t i = 0; i < SUMS; i++) {
        struct sum *s = &v[i];
        struct digest got = {0};
        if (!s->have)
            continue;
        s->have = false;
        digest_end(&s->ctx, &got);
        if (!(s->there && digest_eq(&s->want, &got)) && !(s->there_alt && digest_eq(&s->want_alt, &got)))
            return wrong_digest(s->kind == DIGEST_MD5 ? "header and payload" : "payload",
                                s->there ? &s->want : &s->want_alt, &got, e);
        *covered = *covered || digest_trusted(s->kind);
    }
    return 0;
}

static int check_payload_digests(const struct rpm_read *r, bool *covered, struct err *e)
{
    struct sum v[SUMS] = {
        {.tag = RPM_TAG_PAYLOADSHA256, .alt = RPM_TAG_PAYLOADSHA256ALT, .kind = DIGEST_SHA256},
        {.tag = RPM_TAG_PAYLOADSHA512, .alt = RPM_TAG_PAYLOADSHA512ALT, .kind = DIGEST_SHA512},
        {.tag = RPM_TAG_PAYLOADSHA3_256, .alt = RPM_TAG_PAYLOADSHA3_256ALT, .kind = DIGEST_SHA3_256},
        {.tag = SIG_MD5, .kind = DIGEST_MD5}};
    *covered = false;
    int rc = sums_begin(r, v, e) < 0 || sums_read(r, v, e) < 0 || sums_compare(v, covered, e) < 0 ? -1 : 0;
    for (size_t i = 0; i < SUMS; i++)
        digest_end(&v[i].ctx, NULL);
    return rc;
}

/* ---- signatures */

static int add_base64(struct buf *b, struct str text, struct err *e)
{
    AUTO_BUF clean = {0};
    for (size_t i = 0; i < text.n; i++)
        if (strchr(" \t\r\n", text.p[i]) == NULL)
            buf_putc(&clean, text.p[i]);
    size_t pad = 0;
    while (pad < 2 && pad < clean.n && clean.p[clean.n - 1 - pad] == '=')
        pad++;
    buf_reserve(b, clean.n);
    int n = clean.n > 0 && clean.n % 4 == 0
                ? EVP_DecodeBlock((unsigned char *)b->p + b->n, (unsigned char *)clean.p, (int)clean.n)
                : -1;
    if (n < 0)
        return err_set(e, ERR_FORMAT, "tag %d: no base64", SIG_OPENPGP);
    b->n += (size_t)n - pad;
    b->p[b->n] = '\0';
    return 0;
}

/* All signatures over one range behind each other: OpenPGP's own way to put several on the same bytes. */
static int gather(const struct rpm_read *r, const uint32_t *tags, struct buf *sigs, struct err *e)
{
    for (; *tags != 0; tags++) {
        const struct rpm_entry *en = rpm_header_find(&r->sig, *tags);
        struct str text;
        size_t at = 0;
        if (en == NULL)
            continue;
        if (en->type != (*tags == SIG_OPENPGP ? RPM_STRING_ARRAY : RPM_BIN))
            return err_set(e, ERR_FORMAT, "tag %u has type %u, which no signature has", *tags, en->type);
        if (en->type == RPM_BIN)
            buf_add(sigs, en->data, en->n);
        while (rpm_entry_string(en, &at, &text))
            if (add_base64(sigs, text, e) < 0)
                return -1;
    }
    return 0;
}

enum verdict { WRONG = -1, GOOD, NO_WORD, UNSIGNED };

static enum verdict ask(const struct rpm_read *r, const struct pkgfmt_package *p, const uint32_t *tags,
                        uint64_t n, const char *what, struct err *e)
{
    AUTO_BUF sigs = {0};
    if (gather(r, tags, &sigs, e) < 0)
        return WRONG;
    if (sigs.n == 0)
        return UNSIGNED;
    int v = p->trust->verify(p->trust->ctx, p->pkg->repo, r->fd, r->header_off, n, buf_view(&sigs), e);
    if (v == 0)
        return GOOD;
    err_wrap(e, "%s", what);
    return v == 1 ? NO_WORD : WRONG;
}

/* Signatures stand outside of what they sign: whoever hands the file out can drop them and add others. So one
   that is wrong refuses the file, one that says nothing counts as if it were not there, and what is left must
   reach over everything. */
static int check_signatures(const struct rpm_read *r, const struct pkgfmt_package *p, bool payload_covered,
                            struct err *e)
{
    static const uint32_t over_header[] = {SIG_OPENPGP, SIG_RSA, SIG_DSA, 0},
                          over_all[] = {SIG_PGP, SIG_GPG, 0};
    struct err why_header = {0}, why_all = {0};
    enum verdict header = ask(r, p, over_header, r->header.size, "header signature", &why_header);
    if (header == WRONG) {
        *e = why_header;
        return -1;
    }
    enum verdict all =
        ask(r, p, over_all, r->size - r->header_off, "signature over header and payload", &why_all);
    if (all == GOOD)
        return 0;
    if (all == WRONG || (all == NO_WORD && header == UNSIGNED)) {
        *e = why_all;
        return -1;
    }
    if (header == UNSIGNED) {
        err_set(e, ERR_TRUST, "the package is not signed");
        return err_hint(e,
                        "the repository's packages are expected to be: a mirror may have replaced this one");
    }
    if (header == NO_WORD) {
        *e = why_header;
        return -1;
    }
    if (payload_covered ||
        (p->trust->vouched(p->trust->ctx, p->pkg->repo) && digest_trusted(p->pkg->digest.kind)))
        return 0;
    return err_set(e, ERR_TRUST,
                   "the signature covers the header alone, and neither it nor the index has a "
                   "digest of the payload that can be trusted");
}

int rpm_verify(const struct rpm_read *r, const struct pkgfmt_package *p, struct err *e)
{
    bool payload_covered;
    if (check_identity(r, p->pkg, e) < 0 || check_header_digests(r, e) < 0 ||
        check_payload_digests(r, &payload_covered, e) < 0)
        return -1;
    return p->trust != NULL ? check_signatures(r, p, payload_covered, e) : 0;
}
