/* --base: an image in a layout on the disk, whose layers a new image shares. Nothing of it is believed before
   its digest is right. */
#ifndef CMD_OCI_BASE_H
#define CMD_OCI_BASE_H

#include "cmd/oci.h"
#include "cmd/oci_tree.h"

struct oci_base;

/* ref is DIR[:TAG], oci: before it or not. Reads the whole image and opens its layers. ERR_USAGE: the name,
   or no image of that tag; ERR_HOST: no layout, a missing blob; ERR_TRUST: a digest or size that is wrong;
   ERR_FORMAT: what we cannot use. Errors begin with `--base REF'. */
int oci_base_open(struct oci_base **out, const char *ref, struct err *e);
/* ERR_USAGE: it is for another machine. */
int oci_base_check(const struct oci_base *b, const char *machine, struct err *e);
const struct oci_below *oci_base_below(const struct oci_base *b);
struct oci_tree *oci_base_tree(const struct oci_base *b);
/* Puts layer i's blob at that path, where nothing is, as a link or a copy, which is verified. */
int oci_base_put(const struct oci_base *b, size_t i, const char *path, struct err *e);
void oci_base_close(struct oci_base *b); /* NULL is fine */

#endif
