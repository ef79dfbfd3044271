/* Locks at work: a lock in place of indexes and solver, what a lock was asked for, and the lock of a plan. */
#include <string.h>

#include "cmd/create_zone.h"

static const char *name_of(struct job *j, const struct lock *l)
{
    return arena_printf(&j->arena, "%s/%s", l->distro, l->release);
}

/* --locked's operand: another distribution is refused, a release that it does not name is the lock's. */
static int check_operand(struct job *j, const struct lock *l, struct err *e)
{
    struct str rest = str_c(j->opt.operands.v[0]), distro = {NULL, 0};
    str_cut(&rest, '/', &distro);
    if (!str_is(distro, l->distro)) {
        err_set(e, ERR_USAGE, "%s: the lock is of %s, not of %s", l->file, name_of(j, l),
                j->opt.operands.v[0]);
        return err_hint(e, "say %s", name_of(j, l));
    }
    if (rest.n == 0)
        j->opt.operands.v[0] = name_of(j, l);
    return 0;
}

static int read_lock(struct job *j, struct create_plan *p, struct err *e)
{
    struct lock *l = arena_alloc(&j->arena, sizeof *l);
    if (lock_read(j->opt.locked, &j->arena, l, e) < 0 || check_operand(j, l, e) < 0)
        return -1;
    p->lock = l;
    return 0;
}

int create_locked_check(const struct create_plan *p, struct err *e)
{
    const struct lock *l = p->lock;
    const struct release *r = &p->release;
    if (strcmp(l->release, r->name) != 0) {
        err_set(e, ERR_USAGE, "%s: the lock is of %s/%s, not of %s/%s", l->file, l->distro, l->release,
                r->distro, r->name);
        return err_hint(e, "say %s/%s", l->distro, l->release);
    }
    if (strcmp(l->arch, r->arch) != 0) {
        err_set(e, ERR_USAGE, "%s: the lock is for architecture %s, not for %s", l->file, l->arch, r->arch);
        return err_hint(e, "plan a lock for %s: plan --arch %s --lock FILE", r->arch, r->arch);
    }
    return 0;
}

int create_locked_request(struct job *j, struct create_plan *p, struct err *e)
{
    struct options *o = &j->opt;
    if (read_lock(j, p, e) < 0)
        return -1;
    const struct lock *l = p->lock;
    if (o->arch == NULL)
        o->arch = l->arch;
    if (o->set == NULL)
        o->set = l->set;
    if (o->include.n == 0)
        o->include = l->include;
    if (o->exclude.n == 0)
        o->exclude = l->exclude;
    if (o->zone == NULL)
        o->zone = l->zone;
    o->weak = o->weak || l->weak;
    o->security = o->security || l->security;
    return 0;
}

/* A lock has no user names and passwords: where the recipe has the same URL, they are in the recipe. */
static const char *mirrors_of(struct job *j, const struct create_plan *p, const struct distro_repo *repo)
{
    for (size_t i = 0; i < p->release.nrepos; i++) {
        const char *mirrors = p->release.repos[i].mirrors;
        if (strcmp(mirror_public(mirrors, &j->arena), repo->mirrors) == 0)
            return mirrors;
    }
    return repo->mirrors;
}

/* What a lock does not say of a repository, its recipe does: where mirrors of that place are asked for. One
   that the recipe does not know came with --repo. */
static void complete(const struct create_plan *p, struct distro_repo *repo)
{
    repo->extra = true;
    for (size_t i = 0; i < p->release.nrepos; i++) {
        const struct distro_repo *r = &p->release.repos[i];
        if (strcmp(r->id, repo->id) != 0)
            continue;
        repo->extra = r->extra;
        repo->release = r->release;
        if (strcmp(r->suite, repo->suite) == 0) {
            repo->metalink = r->metalink;
            repo->mirrorlist = r->mirrorlist;
        }
    }
}

void create_locked_repos(struct job *j, struct create_plan *p)
{
    const struct lock *l = p->lock;
    struct distro_repo *repos = arena_array(&j->arena, l->nrepos, sizeof *repos);
    for (size_t i = 0; i < l->nrepos; i++) {
        repos[i] = l->repos[i].repo;
        repos[i].mirrors = mirrors_of(j, p, &repos[i]);
        complete(p, &repos[i]);
    }
    p->release.repos = repos;
    p->release.nrepos = l->nrepos;
}

static int refuse_choices(const struct options *o, struct err *e)
{
    static const char *const choices[] = {"set",        "include", "exclude", "suites",
                                          "components", "repo",    "weak",    "security"};
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (options_given(o, choices[i])) {
            err_set(e, ERR_USAGE,
                    "--%s and --locked: a lock is installed as it is, it names packages and repositories",
                    choices[i]);
            return err_hint(e, "plan a new lock: plan --%s ... --lock FILE", choices[i]);
        }
    return 0;
}

/* Its packages are in the lock already. */
static int check_zone(const struct options *o, const struct lock *l, struct err *e)
{
    const char *zone = l->zone != NULL ? l->zone : "none";
    if (o->zone == NULL || strcmp(o->zone, zone) == 0)
        return 0;
    err_set(e, ERR_USAGE, "%s: the lock is for zone kind %s, not for %s", l->file, zone, o->zone);
    return err_hint(e, "plan a new lock: plan --zone %s ... --lock FILE", o->zone);
}

/* The recipe's release, without a network: a name that a suite's index would have to resolve is none. */
static int resolve(struct job *j, struct create_plan *p, struct err *e)
{
    const struct lock *l = p->lock;
    const struct distro_opts o = {
        .data = &j->data, .arch = j->opt.arch ? j->opt.arch : l->arch, .set = l->set};
    const char *what = j->opt.operands.v[0];
    bool alias;
    if (check_zone(&j->opt, l, e) < 0 || create_zone_load(j, p, e) < 0)
        return -1;
    if (distro_resolve(what, &o, &j->arena, &p->release, &alias, e) < 0)
        return -1;
    if (alias) {
        err_set(e, ERR_USAGE, "%s: the lock is of %s; which release %s is, an index would have to say",
                l->file, name_of(j, l), what);
        return err_hint(e, "say %s: with --locked no index is read", name_of(j, l));
    }
    p->what = name_of(j, l);
    return create_locked_check(p, e) < 0 ? -1 : create_zone_release(j, p, e);
}

/* A repository's own keys go into the root, so that they belong to what the lock fixes. */
static int check_keys(const struct lock_repo *r, const struct source *s, struct err *e)
{
    struct digest d;
    if (r->keyring.kind == DIGEST_NONE && s->keys.n == 0)
        return 0;
    if (r->keyring.kind == DIGEST_NONE) {
        err_set(e, ERR_USAGE, "--keyring: the lock has no keys of its own for repository `%s'", r->repo.id);
        return err_hint(e, "plan a new lock with that --keyring");
    }
    if (s->keys.n == 0) {
        err_set(e, ERR_USAGE, "the lock's repository `%s' has keys of its own, which go into the root",
                r->repo.id);
        return err_hint(e, "give them again: --keyring %s=FILE", r->repo.id);
    }
    if (digest_of(&d, r->keyring.kind, s->keys, e) < 0)
        return -1;
    return digest_eq(&d, &r->keyring)
               ? 0
               : err_set(e, ERR_TRUST, "--keyring: the keys for repository `%s' are not the lock's",
                         r->repo.id);
}

/* Nothing vouched for the index of such a recipe but the packages themselves; so they still do. */
static int take_keys(struct job *j, struct create_plan *p, struct err *e)
{
    if (p->fmt->signed_packages && p->release.trust != DISTRO_TRUST_SIGNATURE)
        return create_plan_keyring(j, p, e);
    return create_plan_repo_keys(j, p, e);
}

static int fill_sources(struct job *j, struct create_plan *p, struct err *e)
{
    if (create_plan_prepare(j, p, e) < 0 || take_keys(j, p, e) < 0)
        return -1;
    for (size_t i = 0; i < p->nsources; i++) {
        const struct lock_repo *r = &p->lock->repos[i];
        p->sources[i].root =
            (struct pkgfmt_root){.suite = "", .codename = "", .origin = "", .label = "", .date = r->date};
        p->sources[i].root_digest = r->index;
        if (check_keys(r, &p->sources[i], e) < 0)
            return -1;
    }
    return create_mirrors_ask(j, p, p->sources, p->nsources, e);
}

/* The lock has the plan's order; which of them came first by name, the recipe says. */
static size_t count_first(const struct create_plan *p)
{
    const struct distro_words *first = &p->release.first;
    size_t n = 0;
    for (size_t i = 0; i < first->n && n < p->plan.n; i++)
        n += strcmp(p->plan.pkgs[n].name, first->v[i]) == 0;
    return n;
}

int create_locked_make(struct job *j, struct create_plan *p, struct err *e)
{
    if (refuse_choices(&j->opt, e) < 0 || read_lock(j, p, e) < 0)
        return -1;
    p->locked = true;
    if (resolve(j, p, e) < 0 || fill_sources(j, p, e) < 0)
        return -1;
    p->plan = p->lock->plan;
    p->plan.nfirst = count_first(p);
    p->epoch = p->lock->epoch;
    return 0;
}

int create_locked_from(struct job *j, const struct create_plan *p, struct lock *out, struct err *e)
{
    const struct release *r = &p->release;
    *out = (struct lock){.distro = r->distro,
                         .release = r->name,
                         .arch = r->arch,
                         .set = r->set_name,
                         .zone = zone_kind_name(p->zone),
                         .include = j->opt.include,
                         .exclude = j->opt.exclude,
                         .weak = j->opt.weak,
                         .security = j->opt.security,
                         .epoch = p->epoch,
                         .nrepos = p->nsources,
                         .plan = p->plan};
    out->repos = arena_array(&j->arena, p->nsources, sizeof *out->repos);
    for (size_t i = 0; i < p->nsources; i++) {
        const struct source *s = &p->sources[i];
        struct lock_repo *repo = &out->repos[i];
        *repo = (struct lock_repo){.repo = *s->repo, .date = s->root.date, .index = s->root_digest};
        repo->repo.mirrors = mirror_public(s->repo->mirrors, &j->arena);
        if (s->keys.n > 0 && digest_of(&repo->keyring, DIGEST_SHA256, s->keys, e) < 0)
            return -1;
    }
    return 0;
}
