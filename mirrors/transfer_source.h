/* What is known of the mirrors while transfers run: who failed, and who is busy. Private to transfer*.c. */
#ifndef MIRRORS_TRANSFER_SOURCE_H
#define MIRRORS_TRANSFER_SOURCE_H

#include "base/arena.h"
#include "mirrors/mirror.h"

struct transfer_host {
    char *name;      /* "http://host:port" */
    unsigned active; /* requests under way, waiting ones included */
};

struct transfer_source {
    char *url;         /* with user name and password, if it has them */
    const char *shown; /* without */
    bool local;        /* file: */
    unsigned fails;
    struct transfer_host *host;
};

struct transfer_sources {
    struct transfer_source **all;
    struct transfer_host **hosts;
    size_t n, nhosts;
    struct arena arena;
};

/* The source of this base URL, made on first use; lives until transfer_sources_free. */
struct transfer_source *transfer_source_get(struct transfer_sources *s, const char *url);
void transfer_sources_free(struct transfer_sources *s);

#endif
