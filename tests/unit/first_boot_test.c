/* The script takes the place of init, in every layout. */
#include "pkgfmt/first_boot.h"

#include "tests/unit/tree_help.h"

static struct tree *t;
static struct arena a;

/* A root with these links of a layout and these files, each `path` or `path>link`. */
static void make(const struct tree_layout *layout, size_t nlayout, const char *const *files)
{
    scratch_new();
    t = tree_at("root");
    CHECK(tree_layout(t, layout, nlayout, &err) == 0);
    struct tree_writer *w = writer_of(t, 1, false);
    for (; *files != NULL; files++) {
        struct str rest = str_c(*files), path;
        str_cut(&rest, '>', &path);
        const char *name = arena_str(&a, path);
        CHECK(rest.n > 0 ? put_to(w, name, TREE_LINK, rest.p) == 0 : put_text(w, name, name) == 0);
    }
    tree_writer_close(w);
    CHECK(tree_settle(t, &err) == 0);
}

/* All paths that the package manager must not write, in order. */
static const char *take(void)
{
    static struct buf b;
    const char **owned;
    size_t n;
    buf_clear(&b);
    if (first_boot_take(t, &a, &owned, &n, &err) < 0)
        return err.msg;
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%s", i > 0 ? " " : "", owned[i]);
    return buf_c(&b);
}

static const char *what(const char *path)
{
    static struct buf b;
    struct tree_entry en;
    buf_clear(&b);
    int r = tree_stat(t, path, &a, &en, &err);
    if (r == 0 && en.type == TREE_LINK)
        return arena_str(&a, en.link);
    r = r == 0 ? tree_read(t, path, 1 << 20, &b, &err) : r;
    if (r != 0)
        return r == 1 ? "absent" : err.msg;
    bool ours = str_starts(buf_view(&b), STR("#!/bin/sh\n# zonestrap: stands in for init"));
    return ours ? en.mode == 0755 ? "script" : "script, not to be run" : buf_c(&b);
}

static const struct tree_layout merged[] = {{"sbin", "usr/sbin"}, {"lib", "usr/lib"}};

static void merged_systemd(void)
{
    make(merged, 2,
         (const char *const[]){"./sbin/init>../lib/systemd/systemd", "./lib/systemd/systemd", NULL});
    CHECK_STR(take(), "/sbin/init /usr/sbin/init /lib/systemd/systemd /usr/lib/systemd/systemd");
    CHECK_STR(what("/usr/sbin/init"), "script");
    CHECK_STR(what("/usr/sbin/init.zonestrap"), "../lib/systemd/systemd");
    CHECK_STR(what("/usr/lib/systemd/systemd"), "script");
    CHECK_STR(what("/usr/lib/systemd/systemd.zonestrap"), "./lib/systemd/systemd");
    tree_close(t);
}

static void split_systemd(void)
{
    make(NULL, 0,
         (const char *const[]){"./sbin/init>/lib/systemd/systemd", "./lib/systemd/systemd",
                               "./usr/lib/systemd/other", NULL});
    CHECK_STR(take(), "/sbin/init /lib/systemd/systemd");
    CHECK_STR(what("/sbin/init.zonestrap"), "/lib/systemd/systemd");
    CHECK_STR(what("/lib/systemd/systemd.zonestrap"), "./lib/systemd/systemd");
    CHECK_STR(what("/usr/lib/systemd/systemd"), "absent");
    tree_close(t);
}

static void sysvinit(void)
{
    make(merged, 2, (const char *const[]){"./sbin/init", NULL});
    CHECK_STR(take(), "/sbin/init /usr/sbin/init");
    CHECK_STR(what("/sbin/init"), "script");
    CHECK_STR(what("/sbin/init.zonestrap"), "./sbin/init");
    CHECK_STR(what("/usr/lib/systemd"), "absent");
    tree_close(t);
}

static void none(void)
{
    make(merged, 2, (const char *const[]){"./usr/bin/sh", "./usr/sbin/x", NULL});
    CHECK_STR(take(), "/sbin/init /usr/sbin/init");
    CHECK_STR(what("/sbin/init"), "script");
    CHECK_STR(what("/sbin/init.zonestrap"), "absent");
    tree_close(t);
}

/* A package that ships a directory where the kept init goes. */
static void in_the_way(void)
{
    make(merged, 2, (const char *const[]){"./sbin/init", "./sbin/init.zonestrap/x", NULL});
    CHECK(strstr(take(), "/sbin/init: cannot be renamed") != NULL && err.class == ERR_HOST);
    tree_close(t);
}

int main(void)
{
    if (geteuid() != 0) {
        printf("skipped - first_boot: needs root, as owners are set\n");
        return 0;
    }
    RUN(merged_systemd);
    RUN(split_systemd);
    RUN(sysvinit);
    RUN(none);
    RUN(in_the_way);
    arena_free(&a);
    scratch_remove();
    return test_done();
}
