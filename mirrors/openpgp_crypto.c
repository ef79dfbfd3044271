/* Digests and public keys of OpenPGP, in OpenSSL's terms. */
#include "mirrors/openpgp_int.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/dsa.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>

enum { /* section 9.1 */
       ALG_RSA = 1,
       ALG_RSA_SIGN = 3,
       ALG_DSA = 17,
       ALG_ECDSA = 19,
       ALG_EDDSA_LEGACY = 22,
       ALG_ED25519 = 27,
       ALG_ED448 = 28
};

#define DER(lit) (lit), sizeof(lit) - 1

/* Section 9.5, and RFC 8017 for the DigestInfo.
   for_keys: SHA1 is broken for collisions, where an attacker chooses both documents. A certificate's own
   signatures are made by its owner over his own key, and archive keys in use today still carry them from
   SHA1's time (Debian's and Ubuntu's older ones): a forger would need a second preimage. Under a Release file
   SHA1 is never enough, nor is MD5 anywhere. */
static const struct openpgp_hash hashes[] = {
    {1, "MD5", DIGEST_MD5, false, false,
     DER("\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10")},
    {2, "SHA1", DIGEST_SHA1, false, true,
     DER("\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14")},
    {3, "RIPEMD160", DIGEST_NONE, false, true,
     DER("\x30\x21\x30\x09\x06\x05\x2b\x24\x03\x02\x01\x05\x00\x04\x14")},
    {8, "SHA256", DIGEST_SHA256, true, true,
     DER("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20")},
    {9, "SHA384", DIGEST_SHA384, true, true,
     DER("\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30")},
    {10, "SHA512", DIGEST_SHA512, true, true,
     DER("\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40")},
    {11, "SHA224", DIGEST_SHA224, false, true,
     DER("\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00\x04\x1c")},
    {12, "SHA3-256", DIGEST_NONE, true, true,
     DER("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x08\x05\x00\x04\x20")},
    {14, "SHA3-512", DIGEST_NONE, true, true,
     DER("\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x0a\x05\x00\x04\x40")},
};

/* Section 9.2: object identifiers as they stand in keys. point: bytes of an encoded point. */
static const struct curve {
    unsigned alg;
    const char *oid;
    size_t oid_n;
    const char *name;
    size_t point;
} curves[] = {
    {ALG_ECDSA, DER("\x2a\x86\x48\xce\x3d\x03\x01\x07"), "P-256", 65},
    {ALG_ECDSA, DER("\x2b\x81\x04\x00\x22"), "P-384", 97},
    {ALG_ECDSA, DER("\x2b\x81\x04\x00\x23"), "P-521", 133},
    {ALG_ECDSA, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x07"), "brainpoolP256r1", 65},
    {ALG_ECDSA, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x0b"), "brainpoolP384r1", 97},
    {ALG_ECDSA, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x0d"), "brainpoolP512r1", 129},
    {ALG_ECDSA, DER("\x2b\x81\x04\x00\x0a"), "secp256k1", 65},
    {ALG_EDDSA_LEGACY, DER("\x2b\x06\x01\x04\x01\xda\x47\x0f\x01"), "ED25519", 33},
};

const struct openpgp_hash *openpgp_crypto_hash(unsigned id)
{
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
        if (hashes[i].id == id)
            return &hashes[i];
    return NULL;
}

EVP_MD_CTX *openpgp_crypto_hash_new(const struct openpgp_hash *h)
{
    EVP_MD *md = EVP_MD_fetch(NULL, h->evp, NULL);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (md == NULL || c == NULL || EVP_DigestInit_ex(c, md, NULL) != 1) {
        EVP_MD_CTX_free(c);
        c = NULL;
        ERR_clear_error();
    }
    EVP_MD_free(md);
    return c;
}

/* A public key from its parameters; takes the builder. */
static EVP_PKEY *key_of(const char *type, OSSL_PARAM_BLD *build, bool filled)
{
    OSSL_PARAM *params = filled ? OSSL_PARAM_BLD_to_param(build) : NULL;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;
    if (params == NULL || c == NULL || EVP_PKEY_fromdata_init(c) != 1 ||
        EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(c);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    ERR_clear_error();
    return key;
}

/* A key of large numbers, in the order of the names. */
static EVP_PKEY *key_of_numbers(const char *type, struct str f, const char *const *names, size_t n)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *num[4] = {NULL};
    bool ok = build != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        struct str m;
        ok = openpgp_packet_mpi(&f, &m) && m.n > 0 &&
             (num[i] = BN_bin2bn((const unsigned char *)m.p, (int)m.n, NULL)) != NULL &&
             OSSL_PARAM_BLD_push_BN(build, names[i], num[i]) == 1;
    }
    EVP_PKEY *key = key_of(type, build, ok && f.n == 0);
    for (size_t i = 0; i < n; i++)
        BN_free(num[i]);
    return key;
}

static EVP_PKEY *rsa_key(struct str f)
{
    static const char *const names[] = {OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E};
    struct str look = f, n, e;
    /* A huge exponent makes every verification slow; OpenSSL allows one for small moduli. */
    if (!openpgp_packet_mpi(&look, &n) || !openpgp_packet_mpi(&look, &e) || e.n > 8)
        return NULL;
    return key_of_numbers("RSA", f, names, 2);
}

static EVP_PKEY *dsa_key(struct str f)
{
    static const char *const names[] = {OSSL_PKEY_PARAM_FFC_P, OSSL_PKEY_PARAM_FFC_Q, OSSL_PKEY_PARAM_FFC_G,
                                        OSSL_PKEY_PARAM_PUB_KEY};
    struct str look = f, p;
    if (!openpgp_packet_mpi(&look, &p) || p.n > 4096 / 8)
        return NULL;
    return key_of_numbers("DSA", f, names, 4);
}

static EVP_PKEY *curve_key(unsigned alg, struct str f)
{
    uint32_t n;
    struct str oid, point;
    const struct curve *c = NULL;
    if (!openpgp_packet_num(&f, 1, &n) || !openpgp_packet_take(&f, n, &oid) ||
        !openpgp_packet_mpi(&f, &point) || f.n > 0)
        return NULL;
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (curves[i].alg == alg && str_eq(oid, (struct str){curves[i].oid, curves[i].oid_n}))
            c = &curves[i];
    if (c == NULL || point.n != c->point)
        return NULL;
    const unsigned char *bytes = (const unsigned char *)point.p;
    if (alg == ALG_EDDSA_LEGACY) /* 0x40: a native point, section 11.2 */
        return bytes[0] != 0x40 ? NULL
                                : EVP_PKEY_new_raw_public_key_ex(NULL, c->name, NULL, bytes + 1, point.n - 1);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    bool ok = build != NULL && bytes[0] == 4 &&
              OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, c->name, 0) == 1 &&
              OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, bytes, point.n) == 1;
    return key_of("EC", build, ok);
}

static EVP_PKEY *raw_key(const char *name, struct str f, size_t n)
{
    if (f.n != n)
        return NULL;
    return EVP_PKEY_new_raw_public_key_ex(NULL, name, NULL, (const unsigned char *)f.p, n);
}

EVP_PKEY *openpgp_crypto_key(unsigned alg, struct str fields, unsigned *bits)
{
    EVP_PKEY *key = NULL;
    switch (alg) {
    case ALG_RSA:
    case ALG_RSA_SIGN:
        key = rsa_key(fields);
        break;
    case ALG_DSA:
        key = dsa_key(fields);
        break;
    case ALG_ECDSA:
    case ALG_EDDSA_LEGACY:
        key = curve_key(alg, fields);
        break;
    case ALG_ED25519:
        key = raw_key("ED25519", fields, 32);
        break;
    case ALG_ED448:
        key = raw_key("ED448", fields, 57);
        break;
    }
    ERR_clear_error();
    *bits = key != NULL ? (unsigned)EVP_PKEY_get_bits(key) : 0;
    return key;
}

bool openpgp_crypto_weak(unsigned alg, unsigned bits)
{
    return (alg == ALG_RSA || alg == ALG_RSA_SIGN || alg == ALG_DSA) && bits < 2048;
}

/* The material's numbers into one string of n bytes each, zeros in front; false when they do not fit. */
static bool fixed_numbers(struct str material, size_t count, size_t n, uint8_t *out)
{
    memset(out, 0, count * n);
    for (size_t i = 0; i < count; i++) {
        struct str m;
        if (!openpgp_packet_mpi(&material, &m) || m.n > n)
            return false;
        memcpy(out + i * n + n - m.n, m.p, m.n);
    }
    return material.n == 0;
}

static int verify_raw(EVP_PKEY *key, bool pkcs1, const uint8_t *sig, size_t sig_n, const uint8_t *in,
                      size_t n)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    int r = c != NULL && EVP_PKEY_verify_init(c) == 1 &&
            (!pkcs1 || EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1) &&
            EVP_PKEY_verify(c, sig, sig_n, in, n) == 1;
    EVP_PKEY_CTX_free(c);
    return r;
}

/* The DigestInfo is put before the digest here and not by OpenSSL, whose configuration may forbid SHA1 for
   signatures: whether to trust it is decided in one place, by this room. */
static enum openpgp_crypto verify_rsa(EVP_PKEY *key, const struct openpgp_hash *h, const uint8_t *digest,
                                      size_t n, struct str material)
{
    uint8_t sig[OPENPGP_MAX_MPI_BITS / 8], info[32 + EVP_MAX_MD_SIZE];
    size_t size = (size_t)EVP_PKEY_get_size(key);
    if (size > sizeof sig || !fixed_numbers(material, 1, size, sig))
        return OPENPGP_MALFORMED;
    memcpy(info, h->der, h->der_n);
    memcpy(info + h->der_n, digest, n);
    return verify_raw(key, true, sig, size, info, h->der_n + n) ? OPENPGP_GOOD : OPENPGP_BAD;
}

/* DSA and ECDSA: r and s, which OpenSSL wants as the same DER sequence for both. */
static enum openpgp_crypto verify_pair(EVP_PKEY *key, const uint8_t *digest, size_t n, struct str material)
{
    struct str r, s;
    if (!openpgp_packet_mpi(&material, &r) || !openpgp_packet_mpi(&material, &s) || material.n > 0)
        return OPENPGP_MALFORMED;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *br = BN_bin2bn((const unsigned char *)r.p, (int)r.n, NULL);
    BIGNUM *bs = BN_bin2bn((const unsigned char *)s.p, (int)s.n, NULL);
    unsigned char *der = NULL;
    int good = 0;
    if (pair != NULL && br != NULL && bs != NULL && ECDSA_SIG_set0(pair, br, bs) == 1) {
        br = bs = NULL;
        int len = i2d_ECDSA_SIG(pair, &der);
        good = len > 0 && verify_raw(key, false, der, (size_t)len, digest, n);
    }
    OPENSSL_free(der);
    BN_free(br);
    BN_free(bs);
    ECDSA_SIG_free(pair);
    return good ? OPENPGP_GOOD : OPENPGP_BAD;
}

static enum openpgp_crypto verify_eddsa(EVP_PKEY *key, bool legacy, const uint8_t *digest, size_t n,
                                        struct str material)
{
    uint8_t sig[114];
    size_t size = (size_t)EVP_PKEY_get_size(key);
    if (size > sizeof sig)
        return OPENPGP_UNSUPPORTED;
    if (legacy ? !fixed_numbers(material, 2, size / 2, sig) : material.n != size)
        return OPENPGP_MALFORMED;
    if (!legacy)
        memcpy(sig, material.p, size);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool good = c != NULL && EVP_DigestVerifyInit_ex(c, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
                EVP_DigestVerify(c, sig, size, digest, n) == 1;
    EVP_MD_CTX_free(c);
    return good ? OPENPGP_GOOD : OPENPGP_BAD;
}

enum openpgp_crypto openpgp_crypto_verify(EVP_PKEY *key, unsigned alg, const struct openpgp_hash *h,
                                          const uint8_t *digest, size_t n, struct str material)
{
    enum openpgp_crypto r = OPENPGP_UNSUPPORTED;
    if (alg == ALG_RSA || alg == ALG_RSA_SIGN)
        r = verify_rsa(key, h, digest, n, material);
    else if (alg == ALG_DSA || alg == ALG_ECDSA)
        r = verify_pair(key, digest, n, material);
    else if (alg == ALG_EDDSA_LEGACY || alg == ALG_ED25519 || alg == ALG_ED448)
        r = verify_eddsa(key, alg == ALG_EDDSA_LEGACY, digest, n, material);
    ERR_clear_error();
    return r;
}
