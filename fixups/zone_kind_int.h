/* What zone_kind.c and zone_kind_read.c share. */
#ifndef FIXUPS_ZONE_KIND_INT_H
#define FIXUPS_ZONE_KIND_INT_H

#include "base/kw.h"
#include "fixups/fixup_int.h"
#include "fixups/zone_kind.h"

struct zone_capability {
    const char *name, *value;
};

struct zone_kind {
    const char *name, *title;
    struct kw_file kw; /* read and checked */
    struct str text;
    struct zone_words machines;
    const char **spellings; /* the host's, of each machine */
    struct zone_capability *caps;
    size_t ncaps;
};

enum zone_variable {
    ZONE_NAME,
    ZONE_FILE,
    ZONE_HOSTNAME,
    ZONE_DISTRO,
    ZONE_RELEASE,
    ZONE_VERSION,
    ZONE_ARCH,
    ZONE_MACHINE,
    ZONE_HOSTARCH,
    ZONE_KERNEL,
    ZONE_EPOCH,
    ZONE_DIR,
    ZONE_ROOT,
    ZONE_LINK,
    ZONE_VNIC,
    ZONE_ADDRESS,
    ZONE_FAMILY,
    ZONE_GATEWAY,
    ZONE_RESOLVERS,
    ZONE_VARIABLES /* how many there are: no variable */
};

enum zone_variable zone_kind_variable(struct str name);
/* The whole file, checked. */
int zone_kind_read(const char *name, const char *file, struct str text, struct arena *a,
                   struct zone_kind *out, struct err *e);

/* Whether the section's qualifiers fit. */
bool zone_kind_fits(const struct kw_section *s, const struct zone_facts *f);
/* The first line with this key; p NULL: there is none. */
struct str zone_kind_value(const struct kw_section *s, const char *key);

#endif
