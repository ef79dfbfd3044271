/* Reads ahead: a thread decodes while the caller parses. */
#ifndef PKGFMT_DEB_AHEAD_H
#define PKGFMT_DEB_AHEAD_H

#include <sys/types.h>

#include "base/err.h"

/* Gives up to n bytes; 0 at the end, -1 on error. */
typedef ssize_t deb_ahead_source(void *ctx, void *p, size_t n, struct err *e);

struct deb_ahead;

/* Calls source from a thread of its own until it ends or fails. NULL: no thread is to be had. */
struct deb_ahead *deb_ahead_open(deb_ahead_source *source, void *ctx);
/* As the source would have answered, one call for each of its blocks; n must be at least DEB_AHEAD_BLOCK. */
ssize_t deb_ahead_read(struct deb_ahead *a, void *p, size_t n, struct err *e);
/* Waits for the thread; nothing more is read. NULL is fine. */
void deb_ahead_close(struct deb_ahead *a);

enum { DEB_AHEAD_BLOCK = 128 << 10 };

#endif
