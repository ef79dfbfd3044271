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
    struct linux_zone z;
    struct zone_opts o;
    char path[PATH_MAX];
    struct err said;
    pid_t watcher;
    int msg, life, console; /* -1: closed */
    bool told, killed;
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

static int start(struct zone *b, struct err *e)
{
    int pair[2];
    AUTO_FD theirs = -1;
    AUTO_FD ours = -1;
    AUTO_FD null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return err_sys(e, ERR_HOST, errno, "%s: cannot start a zone", b->path);
    ours = pair[0], theirs = pair[1];
    b->z.console = theirs;
    b->o.output_fd = null;
    linux_cgroup_open(&b->z.cg, b->o.log);
    b->watcher = linux_start(&b->z, -1, &b->msg, &b->life, e);
    if (b->watcher < 0)
        return -1;
    close(auto_take_fd(&theirs));
    b->console = receive_fd(ours);
    if (b->console >= 0) {
        fcntl(b->console, F_SETFL, fcntl(b->console, F_GETFL) | O_NONBLOCK);
        return 0;
    }
    while (!zone_ended(b))
        ;
    if (b->said.class == ERR_NONE)
        err_set(&b->said, ERR_HOST, "%s: the zone ended before its console was made", b->path);
    *e = b->said;
    return -1;
}

int zone_boot(const struct zone_opts *o, struct zone **out, struct err *e)
{
    struct zone *b = mem_alloc(sizeof *b);
    enum zone_end how;
    int status;
    struct err ignored = {0};
    *b = (struct zone){.o = *o, .watcher = -1, .msg = -1, .life = -1, .console = -1};
    b->o.stdio = b->o.no_fsync = false;
    b->o.output = NULL;
    *out = NULL;
    if (linux_zone_open(&b->z, &b->o, b->path, e) != 0) {
        free(b);
        return -1;
    }
    if (start(b, e) != 0) {
        zone_end(b, &how, &status, &ignored);
        return -1;
    }
    *out = b;
    return 0;
}

int zone_console(const struct zone *b)
{
    return b->console;
}

int zone_events(const struct zone *b)
{
    return b->msg;
}

bool zone_ended(struct zone *b)
{
    if (b->msg >= 0 && linux_take_msg(b->msg, b->o.log, &b->said, &b->told, &b->status) == 0) {
        close(b->msg);
        b->msg = -1;
    }
    return b->msg < 0;
}

void zone_console_size(const struct zone *b, int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0)
        ioctl(b->console, TIOCSWINSZ, &size);
}

void zone_shut_down(struct zone *b)
{
    ssize_t ignored = write(b->life, "o", 1);
    (void)ignored; /* the watcher is gone: so is the zone */
}

int zone_end(struct zone *b, enum zone_end *how, int *status, struct err *e)
{
    int st;
    b->killed = b->watcher >= 0 && b->msg >= 0;
    if (b->life >= 0)
        close(b->life);
    while (b->watcher >= 0 && !zone_ended(b))
        ;
    if (b->watcher >= 0)
        linux_wait(b->watcher);
    linux_cgroup_remove(&b->z.cg);
    linux_cgroup_close(&b->z.cg);
    for (int *fd = (int[]){b->msg, b->console, b->z.lock}, i = 0; i < 3; i++)
        if (fd[i] >= 0)
            close(fd[i]);
    st = b->status;
    *how = WIFEXITED(st)                    ? ZONE_EXITED
           : WTERMSIG(st) == LINUX_OFF      ? ZONE_OFF
           : WTERMSIG(st) == LINUX_REBOOT   ? ZONE_REBOOT
           : b->killed && WTERMSIG(st) == 9 ? ZONE_KILLED
                                            : ZONE_DIED;
    *status = WIFEXITED(st) ? WEXITSTATUS(st) : WTERMSIG(st);
    int r = b->said.class == ERR_NONE ? 0 : -1;
    if (r != 0)
        *e = b->said;
    else if (!b->told)
        r = err_set(e, ERR_HOST, "%s: the zone ended without a word: was its watcher killed?", b->path);
    free(b);
    return r;
}
