#include "cmd/changes.h"

#include <stdlib.h>
#include <string.h>

const char *change_name(enum change_kind k)
{
    static const char *const names[] = {
        [CHANGE_NONE] = "unchanged",    [CHANGE_ADDED] = "added",           [CHANGE_REMOVED] = "removed",
        [CHANGE_UPGRADED] = "upgraded", [CHANGE_DOWNGRADED] = "downgraded", [CHANGE_REBUILT] = "rebuilt"};
    return names[k];
}

static int by_name(const void *a, const void *b)
{
    const struct plan_pkg *x = *(const struct plan_pkg *const *)a, *y = *(const struct plan_pkg *const *)b;
    int c = strcmp(x->name, y->name);
    return c != 0 ? c : strcmp(x->arch, y->arch);
}

static const struct plan_pkg **sorted(const struct plan *p, struct arena *a)
{
    const struct plan_pkg **v = arena_array(a, p->n + 1, sizeof *v);
    for (size_t i = 0; i < p->n; i++)
        v[i] = &p->pkgs[i];
    qsort(v, p->n, sizeof *v, by_name);
    return v;
}

/* An index may have begun to give a stronger digest: of two kinds nothing can be said but by the size. */
static bool same_bytes(const struct plan_pkg *a, const struct plan_pkg *b)
{
    if (a->digest.kind != b->digest.kind)
        return a->size == b->size;
    return digest_eq(&a->digest, &b->digest);
}

static enum change_kind kind_of(const struct plan_pkg *old, const struct plan_pkg *now, struct solve *s)
{
    if (old == NULL)
        return CHANGE_ADDED;
    if (now == NULL)
        return CHANGE_REMOVED;
    int order = solve_compare(s, old->version, now->version);
    if (order != 0)
        return order < 0 ? CHANGE_UPGRADED : CHANGE_DOWNGRADED;
    return same_bytes(old, now) ? CHANGE_NONE : CHANGE_REBUILT;
}

static void note(struct changes *out, const struct plan_pkg *old, const struct plan_pkg *now, struct solve *s)
{
    enum change_kind kind = kind_of(old, now, s);
    out->count[kind]++;
    if (kind == CHANGE_NONE)
        return;
    out->v[out->n++] = (struct change){kind, old, now};
    if (now != NULL)
        out->download += now->size;
}

/* So many have the first one's name. */
static size_t namesakes(const struct plan_pkg *const *v, size_t n)
{
    size_t i = 0;
    while (i < n && strcmp(v[i]->name, v[0]->name) == 0)
        i++;
    return i;
}

/* Packages of one name: those of one architecture belong together, then any two that are left. */
static void note_name(struct changes *out, const struct plan_pkg **old, size_t nold,
                      const struct plan_pkg **now, size_t nnow, struct solve *s)
{
    for (size_t i = 0; i < nold; i++)
        for (size_t k = 0; old[i] != NULL && k < nnow; k++)
            if (now[k] != NULL && strcmp(old[i]->arch, now[k]->arch) == 0) {
                note(out, old[i], now[k], s);
                old[i] = now[k] = NULL;
            }
    for (size_t i = 0, k = 0; i < nold || k < nnow;) {
        if (i < nold && old[i] == NULL)
            i++;
        else if (k < nnow && now[k] == NULL)
            k++;
        else {
            note(out, i < nold ? old[i] : NULL, k < nnow ? now[k] : NULL, s);
            i += i < nold;
            k += k < nnow;
        }
    }
}

void changes_find(const struct plan *old, const struct plan *now, struct solve *s, struct arena *a,
                  struct changes *out)
{
    const struct plan_pkg **x = sorted(old, a), **y = sorted(now, a);
    size_t i = 0, k = 0;
    *out = (struct changes){.v = arena_array(a, old->n + now->n + 1, sizeof *out->v)};
    while (i < old->n || k < now->n) {
        int order = i == old->n ? 1 : k == now->n ? -1 : strcmp(x[i]->name, y[k]->name);
        size_t nx = order <= 0 ? namesakes(x + i, old->n - i) : 0;
        size_t ny = order >= 0 ? namesakes(y + k, now->n - k) : 0;
        note_name(out, x + i, nx, y + k, ny, s);
        i += nx;
        k += ny;
    }
}
