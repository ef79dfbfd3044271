#include "base/str_list.h"

#include <stdlib.h>

#include "base/mem.h"

void str_list_add(struct str_list *l, struct str s)
{
    if (l->n == l->cap) {
        l->cap = l->cap * 2 + 16;
        l->v = mem_grow(l->v, l->cap, sizeof *l->v);
    }
    l->v[l->n++] = s;
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

void str_list_sort(struct str_list *l)
{
    if (l->n > 0)
        qsort(l->v, l->n, sizeof *l->v, by_bytes);
}

bool str_list_has(const struct str_list *l, struct str s)
{
    return l->n > 0 && bsearch(&s, l->v, l->n, sizeof s, by_bytes) != NULL;
}

void str_list_free(struct str_list *l)
{
    free(l->v);
    *l = (struct str_list){0};
}
