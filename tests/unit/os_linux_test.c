/* What Linux offers, and a kernel or a container without openat2. */
#define _GNU_SOURCE
#include "base/os.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/unit/tree_help.h"

static bool forbid_openat2(int errnum)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)errnum),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {sizeof code / sizeof *code, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0;
}

static void open_below(void)
{
    AUTO_FD root = open(in_scratch("r"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    static const struct {
        const char *path;
        int fine;
    } rows[] = {{".", 1},      {"a", 1},      {"a/b", 1}, {"link", 0},   {"a/up", 0}, {"link/b", 0},
                {"a/file", 0}, {"../r/a", 0}, {"/", 0},   {"a/none", 0}, {"", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_FD fd = os_open_dir_below(root, rows[i].path);
        if ((fd >= 0) != rows[i].fine)
            printf("# `%s'\n", rows[i].path);
        CHECK((fd >= 0) == rows[i].fine);
    }
    AUTO_FD link = os_open_dir_below(root, "link");
    CHECK(link < 0 && (errno == ELOOP || errno == ENOTDIR));
    AUTO_FD sub = os_open_subdir(root, "a"), no = os_open_subdir(root, "link");
    CHECK(sub >= 0 && no < 0);
    struct tree *t = tree_at("root");
    struct tree_writer *w = writer_of(t, 1, false);
    CHECK(put_text(w, "a/b/c/d", "x") == 0 && put_to(w, "l", TREE_LINK, "a") == 0);
    CHECK(tree_settle(t, &err) == 0);
    CHECK(symlinkat(scratch, tree_fd(t), "planted") == 0 && put_text(w, "planted/x", "x") == -1);
    CHECK(absent(in_scratch("x")));
    tree_writer_close(w);
    tree_close(t);
    CHECK(absent(in_scratch(".root.zonestrap-partial")));
}

static void below_enosys(void)
{
    if (!forbid_openat2(ENOSYS))
        _exit(77);
    open_below();
}

static void below_eperm(void)
{
    if (!forbid_openat2(EPERM))
        _exit(77);
    open_below();
}

static void no_link_on_the_way(void)
{
    scratch_new();
    CHECK(mkdir(in_scratch("r"), 0755) == 0 && mkdir(in_scratch("r/a"), 0755) == 0);
    CHECK(mkdir(in_scratch("r/a/b"), 0755) == 0 && symlink("a", in_scratch("r/link")) == 0);
    CHECK(symlink("..", in_scratch("r/a/up")) == 0);
    host_write(in_scratch("r/a/file"), "");
    open_below();
    if (!in_child(below_enosys) || !in_child(below_eperm))
        SKIP("no seccomp here: only the way with openat2 was tried");
}

static void renaming(void)
{
    scratch_new();
    AUTO_FD fd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(mkdir(in_scratch("a"), 0755) == 0 && mkdir(in_scratch("b"), 0755) == 0);
    CHECK(os_rename_new(fd, "a", "b") == -1 && errno == EEXIST);
    CHECK(os_rename_new(fd, "a", "c") == 0 && absent(in_scratch("a")));
    CHECK(os_rename_new(fd, "a", "d") == -1 && errno == ENOENT);
}

static void machine(void)
{
    CHECK(os_cpus() >= 1 && os_cpus() <= (unsigned)sysconf(_SC_NPROCESSORS_CONF));
    uint32_t major = 0, minor = 0;
    os_devnums(os_makedev(259, 70000), &major, &minor);
    CHECK(major == 259 && minor == 70000);
    AUTO_FD fd = open("/", O_RDONLY | O_CLOEXEC);
    char value[8];
    CHECK(os_get_xattr(fd, "user.zonestrap-none", value, sizeof value) == -1);
}

static void attributes_by_name(void)
{
    char names[256], value[16];
    scratch_new();
    AUTO_FD dir = open(scratch, O_RDONLY | O_DIRECTORY);
    AUTO_FD fd = openat(dir, "f", O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0);
    if (os_set_xattr_at(dir, "f", "user.a", "12", 2) < 0)
        SKIP("the file system has no extended attributes");
    CHECK(os_list_xattr_at(dir, "f", names, sizeof names) >= 7 &&
          os_get_xattr_at(dir, "f", "user.a", value, 16) == 2);
    CHECK(os_get_xattr_at(dir, "f", "user.b", value, 16) < 0 && errno == ENODATA);
    CHECK(os_get_xattr_at(dir, "none", "user.b", value, 16) < 0 && errno == ENOENT);
}

static void data_and_holes(void)
{
    uint64_t start = 9, end = 9;
    scratch_new();
    AUTO_FD fd = open(in_scratch("f"), O_RDWR | O_CREAT, 0600);
    CHECK(os_next_data(fd, 0, &start, &end) == 0);
    CHECK(pwrite(fd, "x", 1, 8 << 20) == 1 && ftruncate(fd, 16 << 20) == 0);
    CHECK(os_next_data(fd, 0, &start, &end) == 1);
    CHECK(start <= 8 << 20 && end > 8 << 20 && end <= 16 << 20);
    CHECK(os_next_data(fd, 16 << 20, &start, &end) == 0);
    CHECK(os_next_data(-1, 0, &start, &end) < 0);
}

static void mounts(void)
{
    AUTO_BUF path = {0};
    struct err e = {0};
    scratch_new();
    CHECK(os_is_mount("/proc") && !os_is_mount("/pro") && !os_is_mount(scratch));
    CHECK(os_mount_below(scratch, &path, &e) == 0 && path.n == 0);
    if (geteuid() != 0)
        SKIP("needs root");
    mkdir(in_scratch("a b"), 0755);
    char line[8192];
    snprintf(line, sizeof line, "mount -t tmpfs none '%s'", in_scratch("a b"));
    if (system(line) != 0)
        SKIP("cannot mount here");
    CHECK(os_is_mount(in_scratch("a b")) && os_mount_below(scratch, &path, &e) == 1);
    CHECK_STR(buf_c(&path), in_scratch("a b"));
    CHECK(os_mount_below(in_scratch("a b"), &path, &e) == 0 &&
          os_mount_below(in_scratch("a"), &path, &e) == 0);
    snprintf(line, sizeof line, "umount '%s'", in_scratch("a b"));
    CHECK(system(line) == 0);
}

int main(void)
{
    if (geteuid() != 0) {
        printf("skipped - os_linux: needs root, as owners are set\n");
        return 0;
    }
    RUN(no_link_on_the_way);
    RUN(renaming);
    RUN(machine);
    RUN(attributes_by_name);
    RUN(data_and_holes);
    RUN(mounts);
    scratch_remove();
    return test_done();
}
