/* What the copier's two files share: copy.c goes through the tree, copy_entry.c makes what stands in it. */
#ifndef BASE_COPY_INT_H
#define BASE_COPY_INT_H

#include <fcntl.h>
#include <sys/stat.h>

#include "base/copy.h"
#include "base/str.h"

/* A directory in work, by one thread. */
struct copy_at {
    const struct copy_opts *o;
    const char *root, *dir; /* for messages */
    int from, to;
    char *window; /* of copy_file(); free() it */
    struct copy_stats stats;
};

/* ERR_HOST: root/dir/name: what: strerror(errno). */
int copy_sys(const struct copy_at *at, const char *name, const char *what, struct err *e);
int copy_file(struct copy_at *at, const char *name, const struct stat *st, struct err *e);
/* A link, device, fifo or socket. */
int copy_special(const struct copy_at *at, const char *name, const struct stat *st, struct err *e);
/* Of the directory itself. */
int copy_dir_meta(const struct copy_at *at, struct err *e);

#endif
