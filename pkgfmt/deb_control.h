/* What unpacking and the second stage must know from a package's control.tar. */
#ifndef PKGFMT_DEB_CONTROL_H
#define PKGFMT_DEB_CONTROL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/str_list.h"
#include "pkgfmt/deb_read.h"

/* The lists' strings live in the arena; deb_control_free() frees the lists. */
struct deb_control {
    struct str_list conffiles; /* sorted, without the leading slash; not those to be removed on upgrade */
    struct str_list diverts;   /* absolute paths in maintainer scripts that use dpkg-divert */
    bool diverts_computed;     /* such a script has variables: it may divert what it names nowhere */
    bool md5sums;              /* the package brings its own list of digests */
};

/* ERR_FORMAT with the member's name; c is to be freed then, too. Conffiles: deb-conffiles(5). */
int deb_control_read(struct deb_control *c, const struct deb_read *d, struct arena *a, struct err *e);
void deb_control_free(struct deb_control *c);

#endif
