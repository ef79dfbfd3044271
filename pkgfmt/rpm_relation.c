#include "pkgfmt/rpm_relation.h"

#include <solv/pool.h>
#include <solv/queue.h>

enum {
    NAME_MAX_BYTES = 1024,
    EVR_MAX = 512,
    RICH_MAX = 4096, /* bytes of a boolean relation */
    NEST_MAX = 32
};

bool rpm_relation_name_ok(struct str name)
{
    if (name.n == 0 || name.n > 255 || name.p[0] == '-' || name.p[0] == '.' || name.p[0] == '@')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("/\\\"'`$&|;<>()*?[]{}:,=!#", c) != NULL)
            return false;
    }
    return true;
}

bool rpm_relation_version_ok(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (strchr("/\\\"'`$&|;<>()*?[]{},=!#", s.p[i]) != NULL)
            return false;
    return s.n > 0;
}

static bool version_part_ok(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f)
            return false;
    return s.n > 0;
}

int rpm_relation_evr(struct s_Pool *pool, struct str epoch, struct str version, struct str release)
{
    char evr[EVR_MAX];
    size_t n = 0;
    uint64_t e = 0;
    if (!version_part_ok(version) || (release.n > 0 && !version_part_ok(release)) ||
        (epoch.n > 0 && (!str_u64(epoch, &e) || e > UINT32_MAX)) ||
        epoch.n + version.n + release.n + 3 > sizeof evr)
        return 0;
    if (e > 0)
        n = (size_t)snprintf(evr, sizeof evr, "%llu:", (unsigned long long)e);
    memcpy(evr + n, version.p, version.n);
    n += version.n;
    if (release.n > 0) {
        evr[n++] = '-';
        memcpy(evr + n, release.p, release.n);
        n += release.n;
    }
    return pool_strn2id(pool, evr, (unsigned)n, 1);
}

static bool capability_ok(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f)
            return false;
    return name.n > 0 && name.n <= NAME_MAX_BYTES;
}

static int operator_of(struct str word)
{
    return str_is(word, "=") || str_is(word, "==") ? REL_EQ
           : str_is(word, "<")                     ? REL_LT
           : str_is(word, "<=")                    ? REL_LT | REL_EQ
           : str_is(word, ">=")                    ? REL_GT | REL_EQ
           : str_is(word, ">")                     ? REL_GT
                                                   : 0;
}

static int boolean_of(struct str word)
{
    static const struct {
        const char *word;
        int flag;
    } words[] = {{"and", REL_AND},         {"or", REL_OR},         {"if", REL_COND},  {"with", REL_WITH},
                 {"without", REL_WITHOUT}, {"unless", REL_UNLESS}, {"else", REL_ELSE}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_is(word, words[i].word))
            return words[i].flag;
    return 0;
}

static struct str skip_blanks(struct str s)
{
    while (s.n > 0 && s.p[0] == ' ')
        s = str_from(s, 1);
    return s;
}

/* The next word, up to a blank or a parenthesis that the word did not open. */
static struct str rich_word(struct str *s)
{
    int depth = 0;
    size_t n = 0;
    *s = skip_blanks(*s);
    for (; n < s->n && s->p[n] != ' '; n++) {
        depth += (s->p[n] == '(') - (s->p[n] == ')');
        if (depth < 0)
            break;
    }
    struct str word = {s->p, n};
    *s = str_from(*s, n);
    return word;
}

static Id read_parentheses(Pool *pool, struct str *s, int depth);

/* NAME, NAME OP VERSION, or one in parentheses; 0: cannot be read. */
static Id read_operand(Pool *pool, struct str *s, int depth)
{
    *s = skip_blanks(*s);
    if (s->n > 0 && s->p[0] == '(')
        return read_parentheses(pool, s, depth + 1);
    struct str name = rich_word(s), rest = *s, op = rich_word(&rest);
    if (!capability_ok(name) || boolean_of(name) != 0)
        return 0;
    Id id = pool_strn2id(pool, name.p, (unsigned)name.n, 1);
    if (operator_of(op) == 0)
        return id;
    struct str version = rich_word(&rest);
    *s = rest;
    if (!version_part_ok(version))
        return 0;
    return pool_rel2id(pool, id, pool_strn2id(pool, version.p, (unsigned)version.n, 1), operator_of(op), 1);
}

/* Whether this word may follow an operand when `last` (0: none) was the one before. */
static bool may_follow(int last, int op)
{
    if (last == 0)
        return op != 0 && op != REL_ELSE;
    if (op == REL_ELSE)
        return last == REL_COND || last == REL_UNLESS;
    return op == last && (op == REL_AND || op == REL_OR || op == REL_WITH);
}

/* "(A or B or C)", "(A if B else C)": the operands grouped from the right, as libsolv has them. */
static Id read_parentheses(Pool *pool, struct str *s, int depth)
{
    Queue operands, flags;
    int last = 0;
    Id id = 0;
    queue_init(&operands);
    queue_init(&flags);
    *s = str_from(*s, 1);
    while (depth <= NEST_MAX) {
        Id operand = read_operand(pool, s, depth);
        if (operand == 0)
            break;
        queue_push(&operands, operand);
        *s = skip_blanks(*s);
        if (s->n > 0 && s->p[0] == ')') {
            *s = str_from(*s, 1);
            id = operand;
            break;
        }
        int op = boolean_of(rich_word(s));
        if (!may_follow(last, op))
            break;
        queue_push(&flags, op);
        last = op;
    }
    for (int i = flags.count - 1; id != 0 && i >= 0; i--)
        id = pool_rel2id(pool, operands.elements[i], id, flags.elements[i], 1);
    queue_free(&operands);
    queue_free(&flags);
    return id;
}

static Id read_rich(Pool *pool, struct str text)
{
    if (text.n > RICH_MAX)
        return 0;
    Id id = read_parentheses(pool, &text, 1);
    return str_trim(text).n == 0 ? id : 0;
}

static int flags_of(struct str word)
{
    return str_is(word, "EQ")   ? REL_EQ
           : str_is(word, "LT") ? REL_LT
           : str_is(word, "LE") ? REL_LT | REL_EQ
           : str_is(word, "GE") ? REL_GT | REL_EQ
           : str_is(word, "GT") ? REL_GT
                                : 0;
}

int rpm_relation_read(struct s_Pool *pool, const struct xml *x, bool rich)
{
    struct str name = xml_attr(x, "name"), flags = xml_attr(x, "flags"), version = xml_attr(x, "ver");
    if (name.n > 0 && name.p[0] == '(')
        return rich ? read_rich(pool, name) : 0;
    if (!capability_ok(name))
        return 0;
    Id id = pool_strn2id(pool, name.p, (unsigned)name.n, 1);
    if (flags.n == 0)
        return id;
    Id evr = rpm_relation_evr(pool, xml_attr(x, "epoch"), version, xml_attr(x, "rel"));
    return evr == 0 || flags_of(flags) == 0 ? 0 : pool_rel2id(pool, id, evr, flags_of(flags), 1);
}

int rpm_relation_text(struct s_Pool *pool, struct str text)
{
    struct str name, op, evr, more;
    if (text.n > 0 && text.p[0] == '(')
        return read_rich(pool, text);
    if (!str_word(&text, &name) || !capability_ok(name))
        return 0;
    Id id = pool_strn2id(pool, name.p, (unsigned)name.n, 1);
    if (!str_word(&text, &op))
        return id;
    if (operator_of(op) == 0 || !str_word(&text, &evr) || !version_part_ok(evr) || str_word(&text, &more))
        return 0;
    return pool_rel2id(pool, id, pool_strn2id(pool, evr.p, (unsigned)evr.n, 1), operator_of(op), 1);
}
