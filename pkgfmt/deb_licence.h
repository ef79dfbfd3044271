/* Licence names of Debian's copyright files in SPDX's terms. The names and the grammar are those of the
   copyright format 1.0, sections 7.1 and 7.2; SPDX's expressions are those of SPDX 2.3, annex D. */
#ifndef PKGFMT_DEB_LICENCE_H
#define PKGFMT_DEB_LICENCE_H

#include "base/arena.h"
#include "base/str.h"
#include "base/str_list.h"
#include "pkgfmt/licence.h"

enum { DEB_LICENCE_MAX = 1024 }; /* bytes of a synopsis that is read as an expression */

/* Gives the LicenseRef-... that stands for what SPDX has no identifier for: a name, a name with an exception,
   or a whole synopsis that cannot be read. */
typedef const char *deb_licence_ref(void *ctx, struct str what);

/* Adds what must hold at the same time for a License field's first line ("GPL-2+ or Artistic, and Expat"
   gives two): SPDX expressions, an alternative in parentheses; they live in the arena. */
void deb_licence_terms(struct str synopsis, struct arena *a, deb_licence_ref *ref, void *ctx,
                       struct str_list *terms);
/* deb_licence_table.c */
extern const struct licence_names deb_licence_names;

#endif
