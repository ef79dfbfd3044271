#include "pkgfmt/licence.h"

#include <strings.h>

#include "base/auto.h"
#include "base/data.h"

enum {
    FOLDED_MAX = 128, /* no name of ours is so long */
    ID_NAME_MAX = 64
};

/* GNU licences; without a word on versions such an identifier is deprecated. */
static const struct licence_name families[] = {
    {"agpl-1", "AGPL-1.0", true},
    {"agpl-3", "AGPL-3.0", true},
    {"gfdl-1.1", "GFDL-1.1", true},
    {"gfdl-1.1-invariants", "GFDL-1.1-invariants", true},
    {"gfdl-1.1-no-invariants", "GFDL-1.1-no-invariants", true},
    {"gfdl-1.2", "GFDL-1.2", true},
    {"gfdl-1.2-invariants", "GFDL-1.2-invariants", true},
    {"gfdl-1.2-no-invariants", "GFDL-1.2-no-invariants", true},
    {"gfdl-1.3", "GFDL-1.3", true},
    {"gfdl-1.3-invariants", "GFDL-1.3-invariants", true},
    {"gfdl-1.3-no-invariants", "GFDL-1.3-no-invariants", true},
    {"gpl-1", "GPL-1.0", true},
    {"gpl-2", "GPL-2.0", true},
    {"gpl-3", "GPL-3.0", true},
    {"lgpl-2", "LGPL-2.0", true},
    {"lgpl-2.1", "LGPL-2.1", true},
    {"lgpl-3", "LGPL-3.0", true},
    {0},
};

/* Short names; licence: what the licence's identifier begins with. */
static const struct {
    const char *name, *licence, *spdx;
} exceptions[] = {
    {"autoconf", "GPL-2.0", "Autoconf-exception-2.0"},
    {"autoconf", "GPL-3.0", "Autoconf-exception-3.0"},
    {"bison", "", "Bison-exception-2.2"},
    {"classpath", "", "Classpath-exception-2.0"},
    {"font", "", "Font-exception-2.0"},
    {"gcc", "GPL-2.0", "GCC-exception-2.0"},
    {"gcc", "GPL-3.0", "GCC-exception-3.1"},
    {"gcc-runtime-library", "GPL-3.0", "GCC-exception-3.1"},
    {"libtool", "", "Libtool-exception"},
    {"llvm", "Apache-2.0", "LLVM-exception"},
    {"ocaml-linking", "", "OCaml-LGPL-linking-exception"},
    {"u-boot", "GPL-2.0", "u-boot-exception-2.0"},
    {"wxwindows", "", "WxWindows-exception-3.1"},
};

static bool cut_end(struct str *s, struct str end)
{
    if (s->n <= end.n || !str_ends(*s, end))
        return false;
    s->n -= end.n;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Lower case, blanks as dashes. False: too long. */
static bool fold(struct str s, char out[FOLDED_MAX], struct str *folded)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (is_blank(c) && n > 0 && is_blank(s.p[i - 1]))
            continue;
        if (n == FOLDED_MAX)
            return false;
        out[n++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : is_blank(c) ? '-' : c);
    }
    *folded = (struct str){out, n};
    return true;
}

/* "gpl-2.0" is "gpl-2". */
static void cut_zeros(struct str *s)
{
    while (str_ends(*s, STR(".0")) && s->n > 3 && s->p[s->n - 3] >= '0' && s->p[s->n - 3] <= '9')
        s->n -= 2;
}

/* The line of a list that says the name in any case: by halves, the lists are sorted so. Empty: none. */
static struct str find_line(const char *list, struct str name)
{
    struct str text, line = {0};
    struct err e = {0};
    if (name.n == 0 || name.p[0] == '#' ||
        data_read(&(struct data){0}, "pkgfmt", list, NULL, &text, NULL, &e) != 0)
        return line;
    while (text.n > 0) {
        size_t start = text.n / 2;
        while (start > 0 && text.p[start - 1] != '\n')
            start--;
        struct str rest = str_from(text, start);
        str_line(&rest, &line);
        int c = strncasecmp(name.p, line.p, name.n < line.n ? name.n : line.n);
        c = c != 0 ? c : name.n < line.n ? -1 : name.n > line.n;
        if (c == 0)
            return line;
        text = c < 0 ? (struct str){text.p, start} : rest;
    }
    return (struct str){0};
}

static const struct licence_name *find_row(const struct licence_name *rows, struct str n)
{
    while (rows->name != NULL && !str_is(n, rows->name))
        rows++;
    return rows->name != NULL ? rows : NULL;
}

static bool find_name(const struct licence_names *names, struct str n, struct arena *a,
                      struct licence_name *out)
{
    const struct licence_name *r = find_row(names->rows, n);
    struct str plain = n;
    cut_zeros(&plain);
    r = r != NULL ? r : find_row(names->rows, plain);
    r = r != NULL ? r : find_row(families, plain);
    if (r != NULL) {
        *out = *r;
        return true;
    }
    struct str id = names->ids ? find_line("spdx.licences", n) : (struct str){0};
    if (id.n == 0 && names->ids)
        id = find_line("spdx.licences", str_c(arena_printf(a, "%" STR_FMT ".0", STR_ARG(n))));
    *out = (struct licence_name){.spdx = arena_str(a, id)};
    return id.n > 0;
}

static const char *find_exception(struct str x, const char *licence, struct arena *a)
{
    struct str id = find_line("spdx.exceptions", x);
    if (id.n > 0)
        return arena_str(a, id);
    cut_end(&x, STR("-exception"));
    id = find_line("spdx.exceptions", x);
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions && id.n == 0; i++)
        if (str_is(x, exceptions[i].name) && str_starts(str_c(licence), str_c(exceptions[i].licence)))
            id = str_c(exceptions[i].spdx);
    return id.n > 0 ? arena_str(a, id) : NULL;
}

const char *licence_spdx(const struct licence_names *names, struct str name, struct str exception,
                         struct arena *a)
{
    char name_bytes[FOLDED_MAX], exception_bytes[FOLDED_MAX];
    struct str n, x;
    struct licence_name found;
    bool later = false;
    if (!fold(name, name_bytes, &n) || !fold(exception, exception_bytes, &x))
        return NULL;
    size_t with = x.n == 0 && find_row(names->rows, n) == NULL ? str_find(n, STR("-with-")) : n.n;
    if (with < n.n) {
        x = str_from(n, with + strlen("-with-"));
        n.n = with;
    }
    if (!find_name(names, n, a, &found)) {
        bool plus = cut_end(&n, STR("+"));
        later = cut_end(&n, STR("-or-later")) || plus;
        if (!later)
            cut_end(&n, STR("-only"));
        if (!find_name(names, n, a, &found))
            return NULL;
    }
    struct str id = str_c(found.spdx);
    if (id.n == 0 || (later && str_ends(id, STR("-only"))))
        return NULL;
    later = later && !str_ends(id, STR("-or-later"));
    const char *spdx = arena_printf(a, "%s%s", found.spdx,
                                    found.versions ? (later ? "-or-later" : "-only")
                                    : later        ? "+"
                                                   : "");
    if (x.n == 0)
        return spdx;
    const char *special = find_exception(x, found.spdx, a);
    return special != NULL ? arena_printf(a, "%s WITH %s", spdx, special) : NULL;
}

static size_t unite(struct licence_group *g)
{
    size_t n = 0;
    str_list_sort(&g->terms);
    for (size_t i = 0; i < g->terms.n; i++)
        if (n == 0 || !str_eq(g->terms.v[n - 1], g->terms.v[i]))
            g->terms.v[n++] = g->terms.v[i];
    return g->terms.n = n;
}

struct str licence_term(struct licence_group *g, struct arena *a)
{
    AUTO_BUF b = {0};
    if (unite(g) == 1)
        return g->terms.v[0];
    buf_putc(&b, '(');
    for (size_t i = 0; i < g->terms.n; i++) {
        if (i > 0)
            buf_puts(&b, g->op == '|' ? " OR " : " AND ");
        buf_str(&b, g->terms.v[i]);
    }
    buf_putc(&b, ')');
    return arena_copy(a, buf_view(&b));
}

const char *licence_expression(struct licence_group *g, struct arena *a)
{
    size_t n = unite(g);
    if (n == 0 || n > LICENCE_TERMS_MAX)
        return NULL;
    struct str s = licence_term(g, a);
    return arena_str(a, s.p[0] == '(' ? (struct str){s.p + 1, s.n - 2} : s);
}

void licence_join(struct licence_group *g, char op, struct licence_group *h, struct arena *a)
{
    if (g->op != op && g->op != 0) {
        struct str one = licence_term(g, a);
        g->terms.n = 0;
        str_list_add(&g->terms, one);
    }
    g->op = op;
    if (h->op == op || h->op == 0)
        for (size_t i = 0; i < h->terms.n; i++)
            str_list_add(&g->terms, h->terms.v[i]);
    else
        str_list_add(&g->terms, licence_term(h, a));
    str_list_free(&h->terms);
}

/* What an idstring may hold: letters, digits, `.` and `-` (SPDX 2.3, 10.1). */
void licence_ref_id(struct buf *out, struct str name, const char *hash)
{
    buf_puts(out, "LicenseRef-");
    size_t start = out->n;
    for (size_t i = 0; i < name.n && out->n - start < ID_NAME_MAX; i++) {
        char c = name.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
        if (plain)
            buf_putc(out, c);
        else if (c == '+')
            buf_puts(out, "plus");
        else if (out->p[out->n - 1] != '-')
            buf_putc(out, '-');
    }
    if (hash[0] != '\0' && out->p[out->n - 1] != '-')
        buf_putc(out, '-');
    buf_puts(out, hash);
}

const char *licence_ref(struct licence_refs *r, struct str id, struct str name, struct str text,
                        const char *beyond)
{
    for (size_t i = 0; i < r->n; i++)
        if (str_is(id, r->v[i].id))
            return r->v[i].id;
    if (r->n == LICENCE_TERMS_MAX) {
        r->too_many = true;
        return "";
    }
    bool fits = text.n <= LICENCE_TEXT_MAX - r->text_bytes;
    r->text_bytes += fits ? text.n : 0;
    name.n = name.n < LICENCE_NAME_MAX ? name.n : LICENCE_NAME_MAX;
    r->v[r->n] = (struct pkgfmt_licence_ref){.id = arena_str(r->a, id),
                                             .name = arena_str(r->a, name),
                                             .text = fits ? arena_str(r->a, text) : arena_dup(r->a, beyond)};
    return r->v[r->n++].id;
}

void licence_refs_give(const struct licence_refs *r, struct pkgfmt_licence *out)
{
    if (r->n == 0)
        return;
    struct pkgfmt_licence_ref *refs = arena_array(r->a, r->n, sizeof *refs);
    memcpy(refs, r->v, r->n * sizeof *refs);
    out->refs = refs;
    out->nrefs = r->n;
}
