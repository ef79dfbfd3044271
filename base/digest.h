/* Digests over OpenSSL's EVP. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* In order of strength: of two digests of one file the greater kind is checked. MD5 to SHA224 are never
   trusted; they are here for OpenPGP's readers, which must compute what they then reject. */
enum digest_kind {
    DIGEST_NONE,
    DIGEST_MD5,
    DIGEST_SHA1,
    DIGEST_SHA224,
    DIGEST_SHA256,
    DIGEST_SHA384,
    DIGEST_SHA512,
    DIGEST_SHA3_256 /* in rpm 6 packages alone */
};

enum { DIGEST_MAX = 64, DIGEST_HEX_MAX = 2 * DIGEST_MAX + 1 };

struct digest {
    enum digest_kind kind;
    uint8_t bytes[DIGEST_MAX];
};

size_t digest_size(enum digest_kind k);      /* in bytes; 0 for DIGEST_NONE */
const char *digest_name(enum digest_kind k); /* "sha256" */
bool digest_trusted(enum digest_kind k);     /* SHA256 and stronger */
/* Hexadecimal digits of the kind's exact length, either case. False leaves d as it was. */
bool digest_parse(struct digest *d, enum digest_kind k, struct str hex);
/* Lower-case hexadecimal into out; returns out. */
const char *digest_hex(const struct digest *d, char out[DIGEST_HEX_MAX]);
bool digest_eq(const struct digest *a, const struct digest *b); /* kinds too; NONE equals nothing */

/* Streaming. digest_end frees the context whether or not d is NULL; a zero context may be ended. */
struct digest_ctx {
    void *evp;
    enum digest_kind kind;
};
int digest_begin(struct digest_ctx *c, enum digest_kind k, struct err *e);
void digest_update(struct digest_ctx *c, const void *p, size_t n);
void digest_end(struct digest_ctx *c, struct digest *d);

int digest_of(struct digest *d, enum digest_kind k, struct str data, struct err *e);
/* Reads fd from its offset 0 to the end with pread; *size gets the number of bytes (may be NULL). */
int digest_of_fd(struct digest *d, enum digest_kind k, int fd, uint64_t *size, struct err *e);

#endif
