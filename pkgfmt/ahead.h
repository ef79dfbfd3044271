/* Reads ahead: a thread decodes while the caller parses. */
#ifndef PKGFMT_AHEAD_H
#define PKGFMT_AHEAD_H

#include <sys/types.h>

#include "base/err.h"

/* Gives up to n bytes; 0 at the end, -1 on error. */
typedef ssize_t ahead_source(void *ctx, void *p, size_t n, struct err *e);

struct ahead;

/* Calls source from a thread of its own until it ends or fails. NULL: no thread is to be had. */
struct ahead *ahead_open(ahead_source *source, void *ctx);
/* As the source would have answered, one call for each of its blocks; n must be at least AHEAD_BLOCK. */
ssize_t ahead_read(struct ahead *a, void *p, size_t n, struct err *e);
/* Waits for the thread; nothing more is read. NULL is fine. */
void ahead_close(struct ahead *a);

enum { AHEAD_BLOCK = 128 << 10 };

#endif
