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
#include "pkgfmt/second.h"

/* Paths of one package that are held in memory; the largest packages have some MB of them. */
enum { PATHS_BYTES_MAX = 64 * 1024 * 1024 };

struct deb_keep {
    struct deb_kept *kept;
    int fd;                /* the thin package being written, which has no name yet; -1 */
    int original;          /* borrowed */
    struct deb_thin *thin; /* NULL: rides whole */
    struct deb_control control;
    struct arena a;
};

void deb_keep_file(const struct plan_pkg *pkg, struct buf *out)
{
    const char *const parts[] = {pkg->name, "_", pkg->version, "_", pkg->arch};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        second_escape(parts[i], out);
    buf_puts(out, ".deb");
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

static int open_parts(struct deb_keep *k, const struct deb_keep_dir *dir, const struct deb_read *d,
                      uint64_t max_bytes, struct err *e)
{
    if (deb_control_read(&k->control, d, &k->a, e) < 0)
        return -1;
    for (size_t i = 0; i < k->control.conffiles.n; i++)
        list_add(&k->kept->conffiles, k->control.conffiles.v[i]);
    if (dir->full)
        return 0;
    for (size_t i = 0; i < k->control.diverts.n; i++)
        list_add(&k->kept->diverts, k->control.diverts.v[i]);
    k->kept->diverts_own = k->control.diverts_computed;
    if (k->kept->whole)
        return 0;
    k->fd = file_temp(NULL, NULL, e);
    return k->fd < 0 ? -1 : deb_thin_open(&k->thin, k->fd, d, max_bytes, e);
}

int deb_keep_open(struct deb_keep **out, struct deb_keep_dir *dir, struct deb_kept *kept,
                  const struct deb_read *d, uint64_t max_bytes, struct err *e)
{
    struct deb_keep *k = *out = mem_alloc(sizeof *k);
    k->kept = kept;
    k->fd = -1;
    k->original = d->fd;
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
    struct str path = bare_path(en->path);
    bool file = en->type == TREE_FILE, config = str_starts(path, STR(DEB_KEEP_CONFIG));
    /* Without md5sums in the package dpkg takes them from what it writes, and --verify knows only those. */
    bool written = file && (config || !k->control.md5sums || str_list_has(&k->control.conffiles, path));
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

/* Into the tree, under the name that the second stage knows it by. */
static int put(struct deb_kept *kept, int fd, struct tree_writer *w, struct err *e)
{
    if (digest_of_fd(&kept->digest, DIGEST_SHA256, fd, NULL, e) < 0)
        return -1;
    return second_put(kept->file, fd, w, e);
}

int deb_keep_finish(struct deb_keep *k, struct tree_writer *w, struct err *e)
{
    if (k->thin != NULL && deb_thin_finish(k->thin, e) < 0)
        return -1;
    return put(k->kept, k->thin != NULL ? k->fd : k->original, w, e);
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

int deb_keep_whole(struct deb_kept *kept, struct tree_writer *w, struct err *e)
{
    if (kept->whole)
        return 0;
    AUTO_BUF name = {0};
    buf_printf(&name, "%.*s_whole.deb", (int)(strlen(kept->file) - strlen(".deb")), kept->file);
    free(kept->file);
    kept->file = mem_dup(buf_c(&name));
    kept->whole = true;
    return put(kept, kept->fd, w, e);
}
