/* The grammar: names, alone or `with` an exception, joined by `and` and, weaker, by `or`, in any case;
   parentheses; and `;`, the weakest of all, the `and` of old openSUSE packages. A name may have blanks. */
#include "pkgfmt/rpm_licence.h"

#include <stdlib.h>
#include <strings.h>

#include "base/auto.h"
#include "base/digest.h"
#include "base/mem.h"
#include "pkgfmt/rpm_read.h"

enum {
    PLAIN_MAX = 60, /* bytes of a name that needs no hash; licence_ref_id() cuts off later */
    HASH_SHOWN = 12
};

struct reader {
    struct str rest;
    struct arena *a, scratch;
    struct licence_refs refs;
    int depth;
};

/* The next word, parenthesis or semicolon; empty at the end. */
static struct str next_word(struct str *rest)
{
    struct str s = str_trim(*rest);
    size_t n = 0;
    while (n < s.n && strchr(" ();", s.p[n]) == NULL)
        n++;
    n = n == 0 && s.n > 0 ? 1 : n;
    *rest = str_from(s, n);
    return (struct str){s.p, n};
}

static bool take(struct str *rest, const char *word)
{
    struct str ahead = *rest, w = next_word(&ahead);
    if (w.n != strlen(word) || strncasecmp(w.p, word, w.n) != 0)
        return false;
    *rest = ahead;
    return true;
}

/* Whether a name ends here. "GPL v2 or later" is one. */
static bool at_operator(struct str rest)
{
    struct str ahead = rest, w = next_word(&ahead);
    if (take(&rest, "or"))
        return !take(&rest, "later");
    return w.n == 0 || strchr("();", w.p[0]) != NULL || take(&rest, "and") || take(&rest, "with");
}

/* All words up to an operator; empty: none. */
static struct str take_name(struct reader *r)
{
    struct str all = {0};
    while (!at_operator(r->rest)) {
        if (all.p != NULL)
            take(&r->rest, "or");
        struct str w = next_word(&r->rest);
        all.p = all.p != NULL ? all.p : w.p;
        all.n = (size_t)(w.p + w.n - all.p);
    }
    return all;
}

/* Whether the identifier says all of the name: blanks become dashes, `+` plus. */
static bool is_plain(struct str name)
{
    bool dash = true;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                     c == '+';
        if (!plain && (dash || (c != '-' && c != ' ')))
            return false;
        dash = !plain;
    }
    return !dash && name.n <= PLAIN_MAX;
}

/* A LicenseRef of the package's keeps its name. */
static const char *make_ref(struct reader *r, struct str name)
{
    static const struct str no_text = STR("The package's header names this licence without its text."),
                            prefix = STR("LicenseRef-");
    AUTO_BUF id = {0};
    struct digest d;
    struct err ignored;
    char hex[DIGEST_HEX_MAX] = "";
    if (name.n > prefix.n && str_starts(name, prefix))
        name = str_from(name, prefix.n);
    if (!is_plain(name) && digest_of(&d, DIGEST_SHA256, name, &ignored) == 0)
        digest_hex(&d, hex);
    hex[HASH_SHOWN] = '\0';
    licence_ref_id(&id, name, hex);
    bool cut_off = name.n > LICENCE_NAME_MAX && name.n <= RPM_LICENCE_MAX;
    return licence_ref(&r->refs, buf_view(&id), name, cut_off ? name : no_text, no_text.p);
}

static bool parse_all(struct reader *r, struct licence_group *g);

static bool parse_name(struct reader *r, struct licence_group *g)
{
    if (take(&r->rest, "(")) {
        bool good = r->depth++ < RPM_LICENCE_DEPTH && parse_all(r, g) && take(&r->rest, ")");
        r->depth--;
        return good;
    }
    struct str name = take_name(r);
    if (name.n == 0)
        return false;
    if (take(&r->rest, "with")) {
        struct str exception = take_name(r);
        if (exception.n == 0)
            return false;
        name.n = (size_t)(exception.p + exception.n - name.p);
    }
    const char *spdx = licence_spdx(&rpm_licence_names, name, (struct str){0}, &r->scratch);
    str_list_add(&g->terms, str_c(spdx != NULL ? spdx : make_ref(r, name)));
    return true;
}

static bool parse_and(struct reader *r, struct licence_group *g)
{
    bool good = parse_name(r, g);
    while (good && take(&r->rest, "and")) {
        struct licence_group h = {0};
        good = parse_name(r, &h);
        licence_join(g, '&', &h, &r->scratch);
    }
    return good;
}

static bool parse_or(struct reader *r, struct licence_group *g)
{
    bool good = parse_and(r, g);
    while (good && take(&r->rest, "or")) {
        struct licence_group h = {0};
        good = parse_and(r, &h);
        licence_join(g, '|', &h, &r->scratch);
    }
    return good;
}

static bool parse_all(struct reader *r, struct licence_group *g)
{
    bool good = parse_or(r, g);
    while (good && take(&r->rest, ";")) {
        struct licence_group h = {0};
        good = parse_or(r, &h);
        licence_join(g, '&', &h, &r->scratch);
    }
    return good;
}

/* What is no expression is one licence's name. */
static void read_all(struct reader *r, struct str text, struct pkgfmt_licence *out)
{
    struct licence_group g = {0};
    r->rest = text;
    if (text.n > RPM_LICENCE_MAX || !parse_all(r, &g) || r->rest.n > 0 || r->refs.too_many ||
        (out->expression = licence_expression(&g, r->a)) == NULL) {
        r->refs = (struct licence_refs){.a = r->a};
        out->expression = make_ref(r, text);
    }
    licence_refs_give(&r->refs, out);
    str_list_free(&g.terms);
}

/* Words parted by one blank each. */
static void add_words(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        bool blank = strchr(" \t\r\n", text.p[i]) != NULL;
        if (!blank)
            buf_putc(out, text.p[i]);
        else if (out->n > 0 && out->p[out->n - 1] != ' ')
            buf_putc(out, ' ');
    }
}

void rpm_licence_read(struct str text, struct arena *a, struct pkgfmt_licence *out)
{
    AUTO_BUF words = {0};
    *out = (struct pkgfmt_licence){0};
    if (text.n == 0 || memchr(text.p, '\0', text.n) != NULL)
        return;
    add_words(&words, text);
    struct str trimmed = str_trim(buf_view(&words));
    if (trimmed.n == 0)
        return;
    struct reader *r = mem_alloc(sizeof *r);
    r->a = r->refs.a = a;
    read_all(r, trimmed, out);
    arena_free(&r->scratch);
    free(r);
}

int rpm_licence_text(const struct pkgfmt_package *p, struct arena *a, struct str *text, struct err *e)
{
    struct rpm_read r;
    if (rpm_read_open(&r, p->fd, e) < 0)
        return -1;
    *text = arena_copy(a, rpm_header_string(&r.header, RPM_TAG_LICENSE));
    rpm_read_close(&r);
    return 0;
}
