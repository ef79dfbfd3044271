/* Whether files matter that no package is known to have. */
#include <solv/evr.h>
#include <stdlib.h>

#include "base/mem.h"
#include "pkgfmt/solve_impl.h"

/* As many pairs of relation and provider are looked at; solving would refuse them. */
enum { PAIRS_MAX = 10000000 };

struct lack {
    struct solve *s;
    const struct solve_request *r;
    bool (*listed)(const char *path);
    Map newest; /* of each name and architecture: older ones are hardly ever taken */
    Map seen;
    Queue todo;
    bool found;
    long pairs;
};

static bool lacks(struct lack *l, Id name)
{
    const char *text = pool_id2str(l->s->pool, name);
    return text[0] == '/' && !l->listed(text) && *pool_whatprovides_ptr(l->s->pool, name) == 0;
}

static void look_at(struct lack *l, Id dep)
{
    Pool *pool = l->s->pool;
    while (!l->found && ISRELDEP(dep)) {
        const Reldep *rel = GETRELDEP(pool, dep);
        if (rel->flags > 7) /* a boolean one: both sides are relations */
            look_at(l, rel->evr);
        dep = rel->name;
    }
    l->found |= !ISRELDEP(dep) && lacks(l, dep);
}

static void reach(struct lack *l, Id p)
{
    if (MAPTST(&l->seen, p) || !MAPTST(&l->newest, p))
        return;
    MAPSET(&l->seen, p);
    queue_push(&l->todo, p);
}

static void follow(struct lack *l, const Solvable *x, Offset deps)
{
    Pool *pool = l->s->pool;
    Id p, pp;
    for (const Id *d = deps != 0 ? x->repo->idarraydata + deps : NULL;
         d != NULL && *d != 0 && l->pairs <= PAIRS_MAX; d++) {
        if (*d == SOLVABLE_PREREQMARKER)
            continue;
        look_at(l, *d);
        FOR_PROVIDES(p, pp, *d)
        {
            reach(l, p);
            l->pairs++;
        }
    }
}

static void mark_newest(struct lack *l)
{
    Pool *pool = l->s->pool;
    Id p, *newest = mem_alloc((size_t)pool->ss.nstrings * sizeof *newest);
    FOR_POOL_SOLVABLES(p)
    {
        const Solvable *x = pool_id2solvable(pool, p), *y;
        Id q = newest[x->name];
        if (!MAPTST(&l->s->considered, p))
            continue;
        y = pool_id2solvable(pool, q);
        if (q != 0 && y->arch != x->arch)
            MAPSET(&l->newest, p); /* of another architecture: counts anyway */
        else if (q == 0 || pool_evrcmp(pool, x->evr, y->evr, EVRCMP_COMPARE) > 0)
            newest[x->name] = p;
    }
    for (Id name = 1; name < pool->ss.nstrings; name++)
        if (newest[name] != 0)
            MAPSET(&l->newest, newest[name]);
    free(newest);
}

/* A path among the words is asked for itself: it must be known as one to be found in a list of files. */
static void look_at_words(struct lack *l, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (words[i][0] == '/')
            l->found |= lacks(l, pool_str2id(l->s->pool, words[i], 1));
}

static void walk(struct lack *l)
{
    Pool *pool = l->s->pool;
    Id p, pp;
    for (size_t i = 0; i < l->s->nasks; i++) {
        const struct solve_ask *ask = &l->s->asks[i];
        if (ask->p != 0) {
            MAPSET(&l->newest, ask->p);
            reach(l, ask->p);
        }
        if (ask->dep == 0)
            continue;
        FOR_PROVIDES(p, pp, ask->dep)
        {
            reach(l, p);
        }
    }
    for (int i = 0; i < l->todo.count && !l->found; i++) {
        const Solvable *x = pool_id2solvable(pool, l->todo.elements[i]);
        follow(l, x, x->requires);
        if (l->r->weak)
            follow(l, x, x->recommends);
    }
}

bool solve_lacks_file(struct solve *s, const struct solve_request *r, bool (*listed)(const char *path))
{
    struct lack l = {.s = s, .r = r, .listed = listed};
    struct err ignored; /* what is wrong with the request is said when it is solved */
    if (s->abandoned)
        return false;
    const struct log *log = s->log;
    arena_free(&s->run);
    s->log = NULL; /* solving says the same again */
    solve_consider(s, r);
    map_init(&l.newest, s->pool->nsolvables);
    map_init(&l.seen, s->pool->nsolvables);
    queue_init(&l.todo);
    look_at_words(&l, r->set, r->nset);
    look_at_words(&l, r->include, r->ninclude);
    if (!l.found && solve_asks(s, r, &ignored) == 0) {
        mark_newest(&l);
        walk(&l);
    }
    s->log = log;
    queue_free(&l.todo);
    map_free(&l.seen);
    map_free(&l.newest);
    return l.found;
}
