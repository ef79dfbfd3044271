#include "mirrors/mirrorlist.h"

#include <string.h>

#include "mirrors/mirror.h"

static bool has(const struct mirror_list *l, const char *url)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->url[i], url) == 0)
            return true;
    return false;
}

int mirrorlist_parse(const char *name, struct str text, struct arena *a, struct mirror_list *out,
                     struct err *e)
{
    struct str rest = text, line, first = {NULL, 0};
    *out = (struct mirror_list){.url = arena_array(a, MIRROR_LIST_MAX, sizeof *out->url)};
    while (out->n < MIRROR_LIST_MAX && str_line(&rest, &line)) {
        line = str_trim(line);
        if (first.n == 0)
            first = line;
        if (line.n == 0 || line.p[0] == '#')
            continue;
        const char *url = mirror_remote(line, a);
        if (url != NULL && !has(out, url))
            out->url[out->n++] = url;
    }
    if (out->n > 0)
        return 0;
    if (first.n == 0)
        return err_set(e, ERR_FORMAT, "%s: an empty mirror list", name);
    return err_set(e, ERR_FORMAT, "%s: the list names no mirror; it begins with `%.*s'", name,
                   (int)(first.n < 200 ? first.n : 200), first.p);
}
