/* The rpm container: lead, signature header, header, compressed payload. */
#ifndef PKGFMT_RPM_READ_H
#define PKGFMT_RPM_READ_H

#include "pkgfmt/rpm_header.h"

struct rpm_read {
    int fd; /* borrowed; read with pread only */
    uint64_t size;
    struct rpm_header sig, header;
    uint64_t header_off, payload_off; /* in the file, in bytes; the payload ends with the file */
    struct buf bytes;                 /* what sig and header borrow from */
    bool source;                      /* a source package */
};

/* Reads lead and both headers. ERR_FORMAT: no rpm package, a package format older than 3, headers that are
   cut off, malformed or larger than any real one; delta packages. ERR_HOST: fd cannot be read. Nothing is
   verified yet. */
int rpm_read_open(struct rpm_read *r, int fd, struct err *e);
void rpm_read_close(struct rpm_read *r);
/* Reads n bytes at off; short of that is ERR_FORMAT. */
int rpm_read_at(int fd, uint64_t off, void *p, size_t n, struct err *e);

#endif
