/* `create --template ... zone:NAME': a finished root that a zone is cloned of, and what it says of itself. */
#ifndef CMD_CREATE_TEMPLATE_H
#define CMD_CREATE_TEMPLATE_H

#include "cmd/create_plan.h"
#include "cmd/zone/manager.h"

struct create_template {
    const char *root; /* NULL: there is none */
    const char *zone; /* that it is the root of; or NULL */
    bool own;         /* the zone is cloned by its manager, which is the new one's, too */
    int lock;         /* of that zone, which is not booted or removed meanwhile; -1: none */
};

/* By --template, for the zone z. ERR_HOST: a zone that runs, that is not whole, or that somebody is at work
   on; ERR_USAGE: none that z's manager clones, options that do not go with it. */
int create_template_find(struct job *j, const struct manager_zone *z, struct create_template *out,
                         struct err *e);
void create_template_close(struct create_template *t);
/* p->release, p->what and p->epoch, as the finished root's os-release(5) says. ERR_HOST: it does not. */
int create_template_release(struct job *j, const char *root, struct create_plan *p, struct err *e);
/* The names of what is installed in it, as dpkg tells; none where it has no dpkg. */
const struct zone_package *create_template_packages(struct job *j, const char *root, size_t *n);

#endif
