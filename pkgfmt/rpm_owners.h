/* Owners of an rpm package's files, which are names. For the table of the root's names see struct pkgfmt. */
#ifndef PKGFMT_RPM_OWNERS_H
#define PKGFMT_RPM_OWNERS_H

#include "base/arena.h"
#include "base/tree.h"
#include "pkgfmt/pkgfmt.h"
#include "pkgfmt/rpm_files.h"

/* Ids by name, sorted; of two for a name the first that was added counts. Zero is a valid start. */
struct rpm_names {
    struct rpm_name {
        const char *name;
        uint32_t id;
    } * v;
    size_t n, cap;
    struct arena arena;
};

struct rpm_accounts {
    struct rpm_names users, groups;
};

/* One package's look at them: the root's names, then those that the package itself provides. */
struct rpm_owner {
    const struct pkgfmt_owners *owners;
    const char *package;
    struct rpm_accounts own, missing;
};

/* owners NULL: nothing is known but root. Everything given stays with the caller. */
void rpm_owner_begin(struct rpm_owner *o, const struct pkgfmt_owners *owners, const char *package,
                     const struct rpm_header *h);
void rpm_owner_end(struct rpm_owner *o);
/* Sets the entry's owner. As rpm does: an unknown user is root, and then setuid is cleared; an unknown group
   likewise, with setgid. Each name is logged once. */
void rpm_owner_set(struct rpm_owner *o, const struct rpm_file *f, struct tree_entry *en);

/* Adds what text in the form of passwd(5), or group(5), says; lines in no such form are skipped. */
void rpm_owners_text(struct rpm_names *names, struct str text);
/* Adds what the header's `Provides: user(NAME) = LINE` and `group(NAME) = LINE` say, where LINE is a line of
   sysusers.d(5) in base64 (rpm's docs/manual/users_and_groups.md) and the id is a number in it. */
void rpm_owners_provides(struct rpm_accounts *a, const struct rpm_header *h);
/* False when the name is not there. */
bool rpm_owners_find(const struct rpm_names *names, const char *name, uint32_t *id);
void rpm_owners_clear(struct rpm_accounts *a);

#endif
