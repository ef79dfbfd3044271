/* What overlays hold, who wins, and that it comes into directories and tarballs alike. */
#include "cmd/overlay.h"

#include "base/tarball.h"
#include "tests/unit/tree_help.h"

static void sh(const char *script)
{
    char cmd[9000];
    snprintf(cmd, sizeof cmd, "cd '%s' && umask 022 && { %s; }", scratch, script);
    if (system(cmd) != 0) {
        printf("# %s\n", cmd);
        abort();
    }
}

static const struct tree_layout layout[] = {{"bin", "usr/bin"}};

/* A root with one package, and the overlays in it. */
static int fill(struct tree *t, struct overlay_set *s)
{
    if (tree_layout(t, layout, 1, &err) < 0 || overlay_hold(s, t, &err) < 0)
        return -1;
    struct tree_writer *w = writer_of(t, 0, false);
    CHECK(put_text(w, "bin/tool", "packaged") == 0 && put_to(w, "usr/bin/same", TREE_HARD, "bin/tool") == 0);
    CHECK(put_text(w, "etc/conf", "packaged") == 0 && put_dir(w, "etc/d") == 0);
    if (tree_writer_finish(&w, &err) < 0 || tree_settle(t, &err) < 0)
        return -1;
    return overlay_put(s, t, &err);
}

static char *into_dir(struct overlay_set *s)
{
    struct tree *t = tree_at("root");
    char *got = fill(t, s) == 0 ? list_root(tree_fd(t)) : NULL;
    tree_close(t);
    return got;
}

static char *into_tar(struct overlay_set *s)
{
    static const struct tarball_opts o = {.jobs = 1};
    struct tree *t = NULL;
    struct tarball *tb = NULL;
    if (tarball_open(&tb, in_scratch("out.tar"), &o, &err) < 0 ||
        tree_open_tar(&t, tb, in_scratch("out.tar"), NULL, &err) < 0)
        abort();
    tree_set_epoch(t, EPOCH);
    bool made = fill(t, s) == 0 && tree_seal(t, true, &err) == 0;
    tree_close(t);
    tarball_close(tb);
    if (!made)
        return NULL;
    sh("mkdir x && tar -C x --delay-directory-restore --xattrs --xattrs-include='*' -xpf out.tar");
    AUTO_FD fd = open(in_scratch("x"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return list_root(fd);
}

static struct overlay_set *open_these(const char *a, const char *b)
{
    const char *names[] = {in_scratch(a), b != NULL ? in_scratch(b) : NULL};
    struct overlay_set *s = NULL;
    int rc = overlay_open(&s, names, b != NULL ? 2 : 1, NULL, &err);
    CHECK((rc == 0) == (s != NULL));
    return s;
}

/* The same on both back ends; free() it. NULL where it is an error, and then the same one. */
static char *apply(const char *a, const char *b)
{
    struct err first;
    struct overlay_set *s = open_these(a, b);
    if (s == NULL)
        return NULL;
    char *dir = into_dir(s);
    first = err;
    overlay_close(s);
    s = open_these(a, b);
    AUTO_MEM char *tar = into_tar(s);
    overlay_close(s);
    CHECK((dir == NULL) == (tar == NULL));
    if (dir != NULL && tar != NULL)
        CHECK_STR(tar, dir);
    else if (strcmp(first.msg, err.msg) != 0)
        CHECK_STR(err.msg, first.msg);
    return dir;
}

/* The line of a path in the listing is this, from its content on. */
static void holds(const char *list, const char *line)
{
    bool found = list != NULL && strstr(list, line) != NULL;
    CHECK(found);
    if (!found)
        printf("# no `%s' in:\n%s", line, list ? list : err.msg);
}

static bool lacks(const char *list, const char *part)
{
    return list != NULL && strstr(list, part) == NULL;
}

static void directory(void)
{
    if (geteuid() != 0)
        SKIP("not root");
    scratch_new();
    sh("mkdir -p o/bin o/new/deep o/etc/d && echo over >o/bin/tool && chmod 4711 o/bin/tool && chmod 700 "
       "o/etc/d && "
       "touch -d @123 o/bin/tool && ln o/bin/tool o/new/deep/z && ln o/bin/tool o/new/a && ln -s ../x "
       "o/new/l && "
       "mkfifo o/new/p && chown -R 7:8 o && chmod 4711 o/bin/tool && touch -d @4000000000 o/new/deep && "
       "touch -d @123 o/new");
    AUTO_MEM char *list = apply("o", NULL);
    holds(list, "etc/d 040755 0:0 1000000000\n");
    holds(list, "new 040755 0:0 123\n");
    holds(list, "new/a 104711 0:0 123 \"over\n\" 5 = new/a\n");
    holds(list, "new/deep 040755 0:0 1000000000\n");
    holds(list, "new/deep/z 104711 0:0 123 \"over\n\" 5 = new/a\n");
    holds(list, "new/l 120777 0:0 1000000000 -> ../x\nnew/p 010644");
    holds(list, "usr/bin/same 100644 0:0 1000000000 \"packaged\" 8\nusr/bin/tool 104711 0:0 123 \"over\n\" 5 "
                "= new/a\n");
    CHECK(lacks(list, ".zonestrap-new"));
}

static void names_of_one_file(void)
{
    if (geteuid() != 0)
        SKIP("not root");
    scratch_new();
    /* The first name is another overlay's in the end: the others still are one file. */
    sh("mkdir -p a b && echo one >a/f1 && ln a/f1 a/f2 && ln a/f1 a/f3 && echo two >b/f1 && "
       "tar -C a -cf a.tar ./f3 ./f1 ./f2");
    AUTO_MEM char *dirs = apply("a", "b");
    sh("rm -rf x out.tar");
    AUTO_MEM char *tars = apply("a.tar", "b");
    holds(dirs, "f3");
    CHECK_STR(tars, dirs);
    sh("rm -rf x out.tar && rm a/f2 a/f3 && echo new >a/f3 && ln a/f3 a/f2 && tar -C a -rf a.tar ./f3 ./f2");
    /* Of a tar's entries with one path the last counts, for hard links the last before. */
    AUTO_MEM char *again = apply("a.tar", NULL);
    sh("rm -rf x out.tar");
    AUTO_MEM char *want = apply("a", NULL);
    CHECK_STR(again, want);
}

static void child_before_parent(void)
{
    if (geteuid() != 0)
        SKIP("not root");
    scratch_new();
    sh("mkdir -p a/n/m && echo x >a/n/m/f && chmod 2750 a/n && chmod 711 a/n/m && touch -d @1000 a/n a/n/m "
       "&& "
       "tar -C a --no-recursion --owner=u:5 --group=g:6 -cf a.tar n/m/f n/m n");
    AUTO_MEM char *list = apply("a.tar", NULL);
    holds(list, "n 042750 5:6 1000\n");
    holds(list, "n/m 040711 5:6 1000\n");
}

static void fails(const char *a, const char *b, enum err_class class, const char *part)
{
    AUTO_MEM char *list = NULL;
    sh("rm -rf x out.tar");
    list = apply(a, b);
    bool good = list == NULL && err.class == class && strstr(err.msg, part) != NULL &&
                strstr(err.msg, "--overlay") != NULL;
    CHECK(good);
    if (!good)
        printf("# %s: %d %s\n", a, err.class, list ? "accepted" : err.msg);
}

static void conflicts(void)
{
    if (geteuid() != 0)
        SKIP("not root");
    scratch_new();
    sh("mkdir -p a/etc/conf/x b/etc c/zonestrap d/y/.zonestrap-new e/x f g/bin && : >b/etc/d && : "
       ">c/zonestrap/plan && "
       ": >d/y/.zonestrap-new/f && : >e/x/y && ln -s /etc f/x && ln -s elsewhere g/bin/tool && : >n && "
       "mknod g/null c 1 3");
    fails("a", NULL, ERR_FORMAT, "etc/conf: a directory cannot take the place of the root's file");
    fails("b", NULL, ERR_FORMAT, "etc/d: a file cannot take the place of the root's directory");
    fails("c", NULL, ERR_FORMAT, "zonestrap: this name is zonestrap's own");
    fails("d", NULL, ERR_FORMAT, "y/.zonestrap-new: this name is zonestrap's own");
    fails("e", "f", ERR_FORMAT, "/x: a directory of ");
    fails("f", "e", ERR_FORMAT, "/x: a file of ");
    fails("g", NULL, ERR_FORMAT, "null: a device node");
    fails("n", NULL, ERR_FORMAT, "no tar archive");
    fails("none", NULL, ERR_HOST, "No such file");
    sh("rm g/null");
    sh("rm -rf x out.tar");
    AUTO_MEM char *list = apply("g", NULL);
    holds(list, "usr/bin/tool");
}

static void changed_meanwhile(void)
{
    if (geteuid() != 0)
        SKIP("not root");
    scratch_new();
    sh("mkdir a && echo long >a/f && tar -C a -cf a.tar f");
    struct overlay_set *s = open_these("a", NULL);
    sh("echo >a/f");
    CHECK(into_dir(s) == NULL && err.class == ERR_FORMAT &&
          strstr(err.msg, "f: its content is shorter") != NULL);
    overlay_close(s);
    s = open_these("a.tar", NULL);
    sh("mv a/f a/g; tar -C a -cf b.tar g; cat b.tar >a.tar");
    CHECK(into_dir(s) == NULL && err.class == ERR_HOST &&
          strstr(err.msg, "changed while it was read") != NULL);
    overlay_close(s);
}

/* Much of what little is compressed to: a header, a hole. */
static void much_of_little(void)
{
    scratch_new();
    sh("python3 -c \"import gzip, tarfile; i = tarfile.TarInfo('x'); i.pax_headers = {'a': 'b' * 10000000}; "
       "gzip.open('large.tar.gz', 'wb').write(i.tobuf(tarfile.PAX_FORMAT))\"");
    struct overlay_set *s = open_these("large.tar.gz", NULL);
    CHECK(s == NULL && err.class == ERR_FORMAT && strstr(err.msg, "large.tar.gz: ") != NULL);
    overlay_close(s);
    sh("truncate -s 12G big && tar -S -cf big.tar big");
    s = open_these("big.tar", NULL);
    CHECK(s == NULL && err.class == ERR_FORMAT && strstr(err.msg, "big: expands to more than") != NULL);
    overlay_close(s);
}

/* Bad tars of other projects' tests: an error that names the tar, or a root with what is in it. */
static void hostile(void)
{
    char pattern[2000], *path;
    size_t n = 0, bad = 0;
    if (geteuid() != 0)
        SKIP("not root");
    scratch_new();
    snprintf(pattern, sizeof pattern,
             "ls %s/evil/traversal/tar/*.tar %s/evil/tar-rs/*.tar %s/evil/zip-slip/*.tar 2>/dev/null",
             test_data(), test_data(), test_data());
    FILE *f = popen(pattern, "r");
    char line[4096];
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        struct overlay_set *s = NULL;
        line[strcspn(line, "\n")] = '\0';
        path = line;
        const char *names[] = {path};
        n++;
        int rc = overlay_open(&s, names, 1, NULL, &err);
        struct tree *t = rc == 0 ? tree_at("root") : NULL;
        rc = rc == 0 ? fill(t, s) : -1;
        tree_close(t);
        overlay_close(s);
        bad += rc < 0;
        CHECK(rc == 0 || (err.class == ERR_FORMAT && strstr(err.msg, path) != NULL));
        CHECK(absent(in_scratch("../x")) && absent(in_scratch("root")));
    }
    if (f != NULL)
        pclose(f);
    if (n == 0)
        SKIP("no test data");
    CHECK(bad >= 5 && n > bad);
}

int main(void)
{
    RUN(directory);
    RUN(names_of_one_file);
    RUN(child_before_parent);
    RUN(conflicts);
    RUN(changed_meanwhile);
    RUN(much_of_little);
    RUN(hostile);
    scratch_remove();
    return test_done();
}
