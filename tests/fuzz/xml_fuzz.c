/* XML: whole or in single bytes it gives the same events, and nothing that is not in the input's size. */
#include "base/xml.h"
#include "tests/fuzz/fuzz.h"

static ssize_t drip(void *ctx, void *p, size_t n, struct err *e)
{
    struct str *rest = ctx;
    (void)e;
    if (rest->n == 0 || n < XML_BLOCK)
        return 0;
    *(char *)p = rest->p[0];
    *rest = str_from(*rest, 1);
    return 1;
}

static void put(struct buf *out, struct str s)
{
    buf_str(out, s);
    buf_putc(out, '\1');
}

static void events(struct xml *x, struct buf *out)
{
    struct err e = {0};
    int rc;
    while ((rc = xml_next(x, &e)) > 0) {
        buf_printf(out, "%d %u ", rc, x->depth);
        put(out, rc == XML_TEXT ? x->text : x->name);
        for (size_t i = 0; rc == XML_OPEN && i < x->nattr; i++) {
            put(out, x->attr[i].name);
            put(out, x->attr[i].value);
        }
    }
    buf_printf(out, "%d %s", rc, e.msg);
    if (rc < 0 && (e.class != ERR_FORMAT || e.msg[0] == '\0'))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct xml x;
    AUTO_BUF whole = {0}, dripped = {0};
    struct str text = {(const char *)p, n}, rest = text;
    bool doctype = n > 0 && p[n - 1] == '\n';
    if (n > 4096)
        return 0;
    xml_open_text(&x, "fuzz", text);
    x.doctype_ok = doctype;
    events(&x, &whole);
    xml_close(&x);
    xml_open(&x, "fuzz", drip, &rest);
    x.doctype_ok = doctype;
    events(&x, &dripped);
    xml_close(&x);
    if (whole.n > 100 + 4 * n * 8)
        abort();
    /* A bad byte further on may be found sooner in the whole; what came before must be the same. */
    if (whole.p[0] != '-' && strstr(buf_c(&whole), "-1 ") == NULL &&
        !str_eq(buf_view(&whole), buf_view(&dripped)))
        abort();
    return 0;
}
