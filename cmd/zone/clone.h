/* How a root becomes another one: a table of ways, each in a file of its own. A clone is made where nobody
   sees it, gets its own identity there, and appears whole or not at all. */
#ifndef CMD_ZONE_CLONE_H
#define CMD_ZONE_CLONE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/copy.h"
#include "base/err.h"
#include "base/log.h"
#include "base/tree.h"

/* A root's place: the directory above it, and its name there. */
struct clone_place {
    const char *given;                /* as the user wrote it, for messages */
    const char *parent, *name, *path; /* parent and path as realpath() gives them */
    bool there;
};

struct clone {
    const char *source; /* as given */
    const char *real;   /* as realpath() gives it */
    struct clone_place target;
    enum copy_share share; /* of clone_copy */
    unsigned jobs;
    const volatile int *stop;
    const struct log *log;
    struct arena *arena;
    /* Set by make(). */
    struct tree *root;    /* the clone, which nobody sees yet */
    const char *how;      /* what was done in the end, for the user */
    const char *snapshot; /* what it hangs on, or NULL */
    struct clone_state *state;
};

struct clone_way {
    const char *name;
    /* Whether SOURCE can become TARGET this way: 0, or -1 and the reason. Changes nothing. */
    int (*can)(struct clone *c, struct err *why);
    int (*make)(struct clone *c, struct err *e);
    /* Gives it its name. */
    int (*seal)(struct clone *c, struct err *e);
    /* Always, at the end: what was not sealed goes. */
    void (*close)(struct clone *c);
    /* Destroys a root that came to be this way; 1: it did not, nothing was done. Whether zonestrap made it is
       the caller's question. */
    int (*remove)(const struct clone_place *p, struct arena *a, const struct log *log, struct err *e);
};

extern const struct clone_way clone_zfs, clone_copy;
extern const struct clone_way linux_clone_btrfs, linux_clone_overlay;

/* An overlay that is mounted over this directory: 1 and where, 0 when there is none, -1. */
int linux_clone_overlay_over(const char *path, struct buf *where, struct err *e);

/* Finds parent, name and path; they live in a. The parent must exist. */
int clone_place_find(struct clone_place *p, const char *given, struct arena *a, struct err *e);
/* Where a clone waits for its name, and a root for its end: `.NAME.zonestrap-partial' beside it. */
const char *clone_hidden(const struct clone_place *p, struct arena *a);
/* ERR_HOST when something stands at the target's place already. */
int clone_absent(const struct clone *c, struct err *e);

#endif
