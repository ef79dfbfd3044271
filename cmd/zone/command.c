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
#include "cmd/zone/zone.h"

/* OUT_MAX: bytes kept. Milliseconds: TICK between looks at stop; GRACE to end by itself when asked to; LINGER
   that outputs are read when the program has ended: what it left running may hold them open for ever. */
enum { OUT_MAX = 64 << 20, TICK = 200, GRACE = 5000, LINGER = 1000 };

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

int command_resolve(const char *const *argv, struct arena *a, const char *const **out, struct err *e)
{
    size_t n = 1;
    while (argv[n] != NULL)
        n++;
    const char **whole = arena_array(a, n + 1, sizeof *whole);
    memcpy(whole, argv, n * sizeof *argv);
    whole[0] = argv[0][0] == '/' ? argv[0] : command_find(argv[0], a);
    *out = whole;
    return whole[0] != NULL ? 0 : err_set(e, ERR_HOST, "there is no program %s here", argv[0]);
}

int command_start(const char *const *argv, int out, int err, bool grouped, pid_t *pid)
{
    static const char *const env[] = {ZONE_PATH, "LC_ALL=C", NULL};
    static const int plain[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGCHLD};
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t attr;
    sigset_t set;
    posix_spawn_file_actions_init(&fa);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&fa, out, 1);
    posix_spawn_file_actions_adddup2(&fa, err, 2);
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attr, &set);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        sigaddset(&set, plain[i]); /* what this program ignores */
    posix_spawnattr_setsigdefault(&attr, &set);
    posix_spawnattr_setflags(&attr, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                            (grouped ? POSIX_SPAWN_SETPGROUP : 0)));
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
    struct buf out, said;
    bool ended, asked, killed;
    int64_t when; /* it ended, or was asked to end */
    int status;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

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

/* Looks whether it has ended, and whether it shall. */
static void look(struct running *r)
{
    if (r->ended)
        return;
    pid_t pid = waitpid(r->pid, &r->status, WNOHANG);
    if (pid == r->pid || (pid < 0 && errno != EINTR)) {
        r->ended = true;
        r->status = pid < 0 ? 255 << 8 : r->status; /* somebody else waited for it */
        r->when = now_ms();
    } else if (r->o->stop == NULL || *r->o->stop <= r->o->stops) {
        return;
    } else if (!r->asked) {
        r->asked = true;
        r->when = now_ms();
        kill(-r->pid, SIGTERM);
    } else if (!r->killed && now_ms() - r->when > GRACE) {
        r->killed = true;
        kill(-r->pid, SIGKILL);
    }
}

static void collect(struct running *r)
{
    struct pollfd p[2] = {{.fd = r->fds[0], .events = POLLIN}, {.fd = r->fds[1], .events = POLLIN}};
    while (p[0].fd >= 0 || p[1].fd >= 0) {
        if (poll(p, 2, TICK) < 0 && errno != EINTR)
            return;
        look(r);
        for (int i = 0; i < 2; i++)
            if (p[i].fd >= 0 && p[i].revents != 0 && !take(r, i))
                p[i].fd = -1;
        if (r->ended && now_ms() - r->when > LINGER)
            return;
    }
}

static void wait_for(struct running *r)
{
    long ms = 1;
    for (look(r); !r->ended; look(r)) {
        const struct timespec pause = {0, ms * 1000000};
        nanosleep(&pause, NULL);
        ms = ms * 2 < TICK ? ms * 2 : TICK;
    }
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

bool command_pipe(int fds[2])
{
    return pipe(fds) == 0 && fcntl(fds[0], F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(fds[1], F_SETFD, FD_CLOEXEC) == 0;
}

static int verdict(const char *const *argv, const struct running *r, struct err *e)
{
    int status = r->status;
    if (r->asked)
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

static void close_two(int fds[2])
{
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

int command_run_with(const char *const *argv, const struct command_opts *o, struct err *e)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    struct running r = {.o = o};
    int rc = command_pipe(out) && command_pipe(err)
                 ? command_start(argv, out[1], err[1], o->stop != NULL, &r.pid)
                 : errno;
    close_two((int[2]){out[1], err[1]});
    if (rc == 0) {
        r.fds[0] = out[0];
        r.fds[1] = err[0];
        collect(&r);
        wait_for(&r);
    }
    close_two((int[2]){out[0], err[0]});
    rc = rc != 0 ? err_sys(e, ERR_HOST, rc, "%s: cannot be run", argv[0]) : verdict(argv, &r, e);
    buf_free(&r.out);
    buf_free(&r.said);
    return rc;
}

int command_run(const char *const *argv, struct buf *out, struct err *e)
{
    const struct command_opts o = {.out = out};
    return command_run_with(argv, &o, e);
}
