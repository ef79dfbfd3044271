/* The zone's mounts. A root may be hostile: nothing in it is reached by name through a link, and mounts go on
   descriptors (/proc/self/fd). See linux.h for who does what. */
#include "cmd/zone/linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/os.h"

enum { FD_PATH = 64, QUIET = MS_NOSUID | MS_NODEV | MS_NOEXEC, SYS_MOUNT_SETATTR = 442 /* everywhere */ };

static const char *fd_path(char *buf, int fd, const char *name)
{
    snprintf(buf, FD_PATH, "/proc/self/fd/%d%s%s", fd, name[0] ? "/" : "", name);
    return buf;
}

/* The directory name in dir, through no link. */
static int open_dir(int dir, const char *name)
{
    return openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int mount_at(const char *type, int dir, const char *name, unsigned long flags, const char *data)
{
    char path[FD_PATH];
    int fd = open_dir(dir, name);
    if (fd < 0)
        return -1;
    int r = mount(type, fd_path(path, fd, ""), type, flags, data);
    int saved = errno;
    close(fd);
    errno = saved;
    return r;
}

/* Flags of the mount behind path that a container's host may have locked on it: a remount must repeat them.
 */
static unsigned long flags_of(const char *path)
{
    struct statvfs s;
    if (statvfs(path, &s) != 0)
        return 0;
    return ((s.f_flag & ST_RDONLY) ? MS_RDONLY : 0) | ((s.f_flag & ST_NOSUID) ? MS_NOSUID : 0) |
           ((s.f_flag & ST_NODEV) ? MS_NODEV : 0) | ((s.f_flag & ST_NOEXEC) ? MS_NOEXEC : 0) |
           ((s.f_flag & ST_NOATIME) ? MS_NOATIME : 0) | ((s.f_flag & ST_NODIRATIME) ? MS_NODIRATIME : 0) |
           ((s.f_flag & ST_RELATIME) ? MS_RELATIME : 0);
}

/* Binds source on target (both followed: they are descriptors or the host's own names), with more mount
 * flags. */
static int bind_on(const char *source, const char *target, unsigned long more)
{
    if (mount(source, target, NULL, MS_BIND, NULL) != 0)
        return -1;
    return more == 0 ? 0 : mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | more | flags_of(target), NULL);
}

/* The four directories that the zone's own mounts go on. */
static int check_dirs(const struct linux_zone *z, int root, struct err *e)
{
    static const char *const names[] = {"proc", "sys", "dev", "run"};
    for (size_t i = 0; i < 4; i++) {
        AUTO_FD fd = open_dir(root, names[i]);
        if (fd < 0 && errno == ENOENT) {
            err_set(e, ERR_HOST, "%s/%s: no such directory; a zone needs /proc, /sys, /dev and /run", z->path,
                    names[i]);
            return err_hint(e, "make it (mkdir %s/%s), or choose the root of a whole system", z->path,
                            names[i]);
        }
        if (fd < 0)
            return err_set(e, ERR_HOST, "%s/%s: not a directory (a link there is not followed)", z->path,
                           names[i]);
    }
    return 0;
}

/* The identity map makes the zone's root the owner of /proc/sys, /proc/sysrq-trigger and the like, and their
   owner may write them: all that can be written outside the processes' own directories becomes read-only. */
static int protect_proc(int proc, struct err *e)
{
    char path[FD_PATH + NAME_MAX];
    AUTO_FD fd = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (d == NULL)
        return err_sys(e, ERR_HOST, errno, "the zone's /proc");
    auto_take_fd(&fd);
    int r = 0;
    for (struct dirent *en; r == 0 && (en = readdir(d)) != NULL;) {
        struct stat st;
        if (en->d_name[0] == '.' || (en->d_name[0] >= '0' && en->d_name[0] <= '9') ||
            fstatat(proc, en->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISLNK(st.st_mode) ||
            (!S_ISDIR(st.st_mode) && !(st.st_mode & 0222)))
            continue;
        snprintf(path, sizeof path, "/proc/self/fd/%d/%s", proc, en->d_name);
        if (bind_on(path, path, MS_RDONLY | QUIET) != 0)
            r = err_sys(e, ERR_HOST, errno, "cannot protect /proc/%s", en->d_name);
    }
    closedir(d);
    return r;
}

static int mount_proc(int root, struct err *e)
{
    if (mount_at("proc", root, "proc", QUIET, NULL) != 0) {
        err_sys(e, ERR_HOST, errno, "cannot mount the zone's /proc");
        return err_hint(e, "inside a container its /proc must be whole (nothing mounted over parts of it)");
    }
    AUTO_FD proc = open_dir(root, "proc");
    return protect_proc(proc, e);
}

/* The host's /sys; where the kernel does not show what lies below its mounts (a user namespace), with them
 * all, made read-only by one call (mount_setattr(2), Linux 5.12). */
static int bind_sys(int root)
{
    static const struct {
        uint64_t set, clear, propagation, userns;
    } attr = {.set = MS_RDONLY | QUIET}; /* MOUNT_ATTR_* are the same bits */
    char path[FD_PATH];
    AUTO_FD under = open_dir(root, "sys");
    if (mount("/sys", fd_path(path, under, ""), NULL, MS_BIND, NULL) == 0)
        return 0;
    if (errno != EINVAL || mount("/sys", path, NULL, MS_BIND | MS_REC, NULL) != 0)
        return -1;
    AUTO_FD sys = open_dir(root, "sys");
    return (int)syscall(SYS_MOUNT_SETATTR, sys, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr);
}

static int mount_sys(const struct linux_zone *z, int root, struct err *e)
{
    char path[FD_PATH];
    if (mount_at("sysfs", root, "sys", QUIET | MS_RDONLY, NULL) != 0) {
        linux_send_log(z, "sysfs: %s; binding the host's", strerror(errno));
        if (bind_sys(root) != 0)
            return err_sys(e, ERR_HOST, errno, "cannot mount the zone's /sys");
    }
    AUTO_FD sys = open_dir(root, "sys");
    if (mount(NULL, fd_path(path, sys, ""), NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | QUIET, NULL) != 0)
        return err_sys(e, ERR_HOST, errno, "cannot make the zone's /sys read-only");
    return 0;
}

/* A file in the zone's /dev with the host's device bound on it. */
static int bind_dev(int dev, const char *host, const char *name, struct err *e)
{
    char path[FD_PATH];
    AUTO_FD fd = openat(dev, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || bind_on(host, fd_path(path, fd, ""), 0) != 0)
        return err_sys(e, ERR_HOST, errno, "cannot bind %s to the zone's /dev/%s", host, name);
    return 0;
}

static int mount_dev(const struct linux_zone *z, int root, struct err *e)
{
    static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const char *const links[][2] = {{"/proc/self/fd", "fd"},
                                           {"/proc/self/fd/0", "stdin"},
                                           {"/proc/self/fd/1", "stdout"},
                                           {"/proc/self/fd/2", "stderr"},
                                           {"pts/ptmx", "ptmx"}};
    if (mount_at("tmpfs", root, "dev", MS_NOSUID, "mode=755,size=1m") != 0)
        return err_sys(e, ERR_HOST, errno, "cannot mount the zone's /dev");
    AUTO_FD dev = open_dir(root, "dev");
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        char host[FD_PATH];
        snprintf(host, sizeof host, "/dev/%s", nodes[i]);
        if (bind_dev(dev, host, nodes[i], e) != 0)
            return -1;
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (symlinkat(links[i][0], dev, links[i][1]) != 0)
            return err_sys(e, ERR_HOST, errno, "/dev/%s", links[i][1]);
    if (mkdirat(dev, "pts", 0755) != 0 || mkdirat(dev, "shm", 0755) != 0)
        return err_sys(e, ERR_HOST, errno, "the zone's /dev");
    return bind_dev(dev, z->tty[0] ? z->tty : "/dev/null", "console", e);
}

/* The host's resolver configuration over the root's, when that is a plain file. */
static void bind_resolv(const struct linux_zone *z, int root)
{
    char path[FD_PATH];
    AUTO_FD etc = open_dir(root, "etc");
    AUTO_FD fd = etc < 0 ? -1 : openat(etc, "resolv.conf", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        linux_send_log(z, "%s/etc/resolv.conf: no plain file there, the host's is not shown", z->path);
    else if (mount("/etc/resolv.conf", fd_path(path, fd, ""), NULL, MS_BIND, NULL) != 0)
        linux_send_log(z, "/etc/resolv.conf: %s", strerror(errno));
    else {
        /* By its name in the directory: the descriptor shows what lies below the mount. */
        fd_path(path, etc, "resolv.conf");
        if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags_of(path), NULL) != 0)
            linux_send_log(z, "/etc/resolv.conf: %s", strerror(errno));
    }
}

/* The empty file system that becomes the root of staging and of pid 1; *root is the zone's root, bound in it.
 */
static int mount_staging(const struct linux_zone *z, int *staging, int *root, struct err *e)
{
    char from[FD_PATH], to[FD_PATH];
    struct statfs fs;
    AUTO_FD source = open(z->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (source < 0)
        return err_sys(e, ERR_HOST, errno, "%s", z->path);
    if (mount("zone", fd_path(to, source, ""), "tmpfs", QUIET, "mode=755,size=64k") != 0)
        return err_sys(e, ERR_HOST, errno, "%s: cannot mount a tmpfs", z->path);
    AUTO_FD top = open(z->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top < 0 || fstatfs(top, &fs) != 0 || fs.f_type != TMPFS_MAGIC)
        return err_set(e, ERR_HOST, "%s: moved while the zone was set up", z->path);
    if (mkdirat(top, "root", 0755) != 0)
        return err_sys(e, ERR_HOST, errno, "the zone's staging");
    if (mount(fd_path(from, source, ""), fd_path(to, top, "root"), NULL, MS_BIND, NULL) != 0)
        return err_sys(e, ERR_HOST, errno, "%s: cannot bind", z->path);
    /* Device files in the root give no access; the zone's /dev has mounts of its own. */
    if (mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | MS_NODEV | flags_of(to), NULL) != 0)
        return err_sys(e, ERR_HOST, errno, "%s: cannot remount without devices", z->path);
    *root = open_dir(top, "root");
    *staging = auto_take_fd(&top);
    return *root < 0 ? err_sys(e, ERR_HOST, errno, "%s", z->path) : 0;
}

int linux_mounts_stage(const struct linux_zone *z, struct err *e)
{
    AUTO_FD staging = -1;
    AUTO_FD root = -1;
    if (mount_staging(z, &staging, &root, e) != 0 || check_dirs(z, root, e) != 0)
        return -1;
    if (mount_proc(root, e) != 0 || mount_sys(z, root, e) != 0 || mount_dev(z, root, e) != 0)
        return -1;
    if (z->o->net)
        bind_resolv(z, root);
    char path[FD_PATH];
    if (mount(NULL, fd_path(path, staging, ""), NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | QUIET, NULL) != 0)
        return err_sys(e, ERR_HOST, errno, "cannot make the zone's staging read-only");
    /* The old root lands on top of the new one and is taken away: nothing of the host is left in staging. */
    if (fchdir(staging) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0) {
        err_sys(e, ERR_HOST, errno, "cannot leave the host's root (pivot_root)");
        return err_hint(e, "a host that runs from its initramfs cannot do this");
    }
    return 0;
}

/* A new /run, with the directories that the root ships in its own (/run/lock). */
static int mount_run(struct err *e)
{
    AUTO_FD old = open("/run", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (old < 0 || mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") != 0)
        return err_sys(e, ERR_HOST, errno, "cannot mount the zone's /run");
    DIR *d = fdopendir(old);
    if (d == NULL)
        return err_sys(e, ERR_HOST, errno, "/run");
    auto_take_fd(&old);
    AUTO_FD run = open_dir(AT_FDCWD, "/run");
    for (struct dirent *en; (en = readdir(d)) != NULL;) {
        struct stat st;
        if (strcmp(en->d_name, ".") == 0 || strcmp(en->d_name, "..") == 0 ||
            fstatat(dirfd(d), en->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
            continue;
        if (mkdirat(run, en->d_name, 0700) == 0 && fchownat(run, en->d_name, st.st_uid, st.st_gid, 0) == 0)
            (void)fchmodat(run, en->d_name, st.st_mode & 07777, 0);
    }
    closedir(d);
    return 0;
}

int linux_mounts_enter(const struct linux_zone *z, struct err *e)
{
    if (unshare(CLONE_NEWNS) != 0)
        return err_sys(e, ERR_HOST, errno, "this host refuses a mount namespace (unshare)");
    /* The kernel holds the mount at /root to its place; a second one over it may become the root. */
    if (mount("/root", "/root", NULL, MS_BIND | MS_REC, NULL) != 0 || chdir("/root") != 0 ||
        syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        return err_sys(e, ERR_HOST, errno, "%s: cannot make it the zone's root", z->path);
    if (mount_run(e) != 0)
        return -1;
    if (mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
              "newinstance,ptmxmode=666,mode=620,gid=5") != 0)
        return err_sys(e, ERR_HOST, errno, "cannot mount the zone's /dev/pts");
    if (mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") != 0)
        return err_sys(e, ERR_HOST, errno, "cannot mount the zone's /dev/shm");
    return 0;
}
