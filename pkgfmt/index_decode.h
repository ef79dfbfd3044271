/* A stream of decoded bytes from an index file, bounded. */
#ifndef PKGFMT_INDEX_DECODE_H
#define PKGFMT_INDEX_DECODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct archive;
struct ahead;

struct index_decode {
    struct archive *archive; /* NULL: plain bytes from fd */
    int fd;
    const char *name;
    bool ended;
    struct ahead *ahead; /* NULL: bytes are decoded when they are asked for */
    uint64_t done, max;  /* decoded bytes so far, and the most there may be */
};

/* fd: at the file's start, borrowed. The suffix of name (borrowed, for messages too) says which of xz, zst,
   gz, bz2 or nothing decodes; bytes in another format are an error. max: more decoded bytes are ERR_FORMAT.
 */
int index_decode_open(struct index_decode *d, int fd, const char *name, uint64_t max, struct err *e);
/* Decodes in a thread from now on, where a thread can be had; reads must ask for AHEAD_BLOCK bytes or
 * more. */
void index_decode_ahead(struct index_decode *d);
/* Up to n decoded bytes; 0 at the end, -1 on damage, truncation or when there are too many. */
ssize_t index_decode_read(struct index_decode *d, void *p, size_t n, struct err *e);
/* A zero one may be closed. */
void index_decode_close(struct index_decode *d);

#endif
