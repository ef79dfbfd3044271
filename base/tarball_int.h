/* What the tarball's files share: tarball.c (entries, the file's life), tarball_press.c (compression in
   threads), tarball_format.c (every setting that the bytes depend on). */
#ifndef BASE_TARBALL_INT_H
#define BASE_TARBALL_INT_H

#include "base/str.h"
#include "base/tarball.h"

struct archive;

/* A suffix and its compression. Chunks of a fixed size are compressed each for itself and stand one after the
   other (RFC 1952 2.2, RFC 8878 3, the .xz format 2.1.1 allow it), so that threads change nothing. */
struct tarball_format {
    const char *suffix;
    int filter; /* libarchive's ARCHIVE_FILTER_* */
    const char *options;
    size_t chunk;    /* bytes */
    uint64_t memory; /* of one compressing thread, in bytes */
};

/* tarball_format.c */
/* By the target's suffix; NULL when it is none of ours. `-` is not compressed. */
const struct tarball_format *tarball_format_find(const char *target);
/* Sets up a new writer of pax archives. */
int tarball_format_pax(struct archive *ar);
/* Appends the compressed form of one chunk. */
int tarball_format_press(const struct tarball_format *f, struct str chunk, struct buf *out, struct err *e);

/* tarball_press.c: bytes in, compressed and hashed on several processors, written to fd in order. */
struct tarball_press;
int tarball_press_open(struct tarball_press **out, const struct tarball_format *f, int fd, const char *name,
                       const struct tarball_opts *o, struct err *e);
int tarball_press_add(struct tarball_press *p, const void *bytes, size_t n, struct err *e);
/* Everything written. */
int tarball_press_finish(struct tarball_press *p, struct digest *sum, struct err *e);
void tarball_press_close(struct tarball_press *p); /* NULL is fine */

#endif
