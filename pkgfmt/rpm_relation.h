/* Relations of rpm packages as the indexes write them.
   https://rpm-software-management.github.io/rpm/manual/dependencies.html, .../boolean_dependencies.html */
#ifndef PKGFMT_RPM_RELATION_H
#define PKGFMT_RPM_RELATION_H

#include <stdbool.h>

#include "base/str.h"
#include "base/xml.h"

struct s_Pool;

/* The relation of an <rpm:entry> (the reader's last XML_OPEN) as libsolv's id; 0: it cannot be read. rich:
   the place may hold boolean ones. */
int rpm_relation_read(struct s_Pool *pool, const struct xml *x, bool rich);
/* A package's own version or release: nothing that a path or a shell would take for something else. */
bool rpm_relation_version_ok(struct str s);
/* "epoch:version-release", without an epoch of 0; the id, or 0 when it is no version. */
int rpm_relation_evr(struct s_Pool *pool, struct str epoch, struct str version, struct str release);
/* A relation in text: "a", "a >= 1", "(a if b)". 0: it cannot be read. */
int rpm_relation_text(struct s_Pool *pool, struct str text);
/* Letters, digits and what else a package's name or architecture may have; never a slash or blank. */
bool rpm_relation_name_ok(struct str name);

#endif
