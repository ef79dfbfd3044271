/* Hooks: programs that the second stage runs at its end, in the zone. */
#ifndef CMD_HOOK_H
#define CMD_HOOK_H

#include "base/arena.h"
#include "base/err.h"
#include "pkgfmt/pkgfmt.h"

struct hook_list {
    const struct pkgfmt_hook *v;
    size_t n;
};

/* Reads the files of --hook into the arena. ERR_USAGE: no regular files, too large, too many. */
int hook_read(struct hook_list *l, const char *const *files, size_t n, struct arena *a, struct err *e);

#endif
