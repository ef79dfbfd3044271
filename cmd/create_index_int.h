/* What create_index.c and create_index_root.c share: the fetching of indexes. */
#ifndef CMD_CREATE_INDEX_INT_H
#define CMD_CREATE_INDEX_INT_H

#include <pthread.h>

#include "cmd/create_plan.h"

struct fetch_source {
    struct fetch *fetch;
    struct source *source;
    struct transfer_file root; /* the root index in one of its forms */
    int form;                  /* 0 inline-signed, 1 bare, 2 the bare one's signature */
    struct str bare;           /* while its signature is fetched */
    bool listed;               /* indexes are known */
    struct transfer_file *files;
    int *fds;     /* verified index files; -1: not there yet */
    bool *wanted; /* index files that are fetched when the others are loaded */
};

/* The loader thread takes index files in the order of the repositories; everything it shares stands under the
 * lock. */
struct fetch {
    struct job *job;
    struct create_plan *plan;
    struct transfer *transfer;
    struct fetch_source *sources;
    size_t nsources;
    bool roots_only;
    bool later; /* the second time: what the first one's packages made necessary */
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    bool stop, load_failed;
    struct err load_err;
};

/* Begins with a repository: its root index is asked for (or, offline, taken from the cache).
 * create_index_root.c */
int create_index_start(struct fetch_source *fs, struct err *e);
/* The root was accepted: queues the index files that it names. create_index.c */
int create_index_queue(struct fetch_source *fs, struct err *e);

#endif
