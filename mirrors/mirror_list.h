/* What a mirror list or a metalink that was asked for says of one repository. */
#ifndef MIRRORS_MIRROR_LIST_H
#define MIRRORS_MIRROR_LIST_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"

enum {
    MIRROR_LIST_MAX = 256,       /* URLs; further ones are left out */
    MIRROR_LIST_ROOTS_MAX = 64,  /* digests, likewise */
    MIRROR_LIST_BYTES = 1 << 20, /* of a list that is worth reading */
};

/* One state of the repository's root index. */
struct mirror_list_root {
    struct digest digest; /* the strongest one that is said; SHA256 at least */
    uint64_t size;        /* 0: not said */
};

/* Everything lives in the arena that it was parsed into. */
struct mirror_list {
    const char **url; /* http and https, without trailing slash, the list's favourites first, each once */
    size_t n;
    struct mirror_list_root *roots; /* the present state, then older ones that mirrors may have still */
    size_t nroots;
};

#endif
