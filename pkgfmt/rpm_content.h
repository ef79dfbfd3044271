/* The payload's entries as files of the package's header, which alone says what they are; the payload has
   their contents. */
#ifndef PKGFMT_RPM_CONTENT_H
#define PKGFMT_RPM_CONTENT_H

#include "pkgfmt/rpm_files.h"
#include "pkgfmt/rpm_stored.h"

struct rpm_content;

/* r, f and copy stay with the caller, who verified the package. copy (NULL: none) gets what is read of the
   payload. */
int rpm_content_open(struct rpm_content **out, const struct rpm_read *r, const struct rpm_files *f,
                     struct rpm_stored *copy, struct err *e);
/* The next entry's file (*out): 1; 0 at the end, when each file of the header had an entry, ghosts excepted.
   *size: bytes of content that follow, the file's size or, where the file has another name in the payload
   that bears it, 0. ERR_FORMAT: an entry or a size that the header does not have, a file twice, an archive
   that is damaged or cut off. */
int rpm_content_next(struct rpm_content *c, const struct rpm_file **out, uint64_t *size, struct err *e);
/* A tree_next for the content. At its end: ERR_FORMAT when it has not the header's digest. What is not read
   is checked by rpm_content_next() all the same. */
int rpm_content_data(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e);
/* Reads on to the payload's end, for the copy's sake. */
int rpm_content_rest(struct rpm_content *c, struct err *e);
/* NULL is fine. */
void rpm_content_close(struct rpm_content *c);

#endif
