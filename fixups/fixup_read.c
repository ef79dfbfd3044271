#include "fixups/fixup_int.h"

enum { HAS_MAX = 16 };

static const char *const match_keys[] = {"zone", "format",  "distro",  "release",
                                         "arch", "package", "variable"};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

int fixup_error(const struct fixup_op *op, struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    kw_verror(op->file, op->line->line, op->line->col, e, fmt, ap);
    va_end(ap);
    return -1;
}

/* False when there is no variable of this name. */
static bool variable(struct str name, const struct fixup_facts *f, struct str *value)
{
    static const struct fixup_facts none;
    if (f == NULL)
        f = &none;
    const struct {
        const char *name;
        struct str value;
    } rows[] = {
        {"hostname", str_c(f->hostname)}, {"distro", str_c(f->distro)}, {"release", str_c(f->release)},
        {"version", str_c(f->version)},   {"arch", str_c(f->arch)},     {"keyring", str_c(f->keyring_name)},
        {"sources", f->sources},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (str_is(name, rows[i].name)) {
            *value = rows[i].value;
            return true;
        }
    return false;
}

struct str fixup_variable_name(struct str s)
{
    size_t n = 1;
    while (n < s.n && s.p[n] >= 'a' && s.p[n] <= 'z')
        n++;
    return n > 1 && n < s.n && s.p[n] == '}' ? (struct str){s.p + 1, n - 1} : (struct str){NULL, 0};
}

/* Of a root that is cloned nothing else is known. */
static bool clone_knows(const struct kw_section *in, struct str name)
{
    return !str_is(in->name, "clone") || str_is(name, "hostname");
}

static int expand(const struct kw_file *file, const struct kw_section *in, unsigned line, unsigned col,
                  struct str s, const struct fixup_facts *f, struct buf *out, struct err *e)
{
    for (size_t i = 0; i < s.n; i++) {
        struct str name = {NULL, 0}, value;
        if (s.p[i] == '{')
            name = fixup_variable_name(str_from(s, i));
        if (name.n == 0) {
            buf_putc(out, s.p[i]);
            continue;
        }
        if (!variable(name, f, &value))
            return kw_error(file, line, col + (unsigned)i, e,
                            "unknown variable {%" STR_FMT
                            "} (known: {hostname} {distro} {release} {version} {arch} {sources} {keyring})",
                            STR_ARG(name));
        if (!clone_knows(in, name))
            return kw_error(file, line, col + (unsigned)i, e,
                            "[clone] knows {hostname} alone, not {%" STR_FMT "}", STR_ARG(name));
        buf_str(out, value);
        i += name.n + 1;
    }
    return 0;
}

struct str fixup_line_text(struct str text, const struct kw_line *l)
{
    struct str rest = str_from(text, (size_t)(l->key.p - text.p)), line = {NULL, 0};
    str_line(&rest, &line);
    return str_from(line, 2);
}

/* `| ` lines from at on; *next is the first other one. */
static int read_lines(const struct kw_section *s, const struct kw_file *file, struct str text, size_t at,
                      const struct fixup_facts *f, struct fixup_op *op, struct arena *a, size_t *next,
                      struct err *e)
{
    struct buf b = {0};
    int rc = 0;
    for (; rc == 0 && at < s->nlines && s->lines[at].key.p[0] == '|'; at++) {
        const struct kw_line *l = &s->lines[at];
        size_t before = b.n;
        struct str line = fixup_line_text(text, l);
        if (l->key.n != 1) {
            rc = kw_error(file, l->line, l->col, e, "a line of text begins with `|' and a blank");
            break;
        }
        rc = expand(file, s, l->line, l->col + 2, line, f, &b, e);
        /* A variable of several lines brings its own line end; an empty one no line at all. */
        if (b.n > before ? b.p[b.n - 1] != '\n' : fixup_variable_name(line).n + 2 != line.n)
            buf_putc(&b, '\n');
        op->has_lines = true;
    }
    op->text = arena_copy(a, buf_view(&b));
    buf_free(&b);
    *next = at;
    return rc;
}

/* The verb's prefixes and name. */
static int read_verb(struct fixup_op *op, bool after, struct err *e)
{
    struct str key = op->line->key;
    for (; key.n > 0 && (key.p[0] == '?' || key.p[0] == '!'); key = str_from(key, 1))
        *(key.p[0] == '?' ? &op->missing_ok : &op->if_absent) = true;
    op->verb = fixup_verb_find(key);
    if (op->verb == NULL)
        return fixup_error(op, e, "unknown verb `%" STR_FMT "'", STR_ARG(key));
    if (op->verb->zone && !after)
        return fixup_error(op, e, "`%s' needs the zone's own tools: it belongs into [after-install]",
                           op->verb->name);
    if (op->verb->zone && (op->missing_ok || op->if_absent))
        return fixup_error(op, e, "`%s' takes no prefix", op->verb->name);
    return 0;
}

static int read_op(const struct kw_file *file, const struct kw_section *s, struct str text, size_t at,
                   const struct fixup_facts *f, struct fixup_op *op, struct arena *a, size_t *next,
                   struct err *e)
{
    struct buf b = {0};
    const struct kw_line *l = &s->lines[at];
    *op = (struct fixup_op){.file = file, .line = l};
    *next = at + 1;
    if (l->key.p[0] == '|')
        return fixup_error(op, e, "a line of text without a verb before it that takes any");
    if (read_verb(op, str_is(s->name, "after-install"), e) < 0)
        return -1;
    int rc = expand(file, s, l->line, l->arg_col, l->arg, f, &b, e);
    struct str arg = arena_copy(a, buf_view(&b)), word;
    buf_free(&b);
    if (rc < 0)
        return -1;
    struct str *words = arena_array(a, arg.n / 2 + 2, sizeof *words);
    size_t n = 0;
    for (struct str rest = arg; str_word(&rest, &word);)
        words[n++] = word;
    if (n < op->verb->min || (op->verb->max > 0 && n > op->verb->max))
        return fixup_error(op, e, "`%s' is used so: %s %s", op->verb->name, op->verb->name, op->verb->usage);
    if (op->verb->lines && read_lines(s, file, text, at + 1, f, op, a, next, e) < 0)
        return -1;
    if (op->verb->read(op, words, n, a, e) < 0)
        return -1;
    op->pattern =
        str_is(s->name, "clone") && strcmp(op->verb->name, "remove") == 0 && strpbrk(op->path, "*?[") != NULL;
    if (op->pattern && strpbrk(op->path, "*?[") < strrchr(op->path, '/'))
        return fixup_error(op, e, "%s: only the last name may be a pattern", op->path);
    return 0;
}

/* [clone has=PATH,PATH]: what the root holds decides, when it is cloned. */
static int read_has(const struct kw_file *file, const struct kw_section *s, const char **has, size_t *n,
                    struct arena *a, struct err *e)
{
    *n = 0;
    for (size_t i = 0; i < s->nquals; i++) {
        struct str values = s->quals[i].value, value;
        if (i > 0 || !str_is(s->quals[i].key, "has"))
            return kw_error(file, s->line, s->col, e, "[clone] takes one qualifier, has=PATH,...");
        while (str_cut(&values, ',', &value)) {
            if (value.n < 2 || value.p[0] != '/' || *n == HAS_MAX)
                return kw_error(file, s->line, s->col, e, "has=: up to %d paths that begin with `/'",
                                HAS_MAX);
            has[(*n)++] = arena_str(a, value);
        }
    }
    return 0;
}

static int read_clone(const struct kw_file *file, const struct kw_section *s, struct str text,
                      const struct fixup_facts *f, struct arena *a, struct fixup *out, struct err *e)
{
    const char **has = arena_array(a, HAS_MAX, sizeof *has);
    size_t nhas;
    if (read_has(file, s, has, &nhas, a, e) < 0)
        return -1;
    for (size_t at = 0; at < s->nlines;) {
        struct fixup_op *op = &out->clone[out->nclone++];
        if (read_op(file, s, text, at, f, op, a, &at, e) < 0)
            return -1;
        op->image = s->label.n > 0;
        op->has = nhas > 0 ? has : NULL;
        op->nhas = nhas;
    }
    return 0;
}

/* Whether one of the words is the fact. */
static bool fact_is(const struct fixup_facts *f, struct str key, struct str want)
{
    struct str value;
    if (str_is(key, "variable"))
        return variable(want, f, &value) && value.n > 0;
    if (str_is(key, "package")) {
        for (size_t i = 0; i < f->npackages; i++)
            if (str_is(want, f->packages[i]))
                return true;
        return false;
    }
    return str_is(want, str_is(key, "zone")      ? f->zone
                        : str_is(key, "format")  ? f->format
                        : str_is(key, "distro")  ? f->distro
                        : str_is(key, "release") ? f->release
                                                 : f->arch);
}

static bool known_fact(struct str key)
{
    for (size_t i = 0; i < COUNT(match_keys); i++)
        if (str_is(key, match_keys[i]))
            return true;
    return false;
}

/* The values of other keys are not known here. */
static int check_value(const struct kw_file *file, unsigned line, unsigned col, struct str key,
                       struct str value, struct err *e)
{
    struct str ignored;
    if (!str_is(key, "variable") || variable(value, NULL, &ignored))
        return 0;
    return kw_error(file, line, col, e, "there is no variable `%" STR_FMT "'", STR_ARG(value));
}

/* Several values, also on lines of their own: any of them. Several keywords: all. */
static int read_match(const struct kw_file *file, const struct kw_section *s, const struct fixup_facts *f,
                      bool *matches, struct err *e)
{
    for (size_t i = 0; i < s->nlines; i++) {
        const struct kw_line *l = &s->lines[i];
        bool any = false;
        if (!known_fact(l->key))
            return kw_error(file, l->line, l->col, e,
                            "unknown keyword `%" STR_FMT
                            "' in [match] (known: zone, format, distro, release, arch, package, variable)",
                            STR_ARG(l->key));
        if (l->arg.n == 0)
            return kw_error(file, l->line, l->col, e, "`%" STR_FMT "' needs a value", STR_ARG(l->key));
        for (size_t k = 0; f != NULL && k < s->nlines; k++) {
            struct str arg = s->lines[k].arg, word;
            while (str_eq(s->lines[k].key, l->key) && str_word(&arg, &word))
                any = any || fact_is(f, l->key, word);
        }
        for (struct str arg = l->arg, word; str_word(&arg, &word);)
            if (check_value(file, l->line, l->arg_col, l->key, word, e) < 0)
                return -1;
        *matches = *matches && any;
    }
    return 0;
}

/* Qualifiers of [before-boot] and [after-install]: values between commas are any of, several qualifiers all.
 */
static int read_quals(const struct kw_file *file, const struct kw_section *s, const struct fixup_facts *f,
                      bool *fits, struct err *e)
{
    *fits = f != NULL;
    for (size_t i = 0; i < s->nquals; i++) {
        struct str values = s->quals[i].value, value;
        bool any = false;
        if (!known_fact(s->quals[i].key))
            return kw_error(file, s->line, s->col, e, "[%" STR_FMT "] has no qualifier `%" STR_FMT "'",
                            STR_ARG(s->name), STR_ARG(s->quals[i].key));
        while (str_cut(&values, ',', &value)) {
            if (check_value(file, s->line, s->col, s->quals[i].key, value, e) < 0)
                return -1;
            any = any || (f != NULL && fact_is(f, s->quals[i].key, value));
        }
        *fits = *fits && any;
    }
    return 0;
}

static int read_ops(const struct kw_file *file, const struct kw_section *s, struct str text,
                    const struct fixup_facts *f, struct arena *a, struct fixup *out, struct err *e)
{
    bool fits, after = str_is(s->name, "after-install");
    size_t *n = after ? &out->nafter : &out->nbefore;
    struct fixup_op *ops = after ? out->after : out->before;
    if (read_quals(file, s, f, &fits, e) < 0)
        return -1;
    for (size_t at = 0; at < s->nlines;) {
        if (read_op(file, s, text, at, f, &ops[*n], a, &at, e) < 0)
            return -1;
        *n += fits;
    }
    return 0;
}

static int read_section(const struct kw_file *file, const struct kw_section *s, struct str text,
                        const struct fixup_facts *f, struct arena *a, struct fixup *out, bool *matches,
                        struct err *e)
{
    bool match = str_is(s->name, "match"), clone = str_is(s->name, "clone");
    if (s->name.n == 0)
        return s->nlines ? kw_error(file, s->lines[0].line, s->lines[0].col, e,
                                    "`%" STR_FMT "' before any [section]", STR_ARG(s->lines[0].key))
                         : 0;
    if ((s->label.n > 0 && !(clone && str_is(s->label, "image"))) || (match && s->nquals > 0))
        return kw_error(file, s->line, s->col, e, "[%" STR_FMT "] takes no %s", STR_ARG(s->name),
                        s->label.n == 0 ? "qualifier"
                        : clone         ? "name but `image'"
                                        : "name");
    if (match)
        return read_match(file, s, f, matches, e);
    if (clone)
        return read_clone(file, s, text, f, a, out, e);
    if (!str_is(s->name, "before-boot") && !str_is(s->name, "after-install"))
        return kw_error(file, s->line, s->col, e,
                        "unknown section [%" STR_FMT "] (known: match, before-boot, after-install, clone)",
                        STR_ARG(s->name));
    return read_ops(file, s, text, f, a, out, e);
}

int fixup_read(const char *file, struct str text, const struct fixup_facts *f, struct arena *a,
               struct fixup *out, bool *matches, struct err *e)
{
    struct kw_file *kw = arena_alloc(a, sizeof *kw);
    size_t lines = 1, nmatch = 0;
    if (kw_parse(kw, file, text, a, e) < 0)
        return -1;
    for (size_t i = 0; i < kw->n; i++) {
        lines += kw->sections[i].nlines;
        nmatch += str_is(kw->sections[i].name, "match");
    }
    if (nmatch != 1)
        return kw_error(kw, 1, 1, e, "a fixup has one [match], not %zu", nmatch);
    out->before = arena_array(a, lines, sizeof *out->before);
    out->after = arena_array(a, lines, sizeof *out->after);
    out->clone = arena_array(a, lines, sizeof *out->clone);
    *matches = f != NULL;
    for (size_t i = 0; i < kw->n; i++)
        if (read_section(kw, &kw->sections[i], text, f, a, out, matches, e) < 0)
            return -1;
    return 0;
}
