/* A package's relations in one order: libsolv writes them down in another one than it was given, and what a
   plan is, or what is said of it, would depend on whether its index came from the cache. */
#include <solv/util.h>

#include "pkgfmt/solve_impl.h"

static const char *first_name(const Pool *pool, Id dep)
{
    while (ISRELDEP(dep))
        dep = GETRELDEP(pool, dep)->name;
    return pool_id2str(pool, dep);
}

/* By their text, not by their ids. */
static int cmp_dep(const void *a, const void *b, void *arg)
{
    Pool *pool = arg;
    Id x = *(const Id *)a, y = *(const Id *)b;
    while (x != y) {
        int c = strcmp(first_name(pool, x), first_name(pool, y));
        if (c != 0 || !ISRELDEP(x) || !ISRELDEP(y))
            return c != 0 ? c : (ISRELDEP(x) != 0) - (ISRELDEP(y) != 0);
        const Reldep *rx = GETRELDEP(pool, x), *ry = GETRELDEP(pool, y);
        if ((c = cmp_dep(&rx->name, &ry->name, pool)) != 0 || rx->flags != ry->flags)
            return c != 0 ? c : rx->flags < ry->flags ? -1 : 1;
        x = rx->evr;
        y = ry->evr;
    }
    return 0;
}

static int count(const Id *array)
{
    int n = 0;
    while (array[n] != 0)
        n++;
    return n;
}

/* Requires come first in what the index kept, Recommends last. */
static bool restore(Pool *pool, const Solvable *x, Id *array, bool recommends)
{
    Id key = pool_str2id(pool, SOLVE_KEY_ORDER, 0);
    Queue kept;
    int n = count(array);
    queue_init(&kept);
    if (key != 0)
        pool_lookup_idarray(pool, (Id)(x - pool->solvables), key, &kept);
    bool whole = kept.count >= n && kept.count > 0;
    if (whole)
        memcpy(array, kept.elements + (recommends ? kept.count - n : 0), (size_t)n * sizeof *array);
    queue_free(&kept);
    return whole;
}

static void sort_parts(Pool *pool, Id *array)
{
    for (int n = 0;; array += n + 1) {
        for (n = 0; array[n] != 0 && array[n] != SOLVABLE_PREREQMARKER;)
            n++;
        if (n > 1)
            solv_sort(array, (size_t)n, sizeof *array, cmp_dep, pool);
        if (array[n] == 0)
            return;
    }
}

static void sort(Pool *pool, const Solvable *x, Offset deps, bool recommends)
{
    Id *array = x->repo->idarraydata + deps;
    if (deps != 0 && !restore(pool, x, array, recommends))
        sort_parts(pool, array);
}

void solve_sort(Pool *pool, int package)
{
    const Solvable *x = pool_id2solvable(pool, package);
    sort(pool, x, x->requires, false);
    sort(pool, x, x->recommends, true);
    for (int i = 0; i < 3; i++) {
        Offset deps = i == 0 ? x->conflicts : i == 1 ? x->obsoletes : x->supplements;
        if (deps != 0)
            sort_parts(pool, x->repo->idarraydata + deps);
    }
}

void solve_sort_all(Pool *pool)
{
    Id p;
    FOR_POOL_SOLVABLES(p)
    {
        solve_sort(pool, p);
    }
}
