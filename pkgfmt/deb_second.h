/* The second stage's part in unpacking a package. For the rest see struct pkgfmt. */
#ifndef PKGFMT_DEB_SECOND_H
#define PKGFMT_DEB_SECOND_H

#include "pkgfmt/deb_keep.h"
#include "pkgfmt/pkgfmt.h"

/* Begins to keep the package with this index, whose unpacking starts. *k: NULL when it is kept already. */
int deb_second_keep(struct pkgfmt_second *s, unsigned index, const struct deb_read *d, struct deb_keep **k,
                    struct err *e);

#endif
