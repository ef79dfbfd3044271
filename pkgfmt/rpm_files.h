/* The files that an rpm package's header lists (rpm's lib/rpmfiles.h and rpmtag.h). */
#ifndef PKGFMT_RPM_FILES_H
#define PKGFMT_RPM_FILES_H

#include "base/arena.h"
#include "base/digest.h"
#include "pkgfmt/rpm_header.h"

/* Strings are NUL-terminated and never NULL. */
struct rpm_file {
    const char
        *path; /* "usr/bin/x": no / at either end, none twice, no `.`; "" is the root. `..` may be in it */
    uint32_t mode;    /* with the type: rpm_file_type() */
    uint32_t flags;   /* RPM_FILE_* */
    uint64_t size;    /* in bytes */
    int64_t mtime;    /* seconds since 1970 */
    const char *link; /* of a symbolic link */
    const char *user, *group;
    const char *digest; /* hexadecimal; "" when there is none */
    const char *caps;   /* "cap_net_raw=ep"; "" */
    uint32_t inode, device, major, minor;
    /* Names of one file: the next one by index, of the last one the first; and the last one. Of a file with
       one name: itself. */
    uint32_t next, last;
};

struct rpm_files {
    struct rpm_file *v; /* as the header orders them, which the payload's entries may refer to */
    uint32_t n;
    const struct rpm_file **by_path; /* bytewise; a directory comes before what is in it */
    enum digest_kind algo;
    bool has_sets; /* some file has several names */
    struct arena arena;
};

enum rpm_file_type {
    RPM_FIFO = 1,
    RPM_CHARDEV = 2,
    RPM_DIR = 4,
    RPM_BLOCKDEV = 6,
    RPM_REG = 8,
    RPM_LNK = 10,
    RPM_SOCK = 12
};
/* One of the above; else the mode has no type. */
unsigned rpm_file_type(const struct rpm_file *f);

/* Reads the list, which borrows from the header. ERR_FORMAT: columns of different lengths, indexes out of
   range, a path twice or over 4095 bytes, paths of more bytes together than any real package's, a type or
   digest algorithm that does not exist. Free it also after an error. */
int rpm_files_read(struct rpm_files *f, const struct rpm_header *h, struct err *e);
void rpm_files_free(struct rpm_files *f);

/* By the path as it stands in a payload ("./usr/bin/x", "/usr//bin/x"); NULL when the header has none. */
const struct rpm_file *rpm_files_find(const struct rpm_files *f, struct str path);

#endif
