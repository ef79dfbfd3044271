/* What the readers of the request's words share. */
#ifndef PKGFMT_SOLVE_ASK_H
#define PKGFMT_SOLVE_ASK_H

#include "pkgfmt/solve_impl.h"

struct solve_asks {
    struct solve *s;
    const struct solve_request *r;
    Map seen;
    Map members;   /* names, by id, of packages that a group brought without a condition; size 0: none yet */
    Map obsoleted; /* names, by id, that some package obsoletes; size 0: not looked for yet */
    unsigned conditions; /* members of groups that come with another package */
    size_t cap;
};

/* Adds what is asked for; a package once. */
void solve_ask_push(struct solve_asks *k, struct solve_ask ask);
bool solve_ask_excluded(const struct solve_asks *k, const char *name);
/* "there is no package `WORD'", with up to three names that are a slip of the pen away as a hint. */
int solve_ask_unknown(struct solve_asks *k, const char *word, const char *reason, struct err *e);

/* solve_ask_rpm.c: one word. from_set: a word of the recipe's set, which --exclude takes out silently. */
int solve_ask_rpm(struct solve_asks *k, const char *word, const char *reason, bool from_set, struct err *e);

#endif
