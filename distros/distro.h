/* Recipes: one file per distribution (the grammar stands in zonestrap-recipe(5), distros/zonestrap-recipe.5).
 */
#ifndef DISTROS_DISTRO_H
#define DISTROS_DISTRO_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/data.h"
#include "base/err.h"

/* One `repo ID MIRRORS SUITE COMPONENT...` line, variables replaced. */
struct distro_repo {
    const char *id;      /* "main", "updates", "security" */
    const char *mirrors; /* a mirror list's name, a URL or a directory */
    const char *suite;
    const char **components;
    size_t ncomponents;
    const char *metalink, *mirrorlist; /* URLs that answer with mirrors of this very repository (its base with
                                          the suite's path), or NULL */
    bool release;      /* stands in [distro] or is named `main`: what --suites release keeps */
    bool extra;        /* from --repo: none of the recipe's */
    const char *where; /* "debian.distro:16:13", for messages; NULL: from --repo */
};

struct distro_words {
    const char **v;
    size_t n;
};

struct distro_link {
    const char *path, *text; /* "bin", "usr/bin": no leading slash */
};

struct distro_key {
    const char *name; /* for messages: "keys/debian-archive-bookworm-stable.asc" */
    struct str bytes;
};

/* Keyword `trust`: what makes a root index believed. A package's own signature is looked at in any case where
   the format has one. */
enum distro_trust {
    DISTRO_TRUST_SIGNATURE, /* its signature; the default */
    DISTRO_TRUST_METALINK,  /* the digest in a metalink that came over TLS; without a metalink: as below */
    DISTRO_TRUST_PACKAGES   /* nothing: the packages' signatures alone decide */
};

/* A recipe with a release, an architecture and a set chosen. Everything lives in the arena it was resolved
 * into. */
struct release {
    const char *distro, *title; /* "debian", "Debian GNU/Linux" */
    const char *format;         /* "deb" */
    const char *name;           /* "trixie" */
    const char *version;        /* "13"; may be "" */
    const char *arch;           /* the format's spelling: "amd64" */
    const char *machine;        /* the kernel's: "x86_64" */
    struct distro_repo *repos;
    size_t nrepos;
    struct distro_key *keys;
    size_t nkeys;
    const char *keys_at; /* keyword `keys-at`: where the distribution publishes its key, for a recipe that has
                            none; or "" */
    const char
        *signed_by; /* keyword `signed-by`: keyring file in the root that its own sources name, or "" */
    enum distro_trust trust;
    struct distro_words ship_sources; /* packages that ship sources for the recipe's own repositories */
    const char *set_name;
    struct distro_words packages; /* the set's words */
    struct distro_words prefer;
    struct distro_words first; /* packages that come first in the plan: filesystem, setup */
    struct distro_link *layout;
    size_t nlayout;
};

struct distro_opts {
    const struct data *data;
    const char *arch; /* either spelling; NULL: uname -m's */
    const char *set;  /* NULL: "base" */
};

/* A release name that the recipe does not know but lists under `alias` (stable, testing, 13, 24.04, noble
   ...): release numbers resolve from the recipe; names such as `stable` come back with needs_codename set to
   the suite whose signed root index tells the codename; the caller reads it and resolves again with that
   name. Without a release: the recipe's `default`. */
int distro_resolve(const char *distro_slash_release, const struct distro_opts *o, struct arena *a,
                   struct release *out, bool *needs_codename, struct err *e);

/* One more repository, spelled as a recipe's `repo` line without the keyword: `ID MIRRORS SUITE COMPONENT...`
   (--repo). Variables are those of the resolved release. ERR_USAGE. */
int distro_repo_parse(const char *spec, const struct release *r, struct arena *a, struct distro_repo *out,
                      struct err *e);

struct distro_info {
    const char *name, *title, *format;
    struct distro_words releases; /* "bookworm" */
    struct distro_words versions; /* same length, "12" or "" */
    struct distro_words aliases, sets, archs;
};
/* Everything that `list` shows; names sorted. */
int distro_list(const struct data *d, struct arena *a, struct distro_info **out, size_t *n, struct err *e);
/* Lints one recipe text: every release x architecture x set resolves, the default release too, keys can be
   found (a recipe may have none), and what its own lines say about releases and architectures names known
   ones. see (may be NULL) is called for each release x architecture and judges what other rooms know; -1 from
   it ends the check. ERR_USAGE. */
int distro_check(const struct data *d, const char *name, struct str text,
                 int (*see)(void *ctx, const struct release *r, struct err *e), void *ctx, struct err *e);

#endif
