/* cmd/zone/linux_boot.c: a system with a pid 1 of its own. Needs root, and a static busybox to make a root
   of: its init is a script, whose lines a test gives. */
#include "tests/unit/zone_help.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

static const char *const inits[] = {"/none", "/sbin/init", NULL};
static const char *const boot_env[] = {"PATH=/bin", "container=zone-test", NULL};
static enum zone_end how;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void set_init(const char *dir, const char *lines)
{
    struct buf text = {0};
    buf_printf(&text, "#!/bin/sh\n%s\n", lines);
    host_shell("mkdir -p %s/sbin", dir);
    put_file(dir, "sbin/init", buf_c(&text), 0755);
    buf_free(&text);
}

/* A line waits there until somebody reads it. */
static void type(const struct zone *z, const char *text)
{
    CHECK(write(zone_console(z), text, strlen(text)) == (ssize_t)strlen(text));
}

/* Collects the console's output until it has text (NULL: until the zone ends by itself); false after ms. */
static bool shows(struct zone *z, const char *text, int ms)
{
    int64_t until = now_ms() + ms;
    bool ended = false;
    while (now_ms() < until) {
        struct pollfd fds[] = {{zone_console(z), POLLIN, 0}, {zone_events(z), POLLIN, 0}};
        char data[4096];
        poll(fds, 2, 20);
        ssize_t r = read(zone_console(z), data, sizeof data);
        if (r > 0)
            buf_add(&out, data, (size_t)r);
        if (text != NULL && strstr(buf_c(&out), text) != NULL)
            return true;
        if (r <= 0 && ended)
            return text == NULL;
        if (fds[1].revents != 0)
            ended = zone_ended(z);
        if (r <= 0)
            nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return false;
}

static struct zone *start_in(const char *dir, const char *lines, const char *const *argv)
{
    static const char *const plain[] = {"init", NULL};
    const struct zone_opts o = {
        .root = dir, .argv = argv ? argv : plain, .inits = inits, .env = boot_env, .exclusive = true};
    struct zone *z = NULL;
    set_init(dir, lines);
    buf_clear(&out);
    err = (struct err){0};
    CHECK(zone_boot(&o, &z, &err) == 0);
    if (err.msg[0] != '\0')
        printf("%s\n", err.msg);
    return z;
}

/* From its start to its own end. */
static bool boots_in(const char *dir, const char *lines, const char *const *argv)
{
    struct zone *z = start_in(dir, lines, argv);
    bool done = z != NULL && shows(z, NULL, 20000);
    if (!done)
        printf("%s\n", buf_c(&out));
    return z != NULL && zone_end(z, &how, &status, &err) == 0 && done;
}

static bool boots(const char *lines)
{
    return boots_in(root, lines, NULL);
}

static void ends(void)
{
    NEEDS_ROOT;
    CHECK(boots("poweroff -f") && how == ZONE_OFF);
    CHECK(boots("halt -f") && how == ZONE_OFF);
    CHECK(boots("reboot -f") && how == ZONE_REBOOT);
    CHECK(boots("(poweroff -f) & sleep 9") && how == ZONE_OFF);
    CHECK(boots("echo last words; exit 7") && how == ZONE_EXITED && status == 7 && said("last words"));
    CHECK(boots("exit 0") && how == ZONE_EXITED && status == 0);
    CHECK(nothing_left(getpid()));
}

static void process_one(void)
{
    NEEDS_ROOT;
    static const char *const argv[] = {"init", "single", "a b", NULL};
    CHECK(boots_in(root,
                   "echo \"pid $$ name $0 args $* n $#\"; env; readlink /proc/1/exe; umask; id -G; "
                   "grep -E '^(NoNewPrivs|Sig(Blk|Ign)):' /proc/self/status; ls -1 /proc/1/fd; poweroff -f",
                   argv));
    CHECK(said("pid 1 name /sbin/init args single a b n 2\r\n"));
    CHECK(said("PATH=/bin\r\n") && said("container=zone-test\r\n") && !said("ZONE_TEST_SECRET"));
    CHECK(said("/bin/busybox\r\n") && said("0022\r\n0\r\n"));
    CHECK(said("SigBlk:\t0000000000000000\r\n") && said("SigIgn:\t0000000000000000\r\n"));
    CHECK(said("\r\n0\r\n1\r\n10\r\n2\r\n") || said("\r\n0\r\n1\r\n2\r\n")); /* 10: the script itself */
}

static void console(void)
{
    NEEDS_ROOT;
    struct zone *z = start_in(
        root,
        "readlink /proc/self/fd/0; stat -c '%t:%T' -L /dev/console /dev/pts/0; ls /dev /dev/pts; "
        "read line; echo \"got $line\"; read line; stty size; setsid -c sh -c 'tty; echo x >/dev/tty && "
        "echo its own'; poweroff -f",
        NULL);
    CHECK(z != NULL && shows(z, "ptmx", 9000));
    type(z, "hello\n");
    CHECK(shows(z, "got hello", 9000));
    struct winsize size = {.ws_row = 33, .ws_col = 111};
    int pair[2] = {posix_openpt(O_RDWR | O_NOCTTY), -1};
    CHECK(pair[0] >= 0 && ioctl(pair[0], TIOCSWINSZ, &size) == 0);
    zone_console_size(z, pair[0]);
    zone_console_size(z, -1);
    close(pair[0]);
    type(z, "\n");
    CHECK(shows(z, NULL, 9000) && zone_end(z, &how, &status, &err) == 0 && how == ZONE_OFF);
    CHECK(said("/dev/console\r\n") || said("/dev/pts/0\r\n"));
    CHECK(said("33 111\r\n") && said("its own\r\n") && said("88:0\r\n88:0\r\n"));
}

/* More than a terminal holds, and a console that all have closed for a while. */
static void much_output(void)
{
    NEEDS_ROOT;
    CHECK(boots("head -c 300000 /dev/zero | tr '\\0' x; echo; poweroff -f") && out.n == 300002);
    CHECK(boots("exec </dev/null >/dev/null 2>&1; sleep 0.3; echo back >/dev/console; poweroff -f") &&
          said("back"));
}

static void isolation(void)
{
    NEEDS_ROOT;
    char before[128] = "", after[128] = "";
    gethostname(before, sizeof before - 1);
    CHECK(boots("hostname inner; date -s 2001-01-01; swapoff -a; hwclock -w; echo b >/proc/sysrq-trigger; "
                "mount -o remount,ro /; echo \"remount $?\"; umount /proc/sys; "
                "echo x >/proc/sys/kernel/core_pattern || echo refused; ls /sys/class/net; "
                "mknod /tmp/sda b 8 0 || echo no nodes; poweroff -f") &&
          how == ZONE_OFF);
    CHECK(said("remount 1\r\n") || said("remount 255\r\n"));
    CHECK(said("refused\r\n") && said("no nodes\r\n") && said("\nlo\r\n") && !said("eth"));
    gethostname(after, sizeof after - 1);
    CHECK_STR(after, before);
    CHECK(time(NULL) > 1100000000);
}

/* The whole of what an init does to its disks when the power goes off, on a file system of its own: the host
 * may still write it. */
static void loop_file_system(void)
{
    NEEDS_ROOT;
    char dir[96];
    snprintf(dir, sizeof dir, "%s/mnt", place);
    mkdir(dir, 0755);
    snprintf(dir, sizeof dir, "%s/disk", place);
    struct buf line = {0};
    buf_printf(&line, "truncate -s 64M %s && mkfs.ext4 -q -F %s && mount -o loop %s %s/mnt", dir, dir, dir,
               place);
    bool mounted = access("/dev/loop-control", F_OK) == 0 && system(buf_c(&line)) == 0;
    buf_free(&line);
    if (!mounted)
        SKIP("no loop devices, or no mkfs.ext4 (Debian: e2fsprogs)");
    snprintf(dir, sizeof dir, "%s/mnt/root", place);
    make_root(dir);
    CHECK(boots_in(dir,
                   "touch /made; sync; swapoff -a; umount -a -r -f; mount -o remount,ro /; "
                   "mount -o remount,ro,bind / ; mount -o remount,ro /proc; touch /still || echo read-only; "
                   "poweroff -f",
                   NULL) &&
          how == ZONE_OFF && said("read-only"));
    CHECK(put_file(dir, "made-by-host", "x", 0644));
    char path[128];
    snprintf(path, sizeof path, "%s/made", dir);
    CHECK(access(path, F_OK) == 0);
    /* The root itself as the mount. */
    snprintf(dir, sizeof dir, "%s/mnt", place);
    host_shell("cp -a %s/root/. %s/", dir, dir);
    CHECK(boots_in(dir, "umount -a -r -f; mount -o remount,ro /; umount -r -f /; poweroff -f", NULL) &&
          how == ZONE_OFF);
    CHECK(put_file(dir, "made-by-host", "y", 0644));
    host_shell("umount %s/mnt", place);
    CHECK(nothing_left(getpid()));
}

static bool off_within(struct zone *z, int ms, int every)
{
    int64_t until = now_ms() + ms;
    while (now_ms() < until) {
        zone_shut_down(z);
        if (shows(z, NULL, every))
            return true;
    }
    return false;
}

static void shut_down(void)
{
    NEEDS_ROOT;
    /* By the root's own poweroff(8), as root of the zone, on nobody's terminal. */
    host_shell("rm -f %s/bin/poweroff; cp %s %s/bin/poweroff.real", root, busybox, root);
    put_file(
        root, "bin/poweroff",
        "#!/bin/sh\n(echo asked; id -u; id -G; readlink /proc/self/fd/0; env) >/dev/console; touch /run/ask; "
        "ls /proc/self/fd "
        ">/dev/console\n",
        0755);
    const char *lines =
        "echo up; until [ -e /run/ask ]; do sleep 0.05; done; sleep 0.2; exec /bin/busybox poweroff -f";
    struct zone *z = start_in(root, lines, NULL);
    CHECK(z != NULL && shows(z, "up", 9000) && off_within(z, 9000, 4000));
    CHECK(zone_end(z, &how, &status, &err) == 0 && how == ZONE_OFF);
    CHECK(said("asked\r\n0\r\n0\r\n/dev/null\r\n") && !said("HOME="));
    /* By the signal that systemd waits for. */
    z = start_in(root,
                 "trap 'echo signalled; /bin/busybox poweroff -f' 38; echo up; while :; do sleep 0.05; done",
                 NULL);
    CHECK(z != NULL && shows(z, "up", 9000) && off_within(z, 9000, 4000));
    CHECK(zone_end(z, &how, &status, &err) == 0 && how == ZONE_OFF && said("signalled") && !said("asked"));
    /* An init that is deaf and alone is ended; one that has processes is not. */
    z = start_in(root, "rm /bin/poweroff; echo up; exec sleep 1000", NULL);
    CHECK(z != NULL && shows(z, "up", 9000) && off_within(z, 9000, 300));
    CHECK(zone_end(z, &how, &status, &err) == 0 && how == ZONE_OFF);
    z = start_in(root, "echo up; sleep 1000 & exec sleep 1000", NULL);
    CHECK(z != NULL && shows(z, "up", 9000) && !off_within(z, 1500, 300));
    CHECK(zone_end(z, &how, &status, &err) == 0 && how == ZONE_KILLED);
    host_shell("rm -f %s/bin/poweroff*; ln -s busybox %s/bin/poweroff", root, root);
    CHECK(nothing_left(getpid()));
}

/* What a hostile root puts in the way of a shutdown leads nowhere. */
static void hostile_shut_down(void)
{
    NEEDS_ROOT;
    char path[128];
    snprintf(path, sizeof path, "%s/written", outside);
    struct zone *z =
        start_in(root,
                 "mv /proc /x; mkdir /proc /proc/1; mkfifo /proc/1/status; umount -l /dev; echo up; "
                 "sleep 1000 & exec sleep 1000",
                 NULL);
    CHECK(z != NULL && shows(z, "up", 9000) && !off_within(z, 1200, 300));
    int64_t then = now_ms();
    CHECK(zone_end(z, &how, &status, &err) == 0 && how == ZONE_KILLED && now_ms() - then < 5000);
    host_shell("rm -rf %s/proc %s/x && mkdir -p %s/proc", root, root, root);
    CHECK(nothing_left(getpid()));
}

static void killed(void)
{
    NEEDS_ROOT;
    struct zone *z =
        start_in(root, "(setsid sleep 1000 &); mount -t tmpfs none /tmp; echo up; exec sleep 1000", NULL);
    CHECK(z != NULL && shows(z, "up", 9000));
    CHECK(zone_end(z, &how, &status, &err) == 0 && how == ZONE_KILLED && status == SIGKILL);
    CHECK(nothing_left(getpid()));
}

static pid_t child_of(pid_t parent)
{
    char line[128];
    int pid = -1;
    snprintf(line, sizeof line, "pgrep -o -P %d", (int)parent);
    FILE *f = popen(line, "r");
    if (f == NULL || fscanf(f, "%d", &pid) != 1)
        pid = -1;
    if (f != NULL)
        pclose(f);
    return (pid_t)pid;
}

static bool leaves_nothing(pid_t pid)
{
    for (int i = 0; i < 300; i++) {
        char *left = left_behind(pid);
        bool none = left[0] == '\0';
        free(left);
        if (none)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return nothing_left(pid);
}

/* The booter is killed, then also its watcher: pid 1 dies with them, and all that it has. */
static void booter_killed(void)
{
    NEEDS_ROOT;
    for (int both = 0; both < 2; both++) {
        int fds[2];
        CHECK(pipe(fds) == 0);
        pid_t pid = fork();
        if (pid == 0) {
            struct zone *z =
                start_in(root, "mount -t tmpfs none /tmp; sleep 1000 & echo up; exec sleep 1000", NULL);
            bool up = z != NULL && shows(z, "up", 9000);
            (void)!write(fds[1], up ? "y" : "n", 1);
            pause();
            _exit(0);
        }
        char c = 0;
        close(fds[1]);
        CHECK(read(fds[0], &c, 1) == 1 && c == 'y');
        pid_t watcher = child_of(pid), init = child_of(watcher);
        CHECK(watcher > 1 && init > 1);
        if (watcher <= 1 || init <= 1)
            continue;
        kill(pid, SIGSTOP);
        if (both)
            kill(watcher, SIGKILL);
        kill(pid, SIGKILL);
        CHECK(waitpid(pid, NULL, 0) == pid);
        for (int i = 0; i < 300 && kill(init, 0) == 0; i++)
            nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        CHECK(kill(init, 0) != 0 && errno == ESRCH);
        if (both) /* the next zone finds the control groups that nobody holds */
            CHECK(boots("poweroff -f"));
        CHECK(leaves_nothing(pid));
        close(fds[0]);
    }
}

static int boot_fails(struct zone_opts o)
{
    static const char *const argv[] = {"init", NULL};
    struct zone *z = NULL;
    o.root = o.root ? o.root : root;
    o.argv = argv;
    o.env = boot_env;
    err = (struct err){0};
    if (zone_boot(&o, &z, &err) != 0)
        return -1;
    shows(z, NULL, 9000);
    return zone_end(z, &how, &status, &err);
}

static void errors(void)
{
    NEEDS_ROOT;
    static const char *const none[] = {"/none", "/sbin/none", NULL}, *const plain[] = {"/etc/passwd", NULL};
    static const char *const foreign[] = {"/bin/foreign", NULL}, *const link[] = {"/bin/dangling",
                                                                                  "/sbin/init", NULL};
    CHECK(boot_fails((struct zone_opts){.inits = none}) == -1 && err.class == ERR_HOST);
    CHECK(strstr(err.msg, "there is no init (/none, /sbin/none)") != NULL &&
          strstr(err.hint, "--init") != NULL);
    CHECK(boot_fails((struct zone_opts){.inits = plain}) == -1);
    CHECK(strstr(err.msg, "cannot run /etc/passwd: Permission denied") != NULL);
    put_file(root, "bin/foreign", "\177ELF\2\1\1xxxxxxxxxxx", 0755);
    CHECK(boot_fails((struct zone_opts){.inits = foreign}) == -1);
    CHECK(strstr(err.msg, "/bin/foreign: this host cannot run it") != NULL);
    host_shell("ln -sf nowhere %s/bin/dangling", root);
    CHECK(boot_fails((struct zone_opts){.inits = link}) == -1 && strstr(err.msg, "/bin/dangling") != NULL);
    CHECK(boot_fails((struct zone_opts){.inits = inits, .root = "/"}) == -1 &&
          strstr(err.msg, "host's own") != NULL);
    CHECK(boot_fails((struct zone_opts){.inits = inits, .root = outside}) == -1);
    CHECK(strstr(err.msg, "proc: no such directory") != NULL);
    CHECK(nothing_left(getpid()));
}

static void one_at_a_time(void)
{
    NEEDS_ROOT;
    struct zone *z = start_in(root, "echo up; exec sleep 1000", NULL);
    CHECK(z != NULL && shows(z, "up", 9000));
    CHECK(boot_fails((struct zone_opts){.inits = inits, .exclusive = true}) == -1 && err.class == ERR_HOST);
    CHECK(strstr(err.msg, "in use") != NULL);
    CHECK(run("echo beside; exit 3") == 0 && status == 3 && said("beside"));
    CHECK(run_opts((struct zone_opts){.exclusive = true}, "true") == -1 && strstr(err.msg, "in use") != NULL);
    CHECK(zone_end(z, &how, &status, &err) == 0 && how == ZONE_KILLED);
    CHECK(boots("poweroff -f") && how == ZONE_OFF);
}

int main(void)
{
    make_place();
    setenv("ZONE_TEST_SECRET", "of-the-host", 1);
    RUN(ends);
    RUN(process_one);
    RUN(console);
    RUN(much_output);
    RUN(isolation);
    RUN(loop_file_system);
    RUN(shut_down);
    RUN(hostile_shut_down);
    RUN(killed);
    RUN(booter_killed);
    RUN(errors);
    RUN(one_at_a_time);
    remove_place();
    return test_done();
}
