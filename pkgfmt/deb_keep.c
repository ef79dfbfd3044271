#include "pkgfmt/deb_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"
#include "pkgfmt/deb_control.h"
#include "pkgfmt/deb_thin.h"

enum { WINDOW = 128 * 1024 };
/* Paths of one package that are held in memory; the largest packages have some MB of them. */
enum { PATHS_BYTES_MAX = 64 * 1024 * 1024 };

struct deb_keep {
    struct deb_kept *kept;
    int fd;                /* the file being written */
    bool listed;           /* entries, includes and diverts are wanted */
    struct deb_thin *thin; /* NULL: rides whole */
    struct deb_control control;
    struct arena a;
};

void deb_keep_file(const struct plan_pkg *pkg, struct buf *out)
{
    const char *const parts[] = {pkg->name, "_", pkg->version, "_", pkg->arch};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        for (const char *p = parts[i]; *p != '\0'; p++) {
            bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                         strchr("._+~-", *p) != NULL;
            if (plain)
                buf_putc(out, *p);
            else
                buf_printf(out, "%%%02x", (unsigned char)*p);
        }
    buf_puts(out, ".deb");
}

static int file_create(const struct deb_keep_dir *dir, const struct deb_kept *kept, struct err *e)
{
    int fd = openat(dir->fd, kept->file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_sys(e, ERR_HOST, errno, "cannot create %s", kept->file);
    fchmod(fd, 0644); /* whatever the umask is */
    return fd;
}

static int copy_whole(int to, int from, const char *name, struct err *e)
{
    AUTO_MEM char *p = mem_alloc(WINDOW);
    for (off_t at = 0;;) {
        ssize_t n = pread(from, p, WINDOW, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(e, ERR_HOST, errno, "cannot read the package file");
        if (n == 0)
            return 0;
        if (file_write_fd(to, name, p, (size_t)n, e) < 0)
            return -1;
        at += n;
    }
}

/* Keeps the original open, as long as the program's descriptors allow it. */
static bool hold_original(struct deb_keep_dir *dir, struct deb_kept *kept, int fd)
{
    if (atomic_fetch_add(&dir->fds, 1) < dir->fds_max)
        kept->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return kept->fd >= 0;
}

static void list_add(struct buf *list, struct str s)
{
    buf_str(list, s);
    buf_putc(list, '\0');
}

static int open_parts(struct deb_keep *k, struct deb_keep_dir *dir, const struct deb_read *d,
                      uint64_t max_bytes, struct err *e)
{
    k->fd = file_create(dir, k->kept, e);
    if (k->fd < 0)
        return -1;
    if (dir->full)
        return copy_whole(k->fd, d->fd, k->kept->file, e);
    if (deb_control_read(&k->control, d, &k->a, e) < 0)
        return -1;
    for (size_t i = 0; i < k->control.diverts.n; i++)
        list_add(&k->kept->diverts, k->control.diverts.v[i]);
    k->kept->diverts_own = k->control.diverts_computed;
    if (k->kept->whole)
        return copy_whole(k->fd, d->fd, k->kept->file, e);
    return deb_thin_open(&k->thin, k->fd, d, max_bytes, e);
}

int deb_keep_open(struct deb_keep **out, struct deb_keep_dir *dir, struct deb_kept *kept,
                  const struct deb_read *d, uint64_t max_bytes, struct err *e)
{
    struct deb_keep *k = *out = mem_alloc(sizeof *k);
    k->kept = kept;
    k->fd = -1;
    k->listed = !dir->full;
    kept->whole = dir->full || !hold_original(dir, kept, d->fd);
    if (open_parts(k, dir, d, max_bytes, e) == 0)
        return 0;
    deb_keep_close(k);
    *out = NULL;
    return -1;
}

/* "./usr/bin/x", "/usr/bin/x" and "usr/bin/x" are one path. */
static struct str bare_path(struct str path)
{
    while (path.n > 0 && (path.p[0] == '/' || (path.p[0] == '.' && (path.n == 1 || path.p[1] == '/'))))
        path = str_from(path, 1);
    return path;
}

int deb_keep_entry(struct deb_keep *k, struct archive_entry *ae, const struct tree_entry *en, bool *content,
                   struct err *e)
{
    *content = false;
    if (!k->listed)
        return 0;
    struct str path = bare_path(en->path);
    bool file = en->type == TREE_FILE, config = str_starts(path, STR(DEB_KEEP_CONFIG));
    /* Without md5sums in the package dpkg takes them from what it writes, and --verify knows only those. */
    bool written = file && (config || !k->control.md5sums || deb_list_has(&k->control.conffiles, path));
    if (en->type != TREE_DIR) {
        list_add(&k->kept->entries, path);
        list_add(&k->kept->entries, en->type == TREE_HARD ? bare_path(en->link) : STR(""));
    }
    if (k->kept->entries.n > PATHS_BYTES_MAX)
        return err_set(e, ERR_FORMAT, "its paths are more than %d bytes together", PATHS_BYTES_MAX);
    if (written && !config)
        list_add(&k->kept->includes, path);
    if (k->thin == NULL)
        return 0;
    *content = written && en->size > 0;
    return deb_thin_entry(k->thin, ae, en, written, e);
}

int deb_keep_data(struct deb_keep *k, const void *p, size_t n, uint64_t off, struct err *e)
{
    return deb_thin_data(k->thin, p, n, off, e);
}

int deb_keep_finish(struct deb_keep *k, struct err *e)
{
    if (k->thin != NULL && deb_thin_finish(k->thin, e) < 0)
        return -1;
    return digest_of_fd(&k->kept->digest, DIGEST_SHA256, k->fd, NULL, e);
}

void deb_keep_close(struct deb_keep *k)
{
    if (k == NULL)
        return;
    deb_thin_close(k->thin);
    if (k->fd >= 0)
        close(k->fd);
    deb_control_free(&k->control);
    arena_free(&k->a);
    free(k);
}

int deb_keep_whole(struct deb_keep_dir *dir, struct deb_kept *kept, struct err *e)
{
    if (kept->whole)
        return 0;
    if (unlinkat(dir->fd, kept->file, 0) < 0)
        return err_sys(e, ERR_HOST, errno, "cannot remove %s", kept->file);
    AUTO_FD fd = file_create(dir, kept, e);
    if (fd < 0 || copy_whole(fd, kept->fd, kept->file, e) < 0)
        return -1;
    kept->whole = true;
    return digest_of_fd(&kept->digest, DIGEST_SHA256, fd, NULL, e);
}
