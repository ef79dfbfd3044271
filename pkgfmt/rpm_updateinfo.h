/* updateinfo.xml: advisories. With --security a package's newer versions count only where an advisory of the
   type security lists them; of each name and architecture the oldest version that the repositories have
   always counts: that is the release's. */
#ifndef PKGFMT_RPM_UPDATEINFO_H
#define PKGFMT_RPM_UPDATEINFO_H

#include "pkgfmt/rpm_index.h"

/* ERR_FORMAT: no XML of this kind, more packages than there can be. Advisories of other types are passed
 * over. */
int rpm_updateinfo_parse(struct solve *s, struct rpm_index_file *f, struct err *e);
/* The rule holds without any advisory, too: then only the oldest versions count. Called by the first primary.
 */
void rpm_updateinfo_rule(struct solve *s);

#endif
