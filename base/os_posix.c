/* What POSIX alone can do of base/os.h: all there is on some systems, and what is left where Linux's own
   calls are not let through. */
#include "base/os_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/str.h"

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

int os_posix_open_dir_below(int dirfd, const char *path)
{
    struct str rest = str_c(path), part;
    AUTO_FD at = openat(dirfd, ".", DIR_FLAGS);
    while (at >= 0 && str_cut(&rest, '/', &part)) {
        char name[256];
        if (part.n == 0 || part.n >= sizeof name || str_is(part, "..")) {
            errno = part.n >= sizeof name ? ENAMETOOLONG : EINVAL;
            return -1;
        }
        memcpy(name, part.p, part.n);
        name[part.n] = '\0';
        int next = openat(at, name, DIR_FLAGS);
        int err = errno;
        close(at);
        at = next;
        errno = err;
    }
    return auto_take_fd(&at);
}

int os_posix_open_subdir(int dirfd, const char *name)
{
    struct stat up, st;
    AUTO_FD sub = openat(dirfd, name, DIR_FLAGS);
    if (sub < 0 || fstat(dirfd, &up) < 0 || fstat(sub, &st) < 0)
        return -1;
    if (up.st_dev != st.st_dev) {
        errno = EXDEV;
        return -1;
    }
    return auto_take_fd(&sub);
}

int os_posix_rename_new(int dirfd, const char *from, const char *to)
{
    struct stat st;
    if (fstatat(dirfd, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
        errno = EEXIST;
    return errno == ENOENT ? renameat(dirfd, from, dirfd, to) : -1;
}
