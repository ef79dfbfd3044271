/* cmd/zone/linux*.c: what hosts allow or refuse, and what a zone must not reach. Needs root, and a static
 * busybox to make a root of. */
#define _GNU_SOURCE /* unshare(2) */
#include "tests/unit/zone_help.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

static void supported(void)
{
    NEEDS_ROOT;
    char dir[96];
    snprintf(dir, sizeof dir, "%s/binfmt", outside);
    mkdir(dir, 0755);
    const char *aarch64 = "interpreter /usr/bin/qemu\nflags: %s\noffset 0\n"
                          "magic 7f454c460201010000000000000000000200b700\n"
                          "mask ffffffffffffff00fffffffffffffffffeffffff\n";
    CHECK(linux_binfmt(dir, "aarch64", &err) == -1 && strstr(err.msg, "not mounted") != NULL);
    put_file(dir, "status", "enabled\n", 0644);
    CHECK(linux_binfmt(dir, "aarch64", &err) == -1 && strstr(err.msg, "no interpreter") != NULL);
    struct buf text = {0};
    for (int i = 0; i < 3; i++) {
        static const char *const state[] = {"disabled", "enabled", "enabled"}, *const flags[] = {"F", "OC",
                                                                                                 "OCF"};
        buf_clear(&text);
        buf_printf(&text, "%s\n", state[i]);
        buf_puts(&text, aarch64);
        char *flag = strstr(text.p, "%s");
        struct buf whole = {0};
        buf_add(&whole, text.p, (size_t)(flag - text.p));
        buf_puts(&whole, flags[i]);
        buf_puts(&whole, flag + 2);
        put_file(dir, "emulator", buf_c(&whole), 0644);
        buf_free(&whole);
        int r = linux_binfmt(dir, "aarch64", &err);
        CHECK(i == 2 ? r == 0 : r == -1 && err.class == ERR_HOST);
        CHECK(i == 2 || strstr(err.msg, i == 0 ? "disabled" : "without the flag F") != NULL);
    }
    buf_free(&text);
    CHECK(linux_binfmt(dir, "riscv64", &err) == -1 && linux_binfmt(dir, "pdp11", &err) == -1);
    FILE *f = popen("uname -m", "r");
    char own[32] = "";
    CHECK(f != NULL && fscanf(f, "%31s", own) == 1);
    pclose(f);
    CHECK(zone_supported(own, &err) == 0);
}

/* An emulator that says what it was asked to run; binfmt_misc of a user namespace of the test's own
 * (Linux 6.7). */
static int foreign_program(void)
{
    static const char *const argv[] = {"/bin/foreign-hello", "world", NULL};
    static const char header[64] = "\177ELF\2\2\1\0\0\0\0\0\0\0\0\0\0\2\0\26"; /* s390x */
    static const char magic[] =
        "\\x7fELF\\x02\\x02\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x16";
    char path[128], text[512];
    int go = -1, st = 1;
    pid_t pid = map_all_ids(&go);
    int r = unshare(CLONE_NEWUSER | CLONE_NEWNS);
    close(go);
    if (pid < 0 || waitpid(pid, &st, 0) != pid || st != 0 || r != 0 ||
        mount("binfmt_misc", "/proc/sys/fs/binfmt_misc", "binfmt_misc", 0, NULL) != 0)
        return 77;
    CHECK(linux_binfmt("/proc/sys/fs/binfmt_misc", "s390x", &err) == -1);
    host_shell("cp %s %s/echo", busybox, outside);
    snprintf(text, sizeof text, ":zone-test:M::%s::%s/echo:F", magic, outside);
    CHECK(write_file("/proc/sys/fs/binfmt_misc/register", text));
    CHECK(linux_binfmt("/proc/sys/fs/binfmt_misc", "s390x", &err) == 0);
    CHECK(zone_supported("s390x", &err) == 0);
    snprintf(path, sizeof path, "%s%s", root, argv[0]);
    int fd = open(path, O_WRONLY | O_CREAT, 0755);
    CHECK(fd >= 0 && write(fd, header, sizeof header) == (ssize_t)sizeof header);
    close(fd);
    CHECK(run_opts((struct zone_opts){.argv = argv}, NULL) == 0 && status == 0);
    CHECK_STR(buf_c(&out), "/bin/foreign-hello world\n");
    fflush(stdout);
    return test_failed_here;
}

static void emulator(void)
{
    NEEDS_ROOT;
    int st = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(foreign_program());
    CHECK(pid > 0 && waitpid(pid, &st, 0) == pid && WIFEXITED(st));
    if (WEXITSTATUS(st) == 77)
        SKIP("no binfmt_misc in a user namespace here");
    CHECK(WEXITSTATUS(st) == 0);
    CHECK(nothing_left(pid));
}

/* A host that refuses a kind of namespace, which is what a user namespace with a limit of its own is: 77 if
   it cannot be made, 0 if the message names the kind and the sysctl. */
static int refused_kind(const char *kind)
{
    char sysctl[64], want[64];
    snprintf(sysctl, sizeof sysctl, "/proc/sys/user/max_%s_namespaces", kind);
    snprintf(want, sizeof want, "refuses a %s namespace", kind);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !write_file("/proc/self/uid_map", "0 0 1") ||
        !write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/gid_map", "0 0 1") ||
        !write_file(sysctl, "0"))
        return 77;
    if (run("true") != -1 || err.class != ERR_HOST)
        return 1;
    return strstr(err.msg, want) != NULL && strstr(err.hint, sysctl + strlen("/proc/sys/user/")) != NULL ? 0
                                                                                                         : 2;
}

static void refusals(void)
{
    NEEDS_ROOT;
    static const char *const kinds[] = {"user", "net", "pid", "ipc", "uts", "cgroup"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int st = 0;
        pid_t pid = fork();
        if (pid == 0)
            _exit(refused_kind(kinds[i]));
        CHECK(pid > 0 && waitpid(pid, &st, 0) == pid && WIFEXITED(st));
        if (WEXITSTATUS(st) == 77)
            SKIP("no user namespace with limits of its own here");
        CHECK(WEXITSTATUS(st) == 0);
        CHECK(nothing_left(pid));
    }
}

/* Anything that was done to the file system below shows on the host. */
static void own_file_system(void)
{
    NEEDS_ROOT;
    char dir[96];
    snprintf(dir, sizeof dir, "%s/fs", outside);
    mkdir(dir, 0755);
    host_shell("truncate -s 32M %s.img", dir);
    struct buf line = {0};
    buf_printf(&line, "mkfs.ext4 -q %s.img 2>/dev/null && mount -o loop %s.img %s 2>/dev/null", dir, dir,
               dir);
    int r = system(buf_c(&line));
    buf_free(&line);
    if (r != 0)
        SKIP("no loop mounts here");
    make_root(dir);
    CHECK(run_opts((struct zone_opts){.root = dir},
                   "mount -o remount,ro /; umount -r /; mount -n -o remount,ro /dev/root /;"
                   "blockdev --setro /dev/loop0; poweroff -f") == 0 &&
          status == 128 + SIGINT);
    CHECK(put_file(dir, "written", "after\n", 0644));
    host_shell("umount %s", dir);
}

int main(void)
{
    make_place();
    RUN(supported);
    RUN(emulator);
    RUN(refusals);
    RUN(own_file_system);
    remove_place();
    return test_done();
}
