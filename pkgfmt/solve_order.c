#include <solv/util.h>
#include <stdlib.h>

#include "base/mem.h"
#include "pkgfmt/solve_impl.h"

/* Which edges may be cut to break a cycle: the weakest first. */
enum strength { BY_DEPENDS = 1, BY_PRE_DEPENDS, BY_REPLACES, UNORDERED };

struct edge {
    int to; /* comes before the node */
    enum strength strength;
};

struct node {
    Id p;
    struct edge *edges;
    int nedges, cap;
    int group;      /* nodes of one group are being ordered among themselves; -1: placed */
    int index, low; /* Tarjan's; index 0: not visited */
    bool on_stack;
};

struct order {
    struct solve *s;
    struct node *nodes; /* by name */
    int n, groups;
    int *node_of; /* by package; -1: not in the result */
    Id key_replaces;
    Queue *out;
};

static void add_edge(struct node *n, int to, enum strength strength)
{
    if (n->nedges == n->cap) {
        n->cap = n->cap ? 2 * n->cap : 8;
        n->edges = mem_grow(n->edges, (size_t)n->cap, sizeof *n->edges);
    }
    n->edges[n->nedges++] = (struct edge){to, strength};
}

static void add_requires(struct order *o, int at)
{
    Pool *pool = o->s->pool;
    const Solvable *x = pool_id2solvable(pool, o->nodes[at].p);
    enum strength strength = BY_DEPENDS;
    Id p, pp;
    if (x->requires == 0)
        return;
    for (const Id *d = x->repo->idarraydata + x->requires; *d != 0; d++) {
        if (*d == SOLVABLE_PREREQMARKER) {
            strength = BY_PRE_DEPENDS;
            continue;
        }
        FOR_PROVIDES(p, pp, *d)
        {
            if (o->node_of[p] >= 0 && o->node_of[p] != at)
                add_edge(&o->nodes[at], o->node_of[p], strength);
        }
    }
}

/* The replaced package comes after the one that replaces some of its files. */
static void add_replaces(struct order *o, int at)
{
    Pool *pool = o->s->pool;
    Queue replaces;
    Id p, pp;
    queue_init(&replaces);
    pool_lookup_idarray(pool, o->nodes[at].p, o->key_replaces, &replaces);
    for (int i = 0; i < replaces.count; i++) {
        FOR_PROVIDES(p, pp, replaces.elements[i])
        {
            if (o->node_of[p] >= 0 && o->node_of[p] != at &&
                pool_match_nevr(pool, pool_id2solvable(pool, p), replaces.elements[i]))
                add_edge(&o->nodes[o->node_of[p]], at, BY_REPLACES);
        }
    }
    queue_free(&replaces);
}

static int cmp_edge(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    return x->to != y->to ? (x->to > y->to) - (x->to < y->to) : (int)x->strength - (int)y->strength;
}

static int cmp_name(const void *a, const void *b, void *pool)
{
    Pool *pl = pool;
    const Solvable *x = pool_id2solvable(pl, ((const struct node *)a)->p);
    const Solvable *y = pool_id2solvable(pl, ((const struct node *)b)->p);
    int c = strcmp(pool_id2str(pl, x->name), pool_id2str(pl, y->name));
    if (c == 0)
        c = strcmp(pool_id2str(pl, x->arch), pool_id2str(pl, y->arch));
    return c != 0 ? c : strcmp(pool_id2str(pl, x->evr), pool_id2str(pl, y->evr));
}

/* A depth-first walk over the group's edges of at least the given strength, without recursion: chains of
   packages may be as long as an index makes them. */
struct walk {
    int *stack, nstack; /* Tarjan's */
    struct step {
        int node, edge;
    } * path;
    int npath, counter;
};

static void place(struct order *o, const int *members, int n, enum strength strength);

static void enter(struct order *o, struct walk *w, int at)
{
    struct node *n = &o->nodes[at];
    n->index = n->low = ++w->counter;
    n->on_stack = true;
    w->stack[w->nstack++] = at;
    w->path[w->npath++] = (struct step){at, 0};
}

/* The nodes on the stack from `at` up are a cycle, or one node. */
static void leave(struct order *o, struct walk *w, int at, enum strength strength)
{
    int first = w->nstack;
    do {
        first--;
        o->nodes[w->stack[first]].on_stack = false;
    } while (w->stack[first] != at);
    int n = w->nstack - first, *members = w->stack + first;
    w->nstack = first;
    if (n == 1) {
        queue_push(o->out, o->nodes[at].p);
        o->nodes[at].group = -1;
        return;
    }
    /* Last found first: what the others depend on comes early as far as the stronger edges let it. */
    for (int i = 0; i < n / 2; i++) {
        int other = members[i];
        members[i] = members[n - 1 - i];
        members[n - 1 - i] = other;
    }
    place(o, members, n, strength + 1);
}

static void walk_from(struct order *o, struct walk *w, int root, int group, enum strength strength)
{
    enter(o, w, root);
    while (w->npath > 0) {
        struct step *step = &w->path[w->npath - 1];
        struct node *n = &o->nodes[step->node];
        if (step->edge < n->nedges) {
            const struct edge *edge = &n->edges[step->edge++];
            const struct node *to = &o->nodes[edge->to];
            if (edge->strength < strength || to->group != group)
                continue;
            if (to->index == 0)
                enter(o, w, edge->to);
            else if (to->on_stack && to->index < n->low)
                n->low = to->index;
            continue;
        }
        int at = step->node;
        if (--w->npath > 0) {
            struct node *parent = &o->nodes[w->path[w->npath - 1].node];
            parent->low = n->low < parent->low ? n->low : parent->low;
        }
        if (n->low == n->index)
            leave(o, w, at, strength);
    }
}

/* Appends the members so that what comes before each by edges of this strength and more is
   placed first; within a cycle the weakest edges are left out. */
static void place(struct order *o, const int *members, int n, enum strength strength)
{
    struct walk w = {0};
    int group = ++o->groups, *mine = mem_alloc((size_t)n * sizeof *mine);
    memcpy(mine, members, (size_t)n * sizeof *mine);
    w.stack = mem_alloc((size_t)n * sizeof *w.stack);
    w.path = mem_alloc((size_t)n * sizeof *w.path);
    for (int i = 0; i < n; i++) {
        o->nodes[mine[i]].group = group;
        o->nodes[mine[i]].index = 0;
    }
    for (int i = 0; i < n; i++) {
        if (strength == UNORDERED)
            queue_push(o->out, o->nodes[mine[i]].p);
        else if (o->nodes[mine[i]].group == group && o->nodes[mine[i]].index == 0)
            walk_from(o, &w, mine[i], group, strength);
    }
    free(w.path);
    free(w.stack);
    free(mine);
}

static void make_nodes(struct order *o, const Queue *result)
{
    Pool *pool = o->s->pool;
    o->n = result->count;
    o->nodes = mem_alloc((size_t)o->n * sizeof *o->nodes);
    o->node_of = mem_alloc((size_t)pool->nsolvables * sizeof *o->node_of);
    for (int i = 0; i < o->n; i++)
        o->nodes[i].p = result->elements[i];
    solv_sort(o->nodes, (size_t)o->n, sizeof *o->nodes, cmp_name, pool);
    for (int i = 0; i < pool->nsolvables; i++)
        o->node_of[i] = -1;
    for (int i = 0; i < o->n; i++)
        o->node_of[o->nodes[i].p] = i;
    for (int i = 0; i < o->n; i++) {
        add_requires(o, i);
        add_replaces(o, i);
    }
    for (int i = 0; i < o->n; i++)
        if (o->nodes[i].nedges > 1)
            qsort(o->nodes[i].edges, (size_t)o->nodes[i].nedges, sizeof(struct edge), cmp_edge);
}

void solve_order(struct solve *s)
{
    struct order o = {.s = s, .key_replaces = pool_str2id(s->pool, SOLVE_KEY_REPLACES, 1), .out = &s->result};
    int n = s->result.count, *all = mem_alloc((size_t)(n + 1) * sizeof *all);
    make_nodes(&o, &s->result);
    for (int i = 0; i < n; i++)
        all[i] = i;
    queue_empty(&s->result);
    place(&o, all, n, BY_DEPENDS);
    for (int i = 0; i < n; i++)
        free(o.nodes[i].edges);
    free(o.nodes);
    free(o.node_of);
    free(all);
}
