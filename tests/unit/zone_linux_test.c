/* cmd/zone/linux*.c. Needs root, and a static busybox to make a root of. */
#define _GNU_SOURCE /* unshare(2) */
#include "tests/unit/test.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "cmd/zone/linux.h"

static const char *const busybox = "/bin/busybox";
static const char *skip_all;
static char place[64], root[72], outside[80];
static struct buf out;
static struct err err;
static int status;

static const char *const plain_env[] = {"PATH=/bin", "GREETING=hello", NULL};

static void collect(void *ctx, const char *p, size_t n)
{
    buf_add(ctx, p, n);
}

/* Runs a shell line as a zone: what it printed is in out, its end in status and err. */
static int run_opts(struct zone_opts o, const char *line)
{
    const char *const argv[] = {"/bin/sh", "-c", line, NULL};
    o.root = o.root ? o.root : root;
    o.argv = o.argv ? o.argv : argv;
    o.env = o.env ? o.env : plain_env;
    o.output = collect;
    o.ctx = &out;
    buf_clear(&out);
    err = (struct err){0};
    status = -1;
    return zone_run(&o, &status, &err);
}

static int run(const char *line)
{
    return run_opts((struct zone_opts){.root = NULL}, line);
}

static bool said(const char *what)
{
    return strstr(buf_c(&out), what) != NULL;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void host_shell(const char *fmt, ...)
{
    struct buf line = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&line, fmt, ap);
    va_end(ap);
    if (system(buf_c(&line)) != 0)
        printf("failed: %s\n", buf_c(&line));
    buf_free(&line);
}

static bool put_file(const char *dir, const char *name, const char *text, mode_t mode)
{
    struct err e = {0};
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return file_replace(path, str_c(text), mode, &e) == 0;
}

static void make_root(const char *dir)
{
    host_shell("mkdir -p %s/bin %s/etc %s/proc %s/sys %s/dev %s/run/lock %s/tmp && cp %s %s/bin/busybox && "
               "for a in $(%s --list); do [ $a = busybox ] || ln -s busybox %s/bin/$a; done",
               dir, dir, dir, dir, dir, dir, dir, busybox, dir, busybox, dir);
    put_file(dir, "etc/passwd", "root::0:0:root:/:/bin/sh\nnobody::65534:65534::/:/bin/sh\n", 0644);
    put_file(dir, "etc/group", "root:x:0:\nnobody:x:65534:\n", 0644);
}

/* What is left on the host of zones that process pid started: mounts at the test's place, cgroups. "" is
 * nothing. */
static char *left_behind(pid_t pid)
{
    struct buf all = {0}, left = {0};
    struct err e = {0};
    char line[512];
    file_read("/proc/self/mountinfo", 1 << 24, &all, &e);
    struct str rest = buf_view(&all), one;
    while (str_line(&rest, &one))
        if (str_find(one, str_c(place)) < one.n)
            buf_printf(&left, "%" STR_FMT "\n", STR_ARG(one));
    snprintf(line, sizeof line, "find /sys/fs/cgroup -name 'zonestrap-%d.*' 2>/dev/null", (int)pid);
    FILE *f = popen(line, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        buf_puts(&left, line);
    if (f != NULL)
        pclose(f);
    buf_free(&all);
    return left.p ? left.p : mem_dup("");
}

static bool nothing_left(pid_t pid)
{
    char *left = left_behind(pid);
    bool none = left[0] == '\0';
    if (!none)
        printf("left: %s", left);
    free(left);
    return none;
}

/* How many processes have the marker in their command line. */
static int marked(const char *marker)
{
    int n = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *en; d != NULL && (en = readdir(d)) != NULL;) {
        char path[300], data[512] = "";
        snprintf(path, sizeof path, "/proc/%s/cmdline", en->d_name);
        int fd = isdigit((unsigned char)en->d_name[0]) ? open(path, O_RDONLY) : -1;
        ssize_t got = fd < 0 ? 0 : read(fd, data, sizeof data - 1);
        for (ssize_t i = 0; i < got; i++)
            if (data[i] == '\0')
                data[i] = ' ';
        n += strncmp(data, "sleep ", 6) == 0 && strstr(data, marker) != NULL;
        if (fd >= 0)
            close(fd);
    }
    if (d != NULL)
        closedir(d);
    return n;
}

static bool marked_becomes(const char *marker, int want)
{
    for (int i = 0; i < 500; i++) {
        if (marked(marker) == want)
            return true;
        pause_ms(10);
    }
    return false;
}

static pid_t first_child(pid_t parent)
{
    pid_t found = -1;
    DIR *d = opendir("/proc");
    for (struct dirent *en; d != NULL && found < 0 && (en = readdir(d)) != NULL;) {
        char path[300];
        int ppid;
        snprintf(path, sizeof path, "/proc/%s/stat", en->d_name);
        FILE *f = isdigit((unsigned char)en->d_name[0]) ? fopen(path, "r") : NULL;
        if (f != NULL && fscanf(f, "%*d (%*[^)]) %*c %d", &ppid) == 1 && ppid == parent)
            found = (pid_t)atoi(en->d_name);
        if (f != NULL)
            fclose(f);
    }
    if (d != NULL)
        closedir(d);
    return found;
}

/* kill(-1) as root would be the end of the whole machine: a process that was not found is a failed test, no
 * more. */
static void kill_one(pid_t pid, int sig)
{
    CHECK(pid > 1);
    if (pid > 1)
        kill(pid, sig);
}

#define NEEDS_ROOT                                                                                           \
    do {                                                                                                     \
        if (skip_all != NULL)                                                                                \
            SKIP(skip_all);                                                                                  \
    } while (0)

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

static volatile int stop_flag;
static void on_alarm(int s)
{
    (void)s;
    stop_flag = 1;
}

enum victim { NOBODY, CALLER, WATCHER, BOTH, INIT, STOP };

/* Starts a zone that leaves processes behind in its own process, ends it in one of the ways, and sees that
 * all is gone. */
static void ends(enum victim victim)
{
    char line[256], marker[32];
    snprintf(marker, sizeof marker, "%d.%d", 100000 + (int)getpid(), (int)victim);
    snprintf(line, sizeof line, "(setsid sleep %s &); trap '' TERM; mount -t tmpfs none /tmp; sleep %s & %s",
             marker, marker, victim == NOBODY ? "sleep 0.3; exit 3" : "wait");
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid < 0)
        return;
    if (pid == 0) {
        if (victim == STOP) {
            signal(SIGALRM, on_alarm);
            alarm(1);
        }
        int r = run_opts((struct zone_opts){.stop = &stop_flag}, line);
        _exit(r == 0 ? status : (int)err.class);
    }
    CHECK(marked_becomes(marker, 2));
    pid_t watcher = first_child(pid);
    if (victim == CALLER)
        kill_one(pid, SIGKILL);
    if (victim == BOTH)
        kill_one(pid, SIGSTOP); /* it would tidy up */
    if (victim == WATCHER || victim == BOTH)
        kill_one(watcher, SIGKILL);
    if (victim == BOTH)
        kill_one(pid, SIGKILL);
    if (victim == INIT)
        kill_one(watcher > 1 ? first_child(watcher) : -1, SIGKILL);
    int st = 0;
    waitpid(pid, &st, 0);
    switch (victim) {
    case NOBODY:
        CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 3 && marked(marker) == 0);
        break;
    case CALLER:
    case BOTH:
        CHECK(WIFSIGNALED(st));
        break;
    case WATCHER:
        CHECK(WIFEXITED(st) && WEXITSTATUS(st) == ERR_HOST);
        break;
    case INIT:
        CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 128 + SIGKILL);
        break;
    case STOP:
        CHECK(WIFEXITED(st) && WEXITSTATUS(st) == ERR_INTR && marked(marker) == 0);
        break;
    }
    CHECK(marked_becomes(marker, 0));
    for (int i = 0; victim == CALLER && i < 200; i++) {
        char *left = left_behind(pid);
        bool none = left[0] == '\0';
        free(left);
        if (none)
            break;
        pause_ms(20); /* the watcher is still at it */
    }
    if (victim == BOTH) {
        char *left = left_behind(pid);
        CHECK(strstr(left, "cgroup/") != NULL || access("/sys/fs/cgroup", W_OK) != 0);
        free(left);
        CHECK(run("true") == 0); /* the next run finds what nobody holds any more */
    }
    CHECK(nothing_left(pid));
}

static void normal_end(void)
{
    NEEDS_ROOT;
    ends(NOBODY);
}

static void caller_killed(void)
{
    NEEDS_ROOT;
    ends(CALLER);
}

static void watcher_killed(void)
{
    NEEDS_ROOT;
    ends(WATCHER);
}

static void caller_and_watcher_killed(void)
{
    NEEDS_ROOT;
    ends(BOTH);
}

static void init_killed(void)
{
    NEEDS_ROOT;
    ends(INIT);
}

static void stop_kills(void)
{
    NEEDS_ROOT;
    ends(STOP);
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

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return done;
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

static void make_place(void)
{
    strcpy(place, "/var/tmp/zone-test.XXXXXX");
    if (geteuid() != 0) {
        skip_all = "needs root";
    } else if (access(busybox, X_OK) != 0) {
        skip_all = "no /bin/busybox (Debian: busybox-static)";
    } else if (system("ldd /bin/busybox >/dev/null 2>&1") == 0) {
        skip_all = "/bin/busybox is not static (Debian: busybox-static)";
    } else if (mkdtemp(place) == NULL) {
        skip_all = "no /var/tmp";
    } else {
        snprintf(outside, sizeof outside, "%s/outside", place);
        mkdir(outside, 0755);
        snprintf(root, sizeof root, "%s/root", place);
        make_root(root);
    }
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
    RUN(normal_end);
    RUN(caller_killed);
    RUN(watcher_killed);
    RUN(caller_and_watcher_killed);
    RUN(init_killed);
    RUN(stop_kills);
    RUN(cgroups);
    RUN(supported);
    RUN(refusals);
    RUN(own_file_system);
    if (skip_all == NULL)
        host_shell("rm -rf --one-file-system %s", place);
    buf_free(&out);
    return test_done();
}
