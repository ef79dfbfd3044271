#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "cmd/zone/clone.h"

int clone_place_find(struct clone_place *p, const char *given, struct arena *a, struct err *e)
{
    struct stat st;
    struct str path = str_c(given), dir = {NULL, 0}, name;
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    size_t slash = path.n;
    while (slash > 0 && path.p[slash - 1] != '/')
        slash--;
    name = str_from(path, slash);
    dir = (struct str){path.p, slash};
    *p = (struct clone_place){.given = arena_str(a, path)};
    if (name.n == 0 || str_is(name, ".") || str_is(name, ".."))
        return err_set(e, ERR_USAGE, "`%s' is no name for a root: the last part must be one", given);
    AUTO_MEM char *real = realpath(dir.n > 0 ? arena_str(a, dir) : ".", NULL);
    if (real == NULL) {
        err_sys(e, ERR_HOST, errno, "%s: the directory above it", p->given);
        return e->sys == ENOENT ? err_hint(e, "make it first, or check the spelling") : -1;
    }
    p->parent = arena_dup(a, real);
    p->name = arena_str(a, name);
    p->path = arena_printf(a, "%s/%s", strcmp(real, "/") == 0 ? "" : real, p->name);
    p->there = lstat(p->path, &st) == 0;
    return 0;
}

const char *clone_hidden(const struct clone_place *p, struct arena *a)
{
    return arena_printf(a, "%s/.%s.zonestrap-partial", strcmp(p->parent, "/") == 0 ? "" : p->parent, p->name);
}

int clone_absent(const struct clone *c, struct err *e)
{
    struct stat st;
    if (lstat(c->target.path, &st) == 0)
        return err_set(e, ERR_HOST, "%s: is there already, and a snapshot makes its own directory",
                       c->target.given);
    return errno == ENOENT ? 0 : err_sys(e, ERR_HOST, errno, "%s", c->target.given);
}
