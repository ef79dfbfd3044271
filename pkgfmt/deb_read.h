/* The .deb container, deb(5): an ar archive of debian-binary, control.tar and data.tar. The ar level is read
   here, as strictly as dpkg-deb does; the tars go through deb_tar.h. */
#ifndef PKGFMT_DEB_READ_H
#define PKGFMT_DEB_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct deb_member {
    char name[17];      /* "data.tar.xz", without padding or a trailing slash */
    uint64_t off, size; /* of the content in the file, in bytes */
    int filter;         /* libarchive's ARCHIVE_FILTER_*, as the name's suffix says */
};

struct deb_read {
    int fd; /* borrowed; read with pread only */
    uint64_t size;
    struct deb_member control, data;
};

/* Finds the two tars. Accepted: format 2.x in debian-binary, with more lines behind the version; members
   named _* between the others, skipped; anything behind data.tar. ERR_FORMAT: all else that stands before
   data.tar, a member that the file is too short for, a suffix deb(5) does not list, the format from before
   1995 (0.939000), a part made by dpkg-split. ERR_HOST: fd cannot be read. */
int deb_read_open(struct deb_read *d, int fd, struct err *e);
/* Reads n bytes at off; short of that is ERR_FORMAT. */
int deb_read_at(int fd, uint64_t off, void *p, size_t n, struct err *e);

#endif
