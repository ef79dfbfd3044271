/* Where `create` puts its result: a directory, a tarball that entries stream into, or a root in a private
   place that is packed into a tarball once it is finished. The tarball may be the layer of an image. */
#ifndef CMD_CREATE_TARGET_H
#define CMD_CREATE_TARGET_H

#include "base/digest.h"
#include "base/tarball.h"
#include "base/tree.h"
#include "cmd/cmd.h"
#include "cmd/create_oci.h"

struct create_target {
    const char *name; /* as the user gave it */
    struct tree *tree;
    struct tarball *tarball; /* NULL: a directory */
    struct create_oci *oci;  /* NULL: no image */
    struct oci_image image;  /* create_oci_describe(); before the target is sealed */
    char *place;             /* directory that holds the private root, made for it; NULL: none */
    bool in_memory;          /* the place is */
    int place_fd;            /* holds its lock */
    const char *kept;     /* --keep: where the private root is instead, which stays if it is not finished */
    struct err no_place;  /* why there can be none; class ERR_NONE when there can */
    struct digest digest; /* of a sealed tarball, before compression */
};

/* Whether a target of this name is a tarball or an image, which needs no rights. */
bool create_target_packed(const char *name);
/* The file or directory that the name is about. */
const char *create_target_path(struct job *j, const char *name);
/* The target comes first: whether it can be had is known before anything is fetched. Nothing is left of it
   unless create_target_seal() succeeded. finish: a tarball shall be finished if that can be done, so the
   process enters its private place, while it has one thread. */
int create_target_open(struct job *j, const char *name, bool finish, struct create_target *t, struct err *e);
/* Opens what stage 1 fills, where that is not open yet. finish: the second stage will run in it; bytes: what
   it will take. */
int create_target_tree(struct job *j, struct create_target *t, bool finish, uint64_t bytes, struct err *e);
/* File capabilities go into neither the tree nor the tarball. */
void create_target_drop_caps(struct create_target *t);
/* What a root is called that stays when its second stage fails, to look at and to go on with; NULL: none. */
const char *create_target_kept(const struct create_target *t);
/* That root appears as it is. */
int create_target_keep(struct job *j, struct create_target *t, struct err *e);
/* The target appears whole. */
int create_target_seal(struct job *j, struct create_target *t, struct err *e);
void create_target_close(struct job *j, struct create_target *t);

#endif
