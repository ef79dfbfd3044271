/* The target oci:DIR[:TAG]: a new image layout, or one more image in a layout that is there. Its layer is a
   tarball that is made by other means (cmd/create_target.c). */
#ifndef CMD_CREATE_OCI_H
#define CMD_CREATE_OCI_H

#include "base/tree.h"
#include "cmd/cmd.h"
#include "cmd/create_plan.h"
#include "cmd/oci.h"

struct create_oci;

/* Takes the place: absent or empty, as tree_open_dir() has it, or a layout without that tag, which other runs
   cannot change until create_oci_close(). ERR_USAGE, ERR_HOST, ERR_FORMAT. */
int create_oci_open(struct job *j, const char *target, struct create_oci **out, struct err *e);
/* Where the layer is to be made: a name that tarball_open() compresses as the manifest says. */
const char *create_oci_layer(const struct create_oci *o);
/* What is to be said of the image; its strings live in the job's arena. The tree is whole and not sealed.
   state: of the second stage; init: what runs that at the first boot, or NULL. */
void create_oci_describe(struct job *j, const struct create_plan *p, struct tree *t, const char *state,
                         const char *init, struct oci_image *out);
/* The layer is finished, *tar is its digest before compression: the image appears. */
int create_oci_seal(struct create_oci *o, const struct oci_image *i, const struct digest *tar, struct err *e);
/* What was not sealed is removed, the layout is as it was. NULL is fine. */
void create_oci_close(struct create_oci *o);

#endif
