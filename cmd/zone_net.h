/* --net of a zone that is made. */
#ifndef CMD_ZONE_NET_H
#define CMD_ZONE_NET_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

struct zone_net {
    const char *mode; /* none, host, dhcp, static, routed: see struct zone_facts */
    const char *link, *address, *gateway;
};

/* `none', `host', or LINK[=ADDRESS/BITS[,GATEWAY]], IPv4 or IPv6; strings in the arena. ERR_USAGE. */
int zone_net_parse(const char *word, struct arena *a, struct zone_net *out, struct err *e);
#define RESOLV_CONF "/etc/resolv.conf"

/* The addresses of the name servers in a resolv.conf(5), with commas between them, those that can be asked
   from elsewhere; loopback: also the host's own. NULL: there are none. */
const char *zone_net_resolvers(const char *path, bool loopback, struct arena *a);
/* They become the root's resolv.conf, unless it has one. */
int zone_net_give_resolvers(const char *root, const char *addresses, struct err *e);
/* Whether the root has one of n paths. */
bool zone_net_has(const char *root, const char *const *paths, size_t n);
/* Whether the host has an interface of this name. */
bool zone_net_link_there(const char *link);

#endif
