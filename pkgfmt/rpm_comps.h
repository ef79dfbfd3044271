/* comps.xml: groups of packages, and environments, which are groups of groups. What of them is installed: as
   in dnf the mandatory, default and conditional packages; of an environment its mandatory groups. */
#ifndef PKGFMT_RPM_COMPS_H
#define PKGFMT_RPM_COMPS_H

#include "pkgfmt/rpm_index.h"

/* Adds the file's groups to the solver's. A group that several repositories have is their union. ERR_FORMAT:
   no XML of this kind, more groups or packages than there can be. */
int rpm_comps_parse(struct solve *s, struct rpm_index_file *f, struct err *e);

#endif
