/* What the files of struct oci_tree share: oci_tree.c (applying layers), oci_tree_diff.c (the next layer). */
#ifndef CMD_OCI_TREE_INT_H
#define CMD_OCI_TREE_INT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/tree.h"
#include "cmd/oci_tree.h"

/* A file of one or several names. */
struct oci_inode {
    unsigned char sum[32]; /* of everything but the time */
    enum tree_type type;   /* never TREE_HARD */
    int64_t mtime;
    unsigned names;         /* what is left of them; oci_tree_diff() counts */
    struct oci_inode *peer; /* in the base, of all its names so far */
    bool differs;
};

/* A path. Layers are numbered from 1; 0: none. */
struct oci_node {
    struct oci_node *parent, *older, *newer;
    struct str name;
    unsigned set;    /* the layer that its inode is of */
    unsigned cut;    /* what layers before this one had at the path and below is gone */
    unsigned opaque; /* the same below it */
    struct oci_inode *inode;
    struct oci_node *peer; /* of the same path in the base, if it has one */
    bool in_layer;
};

struct oci_tree {
    struct arena arena;
    struct oci_node *root, *newest; /* from newest to root along older: every node before its parent */
    struct oci_node **slots;        /* by parent and name */
    size_t cap, count;              /* cap: a power of two */
    size_t inodes;                  /* of all layers: those that a later one replaced stay in the arena */
    unsigned layers;
    bool acts;     /* on whiteouts */
    uint64_t left; /* of what contents may take, in bytes */
    struct str *whiteouts;
    size_t nwhiteouts;
};

bool oci_node_is(const struct oci_node *n);
void oci_node_path(const struct oci_node *n, struct buf *out);
struct oci_node *oci_tree_child(const struct oci_tree *t, const struct oci_node *parent, struct str name);
struct oci_node *oci_tree_find(const struct oci_tree *t, struct str path);

#endif
