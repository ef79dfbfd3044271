/* mirrors/transfer.c over a cache, from local mirrors, and on a host that does not play along. */
#include "tests/unit/transfer_help.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>

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
    if (!transfers_begin())
        return 0;
    RUN(offline_asks_nobody);
    RUN(the_cache_serves_and_heals);
    RUN(a_wrong_partial_is_replaced);
    RUN(processes_share_a_cache);
    RUN(the_same_file_twice_in_one_run);
    RUN(local_mirrors);
    RUN(a_receiver_can_stop_everything);
    RUN(an_unwritable_place_is_named);
    RUN(a_cache_that_cannot_be_written);
    RUN(a_full_disk_is_named);
    return transfers_end();
}
