/* The tarball back end: unpacked, its archive is what the directory back end makes of the same entries. */
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/tarball.h"
#include "tests/unit/tree_help.h"

static struct tarball *open_tarball(const char *name, struct tree **t)
{
    static const struct tarball_opts o = {.jobs = 2};
    struct tarball *tb = NULL;
    if (tarball_open(&tb, in_scratch(name), &o, &err) < 0 ||
        tree_open_tar(t, tb, in_scratch(name), NULL, &err) < 0) {
        printf("# %s\n", err.msg);
        abort();
    }
    tree_set_epoch(*t, EPOCH);
    return tb;
}

static void finish(struct tree_writer *w)
{
    int rc = tree_writer_finish(&w, &err);
    if (rc < 0)
        printf("# %s\n", err.msg);
    CHECK(rc == 0);
}

/* Packages, their fixups, all of it on any tree. */
typedef int scenario(struct tree *t);

static char *made_dir(scenario *fn)
{
    struct tree *t = tree_at("root");
    int rc = fn(t);
    if (rc < 0)
        printf("# directory: %s\n", err.msg);
    CHECK(rc == 0);
    char *got = list_root(tree_fd(t));
    tree_close(t);
    return got;
}

/* Every path once, its directory before it. */
static void check_order(const char *file)
{
    char cmd[9000];
    snprintf(
        cmd, sizeof cmd,
        "tar -tf '%s' | awk '{ p = $0; sub(\"/$\", \"\", p); if (p in seen) exit 1; seen[p] = 1; up = p; "
        "sub(\"/[^/]*$\", \"\", up); if (!(up in seen)) exit 1 } NR == 1 && $0 != \"./\" { exit 1 }'",
        file);
    CHECK(system(cmd) == 0);
}

static char *made_tar(scenario *fn)
{
    struct tree *t = NULL;
    char cmd[20000];
    struct tarball *tb = open_tarball("a.tar", &t);
    int rc = fn(t);
    if (rc == 0)
        rc = tree_seal(t, true, &err);
    if (rc < 0)
        printf("# tarball: %s\n", err.msg);
    CHECK(rc == 0);
    tree_close(t);
    tarball_close(tb);
    check_order(in_scratch("a.tar"));
    snprintf(cmd, sizeof cmd,
             "mkdir '%s' && tar -C '%s' --delay-directory-restore --xattrs --xattrs-include='*' -xpf '%s'",
             in_scratch("x"), in_scratch("x"), in_scratch("a.tar"));
    CHECK(system(cmd) == 0);
    AUTO_FD fd = open(in_scratch("x"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return list_root(fd);
}

static void same(scenario *fn)
{
    if (geteuid() != 0)
        SKIP("not root");
    scratch_new();
    AUTO_MEM char *dir = made_dir(fn), *tar = made_tar(fn);
    CHECK_STR(tar, dir);
}

static const struct tree_layout usr_merge[] = {{"bin", "usr/bin"}, {"lib", "usr/lib"}, {"var/run", "../run"}};

static int packages(struct tree *t)
{
    struct tree_entry en = entry("./usr/sbin/suid", TREE_FILE), owned = entry("./var/mail", TREE_DIR),
                      root = entry("./", TREE_DIR), future = entry("./etc/future", TREE_FILE);
    if (tree_layout(t, usr_merge, 3, &err) < 0)
        return -1;
    struct tree_writer *w = writer_of(t, 0, false);
    en.mode = 06755;
    owned.mode = 02775;
    owned.gid = 8;
    root.mtime = EPOCH - 5;
    future.mtime = EPOCH + 100;
    CHECK(put(w, root) == 0 && put_dir(w, "./bin/") == 0 && put_text(w, "./bin/sh", "shell") == 0);
    CHECK(put_text_as(w, en, "s") == 0 && put(w, owned) == 0 && put_text_as(w, future, "f") == 0);
    CHECK(put_text(w, "./deep/without/named/parents", "x") == 0 &&
          put_to(w, "./usr/bin/hard", TREE_HARD, "./bin/sh") == 0);
    CHECK(put_to(w, "./usr/bin/sym", TREE_LINK, "sh") == 0 && put_to(w, "./lib", TREE_LINK, "usr/lib") == 0);
    finish(w);
    w = writer_of(t, 1, false);
    CHECK(put_text(w, "./bin/sh", "another shell") == 0 && put_to(w, "./bin/rsh", TREE_HARD, "bin/sh") == 0);
    CHECK(put_text(w, "./empty", "") == 0 && put(w, entry("./pipe", TREE_FIFO)) == 0 &&
          put_dir(w, "./run/lock") == 0);
    CHECK(put_text(w, "./var/run/x", "y") == 0 && put_dir(w, "./only/directories") == 0);
    finish(w);
    return tree_settle(t, &err);
}

static void as_a_directory(void)
{
    same(packages);
}

static void check_there(struct tree *t)
{
    static const struct {
        const char *path;
        bool there;
    } rows[] = {{"/sbin/init", true},     {"/usr/sbin/init", true}, {"/usr/sbin", true},
                {"/etc/two", true},       {"/etc/dir/new", true},   {"/dev/null", true},
                {"/var/lib/gone", false}, {"/sbin/none", false},    {"/var/lib/gone/a", false},
                {"/none/at/all", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool there = !rows[i].there;
        CHECK(tree_exists(t, rows[i].path, &there, &err) == 0 && there == rows[i].there);
    }
    bool there;
    CHECK(tree_exists(t, "/../x", &there, &err) == -1);
}

static int with_fixups(struct tree *t)
{
    static const char *const paths[] = {"/etc/passwd",   "/etc/inittab", "/usr/share/master",
                                        "/var/lib/gone", "/dev/null",    "/sbin/sh",
                                        "/etc/one",      "/etc/dir",     "/etc/hostname"};
    static const struct tree_layout sbin = {"sbin", "usr/sbin"};
    struct tree_entry capable = entry("etc/one", TREE_FILE);
    const struct tree_xattr x = {STR("user.x"), STR("y")};
    AUTO_ARENA a = {0};
    AUTO_BUF b = {0};
    struct str *names;
    size_t n;
    struct tree_entry en;
    if (tree_layout(t, &sbin, 1, &err) < 0 || tree_hold(t, paths, sizeof paths / sizeof *paths, &err) < 0)
        return -1;
    struct tree_writer *w = writer_of(t, 0, false);
    capable.xattrs = &x;
    capable.nxattrs = 1;
    CHECK(put_dir(w, "usr") == 0 && put_text(w, "usr/share/master", "root:0\n") == 0);
    CHECK(put_text(w, "var/lib/gone/a", "a") == 0 && put_text(w, "var/lib/gone/b/c", "c") == 0 &&
          put_text(w, "var/lib/stays", "s") == 0);
    CHECK(put_text_as(w, capable, "one") == 0 && put_to(w, "etc/two", TREE_HARD, "etc/one") == 0 &&
          put_to(w, "etc/three", TREE_HARD, "etc/two") == 0);
    CHECK(put_dir(w, "etc/dir") == 0 && put_text(w, "etc/dir/below", "b") == 0 &&
          put_text(w, "etc/inittab", "1:x\n") == 0);
    CHECK(put_text(w, "sbin/init", "i") == 0 && put_text(w, "etc/hostname", "old") == 0);
    finish(w);
    if (tree_settle(t, &err) < 0)
        return -1;
    CHECK(tree_read(t, "/usr/share/master", 100, &b, &err) == 0 && str_is(buf_view(&b), "root:0\n"));
    CHECK(tree_stat(t, "/etc/passwd", &a, &en, &err) == 1 && tree_read(t, "/etc/passwd", 100, &b, &err) == 1);
    CHECK(tree_write(t, "/etc/passwd", buf_view(&b), 0600, 3, 4, &err) == 0);
    CHECK(tree_write(t, "/etc/inittab", STR("2:y\n"), 0644, 0, 0, &err) == 0);
    CHECK(tree_remove(t, "/var/lib/gone", &err) == 0);
    CHECK(tree_remove(t, "/var/lib/gone", &err) == 1);
    CHECK(tree_symlink(t, "/sbin/sh", "../bin/sh", &err) == 0);
    CHECK(tree_write(t, "/etc/one", STR("new"), 0644, 0, 0, &err) == 0);
    CHECK(tree_mode(t, "/etc/dir", 0700, &err) == 0 && tree_owner(t, "/etc/dir", 7, 8, &err) == 0);
    CHECK(tree_mode(t, "/etc/dir/none", 0700, &err) == 1 && tree_mode(t, "/etc/dir/below", 0400, &err) == 0);
    CHECK(tree_mkdir(t, "/etc/dir/new/deeper", 0711, 1, 1, &err) == 0);
    CHECK(tree_list(t, "/etc", &a, &names, &n, &err) == 0 && n == 7);
    CHECK(n == 7 && str_is(names[0], "dir") && str_is(names[6], "two"));
    CHECK(tree_stat(t, "/etc/dir", &a, &en, &err) == 0 && en.type == TREE_DIR && en.mode == 0700 &&
          en.uid == 7);
    CHECK(tree_stat(t, "/usr", &a, &en, &err) == 0 && en.type == TREE_DIR && str_is(en.path, "usr"));
    CHECK(tree_node(t, "/dev/null", TREE_CHAR, 1, 3, 0666, &err) == 0);
    CHECK(tree_write(t, "/zonestrap/plan", STR("p"), 0644, 0, 0, &err) == 0);
    check_there(t);
    return 0;
}

static void fixed_up(void)
{
    same(with_fixups);
}

/* Where layout links and what they lead to lie below what is held, nobody else names their directories. */
static int with_held_layout(struct tree *t)
{
    static const char *const paths[] = {"/run", "/var", "/srv/x"};
    static const struct tree_layout links[] = {
        {"var/run", "../run"}, {"var/lock", "../run/lock"}, {"srv/x/y", "../../usr/deep/er"}};
    AUTO_ARENA a = {0};
    struct tree_entry en;
    if (tree_layout(t, links, 3, &err) < 0 || tree_hold(t, paths, 3, &err) < 0)
        return -1;
    struct tree_writer *w = writer_of(t, 0, false);
    CHECK(put_dir(w, "usr") == 0 && put_to(w, "var/lock", TREE_LINK, "/run/lock") == 0 &&
          put_dir(w, "var/lib") == 0);
    CHECK(tree_put_layout(w, STR("/var/run"), &err) == 0 && tree_put_layout(w, STR("/srv/x/y"), &err) == 0);
    finish(w);
    if (tree_settle(t, &err) < 0)
        return -1;
    CHECK(tree_stat(t, "/run/lock", &a, &en, &err) == 0 && en.type == TREE_DIR);
    CHECK(tree_stat(t, "/var/lock", &a, &en, &err) == 0);
    CHECK(tree_mkdir(t, "/run", 0711, 1, 2, &err) == 0 && tree_mkdir(t, "/var/lib", 0700, 0, 0, &err) == 0);
    return 0;
}

static void layout_below_what_is_held(void)
{
    same(with_held_layout);
}

static int with_renames(struct tree *t)
{
    static const char *const paths[] = {"/sbin/init", "/lib/systemd/systemd", "/etc"};
    static const struct tree_layout links[] = {{"sbin", "usr/sbin"}, {"lib", "usr/lib"}};
    struct tree_entry init = entry("sbin/init", TREE_FILE);
    const struct tree_xattr x = {STR("user.x"), STR("y")};
    if (tree_layout(t, links, 2, &err) < 0 || tree_hold(t, paths, 3, &err) < 0)
        return -1;
    init.mode = 04751, init.uid = 3, init.mtime = 4, init.xattrs = &x, init.nxattrs = 1;
    struct tree_writer *w = writer_of(t, 0, false);
    CHECK(put_text_as(w, init, "the real one") == 0 && put_to(w, "sbin/also", TREE_HARD, "sbin/init") == 0);
    CHECK(put_to(w, "lib/systemd/systemd", TREE_LINK, "systemd-core") == 0 && put_dir(w, "etc") == 0);
    CHECK(put_text(w, "etc/a", "a") == 0 && put_text(w, "etc/b", "b") == 0);
    finish(w);
    if (tree_settle(t, &err) < 0)
        return -1;
    CHECK(tree_rename(t, "/sbin/init", "init.kept", &err) == 0);
    CHECK(tree_rename(t, "/sbin/init", "init.kept", &err) == 1);
    CHECK(tree_write(t, "/sbin/init", STR("another"), 0755, 0, 0, &err) == 0);
    CHECK(tree_rename(t, "/lib/systemd/systemd", "systemd.kept", &err) == 0);
    CHECK(tree_rename(t, "/etc/a", "b", &err) == 0 && tree_rename(t, "/etc/b", "b", &err) == 0);
    CHECK(tree_rename(t, "/etc", "etc2", &err) == -1 && tree_rename(t, "/", "x", &err) == -1);
    CHECK(tree_mkdir(t, "/etc/dir", 0755, 0, 0, &err) == 0 && tree_rename(t, "/etc/b", "dir", &err) == -1);
    return 0;
}

static void renamed(void)
{
    same(with_renames);
}

static void too_late(void)
{
    struct tree *t = NULL;
    AUTO_BUF b = {0};
    scratch_new();
    struct tarball *tb = open_tarball("a.tar", &t);
    struct tree_writer *w = writer_of(t, 0, false);
    CHECK(put_text(w, "etc/a", "a") == 0 && put_to(w, "etc/link", TREE_LINK, "elsewhere") == 0);
    finish(w);
    CHECK(tree_settle(t, &err) == 0);
    CHECK(tree_write(t, "/etc/a", STR("b"), 0644, 0, 0, &err) == -1 &&
          strstr(err.msg, "in the tarball already") != NULL);
    CHECK(tree_read(t, "/etc/a", 10, &b, &err) == -1 && tree_remove(t, "/etc", &err) == -1 &&
          tree_mode(t, "/etc", 0, &err) == -1);
    CHECK(tree_rename(t, "/etc/a", "b", &err) == -1 && strstr(err.msg, "in the tarball already") != NULL);
    CHECK(tree_write(t, "/etc/link/x", STR("b"), 0644, 0, 0, &err) == -1 &&
          strstr(err.msg, "do not follow") != NULL);
    CHECK(tree_write(t, "/etc", STR("b"), 0644, 0, 0, &err) == -1 &&
          tree_write(t, "/../x", STR("b"), 0644, 0, 0, &err) == -1);
    tree_close(t);
    tarball_close(tb);
    CHECK(absent(in_scratch("a.tar")));
}

static void twice_in_one_package(void)
{
    static const char *const held[] = {"/held"};
    struct tree *t = NULL;
    AUTO_BUF b = {0};
    scratch_new();
    struct tarball *tb = open_tarball("a.tar", &t);
    CHECK(tree_hold(t, held, 1, &err) == 0);
    struct tree_writer *w = writer_of(t, 0, false);
    CHECK(put_text(w, "held", "a") == 0 && put_text(w, "held", "last") == 0 &&
          tree_read(t, "/held", 9, &b, &err) == 0);
    CHECK_STR(buf_c(&b), "last");
    CHECK(put_text(w, "x", "a") == 0 && put_text(w, "x", "b") == -1 && err.class == ERR_FORMAT);
    CHECK_STR(err.msg, "zero: x: ships the path twice, and a tarball cannot take back the first one");
    tree_writer_close(w);
    tree_close(t);
    tarball_close(tb);
}

/* A content of many pieces, which takes its time. */
struct slow {
    size_t left;
    char piece[5000];
};

static int slow_next(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e)
{
    struct slow *s = ctx;
    size_t size = 400000;
    (void)e;
    if (s->left == 0)
        return 0;
    *off = size - s->left;
    *n = s->left < sizeof s->piece ? s->left : sizeof s->piece;
    memset(s->piece, 'a' + (int)(*off / 5000 % 26), *n);
    *p = s->piece;
    s->left -= *n;
    return 1;
}

enum { MANY = 60 };

struct shift {
    struct tree *t;
    pthread_mutex_t lock;
    unsigned next;
    bool failing; /* package 20 is bad */
    int failed;
    struct err err;
};

static int put_package(struct tree_writer *w, unsigned i, bool bad, struct err *e)
{
    for (unsigned k = 0; k < 4; k++) {
        struct slow s = {.left = 400000};
        char path[64];
        snprintf(path, sizeof path, "%s%u/f%u", k == 3 ? "shared/" : "p", k == 3 ? 0 : i, k);
        struct tree_entry en = entry(path, TREE_FILE);
        en.size = bad ? 399999 : 400000;
        en.uid = i;
        if (tree_put(w, &en, slow_next, &s, e) < 0)
            return -1;
    }
    return 0;
}

static void *work(void *arg)
{
    struct shift *s = arg;
    for (;;) {
        struct err e = {0};
        pthread_mutex_lock(&s->lock);
        unsigned i = s->failed ? MANY : s->next++;
        pthread_mutex_unlock(&s->lock);
        if (i >= MANY)
            return NULL;
        struct tree_writer *w = NULL;
        int rc = tree_writer_open(s->t, i, "package", 1 << 23, false, &w, &e);
        if (rc == 0)
            rc = put_package(w, i, s->failing && i == 20, &e);
        if (rc == 0)
            rc = tree_writer_finish(&w, &e);
        pthread_mutex_lock(&s->lock);
        if (rc < 0 && s->failed++ == 0)
            s->err = e;
        pthread_mutex_unlock(&s->lock);
        tree_writer_close(w);
    }
}

static struct digest by_threads(const char *name, unsigned n, bool failing, struct err *e)
{
    struct shift s = {.failing = failing};
    pthread_t threads[8];
    struct digest d = {0};
    struct tarball *tb = open_tarball(name, &s.t);
    pthread_mutex_init(&s.lock, NULL);
    for (unsigned i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, work, &s) != 0)
            abort();
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    if (failing)
        *e = s.err;
    else if (s.failed || tree_settle(s.t, e) < 0 || tree_seal(s.t, true, e) < 0)
        CHECK(!"sealed");
    else
        d = *tree_digest(s.t);
    tree_close(s.t);
    tarball_close(tb);
    return d;
}

static int import(struct tree *t, struct tree_entry en, const char *text)
{
    struct content c = {.text = text};
    en.size = en.type == TREE_FILE ? strlen(text) : 0;
    return tree_import(t, "over", &en, en.size > 0 ? content_next : NULL, &c, &err);
}

static int import_to(struct tree *t, const char *path, enum tree_type type, const char *link)
{
    struct tree_entry en = entry(path, type);
    en.link = str_c(link);
    return import(t, en, "");
}

/* What an overlay must not do is the same error everywhere. */
static void refused(struct tree *t, const char *path, enum tree_type type, const char *link, const char *want)
{
    CHECK(import_to(t, path, type, link) == -1 && err.class == ERR_FORMAT);
    CHECK_STR(err.msg, want);
}

static void import_refused(struct tree *t)
{
    refused(t, "etc/dir", TREE_FILE, "",
            "over: etc/dir: a file cannot take the place of the root's directory");
    refused(t, "etc/inittab", TREE_DIR, "",
            "over: etc/inittab: a directory cannot take the place of the root's file");
    refused(t, "way", TREE_DIR, "",
            "over: way: a directory cannot take the place of the root's symbolic link");
    refused(t, "way/x", TREE_FILE, "",
            "over: way/x: passes through `way', which is a symbolic link in the root");
    refused(t, "etc/one/x/y", TREE_DIR, "",
            "over: etc/one/x/y: passes through `etc/one', which is a file in the root");
    refused(t, "a/../x", TREE_FILE, "", "over: a/../x: a path with `..'");
    refused(t, "etc/h", TREE_HARD, "/etc/shadow",
            "over: etc/h: a hard link to `etc/shadow', which is no file that came before");
    refused(t, "bin", TREE_LINK, "/tmp", "over: bin: a link to `/tmp' where the layout has one to `usr/bin'");
    refused(t, ".zonestrap-incomplete", TREE_FILE, "",
            "over: .zonestrap-incomplete: this name is not a package's to ship");
    refused(t, "/", TREE_LINK, "x", "over: the root must be a directory");
}

static int with_overlay(struct tree *t)
{
    static const char *const paths[] = {"/etc/one",      "/etc/two",    "/etc/inittab", "/usr/bin/tool",
                                        "/usr/bin/made", "/opt/x/big",  "/opt/link",    "/etc/hostname",
                                        "/opt/x/big2",   "/lib32/late", "/etc/pipe",    "/usr/share/over",
                                        "/usr/bin/soft", "/etc/dir/new"};
    static const struct tree_layout links[] = {{"bin", "usr/bin"}, {"lib32", "usr/lib32"}};
    struct tree_entry en = entry("bin/tool", TREE_FILE), dir = entry("etc/dir", TREE_DIR),
                      fresh = entry("opt/x", TREE_DIR);
    const struct tree_xattr x = {STR("user.x"), STR("y")};
    struct slow s = {.left = 400000};
    if (tree_layout(t, links, 2, &err) < 0 || tree_hold(t, paths, sizeof paths / sizeof *paths, &err) < 0)
        return -1;
    struct tree_writer *w = writer_of(t, 0, false);
    dir.mode = 0711;
    CHECK(put_text(w, "etc/one", "one") == 0 && put_to(w, "etc/two", TREE_HARD, "etc/one") == 0 &&
          put_to(w, "etc/three", TREE_HARD, "etc/one") == 0 && put(w, dir) == 0);
    CHECK(put_text(w, "bin/tool", "packaged") == 0 &&
          put_to(w, "usr/bin/tool2", TREE_HARD, "bin/tool") == 0 &&
          put_to(w, "way", TREE_LINK, "etc/dir") == 0 && put_to(w, "usr/bin/soft", TREE_LINK, "tool") == 0);
    CHECK(put_text(w, "etc/inittab", "i") == 0 && put_text(w, "var/lib/deep/file", "f") == 0);
    finish(w);
    if (tree_settle(t, &err) < 0 || tree_write(t, "/etc/hostname", STR("fixup"), 0644, 0, 0, &err) < 0)
        return -1;
    import_refused(t);
    /* replaced: with a package's hard links, a fixup's file, a link; directories stay as they are */
    en.mode = 04755;
    en.uid = 7;
    en.mtime = EPOCH + 9;
    en.xattrs = &x;
    en.nxattrs = 1;
    dir.mode = 0700;
    fresh.mode = 02750;
    fresh.gid = 4;
    CHECK(import(t, en, "overlaid") == 0 && import(t, dir, "") == 0 && import(t, fresh, "") == 0);
    CHECK(import(t, entry("etc/one", TREE_FILE), "1") == 0 && import_to(t, "etc/two", TREE_LINK, "one") == 0);
    CHECK(import(t, entry("/etc/hostname", TREE_FILE), "overlay") == 0 &&
          import(t, entry("./usr/bin/soft", TREE_FILE), "") == 0);
    /* new: in new directories, by a layout link that no package had, of several names, with holes */
    CHECK(import(t, entry("lib32/late", TREE_FILE), "l") == 0 &&
          import_to(t, "bin", TREE_LINK, "/usr/bin") == 0);
    struct tree_entry big = entry("opt/x/big", TREE_FILE);
    big.size = 400000;
    CHECK(tree_import(t, "over", &big, slow_next, &s, &err) == 0);
    CHECK(import_to(t, "opt/x/big2", TREE_HARD, "/opt/x/big") == 0 &&
          import_to(t, "opt/link", TREE_LINK, "/nowhere") == 0 &&
          import_to(t, "etc/pipe", TREE_FIFO, "") == 0);
    CHECK(import(t, entry("usr/share/over", TREE_FILE), "o") == 0 &&
          import(t, entry("etc/dir/new", TREE_FILE), "n") == 0);
    return tree_write(t, "/zonestrap/plan", STR("p"), 0644, 0, 0, &err);
}

static void overlaid(void)
{
    same(with_overlay);
}

static void imported_too_late(void)
{
    static const char *const held[] = {"/etc/b", "/etc/d/f"};
    struct tree *t = NULL;
    AUTO_BUF b = {0};
    scratch_new();
    struct tarball *tb = open_tarball("a.tar", &t);
    CHECK(tree_hold(t, held, 2, &err) == 0);
    struct tree_writer *w = writer_of(t, 0, false);
    CHECK(put_text(w, "etc/a", "a") == 0);
    finish(w);
    CHECK(tree_settle(t, &err) == 0);
    CHECK(import(t, entry("etc/a", TREE_FILE), "b") == -1);
    CHECK_STR(err.msg, "over: etc/a: is in the tarball already and cannot be replaced any more");
    CHECK(tree_mkdir(t, "/etc/d", 0700, 0, 0, &err) == 0 &&
          import(t, entry("etc/d/f", TREE_FILE), "f") == 0 &&
          tree_mkdir(t, "/etc/d", 0755, 0, 0, &err) == -1);
    CHECK(import(t, entry("etc/b", TREE_FILE), "b") == 0);
    CHECK(import(t, entry("etc/b", TREE_FILE), "b") == -1);
    CHECK(tree_read(t, "/etc/b", 9, &b, &err) == -1 &&
          tree_write(t, "/etc/b", STR("x"), 0, 0, 0, &err) == -1 && tree_remove(t, "/etc/b", &err) == -1 &&
          tree_mode(t, "/etc/b", 0, &err) == -1);
    CHECK(strstr(err.msg, "in the tarball already") != NULL);
    struct slow s = {.left = 400000};
    struct tree_entry big = entry("etc/d/g", TREE_FILE);
    big.size = 399999;
    CHECK(tree_import(t, "over", &big, slow_next, &s, &err) == -1);
    tree_close(t);
    tarball_close(tb);
    CHECK(absent(in_scratch("a.tar")));
}

/* 96 MB: more than may wait. */
static void any_number_of_threads(void)
{
    scratch_new();
    struct digest one = by_threads("one.tar", 1, false, &err), two = by_threads("two.tar", 2, false, &err),
                  eight = by_threads("eight.tar", 8, false, &err);
    CHECK(digest_eq(&one, &two) && digest_eq(&one, &eight));
    check_order(in_scratch("eight.tar"));
}

static void a_bad_package_among_others(void)
{
    struct err e = {0};
    scratch_new();
    for (int i = 0; i < 5; i++) {
        by_threads("bad.tar", 8, true, &e);
        CHECK(e.class == ERR_FORMAT && strstr(e.msg, "399999") != NULL);
        if (e.class != ERR_FORMAT)
            printf("# %s\n", e.msg);
        CHECK(absent(in_scratch("bad.tar")) && absent(in_scratch(".bad.tar.zonestrap-partial")));
    }
}

static void held_memory_is_bounded(void)
{
    static const char *const held[] = {"/usr"};
    struct tree *t = NULL;
    scratch_new();
    struct tarball *tb = open_tarball("a.tar", &t);
    CHECK(tree_hold(t, held, 1, &err) == 0);
    struct tree_writer *w = NULL;
    int rc = tree_writer_open(t, 0, "large", 1u << 30, false, &w, &err);
    for (int i = 0; rc == 0 && i < 400; i++) {
        struct slow s = {.left = 400000};
        char path[32];
        snprintf(path, sizeof path, "usr/f%d", i);
        struct tree_entry en = entry(path, TREE_FILE);
        en.size = 400000;
        rc = tree_put(w, &en, slow_next, &s, &err);
    }
    CHECK(rc == -1 && err.class == ERR_USAGE && strstr(err.msg, "64 MiB") != NULL);
    tree_writer_close(w);
    tree_close(t);
    tarball_close(tb);
}

enum { WAITING = 20000 };

static void *wait_for_their_turn(void *arg)
{
    static struct tree_writer *waiting[WAITING];
    struct tree *t = arg;
    struct err e;
    char name[32];
    for (unsigned i = 1; i < WAITING; i++) {
        snprintf(name, sizeof name, "package %u", i);
        CHECK(tree_writer_open(t, i, name, 0, false, &waiting[i], &e) == 0);
    }
    return waiting;
}

/* One package's files are held back while others begin to wait. */
static void held_while_others_come(void)
{
    static const char *const held[] = {"/h"};
    struct tree *t = NULL;
    struct tree_writer *w = NULL;
    pthread_t thread;
    void *waiting = NULL;
    char text[32];
    unsigned wrong = 0;
    scratch_new();
    struct tarball *tb = open_tarball("a.tar", &t);
    CHECK(tree_hold(t, held, 1, &err) == 0 && tree_writer_open(t, 0, "first", 1 << 20, false, &w, &err) == 0);
    CHECK(pthread_create(&thread, NULL, wait_for_their_turn, t) == 0);
    for (unsigned i = 0; i < WAITING; i++) {
        snprintf(text, sizeof text, "h/%05u", i);
        CHECK(put(w, entry(text, TREE_FILE)) == 0);
    }
    pthread_join(thread, &waiting);
    for (unsigned i = 1; i < WAITING; i++) {
        snprintf(text, sizeof text, "package %u", i);
        wrong += strcmp(tree_who(t, i), text) != 0;
        snprintf(text, sizeof text, "/h/%05u", i);
        AUTO_ARENA a = {0};
        struct tree_entry en;
        wrong += tree_stat(t, text, &a, &en, &err) != 0 || !str_eq(en.path, str_c(text + 1));
    }
    CHECK(wrong == 0);
    for (unsigned i = 1; i < WAITING; i++)
        tree_writer_close(((struct tree_writer **)waiting)[i]);
    tree_writer_close(w);
    tree_close(t);
    tarball_close(tb);
}

/* A finished directory packed gives what stands in it, times bounded. */
static void packed(void)
{
    struct tree *t = NULL;
    struct tarball *tb = NULL;
    struct digest sum;
    char cmd[20000];
    static const struct tarball_opts o;
    if (geteuid() != 0)
        SKIP("not root");
    scratch_new();
    t = tree_at("root");
    CHECK(packages(t) == 0);
    AUTO_MEM char *dir = list_root(tree_fd(t));
    CHECK(tree_node(t, "/dev/null", TREE_CHAR, 1, 3, 0666, &err) == 0);
    CHECK(tarball_open(&tb, in_scratch("a.tar"), &o, &err) == 0 && tree_pack(t, tb, &err) == 0 &&
          tarball_finish(tb, true, &sum, &err) == 0);
    tarball_close(tb);
    CHECK(tree_remove(t, "/dev", &err) == 0);
    check_order(in_scratch("a.tar"));
    snprintf(cmd, sizeof cmd,
             "mkdir '%s' && tar -C '%s' --exclude=./dev -xpf '%s' && tar -tvf '%s' ./dev/null | grep -q "
             "'^crw-rw-rw- 0/0 *1,3'",
             in_scratch("x"), in_scratch("x"), in_scratch("a.tar"), in_scratch("a.tar"));
    CHECK(system(cmd) == 0);
    AUTO_FD fd = open(in_scratch("x"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_MEM char *tar = list_root(fd);
    CHECK_STR(tar, dir);
    tree_close(t);
}

static int pack_root(struct tree *t, const char *name)
{
    static const struct tarball_opts o;
    struct tarball *tb = NULL;
    struct digest sum;
    int rc = tarball_open(&tb, in_scratch(name), &o, &err);
    if (rc == 0)
        rc = tree_pack(t, tb, &err);
    if (rc == 0)
        rc = tarball_finish(tb, true, &sum, &err);
    tarball_close(tb);
    return rc;
}

/* What maintainer scripts may leave. */
static void packed_oddities(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (geteuid() != 0)
        SKIP("not root");
    scratch_new();
    struct tree *t = tree_at("root");
    AUTO_FD sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    AUTO_FD back = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    strcpy(at.sun_path, "socket");
    CHECK(fchdir(tree_fd(t)) == 0 && bind(sock, (struct sockaddr *)&at, sizeof at) == 0 &&
          link("socket", "another") == 0 && fchdir(back) == 0);
    AUTO_FD huge = openat(tree_fd(t), "huge", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    CHECK(ftruncate(huge, 1 << 20) == 0 && pack_root(t, "a.tar") == 0);
    check_order(in_scratch("a.tar"));
    char cmd[9000];
    snprintf(cmd, sizeof cmd, "[ \"$(tar -tf '%s' | tr '\\n' ' ')\" = './ ./huge ' ]", in_scratch("a.tar"));
    CHECK(system(cmd) == 0);
    CHECK(ftruncate(huge, (off_t)1 << 40) == 0 && pack_root(t, "b.tar") == -1);
    CHECK(err.class == ERR_HOST && strstr(err.msg, "huge: sparse files of more than 16 GiB") != NULL);
    CHECK(absent(in_scratch("b.tar")));
    tree_close(t);
}

/* The epoch may lie ahead of the host's clock: what was made meanwhile has its time all the same. */
static void packed_ahead(void)
{
    char cmd[9000];
    const struct timespec old[2] = {{1000000000, 5}, {1000000000, 5}};
    if (geteuid() != 0)
        SKIP("not root");
    scratch_new();
    struct tree *t = tree_at("root");
    tree_set_epoch(t, 4000000000);
    AUTO_FD made = openat(tree_fd(t), "made", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    AUTO_FD kept = openat(tree_fd(t), "kept", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    CHECK(made >= 0 && futimens(kept, old) == 0 && pack_root(t, "a.tar") == 0);
    snprintf(cmd, sizeof cmd,
             "[ \"$(TZ=UTC0 tar --full-time -tvf '%s' | awk '{ printf \"%%s %%s \", $NF, $4 }')\" = "
             "'./ 2096-10-02 ./kept 2001-09-09 ./made 2096-10-02 ' ]",
             in_scratch("a.tar"));
    CHECK(system(cmd) == 0);
    tree_close(t);
}

/* A file that stands in the tarball, and then a name of what is held. */
static void twice_by_way_of_what_is_held(void)
{
    static const char *const held[] = {"/held"};
    struct tree *t = NULL;
    scratch_new();
    struct tarball *tb = open_tarball("a.tar", &t);
    CHECK(tree_hold(t, held, 1, &err) == 0);
    struct tree_writer *w = writer_of(t, 0, false);
    CHECK(put_text(w, "x", "a") == 0 && put_text(w, "held", "b") == 0);
    CHECK(put_to(w, "x", TREE_HARD, "held") == -1 && strstr(err.msg, "x: ships the path twice") != NULL);
    tree_writer_close(w);
    tree_close(t);
    tarball_close(tb);
}

int main(void)
{
    RUN(as_a_directory);
    RUN(fixed_up);
    RUN(layout_below_what_is_held);
    RUN(renamed);
    RUN(too_late);
    RUN(twice_in_one_package);
    RUN(overlaid);
    RUN(imported_too_late);
    RUN(any_number_of_threads);
    RUN(a_bad_package_among_others);
    RUN(held_memory_is_bounded);
    RUN(held_while_others_come);
    RUN(packed);
    RUN(packed_oddities);
    RUN(packed_ahead);
    RUN(twice_by_way_of_what_is_held);
    scratch_remove();
    return test_done();
}
