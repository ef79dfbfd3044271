#include "mirrors/transfer_request.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/mem.h"

#ifndef ZONESTRAP_VERSION
#define ZONESTRAP_VERSION ""
#endif

enum {
    REDIRECTS_MAX = 5,
    RETRY_AFTER_MAX = 30,       /* seconds; whoever asks for more gets this */
    RETRY_AFTER_LONG = 5,       /* longer than this another mirror is the better choice */
    ERROR_PAGE_MAX = 64 * 1024, /* read to the end, so that the connection can be used again */
    BUFFER_BYTES = 256 * 1024,
    HEADERS_MAX = 256 * 1024, /* curl keeps them in memory */
    ALIVE_BYTES = 4096, /* so many within stall_seconds, or the transfer has stalled: a drip is no stream */
    NOT_REGULAR = -1    /* in local_errno */
};

int64_t transfer_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool value_of(struct str line, const char *name, struct str *value)
{
    size_t n = strlen(name);
    if (line.n <= n || line.p[n] != ':' || strncasecmp(line.p, name, n) != 0)
        return false;
    *value = str_trim(str_from(line, n + 1));
    return true;
}

/* Content-Range: bytes 100-199/200 (RFC 9110 section 14.4) */
static int64_t range_start(struct str value)
{
    struct str first;
    uint64_t n;
    if (value.n < 6 || strncasecmp(value.p, "bytes ", 6) != 0)
        return -1;
    value = str_from(value, 6);
    str_cut(&value, '-', &first);
    return str_u64(str_trim(first), &n) && n <= INT64_MAX ? (int64_t)n : -1;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
    struct transfer_request *r = ctx;
    struct str line = {p, size * n}, value;
    char *scheme = NULL;
    curl_easy_getinfo(r->curl, CURLINFO_SCHEME, &scheme);
    r->secure = r->secure || (scheme != NULL && strcasecmp(scheme, "https") == 0);
    if (str_starts(line, STR("HTTP/"))) {
        r->range_start = -1;
        r->last = transfer_now();
    } else if (value_of(line, "Content-Range", &value))
        r->range_start = range_start(value);
    else if (value_of(line, "Location", &value) && value.n >= 5 && strncasecmp(value.p, "http:", 5) == 0)
        r->downgraded = r->secure;
    r->head += line.n;
    return r->downgraded || r->head > HEADERS_MAX ? 0 : line.n;
}

static long status_of(struct transfer_request *r)
{
    long status = 0;
    curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* The status and headers are known: decides what to do with the body. False stops the transfer. */
static bool begin(struct transfer_request *r)
{
    long status = status_of(r);
    curl_off_t length = -1;
    const struct transfer_file *f = r->sink->file;
    r->begun = true;
    if (status == 206) {
        r->bad_range = r->from == 0 || r->range_start != (int64_t)r->from;
        r->accepted = !r->bad_range;
    } else if (status == 200 || r->local) {
        r->accepted = true;
        if (r->from > 0 && transfer_sink_restart(r->sink, &r->host_err) < 0)
            return false;
        r->from = 0;
    }
    curl_easy_getinfo(r->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (r->accepted && length >= 0) {
        uint64_t whole = r->sink->have + (uint64_t)length;
        r->too_big = whole > r->sink->limit;
        /* Fewer than are missing: the server has another file. */
        r->bad_range = r->from > 0 && f->size > 0 && whole < f->size;
    }
    return !r->too_big && !r->bad_range;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct transfer_request *r = ctx;
    n *= size;
    r->since += n;
    if (r->since >= ALIVE_BYTES) {
        r->last = transfer_now();
        r->since = 0;
    }
    if (!r->begun && !begin(r))
        return 0;
    if (!r->accepted) {
        r->discarded += n;
        return r->discarded > ERROR_PAGE_MAX ? 0 : n;
    }
    int rc = transfer_sink_write(r->sink, p, n, &r->host_err);
    r->too_big = rc > 0;
    return rc == 0 ? n : 0;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct transfer_request *r = ctx;
    (void)a, (void)b, (void)c, (void)d;
    return r->stop != NULL && *r->stop != 0;
}

/* curl would open what is no regular file too, and wait for ever at a FIFO. */
static void look_at_local(struct transfer_request *r)
{
    struct stat st;
    CURLU *u = curl_url();
    char *path = NULL;
    if (u != NULL && curl_url_set(u, CURLUPART_URL, r->url, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_PATH, &path, CURLU_URLDECODE) == CURLUE_OK) {
        if (stat(path, &st) < 0)
            r->local_errno = errno;
        else if (!S_ISREG(st.st_mode))
            r->local_errno = NOT_REGULAR;
        if (r->local_errno != 0)
            curl_easy_setopt(r->curl, CURLOPT_URL, "file:///dev/null/fails");
    }
    curl_free(path);
    curl_url_cleanup(u);
}

static void set_protocols(CURL *c, bool local, bool secure)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, local ? "file" : "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
#else
    curl_easy_setopt(c, CURLOPT_PROTOCOLS, local ? CURLPROTO_FILE : CURLPROTO_HTTP | CURLPROTO_HTTPS);
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS, secure ? CURLPROTO_HTTPS : CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

static void set_callbacks(struct transfer_request *r)
{
    CURL *c = r->curl;
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, r->detail);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, r);
    curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, r);
}

static void set_options(struct transfer_request *r, long connect_ms)
{
    CURL *c = r->curl;
    const char *ca_file = getenv("SSL_CERT_FILE"), *ca_dir = getenv("SSL_CERT_DIR");
    char range[32];
    curl_easy_setopt(c, CURLOPT_URL, r->url);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "zonestrap/" ZONESTRAP_VERSION);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    /* Rather another stream of HTTP/2 than another connection. */
    curl_easy_setopt(c, CURLOPT_PIPEWAIT, r->secure ? 1L : 0L);
    set_protocols(c, r->local, r->secure);
    if (r->headers != NULL)
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, r->headers);
    if (ca_file != NULL)
        curl_easy_setopt(c, CURLOPT_CAINFO, ca_file);
    if (ca_dir != NULL)
        curl_easy_setopt(c, CURLOPT_CAPATH, ca_dir);
    if (r->from > 0) {
        snprintf(range, sizeof range, "%llu-", (unsigned long long)r->from);
        curl_easy_setopt(c, CURLOPT_RANGE, range);
    }
}

int transfer_request_start(struct transfer_request *r, CURLM *multi, const char *url,
                           struct transfer_sink *sink, long connect_ms, struct err *e)
{
    *r = (struct transfer_request){.sink = sink, .stop = r->stop, .headers = r->headers, .range_start = -1};
    r->url = mem_dup(url);
    r->local = strncasecmp(url, "file:", 5) == 0;
    r->secure = strncasecmp(url, "https:", 6) == 0;
    r->last = transfer_now();
    if (r->local && sink->have > 0 && transfer_sink_restart(sink, e) < 0)
        return -1;
    r->from = sink->have;
    r->curl = curl_easy_init();
    if (r->curl == NULL)
        return err_set(e, ERR_HOST, "libcurl cannot make a handle");
    set_options(r, connect_ms);
    set_callbacks(r);
    if (r->local)
        look_at_local(r);
    if (curl_multi_add_handle(multi, r->curl) != CURLM_OK)
        return err_set(e, ERR_HOST, "libcurl cannot queue %s", sink->file->path);
    return 0;
}

static enum transfer_verdict judge_status(struct transfer_request *r, char *why, size_t cap)
{
    long status = status_of(r);
    curl_off_t wait = 0;
    snprintf(why, cap, "HTTP status %ld", status);
    curl_easy_getinfo(r->curl, CURLINFO_RETRY_AFTER, &wait);
    r->wait = (long)(wait > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : wait);
    if (status == 404 || status == 410)
        return TRANSFER_ABSENT;
    if (status == 416)
        return r->from > 0 ? TRANSFER_RESTART : TRANSFER_FAILED;
    if (status == 408 || status == 429 || status >= 500)
        return r->wait > RETRY_AFTER_LONG ? TRANSFER_SLOW : TRANSFER_AGAIN;
    return TRANSFER_FAILED;
}

/* The transfer ended well: is it the file? */
static enum transfer_verdict judge_bytes(struct transfer_request *r, char *why, size_t cap)
{
    const struct transfer_file *f = r->sink->file;
    curl_off_t length = -1;
    curl_easy_getinfo(r->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (length < 0 && f->size > 0 && r->sink->have < f->size) {
        snprintf(why, cap, "ended after %llu of %llu bytes", (unsigned long long)r->sink->have,
                 (unsigned long long)f->size);
        return TRANSFER_AGAIN;
    }
    if (transfer_sink_verify(r->sink, why, cap))
        return TRANSFER_OK;
    return r->from > 0 ? TRANSFER_RESTART : TRANSFER_MISMATCH;
}

static enum transfer_verdict judge_code(struct transfer_request *r, CURLcode code, char *why, size_t cap)
{
    long sys = 0;
    if (r->local_errno != 0) {
        snprintf(why, cap, "%s",
                 r->local_errno == NOT_REGULAR ? "not a regular file" : strerror(r->local_errno));
        return r->local_errno == ENOENT || r->local_errno == ENOTDIR ? TRANSFER_ABSENT : TRANSFER_FAILED;
    }
    snprintf(why, cap, "%s", r->detail[0] != '\0' ? r->detail : curl_easy_strerror(code));
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return TRANSFER_SLOW;
    case CURLE_COULDNT_CONNECT:
        curl_easy_getinfo(r->curl, CURLINFO_OS_ERRNO, &sys);
        if (sys != 0) {
            snprintf(why, cap, "%s", strerror((int)sys));
            why[0] = (char)tolower((unsigned char)why[0]);
        }
        return TRANSFER_FAILED;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return TRANSFER_AGAIN;
    case CURLE_TOO_MANY_REDIRECTS:
        snprintf(why, cap, "more than %d redirects", REDIRECTS_MAX);
        return TRANSFER_FAILED;
    case CURLE_UNSUPPORTED_PROTOCOL:
        /* Without a redirect: no HTTP, as when a former answer on this connection was longer than it said. */
        if (status_of(r) < 300 || status_of(r) > 399)
            return TRANSFER_AGAIN;
        snprintf(why, cap, "redirected to a kind of URL that is not allowed");
        return TRANSFER_FAILED;
    default:
        return TRANSFER_FAILED;
    }
}

static enum transfer_verdict judge_too_big(const struct transfer_request *r, char *why, size_t cap)
{
    const struct transfer_file *f = r->sink->file;
    snprintf(why, cap, "more than the %s %llu bytes", f->size ? "expected" : "allowed",
             (unsigned long long)r->sink->limit);
    if (r->from > 0)
        return TRANSFER_RESTART;
    return f->size > 0 || f->digest.kind != DIGEST_NONE ? TRANSFER_MISMATCH : TRANSFER_FAILED;
}

static enum transfer_verdict judge(struct transfer_request *r, CURLcode code, char *why, size_t cap)
{
    if (code == CURLE_OK && !r->begun)
        begin(r); /* an empty body */
    if (r->host_err.class != ERR_NONE)
        return TRANSFER_HOST;
    if (r->downgraded) {
        snprintf(why, cap, "redirected from https to http");
        return TRANSFER_FAILED;
    }
    if (r->head > HEADERS_MAX) {
        snprintf(why, cap, "more than %d bytes of headers", HEADERS_MAX);
        return TRANSFER_FAILED;
    }
    if (r->too_big)
        return judge_too_big(r, why, cap);
    if (r->bad_range) {
        snprintf(why, cap, "sent another range than asked for");
        return r->from > 0 ? TRANSFER_RESTART : TRANSFER_FAILED;
    }
    if (r->discarded > 0 || (code == CURLE_OK && !r->accepted))
        return judge_status(r, why, cap);
    return code == CURLE_OK ? judge_bytes(r, why, cap) : judge_code(r, code, why, cap);
}

enum transfer_verdict transfer_request_end(struct transfer_request *r, CURLM *multi, CURLcode code, char *why,
                                           size_t cap)
{
    enum transfer_verdict v = judge(r, code, why, cap);
    curl_multi_remove_handle(multi, r->curl);
    curl_easy_cleanup(r->curl);
    r->curl = NULL;
    return v;
}

void transfer_request_drop(struct transfer_request *r, CURLM *multi)
{
    if (r->curl != NULL) {
        curl_multi_remove_handle(multi, r->curl);
        curl_easy_cleanup(r->curl);
        r->curl = NULL;
    }
    free(r->url);
    r->url = NULL;
}
