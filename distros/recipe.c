#include "distros/recipe.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { LIKE_MAX = 8 };

enum { IN_DISTRO = 1, IN_RELEASE = 2, IN_SET = 4, IN_LAYOUT = 8, IN_ARCH = 16 };

static const struct section_row {
    const char *name;
    unsigned bit;
    bool labelled;
    const char *quals[4];
} sections[] = {
    {"distro", IN_DISTRO, false, {"arch"}},
    {"release", IN_RELEASE, true, {"arch"}},
    {"set", IN_SET, true, {"release", "arch", "distro"}},
    {"layout", IN_LAYOUT, false, {"release", "arch", "distro"}},
    {"arch", IN_ARCH, true, {"release"}},
};

static const struct keyword_row {
    const char *name;
    unsigned in;       /* sections that may have it */
    unsigned min, max; /* words of its argument; max 0: any number */
    bool once;         /* in a section */
} keywords[] = {
    {"title", IN_DISTRO, 1, 0, true},
    {"signed-by", IN_DISTRO, 1, 1, true},
    {"format", IN_DISTRO, 1, 1, true},
    {"like", IN_DISTRO, 1, 1, true},
    {"default", IN_DISTRO, 1, 1, true},
    {"suite-alias", IN_DISTRO, 1, 0, false},
    {"arch", IN_DISTRO | IN_RELEASE, 1, 0, false},
    {"keys", IN_DISTRO | IN_RELEASE, 1, 0, false},
    {"keys-at", IN_DISTRO | IN_RELEASE, 1, 1, true},
    {"repo", IN_DISTRO | IN_RELEASE | IN_ARCH, 3, 0, false},
    {"metalink", IN_DISTRO | IN_RELEASE | IN_ARCH, 2, 2, false},
    {"mirrorlist", IN_DISTRO | IN_RELEASE | IN_ARCH, 2, 2, false},
    {"trust", IN_DISTRO | IN_RELEASE, 1, 1, true},
    {"ship-sources", IN_DISTRO | IN_RELEASE, 1, 0, false},
    {"version", IN_RELEASE, 1, 1, true},
    {"alias", IN_RELEASE, 1, 0, false},
    {"packages", IN_SET, 1, 0, false},
    {"prefer", IN_SET, 1, 0, false},
    {"link", IN_LAYOUT | IN_ARCH, 2, 2, false},
    {"first", IN_LAYOUT, 1, 0, false},
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const struct section_row *find_section(struct str name)
{
    for (size_t i = 0; i < COUNT(sections); i++)
        if (str_is(name, sections[i].name))
            return &sections[i];
    return NULL;
}

static const struct keyword_row *find_keyword(struct str name)
{
    for (size_t i = 0; i < COUNT(keywords); i++)
        if (str_is(name, keywords[i].name))
            return &keywords[i];
    return NULL;
}

int recipe_error(const struct recipe_line *l, struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    kw_verror(l->file, l->line->line, l->line->arg_col, e, fmt, ap);
    va_end(ap);
    return -1;
}

static int check_heading(const struct kw_file *f, const struct kw_section *s, struct err *e)
{
    const struct section_row *row = find_section(s->name);
    if (s->name.n == 0)
        return s->nlines ? kw_error(f, s->lines[0].line, s->lines[0].col, e,
                                    "`%" STR_FMT "' before any [section]", STR_ARG(s->lines[0].key))
                         : 0;
    if (row == NULL)
        return kw_error(f, s->line, s->col, e,
                        "unknown section [%" STR_FMT "] (known: distro, release, set, layout, arch)",
                        STR_ARG(s->name));
    if (row->labelled != (s->label.n > 0))
        return kw_error(f, s->line, s->col, e, row->labelled ? "[%s] needs a name" : "[%s] takes no name",
                        row->name);
    for (size_t i = 0; i < s->nquals; i++) {
        bool known = false;
        for (size_t k = 0; k < COUNT(row->quals) && row->quals[k] != NULL; k++)
            known = known || str_is(s->quals[i].key, row->quals[k]);
        if (!known)
            return kw_error(f, s->line, s->col, e, "[%s] has no qualifier `%" STR_FMT "'", row->name,
                            STR_ARG(s->quals[i].key));
    }
    return 0;
}

bool recipe_unknown_variable(struct str text, size_t *at, struct str *name)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '{')
            continue;
        *name = str_from(text, i + 1);
        name->n = str_chr(*name, '}');
        *at = i;
        if (i + 1 + name->n >= text.n ||
            (!str_is(*name, "release") && !str_is(*name, "arch") && !str_is(*name, "version")))
            return true;
        i += name->n;
    }
    return false;
}

static int check_variables(const struct kw_file *f, const struct kw_line *l, struct err *e)
{
    size_t at;
    struct str name;
    if (!recipe_unknown_variable(l->arg, &at, &name))
        return 0;
    return kw_error(f, l->line, l->arg_col + (unsigned)at, e,
                    "unknown variable {%" STR_FMT "} (known: {release} {arch} {version})", STR_ARG(name));
}

static int check_line(const struct kw_file *f, const struct kw_section *s, size_t at, struct err *e)
{
    const struct kw_line *l = &s->lines[at];
    const struct keyword_row *row = find_keyword(l->key);
    struct str rest = l->arg, word;
    unsigned words = 0;
    if (row == NULL)
        return kw_error(f, l->line, l->col, e, "unknown keyword `%" STR_FMT "' in [%" STR_FMT "]",
                        STR_ARG(l->key), STR_ARG(s->name));
    if (!(row->in & find_section(s->name)->bit))
        return kw_error(f, l->line, l->col, e, "`%s' does not belong into [%" STR_FMT "]", row->name,
                        STR_ARG(s->name));
    while (str_word(&rest, &word))
        words++;
    if (words < row->min)
        return kw_error(f, l->line, l->arg_col, e, "`%s' needs %u word%s, not %u", row->name, row->min,
                        row->min == 1 ? "" : "s at least", words);
    if (row->max > 0 && words > row->max)
        return kw_error(f, l->line, l->arg_col, e, "`%s' takes %u word%s, not %u", row->name, row->max,
                        row->max == 1 ? "" : "s", words);
    for (size_t i = 0; row->once && i < at; i++)
        if (str_eq(s->lines[i].key, l->key))
            return kw_error(f, l->line, l->col, e, "`%s' stands in this section already, in line %u",
                            row->name, s->lines[i].line);
    return check_variables(f, l, e);
}

static int check_file(const struct kw_file *f, struct err *e)
{
    for (size_t i = 0; i < f->n; i++) {
        if (check_heading(f, &f->sections[i], e) < 0)
            return -1;
        for (size_t k = 0; k < f->sections[i].nlines; k++)
            if (check_line(f, &f->sections[i], k, e) < 0)
                return -1;
    }
    return 0;
}

/* Whether a line with the new keyword drops one with the old; same_id: their first words are equal. Another
   `repo` drops where the old one's mirrors were asked for, too. */
static bool drops(struct str new, struct str old, bool same_id)
{
    bool by_id = str_is(old, "repo") || str_is(old, "metalink") || str_is(old, "mirrorlist");
    if (by_id && str_is(new, "repo"))
        return same_id;
    return str_eq(new, old) && (same_id || !by_id);
}

/* Whether the heir has a line or an unqualified section that takes the place of the inherited one
 * (zonestrap-recipe(5), Inheritance).
 */
static bool overridden(const struct recipe_line *old, const struct kw_file *heir)
{
    bool in_distro = str_is(old->section->name, "distro");
    struct str old_id = old->line->arg, id;
    str_word(&old_id, &id);
    for (size_t i = 0; i < heir->n; i++) {
        const struct kw_section *s = &heir->sections[i];
        if (!str_eq(s->name, old->section->name))
            continue;
        if (!in_distro && s->nquals == 0 &&
            (str_is(s->name, "release") || str_eq(s->label, old->section->label)))
            return true;
        for (size_t k = 0; in_distro && k < s->nlines; k++) {
            struct str arg = s->lines[k].arg, first;
            str_word(&arg, &first);
            if (drops(s->lines[k].key, old->line->key, str_eq(first, id)))
                return true;
        }
    }
    return false;
}

/* A section counts even when nothing stands in it: a line without keyword stands for the heading. */
static const struct kw_line *heading(const struct kw_section *s, struct arena *a)
{
    struct kw_line *l = arena_alloc(a, sizeof *l);
    l->line = s->line;
    l->col = l->arg_col = s->col;
    return l;
}

/* out: what was inherited and not overridden, then the file's own lines. */
static void join(const struct recipe *inherited, const struct kw_file *f, struct arena *a, struct recipe *out)
{
    size_t max = inherited->n;
    for (size_t i = 0; i < f->n; i++)
        max += 1 + f->sections[i].nlines;
    out->lines = arena_array(a, max + 1, sizeof *out->lines);
    out->n = 0;
    for (size_t i = 0; i < inherited->n; i++)
        if (!overridden(&inherited->lines[i], f))
            out->lines[out->n++] = inherited->lines[i];
    for (size_t i = 1; i < f->n; i++) {
        const struct kw_section *s = &f->sections[i];
        out->lines[out->n++] = (struct recipe_line){f, s, heading(s, a)};
        for (size_t k = 0; k < s->nlines; k++)
            out->lines[out->n++] = (struct recipe_line){f, s, &s->lines[k]};
    }
}

static bool good_name(struct str s)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
    for (size_t i = 0; i < s.n; i++)
        if (strchr(ok, s.p[i]) == NULL || s.p[i] == '\0')
            return false;
    return s.n > 0 && s.n < 100 && s.p[0] != '.';
}

static int read_level(const struct data *d, const char *name, const struct recipe_line *like, unsigned depth,
                      struct arena *a, struct recipe *out, struct err *e);

static int parse_level(const struct data *d, const char *name, const char *file, struct str text,
                       unsigned depth, struct arena *a, struct recipe *out, struct err *e)
{
    struct kw_file *f = arena_alloc(a, sizeof *f);
    struct recipe inherited = {0};
    const struct recipe_line *like;
    size_t i = 0;
    *out = (struct recipe){.name = arena_dup(a, name), .file = arena_dup(a, file)};
    if (kw_parse(f, file, text, a, e) < 0 || check_file(f, e) < 0)
        return -1;
    join(&inherited, f, a, out);
    like = recipe_next(out, "distro", "like", &i);
    if (like == NULL)
        return 0;
    if (depth >= LIKE_MAX)
        return recipe_error(like, e, "`like' goes in a circle, or over more than %d recipes", LIKE_MAX);
    if (read_level(d, arena_str(a, like->line->arg), like, depth + 1, a, &inherited, e) < 0)
        return -1;
    join(&inherited, f, a, out);
    return 0;
}

/* like: the line that names it, or NULL. */
static int unknown_distro(const struct data *d, const char *name, const struct recipe_line *like,
                          struct arena *a, struct err *e)
{
    const char **names;
    size_t n, used = 0;
    char text[400] = "";
    if (data_list(d, "distros", "*.distro", a, &names, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n && used < sizeof text - 60; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", i ? ", " : "",
                                 (int)(strlen(names[i]) < 50 ? strlen(names[i]) - 7 : 50), names[i]);
    err_set(e, ERR_USAGE, "no recipe for the distribution `%.100s'", name);
    if (like != NULL)
        err_wrap(e, "%s:%u:%u", like->file->name, like->line->line, like->line->arg_col);
    err_hint(e, "known: %s; your own: NAME.distro in a directory given with --recipes", text);
    return -1;
}

static int read_level(const struct data *d, const char *name, const struct recipe_line *like, unsigned depth,
                      struct arena *a, struct recipe *out, struct err *e)
{
    struct str text;
    const char *origin = NULL;
    if (!good_name(str_c(name)))
        return unknown_distro(d, name, like, a, e);
    int rc = data_read(d, "distros", arena_printf(a, "%s.distro", name), a, &text, &origin, e);
    if (rc != 0)
        return rc < 0 ? -1 : unknown_distro(d, name, like, a, e);
    return parse_level(d, name, origin, text, depth, a, out, e);
}

int recipe_read(const struct data *d, const char *name, struct arena *a, struct recipe *out, struct err *e)
{
    return read_level(d, name, NULL, 0, a, out, e);
}

int recipe_parse(const struct data *d, const char *name, const char *file, struct str text, struct arena *a,
                 struct recipe *out, struct err *e)
{
    return parse_level(d, name, file, text, 0, a, out, e);
}

const struct recipe_line *recipe_next(const struct recipe *r, const char *section, const char *key, size_t *i)
{
    while (*i < r->n) {
        const struct recipe_line *l = &r->lines[(*i)++];
        if ((section == NULL || str_is(l->section->name, section)) && str_is(l->line->key, key))
            return l;
    }
    return NULL;
}

/* Whether one of the values between commas is v. */
static bool one_of(struct str values, const char *v)
{
    struct str value;
    while (v != NULL && str_cut(&values, ',', &value))
        if (str_is(value, v))
            return true;
    return false;
}

bool recipe_fits(const struct recipe_line *l, const struct recipe_choice *c)
{
    const struct kw_section *s = l->section;
    if (str_is(s->name, "release") &&
        (c->release == NULL || (!str_is(s->label, "*") && !str_is(s->label, c->release))))
        return false;
    if (str_is(s->name, "arch") && (c->arch == NULL || !str_is(s->label, c->arch)))
        return false;
    for (size_t i = 0; i < s->nquals; i++) {
        struct str key = s->quals[i].key;
        const char *v = str_is(key, "release") ? c->release : str_is(key, "arch") ? c->arch : c->distro;
        if (!one_of(s->quals[i].value, v))
            return false;
    }
    return true;
}

const char *recipe_expand(struct str text, const struct recipe_choice *c, struct arena *a)
{
    struct buf b = {0};
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '{') {
            buf_putc(&b, text.p[i]);
            continue;
        }
        struct str name = str_from(text, i + 1);
        name.n = str_chr(name, '}');
        const char *v = str_is(name, "release") ? c->release : str_is(name, "arch") ? c->arch : c->version;
        buf_puts(&b, v ? v : "");
        i += name.n + 1;
    }
    char *out = arena_str(a, buf_view(&b));
    buf_free(&b);
    return out;
}
