/* Paths, layout, claims: what stands above the back ends. */
#include "tests/unit/tree_help.h"

static const struct tree_layout usr_merge[] = {{"bin", "usr/bin"},
                                               {"sbin", "usr/sbin"},
                                               {"lib", "usr/lib"},
                                               {"lib64", "usr/lib64"},
                                               {"libx32", "usr/libx32"}};

static void canonical_paths(void)
{
    static const struct {
        const char *in, *want; /* NULL: refused */
    } rows[] = {
        {"./usr/bin/x", "usr/bin/x"},
        {"/usr/bin/x", "usr/bin/x"},
        {"//usr//bin///x", "usr/bin/x"},
        {"usr/./bin/./x/", "usr/bin/x"},
        {".", ""},
        {"./", ""},
        {"/", ""},
        {"bin", "usr/bin"},
        {"./bin/sh", "usr/bin/sh"},
        {"binary/x", "binary/x"},
        {"usr/bin/x", "usr/bin/x"},
        {"a/...", "a/..."},
        {"a/..b", "a/..b"},
        {"", NULL},
        {"..", NULL},
        {"../x", NULL},
        {"a/../b", NULL},
        {"a/..", NULL},
        {"/..", NULL},
        {"./bin/../../x", NULL},
    };
    scratch_new();
    struct tree *t = tree_at("root");
    CHECK(tree_layout(t, usr_merge, 5, &err) == 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_ARENA a = {0};
        struct str out;
        int rc = tree_canonical(t, str_c(rows[i].in), &a, &out, &err);
        CHECK(rc == (rows[i].want ? 0 : -1));
        if (rc == 0 && rows[i].want != NULL)
            CHECK_STR(arena_str(&a, out), rows[i].want);
        if (rc < 0)
            CHECK(err.class == ERR_FORMAT);
    }
    tree_close(t);
}

static void path_limits(void)
{
    static char s[8192];
    struct str out;
    AUTO_ARENA a = {0};
    scratch_new();
    struct tree *t = tree_at("root");
    memset(s, 'x', sizeof s);
    CHECK(tree_canonical(t, (struct str){s, 255}, &a, &out, &err) == 0);
    CHECK(tree_canonical(t, (struct str){s, 256}, &a, &out, &err) == -1);
    for (size_t i = 200; i < sizeof s; i += 200)
        s[i] = '/';
    CHECK(tree_canonical(t, (struct str){s, 4095}, &a, &out, &err) == 0);
    CHECK(tree_canonical(t, (struct str){s, 4096}, &a, &out, &err) == -1);
    for (size_t i = 0; i < sizeof s; i++)
        s[i] = i % 2 ? '/' : 'd';
    CHECK(tree_canonical(t, (struct str){s, 2 * TREE_DEPTH_MAX}, &a, &out, &err) == 0);
    CHECK(tree_canonical(t, (struct str){s, 2 * TREE_DEPTH_MAX + 2}, &a, &out, &err) == -1);
    static const struct tree_layout deep[] = {{"d", "e/e/e"}};
    CHECK(tree_layout(t, deep, 1, &err) == 0);
    CHECK(tree_canonical(t, (struct str){s, 2 * (TREE_DEPTH_MAX - 2)}, &a, &out, &err) == 0);
    CHECK(tree_canonical(t, (struct str){s, 2 * (TREE_DEPTH_MAX - 1)}, &a, &out, &err) == -1);
    s[0] = 'x';
    struct tree_writer *w = writer_of(t, 1, false);
    struct tree_entry en = entry("", TREE_DIR);
    en.path = (struct str){s, 2 * TREE_DEPTH_MAX};
    CHECK(put(w, en) == 0);
    tree_writer_close(w);
    CHECK(tree_canonical(t, (struct str){"a\0b", 3}, &a, &out, &err) == -1);
    tree_close(t);
}

static void layout_chains(void)
{
    static const struct tree_layout chain[] = {
        {"sbin", "usr/sbin"}, {"usr/sbin", "bin"}, {"var/run", "../run"}, {"var/lock", "/run/lock"}};
    static const struct tree_layout circle[] = {{"a", "b"}, {"b", "a"}};
    static const struct tree_layout hostile[] = {{"../a", "b"}};
    static const struct tree_layout twice[] = {{"a", "b"}, {"/a", "c"}};
    struct str out;
    AUTO_ARENA a = {0};
    scratch_new();
    struct tree *t = tree_at("root");
    CHECK(tree_layout(t, chain, 4, &err) == 0);
    CHECK(tree_canonical(t, STR("sbin/init"), &a, &out, &err) == 0 && str_is(out, "usr/bin/init"));
    CHECK(tree_canonical(t, STR("var/run/x"), &a, &out, &err) == 0 && str_is(out, "run/x"));
    CHECK(tree_canonical(t, STR("var/lock"), &a, &out, &err) == 0 && str_is(out, "run/lock"));
    struct tree_writer *w = writer_of(t, 1, false);
    CHECK(put_text(w, "./sbin/init", "i") == 0);
    CHECK(put_dir(w, "./var/lock/") == 0);
    tree_writer_close(w);
    CHECK(tree_settle(t, &err) == 0);
    AUTO_MEM char *got = list_root(tree_fd(t));
    CHECK_STR(got, "run 040755 0:0 1000000000\n"
                   "run/lock 040755 0:0 1000000000\n"
                   "sbin 120777 0:0 1000000000 -> usr/sbin\n"
                   "usr 040755 0:0 1000000000\n"
                   "usr/bin 040755 0:0 1000000000\n"
                   "usr/bin/init 100644 0:0 1000000000 \"i\" 1\n"
                   "usr/sbin 120777 0:0 1000000000 -> bin\n"
                   "var 040755 0:0 1000000000\n"
                   "var/lock 120777 0:0 1000000000 -> /run/lock\n");
    tree_close(t);
    t = tree_at("root");
    CHECK(tree_layout(t, circle, 2, &err) == -1 && err.class == ERR_USAGE);
    tree_close(t);
    t = tree_at("root");
    CHECK(tree_layout(t, hostile, 1, &err) == -1 && err.class == ERR_USAGE);
    CHECK(tree_layout(t, twice, 2, &err) == -1 && err.class == ERR_USAGE);
    tree_close(t);
}

/* Trixie's base-files ships the links themselves; they are made on first use, with what they lead to. */
static void layout_links(void)
{
    scratch_new();
    struct tree *t = tree_at("root");
    CHECK(tree_layout(t, usr_merge, 5, &err) == 0);
    struct tree_writer *w = writer_of(t, 3, false);
    struct tree_entry link = entry("./bin", TREE_LINK);
    link.link = STR("usr/bin");
    link.mtime = 5;
    CHECK(put_dir(w, "./lib64/") == 0);
    CHECK(put(w, link) == 0);
    CHECK(put_text(w, "bin/sh", "sh") == 0);
    CHECK(put_to(w, "./sbin", TREE_LINK, "usr/elsewhere") == -1);
    CHECK(err.class == ERR_FORMAT && strstr(err.msg, "three: sbin") != NULL);
    CHECK(put_text(w, "./lib", "no directory") == -1 && err.class == ERR_FORMAT);
    tree_writer_close(w);
    CHECK(tree_settle(t, &err) == 0);
    AUTO_MEM char *got = list_root(tree_fd(t));
    CHECK(strstr(got, "bin 120777 0:0 5 -> usr/bin\n") != NULL);
    CHECK(strstr(got, "lib64 120777 0:0 1000000000 -> usr/lib64\nusr ") != NULL);
    CHECK(strstr(got, "usr/lib64 040755") != NULL && strstr(got, "x32") == NULL);
    tree_close(t);
}

/* The lowest index wins, whoever came first. */
static void shared_paths(void)
{
    AUTO_ARENA a = {0};
    unsigned *redo;
    struct str *paths;
    size_t n;
    scratch_new();
    struct tree *t = tree_at("root");
    struct tree_writer *w5 = writer_of(t, 5, false), *w2 = writer_of(t, 2, false);
    CHECK(put_text(w5, "a", "five") == 0 && put_text(w5, "b", "five") == 0);
    CHECK(put_to(w5, "h", TREE_HARD, "./a") == 0);
    CHECK(put_text(w2, "a", "two") == 0 && put_text(w2, "c", "two") == 0);
    CHECK(put_text(w5, "c", "five") == 0);
    CHECK(put_to(w2, "hh", TREE_HARD, "a") == 0);
    tree_writer_close(w5);
    tree_writer_close(w2);
    CHECK(tree_shared(t, &a, &paths, &n, &err) == 0);
    CHECK(n == 2 && str_is(paths[0], "a") && str_is(paths[1], "c"));
    CHECK(tree_redo(t, &a, &redo, &n, &err) == 0);
    CHECK(n == 1 && redo[0] == 2);
    w2 = writer_of(t, 2, true);
    CHECK(put_text(w2, "a", "two") == 0 && put_text(w2, "c", "never written twice") == 0);
    CHECK(put_to(w2, "hh", TREE_HARD, "a") == 0);
    tree_writer_close(w2);
    CHECK(tree_redo(t, &a, &redo, &n, &err) == 0 && n == 0);
    CHECK(tree_settle(t, &err) == 0);
    AUTO_MEM char *got = list_root(tree_fd(t));
    CHECK_STR(got, "a 100644 0:0 1000000000 \"two\" 3 = a\n"
                   "b 100644 0:0 1000000000 \"five\" 4\n"
                   "c 100644 0:0 1000000000 \"two\" 3\n"
                   "h 100644 0:0 1000000000 \"two\" 3 = a\n"
                   "hh 100644 0:0 1000000000 \"two\" 3 = a\n");
    tree_close(t);
}

/* A later entry of the same package replaces its earlier one, as with tar; a directory keeps its first
 * metadata. */
static void one_package_twice(void)
{
    scratch_new();
    struct tree *t = tree_at("root");
    struct tree_writer *w = writer_of(t, 1, false);
    struct tree_entry d = entry("d", TREE_DIR);
    d.mode = 01777;
    CHECK(put_text(w, "a", "first") == 0 && put_to(w, "h", TREE_HARD, "a") == 0 &&
          put_text(w, "a", "second") == 0);
    CHECK(put_text(w, "l", "file") == 0 && put_to(w, "l", TREE_LINK, "a") == 0);
    CHECK(put(w, d) == 0 && put_dir(w, "d") == 0);
    CHECK(put_dir(w, "a") == -1 && err.class == ERR_FORMAT);
    CHECK(put_text(w, "d", "x") == -1 && err.class == ERR_FORMAT);
    tree_writer_close(w);
    CHECK(tree_settle(t, &err) == 0);
    AUTO_MEM char *got = list_root(tree_fd(t));
    CHECK_STR(got, "a 100644 0:0 1000000000 \"second\" 6 = a\n"
                   "d 041777 0:0 1000000000\n"
                   "h 100644 0:0 1000000000 \"second\" 6 = a\n"
                   "l 120777 0:0 1000000000 -> a\n");
    tree_close(t);
}

/* Whichever comes first, and whoever ships them: no path through a link or a file. */
static void types_conflict(void)
{
    for (int first = 0; first < 2; first++)
        for (int same = 0; same < 2; same++)
            for (int type = 0; type < 2; type++) {
                scratch_new();
                struct tree *t = tree_at("root");
                struct tree_writer *w[2] = {writer_of(t, 1, false), writer_of(t, 2, false)};
                int rc = 0;
                for (int i = 0; i < 2 && rc == 0; i++) {
                    struct tree_writer *at = w[same ? 0 : i];
                    if (i == first)
                        rc = put_text(at, "x/etc/passwd", "evil");
                    else
                        rc = type ? put_to(at, "x", TREE_LINK, "/") : put_text(at, "x", "file");
                    CHECK(i == 1 || rc == 0);
                }
                CHECK(rc == -1 && err.class == ERR_FORMAT && strstr(err.msg, "x") != NULL);
                CHECK(same || (strstr(err.msg, "one") != NULL && strstr(err.msg, "two") != NULL));
                tree_writer_close(w[0]);
                tree_writer_close(w[1]);
                tree_close(t);
            }
}

static void directory_of_many(void)
{
    scratch_new();
    struct tree *t = tree_at("root");
    struct tree_writer *w[3] = {writer_of(t, 4, false), writer_of(t, 1, false), writer_of(t, 7, false)};
    for (unsigned i = 0; i < 3; i++) {
        struct tree_entry d = entry("./etc/x/", TREE_DIR);
        d.mode = 0700 + i;
        d.uid = i;
        d.mtime = 10 + i;
        CHECK(put(w[i], d) == 0);
    }
    CHECK(put_text(w[2], "etc/x/late", "") == 0);
    for (unsigned i = 0; i < 3; i++)
        tree_writer_close(w[i]);
    CHECK(tree_settle(t, &err) == 0);
    AUTO_MEM char *got = list_root(tree_fd(t));
    CHECK_STR(got, "etc 040755 0:0 1000000000\n"
                   "etc/x 040701 1:0 11\n"
                   "etc/x/late 100644 0:0 1000000000 \"\" 0\n");
    tree_close(t);
}

int main(void)
{
    if (geteuid() != 0) {
        printf("skipped - tree: needs root, as owners are set\n");
        return 0;
    }
    RUN(canonical_paths);
    RUN(path_limits);
    RUN(layout_chains);
    RUN(layout_links);
    RUN(shared_paths);
    RUN(one_package_twice);
    RUN(types_conflict);
    RUN(directory_of_many);
    scratch_remove();
    return test_done();
}
