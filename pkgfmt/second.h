/* What the second stages of all package formats leave in the root, below /zonestrap: `plan`, `packages/`,
   `digests` (sha256sum's format), `fixups.sh`, `hooks/`, `first-boot`, `done` (empty) and the script
   `second-stage`, which is second.sh and the format's own part behind it. */
#ifndef PKGFMT_SECOND_H
#define PKGFMT_SECOND_H

#include "pkgfmt/pkgfmt.h"
#include "pkgfmt/second_dir.h"

#define SECOND_PACKAGES SECOND_DIR "/packages"

/* A part of a kept package's file name: other bytes than letters, digits and ._+~- are percent-escaped, as
   apt does it. */
void second_escape(const char *part, struct buf *out);
/* Puts the content of fd into the tree as packages/FILE through the package's writer. */
int second_put(const char *file, int fd, struct tree_writer *w, struct err *e);

/* What is gathered for `plan` and `digests` while the rest is written. */
struct second_out {
    struct tree *tree;
    struct buf plan, digests;
};

void second_out_free(struct second_out *o);
/* The plan's head, then a line for each package; digest: SHA256 of its file. */
void second_plan(struct second_out *o, const char *format, int64_t epoch, size_t count);
void second_package(struct second_out *o, const char *name, const char *file, const struct digest *digest);
/* A file below /zonestrap, and its line in `digests`. */
int second_text(struct second_out *o, const char *name, struct str text, mode_t mode, struct err *e);
/* The root finishes itself: takes init's place, see first_boot_take(). */
int second_take_init(struct second_out *o, struct arena *a, const char ***owned, size_t *n, struct err *e);
/* Last of all: hooks, plan, fixups.sh, digests, done, and the script with the part of that name. */
int second_leave(struct second_out *o, const char *part, const struct pkgfmt_second_opts *opts,
                 struct err *e);

#endif
