/* Makes OpenPGP keys, certificates and signatures, well-formed and not, for the tests. What it makes is shown
 * to gpgv too. */
#ifndef TESTS_UNIT_OPENPGP_MAKE_H
#define TESTS_UNIT_OPENPGP_MAKE_H

#include <openssl/core_names.h>
#include <openssl/dsa.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "mirrors/openpgp_int.h"
#include "tests/unit/test.h"

enum { SHA1 = 2, SHA256 = 8, SHA512 = 10 };

struct make_kind {
    const char *name;
    unsigned alg;
    const char *evp;   /* OpenSSL's key type */
    const char *group; /* of EC */
    unsigned bits;     /* of RSA and DSA */
    const char *oid;   /* as in the key, its length first */
};

static const struct make_kind make_kinds[] = {
    {"rsa", 1, "RSA", NULL, 2048, NULL},
    {"rsa-1024", 1, "RSA", NULL, 1024, NULL},
    {"dsa-1024", 17, "DSA", NULL, 1024, NULL},
    {"p256", 19, "EC", "P-256", 0, "\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"},
    {"p384", 19, "EC", "P-384", 0, "\x05\x2b\x81\x04\x00\x22"},
    {"p521", 19, "EC", "P-521", 0, "\x05\x2b\x81\x04\x00\x23"},
    {"bp256", 19, "EC", "brainpoolP256r1", 0, "\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x07"},
    {"bp384", 19, "EC", "brainpoolP384r1", 0, "\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0b"},
    {"bp512", 19, "EC", "brainpoolP512r1", 0, "\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0d"},
    {"secp256k1", 19, "EC", "secp256k1", 0, "\x05\x2b\x81\x04\x00\x0a"},
    {"ed25519-legacy", 22, "ED25519", NULL, 0, "\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01"},
    {"ed25519", 27, "ED25519", NULL, 0, NULL},
    {"ed448", 28, "ED448", NULL, 0, NULL},
};

struct make_key {
    unsigned alg;
    EVP_PKEY *pkey;
    struct buf body;         /* of the key packet */
    struct openpgp_key read; /* as our own reader sees it: fingerprint and id */
};

static inline void make_num(struct buf *b, uint64_t v, unsigned bytes)
{
    while (bytes-- > 0)
        buf_putc(b, (char)(v >> 8 * bytes & 0xff));
}

static inline void make_packet(struct buf *out, unsigned tag, struct str body)
{
    make_num(out, 0xc0 | tag, 1);
    make_num(out, 0xff, 1);
    make_num(out, body.n, 4);
    buf_str(out, body);
}

static inline void make_mpi(struct buf *b, const unsigned char *p, size_t n)
{
    unsigned bits = 0;
    while (n > 0 && *p == 0)
        p++, n--;
    if (n > 0)
        for (bits = 8; !(*p & 1 << (bits - 1)); bits--)
            ;
    make_num(b, n > 0 ? 8 * (n - 1) + bits : 0, 2);
    buf_add(b, p, n);
}

static inline void make_bn(struct buf *b, const BIGNUM *bn)
{
    unsigned char bytes[2048];
    make_mpi(b, bytes, (size_t)BN_bn2bin(bn, bytes));
}

static inline void make_param(struct buf *b, EVP_PKEY *key, const char *name)
{
    BIGNUM *bn = NULL;
    if (EVP_PKEY_get_bn_param(key, name, &bn) == 1)
        make_bn(b, bn);
    BN_free(bn);
}

static inline EVP_PKEY *make_dsa(unsigned bits)
{
    EVP_PKEY *params = NULL, *key = NULL;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL), *d = NULL;
    if (c != NULL && EVP_PKEY_paramgen_init(c) == 1 &&
        EVP_PKEY_CTX_set_dsa_paramgen_bits(c, (int)bits) == 1 && EVP_PKEY_paramgen(c, &params) == 1 &&
        (d = EVP_PKEY_CTX_new_from_pkey(NULL, params, NULL)) != NULL && EVP_PKEY_keygen_init(d) == 1)
        EVP_PKEY_keygen(d, &key);
    EVP_PKEY_CTX_free(c);
    EVP_PKEY_CTX_free(d);
    EVP_PKEY_free(params);
    return key;
}

static inline const struct make_kind *make_kind(const char *name)
{
    for (size_t i = 0; i < sizeof make_kinds / sizeof *make_kinds; i++)
        if (strcmp(make_kinds[i].name, name) == 0)
            return &make_kinds[i];
    abort();
}

static inline void make_material(struct buf *b, EVP_PKEY *key, const struct make_kind *kind)
{
    unsigned char raw[256];
    size_t n = sizeof raw - 1;
    if (kind->oid != NULL)
        buf_add(b, kind->oid, 1 + (size_t)kind->oid[0]);
    if (kind->alg == 1) {
        make_param(b, key, OSSL_PKEY_PARAM_RSA_N);
        make_param(b, key, OSSL_PKEY_PARAM_RSA_E);
    } else if (kind->alg == 17) {
        make_param(b, key, OSSL_PKEY_PARAM_FFC_P);
        make_param(b, key, OSSL_PKEY_PARAM_FFC_Q);
        make_param(b, key, OSSL_PKEY_PARAM_FFC_G);
        make_param(b, key, OSSL_PKEY_PARAM_PUB_KEY);
    } else if (kind->alg == 19) {
        BIGNUM *x = NULL, *y = NULL;
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x);
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y);
        int half = (EVP_PKEY_get_bits(key) + 7) / 8;
        raw[0] = 4;
        BN_bn2binpad(x, raw + 1, half);
        BN_bn2binpad(y, raw + 1 + half, half);
        make_mpi(b, raw, (size_t)(1 + 2 * half));
        BN_free(x);
        BN_free(y);
    } else {
        raw[0] = 0x40;
        EVP_PKEY_get_raw_public_key(key, raw + 1, &n);
        if (kind->alg == 22)
            make_mpi(b, raw, n + 1);
        else
            buf_add(b, raw + 1, n);
    }
}

/* version 4, or 3 for RSA */
static inline struct make_key make_key_v(const char *name, int64_t created, unsigned version)
{
    const struct make_kind *kind = make_kind(name);
    struct make_key k = {.alg = kind->alg};
    const char *why;
    if (kind->alg == 1)
        k.pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)kind->bits);
    else if (kind->alg == 17)
        k.pkey = make_dsa(kind->bits);
    else if (kind->alg == 19)
        k.pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind->group);
    else
        k.pkey = EVP_PKEY_Q_keygen(NULL, NULL, kind->evp);
    make_num(&k.body, version, 1);
    make_num(&k.body, (uint64_t)created, 4);
    if (version == 3)
        make_num(&k.body, 0, 2);
    make_num(&k.body, kind->alg, 1);
    make_material(&k.body, k.pkey, kind);
    CHECK(openpgp_key_parse(buf_view(&k.body), &k.read, &why));
    EVP_PKEY_free(k.read.pkey);
    k.read.pkey = NULL;
    return k;
}

static inline struct make_key make_key(const char *name, int64_t created)
{
    return make_key_v(name, created, 4);
}

static inline void make_key_free(struct make_key *k)
{
    EVP_PKEY_free(k->pkey);
    buf_free(&k->body);
}

/* What a signature says. Zero is version 4, binary, SHA256, no more than it must. */
struct make_sig {
    unsigned version, type, hash;
    int64_t created, lifetime, key_lifetime;
    int flags;         /* 0: none said; -1: said, and empty */
    int reason;        /* 0: none said; else the code + 1 */
    unsigned critical; /* a critical subpacket of this type */
    bool spoil;        /* make it wrong */
    struct str embedded;
};

static inline void make_sub(struct buf *b, unsigned type, const void *p, size_t n)
{
    make_num(b, 0xff, 1); /* five-byte length */
    make_num(b, n + 1, 4);
    make_num(b, type, 1);
    buf_add(b, p, n);
}

static inline void make_sub_num(struct buf *b, unsigned type, uint64_t v, unsigned bytes)
{
    struct buf num = {0};
    make_num(&num, v, bytes);
    make_sub(b, type, num.p, num.n);
    buf_free(&num);
}

static inline void make_hashed(struct buf *b, const struct make_key *k, const struct make_sig *s)
{
    struct buf subs = {0};
    make_sub_num(&subs, 2, (uint64_t)s->created, 4);
    if (s->lifetime != 0)
        make_sub_num(&subs, 3, (uint64_t)s->lifetime, 4);
    if (s->key_lifetime != 0)
        make_sub_num(&subs, 9, (uint64_t)s->key_lifetime, 4);
    if (s->flags != 0)
        make_sub_num(&subs, 27, s->flags < 0 ? 0 : (uint64_t)s->flags, 1);
    if (s->reason != 0)
        make_sub_num(&subs, 29, (uint64_t)s->reason - 1, 1);
    if (s->critical != 0)
        make_sub(&subs, 0x80 | s->critical, "\x80\0\0\0\0\x04\0\x01tryiX", 13);
    if (s->embedded.n > 0)
        make_sub(&subs, 32, s->embedded.p, s->embedded.n);
    make_num(b, 4, 1);
    make_num(b, s->type, 1);
    make_num(b, k->alg, 1);
    make_num(b, s->hash, 1);
    make_num(b, subs.n, 2);
    buf_str(b, buf_view(&subs));
    buf_free(&subs);
}

/* The algorithm's numbers over a digest. */
static inline void make_numbers(struct buf *b, const struct make_key *k, unsigned hash, const uint8_t *digest,
                                size_t n)
{
    unsigned char sig[1024];
    size_t sig_n = sizeof sig;
    if (k->alg == 22 || k->alg == 27 || k->alg == 28) {
        EVP_MD_CTX *c = EVP_MD_CTX_new();
        CHECK(EVP_DigestSignInit_ex(c, NULL, NULL, NULL, NULL, k->pkey, NULL) == 1 &&
              EVP_DigestSign(c, sig, &sig_n, digest, n) == 1);
        EVP_MD_CTX_free(c);
        if (k->alg == 22)
            make_mpi(b, sig, 32), make_mpi(b, sig + 32, 32);
        else
            buf_add(b, sig, sig_n);
        return;
    }
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    uint8_t in[128];
    const struct openpgp_hash *h = openpgp_crypto_hash(hash);
    size_t der = k->alg == 1 ? h->der_n : 0;
    memcpy(in, h->der, der);
    memcpy(in + der, digest, n);
    CHECK(EVP_PKEY_sign_init(c) == 1 &&
          (der == 0 || EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1) &&
          EVP_PKEY_sign(c, sig, &sig_n, in, der + n) == 1);
    EVP_PKEY_CTX_free(c);
    if (der > 0) {
        make_mpi(b, sig, sig_n);
        return;
    }
    const unsigned char *p = sig;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &p, (long)sig_n);
    make_bn(b, ECDSA_SIG_get0_r(pair));
    make_bn(b, ECDSA_SIG_get0_s(pair));
    ECDSA_SIG_free(pair);
}

/* The body of a signature packet over `data`, as it is hashed. */
static inline void make_sig_body(struct buf *out, const struct make_key *k, struct make_sig s,
                                 struct str data)
{
    struct buf hashed = {0};
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    s.hash = s.hash != 0 ? s.hash : SHA256;
    EVP_MD_CTX *c = openpgp_crypto_hash_new(openpgp_crypto_hash(s.hash));
    if (s.version == 3) {
        make_num(&hashed, s.type, 1);
        make_num(&hashed, (uint64_t)s.created, 4);
    } else {
        make_hashed(&hashed, k, &s);
    }
    EVP_DigestUpdate(c, data.p, data.n);
    EVP_DigestUpdate(c, hashed.p, hashed.n);
    if (s.version != 3) {
        struct buf end = {0};
        make_num(&end, 0x04ff, 2);
        make_num(&end, hashed.n, 4);
        EVP_DigestUpdate(c, end.p, end.n);
        buf_free(&end);
    }
    EVP_DigestFinal_ex(c, digest, &n);
    EVP_MD_CTX_free(c);
    if (s.version == 3)
        make_num(out, 0x0305, 2);
    buf_str(out, buf_view(&hashed));
    if (s.version == 3) {
        buf_add(out, k->read.id, 8);
        make_num(out, k->alg, 1);
        make_num(out, s.hash, 1);
    } else {
        make_num(out, 10, 2);
        make_num(out, 9 << 8 | 16, 2);
        buf_add(out, k->read.id, 8);
    }
    buf_add(out, digest, 2);
    digest[2] ^= s.spoil; /* behind the two bytes in front: the numbers themselves are wrong */
    make_numbers(out, k, s.hash, digest, n);
    buf_free(&hashed);
}

static inline void make_sig(struct buf *out, const struct make_key *k, struct make_sig s, struct str data)
{
    struct buf body = {0};
    make_sig_body(&body, k, s, data);
    make_packet(out, OPENPGP_TAG_SIGNATURE, buf_view(&body));
    buf_free(&body);
}

/* What signatures over keys hash. */
static inline void make_key_hashed(struct buf *b, const struct make_key *k)
{
    make_num(b, 0x99, 1);
    make_num(b, k->body.n, 2);
    buf_str(b, buf_view(&k->body));
}

static inline void make_primary(struct buf *ring, const struct make_key *k)
{
    make_packet(ring, OPENPGP_TAG_PUBLIC_KEY, buf_view(&k->body));
}

/* A signature by the primary key over itself (direct, revocation). */
static inline void make_over_key(struct buf *ring, const struct make_key *k, struct make_sig s)
{
    struct buf over = {0};
    make_key_hashed(&over, k);
    make_sig(ring, k, s, buf_view(&over));
    buf_free(&over);
}

/* A user id, certified by `by` (mostly the primary key itself). */
static inline void make_uid(struct buf *ring, const struct make_key *k, const struct make_key *by,
                            struct make_sig s)
{
    static const char uid[] = "Test <test@example.org>";
    struct buf over = {0};
    make_packet(ring, OPENPGP_TAG_USER_ID, STR(uid));
    make_key_hashed(&over, k);
    if (s.version != 3) {
        make_num(&over, 0xb4, 1);
        make_num(&over, sizeof uid - 1, 4);
    }
    buf_add(&over, uid, sizeof uid - 1);
    s.type = s.type != 0 ? s.type : 0x13;
    make_sig(ring, by, s, buf_view(&over));
    buf_free(&over);
}

/* A subkey with its binding; back NULL: without the back signature; else who makes it. */
static inline void make_subkey(struct buf *ring, const struct make_key *k, const struct make_key *sub,
                               struct make_sig s, const struct make_key *back)
{
    struct buf over = {0}, embedded = {0};
    make_packet(ring, OPENPGP_TAG_SUBKEY, buf_view(&sub->body));
    make_key_hashed(&over, k);
    make_key_hashed(&over, sub);
    if (back != NULL) {
        make_sig_body(&embedded, back, (struct make_sig){.type = OPENPGP_TYPE_BACK, .created = s.created},
                      buf_view(&over));
        s.embedded = buf_view(&embedded);
    }
    s.type = OPENPGP_TYPE_BINDING;
    make_sig(ring, k, s, buf_view(&over));
    buf_free(&over);
    buf_free(&embedded);
}

static inline void make_subkey_revocation(struct buf *ring, const struct make_key *k,
                                          const struct make_key *sub, struct make_sig s)
{
    struct buf over = {0};
    make_key_hashed(&over, k);
    make_key_hashed(&over, sub);
    s.type = OPENPGP_TYPE_SUBKEY_REVOCATION;
    make_sig(ring, k, s, buf_view(&over));
    buf_free(&over);
}

/* ASCII armor, without a checksum. */
static inline void make_armor(struct buf *out, const char *label, struct str bytes)
{
    unsigned char line[65];
    buf_printf(out, "-----BEGIN PGP %s-----\n\n", label);
    while (bytes.n > 0) {
        size_t n = bytes.n < 48 ? bytes.n : 48;
        EVP_EncodeBlock(line, (const unsigned char *)bytes.p, (int)n);
        buf_printf(out, "%s\n", (const char *)line);
        bytes = str_from(bytes, n);
    }
    buf_printf(out, "-----END PGP %s-----\n", label);
}

#endif
