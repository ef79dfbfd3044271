/* How much libsolv would have to do: it makes a rule of each relation with all its providers, and gives up
   with abort(3) when memory runs out. */
#include "pkgfmt/solve_impl.h"

/* Pairs of relation and provider that what is asked for can lead to; a desktop with all that it recommends
 * comes to some 100,000. */
enum { PAIRS_MAX = 10000000 };

struct reach {
    struct solve *s;
    Map seen;
    Queue todo;
    long pairs;
};

static void reach_add(struct reach *w, Id p)
{
    if (MAPTST(&w->seen, p))
        return;
    MAPSET(&w->seen, p);
    queue_push(&w->todo, p);
}

static void follow(struct reach *w, const Solvable *x, Offset deps, bool wanted)
{
    Pool *pool = w->s->pool;
    Id p, pp;
    if (deps == 0)
        return;
    for (const Id *d = x->repo->idarraydata + deps; *d != 0 && w->pairs <= PAIRS_MAX; d++) {
        if (*d == SOLVABLE_PREREQMARKER)
            continue;
        FOR_PROVIDES(p, pp, *d)
        {
            w->pairs++;
            if (wanted)
                reach_add(w, p);
        }
    }
}

static void reach_ask(struct reach *w, const struct solve_ask *ask)
{
    Pool *pool = w->s->pool;
    Id p, pp;
    if (ask->dep == 0) {
        reach_add(w, ask->p);
        return;
    }
    FOR_PROVIDES(p, pp, ask->dep)
    {
        reach_add(w, p);
    }
}

int solve_check_size(struct solve *s, struct err *e)
{
    struct reach w = {.s = s};
    map_init(&w.seen, s->pool->nsolvables);
    queue_init(&w.todo);
    for (size_t i = 0; i < s->nasks; i++)
        reach_ask(&w, &s->asks[i]);
    for (int i = 0; i < w.todo.count && w.pairs <= PAIRS_MAX; i++) {
        const Solvable *x = pool_id2solvable(s->pool, w.todo.elements[i]);
        follow(&w, x, x->requires, true);
        follow(&w, x, x->recommends, true);
        follow(&w, x, x->conflicts, false);
    }
    long pairs = w.pairs;
    map_free(&w.seen);
    queue_free(&w.todo);
    log_debug(s->log, "solver: %ld pairs of relation and provider", pairs);
    if (pairs <= PAIRS_MAX)
        return 0;
    err_set(e, ERR_SOLVE, "the packages have more than %d relations to solve", PAIRS_MAX);
    return err_hint(e, "leave out the repository with so many of them");
}
