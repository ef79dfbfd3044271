/* A directory with everything below it, copied by several threads: names, contents, holes, hard links,
   devices, modes, owners, times, extended attributes. */
#ifndef BASE_COPY_H
#define BASE_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"

enum copy_share {
    COPY_NEVER, /* every byte is written again */
    COPY_TRY,   /* contents are shared (reflinks) where the file systems can */
    COPY_ONLY   /* a content that cannot be shared is an error */
};

struct copy_opts {
    enum copy_share share;
    unsigned jobs;            /* threads; 0: one per processor */
    const volatile int *stop; /* set: ERR_INTR */
    const struct log *log;
};

struct copy_stats {
    uint64_t entries;       /* made, directories included */
    uint64_t bytes, shared; /* of contents: written, and shared with the source */
};

/* Copies what is below the directory `from' into the empty directory `to', and its own metadata. The names
   are for messages. Nothing is followed: no link, no mount point (what is mounted in from is left out with a
   warning), no lost+found at the top. Attributes that the target's file system cannot have are a warning.
   ERR_HOST. */
int copy_tree(int from, const char *from_name, int to, const char *to_name, const struct copy_opts *o,
              struct copy_stats *stats, struct err *e);

#endif
