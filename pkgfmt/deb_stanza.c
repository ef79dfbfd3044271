#include "pkgfmt/deb_stanza.h"

#include "pkgfmt/ahead.h"

enum { CHUNK = AHEAD_BLOCK };

/* Moves what is left to the buffer's start and reads more behind it. */
static int refill(struct deb_stanza_reader *r, struct err *e)
{
    memmove(r->buf.p, r->buf.p + r->at, r->buf.n - r->at);
    r->buf.n -= r->at;
    r->at = 0;
    buf_reserve(&r->buf, CHUNK);
    ssize_t got = index_decode_read(r->src, r->buf.p + r->buf.n, CHUNK, e);
    if (got < 0)
        return -1;
    if (memchr(r->buf.p + r->buf.n, '\0', (size_t)got) != NULL)
        return err_set(e, ERR_FORMAT, "%s: a NUL byte after line %lu", r->src->name, r->line);
    r->buf.n += (size_t)got;
    r->ended = got == 0;
    return 0;
}

static bool line_is_empty(const char *p, size_t n)
{
    return n == 0 || (n == 1 && p[0] == '\r');
}

/* Passes over whole lines from *scan on; true when an empty one was found, whose start is then *scan. */
static bool find_empty_line(const struct deb_stanza_reader *r, size_t *scan, unsigned long *lines)
{
    const char *nl;
    while ((nl = memchr(r->buf.p + *scan, '\n', r->buf.n - *scan)) != NULL) {
        size_t n = (size_t)(nl - (r->buf.p + *scan));
        if (line_is_empty(r->buf.p + *scan, n))
            return true;
        *scan += n + 1;
        ++*lines;
    }
    return false;
}

static int skip_empty_lines(struct deb_stanza_reader *r, struct err *e)
{
    for (;;) {
        if (r->buf.n - r->at < 2 && !r->ended) {
            if (refill(r, e) != 0)
                return -1;
            continue;
        }
        if (r->at == r->buf.n)
            return 0;
        const char *p = r->buf.p + r->at;
        if (*p != '\n' && !(*p == '\r' && (r->at + 1 == r->buf.n || p[1] == '\n')))
            return 0;
        if (*p == '\n')
            r->line++;
        r->at++;
    }
}

static int too_long(const struct deb_stanza_reader *r, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s:%lu: a stanza of more than %d bytes", r->src->name, r->start,
                   DEB_STANZA_MAX);
}

int deb_stanza_next(struct deb_stanza_reader *r, struct str *out, struct err *e)
{
    size_t scan;
    unsigned long lines = 0;
    buf_reserve(&r->buf, CHUNK);
    if (skip_empty_lines(r, e) != 0)
        return -1;
    if (r->at == r->buf.n)
        return 0;
    scan = r->at;
    r->start = r->line + 1;
    while (!find_empty_line(r, &scan, &lines)) {
        if (r->ended) {
            scan = r->buf.n;
            break;
        }
        if (r->buf.n - r->at > DEB_STANZA_MAX)
            return too_long(r, e);
        scan -= r->at; /* refill moves the text */
        if (refill(r, e) != 0)
            return -1;
    }
    *out = (struct str){r->buf.p + r->at, scan - r->at};
    if (out->n > DEB_STANZA_MAX)
        return too_long(r, e);
    r->at = scan;
    r->line += lines;
    return 1;
}

void deb_stanza_free(struct deb_stanza_reader *r)
{
    buf_free(&r->buf);
}

int deb_stanza_field(struct str *stanza, struct str *name, struct str *value)
{
    if (stanza->n == 0)
        return 0;
    const char *p = stanza->p, *end = p + stanza->n, *nl = memchr(p, '\n', stanza->n);
    const char *eol = nl != NULL ? nl : end;
    const char *colon = memchr(p, ':', (size_t)(eol - p));
    if (colon == NULL || colon == p || *p == ' ' || *p == '\t') {
        *name = (struct str){p, (size_t)(eol - p)};
        return -1;
    }
    while (nl != NULL && nl + 1 < end && (nl[1] == ' ' || nl[1] == '\t'))
        nl = memchr(nl + 1, '\n', (size_t)(end - nl - 1));
    eol = nl != NULL ? nl : end;
    *name = (struct str){p, (size_t)(colon - p)};
    *value = str_trim((struct str){colon + 1, (size_t)(eol - colon - 1)});
    *stanza = nl != NULL ? str_from(*stanza, (size_t)(nl + 1 - p)) : (struct str){NULL, 0};
    return 1;
}
