/* Packages files: every stanza that a plan could use becomes a package in libsolv's pool. */
#ifndef PKGFMT_DEB_INDEX_H
#define PKGFMT_DEB_INDEX_H

#include "pkgfmt/index_decode.h"
#include "pkgfmt/pkgfmt.h"

/* struct pkgfmt.index_load: the parsed form from solv_dir if there is a good one, else the file decoded and
 * parsed. */
int deb_index_load(struct solve *s, int fd, const struct pkgfmt_index *ix, const struct pkgfmt_repo *repo,
                   const char *solv_dir, struct err *e);
/* Decodes and parses all of d into the repository. Stanzas that lack Package, Version, Architecture,
   Filename, Size or a trusted digest, or have a relation or number that cannot be read, are left out and
   counted in one warning; those of another architecture are left out silently. ERR_FORMAT: text that is no
   stanza, a Filename that leaves the repository, an absurd size, a file in which no stanza is any good. */
int deb_index_parse(struct solve *s, struct index_decode *d, struct s_Repo *repo, struct err *e);

#endif
