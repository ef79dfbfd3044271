#include "tests/unit/test.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/xml.h"

/* All events as one line: "<a x=1>", "</a>", "'text'". */
static int events(struct xml *x, struct buf *out, struct err *e)
{
    int rc;
    buf_clear(out);
    while ((rc = xml_next(x, e)) > 0) {
        if (rc == XML_OPEN) {
            buf_printf(out, "<%" STR_FMT, STR_ARG(x->name));
            for (size_t i = 0; i < x->nattr; i++)
                buf_printf(out, " %" STR_FMT "=%" STR_FMT, STR_ARG(x->attr[i].name),
                           STR_ARG(x->attr[i].value));
            buf_puts(out, ">");
        } else if (rc == XML_CLOSE) {
            buf_printf(out, "</%" STR_FMT ">", STR_ARG(x->name));
        } else {
            buf_printf(out, "'%" STR_FMT "'", STR_ARG(x->text));
        }
    }
    return rc;
}

static struct xml reader;

static int read_text(struct str text, struct buf *out, struct err *e)
{
    xml_open_text(&reader, "x.xml", text);
    int rc = events(&reader, out, e);
    xml_close(&reader);
    return rc;
}

static void good(void)
{
    static const struct {
        const char *text, *want;
    } t[] = {
        {"<a/>", "<a></a>"},
        {"\xef\xbb\xbf<?xml version=\"1.0\" encoding='utf-8'?>\n<!-- - c -->\n<a>\n</a>\n<!--e-->\n",
         "<a></a>"},
        {"<a x='1' y = \"2>\" z=''><b />t</a >", "<a x=1 y=2> z=><b></b>'t'</a>"},
        {"<n:a xmlns:n='u'>x</n:a>", "<n:a xmlns:n=u>'x'</n:a>"},
        {"<a>&lt;&gt;&amp;&quot;&apos;</a>", "<a>'<>&\"''</a>"},
        {"<a>&#65;&#x42;&#xe9;&#x20ac;&#x1F600;</a>", "<a>'AB\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80'</a>"},
        {"<a v='&#10;x&amp;\n\ty'/>", "<a v=\nx&  y></a>"},
        {"<a>x\r\ny\rz</a>", "<a>'x\ny\nz'</a>"},
        {"<a>one<!-- no -->two<![CDATA[ <&amp;]] ]]>three<?p i?> four</a>",
         "<a>'onetwo <&amp;]] three four'</a>"},
        {"<a> <!-- --> <b/> <![CDATA[]]> </a>", "<a><b></b></a>"},
        {"<a><![CDATA[<x>]]></a>", "<a>'<x>'</a>"},
        {"<a><b>1</b><b>2</b></a>", "<a><b>'1'</b><b>'2'</b></a>"},
        {"<\xc3\xa9 \xc3\xa9='\xc3\xa9'/>", "<\xc3\xa9 \xc3\xa9=\xc3\xa9></\xc3\xa9>"},
        {"<a>]] ></a>", "<a>']] >'</a>"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        AUTO_BUF out = {0};
        struct err e = {0};
        CHECK(read_text(str_c(t[i].text), &out, &e) == 0);
        CHECK_STR(e.msg, "");
        CHECK_STR(buf_c(&out), t[i].want);
    }
}

static void bad(void)
{
    static const struct {
        const char *text, *want;
    } t[] = {
        {"", "x.xml:1: no element in it: this is no XML"},
        {"\n\n", "x.xml:3: no element in it: this is no XML"},
        {"hello", "x.xml:1: text outside of the root element"},
        {"<a/>x", "x.xml:1: text outside of the root element"},
        {"<![CDATA[x]]><a/>", "x.xml:1: text outside of the root element"},
        {"<a/>\n<b/>", "x.xml:2: a second root element"},
        {"<a>\n<b></a>", "x.xml:2: </a> closes an element that is not open: the open one is b"},
        {"</a>", "x.xml:1: </a> closes an element that is not open"},
        {"<a>", "x.xml:1: the file ends inside element a"},
        {"<a>\n\nx", "x.xml:3: the file ends inside an element's text"},
        {"<a", "x.xml:1: the file ends inside a tag"},
        {"<a x='", "x.xml:1: the file ends inside an attribute's value"},
        {"<a><!-- ", "x.xml:1: the file ends inside a comment"},
        {"<a><![CDATA[ ]]", "x.xml:1: the file ends inside CDATA"},
        {"<?x", "x.xml:1: the file ends inside a processing instruction"},
        {"<a><!-- -- --></a>", "x.xml:1: `--' inside a comment"},
        {"<!DOCTYPE a><a/>", "x.xml:1: a document type declaration, which is not accepted"},
        {"<a>\n<!ENTITY x 'y'></a>", "x.xml:2: a document type declaration, which is not accepted"},
        {"<a><!x></a>", "x.xml:1: `<!' without a comment or CDATA behind it"},
        {"<a>&x;</a>", "x.xml:1: `&' without a character or one of lt, gt, amp, quot, apos behind it"},
        {"<a>\n\n & b</a>", "x.xml:3: `&' without a character or one of lt, gt, amp, quot, apos behind it"},
        {"<a>&#0;</a>", "x.xml:1: `&' without a character or one of lt, gt, amp, quot, apos behind it"},
        {"<a>&#xd800;</a>", "x.xml:1: `&' without a character or one of lt, gt, amp, quot, apos behind it"},
        {"<a>&#x110000;</a>", "x.xml:1: `&' without a character or one of lt, gt, amp, quot, apos behind it"},
        {"<a>&#1a;</a>", "x.xml:1: `&' without a character or one of lt, gt, amp, quot, apos behind it"},
        {"<a>&#99999999999;</a>",
         "x.xml:1: `&' without a character or one of lt, gt, amp, quot, apos behind it"},
        {"<a x='&y;'/>", "x.xml:1: `&' without a character or one of lt, gt, amp, quot, apos behind it"},
        {"<a>]]></a>", "x.xml:1: `]]>' in text"},
        {"<a x/>", "x.xml:1: attribute `x' has no value"},
        {"<a x=1/>", "x.xml:1: attribute `x' has a value without quotes"},
        {"<a x='<'/>", "x.xml:1: attribute `x' has a `<' in its value"},
        {"<a x='1' x='2'/>", "x.xml:1: attribute `x' stands there twice"},
        {"<a x='1'y='2'/>", "x.xml:1: a tag that cannot be read: no blank before an attribute"},
        {"<a 1='1'/>", "x.xml:1: a tag that cannot be read: expected an attribute"},
        {"<a b<c/>", "x.xml:1: `<' inside a tag"},
        {"< a/>", "x.xml:1: `<' without a name"},
        {"<1/>", "x.xml:1: `<' without a name"},
        {"<a></a x='1'>", "x.xml:1: an end tag with more than a name"},
        {"<a>\x01</a>", "x.xml:1: a control character"},
        {"<a>\n\xff</a>", "x.xml:2: bytes that are no UTF-8"},
        {"<a>\xc0\x80</a>", "x.xml:1: bytes that are no UTF-8"},
        {"<a>\xed\xa0\x80</a>", "x.xml:1: bytes that are no UTF-8"},
        {"<a>\xef\xbf\xbf</a>", "x.xml:1: bytes that are no UTF-8"},
        {"<a/>\xc3", "x.xml:1: bytes that are no UTF-8"},
        {" <?xml version='1.0'?><a/>", "x.xml:1: an XML declaration that is not the file's start"},
        {"<a/><?xml version='1.0'?>", "x.xml:1: an XML declaration that is not the file's start"},
        {"<?xml version='1.0' encoding='latin1'?><a/>", "x.xml:1: its encoding is not UTF-8"},
        {"<?xml encoding?><a/>", "x.xml:1: the XML declaration cannot be read"},
        {"<? x?><a/>", "x.xml:1: a processing instruction without a name"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        AUTO_BUF out = {0};
        struct err e = {0};
        CHECK(read_text(str_c(t[i].text), &out, &e) == -1);
        CHECK(e.class == ERR_FORMAT);
        CHECK_STR(e.msg, t[i].want);
    }
    AUTO_BUF out = {0};
    struct err e = {0};
    CHECK(read_text(STR("<a>\0</a>"), &out, &e) == -1);
    CHECK_STR(e.msg, "x.xml:1: a control character");
}

/* A document type may be passed over, if it declares nothing. */
static void doctypes(void)
{
    static const struct {
        const char *text, *want; /* want NULL: refused */
    } t[] = {
        {"<?xml version='1.0'?>\n<!DOCTYPE a PUBLIC \"-//X//>\" \"a.dtd\">\n<a>x</a>", "<a>'x'</a>"},
        {"<!DOCTYPE a><a/>", "<a></a>"},
        {"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", NULL},
        {"<!DOCTYPE a SYSTEM '['><a/>", NULL},
        {"<!DOCTYPE a [\n]><a/>", NULL},
        {"<a/><!DOCTYPE a>", NULL},
        {"<a><!DOCTYPE a></a>", NULL},
        {"<!DOCTYPE a", NULL},
        {"<!ENTITY a><a/>", NULL},
        {"<!DOCTYPE a><a>&x;</a>", NULL},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        AUTO_BUF out = {0};
        struct err e = {0};
        xml_open_text(&reader, "x.xml", str_c(t[i].text));
        reader.doctype_ok = true;
        CHECK(events(&reader, &out, &e) == (t[i].want != NULL ? 0 : -1));
        xml_close(&reader);
        if (t[i].want != NULL)
            CHECK_STR(buf_c(&out), t[i].want);
    }
}

static void repeat(struct buf *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_puts(b, s);
}

/* The text in the middle, `times` of `what` long, is too much; one less is fine. */
static void check_bound(const char *before, const char *what, size_t times, const char *after,
                        const char *want)
{
    for (size_t k = 0; k < 2; k++) {
        AUTO_BUF text = {0};
        AUTO_BUF out = {0};
        struct err e = {0};
        buf_puts(&text, before);
        repeat(&text, what, times - k);
        buf_puts(&text, after);
        CHECK(read_text(buf_view(&text), &out, &e) == (k == 0 ? -1 : 0));
        CHECK_STR(e.msg, k == 0 ? want : "");
    }
}

static void bounds(void)
{
    AUTO_BUF deep = {0};
    AUTO_BUF attrs = {0};
    repeat(&deep, "</b>", XML_DEPTH_MAX - 1);
    buf_puts(&deep, "</a>");
    AUTO_BUF text = {0};
    AUTO_BUF out = {0};
    struct err e = {0};
    buf_puts(&text, "<a>");
    repeat(&text, "<b>", XML_DEPTH_MAX - 1);
    buf_str(&text, buf_view(&deep));
    CHECK(read_text(buf_view(&text), &out, &e) == 0);
    buf_clear(&text);
    repeat(&text, "<b>", XML_DEPTH_MAX + 1);
    CHECK(read_text(buf_view(&text), &out, &e) == -1);
    CHECK_STR(e.msg, "x.xml:1: elements nested too deeply");
    for (int n = XML_ATTRS_MAX; n <= XML_ATTRS_MAX + 1; n++) {
        buf_clear(&attrs);
        buf_puts(&attrs, "<a");
        for (int i = 0; i < n; i++)
            buf_printf(&attrs, " a%d=''", i);
        buf_puts(&attrs, "/>");
        memset(&e, 0, sizeof e);
        CHECK(read_text(buf_view(&attrs), &out, &e) == (n == XML_ATTRS_MAX ? 0 : -1));
    }
    CHECK_STR(e.msg, "x.xml:1: an element with too many attributes");
    check_bound("<", "n", XML_NAME_MAX + 1, "/>", "x.xml:1: an element with too long a name");
    check_bound("<a ", "n", XML_NAME_MAX + 1, "=''/>",
                "x.xml:1: a tag that cannot be read: expected an attribute");
    check_bound("<a>", "x", XML_TEXT_MAX + 1, "</a>", "x.xml:1: an element's text of over 1048576 bytes");
    check_bound("<a x='", "x", XML_TAG_MAX - 7, "'/>", "x.xml:1: a tag that is too long");
    check_bound("<a>", "<!---->x", XML_TEXT_MAX + 1, "</a>", "x.xml:1: an element's text that is too long");
}

static void helpers(void)
{
    struct err e = {0};
    struct str text;
    struct xml *x = &reader;
    xml_open_text(x, "h.xml",
                  STR("<r>\n<a x='1' n:y='2'>t&amp;<!-- -->u</a><b/><c><d>1</d>2</c>\n<f><g/></f></r>"));
    CHECK(xml_next(x, &e) == XML_OPEN && x->depth == 1);
    CHECK(xml_next(x, &e) == XML_OPEN && x->depth == 2);
    CHECK(str_is(xml_attr(x, "x"), "1") && str_is(xml_attr(x, "n:y"), "2") && xml_attr(x, "y").p == NULL);
    CHECK(xml_text(x, &text, &e) == 0 && str_is(text, "t&u") && x->depth == 1);
    CHECK(xml_next(x, &e) == XML_OPEN && str_is(x->name, "b"));
    CHECK(xml_text(x, &text, &e) == 0 && text.n == 0);
    CHECK(xml_next(x, &e) == XML_OPEN && str_is(x->name, "c"));
    CHECK(xml_skip(x, &e) == 0 && x->depth == 1);
    CHECK(xml_next(x, &e) == XML_OPEN && str_is(x->name, "f"));
    CHECK(xml_text(x, &text, &e) == -1);
    CHECK_STR(e.msg, "h.xml:3: an element where text was expected");
    CHECK(xml_error(x, &e, "no %s", "sense") == -1 && e.class == ERR_FORMAT);
    CHECK_STR(e.msg, "h.xml:3: no sense");
    xml_close(x);
    CHECK(str_is(xml_local(STR("rpm:entry")), "entry") && str_is(xml_local(STR("entry")), "entry"));
}

/* Gives one byte at a time: every token is cut everywhere. */
static ssize_t drip(void *ctx, void *p, size_t n, struct err *e)
{
    struct str *rest = ctx;
    (void)e;
    CHECK(n >= XML_BLOCK);
    if (rest->n == 0)
        return 0;
    *(char *)p = rest->p[0];
    *rest = str_from(*rest, 1);
    return 1;
}

static void any_cut(void)
{
    struct str text =
                   STR("<?xml version='1.0'?><!-- x --><a k='v&amp;w'>\xe2\x82\xac<![CDATA[y]]><b/>z</a>\n"),
               rest = text;
    AUTO_BUF out = {0};
    struct err e = {0};
    xml_open(&reader, "x.xml", drip, &rest);
    CHECK(events(&reader, &out, &e) == 0);
    xml_close(&reader);
    CHECK_STR(buf_c(&out), "<a k=v&w>'\xe2\x82\xacy'<b></b>'z'</a>");
    for (size_t n = 0; n < text.n - 1; n++) { /* cut off anywhere it is an error */
        memset(&e, 0, sizeof e);
        CHECK(read_text((struct str){text.p, n}, &out, &e) == -1 && e.class == ERR_FORMAT);
    }
}

/* Over many windows, each line numbered: text, lines and names stay right. */
static void long_files(void)
{
    AUTO_BUF text = {0};
    struct err e = {0};
    struct str got;
    buf_puts(&text, "<r>\n");
    for (int i = 0; i < 60000; i++)
        buf_printf(&text, "<e n=\"%d\">text number %d&#33; \xc3\xa9</e>\n", i, i);
    buf_puts(&text, "<bad");
    xml_open_text(&reader, "l.xml", buf_view(&text));
    CHECK(xml_next(&reader, &e) == XML_OPEN);
    for (int i = 0; i < 60000 && !test_failed_here; i++) {
        char want[64];
        CHECK(xml_next(&reader, &e) == XML_OPEN);
        snprintf(want, sizeof want, "%d", i);
        CHECK(str_is(xml_attr(&reader, "n"), want));
        CHECK(xml_text(&reader, &got, &e) == 0);
        snprintf(want, sizeof want, "text number %d! \xc3\xa9", i);
        CHECK(str_is(got, want));
    }
    CHECK(xml_next(&reader, &e) == -1);
    CHECK_STR(e.msg, "l.xml:60002: the file ends inside a tag");
    xml_close(&reader);
}

static ssize_t broken(void *ctx, void *p, size_t n, struct err *e)
{
    (void)ctx;
    (void)p;
    (void)n;
    return err_set(e, ERR_HOST, "cannot read it");
}

static void source_fails(void)
{
    struct err e = {0};
    xml_open(&reader, "x.xml", broken, NULL);
    CHECK(xml_next(&reader, &e) == -1 && e.class == ERR_HOST);
    CHECK_STR(e.msg, "cannot read it");
    xml_close(&reader);
}

/* libxml2's entity bombs: every one is refused at its document type. */
static void entity_bombs(void)
{
    static const char *const names[] = {"lol_classic",    "lol_eg",         "lol_ep",       "lol_ig_attr",
                                        "lol_ig_content", "lol_ip_content", "lol_ip_value", "lol_long_name",
                                        "lol_long_value", "lol_param",      "huge_dtd",     "good"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        AUTO_BUF text = {0};
        AUTO_BUF out = {0};
        struct err e = {0};
        char path[4096];
        snprintf(path, sizeof path, "%s/evil/xml-libxml2/%s.xml", test_data(), names[i]);
        if (access(path, R_OK) != 0)
            SKIP("the evil XML files are not there");
        CHECK(file_read(path, 1 << 24, &text, &e) == 0);
        CHECK(read_text(buf_view(&text), &out, &e) == -1 && e.class == ERR_FORMAT);
        CHECK(strstr(e.msg, "document type") != NULL);
        CHECK(out.n == 0);
    }
}

int main(void)
{
    RUN(good);
    RUN(bad);
    RUN(doctypes);
    RUN(bounds);
    RUN(helpers);
    RUN(any_cut);
    RUN(long_files);
    RUN(source_fails);
    RUN(entity_bombs);
    return test_done();
}
