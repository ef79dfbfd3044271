/* The plan stage of `create` and `plan`: recipe and options, root indexes, package indexes, solver. */
#ifndef CMD_CREATE_PLAN_H
#define CMD_CREATE_PLAN_H

#include <pthread.h>

#include "cmd/cmd.h"
#include "cmd/hook.h"
#include "cmd/lock.h"
#include "cmd/overlay.h"
#include "distros/distro.h"
#include "fixups/zone_kind.h"
#include "mirrors/openpgp.h"
#include "mirrors/transfer.h"
#include "pkgfmt/pkgfmt.h"

/* One repository of the job. */
struct source {
    const struct distro_repo *repo;
    struct mirror_urls urls;
    const char *home; /* the first URL before mirrors were asked for; cached roots are named by it */
    /* What a mirror list or metalink said: cmd/create_mirrors.c. */
    const char *asked;     /* the URL of the one that was taken, or NULL */
    struct str asked_text; /* its text, in the job's arena */
    struct digest *accept; /* states of the root index that it vouches for, all of one kind */
    size_t naccept;
    struct pkgfmt_query query;
    struct openpgp_keyring *keyring; /* --keyring ID=FILE; NULL: the plan's */
    struct str keys;                 /* the bytes of those files, for the root */
    struct str root_text;            /* the verified root index, in the job's arena */
    struct pkgfmt_root root;
    struct digest root_digest; /* of the root index as served */
    struct pkgfmt_index *indexes;
    size_t nindexes;
};

struct create_plan {
    const char *what; /* "debian/trixie", for messages */
    struct release release;
    const struct pkgfmt *fmt;
    struct zone_kind *zone;
    struct zone_words zone_packages; /* that the kind adds to the set */
    struct option_list exclude;      /* --exclude, and what the kind leaves out */
    struct openpgp_keyring *keyring; /* NULL with --insecure */
    struct str *keys; /* the bytes of the --keyring files that stand in the recipe's keys' place */
    size_t nkeys;
    struct source *sources;
    size_t nsources;
    struct solve *solve;
    pthread_t closer; /* while closing */
    bool closing;
    struct plan plan;
    int64_t epoch;           /* the newest root index's date */
    const struct lock *lock; /* --locked: what is installed, or (plan) what is compared with; else NULL */
    bool locked;             /* the plan is the lock's: there are no indexes and no solver */
    struct sbom *sbom;       /* cmd/sbom.h; NULL: no licences are collected */
    struct overlay_set *overlays; /* NULL: none */
    struct hook_list hooks;
};

/* Fills p from the job's options and operand 0. Errors are wrapped with `distro/release: repository: `. */
int create_plan_make(struct job *j, struct create_plan *p, struct err *e);
/* Format, repositories and their mirrors, for the release that p has. */
int create_plan_prepare(struct job *j, struct create_plan *p, struct err *e);
/* The keys of --keyring ID=FILE, for those repositories. */
int create_plan_repo_keys(struct job *j, struct create_plan *p, struct err *e);
/* All keys that signatures are checked with, unless --insecure; those of --keyring ID=FILE among them. */
int create_plan_keyring(struct job *j, struct create_plan *p, struct err *e);
/* The bytes of all certificates that packages of the plan may be signed with. Lives in the job's arena. */
int create_plan_keys(struct job *j, struct create_plan *p, const struct str **keys, size_t *n, struct err *e);
/* What is asked of the solver. */
struct solve_request create_plan_request(const struct job *j, const struct create_plan *p);
/* The solver's memory (tens of MB) is needed for --why alone. What it still has to write down, it writes in a
 * thread of its own. */
void create_plan_drop_solver(struct create_plan *p);
void create_plan_free(struct create_plan *p);

/* cmd/create_mirrors.c: asks for the mirrors of those repositories whose recipe says where, and puts them
   before the mirror lists' own. What cannot be had or read is a warning. -1: the host's own errors,
   interruption. */
int create_mirrors_ask(struct job *j, struct create_plan *p, struct source *sources, size_t n, struct err *e);
/* Keeps the list for --offline, once a root index was taken with it. */
void create_mirrors_keep(struct job *j, const struct source *s);

/* What makes this repository's root index believed, everything considered. */
enum distro_trust create_root_trust(const struct create_plan *p, const struct source *s);
/* cmd/create_root.c: takes a root index as it was served: verifies it by create_root_trust() (unless
   --insecure: then text is the bare form), checks expiry and suite, fills s->root*. sig is empty for an
   inline-signed text and where no signature is asked for. */
int create_root_accept(struct job *j, const struct create_plan *p, struct source *s, struct str text,
                       struct str sig, struct err *e);
/* cmd/create_index.c: fetches all root indexes and the package indexes they name, and loads these into
   p->solve, in the order of the repositories whatever the order of arrival. */
int create_index_load(struct job *j, struct create_plan *p, struct err *e);
/* The root index alone (for a suite alias's codename). */
int create_index_root(struct job *j, struct create_plan *p, struct source *s, struct err *e);
struct transfer_opts create_transfer_opts(struct job *j, const char *stage);

/* cmd/create_locked.c: fills p from the lock that --locked names, in place of indexes and solver. */
int create_locked_make(struct job *j, struct create_plan *p, struct err *e);
/* plan --locked: reads the lock into p->lock; what no option says is asked for as the lock was. */
int create_locked_request(struct job *j, struct create_plan *p, struct err *e);
/* ERR_USAGE when the release that p has is not the lock's. */
int create_locked_check(const struct create_plan *p, struct err *e);
/* The lock's repositories become the release's. */
void create_locked_repos(struct job *j, struct create_plan *p);
/* The plan as a lock, in the job's arena. */
int create_locked_from(struct job *j, const struct create_plan *p, struct lock *out, struct err *e);

#endif
