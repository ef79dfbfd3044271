/* cmd/zone/linux*.c: what the zone sees and can do. Needs root, and a static busybox to make a root of. */
#include "tests/unit/zone_help.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>

static void exit_status(void)
{
    NEEDS_ROOT;
    CHECK(run("exit 7") == 0 && status == 7);
    CHECK(run("true") == 0 && status == 0);
    CHECK(run("kill -9 $$") == 0 && status == 128 + SIGKILL);
    CHECK(run("kill -TERM $$") == 0 && status == 128 + SIGTERM);
    CHECK(run("echo one; echo two >&2") == 0);
    CHECK_STR(buf_c(&out), "one\ntwo\n");
    CHECK(run("head -c 3000000 /dev/zero | tr '\\0' x") == 0 && out.n == 3000000);
}

static void output_fd(void)
{
    NEEDS_ROOT;
    char name[] = "/tmp/zone-out.XXXXXX", text[32] = "";
    int fd = mkstemp(name);
    const char *const argv[] = {"sh", "-c", "echo file; cat; pwd", NULL};
    const struct zone_opts o = {.root = root, .argv = argv, .env = plain_env, .output_fd = fd};
    CHECK(zone_run(&o, &status, &err) == 0 && status == 0);
    CHECK(pread(fd, text, sizeof text - 1, 0) > 0);
    CHECK_STR(text, "file\n/\n");
    close(fd);
    unlink(name);
}

static void environment(void)
{
    NEEDS_ROOT;
    static const char *const argv[] = {"env", NULL};
    setenv("ZONE_TEST_SECRET", "of-the-host", 1);
    CHECK(run_opts((struct zone_opts){.argv = argv}, NULL) == 0);
    CHECK_STR(buf_c(&out), "PATH=/bin\nGREETING=hello\n");
    /* Nor what the host gave pid 1's program when it started. */
    CHECK(run("tr -d '\\0' </proc/1/environ | wc -c") == 0);
    CHECK_STR(buf_c(&out), "0\n");
    CHECK(run("umask; id -G; pwd; hostname") == 0);
    CHECK_STR(buf_c(&out), "0022\n0\n/\nzone\n");
    static const char *const state[] = {"grep", "-E", "^(NoNewPrivs|Sig(Blk|Ign)):", "/proc/self/status",
                                        NULL};
    signal(SIGINT, SIG_IGN);
    CHECK(run_opts((struct zone_opts){.argv = state}, NULL) == 0);
    signal(SIGINT, SIG_DFL);
    CHECK_STR(buf_c(&out), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nNoNewPrivs:\t0\n");
}

static void descriptors(void)
{
    NEEDS_ROOT;
    int leak = open("/", O_RDONLY | O_DIRECTORY);
    CHECK(dup2(leak, 77) == 77 && dup2(leak, 900) == 900);
    CHECK(run("for p in self 1; do for f in /proc/$p/fd/*; do readlink $f; done; done | sed 's/:.*//' | sort "
              "| uniq -c"
              " | sed 's/^ *//'") == 0);
    /* Of the shell that expands: its three; of pid 1: two pipes. */
    CHECK(!said(" /\n") && said("1 /dev/null\n") && said("pipe\n"));
    CHECK(run("ls /proc/1/fd | wc -l") == 0);
    CHECK_STR(buf_c(&out), "2\n");
    close(leak);
    close(77);
    close(900);
}

static void messages(void)
{
    NEEDS_ROOT;
    static const char *const missing[] = {"no-such-program", NULL}, *const path[] = {"/bin/none", NULL};
    static const char *const script[] = {"script", NULL}, *const foreign[] = {"/bin/foreign", NULL};
    static const char *const plain[] = {"/etc/passwd", NULL}, *const loader[] = {"loader", NULL};
    CHECK(run_opts((struct zone_opts){.argv = missing}, NULL) == -1 && err.class == ERR_HOST);
    CHECK(strstr(err.msg, "no-such-program: no such program in the zone's PATH (/bin)") != NULL);
    CHECK(run_opts((struct zone_opts){.argv = path}, NULL) == -1 && err.class == ERR_HOST);
    CHECK(strstr(err.msg, "cannot run /bin/none: No such file") != NULL);
    put_file(root, "bin/script", "#!/usr/bin/lost -x\n", 0755);
    CHECK(run_opts((struct zone_opts){.argv = script}, NULL) == -1);
    CHECK(strstr(err.msg, "/bin/script: its interpreter /usr/bin/lost is missing in the root") != NULL);
    put_file(root, "bin/foreign", "\177ELF\2\1\1xxxxxxxxxxx", 0755);
    CHECK(run_opts((struct zone_opts){.argv = foreign}, NULL) == -1);
    CHECK(strstr(err.msg, "/bin/foreign: this host cannot run it") != NULL);
    CHECK(run_opts((struct zone_opts){.argv = plain}, NULL) == -1);
    CHECK(strstr(err.msg, "cannot run /etc/passwd: Permission denied") != NULL);
    host_shell("cp /bin/sh %s/bin/loader", root); /* dynamically linked, and no loader in the root */
    CHECK(run_opts((struct zone_opts){.argv = loader}, NULL) == -1);
    CHECK(strstr(err.msg, "/bin/loader: its interpreter /lib") != NULL);
}

static void devices(void)
{
    NEEDS_ROOT;
    CHECK(run("ls /dev /dev/shm; readlink /dev/ptmx; cat /dev/null; head -c 4 /dev/urandom | wc -c") == 0);
    CHECK_STR(buf_c(&out),
              "/dev:\nconsole\nfd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\n"
              "zero\n\n/dev/shm:\npts/ptmx\n4\n");
    CHECK(run("mknod /tmp/disk b 1 0") == 0 && status != 0);
    /* One that is in the root already is no way in either: 7:0 is a loop device, 1:3 the null device. */
    host_shell("rm -f %s/tmp/n; mknod -m 666 %s/tmp/n c 1 3", root, root);
    CHECK(run("cat /tmp/n") == 0 && status != 0 && said("Permission denied"));
    CHECK(run("mount -o remount,bind,dev / && cat /tmp/n") == 0 && status != 0);
    host_shell("rm -f %s/tmp/n", root);
}

static void kernel_files(void)
{
    NEEDS_ROOT;
    CHECK(
        run("for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/mtrr"
            " /sys/power/state /sys/kernel/uevent_helper; do [ ! -e $f ] || ! echo h >$f || echo wrote $f; "
            "done 2>&1;"
            " echo end") == 0 &&
        said("end") && !said("wrote"));
    /* The zone's root may not lift the protection: its mounts are locked. */
    CHECK(run("umount /proc/sys; mount -o remount,rw,bind /proc/sys; mount -o remount,rw /sys; "
              "mount -o remount,rw,bind /sys; mount -t proc proc /tmp; mount -t sysfs sysfs /tmp;"
              " echo x >/proc/sys/kernel/domainname || echo refused") == 0 &&
          said("refused"));
    CHECK(run("touch /sys/x || echo refused") == 0 && said("refused"));
    CHECK(run("date -s 2001-01-01 2>&1") == 0 && said("not permitted") && time(NULL) > 1100000000);
}

static void names(void)
{
    NEEDS_ROOT;
    char before[128] = "", after[128] = "";
    gethostname(before, sizeof before - 1);
    CHECK(run_opts((struct zone_opts){.hostname = "inner"}, "hostname; hostname changed; hostname") == 0);
    CHECK_STR(buf_c(&out), "inner\nchanged\n");
    gethostname(after, sizeof after - 1);
    CHECK_STR(after, before);
}

static void network(void)
{
    NEEDS_ROOT;
    char host[64] = "";
    ssize_t n = readlink("/proc/self/ns/net", host, sizeof host - 1);
    CHECK(n > 0);
    CHECK(run("ls /sys/class/net; ping -c 1 -W 1 127.0.0.1 >/dev/null && echo up; readlink "
              "/proc/self/ns/net") == 0);
    CHECK(strncmp(buf_c(&out), "lo\nup\n", 6) == 0 && !said(host));
    put_file(root, "etc/resolv.conf", "of the root\n", 0644);
    CHECK(run_opts((struct zone_opts){.net = true}, "readlink /proc/self/ns/net; cat /etc/resolv.conf; "
                                                    "echo x >/etc/resolv.conf || echo refused") == 0);
    CHECK(said(host) && said("refused") && (access("/etc/resolv.conf", F_OK) != 0 || !said("of the root")));
    CHECK(run("cat /etc/resolv.conf") == 0);
    CHECK_STR(buf_c(&out), "of the root\n");
}

static void pid_one(void)
{
    NEEDS_ROOT;
    /* What ischroot(1) compares, and what can be seen there. */
    CHECK(run("[ $(stat -c %d:%i /) != $(stat -c %d:%i /proc/1/root/) ] && echo outside; ls /proc/1/root/ "
              "/proc/1/cwd/;"
              "touch /proc/1/root/x || echo refused") == 0);
    CHECK(said("outside\n/proc/1/cwd/:\nroot\n\n/proc/1/root/:\nroot\n") && said("refused"));
    CHECK(run("cat /proc/self/mountinfo | cut -d ' ' -f 5") == 0 && !said("/root"));
    CHECK(run("kill -9 1; kill -TERM 1; echo alive") == 0 && status == 0 && said("alive"));
    CHECK(run("(sleep 0.1 &) ; sleep 0.3; for s in /proc/[0-9]*/stat; do cut -d ' ' -f 3 $s; done "
              "2>/dev/null") == 0 &&
          !said("Z"));
}

static void setuid_programs(void)
{
    NEEDS_ROOT;
    host_shell("mkdir -p %s/suid && cp %s %s/suid/su && chmod 4755 %s/suid/su", root, busybox, root, root);
    CHECK(run_opts((struct zone_opts){.no_fsync = true},
                   "su nobody -c 'id -u; /suid/su root -c \"id -u\"'") == 0);
    CHECK_STR(buf_c(&out), "65534\n0\n");
}

static void no_fsync(void)
{
    NEEDS_ROOT;
    /* fsync of a device answers EINVAL, if it gets that far. */
    const char *line =
        "dd if=/dev/null of=/dev/null conv=fsync 2>&1; echo $?; grep Seccomp: /proc/self/status";
    CHECK(run(line) == 0 && said("Invalid argument") && said("Seccomp:\t0"));
    CHECK(run_opts((struct zone_opts){.no_fsync = true}, line) == 0 && !said("Invalid") &&
          said("\n0\nSeccomp:\t2"));
}

static void reboots(void)
{
    NEEDS_ROOT;
    CHECK(run("poweroff -f; sleep 5; echo still") == 0 && status == 128 + SIGINT && !said("still"));
    CHECK(run("reboot -f; sleep 5; echo still") == 0 && status == 128 + SIGHUP && !said("still"));
    CHECK(run("mount -o remount,ro / || echo refused") == 0 && said("refused"));
}

static void leaves_root_alone(void)
{
    NEEDS_ROOT;
    struct stat a, b;
    stat(root, &a);
    CHECK(run("touch /run/x /dev/x /dev/shm/x; ls -ld /run/lock; ls /run") == 0 && status == 0);
    CHECK(said("lock\nx\n"));
    stat(root, &b);
    CHECK(a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
          a.st_mode == b.st_mode);
    char path[PATH_MAX];
    static const char *const dirs[] = {"run/x", "dev/x", "dev/null", "proc/1", "sys/class"};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        snprintf(path, sizeof path, "%s/%s", root, dirs[i]);
        CHECK(access(path, F_OK) != 0);
    }
}

static void hostile_roots(void)
{
    NEEDS_ROOT;
    static const char *const names_[] = {"proc", "sys", "dev", "run"};
    char evil[96], path[128];
    snprintf(evil, sizeof evil, "%s/evil", outside);
    for (size_t i = 0; i < 4; i++) {
        host_shell("rm -rf %s", evil);
        make_root(evil);
        snprintf(path, sizeof path, "%s/%s", evil, names_[i]);
        host_shell("rm -r %s && mkdir -p %s/target && ln -s %s/target %s", path, outside, outside, path);
        CHECK(run_opts((struct zone_opts){.root = evil}, "echo ran") == -1 && err.class == ERR_HOST &&
              out.n == 0);
        CHECK(strstr(err.msg, path) != NULL && strstr(err.msg, "not a directory") != NULL);
        unlink(path);
        CHECK(run_opts((struct zone_opts){.root = evil}, "echo ran") == -1 &&
              strstr(err.msg, "no such directory"));
        CHECK(access(path, F_OK) != 0);
    }
    host_shell("rm -rf %s", evil);
    make_root(evil);
    host_shell("rm -rf %s/etc && mkdir %s/etc && echo mine >%s/etc/resolv.conf && ln -s %s/etc %s/etc", evil,
               outside, outside, outside, evil);
    CHECK(run_opts((struct zone_opts){.root = evil, .net = true}, "echo ran") == 0 && said("ran"));
    CHECK(nothing_left(getpid()));
    CHECK(run_opts((struct zone_opts){.root = "/"}, "true") == -1 &&
          strstr(err.msg, "host's own root") != NULL);
    CHECK(run_opts((struct zone_opts){.root = "/no/such/root"}, "true") == -1 && err.sys == ENOENT);
    CHECK(run_opts((struct zone_opts){.root = "/etc/passwd"}, "true") == -1 && err.class == ERR_HOST);
}

static void cgroups(void)
{
    NEEDS_ROOT;
    CHECK(run("cat /proc/self/cgroup") == 0);
    struct buf own = {0};
    struct err e = {0};
    CHECK(file_read("/proc/self/cgroup", 65536, &own, &e) == 0);
    struct str rest = buf_view(&out), line;
    int lines = 0;
    while (str_line(&rest, &line)) /* in its own namespace, the zone is at the top of each */
        lines += str_ends(line, STR(":/"));
    rest = buf_view(&own);
    while (str_line(&rest, &line))
        lines--;
    CHECK(lines == 0);
    buf_free(&own);
}

int main(void)
{
    make_place();
    RUN(exit_status);
    RUN(output_fd);
    RUN(environment);
    RUN(descriptors);
    RUN(messages);
    RUN(devices);
    RUN(kernel_files);
    RUN(names);
    RUN(network);
    RUN(pid_one);
    RUN(setuid_programs);
    RUN(no_fsync);
    RUN(reboots);
    RUN(leaves_root_alone);
    RUN(hostile_roots);
    RUN(cgroups);
    remove_place();
    return test_done();
}
