#include "base/json.h"

struct scan {
    struct str in;
    size_t at;
};

static int peek(const struct scan *s)
{
    return s->at < s->in.n ? (unsigned char)s->in.p[s->at] : -1;
}

static void blanks(struct scan *s)
{
    while (peek(s) == ' ' || peek(s) == '\t' || peek(s) == '\n' || peek(s) == '\r')
        s->at++;
}

static bool take(struct scan *s, char c)
{
    if (peek(s) != c)
        return false;
    s->at++;
    return true;
}

static bool escape(struct scan *s)
{
    int c = peek(s);
    if (c <= 0 || strchr("\"\\/bfnrtu", c) == NULL)
        return false;
    s->at++;
    for (int i = 0; c == 'u' && i < 4; i++) {
        int d = peek(s);
        if (!((d >= '0' && d <= '9') || (d >= 'a' && d <= 'f') || (d >= 'A' && d <= 'F')))
            return false;
        s->at++;
    }
    return true;
}

static bool string(struct scan *s)
{
    if (!take(s, '"'))
        return false;
    while (!take(s, '"')) {
        if (peek(s) < ' ')
            return false;
        if (take(s, '\\')) {
            if (!escape(s))
                return false;
        } else {
            s->at++;
        }
    }
    return true;
}

static bool digits(struct scan *s)
{
    size_t from = s->at;
    while (peek(s) >= '0' && peek(s) <= '9')
        s->at++;
    return s->at > from;
}

static bool number(struct scan *s)
{
    take(s, '-');
    if (!take(s, '0') && !digits(s))
        return false;
    if (take(s, '.') && !digits(s))
        return false;
    if (!take(s, 'e') && !take(s, 'E'))
        return true;
    if (!take(s, '+'))
        take(s, '-');
    return digits(s);
}

static bool word(struct scan *s, const char *w)
{
    size_t n = strlen(w);
    if (s->in.n - s->at < n || memcmp(s->in.p + s->at, w, n) != 0)
        return false;
    s->at += n;
    return true;
}

static bool value(struct scan *s, int depth);

/* What stands between the brackets: members of an object or elements of an array. */
static bool inside(struct scan *s, bool object, int depth)
{
    char end = object ? '}' : ']';
    blanks(s);
    if (take(s, end))
        return true;
    do {
        blanks(s);
        if (object) {
            if (!string(s))
                return false;
            blanks(s);
            if (!take(s, ':'))
                return false;
        }
        if (!value(s, depth + 1))
            return false;
        blanks(s);
    } while (take(s, ','));
    return take(s, end);
}

static bool value(struct scan *s, int depth)
{
    blanks(s);
    if (depth >= JSON_DEPTH_MAX && (peek(s) == '{' || peek(s) == '['))
        return false;
    switch (peek(s)) {
    case '{':
    case '[':
        s->at++;
        return inside(s, s->in.p[s->at - 1] == '{', depth);
    case '"':
        return string(s);
    case 't':
        return word(s, "true");
    case 'f':
        return word(s, "false");
    case 'n':
        return word(s, "null");
    default:
        return number(s);
    }
}

bool json_valid(struct str text)
{
    struct scan s = {text, 0};
    if (!value(&s, 0))
        return false;
    blanks(&s);
    return s.at == text.n;
}

static bool begins_with(struct str v, char c)
{
    struct scan s = {v, 0};
    blanks(&s);
    return peek(&s) == c;
}

bool json_is_array(struct str v)
{
    return begins_with(v, '[');
}

bool json_is_object(struct str v)
{
    return begins_with(v, '{');
}

bool json_plain(struct str v, struct str *text)
{
    v = str_trim(v);
    if (v.n < 2 || v.p[0] != '"' || memchr(v.p, '\\', v.n) != NULL)
        return false;
    *text = (struct str){v.p + 1, v.n - 2};
    return true;
}

bool json_is(struct str v, const char *text)
{
    struct str plain;
    return json_plain(v, &plain) && str_is(plain, text);
}

/* One value, without the blanks before it. */
static bool piece(struct scan *s, struct str *out)
{
    blanks(s);
    size_t from = s->at;
    if (!value(s, 0))
        return false;
    *out = (struct str){s->in.p + from, s->at - from};
    return true;
}

bool json_member(struct str object, const char *name, struct str *out)
{
    struct scan s = {object, 0};
    struct str key, v;
    blanks(&s);
    if (!take(&s, '{'))
        return false;
    do {
        blanks(&s);
        if (peek(&s) != '"' || !piece(&s, &key))
            return false;
        blanks(&s);
        if (!take(&s, ':') || !piece(&s, &v))
            return false;
        if (json_is(key, name)) {
            *out = v;
            return true;
        }
        blanks(&s);
    } while (take(&s, ','));
    return false;
}

bool json_element(struct str *rest, struct str *element)
{
    struct scan s = {*rest, 0};
    blanks(&s);
    if (!take(&s, '[') && !take(&s, ','))
        return false;
    blanks(&s);
    if (peek(&s) == ']') {
        *rest = str_from(*rest, s.at);
        return false;
    }
    if (!piece(&s, element))
        return false;
    *rest = str_from(*rest, s.at);
    return true;
}
