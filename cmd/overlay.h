/* Overlays: what --overlay copies into a root, after the packages and the first stage's fixups. */
#ifndef CMD_OVERLAY_H
#define CMD_OVERLAY_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/tree.h"

struct overlay_set;

/* Lists what the directories and tar archives hold, which stay open; of two entries with one path the later
   overlay's counts. What is in a directory belongs to root:root; of a tar's owners the numbers count.
   ERR_HOST: cannot be read; ERR_FORMAT: no tar, or an entry that no overlay may have. */
int overlay_open(struct overlay_set **out, const char *const *names, size_t n, const struct log *log,
                 struct err *e);
/* Whose paths the set has, after tree_layout(), told to the tree, which holds back what is there. ERR_FORMAT
   where two overlays do not go together. */
int overlay_hold(struct overlay_set *s, struct tree *t, struct err *e);
/* Copies everything, after the fixups. */
int overlay_put(struct overlay_set *s, struct tree *t, struct err *e);
/* Canonical paths of what is no directory, sorted; their number. Borrowed. */
size_t overlay_paths(const struct overlay_set *s, const struct str **paths);
/* Of all contents, whoever wins. */
uint64_t overlay_bytes(const struct overlay_set *s);
void overlay_close(struct overlay_set *s); /* NULL is fine */

#endif
