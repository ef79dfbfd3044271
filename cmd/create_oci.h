/* The target oci:DIR[:TAG]: a new image layout, or one more image in a layout that is there. Its layer is a
   tarball that is made by other means (cmd/create_target.c), or with --base what such a tarball has and the
   base has not. */
#ifndef CMD_CREATE_OCI_H
#define CMD_CREATE_OCI_H

#include "base/tarball.h"
#include "base/tree.h"
#include "cmd/cmd.h"
#include "cmd/create_plan.h"
#include "cmd/oci.h"

struct create_oci;

/* Takes the place: absent or empty, as tree_open_dir() has it, or a layout without that tag, which other runs
   cannot change until create_oci_close(). With --base that image is read. ERR_USAGE, ERR_HOST, ERR_FORMAT. */
int create_oci_open(struct job *j, const char *target, const struct tarball_opts *opts,
                    struct create_oci **out, struct err *e);
/* ERR_USAGE: images have no name for the machine, or the base is for another one. */
int create_oci_check(const struct create_oci *o, const char *machine, struct err *e);
/* Where the root's tarball is to be made: a name that tarball_open() compresses as is right for it. */
const char *create_oci_tarball(const struct create_oci *o);
/* Whether it has a base: that tarball is not the layer and need not be synced. */
bool create_oci_based(const struct create_oci *o);
/* What is to be said of the image; its strings live in the job's arena. The tree is whole and not sealed.
   state: of the second stage; init: what runs that at the first boot, or NULL. */
void create_oci_describe(struct job *j, const struct create_plan *p, struct tree *t, const char *state,
                         const char *init, struct oci_image *out);
/* The tarball is finished, *tar is its digest before compression, and becomes the layer's: the image appears.
 */
int create_oci_seal(struct create_oci *o, const struct oci_image *i, struct digest *tar, struct err *e);
/* What was not sealed is removed, the layout is as it was. NULL is fine. */
void create_oci_close(struct create_oci *o);

#endif
