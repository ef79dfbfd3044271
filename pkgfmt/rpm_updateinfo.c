#include "pkgfmt/rpm_updateinfo.h"

#include <solv/evr.h>
#include <solv/pool.h>
#include <solv/util.h>
#include <stdlib.h>

#include "base/mem.h"
#include "pkgfmt/rpm_relation.h"

enum { ADVISED_MAX = 5000000 };

/* Packages that security advisories list. */
struct rpm_advised {
    struct one {
        Id name, evr, arch;
    } * v;
    size_t n, cap;
};

static int cmp_one(const void *a, const void *b)
{
    const struct one *x = a, *y = b;
    if (x->name != y->name)
        return x->name < y->name ? -1 : 1;
    if (x->arch != y->arch)
        return x->arch < y->arch ? -1 : 1;
    return (x->evr > y->evr) - (x->evr < y->evr);
}

static bool is_advised(const struct rpm_advised *a, const Solvable *s)
{
    struct one key = {s->name, s->evr, s->arch};
    return a != NULL && a->n > 0 && bsearch(&key, a->v, a->n, sizeof key, cmp_one) != NULL;
}

/* By name and architecture, the oldest version first. */
static int cmp_package(const void *a, const void *b, void *pool)
{
    const Solvable *x = pool_id2solvable(pool, *(const Id *)a), *y = pool_id2solvable(pool, *(const Id *)b);
    if (x->name != y->name)
        return x->name < y->name ? -1 : 1;
    if (x->arch != y->arch)
        return x->arch < y->arch ? -1 : 1;
    return pool_evrcmp(pool, x->evr, y->evr, EVRCMP_COMPARE);
}

static void hide_unadvised(struct solve *s, const struct solve_request *r, void *arg)
{
    const struct rpm_advised *advised = rpm_index_of(s)->advised;
    Pool *pool = solve_pool(s);
    Id p, *ids = mem_alloc((size_t)pool->nsolvables * sizeof *ids);
    size_t n = 0;
    (void)arg;
    FOR_POOL_SOLVABLES(p)
    {
        if (r->security)
            ids[n++] = p;
    }
    if (n > 1)
        solv_sort(ids, n, sizeof *ids, cmp_package, pool);
    for (size_t i = 0, first = 0; i < n; i++) {
        const Solvable *x = pool_id2solvable(pool, ids[i]), *oldest = pool_id2solvable(pool, ids[first]);
        if (x->name != oldest->name || x->arch != oldest->arch)
            first = i;
        else if (pool_evrcmp(pool, x->evr, oldest->evr, EVRCMP_COMPARE) > 0 && !is_advised(advised, x))
            solve_hide(s, ids[i]);
    }
    free(ids);
}

void rpm_updateinfo_rule(struct solve *s)
{
    struct rpm_index *own = rpm_index_of(s);
    if (!own->update_rule)
        solve_rule(s, hide_unadvised, NULL);
    own->update_rule = true;
}

static void free_advised(void *arg)
{
    struct rpm_advised *a = arg;
    free(a->v);
}

static struct rpm_advised *advised_of(struct solve *s)
{
    struct rpm_index *own = rpm_index_of(s);
    if (own->advised == NULL) {
        own->advised = arena_alloc(solve_arena(s), sizeof *own->advised);
        solve_defer(s, free_advised, own->advised);
    }
    return own->advised;
}

static void add(struct rpm_advised *a, struct one one)
{
    if (a->n == a->cap) {
        a->cap = a->cap ? 2 * a->cap : 256;
        a->v = mem_grow(a->v, a->cap, sizeof *a->v);
    }
    a->v[a->n++] = one;
}

/* <package name= epoch= version= release= arch=> */
static int read_package(struct solve *s, struct xml *x, struct err *e)
{
    struct rpm_advised *a = advised_of(s);
    Pool *pool = solve_pool(s);
    struct str name = xml_attr(x, "name"), arch = xml_attr(x, "arch");
    Id evr = rpm_relation_evr(pool, xml_attr(x, "epoch"), xml_attr(x, "version"), xml_attr(x, "release"));
    if (a->n == ADVISED_MAX)
        return xml_error(x, e, "more than %d packages in advisories", ADVISED_MAX);
    if (evr != 0 && rpm_relation_name_ok(name) && rpm_relation_name_ok(arch))
        add(a, (struct one){pool_strn2id(pool, name.p, (unsigned)name.n, 1), evr,
                            pool_strn2id(pool, arch.p, (unsigned)arch.n, 1)});
    return xml_skip(x, e);
}

/* All <package> elements below the last XML_OPEN. */
static int read_update(struct solve *s, struct xml *x, struct err *e)
{
    unsigned depth = x->depth;
    for (;;) {
        int rc = xml_next(x, e);
        if (rc < 0)
            return -1;
        if (rc == XML_CLOSE && x->depth < depth)
            return 0;
        if (rc == XML_OPEN && str_is(xml_local(x->name), "package") && read_package(s, x, e) < 0)
            return -1;
    }
}

int rpm_updateinfo_parse(struct solve *s, struct rpm_index_file *f, struct err *e)
{
    struct xml *x = &f->xml;
    int rc = rpm_index_file_root(f, "updates", e);
    while (rc == 0 && (rc = xml_next(x, e)) == XML_OPEN) {
        bool wanted = str_is(xml_local(x->name), "update") && str_is(xml_attr(x, "type"), "security");
        rc = wanted ? read_update(s, x, e) : xml_skip(x, e);
    }
    if (rc == XML_TEXT)
        return xml_error(x, e, "text where <update> was expected");
    if (rc < 0 || xml_next(x, e) < 0)
        return -1;
    struct rpm_advised *a = advised_of(s);
    if (a->n > 1)
        qsort(a->v, a->n, sizeof *a->v, cmp_one);
    return 0;
}
