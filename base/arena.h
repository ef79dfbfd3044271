/* An arena holds what lives as long as its owner; everything is freed at once. Not for use by two threads at
 * a time. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/str.h"

/* Zero is a valid start. */
struct arena {
    struct arena_block *head;
};

void *arena_alloc(struct arena *a, size_t n);            /* zeroed, aligned for any type */
void *arena_array(struct arena *a, size_t n, size_t sz); /* zeroed, overflow checked */
char *arena_dup(struct arena *a, const char *s);         /* NULL stays NULL */
char *arena_str(struct arena *a, struct str s);          /* NUL-terminated copy */
struct str arena_copy(struct arena *a, struct str s);    /* the same as a struct str */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *a); /* back to zero */

#endif
