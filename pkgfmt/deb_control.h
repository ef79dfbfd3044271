/* What unpacking and the second stage must know from a package's control.tar. */
#ifndef PKGFMT_DEB_CONTROL_H
#define PKGFMT_DEB_CONTROL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "pkgfmt/deb_read.h"

struct deb_control {
    struct str *conffiles; /* absolute paths, sorted (deb-conffiles(5)); those to be removed on upgrade are
                              left out */
    size_t nconffiles;
    struct str *diverts; /* absolute paths that stand as words in maintainer scripts which use dpkg-divert */
    size_t ndiverts;
    bool md5sums; /* the package brings its own list of digests */
};

/* Arrays and strings live in a. ERR_FORMAT with the member's name. */
int deb_control_read(struct deb_control *c, const struct deb_read *d, struct arena *a, struct err *e);

#endif
