/* `create ... zone:NAME': the root of a zone that the host's own zone manager runs. */
#ifndef CMD_CREATE_MANAGED_H
#define CMD_CREATE_MANAGED_H

#include "cmd/create_stages.h"

/* Whether a target is zone:NAME. */
bool create_managed_is(const char *target);
/* ERR_USAGE: options that only zone:NAME takes, or that it does not take; a name that no zone can have.
   ERR_HOST: no rights. */
int create_managed_check(struct job *j, const char *target, struct err *e);
/* The whole command, from the choice of the manager to the zone that runs. With --template the root is a
   clone, and p is filled with what the template is. */
int create_managed(struct job *j, struct create_plan *p, const char *target, enum create_when when,
                   struct err *e);

#endif
