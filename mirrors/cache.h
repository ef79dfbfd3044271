/* The content-addressed cache: DIR/sha256/ab/cdef... , shared safely by concurrent runs (files appear by
   rename, partial ones are locked). Names are digests, so what a file holds is checked by whoever opens it.
 */
#ifndef MIRRORS_CACHE_H
#define MIRRORS_CACHE_H

#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"

struct cache {
    char *dir;
    int fd;
};

/* Makes the directory (0755) if need be. ERR_HOST for one that another user owns or may write to: what was
   verified there could change before it is read. */
int cache_open(struct cache *c, const char *dir, struct err *e);
void cache_close(struct cache *c);
/* Opens the file with this digest for reading, its bytes verified (size and digest); a wrong one is removed.
   Returns a descriptor at offset 0, or -1 when it is not there (no error: *e untouched). */
int cache_get(struct cache *c, const struct digest *d, uint64_t size);
/* A partial file for this digest, opened read-write and locked for this process, offset at its end so that a
   transfer can resume; when another process holds it, a private temporary one. *have: bytes there already. */
struct cache_part {
    int fd;
    char *name; /* relative to the cache */
    uint64_t have;
};
int cache_part_open(struct cache *c, const struct digest *d, struct cache_part *p, struct err *e);
/* The verified partial becomes the file; p->fd stays open (reading works) and is the caller's to close. */
int cache_part_commit(struct cache *c, struct cache_part *p, const struct digest *d, struct err *e);
/* Gives up: keep leaves the bytes for a later resume. */
void cache_part_drop(struct cache *c, struct cache_part *p, int keep);
/* Named entries for what has no digest beforehand (InRelease of an URL and suite), for --offline: key is
 * hashed into a file name. */
int cache_put_named(struct cache *c, const char *key, struct str data, struct err *e);
int cache_get_named(struct cache *c, const char *key, size_t max, struct buf *out,
                    struct err *e); /* 1: absent */

#endif
