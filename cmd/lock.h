/* Locks: what a plan came to, as a file that says what to install to the byte. Keyword lines (base/kw.h), one
   line a package, in the plan's order:

       [lock]
       version   1                         # of this format
       distro    debian
       release   bookworm
       arch      amd64                     # the format's spelling
       set       base
       zone      lx                        # the zone kind, unless it is none
       include   vim                       # what was asked for besides: --include, --exclude (a line each),
       weak      yes                       # --weak
       security  yes                       # --security
       epoch     1763550000                # the newest index's Date, in seconds since 1970
       packages  88                        # so many lines follow in [packages]

       [repo main]
       mirrors   debian                    # a mirror list's name, or a URL without user name and password
       suite     bookworm
       components main
       date      1763550000                # of its index
       index     sha256:HEX                # of its root index, as served
       keyring   sha256:HEX                # of the keys that --keyring ID=FILE gave, if it did

       [packages]
       package   NAME VERSION ARCH SIZE INSTALLED-SIZE DIGEST REPO PATH

   zonestrap(8) documents it. */
#ifndef CMD_LOCK_H
#define CMD_LOCK_H

#include "cmd/options.h"
#include "distros/distro.h"
#include "pkgfmt/plan.h"

struct lock_repo {
    struct distro_repo repo;
    int64_t date;
    struct digest index, keyring; /* keyring: DIGEST_NONE when the distribution's keys count */
    unsigned line;                /* its heading; 0: not read from a file */
};

struct lock {
    const char *file; /* for messages */
    const char *distro, *release, *arch, *set;
    const char *zone; /* NULL stands for none */
    struct option_list include, exclude;
    bool weak, security;
    int64_t epoch;
    struct lock_repo *repos;
    size_t nrepos;
    struct plan plan; /* plan_pkg.repo: in repos; reason, priority: "" */
};

/* Reads a lock; everything lives in the arena. ERR_USAGE, `file:line:col: ...`: an unknown section or
   keyword, one that is missing or stands twice, a bad number, a digest below SHA256, a path that leaves the
   repository (but for `../' at its start), a package twice, a control byte, too large a file. ERR_HOST: it
   cannot be read. */
int lock_read(const char *file, struct arena *a, struct lock *out, struct err *e);
/* The same from a text at hand; what is kept of it is copied. */
int lock_parse(const char *name, struct str text, struct arena *a, struct lock *out, struct err *e);
/* Appends the lock as text. ERR_FORMAT: a word that no line can hold. */
int lock_render(const struct lock *l, struct buf *out, struct err *e);
/* Writes it whole or not at all; `-` is standard output. ERR_USAGE for what is no regular file. */
int lock_write(const struct lock *l, const char *file, struct err *e);

#endif
