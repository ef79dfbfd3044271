#include "mirrors/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/mem.h"
#include "mirrors/transfer_request.h"
#include "mirrors/transfer_source.h"

enum {
    CONNECTIONS = 6, /* defaults of struct transfer_opts */
    TRIES = 3,
    STALL_SECONDS = 30,
    CONNECT_SECONDS = 15, /* at most; less when stall_seconds is less */
    BACKOFF_MS = 500,     /* doubled with every try */
    BACKOFF_MAX_MS = 8000,
    POLL_MS = 100,  /* so soon the stop flag is seen */
    LOOK_AHEAD = 64 /* queued files that are looked at for one whose mirror is free */
};

/* One file on its way. It is in exactly one of the lists pending and active. */
struct job {
    struct job *next;
    struct transfer_file *file;
    struct transfer_source **sources;
    bool *tried;                    /* per source: will not be asked any more */
    struct transfer_source *source; /* that is being asked, while active */
    size_t index;                   /* its place in sources */
    unsigned attempts;              /* at this source */
    bool restarted;                 /* began again from zero at this source */
    bool looked;                    /* in the cache */
    bool absent, mismatch;          /* some mirror said so */
    bool running;                   /* a request is under way; active but not running: backing off */
    int64_t wake;                   /* when to try again */
    struct transfer_sink sink;
    struct transfer_request request;
    struct buf why; /* "URL: reason; URL: reason" */
};

struct transfer {
    struct transfer_opts o;
    CURLM *multi;
    struct curl_slist *fresh; /* headers for files without a digest */
    struct transfer_sources sources;
    struct job *pending, **pending_end, *active;
    uint64_t done, total; /* bytes */
    bool no_partials;     /* the cache cannot be written */
    int64_t shown;        /* when progress was last told */
    int64_t resumed;      /* when a slow `done` callback gave control back */
    uint32_t random;
};

int transfer_open(struct transfer **out, const struct transfer_opts *o, struct err *e)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(e, ERR_HOST, "libcurl cannot start");
    struct transfer *t = mem_alloc(sizeof *t);
    t->o = *o;
    t->o.connections = o->connections ? o->connections : CONNECTIONS;
    t->o.tries = o->tries ? o->tries : TRIES;
    t->o.stall_seconds = o->stall_seconds ? o->stall_seconds : STALL_SECONDS;
    t->o.stage = o->stage ? o->stage : "fetch";
    t->pending_end = &t->pending;
    t->random = (uint32_t)transfer_now() | 1;
    t->fresh = curl_slist_append(NULL, "Cache-Control: max-age=0");
    t->multi = curl_multi_init();
    if (t->multi == NULL) {
        transfer_close(t);
        return err_set(e, ERR_HOST, "libcurl cannot start");
    }
    *out = t;
    return 0;
}

static void job_free(struct transfer *t, struct job *j, bool keep)
{
    transfer_request_drop(&j->request, t->multi);
    transfer_sink_close(&j->sink, keep);
    buf_free(&j->why);
    free(j->sources);
    free(j->tried);
    free(j);
}

void transfer_close(struct transfer *t)
{
    if (t == NULL)
        return;
    for (struct job *j; (j = t->active) != NULL;) {
        t->active = j->next;
        job_free(t, j, true);
    }
    for (struct job *j; (j = t->pending) != NULL;) {
        t->pending = j->next;
        job_free(t, j, true);
    }
    if (t->multi != NULL)
        curl_multi_cleanup(t->multi);
    curl_slist_free_all(t->fresh);
    transfer_sources_free(&t->sources);
    free(t);
    curl_global_cleanup();
}

int transfer_add(struct transfer *t, struct transfer_file *f, struct err *e)
{
    (void)e;
    struct job *j = mem_alloc(sizeof *j);
    j->file = f;
    j->sink.fd = -1;
    j->sources = mem_grow(NULL, f->mirrors->n + 1, sizeof(struct transfer_source *));
    j->tried = mem_alloc(f->mirrors->n + 1);
    for (size_t i = 0; i < f->mirrors->n; i++)
        j->sources[i] = transfer_source_get(&t->sources, f->mirrors->url[i]);
    *t->pending_end = j;
    t->pending_end = &j->next;
    t->total += f->size;
    return 0;
}

static void pending_push(struct transfer *t, struct job *j)
{
    j->next = t->pending;
    t->pending = j;
    if (j->next == NULL)
        t->pending_end = &j->next;
}

static void pending_remove(struct transfer *t, struct job *j)
{
    struct job **at = &t->pending;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    if (t->pending_end == &j->next)
        t->pending_end = at;
}

static void active_remove(struct transfer *t, struct job *j)
{
    struct job **at = &t->active;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    j->source->host->active--;
    j->source = NULL;
}

/* Tells the receiver; the job is in no list any more and is freed. */
static int deliver(struct transfer *t, struct job *j, struct transfer_result *r, struct err *e)
{
    int64_t before = transfer_now();
    struct transfer_file *f = j->file;
    AUTO_BUF url = {0};
    if (r->url != NULL) {
        mirror_file_url(&url, r->url, f->path);
        r->url = buf_c(&url);
    }
    t->done += r->size;
    t->total += f->size ? 0 : r->size;
    job_free(t, j, false);
    int rc = f->done(f, r, e);
    if (transfer_now() - before > 500)
        t->resumed = transfer_now();
    return rc;
}

/* Hands over what the sink holds, which was verified. */
static int deliver_sink(struct transfer *t, struct job *j, const char *base, struct err *e)
{
    struct transfer_result r = {.fd = -1, .size = j->sink.have, .url = base, .cached = base == NULL};
    if (transfer_sink_take(&j->sink, &r.fd, e) < 0) {
        job_free(t, j, false);
        return -1;
    }
    return deliver(t, j, &r, e);
}

/* Every mirror was asked. */
static int fail_everywhere(struct transfer *t, struct job *j, struct err *e)
{
    const struct transfer_file *f = j->file;
    struct transfer_result none = {.fd = -1};
    bool offline = t->o.offline && j->why.n == 0;
    const char *name = f->what ? f->what : f->path;
    if (f->optional && !j->mismatch && (j->absent || offline)) {
        t->total -= f->size;
        return deliver(t, j, &none, e);
    }
    if (f->may_fail) {
        AUTO_BUF why = {0};
        buf_puts(&why, offline ? "the network is not to be used" : j->why.n ? buf_c(&j->why) : "no mirror");
        none.why = buf_c(&why);
        t->total -= f->size;
        return deliver(t, j, &none, e);
    }
    if (offline) {
        err_set(e, ERR_NET, "%s: not in the cache, and the network is not to be used (--offline)", name);
        err_hint(e, "run once without --offline and with the same --cache-dir");
    } else if (j->mismatch) {
        err_set(e, ERR_TRUST, "%s: %s", name, buf_c(&j->why));
        err_hint(e, "%s",
                 t->o.mismatch_hint ? t->o.mismatch_hint
                                    : "the mirror may be in the middle of an update: try again later, or "
                                      "another one with --mirror");
    } else {
        err_set(e, ERR_NET, "%s: %s", name, j->why.n ? buf_c(&j->why) : "no mirror to get it from");
        err_hint(e, "%s",
                 j->absent && t->o.absent_hint ? t->o.absent_hint
                 : j->absent
                     ? "that mirror may be incomplete, or have changed since its index was read: try again "
                       "later, or another one with --mirror"
                     : "look at the network and the proxy settings, or name another mirror with --mirror");
    }
    job_free(t, j, !j->mismatch);
    return -1;
}

/* The source to ask next: the one with the fewest failures, the first of equals, a snapshot after all others;
 * sources.n: none is left. */
static size_t choose(const struct transfer *t, const struct job *j)
{
    const struct mirror_urls *m = j->file->mirrors;
    size_t best = m->n;
    for (size_t i = 0; i < m->n; i++) {
        const struct transfer_source *s = j->sources[i];
        if (j->tried[i] || (t->o.offline && !s->local))
            continue;
        if (best != m->n && best < m->n - m->nsnapshots && i >= m->n - m->nsnapshots)
            break;
        if (best == m->n || s->fails < j->sources[best]->fails)
            best = i;
    }
    return best;
}

static int request(struct transfer *t, struct job *j, struct err *e)
{
    unsigned connect = t->o.stall_seconds < CONNECT_SECONDS ? t->o.stall_seconds : CONNECT_SECONDS;
    bool by_content = j->file->digest.kind != DIGEST_NONE;
    AUTO_BUF url = {0};
    if (!mirror_file_url(&url, j->source->url, j->file->path)) {
        err_set(e, ERR_FORMAT, "%s: its path leaves the repository %s: `%s'", j->file->what, j->source->shown,
                j->file->path);
        return err_hint(e, "only a http or https mirror may have packages beside the repository");
    }
    transfer_request_drop(&j->request, t->multi);
    j->request = (struct transfer_request){.stop = t->o.stop, .headers = by_content ? NULL : t->fresh};
    if (!by_content && j->sink.have > 0 && transfer_sink_restart(&j->sink, e) < 0)
        return -1;
    j->running = true;
    return transfer_request_start(&j->request, t->multi, buf_c(&url), &j->sink, connect * 1000L, e);
}

static int open_sink(struct transfer *t, struct job *j, struct err *e)
{
    struct transfer_opts o = t->o;
    if (t->no_partials)
        o.cache = NULL;
    int rc = transfer_sink_open(&j->sink, &o, j->file, e);
    if (rc <= 0)
        return rc;
    log_warn(t->o.log, "%s; going on without it", e->msg);
    t->no_partials = true;
    *e = (struct err){0};
    return 0;
}

/* 1: nothing was left to fetch, and the file is delivered. */
static int start(struct transfer *t, struct job *j, size_t source, struct err *e)
{
    char why[256];
    pending_remove(t, j);
    if (j->sink.fd < 0 && open_sink(t, j, e) < 0) {
        job_free(t, j, false);
        return -1;
    }
    /* A run that was killed at the wrong moment leaves a whole partial. */
    if (j->file->size > 0 && j->sink.have == j->file->size) {
        if (transfer_sink_verify(&j->sink, why, sizeof why))
            return deliver_sink(t, j, NULL, e) < 0 ? -1 : 1;
        if (transfer_sink_restart(&j->sink, e) < 0) {
            job_free(t, j, false);
            return -1;
        }
    }
    j->next = t->active;
    t->active = j;
    j->index = source;
    j->source = j->sources[source];
    j->source->host->active++;
    j->attempts = 0;
    j->restarted = false;
    return request(t, j, e);
}

/* 1: it was there and is delivered. */
static int from_cache(struct transfer *t, struct job *j, struct err *e)
{
    struct transfer_result r = {.fd = -1, .cached = true};
    if (j->looked || t->o.cache == NULL || j->file->digest.kind == DIGEST_NONE)
        return 0;
    j->looked = true;
    r.fd = cache_get(t->o.cache, &j->file->digest, j->file->size);
    if (r.fd < 0)
        return 0;
    r.size = (uint64_t)lseek(r.fd, 0, SEEK_END);
    lseek(r.fd, 0, SEEK_SET);
    pending_remove(t, j);
    return deliver(t, j, &r, e) < 0 ? -1 : 1;
}

/* Starts what may start. 1: a file was delivered or given up, look again before waiting. */
static int start_jobs(struct transfer *t, struct err *e)
{
    struct job *next;
    unsigned looked = 0;
    for (struct job *j = t->pending; j != NULL && looked < LOOK_AHEAD; j = next, looked++) {
        next = j->next;
        int rc = from_cache(t, j, e);
        if (rc != 0)
            return rc;
        size_t source = choose(t, j);
        if (source == j->file->mirrors->n) {
            pending_remove(t, j);
            return fail_everywhere(t, j, e) < 0 ? -1 : 1;
        }
        if (j->sources[source]->host->active >= t->o.connections)
            continue;
        if ((rc = start(t, j, source, e)) != 0)
            return rc;
    }
    return 0;
}

static int64_t backoff(struct transfer *t, const struct job *j)
{
    int64_t ms = (int64_t)BACKOFF_MS << (j->attempts > 5 ? 5 : j->attempts - 1);
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    t->random ^= t->random << 13;
    t->random ^= t->random >> 17;
    t->random ^= t->random << 5;
    ms = ms / 2 + (int64_t)(t->random % (uint32_t)(ms / 2 + 1));
    return j->request.wait * 1000 > ms ? j->request.wait * 1000 : ms;
}

/* This source will not do: the job goes back to the head of the queue, for another. */
static int give_up_source(struct transfer *t, struct job *j, enum transfer_verdict v, const char *why,
                          struct err *e)
{
    buf_printf(&j->why, "%s%s: %s", j->why.n ? "; " : "", j->source->shown, why);
    log_info(t->o.log, "%s: %s: %s", j->file->path[0] || !j->file->what ? j->file->path : j->file->what,
             j->source->shown, why);
    j->absent = j->absent || v == TRANSFER_ABSENT;
    j->mismatch = j->mismatch || v == TRANSFER_MISMATCH;
    j->tried[j->index] = true;
    if (v != TRANSFER_ABSENT || !j->file->optional)
        j->source->fails++;
    active_remove(t, j);
    pending_push(t, j);
    return v == TRANSFER_MISMATCH ? transfer_sink_restart(&j->sink, e) : 0;
}

static int again(struct transfer *t, struct job *j, enum transfer_verdict v, const char *why, struct err *e)
{
    j->tried[j->index] = true;
    bool others = choose(t, j) != j->file->mirrors->n;
    j->tried[j->index] = false;
    if (++j->attempts >= t->o.tries || (v == TRANSFER_SLOW && others))
        return give_up_source(t, j, v, why, e);
    log_debug(t->o.log, "%s: %s: %s, trying again", j->file->path, j->source->shown, why);
    j->wake = transfer_now() + backoff(t, j);
    return 0;
}

static int restart(struct transfer *t, struct job *j, const char *why, struct err *e)
{
    if (j->restarted)
        return give_up_source(t, j, TRANSFER_MISMATCH, why, e);
    j->restarted = true;
    log_debug(t->o.log, "%s: %s: %s after resuming, from zero", j->file->path, j->source->shown, why);
    return transfer_sink_restart(&j->sink, e) < 0 ? -1 : request(t, j, e);
}

/* A request has ended. */
static int ended(struct transfer *t, struct job *j, CURLcode code, struct err *e)
{
    char why[512] = "";
    enum transfer_verdict v = transfer_request_end(&j->request, t->multi, code, why, sizeof why);
    j->running = false;
    switch (v) {
    case TRANSFER_OK: {
        const char *base = j->source->shown;
        active_remove(t, j);
        return deliver_sink(t, j, base, e);
    }
    case TRANSFER_AGAIN:
    case TRANSFER_SLOW:
        return again(t, j, v, why, e);
    case TRANSFER_RESTART:
        return restart(t, j, why, e);
    case TRANSFER_ABSENT:
    case TRANSFER_FAILED:
    case TRANSFER_MISMATCH:
        return give_up_source(t, j, v, why, e);
    case TRANSFER_HOST:
        break;
    }
    *e = j->request.host_err;
    return -1;
}

/* 1: at least one request has ended. */
static int reap(struct transfer *t, struct err *e)
{
    int left, any = 0;
    for (CURLMsg *m; (m = curl_multi_info_read(t->multi, &left)) != NULL; any = 1) {
        struct job *j = t->active;
        while (j != NULL && j->request.curl != m->easy_handle)
            j = j->next;
        if (m->msg == CURLMSG_DONE && j != NULL && ended(t, j, m->data.result, e) < 0)
            return -1;
    }
    return any;
}

/* Ends what has stalled, and tries again what has backed off long enough. */
static int tend(struct transfer *t, struct err *e)
{
    struct job *next;
    int64_t now = transfer_now();
    for (struct job *j = t->active; j != NULL; j = next) {
        next = j->next;
        int64_t last = j->request.last > t->resumed ? j->request.last : t->resumed;
        int rc = 0;
        if (!j->running && now >= j->wake) {
            rc = request(t, j, e);
        } else if (j->running && now - last > t->o.stall_seconds * 1000L) {
            snprintf(j->request.detail, sizeof j->request.detail, "no data for %u seconds",
                     t->o.stall_seconds);
            rc = ended(t, j, CURLE_OPERATION_TIMEDOUT, e);
        }
        if (rc < 0)
            return -1;
    }
    return 0;
}

static void tell(struct transfer *t, bool last)
{
    int64_t now = transfer_now();
    struct progress p = {.stage = t->o.stage, .done = t->done, .total = t->total, .unit = "bytes"};
    if (!last && now - t->shown < 100)
        return;
    t->shown = now;
    for (const struct job *j = t->active; j != NULL; j = j->next) {
        p.done += j->sink.have;
        p.item = j->file->what;
    }
    if (p.done > p.total)
        p.total = p.done;
    log_progress(t->o.log, &p);
}

static void wait_a_little(struct transfer *t)
{
    int64_t now = transfer_now(), ms = POLL_MS;
    for (const struct job *j = t->active; j != NULL; j = j->next)
        if (!j->running && j->wake - now < ms)
            ms = j->wake > now ? j->wake - now : 0;
    curl_multi_poll(t->multi, NULL, 0, (int)ms, NULL);
}

int transfer_run(struct transfer *t, struct err *e)
{
    while (t->pending != NULL || t->active != NULL) {
        int running, more, ended_any;
        if (t->o.stop != NULL && *t->o.stop != 0)
            return err_set(e, ERR_INTR, "interrupted");
        if ((more = start_jobs(t, e)) < 0)
            return -1;
        if (curl_multi_perform(t->multi, &running) != CURLM_OK)
            return err_set(e, ERR_HOST, "libcurl failed");
        if ((ended_any = reap(t, e)) < 0 || tend(t, e) < 0)
            return -1;
        tell(t, false);
        if (!more && !ended_any)
            wait_a_little(t);
    }
    tell(t, true);
    return 0;
}
