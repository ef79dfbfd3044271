/* The root's own package sources, deb822-style (sources.list(5)). */
#include "pkgfmt/deb.h"

static bool same_components(const struct pkgfmt_query *a, const struct pkgfmt_query *b)
{
    if (a->ncomponents != b->ncomponents)
        return false;
    for (size_t i = 0; i < a->ncomponents; i++)
        if (strcmp(a->components[i], b->components[i]) != 0)
            return false;
    return true;
}

static bool same_stanza(const struct pkgfmt_source *a, const struct pkgfmt_source *b)
{
    return strcmp(a->url, b->url) == 0 && strcmp(a->signed_by, b->signed_by) == 0 &&
           same_components(a->query, b->query);
}

static bool stands_before(const struct pkgfmt_source *v, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (same_stanza(&v[k], &v[i]))
            return true;
    return false;
}

void deb_sources(const struct pkgfmt_source *v, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (stands_before(v, i))
            continue;
        buf_printf(out, "%sTypes: deb\nURIs: %s\nSuites:", out->n > 0 ? "\n" : "", v[i].url);
        for (size_t k = i; k < n; k++)
            if (same_stanza(&v[i], &v[k]))
                buf_printf(out, " %s", v[k].query->suite);
        buf_puts(out, "\n");
        for (size_t k = 0; k < v[i].query->ncomponents; k++)
            buf_printf(out, "%s%s", k ? " " : "Components: ", v[i].query->components[k]);
        buf_puts(out, v[i].query->ncomponents > 0 ? "\n" : "");
        if (v[i].signed_by[0] != '\0')
            buf_printf(out, "Signed-By: %s\n", v[i].signed_by);
    }
}
