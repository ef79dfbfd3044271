/* What needs Linux to set up: full, read-only and mounted file systems, each in a child with mounts of its
   own; no root rights. */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/mount.h>

#include "tests/unit/tree_help.h"

static char warned[2048];
static unsigned warnings;

static void keep_warning(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    if (level != LOG_WARN)
        return;
    snprintf(warned, sizeof warned, "%s", text);
    warnings++;
}
static const struct log keeping = {.line = keep_warning};

/* In a child: mounts from here on are its own. */
static void own_mounts(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        _exit(77);
}

static void mount_here(const char *name, const char *type, const char *options)
{
    if ((mkdir(in_scratch(name), 0755) < 0 && errno != EEXIST) ||
        mount("test", in_scratch(name), type, 0, options) < 0)
        _exit(77);
}

static void fill(void)
{
    static char block[65536];
    own_mounts();
    mount_here("small", "tmpfs", "size=256k,mode=755");
    memset(block, 'x', sizeof block - 1);
    struct tree *t = tree_at("small/root");
    struct tree_writer *w = writer_of(t, 1, false);
    int rc = 0;
    for (int i = 0; rc == 0 && i < 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "f%d", i);
        rc = put_text(w, name, block);
    }
    CHECK(rc == -1 && err.class == ERR_HOST && err.sys == ENOSPC && strstr(err.msg, "one: f") != NULL);
    CHECK(err.hint[0] != '\0');
    CHECK(tree_write(t, "/etc/x", (struct str){block, sizeof block - 1}, 0644, 0, 0, &err) == -1);
    CHECK(err.class == ERR_HOST && err.sys == ENOSPC && strstr(err.msg, "/etc/x") != NULL);
    tree_writer_close(w);
    tree_close(t);
    CHECK(absent(in_scratch("small/root")) && absent(in_scratch("small/.root.zonestrap-partial")));
}

static void full_disk(void)
{
    scratch_new();
    if (!in_child(fill))
        SKIP("no mount namespace here");
}

static void try_read_only(void)
{
    struct tree *t = NULL;
    own_mounts();
    mount_here("ro", "tmpfs", "mode=755");
    if (mkdir(in_scratch("ro/empty"), 0755) < 0 ||
        mount(NULL, in_scratch("ro"), NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
        _exit(77);
    CHECK(tree_open_dir(&t, in_scratch("ro/root"), NULL, &err) == -1);
    CHECK(err.class == ERR_HOST && err.sys == EROFS && strstr(err.msg, "ro/root") && err.hint[0] != '\0');
    CHECK(tree_open_dir(&t, in_scratch("ro/empty"), NULL, &err) == -1);
    CHECK(err.class == ERR_HOST && err.sys == EROFS && strstr(err.msg, "ro/empty") && err.hint[0] != '\0');
    CHECK(tree_open_existing(&t, in_scratch("ro/empty"), NULL, &err) == 0);
    CHECK(tree_write(t, "/x", STR("x"), 0644, 0, 0, &err) == -1 && err.sys == EROFS);
    tree_close(t);
}

static void read_only(void)
{
    scratch_new();
    if (!in_child(try_read_only))
        SKIP("no mount namespace here");
}

/* A target that is a mount point is filled in place; what is mounted below a tree is never emptied. */
static void try_mounts(void)
{
    own_mounts();
    mount_here("mnt", "tmpfs", "mode=755");
    struct tree *t = tree_at("mnt");
    CHECK(tree_mkdir(t, "/proc", 0755, 0, 0, &err) == 0 && tree_mkdir(t, "/bind", 0755, 0, 0, &err) == 0);
    mount_here("mnt/proc", "tmpfs", "");
    host_write(in_scratch("mnt/proc/file"), "keep");
    CHECK(mkdir(in_scratch("mine"), 0755) == 0);
    host_write(in_scratch("mine/file"), "keep");
    CHECK(tree_remove(t, "/proc", &err) == -1 && strstr(err.msg, "is a mount point") != NULL);
    if (mount(in_scratch("mine"), in_scratch("mnt/bind"), NULL, MS_BIND, NULL) < 0)
        _exit(77);
    CHECK(tree_remove(t, "/bind", &err) == -1 && strstr(err.msg, "is a mount point") != NULL);
    tree_close(t);
    CHECK(!absent(in_scratch("mnt/proc/file")) && !absent(in_scratch("mine/file")));
}

static void mount_points(void)
{
    scratch_new();
    if (!in_child(try_mounts))
        SKIP("no mount namespace here");
    CHECK(!absent(in_scratch("mine/file")));
}

/* ramfs has no extended attributes: said once. */
static void try_no_xattrs(void)
{
    struct tree *t = NULL;
    struct tree_xattr x = {STR("user.note"), STR("text")};
    own_mounts();
    mount_here("ram", "ramfs", "mode=755");
    CHECK(tree_open_dir(&t, in_scratch("ram/root"), &keeping, &err) == 0);
    struct tree_writer *w = writer_of(t, 1, false);
    struct tree_entry a = entry("a", TREE_FILE), b = entry("b", TREE_FILE);
    a.xattrs = b.xattrs = &x;
    a.nxattrs = b.nxattrs = 1;
    CHECK(put_text_as(w, a, "a") == 0 && put_text_as(w, b, "b") == 0);
    CHECK(warnings == 1 && strstr(warned, "user.note") != NULL);
    tree_writer_close(w);
    tree_close(t);
}

static void no_extended_attributes(void)
{
    scratch_new();
    if (!in_child(try_no_xattrs))
        SKIP("no mount namespace here");
}

static void try_unprivileged(void)
{
    struct tree *t = NULL;
    if (chown(scratch, 65534, 65534) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
        _exit(77);
    CHECK(tree_open_dir(&t, in_scratch("root"), NULL, &err) == 0);
    struct tree_writer *w = writer_of(t, 1, false);
    struct tree_entry own = entry("own", TREE_FILE);
    own.uid = own.gid = 65534;
    CHECK(put_text_as(w, own, "mine") == 0);
    CHECK(put_text(w, "etc/shadow", "root's") == -1);
    CHECK(err.class == ERR_HOST && err.sys == EPERM &&
          strstr(err.msg, "one: etc/shadow: chown to 0:0") != NULL);
    CHECK(strstr(err.hint, "root") != NULL);
    tree_writer_close(w);
    tree_close(t);
    CHECK(absent(in_scratch(".root.zonestrap-partial")));
}

static void no_root_rights(void)
{
    scratch_new();
    if (!in_child(try_unprivileged))
        SKIP("cannot give rights up");
}

int main(void)
{
    if (geteuid() != 0) {
        printf("skipped - tree_linux: needs root, as it mounts\n");
        return 0;
    }
    RUN(full_disk);
    RUN(read_only);
    RUN(mount_points);
    RUN(no_extended_attributes);
    RUN(no_root_rights);
    scratch_remove();
    return test_done();
}
