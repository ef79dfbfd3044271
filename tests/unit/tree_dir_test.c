/* The directory back end: metadata, contents, many threads, life cycle. */
#include <sys/resource.h>

#include <pthread.h>
#include <signal.h>

#include "base/os.h"
#include "tests/unit/tree_help.h"

static char warned[4096];

static void keep_line(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    if (level == LOG_WARN)
        snprintf(warned, sizeof warned, "%s", text);
}
static const struct log keeping = {.line = keep_line};

/* Every type, setuid, odd owners, umask 077. */
static void metadata(void)
{
    scratch_new();
    mode_t mask = umask(077);
    struct tree *t = tree_at("root");
    struct tree_writer *w = writer_of(t, 1, false);
    struct tree_entry su = entry("su", TREE_FILE), null = entry("null", TREE_CHAR),
                      loop = entry("loop", TREE_BLOCK), fifo = entry("fifo", TREE_FIFO),
                      link = entry("link", TREE_LINK), sg = entry("sg", TREE_DIR);
    su.mode = 06755;
    su.uid = 7;
    su.gid = 42;
    null.mode = 0666;
    null.major = 1;
    null.minor = 3;
    loop.major = 7;
    loop.gid = 6;
    fifo.mode = 0600;
    fifo.mtime = 77;
    link.link = STR("/etc/../nowhere");
    link.uid = 9;
    link.mtime = -5;
    sg.mode = 02775;
    sg.gid = 50;
    sg.mtime = 99;
    CHECK(put(w, sg) == 0 && put_text(w, "sg/inner", "x") == 0);
    CHECK(put_text_as(w, su, "setuid") == 0);
    CHECK(put(w, null) == 0 && put(w, loop) == 0 && put(w, fifo) == 0 && put(w, link) == 0);
    tree_writer_close(w);
    CHECK(tree_settle(t, &err) == 0);
    AUTO_MEM char *got = list_root(tree_fd(t));
    CHECK_STR(got, "fifo 010600 0:0 77\n"
                   "link 120777 9:0 -5 -> /etc/../nowhere\n"
                   "loop 060644 0:6 1000000000\n"
                   "null 020666 0:0 1000000000\n"
                   "sg 042775 0:50 99\n"
                   "sg/inner 100644 0:0 1000000000 \"x\" 1\n"
                   "su 106755 7:42 1000000000 \"setuid\" 6\n");
    struct stat st;
    uint32_t major = 0, minor = 0;
    CHECK(fstatat(tree_fd(t), "null", &st, 0) == 0);
    os_devnums(st.st_rdev, &major, &minor);
    CHECK(major == 1 && minor == 3);
    CHECK(fstat(tree_fd(t), &st) == 0 && (st.st_mode & 07777) == 0755);
    tree_close(t);
    umask(mask);
}

struct pieces {
    size_t at, n;
    struct {
        const char *p;
        uint64_t off;
    } piece[4];
};

static int pieces_next(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e)
{
    struct pieces *c = ctx;
    (void)e;
    if (c->at == c->n)
        return 0;
    *p = c->piece[c->at].p;
    *n = strlen(c->piece[c->at].p);
    *off = c->piece[c->at++].off;
    return 1;
}

static void contents(void)
{
    static const struct {
        uint64_t size;
        struct pieces pieces;
        const char *error; /* NULL: fine */
    } rows[] = {
        {5, {.n = 2, .piece = {{"he", 0}, {"llo", 2}}}, NULL},
        {1 << 19, {.n = 2, .piece = {{"hole", 1 << 18}, {"", 1 << 19}}}, NULL},
        {1 << 19, {.n = 1, .piece = {{"", 1 << 19}}}, NULL},
        {0, {.n = 0}, NULL},
        {6, {.n = 2, .piece = {{"he", 0}, {"llo", 2}}}, "shorter"},
        {4, {.n = 2, .piece = {{"he", 0}, {"llo", 2}}}, "longer"},
        {4, {.n = 1, .piece = {{"", UINT64_MAX}}}, "longer"},
        {9, {.n = 2, .piece = {{"llo", 2}, {"he", 0}}}, "order"},
        {0, {.n = 1, .piece = {{"x", 0}}}, "longer"},
        {(1 << 20) + 1, {.n = 0}, "expands to more than 1048576 bytes"},
        {UINT64_MAX, {.n = 0}, "expands to more than 1048576 bytes"},
    };
    scratch_new();
    struct tree *t = tree_at("root");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tree_writer *w = writer_of(t, 1, false);
        char name[16];
        struct pieces pieces = rows[i].pieces;
        struct stat st;
        snprintf(name, sizeof name, "f%zu", i);
        struct tree_entry en = entry(name, TREE_FILE);
        en.size = rows[i].size;
        int rc = tree_put(w, &en, pieces_next, &pieces, &err);
        tree_writer_close(w);
        CHECK(rc == (rows[i].error ? -1 : 0));
        CHECK(rc == 0 || rows[i].error == NULL ||
              (err.class == ERR_FORMAT && strstr(err.msg, rows[i].error) && strstr(err.msg, name)));
        CHECK(rc < 0 || (fstatat(tree_fd(t), name, &st, 0) == 0 && (uint64_t)st.st_size == rows[i].size));
        CHECK(i != 1 || st.st_blocks < 1 << 9);
    }
    tree_close(t);
}

static void too_many_entries(void)
{
    scratch_new();
    struct tree *t = tree_at("root");
    struct tree_writer *w = NULL;
    int rc = 0, i = 0;
    CHECK(tree_writer_open(t, 1, "bomb", 10, false, &w, &err) == 0);
    for (; rc == 0 && i < 1000000; i++)
        rc = put_dir(w, "one/directory");
    CHECK(rc == -1 && err.class == ERR_FORMAT && strstr(err.msg, "bomb") != NULL);
    CHECK(i > 100000);
    tree_writer_close(w);
    tree_close(t);
}

/* A package of the threads' test: an index decides what it ships. Names repeat across packages on purpose. */
static int put_package(struct tree *t, unsigned index, bool redo)
{
    struct tree_writer *w = writer_of(t, index, redo);
    char path[64], text[64];
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < 40; i++) {
        unsigned what = (index * 7 + i * 3) % 20;
        snprintf(path, sizeof path, "./d%u/e%u", what % 5, what % 3);
        struct tree_entry d = entry(path, TREE_DIR);
        d.mode = 0700 + index;
        d.mtime = index;
        if (i % 4 == 0)
            rc = put(w, d);
        snprintf(path, sizeof path, "./d%u/e%u/f%u", what % 5, what % 3, what);
        snprintf(text, sizeof text, "%u wrote %u", index, what);
        struct tree_entry f = entry(path, TREE_FILE);
        f.mode = 0600 + index;
        f.uid = index;
        if (rc == 0)
            rc = put_text_as(w, f, text);
        if (rc == 0 && i % 3 == 0) {
            char name[64];
            snprintf(name, sizeof name, "bin/h%u", (index + i) % 11);
            rc = put_to(w, name, TREE_HARD, path);
        }
        snprintf(path, sizeof path, "lib/s%u", what % 13);
        if (rc == 0)
            rc = index % 2 ? put_to(w, path, TREE_LINK, text) : put_text(w, path, text);
    }
    if (rc < 0)
        printf("# %s\n", err.msg);
    tree_writer_close(w);
    return rc;
}

enum { PACKAGES = 8 };

struct crew {
    struct tree *t;
    unsigned order[PACKAGES];
    size_t next, n;
    bool redo;
    int failed;
    pthread_mutex_t lock;
};

static void *work(void *arg)
{
    struct crew *c = arg;
    for (;;) {
        pthread_mutex_lock(&c->lock);
        size_t i = c->next < c->n ? c->next++ : c->n;
        pthread_mutex_unlock(&c->lock);
        if (i == c->n)
            return NULL;
        if (put_package(c->t, c->order[i], c->redo) < 0)
            c->failed = 1;
    }
}

static void run_crew(struct crew *c, unsigned threads)
{
    pthread_t id[8];
    for (unsigned i = 0; i < threads; i++)
        CHECK(pthread_create(&id[i], NULL, work, c) == 0);
    for (unsigned i = 0; i < threads; i++)
        pthread_join(id[i], NULL);
    CHECK(!c->failed);
}

static char *unpack_all(unsigned threads, unsigned seed)
{
    static const struct tree_layout links[] = {{"bin", "usr/bin"}, {"lib", "usr/lib"}};
    struct crew c = {.t = tree_at("root"), .n = PACKAGES};
    AUTO_ARENA a = {0};
    unsigned *redo;
    pthread_mutex_init(&c.lock, NULL);
    CHECK(tree_layout(c.t, links, 2, &err) == 0);
    for (unsigned i = 0; i < PACKAGES; i++)
        c.order[i] = i;
    for (unsigned i = PACKAGES - 1; seed != 0 && i > 0; i--) {
        seed = seed * 1103515245 + 12345;
        unsigned k = (seed >> 16) % (i + 1), swap = c.order[i];
        c.order[i] = c.order[k];
        c.order[k] = swap;
    }
    run_crew(&c, threads);
    CHECK(tree_redo(c.t, &a, &redo, &c.n, &err) == 0);
    CHECK(c.n <= PACKAGES);
    CHECK(seed != 0 || c.n == 0);
    if (c.n > 0)
        memcpy(c.order, redo, c.n * sizeof *redo);
    c.next = 0;
    c.redo = true;
    run_crew(&c, threads);
    CHECK(tree_redo(c.t, &a, &redo, &c.n, &err) == 0 && c.n == 0);
    CHECK(tree_settle(c.t, &err) == 0);
    char *got = list_root(tree_fd(c.t));
    tree_close(c.t);
    pthread_mutex_destroy(&c.lock);
    return got;
}

static void any_order_one_result(void)
{
    const char *runs = getenv("TREE_RUNS");
    scratch_new();
    AUTO_MEM char *want = unpack_all(1, 0);
    CHECK(strstr(want, "0 wrote") != NULL && strstr(want, " = ") != NULL &&
          strstr(want, "bin 120777") != NULL);
    for (unsigned seed = 1; seed <= (runs ? (unsigned)atoi(runs) : 50) && !test_failed_here; seed++) {
        AUTO_MEM char *got = unpack_all(1 + seed % 8, seed);
        CHECK_STR(got, want);
    }
}

static void seal_hidden(void)
{
    struct stat st;
    scratch_new();
    struct tree *t = tree_at("new/");
    CHECK(absent(in_scratch("new")) && !absent(in_scratch(".new.zonestrap-partial")));
    CHECK_STR(tree_path(t), in_scratch(".new.zonestrap-partial"));
    struct tree_writer *w = writer_of(t, 1, false);
    CHECK(put_text(w, "etc/x", "x") == 0);
    tree_writer_close(w);
    CHECK(tree_settle(t, &err) == 0 && tree_seal(t, false, &err) == 0);
    CHECK_STR(tree_path(t), in_scratch("new"));
    CHECK(tree_write(t, "/etc/y", STR("y"), 0644, 0, 0, &err) == 0);
    tree_close(t);
    CHECK(stat(in_scratch("new/etc/y"), &st) == 0 && st.st_mtime == EPOCH);
    CHECK(absent(in_scratch(".new.zonestrap-partial")) && absent(in_scratch("new/.zonestrap-incomplete")));
    CHECK(tree_open_dir(&t, in_scratch("new"), NULL, &err) == -1);
    CHECK(err.class == ERR_HOST && strstr(err.msg, "not empty") != NULL);
}

static void close_unsealed(void)
{
    scratch_new();
    struct tree *t = tree_at("new");
    struct tree_writer *w = writer_of(t, 1, false);
    CHECK(put_text(w, "a/b/c/d", "x") == 0 && put_to(w, "a/link", TREE_LINK, "/") == 0);
    tree_writer_close(w);
    tree_close(t);
    CHECK(absent(in_scratch("new")) && absent(in_scratch(".new.zonestrap-partial")));
}

/* An empty directory is filled where it is and given back as it was. */
static void in_place(void)
{
    struct stat st;
    scratch_new();
    CHECK(mkdir(in_scratch("mnt"), 0711) == 0 && mkdir(in_scratch("mnt/lost+found"), 0700) == 0);
    CHECK(symlink("mnt", in_scratch("link")) == 0 && chmod(in_scratch("mnt"), 02711) == 0);
    host_write(in_scratch("mnt/lost+found/keep"), "mine");
    for (int sealed = 0; sealed < 2; sealed++) {
        struct tree *t = tree_at(sealed ? "mnt" : "link/");
        struct tree_writer *w = writer_of(t, 1, false);
        struct tree_entry root = entry("./", TREE_DIR);
        CHECK(!absent(in_scratch("mnt/.zonestrap-incomplete")));
        CHECK(put(w, root) == 0 && put_text(w, "etc/x", "x") == 0);
        CHECK(put_text(w, "lost+found/x", "x") == -1 && err.class == ERR_FORMAT);
        CHECK(put_text(w, ".zonestrap-incomplete", "x") == -1 && err.class == ERR_FORMAT);
        tree_writer_close(w);
        CHECK(tree_settle(t, &err) == 0);
        CHECK(stat(in_scratch("mnt"), &st) == 0 && (st.st_mode & 07777) == 0755);
        CHECK(stat(in_scratch("mnt/etc"), &st) == 0 && (st.st_mode & 07777) == 0755);
        CHECK(!sealed || tree_seal(t, true, &err) == 0);
        tree_close(t);
        CHECK(absent(in_scratch("mnt/.zonestrap-incomplete")));
        CHECK(absent(in_scratch("mnt/etc")) == !sealed && !absent(in_scratch("mnt/lost+found/keep")));
        CHECK(stat(in_scratch("mnt"), &st) == 0 && (st.st_mode & 07777) == (sealed ? 0755u : 02711u));
        CHECK(!sealed || st.st_mtime == EPOCH);
    }
}

/* Who owns the directory, or may write to it, puts nothing there while it is filled. */
static void in_place_of_others(void)
{
    struct stat st;
    struct tree *t = NULL;
    uid_t owner = geteuid() == 0 ? 12345 : geteuid();
    scratch_new();
    CHECK(mkdir(in_scratch("mnt"), 0755) == 0 && chown(in_scratch("mnt"), owner, (gid_t)-1) == 0);
    for (int full = 0; full < 2; full++) {
        if (full)
            host_write(in_scratch("mnt/x"), "mine");
        CHECK(chmod(in_scratch("mnt"), 01777) == 0);
        CHECK(tree_open_dir(&t, in_scratch("mnt"), NULL, &err) == (full ? -1 : 0));
        if (!full) {
            CHECK(stat(in_scratch("mnt"), &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 0022) == 0);
            tree_close(t);
        }
        CHECK(stat(in_scratch("mnt"), &st) == 0 && st.st_uid == owner && (st.st_mode & 07777) == 01777);
    }
}

/* What a script in a root can nest deeper than a stack is large. */
static void nested_too_deep(void)
{
    enum { DEPTH = 5000 };
    scratch_new();
    AUTO_FD fd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int at = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), half = -1;
    for (int i = 0; i < DEPTH; i++) {
        CHECK(mkdirat(at, "d", 0755) == 0);
        int sub = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (i == DEPTH / 2)
            half = at;
        else
            close(at);
        at = sub;
    }
    close(at);
    struct rlimit files;
    CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0);
    files.rlim_cur = files.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
    CHECK(tree_rm_below(fd, NULL, scratch, &err) == -1 && err.class == ERR_HOST);
    CHECK(files.rlim_max <= DEPTH || strstr(err.msg, "directories deep") != NULL);
    CHECK(tree_rm_below(half, NULL, scratch, &err) == 0);
    close(half);
}

static void refused_targets(void)
{
    static const struct {
        const char *target, *error;
    } rows[] = {
        {"full", "not empty"},         {"file", "no directory"},    {"file/x", "Not a directory"},
        {"dangling", "leads nowhere"}, {"no/such", "No such file"}, {"slash", "root of this system"},
    };
    struct tree *t = NULL;
    scratch_new();
    CHECK(mkdir(in_scratch("full"), 0755) == 0 && symlink("/", in_scratch("slash")) == 0);
    CHECK(symlink("nowhere", in_scratch("dangling")) == 0);
    host_write(in_scratch("full/x"), "mine");
    host_write(in_scratch("file"), "mine");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK(tree_open_dir(&t, in_scratch(rows[i].target), NULL, &err) == -1 && err.class == ERR_HOST);
        CHECK(strstr(err.msg, rows[i].error) != NULL && strstr(err.msg, rows[i].target) != NULL);
    }
    CHECK(tree_open_dir(&t, "/", NULL, &err) == -1 && err.class == ERR_HOST);
    CHECK(tree_open_dir(&t, "", NULL, &err) == -1 && err.class == ERR_USAGE);
    CHECK(tree_open_existing(&t, "/", NULL, &err) == -1 && err.class == ERR_HOST);
    CHECK(tree_open_existing(&t, in_scratch("none"), NULL, &err) == -1 && err.class == ERR_HOST);
    CHECK(!absent(in_scratch("full/x")) && absent(in_scratch("no")));
}

static void relative_targets(void)
{
    scratch_new();
    AUTO_FD home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct tree *t = NULL;
    CHECK(mkdir(in_scratch("cwd"), 0755) == 0 && chdir(in_scratch("cwd")) == 0);
    CHECK(tree_open_dir(&t, "./root", NULL, &err) == 0);
    CHECK_STR(tree_path(t), in_scratch("cwd/.root.zonestrap-partial"));
    CHECK(tree_seal(t, true, &err) == 0);
    tree_close(t);
    CHECK(tree_open_dir(&t, "root/", NULL, &err) == 0);
    CHECK_STR(tree_path(t), in_scratch("cwd/root"));
    tree_close(t);
    CHECK(tree_open_dir(&t, "../cwd/other", NULL, &err) == 0);
    tree_close(t);
    CHECK(rmdir("root") == 0 && tree_open_dir(&t, ".", NULL, &err) == 0 && tree_seal(t, true, &err) == 0);
    tree_close(t);
    CHECK(fchdir(home) == 0);
}

/* Whoever was first keeps it; what appears meanwhile is not replaced. */
static void taken_targets(void)
{
    struct tree *t = NULL;
    scratch_new();
    for (int exists = 0; exists < 2; exists++) {
        CHECK(!exists || mkdir(in_scratch("busy"), 0755) == 0);
        struct tree *first = tree_at("busy");
        CHECK(tree_open_dir(&t, in_scratch("busy"), NULL, &err) == -1 && err.class == ERR_HOST);
        CHECK(strstr(err.msg, "another zonestrap is building") != NULL);
        tree_close(first);
    }
    t = tree_at("late");
    CHECK(mkdir(in_scratch("late"), 0755) == 0);
    CHECK(tree_seal(t, true, &err) == -1 && err.class == ERR_HOST && strstr(err.msg, "appeared") != NULL);
    tree_close(t);
    CHECK(!absent(in_scratch("late")) && absent(in_scratch(".late.zonestrap-partial")));
    CHECK(mkdir(in_scratch(".others.zonestrap-partial"), 0777) == 0);
    CHECK(chown(in_scratch(".others.zonestrap-partial"), 1000, 1000) == 0);
    CHECK(tree_open_dir(&t, in_scratch("others"), NULL, &err) == -1 && strstr(err.msg, "user 1000") != NULL);
    CHECK(symlink("/etc", in_scratch(".planted.zonestrap-partial")) == 0);
    CHECK(tree_open_dir(&t, in_scratch("planted"), NULL, &err) == -1 && err.class == ERR_HOST);
}

/* A child is killed while it writes, removes and seals; the next run must work and end with the same root. */
static void run_until_killed(const char *target, useconds_t usec)
{
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0) {
        struct tree *t = NULL;
        for (int i = 0;; i++) {
            if (tree_open_dir(&t, target, NULL, &err) < 0)
                _exit(1);
            for (unsigned k = 0; k < PACKAGES; k++)
                (void)put_package(t, k, false);
            (void)tree_settle(t, &err);
            tree_close(t);
        }
    }
    struct timespec wait = {0, (long)usec * 1000};
    nanosleep(&wait, NULL);
    CHECK(waitpid(pid, NULL, WNOHANG) == 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void killed_and_again(void)
{
    scratch_new();
    CHECK(mkdir(in_scratch("place"), 0755) == 0);
    for (int i = 0; i < 12; i++) {
        const char *name = i % 2 ? "place" : "hidden";
        run_until_killed(in_scratch(name), 5000 + 3701 * (unsigned)i);
        struct tree *t = NULL;
        CHECK(tree_open_dir(&t, in_scratch(name), NULL, &err) == 0);
        if (t == NULL) {
            printf("# %s\n", err.msg);
            continue;
        }
        AUTO_MEM char *left = list_root(tree_fd(t));
        CHECK(strstr(left, "/") == NULL && strstr(left, "d0") == NULL);
        CHECK(put_package(t, 1, false) == 0 && tree_settle(t, &err) == 0);
        CHECK(i < 10 || tree_seal(t, true, &err) == 0);
        tree_close(t);
    }
    CHECK(!absent(in_scratch("hidden/lib")) && !absent(in_scratch("place/lib")));
}

static void existing_root(void)
{
    struct tree *t = NULL;
    scratch_new();
    CHECK(mkdir(in_scratch("root"), 0755) == 0);
    host_write(in_scratch("root/f"), "text");
    CHECK(tree_open_existing(&t, in_scratch("root"), NULL, &err) == 0);
    CHECK(tree_seal(t, true, &err) == 0);
    tree_close(t);
    CHECK(!absent(in_scratch("root/f")));
    host_write(in_scratch("root/.zonestrap-incomplete"), "");
    CHECK(tree_open_existing(&t, in_scratch("root"), NULL, &err) == -1 &&
          strstr(err.msg, "incomplete") != NULL);
}

/* A file system without extended attributes is said once; the file is there all the same. */
static void extended_attributes(void)
{
    static const unsigned char ping[] = {1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    struct tree_xattr caps = {STR("security.capability"), {(const char *)ping, sizeof ping}},
                      bad = {STR("user.\0x"), STR("")};
    scratch_new();
    struct tree *t = NULL;
    CHECK(tree_open_dir(&t, in_scratch("root"), &keeping, &err) == 0);
    struct tree_writer *w = writer_of(t, 1, false);
    struct tree_entry f = entry("ping", TREE_FILE), d = entry("d", TREE_DIR);
    struct tree_xattr user = {STR("user.note"), STR("text")};
    f.xattrs = &caps;
    d.xattrs = &user;
    f.nxattrs = d.nxattrs = 1;
    f.uid = 5;
    warned[0] = '\0';
    CHECK(put_text_as(w, f, "x") == 0 && put(w, d) == 0);
    f.path = STR("bad");
    f.xattrs = &bad;
    CHECK(put_text_as(w, f, "x") == -1 && err.class == ERR_FORMAT);
    tree_writer_close(w);
    CHECK(tree_settle(t, &err) == 0);
    AUTO_FD fd = openat(tree_fd(t), "ping", O_RDONLY | O_CLOEXEC);
    AUTO_FD dir = openat(tree_fd(t), "d", O_RDONLY | O_CLOEXEC);
    if (warned[0] == '\0') {
        char value[64];
        CHECK(os_get_xattr(fd, "security.capability", value, sizeof value) == (ssize_t)sizeof ping);
        CHECK(memcmp(value, ping, sizeof ping) == 0);
        CHECK(os_get_xattr(dir, "user.note", value, sizeof value) == 4);
    }
    tree_close(t);
    if (warned[0] != '\0')
        SKIP("this file system has no extended attributes");
}

int main(void)
{
    if (geteuid() != 0) {
        printf("skipped - tree_dir: needs root, as owners are set\n");
        return 0;
    }
    RUN(metadata);
    RUN(contents);
    RUN(too_many_entries);
    RUN(any_order_one_result);
    RUN(seal_hidden);
    RUN(close_unsealed);
    RUN(in_place);
    RUN(in_place_of_others);
    RUN(nested_too_deep);
    RUN(refused_targets);
    RUN(relative_targets);
    RUN(taken_targets);
    RUN(killed_and_again);
    RUN(existing_root);
    RUN(extended_attributes);
    scratch_remove();
    return test_done();
}
