/* Reading a tar archive that somebody else made, in whatever compression libarchive decodes itself. */
#ifndef CMD_TAR_IN_H
#define CMD_TAR_IN_H

#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/tree.h"

struct tar_in;

/* From fd's offset 0 on with pread; fd and name (for messages) are borrowed. max bounds the bytes after
   decompression: more are ERR_FORMAT. sum: whether tar_in_end() shall give their digest. */
int tar_in_open(struct tar_in **out, int fd, const char *name, uint64_t max, bool sum, struct err *e);
/* 1: there is an entry, of this path (as it is spelled, borrowed until the next one); 0: the end. */
int tar_in_next(struct tar_in *r, const char **path, struct err *e);
/* The entry whose path that was; its strings are borrowed until the next one. */
int tar_in_entry(struct tar_in *r, const char *path, struct tree_entry *en, struct err *e);
/* A tree_next of the entry's content; ctx is the struct tar_in. */
int tar_in_data(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e);
/* After the last entry: reads what stands behind it. *digest (may be NULL) is SHA256 of everything after
   decompression. */
int tar_in_end(struct tar_in *r, struct digest *digest, struct err *e);
void tar_in_close(struct tar_in *r); /* NULL is fine */

#endif
