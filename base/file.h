/* The host's own files: small reads and whole writes. For a root's files see base/tree.h. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

/* Appends the file to b. ERR_HOST with the path and e->sys; over max bytes is an error (e->sys EFBIG). */
int file_read(const char *path, size_t max, struct buf *b, struct err *e);
/* The same from an open descriptor, from its offset on; name is for messages. */
int file_read_fd(int fd, const char *name, size_t max, struct buf *b, struct err *e);
/* Reads exactly n bytes at off; the descriptor's offset stays. ERR_FORMAT: name ends before them. */
int file_read_at(int fd, const char *name, uint64_t off, void *p, size_t n, struct err *e);
/* Writes all bytes to fd, EINTR and short writes handled. */
int file_write_fd(int fd, const char *name, const void *p, size_t n, struct err *e);
/* Writes a new file beside path and renames it there: readers see the old or the new one whole. */
int file_replace(const char *path, struct str data, mode_t mode, struct err *e);
/* Opens a new file without a name, read-write, in dir (NULL: $TMPDIR or /tmp); name gets what to call it in
   messages (may be NULL). Returns the descriptor, or -1. */
int file_temp(const char *dir, struct buf *name, struct err *e);
/* mkdir -p; existing directories are fine, their modes untouched. */
int file_mkdirs(const char *path, mode_t mode, struct err *e);

#endif
