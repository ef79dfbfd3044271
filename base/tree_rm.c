/* Removing below a descriptor: no link followed, no mount point crossed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/os.h"
#include "base/tree_int.h"

/* Each level takes a descriptor, memory and stack. Only relative calls get deeper than half of PATH_MAX. */
enum { RM_DEPTH_MAX = 4096 };

static bool kept(const char *name, const char *const *keep)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return true;
    for (; keep != NULL && *keep != NULL; keep++)
        if (strcmp(name, *keep) == 0)
            return true;
    return false;
}

static int rm_contents(int *fd, const char *const *keep, unsigned depth, const char *path, struct err *e);

static int rm_dir(int dirfd, const char *name, unsigned depth, const char *path, struct err *e)
{
    if (depth == RM_DEPTH_MAX) {
        err_set(e, ERR_HOST, "%s: more than %d directories deep", path, RM_DEPTH_MAX);
        return err_hint(e, "remove it with rm -rf");
    }
    AUTO_FD sub = os_open_subdir(dirfd, name);
    if (sub < 0 && errno == EXDEV)
        return err_set(e, ERR_HOST, "%s: `%s' in it is a mount point: unmount it first", path, name);
    if (sub < 0)
        return err_sys(e, ERR_HOST, errno, "%s: opening `%s' to remove it", path, name);
    if (rm_contents(&sub, NULL, depth + 1, path, e) < 0)
        return -1;
    if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0)
        return err_sys(e, ERR_HOST, errno, "%s: removing `%s'", path, name);
    return 0;
}

static int rm_name(int dirfd, const char *name, unsigned depth, const char *path, struct err *e)
{
    struct stat st;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 1 : err_sys(e, ERR_HOST, errno, "%s: stat `%s'", path, name);
    if (S_ISDIR(st.st_mode))
        return rm_dir(dirfd, name, depth, path, e);
    if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
        return err_sys(e, ERR_HOST, errno, "%s: removing `%s'", path, name);
    return 0;
}

int tree_rm(int dirfd, const char *name, const char *path, struct err *e)
{
    return rm_name(dirfd, name, 0, path, e);
}

/* One pass over the directory; *gone counts what went. */
static int rm_pass(DIR *d, const char *const *keep, unsigned depth, const char *path, size_t *gone,
                   struct err *e)
{
    struct dirent *de;
    rewinddir(d);
    while ((errno = 0, de = readdir(d)) != NULL) {
        if (kept(de->d_name, keep))
            continue;
        if (rm_name(dirfd(d), de->d_name, depth, path, e) < 0)
            return -1;
        ++*gone;
    }
    return errno == 0 ? 0 : err_sys(e, ERR_HOST, errno, "%s: reading a directory in it", path);
}

/* Takes the descriptor over: there is one for each level. */
static int rm_contents(int *fd, const char *const *keep, unsigned depth, const char *path, struct err *e)
{
    DIR *d = fdopendir(*fd);
    if (d == NULL)
        return err_sys(e, ERR_HOST, errno, "%s: reading a directory in it", path);
    auto_take_fd(fd);
    int rc = 0;
    size_t gone;
    /* Some file systems skip names when others are removed between two reads. */
    do {
        gone = 0;
        rc = rm_pass(d, keep, depth, path, &gone, e);
    } while (rc == 0 && gone > 0);
    closedir(d);
    return rc;
}

int tree_rm_below(int fd, const char *const *keep, const char *path, struct err *e)
{
    AUTO_FD own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0)
        return err_sys(e, ERR_HOST, errno, "%s: opening a directory in it", path);
    return rm_contents(&own, keep, 0, path, e);
}
