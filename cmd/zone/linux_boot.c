/* Booting: the target's init is pid 1 itself, on a terminal of the zone's own. The zone's side and the
   watcher's; the caller's is in linux_booted.c. See linux.h. */
#include "cmd/zone/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"

enum {
    SYSTEMD_POWEROFF = 38, /* systemd(1): SIGRTMIN+4 */
    POLL_MS = 100          /* without pidfd_open(2), Linux 5.3 */
};

/* --- the zone's side */

static int send_fd(int to, int fd)
{
    char byte = 'c';
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    memset(&control, 0, sizeof control);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    return sendmsg(to, &m, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int linux_boot_console(const struct linux_zone *z, struct err *e)
{
    char name[32];
    unsigned number;
    int unlock = 0;
    AUTO_FD master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) != 0 || ioctl(master, TIOCGPTN, &number) != 0)
        return err_sys(e, ERR_HOST, errno, "%s: cannot make a terminal for the console", z->path);
    snprintf(name, sizeof name, "/dev/pts/%u", number);
    if (mount(name, "/dev/console", NULL, MS_BIND, NULL) != 0)
        return err_sys(e, ERR_HOST, errno, "%s: cannot bind %s to /dev/console", z->path, name);
    AUTO_FD slave = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0 || dup2(slave, 0) < 0 || dup2(slave, 1) < 0 || dup2(slave, 2) < 0)
        return err_sys(e, ERR_HOST, errno, "%s: cannot open the console", z->path);
    if (send_fd(z->console, master) != 0)
        return err_sys(e, ERR_HOST, errno, "%s: cannot hand over the console", z->path);
    return 0;
}

/* Rights over the machine, which a user namespace does not have in any case: without them in sight an init
 * leaves out what would fail (systemd.unit(5), ConditionCapability). */
static void drop_capabilities(void)
{
    static const int drop[] = {CAP_SYS_MODULE, CAP_SYS_RAWIO,     CAP_SYS_TIME,
                               CAP_WAKE_ALARM, CAP_BLOCK_SUSPEND, CAP_AUDIT_READ};
    for (size_t i = 0; i < sizeof drop / sizeof *drop; i++)
        prctl(PR_CAPBSET_DROP, drop[i], 0, 0, 0);
}

int linux_boot_exec(const struct linux_zone *z, const char *const *env, struct err *e)
{
    AUTO_BUF tried = {0};
    size_t n = 0;
    struct stat st;
    while (z->o->argv[n] != NULL)
        n++;
    const char **argv = mem_alloc((n + 1) * sizeof *argv);
    memcpy(argv, z->o->argv, (n + 1) * sizeof *argv);
    drop_capabilities();
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* kept by execve(2) */
    for (const char *const *init = z->o->inits; *init != NULL; init++) {
        argv[0] = *init;
        execve(*init, (char **)argv, (char **)env);
        int errnum = errno;
        if (lstat(*init, &st) == 0)
            return linux_exec_failed(z->path, *init, errnum, e);
        buf_printf(&tried, "%s%s", tried.n > 0 ? ", " : "", *init);
    }
    err_set(e, ERR_HOST, "%s: there is no init (%s)", z->path, buf_c(&tried));
    return err_hint(e, "install the distribution's init there, or name a program: --init /bin/sh");
}

/* --- the watcher's side */

/* Of a line `NAME:\tHEX' in /proc/PID/status: does the set have the signal? */
static bool status_has(struct str status, const char *name, int sig)
{
    struct str line, key;
    while (str_line(&status, &line)) {
        if (!str_word(&line, &key) || !str_is(key, name))
            continue;
        struct str hex = str_trim(line);
        char text[17] = "";
        if (hex.n < sizeof text)
            memcpy(text, hex.p, hex.n);
        return (strtoull(text, NULL, 16) >> (sig - 1)) & 1;
    }
    return false;
}

static bool read_proc(int proc, const char *name, struct buf *text)
{
    struct err ignored = {0};
    AUTO_FD fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && file_read_fd(fd, name, 1 << 20, text, &ignored) == 0;
}

/* systemd takes its signals from a descriptor, so that they are blocked. */
static bool expects(int proc, int sig)
{
    AUTO_BUF status = {0};
    return read_proc(proc, "status", &status) &&
           (status_has(buf_view(&status), "SigBlk:", sig) || status_has(buf_view(&status), "SigCgt:", sig));
}

/* Whatever lives in the zone is below init. */
static bool alone(int proc, pid_t init)
{
    char name[64];
    AUTO_BUF children = {0};
    snprintf(name, sizeof name, "task/%d/children", (int)init);
    return read_proc(proc, name, &children) && children.n == 0;
}

/* A child in the zone that runs the root's own poweroff(8). Nothing of this process may be reached from
 * inside. */
_Noreturn static void power_off(const struct linux_zone *z, int proc)
{
    static const char *const kinds[] = {"user", "cgroup", "ipc", "uts", "net", "pid", "mnt"};
    static const char *const places[] = {"/sbin/poweroff", "/usr/sbin/poweroff", "/bin/poweroff",
                                         "/usr/bin/poweroff"};
    static const char *const argv[] = {"poweroff", NULL}, *const env[] = {ZONE_PATH, "LC_ALL=C", NULL};
    int fds[7];
    sigset_t none;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < 7; i++) {
        char name[16];
        snprintf(name, sizeof name, "ns/%s", kinds[i]);
        fds[i] = openat(proc, name, O_RDONLY | O_CLOEXEC);
    }
    linux_cgroup_enter(&z->cg, getpid());
    linux_close_but(fds, 7);
    for (int i = 0; i < 7; i++)
        if (!(z->o->net && strcmp(kinds[i], "net") == 0) && setns(fds[i], 0) != 0)
            _exit(1);
    pid_t pid = fork();
    if (pid != 0)
        _exit(pid < 0 ? 1 : linux_wait(pid));
    linux_close_but(NULL, 0);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
        _exit(1);
    setsid();
    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    if (setgroups(0, NULL) != 0)
        _exit(1);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        execve(places[i], (char **)argv, (char **)env);
    kill(1, SIGPWR);
    _exit(1);
}

/* What is asked the second time is whether init is all that is left: then nobody will do more. */
static bool ask_off(const struct linux_zone *z, pid_t init, int proc, unsigned count)
{
    if (count > 1 && alone(proc, init))
        return true;
    if (expects(proc, SYSTEMD_POWEROFF)) {
        kill(init, SYSTEMD_POWEROFF);
    } else if (count % 5 == 1) {
        pid_t pid = fork();
        if (pid == 0)
            power_off(z, proc);
    }
    return false;
}

/* Reaps; true when it was init. */
static bool gone(pid_t init, int *st)
{
    int s;
    for (pid_t pid; (pid = waitpid(-1, &s, WNOHANG)) > 0;)
        if (pid == init) {
            *st = s;
            return true;
        }
    return false;
}

void linux_boot_watch(const struct linux_zone *z, pid_t init, int proc)
{
    unsigned asked = 0;
    int st = 0;
    bool finished = false;
    AUTO_FD end = (int)syscall(SYS_pidfd_open, init, 0);
    while (!gone(init, &st)) {
        struct pollfd fds[2] = {{z->life, POLLIN, 0}, {end, POLLIN, 0}};
        char what;
        if (poll(fds, 2, end < 0 ? POLL_MS : -1) <= 0 || fds[0].revents == 0)
            continue;
        if (read(z->life, &what, 1) == 1 && !(finished = ask_off(z, init, proc, ++asked)))
            continue;
        kill(init, SIGKILL);
        while (waitpid(init, &st, 0) < 0 && errno == EINTR)
            ;
        break;
    }
    linux_send_exit(z, finished ? LINUX_OFF : st);
}
