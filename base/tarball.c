#include "base/tarball.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/os.h"
#include "base/tar_entry.h"
#include "base/tarball_int.h"
#include "base/tree_int.h"

struct tarball {
    char *given;        /* for messages: as the user wrote it */
    const char *target; /* while it is opened */
    int fd;
    int parent; /* of the hidden file; -1: written straight to fd */
    char *name, *hidden;
    bool done;
    bool drop_caps;
    struct tarball_press *press;
    struct archive *ar;
    struct archive_entry *entry;
    locale_t locale;
    struct buf path, link;
    struct err io; /* what the callback met; its class says whether */
};

static la_ssize_t on_tar(struct archive *ar, void *ctx, const void *p, size_t n)
{
    struct tarball *t = ctx;
    if (t->io.class == ERR_NONE && tarball_press_add(t->press, p, n, &t->io) == 0)
        return (la_ssize_t)n;
    archive_set_error(ar, EIO, "write error");
    return -1;
}

static int tar_error(struct tarball *t, struct err *e)
{
    const char *why = archive_error_string(t->ar);
    if (t->io.class == ERR_NONE)
        return err_set(e, ERR_HOST, "%s: %s", t->given, why != NULL ? why : "cannot be written");
    *e = t->io;
    return -1;
}

bool tarball_name(const char *target)
{
    return tarball_format_find(target) != NULL;
}

static int open_stdout(struct tarball *t, struct err *e)
{
    if (isatty(STDOUT_FILENO)) {
        err_set(e, ERR_USAGE, "a tarball is not written to a terminal");
        return err_hint(e, "redirect standard output, or name a file");
    }
    t->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    return t->fd < 0 ? err_sys(e, ERR_HOST, errno, "standard output") : 0;
}

static bool is_still_there(const struct tarball *t)
{
    struct stat st, now;
    return fstat(t->fd, &st) == 0 && fstatat(t->parent, t->hidden, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_dev == now.st_dev && st.st_ino == now.st_ino;
}

/* Others may write to the directory: what they put there is not taken for ours. */
static int check_own(struct tarball *t, struct err *e)
{
    struct stat st;
    if (fstat(t->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_uid == geteuid())
        return 0;
    close(auto_take_fd(&t->fd));
    err_set(e, ERR_HOST, "%s: %s beside it is no file of ours", t->given, t->hidden);
    return err_hint(e, "it stands where the tarball is to be made: remove it");
}

/* Whoever holds the lock of the hidden file builds the target; one that nobody holds was left by a kill. */
static int open_hidden(struct tarball *t, struct err *e)
{
    t->fd = openat(t->parent, t->hidden, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    if (t->fd < 0)
        return err_sys(e, ERR_HOST, errno, "%s: cannot make %s beside it", t->given, t->hidden);
    if ((os_lock(t->fd) < 0 && errno == EWOULDBLOCK) || !is_still_there(t)) {
        close(auto_take_fd(&t->fd));
        err_set(e, ERR_HOST, "%s: another zonestrap is building it", t->given);
        return err_hint(e, "wait until it is done, or choose another target");
    }
    if (check_own(t, e) < 0)
        return -1;
    return ftruncate(t->fd, 0) < 0 ? err_sys(e, ERR_HOST, errno, "%s", t->given) : 0;
}

/* The directory that it is made in. */
static int open_parent(struct tarball *t, struct err *e)
{
    struct str name, dir = tree_path_dir(str_c(t->target), &name);
    AUTO_BUF parent = {0}, hidden = {0};
    buf_str(&parent, dir);
    if (parent.n == 0)
        buf_puts(&parent, t->target[0] == '/' ? "/" : ".");
    t->parent = open(parent.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t->parent < 0) {
        err_sys(e, ERR_HOST, errno, "%s: the directory %s", t->given, parent.p);
        return e->sys == ENOENT ? err_hint(e, "make it first, or check the spelling") : -1;
    }
    buf_printf(&hidden, ".%s.zonestrap-partial", name.p);
    t->name = mem_dup(name.p);
    t->hidden = mem_dup(hidden.p);
    return 0;
}

static int open_file(struct tarball *t, struct err *e)
{
    struct stat st;
    if (open_parent(t, e) < 0)
        return -1;
    if (fstatat(t->parent, t->name, &st, 0) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        close(auto_take_fd(&t->parent));
        t->fd = open(t->target, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        return t->fd < 0 ? err_sys(e, errno == EINTR ? ERR_INTR : ERR_HOST, errno, "%s", t->given) : 0;
    }
    if (fstatat(t->parent, t->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        err_set(e, ERR_HOST, "%s: exists", t->given);
        return err_hint(e, "remove it first, or choose another name");
    }
    return open_hidden(t, e);
}

static int open_archive(struct tarball *t, struct err *e)
{
    t->locale = tar_entry_locale();
    t->ar = archive_write_new();
    t->entry = archive_entry_new();
    if (t->ar == NULL || t->entry == NULL)
        return err_set(e, ERR_HOST, "%s: out of memory", t->given);
    if (tarball_format_pax(t->ar) < 0 || archive_write_open(t->ar, t, NULL, on_tar, NULL) != ARCHIVE_OK)
        return tar_error(t, e);
    return 0;
}

int tarball_open(struct tarball **out, const char *target, const struct tarball_opts *o, struct err *e)
{
    const struct tarball_format *f = tarball_format_find(target);
    if (f == NULL)
        return err_set(e, ERR_USAGE,
                       "%s: neither `-' nor a name that ends with .tar, .tar.gz, .tar.xz or .tar.zst",
                       target);
    struct tarball *t = mem_alloc(sizeof *t);
    bool standard = strcmp(target, "-") == 0;
    t->given = mem_dup(o->shown != NULL ? o->shown : standard ? "standard output" : target);
    t->target = target;
    t->fd = t->parent = -1;
    if ((standard ? open_stdout(t, e) : open_file(t, e)) < 0 ||
        tarball_press_open(&t->press, f, t->fd, t->given, o, e) < 0 || open_archive(t, e) < 0) {
        tarball_close(t);
        return -1;
    }
    *out = t;
    return 0;
}

static void set_path(struct buf *b, struct str path)
{
    buf_clear(b);
    buf_puts(b, "./");
    buf_str(b, path);
}

static void fill(struct tarball *t, const struct tree_entry *en)
{
    static const unsigned types[] = {
        [TREE_FILE] = AE_IFREG, [TREE_DIR] = AE_IFDIR,   [TREE_LINK] = AE_IFLNK, [TREE_HARD] = AE_IFREG,
        [TREE_CHAR] = AE_IFCHR, [TREE_BLOCK] = AE_IFBLK, [TREE_FIFO] = AE_IFIFO};
    struct archive_entry *ae = archive_entry_clear(t->entry);
    set_path(&t->path, en->path);
    archive_entry_copy_pathname(ae, buf_c(&t->path));
    archive_entry_set_filetype(ae, types[en->type]);
    archive_entry_set_perm(ae, en->mode & 07777);
    archive_entry_set_uid(ae, en->uid);
    archive_entry_set_gid(ae, en->gid);
    archive_entry_set_mtime(ae, (time_t)en->mtime, (long)en->mtime_nsec);
    archive_entry_set_size(ae, en->type == TREE_FILE ? (la_int64_t)en->size : 0);
    if (en->type == TREE_LINK) {
        buf_clear(&t->link);
        buf_str(&t->link, en->link);
        archive_entry_copy_symlink(ae, buf_c(&t->link));
    }
    if (en->type == TREE_HARD) {
        set_path(&t->link, en->link);
        archive_entry_copy_hardlink(ae, buf_c(&t->link));
    }
    if (en->type == TREE_CHAR || en->type == TREE_BLOCK) {
        archive_entry_set_rdevmajor(ae, en->major);
        archive_entry_set_rdevminor(ae, en->minor);
    }
    for (size_t i = 0; i < en->nxattrs && en->type != TREE_HARD; i++) {
        if (t->drop_caps && str_is(en->xattrs[i].name, "security.capability"))
            continue;
        buf_clear(&t->link);
        buf_str(&t->link, en->xattrs[i].name);
        archive_entry_xattr_add_entry(ae, buf_c(&t->link), en->xattrs[i].value.p, en->xattrs[i].value.n);
    }
}

void tarball_drop_caps(struct tarball *t)
{
    t->drop_caps = true;
}

int tarball_entry(struct tarball *t, const struct tree_entry *en, struct err *e)
{
    fill(t, en);
    locale_t old = uselocale(t->locale);
    int r = archive_write_header(t->ar, t->entry);
    uselocale(old);
    /* A warning is about a name that is no UTF-8: its bytes are kept. */
    return r == ARCHIVE_OK || r == ARCHIVE_WARN ? 0 : tar_error(t, e);
}

int tarball_data(struct tarball *t, const void *p, size_t n, struct err *e)
{
    return n == 0 || archive_write_data(t->ar, p, n) == (la_ssize_t)n ? 0 : tar_error(t, e);
}

static int give_name(struct tarball *t, bool nosync, struct err *e)
{
    if (!nosync && fsync(t->fd) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", t->given);
    if (os_rename_new(t->parent, t->hidden, t->name) < 0)
        return errno == EEXIST ? err_set(e, ERR_HOST, "%s: appeared while it was being built", t->given)
                               : err_sys(e, ERR_HOST, errno, "%s: cannot be given its name", t->given);
    t->done = true;
    return !nosync && fsync(t->parent) < 0 ? err_sys(e, ERR_HOST, errno, "%s", t->given) : 0;
}

int tarball_finish(struct tarball *t, bool nosync, struct digest *sum, struct err *e)
{
    if (archive_write_close(t->ar) != ARCHIVE_OK)
        return tar_error(t, e);
    if (tarball_press_finish(t->press, sum, e) < 0)
        return -1;
    return t->parent >= 0 ? give_name(t, nosync, e) : 0;
}

void tarball_close(struct tarball *t)
{
    if (t == NULL)
        return;
    tarball_press_close(t->press); /* before the archive, which writes its end into it when it is freed */
    t->press = NULL;
    t->io.class = ERR_HOST;
    archive_write_free(t->ar);
    archive_entry_free(t->entry);
    if (t->locale != (locale_t)0)
        freelocale(t->locale);
    if (t->fd >= 0 && t->parent >= 0 && !t->done)
        unlinkat(t->parent, t->hidden, 0);
    if (t->fd >= 0)
        close(t->fd);
    if (t->parent >= 0)
        close(t->parent);
    buf_free(&t->path);
    buf_free(&t->link);
    free(t->given);
    free(t->name);
    free(t->hidden);
    free(t);
}
