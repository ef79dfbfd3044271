/* Fixups: recipes of small edits that a root needs before anything of the target has run ([before-boot]) and
   after its packages were installed ([after-install]). Grammar: zonestrap-fixup(5), fixups/zonestrap-fixup.5.
   What a fixup matches is decided on the plan alone, never on files. */
#ifndef FIXUPS_FIXUP_H
#define FIXUPS_FIXUP_H

#include "base/arena.h"
#include "base/data.h"
#include "base/err.h"
#include "base/log.h"
#include "base/tree.h"

/* A name that a system can have and that files may hold as it is: hostname(7), and Linux's 64 bytes. */
bool fixup_hostname_ok(const char *name);

/* What [match] is decided on, and what ${...}-free variables {hostname} {release} ... stand for. */
struct fixup_facts {
    const char *zone; /* "none", "lx", ... */
    const char *format, *distro, *release, *version, *arch;
    const char *const *packages; /* names in the plan, sorted bytewise */
    size_t npackages;
    struct str
        sources; /* content of the zone's package sources: see `file ... {sources}` in the manual page */
    const char
        *keyring_name; /* file name below /usr/share/keyrings that the sources' Signed-By says, or "" */
    const char *hostname;
};

struct fixup_set; /* the fixups that match, in order */

/* Loads every *.fixup, keeps those that match, checks all. Errors: ERR_USAGE file:line:col. */
int fixup_load(const struct data *d, const struct fixup_facts *f, struct arena *a, struct fixup_set **out,
               struct err *e);
/* Every path that fixup_apply() may read or change, for tree_hold(); their number. The array lives in a. */
size_t fixup_paths(const struct fixup_set *s, struct arena *a, const char ***paths);
/* Every path that [before-boot] and [after-install] may change; as fixup_paths(). */
size_t fixup_changes(const struct fixup_set *s, struct arena *a, const char ***paths);
/* What the set's `file` verbs write at path before the first boot, of several the last; empty: none does.
   Borrowed from what fixup_load() read. */
struct str fixup_file_text(const struct fixup_set *s, const char *path);
/* [before-boot] on the tree, in C. Applying twice changes nothing. Errors name fixup, line and path. */
int fixup_apply(struct fixup_set *s, struct tree *t, const struct log *log, struct err *e);
/* The same verbs as POSIX sh that works in the zone with /bin/sh, coreutils, grep and sed: before-boot again,
 * then after-install. */
int fixup_render(struct fixup_set *s, struct buf *sh, struct err *e);
/* Names of the matching fixups, for -v and tests. */
size_t fixup_names(const struct fixup_set *s, struct arena *a, const char ***names);
/* The [clone] sections of every *.fixup, whatever its [match] says; hostname is the clone's. Errors as
   fixup_load(). */
int fixup_load_clone(const struct data *d, const char *hostname, struct arena *a, struct fixup_set **out,
                     struct err *e);
/* Does them to a clone; twice changes nothing. The tree is a directory's. Errors name fixup, line and path.
 */
int fixup_apply_clone(const struct fixup_set *s, struct tree *t, const struct log *log, struct err *e);
/* The same of the [clone image] sections, to a finished root that is about to be packed: it will stand in
   many places. What would change one of the n canonical paths of keep is left out. */
int fixup_apply_image(const struct fixup_set *s, struct tree *t, const struct str *keep, size_t n,
                      const struct log *log, struct err *e);
int fixup_check(const char *name, struct str text, struct err *e);

#endif
