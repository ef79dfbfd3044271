/* mirrors/transfer.c against a server: many files, failing mirrors, https, proxies, interruption. */
#include "tests/unit/transfer_help.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

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

/* However often the others failed: an archive that all the world uses is asked for what nobody else has. */
static void snapshots_are_asked_last(void)
{
    struct want w[4], *list[4];
    static const char *const names[] = {"small", "big", "many/001", "many/002"};
    struct transfer_opts o = {.connections = 1, .absent_hint = "plan anew", .mismatch_hint = "think"};
    struct err e;
    log_clear();
    for (int i = 0; i < 4; i++) {
        want_init(&w[i], names[i], i < 3 ? "404||chunked" : "404|403|chunked");
        w[i].m.nsnapshots = 1;
        list[i] = &w[i];
    }
    CHECK(run(list, 4, &o, &e) == 0);
    CHECK(logged("/chunked/") == 1);
    CHECK_HAS(w[3].from, "/chunked/");
    log_clear();
    for (int i = 0; i < 4; i++) {
        want_init(&w[i], names[i], "404|chunked");
        w[i].m.nsnapshots = 1;
    }
    CHECK(run(list, 4, &o, &e) == 0);
    CHECK(logged("/404/") == 4);
    want_init(&w[0], "small", "404|404");
    w[0].m.nsnapshots = 1;
    CHECK(run(list, 1, &o, &e) == -1 && e.class == ERR_NET);
    CHECK_STR(e.hint, "plan anew");
    want_init(&w[0], "small", "404|corrupt");
    CHECK(run(list, 1, &o, &e) == -1 && e.class == ERR_TRUST);
    CHECK_STR(e.hint, "think");
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

/* A mirror that serves none of the states that are known is passed over. */
static void any_of_several_digests(void)
{
    struct want w;
    struct transfer_opts o = {.tries = 1};
    struct err e;
    struct digest accept[2];
    static const char *const mirrors[] = {"corrupt|404|", "corrupt", ""};
    CHECK(digest_of(&accept[0], DIGEST_SHA512, STR("the newest"), &e) == 0);
    CHECK(digest_of(&accept[1], DIGEST_SHA512, content("small"), &e) == 0);
    for (size_t i = 0; i < sizeof mirrors / sizeof *mirrors; i++) {
        want_init(&w, "small", mirrors[i]);
        w.f.digest = (struct digest){0};
        w.f.size = 0;
        w.f.optional = true;
        w.f.accept = accept;
        w.f.naccept = i == 2 ? 1 : 2;
        int rc = run1(&w, &o, &e);
        CHECK(i == 0 ? rc == 0 && w.right && w.calls == 1 : rc == -1 && e.class == ERR_TRUST);
        if (i > 0)
            CHECK_HAS(e.msg, "is not the one expected, nor an older one");
    }
}

static char why[256];

static int on_failed(struct transfer_file *f, struct transfer_result *r, struct err *e)
{
    snprintf(why, sizeof why, "%s", r->why ? r->why : "");
    return on_done(f, r, e);
}

static void some_files_may_fail(void)
{
    struct want w;
    struct transfer_opts o = {.tries = 1};
    struct err e;
    static const char *const rows[][2] = {
        {"404", "HTTP status 404"},   {"503|404", "HTTP status 503"},      {"corrupt", "sha256 mismatch"},
        {"endless", "more than the"}, {"http://127.0.0.1:1/d", "refused"}, {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        want_init(&w, "small", rows[i][0]);
        w.f.may_fail = true;
        w.f.done = on_failed;
        CHECK(run1(&w, &o, &e) == 0 && w.calls == 1 && w.found == (rows[i][1][0] == '\0'));
        CHECK_HAS(why, rows[i][1]);
    }
    o.offline = true;
    want_init(&w, "small", "");
    w.f.may_fail = true;
    w.f.done = on_failed;
    CHECK(run1(&w, &o, &e) == 0 && w.calls == 1 && !w.found);
    CHECK_STR(why, "the network is not to be used");
}

/* A mirror list's URL is no base: with an empty path it is asked for as it is. */
static void a_whole_url(void)
{
    struct want w;
    struct transfer_opts o = {.tries = 1};
    struct err e;
    want_init(&w, "small", "");
    snprintf(w.url[0], sizeof w.url[0], "%s/d/small?repo=a&arch=b", server.base);
    w.path[0] = '\0';
    log_clear();
    CHECK(run1(&w, &o, &e) == 0 && w.right);
    CHECK(logged("GET /d/small?repo=a&arch=b") == 1);
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

int main(void)
{
    if (!transfers_begin())
        return 0;
    RUN(fetches_a_file);
    RUN(fetches_many_over_few_connections);
    RUN(resumes_what_was_cut_off);
    RUN(resumes_on_the_next_mirror);
    RUN(starts_over_when_ranges_do_not_work);
    RUN(falls_over_to_the_next_mirror);
    RUN(a_failed_mirror_goes_behind);
    RUN(snapshots_are_asked_last);
    RUN(says_what_every_mirror_said);
    RUN(optional_files_may_be_absent);
    RUN(any_of_several_digests);
    RUN(some_files_may_fail);
    RUN(a_whole_url);
    RUN(endless_transfers_are_stopped);
    RUN(transient_failures_are_tried_again);
    RUN(https_and_no_way_back_to_http);
    RUN(proxies_come_from_the_environment);
    RUN(the_stop_flag_stops);
    return transfers_end();
}
