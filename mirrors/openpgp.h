/* OpenPGP verification over OpenSSL (RFC 4880, RFC 9580): the part that package archives need. Keys and
   signatures v3 and v4 (v6 keys are refused as not supported), RSA, DSA, ECDSA (NIST and Brainpool curves),
   EdDSA (legacy and RFC 9580 Ed25519/Ed448). */
#ifndef MIRRORS_OPENPGP_H
#define MIRRORS_OPENPGP_H

#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"

struct openpgp_keyring;
struct openpgp_keyring *openpgp_keyring_new(void);
void openpgp_keyring_free(struct openpgp_keyring *k);
/* Adds every certificate in bytes (binary, or any number of armored blocks). Certificates that cannot be used
   are skipped with their reason kept for the report; no certificate at all is ERR_TRUST naming `name`.
   Certificates with the same fingerprint are merged. */
int openpgp_keyring_add(struct openpgp_keyring *k, const char *name, struct str bytes, struct err *e);
size_t openpgp_keyring_count(const struct openpgp_keyring *k);

/* What mathematics says. */
enum openpgp_crypto {
    OPENPGP_GOOD,
    OPENPGP_BAD, /* by a key of the keyring, and wrong */
    OPENPGP_NO_KEY,
    OPENPGP_UNSUPPORTED, /* version, algorithm, curve or digest that we do not know */
    OPENPGP_MALFORMED
};
/* What we think of a good one. */
enum openpgp_policy {
    OPENPGP_OK,
    OPENPGP_KEY_EXPIRED, /* at `now` (but see openpgp_verify_range()), or at the signature's time */
    OPENPGP_KEY_REVOKED, /* what a key signed before it was superseded or retired stays good; any other reason
                            voids all */
    OPENPGP_KEY_NOT_VALID, /* no valid self-signature, or a subkey without a valid binding and cross signature
                            */
    OPENPGP_NOT_FOR_SIGNING,
    OPENPGP_WEAK_DIGEST, /* MD5, SHA1, SHA224, RIPEMD160; a certificate's own signatures may use all but MD5
                          */
    OPENPGP_WEAK_KEY,    /* RSA or DSA below 2048 bits */
    OPENPGP_SIG_EXPIRED,
    OPENPGP_SIG_FUTURE /* made more than a day after now, or before its key */
};

struct openpgp_sig {
    enum openpgp_crypto crypto;
    enum openpgp_policy policy;
    uint8_t key_id[8];       /* issuer, as the signature says */
    uint8_t fingerprint[32]; /* of the key that was tried; fingerprint_len 0: none */
    size_t fingerprint_len;
    uint8_t primary[32]; /* of its certificate */
    size_t primary_len;
    enum digest_kind digest;
    int64_t created;
};

struct openpgp_report {
    struct openpgp_sig *sigs; /* owned: openpgp_report_free */
    size_t n;
};
void openpgp_report_free(struct openpgp_report *r);
/* Whether one of them is wrong or malformed, which is worse than one that says nothing to us. */
bool openpgp_report_wrong(const struct openpgp_report *r);
const char *openpgp_crypto_name(enum openpgp_crypto c);
const char *openpgp_policy_name(enum openpgp_policy p);

/* Verify. Trusted (0) when at least one signature is GOOD and OK and none by a key of the keyring is BAD.
   Otherwise ERR_TRUST with one line that names the key ids and why (`not signed by a trusted key:
   0E98404D386FA1D9 unknown, ...`). report may be NULL; it is filled on failure too. now: seconds since 1970.
   sig: binary or armored; several armored blocks may follow each other. */
int openpgp_verify_detached(const struct openpgp_keyring *k, struct str data, struct str sig, int64_t now,
                            struct openpgp_report *report, struct err *e);
/* The same for n bytes at off of the file fd, which are read with pread, once per digest, and for files that
   are never signed again: a key must have been in force when it signed, and may have expired since.
   Signatures over text are not supported there. ERR_HOST: fd cannot be read; ERR_TRUST also where it is too
   short. */
int openpgp_verify_range(const struct openpgp_keyring *k, int fd, uint64_t off, uint64_t n, struct str sig,
                         int64_t now, struct openpgp_report *report, struct err *e);
/* A cleartext-signed message (RFC 9580 section 7). *body gets, only when trusted, exactly the text that the
   signatures cover, dash-escapes removed, line ends as LF: use nothing else of the file. Text before, after
   or between is an error. */
int openpgp_verify_clear(const struct openpgp_keyring *k, struct str message, int64_t now, struct buf *body,
                         struct openpgp_report *report, struct err *e);
/* The same text without any check, for --insecure. */
int openpgp_clear_text(struct str message, struct buf *body, struct err *e);
/* An inline-signed binary or armored message (one-pass signatures and literal data; a compressed one is
 * refused). */
int openpgp_verify_inline(const struct openpgp_keyring *k, struct str message, int64_t now, struct buf *body,
                          struct openpgp_report *report, struct err *e);

#endif
