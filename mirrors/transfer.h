/* Transfers over libcurl's multi interface: many files over few connections, resumed, retried on the next
   mirror, verified as they arrive. Single-threaded: the callbacks come from transfer_run(). Proxies come from
   the environment (http_proxy, https_proxy, all_proxy, no_proxy), certificates from SSL_CERT_FILE and
   SSL_CERT_DIR or libcurl's own place. */
#ifndef MIRRORS_TRANSFER_H
#define MIRRORS_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "mirrors/cache.h"
#include "mirrors/mirror.h"

struct transfer_result {
    int fd; /* the whole file, verified, readable from offset 0; the receiver closes it; -1: not found
               (optional and may_fail only) */
    uint64_t size;
    const char *url; /* the full URL that served it, without user and password (borrowed until done returns);
                        NULL: from the cache */
    bool cached;
    const char *why; /* may_fail: one line, borrowed until done returns; else NULL */
};

struct transfer_file {
    const struct mirror_urls *mirrors;
    const char *path;     /* below each mirror's URL, as in the index; escaped for the URL by transfer */
    uint64_t size;        /* expected; 0: not known */
    uint64_t max_size;    /* for unknown sizes: more is an error; 0: 256 MiB */
    struct digest digest; /* DIGEST_NONE: not known; such a file is kept in memory or a temporary file, never
                             by content */
    const struct digest *accept; /* of a file that changes: any of these, all of one kind; kept as above */
    size_t naccept;
    bool optional; /* 404 is no error when no mirror has the file (those that answer), nor is its absence from
                      the cache when offline: fd -1 */
    bool may_fail; /* when no mirror gives it, whatever the reason, done gets fd -1 and `why` */
    const char *what; /* for messages and progress: "libc6 2.36-9" */
    void *ctx;
    /* 0, or -1 with e to stop everything. */
    int (*done)(struct transfer_file *f, struct transfer_result *r, struct err *e);
};

struct transfer_opts {
    const struct log *log;
    struct cache *cache;      /* NULL: no cache, temporary files */
    const char *tmp_dir;      /* for those; NULL: $TMPDIR or /tmp */
    bool offline;             /* nothing but the cache and file: URLs; others are ERR_NET that says so */
    unsigned connections;     /* to one host; 0: 6 */
    unsigned tries;           /* per file and mirror; 0: 3, with back-off */
    unsigned stall_seconds;   /* no byte for so long is a failure; 0: 30 */
    const volatile int *stop; /* set by a signal handler: ERR_INTR soon */
    const char *stage;        /* for progress; "fetch" */
    const char *absent_hint, *mismatch_hint; /* what to do when no mirror has a file, or its bytes; NULL: the
                                                usual advice */
};

struct transfer;
int transfer_open(struct transfer **t, const struct transfer_opts *o, struct err *e);
/* Queues a file; f must live until its done was called or transfer_close(). May be called from done. */
int transfer_add(struct transfer *t, struct transfer_file *f, struct err *e);
/* Runs until every queued file is done or one failed everywhere. Failures: ERR_NET (`file: mirror1: 404;
   mirror2: timed out`), ERR_TRUST (size or digest mismatch on every mirror). A mirror that failed is put
   behind the others for the files that follow; snapshots stay behind all of them. */
int transfer_run(struct transfer *t, struct err *e);
void transfer_close(struct transfer *t);

#endif
