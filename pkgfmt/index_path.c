#include "pkgfmt/index_path.h"

bool index_path_ok(struct str path)
{
    struct str part, rest = path;
    if (path.n == 0 || path.n > INDEX_PATH_MAX || path.p[0] == '/' || str_find(path, STR("://")) < path.n)
        return false;
    for (size_t i = 0; i < path.n; i++)
        if ((unsigned char)path.p[i] <= ' ' || path.p[i] == '\\' || path.p[i] == 0x7f)
            return false;
    while (str_cut(&rest, '/', &part))
        if (str_is(part, ".."))
            return false;
    return true;
}

bool index_path_package_ok(struct str path)
{
    for (int up = 0; up < INDEX_PATH_UP && str_starts(path, STR("../")); up++)
        path = str_from(path, 3);
    return index_path_ok(path);
}
