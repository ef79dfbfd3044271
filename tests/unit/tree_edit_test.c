/* What fixups do to a tree. */
#include "tests/unit/tree_help.h"

static struct tree *t;

static void open_root(void)
{
    scratch_new();
    host_write(in_scratch("outside"), "outside");
    t = tree_at("root");
    struct tree_writer *w = writer_of(t, 1, false);
    struct tree_entry d = entry("etc", TREE_DIR);
    d.mtime = 7;
    CHECK(put(w, d) == 0 && put_text(w, "etc/passwd", "root\n") == 0);
    CHECK(put_to(w, "bin", TREE_LINK, "usr/bin") == 0 && put_text(w, "usr/bin/sh", "sh") == 0);
    CHECK(put_to(w, "abs", TREE_LINK, "/usr/bin") == 0 &&
          put_to(w, "usr/up", TREE_LINK, "../../../../etc") == 0);
    CHECK(put_to(w, "two", TREE_LINK, "usr/up/../usr/up") == 0 &&
          put_to(w, "gone", TREE_LINK, "not/there") == 0);
    CHECK(put_to(w, "loop", TREE_LINK, "pool") == 0 && put_to(w, "pool", TREE_LINK, "loop") == 0);
    CHECK(put_to(w, "evil", TREE_LINK, scratch) == 0 && put_to(w, "evil2", TREE_LINK, "../..") == 0);
    CHECK(put_to(w, "etc/link", TREE_LINK, "passwd") == 0);
    CHECK(put_to(w, "etc/out", TREE_LINK, in_scratch("outside")) == 0);
    tree_writer_close(w);
    CHECK(tree_settle(t, &err) == 0);
}

static const char *stat_line(const char *path)
{
    static char line[512];
    AUTO_ARENA a = {0};
    struct tree_entry en;
    int rc = tree_stat(t, path, &a, &en, &err);
    if (rc != 0)
        return rc == 1 ? "absent" : err.msg;
    snprintf(line, sizeof line, "%s %d %04o %u:%u %lld %" STR_FMT, arena_str(&a, en.path), (int)en.type,
             (unsigned)en.mode, en.uid, en.gid, (long long)en.mtime, STR_ARG(en.link));
    return line;
}

static const char *text_of(const char *path)
{
    static struct buf b;
    buf_clear(&b);
    int rc = tree_read(t, path, 4096, &b, &err);
    return rc == 0 ? buf_c(&b) : rc == 1 ? "absent" : err.msg;
}

static void resolving(void)
{
    static const struct {
        const char *path, *want;
    } rows[] = {
        {"/etc/passwd", "etc/passwd 0 0644 0:0 1000000000 "},
        {"/", " 1 0755 0:0"},
        {"/bin", "bin 2 0777 0:0 1000000000 usr/bin"},
        {"/bin/sh", "usr/bin/sh 0 0644"},
        {"/abs/sh", "usr/bin/sh 0 0644"},
        {"/usr/up/passwd", "etc/passwd 0"},
        {"/two/passwd", "etc/passwd 0"},
        {"/bin/none", "absent"},
        {"/none/at/all", "absent"},
        {"/gone/x", "absent"},
        {"/etc/passwd/x", "absent"},
        {"/etc/passwd/x/y", "absent"},
        {"/evil/outside", "absent"},
        {"/evil2/outside", "absent"},
        {"/evil2/etc/passwd", "etc/passwd 0"},
        {"/loop/x", "/loop/x: Too many levels"},
        {"/etc/../etc/passwd", "/etc/../etc/passwd: a path with `..'"},
        {"/etc/link", "etc/link 2 0777 0:0 1000000000 passwd"},
    };
    open_root();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = stat_line(rows[i].path);
        if (strncmp(got, rows[i].want, strlen(rows[i].want)) != 0) {
            printf("# %s: %s\n", rows[i].path, got);
            CHECK(!"the row above");
        }
    }
    CHECK_STR(text_of("/bin/sh"), "sh");
    CHECK_STR(text_of("/none"), "absent");
    CHECK(strstr(text_of("/etc/link"), "no regular file") != NULL);
    CHECK(strstr(text_of("/etc/out"), "no regular file") != NULL);
    AUTO_BUF b = {0};
    CHECK(tree_read(t, "/etc/passwd", 3, &b, &err) == -1 && err.sys == EFBIG);
    tree_close(t);
}

static void writing(void)
{
    open_root();
    CHECK(tree_write(t, "/etc/passwd", STR("new\n"), 0640, 1, 2, &err) == 0);
    CHECK_STR(stat_line("/etc/passwd"), "etc/passwd 0 0640 1:2 1000000000 ");
    CHECK_STR(text_of("/etc/passwd"), "new\n");
    CHECK(tree_write(t, "/bin/a/b/c", STR(""), 04755, 0, 0, &err) == 0);
    CHECK_STR(stat_line("/usr/bin/a/b/c"), "usr/bin/a/b/c 0 4755 0:0 1000000000 ");
    CHECK_STR(stat_line("/usr/bin/a"), "usr/bin/a 1 0755 0:0 1000000000 ");
    CHECK_STR(stat_line("/etc"), "etc 1 0755 0:0 7 ");
    /* The last name is not followed: the link goes, what it led to stays. */
    CHECK(tree_write(t, "/etc/out", STR("inside"), 0644, 0, 0, &err) == 0);
    CHECK_STR(text_of("/etc/out"), "inside");
    AUTO_BUF b = {0};
    CHECK(file_read(in_scratch("outside"), 100, &b, &err) == 0 && strcmp(b.p, "outside") == 0);
    CHECK(tree_write(t, "/evil/x", STR("x"), 0644, 0, 0, &err) == 0 && absent(in_scratch("x")));
    CHECK(tree_write(t, "/evil2/y", STR("y"), 0644, 0, 0, &err) == 0 && absent(in_scratch("y")));
    CHECK_STR(text_of("/y"), "y");
    CHECK(tree_write(t, "/gone/x", STR("x"), 0644, 0, 0, &err) == 0);
    CHECK_STR(text_of("/not/there/x"), "x");
    CHECK(tree_write(t, "/etc", STR("x"), 0644, 0, 0, &err) == -1 && strstr(err.msg, "/etc") != NULL);
    CHECK(tree_write(t, "/etc/passwd/x", STR("x"), 0644, 0, 0, &err) == -1 && err.class == ERR_HOST);
    CHECK(tree_write(t, "/", STR("x"), 0644, 0, 0, &err) == -1 && err.class == ERR_USAGE);
    CHECK(tree_write(t, "/../x", STR("x"), 0644, 0, 0, &err) == -1 && err.class == ERR_USAGE);
    AUTO_MEM char *all = list_root(tree_fd(t));
    CHECK(strstr(all, ".zonestrap-new") == NULL);
    tree_close(t);
}

static void making(void)
{
    open_root();
    for (int twice = 0; twice < 2; twice++) {
        CHECK(tree_mkdir(t, "/var/tmp", 01777, 3, 4, &err) == 0);
        CHECK_STR(stat_line("/var/tmp"), "var/tmp 1 1777 3:4 1000000000 ");
        CHECK_STR(stat_line("/var"), "var 1 0755 0:0 1000000000 ");
        CHECK(tree_symlink(t, "/etc/mtab", "../proc/mounts", &err) == 0);
        CHECK_STR(stat_line("/etc/mtab"), "etc/mtab 2 0777 0:0 1000000000 ../proc/mounts");
        CHECK(tree_symlink(t, "/etc/passwd", "elsewhere", &err) == 0);
        CHECK(tree_node(t, "/dev/null", TREE_CHAR, 1, 3, 0666, &err) == 0);
        CHECK_STR(stat_line("/dev/null"), "dev/null 4 0666 0:0 1000000000 ");
        CHECK(tree_node(t, "/dev/initctl", TREE_FIFO, 0, 0, 0600, &err) == 0);
        CHECK(tree_mkdir(t, "/etc", 0750, 0, 5, &err) == 0);
        CHECK_STR(stat_line("/etc"), "etc 1 0750 0:5 7 ");
    }
    AUTO_ARENA a = {0};
    struct tree_entry en;
    CHECK(tree_stat(t, "/dev/null", &a, &en, &err) == 0 && en.major == 1 && en.minor == 3);
    CHECK(tree_symlink(t, "/etc", "x", &err) == -1 && err.class == ERR_HOST);
    CHECK(tree_mkdir(t, "/bin", 0755, 0, 0, &err) == -1 && err.class == ERR_HOST);
    CHECK(tree_mkdir(t, "/usr/bin/sh", 0755, 0, 0, &err) == -1 && err.class == ERR_HOST);
    CHECK(tree_node(t, "/x", TREE_FILE, 0, 0, 0600, &err) == -1 && err.class == ERR_USAGE);
    CHECK(tree_mkdir(t, "/", 0711, 0, 0, &err) == 0);
    CHECK_STR(stat_line("/"), " 1 0711 0:0 1000000000 ");
    tree_close(t);
}

static void changing(void)
{
    open_root();
    CHECK(tree_mode(t, "/bin/sh", 06755, &err) == 0 && tree_owner(t, "/bin/sh", 8, 9, &err) == 0);
    CHECK_STR(stat_line("/usr/bin/sh"), "usr/bin/sh 0 6755 8:9 1000000000 ");
    CHECK(tree_owner(t, "/etc/out", 8, 9, &err) == 0);
    struct stat st;
    CHECK(stat(in_scratch("outside"), &st) == 0 && st.st_uid == 0);
    CHECK(tree_mode(t, "/etc/out", 0777, &err) == -1 && err.class == ERR_USAGE);
    CHECK(tree_mode(t, "/none", 0777, &err) == 1 && tree_owner(t, "/none/x", 0, 0, &err) == 1);
    CHECK(tree_remove(t, "/none", &err) == 1 && tree_remove(t, "/none/x", &err) == 1);
    CHECK(tree_remove(t, "/", &err) == -1 && err.class == ERR_USAGE);
    CHECK(tree_remove(t, "/evil", &err) == 0 && !absent(in_scratch("outside")));
    CHECK(tree_remove(t, "/usr", &err) == 0);
    CHECK_STR(stat_line("/usr"), "absent");
    CHECK(tree_remove(t, "/etc/passwd", &err) == 0);
    CHECK_STR(stat_line("/etc"), "etc 1 0755 0:0 7 ");
    tree_close(t);
}

static void listing(void)
{
    AUTO_ARENA a = {0};
    AUTO_BUF all = {0};
    struct str *names;
    size_t n;
    open_root();
    CHECK(tree_list(t, "/usr/up/", &a, &names, &n, &err) == -1 && err.class == ERR_HOST);
    CHECK(tree_list(t, "/none", &a, &names, &n, &err) == 1 &&
          tree_list(t, "/none/x", &a, &names, &n, &err) == 1);
    CHECK(tree_list(t, "/etc", &a, &names, &n, &err) == 0 && n == 3);
    for (size_t i = 0; i < n; i++)
        buf_printf(&all, "%" STR_FMT " ", STR_ARG(names[i]));
    CHECK_STR(buf_c(&all), "link out passwd ");
    CHECK(tree_mkdir(t, "/empty", 0755, 0, 0, &err) == 0);
    CHECK(tree_list(t, "/empty", &a, &names, &n, &err) == 0 && n == 0);
    CHECK(tree_list(t, "/", &a, &names, &n, &err) == 0 && n == 11);
    tree_close(t);
}

/* Everything about it stays; a link is renamed, not followed. */
static void renaming(void)
{
    struct stat st;
    open_root();
    CHECK(tree_rename(t, "/bin/sh", "sh.kept", &err) == 0);
    CHECK_STR(stat_line("/bin/sh"), "absent");
    CHECK_STR(stat_line("/usr/bin/sh.kept"), "usr/bin/sh.kept 0 0644 0:0 1000000000 ");
    CHECK(tree_rename(t, "/etc/link", "passwd", &err) == 0);
    CHECK_STR(stat_line("/etc/passwd"), "etc/passwd 2 0777 0:0 1000000000 passwd");
    CHECK(fstatat(tree_fd(t), "etc", &st, 0) == 0 && st.st_mtime == 7);
    CHECK(tree_rename(t, "/etc/none", "x", &err) == 1 && tree_rename(t, "/none/x", "x", &err) == 1);
    CHECK(tree_rename(t, "/", "x", &err) == -1);
    CHECK_STR(err.msg, "/: the root itself is not renamed");
    static const char *const bad[] = {"", ".", "..", "../x", "a/b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(tree_rename(t, "/etc/out", bad[i], &err) == -1 && err.class == ERR_USAGE);
    CHECK(tree_rename(t, "/etc/out", "up", &err) == 0 && tree_mkdir(t, "/etc/dir/x", 0755, 0, 0, &err) == 0);
    CHECK(tree_rename(t, "/etc/up", "dir", &err) == -1 && err.class == ERR_HOST);
    tree_close(t);
}

/* What a killed run left under the temporary name is in nobody's way. */
static void leftover_temp(void)
{
    open_root();
    CHECK(tree_mkdir(t, "/etc/.zonestrap-new/x", 0755, 0, 0, &err) == 0);
    CHECK(tree_write(t, "/etc/y", STR("y"), 0644, 0, 0, &err) == 0);
    CHECK_STR(stat_line("/etc/.zonestrap-new"), "absent");
    CHECK_STR(text_of("/etc/y"), "y");
    tree_close(t);
}

int main(void)
{
    if (geteuid() != 0) {
        printf("skipped - tree_edit: needs root, as owners are set\n");
        return 0;
    }
    RUN(resolving);
    RUN(writing);
    RUN(making);
    RUN(changing);
    RUN(listing);
    RUN(renaming);
    RUN(leftover_temp);
    scratch_remove();
    return test_done();
}
