#include "cmd/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/file.h"

enum { HOOKS_MAX = 99, BYTES_MAX = 16 * 1024 * 1024 };

/* NN-NAME: their order, and a name that needs no quotes. */
static const char *name_of(const char *file, size_t i, struct arena *a)
{
    const char *slash = strrchr(file, '/');
    char *name = arena_printf(a, "%02zu-%.64s", i + 1, slash != NULL ? slash + 1 : file);
    for (char *p = name; *p != '\0'; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                     strchr("._+-", *p) != NULL;
        if (!plain)
            *p = '_';
    }
    return name;
}

static int read_one(const char *file, size_t max, struct buf *b, struct err *e)
{
    struct stat st;
    AUTO_FD fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_sys(e, ERR_HOST, errno, "--hook: %s", file);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_USAGE, "--hook: %s: no regular file", file);
    if (st.st_size == 0)
        return err_set(e, ERR_USAGE, "--hook: %s: is empty", file);
    if (st.st_size > (off_t)max)
        return err_set(e, ERR_USAGE, "--hook: %s: the hooks are larger than %d MiB together", file,
                       BYTES_MAX >> 20);
    return file_read_fd(fd, file, max, b, e) < 0 ? err_wrap(e, "--hook") : 0;
}

int hook_read(struct hook_list *l, const char *const *files, size_t n, struct arena *a, struct err *e)
{
    size_t left = BYTES_MAX;
    if (n > HOOKS_MAX)
        return err_set(e, ERR_USAGE, "--hook: more than %d hooks", HOOKS_MAX);
    struct pkgfmt_hook *v = arena_array(a, n, sizeof *v);
    for (size_t i = 0; i < n; i++) {
        AUTO_BUF b = {0};
        if (read_one(files[i], left, &b, e) < 0)
            return -1;
        v[i] = (struct pkgfmt_hook){name_of(files[i], i, a), arena_copy(a, buf_view(&b))};
        left -= b.n;
    }
    *l = (struct hook_list){v, n};
    return 0;
}
