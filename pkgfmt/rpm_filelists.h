/* filelists.xml: all files of all packages. It is large, and needed only where a relation names a file that
   primary does not list: there are the files in /etc/ and in directories that end with bin/, and
   /usr/lib/sendmail. */
#ifndef PKGFMT_RPM_FILELISTS_H
#define PKGFMT_RPM_FILELISTS_H

#include "pkgfmt/rpm_index.h"

/* Whether a file that primary never lists is asked for, by the request or by a package that it may lead to,
   and no package has it so far. */
bool rpm_filelists_wanted(struct solve *s, const struct solve_request *r);
/* Gives the repository's packages, matched by checksum, those files that some relation in the pool names.
   ERR_FORMAT: no XML of this kind. */
int rpm_filelists_parse(struct solve *s, struct rpm_index_file *f, struct s_Repo *repo, struct err *e);

#endif
