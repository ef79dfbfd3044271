/* What the result is made of: --manifest and --sbom. Both files are written whole, and only once the run
   succeeded. */
#ifndef CMD_SBOM_H
#define CMD_SBOM_H

#include "base/tree.h"
#include "cmd/create_plan.h"

/* Collects the packages' licences while they are unpacked. */
struct sbom;

/* Before anything is fetched: the files can be written, as far as one can tell, and are none of each other
   and of target (NULL: none). ERR_USAGE, ERR_HOST. */
int sbom_check(const struct options *o, const char *target, struct err *e);
/* Gets ready for licences, where --sbom asks for it: has the tree watched for them, or sbom_take(). After
   tree_layout(), before the first package. p->sbom is the result, which create_plan_free() frees; both must
   outlive the tree's last entry. */
int sbom_watch(struct job *j, struct create_plan *p, struct tree *t, struct err *e);
/* Takes the licence that the package itself says, when its file is here; by any thread. Does nothing for
   formats whose packages ship it as a file. ERR_FORMAT, ERR_HOST. */
int sbom_take(struct sbom *s, const struct pkgfmt_package *p, struct err *e);
/* Writes the files that were asked for. Without sbom_watch() before no licence is known. archive: SHA256 of
   the uncompressed tar, kind DIGEST_NONE when there are several; NULL when the result is none. */
int sbom_write(struct job *j, const struct create_plan *p, const struct digest *archive, struct err *e);
void sbom_free(struct sbom *s); /* NULL is fine */

/* cmd/sbom_spdx.c: the SPDX document. licences: one for each package of the plan, or NULL. */
int sbom_spdx(const struct create_plan *p, const struct pkgfmt_licence *licences,
              const struct digest *archive, struct arena *a, struct buf *out, struct err *e);
/* The plan's packages by name, version and architecture. */
const struct plan_pkg **sbom_sorted(const struct plan *p, struct arena *a);

#endif
