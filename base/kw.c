#include "base/kw.h"

#include <stdio.h>

enum { LINE_MAX_BYTES = 64 * 1024 };

int kw_verror(const struct kw_file *f, unsigned line, unsigned col, struct err *e, const char *fmt,
              va_list ap)
{
    char text[1024];
    vsnprintf(text, sizeof text, fmt, ap);
    return err_set(e, ERR_USAGE, "%s:%u:%u: %s", f->name, line, col ? col : 1, text);
}

int kw_error(const struct kw_file *f, unsigned line, unsigned col, struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    kw_verror(f, line, col, e, fmt, ap);
    va_end(ap);
    return -1;
}

struct str kw_qual(const struct kw_section *s, const char *key)
{
    for (size_t i = 0; i < s->nquals; i++)
        if (str_is(s->quals[i].key, key))
            return s->quals[i].value;
    return (struct str){NULL, 0};
}

/* The line without its comment and the blanks around it. */
static struct str strip(struct str line)
{
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] == '#' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
            line.n = i;
    return str_trim(line);
}

static int parse_heading(struct kw_file *f, struct kw_section *s, struct str text, struct arena *a,
                         struct err *e)
{
    struct str inner, word, rest;
    if (text.p[text.n - 1] != ']')
        return kw_error(f, s->line, s->col, e, "section heading without `]'");
    inner = (struct str){text.p + 1, text.n - 2};
    if (!str_word(&inner, &s->name))
        return kw_error(f, s->line, s->col, e, "empty section heading");
    for (rest = inner; str_word(&rest, &word);)
        s->nquals++;
    s->quals = arena_array(a, s->nquals, sizeof *s->quals);
    s->nquals = 0;
    while (str_word(&inner, &word)) {
        size_t eq = str_chr(word, '=');
        if (eq < word.n)
            s->quals[s->nquals++] = (struct kw_qual){{word.p, eq}, str_from(word, eq + 1)};
        else if (s->label.n > 0)
            return kw_error(f, s->line, s->col, e, "section heading [%" STR_FMT "] has two labels",
                            STR_ARG(s->name));
        else
            s->label = word;
    }
    return 0;
}

static void parse_line(struct kw_line *l, struct str text)
{
    const char *start = text.p;
    str_word(&text, &l->key);
    l->arg = str_trim(text);
    l->arg_col = l->col + (unsigned)(l->arg.n ? l->arg.p - start : (ptrdiff_t)l->key.n);
}

/* Upper bounds for the arrays: every line may be a heading or a keyword. */
static size_t count_lines(struct str text, bool headings)
{
    struct str line;
    size_t n = 0;
    while (str_line(&text, &line)) {
        line = strip(line);
        n += line.n > 0 && (line.p[0] == '[') == headings;
    }
    return n;
}

int kw_parse(struct kw_file *f, const char *name, struct str text, struct arena *a, struct err *e)
{
    *f = (struct kw_file){.name = arena_dup(a, name)};
    f->sections = arena_array(a, count_lines(text, true) + 1, sizeof *f->sections);
    struct kw_line *lines = arena_array(a, count_lines(text, false) + 1, sizeof *lines);
    struct kw_section *s = &f->sections[0];
    struct str raw;
    f->n = 1;
    s->lines = lines;
    for (unsigned no = 1; str_line(&text, &raw); no++) {
        if (raw.n > LINE_MAX_BYTES)
            return kw_error(f, no, 1, e, "line of over %d bytes", LINE_MAX_BYTES);
        if (str_chr(raw, '\0') < raw.n)
            return kw_error(f, no, (unsigned)str_chr(raw, '\0') + 1, e, "NUL byte: this is no text file");
        struct str line = strip(raw);
        if (line.n == 0)
            continue;
        unsigned col = (unsigned)(line.p - raw.p) + 1;
        if (line.p[0] == '[') {
            s = &f->sections[f->n++];
            s->line = no;
            s->col = col;
            s->lines = lines;
            if (parse_heading(f, s, line, a, e) < 0)
                return -1;
        } else {
            *lines = (struct kw_line){.line = no, .col = col};
            parse_line(lines++, line);
            s->nlines++;
        }
    }
    return 0;
}
