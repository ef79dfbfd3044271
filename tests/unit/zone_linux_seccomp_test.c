/* cmd/zone/linux_seccomp.c: the filters, as the kernel applies them to this machine's calls. Needs root. */
#define _GNU_SOURCE /* syncfs(2), sync_file_range(2) */
#include "cmd/zone/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* Runs fn behind the filters; what it returns. 77: no seccomp here. */
static int behind(bool no_fsync, bool terminal, int (*fn)(void))
{
    int st = 0;
    pid_t pid = fork();
    if (pid == 0) {
        struct err e = {0};
        int r = linux_seccomp(no_fsync, terminal, &e);
        _exit(r != 0 ? (r == 1 ? 77 : 99) : fn());
    }
    CHECK(pid > 0 && waitpid(pid, &st, 0) == pid);
    return WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
}

/* A bit for each call that the kernel answered itself: on the null device, or a page that is not mapped, it
 * says no. */
static int syncs(void)
{
    int fd = open("/dev/null", O_RDWR), n = 0;
    n |= fsync(fd) != 0 ? 1 : 0;
    n |= fdatasync(fd) != 0 ? 2 : 0;
    n |= msync((void *)4096, 4096, MS_SYNC) != 0 ? 4 : 0;
    n |= syncfs(-1) != 0 ? 8 : 0;
    n |= sync_file_range(-1, 0, 0, 0) != 0 ? 16 : 0;
    return n;
}

static void no_fsync(void)
{
    if (geteuid() != 0)
        SKIP("needs root");
    int r = behind(true, false, syncs);
    if (r == 77)
        SKIP("this kernel has no seccomp filters");
    CHECK(r == 0);
    CHECK(behind(false, false, syncs) == 31 && behind(false, true, syncs) == 31);
}

static int terminals(void)
{
    char c = 'x';
    int n = ioctl(-1, TIOCSTI, &c) == -1 && errno == EPERM ? 0 : 1;
    return n | (ioctl(-1, TIOCGWINSZ, &c) == -1 && errno == EBADF ? 0 : 2);
}

static void terminal(void)
{
    if (geteuid() != 0)
        SKIP("needs root");
    int r = behind(false, true, terminals);
    if (r == 77)
        SKIP("this kernel has no seccomp filters");
    CHECK(r == 0);
    CHECK(behind(true, false, terminals) == 1 && behind(true, true, terminals) == 0);
}

#ifdef __x86_64__
/* The calls of i386 programs, and x32's ioctl. */
static int compat(int nr, int a, int b)
{
    int r;
    __asm__ volatile("int $0x80"
                     : "=a"(r)
                     : "a"(nr), "b"(a), "c"(b), "d"(0)
                     : "memory", "r8", "r9", "r10", "r11");
    return r;
}

static int compat_calls(void)
{
    int fd = open("/dev/null", O_RDWR), n = 0;
    n |= compat(118, fd, 0) != 0 ? 1 : 0;            /* fsync */
    n |= compat(148, fd, 0) != 0 ? 2 : 0;            /* fdatasync */
    n |= compat(144, 4096, 4096) != 0 ? 4 : 0;       /* msync */
    n |= compat(344, -1, 0) != 0 ? 8 : 0;            /* syncfs */
    n |= compat(314, -1, 0) != 0 ? 16 : 0;           /* sync_file_range */
    n |= compat(54, -1, TIOCSTI) != -EPERM ? 32 : 0; /* ioctl */
    return n;
}

static int x32_ioctl(void)
{
    return syscall(0x40000000 | 514, -1, TIOCSTI, 0) == -1 && errno == EPERM ? 0 : 1;
}

static void other_calls_of_x86_64(void)
{
    if (geteuid() != 0)
        SKIP("needs root");
    CHECK(behind(true, true, x32_ioctl) == 0);
    int r = behind(false, false, compat_calls);
    if (r > 128)
        SKIP("this kernel runs no 32-bit programs");
    CHECK(r == 63);
    CHECK(behind(true, true, compat_calls) == 0);
    CHECK(behind(true, false, compat_calls) == 32);
}
#endif

int main(void)
{
    RUN(no_fsync);
    RUN(terminal);
#ifdef __x86_64__
    RUN(other_calls_of_x86_64);
#endif
    return test_done();
}
