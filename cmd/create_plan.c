#include "cmd/create_plan.h"

#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"
#include "cmd/create_zone.h"
#include "cmd/sbom.h"

enum { KEYRING_MAX = 16 * 1024 * 1024 };

/* The year 9999: what no tool overflows at. */
#define MAX_EPOCH UINT64_C(253402300799)

/* `ID=FILE` trusts a file's keys for one repository alone; a file's name with a slash before its `=` is no
   ID. Empty when there is none. */
static struct str keyring_id(const char *arg)
{
    size_t n = strcspn(arg, "=/");
    return (struct str){arg, arg[n] == '=' ? n : 0};
}

/* Appends the file's bytes to `bytes`. Read once: it may be a pipe. */
static int add_keyring_file(struct openpgp_keyring *k, const char *file, struct buf *bytes, struct err *e)
{
    size_t start = bytes->n;
    if (file_read(file, KEYRING_MAX, bytes, e) < 0)
        return -1;
    return openpgp_keyring_add(k, file, str_from(buf_view(bytes), start), e);
}

/* The keys and the bytes they stand in: apt in the root will need them. */
static int add_source_keyring(struct job *j, struct source *s, const char *file, struct err *e)
{
    AUTO_BUF all = {0};
    buf_str(&all, s->keys);
    if (s->keyring == NULL)
        s->keyring = openpgp_keyring_new();
    if (add_keyring_file(s->keyring, file, &all, e) < 0)
        return -1;
    s->keys = arena_copy(&j->arena, buf_view(&all));
    return 0;
}

static int add_repo_keyring(struct job *j, struct create_plan *p, struct str id, const char *file, bool alias,
                            struct err *e)
{
    bool found = alias;
    for (size_t i = 0; i < p->nsources; i++) {
        struct source *s = &p->sources[i];
        if (!str_is(id, s->repo->id))
            continue;
        found = true;
        if (add_source_keyring(j, s, file, e) < 0)
            return -1;
    }
    return found ? 0 : err_set(e, ERR_USAGE, "--keyring: there is no repository `%" STR_FMT "'", STR_ARG(id));
}

int create_plan_repo_keys(struct job *j, struct create_plan *p, struct err *e)
{
    const struct option_list *own = &j->opt.keyrings;
    for (size_t i = 0; i < own->n; i++) {
        struct str id = keyring_id(own->v[i]);
        if (id.n > 0 && add_repo_keyring(j, p, id, own->v[i] + id.n + 1, false, e) < 0)
            return -1;
    }
    return 0;
}

static void keep_keys(struct job *j, struct create_plan *p, const struct buf *bytes)
{
    if (p->keys == NULL)
        p->keys = arena_array(&j->arena, j->opt.keyrings.n, sizeof *p->keys);
    if (p->nkeys < j->opt.keyrings.n)
        p->keys[p->nkeys++] = arena_copy(&j->arena, buf_view(bytes));
}

static int add_own_keyring(struct job *j, struct create_plan *p, const char *file, struct err *e)
{
    AUTO_BUF bytes = {0};
    if (add_keyring_file(p->keyring, file, &bytes, e) < 0)
        return -1;
    keep_keys(j, p, &bytes);
    return 0;
}

/* Where no signature was checked (--insecure, --locked) the files were not read yet. */
static int read_keys(struct job *j, struct create_plan *p, struct err *e)
{
    const struct option_list *own = &j->opt.keyrings;
    for (size_t i = 0; p->keyring == NULL && i < own->n; i++) {
        AUTO_BUF bytes = {0};
        if (keyring_id(own->v[i]).n > 0)
            continue;
        if (file_read(own->v[i], KEYRING_MAX, &bytes, e) < 0)
            return -1;
        keep_keys(j, p, &bytes);
    }
    return 0;
}

int create_plan_keys(struct job *j, struct create_plan *p, const struct str **keys, size_t *n, struct err *e)
{
    if (read_keys(j, p, e) < 0)
        return -1;
    struct str *v = arena_array(&j->arena, p->nkeys + p->release.nkeys + p->nsources, sizeof *v);
    *keys = v;
    for (*n = 0; *n < p->nkeys; ++*n)
        v[*n] = p->keys[*n];
    for (size_t i = 0; p->nkeys == 0 && i < p->release.nkeys; i++)
        v[(*n)++] = p->release.keys[i].bytes;
    for (size_t i = 0; i < p->nsources; i++)
        if (p->sources[i].keys.n > 0)
            v[(*n)++] = p->sources[i].keys;
    return 0;
}

static int no_key(const struct create_plan *p, struct err *e)
{
    const char *at = p->release.keys_at;
    err_set(e, ERR_TRUST, "the recipe names no key");
    if (at[0] == '\0')
        return err_hint(e, "name a keyring with --keyring");
    return err_hint(e, "the distribution publishes its key at %s: name it with --keyring FILE", at);
}

/* alias: the release is a suite's name yet, and its other repositories are not known: no ID is wrong then. */
static int load_keyring(struct job *j, struct create_plan *p, bool alias, struct err *e)
{
    const struct option_list *own = &j->opt.keyrings;
    bool recipe = true, wanted = false;
    if (j->opt.insecure) {
        log_warn(j->log, "--insecure: signatures are not checked; whoever controls the mirror or the network "
                         "controls the result");
        return 0;
    }
    p->keyring = openpgp_keyring_new();
    p->nkeys = 0;
    for (size_t i = 0; i < own->n; i++) {
        struct str id = keyring_id(own->v[i]);
        recipe = recipe && id.n > 0;
        if ((id.n > 0 ? add_repo_keyring(j, p, id, own->v[i] + id.n + 1, alias, e)
                      : add_own_keyring(j, p, own->v[i], e)) < 0)
            return -1;
    }
    for (size_t i = 0; recipe && i < p->release.nkeys; i++)
        if (openpgp_keyring_add(p->keyring, p->release.keys[i].name, p->release.keys[i].bytes, e) < 0)
            return -1;
    for (size_t i = 0; i < p->nsources; i++)
        wanted = wanted || p->sources[i].keyring == NULL;
    return wanted && openpgp_keyring_count(p->keyring) == 0 ? no_key(p, e) : 0;
}

int create_plan_keyring(struct job *j, struct create_plan *p, struct err *e)
{
    return load_keyring(j, p, false, e);
}

static void free_keyrings(struct create_plan *p)
{
    openpgp_keyring_free(p->keyring);
    p->keyring = NULL;
    for (size_t i = 0; i < p->nsources; i++) {
        openpgp_keyring_free(p->sources[i].keyring);
        p->sources[i].keyring = NULL;
    }
}

/* One repository more. Its ID names keys, files of the root, and lines of a lock. */
static int add_repo(struct job *j, const struct release *r, const char *spec, struct distro_repo *repos,
                    size_t *n, struct err *e)
{
    struct distro_repo *repo = &repos[*n];
    if (distro_repo_parse(spec, r, &j->arena, repo, e) < 0)
        return err_wrap(e, "--repo");
    for (size_t i = 0; i < *n; i++)
        if (strcmp(repos[i].id, repo->id) == 0) {
            err_set(e, ERR_USAGE, "--repo: there is a repository `%s' already", repo->id);
            return err_hint(e, "give the new one an ID of its own%s",
                            repos[i].extra ? "" : "; --mirror names another place for one of the recipe's");
        }
    ++*n;
    return 0;
}

/* A repository is a place of its own then, and has no parts. */
static int check_components(const struct options *o, const struct pkgfmt *fmt, struct err *e)
{
    if (!fmt->suite_is_path || o->components.n == 0)
        return 0;
    err_set(e, ERR_USAGE, "--components: repositories of the format %s have no components", fmt->name);
    return err_hint(e, "--suites release leaves out updates, --repo adds a repository");
}

/* The repositories after --suites, --components and --repo, in p->release.repos. */
static int choose_repos(struct job *j, struct create_plan *p, struct err *e)
{
    const struct options *o = &j->opt;
    struct release *r = &p->release;
    bool own = o->suites != NULL || o->components.n > 0 || o->repos.n > 0;
    if (p->lock != NULL && !own && strcmp(r->name, p->lock->release) == 0) {
        create_locked_repos(j, p);
        return 0;
    }
    struct distro_repo *repos = arena_array(&j->arena, r->nrepos + o->repos.n, sizeof *repos);
    bool all = o->suites == NULL || strcmp(o->suites, "all") == 0;
    size_t n = 0;
    if (!all && strcmp(o->suites, "release") != 0)
        return err_set(e, ERR_USAGE, "--suites: `%s' is neither release nor all", o->suites);
    for (size_t i = 0; i < r->nrepos; i++)
        if (all || r->repos[i].release)
            repos[n++] = r->repos[i];
    if (n == 0)
        return err_set(e, ERR_USAGE, "--suites release: the recipe has updates alone for this release");
    for (size_t i = 0; i < n && o->components.n > 0; i++) {
        repos[i].components = o->components.v;
        repos[i].ncomponents = o->components.n;
    }
    for (size_t i = 0; i < o->repos.n; i++)
        if (add_repo(j, r, o->repos.v[i], repos, &n, e) < 0)
            return -1;
    r->repos = repos;
    r->nrepos = n;
    return 0;
}

static int make_sources(struct job *j, struct create_plan *p, struct err *e)
{
    struct mirror_opts mo = {.data = &j->data,
                             .apt_dir = getenv("ZONESTRAP_APT_DIR"),
                             .overrides = j->opt.mirrors.v,
                             .noverrides = j->opt.mirrors.n,
                             .main_list = p->release.nrepos ? p->release.repos[0].mirrors : ""};
    p->nsources = p->release.nrepos;
    p->sources = arena_array(&j->arena, p->nsources, sizeof *p->sources);
    for (size_t i = 0; i < p->nsources; i++) {
        const struct distro_repo *r = &p->release.repos[i];
        p->sources[i].repo = r;
        p->sources[i].query = (struct pkgfmt_query){.suite = r->suite,
                                                    .components = r->components,
                                                    .ncomponents = r->ncomponents,
                                                    .arch = p->release.arch,
                                                    .security = j->opt.security};
        mo.index_date = p->locked && p->lock != NULL ? p->lock->repos[i].date : 0;
        if (mirror_resolve(r->mirrors, &mo, &j->arena, &p->sources[i].urls, e) < 0)
            return err_wrap(e, "%s", r->id);
        if (p->fmt->suite_is_path)
            mirror_urls_join(&p->sources[i].urls, r->suite, &j->arena);
        p->sources[i].home = p->sources[i].urls.url[0];
        for (size_t k = 0; k < p->sources[i].urls.n; k++)
            log_debug(j->log, "%s: mirror %s", r->id, p->sources[i].urls.url[k]);
    }
    return 0;
}

int create_plan_prepare(struct job *j, struct create_plan *p, struct err *e)
{
    p->fmt = pkgfmt_find(p->release.format);
    if (p->fmt == NULL)
        return err_set(e, ERR_USAGE, "package format `%s' is not known here", p->release.format);
    if (p->release.nrepos == 0)
        return err_set(e, ERR_USAGE, "the recipe has no repository for this release and architecture");
    if (check_components(&j->opt, p->fmt, e) < 0)
        return -1;
    return choose_repos(j, p, e) < 0 || make_sources(j, p, e) < 0 ? -1 : 0;
}

/* `stable` and the like: the signed index of the suite of that name says which release that is today. */
static int follow_alias(struct job *j, struct create_plan *p, const struct distro_opts *o, struct err *e)
{
    const char *distro = p->release.distro, *alias = p->release.name;
    bool again;
    if (create_plan_prepare(j, p, e) < 0 || load_keyring(j, p, true, e) < 0 ||
        create_index_root(j, p, &p->sources[0], e) < 0)
        return -1;
    const char *name = p->sources[0].root.codename;
    if (name[0] == '\0')
        return err_set(e, ERR_FORMAT, "%s: the index says no codename", p->sources[0].repo->id);
    log_info(j->log, "%s/%s is %s", distro, alias, name);
    free_keyrings(p);
    p->what = arena_printf(&j->arena, "%s/%s", distro, name);
    if (distro_resolve(p->what, o, &j->arena, &p->release, &again, e) < 0)
        return -1;
    return again ? err_set(e, ERR_TRUST, "suite `%s' says that its codename is `%s', another alias", alias,
                           name)
                 : 0;
}

static int resolve(struct job *j, struct create_plan *p, struct err *e)
{
    const struct distro_opts o = {.data = &j->data, .arch = j->opt.arch, .set = j->opt.set};
    bool alias;
    p->what = j->opt.operands.v[0];
    if (create_zone_load(j, p, e) < 0 || distro_resolve(p->what, &o, &j->arena, &p->release, &alias, e) < 0)
        return -1;
    if (alias && follow_alias(j, p, &o, e) < 0)
        return err_wrap(e, "%s", p->what);
    if (p->lock != NULL && create_locked_check(p, e) < 0)
        return -1;
    p->what = arena_printf(&j->arena, "%s/%s", p->release.distro, p->release.name);
    if (create_zone_release(j, p, e) < 0)
        return -1;
    return create_plan_prepare(j, p, e) < 0 || load_keyring(j, p, false, e) < 0 ? err_wrap(e, "%s", p->what)
                                                                                : 0;
}

struct solve_request create_plan_request(const struct job *j, const struct create_plan *p)
{
    const struct options *o = &j->opt;
    return (struct solve_request){.set = p->release.packages.v,
                                  .nset = p->release.packages.n,
                                  .set_name = p->release.set_name,
                                  .include = o->include.v,
                                  .ninclude = o->include.n,
                                  .more = p->zone_packages.v,
                                  .nmore = p->zone_packages.n,
                                  .more_name = zone_kind_name(p->zone),
                                  .exclude = p->exclude.v,
                                  .nexclude = p->exclude.n,
                                  .prefer = p->release.prefer.v,
                                  .nprefer = p->release.prefer.n,
                                  .first = p->release.first.v,
                                  .nfirst = p->release.first.n,
                                  .security = o->security,
                                  .weak = o->weak,
                                  .stop = &job_stop};
}

static int solve(struct job *j, struct create_plan *p, struct err *e)
{
    const struct solve_request r = create_plan_request(j, p);
    return solve_run(p->solve, &r, &j->arena, &p->plan, e);
}

/* The newest index's date (a lock's is in the lock), unless the environment says otherwise:
   https://reproducible-builds.org/specs/source-date-epoch/ */
static int choose_epoch(struct create_plan *p, struct err *e)
{
    const char *want = getenv("SOURCE_DATE_EPOCH");
    uint64_t seconds;
    for (size_t i = 0; !p->locked && i < p->nsources; i++)
        if (p->sources[i].root.date > p->epoch)
            p->epoch = p->sources[i].root.date;
    if (want == NULL || want[0] == '\0')
        return 0;
    if (!str_u64(str_c(want), &seconds) || seconds > MAX_EPOCH)
        return err_set(e, ERR_USAGE, "SOURCE_DATE_EPOCH: `%.100s' is no number of seconds since 1970", want);
    p->epoch = (int64_t)seconds;
    return 0;
}

static int make(struct job *j, struct create_plan *p, struct err *e)
{
    if (resolve(j, p, e) < 0)
        return -1;
    if (solve_open(&p->solve, p->fmt->disttype, p->release.arch, j->log, e) < 0 ||
        create_index_load(j, p, e) < 0 || solve(j, p, e) < 0)
        return err_wrap(e, "%s", p->what);
    log_debug(j->log, "solved");
    return 0;
}

int create_plan_make(struct job *j, struct create_plan *p, struct err *e)
{
    bool locked = j->opt.locked != NULL && p->lock == NULL;
    progress_begin(&j->ui, "plan");
    if ((locked ? create_locked_make(j, p, e) : make(j, p, e)) < 0 || choose_epoch(p, e) < 0 ||
        create_zone_plan(j, p, e) < 0)
        return -1;
    progress_end(&j->ui, "plan");
    log_info(j->log, "%s: %zu packages", p->what, p->plan.n);
    return 0;
}

static void *close_solver(void *arg)
{
    solve_close(arg);
    return NULL;
}

void create_plan_drop_solver(struct create_plan *p)
{
    p->closing = pthread_create(&p->closer, NULL, close_solver, p->solve) == 0;
    if (!p->closing)
        solve_close(p->solve);
    p->solve = NULL;
}

void create_plan_free(struct create_plan *p)
{
    if (p->closing)
        pthread_join(p->closer, NULL);
    p->closing = false;
    solve_close(p->solve);
    p->solve = NULL;
    free_keyrings(p);
    sbom_free(p->sbom);
    p->sbom = NULL;
}
