/* The payload of an rpm package, decompressed: by what its bytes are, not by what the header calls them. */
#ifndef PKGFMT_RPM_PAYLOAD_H
#define PKGFMT_RPM_PAYLOAD_H

#include "pkgfmt/rpm_stored.h"

struct rpm_payload;

/* r stays with the caller, open; so does copy (NULL: none), which gets all that is read. ERR_FORMAT: a
   compression that is not known here; ERR_HOST: one that this libarchive has not. */
int rpm_payload_open(struct rpm_payload **out, const struct rpm_read *r, struct rpm_stored *copy,
                     struct err *e);
/* The next bytes, valid until the next call: 1, 0 at the end, -1 (ERR_FORMAT: damaged or cut off). ctx is the
   struct rpm_payload. */
int rpm_payload_next(void *ctx, const void **out, size_t *n, struct err *e);
/* NULL is fine. */
void rpm_payload_close(struct rpm_payload *p);

#endif
