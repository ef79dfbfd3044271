/* primary.xml: every package that a plan could use becomes one in libsolv's pool. */
#ifndef PKGFMT_RPM_PRIMARY_H
#define PKGFMT_RPM_PRIMARY_H

#include "pkgfmt/rpm_index.h"

/* Reads all of f into the repository. Packages that lack name, version, architecture, location, size or a
   trusted checksum, or have a relation that cannot be read or a location elsewhere (xml:base), are left out
   and counted in one warning; source packages and those of other architectures are left out silently.
   Requirements of rpmlib() are what the installing rpm has. ERR_FORMAT: no XML of this kind, a location that
   is no relative path, an absurd size, a file in which no package is any good. */
int rpm_primary_parse(struct solve *s, struct rpm_index_file *f, struct s_Repo *repo, struct err *e);

#endif
