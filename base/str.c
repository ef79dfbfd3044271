#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

struct str str_c(const char *s)
{
    return (struct str){s, s ? strlen(s) : 0};
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_is(struct str a, const char *b)
{
    return str_eq(a, str_c(b));
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c != 0)
        return c;
    return a.n < b.n ? -1 : a.n > b.n;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix);
}

struct str str_from(struct str s, size_t off)
{
    if (off >= s.n)
        return (struct str){s.p ? s.p + s.n : NULL, 0};
    return (struct str){s.p + off, s.n - off};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_space(s.p[0]))
        s = str_from(s, 1);
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

size_t str_chr(struct str s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

size_t str_find(struct str s, struct str needle)
{
    if (needle.n == 0)
        return 0;
    for (size_t i = 0; i + needle.n <= s.n; i++) {
        i += str_chr(str_from(s, i), needle.p[0]);
        if (i + needle.n <= s.n && memcmp(s.p + i, needle.p, needle.n) == 0)
            return i;
    }
    return s.n;
}

bool str_cut(struct str *s, char sep, struct str *part)
{
    if (s->p == NULL)
        return false;
    size_t at = str_chr(*s, sep);
    *part = (struct str){s->p, at};
    if (at == s->n)
        *s = (struct str){NULL, 0};
    else
        *s = (struct str){s->p + at + 1, s->n - at - 1};
    return true;
}

bool str_word(struct str *s, struct str *word)
{
    while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\t'))
        *s = str_from(*s, 1);
    size_t n = 0;
    while (n < s->n && s->p[n] != ' ' && s->p[n] != '\t')
        n++;
    *word = (struct str){s->p, n};
    *s = str_from(*s, n);
    return n > 0;
}

bool str_line(struct str *s, struct str *line)
{
    if (s->n == 0)
        return false;
    size_t at = str_chr(*s, '\n');
    *line = (struct str){s->p, at};
    *s = str_from(*s, at + 1);
    if (line->n > 0 && line->p[line->n - 1] == '\r')
        line->n--;
    return true;
}

bool str_u64(struct str s, uint64_t *out)
{
    uint64_t v = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        uint64_t d = (uint64_t)(s.p[i] - '0');
        if (v > (UINT64_MAX - d) / 10)
            return false;
        v = v * 10 + d;
    }
    *out = v;
    return true;
}

void buf_reserve(struct buf *b, size_t more)
{
    size_t need = more < SIZE_MAX - b->n ? b->n + more + 1 : SIZE_MAX; /* which nobody can have */
    if (need <= b->cap)
        return;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    b->p = mem_grow(b->p, cap, 1);
    b->cap = cap;
    b->p[b->n] = '\0';
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    buf_reserve(b, n);
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void buf_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}

void buf_puts(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n > 0) {
        buf_reserve(b, (size_t)n);
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    if (b->p != NULL)
        b->p[0] = '\0';
}

void buf_free(struct buf *b)
{
    free(b->p);
    *b = (struct buf){0};
}

struct str buf_view(const struct buf *b)
{
    return (struct str){b->p, b->n};
}

const char *buf_c(const struct buf *b)
{
    return b->p ? b->p : "";
}
