/* What the Unix systems other than Linux have, and POSIX does not: flock(2), winsize. Extended attributes,
   shared extents and a table of mounts, which each does in its own way, are done without. */
#include "base/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#ifdef __sun
#include <sys/mkdev.h>
#include <sys/termios.h>
#endif
#ifdef __linux__ /* for tests of this file */
#include <sys/sysmacros.h>
#endif

#include "base/auto.h"
#include "base/os_posix.h"
#include "base/str.h"

enum { DEEP_MAX = 8192 }; /* bytes of a path that is looked into */

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

int os_sync_fs(int fd, struct err *e)
{
    if (fsync(fd) < 0 && errno != EINVAL)
        return err_sys(e, ERR_HOST, errno, "cannot write the file system's buffers to disk");
    sync();
    return 0;
}

int os_open_dir_below(int dirfd, const char *path)
{
    return os_posix_open_dir_below(dirfd, path);
}

int os_open_subdir(int dirfd, const char *name)
{
    return os_posix_open_subdir(dirfd, name);
}

int os_rename_new(int dirfd, const char *from, const char *to)
{
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

static int without(void)
{
    errno = ENOTSUP;
    return -1;
}

int os_set_xattr(int fd, const char *name, const void *value, size_t n)
{
    (void)fd, (void)name, (void)value, (void)n;
    return without();
}

ssize_t os_list_xattr(int fd, char *names, size_t n)
{
    (void)fd, (void)names, (void)n;
    return without();
}

ssize_t os_get_xattr(int fd, const char *name, void *value, size_t n)
{
    (void)fd, (void)name, (void)value, (void)n;
    return without();
}

ssize_t os_list_xattr_at(int dirfd, const char *name, char *names, size_t n)
{
    (void)dirfd, (void)name, (void)names, (void)n;
    return without();
}

ssize_t os_get_xattr_at(int dirfd, const char *name, const char *attr, void *value, size_t n)
{
    (void)dirfd, (void)name, (void)attr, (void)value, (void)n;
    return without();
}

int os_set_xattr_at(int dirfd, const char *name, const char *attr, const void *value, size_t n)
{
    (void)dirfd, (void)name, (void)attr, (void)value, (void)n;
    return without();
}

int os_share_file(int from, int to)
{
    (void)from, (void)to;
    return without();
}

/* SEEK_DATA and SEEK_HOLE have come to POSIX in 2024 only. */
int os_next_data(int fd, uint64_t off, uint64_t *start, uint64_t *end)
{
#if defined SEEK_DATA && defined SEEK_HOLE
    off_t data = lseek(fd, (off_t)off, SEEK_DATA);
    if (data < 0)
        return errno == ENXIO ? 0 : -1;
    off_t hole = lseek(fd, data, SEEK_HOLE);
    if (hole < 0)
        return -1;
    *start = (uint64_t)data;
    *end = (uint64_t)hole;
    return 1;
#else
    (void)fd, (void)off, (void)start, (void)end;
    errno = EINVAL;
    return -1;
#endif
}

/* Looks for a directory of another device: nullfs, lofs, tmpfs and ZFS file systems all are some. -1 with
   errno, also for directories that somebody nested without end. */
static int mount_in(int fd, dev_t dev, struct buf *path)
{
    DIR *d = path->n > DEEP_MAX ? NULL : fdopendir(fd);
    int found = d == NULL ? -1 : 0;
    if (path->n > DEEP_MAX)
        errno = ENAMETOOLONG;
    if (d == NULL) {
        int err = errno;
        close(fd);
        errno = err;
    }
    for (struct dirent *de; found == 0 && (de = readdir(d)) != NULL;) {
        struct stat st;
        size_t n = path->n;
        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0 ||
            fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
            continue;
        buf_printf(path, "/%s", de->d_name);
        if (st.st_dev != dev) {
            found = 1;
            break;
        }
        int sub = openat(dirfd(d), de->d_name, DIR_FLAGS);
        found = sub < 0 ? -1 : mount_in(sub, dev, path);
        if (found <= 0) {
            path->n = n;
            path->p[n] = '\0';
        }
    }
    if (d != NULL)
        closedir(d);
    return found;
}

int os_mount_below(const char *dir, struct buf *path, struct err *e)
{
    struct stat st;
    AUTO_BUF at = {0};
    int fd = open(dir, DIR_FLAGS), found = -1;
    if (fd < 0 && errno == ENOENT)
        return 0;
    buf_puts(&at, dir);
    if (fd >= 0 && fstat(fd, &st) == 0)
        found = mount_in(fd, st.st_dev, &at);
    if (found < 0)
        return err_sys(e, ERR_HOST, errno, "%s", dir);
    if (found > 0)
        buf_str(path, buf_view(&at));
    return found;
}

bool os_is_mount(const char *dir)
{
    struct stat st, up;
    AUTO_FD fd = open(dir, DIR_FLAGS);
    return fd >= 0 && fstat(fd, &st) == 0 && fstatat(fd, "..", &up, 0) == 0 &&
           (st.st_dev != up.st_dev || st.st_ino == up.st_ino);
}

pid_t os_process_in(const char *dir)
{
    (void)dir; /* not told here; what is mounted in it for a zone is */
    return 0;
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

unsigned os_cpus(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (unsigned)n;
}

unsigned os_terminal_columns(int fd)
{
    struct winsize w = {0};
    return ioctl(fd, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}
