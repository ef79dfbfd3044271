/* What POSIX alone can do of base/os.h, for the files that implement that. */
#ifndef BASE_OS_POSIX_H
#define BASE_OS_POSIX_H

/* As os_open_dir_below(), step by step. */
int os_posix_open_dir_below(int dirfd, const char *path);
/* As os_open_subdir(), by the device number: a bind mount of the same file system looks like a directory. */
int os_posix_open_subdir(int dirfd, const char *name);
/* As os_rename_new(), not in one step: what appears at `to' in between is replaced if it is an empty
 * directory. */
int os_posix_rename_new(int dirfd, const char *from, const char *to);

#endif
