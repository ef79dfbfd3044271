#include <stdlib.h>

#include "base/auto.h"
#include "base/mem.h"
#include "pkgfmt/solve_impl.h"

enum { CHAIN_END = 6 }; /* steps shown at both ends of a long chain */

/* A rule of libsolv that takes part in the problem. */
struct fact {
    SolverRuleinfo type;
    Id source, target, dep;
};

/* How a package came to be wanted, as far as the facts go. */
struct link {
    Id from, dep;
    const char *reason; /* for one that was asked for; from 0 */
    bool seen;
};

struct explain {
    struct solve *s;
    struct fact *facts;
    int nfacts;
    struct link *links; /* by package */
    Queue seen;
};

static void collect_facts(struct explain *x, Solver *solver)
{
    Queue rules;
    queue_init(&rules);
    solver_findallproblemrules(solver, 1, &rules);
    x->facts = mem_alloc((size_t)(rules.count + 1) * sizeof *x->facts);
    for (int i = 0; i < rules.count; i++) {
        struct fact f = {0};
        f.type = solver_ruleinfo(solver, rules.elements[i], &f.source, &f.target, &f.dep);
        if ((f.type & SOLVER_RULE_TYPEMASK) == SOLVER_RULE_PKG)
            x->facts[x->nfacts++] = f;
    }
    queue_free(&rules);
}

static void reach(struct explain *x, Id p, Id from, Id dep, const char *reason)
{
    if (x->links[p].seen)
        return;
    x->links[p] = (struct link){from, dep, reason, true};
    queue_push(&x->seen, p);
}

/* Everything that the asks and the facts' relations make wanted, shortest ways first. */
static void reach_all(struct explain *x)
{
    Pool *pool = x->s->pool;
    Id q, qq;
    for (size_t i = 0; i < x->s->nasks; i++) {
        const struct solve_ask *ask = &x->s->asks[i];
        if (ask->p != 0)
            reach(x, ask->p, 0, 0, ask->reason);
        /* Any provider may be the one that was tried. */
        for (Id *pp = ask->dep != 0 ? pool_whatprovides_ptr(pool, ask->dep) : NULL; pp != NULL && *pp != 0;
             pp++)
            reach(x, *pp, 0, 0, ask->reason);
    }
    for (int i = 0; i < x->seen.count; i++) {
        Id p = x->seen.elements[i];
        for (int k = 0; k < x->nfacts; k++) {
            const struct fact *f = &x->facts[k];
            if (f->type != SOLVER_RULE_PKG_REQUIRES || f->source != p)
                continue;
            FOR_PROVIDES(q, qq, f->dep)
            {
                reach(x, q, p, f->dep, NULL);
            }
        }
    }
}

static const char *name_of(struct explain *x, Id p)
{
    return pool_id2str(x->s->pool, pool_id2solvable(x->s->pool, p)->name);
}

static bool array_has(const Solvable *v, Offset array, Id dep, const char **kind)
{
    if (array == 0)
        return false;
    const Id *ids = v->repo->idarraydata + array;
    for (int i = 0; ids[i] != 0; i++)
        if (ids[i] == dep) {
            *kind = solve_require_kind(v->repo->pool, ids, i);
            return true;
        }
    return false;
}

static void put_relation(struct explain *x, Id p, Id dep, struct buf *out)
{
    const Solvable *v = pool_id2solvable(x->s->pool, p);
    const char *kind = solve_require_kind(x->s->pool, NULL, 0);
    array_has(v, v->requires, dep, &kind);
    buf_printf(out, "%s %s: ", name_of(x, p), kind);
    solve_dep_text(x->s->pool, dep, out);
}

static void put_step(struct explain *x, Id p, struct buf *out)
{
    const struct link *l = &x->links[p];
    if (l->from == 0) {
        buf_puts(out, name_of(x, p));
        if (l->reason != NULL)
            buf_printf(out, " (%s)", l->reason);
        return;
    }
    buf_puts(out, "; ");
    put_relation(x, l->from, l->dep, out);
    Id own = l->dep;
    while (ISRELDEP(own))
        own = GETRELDEP(x->s->pool, own)->name;
    if (own != pool_id2solvable(x->s->pool, p)->name)
        buf_printf(out, " (%s)", name_of(x, p));
}

/* "a (set base); a Depends: b; b Depends: c", the middle of a long one left out. */
static void put_chain(struct explain *x, Id p, struct buf *out)
{
    Queue chain;
    queue_init(&chain);
    for (; p != 0; p = x->links[p].from)
        queue_push(&chain, p);
    for (int i = chain.count - 1; i >= 0; i--) {
        if (chain.count > 2 * CHAIN_END && i == chain.count - 1 - CHAIN_END) {
            buf_puts(out, "; ...");
            i = CHAIN_END;
        }
        put_step(x, chain.elements[i], out);
    }
    queue_free(&chain);
}

static bool provides(Pool *pool, Id p, Id dep)
{
    const Solvable *v = pool_id2solvable(pool, p);
    if (v->provides == 0)
        return false;
    for (const Id *id = v->repo->idarraydata + v->provides; *id != 0; id++)
        if (*id != SOLVABLE_FILEMARKER && pool_match_dep(pool, *id, dep))
            return true;
    return false;
}

/* Why nothing fulfils the relation: taken out by the request, there in another version, or not there. */
static void put_lack(struct explain *x, Id dep, struct buf *out, struct err *e)
{
    Pool *pool = x->s->pool;
    Id p, pp, name = dep;
    for (int i = 0; i < x->s->excluded.count; i++)
        if (provides(pool, x->s->excluded.elements[i], dep)) {
            const char *excluded = name_of(x, x->s->excluded.elements[i]);
            buf_printf(out, ", but %s is excluded", excluded);
            err_hint(e, "do not exclude %s, or leave out what needs it", excluded);
            return;
        }
    while (ISRELDEP(name) && GETRELDEP(pool, name)->flags != REL_OR)
        name = GETRELDEP(pool, name)->name;
    if (!ISRELDEP(name) && name != dep) {
        FOR_PROVIDES(p, pp, name)
        {
            if (pool->solvables[p].name != name)
                continue;
            buf_printf(out, ", but %s is version %s", name_of(x, p),
                       pool_id2str(pool, pool->solvables[p].evr));
            return;
        }
        p = *pool_whatprovides_ptr(pool, name);
        if (p != 0 && !x->s->one_version) { /* in deb it may provide none at all */
            buf_printf(out, ", but %s %s provides another version", name_of(x, p),
                       pool_id2str(pool, pool->solvables[p].evr));
            return;
        }
    }
    buf_puts(out, ", which no repository has");
}

static void put_conflict(struct explain *x, const struct fact *f, struct buf *out)
{
    put_chain(x, f->source, out);
    if (f->type == SOLVER_RULE_PKG_SAME_NAME) {
        buf_printf(out, "; only one version of %s can be installed", name_of(x, f->source));
    } else {
        bool deb = x->s->pool->disttype == DISTTYPE_DEB;
        buf_printf(out, "; %s %s: ", name_of(x, f->source),
                   deb                                    ? "Conflicts or Breaks"
                   : f->type == SOLVER_RULE_PKG_CONFLICTS ? "Conflicts"
                                                          : "Obsoletes");
        solve_dep_text(x->s->pool, f->dep, out);
    }
    if (f->target > 0 && x->links[f->target].seen) {
        buf_puts(out, "; which is needed too: ");
        put_chain(x, f->target, out);
    }
}

/* The fact that ends the chain for package p, or NULL. */
static const struct fact *dead_end(const struct explain *x, Id p)
{
    for (int k = 0; k < x->nfacts; k++) {
        const struct fact *f = &x->facts[k];
        if (f->type != SOLVER_RULE_PKG_REQUIRES && f->source == p)
            return f;
    }
    return NULL;
}

static void put_problem(struct explain *x, Solver *solver, struct buf *out, struct err *e)
{
    const struct fact *f = NULL;
    for (int i = 0; i < x->seen.count && f == NULL; i++)
        f = dead_end(x, x->seen.elements[i]);
    if (f == NULL) {
        buf_puts(out, solver_problem2str(solver, 1));
        return;
    }
    switch (f->type) {
    case SOLVER_RULE_PKG_NOTHING_PROVIDES_DEP:
        put_chain(x, f->source, out);
        buf_puts(out, "; ");
        put_relation(x, f->source, f->dep, out);
        put_lack(x, f->dep, out, e);
        break;
    case SOLVER_RULE_PKG_NOT_INSTALLABLE:
        put_chain(x, f->source, out);
        buf_printf(out, "; %s cannot be installed on %s", name_of(x, f->source), x->s->arch);
        break;
    default:
        put_conflict(x, f, out);
    }
}

int solve_explain(struct solve *s, Solver *solver, struct err *e)
{
    struct explain x = {.s = s};
    struct err hint = {0};
    AUTO_BUF text = {0};
    x.links = mem_alloc((size_t)s->pool->nsolvables * sizeof *x.links);
    queue_init(&x.seen);
    collect_facts(&x, solver);
    reach_all(&x);
    put_problem(&x, solver, &text, &hint);
    queue_free(&x.seen);
    free(x.facts);
    free(x.links);
    err_set(e, ERR_SOLVE, "no solution: %.1500s", buf_c(&text));
    if (hint.hint[0] != '\0')
        err_hint(e, "%s", hint.hint);
    return -1;
}
