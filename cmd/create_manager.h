/* The zone manager of `create ... zone:NAME': --manager, --zone, and what the host has. */
#ifndef CMD_CREATE_MANAGER_H
#define CMD_CREATE_MANAGER_H

#include "cmd/cmd.h"
#include "cmd/zone/manager.h"
#include "fixups/zone_kind.h"

struct create_manager {
    struct zone_kind *kind;
    const struct manager *driver;
    struct zone_manager_data data; /* for a zone of this name, and nothing more known of it */
};

/* ERR_USAGE: no such kind or manager, a kind's file that is wrong; ERR_HOST: why none can be used here. */
int create_manager_choose(struct job *j, const char *zone, struct create_manager *out, struct err *e);

#endif
