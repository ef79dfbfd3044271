/* What the layers of an image make when they are applied one after the other (layer.md of the image
   specification), and what the next one must hold so that another root comes out. Contents are known by their
   digests. */
#ifndef CMD_OCI_TREE_H
#define CMD_OCI_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "cmd/tar_in.h"

struct oci_tree;

/* max_bytes bounds what all the layers together may unpack to. whiteouts: names that begin with .wh. remove
   what is underneath; else they are names like others. */
struct oci_tree *oci_tree_new(uint64_t max_bytes, bool whiteouts);
/* The next layer on top: reads it to its end. ERR_FORMAT with the path: hostile, or below what is no
   directory there, or a hard link to nothing. */
int oci_tree_apply(struct oci_tree *t, struct tar_in *layer, struct err *e);

/* What a layer on top of `base' must hold to make `want', made of one layer without whiteouts. Two
   files are one when type, mode, owner, attributes, content, and what other names they have, are the same. A
   file's time counts where it is before `epoch': a package gave it that, and its database says so; later ones
   are only about when a root was made, as are those of directories. ERR_FORMAT: a name that no layer can
   hold, or remove. */
int oci_tree_diff(struct oci_tree *want, struct oci_tree *base, int64_t epoch, struct err *e);
/* After that: whether the entry of `want' goes into the layer: it differs, or is a directory above one that
   does. */
bool oci_tree_differs(const struct oci_tree *want, struct str path);
/* Paths of the whiteouts (.wh.NAME), sorted; borrowed. Their directories are in the layer. */
size_t oci_tree_whiteouts(const struct oci_tree *want, const struct str **paths);
void oci_tree_free(struct oci_tree *t); /* NULL is fine */

#endif
