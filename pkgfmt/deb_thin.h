/* Thin packages: a .deb whose control.tar is the original's, byte for byte, and whose data.tar has every
   entry's header but content only for the files that dpkg itself shall write. With path-exclude dpkg then
   does all that it does at any installation without reading and writing again what stage 1 wrote from the
   same verified package. */
#ifndef PKGFMT_DEB_THIN_H
#define PKGFMT_DEB_THIN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/tree.h"
#include "pkgfmt/deb_read.h"

struct deb_thin;
struct archive_entry;

/* Begins a thin package in the empty file fd (borrowed, written from its offset on) with d's control.tar.
   max_bytes bounds the contents. ERR_HOST when fd cannot be written. */
int deb_thin_open(struct deb_thin **t, int fd, const struct deb_read *d, uint64_t max_bytes, struct err *e);
/* The next entry; with_content: deb_thin_data() follows until all en->size bytes are given. */
int deb_thin_entry(struct deb_thin *t, struct archive_entry *ae, const struct tree_entry *en,
                   bool with_content, struct err *e);
/* A piece of the entry's content at off; gaps are written as zeros. ERR_FORMAT when it goes past the entry's
 * size. */
int deb_thin_data(struct deb_thin *t, const void *p, size_t n, uint64_t off, struct err *e);
int deb_thin_finish(struct deb_thin *t, struct err *e);
void deb_thin_close(struct deb_thin *t); /* NULL is fine */

#endif
