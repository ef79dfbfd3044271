/* The unpack stage: packages are fetched, verified and unpacked at the same time; the plan's order decides
 * who wins. */
#ifndef CMD_CREATE_UNPACK_H
#define CMD_CREATE_UNPACK_H

#include "base/tree.h"
#include "cmd/create_plan.h"

/* All of the plan into the tree, directories settled. second: keeps what the second stage needs (may be
   NULL). owners: users and groups by name, NULL where the format has none. */
int create_unpack(struct job *j, struct create_plan *p, struct tree *t, struct pkgfmt_second *second,
                  struct pkgfmt_owners *owners, struct err *e);

#endif
