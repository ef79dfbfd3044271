/* The zone kind at work (--zone): what it says of the release and the plan, and the files for its host. */
#ifndef CMD_CREATE_ZONE_H
#define CMD_CREATE_ZONE_H

#include "cmd/create_plan.h"

/* The files that --host-files asks for; none without it. */
struct zone_host {
    struct zone_file *files;
    size_t n;
};

/* p->zone, by --zone, by the lock, else `none`. ERR_USAGE for one that is not there, and for a
   --kernel-version that it cannot show. */
int create_zone_load(struct job *j, struct create_plan *p, struct err *e);
/* ERR_USAGE: a --kernel-version (NULL: none) that the kind cannot show. */
int create_zone_check_kernel(const struct zone_kind *k, const char *version, struct err *e);
/* Once the release is known, before anything is asked of the solver: whether the kind serves it; what is
   added to the set and left out of it. */
int create_zone_release(struct job *j, struct create_plan *p, struct err *e);
/* Once the plan is known: whether the kind serves it; says what a user should know. */
int create_zone_plan(struct job *j, struct create_plan *p, struct err *e);
/* What the kind's qualifiers and variables look at; --kernel-version counts. name: the zone's; file: the base
   name of what it is made of. */
struct zone_facts create_zone_facts(struct job *j, const struct create_plan *p, const char *name,
                                    const char *file);
/* What the host gets, checked as far as it can be before anything is written. target: as the user gave it. */
int create_zone_host(struct job *j, struct create_plan *p, const char *target, struct zone_host *out,
                     struct err *e);
/* Ends the last line of a run: how to get the files that were not asked for; or nothing. */
const char *create_zone_hint(struct job *j, const struct create_plan *p);
/* Writes all of them, or none. */
int create_zone_write(struct job *j, const struct zone_host *h, struct err *e);

#endif
