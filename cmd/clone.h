/* What clone, remove and create --template share. */
#ifndef CMD_CLONE_H
#define CMD_CLONE_H

#include "cmd/cmd.h"
#include "cmd/zone/clone.h"

/* Where a clone says what it is: `source', `how' and `snapshot' lines. In a directory that changes anyhow:
   each one more costs a snapshot's room. */
#define CLONE_RECORD "/etc/zonestrap-clone"
/* Where `create --template NAME' looks for templates. */
#define CLONE_TEMPLATES "/var/lib/zonestrap/templates"

/* The ways in the order in which they are tried; the last one always can. */
extern const struct clone_way *const clone_ways[];
extern const size_t clone_nways;

/* `create --template': the whole command. */
int clone_template(struct job *j, struct err *e);
/* Where the template lies; ERR_USAGE for options that --template does not take. managed: those of zone:NAME
   are allowed. */
int clone_template_root(struct job *j, bool managed, const char **root, struct err *e);
/* One root out of another. say: the last line of output is said. */
int clone_to(struct job *j, const char *source, const char *target, bool say, struct err *e);
/* Gives a root that is a copy of source's its own identity, and the record of it. how: as `clone' says it. */
int clone_own(struct job *j, const char *source, const char *root, const char *how, struct err *e);

#endif
