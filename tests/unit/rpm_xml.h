/* primary.xml and filelists.xml made at test time, package by package. */
#ifndef TESTS_UNIT_RPM_XML_H
#define TESTS_UNIT_RPM_XML_H

#include "base/str.h"
#include "tests/unit/test.h"

struct repo {
    const char *id;
    int priority;
    struct buf primary, filelists, comps, updates, modules;
    unsigned packages;
    bool open; /* a package's elements are not closed */
};

static inline void put_escaped(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        switch (s.p[i]) {
        case '<':
            buf_puts(out, "&lt;");
            break;
        case '>':
            buf_puts(out, "&gt;");
            break;
        case '&':
            buf_puts(out, "&amp;");
            break;
        default:
            buf_putc(out, s.p[i]);
        }
}

/* epoch="1" ver="2" rel="3" */
static inline void put_evr(struct buf *out, struct str evr, const char *ver, const char *rel)
{
    struct str epoch = STR("0"), version;
    if (str_chr(evr, ':') < evr.n)
        str_cut(&evr, ':', &epoch);
    str_cut(&evr, '-', &version);
    buf_printf(out, " epoch=\"%" STR_FMT "\" %s=\"%" STR_FMT "\"", STR_ARG(epoch), ver, STR_ARG(version));
    if (evr.n > 0)
        buf_printf(out, " %s=\"%" STR_FMT "\"", rel, STR_ARG(evr));
}

static inline void close_package(struct repo *r)
{
    if (r->open) {
        buf_puts(&r->primary, "</format></package>\n");
        buf_puts(&r->filelists, "</package>\n");
    }
    r->open = false;
}

static inline void start_package(struct repo *r, struct str args)
{
    struct str name = {NULL, 0}, evr = {NULL, 0}, arch = {NULL, 0};
    char pkgid[65];
    close_package(r);
    CHECK(str_word(&args, &name) && str_word(&args, &evr));
    if (!str_word(&args, &arch))
        arch = STR("x86_64");
    snprintf(pkgid, sizeof pkgid, "%064x", ++r->packages);
    buf_printf(&r->primary,
               "<package type=\"rpm\"><name>%" STR_FMT "</name><arch>%" STR_FMT "</arch><version",
               STR_ARG(name), STR_ARG(arch));
    put_evr(&r->primary, evr, "ver", "rel");
    buf_printf(&r->primary,
               "/><checksum type=\"sha256\" pkgid=\"YES\">%s</checksum><size package=\"1\" installed=\"2\"/>"
               "<location href=\"p/%u.rpm\"/><format>",
               pkgid, r->packages);
    buf_printf(&r->filelists, "<package pkgid=\"%s\" name=\"%" STR_FMT "\" arch=\"%" STR_FMT "\">", pkgid,
               STR_ARG(name), STR_ARG(arch));
    r->open = true;
}

static inline void add_relation(struct repo *r, struct str key, struct str text)
{
    static const struct {
        const char *op, *flag;
    } ops[] = {{"=", "EQ"}, {"<", "LT"}, {"<=", "LE"}, {">=", "GE"}, {">", "GT"}};
    bool pre = str_is(key, "Requires(pre)");
    struct buf *out = &r->primary;
    struct str name = text, op = {NULL, 0}, rest = text;
    char tag[32] = "";
    for (size_t i = 0; i < key.n && i < sizeof tag - 1 && key.p[i] != '('; i++)
        tag[i] = (char)(key.p[i] | 0x20);
    if (text.n > 0 && text.p[0] != '(') {
        str_word(&rest, &name);
        str_word(&rest, &op);
    }
    buf_printf(out, "<rpm:%s><rpm:entry name=\"", tag);
    put_escaped(out, name);
    buf_puts(out, "\"");
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (str_is(op, ops[i].op)) {
            buf_printf(out, " flags=\"%s\"", ops[i].flag);
            put_evr(out, str_trim(rest), "ver", "rel");
        }
    buf_printf(out, "%s/></rpm:%s>", pre ? " pre=\"1\"" : "", tag);
}

#endif
