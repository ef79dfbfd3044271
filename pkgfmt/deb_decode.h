/* A stream of decoded bytes from an index file, bounded. */
#ifndef PKGFMT_DEB_DECODE_H
#define PKGFMT_DEB_DECODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct archive;
struct deb_ahead;

struct deb_decode {
    struct archive *archive; /* NULL: plain bytes from fd */
    int fd;
    const char *name;
    bool ended;
    struct deb_ahead *ahead; /* NULL: bytes are decoded when they are asked for */
    uint64_t done, max;      /* decoded bytes so far, and the most there may be */
};

/* fd: at the file's start, borrowed. The suffix of name (borrowed, for messages too) says which of xz, zst,
   gz, bz2 or nothing decodes; bytes in another format are an error. max: more decoded bytes are ERR_FORMAT.
 */
int deb_decode_open(struct deb_decode *d, int fd, const char *name, uint64_t max, struct err *e);
/* Decodes in a thread from now on, where a thread can be had; reads must ask for DEB_AHEAD_BLOCK bytes or
 * more. */
void deb_decode_ahead(struct deb_decode *d);
/* Up to n decoded bytes; 0 at the end, -1 on damage, truncation or when there are too many. */
ssize_t deb_decode_read(struct deb_decode *d, void *p, size_t n, struct err *e);
/* A zero one may be closed. */
void deb_decode_close(struct deb_decode *d);

#endif
