/* Where one file's bytes go while they arrive: a partial in the cache or an unlinked temporary file, hashed
   and bounded. Private to transfer*.c. */
#ifndef MIRRORS_TRANSFER_SINK_H
#define MIRRORS_TRANSFER_SINK_H

#include "mirrors/transfer.h"

struct transfer_sink {
    struct cache *cache; /* NULL: a temporary file */
    struct cache_part part;
    char *name; /* for messages */
    int fd;
    struct digest_ctx hash;
    const struct transfer_file *file;
    uint64_t have;
    uint64_t limit; /* not one byte more is written */
};

/* Opens; bytes that an earlier run left in the cache are hashed and counted in have. 1: it is a temporary
   file, since the cache cannot be written; e says why. */
int transfer_sink_open(struct transfer_sink *s, const struct transfer_opts *o, const struct transfer_file *f,
                       struct err *e);
/* Throws away what is there. */
int transfer_sink_restart(struct transfer_sink *s, struct err *e);
/* 0; 1 when the limit is passed (nothing is written then); -1 when the disk says no. */
int transfer_sink_write(struct transfer_sink *s, const void *p, size_t n, struct err *e);
/* Whether size and digest are what was expected; if not, why. Once per filling: restart after a no. */
bool transfer_sink_verify(struct transfer_sink *s, char *why, size_t cap);
/* Into the cache if it came through it; hands the descriptor over, at offset 0. */
int transfer_sink_take(struct transfer_sink *s, int *fd, struct err *e);
/* keep: leaves a cache's partial for a later run. A sink that was never opened (zero) may be closed. */
void transfer_sink_close(struct transfer_sink *s, bool keep);

#endif
