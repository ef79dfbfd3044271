/* What the held paths' files share: tree_held.c (what they are), tree_held_edit.c (fixups),
   tree_held_import.c (overlays). */
#ifndef BASE_TREE_HELD_H
#define BASE_TREE_HELD_H

#include "base/tree_tar.h"

/* What a path takes of the memory, beside its content. */
enum { TREE_HELD_COST = 256 };

/* A file of one or several names. */
struct tree_inode {
    enum tree_type type; /* TREE_HARD: another name of a file that is written already */
    struct tree_meta meta;
    struct buf data; /* content, link text, a hard link's target */
    uint32_t major, minor;
    unsigned names;
    struct str written; /* the first name, once it is in the tarball */
};

struct tree_held {
    struct str path; /* in the tree's arena */
    struct tree_inode *inode;
    bool written; /* in the tarball already */
};

struct tree_held *tree_held_find(const struct tree *t, struct str path);
/* So many bytes more are held. ERR_USAGE with the path when that is too much. */
int tree_held_count(struct tree *t, uint64_t bytes, struct str path, struct err *e);
/* Gives the path to the inode, whatever it had before. */
void tree_held_name(struct tree *t, struct str path, struct tree_inode *i);
/* One name less: the inode goes with its last one. */
void tree_held_let_go(struct tree_inode *i);
/* A new inode of this name. */
struct tree_inode *tree_held_new(struct tree *t, struct str path, enum tree_type type,
                                 const struct tree_meta *m);
/* Directories on the way to the path that nobody named: held ones, and new ones. */
int tree_held_parents(struct tree *t, struct str path, struct err *e);
/* Into the tarball; its directory is there. */
int tree_held_write_one(struct tree *t, struct tree_held *h, struct err *e);

#endif
