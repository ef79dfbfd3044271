/* What POSIX does not have. One file per system: os_linux.c. */
#ifndef BASE_OS_H
#define BASE_OS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

/* Writes everything of fd's file system to disk (syncfs where there is one, sync elsewhere). */
int os_sync_fs(int fd, struct err *e);
/* Opens the directory `path` (relative, canonical) below dirfd, passing through no symbolic link; returns the
   descriptor or -1 with errno (ELOOP or ENOTDIR for a link in the way). */
int os_open_dir_below(int dirfd, const char *path);
/* Opens the directory `name` in dirfd, following no link and crossing no mount point (-1 with errno EXDEV).
 */
int os_open_subdir(int dirfd, const char *name);
/* Renames `from` to `to` in one directory; -1 with errno EEXIST when `to` is there. */
int os_rename_new(int dirfd, const char *from, const char *to);
/* Takes an exclusive advisory lock without waiting; -1 with errno EWOULDBLOCK while another process holds it.
   It goes when the last copy of fd is closed, so also when its process is killed. */
int os_lock(int fd);
/* The same of a lock that others may share: to look whether somebody has it. */
int os_lock_shared(int fd);
void os_unlock(int fd);
/* Sets an extended attribute on an open file; a file system without them gives -1 with errno ENOTSUP. */
int os_set_xattr(int fd, const char *name, const void *value, size_t n);
/* Names of an open file's extended attributes, each ended by a NUL; their size together, or -1 with errno. */
ssize_t os_list_xattr(int fd, char *names, size_t n);
/* Reads one; its size in bytes, or -1 with errno (ENODATA: there is none; ERANGE: it is larger than n). */
ssize_t os_get_xattr(int fd, const char *name, void *value, size_t n);
/* The same for a name in a directory that is not opened itself: a link, a device. */
ssize_t os_list_xattr_at(int dirfd, const char *name, char *names, size_t n);
ssize_t os_get_xattr_at(int dirfd, const char *name, const char *attr, void *value, size_t n);
int os_set_xattr_at(int dirfd, const char *name, const char *attr, const void *value, size_t n);
/* Makes the empty file `to' share all of from's content (FICLONE); -1 with errno where a file system cannot,
   or the two stand on different ones. */
int os_share_file(int from, int to);
/* The next piece of a file at or behind off that is no hole, [*start, *end): 1, 0 when there is none, -1 with
   errno (EINVAL: the file system does not say). Moves the file's offset. */
int os_next_data(int fd, uint64_t off, uint64_t *start, uint64_t *end);
/* A mount point below the directory (which is a path without links, as realpath() gives it): 1 and its path
   appended, 0 when there is none, -1. */
int os_mount_below(const char *dir, struct buf *path, struct err *e);
/* Whether the directory, a path as above, is itself a mount point. */
bool os_is_mount(const char *dir);
/* A process that this one may look at and whose root is that directory, or 0. */
pid_t os_process_in(const char *dir);
dev_t os_makedev(uint32_t major, uint32_t minor);
void os_devnums(dev_t dev, uint32_t *major, uint32_t *minor);
/* Processors that this process may use; at least 1. */
unsigned os_cpus(void);
/* Width of the terminal fd; 0 when it is none, or does not say. */
unsigned os_terminal_columns(int fd);

#endif
