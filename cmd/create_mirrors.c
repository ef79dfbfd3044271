/* Mirrors that are asked for: a repository's metalink or mirror list. */
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/create_plan.h"
#include "mirrors/metalink.h"
#include "mirrors/mirrorlist.h"

/* One repository's list on its way. */
struct ask {
    struct job *job;
    struct create_plan *plan;
    struct source *source;
    struct transfer *transfer;
    const char *url;
    struct mirror_urls place; /* the URL alone */
    struct transfer_file file;
};

static bool secure(const char *url)
{
    return strncmp(url, "https://", 8) == 0;
}

static const char *cache_key(struct job *j, const char *url)
{
    return arena_printf(&j->arena, "mirrors %s", url);
}

static bool is_metalink(const struct ask *k)
{
    return k->url == k->source->repo->metalink;
}

/* Digests of one kind, the present state's: a transfer computes one. */
static void take_roots(struct ask *k, const struct mirror_list *l)
{
    struct source *s = k->source;
    if (l->nroots > 0 && !secure(k->url)) {
        log_info(k->job->log, "%s: %s did not come over https: what it says of the index is not believed",
                 s->repo->id, mirror_public(k->url, &k->job->arena));
        return;
    }
    s->accept = arena_array(&k->job->arena, l->nroots + 1, sizeof *s->accept);
    for (size_t i = 0; i < l->nroots; i++)
        if (l->roots[i].digest.kind == l->roots[0].digest.kind)
            s->accept[s->naccept++] = l->roots[i].digest;
}

static int take(struct ask *k, struct str text, struct err *e)
{
    struct job *j = k->job;
    struct source *s = k->source;
    struct mirror_list l;
    const char *shown = mirror_public(k->url, &j->arena);
    int rc = is_metalink(k) ? metalink_parse(shown, text, k->plan->fmt->root_path(&s->query, 1, &j->arena),
                                             &j->arena, &l, e)
                            : mirrorlist_parse(shown, text, &j->arena, &l, e);
    if (rc < 0)
        return -1;
    take_roots(k, &l);
    mirror_urls_first(&s->urls, l.url, l.n, &j->arena);
    s->asked = k->url;
    s->asked_text = arena_copy(&j->arena, text);
    log_debug(j->log, "%s: %zu mirrors and %zu digests from %s", s->repo->id, l.n, s->naccept, shown);
    return 0;
}

static int queue(struct ask *k, const char *url, struct err *e);

/* A metalink gives way to a mirror list, and that to the mirrors that are known. */
static int go_on_without(struct ask *k, const char *why, struct err *e)
{
    const struct distro_repo *r = k->source->repo;
    bool another = is_metalink(k) && r->mirrorlist != NULL;
    log_warn(k->job->log, "%s: %s; going on with %s", r->id, why,
             another ? "its mirror list" : "the mirrors that are known");
    return another ? queue(k, r->mirrorlist, e) : 0;
}

static int done(struct transfer_file *f, struct transfer_result *r, struct err *e)
{
    struct ask *k = f->ctx;
    AUTO_FD fd = r->fd;
    AUTO_BUF text = {0};
    struct err bad = {0};
    if (fd < 0)
        return go_on_without(k, r->why, e);
    if (file_read_fd(fd, f->what, MIRROR_LIST_BYTES, &text, e) < 0)
        return -1;
    return take(k, buf_view(&text), &bad) < 0 ? go_on_without(k, bad.msg, e) : 0;
}

static int queue(struct ask *k, const char *url, struct err *e)
{
    k->url = url;
    k->place = (struct mirror_urls){.url = &k->url, .n = 1, .canonical = url, .configured = url};
    k->file = (struct transfer_file){
        .mirrors = &k->place,
        .path = "",
        .max_size = MIRROR_LIST_BYTES,
        .may_fail = true,
        .what = arena_printf(&k->job->arena, "mirrors of %s", k->source->repo->id),
        .ctx = k,
        .done = done,
    };
    return transfer_add(k->transfer, &k->file, e);
}

/* The last one that a root index was taken with. */
static int from_cache(struct ask *k, struct err *e)
{
    struct job *j = k->job;
    const struct distro_repo *r = k->source->repo;
    const char *const urls[] = {r->metalink, r->mirrorlist};
    for (size_t i = 0; j->have_cache && i < 2; i++) {
        AUTO_BUF text = {0};
        struct err bad = {0};
        k->url = urls[i];
        int rc = urls[i] ? cache_get_named(&j->cache, cache_key(j, urls[i]), MIRROR_LIST_BYTES, &text, e) : 1;
        if (rc < 0)
            return -1;
        if (rc == 0 && take(k, buf_view(&text), &bad) == 0)
            return 0;
        if (bad.class != ERR_NONE)
            log_warn(j->log, "%s: %s", r->id, bad.msg);
    }
    return 0;
}

static bool wanted(const struct source *s)
{
    return (s->repo->metalink != NULL || s->repo->mirrorlist != NULL) && !s->urls.overridden &&
           s->asked == NULL;
}

static int ask_all(struct ask *asks, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        const struct distro_repo *r = asks[i].source->repo;
        if (queue(&asks[i], r->metalink ? r->metalink : r->mirrorlist, e) < 0)
            return -1;
    }
    return transfer_run(asks[0].transfer, e);
}

int create_mirrors_ask(struct job *j, struct create_plan *p, struct source *sources, size_t n, struct err *e)
{
    struct ask *asks = arena_array(&j->arena, n + 1, sizeof *asks);
    struct transfer_opts to = create_transfer_opts(j, "indexes");
    struct transfer *t = NULL;
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (wanted(&sources[i]))
            asks[m++] = (struct ask){.job = j, .plan = p, .source = &sources[i]};
    for (size_t i = 0; j->opt.offline && i < m; i++)
        if (from_cache(&asks[i], e) < 0)
            return -1;
    if (j->opt.offline || m == 0)
        return 0;
    if (transfer_open(&t, &to, e) < 0)
        return -1;
    for (size_t i = 0; i < m; i++)
        asks[i].transfer = t;
    int rc = ask_all(asks, m, e);
    transfer_close(t);
    return rc;
}

void create_mirrors_keep(struct job *j, const struct source *s)
{
    struct err ignored;
    if (j->have_cache && !j->opt.offline && s->asked != NULL)
        cache_put_named(&j->cache, cache_key(j, s->asked), s->asked_text, &ignored);
}
