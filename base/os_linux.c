#include "base/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/os_posix.h"
#include "base/str.h"

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

int os_sync_fs(int fd, struct err *e)
{
    if (syncfs(fd) < 0)
        return err_sys(e, ERR_HOST, errno, "cannot write the file system's buffers to disk");
    return 0;
}

/* openat2(2), Linux 5.6; -1 with errno ENOSYS where the kernel or a seccomp filter does not let it through.
 */
static int open_resolve(int dirfd, const char *path, uint64_t resolve)
{
    static atomic_bool missing;
    if (!atomic_load_explicit(&missing, memory_order_relaxed)) {
        struct open_how how = {.flags = DIR_FLAGS, .resolve = resolve};
        int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof how);
        /* Old container runtimes answer EPERM to system calls that they do not know. */
        if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL && errno != EAGAIN))
            return fd;
        if (errno == ENOSYS)
            atomic_store_explicit(&missing, true, memory_order_relaxed);
    }
    errno = ENOSYS;
    return -1;
}

int os_open_dir_below(int dirfd, const char *path)
{
    int fd = open_resolve(dirfd, path, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    return fd < 0 && errno == ENOSYS ? os_posix_open_dir_below(dirfd, path) : fd;
}

int os_open_subdir(int dirfd, const char *name)
{
    int fd = open_resolve(dirfd, name, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
    return fd < 0 && errno == ENOSYS ? os_posix_open_subdir(dirfd, name) : fd;
}

int os_rename_new(int dirfd, const char *from, const char *to)
{
    /* By number: not every C library has a function for it. */
    if (syscall(SYS_renameat2, dirfd, from, dirfd, to, 1u /* RENAME_NOREPLACE */) == 0)
        return 0;
    if (errno != ENOSYS && errno != EINVAL && errno != EPERM)
        return -1;
    return os_posix_rename_new(dirfd, from, to);
}

int os_lock(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB);
}

int os_lock_shared(int fd)
{
    return flock(fd, LOCK_SH | LOCK_NB);
}

void os_unlock(int fd)
{
    flock(fd, LOCK_UN);
}

int os_set_xattr(int fd, const char *name, const void *value, size_t n)
{
    return fsetxattr(fd, name, value, n, 0);
}

ssize_t os_list_xattr(int fd, char *names, size_t n)
{
    return flistxattr(fd, names, n);
}

ssize_t os_get_xattr(int fd, const char *name, void *value, size_t n)
{
    return fgetxattr(fd, name, value, n);
}

/* There is no *at() for these, and a link cannot be opened for them. */
static const char *name_at(int dirfd, const char *name, char *path, size_t n)
{
    snprintf(path, n, "/proc/self/fd/%d/%s", dirfd, name);
    return path;
}

enum { AT_MAX = 512, MOUNTS_MAX = 64 << 20 };

ssize_t os_list_xattr_at(int dirfd, const char *name, char *names, size_t n)
{
    char path[AT_MAX];
    return llistxattr(name_at(dirfd, name, path, sizeof path), names, n);
}

ssize_t os_get_xattr_at(int dirfd, const char *name, const char *attr, void *value, size_t n)
{
    char path[AT_MAX];
    return lgetxattr(name_at(dirfd, name, path, sizeof path), attr, value, n);
}

int os_set_xattr_at(int dirfd, const char *name, const char *attr, const void *value, size_t n)
{
    char path[AT_MAX];
    return lsetxattr(name_at(dirfd, name, path, sizeof path), attr, value, n, 0);
}

int os_share_file(int from, int to)
{
    return ioctl(to, FICLONE, from);
}

int os_next_data(int fd, uint64_t off, uint64_t *start, uint64_t *end)
{
    off_t data = lseek(fd, (off_t)off, SEEK_DATA);
    if (data < 0)
        return errno == ENXIO ? 0 : -1;
    off_t hole = lseek(fd, data, SEEK_HOLE);
    if (hole < 0)
        return -1;
    *start = (uint64_t)data;
    *end = (uint64_t)hole;
    return 1;
}

/* mountinfo(5) writes blanks and backslashes as three octal digits. */
static void unescape(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\\' && i + 3 < s.n) {
            buf_putc(out, (char)((s.p[i + 1] - '0') * 64 + (s.p[i + 2] - '0') * 8 + (s.p[i + 3] - '0')));
            i += 3;
        } else {
            buf_putc(out, s.p[i]);
        }
}

/* The next mount's path, of what is left of mountinfo(5); false at the end. */
static bool next_mount(struct str *rest, struct buf *at)
{
    struct str line, word = {NULL, 0};
    if (!str_line(rest, &line))
        return false;
    for (int i = 0; i < 5; i++)
        if (!str_word(&line, &word))
            word = (struct str){NULL, 0};
    buf_clear(at);
    unescape(word, at);
    return true;
}

int os_mount_below(const char *dir, struct buf *path, struct err *e)
{
    AUTO_BUF all = {0}, at = {0};
    size_t n = strlen(dir);
    if (file_read("/proc/self/mountinfo", MOUNTS_MAX, &all, e) < 0)
        return -1;
    for (struct str rest = buf_view(&all); next_mount(&rest, &at);)
        if (at.n > n + 1 && memcmp(at.p, dir, n) == 0 && at.p[n] == '/') {
            buf_str(path, buf_view(&at));
            return 1;
        }
    return 0;
}

bool os_is_mount(const char *dir)
{
    AUTO_BUF all = {0}, at = {0};
    struct err ignored = {0};
    if (file_read("/proc/self/mountinfo", MOUNTS_MAX, &all, &ignored) < 0)
        return false;
    for (struct str rest = buf_view(&all); next_mount(&rest, &at);)
        if (str_is(buf_view(&at), dir))
            return true;
    return false;
}

pid_t os_process_in(const char *dir)
{
    struct stat st, root;
    pid_t found = 0;
    DIR *proc = stat(dir, &st) == 0 ? opendir("/proc") : NULL;
    for (struct dirent *de; proc != NULL && found == 0 && (de = readdir(proc)) != NULL;) {
        char path[32];
        uint64_t pid;
        if (!str_u64(str_c(de->d_name), &pid) || pid > INT32_MAX)
            continue;
        snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
        if (stat(path, &root) == 0 && root.st_dev == st.st_dev && root.st_ino == st.st_ino)
            found = (pid_t)pid;
    }
    if (proc != NULL)
        closedir(proc);
    return found;
}

dev_t os_makedev(uint32_t major_no, uint32_t minor_no)
{
    return makedev(major_no, minor_no);
}

void os_devnums(dev_t dev, uint32_t *major_no, uint32_t *minor_no)
{
    *major_no = major(dev);
    *minor_no = minor(dev);
}

/* The first line of a file of this process's cgroup (version 2); false without one. */
static bool cgroup_line(const char *file, char *line, size_t n)
{
    char path[1024], group[800];
    AUTO_FILE own = fopen("/proc/self/cgroup", "re");
    if (own == NULL || fscanf(own, "0::%799[^\n]", group) != 1)
        return false;
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", group, file);
    AUTO_FILE f = fopen(path, "re");
    return f != NULL && fgets(line, (int)n, f) != NULL;
}

unsigned os_cpus(void)
{
    cpu_set_t set;
    long n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : sysconf(_SC_NPROCESSORS_ONLN);
    char line[128];
    unsigned long long quota, period;
    if (cgroup_line("cpu.max", line, sizeof line) && sscanf(line, "%llu %llu", &quota, &period) == 2 &&
        period > 0) {
        unsigned long long q = (quota + period - 1) / period;
        if (q < (unsigned long long)n)
            n = (long)q;
    }
    return n < 1 ? 1 : (unsigned)n;
}

unsigned os_terminal_columns(int fd)
{
    struct winsize w = {0};
    return ioctl(fd, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}
