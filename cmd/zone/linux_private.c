/* Root of a namespace of one's own: see zone_private_enter(). The ids can only be mapped from outside, by the
   setuid programs newuidmap and newgidmap: a helper, forked before the user namespace is made, runs them. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/zone/linux.h"

_Static_assert(sizeof(struct err) <= PIPE_BUF, "errors must be written whole");

enum { IDS_WANTED = 65536 }; /* packages use 65534 (nobody) */
#define LATER "a tarball that finishes itself needs none of this: --second-stage later"

static bool entered;

bool linux_private_entered(void)
{
    return entered;
}

/* What maps one kind of ids. */
struct mapper {
    const char *program, *kind, *file; /* "newuidmap", "user", "/etc/subuid" */
    uint32_t own;
    struct linux_subids ids;
    char path[PATH_MAX];
};

/* In PATH, as far as that is absolute, and in /usr/bin. */
static int find_program(struct mapper *m, struct err *e)
{
    const char *set = getenv("PATH");
    AUTO_BUF dirs = {0};
    buf_printf(&dirs, "%s:/usr/bin", set ? set : "");
    struct str rest = buf_view(&dirs), dir;
    while (str_cut(&rest, ':', &dir)) {
        struct stat st;
        if (dir.n == 0 || dir.p[0] != '/' || dir.n + strlen(m->program) + 2 > sizeof m->path)
            continue;
        snprintf(m->path, sizeof m->path, "%.*s/%s", (int)dir.n, dir.p, m->program);
        if (stat(m->path, &st) == 0 && S_ISREG(st.st_mode) && access(m->path, X_OK) == 0)
            return 0;
    }
    err_set(e, ERR_HOST, "finishing a system without root's rights needs %s, which is not installed",
            m->program);
    return err_hint(e, "install newuidmap and newgidmap (uidmap, shadow-utils); or run it as root; " LATER);
}

static int find_ids(struct mapper *m, const struct passwd *pw, struct err *e)
{
    char number[32];
    snprintf(number, sizeof number, "%lu", (unsigned long)getuid());
    const char *user = pw ? pw->pw_name : number;
    if (linux_subids_read(m->file, pw ? user : NULL, getuid(), m->own, &m->ids, e) != 0)
        return -1;
    if (m->ids.total + 1 >= IDS_WANTED)
        return 0;
    if (m->ids.n == 0)
        err_set(e, ERR_HOST, "%s: the user %s has no subordinate %s ids; a whole system needs %d", m->file,
                user, m->kind, IDS_WANTED - 1);
    else
        err_set(e, ERR_HOST, "%s: the user %s has %llu subordinate %s ids; a whole system needs %d", m->file,
                user, (unsigned long long)m->ids.total, m->kind, IDS_WANTED - 1);
    return err_hint(e, "root gives them: usermod --add-sub%cids FIRST-LAST %s; " LATER, m->kind[0], user);
}

/* PROGRAM PID 0 OWN 1 1 FIRST COUNT ... */
static const char **mapper_argv(const struct mapper *m, pid_t pid, struct arena *a)
{
    const char **argv = arena_array(a, 6 + 3 * m->ids.n, sizeof *argv);
    size_t n = 0;
    uint64_t inside = 1;
    argv[n++] = m->program;
    argv[n++] = arena_printf(a, "%d", (int)pid);
    argv[n++] = "0";
    argv[n++] = arena_printf(a, "%lu", (unsigned long)m->own);
    argv[n++] = "1";
    for (size_t i = 0; i < m->ids.n; i++) {
        argv[n++] = arena_printf(a, "%llu", (unsigned long long)inside);
        argv[n++] = arena_printf(a, "%lu", (unsigned long)m->ids.v[i].first);
        argv[n++] = arena_printf(a, "%lu", (unsigned long)m->ids.v[i].count);
        inside += m->ids.v[i].count;
    }
    return argv;
}

_Noreturn static void become_mapper(const struct mapper *m, const char **argv, int out)
{
    static const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0 && dup2(null, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2) {
        linux_close_but(NULL, 0);
        execve(m->path, (char **)argv, (char **)env);
        dprintf(2, "%s\n", strerror(errno));
    }
    _exit(127);
}

static int map_failed(const struct mapper *m, struct str said, int status, struct err *e)
{
    struct str line, last = {0};
    while (str_line(&said, &line))
        last = str_trim(line).n > 0 ? str_trim(line) : last;
    if (last.n > 0)
        err_set(e, ERR_HOST, "%s cannot map the %s ids: %" STR_FMT, m->path, m->kind, STR_ARG(last));
    else
        err_set(e, ERR_HOST, "%s cannot map the %s ids: exit status %d", m->path, m->kind, status);
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
        return err_hint(
            e, "this process may gain no rights (no_new_privs), a service's or container's setting; " LATER);
    return err_hint(e, "it must have the setuid bit or the capability, and %s must be its own; " LATER,
                    m->file);
}

static int run_mapper(const struct mapper *m, pid_t pid, struct err *e)
{
    AUTO_ARENA a = {0};
    AUTO_BUF said = {0};
    struct err ignored = {0};
    int fds[2];
    const char **argv = mapper_argv(m, pid, &a);
    if (pipe2(fds, O_CLOEXEC) != 0)
        return err_sys(e, ERR_HOST, errno, "pipe");
    pid_t child = fork();
    if (child == 0)
        become_mapper(m, argv, fds[1]);
    int failed = errno;
    close(fds[1]);
    if (child > 0)
        file_read_fd(fds[0], m->path, 65536, &said, &ignored);
    close(fds[0]);
    if (child < 0)
        return err_sys(e, ERR_HOST, failed, "fork");
    int status = linux_wait(child);
    return status == 0 ? 0 : map_failed(m, buf_view(&said), status, e);
}

/* Writes how it went, ERR_NONE when all is mapped. */
_Noreturn static void helper(const struct mapper *users, const struct mapper *groups, pid_t pid, int go,
                             int result)
{
    struct err e = {0};
    char c;
    if (read(go, &c, 1) != 1)
        _exit(0);
    if (run_mapper(users, pid, &e) == 0)
        run_mapper(groups, pid, &e);
    _exit(write(result, &e, sizeof e) == (ssize_t)sizeof e ? 0 : 1);
}

/* How it went in another process, from its end of a pipe. */
static int read_result(int fd, struct err *e)
{
    struct err said = {0};
    ssize_t n;
    do {
        n = read(fd, &said, sizeof said);
    } while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof said)
        return err_set(e, ERR_HOST, "the process that makes the user namespace was killed");
    if (said.class == ERR_NONE)
        return 0;
    *e = said;
    return -1;
}

static int or_later(struct err *e)
{
    char hint[sizeof e->hint];
    memcpy(hint, e->hint, sizeof hint);
    return err_hint(e, "%s%s" LATER, hint, hint[0] ? "; " : "");
}

/* Names the settings that are known to forbid user namespaces, as far as they do here. */
static int forbidden(const char *what, int errnum, struct err *e)
{
    static const struct {
        const char *name, *path, *bad, *good;
    } sysctls[] = {
        {"user.max_user_namespaces", "/proc/sys/user/max_user_namespaces", "0", "65536"},
        {"kernel.unprivileged_userns_clone", "/proc/sys/kernel/unprivileged_userns_clone", "0", "1"},
        {"kernel.apparmor_restrict_unprivileged_userns",
         "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "0"},
    };
    AUTO_BUF found = {0};
    AUTO_BUF fix = {0};
    for (size_t i = 0; i < sizeof sysctls / sizeof *sysctls; i++) {
        AUTO_BUF value = {0};
        struct err ignored = {0};
        if (file_read(sysctls[i].path, 64, &value, &ignored) != 0 ||
            !str_is(str_trim(buf_view(&value)), sysctls[i].bad))
            continue;
        buf_printf(&found, "; the sysctl %s is %s", sysctls[i].name, sysctls[i].bad);
        buf_printf(&fix, " %s=%s", sysctls[i].name, sysctls[i].good);
    }
    err_set(e, ERR_HOST, "this host lets users make no user namespace of their own (%s: %s%s)", what,
            strerror(errnum), buf_c(&found));
    e->sys = errnum;
    if (fix.n > 0)
        return err_hint(e, "root allows them: sysctl%s; or run it as root; " LATER, buf_c(&fix));
    return err_hint(
        e, "a container, a chroot, a security module or the kernel's configuration may forbid them; " LATER);
}

/* Does the map of this process (user_namespaces(7)) have the ids below IDS_WANTED? */
static int check_map(const char *which, struct err *e)
{
    AUTO_BUF map = {0};
    uint64_t have = 0, first, count;
    struct str line, word;
    if (file_read(which, 65536, &map, e) != 0)
        return -1;
    struct str rest = buf_view(&map);
    while (str_line(&rest, &line))
        if (str_word(&line, &word) && str_u64(word, &first) && str_word(&line, &word) &&
            str_word(&line, &word) && str_u64(word, &count) && first < IDS_WANTED)
            have += count < IDS_WANTED - first ? count : IDS_WANTED - first;
    if (have == IDS_WANTED)
        return 0;
    err_set(e, ERR_HOST,
            "root here is that of a user namespace with %llu of the %d ids that a whole system needs (%s)",
            (unsigned long long)have, IDS_WANTED, which);
    return err_hint(e, "run it outside, as a user with subordinate ids or as root; " LATER);
}

/* The last step, as root of the namespaces. */
static int settle(struct err *e)
{
    if (check_map("/proc/self/uid_map", e) != 0 || check_map("/proc/self/gid_map", e) != 0)
        return -1;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return err_sys(e, ERR_HOST, errno, "cannot make the mounts private");
    entered = true;
    return 0;
}

static int enter_root(struct err *e)
{
    if (unshare(CLONE_NEWNS) != 0) {
        linux_refused(CLONE_NEWNS, errno, e);
        return or_later(e);
    }
    return settle(e);
}

/* In the new namespace, its ids mapped. A security module may have taken the rights in it away. */
static int become_root(struct err *e)
{
    /* The user's other groups stay: they may be what lets it write the target. A zone drops them. */
    if (setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0)
        return forbidden("setuid", errno, e);
    /* A changed group would make /proc/self root's, and the zone's maps could not be written. */
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return settle(e);
}

static int enter_user(const struct mapper *users, const struct mapper *groups, struct err *e)
{
    AUTO_FD go_r = -1, go_w = -1, result_r = -1, result_w = -1;
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return err_sys(e, ERR_HOST, errno, "pipe");
    go_r = fds[0], go_w = fds[1];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return err_sys(e, ERR_HOST, errno, "pipe");
    result_r = fds[0], result_w = fds[1];
    pid_t own = getpid(), pid = fork();
    if (pid < 0)
        return err_sys(e, ERR_HOST, errno, "fork");
    if (pid == 0) {
        close(go_w);
        helper(users, groups, own, go_r, result_w);
    }
    close(auto_take_fd(&result_w));
    int failed = unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write(go_w, "g", 1) == 1 ? 0 : errno;
    close(auto_take_fd(&go_w));
    int r = failed == 0 ? read_result(result_r, e) : forbidden("unshare", failed, e);
    linux_wait(pid);
    return r != 0 ? -1 : become_root(e);
}

int zone_private_enter(struct err *e)
{
    if (geteuid() == 0)
        return enter_root(e);
    struct mapper users = {"newuidmap", "user", "/etc/subuid", getuid(), {.n = 0}, ""};
    struct mapper groups = {"newgidmap", "group", "/etc/subgid", getgid(), {.n = 0}, ""};
    const struct passwd *pw = getpwuid(getuid());
    if (pw != NULL)
        groups.own = pw->pw_gid; /* the one that newgidmap lets a user map */
    if (find_program(&users, e) != 0 || find_program(&groups, e) != 0 || find_ids(&users, pw, e) != 0 ||
        find_ids(&groups, pw, e) != 0)
        return -1;
    return enter_user(&users, &groups, e);
}

/* What zone_run() will need besides. The mount is the child's alone. */
static int try_zone(struct err *e)
{
    pid_t user = fork();
    if (user == 0)
        _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : errno & 0x7f);
    int refused = user < 0 ? errno : linux_wait(user);
    if (refused != 0) {
        linux_refused(CLONE_NEWUSER, refused, e);
        return or_later(e);
    }
    int flags = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP;
    if (unshare(flags) != 0) {
        linux_refused(flags, errno, e);
        return or_later(e);
    }
    pid_t pid = fork();
    if (pid == 0)
        _exit(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0 ? 0 : errno & 0x7f);
    int r = pid < 0 ? errno : linux_wait(pid);
    if (r == 0)
        return 0;
    err_sys(e, ERR_HOST, r, "cannot mount a zone's /proc");
    return err_hint(e,
                    "inside a container its /proc must be whole (nothing mounted over parts of it); " LATER);
}

int zone_private_can(struct err *e)
{
    struct err said = {0};
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return err_sys(e, ERR_HOST, errno, "pipe");
    pid_t pid = fork();
    if (pid == 0) {
        if (zone_private_enter(&said) == 0)
            try_zone(&said);
        _exit(write(fds[1], &said, sizeof said) == (ssize_t)sizeof said ? 0 : 1);
    }
    int r = pid < 0 ? err_sys(e, ERR_HOST, errno, "fork") : 0;
    close(fds[1]);
    if (r == 0)
        r = read_result(fds[0], e);
    close(fds[0]);
    if (pid > 0)
        linux_wait(pid);
    return r;
}
