/* Root indexes: in which form they are fetched, what vouches for them, and the cache's for --offline. */
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/create_index_int.h"

enum { ROOT_MAX = 32 * 1024 * 1024 };

/* The signature's form follows the bare one's. */
enum { INLINE, BARE, SIGNATURE };

static const char *root_path(struct fetch_source *fs, int form)
{
    return fs->fetch->plan->fmt->root_path(&fs->source->query, form, &fs->fetch->job->arena);
}

static const char *cache_key(struct fetch_source *fs, int form)
{
    return arena_printf(&fs->fetch->job->arena, "root %s/%s", fs->source->home, root_path(fs, form));
}

static bool by_signature(const struct fetch_source *fs)
{
    const struct create_plan *p = fs->fetch->plan;
    return p->keyring != NULL && create_root_trust(p, fs->source) == DISTRO_TRUST_SIGNATURE;
}

static int queue_root(struct fetch_source *fs, int form, struct err *e);

/* For --offline: what was accepted, to be verified again. */
static void keep_root(struct fetch_source *fs, struct str text, struct str sig)
{
    struct job *j = fs->fetch->job;
    struct err ignored;
    if (!j->have_cache || j->opt.offline)
        return;
    cache_put_named(&j->cache, cache_key(fs, fs->form == INLINE ? INLINE : BARE), text, &ignored);
    if (sig.n > 0)
        cache_put_named(&j->cache, cache_key(fs, SIGNATURE), sig, &ignored);
    create_mirrors_keep(j, fs->source);
}

/* The root index's text is here (and its signature, if that stands apart). */
static int accept_root(struct fetch_source *fs, struct str text, struct str sig, struct err *e)
{
    if (create_root_accept(fs->fetch->job, fs->fetch->plan, fs->source, text, sig, e) < 0)
        return -1;
    keep_root(fs, text, sig);
    return fs->fetch->roots_only ? 0 : create_index_queue(fs, e);
}

static int missing_root(struct fetch_source *fs, struct err *e)
{
    if (fs->form == INLINE)
        return queue_root(fs, BARE, e);
    if (fs->form == SIGNATURE) {
        err_set(e, ERR_TRUST, "%s: the repository is not signed", fs->root.what);
        if (fs->fetch->plan->fmt->signed_packages)
            return err_hint(e, "if its packages are: `trust packages' in the recipe; --insecure takes it "
                               "all the same");
        return err_hint(e, "--insecure takes it all the same");
    }
    const struct mirror_urls *urls = &fs->source->urls;
    err_set(e, ERR_NET, "%s: not found on any mirror, the first of which is %s", fs->root.what,
            mirror_public(urls->url[0], &fs->fetch->job->arena));
    if (urls->overridden && fs->fetch->plan->fmt->suite_is_path)
        return err_hint(e,
                        "--mirror names what `%s' stands below; a repository of your own: --repo 'ID URL .'",
                        fs->source->query.suite);
    return err_hint(e, "does this mirror carry the release? choose another one with --mirror");
}

static int root_text(struct fetch_source *fs, struct str text, struct err *e)
{
    if (fs->form == SIGNATURE)
        return accept_root(fs, fs->bare, text, e);
    if (fs->form == INLINE || !by_signature(fs))
        return accept_root(fs, text, (struct str){0}, e);
    fs->bare = arena_copy(&fs->fetch->job->arena, text);
    return queue_root(fs, SIGNATURE, e);
}

static int root_done(struct transfer_file *f, struct transfer_result *r, struct err *e)
{
    struct fetch_source *fs = f->ctx;
    AUTO_BUF text = {0};
    AUTO_FD fd = r->fd;
    int rc;
    if (fd < 0)
        rc = missing_root(fs, e);
    else
        rc = file_read_fd(fd, f->what, ROOT_MAX, &text, e) < 0 ? -1 : root_text(fs, buf_view(&text), e);
    return rc < 0 ? err_wrap(e, "%s", fs->source->repo->id) : 0;
}

static int queue_root(struct fetch_source *fs, int form, struct err *e)
{
    struct fetch *ft = fs->fetch;
    struct source *s = fs->source;
    const char *path = root_path(fs, form);
    bool metalink = create_root_trust(ft->plan, s) == DISTRO_TRUST_METALINK;
    fs->form = form;
    fs->root = (struct transfer_file){.mirrors = &s->urls,
                                      .path = path,
                                      .max_size = ROOT_MAX,
                                      .accept = metalink ? s->accept : NULL,
                                      .naccept = metalink ? s->naccept : 0,
                                      .optional = true,
                                      .what = path,
                                      .ctx = fs,
                                      .done = root_done};
    return transfer_add(ft->transfer, &fs->root, e);
}

/* Offline the last verified form is verified again, as if it had just come. 1: it is not in the cache. */
static int cached_root(struct fetch_source *fs, int form, struct err *e)
{
    struct job *j = fs->fetch->job;
    AUTO_BUF text = {0}, sig = {0};
    if (!j->have_cache || root_path(fs, form) == NULL)
        return 1;
    int rc = cache_get_named(&j->cache, cache_key(fs, form), ROOT_MAX, &text, e);
    if (rc == 0 && form == BARE && by_signature(fs))
        rc = cache_get_named(&j->cache, cache_key(fs, SIGNATURE), ROOT_MAX, &sig, e);
    fs->form = form;
    return rc != 0 ? rc : accept_root(fs, buf_view(&text), buf_view(&sig), e);
}

/* What vouches for the index: said where it is not its signature. */
static int check_trust(struct fetch_source *fs, struct err *e)
{
    const struct create_plan *p = fs->fetch->plan;
    if (p->keyring == NULL || create_root_trust(p, fs->source) != DISTRO_TRUST_PACKAGES)
        return 0;
    if (!p->fmt->signed_packages) {
        err_set(e, ERR_TRUST, "nothing vouches for the index: packages of the format %s are not signed",
                p->fmt->name);
        return err_hint(e, "say `trust signature' in the recipe");
    }
    log_info(fs->fetch->job->log, "%s: the index is not signed: the packages' signatures alone decide",
             fs->source->repo->id);
    return 0;
}

int create_index_start(struct fetch_source *fs, struct err *e)
{
    bool metalink = create_root_trust(fs->fetch->plan, fs->source) == DISTRO_TRUST_METALINK;
    int first = metalink || root_path(fs, INLINE) == NULL ? BARE : INLINE;
    if (check_trust(fs, e) < 0)
        return -1;
    if (!fs->fetch->job->opt.offline || strncmp(fs->source->home, "file:", 5) == 0)
        return queue_root(fs, first, e);
    int rc = cached_root(fs, first, e);
    if (rc == 1 && first == INLINE)
        rc = cached_root(fs, BARE, e);
    if (rc < 1)
        return rc;
    err_set(e, ERR_NET, "%s: not in the cache", fs->source->query.suite);
    return err_hint(e, "run it once without --offline");
}
