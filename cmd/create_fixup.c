#include <string.h>

#include "base/auto.h"
#include "cmd/create_stages.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The URL that the root's own sources name for a repository. */
static const char *target_url(struct job *j, const struct create_plan *p, const struct source *s)
{
    const char *want = j->opt.target_mirror;
    if (want == NULL)
        return s->urls.configured;
    if (strcmp(want, "canonical") == 0)
        return s->urls.canonical;
    return p->fmt->suite_is_path ? mirror_join(want, s->query.suite, &j->arena) : want;
}

/* One URL given with --target-mirror is for the main list; the others keep their configured ones. */
static const char *source_url(struct job *j, const struct create_plan *p, const struct source *s)
{
    const char *want = j->opt.target_mirror;
    bool main_list = strcmp(s->repo->mirrors, p->sources[0].repo->mirrors) == 0;
    if (want != NULL && strcmp(want, "canonical") != 0 && !main_list)
        return s->urls.configured;
    return target_url(j, p, s);
}

/* A repository with a key of its own gets a keyring beside the distribution's. */
static const char *keyring_path(struct job *j, const struct create_plan *p, const struct source *s)
{
    const char *id = s->repo->id, *slash = strrchr(p->release.signed_by, '/');
    if (s->keys.n == 0 || slash == NULL)
        return p->release.signed_by;
    return arena_printf(&j->arena, "%.*s/%s.%s", (int)(slash - p->release.signed_by), p->release.signed_by,
                        id, str_starts(s->keys, STR("-----BEGIN")) ? "asc" : "gpg");
}

/* Whether a package of the plan brings the sources for the recipe's repositories, of which this is one. */
static bool is_shipped(const struct create_plan *p, const struct source *s)
{
    const struct distro_words *ship = &p->release.ship_sources;
    for (size_t i = 0; !s->repo->extra && i < p->plan.n; i++)
        for (size_t k = 0; k < ship->n; k++)
            if (strcmp(p->plan.pkgs[i].name, ship->v[k]) == 0)
                return true;
    return false;
}

static void render_sources(struct job *j, struct create_plan *p, struct buf *out)
{
    struct pkgfmt_source *v = arena_array(&j->arena, p->nsources, sizeof *v);
    for (size_t i = 0; i < p->nsources; i++) {
        const struct source *s = &p->sources[i];
        v[i] = (struct pkgfmt_source){.url = source_url(j, p, s),
                                      .query = &s->query,
                                      .signed_by = keyring_path(j, p, s),
                                      .id = s->repo->id,
                                      .own = !is_shipped(p, s)};
    }
    p->fmt->sources(v, p->nsources, out);
}

size_t create_fixup_paths(struct job *j, const struct create_plan *p, const struct fixup_set *f,
                          const char ***paths)
{
    const char **own;
    size_t n = fixup_paths(f, &j->arena, &own);
    *paths = arena_array(&j->arena, n + p->nsources, sizeof **paths);
    if (n > 0)
        memcpy(*paths, own, n * sizeof *own);
    for (size_t i = 0; i < p->nsources; i++)
        if (p->sources[i].keys.n > 0 && keyring_path(j, p, &p->sources[i])[0] != '\0')
            (*paths)[n++] = keyring_path(j, p, &p->sources[i]);
    return n;
}

int create_fixup_keys(struct job *j, const struct create_plan *p, struct tree *t, struct err *e)
{
    for (size_t i = 0; i < p->nsources; i++) {
        const struct source *s = &p->sources[i];
        const char *path = keyring_path(j, p, s);
        if (s->keys.n > 0 && path[0] != '\0' && tree_write(t, path, s->keys, 0644, 0, 0, e) < 0)
            return -1;
    }
    return 0;
}

struct pkgfmt_owners *create_fixup_owners(struct job *j, const struct create_plan *p,
                                          const struct fixup_set *f)
{
    if (p->fmt->owners_new == NULL)
        return NULL;
    return p->fmt->owners_new(fixup_file_text(f, "/etc/passwd"), fixup_file_text(f, "/etc/group"), j->log);
}

int create_fixup_load(struct job *j, struct create_plan *p, struct fixup_set **out, struct err *e)
{
    AUTO_BUF sources = {0};
    const char **names = arena_array(&j->arena, p->plan.n + 1, sizeof *names);
    for (size_t i = 0; i < p->plan.n; i++)
        names[i] = p->plan.pkgs[i].name;
    qsort(names, p->plan.n, sizeof *names, by_name);
    render_sources(j, p, &sources);
    const struct fixup_facts f = {.zone = zone_kind_name(p->zone),
                                  .format = p->fmt->name,
                                  .distro = p->release.distro,
                                  .release = p->release.name,
                                  .version = p->release.version,
                                  .arch = p->release.arch,
                                  .packages = names,
                                  .npackages = p->plan.n,
                                  .sources = arena_copy(&j->arena, buf_view(&sources)),
                                  .keyring_name = p->release.signed_by,
                                  .hostname = j->opt.hostname ? j->opt.hostname : p->release.distro};
    if (fixup_load(&j->data, &f, &j->arena, out, e) < 0)
        return -1;
    const char **applied;
    for (size_t i = 0, n = fixup_names(*out, &j->arena, &applied); i < n; i++)
        log_debug(j->log, "fixup: %s", applied[i]);
    return 0;
}
