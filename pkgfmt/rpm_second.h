/* The rpm format's second stage, as rpm_unpack.c needs it. */
#ifndef PKGFMT_RPM_SECOND_H
#define PKGFMT_RPM_SECOND_H

#include "pkgfmt/pkgfmt.h"
#include "pkgfmt/rpm_stored.h"

struct rpm_second_copy;

/* Keeps the verified package for the second stage: puts it whole into the tree through the package's writer,
   or begins a copy that takes the payload while it is decompressed (else, and where there is no room for one,
   *copy stays NULL); and notes what the second stage's plan needs of its header (paths with file
   capabilities, %config files). Once for each package; threads may do this at a time. */
int rpm_second_keep(struct pkgfmt_second *s, const struct pkgfmt_package *p, const struct rpm_read *r,
                    struct tree_writer *w, struct rpm_second_copy **copy, struct err *e);
/* What the payload goes to; NULL for NULL. */
struct rpm_stored *rpm_second_stored(struct rpm_second_copy *c);
/* The payload is whole: puts the copy into the tree, or the package where the copy had no room. */
int rpm_second_copied(struct pkgfmt_second *s, const struct pkgfmt_package *p, struct rpm_second_copy *c,
                      struct tree_writer *w, struct err *e);
void rpm_second_drop(struct rpm_second_copy *c); /* NULL is fine */

#endif
