#include "pkgfmt/deb_licence.h"

#include <strings.h>

#include "base/auto.h"

enum { FOLDED_MAX = 128 }; /* no name of ours is so long */

static bool cut_end(struct str *s, struct str end)
{
    if (s->n <= end.n || !str_ends(*s, end))
        return false;
    s->n -= end.n;
    return true;
}

/* Lower case, blanks as dashes. False: too long. */
static bool fold(struct str s, char out[FOLDED_MAX], struct str *folded)
{
    if (s.n >= FOLDED_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c == ' ' || c == '\t' ? '-' : c);
    }
    *folded = (struct str){out, s.n};
    return true;
}

/* "gpl-2.0" is "gpl-2". */
static void cut_zeros(struct str *s)
{
    while (str_ends(*s, STR(".0")) && s->n > 3 && s->p[s->n - 3] >= '0' && s->p[s->n - 3] <= '9')
        s->n -= 2;
}

static const char *find_exception(struct str exception, const char *licence)
{
    cut_end(&exception, STR("-exception"));
    for (const struct deb_licence_exception *x = deb_licence_exceptions; x->name != NULL; x++) {
        bool named = str_is(exception, x->name) ||
                     (exception.n == strlen(x->spdx) && strncasecmp(exception.p, x->spdx, exception.n) == 0);
        if (named && (x->licence[0] == '\0' || strcmp(x->licence, licence) == 0))
            return x->spdx;
    }
    return NULL;
}

const char *deb_licence_spdx(struct str name, struct str exception, struct arena *a)
{
    char name_bytes[FOLDED_MAX], exception_bytes[FOLDED_MAX];
    struct str n, x;
    if (!fold(name, name_bytes, &n) || !fold(exception, exception_bytes, &x))
        return NULL;
    size_t with = str_find(n, STR("-with-"));
    if (with < n.n && x.n == 0) {
        x = str_from(n, with + strlen("-with-"));
        n.n = with;
    }
    bool plus = cut_end(&n, STR("+"));
    bool later = cut_end(&n, STR("-or-later")) || plus;
    if (!later)
        cut_end(&n, STR("-only"));
    cut_zeros(&n);
    const struct deb_licence_row *r = deb_licence_rows;
    while (r->name != NULL && !str_is(n, r->name))
        r++;
    const char *spdx = x.n > 0 && r->name != NULL ? find_exception(x, r->name) : NULL;
    if (r->name == NULL || (x.n > 0 && spdx == NULL))
        return NULL;
    return arena_printf(a, "%s%s%s%s", r->spdx,
                        r->versions ? (later ? "-or-later" : "-only")
                        : later     ? "+"
                                    : "",
                        spdx != NULL ? " WITH " : "", spdx != NULL ? spdx : "");
}

struct parser {
    struct str rest;
    struct arena *a;
    deb_licence_ref *ref; /* NULL: only its grammar counts */
    void *ctx;
};

/* Terms that hold all ('&') or by choice ('|'); op 0: a single one. */
struct group {
    char op;
    struct str_list terms;
};

static struct str next_word(struct parser *p)
{
    struct str s = str_trim(p->rest);
    size_t n = 0;
    while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t' && s.p[n] != ',')
        n++;
    n = n == 0 && s.n > 0 ? 1 : n;
    p->rest = str_from(s, n);
    return (struct str){s.p, n};
}

static bool is_word(struct str s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

static bool is_name(struct str s)
{
    return s.n > 0 && !is_word(s, ",") && !is_word(s, "and") && !is_word(s, "or") && !is_word(s, "with");
}

static bool take(struct parser *p, const char *word)
{
    struct parser ahead = *p;
    if (!is_word(next_word(&ahead), word))
        return false;
    *p = ahead;
    return true;
}

static struct str wrap(struct group *g, struct arena *a)
{
    AUTO_BUF b = {0};
    size_t n = 0;
    str_list_sort(&g->terms);
    for (size_t i = 0; i < g->terms.n; i++) {
        if (i > 0 && str_eq(g->terms.v[i], g->terms.v[i - 1]))
            continue;
        if (n++ > 0)
            buf_puts(&b, g->op == '|' ? " OR " : " AND ");
        buf_str(&b, g->terms.v[i]);
    }
    return n == 1 ? arena_copy(a, buf_view(&b)) : str_c(arena_printf(a, "(%s)", buf_c(&b)));
}

/* Joins h to g; h is used up. */
static void join(struct parser *p, struct group *g, char op, struct group *h)
{
    if (g->op != op && g->op != 0) {
        struct str one = wrap(g, p->a);
        g->terms.n = 0;
        str_list_add(&g->terms, one);
    }
    g->op = op;
    if (h->op == op || h->op == 0)
        for (size_t i = 0; i < h->terms.n; i++)
            str_list_add(&g->terms, h->terms.v[i]);
    else
        str_list_add(&g->terms, wrap(h, p->a));
    str_list_free(&h->terms);
}

static bool parse_name(struct parser *p, struct group *g)
{
    struct str name = next_word(p), whole = name, exception = {0};
    if (!is_name(name))
        return false;
    if (take(p, "with")) {
        struct parser ahead = *p;
        struct str word;
        while (is_name(word = next_word(&ahead))) {
            exception = exception.n > 0 ? exception : word;
            exception.n = (size_t)(word.p + word.n - exception.p);
            *p = ahead;
        }
        if (exception.n == 0)
            return false;
        whole.n = (size_t)(exception.p + exception.n - name.p);
    }
    if (p->ref == NULL)
        return true;
    const char *spdx = deb_licence_spdx(name, exception, p->a);
    str_list_add(&g->terms, str_c(spdx != NULL ? spdx : p->ref(p->ctx, whole)));
    return true;
}

static bool parse_and(struct parser *p, struct group *g)
{
    bool good = parse_name(p, g);
    while (good && take(p, "and")) {
        struct group h = {0};
        good = parse_name(p, &h);
        join(p, g, '&', &h);
    }
    return good;
}

static bool parse_or(struct parser *p, struct group *g)
{
    bool good = parse_and(p, g);
    while (good && take(p, "or")) {
        struct group h = {0};
        good = parse_and(p, &h);
        join(p, g, '|', &h);
    }
    return good;
}

/* A comma before `and` or `or` binds what stands before it. */
static bool parse_all(struct parser *p, struct group *g)
{
    bool good = parse_or(p, g);
    while (good && take(p, ",")) {
        struct group h = {0};
        char op = (char)(take(p, "and") ? '&' : take(p, "or") ? '|' : 0);
        good = op != 0 && parse_or(p, &h);
        join(p, g, op, &h);
    }
    return good && str_trim(p->rest).n == 0;
}

void deb_licence_terms(struct str synopsis, struct arena *a, deb_licence_ref *ref, void *ctx,
                       struct str_list *terms)
{
    struct parser dry = {synopsis, a, NULL, NULL}, p = {synopsis, a, ref, ctx};
    struct group nothing = {0}, g = {0};
    bool good = synopsis.n <= DEB_LICENCE_MAX && parse_all(&dry, &nothing);
    str_list_free(&nothing.terms);
    if (good)
        parse_all(&p, &g);
    else
        str_list_add(&g.terms, str_c(ref(ctx, synopsis)));
    if (g.op == '|')
        str_list_add(terms, wrap(&g, a));
    for (size_t i = 0; i < g.terms.n && g.op != '|'; i++)
        str_list_add(terms, g.terms.v[i]);
    str_list_free(&g.terms);
}
