#include "mirrors/transfer_source.h"

#include <stdlib.h>
#include <strings.h>

#include "base/mem.h"

static struct transfer_host *host_get(struct transfer_sources *s, const char *url)
{
    const char *authority = strstr(url, "://");
    size_t n = authority ? (size_t)(authority - url) + 3 : 0;
    n += strcspn(url + n, "/");
    for (size_t i = 0; i < s->nhosts; i++)
        if (strlen(s->hosts[i]->name) == n && strncasecmp(s->hosts[i]->name, url, n) == 0)
            return s->hosts[i];
    struct transfer_host *h = arena_alloc(&s->arena, sizeof *h);
    h->name = arena_str(&s->arena, (struct str){url, n});
    s->hosts = mem_grow(s->hosts, s->nhosts + 1, sizeof *s->hosts);
    s->hosts[s->nhosts++] = h;
    return h;
}

struct transfer_source *transfer_source_get(struct transfer_sources *s, const char *url)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->all[i]->url, url) == 0)
            return s->all[i];
    struct transfer_source *src = arena_alloc(&s->arena, sizeof *src);
    src->url = arena_dup(&s->arena, url);
    src->shown = mirror_public(url, &s->arena);
    src->local = strncasecmp(url, "file:", 5) == 0;
    src->host = host_get(s, url);
    s->all = mem_grow(s->all, s->n + 1, sizeof *s->all);
    s->all[s->n++] = src;
    return src;
}

void transfer_sources_free(struct transfer_sources *s)
{
    free(s->all);
    free(s->hosts);
    arena_free(&s->arena);
    *s = (struct transfer_sources){0};
}
