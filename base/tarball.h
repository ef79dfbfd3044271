/* A tarball being written: entries go in one after the other and the file appears whole or not at all. The
   same entries give the same bytes, whatever the user, the locale, the clock and the number of threads. */
#ifndef BASE_TARBALL_H
#define BASE_TARBALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/tree.h"

struct tarball;

struct tarball_opts {
    unsigned jobs;            /* compressing threads; 0: one for each processor */
    const volatile int *stop; /* set by a signal handler: the tarball is given up, ERR_INTR; may be NULL */
    const struct log *log;
    const char *shown; /* what messages call it; NULL: the target's name */
};

/* Whether a target of this name is a tarball: `-` or a name that ends with .tar, .tar.gz, .tgz, .tar.xz, .txz
   or .tar.zst. */
bool tarball_name(const char *target);
/* Opens it: `-` is standard output (a terminal is refused), a name is built as a hidden file beside its place
   and renamed by tarball_finish(). What a killed run left there is taken over. A regular file or directory of
   that name is ERR_HOST: nothing is overwritten; a fifo or a device is written to. */
int tarball_open(struct tarball **t, const char *target, const struct tarball_opts *o, struct err *e);
/* Leaves file capabilities out of the entries from here on. */
void tarball_drop_caps(struct tarball *t);
/* Begins an entry; path and hard link target are canonical (base/tree.h), "" is the root. Each path once,
   parents first: the caller's matter. */
int tarball_entry(struct tarball *t, const struct tree_entry *en, struct err *e);
/* The next bytes of the entry's content, en->size altogether. */
int tarball_data(struct tarball *t, const void *p, size_t n, struct err *e);
/* Ends the archive, flushes and (unless nosync) syncs it and gives it its name. *sum is SHA256 of the bytes
   before compression. */
int tarball_finish(struct tarball *t, bool nosync, struct digest *sum, struct err *e);
/* Closes; what was not finished is removed. NULL is fine. */
void tarball_close(struct tarball *t);

#endif
