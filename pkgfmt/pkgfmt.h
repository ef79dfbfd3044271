/* The package formats: one const instance each, one table. */
#ifndef PKGFMT_PKGFMT_H
#define PKGFMT_PKGFMT_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/tree.h"
#include "pkgfmt/plan.h"
#include "pkgfmt/solve.h"

/* The root index of a repository (Release, repomd.xml), verified. */
struct pkgfmt_root {
    const char *suite, *codename; /* "" when not said */
    const char *origin, *label;
    int64_t date, valid_until; /* seconds since 1970; valid_until 0: none */
};

/* One index file that the root names. alternatives of one index (xz, gz, ...) stand in one entry, best first.
 */
struct pkgfmt_index {
    const char *what;  /* "main/binary-amd64/Packages.xz" */
    const char *path;  /* below the repository's base: the by-hash form where the root offers it */
    const char *plain; /* the path by name, tried when `path` is not there */
    uint64_t size;
    struct digest digest;
    uint64_t open_size; /* decoded, in bytes, which index_load holds it to; 0: the root does not say */
    const char *component, *arch;
    bool later; /* fetched and loaded when index_wanted() says so, after the others */
};

struct pkgfmt_query {
    const char *suite; /* "bookworm-security"; "." or "" for a flat place */
    const char *const *components;
    size_t ncomponents;
    const char *arch; /* the format's spelling */
    bool security;    /* rpm: --security, so updateinfo is wanted */
};

struct pkgfmt_repo { /* where an index's packages come from */
    unsigned index;  /* struct plan_pkg.repo */
    const char *id;
    int priority; /* among equal versions the greater wins */
};

/* Who says whether a package's own signature is good; by the keys of the package's repository. Called by
   several threads. */
struct pkgfmt_trust {
    /* sig (binary OpenPGP, one or more signatures) over n bytes at off of the file fd, which are read with
       pread. 0: one of them is good, and none by a known key is wrong; 1: none is wrong, but none counts
       either (unknown key, weak, expired, not supported), which e says; -1: one is wrong or malformed, or fd
       cannot be read. For 1 and -1 e is ERR_TRUST with one line that names the key ids. */
    int (*verify)(void *ctx, unsigned repo, int fd, uint64_t off, uint64_t n, struct str sig, struct err *e);
    /* Whether something beside the packages themselves vouches for the digests that the plan has of that
       repository's. */
    bool (*vouched)(void *ctx, unsigned repo);
    void *ctx;
};

/* Users and groups of the root, by name, as far as they are known before the first package is unpacked. */
struct pkgfmt_owners;

/* A package file whose size and digest are those of the plan. */
struct pkgfmt_package {
    int fd; /* borrowed; read with pread only */
    const struct plan_pkg *pkg;
    unsigned index;                   /* in the plan */
    uint64_t max_bytes;               /* what it may expand to */
    const struct pkgfmt_trust *trust; /* NULL: packages' own signatures are not looked at (--insecure) */
    struct pkgfmt_owners *owners;     /* NULL where the format has none */
};

/* Makes unpack keep what the second stage needs. One per create; the functions that take it may be called by
 * several threads. */
struct pkgfmt_second;

/* A program that is run when everything is installed; by the names' order. */
struct pkgfmt_hook {
    const char *name; /* letters, digits, . _ + - */
    struct str content;
};

enum pkgfmt_second_how {
    PKGFMT_SECOND_FULL = 1,   /* --second-stage-full: the package manager writes every file again */
    PKGFMT_SECOND_AT_ONCE = 2 /* it follows: what is kept may take more room for being faster to use */
};

struct pkgfmt_second_opts {
    struct str fixups_sh; /* POSIX sh, run in the zone after the reinstall: the before-boot fixups again, then
                             the after-install ones */
    int64_t epoch;        /* what the second stage's programs take for today: SOURCE_DATE_EPOCH */
    bool first_boot;      /* the root runs it itself at its first boot: pkgfmt/first_boot.h */
    const struct str *own; /* canonical paths, sorted, that no package may write again, conffiles excepted */
    size_t nown;
    const struct str
        *touched; /* canonical paths that fixups may change; of a directory, what is in it, too */
    size_t ntouched;
    const struct pkgfmt_hook *hooks;
    size_t nhooks;
    const struct str *keys; /* the certificates that the packages were verified with, armored or binary */
    size_t nkeys;
    bool no_caps; /* the root's file system or zone has no file capabilities */
};

/* A repository as the root's own package sources shall name it. */
struct pkgfmt_source {
    const char *url;
    const struct pkgfmt_query *query;
    const char *signed_by; /* the keyring's path in the root, or "" */
    const char *id;        /* the repository's, "baseos" */
    bool own;              /* no package of the plan ships this source already */
};

/* A licence that SPDX has no identifier for. */
struct pkgfmt_licence_ref {
    const char *id, *name, *text; /* id: "LicenseRef-...", the same for the same name and text */
};

/* What a package says of its licence. Bytes that are no UTF-8 may stand in a ref's name and text. */
struct pkgfmt_licence {
    const char *expression; /* SPDX 2.3, annex D; NULL: it does not say so in a form for machines */
    const struct pkgfmt_licence_ref *refs;
    size_t nrefs;
};

struct pkgfmt {
    const char *name;                /* "deb" */
    const char *purl_type;           /* "deb"; see pkgfmt/purl.h */
    bool purl_apart;                 /* package URLs have the epoch apart from the version, and the
                                        distribution as NAME-RELEASE */
    const char *const *second_needs; /* packages without which the second stage cannot run; ends with NULL */
    bool rides_whole;                /* packages wait for the second stage whole, not thinned */
    int disttype;                    /* libsolv's DISTTYPE_* */
    /* The query's suite is a path that belongs to the repository's base (rpm), and no part of other paths. */
    bool suite_is_path;
    /* Packages carry signatures of their own, which unpack verifies: an unsigned index may be believed. */
    bool signed_packages;
    /* Path of the root index with its signature inside (InRelease), then of the bare one and its detached
     * signature; below the repository's base. */
    const char *(*root_path)(const struct pkgfmt_query *q, int which,
                             struct arena *a); /* 0 inline-signed, 1 bare, 2 signature; NULL: none */
    int (*root_parse)(struct str text, struct arena *a, struct pkgfmt_root *out, struct err *e);
    /* Which index files the verified root (the same text) names for the query. */
    int (*index_list)(struct str root, const struct pkgfmt_query *q, struct arena *a,
                      struct pkgfmt_index **out, size_t *n, struct err *e);
    /* Adds one verified index file to the pool. solv_dir (NULL: none) keeps parsed forms by digest. */
    int (*index_load)(struct solve *s, int fd, const struct pkgfmt_index *ix, const struct pkgfmt_repo *repo,
                      const char *solv_dir, struct err *e);
    /* After all indexes but those marked `later` were loaded: whether that one is needed to solve the
       request. NULL: the format has no such index. */
    bool (*index_wanted)(struct solve *s, const struct solve_request *r, const struct pkgfmt_index *ix);
    /* Owners by name (all three NULL where packages have numbers). new: with what the fixups' /etc/passwd and
       /etc/group will say, "" if they say nothing. read: takes what a package of the plan's first ones
       (struct plan) ships in those files; all of them are read before any package is unpacked. */
    struct pkgfmt_owners *(*owners_new)(struct str passwd, struct str group, const struct log *log);
    int (*owners_read)(const struct pkgfmt_package *p, struct err *e);
    void (*owners_free)(struct pkgfmt_owners *o);
    /* Unpacks the package into the tree, once its own signatures are verified. second NULL: keep nothing. */
    int (*unpack)(const struct pkgfmt_package *p, struct tree_writer *w, struct pkgfmt_second *second,
                  struct err *e);
    /* Second stage: begin before the first unpack, settle after the last one and before tree_settle(), finish
     * when the fixups were applied leaves script and plan beside the packages, below /zonestrap in the root.
     */
    int (*second_begin)(struct pkgfmt_second **s, struct tree *t, const struct plan *p, unsigned how,
                        struct err *e); /* how: bits of enum pkgfmt_second_how */
    int (*second_settle)(struct pkgfmt_second *s, struct err *e);
    int (*second_finish)(struct pkgfmt_second *s, const struct pkgfmt_second_opts *o, struct err *e);
    void (*second_free)(struct pkgfmt_second *s);
    /* Path in the root of the file that says the package's licence, whether or not it ships one (NULL: the
       format has none). */
    const char *(*licence_path)(const struct plan_pkg *pkg, struct arena *a);
    /* The licence as the package's own header says it (empty: it does not), in the arena; ERR_FORMAT. NULL:
       it stands in a file, see licence_path. Called by several threads. */
    int (*licence_text)(const struct pkgfmt_package *p, struct arena *a, struct str *text, struct err *e);
    /* The licence out of that file's bytes or of that text, everything of it in the arena. */
    void (*licence_read)(struct str text, struct arena *a, struct pkgfmt_licence *out);
    /* The text of the root's own package sources. */
    void (*sources)(const struct pkgfmt_source *v, size_t n, struct buf *out);
};

/* By the recipe's `format` word; NULL when there is none. */
const struct pkgfmt *pkgfmt_find(const char *name);

#endif
