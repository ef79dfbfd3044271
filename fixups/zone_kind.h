/* Zone kinds: what a kind of zone asks of a root, and what its host is given beside it. One file a kind,
   fixups/NAME.zone. Grammar: zonestrap-zone(5), fixups/zonestrap-zone.5. */
#ifndef FIXUPS_ZONE_KIND_H
#define FIXUPS_ZONE_KIND_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/data.h"
#include "base/err.h"

/* A package of a plan. */
struct zone_package {
    const char *name, *version;
};

/* What qualifiers are decided on and variables stand for. */
struct zone_facts {
    const char *format, *distro, *release, *version, *arch; /* arch: the format's spelling */
    const char *machine;                                    /* the kernel's */
    const char *name; /* of the zone; of these on only zone_kind_host() makes use */
    const char *file; /* base name of the target */
    const char *hostname;
    int64_t epoch; /* seconds since 1970 */
    /* What follows may be NULL. */
    const char *net;     /* `none', `host', `dhcp', `static', `routed' (static, with a gateway); or unsaid */
    const char *link;    /* dhcp, static, routed: the host's interface, link or bridge */
    const char *address; /* static, routed: ADDRESS/BITS */
    const char *gateway; /* routed */
    const char *resolvers; /* addresses of name servers that the zone can ask, with commas between them */
    const char *dir;       /* the zone's own directory, in place of the manager's usual one */
    const char *kernel;    /* in place of the capability */
    const struct zone_package *packages; /* of the plan */
    size_t npackages;
};

struct zone_words {
    const char **v;
    size_t n;
};

/* A file for the host. */
struct zone_file {
    const char *name; /* no slash in it */
    struct str text;
};

/* A zone manager of a host, and what it needs to know of a zone of this kind: a [manager] section. */
struct zone_manager_data {
    const char *name;
    const char *system;        /* what uname(3) calls the host */
    const char *hint;          /* where its programs come from; or NULL */
    const char *net;           /* as --net takes it: what a zone has without that */
    struct zone_words nets;    /* values of zone_facts.net that it can give */
    struct zone_words *before; /* commands of the host that come first, each NULL at its end */
    size_t nbefore;
    struct zone_words asks; /* paths in a root: one that has any of them asks for its address by DHCP */
    const char *dir, *root; /* the zone's own directory; its root, there or below */
    struct zone_manager_file {
        const char *key;  /* what the driver calls it */
        const char *name; /* of a zone_kind_host() file */
        const char *path; /* where it is put */
    } * files;
    size_t n;
};

/* A kind as its file has it; lives in the arena that it was loaded into. */
struct zone_kind;

/* ERR_USAGE: a kind that is not there (the message lists those there are), or file:line:col of what is wrong
   in its file. */
int zone_kind_load(const struct data *d, const char *name, struct arena *a, struct zone_kind **out,
                   struct err *e);
/* The same from a text at hand, which must outlive the kind; file is for messages. */
int zone_kind_parse(const char *name, const char *file, struct str text, struct arena *a,
                    struct zone_kind **out, struct err *e);
const char *zone_kind_name(const struct zone_kind *k);
const char *zone_kind_title(const struct zone_kind *k);
/* A capability's value; NULL: the file says nothing of it. */
const char *zone_kind_capability(const struct zone_kind *k, const char *name);
/* Whether the kind has the capability; one that the file does not mention, it has. */
bool zone_kind_can(const struct zone_kind *k, const char *name);
/* The machine names that the kind serves, in the kernel's spelling; none: any. */
struct zone_words zone_kind_machines(const struct zone_kind *k);
/* Whether the kind serves a release. packages (sorted in any way, n of them) are those of the plan; without
   them what is said of packages is left out. ERR_USAGE with the reason; the hint says which kinds of d can.
 */
int zone_kind_serves(const struct data *d, const struct zone_kind *k, const struct zone_facts *f,
                     const struct zone_package *packages, size_t n, struct err *e);
/* What the kind adds to the package set, and what it takes out of it; in the arena. */
void zone_kind_packages(const struct zone_kind *k, const struct zone_facts *f, struct arena *a,
                        struct zone_words *add, struct zone_words *without);
/* What a user should know of the kind and this release, a line each. */
struct zone_words zone_kind_notes(const struct zone_kind *k, const struct zone_facts *f, struct arena *a);
/* Whether the kind has files for any host. */
bool zone_kind_has_host(const struct zone_kind *k);
/* The files for the host. ERR_USAGE: a variable's value that no file can hold safely (blanks, quotes, control
   bytes); two files of one name. */
int zone_kind_host(const struct zone_kind *k, const struct zone_facts *f, struct arena *a,
                   struct zone_file **out, size_t *n, struct err *e);
/* The names of the managers that run zones of this kind, in the file's order. */
struct zone_words zone_kind_managers(const struct zone_kind *k, struct arena *a);
/* What the kind says of one of them, variables put in. ERR_USAGE: as zone_kind_host(). */
int zone_kind_manager(const struct zone_kind *k, const char *manager, const struct zone_facts *f,
                      struct arena *a, struct zone_manager_data *out, struct err *e);
/* What {vnic} stands for: a name for a network link of the zone's own. */
const char *zone_kind_vnic(const char *zone, struct arena *a);
/* The names of all kinds, sorted, in the arena. */
int zone_kind_list(const struct data *d, struct arena *a, struct zone_words *out, struct err *e);
/* Lints one file. */
int zone_kind_check(const char *name, struct str text, struct err *e);

#endif
