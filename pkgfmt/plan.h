/* The plan: what is unpacked, in the order that decides who wins a path. */
#ifndef PKGFMT_PLAN_H
#define PKGFMT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"

struct plan_pkg {
    const char *name, *version, *arch; /* arch as the format spells it ("amd64", "all") */
    const char *path;                  /* below the repository's base URL */
    uint64_t size;                     /* of the package file, in bytes */
    uint64_t installed_size;           /* in bytes, as the index says */
    struct digest digest;              /* the strongest one that the index has */
    unsigned repo;                     /* index in the caller's list of repositories */
    const char *reason;                /* one line: "set base", "asked for", "apt Depends: libc6 (>= 2.34)" */
    const char *priority;              /* deb: "required", ...; may be "" */
};

/* Strings live in the arena given to the solver. */
struct plan {
    struct plan_pkg *pkgs;
    size_t n;
    size_t nfirst; /* so many at the start were put there by the recipe's `first`: they have the users and
                      directories that the others need */
};

#endif
