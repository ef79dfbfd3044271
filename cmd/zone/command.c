#include "cmd/zone/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "cmd/zone/zone.h"

enum { OUT_MAX = 64 << 20 };

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

static int start(const char *const *argv, int out, int err, pid_t *pid)
{
    static const char *const env[] = {ZONE_PATH, "LC_ALL=C", NULL};
    posix_spawn_file_actions_t fa;
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&fa, out, 1);
    posix_spawn_file_actions_adddup2(&fa, err, 2);
    int rc = posix_spawn(pid, argv[0], &fa, NULL, (char **)argv, (char **)env);
    posix_spawn_file_actions_destroy(&fa);
    return rc;
}

/* False at the end. */
static bool take(int fd, struct buf *b)
{
    char chunk[4096];
    ssize_t n = read(fd, chunk, sizeof chunk);
    if (n > 0 && b->n < OUT_MAX)
        buf_add(b, chunk, (size_t)n);
    return n > 0 || (n < 0 && errno == EINTR);
}

static void collect(int out, int err, struct buf *o, struct buf *m)
{
    struct pollfd p[2] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
    struct buf *to[2] = {o, m};
    while (p[0].fd >= 0 || p[1].fd >= 0) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return;
        for (int i = 0; i < 2; i++)
            if (p[i].fd >= 0 && p[i].revents != 0 && !take(p[i].fd, to[i]))
                p[i].fd = -1;
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

static bool pipe_open(int fds[2])
{
    return pipe(fds) == 0 && fcntl(fds[0], F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(fds[1], F_SETFD, FD_CLOEXEC) == 0;
}

int command_run(const char *const *argv, struct buf *out, struct err *e)
{
    int o[2] = {-1, -1}, m[2] = {-1, -1}, status = 0;
    pid_t pid = -1;
    AUTO_BUF text = {0}, said = {0};
    int rc = pipe_open(o) && pipe_open(m) ? start(argv, o[1], m[1], &pid) : errno;
    for (int i = 0; i < 2; i++)
        if ((i ? m : o)[1] >= 0)
            close((i ? m : o)[1]);
    if (rc == 0) {
        collect(o[0], m[0], &text, &said);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    for (int i = 0; i < 2; i++)
        if ((i ? m : o)[0] >= 0)
            close((i ? m : o)[0]);
    if (rc != 0)
        return err_sys(e, ERR_HOST, rc, "%s: cannot be run", argv[0]);
    if (out != NULL)
        buf_str(out, buf_view(&text));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    struct str why = first_line(buf_view(&said));
    return err_set(e, ERR_HOST, "%s %s failed: %" STR_FMT, argv[0], argv[1] ? argv[1] : "",
                   STR_ARG(why.n > 0 ? why : STR("it did not say why")));
}
