/* Licence names in SPDX's terms: what the formats' readers of licences have in common. Expressions are those
   of SPDX 2.3, annex D; a licence without an identifier gets a LicenseRef-... of the document (clause 10). */
#ifndef PKGFMT_LICENCE_H
#define PKGFMT_LICENCE_H

#include "base/arena.h"
#include "base/str.h"
#include "base/str_list.h"
#include "pkgfmt/pkgfmt.h"

enum {
    LICENCE_TERMS_MAX = 1000,   /* distinct licences of a package */
    LICENCE_TEXT_MAX = 1 << 20, /* bytes of their texts together */
    LICENCE_NAME_MAX = 200      /* bytes of a name that are shown */
};

/* A name in lower case, blanks as dashes, a version's trailing ".0" taken off. spdx "": one name, though SPDX
   has no identifier for it. */
struct licence_name {
    const char *name, *spdx;
    bool versions; /* spdx lacks -only or -or-later */
};

/* A format's. */
struct licence_names {
    const struct licence_name *rows; /* end with name NULL; the GNU licences' families need none */
    bool ids;                        /* what else is an identifier of SPDX counts, too */
};

/* The SPDX expression for a name and an exception ("with NAME exception" without these two words; may be
   empty); NULL: SPDX has none. Case and the number of blanks do not matter. Lives in the arena. */
const char *licence_spdx(const struct licence_names *names, struct str name, struct str exception,
                         struct arena *a);

/* Terms that hold all ('&') or by choice ('|'); op 0: a single one. Zero is a valid start. */
struct licence_group {
    char op;
    struct str_list terms; /* owned: str_list_free */
};

/* Joins h to g; h is used up. What is made lives in the arena. */
void licence_join(struct licence_group *g, char op, struct licence_group *h, struct arena *a);
/* The group as one term: each of its terms once, sorted; in parentheses when these are several. */
struct str licence_term(struct licence_group *g, struct arena *a);
/* The same as a whole expression; NULL: no terms, or more than LICENCE_TERMS_MAX. */
const char *licence_expression(struct licence_group *g, struct arena *a);

/* What a package needs LicenseRef-... for; zero but for the arena is a valid start. */
struct licence_refs {
    struct arena *a;
    struct pkgfmt_licence_ref v[LICENCE_TERMS_MAX];
    size_t n, text_bytes;
    bool too_many; /* and licence_ref() gave "" */
};

/* Appends the identifier: LicenseRef-, what of the name may stand in one, and hash ("": none). */
void licence_ref_id(struct buf *out, struct str name, const char *hash);
/* Takes up a licence, once for each id, and gives the id. beyond stands for a text that is too long. */
const char *licence_ref(struct licence_refs *r, struct str id, struct str name, struct str text,
                        const char *beyond);
/* Hands the refs to the result. */
void licence_refs_give(const struct licence_refs *r, struct pkgfmt_licence *out);

#endif
