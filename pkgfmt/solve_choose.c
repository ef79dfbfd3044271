#include <solv/evr.h>
#include <solv/solvable.h>
#include <stdlib.h>

#include "base/mem.h"
#include "pkgfmt/solve_impl.h"

/* True when a is to be taken rather than b, a package of the same name. */
static bool better(const struct solve *s, Id a, Id b)
{
    Pool *pool = s->pool;
    Solvable *x = pool_id2solvable(pool, a), *y = pool_id2solvable(pool, b);
    unsigned sx = pool_arch2score(pool, x->arch), sy = pool_arch2score(pool, y->arch);
    if (!s->one_version && sx != sy && sx > 1 && sy > 1)
        return sx < sy;
    const struct solve_repo *rx = x->repo->appdata, *ry = y->repo->appdata;
    int c = pool_evrcmp(pool, x->evr, y->evr, EVRCMP_COMPARE);
    if (c != 0)
        return c > 0;
    if (rx->priority != ry->priority)
        return rx->priority > ry->priority;
    if (rx->index != ry->index)
        return rx->index < ry->index;
    if (s->one_version && x->arch != y->arch)
        return x->arch != ARCH_ALL;
    return a < b;
}

static void exclude(struct solve *s, const struct solve_request *r)
{
    Pool *pool = s->pool;
    Id p;
    queue_empty(&s->excluded);
    for (size_t i = 0; i < r->nexclude; i++) {
        Id name = pool_str2id(pool, r->exclude[i], 0);
        FOR_POOL_SOLVABLES(p)
        {
            if (name == 0 || pool->solvables[p].name != name)
                continue;
            MAPCLR(&s->considered, p);
            queue_push(&s->excluded, p);
        }
    }
}

/* apt's candidates: of each name the highest version, whatever repository has it. */
static void consider_best(struct solve *s)
{
    Pool *pool = s->pool;
    Id p, *best = mem_alloc((size_t)pool->ss.nstrings * sizeof *best);
    FOR_POOL_SOLVABLES(p)
    {
        Id *b = &best[pool->solvables[p].name];
        if (pool_installable(pool, pool_id2solvable(pool, p)) && (*b == 0 || better(s, p, *b)))
            *b = p;
    }
    FOR_POOL_SOLVABLES(p)
    {
        if (best[pool->solvables[p].name] == p)
            MAPSET(&s->considered, p);
    }
    free(best);
}

/* Who has the files that the request itself names: libsolv looks only for those in relations. */
static void provide_words(struct solve *s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        Dataiterator di;
        Id file = words[i][0] == '/' ? pool_str2id(s->pool, words[i], 1) : 0;
        if (file == 0 || dataiterator_init(&di, s->pool, NULL, 0, SOLVABLE_FILELIST, words[i],
                                           SEARCH_STRING | SEARCH_FILES | SEARCH_COMPLETE_FILELIST) != 0)
            continue;
        while (dataiterator_step(&di)) {
            Solvable *x = pool_id2solvable(s->pool, di.solvid);
            x->provides = repo_addid_dep(x->repo, x->provides, file, SOLVABLE_FILEMARKER);
            dataiterator_skip_solvable(&di);
        }
        dataiterator_free(&di);
    }
}

/* All versions, and files as what packages provide; but for what the format's rules hide. */
static void consider_all(struct solve *s, const struct solve_request *r)
{
    map_setall(&s->considered);
    provide_words(s, r->set, r->nset);
    provide_words(s, r->include, r->ninclude);
    pool_addfileprovides(s->pool);
    for (const struct solve_rule *rule = s->rules; rule != NULL; rule = rule->next)
        rule->fn(s, r, rule->arg);
}

void solve_hide(struct solve *s, int package)
{
    MAPCLR(&s->considered, package);
}

/* libsolv looks at Recommends even when they are not to be installed, where apt does not (dnf does): out of
   its sight then. */
void solve_recommends(struct solve *s, bool wanted)
{
    Pool *pool = s->pool;
    Id p;
    if (wanted == (s->recommends == NULL))
        return;
    if (wanted) {
        FOR_POOL_SOLVABLES(p)
        {
            pool->solvables[p].recommends = s->recommends[p];
        }
        s->recommends = NULL;
        return;
    }
    s->recommends = arena_array(&s->arena, (size_t)pool->nsolvables, sizeof *s->recommends);
    FOR_POOL_SOLVABLES(p)
    {
        s->recommends[p] = pool->solvables[p].recommends;
        pool->solvables[p].recommends = 0;
    }
}

void solve_consider(struct solve *s, const struct solve_request *r)
{
    pool_freewhatprovides(s->pool);
    s->pool->considered = NULL;
    map_free(&s->considered);
    map_init(&s->considered, s->pool->nsolvables);
    if (s->one_version)
        consider_best(s);
    else
        consider_all(s, r);
    exclude(s, r);
    solve_recommends(s, r->weak || !s->one_version);
    s->pool->considered = &s->considered;
    pool_createwhatprovides(s->pool);
}

static int priority_rank(struct solve *s, Id p)
{
    static const char *const order[] = {"required", "important", "standard", "optional"};
    const char *word = pool_lookup_str(s->pool, p, pool_str2id(s->pool, SOLVE_KEY_PRIORITY, 1));
    for (int i = 0; word != NULL && i < 4; i++)
        if (strcmp(word, order[i]) == 0)
            return i;
    return 4;
}

static size_t prefer_rank(const struct solve_request *r, const char *name)
{
    for (size_t i = 0; i < r->nprefer; i++)
        if (strcmp(r->prefer[i], name) == 0)
            return i;
    return r->nprefer;
}

/* True when provider a of a virtual name comes before b. */
static bool provider_before(struct solve *s, const struct solve_request *r, Id a, Id b)
{
    const char *x = pool_id2str(s->pool, pool_id2solvable(s->pool, a)->name);
    const char *y = pool_id2str(s->pool, pool_id2solvable(s->pool, b)->name);
    if (strcmp(x, y) == 0)
        return better(s, a, b);
    size_t px = prefer_rank(r, x), py = prefer_rank(r, y);
    if (px != py)
        return px < py;
    int rx = priority_rank(s, a), ry = priority_rank(s, b);
    return rx != ry ? rx < ry : strcmp(x, y) < 0;
}

/* The name that a simple relation is about. */
static Id atom_name(Pool *pool, Id atom)
{
    while (ISRELDEP(atom))
        atom = GETRELDEP(pool, atom)->name;
    return atom;
}

static Id pick_atom(struct solve *s, const struct solve_request *r, Id atom, const Map *allowed,
                    const Map *banned)
{
    Pool *pool = s->pool;
    Id p, pp, best = 0, name = atom_name(pool, atom);
    bool best_own = false;
    FOR_PROVIDES(p, pp, atom)
    {
        bool own = pool->solvables[p].name == name;
        if ((allowed != NULL && !MAPTST(allowed, p)) || (banned != NULL && MAPTST(banned, p)))
            continue;
        if (best == 0 || (own && !best_own) || (own == best_own && provider_before(s, r, p, best))) {
            best = p;
            best_own = own;
        }
    }
    return best;
}

Id solve_pick(struct solve *s, const struct solve_request *r, Id dep, const Map *allowed, const Map *banned)
{
    while (ISRELDEP(dep) && GETRELDEP(s->pool, dep)->flags == REL_OR) {
        Id p = solve_pick(s, r, GETRELDEP(s->pool, dep)->name, allowed, banned);
        if (p != 0)
            return p;
        dep = GETRELDEP(s->pool, dep)->evr;
    }
    return pick_atom(s, r, dep, allowed, banned);
}

struct wish {
    Map in;
    Queue *chosen; /* worked off from `next` on */
    int next;
    Queue deferred; /* relations with a choice, first come first */
    int next_deferred;
};

static void wish_add(struct wish *w, Id p)
{
    if (MAPTST(&w->in, p))
        return;
    MAPSET(&w->in, p);
    queue_push(w->chosen, p);
}

/* Takes the relation's only provider; with several the choice waits until all that must come has come. */
static void wish_relation(struct solve *s, struct wish *w, Id dep, const Map *banned)
{
    Pool *pool = s->pool;
    Id p, pp, only = 0;
    int n = 0;
    FOR_PROVIDES(p, pp, dep)
    {
        if (MAPTST(&w->in, p))
            return;
        if (!MAPTST(banned, p)) {
            only = p;
            n++;
        }
    }
    if (n == 1)
        wish_add(w, only);
    else if (n > 1)
        queue_push(&w->deferred, dep);
}

static void wish_array(struct solve *s, struct wish *w, const Solvable *x, Offset deps, const Map *banned)
{
    if (deps == 0)
        return;
    for (const Id *d = x->repo->idarraydata + deps; *d != 0; d++)
        if (*d != SOLVABLE_PREREQMARKER)
            wish_relation(s, w, *d, banned);
}

static bool wish_fulfilled(struct solve *s, const struct wish *w, Id dep)
{
    Pool *pool = s->pool;
    Id p, pp;
    FOR_PROVIDES(p, pp, dep)
    {
        if (MAPTST(&w->in, p))
            return true;
    }
    return false;
}

void solve_wish(struct solve *s, const struct solve_request *r, const Map *banned, Queue *wishes)
{
    struct wish w = {.chosen = wishes};
    map_init(&w.in, s->pool->nsolvables);
    queue_init(&w.deferred);
    queue_empty(wishes);
    for (size_t i = 0; i < s->nasks; i++)
        wish_add(&w, s->asks[i].p);
    for (;;) {
        if (w.next < wishes->count) {
            const Solvable *x = pool_id2solvable(s->pool, wishes->elements[w.next]);
            solve_sort(s->pool, wishes->elements[w.next++]);
            wish_array(s, &w, x, x->requires, banned);
            wish_array(s, &w, x, x->recommends, banned);
        } else if (w.next_deferred < w.deferred.count) {
            Id dep = w.deferred.elements[w.next_deferred++];
            Id p = wish_fulfilled(s, &w, dep) ? 0 : solve_pick(s, r, dep, NULL, banned);
            if (p != 0)
                wish_add(&w, p);
        } else {
            break;
        }
    }
    queue_free(&w.deferred);
    map_free(&w.in);
}
