/* The Debian format: what stands behind the row "deb" of the format table. Each function is described at
 * struct pkgfmt. */
#ifndef PKGFMT_DEB_H
#define PKGFMT_DEB_H

#include "pkgfmt/pkgfmt.h"

extern const struct pkgfmt deb;

int deb_unpack(const struct pkgfmt_package *p, struct tree_writer *w, struct pkgfmt_second *second,
               struct err *e);

int deb_second_begin(struct pkgfmt_second **out, struct tree *t, const struct plan *p, unsigned how,
                     struct err *e);
int deb_second_settle(struct pkgfmt_second *s, struct err *e);
int deb_second_finish(struct pkgfmt_second *s, const struct pkgfmt_second_opts *o, struct err *e);
void deb_second_free(struct pkgfmt_second *s);

const char *deb_copyright_path(const struct plan_pkg *pkg, struct arena *a);
void deb_copyright_read(struct str text, struct arena *a, struct pkgfmt_licence *out);

/* pkgfmt.h: sources */
void deb_sources(const struct pkgfmt_source *v, size_t n, struct buf *out);

#endif
