/* A program that goes on when this one has ended, and its keeper. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/os.h"
#include "cmd/zone/command.h"

/* FDS_MAX: descriptors that this program may have open; LOG_MAX: bytes of the log; TICK: milliseconds between
   looks at a program whose output somebody else holds open; TRIES: to get the lock, TICK_LOCK apart. */
enum { FDS_MAX = 4096, LOG_MAX = 1 << 20, TICK = 1000, TRIES = 25, TICK_LOCK = 20 };

/* The keeper's. */
struct kept {
    const char *const *argv;
    int run, log, say, again;
    pid_t pid;
    int out, status;
};

/* Other locks of its parent's must not live on in it, nor its terminal. */
static void close_others(const struct kept *k)
{
    long max = sysconf(_SC_OPEN_MAX);
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3 && null >= 0; fd++)
        dup2(null, fd);
    for (int fd = 3; fd < (max < 0 || max > FDS_MAX ? FDS_MAX : max); fd++)
        if (fd != k->run && fd != k->log && fd != k->say)
            close(fd);
}

/* An errno, or 0. */
static int begin(struct kept *k)
{
    char number[24];
    int pipe[2];
    if (!command_pipe(pipe))
        return errno;
    int rc = command_start(k->argv, pipe[1], pipe[1], true, &k->pid);
    close(pipe[1]);
    k->out = pipe[0];
    if (rc != 0)
        return rc;
    int n = snprintf(number, sizeof number, "%-20ld\n", (long)k->pid);
    if (pwrite(k->run, number, (size_t)n, 0) == n)
        return 0;
    rc = errno;
    kill(k->pid, SIGKILL);
    return rc;
}

/* A full disk loses what it says, and nothing else. */
static void note(const struct kept *k, const char *p, size_t n)
{
    off_t at = lseek(k->log, 0, SEEK_END);
    if (at > LOG_MAX && ftruncate(k->log, 0) == 0)
        lseek(k->log, 0, SEEK_SET);
    ssize_t ignored = write(k->log, p, n);
    (void)ignored;
}

/* Until it has ended. */
static void attend(struct kept *k)
{
    char chunk[4096];
    struct pollfd p = {.fd = k->out, .events = POLLIN};
    bool ended = false;
    for (;;) {
        int n = poll(&p, 1, ended ? 0 : TICK);
        ssize_t got = n > 0 ? read(k->out, chunk, sizeof chunk) : -1;
        if (got > 0)
            note(k, chunk, (size_t)got);
        else if (n > 0 && !(got < 0 && errno == EINTR))
            break;
        else if (ended)
            return;
        else
            ended = waitpid(k->pid, &k->status, WNOHANG) == k->pid;
    }
    while (!ended && waitpid(k->pid, &k->status, 0) < 0 && errno == EINTR)
        ;
}

/* Tells its parent an error number through `say'; silence is success. */
_Noreturn static void keep(struct kept *k)
{
    setsid();
    close_others(k);
    int rc = chdir("/") < 0 ? errno : begin(k);
    if (rc != 0) {
        ssize_t ignored = write(k->say, &rc, sizeof rc);
        (void)ignored;
        _exit(1);
    }
    close(k->say);
    k->say = -1;
    do {
        attend(k);
        close(k->out);
    } while (k->again != 0 && WIFEXITED(k->status) && WEXITSTATUS(k->status) == k->again && begin(k) == 0);
    _exit(ftruncate(k->run, 0) == 0 ? 0 : 1);
}

/* Who only looks holds it for a moment. */
static int take_lock(int fd)
{
    const struct timespec tick = {0, TICK_LOCK * 1000000L};
    for (int i = 0; i < TRIES; i++) {
        if (os_lock(fd) == 0)
            return 0;
        nanosleep(&tick, NULL);
    }
    return -1;
}

int command_detach(const char *const *argv, const char *run, const char *log, int again, struct err *e)
{
    int say[2], rc = 0;
    AUTO_FD lock = open(run, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        return err_sys(e, ERR_HOST, errno, "%s", run);
    if (take_lock(lock) < 0)
        return err_set(e, ERR_HOST, "%s: its program runs already", run);
    AUTO_FD to = open(log, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0 || ftruncate(lock, 0) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", to < 0 ? log : run);
    if (!command_pipe(say))
        return err_sys(e, ERR_HOST, errno, "%s: cannot be run", argv[0]);
    pid_t pid = fork();
    if (pid == 0)
        keep(&(struct kept){.argv = argv, .run = lock, .log = to, .say = say[1], .again = again});
    rc = pid < 0 ? errno : 0;
    close(say[1]);
    while (pid > 0 && read(say[0], &rc, sizeof rc) < 0 && errno == EINTR)
        ;
    close(say[0]);
    return rc != 0 ? err_sys(e, ERR_HOST, rc, "%s: cannot be run", argv[0]) : 0;
}

pid_t command_detached(const char *run)
{
    char text[24] = "";
    uint64_t pid = 0;
    AUTO_FD fd = open(run, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || os_lock_shared(fd) == 0)
        return 0;
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    return n > 0 && str_u64(str_trim((struct str){text, (size_t)n}), &pid) ? (pid_t)pid : 0;
}
