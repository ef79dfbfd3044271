/* The caller's side: starts the chain, pumps its output and messages, gives the terminal back. See linux.h.
 */
#include "cmd/zone/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/os.h"

_Static_assert(sizeof(struct linux_msg) <= PIPE_BUF, "messages must be written whole");

enum { STOP_POLL_MS = 100 };

static void send_msg(const struct linux_zone *z, const struct linux_msg *m)
{
    ssize_t r;
    do {
        r = write(z->msg, m, sizeof *m);
    } while (r < 0 && errno == EINTR);
}

void linux_send_err(const struct linux_zone *z, const struct err *e)
{
    send_msg(z, &(struct linux_msg){.kind = LINUX_MSG_ERR, .e = *e});
}

void linux_send_log(const struct linux_zone *z, const char *fmt, ...)
{
    struct linux_msg m = {.kind = LINUX_MSG_LOG};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(m.e.msg, sizeof m.e.msg, fmt, ap);
    va_end(ap);
    send_msg(z, &m);
}

void linux_send_exit(const struct linux_zone *z, int status)
{
    send_msg(z, &(struct linux_msg){.kind = LINUX_MSG_EXIT, .status = status});
}

static void close_gap(unsigned from, unsigned to)
{
    if (from > to || syscall(SYS_close_range, from, to, 0) == 0)
        return;
    long max = sysconf(_SC_OPEN_MAX);
    for (unsigned fd = from; fd <= to && fd < (unsigned long)max; fd++)
        close((int)fd);
}

void linux_close_but(const int *keep, size_t n)
{
    unsigned from = 3;
    for (;;) {
        unsigned next = UINT_MAX;
        for (size_t i = 0; i < n; i++)
            if (keep[i] >= 0 && (unsigned)keep[i] >= from && (unsigned)keep[i] < next)
                next = (unsigned)keep[i];
        close_gap(from, next == UINT_MAX ? UINT_MAX : next - 1);
        if (next == UINT_MAX)
            return;
        from = next + 1;
    }
}

int linux_wait(pid_t pid)
{
    int st;
    pid_t r;
    do {
        r = waitpid(pid, &st, 0);
    } while (r < 0 && errno == EINTR);
    if (r < 0)
        return -1;
    return WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
}

/* What the caller learns while the zone runs. */
struct pump {
    const struct zone_opts *o;
    int msg, out, life; /* -1: closed */
    bool ended, stopped;
    int status;
    struct err *e; /* class set once the zone reported one */
};

int linux_take_msg(int fd, const struct log *log, struct err *said, bool *ended, int *status)
{
    struct linux_msg m;
    ssize_t r = read(fd, &m, sizeof m);
    if (r < 0 && errno == EINTR)
        return -1;
    if (r != (ssize_t)sizeof m)
        return 0;
    /* The zone's root can reach this pipe (/proc/1/fd): nothing in a message is taken on trust. */
    m.e.msg[sizeof m.e.msg - 1] = m.e.hint[sizeof m.e.hint - 1] = '\0';
    if (m.kind == LINUX_MSG_LOG) {
        log_debug(log, "%s", m.e.msg);
    } else if (m.kind == LINUX_MSG_ERR && said->class == ERR_NONE) {
        err_set(said, ERR_HOST, "%s", m.e.msg);
        err_hint(said, "%s", m.e.hint);
        said->sys = m.e.sys;
    } else if (m.kind == LINUX_MSG_EXIT) {
        *ended = true;
        *status = m.status;
    }
    return 1;
}

static void take_msg(struct pump *p)
{
    if (linux_take_msg(p->msg, p->o->log, p->e, &p->ended, &p->status) == 0) {
        close(p->msg);
        p->msg = -1;
    }
}

static void take_output(struct pump *p)
{
    char data[16384];
    ssize_t r = read(p->out, data, sizeof data);
    if (r > 0) {
        /* Without an output this pipe is never open. NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
        p->o->output(p->o->ctx, data, (size_t)r);
    } else if (r == 0 || errno != EINTR) {
        close(p->out);
        p->out = -1;
    }
}

/* Until the chain has closed both pipes: all writers are the zone's processes, and they die with pid 1. */
static void pump(struct pump *p)
{
    while (p->msg >= 0 || p->out >= 0) {
        if (!p->stopped && p->o->stop != NULL && *p->o->stop) {
            p->stopped = true;
            close(p->life);
            p->life = -1;
        }
        struct pollfd fds[2] = {{p->msg, POLLIN, 0}, {p->out, POLLIN, 0}};
        if (poll(fds, 2, STOP_POLL_MS) <= 0)
            continue;
        if (fds[1].revents != 0)
            take_output(p);
        if (fds[0].revents != 0)
            take_msg(p);
    }
}

/* Descriptors 0, 1 and 2 of the zone; out is the pipe's write end or -1. */
static int target_stdio(const struct zone_opts *o, int out)
{
    if (o->stdio)
        return 0;
    int fd = out >= 0 ? out : o->output_fd;
    int null = open("/dev/null", O_RDONLY);
    if (null < 0)
        return -1;
    /* output_fd may be one of those that are about to be replaced. */
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0 || dup2(null, 0) < 0 || dup2(copy, 1) < 0 || dup2(copy, 2) < 0)
        return -1;
    return 0;
}

_Noreturn static void child(struct linux_zone *z, int out)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    /* By system call: glibc keeps two signals to itself, which a parent may have left ignored all the same.
     */
    static const char kernel_default[64];
    for (int s = 1; s < NSIG; s++)
        syscall(SYS_rt_sigaction, s, kernel_default, NULL, (size_t)(NSIG - 1) / 8);
    umask(022);
    if (target_stdio(z->o, out) != 0) {
        struct err e = {0};
        err_sys(&e, ERR_HOST, errno, "%s: cannot set up standard input and output", z->path);
        linux_send_err(z, &e);
        _exit(127);
    }
    int keep[4 + 2 * CGROUPS_MAX] = {z->msg, z->life, z->console, z->lock};
    size_t n = 4;
    for (size_t i = 0; i < z->cg.n; i++) {
        keep[n++] = z->cg.at[i].parent;
        keep[n++] = z->cg.at[i].fd;
    }
    linux_close_but(keep, n);
    /* A kernel's pid 1 leads no session: it does not take the terminal that it opens from those who log in
     * there. */
    if (z->console >= 0)
        setsid();
    linux_watch(z);
}

static void give_terminal_back(void)
{
    sigset_t ttou, old;
    sigemptyset(&ttou);
    sigaddset(&ttou, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &ttou, &old);
    tcsetpgrp(0, getpgrp());
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

pid_t linux_start(struct linux_zone *z, int out, int *msg, int *life, struct err *e)
{
    AUTO_FD msg_w = -1, life_r = -1;
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return err_sys(e, ERR_HOST, errno, "pipe");
    *msg = fds[0], msg_w = fds[1];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return err_sys(e, ERR_HOST, errno, "pipe");
    life_r = fds[0], *life = fds[1];
    z->msg = msg_w, z->life = life_r;
    pid_t pid = fork();
    if (pid < 0)
        return err_sys(e, ERR_HOST, errno, "fork");
    if (pid == 0)
        child(z, out);
    return pid;
}

/* Forks the chain and stays with it to its end. */
static int run_chain(struct linux_zone *z, struct pump *p, struct err *e)
{
    AUTO_FD out_w = -1;
    int fds[2];
    if (!p->o->stdio && p->o->output != NULL) {
        if (pipe2(fds, O_CLOEXEC) != 0)
            return err_sys(e, ERR_HOST, errno, "pipe");
        p->out = fds[0], out_w = fds[1];
    }
    pid_t pid = linux_start(z, out_w, &p->msg, &p->life, e);
    if (pid < 0)
        return -1;
    if (out_w >= 0)
        close(auto_take_fd(&out_w));
    pump(p);
    linux_wait(pid);
    return 0;
}

static int check_root(const struct zone_opts *o, char *path, struct err *e)
{
    struct stat st, host;
    if (geteuid() != 0) {
        err_set(e, ERR_HOST, "%s: starting a zone needs root's rights", o->root);
        return err_hint(e, "run as root");
    }
    if (realpath(o->root, path) == NULL || stat(path, &st) != 0)
        return err_sys(e, ERR_HOST, errno, "%s", o->root);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_HOST, "%s: not a directory", o->root);
    if (stat("/", &host) == 0 && st.st_dev == host.st_dev && st.st_ino == host.st_ino)
        return err_set(e, ERR_HOST, "%s: this is the host's own root", o->root);
    return 0;
}

static int take_lock(const struct zone_opts *o, const char *path, int *lock, struct err *e)
{
    AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, ERR_HOST, errno, "%s", o->root);
    if (os_lock(fd) != 0 && errno == EWOULDBLOCK) {
        err_set(e, ERR_HOST, "%s: in use: it is being made or finished, or is booted", o->root);
        return err_hint(e, "wait for the other one to end; `zonestrap run %s' needs no wait", o->root);
    }
    *lock = auto_take_fd(&fd); /* a file system without locks has none to respect */
    return 0;
}

int linux_zone_open(struct linux_zone *z, const struct zone_opts *o, char *path, struct err *e)
{
    *z =
        (struct linux_zone){.o = o, .path = path, .msg = -1, .life = -1, .go = -1, .console = -1, .lock = -1};
    if (check_root(o, path, e) != 0)
        return -1;
    return o->exclusive ? take_lock(o, path, &z->lock, e) : 0;
}

int zone_run(const struct zone_opts *o, int *status, struct err *e)
{
    char path[PATH_MAX];
    struct linux_zone z;
    if (linux_zone_open(&z, o, path, e) != 0)
        return -1;
    struct err said = {0};
    struct pump p = {.o = o, .msg = -1, .out = -1, .life = -1, .e = &said};
    if (o->stdio && ttyname_r(0, z.tty, sizeof z.tty) != 0)
        z.tty[0] = '\0';
    z.foreground = o->stdio && isatty(0) && tcgetpgrp(0) == getpgrp();
    AUTO_FD sync_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    linux_cgroup_open(&z.cg, o->log);
    int r = run_chain(&z, &p, e);
    for (int *fd = (int[]){p.msg, p.out, p.life, z.lock}, i = 0; i < 4; i++)
        if (fd[i] >= 0)
            close(fd[i]);
    linux_cgroup_remove(&z.cg);
    linux_cgroup_close(&z.cg);
    if (z.foreground)
        give_terminal_back();
    if (r != 0)
        return -1;
    if (o->no_fsync && os_sync_fs(sync_fd, e) != 0)
        return err_wrap(e, "%s", path);
    if (p.stopped)
        return err_set(e, ERR_INTR, "%s: interrupted", o->root);
    if (said.class != ERR_NONE) {
        *e = said;
        return -1;
    }
    if (!p.ended)
        return err_set(e, ERR_HOST, "%s: the zone ended without a word: was its watcher killed?", path);
    *status = p.status & 0xff;
    return 0;
}
