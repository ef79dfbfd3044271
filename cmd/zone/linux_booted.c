/* A zone that was booted, as its caller has it. See linux_boot.c for the rest. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/mem.h"
#include "cmd/zone/linux.h"

struct zone {
    struct linux_zone chain;
    struct zone_opts o;
    char path[PATH_MAX];
    struct err said;
    pid_t watcher;
    int msg, life, console; /* -1: closed */
    bool told;
    int status; /* as waitpid(2) gives it */
};

/* The console's other end; -1 when the zone ended without. */
static int receive_fd(int from)
{
    char byte;
    int fd = -1;
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t r;
    do {
        r = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
    } while (r < 0 && errno == EINTR);
    struct cmsghdr *c = r == 1 ? CMSG_FIRSTHDR(&m) : NULL;
    if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

static int start(struct zone *z, struct err *e)
{
    int pair[2];
    AUTO_FD theirs = -1;
    AUTO_FD ours = -1;
    AUTO_FD null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return err_sys(e, ERR_HOST, errno, "%s: cannot start a zone", z->path);
    ours = pair[0], theirs = pair[1];
    z->chain.console = theirs;
    z->o.output_fd = null;
    linux_cgroup_open(&z->chain.cg, z->o.log);
    z->watcher = linux_start(&z->chain, -1, &z->msg, &z->life, e);
    if (z->watcher < 0)
        return -1;
    close(auto_take_fd(&theirs));
    z->console = receive_fd(ours);
    if (z->console >= 0) {
        fcntl(z->console, F_SETFL, fcntl(z->console, F_GETFL) | O_NONBLOCK);
        return 0;
    }
    while (!zone_ended(z))
        ;
    if (z->said.class == ERR_NONE)
        err_set(&z->said, ERR_HOST, "%s: the zone ended before its console was made", z->path);
    *e = z->said;
    return -1;
}

int zone_boot(const struct zone_opts *o, struct zone **zone, struct err *e)
{
    struct zone *z = mem_alloc(sizeof *z);
    enum zone_end how;
    int status;
    struct err ignored = {0};
    *z = (struct zone){.o = *o, .watcher = -1, .msg = -1, .life = -1, .console = -1};
    z->o.stdio = z->o.no_fsync = false;
    z->o.output = NULL;
    *zone = NULL;
    if (linux_zone_open(&z->chain, &z->o, z->path, e) != 0 ||
        linux_programs_check(z->path, z->o.inits, e) != 0) {
        if (z->chain.lock >= 0)
            close(z->chain.lock);
        free(z);
        return -1;
    }
    if (start(z, e) != 0) {
        zone_end(z, &how, &status, &ignored);
        return -1;
    }
    *zone = z;
    return 0;
}

int zone_console(const struct zone *z)
{
    return z->console;
}

int zone_events(const struct zone *z)
{
    return z->msg;
}

bool zone_ended(struct zone *z)
{
    if (z->msg >= 0 && linux_take_msg(z->msg, z->o.log, &z->said, &z->told, &z->status) == 0) {
        close(z->msg);
        z->msg = -1;
    }
    return z->msg < 0;
}

void zone_console_size(const struct zone *z, int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0)
        ioctl(z->console, TIOCSWINSZ, &size);
}

void zone_shut_down(struct zone *z)
{
    ssize_t ignored = write(z->life, "o", 1);
    (void)ignored; /* the watcher is gone: so is the zone */
}

int zone_end(struct zone *z, enum zone_end *how, int *status, struct err *e)
{
    bool killed = z->watcher >= 0 && z->msg >= 0;
    if (z->life >= 0)
        close(z->life);
    while (z->watcher >= 0 && !zone_ended(z))
        ;
    if (z->watcher >= 0)
        linux_wait(z->watcher);
    linux_cgroup_remove(&z->chain.cg);
    linux_cgroup_close(&z->chain.cg);
    for (int *fd = (int[]){z->msg, z->console, z->chain.lock}, i = 0; i < 3; i++)
        if (fd[i] >= 0)
            close(fd[i]);
    int st = z->status;
    *how = WIFEXITED(st)                  ? ZONE_EXITED
           : WTERMSIG(st) == LINUX_OFF    ? ZONE_OFF
           : WTERMSIG(st) == LINUX_REBOOT ? ZONE_REBOOT
           : killed && WTERMSIG(st) == 9  ? ZONE_KILLED
                                          : ZONE_DIED;
    *status = WIFEXITED(st) ? WEXITSTATUS(st) : WTERMSIG(st);
    int r = z->said.class == ERR_NONE ? 0 : -1;
    if (r != 0)
        *e = z->said;
    else if (!z->told)
        r = err_set(e, ERR_HOST, "%s: the zone ended without a word: was its watcher killed?", z->path);
    free(z);
    return r;
}
