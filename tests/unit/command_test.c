#include "cmd/zone/command.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/test.h"

static struct err err;
static struct buf out;

static int sh(const char *line)
{
    const char *const argv[] = {"/bin/sh", "-c", line, NULL};
    err = (struct err){0};
    buf_clear(&out);
    return command_run(argv, &out, &err);
}

static void output(void)
{
    CHECK(sh("echo one; echo two >&2; echo three") == 0);
    CHECK_STR(buf_c(&out), "one\nthree\n");
    CHECK(sh("cat; env | sort | tr '\\n' ' '") ==
          0); /* nothing to read, nothing of ours in the environment */
    CHECK(strstr(buf_c(&out), "LC_ALL=C ") != NULL && strstr(buf_c(&out), "HOME=") == NULL);
}

static void much_of_both(void)
{
    CHECK(
        sh("i=0; while [ $i -lt 3000 ]; do echo 'a line of standard output, of some length, to fill a pipe'; "
           "echo 'a line of standard error, of some length, to fill a pipe as well' >&2; i=$((i+1)); done") ==
        0);
    CHECK(out.n == 3000 * strlen("a line of standard output, of some length, to fill a pipe\n"));
}

static void failures(void)
{
    CHECK(sh("echo >&2; echo '  the reason. ' >&2; echo advice >&2; exit 3") < 0 && err.class == ERR_HOST);
    CHECK_STR(err.msg, "/bin/sh -c failed: the reason");
    CHECK(sh("exit 1") < 0);
    CHECK_STR(err.msg, "/bin/sh -c failed: it did not say why");
    CHECK(sh("kill -9 $$") < 0);
    const char *const argv[] = {"/no/such/program", NULL};
    err = (struct err){0};
    CHECK(command_run(argv, NULL, &err) < 0);
    CHECK_STR(err.msg, "/no/such/program: cannot be run: No such file or directory");
}

static void found(void)
{
    struct arena a = {0};
    const char *sh_path = command_find("sh", &a);
    CHECK(sh_path != NULL && sh_path[0] == '/');
    CHECK(command_find("no-such-program-here", &a) == NULL);
    arena_free(&a);
}

static volatile int stop;

static void on_alarm(int sig)
{
    (void)sig;
    stop = stop + 1;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int sh_with(struct command_opts o, const char *line)
{
    const char *const argv[] = {"/bin/sh", "-c", line, NULL};
    err = (struct err){0};
    buf_clear(&out);
    return command_run_with(argv, &o, &err);
}

static void exit_status(void)
{
    int status = -1;
    CHECK(sh_with((struct command_opts){.status = &status}, "exit 3") == 0 && status == 3);
    CHECK(sh_with((struct command_opts){.status = &status}, "kill -9 $$") == 0 && status == 128 + SIGKILL);
    CHECK(sh_with((struct command_opts){.shown = "the shell"}, "exit 3") < 0);
    CHECK_STR(err.msg, "the shell failed: it did not say why");
}

static void take_piece(void *ctx, const char *p, size_t n)
{
    buf_add(ctx, p, n);
}

static void pieces(void)
{
    CHECK(sh_with((struct command_opts){.output = take_piece, .ctx = &out},
                  "echo a; echo b >&2; sleep 0.1; echo c") == 0);
    CHECK(out.n == 6 && strstr(buf_c(&out), "b\n") != NULL && strcmp(buf_c(&out) + 4, "c\n") == 0);
}

/* After so many milliseconds, and from then on. */
static void stop_after(int ms)
{
    const struct itimerval t = {.it_value = {0, ms * 1000}}, none = {.it_value = {0, 0}};
    stop = 0;
    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, ms ? &t : &none, NULL);
}

static void stopped(void)
{
    const struct command_opts o = {.stop = &stop, .out = &out};
    char file[] = "/tmp/command-test.XXXXXX", line[200];
    double start = now();
    close(mkstemp(file));
    stop_after(100);
    snprintf(line, sizeof line, "trap 'rm %s; exit 0' TERM; sleep 30 & wait", file);
    CHECK(sh_with(o, line) < 0 && err.class == ERR_INTR);
    CHECK_STR(err.msg, "interrupted");
    CHECK(access(file, F_OK) < 0 && now() - start < 3);
    unlink(file);
    /* One that was there before does not count. */
    stop_after(0);
    stop = 2;
    CHECK(sh_with((struct command_opts){.stop = &stop, .stops = 2}, "exit 0") == 0);
    CHECK(sh_with((struct command_opts){.stop = &stop, .stops = 1}, "exec sleep 30") < 0 &&
          err.class == ERR_INTR);
}

static void deaf(void)
{
    double start = now();
    stop_after(50);
    /* Neither it nor its child heeds a signal. */
    CHECK(sh_with((struct command_opts){.stop = &stop}, "trap '' TERM; sleep 40; sleep 40") < 0 &&
          err.class == ERR_INTR);
    CHECK(now() - start > 4 && now() - start < 9);
}

static void left_running(void)
{
    double start = now();
    CHECK(sh_with((struct command_opts){.out = &out}, "echo before; (sleep 6; echo late) & exit 0") == 0);
    CHECK_STR(buf_c(&out), "before\n");
    CHECK(now() - start < 4);
    stop_after(0);
    start = now();
    CHECK(sh_with((struct command_opts){.out = &out, .stop = &stop},
                  "(while sleep 0.05; do echo still; done) & echo $!") == 0);
    CHECK(now() - start < 4 && kill((pid_t)atol(buf_c(&out)), SIGKILL) == 0);
}

/* It does not wait longer than the program takes. */
static void quick(void)
{
    double start = now();
    for (int i = 0; i < 20; i++)
        CHECK(sh_with((struct command_opts){.stop = &stop, .out = &out}, "exit 0") == 0);
    CHECK(now() - start < 3);
}

static void inherited(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    CHECK(sh("sed -n 's/^Sig\\(Blk\\|Ign\\):.*\\(........\\)$/\\1 \\2/p' /proc/self/status") == 0);
    char *sign = strchr(buf_c(&out), '\n');
    CHECK(sign != NULL && strncmp(buf_c(&out), "Blk 00000000\n", 13) == 0);
    CHECK(sign != NULL && (strtoul(sign + 5, NULL, 16) & 0x7fffffff) == 0); /* C libraries have some above */
    signal(SIGPIPE, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    CHECK(waitpid(-1, NULL, WNOHANG) < 0); /* no child is left */
}

int main(void)
{
    RUN(output);
    RUN(much_of_both);
    RUN(failures);
    RUN(found);
    RUN(exit_status);
    RUN(pieces);
    RUN(stopped);
    RUN(deaf);
    RUN(left_running);
    RUN(quick);
    RUN(inherited);
    buf_free(&out);
    return test_done();
}
