/* The layer of an image that has a base: of a whole root only what the base has not. */
#ifndef CMD_OCI_LAYER_H
#define CMD_OCI_LAYER_H

#include "base/tarball.h"
#include "cmd/oci_tree.h"

/* Writes the layer to the file `to' (tarball_open() with o), from the root in the tar archive `whole'; sorted
   as that is, the whiteouts last. base: used up; epoch: see oci_tree_diff(). *sum is SHA256 of the layer
   before compression. */
int oci_layer_write(const char *whole, struct oci_tree *base, int64_t epoch, const char *to,
                    const struct tarball_opts *o, struct digest *sum, struct err *e);

#endif
