/* The root's directory that belongs to the second stage, whatever the format. */
#ifndef PKGFMT_SECOND_DIR_H
#define PKGFMT_SECOND_DIR_H

#include <stdbool.h>

#include "base/str.h"

#define SECOND_DIR "zonestrap"

/* Whether a package's path is it or below it: no package may put anything there. */
bool second_dir_holds(struct str path);

#endif
