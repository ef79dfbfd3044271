#include "pkgfmt/deb_relation.h"

#include <stdbool.h>

enum { NAME_MAX_ = 200, VERSION_MAX = 400 };

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool deb_relation_name_ok(struct str name)
{
    if (name.n == 0 || name.n > NAME_MAX_ || !is_alnum(name.p[0]))
        return false;
    for (size_t i = 1; i < name.n; i++)
        if (!is_alnum(name.p[i]) && memchr("+-._", name.p[i], 4) == NULL)
            return false;
    return true;
}

bool deb_relation_version_ok(struct str v)
{
    if (v.n == 0 || v.n > VERSION_MAX || !is_alnum(v.p[0]))
        return false;
    for (size_t i = 1; i < v.n; i++)
        if (!is_alnum(v.p[i]) && memchr(".+-~:_", v.p[i], 6) == NULL)
            return false;
    return true;
}

static Id str_id(Pool *pool, struct str s)
{
    return pool_strn2id(pool, s.p, (unsigned)s.n, 1);
}

static Id qualified_id(Pool *pool, struct str name, struct str qualifier)
{
    char text[2 * NAME_MAX_ + 2];
    memcpy(text, name.p, name.n);
    text[name.n] = ':';
    memcpy(text + name.n + 1, qualifier.p, qualifier.n);
    return pool_strn2id(pool, text, (unsigned)(name.n + 1 + qualifier.n), 1);
}

Id deb_relation_any(Pool *pool, struct str name)
{
    return qualified_id(pool, name, STR("any"));
}

struct scan {
    Pool *pool;
    enum deb_relation kind;
    const char *arch;
    const char *p, *end;
};

static void skip_blanks(struct scan *s)
{
    while (s->p < s->end && is_blank(*s->p))
        s->p++;
}

/* Characters up to a blank or one that means something. */
static struct str scan_word(struct scan *s)
{
    const char *start = s->p;
    while (s->p < s->end && !is_blank(*s->p) && memchr(",|():<>=[]", *s->p, 10) == NULL)
        s->p++;
    return (struct str){start, (size_t)(s->p - start)};
}

/* deb-control(5): << <= = >= >>; < and > are old spellings of <= and >=. */
static int scan_op(struct scan *s)
{
    const char *start = s->p;
    while (s->p < s->end && s->p - start < 2 && (*s->p == '<' || *s->p == '=' || *s->p == '>'))
        s->p++;
    struct str op = {start, (size_t)(s->p - start)};
    if (str_is(op, "="))
        return REL_EQ;
    if (str_is(op, "<<"))
        return REL_LT;
    if (str_is(op, ">>"))
        return REL_GT;
    if (str_is(op, "<=") || str_is(op, "<"))
        return REL_LT | REL_EQ;
    if (str_is(op, ">=") || str_is(op, ">"))
        return REL_GT | REL_EQ;
    return 0;
}

/* "(OP VERSION)"; 0 when it is malformed. */
static Id scan_version(struct scan *s, int *op)
{
    s->p++;
    skip_blanks(s);
    *op = scan_op(s);
    skip_blanks(s);
    const char *start = s->p;
    while (s->p < s->end && *s->p != ')' && !is_blank(*s->p))
        s->p++;
    struct str version = {start, (size_t)(s->p - start)};
    skip_blanks(s);
    if (*op == 0 || s->p == s->end || *s->p != ')' || !deb_relation_version_ok(version))
        return 0;
    s->p++;
    skip_blanks(s);
    return str_id(s->pool, version);
}

static Id scan_name(struct scan *s)
{
    struct str name = scan_word(s);
    if (!deb_relation_name_ok(name))
        return 0;
    if (s->p == s->end || *s->p != ':')
        return str_id(s->pool, name);
    s->p++;
    struct str qualifier = scan_word(s);
    if (!deb_relation_name_ok(qualifier))
        return 0;
    if (str_is(qualifier, "native") || str_is(qualifier, s->arch) || str_is(qualifier, "all") ||
        (s->kind == DEB_CONFLICTS && str_is(qualifier, "any")))
        return str_id(s->pool, name);
    return qualified_id(s->pool, name, qualifier);
}

/* NAME[:QUALIFIER] [(OP VERSION)]; 0: malformed; -1: a Provides that says nothing. */
static Id scan_atom(struct scan *s)
{
    Id id = scan_name(s);
    if (id == 0)
        return 0;
    skip_blanks(s);
    if (s->p < s->end && *s->p == '(') {
        int op;
        Id version = scan_version(s, &op);
        if (version == 0)
            return 0;
        if (s->kind == DEB_PROVIDES && op != REL_EQ)
            return -1;
        id = pool_rel2id(s->pool, id, version, op, 1);
    }
    return id;
}

/* a | b | c as a OR (b OR c): libsolv's order of alternatives. */
static Id join_alternatives(Pool *pool, const Id *ids, int n)
{
    Id id = ids[n - 1];
    for (int i = n - 2; i >= 0; i--)
        id = pool_rel2id(pool, ids[i], id, REL_OR, 1);
    return id;
}

static Id scan_alternatives(struct scan *s, Queue *atoms)
{
    queue_empty(atoms);
    for (;;) {
        Id id = scan_atom(s);
        if (id == 0 || atoms->count == DEB_ALTERNATIVES_MAX)
            return 0;
        queue_push(atoms, id);
        if (s->p == s->end || *s->p != '|')
            break;
        if (s->kind != DEB_DEPENDS)
            return 0;
        s->p++;
        skip_blanks(s);
    }
    return join_alternatives(s->pool, atoms->elements, atoms->count);
}

int deb_relation_parse(Pool *pool, struct str field, enum deb_relation kind, const char *arch, Queue *q)
{
    Queue atoms;
    Id buffer[16];
    int rc = 0;
    if (field.n == 0)
        return 0;
    struct scan s = {pool, kind, arch, field.p, field.p + field.n};
    queue_init_buffer(&atoms, buffer, 16);
    for (skip_blanks(&s); rc == 0 && s.p < s.end; skip_blanks(&s)) {
        if (*s.p == ',') {
            s.p++;
            continue;
        }
        Id id = scan_alternatives(&s, &atoms);
        if (id == 0 || (s.p < s.end && *s.p != ','))
            rc = -1;
        else if (id != -1)
            queue_push(q, id);
    }
    queue_free(&atoms);
    return rc;
}
