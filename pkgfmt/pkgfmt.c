#include "pkgfmt/pkgfmt.h"

#include <string.h>

#include "pkgfmt/deb.h"
#include "pkgfmt/rpm.h"

static const struct pkgfmt *const formats[] = {&deb, &rpm};

const struct pkgfmt *pkgfmt_find(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}
