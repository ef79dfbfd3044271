/* The cpio archives in rpm packages: cpio's "newc" entries (070701, and 070702 with a sum of the content),
   and rpm's own 07070X, whose header is no more than the file's index in the package's header (rpm's
   lib/cpio.c). */
#ifndef PKGFMT_RPM_CPIO_H
#define PKGFMT_RPM_CPIO_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

/* Gives the archive's next bytes, valid until the next call: 1, 0 at the end, -1. */
typedef int rpm_cpio_read(void *ctx, const void **p, size_t *n, struct err *e);

struct rpm_cpio {
    rpm_cpio_read *read;
    void *ctx;
    const char *at; /* what was read and not used */
    size_t n;
    uint64_t off;  /* in the archive */
    uint64_t left; /* of the entry's content */
    uint32_t sum, want_sum;
    bool summed;
    struct buf name;
};

struct rpm_cpio_entry {
    bool stripped;  /* 07070X: only the index is there, and rpm_cpio_size() must say the size */
    uint32_t index; /* of the file in the header */
    struct str path;
    uint32_t mode;
    uint64_t size;
};

void rpm_cpio_init(struct rpm_cpio *c, rpm_cpio_read *read, void *ctx);
/* The next entry, what is left of the last one's content is skipped: 1; 0 when all was read to its end:
   behind the trailer only zeros may follow, 64 KiB at most. ERR_FORMAT: no such entry, names of no or over
   4096 bytes, cut off. */
int rpm_cpio_next(struct rpm_cpio *c, struct rpm_cpio_entry *en, struct err *e);
/* Of a stripped entry, before its content is read. */
void rpm_cpio_size(struct rpm_cpio *c, uint64_t size);
/* The next piece of the content: 1, 0 at its end, -1. */
int rpm_cpio_data(struct rpm_cpio *c, const void **p, size_t *n, struct err *e);
void rpm_cpio_free(struct rpm_cpio *c);

#endif
