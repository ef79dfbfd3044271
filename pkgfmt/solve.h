/* The solver: libsolv with the format's rules. A pool is filled by the format's index reader, then solved
 * once or more. */
#ifndef PKGFMT_SOLVE_H
#define PKGFMT_SOLVE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "pkgfmt/plan.h"

struct solve;  /* owns libsolv's Pool */
struct s_Pool; /* libsolv's */
struct s_Repo;

/* disttype: libsolv's DISTTYPE_*; arch: the format's spelling. */
int solve_open(struct solve **out, int disttype, const char *arch, const struct log *log, struct err *e);
void solve_close(struct solve *s);
struct s_Pool *solve_pool(struct solve *s);

/* For the formats' index readers. Packages go into repositories of the pool, one for each index: calls for
   one struct solve must come one at a time. The repository lives as long as the pool. */
struct s_Repo *solve_repo_add(struct solve *s, const char *id, unsigned index, int priority);
void solve_repo_drop(struct solve *s, struct s_Repo *repo); /* and what was added to it */
const char *solve_arch(const struct solve *s);
const struct log *solve_log(const struct solve *s);
/* Work that nobody waits for (writing parsed indexes down): solve_close() calls fn(arg) first, in the order
   of the calls; arg lives in solve_arena(). */
void solve_defer(struct solve *s, void (*fn)(void *arg), void *arg);
struct arena *solve_arena(struct solve *s);
/* What the format keeps beside the pool: n zero bytes at the first call, the same ones later. */
void *solve_own(struct solve *s, size_t n);

/* What a package's entry in the pool says beyond libsolv's own keys; names of repodata keys.
   Path: SOLVABLE_MEDIADIR and _MEDIAFILE; size: SOLVABLE_DOWNLOADSIZE; installed size: SOLVABLE_INSTALLSIZE,
   both in bytes; digest: SOLVABLE_CHECKSUM. */
#define SOLVE_KEY_PRIORITY  "zonestrap:priority"  /* id: "required" */
#define SOLVE_KEY_ESSENTIAL "zonestrap:essential" /* void */
#define SOLVE_KEY_PROTECTED "zonestrap:protected" /* void */
#define SOLVE_KEY_REPLACES                                                                                   \
    "zonestrap:replaces" /* id array: takes over files of these, orders the plan and no more */

#define SOLVE_KEY_ORDER                                                                                      \
    "zonestrap:order" /* id array: Requires and Recommends in the order of the index, where that matters */

struct solve_request {
    const char *const
        *set; /* words of the recipe's set: NAME; deb: priority:required, essential:yes; rpm: @GROUP,
                 @^ENVIRONMENT, NAME-VERSION.ARCH, a capability */
    size_t nset;
    const char *set_name;    /* for reasons */
    const char *const *more; /* names that are added to the set, read as its words; for a zone of this kind */
    size_t nmore;
    const char *more_name;
    const char *const *include; /* --include */
    size_t ninclude;
    const char *const *exclude; /* --exclude: a dependency on one is an error that names who needs it */
    size_t nexclude;
    const char *const *prefer; /* among providers of a virtual name, these first */
    size_t nprefer;
    const char *const *first; /* packages that come first in the plan, in this order, if it has them */
    size_t nfirst;
    bool security;            /* rpm: newer versions than the release's only where an advisory says so */
    bool weak;                /* follow Recommends too */
    unsigned max_seconds;     /* 0: 60 */
    const volatile int *stop; /* set by a signal handler: ERR_INTR soon; may be NULL */
};

/* A rule beside libsolv's: fn is called for each request and takes packages
   out with solve_hide(). */
void solve_rule(struct solve *s, void (*fn)(struct solve *s, const struct solve_request *r, void *arg),
                void *arg);
void solve_hide(struct solve *s, int package);

/* Adds a member to group id (made at its first mention): a package, or a group of which `id` then is one.
   requires: the member comes only with this package; empty: always. An empty member adds none. */
void solve_group_add(struct solve *s, const char *id, struct str member, struct str requires, bool is_group);

/* Whether the request, or a package that it may lead to, asks for a file that no package has; listed says of
   which files that is no news (they would be known). */
bool solve_lacks_file(struct solve *s, const struct solve_request *r, bool (*listed)(const char *path));

/* ERR_USAGE: an unknown package name is asked for (with near names as a hint), or what is excluded is a
   group, a file or a capability. ERR_SOLVE: no solution, the chain of reasons in one line. The plan is
   ordered: Pre-Depends and Depends before who needs them as far as possible, replacing before replaced; equal
   input gives equal order. When the time is up (ERR_SOLVE) or *stop was set, s and all that it has are left
   to the process's end: solve_close() does nothing then. */
int solve_run(struct solve *s, const struct solve_request *r, struct arena *a, struct plan *out,
              struct err *e);
/* --why: the chain from what was asked for to the package, one step a line ("apt Depends: libapt-pkg6.0
   (>= 2.6.1)"). After solve_run. ERR_USAGE when the package is not in the plan. */
int solve_why(struct solve *s, const char *package, struct arena *a, const char ***steps, size_t *n,
              struct err *e);
/* Below, equal to or above 0, as the format orders two versions. */
int solve_compare(struct solve *s, const char *a, const char *b);

#endif
