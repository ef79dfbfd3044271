/* What the overlays' files share: overlay.c (who wins), overlay_dir.c and overlay_tar.c (the two kinds). */
#ifndef CMD_OVERLAY_INT_H
#define CMD_OVERLAY_INT_H

#include <stdbool.h>
#include <sys/types.h>

#include "cmd/overlay.h"

struct overlay_entry {
    struct tree_entry en; /* strings in the set's arena, path without ./ and the like */
    unsigned overlay;
    size_t file;     /* index of the entry that has the content: its own, or a hard link's */
    struct str path; /* canonical, once the layout is known */
    const struct overlay_entry *first; /* of a file: the name that its content goes to; NULL: none is left */
    dev_t dev;                         /* of a directory's file with several names; else ino is 0 */
    ino_t ino;
};

struct overlay {
    const char *name; /* as the user gave it */
    const struct overlay_kind *kind;
    int fd;
    size_t from, to;           /* its entries */
    uint64_t bytes, max_bytes; /* of all contents */
};

struct overlay_set {
    struct arena arena;
    const struct log *log;
    struct overlay *v;
    size_t n;
    struct overlay_entry *entries;
    size_t nentries, cap;
    struct overlay_entry **winners; /* sorted by path */
    size_t nwinners;
    struct str *paths;
    size_t npaths;
};

/* scan: overlay_add() for every entry. put: overlay_put_file() for every file that overlay_wants(). */
struct overlay_kind {
    int (*scan)(struct overlay_set *s, unsigned i, struct err *e);
    int (*put)(struct overlay_set *s, unsigned i, struct tree *t, struct err *e);
};
extern const struct overlay_kind overlay_dir, overlay_tar;

/* Takes a copy. The root itself is left out. */
int overlay_add(struct overlay_set *s, unsigned i, const struct tree_entry *en, dev_t dev, ino_t ino,
                struct err *e);
/* Whether a name of this file is in the root in the end. */
bool overlay_wants(const struct overlay_set *s, size_t k);
int overlay_put_file(struct overlay_set *s, size_t k, struct tree *t, tree_next *next, void *ctx,
                     struct err *e);

#endif
