/* Tarballs as files: names, suffixes, the same bytes whatever the threads, and what must not be left behind.
 */
#include "base/tarball.h"

#include <locale.h>
#include <signal.h>

#include "tests/unit/tree_help.h"

static const struct tarball_opts plain;

static void names(void)
{
    static const char *const good[] = {"-",        "a.tar", "d/a.tar.gz", "a.tgz",
                                       "a.tar.xz", "a.txz", "a.tar.zst",  "..tar"};
    static const char *const bad[] = {"", "a", ".tar", ".tar.gz", "a.tar.bz2", "a.zst", "tar", "a.tar/"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(tarball_name(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!tarball_name(bad[i]));
}

/* Bytes that compress to some extent, the same at each call. */
static void noise(char *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1103515245 + 12345;
        p[i] = (char)("abcdefgh"[(seed >> 16) % 8]);
    }
}

static int fill(struct tarball *t, size_t big)
{
    static char piece[100000];
    struct tree_entry dir = entry("", TREE_DIR), en = entry("big", TREE_FILE), link = entry("sym", TREE_LINK),
                      hard = entry("hard", TREE_HARD), name = entry("caf\xc3\xa9-\xff\xfe", TREE_FILE);
    const struct tree_xattr x = {STR("security.capability"),
                                 STR("\1\0\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0")};
    en.size = big;
    en.uid = 3000000;
    en.mtime_nsec = 5;
    en.xattrs = &x;
    en.nxattrs = 1;
    link.link = STR("big");
    hard.link = STR("big");
    if (tarball_entry(t, &dir, &err) < 0 || tarball_entry(t, &en, &err) < 0)
        return -1;
    for (size_t left = big, n; left > 0; left -= n) {
        n = left < sizeof piece ? left : sizeof piece;
        noise(piece, n, 7);
        if (tarball_data(t, piece, n, &err) < 0)
            return -1;
    }
    return tarball_entry(t, &link, &err) < 0 || tarball_entry(t, &hard, &err) < 0 ||
                   tarball_entry(t, &name, &err) < 0
               ? -1
               : 0;
}

static int make(const char *file, size_t big, unsigned jobs, struct digest *sum)
{
    struct tarball *t = NULL;
    const struct tarball_opts o = {.jobs = jobs};
    int rc = tarball_open(&t, file, &o, &err);
    if (rc == 0)
        rc = fill(t, big);
    if (rc == 0)
        rc = tarball_finish(t, true, sum, &err);
    tarball_close(t);
    return rc;
}

static struct digest digest_file(const char *command, const char *file)
{
    struct digest d = {0};
    char cmd[9000];
    AUTO_BUF b = {0};
    snprintf(cmd, sizeof cmd, "%s <'%s'", command, file);
    FILE *f = popen(cmd, "r");
    if (f == NULL || file_read_fd(fileno(f), cmd, 1u << 30, &b, &err) < 0 || pclose(f) != 0 ||
        digest_of(&d, DIGEST_SHA256, buf_view(&b), &err) < 0)
        printf("# %s failed\n", cmd);
    return d;
}

/* Whatever reads it sees the same archive, of several chunks; and its bytes depend on nothing but its
 * entries. */
static void suffixes(void)
{
    static const struct {
        const char *suffix, *command;
        size_t size;
    } rows[] = {{".tar", "cat", 9000000}, {".tar.gz", "gzip -dc", 9000000},
                {".tgz", "gzip -dc", 10}, {".tar.xz", "xz -dc", 17000000},
                {".txz", "xz -dc", 10},   {".tar.zst", "zstd -dcq", 9000000}};
    scratch_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char a[64], b[64];
        struct digest one, three;
        snprintf(a, sizeof a, "a%s", rows[i].suffix);
        snprintf(b, sizeof b, "b%s", rows[i].suffix);
        CHECK(make(in_scratch(a), rows[i].size, 1, &one) == 0 &&
              make(in_scratch(b), rows[i].size, 3, &three) == 0);
        CHECK(digest_eq(&one, &three));
        struct digest raw = digest_file(rows[i].command, in_scratch(a)),
                      fa = digest_file("cat", in_scratch(a)), fb = digest_file("cat", in_scratch(b));
        CHECK(digest_eq(&raw, &one) && digest_eq(&fa, &fb));
    }
}

static void locale_changes_nothing(void)
{
    struct digest a, b;
    scratch_new();
    CHECK(make(in_scratch("a.tar"), 10, 1, &a) == 0);
    setlocale(LC_ALL, "C.UTF-8");
    setenv("TZ", "Asia/Kathmandu", 1);
    umask(077);
    CHECK(make(in_scratch("b.tar"), 10, 1, &b) == 0);
    umask(022);
    setlocale(LC_ALL, "C");
    CHECK(digest_eq(&a, &b));
}

static void listing(void)
{
    struct digest sum;
    char cmd[9000], out[4096] = "";
    scratch_new();
    CHECK(make(in_scratch("a.tar"), 10, 1, &sum) == 0);
    snprintf(cmd, sizeof cmd, "LC_ALL=C TZ=UTC tar -tvf '%s' --quoting-style=escape 2>/dev/null | tr -s ' '",
             in_scratch("a.tar"));
    FILE *f = popen(cmd, "r");
    size_t n = f ? fread(out, 1, sizeof out - 1, f) : 0;
    out[n] = '\0';
    CHECK(f != NULL && pclose(f) == 0);
    CHECK_STR(out, "drwxr-xr-x 0/0 0 2001-09-09 01:46 ./\n-rw-r--r-- 3000000/0 10 2001-09-09 01:46 ./big\n"
                   "lrw-r--r-- 0/0 0 2001-09-09 01:46 ./sym -> big\nhrw-r--r-- 0/0 0 2001-09-09 01:46 ./hard "
                   "link to ./big\n"
                   "-rw-r--r-- 0/0 0 2001-09-09 01:46 ./caf\\303\\251-\\377\\376\n");
}

static bool is_empty(void)
{
    AUTO_FD fd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_MEM char *got = list_root(fd);
    if (got[0] != '\0')
        printf("# %s", got);
    return got[0] == '\0';
}

static void nothing_half_made(void)
{
    struct tarball *t = NULL;
    struct digest sum;
    scratch_new();
    CHECK(tarball_open(&t, in_scratch("a.tar.zst"), &plain, &err) == 0 && fill(t, 9000000) == 0);
    CHECK(absent(in_scratch("a.tar.zst")) && !absent(in_scratch(".a.tar.zst.zonestrap-partial")));
    tarball_close(t);
    CHECK(is_empty());
    /* What a kill left. */
    host_write(in_scratch(".a.tar.zonestrap-partial"), "rubbish of a length that a new archive may not have");
    CHECK(make(in_scratch("a.tar"), 10, 1, &sum) == 0 && absent(in_scratch(".a.tar.zonestrap-partial")));
    struct digest got = digest_file("cat", in_scratch("a.tar"));
    CHECK(digest_eq(&got, &sum));
}

static void refused(void)
{
    struct tarball *t = NULL;
    scratch_new();
    host_write(in_scratch("a.tar"), "precious");
    CHECK(tarball_open(&t, in_scratch("a.tar"), &plain, &err) == -1 && err.class == ERR_HOST &&
          strstr(err.msg, "a.tar: exists") != NULL && err.hint[0] != '\0');
    AUTO_BUF b = {0};
    CHECK(file_read(in_scratch("a.tar"), 100, &b, &err) == 0 && str_is(buf_view(&b), "precious"));
    CHECK(mkdir(in_scratch("d.tar"), 0755) == 0);
    CHECK(tarball_open(&t, in_scratch("d.tar"), &plain, &err) == -1 && err.class == ERR_HOST);
    CHECK(symlink("nowhere", in_scratch("l.tar")) == 0);
    CHECK(tarball_open(&t, in_scratch("l.tar"), &plain, &err) == -1 && err.class == ERR_HOST);
    CHECK(tarball_open(&t, in_scratch("no/such/a.tar"), &plain, &err) == -1 && err.class == ERR_HOST &&
          strstr(err.hint, "make it first") != NULL);
    CHECK(tarball_open(&t, in_scratch("a.rar"), &plain, &err) == -1 && err.class == ERR_USAGE);
    struct tarball *other = NULL;
    CHECK(tarball_open(&t, in_scratch("b.tar"), &plain, &err) == 0);
    CHECK(tarball_open(&other, in_scratch("b.tar"), &plain, &err) == -1 &&
          strstr(err.msg, "another zonestrap") != NULL);
    host_write(in_scratch("b.tar"), "appeared");
    struct digest sum;
    CHECK(fill(t, 1) == 0 && tarball_finish(t, true, &sum, &err) == -1 &&
          strstr(err.msg, "appeared while") != NULL);
    tarball_close(t);
    CHECK(absent(in_scratch(".b.tar.zonestrap-partial")));
}

/* A device, a fifo: written to as they are; errors come back from the threads. */
static void no_room(void)
{
    struct tarball *t = NULL;
    struct digest sum;
    scratch_new();
    if (symlink("/dev/full", in_scratch("full.tar")) < 0)
        abort();
    CHECK(tarball_open(&t, in_scratch("full.tar"), &plain, &err) == 0);
    int rc = fill(t, 40000000);
    if (rc == 0)
        rc = tarball_finish(t, true, &sum, &err);
    CHECK(rc == -1 && err.class == ERR_HOST && err.sys == ENOSPC);
    tarball_close(t);
}

static void closed_pipe(void)
{
    struct tarball *t = NULL;
    int fds[2], keep = dup(1);
    signal(SIGPIPE, SIG_IGN);
    fflush(stdout);
    if (pipe(fds) < 0 || dup2(fds[1], 1) < 0)
        abort();
    CHECK(tarball_open(&t, "-", &plain, &err) == 0);
    close(fds[0]);
    close(fds[1]);
    int rc = fill(t, 40000000);
    tarball_close(t);
    dup2(keep, 1);
    close(keep);
    CHECK(rc == -1 && err.class == ERR_HOST && err.sys == EPIPE &&
          strstr(err.msg, "standard output") != NULL);
    CHECK(strstr(err.hint, "closed it") != NULL);
}

/* A reader that does not read: an interrupt still ends it. */
static void slow_pipe(void)
{
    static volatile int stop = 1;
    const struct tarball_opts o = {.stop = &stop};
    struct tarball *t = NULL;
    int fds[2], keep = dup(1);
    fflush(stdout);
    if (pipe(fds) < 0 || dup2(fds[1], 1) < 0)
        abort();
    CHECK(tarball_open(&t, "-", &o, &err) == 0);
    int rc = fill(t, 40000000);
    tarball_close(t);
    dup2(keep, 1);
    close(keep);
    close(fds[0]);
    close(fds[1]);
    CHECK(rc == -1 && err.class == ERR_INTR);
}

int main(void)
{
    RUN(names);
    RUN(suffixes);
    RUN(locale_changes_nothing);
    RUN(listing);
    RUN(nothing_half_made);
    RUN(refused);
    RUN(no_room);
    RUN(closed_pipe);
    RUN(slow_pipe);
    scratch_remove();
    return test_done();
}
