/* The rpm format's second stage, as rpm_unpack.c needs it. */
#ifndef PKGFMT_RPM_SECOND_H
#define PKGFMT_RPM_SECOND_H

#include "pkgfmt/pkgfmt.h"
#include "pkgfmt/rpm_read.h"

/* Keeps the verified package for the second stage: puts it whole into the tree through the package's writer,
   and notes what the second stage's plan needs of its header (paths with file capabilities, %config files).
   Once for each package; threads may do this at a time. */
int rpm_second_keep(struct pkgfmt_second *s, const struct pkgfmt_package *p, const struct rpm_read *r,
                    struct tree_writer *w, struct err *e);

#endif
