#include <solv/knownid.h>

#include "base/auto.h"
#include "base/mem.h"
#include "pkgfmt/solve_impl.h"

static const char *op_text(int flags)
{
    switch (flags) {
    case REL_EQ:
        return "=";
    case REL_LT:
        return "<<";
    case REL_GT:
        return ">>";
    case REL_LT | REL_EQ:
        return "<=";
    case REL_GT | REL_EQ:
        return ">=";
    default:
        return NULL;
    }
}

void solve_dep_text(Pool *pool, Id dep, struct buf *out)
{
    while (ISRELDEP(dep) && GETRELDEP(pool, dep)->flags == REL_OR) {
        solve_dep_text(pool, GETRELDEP(pool, dep)->name, out);
        buf_puts(out, " | ");
        dep = GETRELDEP(pool, dep)->evr;
    }
    const Reldep *rel = ISRELDEP(dep) ? GETRELDEP(pool, dep) : NULL;
    const char *op = rel != NULL ? op_text(rel->flags) : NULL;
    if (op == NULL || pool->disttype != DISTTYPE_DEB || ISRELDEP(rel->name))
        buf_puts(out, pool_dep2str(pool, dep));
    else
        buf_printf(out, "%s (%s %s)", pool_id2str(pool, rel->name), op, pool_id2str(pool, rel->evr));
}

const char *solve_require_kind(const Pool *pool, const Id *requires, int i)
{
    bool deb = pool->disttype == DISTTYPE_DEB;
    for (int k = 0; k < i; k++)
        if (requires[k] == SOLVABLE_PREREQMARKER)
            return deb ? "Pre-Depends" : "Requires(pre)";
    return deb ? "Depends" : "Requires";
}

struct causes {
    struct solve *s;
    const struct solve_request *r;
    Map in;      /* the result */
    Queue found; /* in the order of finding */
    bool widely; /* any provider in the result counts, not only the one that apt would take; Recommends too */
};

static void found(struct causes *c, Id p, Id from, Id dep, const char *kind)
{
    struct solve_cause *cause = &c->s->causes[p];
    if (cause->kind != NULL || !MAPTST(&c->in, p))
        return;
    *cause = (struct solve_cause){from, dep, kind};
    queue_push(&c->found, p);
}

static void found_ask(struct causes *c, const struct solve_ask *ask)
{
    Pool *pool = c->s->pool;
    Id p, pp;
    if (ask->p != 0)
        found(c, ask->p, 0, 0, ask->reason);
    if (ask->dep == 0 || (ask->p != 0 && MAPTST(&c->in, ask->p)))
        return;
    /* Of "a if b" only the package a, which ask->p is. */
    if (ISRELDEP(ask->dep) && GETRELDEP(pool, ask->dep)->flags == REL_COND)
        return;
    FOR_PROVIDES(p, pp, ask->dep)
    {
        found(c, p, 0, 0, ask->reason);
    }
}

static void follow(struct causes *c, Id from, Offset deps, bool recommends)
{
    Pool *pool = c->s->pool;
    if (deps == 0)
        return;
    const Id *array = pool_id2solvable(pool, from)->repo->idarraydata + deps;
    for (int i = 0; array[i] != 0; i++) {
        Id p, pp;
        if (array[i] == SOLVABLE_PREREQMARKER)
            continue;
        const char *kind = recommends ? "Recommends" : solve_require_kind(pool, array, i);
        if (!c->widely) {
            p = solve_pick(c->s, c->r, array[i], &c->in, NULL);
            if (p != 0)
                found(c, p, from, array[i], kind);
            continue;
        }
        FOR_PROVIDES(p, pp, array[i])
        {
            found(c, p, from, array[i], kind);
        }
    }
}

static void follow_all(struct causes *c)
{
    for (int i = 0; i < c->found.count; i++) {
        Id p = c->found.elements[i];
        const Solvable *x = pool_id2solvable(c->s->pool, p);
        solve_sort(c->s->pool, p);
        follow(c, p, x->requires, false);
        if (c->widely)
            follow(c, p, x->recommends, true);
    }
}

/* A package may come because it says itself what it supplements. */
static const char *supplement(struct causes *c, Id package)
{
    const Solvable *x = pool_id2solvable(c->s->pool, package);
    Pool *pool = c->s->pool;
    Id p, pp;
    solve_sort(pool, package);
    for (const Id *d = x->supplements ? x->repo->idarraydata + x->supplements : NULL; d != NULL && *d != 0;
         d++) {
        AUTO_BUF text = {0};
        FOR_PROVIDES(p, pp, *d)
        {
            if (!MAPTST(&c->in, p))
                continue;
            solve_dep_text(pool, *d, &text);
            return arena_printf(&c->s->run, "Supplements: %s", buf_c(&text));
        }
    }
    return "the solver";
}

void solve_causes(struct solve *s, const struct solve_request *r)
{
    struct causes c = {.s = s, .r = r};
    s->causes = mem_alloc((size_t)s->pool->nsolvables * sizeof *s->causes);
    map_init(&c.in, s->pool->nsolvables);
    queue_init(&c.found);
    for (int i = 0; i < s->result.count; i++)
        MAPSET(&c.in, s->result.elements[i]);
    for (size_t i = 0; i < s->nasks; i++)
        found_ask(&c, &s->asks[i]);
    follow_all(&c);
    c.widely = true;
    follow_all(&c);
    for (int i = 0; i < s->result.count; i++)
        found(&c, s->result.elements[i], 0, 0, supplement(&c, s->result.elements[i]));
    queue_free(&c.found);
    map_free(&c.in);
}

/* One step: "NAME: set base" or "FROM Depends: RELATION", with the package's name where the relation is about
 * another. */
static const char *step_text(struct solve *s, Id p, struct arena *a)
{
    Pool *pool = s->pool;
    const struct solve_cause *c = &s->causes[p];
    const char *name = pool_id2str(pool, pool_id2solvable(pool, p)->name);
    AUTO_BUF dep = {0};
    if (c->from == 0)
        return arena_printf(a, "%s: %s", name, c->kind);
    solve_dep_text(pool, c->dep, &dep);
    Id own = c->dep;
    while (ISRELDEP(own))
        own = GETRELDEP(pool, own)->name;
    bool named = own == pool_id2solvable(pool, p)->name;
    return arena_printf(a, "%s %s: %s%s%s%s", pool_id2str(pool, pool_id2solvable(pool, c->from)->name),
                        c->kind, buf_c(&dep), named ? "" : " (", named ? "" : name, named ? "" : ")");
}

static Id find_result(struct solve *s, const char *package)
{
    for (int i = 0; i < s->result.count; i++) {
        Id p = s->result.elements[i];
        if (strcmp(pool_id2str(s->pool, pool_id2solvable(s->pool, p)->name), package) == 0)
            return p;
    }
    return 0;
}

int solve_why(struct solve *s, const char *package, struct arena *a, const char ***steps, size_t *n,
              struct err *e)
{
    Id target = find_result(s, package);
    size_t len = 0;
    if (target == 0)
        return err_set(e, ERR_USAGE, "the plan has no package `%s'", package);
    for (Id p = target; p != 0; p = s->causes[p].from)
        len++;
    *steps = arena_array(a, len, sizeof **steps);
    *n = len;
    for (Id p = target; p != 0; p = s->causes[p].from)
        (*steps)[--len] = step_text(s, p, a);
    return 0;
}
