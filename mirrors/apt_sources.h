/* The mirrors that the host's own apt uses: sources.list, sources.list.d/ *.list and *.sources
   (sources.list(5), one-line and deb822 forms). Disabled entries, deb-src, cdrom: and mirror: methods are
   left out; entries with a `mirror+file:` likewise. */
#ifndef MIRRORS_APT_SOURCES_H
#define MIRRORS_APT_SOURCES_H

#include "base/arena.h"
#include "base/err.h"

struct apt_source {
    const char *uri; /* no trailing slash */
    const char **suites;
    size_t nsuites;
    const char **components; /* none for a suite that is a directory ("./") */
    size_t ncomponents;
};

/* apt_dir absent: none. Unreadable or odd files are skipped, as a foreign host's configuration is a hint, not
 * input. */
int apt_sources_read(const char *apt_dir, struct arena *a, struct apt_source **out, size_t *n, struct err *e);

#endif
