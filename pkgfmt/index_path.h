/* Paths that an index gives. */
#ifndef PKGFMT_INDEX_PATH_H
#define PKGFMT_INDEX_PATH_H

#include <stdbool.h>

#include "base/str.h"

enum { INDEX_PATH_MAX = 4000 /* bytes */, INDEX_PATH_UP = 8 };

/* A path below the repository, never out of it and no URL; without blanks, backslashes and control
 * characters. */
bool index_path_ok(struct str path);
/* A package's path: it may begin with up to 8 `..`, for rpm repositories that keep the packages of all their
 * states in one place beside themselves (Amazon Linux). mirror_file_url() holds them within the mirror's
 * host. */
bool index_path_package_ok(struct str path);

#endif
