/* A package whose payload is not compressed any more, and whose headers say the same as before: rpm takes
   half of its time to decompress xz, which the first stage has done already. The payload stays an xz file
   (https://tukaani.org/xz/xz-file-format.txt), of stored LZMA2 chunks. Signatures and digests over the
   payload do not hold for it. */
#ifndef PKGFMT_RPM_STORED_H
#define PKGFMT_RPM_STORED_H

#include <stdbool.h>

#include "pkgfmt/rpm_read.h"

enum { RPM_STORED_CHUNK = 1 << 16 };

struct rpm_stored {
    int fd;              /* borrowed; what is written goes to its end */
    uint64_t open, body; /* payload bytes so far; bytes of chunks */
    size_t held;
    bool failed; /* fd could not be written, and is empty now */
    unsigned char chunk[RPM_STORED_CHUNK];
};

/* Whether it gains by it: its payload is an xz file. */
bool rpm_stored_pays(const struct rpm_read *r);
/* Begins with what stands before the payload of r. */
int rpm_stored_open(struct rpm_stored *s, int fd, const struct rpm_read *r, struct err *e);
/* The next n bytes of the decompressed payload. */
void rpm_stored_data(struct rpm_stored *s, const void *p, size_t n);
/* The rest of the file; ERR_HOST also where writing failed before. */
int rpm_stored_finish(struct rpm_stored *s, struct err *e);

#endif
