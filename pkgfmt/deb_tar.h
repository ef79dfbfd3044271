/* The tars inside a .deb, over libarchive. Names are bytes, whatever the locale; ids are the numbers in the
 * headers. */
#ifndef PKGFMT_DEB_TAR_H
#define PKGFMT_DEB_TAR_H

#include "base/err.h"
#include "base/tree.h"
#include "pkgfmt/deb_read.h"

struct deb_tar;
struct archive_entry;

/* Opens a member as a tar behind the one filter that its name says. d must outlive t. Reading is by pread:
   other threads may read the same descriptor. */
int deb_tar_open(struct deb_tar **t, const struct deb_read *d, const struct deb_member *m, struct err *e);
void deb_tar_close(struct deb_tar *t); /* NULL is fine */
/* 1: the next entry (its strings are valid until the next call), 0: the end, -1: ERR_FORMAT with the member's
   and the entry's name. Device nodes are refused: dpkg would make them, but no Debian package ships one. */
int deb_tar_next(struct deb_tar *t, struct tree_entry *en, struct err *e);
/* The content of the entry that deb_tar_next() gave; a tree_next with the struct deb_tar as ctx. */
int deb_tar_data(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e);
/* libarchive's form of the same entry, borrowed. */
struct archive_entry *deb_tar_entry(const struct deb_tar *t);

#endif
