#include "cmd/zone/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/os.h"
#include "cmd/zone/zone.h"

/* OUT_MAX: bytes kept; TICK: milliseconds between looks at stop; GRACE: ticks to end by itself; SILENCE:
   ticks without a word after the end; FDS_MAX: descriptors that this program may have open. */
enum { OUT_MAX = 64 << 20, TICK = 200, GRACE = 25, SILENCE = 5, FDS_MAX = 4096 };

const char *command_find(const char *name, struct arena *a)
{
    static const char *const dirs[] = {"/sbin", "/usr/sbin", "/usr/local/sbin", "/bin", "/usr/bin"};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        const char *path = arena_printf(a, "%s/%s", dirs[i], name);
        if (access(path, X_OK) == 0)
            return path;
    }
    return NULL;
}

/* grouped: in a process group of its own, so that a terminal's ^C reaches this program alone. */
static int start(const char *const *argv, int out, int err, bool grouped, pid_t *pid)
{
    static const char *const env[] = {ZONE_PATH, "LC_ALL=C", NULL};
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t attr;
    posix_spawn_file_actions_init(&fa);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&fa, out, 1);
    posix_spawn_file_actions_adddup2(&fa, err, 2);
    if (grouped)
        posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
    int rc = posix_spawn(pid, argv[0], &fa, &attr, (char **)argv, (char **)env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&fa);
    return rc;
}

/* A program at work: its outputs, [0] standard output and [1] standard error, and what they said. */
struct running {
    const struct command_opts *o;
    pid_t pid;
    int fds[2];
    struct buf out, said; /* said: the last bytes of standard error */
    unsigned stopping;    /* ticks since it was asked to end */
};

/* False at the end. */
static bool take(struct running *r, int which)
{
    char chunk[4096];
    ssize_t n = read(r->fds[which], chunk, sizeof chunk);
    if (n <= 0)
        return n < 0 && errno == EINTR;
    struct buf *b = which == 1 ? &r->said : &r->out;
    if ((which == 1 || r->o->out != NULL) && b->n < OUT_MAX)
        buf_add(b, chunk, (size_t)n);
    if (r->o->out == NULL && r->o->output != NULL)
        r->o->output(r->o->ctx, chunk, (size_t)n);
    return true;
}

static void watch_stop(struct running *r)
{
    if (r->o->stop == NULL || *r->o->stop == 0)
        return;
    if (r->stopping++ == 0)
        kill(-r->pid, SIGTERM);
    else if (r->stopping == GRACE)
        kill(-r->pid, SIGKILL);
}

static bool has_ended(const struct running *r)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == r->pid;
}

/* Something that the program leaves running, a zone's services, may keep its outputs open: they are not
   waited for for ever. */
static void collect(struct running *r)
{
    struct pollfd p[2] = {{.fd = r->fds[0], .events = POLLIN}, {.fd = r->fds[1], .events = POLLIN}};
    for (int silent = 0; (p[0].fd >= 0 || p[1].fd >= 0) && r->stopping <= GRACE && silent < SILENCE;) {
        int n = poll(p, 2, TICK);
        if (n < 0 && errno != EINTR)
            return;
        silent = n == 0 && has_ended(r) ? silent + 1 : 0;
        watch_stop(r);
        for (int i = 0; i < 2; i++)
            if (p[i].fd >= 0 && p[i].revents != 0 && !take(r, i))
                p[i].fd = -1;
    }
}

static int wait_for(struct running *r)
{
    int status = 0, flags = r->o->stop != NULL ? WNOHANG : 0;
    long nap = 1; /* milliseconds: it has closed its outputs, and is about to end */
    pid_t pid;
    while ((pid = waitpid(r->pid, &status, flags)) != r->pid) {
        if (pid < 0 && errno != EINTR)
            break;
        const struct timespec tick = {0, nap * 1000000L};
        if (nap == TICK)
            watch_stop(r);
        nanosleep(&tick, NULL);
        nap = nap * 2 < TICK ? nap * 2 : TICK;
    }
    return status;
}

/* What follows the first line is advice, as a rule. */
static struct str first_line(struct str text)
{
    struct str line;
    while (str_line(&text, &line))
        if ((line = str_trim(line)).n > 0)
            return line.p[line.n - 1] == '.' ? (struct str){line.p, line.n - 1} : line;
    return (struct str){NULL, 0};
}

static bool pipe_open(int fds[2])
{
    return pipe(fds) == 0 && fcntl(fds[0], F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(fds[1], F_SETFD, FD_CLOEXEC) == 0;
}

static int verdict(const char *const *argv, const struct running *r, int status, struct err *e)
{
    if (r->stopping > 0)
        return err_set(e, ERR_INTR, "interrupted");
    if (r->o->out != NULL)
        buf_str(r->o->out, buf_view(&r->out));
    if (r->o->status != NULL) {
        *r->o->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return 0;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    struct str why = first_line(buf_view(&r->said));
    if (why.n == 0)
        why = STR("it did not say why");
    if (r->o->shown != NULL)
        return err_set(e, ERR_HOST, "%s failed: %" STR_FMT, r->o->shown, STR_ARG(why));
    return err_set(e, ERR_HOST, "%s %s failed: %" STR_FMT, argv[0], argv[1] ? argv[1] : "", STR_ARG(why));
}

int command_run_with(const char *const *argv, const struct command_opts *o, struct err *e)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1}, status = 0;
    struct running r = {.o = o};
    int rc = pipe_open(out) && pipe_open(err) ? start(argv, out[1], err[1], o->stop != NULL, &r.pid) : errno;
    for (int i = 0; i < 2; i++)
        if ((i ? err : out)[1] >= 0)
            close((i ? err : out)[1]);
    if (rc == 0) {
        r.fds[0] = out[0];
        r.fds[1] = err[0];
        collect(&r);
        status = wait_for(&r);
    }
    for (int i = 0; i < 2; i++)
        if ((i ? err : out)[0] >= 0)
            close((i ? err : out)[0]);
    rc = rc != 0 ? err_sys(e, ERR_HOST, rc, "%s: cannot be run", argv[0]) : verdict(argv, &r, status, e);
    buf_free(&r.out);
    buf_free(&r.said);
    return rc;
}

int command_run(const char *const *argv, struct buf *out, struct err *e)
{
    const struct command_opts o = {.out = out};
    return command_run_with(argv, &o, e);
}

/* Other locks of its parent's must not live on in it. */
static void close_others(int a, int b, int c)
{
    long max = sysconf(_SC_OPEN_MAX);
    for (int fd = 3; fd < (max < 0 || max > FDS_MAX ? FDS_MAX : max); fd++)
        if (fd != a && fd != b && fd != c)
            close(fd);
}

/* Tells its parent an error number through `say'; silence is success. */
_Noreturn static void keep(const char *const *argv, int run, int log, int say)
{
    char number[24];
    pid_t pid = -1;
    setsid();
    close_others(run, log, say);
    int rc = start(argv, log, log, true, &pid);
    if (rc == 0) {
        int n = snprintf(number, sizeof number, "%ld\n", (long)pid);
        if (ftruncate(run, 0) < 0 || pwrite(run, number, (size_t)n, 0) != n)
            rc = errno;
    }
    if (rc != 0) {
        if (pid > 0)
            kill(pid, SIGKILL);
        ssize_t ignored = write(say, &rc, sizeof rc);
        (void)ignored;
        _exit(1);
    }
    close(say);
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3 && null >= 0; fd++)
        dup2(null, fd);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    _exit(0);
}

int command_detach(const char *const *argv, const char *run, const char *log, struct err *e)
{
    int say[2], rc = 0;
    AUTO_FD lock = open(run, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    AUTO_FD to = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0 || to < 0)
        return err_sys(e, ERR_HOST, errno, "%s", lock < 0 ? run : log);
    if (os_lock(lock) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", run);
    if (!pipe_open(say))
        return err_sys(e, ERR_HOST, errno, "%s: cannot be run", argv[0]);
    pid_t pid = fork();
    if (pid == 0)
        keep(argv, lock, to, say[1]);
    close(say[1]);
    ssize_t n = pid < 0 ? 0 : read(say[0], &rc, sizeof rc);
    if (pid < 0)
        rc = errno;
    close(say[0]);
    return n > 0 || pid < 0 ? err_sys(e, ERR_HOST, rc, "%s: cannot be run", argv[0]) : 0;
}

pid_t command_detached(const char *run)
{
    char text[24] = "";
    uint64_t pid = 0;
    AUTO_FD fd = open(run, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || os_lock(fd) == 0)
        return 0;
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    return n > 0 && str_u64(str_trim((struct str){text, (size_t)n}), &pid) ? (pid_t)pid : 0;
}
