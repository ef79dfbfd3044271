/* modules.yaml: modules and their streams. A module document is active when its stream is the module's
   default one and each module that it requires is active in a stream that it names. As in dnf, packages of
   documents that are not active are hidden, and so is every package outside of the active ones that has the
   name of one of theirs, or provides it. Format: https://github.com/fedora-modularity/libmodulemd,
   yaml_specs. */
#ifndef PKGFMT_RPM_MODULES_H
#define PKGFMT_RPM_MODULES_H

#include "pkgfmt/rpm_index.h"

/* Reads modulemd (versions 1 and 2) and modulemd-defaults, other documents are passed over. ERR_FORMAT: a
   document without what names it, tabs for indents, more documents or packages than there can be. */
int rpm_modules_parse(struct solve *s, struct rpm_index_file *f, struct err *e);

#endif
