/* Signature packets, versions 3 and 4 (RFC 9580 section 5.2). */
#include "mirrors/openpgp_int.h"

enum { /* section 5.2.3.7 */
       SUB_CREATED = 2,
       SUB_LIFETIME = 3,
       SUB_KEY_LIFETIME = 9,
       SUB_ISSUER = 16,
       SUB_NOTATION = 20,
       SUB_PRIMARY_UID = 25,
       SUB_FLAGS = 27,
       SUB_REASON = 29,
       SUB_EMBEDDED = 32,
       SUB_ISSUER_FPR = 33,
       SUB_LAST_KNOWN = 39
};

/* Types that we know what to do with, if only to leave them aside: a critical one outside voids the
   signature. Notations are outside: we know none. */
static bool known(unsigned type)
{
    return type >= SUB_CREATED && type <= SUB_LAST_KNOWN && type != 8 && !(type >= 13 && type <= 15) &&
           !(type >= 17 && type <= 20) && type != 36 && type != 38;
}

static bool sub_length(struct str *in, uint32_t *len)
{
    uint32_t b;
    if (!openpgp_packet_num(in, 1, len))
        return false;
    if (*len < 192)
        return true;
    if (*len == 255)
        return openpgp_packet_num(in, 4, len);
    if (!openpgp_packet_num(in, 1, &b))
        return false;
    *len = ((*len - 192) << 8) + b + 192;
    return true;
}

/* Subpackets that are hints or prove themselves may stand in either area; the first of each counts. */
static bool read_hint(struct openpgp_sigpkt *s, unsigned type, struct str v)
{
    static const uint8_t none[8];
    if (type == SUB_ISSUER && v.n != 8)
        return false;
    if (type == SUB_ISSUER && memcmp(s->issuer, none, 8) == 0)
        memcpy(s->issuer, v.p, 8);
    if (type == SUB_ISSUER_FPR && s->issuer_fpr.n == 0 && v.n == 21 && v.p[0] == 4)
        s->issuer_fpr = str_from(v, 1);
    if (type == SUB_EMBEDDED && s->embedded.n == 0)
        s->embedded = v;
    return true;
}

static bool read_hashed(struct openpgp_sigpkt *s, unsigned type, struct str v)
{
    uint32_t num = 0;
    switch (type) {
    case SUB_CREATED:
    case SUB_LIFETIME:
    case SUB_KEY_LIFETIME:
        if (v.n != 4 || !openpgp_packet_num(&v, 4, &num))
            return false;
        *(type == SUB_CREATED ? &s->created : type == SUB_LIFETIME ? &s->lifetime : &s->key_lifetime) = num;
        return true;
    case SUB_PRIMARY_UID:
        if (!openpgp_packet_num(&v, 1, &num))
            return false;
        s->primary_uid = num != 0;
        return true;
    case SUB_FLAGS:
        s->has_flags = true;
        s->flags = v.n > 0 ? (uint8_t)v.p[0] : 0;
        return true;
    case SUB_REASON:
        if (!openpgp_packet_num(&v, 1, &num))
            return false;
        s->reason = (int)num;
        return true;
    }
    return true;
}

static enum openpgp_crypto read_area(struct openpgp_sigpkt *s, struct str area, bool hashed)
{
    enum openpgp_crypto r = OPENPGP_GOOD;
    while (area.n > 0) {
        uint32_t len, type;
        struct str v;
        if (!sub_length(&area, &len) || len == 0 || !openpgp_packet_take(&area, len, &v) ||
            !openpgp_packet_num(&v, 1, &type))
            return OPENPGP_MALFORMED;
        if (!read_hint(s, type & 0x7f, v) || (hashed && !read_hashed(s, type & 0x7f, v)))
            return OPENPGP_MALFORMED;
        if (hashed && (type & 0x80) && !known(type & 0x7f))
            r = OPENPGP_UNSUPPORTED;
    }
    return r;
}

static enum openpgp_crypto parse_v3(struct str in, struct openpgp_sigpkt *s)
{
    uint32_t five, time, alg, hash;
    struct str issuer, left, look;
    if (!openpgp_packet_num(&in, 1, &five) || five != 5)
        return OPENPGP_MALFORMED;
    look = in;
    if (!openpgp_packet_take(&in, 5, &s->hashed) || !openpgp_packet_num(&look, 1, &s->type) ||
        !openpgp_packet_num(&look, 4, &time) || !openpgp_packet_take(&in, 8, &issuer) ||
        !openpgp_packet_num(&in, 1, &alg) || !openpgp_packet_num(&in, 1, &hash) ||
        !openpgp_packet_take(&in, 2, &left))
        return OPENPGP_MALFORMED;
    memcpy(s->issuer, issuer.p, 8);
    memcpy(s->left16, left.p, 2);
    s->created = time;
    s->alg = alg;
    s->hash = hash;
    s->material = in;
    return OPENPGP_GOOD;
}

static enum openpgp_crypto parse_v4(struct str in, struct openpgp_sigpkt *s)
{
    uint32_t n;
    struct str hashed, unhashed, left;
    if (!openpgp_packet_num(&in, 1, &s->type) || !openpgp_packet_num(&in, 1, &s->alg) ||
        !openpgp_packet_num(&in, 1, &s->hash) || !openpgp_packet_num(&in, 2, &n) ||
        !openpgp_packet_take(&in, n, &hashed))
        return OPENPGP_MALFORMED;
    s->hashed = (struct str){s->raw.p, (size_t)(in.p - s->raw.p)};
    if (!openpgp_packet_num(&in, 2, &n) || !openpgp_packet_take(&in, n, &unhashed) ||
        !openpgp_packet_take(&in, 2, &left))
        return OPENPGP_MALFORMED;
    memcpy(s->left16, left.p, 2);
    s->material = in;
    s->created = -1;
    enum openpgp_crypto a = read_area(s, hashed, true);
    enum openpgp_crypto b = read_area(s, unhashed, false);
    if (a == OPENPGP_MALFORMED || b == OPENPGP_MALFORMED || s->created < 0)
        return OPENPGP_MALFORMED;
    return a;
}

enum openpgp_crypto openpgp_sig_parse(struct str body, struct openpgp_sigpkt *s)
{
    struct str in = body;
    *s = (struct openpgp_sigpkt){.raw = body, .reason = -1};
    enum openpgp_crypto r;
    if (!openpgp_packet_num(&in, 1, &s->version))
        return OPENPGP_MALFORMED;
    if (s->version == 4)
        r = parse_v4(in, s);
    else if (s->version == 3)
        r = parse_v3(in, s);
    else
        r = OPENPGP_UNSUPPORTED;
    if (s->issuer_fpr.n == 20) /* a v4 key's id is its fingerprint's end */
        memcpy(s->issuer, s->issuer_fpr.p + 12, 8);
    if (r == OPENPGP_GOOD && openpgp_crypto_hash(s->hash) == NULL)
        r = OPENPGP_UNSUPPORTED;
    return r;
}

/* Section 5.2.4. */
static void hash_trailer(const struct openpgp_sigpkt *s, EVP_MD_CTX *c)
{
    EVP_DigestUpdate(c, s->hashed.p, s->hashed.n);
    if (s->version == 4) {
        size_t n = s->hashed.n;
        const uint8_t end[6] = {4,         0xff, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                                (uint8_t)n};
        EVP_DigestUpdate(c, end, sizeof end);
    }
}

enum openpgp_crypto openpgp_sig_verify(const struct openpgp_sigpkt *s, EVP_PKEY *key, EVP_MD_CTX *c)
{
    const struct openpgp_hash *h = openpgp_crypto_hash(s->hash);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (h == NULL || key == NULL)
        return OPENPGP_UNSUPPORTED;
    hash_trailer(s, c);
    if (EVP_DigestFinal_ex(c, digest, &n) != 1)
        return OPENPGP_UNSUPPORTED;
    if (memcmp(digest, s->left16, 2) != 0)
        return OPENPGP_BAD;
    return openpgp_crypto_verify(key, s->alg, h, digest, n, s->material);
}
