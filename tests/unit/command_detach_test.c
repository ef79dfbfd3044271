/* cmd/zone/command_detach.c: a program that outlives its parent, and its keeper. */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/os.h"
#include "cmd/zone/command.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static struct err err;
static const char *run, *logfile;

/* In a process that ends at once, as zonestrap does. */
static int detach(const char *line, int again)
{
    const char *const argv[] = {"/bin/sh", "-c", line, NULL};
    int status = -1;
    run = in_scratch("zone.run");
    logfile = in_scratch("zone.console");
    pid_t pid = fork();
    if (pid == 0) {
        AUTO_FD held = open(in_scratch("held"), O_RDWR | O_CREAT, 0600);
        _exit(os_lock(held) < 0 ? 2 : command_detach(argv, run, logfile, again, &err) < 0);
    }
    return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static bool until_detached(bool want)
{
    const struct timespec tick = {0, 20000000L};
    for (int i = 0; i < 500; i++, nanosleep(&tick, NULL))
        if ((command_detached(run) > 0) == want)
            return true;
    return false;
}

static const char *console(void)
{
    static struct buf b;
    struct err e = {0};
    buf_clear(&b);
    return file_read(logfile, 4 << 20, &b, &e) == 0 ? buf_c(&b) : "";
}

static bool until_said(const char *what)
{
    const struct timespec tick = {0, 20000000L};
    for (int i = 0; i < 500; i++, nanosleep(&tick, NULL))
        if (strstr(console(), what) != NULL)
            return true;
    return false;
}

static void lives_on(void)
{
    scratch_new();
    CHECK(detach("echo one; echo two >&2; pwd; read x || echo nothing; exec sleep 60", 0) == 0);
    pid_t pid = command_detached(run);
    CHECK(pid > 0 && kill(pid, 0) == 0 && getpgid(pid) == pid && getsid(pid) != getsid(0));
    CHECK(until_said("one\ntwo\n/\nnothing\n"));
    CHECK(command_detached(run) == pid && command_detached(in_scratch("no.run")) == 0);
    /* It cannot be had twice; what its parent had locked is free again. */
    const char *const argv[] = {"/bin/true", NULL};
    CHECK(command_detach(argv, run, logfile, 0, &err) < 0 && strstr(err.msg, "runs already") != NULL);
    CHECK(until_said("one\n"));
    AUTO_FD held = open(in_scratch("held"), O_RDWR);
    CHECK(held >= 0 && os_lock(held) == 0);
    kill(pid, SIGTERM);
    CHECK(until_detached(false));
    struct stat st;
    CHECK(stat(run, &st) == 0 && st.st_size == 0); /* no number that another process may have by now */
}

/* Who looks at the same time does not take the other for the keeper. */
static void looked_at_by_many(void)
{
    scratch_new();
    run = in_scratch("zone.run");
    AUTO_FD fd = open(run, O_RDWR | O_CREAT, 0600);
    CHECK(pwrite(fd, "1\n", 2, 0) == 2 && os_lock_shared(fd) == 0 && command_detached(run) == 0);
}

static void ends_at_once(void)
{
    scratch_new();
    CHECK(detach("echo the reason; exit 3", 0) == 0 && until_detached(false) && until_said("the reason\n"));
    const char *const argv[] = {"/no/such/program", NULL};
    CHECK(command_detach(argv, run, logfile, 0, &err) < 0);
    CHECK_STR(err.msg, "/no/such/program: cannot be run: No such file or directory");
    CHECK(command_detached(run) == 0);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    err = (struct err){0};
    CHECK(command_detach(argv, in_scratch("no/dir"), logfile, 0, &err) < 0 && err.class == ERR_HOST);
}

static void started_again(void)
{
    scratch_new();
    char line[8300];
    snprintf(line, sizeof line,
             "echo x >>%s; n=$(wc -l <%s); echo time $n; [ $n -lt 3 ] && exit 133; exec sleep 60",
             in_scratch("count"), in_scratch("count"));
    CHECK(detach(line, 133) == 0 && until_said("time 1\ntime 2\ntime 3\n") && until_detached(true));
    pid_t pid = command_detached(run);
    CHECK(pid > 0 && kill(pid, SIGKILL) == 0 && until_detached(false));
    CHECK(detach("echo once; exit 133", 0) == 0 && until_detached(false));
    CHECK_STR(console(), "once\n");
}

/* What it started may hold its output open, and what it says does not fill the disk. */
static void outputs(void)
{
    scratch_new();
    CHECK(detach("sleep 4 & exit 0", 0) == 0 && until_detached(false));
    CHECK(detach("yes 0123456789abcdef | head -c 3000000; echo the end", 0) == 0 && until_said("the end\n") &&
          until_detached(false));
    struct stat st;
    CHECK(stat(logfile, &st) == 0 && st.st_size < 2 << 20);
}

int main(void)
{
    RUN(lives_on);
    RUN(looked_at_by_many);
    RUN(ends_at_once);
    RUN(started_again);
    RUN(outputs);
    scratch_remove();
    return test_done();
}
