/* What the tarball back end's two files share. */
#ifndef BASE_TREE_TAR_H
#define BASE_TREE_TAR_H

#include "base/digest.h"
#include "base/tree_int.h"

struct tree_held; /* a path that is held back */

struct tree_tar {
    struct tarball *tarball;
    struct digest digest;
    struct str *holds; /* canonical, sorted */
    size_t nholds;
    struct arena arena; /* of what is held: belongs to the package whose turn it is, as the tarball does */
    struct tree_held *held; /* sorted by path */
    size_t nheld, held_cap;
    uint64_t held_bytes;
};

/* tree_tar.c */
/* Writes the directory and those above it that are not there yet. */
int tree_tar_dir(struct tree *t, struct tree_node *n, struct err *e);
/* The entry, and the content of a file, into the tarball; its directory is there. */
int tree_tar_write(const struct tree_job *j, struct err *e);
/* Whether the path, or one above it, was announced with tree_hold(). */
bool tree_tar_holds(const struct tree *t, struct str path);

/* tree_held.c: paths are canonical, those of the functions for fixups absolute. */
bool tree_held_has(const struct tree *t, struct str path);
int tree_held_put(const struct tree_job *j, struct err *e);
/* A hard link, where one of the two paths is held; m: its own metadata. */
int tree_held_link(struct tree *t, struct str path, struct str target, const struct tree_meta *m,
                   struct err *e);
/* A directory or link that no package's entry made, unless its path is held already. */
int tree_held_claimed(struct tree *t, const struct tree_entry *en, struct err *e);
/* For tree_import(): a file goes into the tarball at once, with the directories above it. */
int tree_held_import(const struct tree_job *j, struct err *e);
/* Everything held into the tarball, parents first. */
int tree_held_write(struct tree *t, struct err *e);
void tree_held_free(struct tree *t);

int tree_held_stat(struct tree *t, const char *path, struct arena *a, struct tree_entry *out, struct err *e);
int tree_held_exists(struct tree *t, const char *path, bool *there, struct err *e);
int tree_held_read(struct tree *t, const char *path, size_t max, struct buf *out, struct err *e);
int tree_held_make(struct tree *t, const char *path, struct str data, const struct tree_meta *m,
                   struct err *e);
int tree_held_mkdir(struct tree *t, const char *path, const struct tree_meta *m, struct err *e);
int tree_held_symlink(struct tree *t, const char *path, const char *text, struct err *e);
int tree_held_node(struct tree *t, const char *path, enum tree_type type, dev_t dev,
                   const struct tree_meta *m, struct err *e);
int tree_held_remove(struct tree *t, const char *path, struct err *e);
int tree_held_rename(struct tree *t, const char *path, const char *to, struct err *e);
int tree_held_mode(struct tree *t, const char *path, mode_t mode, struct err *e);
int tree_held_owner(struct tree *t, const char *path, uint32_t uid, uint32_t gid, struct err *e);
int tree_held_list(struct tree *t, const char *path, struct arena *a, struct str **names, size_t *n,
                   struct err *e);

#endif
