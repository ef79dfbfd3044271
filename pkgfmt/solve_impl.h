/* What the solver's files share. */
#ifndef PKGFMT_SOLVE_IMPL_H
#define PKGFMT_SOLVE_IMPL_H

#include <solv/bitmap.h>
#include <solv/pool.h>
#include <solv/queue.h>
#include <solv/repo.h>
#include <solv/solver.h>

#include "pkgfmt/solve.h"

/* What hangs on libsolv's Repo.appdata. */
struct solve_repo {
    unsigned index;
    int priority;
};

/* Why a package of the result is there: asked for (from 0), or by a relation of another one. */
struct solve_cause {
    Id from; /* package; 0: asked for */
    Id dep;  /* the relation */
    const char
        *kind; /* "Depends", "Pre-Depends", "Requires", "Recommends"; asked for: "set base", "asked for" */
};

/* One package that the request names, directly or by a word; or a relation that it wants fulfilled. */
struct solve_ask {
    Id p;   /* of a relation: what will probably fulfil it; 0: nothing, and that is fine */
    Id dep; /* 0: the package itself */
    const char *reason;
};

struct solve_group {
    const char *id;
    struct solve_member {
        const char *name, *requires; /* requires: NULL, or the package it comes with */
        bool is_group;
        struct solve_member *next;
    } * members, **end;
    struct solve_group *next;
};

struct solve {
    Pool *pool;
    const struct log *log;
    struct arena arena; /* lives as long as the pool */
    const char *arch;
    struct solve_work { /* solve_defer() */
        void (*fn)(void *arg);
        void *arg;
        struct solve_work *next;
    } * work;
    struct solve_rule {
        void (*fn)(struct solve *s, const struct solve_request *r, void *arg);
        void *arg;
        struct solve_rule *next;
    } * rules;
    struct solve_group *groups, *last_group;
    void *own;          /* the format's */
    bool abandoned;     /* a thread is at work on all this and does not end: nothing may be freed */
    void *bound;        /* what that thread works on */
    bool one_version;   /* of a name only the best version counts, as in apt; else libsolv's policy decides */
    Map considered;     /* the pool's */
    Offset *recommends; /* by package: set aside while they are not followed; NULL: in place */
    /* Of the last solve_run(): */
    struct arena run;
    struct solve_ask *asks;
    size_t nasks;
    Queue excluded;             /* packages taken out by the request */
    Queue result;               /* packages in plan order */
    struct solve_cause *causes; /* by package id; kind NULL: not in the result */
};

/* solve_choose.c: which packages are to be considered, and which of several providers apt would take. */
void solve_consider(struct solve *s, const struct solve_request *r);
/* Puts every Recommends in place, or out of libsolv's sight. */
void solve_recommends(struct solve *s, bool wanted);
/* Of the alternatives of dep the first one with a provider in `allowed` (NULL: any) and not in `banned`
   (NULL: none): the package of that name, else the first by the request's prefer words, by priority, by name.
   0: none. */
Id solve_pick(struct solve *s, const struct solve_request *r, Id dep, const Map *allowed, const Map *banned);
/* The packages that apt's rules would add for the asks, in the order of choice; conflicts are not looked at.
 */
void solve_wish(struct solve *s, const struct solve_request *r, const Map *banned, Queue *wishes);

/* solve.c: the solution into s->result. libsolv finds one if there is one; the wishes lead it to apt's among
   several. */
int solve_find(struct solve *s, const struct solve_request *r, struct err *e);
/* solve_size.c: ERR_SOLVE when it would be too much for libsolv. */
int solve_check_size(struct solve *s, struct err *e);
/* solve_bound.c: solve_find() within the request's time. */
int solve_bound(struct solve *s, const struct solve_request *r, struct err *e);

/* solve_ask.c: the request's words as packages, into s->asks. */
int solve_asks(struct solve *s, const struct solve_request *r, struct err *e);

/* solve_sort.c: puts the package's relations into the order that its index kept (SOLVE_KEY_ORDER), else into
   that of their text, in place; those for its scripts by themselves. solve_sort_all(): all packages'. */
void solve_sort(Pool *pool, int package);
void solve_sort_all(Pool *pool);

/* solve_group.c: NULL when there is none. */
const struct solve_group *solve_group_find(const struct solve *s, const char *id);

/* solve_order.c: sorts the result into the plan's order. */
void solve_order(struct solve *s);

/* solve_why.c: fills s->causes. */
void solve_causes(struct solve *s, const struct solve_request *r);
/* "libc6 (>= 2.34) | libc6.1" */
void solve_dep_text(Pool *pool, Id dep, struct buf *out);
/* "Depends" or "Pre-Depends", rpm: "Requires" or "Requires(pre)", for the i-th id of the array. */
const char *solve_require_kind(const Pool *pool, const Id *requires, int i);

/* solve_explain.c: why the first problem cannot be solved, in one line; ERR_SOLVE. */
int solve_explain(struct solve *s, Solver *solver, struct err *e);

#endif
