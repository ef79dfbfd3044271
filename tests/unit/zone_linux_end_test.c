/* cmd/zone/linux*.c: however a zone ends, nothing of it is left. Needs root, and a static busybox to make a
 * root of. */
#include "tests/unit/zone_help.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* How many processes have the marker in their command line. */
static int marked(const char *marker)
{
    int n = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *en; d != NULL && (en = readdir(d)) != NULL;) {
        char path[300], data[512] = "";
        snprintf(path, sizeof path, "/proc/%s/cmdline", en->d_name);
        int fd = isdigit((unsigned char)en->d_name[0]) ? open(path, O_RDONLY) : -1;
        ssize_t got = fd < 0 ? 0 : read(fd, data, sizeof data - 1);
        for (ssize_t i = 0; i < got; i++)
            if (data[i] == '\0')
                data[i] = ' ';
        n += strncmp(data, "sleep ", 6) == 0 && strstr(data, marker) != NULL;
        if (fd >= 0)
            close(fd);
    }
    if (d != NULL)
        closedir(d);
    return n;
}

static bool marked_becomes(const char *marker, int want)
{
    for (int i = 0; i < 500; i++) {
        if (marked(marker) == want)
            return true;
        pause_ms(10);
    }
    return false;
}

static pid_t first_child(pid_t parent)
{
    pid_t found = -1;
    DIR *d = opendir("/proc");
    for (struct dirent *en; d != NULL && found < 0 && (en = readdir(d)) != NULL;) {
        char path[300];
        int ppid;
        snprintf(path, sizeof path, "/proc/%s/stat", en->d_name);
        FILE *f = isdigit((unsigned char)en->d_name[0]) ? fopen(path, "r") : NULL;
        if (f != NULL && fscanf(f, "%*d (%*[^)]) %*c %d", &ppid) == 1 && ppid == parent)
            found = (pid_t)atoi(en->d_name);
        if (f != NULL)
            fclose(f);
    }
    if (d != NULL)
        closedir(d);
    return found;
}

/* kill(-1) as root would be the end of the whole machine: a process that was not found is a failed test, no
 * more. */
static void kill_one(pid_t pid, int sig)
{
    CHECK(pid > 1);
    if (pid > 1)
        kill(pid, sig);
}

static volatile int stop_flag;
static void on_alarm(int s)
{
    (void)s;
    stop_flag = 1;
}

enum victim { NOBODY, CALLER, WATCHER, BOTH, INIT, STOP };

/* Starts a zone that leaves processes behind in its own process, ends it in one of the ways, and sees that
 * all is gone. */
static void ends(enum victim victim)
{
    char line[256], marker[32];
    snprintf(marker, sizeof marker, "%d.%d", 100000 + (int)getpid(), (int)victim);
    snprintf(line, sizeof line, "(setsid sleep %s &); trap '' TERM; mount -t tmpfs none /tmp; sleep %s & %s",
             marker, marker, victim == NOBODY ? "sleep 0.3; exit 3" : "wait");
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid < 0)
        return;
    if (pid == 0) {
        if (victim == STOP) {
            signal(SIGALRM, on_alarm);
            alarm(1);
        }
        int r = run_opts((struct zone_opts){.stop = &stop_flag}, line);
        _exit(r == 0 ? status : (int)err.class);
    }
    CHECK(marked_becomes(marker, 2));
    pid_t watcher = first_child(pid);
    if (victim == CALLER)
        kill_one(pid, SIGKILL);
    if (victim == BOTH)
        kill_one(pid, SIGSTOP); /* it would tidy up */
    if (victim == WATCHER || victim == BOTH)
        kill_one(watcher, SIGKILL);
    if (victim == BOTH)
        kill_one(pid, SIGKILL);
    if (victim == INIT)
        kill_one(watcher > 1 ? first_child(watcher) : -1, SIGKILL);
    int st = 0;
    waitpid(pid, &st, 0);
    switch (victim) {
    case NOBODY:
        CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 3 && marked(marker) == 0);
        break;
    case CALLER:
    case BOTH:
        CHECK(WIFSIGNALED(st));
        break;
    case WATCHER:
        CHECK(WIFEXITED(st) && WEXITSTATUS(st) == ERR_HOST);
        break;
    case INIT:
        CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 128 + SIGKILL);
        break;
    case STOP:
        CHECK(WIFEXITED(st) && WEXITSTATUS(st) == ERR_INTR && marked(marker) == 0);
        break;
    }
    CHECK(marked_becomes(marker, 0));
    for (int i = 0; victim == CALLER && i < 200; i++) {
        char *left = left_behind(pid);
        bool none = left[0] == '\0';
        free(left);
        if (none)
            break;
        pause_ms(20); /* the watcher is still at it */
    }
    if (victim == BOTH) {
        char *left = left_behind(pid);
        CHECK(strstr(left, "cgroup/") != NULL || access("/sys/fs/cgroup", W_OK) != 0);
        free(left);
        CHECK(run("true") == 0); /* the next run finds what nobody holds any more */
    }
    CHECK(nothing_left(pid));
}

static void normal_end(void)
{
    NEEDS_ROOT;
    ends(NOBODY);
}

static void caller_killed(void)
{
    NEEDS_ROOT;
    ends(CALLER);
}

static void watcher_killed(void)
{
    NEEDS_ROOT;
    ends(WATCHER);
}

static void caller_and_watcher_killed(void)
{
    NEEDS_ROOT;
    ends(BOTH);
}

static void init_killed(void)
{
    NEEDS_ROOT;
    ends(INIT);
}

static void stop_kills(void)
{
    NEEDS_ROOT;
    ends(STOP);
}

int main(void)
{
    make_place();
    RUN(normal_end);
    RUN(caller_killed);
    RUN(watcher_killed);
    RUN(caller_and_watcher_killed);
    RUN(init_killed);
    RUN(stop_kills);
    remove_place();
    return test_done();
}
