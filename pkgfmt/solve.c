#include "pkgfmt/solve.h"

#include <solv/chksum.h>
#include <solv/evr.h>
#include <solv/knownid.h>
#include <solv/poolarch.h>
#include <solv/solvable.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/mem.h"
#include "pkgfmt/solve_impl.h"

/* Each round bans packages that apt's order wished for and that cannot be had together with the rest. */
enum { ROUNDS_MAX = 50 };

int solve_open(struct solve **out, int disttype, const char *arch, const struct log *log, struct err *e)
{
    Pool *pool = pool_create();
    if (pool_setdisttype(pool, disttype) < 0) {
        pool_free(pool);
        err_set(e, ERR_HOST, "this libsolv does not know the package format");
        return err_hint(e, "use a libsolv built with MULTI_SEMANTICS");
    }
    struct solve *s = mem_alloc(sizeof *s);
    s->pool = pool;
    s->log = log;
    s->arch = arena_dup(&s->arena, arch);
    s->one_version = disttype == DISTTYPE_DEB;
    /* Debian's architectures are alternatives of each other; RPM's shade off (i686 runs on x86_64). */
    if (s->one_version) {
        pool_setarchpolicy(pool, arch);
    } else {
        pool_setarch(pool, arch);
        /* As dnf: packages of one name for two architectures stand beside each other. */
        pool_set_flag(pool, POOL_FLAG_IMPLICITOBSOLETEUSESCOLORS, 1);
    }
    map_init(&s->considered, 0);
    queue_init(&s->excluded);
    queue_init(&s->result);
    *out = s;
    return 0;
}

void solve_defer(struct solve *s, void (*fn)(void *arg), void *arg)
{
    struct solve_work *w = arena_alloc(&s->arena, sizeof *w), **end = &s->work;
    *w = (struct solve_work){fn, arg, NULL};
    while (*end != NULL)
        end = &(*end)->next;
    *end = w;
}

struct arena *solve_arena(struct solve *s)
{
    return &s->arena;
}

void *solve_own(struct solve *s, size_t n)
{
    if (s->own == NULL)
        s->own = arena_alloc(&s->arena, n);
    return s->own;
}

void solve_rule(struct solve *s, void (*fn)(struct solve *s, const struct solve_request *r, void *arg),
                void *arg)
{
    struct solve_rule *rule = arena_alloc(&s->arena, sizeof *rule), **end = &s->rules;
    *rule = (struct solve_rule){fn, arg, NULL};
    while (*end != NULL)
        end = &(*end)->next;
    *end = rule;
}

/* Files that packages were found to have are no part of their indexes, which deferred work may write down. */
static void drop_file_provides(struct solve *s)
{
    Pool *pool = s->pool;
    Id p;
    FOR_POOL_SOLVABLES(p)
    {
        const Solvable *x = pool_id2solvable(pool, p);
        Id *id = x->provides != 0 ? x->repo->idarraydata + x->provides : NULL;
        while (id != NULL && *id != 0 && *id != SOLVABLE_FILEMARKER)
            id++;
        if (id != NULL)
            *id = 0;
    }
}

/* A thread that could not be stopped still works on it: its memory is not freed, and not lost either. */
static struct solve *volatile abandoned;

void solve_close(struct solve *s)
{
    if (s != NULL && s->abandoned)
        abandoned = s;
    if (s == NULL || s->abandoned)
        return;
    s->pool->considered = NULL;
    solve_recommends(s, true);
    drop_file_provides(s);
    for (struct solve_work *w = s->work; w != NULL; w = w->next)
        w->fn(w->arg);
    map_free(&s->considered);
    queue_free(&s->excluded);
    queue_free(&s->result);
    free(s->causes);
    pool_free(s->pool);
    arena_free(&s->run);
    arena_free(&s->arena);
    free(s);
}

struct s_Pool *solve_pool(struct solve *s)
{
    return s->pool;
}

int solve_compare(struct solve *s, const char *a, const char *b)
{
    return pool_evrcmp_str(s->pool, a, b, EVRCMP_COMPARE);
}

const char *solve_arch(const struct solve *s)
{
    return s->arch;
}

const struct log *solve_log(const struct solve *s)
{
    return s->log;
}

struct s_Repo *solve_repo_add(struct solve *s, const char *id, unsigned index, int priority)
{
    struct solve_repo *info = arena_alloc(&s->arena, sizeof *info);
    Repo *repo = repo_create(s->pool, arena_dup(&s->arena, id));
    *info = (struct solve_repo){index, priority};
    repo->appdata = info;
    /* repo->priority would rank above versions. */
    repo->subpriority = priority;
    return repo;
}

void solve_repo_drop(struct solve *s, struct s_Repo *repo)
{
    (void)s;
    repo_free(repo, 1);
}

static void make_job(struct solve *s, const struct solve_request *r, const Queue *wishes, Queue *job)
{
    queue_empty(job);
    for (size_t i = 0; i < s->nasks; i++) {
        const struct solve_ask *ask = &s->asks[i];
        queue_push2(job, SOLVER_INSTALL | (ask->dep != 0 ? SOLVER_SOLVABLE_PROVIDES : SOLVER_SOLVABLE),
                    ask->dep != 0 ? ask->dep : ask->p);
    }
    /* Wishes that cannot all be had fall from the last one on. Favours alone would not do: libsolv drops
       `gnupg' from `gnupg | gpg' when it sees that gnupg brings gpg. */
    for (int i = 0; i < wishes->count; i++)
        queue_push2(job, SOLVER_INSTALL | SOLVER_SOLVABLE | SOLVER_WEAK, wishes->elements[i]);
    /* Of several favoured packages libsolv takes the one whose job comes last. */
    for (int i = wishes->count - 1; i >= 0; i--)
        queue_push2(job, SOLVER_FAVOR | SOLVER_SOLVABLE, wishes->elements[i]);
    for (size_t i = r->nprefer; !s->one_version && i-- > 0;) {
        Id name = pool_str2id(s->pool, r->prefer[i], 0);
        if (name != 0)
            queue_push2(job, SOLVER_FAVOR | SOLVER_SOLVABLE_NAME, name);
    }
}

/* Adds the wishes that the solution is without to `banned`; their number. */
static int ban_refused(Solver *solver, const Queue *wishes, Map *banned)
{
    int n = 0;
    for (int i = 0; i < wishes->count; i++) {
        Id p = wishes->elements[i];
        if (solver_get_decisionlevel(solver, p) > 0 || MAPTST(banned, p))
            continue;
        MAPSET(banned, p);
        n++;
    }
    return n;
}

static void keep_result(struct solve *s, Solver *solver)
{
    Queue decisions;
    queue_init(&decisions);
    queue_empty(&s->result);
    solver_get_decisionqueue(solver, &decisions);
    for (int i = 0; i < decisions.count; i++)
        if (decisions.elements[i] > SYSTEMSOLVABLE)
            queue_push(&s->result, decisions.elements[i]);
    queue_free(&decisions);
}

static void set_flags(const struct solve *s, const struct solve_request *r, Solver *solver)
{
    solver_set_flag(solver, SOLVER_FLAG_IGNORE_RECOMMENDED, !r->weak);
    if (s->one_version)
        return;
    /* As dnf's Goal does. */
    solver_set_flag(solver, SOLVER_FLAG_BEST_OBEY_POLICY, 1);
    solver_set_flag(solver, SOLVER_FLAG_YUM_OBSOLETES, 1);
    solver_set_flag(solver, SOLVER_FLAG_URPM_REORDER, 1);
}

int solve_find(struct solve *s, const struct solve_request *r, struct err *e)
{
    Solver *solver = solver_create(s->pool);
    Queue job, wishes;
    Map banned;
    int rc = 0;
    queue_init(&job);
    queue_init(&wishes);
    map_init(&banned, s->pool->nsolvables);
    set_flags(s, r, solver);
    for (int round = 0; round < ROUNDS_MAX && rc == 0; round++) {
        if (s->one_version)
            solve_wish(s, r, &banned, &wishes);
        make_job(s, r, &wishes, &job);
        if (solver_solve(solver, &job) != 0) {
            solve_sort_all(s->pool);
            rc = solve_explain(s, solver, e);
        } else if (ban_refused(solver, &wishes, &banned) == 0)
            break;
    }
    if (rc == 0)
        keep_result(s, solver);
    map_free(&banned);
    queue_free(&wishes);
    queue_free(&job);
    solver_free(solver);
    return rc;
}

static enum digest_kind digest_kind_of(Id type)
{
    switch (type) {
    case REPOKEY_TYPE_SHA256:
        return DIGEST_SHA256;
    case REPOKEY_TYPE_SHA384:
        return DIGEST_SHA384;
    case REPOKEY_TYPE_SHA512:
        return DIGEST_SHA512;
    default:
        return DIGEST_NONE;
    }
}

static const char *reason_of(struct solve *s, Id p, struct arena *a)
{
    const struct solve_cause *c = &s->causes[p];
    AUTO_BUF text = {0};
    if (c->from == 0)
        return arena_dup(a, c->kind);
    solve_dep_text(s->pool, c->dep, &text);
    return arena_printf(a, "%s %s: %s", pool_id2str(s->pool, pool_id2solvable(s->pool, c->from)->name),
                        c->kind, buf_c(&text));
}

static int fill_package(struct solve *s, Id p, struct arena *a, struct plan_pkg *out, struct err *e)
{
    Pool *pool = s->pool;
    Solvable *x = pool_id2solvable(pool, p);
    const struct solve_repo *repo = x->repo->appdata;
    Id type = 0;
    const unsigned char *digest = solvable_lookup_bin_checksum(x, SOLVABLE_CHECKSUM, &type);
    const char *path = solvable_lookup_location(x, NULL);
    const char *priority = solvable_lookup_str(x, pool_str2id(pool, SOLVE_KEY_PRIORITY, 1));
    out->name = arena_dup(a, pool_id2str(pool, x->name));
    out->version = arena_dup(a, pool_id2str(pool, x->evr));
    out->arch = arena_dup(a, pool_id2str(pool, x->arch));
    out->size = solvable_lookup_num(x, SOLVABLE_DOWNLOADSIZE, 0);
    out->installed_size = solvable_lookup_num(x, SOLVABLE_INSTALLSIZE, 0);
    out->digest.kind = digest_kind_of(type);
    if (digest == NULL || out->digest.kind == DIGEST_NONE || path == NULL || out->size == 0)
        return err_set(e, ERR_FORMAT, "%s: its index has no path, size or trusted digest for it", out->name);
    memcpy(out->digest.bytes, digest, digest_size(out->digest.kind));
    out->path = arena_dup(a, path);
    out->repo = repo->index;
    out->reason = reason_of(s, p, a);
    out->priority = arena_dup(a, priority != NULL ? priority : "");
    return 0;
}

static int fill_plan(struct solve *s, struct arena *a, struct plan *out, struct err *e)
{
    out->n = (size_t)s->result.count;
    out->pkgs = arena_array(a, out->n, sizeof *out->pkgs);
    for (size_t i = 0; i < out->n; i++)
        if (fill_package(s, s->result.elements[i], a, &out->pkgs[i], e) != 0)
            return -1;
    return 0;
}

/* Moves the packages that the request wants first to the start, in its order; their number. */
static size_t put_first(struct solve *s, const struct solve_request *r)
{
    Queue *q = &s->result;
    int n = 0;
    for (size_t i = 0; i < r->nfirst; i++)
        for (int k = n; k < q->count; k++) {
            Id p = q->elements[k];
            if (strcmp(pool_id2str(s->pool, pool_id2solvable(s->pool, p)->name), r->first[i]) != 0)
                continue;
            memmove(&q->elements[n + 1], &q->elements[n], (size_t)(k - n) * sizeof *q->elements);
            q->elements[n++] = p;
        }
    return (size_t)n;
}

/* A group, a file or a capability that is excluded would silently stay. */
static int check_excludes(const struct solve *s, const struct solve_request *r, struct err *e)
{
    for (size_t i = 0; !s->one_version && i < r->nexclude; i++) {
        const char *word = r->exclude[i];
        if (*word == '\0' || (strchr("@/(", *word) == NULL && strpbrk(word, " ()<>=") == NULL))
            continue;
        err_set(e, ERR_USAGE, "--exclude: `%.200s' is no name of a package", word);
        return err_hint(e, "name the packages that you do not want, one by one");
    }
    return 0;
}

/* Said once, whoever else looks at the request. */
static void warn_excludes(const struct solve *s, const struct solve_request *r)
{
    for (size_t i = 0; i < r->nexclude; i++) {
        int k = 0;
        while (k < s->excluded.count &&
               strcmp(pool_id2str(s->pool, s->pool->solvables[s->excluded.elements[k]].name),
                      r->exclude[i]) != 0)
            k++;
        if (k == s->excluded.count)
            log_warn(s->log, "--exclude %s: there is no such package", r->exclude[i]);
    }
}

int solve_run(struct solve *s, const struct solve_request *r, struct arena *a, struct plan *out,
              struct err *e)
{
    if (s->abandoned)
        return err_set(e, ERR_SOLVE, "an earlier request is still being solved");
    arena_free(&s->run);
    queue_empty(&s->result);
    free(s->causes);
    s->causes = NULL;
    *out = (struct plan){0};
    if (check_excludes(s, r, e) < 0)
        return -1;
    solve_consider(s, r);
    warn_excludes(s, r);
    if (solve_asks(s, r, e) != 0 || solve_check_size(s, e) != 0 || solve_bound(s, r, e) != 0)
        return -1;
    solve_order(s);
    size_t nfirst = put_first(s, r);
    solve_causes(s, r);
    if (fill_plan(s, a, out, e) < 0)
        return -1;
    out->nfirst = nfirst;
    return 0;
}
