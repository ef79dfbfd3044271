/* A root of busybox alone, and running a line of shell in it as a zone. Needs root, and a static busybox. */
#ifndef TESTS_UNIT_ZONE_HELP_H
#define TESTS_UNIT_ZONE_HELP_H

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "cmd/zone/linux.h"
#include "tests/unit/test.h"

static const char *const busybox = "/bin/busybox";
static const char *skip_all;
static char place[64], root[72], outside[80];
static struct buf out;
static struct err err;
static int status;

static const char *const plain_env[] = {"PATH=/bin", "GREETING=hello", NULL};

static inline void collect(void *ctx, const char *p, size_t n)
{
    buf_add(ctx, p, n);
}

/* Runs a shell line as a zone: what it printed is in out, its end in status and err. */
static inline int run_opts(struct zone_opts o, const char *line)
{
    const char *const argv[] = {"/bin/sh", "-c", line, NULL};
    o.root = o.root ? o.root : root;
    o.argv = o.argv ? o.argv : argv;
    o.env = o.env ? o.env : plain_env;
    o.output = collect;
    o.ctx = &out;
    buf_clear(&out);
    err = (struct err){0};
    status = -1;
    return zone_run(&o, &status, &err);
}

static inline int run(const char *line)
{
    return run_opts((struct zone_opts){.root = NULL}, line);
}

static inline bool said(const char *what)
{
    return strstr(buf_c(&out), what) != NULL;
}

static inline void host_shell(const char *fmt, ...)
{
    struct buf line = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&line, fmt, ap);
    va_end(ap);
    if (system(buf_c(&line)) != 0)
        printf("failed: %s\n", buf_c(&line));
    buf_free(&line);
}

static inline bool put_file(const char *dir, const char *name, const char *text, mode_t mode)
{
    struct err e = {0};
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return file_replace(path, str_c(text), mode, &e) == 0;
}

static inline void make_root(const char *dir)
{
    host_shell("mkdir -p %s/bin %s/etc %s/proc %s/sys %s/dev %s/run/lock %s/tmp && cp %s %s/bin/busybox && "
               "for a in $(%s --list); do [ $a = busybox ] || ln -s busybox %s/bin/$a; done",
               dir, dir, dir, dir, dir, dir, dir, busybox, dir, busybox, dir);
    put_file(dir, "etc/passwd", "root::0:0:root:/:/bin/sh\nnobody::65534:65534::/:/bin/sh\n", 0644);
    put_file(dir, "etc/group", "root:x:0:\nnobody:x:65534:\n", 0644);
}

/* What is left on the host of zones that process pid started: mounts at the test's place, cgroups. "" is
 * nothing. */
static char *left_behind(pid_t pid)
{
    struct buf all = {0}, left = {0};
    struct err e = {0};
    char line[512];
    file_read("/proc/self/mountinfo", 1 << 24, &all, &e);
    struct str rest = buf_view(&all), one;
    while (str_line(&rest, &one))
        if (str_find(one, str_c(place)) < one.n)
            buf_printf(&left, "%" STR_FMT "\n", STR_ARG(one));
    snprintf(line, sizeof line, "find /sys/fs/cgroup -name 'zonestrap-%d.*' 2>/dev/null", (int)pid);
    FILE *f = popen(line, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        buf_puts(&left, line);
    if (f != NULL)
        pclose(f);
    buf_free(&all);
    return left.p ? left.p : mem_dup("");
}

static inline bool nothing_left(pid_t pid)
{
    char *left = left_behind(pid);
    bool none = left[0] == '\0';
    if (!none)
        printf("left: %s", left);
    free(left);
    return none;
}

static inline bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return done;
}

/* A child that waits until the caller, in a new user namespace, closes go; then it gives that all ids of the
 * one that it came from, and ends with 0. */
static inline pid_t map_all_ids(int *go)
{
    static const char *const maps[] = {"uid_map", "gid_map"};
    int fds[2];
    char c, path[64];
    bool done = true;
    if (pipe(fds) != 0)
        return -1;
    pid_t caller = getpid(), pid = fork();
    if (pid != 0) {
        close(fds[0]);
        *go = fds[1];
        return pid;
    }
    close(fds[1]);
    if (read(fds[0], &c, 1) != 0)
        _exit(1);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", (int)caller, maps[i]);
        done = done && write_file(path, "0 0 4294967295");
    }
    _exit(done ? 0 : 1);
}

#define NEEDS_ROOT                                                                                           \
    do {                                                                                                     \
        if (skip_all != NULL)                                                                                \
            SKIP(skip_all);                                                                                  \
    } while (0)

/* Before the first RUN; remove_place() after the last. */
static inline void make_place(void)
{
    strcpy(place, "/var/tmp/zone-test.XXXXXX");
    if (geteuid() != 0) {
        skip_all = "needs root";
    } else if (access(busybox, X_OK) != 0) {
        skip_all = "no /bin/busybox (Debian: busybox-static)";
    } else if (system("ldd /bin/busybox >/dev/null 2>&1") == 0) {
        skip_all = "/bin/busybox is not static (Debian: busybox-static)";
    } else if (mkdtemp(place) == NULL) {
        skip_all = "no /var/tmp";
    } else {
        snprintf(outside, sizeof outside, "%s/outside", place);
        mkdir(outside, 0755);
        snprintf(root, sizeof root, "%s/root", place);
        make_root(root);
    }
}

static inline void remove_place(void)
{
    if (skip_all == NULL)
        host_shell("rm -rf --one-file-system %s", place);
    buf_free(&out);
}

#endif
