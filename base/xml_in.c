#include "base/xml_in.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { WINDOW = 4 * XML_BLOCK };

/* --- messages */

int xml_in_fail(struct xml *x, size_t at, struct err *e, const char *text)
{
    uint64_t line = x->line + 1;
    for (size_t i = x->counted; i < at && i < x->end; i++)
        line += x->window[i] == '\n';
    return err_set(e, ERR_FORMAT, "%s:%" PRIu64 ": %s", x->file, line, text);
}

/* Counts the lines before window[upto]; needed before bytes are changed. */
static void count_lines(struct xml *x, size_t upto)
{
    if (upto <= x->counted)
        return;
    const char *p = x->window + x->counted, *end = x->window + upto;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        x->line++;
        p++;
    }
    x->counted = upto;
}

/* --- the window */

static bool char_ok(uint32_t c)
{
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0xd800) || (c >= 0xe000 && c < 0xfffe) ||
           (c >= 0x10000 && c <= 0x10ffff);
}

/* Length of the character at p, 0: it is none, -1: n bytes are too few to say. */
static int utf8_length(const unsigned char *p, size_t n)
{
    uint32_t c = p[0];
    if (c < 0x80)
        return char_ok(c) ? 1 : 0;
    int len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4)
        return 0;
    c &= 0x7fU >> len;
    for (int i = 1; i < len; i++) {
        if ((size_t)i == n)
            return -1;
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < (len == 4 ? 0x10000U : len == 3 ? 0x800U : 0x80U) || !char_ok(c))
        return 0;
    return len;
}

/* Eight bytes of printable ASCII. */
static bool plain_word(const char *p)
{
    uint64_t w, high = UINT64_C(0x8080808080808080), blank = UINT64_C(0x2020202020202020);
    memcpy(&w, p, sizeof w);
    return ((w | (w - blank)) & high) == 0;
}

static int check_utf8(struct xml *x, struct err *e)
{
    while (x->checked < x->end) {
        const char *p = x->window + x->checked;
        if (x->end - x->checked >= 8 && plain_word(p)) {
            x->checked += 8;
            continue;
        }
        int n = utf8_length((const unsigned char *)p, x->end - x->checked);
        if (n < 0 && !x->at_end)
            return 0;
        if (n <= 0)
            return xml_in_fail(x, x->checked, e,
                               (unsigned char)*p < 0x20 ? "a control character" : "bytes that are no UTF-8");
        x->checked += (size_t)n;
    }
    return 0;
}

static void make_room(struct xml *x)
{
    if (x->cap - x->end >= XML_BLOCK)
        return;
    count_lines(x, x->pos);
    if (x->window != NULL)
        memmove(x->window, x->window + x->pos, x->end - x->pos);
    x->end -= x->pos;
    x->checked -= x->pos;
    x->counted -= x->pos;
    x->pos = 0;
    if (x->cap - x->end >= XML_BLOCK)
        return;
    x->cap = x->cap ? 2 * x->cap : WINDOW;
    x->window = mem_grow(x->window, x->cap, 1);
}

int xml_in_more(struct xml *x, struct err *e)
{
    make_room(x);
    ssize_t got = x->source(x->ctx, x->window + x->end, x->cap - x->end, e);
    if (got < 0)
        return -1;
    x->at_end = got == 0;
    x->end += (size_t)got;
    return check_utf8(x, e);
}

int xml_in_need(struct xml *x, size_t n, struct err *e)
{
    while (x->end - x->pos < n && !x->at_end)
        if (xml_in_more(x, e) < 0)
            return -1;
    return 0;
}

int xml_in_find(struct xml *x, size_t *at, char c, size_t max, const char *what, bool may_end, struct err *e)
{
    for (;;) {
        const char *from = x->window + x->pos + *at;
        const char *hit = x->end - x->pos > *at ? memchr(from, c, x->end - x->pos - *at) : NULL;
        char text[80];
        *at = hit != NULL ? (size_t)(hit - (x->window + x->pos)) : x->end - x->pos;
        if (*at > max) {
            snprintf(text, sizeof text, "%s of over %zu bytes", what, max);
            return xml_in_fail(x, x->pos, e, text);
        }
        if (hit != NULL || (x->at_end && may_end))
            return 0;
        snprintf(text, sizeof text, "the file ends inside %s", what);
        if (x->at_end)
            return xml_in_fail(x, x->end, e, text);
        if (xml_in_more(x, e) < 0)
            return -1;
    }
}

int xml_in_find_behind(struct xml *x, size_t *at, struct str mark, const char *what, struct err *e)
{
    for (;; ++*at) {
        if (xml_in_find(x, at, mark.p[0], XML_TEXT_MAX, what, false, e) < 0 ||
            xml_in_need(x, *at + mark.n, e) < 0)
            return -1;
        if (x->end - x->pos >= *at + mark.n && memcmp(x->window + x->pos + *at, mark.p, mark.n) == 0)
            break;
    }
    *at += mark.n;
    return 0;
}

/* --- characters */

bool xml_in_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

bool xml_in_all_blank(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!xml_in_blank(s.p[i]))
            return false;
    return true;
}

size_t xml_in_name(const char *p, const char *end)
{
    const char *q = p;
    for (; q < end; q++) {
        unsigned char c = (unsigned char)*q;
        bool first = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || c >= 0x80;
        if (!first && (q == p || !((c >= '0' && c <= '9') || c == '-' || c == '.')))
            break;
    }
    return (size_t)(q - p);
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    int len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (int i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (char)((0xf00U >> len & 0xff) | c);
    return (size_t)len;
}

/* "#38", "#x26"; 0: no character. */
static uint32_t numeric(struct str s)
{
    bool hex = s.n > 1 && s.p[1] == 'x';
    uint32_t c = 0;
    size_t i = hex ? 2 : 1;
    if (i == s.n || s.n > 12)
        return 0;
    for (; i < s.n; i++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF", *d = strchr(digits, s.p[i]);
        if (d == NULL || s.p[i] == '\0' || (!hex && d - digits > 9))
            return 0;
        c = c * (hex ? 16 : 10) + (uint32_t)((d - digits) % 16);
        if (c > 0x10ffff)
            return 0;
    }
    return char_ok(c) ? c : 0;
}

static uint32_t entity(struct str s)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_is(s, known[i].name))
            return (uint32_t)known[i].c;
    return s.n > 0 && s.p[0] == '#' ? numeric(s) : 0;
}

int xml_in_decode(struct xml *x, char *p, size_t *n, bool attr, bool entities, struct err *e)
{
    char *out = p, *end = p + *n;
    count_lines(x, (size_t)(end - x->window));
    for (; p < end; p++) {
        if (*p == '&' && entities) {
            const char *semi = memchr(p, ';', (size_t)(end - p) < 16 ? (size_t)(end - p) : 16);
            uint32_t c = semi != NULL ? entity((struct str){p + 1, (size_t)(semi - p) - 1}) : 0;
            if (c == 0)
                return xml_in_fail(x, x->counted, e,
                                   "`&' without a character or one of lt, gt, amp, quot, apos behind it");
            out += put_utf8(out, c);
            p += semi - p;
        } else if (*p == '\r') {
            if (p + 1 == end || p[1] != '\n')
                *out++ = attr ? ' ' : '\n';
        } else {
            *out++ = (attr && (*p == '\n' || *p == '\t')) ? ' ' : *p;
        }
    }
    *n -= (size_t)(end - out);
    return 0;
}
