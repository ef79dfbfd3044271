/* Texts of an OCI image layout (https://github.com/opencontainers/image-spec, 1.0 and 1.1): a target's name,
   config, manifest and index. The same input gives the same bytes. */
#ifndef CMD_OCI_H
#define CMD_OCI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"

/* The target oci:DIR[:TAG]. */
struct oci_name {
    const char *dir, *tag;
};

struct oci_image {
    const char *machine;         /* the kernel's name of it; oci_platform_known() */
    const char *title, *version; /* labels; version "" for none */
    const char *what;            /* "mine/one": what was made, for the history */
    const char *state;           /* what else is to be said of it there; may be "" */
    const char *command;         /* what is run unless the user says otherwise */
    int64_t created;             /* seconds since 1970 */
};

struct oci_blob {
    struct digest digest;
    uint64_t size; /* in bytes */
};

struct oci_layer {
    struct oci_blob blob;
    const char *type;  /* its media type behind `application/vnd.oci.image.' */
    struct digest tar; /* of the tar before compression, the config's diff_id */
};

/* The image that lies under the new layer. */
struct oci_below {
    struct digest manifest;
    const struct oci_layer *layers; /* the lowest first */
    size_t n;
    struct str history; /* JSON objects with commas between them, one for each layer, and for empty ones */
};

/* Whether a target's name begins with oci: */
bool oci_is(const char *target);
/* Takes the name apart at its first colon behind oci:, as skopeo does. A tag that is not given is `latest`.
   ERR_USAGE: no directory, or a tag that annotations.md (org.opencontainers.image.ref.name) does not allow.
   The strings live in a. */
int oci_name_parse(const char *target, struct arena *a, struct oci_name *out, struct err *e);
/* ERR_USAGE for a machine that has no name in Go's GOARCH, which images call it by. */
int oci_platform_check(const char *machine, struct err *e);

/* Whether what an image's config says of its platform goes with the machine; *is (may be NULL) gets its words
   for it. */
bool oci_platform_is(const char *machine, struct str config, struct buf *is);

/* Each appends one JSON text; below NULL: the layer is the only one. config.md; layer: the digest of the tar
   before compression. */
int oci_config(const struct oci_image *i, const struct oci_below *below, const struct digest *layer,
               struct buf *out, struct err *e);
/* manifest.md: the layer is compressed with gzip. */
int oci_manifest(const struct oci_blob *config, const struct oci_below *below, const struct oci_blob *layer,
                 struct buf *out, struct err *e);
/* image-index.md: the index `old` and in it the manifest under that tag; old empty: a new index. Everything
   else in old stays to the byte. where names old's file in errors. ERR_FORMAT: it is no index of ours to
   change; ERR_HOST: it has the tag already. */
int oci_index(const char *where, struct str old, const struct oci_image *i, const char *tag,
              const struct oci_blob *manifest, struct buf *out, struct err *e);
/* The descriptor under that tag. ERR_FORMAT: no index, or several under one tag; ERR_USAGE: none, with the
   tags that there are as the hint. */
int oci_index_find(const char *where, struct str index, const char *tag, struct str *descriptor,
                   struct err *e);
/* Whether oci_index() would take it. */
int oci_index_check(const char *where, struct str old, const char *tag, struct err *e);
/* image-layout.md: the text of the file oci-layout; whether what such a file says is a version we know. */
extern const char oci_layout_text[];
bool oci_layout_known(struct str text);

#endif
