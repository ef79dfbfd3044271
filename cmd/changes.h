/* What lies between two plans: a lock and what would be installed today. */
#ifndef CMD_CHANGES_H
#define CMD_CHANGES_H

#include "base/arena.h"
#include "pkgfmt/plan.h"
#include "pkgfmt/solve.h"

enum change_kind {
    CHANGE_NONE,
    CHANGE_ADDED,
    CHANGE_REMOVED,
    CHANGE_UPGRADED,
    CHANGE_DOWNGRADED,
    CHANGE_REBUILT
};
enum { CHANGE_KINDS = CHANGE_REBUILT + 1 };

struct change {
    enum change_kind kind;
    const struct plan_pkg *old, *now; /* NULL: not there */
};

struct changes {
    struct change *v; /* without those of kind CHANGE_NONE, sorted by name */
    size_t n;
    size_t count[CHANGE_KINDS];
    uint64_t download; /* size of the packages that are new in some way */
};

/* "added"; CHANGE_NONE: "unchanged". */
const char *change_name(enum change_kind k);
/* Versions are ordered as s orders them; the array lives in the arena. */
void changes_find(const struct plan *old, const struct plan *now, struct solve *s, struct arena *a,
                  struct changes *out);

#endif
