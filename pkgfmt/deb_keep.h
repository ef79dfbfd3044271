/* What the second stage keeps of one package while it is unpacked. */
#ifndef PKGFMT_DEB_KEEP_H
#define PKGFMT_DEB_KEEP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/digest.h"
#include "base/str.h"
#include "base/tree.h"
#include "pkgfmt/deb_read.h"
#include "pkgfmt/plan.h"

struct archive_entry;
struct deb_keep;

/* A package as it lies in the second stage's directory. Paths in the lists are as the package spells them,
   without the leading
   `./`, each ended by a NUL. */
struct deb_kept {
    char *file;           /* its name */
    struct digest digest; /* of that file; kind NONE before it was unpacked */
    bool whole;           /* the original, not a thin one */
    int fd;               /* of a thin package's original: it may still have to ride whole; else -1 */
    struct buf
        entries; /* pairs: path of an entry that is no directory, path that it is a hard link to or "" */
    struct buf conffiles;
    struct buf includes; /* paths that dpkg must write, those in its conffiles' directory excepted */
    struct buf diverts;  /* absolute paths that its scripts may divert */
    bool diverts_own;    /* they may divert any of its own, too */
};

struct deb_keep_dir {
    bool full;        /* all ride whole */
    unsigned fds_max; /* how many originals may stay open; what comes after rides whole at once */
    atomic_uint fds;
};

/* NAME_VERSION_ARCH.deb, escaped. */
void deb_keep_file(const struct plan_pkg *pkg, struct buf *out);

/* Begins a package in kept, whose file is set and whose fd is -1; max_bytes bounds the contents in a thin
   one. Threads may do this at a time, each with its own kept. */
int deb_keep_open(struct deb_keep **out, struct deb_keep_dir *dir, struct deb_kept *kept,
                  const struct deb_read *d, uint64_t max_bytes, struct err *e);
/* Each entry of data.tar, in order; *content is set when deb_keep_data() shall get the entry's content. */
int deb_keep_entry(struct deb_keep *k, struct archive_entry *ae, const struct tree_entry *en, bool *content,
                   struct err *e);
int deb_keep_data(struct deb_keep *k, const void *p, size_t n, uint64_t off, struct err *e);
/* Puts it into the tree through the package's writer. */
int deb_keep_finish(struct deb_keep *k, struct tree_writer *w, struct err *e);
void deb_keep_close(struct deb_keep *k); /* NULL is fine */

/* The original takes the thin package's part, under a name of its own: a tarball cannot take the thin one
   back. */
int deb_keep_whole(struct deb_kept *kept, struct tree_writer *w, struct err *e);
/* What dpkg's path filters call the directory of conffiles (Debian Policy 10.7.2): it is written by dpkg as a
 * whole. */
#define DEB_KEEP_CONFIG "etc/"

#endif
