/* Transfers against tests/flow/server.py, which is started here. Run from the project's top. */
#include "mirrors/transfer.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

enum { MANY = 200, MANY_SIZE = 20000, BIG_SIZE = 1000000 };

static struct {
    const char *dir; /* of this run; root/ in it is served */
    pid_t pid;
    int port;
    char base[64], log[sizeof scratch + 8];
} server;

static const char *top_cache(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", server.dir, name);
    return path;
}

static pid_t spawn_server(int *port, const char *extra, const char *value)
{
    int fds[2];
    char root[96], line[32] = "";
    snprintf(root, sizeof root, "%s/root", server.dir);
    if (pipe(fds) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], 1);
        close(fds[0]);
        execlp("python3", "python3", "tests/flow/server.py", "--root", root, "--log", server.log, extra,
               value, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    for (size_t n = 0; n + 1 < sizeof line && read(fds[0], line + n, 1) == 1 && line[n] != '\n'; n++)
        ;
    close(fds[0]);
    *port = atoi(line);
    if (*port > 0)
        return pid;
    waitpid(pid, NULL, 0);
    return -1;
}

static void fill(char *p, size_t n, unsigned seed)
{
    uint32_t x = seed * 2654435761u + 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (char)(x >> 24);
    }
}

/* Content is a function of the name: `big`, `small`, `many/NNN`. */
static struct str content(const char *name)
{
    static char bytes[BIG_SIZE];
    size_t n = strcmp(name, "big") == 0 ? BIG_SIZE : strcmp(name, "small") == 0 ? 1000 : MANY_SIZE;
    fill(bytes, n, (unsigned)(n + strlen(name) * (unsigned)atoi(name[0] == 'm' ? name + 5 : "1")));
    return (struct str){bytes, n};
}

static void make_file(const char *name, const char *path)
{
    struct err e = {0};
    char full[160];
    snprintf(full, sizeof full, "%s/root/%s", server.dir, path);
    if (file_replace(full, content(name), 0644, &e) < 0)
        printf("%s\n", e.msg);
}

static bool server_start(void)
{
    struct err e = {0};
    char dir[128], name[32], path[48];
    server.dir = scratch_new();
    snprintf(server.log, sizeof server.log, "%s/log", server.dir);
    snprintf(dir, sizeof dir, "%s/root/d/many", server.dir);
    file_mkdirs(dir, 0755, &e);
    make_file("big", "d/big");
    make_file("small", "d/small");
    make_file("small", "d/odd ~+%41#?name");
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "many/%03d", i);
        snprintf(path, sizeof path, "d/%s", name);
        make_file(name, path);
    }
    server.pid = spawn_server(&server.port, NULL, NULL);
    snprintf(server.base, sizeof server.base, "http://127.0.0.1:%d", server.port);
    return server.pid > 0;
}

static void server_stop(pid_t pid)
{
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
}

/* Lines of the log that contain text. */
static int logged(const char *text)
{
    AUTO_BUF b = {0};
    struct err e = {0};
    int n = 0;
    struct str rest, line;
    file_read(server.log, 1 << 24, &b, &e);
    for (rest = buf_view(&b); str_line(&rest, &line);)
        n += str_find(line, str_c(text)) < line.n;
    return n;
}

static void log_clear(void)
{
    unlink(server.log);
}

/* Different connections in the log. */
static int logged_connections(void)
{
    AUTO_BUF b = {0};
    struct err e = {0};
    static char seen[100000];
    int n = 0;
    struct str rest, line, word;
    memset(seen, 0, sizeof seen);
    file_read(server.log, 1 << 24, &b, &e);
    for (rest = buf_view(&b); str_line(&rest, &line);) {
        uint64_t c;
        if (str_word(&line, &word) && str_u64(word, &c) && c < sizeof seen && !seen[c]) {
            seen[c] = 1;
            n++;
        }
    }
    return n;
}

/* A file to fetch, and what came of it. */
struct want {
    struct transfer_file f;
    struct mirror_urls m;
    const char *urls[4];
    char url[4][160], path[64];
    int calls;
    bool found, cached, right;
    char from[160];
};

static int on_done(struct transfer_file *f, struct transfer_result *r, struct err *e)
{
    struct want *w = f->ctx;
    struct digest got = {0};
    uint64_t size = 0;
    (void)e;
    w->calls++;
    w->found = r->fd >= 0;
    w->cached = r->cached;
    snprintf(w->from, sizeof w->from, "%s", r->url ? r->url : "");
    if (r->fd < 0)
        return 0;
    AUTO_FD fd = r->fd;
    struct err here = {0};
    struct digest expected;
    digest_of(&expected, DIGEST_SHA256, content(w->f.what), &here);
    w->right = lseek(fd, 0, SEEK_CUR) == 0 && digest_of_fd(&got, DIGEST_SHA256, fd, &size, &here) == 0 &&
               digest_eq(&got, &expected) && size == r->size;
    return 0;
}

/* prefixes: "corrupt|": what stands before /d of each mirror, separated by `|`; one with :// is the whole
 * URL. */
static void want_init(struct want *w, const char *name, const char *prefixes)
{
    struct err e = {0};
    struct str c = content(name);
    *w = (struct want){0};
    for (const char *p = prefixes; p != NULL && w->m.n < 4; w->m.n++) {
        char *url = w->url[w->m.n];
        struct str one = {p, strcspn(p, "|")};
        if (str_find(one, STR("://")) < one.n)
            snprintf(url, sizeof w->url[0], "%" STR_FMT, STR_ARG(one));
        else
            snprintf(url, sizeof w->url[0], "%s%s%" STR_FMT "/d", server.base, one.n ? "/" : "",
                     STR_ARG(one));
        w->urls[w->m.n] = url;
        p = p[one.n] == '|' ? p + one.n + 1 : NULL;
    }
    w->m.url = w->urls;
    snprintf(w->path, sizeof w->path, "%s", name);
    w->f = (struct transfer_file){.mirrors = &w->m, .path = w->path, .size = c.n, .what = name, .ctx = w};
    w->f.done = on_done;
    digest_of(&w->f.digest, DIGEST_SHA256, c, &e);
}

static int run(struct want **w, size_t n, const struct transfer_opts *o, struct err *e)
{
    struct transfer *t;
    *e = (struct err){0};
    if (transfer_open(&t, o, e) < 0)
        return -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = transfer_add(t, &w[i]->f, e);
    if (rc == 0)
        rc = transfer_run(t, e);
    transfer_close(t);
    return rc;
}

static int run1(struct want *w, const struct transfer_opts *o, struct err *e)
{
    int rc = run(&w, 1, o, e);
    if (rc < 0 && e->msg[0] == '\0')
        printf("no message\n");
    return rc;
}

static bool has(const char *text, const char *part)
{
    bool yes = strstr(text, part) != NULL;
    if (!yes)
        printf("`%s' does not have `%s'\n", text, part);
    return yes;
}

#define CHECK_HAS(text, part) CHECK(has((text), (part)))

/* Expects the file, whole and right. */
static void good(const char *name, const char *prefixes, struct want *w, const struct transfer_opts *o)
{
    struct err e;
    want_init(w, name, prefixes);
    CHECK(run1(w, o, &e) == 0);
    if (e.msg[0] != '\0')
        printf("%s: %s\n", prefixes, e.msg);
    CHECK(w->calls == 1 && w->found && w->right);
}

static void fetches_a_file(void)
{
    struct want w;
    struct transfer_opts o = {0};
    struct err e;
    log_clear();
    good("small", "", &w, &o);
    CHECK_HAS(w.from, "/d/small");
    CHECK(!w.cached);
    good("big", "chunked", &w, &o);
    good("big", "close", &w, &o);
    want_init(&w, "big", "");
    w.f.size = 0;
    w.f.digest.kind = DIGEST_NONE;
    CHECK(run1(&w, &o, &e) == 0 && w.right);
    want_init(&w, "small", "");
    snprintf(w.path, sizeof w.path, "odd ~+%%41#?name");
    CHECK(run1(&w, &o, &e) == 0 && w.right);
    CHECK(logged("/d/odd%20~+%2541%23%3Fname") == 1);
}

static void fetches_many_over_few_connections(void)
{
    static struct want many[MANY];
    struct want *list[MANY];
    static char names[MANY][24];
    struct transfer_opts o = {0};
    struct err e;
    int right = 0;
    log_clear();
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "many/%03d", i);
        want_init(&many[i], names[i], "");
        list[i] = &many[i];
    }
    CHECK(run(list, MANY, &o, &e) == 0);
    for (int i = 0; i < MANY; i++)
        right += many[i].calls == 1 && many[i].right;
    CHECK(right == MANY);
    CHECK(logged("GET ") == MANY);
    CHECK(logged_connections() <= 6);
    log_clear();
    o.connections = 2;
    CHECK(run(list, 20, &o, &e) == 0);
    CHECK(logged_connections() <= 2);
}

static void resumes_what_was_cut_off(void)
{
    struct want w;
    struct transfer_opts o = {0};
    log_clear();
    good("big", "truncate", &w, &o);
    CHECK(logged("bytes=500000- 206") == 1);
    good("big", "reset", &w, &o);
    CHECK(logged(" 206") == 2);
    log_clear();
    good("big", "chunked-cut|", &w, &o);
    CHECK(logged(" /d/big bytes=1000000-") == 0);
}

static void resumes_on_the_next_mirror(void)
{
    struct want w;
    struct transfer_opts o = {.stall_seconds = 1};
    log_clear();
    good("big", "truncate-always|", &w, &o);
    CHECK(logged("GET /d/big bytes=875000- 206") == 1);
    log_clear();
    good("big", "stall|", &w, &o);
    CHECK(logged("GET /d/big bytes=500000- 206") == 1);
}

static void starts_over_when_ranges_do_not_work(void)
{
    struct want w;
    struct transfer_opts o = {.stall_seconds = 1};
    log_clear();
    good("big", "stall|norange", &w, &o);
    CHECK(logged("GET /norange/d/big") == 1);
    log_clear();
    good("big", "stall|badrange", &w, &o);
    CHECK(logged("GET /badrange/d/big") == 2);
    log_clear();
    good("big", "stall|corrupt|", &w, &o);
    CHECK(logged("GET /corrupt/d/big bytes=500000- 206") == 1);
    CHECK(logged("GET /corrupt/d/big - 200") == 1);
    CHECK(logged("GET /d/big - 200") == 1);
}

static void falls_over_to_the_next_mirror(void)
{
    static const char *const bad[] = {"404|",
                                      "403|",
                                      "corrupt|",
                                      "grown|",
                                      "endless|",
                                      "endless-length|",
                                      "endless-headers|",
                                      "short-length|",
                                      "http://127.0.0.1:1/d|",
                                      "redirect-loop|",
                                      "redirect-file|",
                                      "stall-head|",
                                      "file:///nonexistent/d|",
                                      "http://nowhere.invalid/d|"};
    struct want w;
    struct transfer_opts o = {.stall_seconds = 1};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        good("big", bad[i], &w, &o);
        CHECK_HAS(w.from, server.base);
    }
    good("big", "redirect", &w, &o);
    good("big", "slow/20|", &w, &o); /* a drip is no stream */
    CHECK(strstr(w.from, "slow") == NULL);
}

static void a_failed_mirror_goes_behind(void)
{
    struct want w[4], *list[4];
    static const char *const names[] = {"small", "big", "many/001", "many/002"};
    struct transfer_opts o = {.connections = 1};
    struct err e;
    log_clear();
    for (int i = 0; i < 4; i++) {
        want_init(&w[i], names[i], "404|");
        list[i] = &w[i];
    }
    CHECK(run(list, 4, &o, &e) == 0);
    CHECK(logged("/404/") == 1);
    log_clear();
    for (int i = 0; i < 4; i++) {
        want_init(&w[i], names[i], "404|");
        w[i].f.optional = true;
    }
    CHECK(run(list, 4, &o, &e) == 0);
    CHECK(logged("/404/") == 4); /* not to have what need not be there is no failure */
}

static void says_what_every_mirror_said(void)
{
    struct want w;
    struct transfer_opts o = {.tries = 1, .stall_seconds = 1};
    struct err e;
    char text[512], hex[DIGEST_HEX_MAX];
    want_init(&w, "small", "404|http://127.0.0.1:1/x|503");
    CHECK(run1(&w, &o, &e) < 0);
    CHECK(e.class == ERR_NET && w.calls == 0);
    snprintf(text, sizeof text,
             "small: %s/404/d: HTTP status 404; http://127.0.0.1:1/x: connection refused; %s/503/d: HTTP "
             "status 503",
             server.base, server.base);
    CHECK_STR(e.msg, text);

    want_init(&w, "small", "corrupt|404");
    CHECK(run1(&w, &o, &e) < 0);
    CHECK(e.class == ERR_TRUST);
    snprintf(text, sizeof text, "corrupt/d: sha256 mismatch (expected %s, got ",
             digest_hex(&w.f.digest, hex));
    CHECK_HAS(e.msg, text);

    want_init(&w, "small", "");
    w.f.size++;
    CHECK(run1(&w, &o, &e) < 0);
    CHECK(e.class == ERR_TRUST);
    CHECK_HAS(e.msg, "size mismatch (expected 1001 bytes, got 1000)");

    want_init(&w, "small", "stall");
    CHECK(run1(&w, &o, &e) < 0);
    CHECK(e.class == ERR_NET);
    CHECK_HAS(e.msg, "no data for 1 seconds");

    want_init(&w, "small", "redirect-loop|redirect-file");
    CHECK(run1(&w, &o, &e) < 0);
    CHECK_HAS(e.msg, "more than 5 redirects");
    CHECK_HAS(e.msg, "not allowed");

    snprintf(text, sizeof text, "http://me:secret@127.0.0.1:%d/404/d", server.port);
    want_init(&w, "small", text);
    CHECK(run1(&w, &o, &e) < 0);
    CHECK(strstr(e.msg, "secret") == NULL && strstr(e.msg, "me:") == NULL);

    want_init(&w, "small", "");
    w.m.n = 0;
    CHECK(run1(&w, &o, &e) < 0);
    CHECK_STR(e.msg, "small: no mirror to get it from");
}

static void optional_files_may_be_absent(void)
{
    struct want w;
    struct transfer_opts o = {.tries = 1};
    struct err e;
    want_init(&w, "small", "404|http://127.0.0.1:1/d|");
    w.f.optional = true;
    snprintf(w.path, sizeof w.path, "absent");
    CHECK(run1(&w, &o, &e) == 0);
    CHECK(w.calls == 1 && !w.found);
    want_init(&w, "small", "corrupt|404");
    w.f.optional = true;
    CHECK(run1(&w, &o, &e) < 0 && e.class == ERR_TRUST);
    want_init(&w, "small", "503|http://127.0.0.1:1/d");
    w.f.optional = true;
    CHECK(run1(&w, &o, &e) < 0 && e.class == ERR_NET);
}

static uint64_t directory_bytes(const char *dir)
{
    char cmd[192];
    unsigned long long n = 0;
    snprintf(cmd, sizeof cmd, "du -sb %s 2>/dev/null", dir);
    FILE *p = popen(cmd, "r");
    if (p == NULL || fscanf(p, "%llu", &n) != 1)
        n = UINT64_MAX;
    if (p != NULL)
        pclose(p);
    return n;
}

static void endless_transfers_are_stopped(void)
{
    static const char *const kinds[] = {"endless", "endless-length", "endless-close"};
    struct want w;
    struct cache c;
    struct err e = {0};
    CHECK(cache_open(&c, top_cache("endless"), &e) == 0);
    struct transfer_opts o = {.cache = &c, .tries = 1};
    for (size_t i = 0; i < 3; i++) {
        want_init(&w, "big", kinds[i]);
        CHECK(run1(&w, &o, &e) < 0);
        CHECK(e.class == ERR_TRUST);
        CHECK_HAS(e.msg, "more than the expected 1000000 bytes");
        CHECK(directory_bytes(top_cache("endless")) < 1100000);
        want_init(&w, "big", kinds[i]);
        w.f.size = 0;
        w.f.max_size = 300000;
        w.f.digest.kind = DIGEST_NONE;
        CHECK(run1(&w, &o, &e) < 0);
        CHECK(e.class == ERR_NET);
        CHECK_HAS(e.msg, "more than the allowed 300000 bytes");
    }
    cache_close(&c);
}

static void transient_failures_are_tried_again(void)
{
    struct want w;
    struct transfer_opts o = {0};
    struct err e;
    log_clear();
    good("small", "500-then-ok/2", &w, &o);
    CHECK(logged("500-then-ok") == 3);
    log_clear();
    good("many/001", "429-then-ok/1", &w, &o);
    CHECK(logged(" 429") == 1);
    log_clear();
    want_init(&w, "many/002", "503");
    o.tries = 2;
    CHECK(run1(&w, &o, &e) < 0);
    CHECK(logged(" 503") == 2);
    log_clear();
    want_init(&w, "many/002", "404");
    CHECK(run1(&w, &o, &e) < 0);
    CHECK(logged(" 404") == 1);
}

static bool make_certificate(const char *path)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *x = X509_new();
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    FILE *f = fopen(path, "w");
    bool done = false;
    if (key != NULL && x != NULL && san != NULL && f != NULL) {
        X509_set_version(x, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
        X509_gmtime_adj(X509_getm_notBefore(x), -3600);
        X509_gmtime_adj(X509_getm_notAfter(x), 3600);
        X509_set_pubkey(x, key);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                   (const unsigned char *)"test", -1, -1, 0);
        X509_set_issuer_name(x, X509_get_subject_name(x));
        X509_add_ext(x, san, -1);
        done = X509_sign(x, key, EVP_sha256()) > 0 &&
               PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) && PEM_write_X509(f, x);
    }
    if (f != NULL)
        fclose(f);
    X509_EXTENSION_free(san);
    X509_free(x);
    EVP_PKEY_free(key);
    return done;
}

static void https_and_no_way_back_to_http(void)
{
    char pem[96], good_url[96], back[96], via[96];
    struct want w;
    struct transfer_opts o = {.tries = 1};
    struct err e;
    int port = 0;
    snprintf(pem, sizeof pem, "%s/tls.pem", server.dir);
    CHECK(make_certificate(pem));
    pid_t pid = spawn_server(&port, "--tls", pem);
    CHECK(pid > 0);
    snprintf(good_url, sizeof good_url, "https://127.0.0.1:%d/d", port);
    snprintf(back, sizeof back, "https://127.0.0.1:%d/redirect-http/%d/d", port, server.port);
    snprintf(via, sizeof via, "redirect-https/%d/redirect-http/%d", port, server.port);
    want_init(&w, "small", good_url); /* not trusted */
    CHECK(run1(&w, &o, &e) < 0 && e.class == ERR_NET);
    CHECK_HAS(e.msg, "certificate");
    setenv("SSL_CERT_FILE", pem, 1);
    good("big", good_url, &w, &o);
    want_init(&w, "small", back);
    CHECK(run1(&w, &o, &e) < 0);
    CHECK_HAS(e.msg, "redirected from https to http");
    want_init(&w, "small", via);
    CHECK(run1(&w, &o, &e) < 0);
    CHECK_HAS(e.msg, "redirected from https to http");
    log_clear();
    setenv("https_proxy", server.base, 1);
    good("small", good_url, &w, &o);
    CHECK(logged("CONNECT 127.0.0.1:") == 1);
    unsetenv("https_proxy");
    unsetenv("SSL_CERT_FILE");
    server_stop(pid);
}

static void proxies_come_from_the_environment(void)
{
    struct want w;
    struct transfer_opts o = {.tries = 1};
    struct err e;
    char local[128];
    log_clear();
    setenv("http_proxy", server.base, 1);
    good("small", "http://nowhere.invalid/d", &w, &o);
    CHECK(logged("GET http://nowhere.invalid/d/small") == 1);
    snprintf(local, sizeof local, "file://%s/root/d", server.dir);
    good("big", local, &w, &o);
    CHECK(logged("GET") == 1);
    setenv("no_proxy", "127.0.0.1,nowhere.invalid", 1);
    good("small", "", &w, &o);
    CHECK(logged("GET /d/small") == 1);
    want_init(&w, "small", "http://nowhere.invalid/d");
    CHECK(run1(&w, &o, &e) < 0);
    CHECK_HAS(e.msg, "nowhere.invalid");
    unsetenv("no_proxy");
    unsetenv("http_proxy");
    setenv("ALL_PROXY", server.base, 1);
    good("small", "http://elsewhere.invalid/d", &w, &o);
    CHECK(logged("GET http://elsewhere.invalid/d/small") == 1);
    unsetenv("ALL_PROXY");
}

static void offline_asks_nobody(void)
{
    struct want w;
    struct cache c;
    struct err e = {0};
    char local[128];
    CHECK(cache_open(&c, top_cache("offline"), &e) == 0);
    struct transfer_opts o = {.cache = &c, .offline = true};
    log_clear();
    want_init(&w, "small", "");
    CHECK(run1(&w, &o, &e) < 0 && e.class == ERR_NET);
    CHECK_HAS(e.msg, "small: not in the cache");
    CHECK_HAS(e.msg, "--offline");
    w.f.optional = true;
    CHECK(run1(&w, &o, &e) == 0 && w.calls == 1 && !w.found);
    snprintf(local, sizeof local, "|file://%s/root/d", server.dir);
    good("small", local, &w, &o);
    CHECK_HAS(w.from, "file://");
    CHECK(logged("GET") == 0);
    o.offline = false;
    good("big", "", &w, &o);
    o.offline = true;
    good("big", "", &w, &o);
    CHECK(w.cached && logged("GET") == 1);
    cache_close(&c);
}

static volatile int stop_flag;

static void on_alarm(int sig)
{
    (void)sig;
    stop_flag = 1;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void the_stop_flag_stops(void)
{
    struct want w;
    struct cache c;
    struct err e = {0};
    struct sigaction sa = {.sa_handler = on_alarm};
    CHECK(cache_open(&c, top_cache("stop"), &e) == 0);
    struct transfer_opts o = {.stop = &stop_flag, .cache = &c};
    sigaction(SIGALRM, &sa, NULL);
    want_init(&w, "big", "slow/200000");
    alarm(1);
    double before = seconds();
    CHECK(run1(&w, &o, &e) < 0);
    CHECK(e.class == ERR_INTR && w.calls == 0);
    CHECK(seconds() - before < 3); /* of the five that it would take */
    stop_flag = 0;
    log_clear();
    good("big", "", &w, &o); /* the rest */
    CHECK(logged(" 206") == 1);
    cache_close(&c);
}

static void the_cache_serves_and_heals(void)
{
    struct want w;
    struct cache c;
    struct err e = {0};
    char path[320], hex[DIGEST_HEX_MAX];
    CHECK(cache_open(&c, top_cache("heals"), &e) == 0);
    struct transfer_opts o = {.cache = &c};
    log_clear();
    good("big", "", &w, &o);
    CHECK(!w.cached);
    good("big", "", &w, &o);
    CHECK(w.cached && w.from[0] == '\0' && logged("GET") == 1);
    digest_hex(&w.f.digest, hex);
    snprintf(path, sizeof path, "%s/sha256/%.2s/%s", c.dir, hex, hex + 2);
    AUTO_FD fd = open(path, O_RDWR);
    CHECK(fd >= 0 && pwrite(fd, "damaged", 7, 5000) == 7);
    good("big", "", &w, &o);
    CHECK(!w.cached && logged("GET") == 2);
    CHECK(truncate(path, 10) == 0);
    good("big", "", &w, &o);
    CHECK(!w.cached && logged("GET") == 3);
    good("big", "", &w, &o);
    CHECK(w.cached);
    cache_close(&c);
}

/* What an earlier run left is not believed. */
static void a_wrong_partial_is_replaced(void)
{
    struct want w;
    struct cache c;
    struct err e = {0};
    struct cache_part p;
    static char junk[BIG_SIZE + 10];
    static const size_t lengths[] = {1000, BIG_SIZE, BIG_SIZE + 10};
    CHECK(cache_open(&c, top_cache("partial"), &e) == 0);
    struct transfer_opts o = {.cache = &c};
    for (size_t i = 0; i < 3; i++) {
        want_init(&w, "big", "");
        CHECK(cache_part_open(&c, &w.f.digest, &p, &e) == 0);
        CHECK(write(p.fd, junk, lengths[i]) == (ssize_t)lengths[i]);
        cache_part_drop(&c, &p, 1);
        good("big", "", &w, &o);
        int fd = cache_get(&c, &w.f.digest, BIG_SIZE);
        CHECK(fd >= 0);
        close(fd);
        char path[320], hex[DIGEST_HEX_MAX];
        digest_hex(&w.f.digest, hex);
        snprintf(path, sizeof path, "%s/sha256/%.2s/%s", c.dir, hex, hex + 2);
        CHECK(unlink(path) == 0);
    }
    want_init(&w, "big", ""); /* whole already: nothing to fetch */
    CHECK(cache_part_open(&c, &w.f.digest, &p, &e) == 0);
    CHECK(file_write_fd(p.fd, "partial", content("big").p, BIG_SIZE, &e) == 0);
    cache_part_drop(&c, &p, 1);
    log_clear();
    good("big", "", &w, &o);
    CHECK(w.cached && logged("GET") == 0);
    cache_close(&c);
}

static int fetch_twenty(const char *dir)
{
    static struct want w[20];
    static char names[20][24];
    struct want *list[20];
    struct cache c;
    struct err e = {0};
    if (cache_open(&c, dir, &e) < 0)
        return 1;
    struct transfer_opts o = {.cache = &c};
    for (int i = 0; i < 20; i++) {
        snprintf(names[i], sizeof names[i], "many/%03d", i);
        want_init(&w[i], names[i], i % 2 ? "slow/100000" : "");
        list[i] = &w[i];
    }
    int bad = run(list, 20, &o, &e) < 0;
    for (int i = 0; i < 20; i++)
        bad += !w[i].right;
    cache_close(&c);
    return bad;
}

static void processes_share_a_cache(void)
{
    pid_t pids[4];
    struct cache c;
    struct err e = {0};
    char partial[192];
    for (int i = 0; i < 4; i++) {
        fflush(stdout);
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(fetch_twenty(top_cache("shared")));
    }
    for (int i = 0; i < 4; i++) {
        int status = -1;
        waitpid(pids[i], &status, 0);
        CHECK(status == 0);
    }
    CHECK(cache_open(&c, top_cache("shared"), &e) == 0);
    for (int i = 0; i < 20; i++) {
        struct want w;
        char name[24];
        snprintf(name, sizeof name, "many/%03d", i);
        want_init(&w, name, "");
        int fd = cache_get(&c, &w.f.digest, MANY_SIZE);
        CHECK(fd >= 0);
        if (fd >= 0)
            close(fd);
    }
    cache_close(&c);
    snprintf(partial, sizeof partial, "%s/partial", top_cache("shared"));
    CHECK(rmdir(partial) == 0); /* nothing is left in it */
}

static void the_same_file_twice_in_one_run(void)
{
    struct want a, b, *list[] = {&a, &b};
    struct cache c;
    struct err e = {0};
    CHECK(cache_open(&c, top_cache("twice"), &e) == 0);
    struct transfer_opts o = {.cache = &c};
    want_init(&a, "big", "");
    want_init(&b, "big", "");
    CHECK(run(list, 2, &o, &e) == 0);
    CHECK(a.right && b.right);
    cache_close(&c);
}

static void local_mirrors(void)
{
    struct want w;
    struct transfer_opts o = {.tries = 1};
    struct err e;
    char url[160], fifo[160];
    snprintf(url, sizeof url, "file://%s/root/d", server.dir);
    good("big", url, &w, &o);
    CHECK_HAS(w.from, "/root/d/big");
    want_init(&w, "small", url);
    snprintf(w.path, sizeof w.path, "odd ~+%%41#?name");
    CHECK(run1(&w, &o, &e) == 0 && w.right);
    want_init(&w, "small", url);
    snprintf(w.path, sizeof w.path, "absent");
    CHECK(run1(&w, &o, &e) < 0 && e.class == ERR_NET);
    CHECK_HAS(e.msg, "No such file");
    w.f.optional = true;
    CHECK(run1(&w, &o, &e) == 0 && !w.found);
    want_init(&w, "small", url);
    snprintf(w.path, sizeof w.path, "many");
    CHECK(run1(&w, &o, &e) < 0);
    CHECK_HAS(e.msg, "not a regular file");
    snprintf(fifo, sizeof fifo, "%s/root/d/fifo", server.dir);
    CHECK(mkfifo(fifo, 0644) == 0);
    snprintf(w.path, sizeof w.path, "fifo");
    CHECK(run1(&w, &o, &e) < 0);
    CHECK_HAS(e.msg, "not a regular file");
}

static int refuse(struct transfer_file *f, struct transfer_result *r, struct err *e)
{
    close(r->fd);
    return err_set(e, ERR_FORMAT, "%s: no", f->what);
}

static void a_receiver_can_stop_everything(void)
{
    struct want a, b, *list[] = {&a, &b};
    struct transfer_opts o = {.connections = 1};
    struct err e;
    want_init(&a, "small", "");
    want_init(&b, "big", "");
    a.f.done = refuse;
    CHECK(run(list, 2, &o, &e) < 0);
    CHECK_STR(e.msg, "small: no");
    CHECK(b.calls == 0);
}

static void an_unwritable_place_is_named(void)
{
    struct want w;
    struct err e;
    struct transfer_opts o = {.tmp_dir = "/nonexistent/tmp"};
    want_init(&w, "small", "");
    CHECK(run1(&w, &o, &e) < 0 && e.class == ERR_HOST);
    CHECK_HAS(e.msg, "/nonexistent/tmp");
}

static int warnings;

static void count_warnings(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    warnings += level == LOG_WARN && strstr(text, "going on without") != NULL;
}

/* The cache was writable when it was opened; this process is not its owner any more. */
static int fetch_without_rights(void)
{
    struct want a, b, *list[] = {&a, &b};
    struct cache c;
    struct err e = {0};
    const struct log log = {.line = count_warnings};
    if (cache_open(&c, top_cache("unwritable"), &e) < 0 || setuid(65534) < 0)
        return 2;
    struct transfer_opts o = {.cache = &c, .log = &log, .tmp_dir = "/tmp"};
    want_init(&a, "big", "");
    want_init(&b, "small", "");
    int rc = run(list, 2, &o, &e);
    return rc == 0 && a.right && b.right && warnings == 1 ? 0 : 1;
}

static void a_cache_that_cannot_be_written(void)
{
    int status = -1;
    if (geteuid() != 0)
        SKIP("needs root, to become somebody else");
    fflush(stdout);
    if (chmod(server.dir, 0755) < 0)
        SKIP("cannot open the directory to others");
    pid_t pid = fork();
    if (pid == 0)
        _exit(fetch_without_rights());
    waitpid(pid, &status, 0);
    CHECK(status == 0);
}

/* A small limit of file sizes stands for the full disk. */
static void a_full_disk_is_named(void)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct want w;
        struct err e = {0};
        struct cache c;
        if (cache_open(&c, top_cache("full"), &e) < 0)
            _exit(9);
        struct transfer_opts o = {.cache = &c};
        struct rlimit small = {50000, 50000};
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &small) < 0)
            _exit(8);
        want_init(&w, "big", "");
        int rc = run1(&w, &o, &e);
        _exit(rc == -1 && e.class == ERR_HOST && has(e.msg, top_cache("full")) ? 0 : 1);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    CHECK(status == 0);
}

int main(void)
{
    static const char *const proxies[] = {"http_proxy", "https_proxy",   "HTTPS_PROXY",
                                          "no_proxy",   "NO_PROXY",      "all_proxy",
                                          "ALL_PROXY",  "SSL_CERT_FILE", "SSL_CERT_DIR"};
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
        unsetenv(proxies[i]);
    signal(SIGPIPE, SIG_IGN);
    if (!server_start()) {
        printf("skipped - transfer: python3 is missing, or tests/flow/server.py does not start\n");
        return 0;
    }
    RUN(fetches_a_file);
    RUN(fetches_many_over_few_connections);
    RUN(resumes_what_was_cut_off);
    RUN(resumes_on_the_next_mirror);
    RUN(starts_over_when_ranges_do_not_work);
    RUN(falls_over_to_the_next_mirror);
    RUN(a_failed_mirror_goes_behind);
    RUN(says_what_every_mirror_said);
    RUN(optional_files_may_be_absent);
    RUN(endless_transfers_are_stopped);
    RUN(transient_failures_are_tried_again);
    RUN(https_and_no_way_back_to_http);
    RUN(proxies_come_from_the_environment);
    RUN(offline_asks_nobody);
    RUN(the_stop_flag_stops);
    RUN(the_cache_serves_and_heals);
    RUN(a_wrong_partial_is_replaced);
    RUN(processes_share_a_cache);
    RUN(the_same_file_twice_in_one_run);
    RUN(local_mirrors);
    RUN(a_receiver_can_stop_everything);
    RUN(an_unwritable_place_is_named);
    RUN(a_cache_that_cannot_be_written);
    RUN(a_full_disk_is_named);
    server_stop(server.pid);
    scratch_remove();
    return test_done();
}
