/* The request's words as rpm means them: NAME, NAME.ARCH, NAME-VERSION-RELEASE.ARCH and what dnf accepts
   between, a capability or a file ("/usr/bin/vi", "webserver >= 2", "(a if b)"), @GROUP, @^ENVIRONMENT. */
#include <solv/selection.h>

#include "base/auto.h"
#include "pkgfmt/rpm_relation.h"
#include "pkgfmt/solve_ask.h"

enum { OBSOLETERS_MAX = 10, CONDITIONS_MAX = 2000 };

static bool excluded_package(const struct solve_asks *k, Id p)
{
    return solve_ask_excluded(k, pool_id2str(k->s->pool, pool_id2solvable(k->s->pool, p)->name));
}

static void find_obsoleted(struct solve_asks *k)
{
    Pool *pool = k->s->pool;
    Id q;
    map_init(&k->obsoleted, pool->ss.nstrings);
    FOR_POOL_SOLVABLES(q)
    {
        const Solvable *y = pool_id2solvable(pool, q);
        const Id *o = y->obsoletes ? y->repo->idarraydata + y->obsoletes : NULL;
        for (; o != NULL && *o != 0; o++) {
            Id name = *o;
            while (ISRELDEP(name))
                name = GETRELDEP(pool, name)->name;
            MAPSET(&k->obsoleted, name);
        }
    }
}

/* What takes the package's place, by name: dnf installs that instead. */
static Id obsoleter_of(struct solve_asks *k, Id p)
{
    Pool *pool = k->s->pool;
    Id q, best = 0;
    if (k->obsoleted.size == 0)
        find_obsoleted(k);
    if (!MAPTST(&k->obsoleted, pool_id2solvable(pool, p)->name))
        return 0;
    FOR_POOL_SOLVABLES(q)
    {
        const Solvable *y = pool_id2solvable(pool, q);
        if (y->obsoletes == 0 || !MAPTST(&k->s->considered, q) || y->name == pool_id2solvable(pool, p)->name)
            continue;
        for (const Id *o = y->repo->idarraydata + y->obsoletes; *o != 0; o++)
            if (pool_match_nevr(pool, pool_id2solvable(pool, p), *o)) {
                Id newest = solve_pick(k->s, k->r, y->name, NULL, NULL);
                if (newest == q &&
                    (best == 0 || strcmp(pool_id2str(pool, y->name),
                                         pool_id2str(pool, pool_id2solvable(pool, best)->name)) < 0))
                    best = q;
                break;
            }
    }
    return best;
}

static void push_package(struct solve_asks *k, Id p, const char *reason, bool by_name)
{
    for (int i = 0; by_name && i < OBSOLETERS_MAX; i++) {
        Id q = obsoleter_of(k, p);
        if (q == 0)
            break;
        p = q;
    }
    solve_ask_push(k, (struct solve_ask){.p = p, .reason = reason});
}

/* The best package of that very name; 0: none. */
static Id named(struct solve_asks *k, const char *name)
{
    Id id = pool_str2id(k->s->pool, name, 0);
    Id p = id != 0 ? solve_pick(k->s, k->r, id, NULL, NULL) : 0;
    return p != 0 && pool_id2solvable(k->s->pool, p)->name == id ? p : 0;
}

/* NAME.ARCH, NAME-VERSION, NAME-VERSION-RELEASE.ARCH, ...: the best one of what matches. */
static Id selected(struct solve_asks *k, const char *word)
{
    Pool *pool = k->s->pool;
    Queue selection, packages;
    Map allowed;
    Id best = 0;
    queue_init(&selection);
    queue_init(&packages);
    map_init(&allowed, pool->nsolvables);
    selection_make(pool, &selection, word,
                   SELECTION_NAME | SELECTION_CANON | SELECTION_DOTARCH | SELECTION_REL);
    selection_solvables(pool, &selection, &packages);
    for (int i = 0; i < packages.count; i++)
        if (MAPTST(&k->s->considered, packages.elements[i]))
            MAPSET(&allowed, packages.elements[i]);
    for (int i = 0; i < packages.count && best == 0; i++)
        if (MAPTST(&allowed, packages.elements[i]))
            best = solve_pick(k->s, k->r, pool_id2solvable(pool, packages.elements[i])->name, &allowed, NULL);
    map_free(&allowed);
    queue_free(&packages);
    queue_free(&selection);
    return best;
}

/* --- groups */

/* Many groups may have one package, and a package many providers: it is looked for once. */
static bool is_member(struct solve_asks *k, Id name)
{
    if (k->members.size == 0)
        map_init(&k->members, k->s->pool->ss.nstrings);
    map_grow(&k->members, k->s->pool->ss.nstrings);
    return name != 0 && MAPTST(&k->members, name);
}

static void add_member(struct solve_asks *k, const struct solve_member *m, const char *reason,
                       const char *group)
{
    Pool *pool = k->s->pool;
    Id name = pool_str2id(pool, m->name, 0);
    if (solve_ask_excluded(k, m->name) || is_member(k, name) ||
        (m->requires != NULL && k->conditions++ >= CONDITIONS_MAX))
        return;
    if (name != 0 && m->requires == NULL)
        MAPSET(&k->members, name);
    Id p = named(k, m->name);
    if (p == 0) {
        log_info(k->s->log, "group %s: there is no package `%s'", group, m->name);
        return;
    }
    if (m->requires == NULL) {
        push_package(k, p, reason, true);
        return;
    }
    Id dep =
        pool_rel2id(pool, pool_id2solvable(pool, p)->name, pool_str2id(pool, m->requires, 1), REL_COND, 1);
    solve_ask_push(k, (struct solve_ask){.p = p, .dep = dep, .reason = reason});
}

static const struct solve_group *find_group(const struct solve *s, const char *id)
{
    char environment[300];
    const struct solve_group *g = solve_group_find(s, id);
    if (g != NULL || id[0] == '^')
        return g;
    snprintf(environment, sizeof environment, "^%s", id);
    return solve_group_find(s, environment);
}

static int add_group(struct solve_asks *k, const char *word, const char *reason, struct err *e)
{
    const struct solve_group *g = find_group(k->s, word + 1);
    if (g == NULL) {
        err_set(e, ERR_USAGE, "%s: there is no group `%s'", reason, word);
        return err_hint(e, k->s->groups == NULL ? "no repository has groups"
                                                : "groups go by their id: @core, @^minimal-environment");
    }
    const char *why = arena_printf(&k->s->run, "@%s", g->id);
    for (const struct solve_member *m = g->members; m != NULL; m = m->next) {
        const struct solve_group *inner = m->is_group ? solve_group_find(k->s, m->name) : NULL;
        if (!m->is_group)
            add_member(k, m, why, g->id);
        if (m->is_group && inner == NULL)
            log_info(k->s->log, "group %s: there is no group `%s'", g->id, m->name);
        for (const struct solve_member *x = inner != NULL ? inner->members : NULL; x != NULL; x = x->next)
            if (!x->is_group)
                add_member(k, x, arena_printf(&k->s->run, "@%s", inner->id), inner->id);
    }
    return 0;
}

/* --- */

static int both(const char *word, bool from_set, struct err *e)
{
    return from_set ? 0 : err_set(e, ERR_USAGE, "`%s' is both included and excluded", word);
}

int solve_ask_rpm(struct solve_asks *k, const char *word, const char *reason, bool from_set, struct err *e)
{
    if (word[0] == '@')
        return add_group(k, word, reason, e);
    if (solve_ask_excluded(k, word))
        return both(word, from_set, e);
    Id p = named(k, word);
    if (p != 0) {
        push_package(k, p, reason, true);
        return 0;
    }
    Id dep = rpm_relation_text(k->s->pool, str_c(word));
    bool simple = word[0] != '/' && word[0] != '(';
    p = simple ? selected(k, word) : 0;
    if (p != 0 && excluded_package(k, p))
        return both(word, from_set, e);
    if (p != 0) {
        push_package(k, p, reason, false);
        return 0;
    }
    p = dep != 0 ? solve_pick(k->s, k->r, dep, NULL, NULL) : 0;
    if (p == 0)
        return solve_ask_unknown(k, word, reason, e);
    solve_ask_push(k, (struct solve_ask){.p = p, .dep = dep, .reason = reason});
    return 0;
}
