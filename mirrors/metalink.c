#include "mirrors/metalink.h"

#include <stdlib.h>
#include <string.h>

#include "base/xml.h"
#include "mirrors/mirror.h"

struct found {
    const char *url;
    unsigned long preference; /* 0 to 100 */
    size_t order;
};

struct metalink {
    struct xml *x;
    const char *path;
    struct arena *arena;
    struct found url[MIRROR_LIST_MAX];
    size_t n;
    struct mirror_list_root *roots;
    size_t nroots;
};

/* The next element within the one that was opened last and is not left yet: 1; 0 at that one's end. */
static int child(struct xml *x, struct err *e)
{
    int kind;
    while ((kind = xml_next(x, e)) == XML_TEXT)
        ;
    return kind == XML_OPEN ? 1 : kind < 0 ? -1 : 0;
}

static bool is(const struct xml *x, const char *name)
{
    return str_is(xml_local(x->name), name);
}

static int read_hash(struct metalink *m, struct mirror_list_root *root, struct err *e)
{
    static const enum digest_kind kinds[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};
    struct str type = xml_attr(m->x, "type"), text;
    enum digest_kind kind = DIGEST_NONE;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_is(type, digest_name(kinds[i])))
            kind = kinds[i];
    if (xml_text(m->x, &text, e) < 0)
        return -1;
    if (kind > root->digest.kind)
        digest_parse(&root->digest, kind, str_trim(text));
    return 0;
}

static int read_verification(struct metalink *m, struct mirror_list_root *root, struct err *e)
{
    int more;
    while ((more = child(m->x, e)) > 0)
        if ((is(m->x, "hash") ? read_hash(m, root, e) : xml_skip(m->x, e)) < 0)
            return -1;
    return more;
}

static int read_size(struct metalink *m, struct mirror_list_root *root, struct err *e)
{
    struct str text;
    if (xml_text(m->x, &text, e) < 0)
        return -1;
    if (!str_u64(str_trim(text), &root->size))
        root->size = 0;
    return 0;
}

static void add_root(struct metalink *m, const struct mirror_list_root *root)
{
    if (root->digest.kind != DIGEST_NONE && m->nroots < MIRROR_LIST_ROOTS_MAX)
        m->roots[m->nroots++] = *root;
}

static int read_alternate(struct metalink *m, struct err *e)
{
    struct mirror_list_root root = {0};
    int more;
    while ((more = child(m->x, e)) > 0) {
        int rc = is(m->x, "size")           ? read_size(m, &root, e)
                 : is(m->x, "verification") ? read_verification(m, &root, e)
                                            : xml_skip(m->x, e);
        if (rc < 0)
            return -1;
    }
    add_root(m, &root);
    return more;
}

static int read_alternates(struct metalink *m, struct err *e)
{
    int more;
    while ((more = child(m->x, e)) > 0)
        if ((is(m->x, "alternate") ? read_alternate(m, e) : xml_skip(m->x, e)) < 0)
            return -1;
    return more;
}

static int read_url(struct metalink *m, struct err *e)
{
    struct str text, tail = str_c(m->path);
    uint64_t preference;
    if (!str_u64(xml_attr(m->x, "preference"), &preference))
        preference = 0;
    if (xml_text(m->x, &text, e) < 0)
        return -1;
    text = str_trim(text);
    if (m->n == MIRROR_LIST_MAX || !str_ends(text, tail) || text.n == tail.n ||
        text.p[text.n - tail.n - 1] != '/')
        return 0;
    text.n -= tail.n;
    const char *url = mirror_remote(text, m->arena);
    for (size_t i = 0; url != NULL && i < m->n; i++)
        if (strcmp(m->url[i].url, url) == 0)
            return 0;
    if (url != NULL) {
        m->url[m->n] = (struct found){url, preference > 100 ? 100 : (unsigned long)preference, m->n};
        m->n++;
    }
    return 0;
}

static int read_resources(struct metalink *m, struct err *e)
{
    int more;
    while ((more = child(m->x, e)) > 0)
        if ((is(m->x, "url") ? read_url(m, e) : xml_skip(m->x, e)) < 0)
            return -1;
    return more;
}

static int read_file(struct metalink *m, struct err *e)
{
    struct mirror_list_root root = {0};
    size_t first = m->nroots++; /* the present state stands before the older ones */
    int more;
    while ((more = child(m->x, e)) > 0) {
        int rc = is(m->x, "size")           ? read_size(m, &root, e)
                 : is(m->x, "verification") ? read_verification(m, &root, e)
                 : is(m->x, "alternates")   ? read_alternates(m, e)
                 : is(m->x, "resources")    ? read_resources(m, e)
                                            : xml_skip(m->x, e);
        if (rc < 0)
            return -1;
    }
    m->roots[first] = root;
    if (root.digest.kind == DIGEST_NONE)
        memmove(m->roots + first, m->roots + first + 1, (--m->nroots - first) * sizeof *m->roots);
    return more;
}

/* Entries of `files` up to the one that is looked for; 1: it was there. */
static int read_files(struct metalink *m, struct err *e)
{
    const char *slash = strrchr(m->path, '/'), *want = slash ? slash + 1 : m->path;
    int more, seen = 0;
    while ((more = child(m->x, e)) > 0) {
        bool wanted = !seen && is(m->x, "file") && str_is(xml_attr(m->x, "name"), want);
        if ((wanted ? read_file(m, e) : xml_skip(m->x, e)) < 0)
            return -1;
        seen |= wanted;
    }
    return more < 0 ? -1 : seen;
}

static int read_all(struct metalink *m, struct err *e)
{
    int more, seen = 0;
    int kind = xml_next(m->x, e);
    if (kind < 0)
        return -1;
    if (kind != XML_OPEN || !is(m->x, "metalink"))
        return xml_error(m->x, e, "not a metalink");
    while ((more = child(m->x, e)) > 0) {
        int rc = !seen && is(m->x, "files") ? read_files(m, e) : xml_skip(m->x, e);
        if (rc < 0)
            return -1;
        seen |= rc > 0;
    }
    if (more < 0 || xml_next(m->x, e) < 0)
        return -1;
    return seen ? 0 : xml_error(m->x, e, "the metalink has no entry for %s", m->path);
}

static int by_preference(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    bool xs = strncmp(x->url, "https:", 6) == 0, ys = strncmp(y->url, "https:", 6) == 0;
    if (x->preference != y->preference)
        return x->preference > y->preference ? -1 : 1;
    if (xs != ys)
        return xs ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

int metalink_parse(const char *name, struct str text, const char *path, struct arena *a,
                   struct mirror_list *out, struct err *e)
{
    struct xml x;
    struct metalink m = {.x = &x, .path = path, .arena = a};
    m.roots = arena_array(a, MIRROR_LIST_ROOTS_MAX, sizeof *m.roots);
    *out = (struct mirror_list){.roots = m.roots};
    xml_open_text(&x, name, text);
    int rc = read_all(&m, e);
    xml_close(&x);
    if (rc < 0)
        return -1;
    qsort(m.url, m.n, sizeof m.url[0], by_preference);
    out->url = arena_array(a, m.n + 1, sizeof *out->url);
    for (out->n = 0; out->n < m.n; out->n++)
        out->url[out->n] = m.url[out->n].url;
    out->nroots = m.nroots;
    return 0;
}
