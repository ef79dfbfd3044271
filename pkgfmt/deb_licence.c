#include "pkgfmt/deb_licence.h"

#include <strings.h>

#include "pkgfmt/licence.h"

struct parser {
    struct str rest;
    struct arena *a;
    deb_licence_ref *ref; /* NULL: only its grammar counts */
    void *ctx;
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

static bool parse_name(struct parser *p, struct licence_group *g)
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
    const char *spdx = licence_spdx(&deb_licence_names, name, exception, p->a);
    str_list_add(&g->terms, str_c(spdx != NULL ? spdx : p->ref(p->ctx, whole)));
    return true;
}

static bool parse_and(struct parser *p, struct licence_group *g)
{
    bool good = parse_name(p, g);
    while (good && take(p, "and")) {
        struct licence_group h = {0};
        good = parse_name(p, &h);
        licence_join(g, '&', &h, p->a);
    }
    return good;
}

static bool parse_or(struct parser *p, struct licence_group *g)
{
    bool good = parse_and(p, g);
    while (good && take(p, "or")) {
        struct licence_group h = {0};
        good = parse_and(p, &h);
        licence_join(g, '|', &h, p->a);
    }
    return good;
}

/* A comma before `and` or `or` binds what stands before it. */
static bool parse_all(struct parser *p, struct licence_group *g)
{
    bool good = parse_or(p, g);
    while (good && take(p, ",")) {
        struct licence_group h = {0};
        char op = (char)(take(p, "and") ? '&' : take(p, "or") ? '|' : 0);
        good = op != 0 && parse_or(p, &h);
        licence_join(g, op, &h, p->a);
    }
    return good && str_trim(p->rest).n == 0;
}

void deb_licence_terms(struct str synopsis, struct arena *a, deb_licence_ref *ref, void *ctx,
                       struct str_list *terms)
{
    struct parser dry = {synopsis, a, NULL, NULL}, p = {synopsis, a, ref, ctx};
    struct licence_group nothing = {0}, g = {0};
    bool good = synopsis.n <= DEB_LICENCE_MAX && parse_all(&dry, &nothing);
    str_list_free(&nothing.terms);
    if (good)
        parse_all(&p, &g);
    else
        str_list_add(&g.terms, str_c(ref(ctx, synopsis)));
    if (g.op == '|')
        str_list_add(terms, licence_term(&g, a));
    for (size_t i = 0; i < g.terms.n && g.op != '|'; i++)
        str_list_add(terms, g.terms.v[i]);
    str_list_free(&g.terms);
}
