/* Groups of packages that the request can name. */
#include "pkgfmt/solve_impl.h"

const struct solve_group *solve_group_find(const struct solve *s, const char *id)
{
    for (const struct solve_group *g = s->groups; g != NULL; g = g->next)
        if (strcmp(g->id, id) == 0)
            return g;
    return NULL;
}

static struct solve_group *group_of(struct solve *s, const char *id)
{
    if (s->last_group != NULL && strcmp(s->last_group->id, id) == 0)
        return s->last_group;
    struct solve_group *g = s->groups;
    while (g != NULL && strcmp(g->id, id) != 0)
        g = g->next;
    if (g == NULL) {
        g = arena_alloc(&s->arena, sizeof *g);
        *g = (struct solve_group){.id = arena_dup(&s->arena, id), .end = &g->members, .next = s->groups};
        s->groups = g;
    }
    s->last_group = g;
    return g;
}

void solve_group_add(struct solve *s, const char *id, struct str member, struct str requires, bool is_group)
{
    struct solve_group *g = group_of(s, id);
    if (member.n == 0)
        return;
    struct solve_member *m = arena_alloc(&s->arena, sizeof *m);
    *m = (struct solve_member){.name = arena_str(&s->arena, member), .is_group = is_group};
    if (requires.n > 0)
    m->requires = arena_str(&s->arena, requires);
    *g->end = m;
    g->end = &m->next;
}
