/* What the tests of all formats' second stages share. */
#ifndef TESTS_UNIT_SECOND_HELP_H
#define TESTS_UNIT_SECOND_HELP_H

#include <stdio.h>

#include "base/tree.h"

/* A file below /zonestrap as text. */
static inline const char *left(struct tree *t, const char *name, struct buf *b)
{
    char path[256];
    struct err e = {0};
    snprintf(path, sizeof path, "/zonestrap/%s", name);
    buf_clear(b);
    return tree_read(t, path, 1 << 20, b, &e) == 0 ? buf_c(b) : "unreadable";
}

#endif
