/* The copyright file of a package in the machine-readable form, copyright-format 1.0 (once DEP-5): which
   licences its files have together, in SPDX's terms. */
#include <stdlib.h>
#include <strings.h>

#include "base/auto.h"
#include "base/digest.h"
#include "base/mem.h"
#include "pkgfmt/deb.h"
#include "pkgfmt/deb_licence.h"
#include "pkgfmt/deb_stanza.h"

/* A License field. */
struct licence {
    struct str synopsis, raw; /* raw: the lines behind the synopsis, as they stand there */
    char *text;               /* in plain form; NULL: not made yet */
    char hash[13];            /* of the text */
};

struct licences {
    struct licence *v;
    size_t n, cap;
};

struct reader {
    struct arena *a, scratch;
    struct licences uses, alone; /* of files or of all; stand-alone ones, sorted by synopsis */
    struct licence *use;         /* the one in work */
    struct licence_group all;
    struct licence_refs refs;
};

const char *deb_copyright_path(const struct plan_pkg *pkg, struct arena *a)
{
    return arena_printf(a, "/usr/share/doc/%s/copyright", pkg->name);
}

static bool is_field(struct str name, const char *want)
{
    return name.n == strlen(want) && strncasecmp(name.p, want, name.n) == 0;
}

/* The next stanza, up to a line of nothing but blanks. */
static bool next_stanza(struct str *text, struct str *out)
{
    struct str line, rest = *text;
    *out = (struct str){0};
    while (str_line(&rest, &line)) {
        if (str_trim(line).n > 0) {
            out->p = out->n > 0 ? out->p : line.p;
            out->n = (size_t)(line.p + line.n - out->p);
        } else if (out->n > 0) {
            break;
        }
    }
    *text = rest;
    return out->n > 0;
}

/* The next field; what is none is passed over. */
static bool next_field(struct str *stanza, struct str *name, struct str *value)
{
    int r;
    while ((r = deb_stanza_field(stanza, name, value)) < 0)
        str_line(stanza, name);
    return r > 0;
}

static void add_licence(struct licences *l, struct str field)
{
    struct str synopsis = {0};
    if (l->n == l->cap) {
        l->cap = l->cap * 2 + 16;
        l->v = mem_grow(l->v, l->cap, sizeof *l->v);
    }
    str_line(&field, &synopsis);
    l->v[l->n++] = (struct licence){.synopsis = str_trim(synopsis), .raw = field};
}

/* Sorts a stanza's License where it belongs. first: the header, which says what the file is. */
static bool read_stanza(struct reader *r, struct str stanza, bool first)
{
    struct str name, value, licence = {0};
    bool files = first, format = !first;
    while (next_field(&stanza, &name, &value)) {
        if (is_field(name, "License"))
            licence = value;
        else if (is_field(name, "Files"))
            files = true;
        else if (is_field(name, "Format"))
            format = format || str_find(value, STR("/copyright-format/1.0")) < value.n;
    }
    if (licence.n > 0)
        add_licence(files ? &r->uses : &r->alone, licence);
    return format;
}

static int by_synopsis(const void *a, const void *b)
{
    const struct str x = ((const struct licence *)a)->synopsis, y = ((const struct licence *)b)->synopsis;
    int c = strncasecmp(x.p, y.p, x.n < y.n ? x.n : y.n);
    return c != 0 ? c : x.n < y.n ? -1 : x.n > y.n;
}

/* Of equal ones the first in the file. */
static int by_place(const void *a, const void *b)
{
    const struct licence *x = a, *y = b;
    int c = by_synopsis(a, b);
    return c != 0 ? c : x->synopsis.p < y->synopsis.p ? -1 : x->synopsis.p > y->synopsis.p;
}

static void sort_alone(struct licences *l)
{
    size_t n = 0;
    if (l->n > 0)
        qsort(l->v, l->n, sizeof *l->v, by_place);
    for (size_t i = 0; i < l->n; i++)
        if (n == 0 || by_synopsis(&l->v[n - 1], &l->v[i]) != 0)
            l->v[n++] = l->v[i];
    l->n = n;
}

/* The first blank of each line goes, and a lone dot stands for an empty line (section 4.4: formatted text).
 */
static void make_text(struct reader *r, struct licence *l)
{
    AUTO_BUF b = {0};
    struct digest d;
    char hex[DIGEST_HEX_MAX];
    struct err ignored;
    struct str rest = l->raw, line;
    while (str_line(&rest, &line)) {
        if (!str_is(str_trim(line), "."))
            buf_str(&b, str_from(line, 1));
        buf_putc(&b, '\n');
    }
    struct str text = str_trim(buf_view(&b));
    l->text = arena_str(&r->scratch, text);
    if (digest_of(&d, DIGEST_SHA256, text, &ignored) == 0)
        memcpy(l->hash, digest_hex(&d, hex), sizeof l->hash - 1);
}

static struct licence *find_alone(struct reader *r, struct str name)
{
    const struct licence key = {.synopsis = name};
    return r->alone.n > 0 ? bsearch(&key, r->alone.v, r->alone.n, sizeof key, by_synopsis) : NULL;
}

/* Whose text is that of the name: the field's own, that of the stand-alone stanza for it or, for a name with
 * an exception, for the name alone. */
static struct licence *find_text(struct reader *r, struct str what)
{
    struct licence *l = r->use->raw.n > 0 && str_eq(what, r->use->synopsis) ? r->use : find_alone(r, what);
    struct str rest = what, name;
    if (l == NULL && r->use->raw.n == 0 && str_word(&rest, &name))
        l = find_alone(r, name);
    l = l != NULL ? l : r->use;
    if (l->text == NULL)
        make_text(r, l);
    return l;
}

static const char *make_ref(void *ctx, struct str what)
{
    struct reader *r = ctx;
    struct licence *l = find_text(r, what);
    AUTO_BUF id = {0};
    struct str text = str_c(l->text);
    licence_ref_id(&id, what, l->hash);
    if (text.n == 0)
        text = STR("The package's copyright file names this licence without its text.");
    return licence_ref(&r->refs, buf_view(&id), what, text,
                       "The text stands in the package's copyright file.");
}

static void read_all(struct reader *r, struct str text, struct pkgfmt_licence *out)
{
    struct str stanza;
    bool first = true;
    for (; next_stanza(&text, &stanza); first = false)
        if (!read_stanza(r, stanza, first))
            return;
    sort_alone(&r->alone);
    for (size_t i = 0; i < r->uses.n && !r->refs.too_many; i++) {
        r->use = &r->uses.v[i];
        deb_licence_terms(r->use->synopsis, &r->scratch, make_ref, r, &r->all.terms);
    }
    out->expression = r->refs.too_many ? NULL : licence_expression(&r->all, r->a);
    if (out->expression != NULL)
        licence_refs_give(&r->refs, out);
}

void deb_copyright_read(struct str text, struct arena *a, struct pkgfmt_licence *out)
{
    *out = (struct pkgfmt_licence){0};
    if (text.n == 0 || memchr(text.p, '\0', text.n) != NULL)
        return;
    struct reader *r = mem_alloc(sizeof *r);
    r->a = r->refs.a = a;
    r->all.op = '&';
    read_all(r, text, out);
    str_list_free(&r->all.terms);
    free(r->uses.v);
    free(r->alone.v);
    arena_free(&r->scratch);
    free(r);
}
