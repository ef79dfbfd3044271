#include "pkgfmt/second_dir.h"

bool second_dir_holds(struct str path)
{
    static const char dir[] = SECOND_DIR;
    while (path.n > 0 && (path.p[0] == '/' || path.p[0] == '.'))
        path = str_from(path, 1);
    return str_starts(path, STR(SECOND_DIR)) && (path.n == sizeof dir - 1 || path.p[sizeof dir - 1] == '/');
}
