/* Inside the OpenPGP reader: what openpgp*.c share. Section numbers are RFC 9580's unless said otherwise. */
#ifndef MIRRORS_OPENPGP_INT_H
#define MIRRORS_OPENPGP_INT_H

#include <openssl/evp.h>

#include "base/arena.h"
#include "mirrors/openpgp.h"

/* Bounds on hostile input; each far above what archives use. */
enum {
    OPENPGP_MAX_SIGS = 64,          /* signatures on one message */
    OPENPGP_MAX_CERTS = 16384,      /* certificates in a keyring */
    OPENPGP_MAX_PARTS = 1024,       /* user ids and subkeys of a certificate */
    OPENPGP_MAX_SELF_SIGS = 1024,   /* self-signatures of a certificate that are looked at */
    OPENPGP_MAX_MPI_BITS = 16384,   /* OpenSSL's own limit for RSA */
    OPENPGP_CLOCK_SLACK = 24 * 3600 /* a signature may be that far in the future */
};

enum openpgp_tag { /* section 5 */
                   OPENPGP_TAG_SIGNATURE = 2,
                   OPENPGP_TAG_ONE_PASS = 4,
                   OPENPGP_TAG_SECRET_KEY = 5,
                   OPENPGP_TAG_PUBLIC_KEY = 6,
                   OPENPGP_TAG_COMPRESSED = 8,
                   OPENPGP_TAG_MARKER = 10,
                   OPENPGP_TAG_LITERAL = 11,
                   OPENPGP_TAG_USER_ID = 13,
                   OPENPGP_TAG_SUBKEY = 14,
                   OPENPGP_TAG_ATTRIBUTE = 17,
                   OPENPGP_TAG_PADDING = 21
};

enum openpgp_type { /* section 5.2.1 */
                    OPENPGP_TYPE_BINARY = 0x00,
                    OPENPGP_TYPE_TEXT = 0x01,
                    OPENPGP_TYPE_CERT = 0x10, /* to 0x13 */
                    OPENPGP_TYPE_CERT_LAST = 0x13,
                    OPENPGP_TYPE_BINDING = 0x18,
                    OPENPGP_TYPE_BACK = 0x19, /* a signing subkey's own consent: primary key binding */
                    OPENPGP_TYPE_DIRECT = 0x1f,
                    OPENPGP_TYPE_KEY_REVOCATION = 0x20,
                    OPENPGP_TYPE_SUBKEY_REVOCATION = 0x28,
                    OPENPGP_TYPE_CERT_REVOCATION = 0x30
};

enum { OPENPGP_FLAG_SIGN = 0x02 }; /* section 5.2.3.29 */

/* ---- openpgp_packet.c: packets and their fields, cut off the front of a string */

struct openpgp_packet {
    unsigned tag;
    struct str body;
};
/* 1: the next packet; 0: nothing left; -1: malformed. A body in partial lengths is put together in joined
   (owned by the caller, overwritten by the next call); with joined NULL it is malformed. */
int openpgp_packet_next(struct str *in, struct openpgp_packet *p, struct buf *joined);
bool openpgp_packet_take(struct str *s, size_t n, struct str *out);
bool openpgp_packet_num(struct str *s, size_t bytes, uint32_t *out); /* big-endian, up to 4 bytes */
bool openpgp_packet_mpi(struct str *s, struct str *out);             /* without leading zero bytes */

/* ---- openpgp_armor.c: ASCII armor and the cleartext framework */

/* The next armored block of *in: 1 with its label ("PUBLIC KEY BLOCK"), its decoded bytes in data and the
   text before it; 0 when there is none; -1 when it is malformed (ERR_TRUST says how), *in standing behind its
   first line so that a caller may go on. */
int openpgp_armor_next(struct str *in, struct str *before, struct str *label, struct buf *data,
                       struct err *e);
/* Binary or armored (any number of `label` blocks and nothing but blanks around them) into data. */
int openpgp_armor_read(struct str in, const char *label, struct buf *data, struct err *e);
/* Splits a cleartext-signed message into text (blanks at line ends and dash-escapes removed, LF) and
 * signature packets. */
int openpgp_armor_clear(struct str message, struct buf *text, struct buf *sigs, struct err *e);

/* ---- openpgp_crypto.c: digests and public keys over OpenSSL */

struct openpgp_hash {
    unsigned id;             /* section 9.5 */
    const char *evp;         /* OpenSSL's name */
    enum digest_kind kind;   /* DIGEST_NONE where base/digest.h has none */
    bool for_data, for_keys; /* policy: good enough under data, under a certificate's own signatures */
    const char *der;         /* DigestInfo up to the digest, RFC 8017 section 9.2 */
    size_t der_n;
};
const struct openpgp_hash *openpgp_crypto_hash(unsigned id);       /* NULL: unknown */
EVP_MD_CTX *openpgp_crypto_hash_new(const struct openpgp_hash *h); /* NULL: not in this OpenSSL */

/* The public key in a key packet's algorithm-specific fields, and its size in bits; NULL when the algorithm,
 * curve or size is none we verify with. */
EVP_PKEY *openpgp_crypto_key(unsigned alg, struct str fields, unsigned *bits);
bool openpgp_crypto_weak(unsigned alg, unsigned bits);
/* Does the signature's material fit digest? GOOD, BAD, UNSUPPORTED or MALFORMED. */
enum openpgp_crypto openpgp_crypto_verify(EVP_PKEY *key, unsigned alg, const struct openpgp_hash *h,
                                          const uint8_t *digest, size_t n, struct str material);

/* ---- openpgp_sig.c: signature packets */

/* All strings are borrowed from the packet. Only what stands in the hashed part is believed, but for the
   issuer (a hint where to look) and the embedded signature (which proves itself). */
struct openpgp_sigpkt {
    unsigned version, type, alg, hash;
    struct str raw;      /* the packet's body */
    struct str hashed;   /* the part of it that is hashed */
    struct str material; /* the algorithm's numbers */
    uint8_t left16[2];
    uint8_t issuer[8]; /* zero: not said */
    struct str issuer_fpr;
    int64_t created;
    int64_t lifetime;     /* of the signature, in seconds; 0: no end */
    int64_t key_lifetime; /* of the key it is about; 0: no end */
    bool has_flags, primary_uid;
    unsigned flags;
    int reason; /* of a revocation; -1: not said */
    struct str embedded;
};
/* GOOD: read. MALFORMED or UNSUPPORTED otherwise; version and issuer are filled as far as known. */
enum openpgp_crypto openpgp_sig_parse(struct str body, struct openpgp_sigpkt *s);
/* Hashes the signature's own part behind the data in c and verifies. Uses c up. */
enum openpgp_crypto openpgp_sig_verify(const struct openpgp_sigpkt *s, EVP_PKEY *key, EVP_MD_CTX *c);

/* ---- openpgp_key.c: certificates and what they allow; openpgp_keyring.c: reading them */

struct openpgp_key {
    unsigned version, alg, bits;
    int64_t created, v3_lifetime;
    struct str body; /* the packet's body */
    uint8_t fpr[20];
    size_t fpr_n;
    uint8_t id[8];
    EVP_PKEY *pkey; /* owned; NULL: not for verifying */
};

/* A signature by the certificate's primary key about a part of it; verified, or it would not be here. */
struct openpgp_self {
    struct openpgp_sigpkt pkt;
    bool back;            /* the subkey's back signature in it is good */
    int64_t back_expires; /* INT64_MAX: never */
};

struct openpgp_part {
    unsigned tag;
    struct str body;
    struct openpgp_key key; /* of a primary key or subkey */
    struct openpgp_self *selfs;
    size_t n;
};

struct openpgp_cert {
    struct openpgp_part *parts; /* the primary key first */
    size_t n, selfs;
};

struct openpgp_keyring {
    struct arena arena; /* the packets' bytes */
    struct openpgp_cert *certs;
    size_t n;
    struct buf skipped; /* "NAME: why; NAME: why", bounded */
};

/* Reads a key packet; false with *why when it cannot be used. k->pkey NULL alone is no failure. */
bool openpgp_key_parse(struct str body, struct openpgp_key *k, const char **why);
void openpgp_key_hash(const struct openpgp_key *k,
                      EVP_MD_CTX *c); /* as signatures over keys do, section 5.2.4 */
bool openpgp_key_matches(const struct openpgp_key *k, const struct openpgp_sigpkt *s);
/* Verifies a signature inside a certificate and attaches it to its part when it is a good one by the primary
 * key. part: what it followed. */
void openpgp_key_attach(struct openpgp_cert *c, struct openpgp_part *part, struct str body);
/* May this key of the certificate (parts[0] or a subkey) have made a data signature at sig_time, seen at now?
 * It must not have expired by `at'.
 */
enum openpgp_policy openpgp_key_policy(const struct openpgp_cert *c, const struct openpgp_part *part,
                                       int64_t sig_time, int64_t now, int64_t at);
void openpgp_cert_free(struct openpgp_cert *c);

/* ---- openpgp_inline.c */

/* Splits an inline-signed message into its literal data and its signature packets. text and sigs are appended
 * to. */
int openpgp_inline_split(struct str message, struct buf *text, struct buf *sigs, struct err *e);

#endif
