#include "base/xml.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xml_in.h"

static bool looks_at(const struct xml *x, size_t at, const char *word)
{
    size_t n = strlen(word);
    return x->end - x->pos >= at + n && memcmp(x->window + x->pos + at, word, n) == 0;
}

/* A comment, CDATA or processing instruction at `at`, which are no events of their own. */
static bool is_aside(const struct xml *x, size_t at)
{
    return looks_at(x, at, "<!--") || looks_at(x, at, "<?") || looks_at(x, at, "<![CDATA[");
}

static int skip_comment(struct xml *x, struct err *e)
{
    size_t at = 4;
    if (xml_in_find_behind(x, &at, STR("--"), "a comment", e) < 0 || xml_in_need(x, at + 1, e) < 0)
        return -1;
    if (!looks_at(x, at, ">"))
        return xml_in_fail(x, x->pos, e, "`--' inside a comment");
    x->pos += at + 1;
    return 0;
}

static int check_declaration(struct xml *x, struct str decl, struct err *e)
{
    size_t at = str_find(decl, STR("encoding"));
    struct str value, quoted = str_from(decl, at < decl.n ? at + 8 : decl.n);
    if (at == decl.n)
        return 0;
    quoted = str_from(quoted, str_chr(quoted, '=') + 1);
    quoted = str_trim(quoted);
    char quote = quoted.n > 0 ? quoted.p[0] : '\0';
    quoted = str_from(quoted, 1);
    if (!(quote == '"' || quote == '\'') || !str_cut(&quoted, quote, &value))
        return xml_in_fail(x, x->pos, e, "the XML declaration cannot be read");
    char low[16] = "";
    for (size_t i = 0; i < value.n && i < sizeof low - 1; i++)
        low[i] = (char)(value.p[i] >= 'A' && value.p[i] <= 'Z' ? value.p[i] | 0x20 : value.p[i]);
    if (strcmp(low, "utf-8") == 0 || strcmp(low, "us-ascii") == 0)
        return 0;
    return xml_in_fail(x, x->pos, e, "its encoding is not UTF-8");
}

static int skip_instruction(struct xml *x, struct err *e)
{
    size_t at = 2;
    bool first = !x->started;
    if (xml_in_find_behind(x, &at, STR("?>"), "a processing instruction", e) < 0)
        return -1;
    const char *p = x->window + x->pos;
    size_t n = xml_in_name(p + 2, p + at - 2);
    if (n == 0)
        return xml_in_fail(x, x->pos, e, "a processing instruction without a name");
    if (n == 3 && memcmp(p + 2, "xml", 3) == 0) {
        if (!first)
            return xml_in_fail(x, x->pos, e, "an XML declaration that is not the file's start");
        if (check_declaration(x, (struct str){p + 5, at - 7}, e) < 0)
            return -1;
    }
    x->pos += at;
    return 0;
}

/* Moves *at behind the tag's `>`, quoted ones passed over. */
static int find_tag_end(struct xml *x, size_t *at, struct err *e)
{
    for (*at = 1;;) {
        const char *p = x->window + x->pos;
        size_t n = x->end - x->pos, i = *at;
        while (i < n && p[i] != '>' && p[i] != '"' && p[i] != '\'' && p[i] != '<')
            i++;
        *at = i;
        if (i > XML_TAG_MAX)
            return xml_in_fail(x, x->pos, e, "a tag that is too long");
        if (i == n && x->at_end)
            return xml_in_fail(x, x->end, e, "the file ends inside a tag");
        if (i == n) {
            if (xml_in_more(x, e) < 0)
                return -1;
            continue;
        }
        if (p[i] == '<')
            return xml_in_fail(x, x->pos, e, "`<' inside a tag");
        ++*at;
        if (p[i] == '>')
            return 0;
        if (xml_in_find(x, at, p[i], XML_TAG_MAX, "an attribute's value", false, e) < 0)
            return -1;
        ++*at;
    }
}

static int bad_declaration(struct xml *x, struct err *e)
{
    if (looks_at(x, 0, "<!DOCTYPE") || looks_at(x, 0, "<!ENTITY")) {
        xml_in_fail(x, x->pos, e, "a document type declaration, which is not accepted");
        return err_hint(e, "XML for machines needs none, and entities can be used to attack its reader");
    }
    return xml_in_fail(x, x->pos, e, "`<!' without a comment or CDATA behind it");
}

/* "<!DOCTYPE comps PUBLIC '...' 'comps.dtd'>"; 1: passed over. */
static int skip_doctype(struct xml *x, struct err *e)
{
    size_t at = 2;
    if (find_tag_end(x, &at, e) < 0)
        return -1;
    if (x->root_seen || memchr(x->window + x->pos, '[', at) != NULL)
        return bad_declaration(x, e);
    x->pos += at;
    return 1;
}

/* Text or CDATA at pos: x->text and x->taken. */
static int take_text(struct xml *x, struct err *e)
{
    size_t at = 0, from = 0, n;
    bool cdata = looks_at(x, 0, "<![CDATA[");
    if (cdata) {
        at = from = XML_IN_LOOK;
        if (xml_in_find_behind(x, &at, STR("]]>"), "CDATA", e) < 0)
            return -1;
        n = at - from - 3;
    } else {
        if (xml_in_find(x, &at, '<', XML_TEXT_MAX, "an element's text", x->depth == 0, e) < 0)
            return -1;
        n = at;
    }
    /* What follows decides whether more text is to be joined; the window moves only now. */
    if (xml_in_need(x, at + XML_IN_LOOK, e) < 0)
        return -1;
    char *p = x->window + x->pos + from;
    struct str raw = {p, n};
    if (x->depth == 0 && (cdata || !xml_in_all_blank(raw)))
        return xml_in_fail(x, x->pos, e, "text outside of the root element");
    if (!cdata && memchr(p, ']', n) != NULL && str_find(raw, STR("]]>")) < n)
        return xml_in_fail(x, x->pos, e, "`]]>' in text");
    if (((!cdata && memchr(p, '&', n) != NULL) || memchr(p, '\r', n) != NULL) &&
        xml_in_decode(x, p, &n, false, !cdata, e) < 0)
        return -1;
    x->text = (struct str){p, n};
    x->taken = at;
    return 0;
}

static int bad_attribute(struct xml *x, struct str name, const char *what, struct err *e)
{
    char text[256];
    snprintf(text, sizeof text, "attribute `%.*s' %s", (int)(name.n < 64 ? name.n : 64), name.p, what);
    return xml_in_fail(x, x->pos, e, text);
}

/* NAME = "VALUE" at *p; *p moves behind it. */
static int take_attribute(struct xml *x, char **p, char *end, struct err *e)
{
    struct xml_attr *a = &x->attrs[x->nattr];
    char *q = *p;
    if (x->nattr == XML_ATTRS_MAX)
        return xml_in_fail(x, x->pos, e, "an element with too many attributes");
    a->name = (struct str){q, xml_in_name(q, end)};
    if (a->name.n == 0 || a->name.n > XML_NAME_MAX)
        return xml_in_fail(x, x->pos, e, "a tag that cannot be read: expected an attribute");
    q += a->name.n;
    while (q < end && xml_in_blank(*q))
        q++;
    if (q == end || *q++ != '=')
        return bad_attribute(x, a->name, "has no value", e);
    while (q < end && xml_in_blank(*q))
        q++;
    char *close = q < end && (*q == '"' || *q == '\'') ? memchr(q + 1, *q, (size_t)(end - q - 1)) : NULL;
    if (close == NULL)
        return bad_attribute(x, a->name, "has a value without quotes", e);
    size_t n = (size_t)(close - ++q);
    bool rewrite = false;
    for (size_t i = 0; i < n; i++) {
        if (q[i] == '<')
            return bad_attribute(x, a->name, "has a `<' in its value", e);
        rewrite |= q[i] == '&' || q[i] == '\n' || q[i] == '\t' || q[i] == '\r';
    }
    if (rewrite && xml_in_decode(x, q, &n, true, true, e) < 0)
        return -1;
    a->value = (struct str){q, n};
    for (size_t i = 0; i < x->nattr; i++)
        if (str_eq(x->attrs[i].name, a->name))
            return bad_attribute(x, a->name, "stands there twice", e);
    x->nattr++;
    *p = close + 1;
    return 0;
}

static int take_attributes(struct xml *x, char *p, char *end, struct err *e)
{
    x->nattr = 0;
    x->attr = x->attrs;
    for (;;) {
        char *at = p;
        while (p < end && xml_in_blank(*p))
            p++;
        if (p == end)
            return 0;
        if (p == at)
            return xml_in_fail(x, x->pos, e, "a tag that cannot be read: no blank before an attribute");
        if (take_attribute(x, &p, end, e) < 0)
            return -1;
    }
}

static int open_element(struct xml *x, struct str name, struct err *e)
{
    if (x->depth == 0 && x->root_seen)
        return xml_in_fail(x, x->pos, e, "a second root element");
    if (x->depth == XML_DEPTH_MAX)
        return xml_in_fail(x, x->pos, e, "elements nested too deeply");
    x->root_seen = true;
    memcpy(x->names[x->depth], name.p, name.n);
    x->name_n[x->depth++] = (unsigned char)name.n;
    x->name = name;
    return XML_OPEN;
}

static int close_element(struct xml *x, struct str name, struct err *e)
{
    char text[400];
    struct str open = {NULL, 0};
    if (x->depth > 0)
        open = (struct str){x->names[x->depth - 1], x->name_n[x->depth - 1]};
    if (x->depth == 0 || !str_eq(open, name)) {
        snprintf(text, sizeof text, "</%.*s> closes an element that is not open%s%.*s", (int)name.n, name.p,
                 open.n > 0 ? ": the open one is " : "", (int)open.n, open.n > 0 ? open.p : "");
        return xml_in_fail(x, x->pos, e, text);
    }
    x->depth--;
    x->name = open;
    return XML_CLOSE;
}

/* A start or end tag at pos. */
static int take_tag(struct xml *x, struct err *e)
{
    size_t len;
    if (find_tag_end(x, &len, e) < 0)
        return -1;
    char *p = x->window + x->pos + 1, *end = x->window + x->pos + len - 1;
    bool close = p < end && *p == '/', empty = !close && p < end && end[-1] == '/';
    p += close;
    end -= empty;
    struct str name = {p, xml_in_name(p, end)};
    if (name.n == 0 || name.n > XML_NAME_MAX)
        return xml_in_fail(x, x->pos, e, name.n ? "an element with too long a name" : "`<' without a name");
    x->taken = len;
    p += name.n;
    if (!close && take_attributes(x, p, end, e) < 0)
        return -1;
    if (close && !xml_in_all_blank((struct str){p, (size_t)(end - p)}))
        return xml_in_fail(x, x->pos, e, "an end tag with more than a name");
    x->pending_close = empty;
    return close ? close_element(x, name, e) : open_element(x, name, e);
}

/* --- the reader */

void xml_open(struct xml *x, const char *file, xml_source *source, void *ctx)
{
    memset(x, 0, offsetof(struct xml, attrs));
    x->file = file;
    x->source = source;
    x->ctx = ctx;
}

static ssize_t read_text(void *ctx, void *p, size_t n, struct err *e)
{
    struct xml *x = ctx;
    (void)e;
    n = n < x->rest.n ? n : x->rest.n;
    if (n > 0)
        memcpy(p, x->rest.p, n);
    x->rest = str_from(x->rest, n);
    return (ssize_t)n;
}

void xml_open_text(struct xml *x, const char *file, struct str text)
{
    xml_open(x, file, read_text, x);
    x->rest = text;
}

void xml_close(struct xml *x)
{
    free(x->window);
    buf_free(&x->joined);
    buf_free(&x->kept);
    x->window = NULL;
}

static int at_file_end(struct xml *x, struct err *e)
{
    if (x->depth > 0) {
        char text[200];
        snprintf(text, sizeof text, "the file ends inside element %.*s", (int)x->name_n[x->depth - 1],
                 x->names[x->depth - 1]);
        return xml_in_fail(x, x->end, e, text);
    }
    return x->root_seen ? XML_END : xml_in_fail(x, x->end, e, "no element in it: this is no XML");
}

/* Comments and the like are passed over; text is x->text when it stands alone, else joined. 1: go on. */
static int step(struct xml *x, struct err *e)
{
    int rc;
    if (xml_in_need(x, XML_IN_LOOK, e) < 0)
        return -1;
    if (looks_at(x, 0, "<!--") || looks_at(x, 0, "<?")) {
        rc = looks_at(x, 0, "<?") ? skip_instruction(x, e) : skip_comment(x, e);
        x->started = true;
        return rc < 0 ? -1 : 1;
    }
    x->started = true;
    if (take_text(x, e) < 0)
        return -1;
    if (x->joined.n > 0 || is_aside(x, x->taken)) {
        buf_str(&x->joined, x->text);
        if (x->joined.n > XML_TEXT_MAX)
            return xml_in_fail(x, x->pos, e, "an element's text that is too long");
        x->text = buf_view(&x->joined);
        x->pos += x->taken;
        x->taken = 0;
        return 1;
    }
    if (!xml_in_all_blank(x->text))
        return 0;
    x->text.n = 0;
    x->pos += x->taken;
    x->taken = 0;
    return 1;
}

int xml_next(struct xml *x, struct err *e)
{
    x->pos += x->taken;
    x->taken = 0;
    x->joined.n = 0;
    if (x->pending_close) {
        x->pending_close = false;
        return close_element(x, (struct str){x->names[x->depth - 1], x->name_n[x->depth - 1]}, e);
    }
    if (!x->started) {
        if (xml_in_need(x, XML_IN_LOOK, e) < 0)
            return -1;
        if (looks_at(x, 0, "\xef\xbb\xbf"))
            x->pos += 3;
    }
    for (;;) {
        if (xml_in_need(x, XML_IN_LOOK, e) < 0)
            return -1;
        bool over = x->pos == x->end;
        if (over || (x->window[x->pos] == '<' && !is_aside(x, 0))) {
            if (x->joined.n > 0 && !xml_in_all_blank(buf_view(&x->joined))) {
                x->text = buf_view(&x->joined);
                return XML_TEXT;
            }
            x->started = true;
            if (over)
                return at_file_end(x, e);
            if (!looks_at(x, 0, "<!"))
                return take_tag(x, e);
            bool doctype = x->doctype_ok && looks_at(x, 0, "<!DOCTYPE");
            if ((doctype ? skip_doctype(x, e) : bad_declaration(x, e)) < 0)
                return -1;
            continue;
        }
        int rc = step(x, e);
        if (rc <= 0)
            return rc < 0 ? -1 : XML_TEXT;
    }
}

int xml_text(struct xml *x, struct str *text, struct err *e)
{
    buf_clear(&x->kept);
    int rc = xml_next(x, e);
    if (rc == XML_TEXT) {
        buf_str(&x->kept, x->text);
        rc = xml_next(x, e);
    }
    *text = buf_view(&x->kept);
    if (rc == XML_OPEN)
        return xml_error(x, e, "an element where text was expected");
    return rc < 0 ? -1 : 0;
}

int xml_skip(struct xml *x, struct err *e)
{
    unsigned depth = x->depth;
    for (;;) {
        int rc = xml_next(x, e);
        if (rc < 0)
            return -1;
        if (rc == XML_CLOSE && x->depth < depth)
            return 0;
    }
}

struct str xml_attr(const struct xml *x, const char *name)
{
    for (size_t i = 0; i < x->nattr; i++)
        if (str_is(x->attrs[i].name, name))
            return x->attrs[i].value;
    return (struct str){NULL, 0};
}

struct str xml_local(struct str name)
{
    size_t colon = str_chr(name, ':');
    return colon < name.n ? str_from(name, colon + 1) : name;
}

int xml_error(struct xml *x, struct err *e, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return xml_in_fail(x, x->pos, e, text);
}
