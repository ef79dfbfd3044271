/* The watcher: makes the zone's namespaces, waits, cleans up. It stays in the host's pid namespace, with no
   way in for the zone, and goes on when the caller is killed. See linux.h. */
#include "cmd/zone/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"

static const struct {
    int flag;
    const char *name, *hint;
} kinds[] = {
    {CLONE_NEWUSER, "user", "see the sysctls user.max_user_namespaces and kernel.unprivileged_userns_clone"},
    {CLONE_NEWNS, "mount", "see the sysctl user.max_mnt_namespaces; in a container: CAP_SYS_ADMIN"},
    {CLONE_NEWPID, "pid", "see the sysctl user.max_pid_namespaces; in a container: CAP_SYS_ADMIN"},
    {CLONE_NEWIPC, "ipc", "see the sysctl user.max_ipc_namespaces; in a container: CAP_SYS_ADMIN"},
    {CLONE_NEWUTS, "uts", "see the sysctl user.max_uts_namespaces; in a container: CAP_SYS_ADMIN"},
    {CLONE_NEWNET, "net", "see the sysctl user.max_net_namespaces; in a container: CAP_SYS_ADMIN"},
};

int linux_refused(int flags, int errnum, struct err *e)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!(flags & kinds[i].flag))
            continue;
        pid_t pid = fork();
        if (pid == 0)
            _exit(unshare(kinds[i].flag) == 0 ? 0 : errno & 0x7f);
        int r = pid < 0 ? 0 : linux_wait(pid);
        if (r > 0) {
            err_sys(e, ERR_HOST, r, "this host refuses a %s namespace (unshare)", kinds[i].name);
            return err_hint(e, "%s", kinds[i].hint);
        }
    }
    return err_sys(e, ERR_HOST, errnum, "this host refuses the zone's namespaces (clone)");
}

/* The identity over every id that the caller's own user namespace has: on a plain host the line is `0 0
 * 4294967295'. */
static int write_map(pid_t pid, const char *which, struct err *e)
{
    char path[64];
    struct buf have = {0}, map = {0};
    snprintf(path, sizeof path, "/proc/self/%s", which);
    int r = file_read(path, 65536, &have, e);
    struct str rest = buf_view(&have), line, first, below, count;
    while (r == 0 && str_line(&rest, &line))
        if (str_word(&line, &first) && str_word(&line, &below) && str_word(&line, &count))
            buf_printf(&map, "%" STR_FMT " %" STR_FMT " %" STR_FMT "\n", STR_ARG(first), STR_ARG(first),
                       STR_ARG(count));
    if (r == 0) {
        snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, which);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, map.p, map.n) != (ssize_t)map.n) {
            r = err_sys(e, ERR_HOST, errno, "cannot map the zone's users onto themselves (%s)", path);
            err_hint(e, "the capabilities CAP_SETUID, CAP_SETGID and CAP_SETFCAP are needed");
        }
        if (fd >= 0)
            close(fd);
    }
    buf_free(&have);
    buf_free(&map);
    return r;
}

/* In a child, since it joins namespaces; and in a child of that, since only a child enters a pid namespace.
 */
_Noreturn static void mounter(const struct linux_zone *z, pid_t init)
{
    struct err e = {0};
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)init);
    int pidns = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)init);
    int netns = open(path, O_RDONLY | O_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (pidns < 0 || netns < 0 || setns(pidns, CLONE_NEWPID) != 0 ||
        (!z->o->net && setns(netns, CLONE_NEWNET) != 0)) {
        err_sys(&e, ERR_HOST, errno, "cannot join the zone's namespaces (setns)");
        linux_send_err(z, &e);
        _exit(1);
    }
    pid_t pid = fork();
    if (pid != 0)
        _exit(pid < 0 ? 1 : linux_wait(pid));
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (linux_mounts_stage(z, &e) != 0) {
        linux_send_err(z, &e);
        _exit(1);
    }
    _exit(0);
}

/* Everything that init waits for. */
static int prepare(const struct linux_zone *z, pid_t init, struct err *e)
{
    if (write_map(init, "uid_map", e) != 0 || write_map(init, "gid_map", e) != 0)
        return -1;
    linux_cgroup_enter(&z->cg, init);
    pid_t pid = fork();
    if (pid < 0)
        return err_sys(e, ERR_HOST, errno, "fork");
    if (pid == 0)
        mounter(z, init);
    int r = linux_wait(pid);
    return r == 0 ? 0 : err_set(e, ERR_HOST, "%s: the zone's mounts failed (status %d)", z->path, r);
}

/* Clones pid 1, which waits at z->go; *go is the end that lets it go. Its pid, or -1. */
static pid_t clone_init(struct linux_zone *z, int *go, struct err *e)
{
    int fds[2];
    if (unshare(CLONE_NEWNS) != 0)
        return linux_refused(CLONE_NEWNS, errno, e);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return err_sys(e, ERR_HOST, errno, "cannot make the mounts private");
    if (chdir("/") != 0 || pipe2(fds, O_CLOEXEC) != 0)
        return err_sys(e, ERR_HOST, errno, "pipe");
    int flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | (z->o->net ? 0 : CLONE_NEWNET);
    pid_t pid = (pid_t)syscall(SYS_clone, (unsigned long)(flags | SIGCHLD), 0UL, 0UL, 0UL, 0UL);
    if (pid < 0)
        return linux_refused(flags, errno, e);
    if (pid == 0) {
        z->go = fds[0];
        linux_init(z);
    }
    close(fds[0]);
    *go = fds[1];
    return pid;
}

/* A root without /etc/resolv.conf gets an empty one to bind the host's over, for as long as the zone runs.
   Returns the descriptor of etc, or -1 when there is nothing to take back. */
static int lend_resolv(const struct linux_zone *z)
{
    AUTO_FD root = z->o->net ? open(z->path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    AUTO_FD etc = root < 0 ? -1 : openat(root, "etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    AUTO_FD fd =
        etc < 0 ? -1 : openat(etc, "resolv.conf", O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
    return fd < 0 ? -1 : auto_take_fd(&etc);
}

/* What is written there meanwhile by another run is not ours. */
static void take_back_resolv(int etc)
{
    struct stat st;
    /* A file with a mount on it cannot be removed; the watcher's root is the staging by now. */
    if (etc >= 0)
        umount2("/root/etc/resolv.conf", MNT_DETACH | UMOUNT_NOFOLLOW);
    if (etc >= 0 && fstatat(etc, "resolv.conf", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
        st.st_size == 0)
        unlinkat(etc, "resolv.conf", 0);
}

void linux_watch(struct linux_zone *z)
{
    struct err e = {0};
    int go = -1;
    char path[64];
    prctl(PR_SET_NAME, "zone-watcher");
    pid_t init = clone_init(z, &go, &e);
    close(0), close(1), close(2); /* the end of the output must mean the end of the zone */
    int etc = init > 0 ? lend_resolv(z) : -1;
    snprintf(path, sizeof path, "/proc/%d", (int)init);
    int proc = init > 0 && z->console >= 0 ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    bool ready = init > 0 && prepare(z, init, &e) == 0;
    if (!ready)
        linux_send_err(z, &e);
    else if (write(go, "g", 1) == 1) {
        if (z->console >= 0) {
            linux_boot_watch(z, init, proc);
            init = -1;
        } else {
            /* Init holds the other end of go as long as it lives, the caller that of life. */
            struct pollfd fds[2] = {{z->life, 0, 0}, {go, 0, 0}};
            while (poll(fds, 2, -1) < 0 || (fds[0].revents == 0 && fds[1].revents == 0))
                ;
        }
    }
    if (init > 0) {
        kill(init, SIGKILL);
        int r = linux_wait(init);
        if (ready && r > 128)
            linux_send_exit(z, r);
    }
    take_back_resolv(etc);
    linux_cgroup_remove(&z->cg);
    _exit(0);
}
