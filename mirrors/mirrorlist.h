/* A mirror list as yum and dnf ask for it: text, one base URL a line, `#` comments. */
#ifndef MIRRORS_MIRRORLIST_H
#define MIRRORS_MIRRORLIST_H

#include "mirrors/mirror_list.h"

/* Lines that are no http or https URL are skipped. ERR_FORMAT when none is left: servers answer errors with
   status 200 and a comment or a page, and so the message has the text's first line. */
int mirrorlist_parse(const char *name, struct str text, struct arena *a, struct mirror_list *out,
                     struct err *e);

#endif
