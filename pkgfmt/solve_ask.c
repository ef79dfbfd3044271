#include <solv/util.h>
#include <stdlib.h>

#include "base/auto.h"
#include "pkgfmt/solve_ask.h"

enum { NEAR_MAX = 3, NAME_LEN_MAX = 64 };

bool solve_ask_excluded(const struct solve_asks *k, const char *name)
{
    for (size_t i = 0; i < k->r->nexclude; i++)
        if (strcmp(k->r->exclude[i], name) == 0)
            return true;
    return false;
}

void solve_ask_push(struct solve_asks *k, struct solve_ask ask)
{
    struct solve *s = k->s;
    if (ask.dep == 0 && MAPTST(&k->seen, ask.p))
        return;
    if (ask.dep == 0)
        MAPSET(&k->seen, ask.p);
    if (s->nasks == k->cap) {
        size_t cap = k->cap ? 2 * k->cap : 64;
        struct solve_ask *asks = arena_array(&s->run, cap, sizeof *asks);
        if (s->nasks > 0)
            memcpy(asks, s->asks, s->nasks * sizeof *asks);
        s->asks = asks;
        k->cap = cap;
    }
    s->asks[s->nasks++] = ask;
}

static void push(struct solve_asks *k, Id p, const char *reason)
{
    solve_ask_push(k, (struct solve_ask){.p = p, .reason = reason});
}

static int cmp_ask(const void *a, const void *b, void *pool)
{
    const struct solve_ask *x = a, *y = b;
    return strcmp(pool_id2str(pool, pool_id2solvable(pool, x->p)->name),
                  pool_id2str(pool, pool_id2solvable(pool, y->p)->name));
}

/* priority:VALUE or essential:yes. */
static int add_word(struct solve_asks *k, const char *word, const char *reason, struct err *e)
{
    Pool *pool = k->s->pool;
    bool essential = strcmp(word, "essential:yes") == 0, found = false;
    Id key = pool_str2id(pool, essential ? SOLVE_KEY_ESSENTIAL : SOLVE_KEY_PRIORITY, 1), p;
    Id value = essential ? 0 : pool_str2id(pool, word + strlen("priority:"), 0);
    size_t first = k->s->nasks;
    FOR_POOL_SOLVABLES(p)
    {
        if (essential ? !pool_lookup_void(pool, p, key) : value == 0 || pool_lookup_id(pool, p, key) != value)
            continue;
        found = true;
        if (MAPTST(&k->s->considered, p))
            push(k, p, reason);
    }
    if (k->s->nasks - first > 1)
        solv_sort(k->s->asks + first, k->s->nasks - first, sizeof *k->s->asks, cmp_ask, pool);
    return found ? 0 : err_set(e, ERR_USAGE, "%s: no package is %s", reason, word);
}

/* Edit distance of two short names, at most `max` + 1. */
static int distance(const char *a, const char *b, int max)
{
    int row[NAME_LEN_MAX + 1], la = (int)strlen(a), lb = (int)strlen(b);
    if (la > NAME_LEN_MAX || lb > NAME_LEN_MAX || abs(la - lb) > max)
        return max + 1;
    for (int j = 0; j <= lb; j++)
        row[j] = j;
    for (int i = 1; i <= la; i++) {
        int diagonal = row[0], least = row[0] = i;
        for (int j = 1; j <= lb; j++) {
            int d = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            d = d < row[j] + 1 ? d : row[j] + 1;
            row[j] = d < row[j - 1] + 1 ? d : row[j - 1] + 1;
            least = row[j] < least ? row[j] : least;
        }
        if (least > max)
            return max + 1;
    }
    return row[lb];
}

/* Up to three names that are a slip of the pen away. */
static void hint_near(struct solve *s, const char *name, struct err *e)
{
    Pool *pool = s->pool;
    int max = strlen(name) > 4 ? 2 : strlen(name) > 2, best[NEAR_MAX], n = 0;
    const char *near[NEAR_MAX];
    Id p;
    FOR_POOL_SOLVABLES(p)
    {
        const char *other = pool_id2str(pool, pool->solvables[p].name);
        int d = MAPTST(&s->considered, p) ? distance(name, other, max) : max + 1, at = n;
        if (d > max)
            continue;
        while (at > 0 && (best[at - 1] > d || (best[at - 1] == d && strcmp(near[at - 1], other) > 0)))
            at--;
        if (at == NEAR_MAX)
            continue;
        for (int i = n < NEAR_MAX ? n++ : NEAR_MAX - 1; i > at; i--) {
            best[i] = best[i - 1];
            near[i] = near[i - 1];
        }
        best[at] = d;
        near[at] = other;
    }
    if (n > 0)
        err_hint(e, "did you mean %s%s%s%s%s?", near[0], n > 1 ? ", " : "", n > 1 ? near[1] : "",
                 n > 2 ? ", " : "", n > 2 ? near[2] : "");
}

/* A package of that name is there, and a rule of the format hides it. */
static bool is_hidden(struct solve *s, const char *word)
{
    Pool *pool = s->pool;
    Id p, name = pool_str2id(pool, word, 0);
    FOR_POOL_SOLVABLES(p)
    {
        if (s->rules != NULL && name != 0 && pool_id2solvable(pool, p)->name == name &&
            !MAPTST(&s->considered, p))
            return true;
    }
    return false;
}

int solve_ask_unknown(struct solve_asks *k, const char *word, const char *reason, struct err *e)
{
    err_set(e, ERR_USAGE, "%s: there is no package `%s'", reason, word);
    if (is_hidden(k->s, word))
        return err_hint(e, "it is there, but in a module stream that is not the default one");
    hint_near(k->s, word, e);
    return -1;
}

/* A virtual name: its only provider, or the preferred one; else the user must choose. */
static Id pick_virtual(struct solve_asks *k, Id name, const char *word, const char *reason, struct err *e)
{
    Pool *pool = k->s->pool;
    AUTO_BUF names = {0};
    int n = 0;
    Id p, pp, pick = solve_pick(k->s, k->r, name, NULL, NULL);
    const char *picked = pool_id2str(pool, pool_id2solvable(pool, pick)->name);
    FOR_PROVIDES(p, pp, name)
    {
        buf_printf(&names, "%s%s", n++ ? ", " : "", pool_id2str(pool, pool_id2solvable(pool, p)->name));
    }
    for (size_t i = 0; i < k->r->nprefer; i++)
        if (strcmp(k->r->prefer[i], picked) == 0)
            return pick;
    if (n == 1)
        return pick;
    err_set(e, ERR_USAGE, "%s: `%s' is a virtual package, provided by %.300s", reason, word, buf_c(&names));
    err_hint(e, "name one of them instead");
    return 0;
}

static int add_name(struct solve_asks *k, const char *word, const char *reason, bool from_set, struct err *e)
{
    Pool *pool = k->s->pool;
    struct str name = str_c(word), arch = {NULL, 0};
    size_t colon = str_chr(name, ':');
    if (colon < name.n) {
        arch = str_from(name, colon + 1);
        name.n = colon;
        if (!str_is(arch, k->s->arch) && !str_is(arch, "all"))
            return err_set(e, ERR_USAGE, "%s: `%s': only packages of %s can be installed", reason, word,
                           k->s->arch);
    }
    Id id = pool_strn2id(pool, name.p, (unsigned)name.n, 0), p = 0;
    if (id != 0 && solve_ask_excluded(k, pool_id2str(pool, id)))
        return from_set ? 0 : err_set(e, ERR_USAGE, "`%s' is both included and excluded", word);
    if (id != 0)
        p = solve_pick(k->s, k->r, id, NULL, NULL);
    if (p == 0)
        return solve_ask_unknown(k, word, reason, e);
    if (pool_id2solvable(pool, p)->name != id && (p = pick_virtual(k, id, word, reason, e)) == 0)
        return -1;
    push(k, p, reason);
    return 0;
}

/* priority: and essential: are Debian's; so is what add_name() reads. */
static int add_one(struct solve_asks *k, const char *word, const char *reason, bool from_set, struct err *e)
{
    if (!k->s->one_version)
        return solve_ask_rpm(k, word, reason, from_set, e);
    if (from_set && (strncmp(word, "priority:", 9) == 0 || strcmp(word, "essential:yes") == 0))
        return add_word(k, word, reason, e);
    return add_name(k, word, reason, from_set, e);
}

static int add_all(struct solve_asks *k, const char *set_reason, struct err *e)
{
    const struct solve_request *r = k->r;
    for (size_t i = 0; i < r->nset; i++)
        if (add_one(k, r->set[i], set_reason, true, e) != 0)
            return -1;
    const char *zone = arena_printf(&k->s->run, "zone %s", r->more_name != NULL ? r->more_name : "");
    for (size_t i = 0; i < r->nmore; i++)
        if (add_one(k, r->more[i], zone, true, e) != 0)
            return r->nmore > 0 && e->hint[0] == '\0'
                       ? err_hint(e, "--exclude %s goes without it", r->more[i])
                       : -1;
    for (size_t i = 0; i < r->ninclude; i++)
        if (add_one(k, r->include[i], "asked for", false, e) != 0)
            return -1;
    return 0;
}

int solve_asks(struct solve *s, const struct solve_request *r, struct err *e)
{
    struct solve_asks k = {.s = s, .r = r};
    const char *reason = arena_printf(&s->run, "set %s", r->set_name != NULL ? r->set_name : "");
    s->asks = NULL;
    s->nasks = 0;
    map_init(&k.seen, s->pool->nsolvables);
    int rc = add_all(&k, reason, e);
    map_free(&k.seen);
    map_free(&k.obsoleted);
    map_free(&k.members);
    return rc;
}
