#include "pkgfmt/first_boot.h"

#include <string.h>

#include "base/data.h"

#define SUFFIX ".zonestrap"

static int no_script(const char *what, struct err *e)
{
    return err_set(e, ERR_HOST, "first_boot.sh %s", what);
}

int first_boot_places(struct arena *a, struct str *script, const char ***places, size_t *n, struct err *e)
{
    static const struct str begin = {"\ninits='\n", 9};
    int r = data_read(NULL, "pkgfmt", "first_boot.sh", a, script, NULL, e);
    if (r != 0)
        return r < 0 ? -1 : no_script("is not in this binary", e);
    struct str rest = str_from(*script, str_find(*script, begin) + begin.n), line;
    *places = arena_array(a, rest.n + 1, sizeof **places);
    *n = 0;
    while (str_line(&rest, &line) && str_starts(line, STR("/")))
        (*places)[(*n)++] = arena_str(a, line);
    return *n > 0 ? 0 : no_script("names no place of init", e);
}

/* 1: nothing is there, and need not be. */
static int take(struct tree *t, const char *place, bool needed, struct str script, struct arena *a,
                struct err *e)
{
    const char *name = strrchr(place, '/') + 1;
    int r = tree_rename(t, place, arena_printf(a, "%s" SUFFIX, name), e);
    if (r < 0 || (r == 1 && !needed))
        return r;
    return tree_write(t, place, script, 0755, 0, 0, e);
}

static bool has(const char **v, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i], path) == 0)
            return true;
    return false;
}

int first_boot_take(struct tree *t, struct arena *a, const char ***owned, size_t *n, struct err *e)
{
    const char **places;
    struct str script, path;
    size_t nplaces = 0;
    if (first_boot_places(a, &script, &places, &nplaces, e) < 0)
        return -1;
    const char **v = *owned = arena_array(a, 2 * nplaces, sizeof *v);
    *n = 0;
    for (size_t i = 0; i < nplaces; i++) {
        if (tree_canonical(t, str_c(places[i]), a, &path, e) < 0)
            return -1;
        const char *canonical = arena_printf(a, "/%" STR_FMT, STR_ARG(path));
        bool taken = has(v, *n, canonical);
        int r = taken ? 0 : take(t, places[i], i == 0, script, a, e);
        if (r < 0)
            return -1;
        if (r == 0 && !has(v, *n, places[i]))
            v[(*n)++] = places[i];
        if (r == 0 && !has(v, *n, canonical))
            v[(*n)++] = canonical;
    }
    return 0;
}
