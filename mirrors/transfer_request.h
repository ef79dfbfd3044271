/* One request for one file to one mirror, into a sink. Private to transfer*.c. */
#ifndef MIRRORS_TRANSFER_REQUEST_H
#define MIRRORS_TRANSFER_REQUEST_H

#include <curl/curl.h>

#include "mirrors/transfer_sink.h"

enum transfer_verdict {
    TRANSFER_OK,       /* whole and verified */
    TRANSFER_AGAIN,    /* transient: worth another try at the same mirror */
    TRANSFER_SLOW,     /* timed out: better another mirror, the same again only if there is no other */
    TRANSFER_RESTART,  /* what was resumed does not fit: the same mirror, from zero */
    TRANSFER_ABSENT,   /* the mirror does not have it */
    TRANSFER_FAILED,   /* this mirror will not do */
    TRANSFER_MISMATCH, /* not the expected size or digest */
    TRANSFER_HOST      /* our own disk: request.host_err */
};

struct transfer_request {
    CURL *curl;
    struct transfer_sink *sink;
    const volatile int *stop;
    struct curl_slist *headers; /* borrowed */
    char *url;
    bool local;           /* a file: URL */
    int local_errno;      /* why its file cannot be read; 0: it can */
    uint64_t from;        /* resumed from this byte */
    int64_t last;         /* transfer_now() when something worth speaking of had arrived */
    size_t since;         /* bytes since then */
    int64_t range_start;  /* of Content-Range; -1: none */
    size_t head;          /* bytes of headers, all hops together */
    uint64_t discarded;   /* bytes of an error page */
    long wait;            /* seconds, from Retry-After; 0: not said */
    bool begun, accepted; /* the body has begun; it is the file's */
    bool secure;          /* some hop was https */
    bool too_big, bad_range, downgraded;
    struct err host_err;
    char detail[CURL_ERROR_SIZE];
};

/* Milliseconds of the monotonic clock. */
int64_t transfer_now(void);
/* Starts url into sink, from sink->have on. connect_ms: time limit for connecting. NULL headers are
   fine. -1: ERR_HOST, curl cannot. */
int transfer_request_start(struct transfer_request *r, CURLM *multi, const char *url,
                           struct transfer_sink *sink, long connect_ms, struct err *e);
/* Takes it out of multi and judges; `why` says what was wrong. */
enum transfer_verdict transfer_request_end(struct transfer_request *r, CURLM *multi, CURLcode code, char *why,
                                           size_t cap);
/* Takes it out of multi without judging. A request that never started (zero) may be dropped. */
void transfer_request_drop(struct transfer_request *r, CURLM *multi);

#endif
