/* The licence as an rpm package's header says it, tag 1014: an SPDX expression, or names and a grammar of the
   distributions that are older than SPDX. */
#ifndef PKGFMT_RPM_LICENCE_H
#define PKGFMT_RPM_LICENCE_H

#include "pkgfmt/licence.h"
#include "pkgfmt/rpm.h"

enum {
    RPM_LICENCE_MAX =
        16 * 1024,         /* bytes of a tag that is read as an expression; Rust programs have some KB */
    RPM_LICENCE_DEPTH = 32 /* parentheses in each other */
};

/* rpm_licence_table.c */
extern const struct licence_names rpm_licence_names;

#endif
