#include "pkgfmt/rpm_yaml.h"

/* Without a comment behind it and without quotes. Escapes in double quotes stay as they are: nothing that is
   read here has any. */
static struct str scalar_of(struct str s)
{
    s = str_trim(s);
    if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'')) {
        const char *end = memchr(s.p + 1, s.p[0], s.n - 1);
        return end != NULL ? (struct str){s.p + 1, (size_t)(end - s.p - 1)} : s;
    }
    size_t hash = str_find(s, STR(" #"));
    s.n = hash;
    return str_trim(s);
}

/* Splits "key: value"; false: the line is no such. */
static bool split(struct str line, struct str *key, struct str *value)
{
    size_t at;
    if (line.n > 0 && (line.p[0] == '"' || line.p[0] == '\'')) {
        const char *end = memchr(line.p + 1, line.p[0], line.n - 1);
        at = end != NULL ? (size_t)(end - line.p) + 1 : line.n;
        if (at >= line.n || line.p[at] != ':')
            return false;
    } else {
        at = str_find(line, STR(": "));
        if (at == line.n && line.n > 0 && line.p[line.n - 1] == ':')
            at = line.n - 1;
        if (at == line.n || at == 0)
            return false;
    }
    *key = scalar_of((struct str){line.p, at});
    *value = str_from(line, at + 1);
    return true;
}

static bool take(struct rpm_yaml *y, struct str line)
{
    unsigned indent = 0;
    while (indent < line.n && line.p[indent] == ' ')
        indent++;
    line = str_trim(str_from(line, indent));
    if (line.n == 0 || line.p[0] == '#')
        return false;
    y->start = y->indent = indent;
    y->separator = indent == 0 && (str_starts(line, STR("---")) || str_starts(line, STR("...")));
    y->item = line.p[0] == '-' && (line.n == 1 || line.p[1] == ' ');
    if (y->item) {
        size_t off = 1;
        while (off < line.n && line.p[off] == ' ')
            off++;
        y->indent += (unsigned)off;
        line = str_from(line, off);
    }
    y->key = (struct str){NULL, 0};
    if (!split(line, &y->key, &y->value))
        y->value = line;
    y->value = scalar_of(y->value);
    return true;
}

bool rpm_yaml_peek(const struct rpm_yaml *y, struct rpm_yaml *next)
{
    struct str line;
    *next = *y;
    while (str_line(&next->rest, &line)) {
        next->line_no++;
        if (take(next, line))
            return true;
    }
    return false;
}

void rpm_yaml_skip(struct rpm_yaml *y, unsigned indent)
{
    struct rpm_yaml next;
    while (rpm_yaml_peek(y, &next)) {
        if (next.separator || next.start < indent || (next.start == indent && !next.item))
            return;
        *y = next;
    }
}

bool rpm_yaml_flow(struct str *flow, struct str *scalar)
{
    struct str s = str_trim(*flow);
    if (s.n > 0 && s.p[0] == '[')
        s = str_from(s, 1);
    if (s.n > 0 && s.p[s.n - 1] == ']')
        s.n--;
    *flow = (struct str){NULL, 0};
    while (s.n > 0) {
        struct str part;
        str_cut(&s, ',', &part);
        part = scalar_of(part);
        *flow = s;
        if (part.n > 0) {
            *scalar = part;
            return true;
        }
    }
    return false;
}
