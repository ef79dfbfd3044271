/* The later stages of `create`. */
#ifndef CMD_CREATE_STAGES_H
#define CMD_CREATE_STAGES_H

#include "base/tree.h"
#include "cmd/create_plan.h"
#include "fixups/fixup.h"

/* When the second stage is run. */
enum create_when { CREATE_NEVER, CREATE_LATER, CREATE_FIRST_BOOT, CREATE_NOW, CREATE_AUTO };

/* cmd/create.c: makes the target, a directory, tarball or image; the plan, too, unless p has it. say: the
   last line of output is said. */
int create_to(struct job *j, struct create_plan *p, const char *target, enum create_when when, bool say,
              struct err *e);
/* ERR_SOLVE: the plan lacks what the second stage runs, which is not for never. */
int create_check_needs(const struct create_plan *p, enum create_when when, struct err *e);
/* cmd/create_fixup.c: the fixups that match the plan, known before the first byte is written; then applied to
 * the tree. */
int create_fixup_load(struct job *j, struct create_plan *p, struct fixup_set **out, struct err *e);
/* Every path of the root that fixups and keys may touch; their number. */
size_t create_fixup_paths(struct job *j, const struct create_plan *p, const struct fixup_set *f,
                          const char ***paths);
/* Keyrings of repositories that have one of their own (--keyring ID=FILE), where the root's sources name
 * them. */
int create_fixup_keys(struct job *j, const struct create_plan *p, struct tree *t, struct err *e);
/* The users and groups that the fixups make, for a format whose packages name them; NULL for another. Freed
   with the format's owners_free(). */
struct pkgfmt_owners *create_fixup_owners(struct job *j, const struct create_plan *p,
                                          const struct fixup_set *f);
/* cmd/create_trust.c: what verifies the packages' own signatures; NULL when there are no keys to do it with
   (--insecure, --locked). Lives in the job's arena. */
const struct pkgfmt_trust *create_trust(struct job *j, const struct create_plan *p);
/* cmd/create_second.c: leaves the second stage's script, plan and packages in the tree; first_boot: what
 * starts it at the first boot, too. */
int create_second(struct job *j, struct create_plan *p, struct fixup_set *f, struct tree *t,
                  struct pkgfmt_second *s, bool first_boot, struct err *e);
/* What the second stage's script says, in the root. */
#define SECOND_STAGE_LOG "/var/log/zonestrap.log"
/* cmd/second_stage.c: a root's second stage was left for later, or did not finish. */
bool second_stage_pending(struct job *j, const char *root);
/* Runs the pending second stage of the root as a zone; shown is what the user calls it, NULL when it
   goes if that fails. fresh: the root was made a moment ago. ERR_SECOND with the package that failed. */
int second_stage_run(struct job *j, const char *root, const char *shown, const char *hostname, bool fresh,
                     struct err *e);
/* Has the host's command run it; argv[0] an absolute path. ERR_SECOND: as above. */
int second_stage_by(struct job *j, const char *const *argv, struct err *e);

#endif
