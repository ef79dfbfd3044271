/* What overlays put into a tree after its packages and fixups. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/os.h"
#include "base/tree_int.h"

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

int tree_import_conflict(const struct tree_job *j, const char *there, struct err *e)
{
    static const char *const names[] = {"file",   "directory",    "symbolic link", "hard link",
                                        "device", "block device", "fifo"};
    return err_set(e, ERR_FORMAT, "%s: %s: a %s cannot take the place of the root's %s", j->w->who,
                   buf_c(&j->w->path), names[j->en->type], there);
}

int tree_import_through(const struct tree_job *j, struct str up, const char *what, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: %s: passes through `%" STR_FMT "', which is a %s in the root",
                   j->w->who, buf_c(&j->w->path), STR_ARG(up), what);
}

/* A layout link that no package had, and the directory that it leads to. */
static int import_layout(struct tree *t, const char *who, size_t i, struct err *e)
{
    struct tree_writer w = {.t = t, .who = who};
    const struct tree_entry dir = {.type = TREE_DIR, .mode = 0755, .mtime = t->epoch},
                            link = {.type = TREE_LINK, .mtime = t->epoch, .link = str_c(t->layout[i].text)};
    uint64_t used = 0;
    if (t->layout_nodes[i] != NULL || (t->layout_imported >> i & 1) != 0)
        return 0;
    t->layout_imported |= (uint64_t)1 << i;
    struct tree_job dir_job = tree_job_of(&w, &dir, NULL, NULL),
                    link_job = tree_job_of(&w, &link, NULL, NULL);
    buf_str(&w.path, t->layout[i].target);
    int rc = tree_path_layout(t, &w.path, true, &used, e);
    if (rc == 0 && w.path.n > 0)
        rc = t->ops->import(&dir_job, e);
    buf_clear(&w.path);
    buf_str(&w.path, t->layout[i].path);
    if (rc == 0)
        rc = t->ops->import(&link_job, e);
    buf_free(&w.path);
    return rc;
}

static int import_layouts(struct tree *t, const char *who, uint64_t used, struct err *e)
{
    for (size_t i = 0; used != 0 && i < t->nlayout; i++)
        if ((used >> i & 1) != 0 && import_layout(t, who, i, e) < 0)
            return -1;
    return 0;
}

/* The layout's own link is welcome, any other in its place is not. */
static int same_layout(const struct tree_job *j, const struct tree_rewrite *r, struct err *e)
{
    AUTO_BUF leads = {0};
    if (tree_path_follow(r->path, j->en->link, &leads, e) < 0)
        return err_wrap(e, "%s", j->w->who);
    if (str_eq(buf_view(&leads), r->target))
        return 0;
    return err_set(e, ERR_FORMAT, "%s: %s: a link to `%" STR_FMT "' where the layout has one to `%s'",
                   j->w->who, buf_c(&j->w->path), STR_ARG(j->en->link), r->text);
}

static int import(const struct tree_job *j, struct err *e)
{
    struct tree_writer *w = j->w;
    struct tree *t = w->t;
    uint64_t used = 0, target_used = 0;
    if (tree_path_clean(j->en->path, &w->path, e) < 0 || tree_path_layout(t, &w->path, false, &used, e) < 0)
        return err_wrap(e, "%s", w->who);
    int at = j->en->type == TREE_LINK ? tree_path_layout_at(t, buf_view(&w->path)) : -1;
    if (at >= 0 && same_layout(j, &t->layout[at], e) < 0)
        return -1;
    used |= at >= 0 ? (uint64_t)1 << at : 0;
    if (at < 0 && tree_path_layout(t, &w->path, true, &used, e) < 0)
        return err_wrap(e, "%s", w->who);
    if (w->path.n == 0)
        return j->en->type == TREE_DIR ? 0
                                       : err_set(e, ERR_FORMAT, "%s: the root must be a directory", w->who);
    if (tree_check_reserved(w, e) < 0 || import_layouts(t, w->who, used, e) < 0)
        return -1;
    if (at >= 0)
        return 0;
    if (j->en->type == TREE_HARD && (tree_path_clean(j->en->link, &w->target, e) < 0 ||
                                     tree_path_layout(t, &w->target, true, &target_used, e) < 0))
        return err_wrap(e, "%s: %s: a hard link to", w->who, buf_c(&w->path));
    return t->ops->import(j, e);
}

int tree_import(struct tree *t, const char *who, const struct tree_entry *en, tree_next *next, void *ctx,
                struct err *e)
{
    struct tree_writer w = {.t = t, .who = who, .max_bytes = INT64_MAX};
    const struct tree_job j = tree_job_of(&w, en, next, ctx);
    int rc = tree_check_entry(&w, en, e) < 0 ? -1 : import(&j, e);
    buf_free(&w.path);
    buf_free(&w.target);
    return rc;
}

/* The directory's part. */

static const char *mode_name(mode_t mode)
{
    enum tree_kind k = S_ISDIR(mode)   ? KIND_DIR
                       : S_ISLNK(mode) ? KIND_LINK
                       : S_ISREG(mode) ? KIND_FILE
                                       : KIND_SPECIAL;
    return tree_kind_name(k);
}

static int dir_sys(const struct tree_job *j, const char *what, struct err *e)
{
    return err_sys(e, ERR_HOST, errno, "%s: %s: %s", j->w->who, buf_c(&j->w->path), what);
}

static int make_dir(const struct tree_job *j, int up, const char *name, const struct tree_meta *m,
                    struct err *e)
{
    struct stat before;
    if (fstat(up, &before) < 0 || mkdirat(up, name, 0700) < 0)
        return dir_sys(j, "cannot make the directory", e);
    AUTO_FD fd = openat(up, name, DIR_FLAGS);
    if (fd < 0)
        return dir_sys(j, "cannot open the directory", e);
    tree_edit_keep_time(up, &before);
    return tree_dir_meta(j->w->t, fd, m, buf_c(&j->w->path), e) < 0 ? err_wrap(e, "%s", j->w->who) : 0;
}

static int no_way(const struct tree_job *j, int fd, const char *name, struct str up, struct err *e)
{
    struct stat st;
    int failed = errno;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode))
        return tree_import_through(j, up, mode_name(st.st_mode), e);
    errno = failed;
    return dir_sys(j, "cannot open the directory", e);
}

/* Opens the directory, made with those above it if need be; follows no link. */
static int open_way(const struct tree_job *j, struct str dir, struct err *e)
{
    const struct tree_meta m = {.mode = 0755, .mtime = j->w->t->epoch};
    AUTO_FD fd = openat(j->w->t->fd, ".", DIR_FLAGS);
    struct str rest = dir, part;
    if (fd < 0)
        return dir_sys(j, "cannot open the root", e);
    while (rest.n > 0 && str_cut(&rest, '/', &part)) {
        char name[TREE_NAME_MAX + 1];
        snprintf(name, sizeof name, "%" STR_FMT, STR_ARG(part));
        int sub = openat(fd, name, DIR_FLAGS);
        if (sub < 0 && errno == ENOENT) {
            if (make_dir(j, fd, name, &m, e) < 0)
                return -1;
            sub = openat(fd, name, DIR_FLAGS);
        }
        if (sub < 0)
            return no_way(j, fd, name, (struct str){dir.p, (size_t)(part.p - dir.p) + part.n}, e);
        close(fd);
        fd = sub;
    }
    return auto_take_fd(&fd);
}

static int temp_file(const struct tree_job *j, int dir, struct err *e)
{
    AUTO_FD fd = openat(dir, TREE_TEMP, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return dir_sys(j, "cannot make the file", e);
    if (tree_dir_content(j, fd, e) < 0)
        return -1;
    if (tree_dir_meta(j->w->t, fd, &j->meta, buf_c(&j->w->path), e) < 0)
        return err_wrap(e, "%s", j->w->who);
    return close(auto_take_fd(&fd)) < 0 && errno != EINTR ? dir_sys(j, "write", e) : 0;
}

static int temp_hard(const struct tree_job *j, int dir, struct err *e)
{
    struct str name, up = tree_path_dir(buf_view(&j->w->target), &name);
    AUTO_BUF b = {0};
    struct stat st;
    buf_str(&b, up);
    AUTO_FD from = os_open_dir_below(j->w->t->fd, up.n > 0 ? buf_c(&b) : ".");
    if (from < 0 || fstatat(from, name.p, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_FORMAT, "%s: %s: a hard link to `%s', which is no file that came before",
                       j->w->who, buf_c(&j->w->path), buf_c(&j->w->target));
    return linkat(from, name.p, dir, TREE_TEMP, 0) < 0 ? dir_sys(j, "cannot make the hard link", e) : 0;
}

static int temp_other(const struct tree_job *j, int dir, struct err *e)
{
    const struct tree_entry *en = j->en;
    bool link = en->type == TREE_LINK;
    AUTO_BUF text = {0};
    buf_str(&text, en->link);
    mode_t bits = en->type == TREE_CHAR ? S_IFCHR : en->type == TREE_BLOCK ? S_IFBLK : S_IFIFO;
    dev_t dev = en->type == TREE_FIFO ? 0 : os_makedev(en->major, en->minor);
    if (link ? symlinkat(buf_c(&text), dir, TREE_TEMP) < 0 : mknodat(dir, TREE_TEMP, bits | 0600, dev) < 0)
        return dir_sys(j, link ? "cannot make the link" : "cannot make the node", e);
    if (tree_dir_meta_at(j->w->t, dir, TREE_TEMP, link, &j->meta, buf_c(&j->w->path), e) < 0)
        return err_wrap(e, "%s", j->w->who);
    return 0;
}

/* Whole under a name of its own, then in the place of what is there. */
static int replace(const struct tree_job *j, int dir, const char *name, struct err *e)
{
    struct stat before;
    if (fstat(dir, &before) < 0)
        return dir_sys(j, "stat", e);
    (void)unlinkat(dir, TREE_TEMP, 0); /* a killed run's */
    int rc = j->en->type == TREE_FILE   ? temp_file(j, dir, e)
             : j->en->type == TREE_HARD ? temp_hard(j, dir, e)
                                        : temp_other(j, dir, e);
    if (rc == 0 && renameat(dir, TREE_TEMP, dir, name) < 0)
        rc = dir_sys(j, "cannot be replaced", e);
    /* rename(2) leaves it, too, when both are names of one file. */
    (void)unlinkat(dir, TREE_TEMP, 0);
    tree_edit_keep_time(dir, &before);
    return rc;
}

int tree_dir_import(const struct tree_job *j, struct err *e)
{
    struct str name, up = tree_path_dir(buf_view(&j->w->path), &name);
    struct stat st;
    bool is_dir = j->en->type == TREE_DIR;
    AUTO_FD dir = open_way(j, up, e);
    if (dir < 0)
        return -1;
    bool there = fstatat(dir, name.p, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!there && errno != ENOENT)
        return dir_sys(j, "stat", e);
    if (there && (is_dir || S_ISDIR(st.st_mode)))
        return is_dir && S_ISDIR(st.st_mode) ? 0 : tree_import_conflict(j, mode_name(st.st_mode), e);
    return is_dir ? make_dir(j, dir, name.p, &j->meta, e) : replace(j, dir, name.p, e);
}
