/* The files of an rpm package into the tree. */
#ifndef PKGFMT_RPM_PUT_H
#define PKGFMT_RPM_PUT_H

#include "pkgfmt/pkgfmt.h"
#include "pkgfmt/rpm_stored.h"

/* r is what rpm_verify() found good. Directories come first, by path, then the others in the payload's
   order, %ghost files not. copy (NULL: none) gets the whole payload, too. Errors name the package.
   ERR_FORMAT: source packages; whatever the header and the payload do not agree on; a path below the second
   stage's own directory. */
int rpm_put(const struct rpm_read *r, const struct pkgfmt_package *p, struct rpm_stored *copy,
            struct tree_writer *w, struct err *e);

#endif
