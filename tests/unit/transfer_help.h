/* tests/flow/server.py, started here, and transfers from it. Run from the project's top. */
#ifndef TESTS_UNIT_TRANSFER_HELP_H
#define TESTS_UNIT_TRANSFER_HELP_H

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"
#include "mirrors/transfer.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

enum { MANY = 200, MANY_SIZE = 20000, BIG_SIZE = 1000000 };

static struct {
    const char *dir; /* of this run; root/ in it is served */
    pid_t pid;
    int port;
    char base[64], log[sizeof scratch + 8];
} server;

static inline const char *top_cache(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", server.dir, name);
    return path;
}

static inline pid_t spawn_server(int *port, const char *extra, const char *value)
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

static inline void fill(char *p, size_t n, unsigned seed)
{
    uint32_t x = seed * 2654435761u + 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (char)(x >> 24);
    }
}

/* Content is a function of the name: `big`, `small`, `many/NNN`. */
static inline struct str content(const char *name)
{
    static char bytes[BIG_SIZE];
    size_t n = strcmp(name, "big") == 0 ? BIG_SIZE : strcmp(name, "small") == 0 ? 1000 : MANY_SIZE;
    fill(bytes, n, (unsigned)(n + strlen(name) * (unsigned)atoi(name[0] == 'm' ? name + 5 : "1")));
    return (struct str){bytes, n};
}

static inline void make_file(const char *name, const char *path)
{
    struct err e = {0};
    char full[160];
    snprintf(full, sizeof full, "%s/root/%s", server.dir, path);
    if (file_replace(full, content(name), 0644, &e) < 0)
        printf("%s\n", e.msg);
}

static inline bool server_start(void)
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

static inline void server_stop(pid_t pid)
{
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
}

/* Lines of the log that contain text. */
static inline int logged(const char *text)
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

static inline void log_clear(void)
{
    unlink(server.log);
}

/* Different connections in the log. */
static inline int logged_connections(void)
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

static inline int on_done(struct transfer_file *f, struct transfer_result *r, struct err *e)
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
static inline void want_init(struct want *w, const char *name, const char *prefixes)
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

static inline int run(struct want **w, size_t n, const struct transfer_opts *o, struct err *e)
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

static inline int run1(struct want *w, const struct transfer_opts *o, struct err *e)
{
    int rc = run(&w, 1, o, e);
    if (rc < 0 && e->msg[0] == '\0')
        printf("no message\n");
    return rc;
}

static inline bool has(const char *text, const char *part)
{
    bool yes = strstr(text, part) != NULL;
    if (!yes)
        printf("`%s' does not have `%s'\n", text, part);
    return yes;
}

#define CHECK_HAS(text, part) CHECK(has((text), (part)))

/* Expects the file, whole and right. */
static inline void good(const char *name, const char *prefixes, struct want *w, const struct transfer_opts *o)
{
    struct err e;
    want_init(w, name, prefixes);
    CHECK(run1(w, o, &e) == 0);
    if (e.msg[0] != '\0')
        printf("%s: %s\n", prefixes, e.msg);
    CHECK(w->calls == 1 && w->found && w->right);
}

/* Before the first RUN; false when the tests cannot be run, which it has said. */
static inline bool transfers_begin(void)
{
    static const char *const proxies[] = {"http_proxy", "https_proxy",   "HTTPS_PROXY",
                                          "no_proxy",   "NO_PROXY",      "all_proxy",
                                          "ALL_PROXY",  "SSL_CERT_FILE", "SSL_CERT_DIR"};
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
        unsetenv(proxies[i]);
    signal(SIGPIPE, SIG_IGN);
    if (server_start())
        return true;
    printf("skipped - transfer: python3 is missing, or tests/flow/server.py does not start\n");
    return false;
}

static inline int transfers_end(void)
{
    server_stop(server.pid);
    scratch_remove();
    return test_done();
}

#endif
