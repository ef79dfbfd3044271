/* A directory of the test's own. */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/tree_int.h"

static char scratch[4096];

/* At the test's end. */
static inline void scratch_remove(void)
{
    struct err e = {0};
    AUTO_FD fd = scratch[0] ? open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0 && (tree_rm_below(fd, NULL, scratch, &e) < 0 || rmdir(scratch) < 0))
        printf("# %s: %s\n", scratch, e.msg);
    scratch[0] = '\0';
}

/* A new empty directory; what the last one held goes. */
static inline const char *scratch_new(void)
{
    const char *tmp = getenv("TMPDIR");
    scratch_remove();
    snprintf(scratch, sizeof scratch, "%s/zs-unit.XXXXXX", tmp ? tmp : "/var/tmp");
    if (mkdtemp(scratch) == NULL)
        abort();
    return scratch;
}

/* scratch/name; a few of them live at a time. */
static inline const char *in_scratch(const char *name)
{
    static char paths[8][8192];
    static unsigned k;
    char *p = paths[k++ % 8];
    snprintf(p, sizeof paths[0], "%s/%s", scratch, name);
    return p;
}

/* An unnamed file with these bytes, at its start. */
static inline int scratch_fd(struct str bytes)
{
    char name[] = "/var/tmp/zs-unit.XXXXXX";
    struct err e;
    int fd = mkstemp(name);
    unlink(name);
    if (fd < 0 || file_write_fd(fd, name, bytes.p, bytes.n, &e) < 0 || lseek(fd, 0, SEEK_SET) < 0)
        abort();
    return fd;
}

#endif
