/* The life of a directory target: opened, sealed or removed again. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/os.h"
#include "base/tree_int.h"

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC, LOCK_TRIES = 10 };

struct tree_target {
    char *given; /* for messages: as the user wrote it */
    int parent;  /* a hidden build directory's; -1 in place */
    char *name, *hidden;
    struct stat before; /* in place: what close gives back */
};

static const char *const keep_always[] = {TREE_MARKER, "lost+found", NULL};

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_host_root(const struct stat *st)
{
    struct stat root;
    return stat("/", &root) == 0 && same_file(st, &root);
}

static struct tree *tree_new(const char *given, const struct log *log)
{
    struct tree *t = mem_alloc(sizeof *t);
    t->ops = &tree_dir_ops;
    t->log = log;
    t->epoch = (int64_t)time(NULL);
    t->begun = t->epoch - 1; /* a file system's clock may lag */
    t->fd = -1;
    t->target = mem_alloc(sizeof *t->target);
    t->target->given = mem_dup(given);
    t->target->parent = -1;
    pthread_mutex_init(&t->lock, NULL);
    tree_claim_init(t);
    return t;
}

static void tree_free(struct tree *t)
{
    struct tree_target *g = t->target;
    if (t->fd >= 0)
        close(t->fd);
    if (g->parent >= 0)
        close(g->parent);
    free(g->given);
    free(g->name);
    free(g->hidden);
    free(g);
    free(t->path);
    tree_claim_free(t);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static int lock_root(struct tree *t, struct err *e)
{
    if (os_lock(t->fd) == 0)
        return 0;
    if (errno == EWOULDBLOCK) {
        err_set(e, ERR_HOST, "%s: another zonestrap is building it", t->target->given);
        return err_hint(e, "wait until it is done, or choose another target");
    }
    log_warn(t->log, "%s: cannot be locked on this file system; run no second zonestrap on it",
             t->target->given);
    return 0;
}

/* What is in a directory besides a marker and a lost+found. */
static int look_into(struct tree *t, bool *marker, bool *other, struct err *e)
{
    struct dirent *de;
    AUTO_FD fd = openat(t->fd, ".", DIR_FLAGS);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (d == NULL)
        return err_sys(e, ERR_HOST, errno, "%s", t->target->given);
    auto_take_fd(&fd);
    *marker = *other = false;
    while ((errno = 0, de = readdir(d)) != NULL) {
        if (strcmp(de->d_name, TREE_MARKER) == 0)
            *marker = true;
        else if (strcmp(de->d_name, "lost+found") == 0)
            t->lost_found = true;
        else if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
            *other = true;
    }
    int rc = errno == 0 ? 0 : err_sys(e, ERR_HOST, errno, "%s", t->target->given);
    closedir(d);
    return rc;
}

static int make_marker(struct tree *t, struct err *e)
{
    AUTO_FD fd = openat(t->fd, TREE_MARKER, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    return fd < 0 ? err_sys(e, ERR_HOST, errno, "%s/%s", t->target->given, TREE_MARKER) : 0;
}

/* Whoever owns the directory or may write to it could put links and programs among what is unpacked. */
static int take_over(struct tree *t, struct err *e)
{
    const struct stat *b = &t->target->before;
    if (b->st_uid != geteuid() && fchown(t->fd, geteuid(), getegid()) < 0)
        return err_sys(e, ERR_HOST, errno, "%s: belongs to user %u", t->target->given, (unsigned)b->st_uid);
    if ((b->st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
        fchmod(t->fd, b->st_mode & 07777 & ~(mode_t)(S_IWGRP | S_IWOTH)) < 0)
        return err_sys(e, ERR_HOST, errno, "%s: others may write there", t->target->given);
    return 0;
}

static int give_back(struct tree *t)
{
    const struct stat *b = &t->target->before;
    const struct timespec times[2] = {b->st_atim, b->st_mtim};
    return fchown(t->fd, b->st_uid, b->st_gid) < 0 || fchmod(t->fd, b->st_mode & 07777) < 0 ||
                   futimens(t->fd, times) < 0
               ? -1
               : 0;
}

/* Nothing but what an interrupted run left may be there. */
static int make_empty(struct tree *t, struct err *e)
{
    const char *given = t->target->given;
    bool marker = false, other = false;
    if (look_into(t, &marker, &other, e) < 0)
        return -1;
    if (other && !marker) {
        err_set(e, ERR_HOST, "%s: is not empty", given);
        e->sys = ENOTEMPTY;
        return err_hint(e, "give a directory that is empty or does not exist");
    }
    if (other)
        log_info(t->log, "%s: removing what an interrupted run left", given);
    return make_marker(t, e) < 0 || tree_rm_below(t->fd, keep_always, given, e) < 0 ? -1 : 0;
}

/* An existing directory: filled where it is. */
static int open_in_place(struct tree *t, struct err *e)
{
    struct tree_target *g = t->target;
    t->fd = open(g->given, DIR_FLAGS);
    if (t->fd < 0 || fstat(t->fd, &g->before) < 0 || (t->path = realpath(g->given, NULL)) == NULL)
        return err_sys(e, ERR_HOST, errno, "%s", g->given);
    if (is_host_root(&g->before))
        return err_set(e, ERR_HOST, "%s: is the root of this system", g->given);
    if (lock_root(t, e) < 0)
        return -1;
    if (take_over(t, e) == 0 && make_empty(t, e) == 0)
        return 0;
    (void)give_back(t);
    return -1;
}

/* Opens and locks the hidden directory, made or left over. 1: it vanished or was renamed meanwhile, try
 * again. */
static int take_hidden(struct tree *t, struct err *e)
{
    struct tree_target *g = t->target;
    struct stat st, now;
    bool fresh = mkdirat(g->parent, g->hidden, 0755) == 0;
    if (!fresh && errno != EEXIST)
        return err_sys(e, ERR_HOST, errno, "%s: cannot make %s beside it", g->given, g->hidden);
    t->fd = openat(g->parent, g->hidden, DIR_FLAGS | O_NOFOLLOW);
    if (t->fd < 0)
        return errno == ENOENT ? 1 : err_sys(e, ERR_HOST, errno, "%s", t->path);
    if (lock_root(t, e) < 0)
        return -1;
    if (fstat(t->fd, &st) < 0 || fstatat(g->parent, g->hidden, &now, AT_SYMLINK_NOFOLLOW) < 0 ||
        !same_file(&st, &now)) {
        close(t->fd);
        t->fd = -1;
        return 1;
    }
    if (st.st_uid != geteuid()) {
        err_set(e, ERR_HOST, "%s: belongs to user %u", t->path, (unsigned)st.st_uid);
        return err_hint(e, "it stands where the target is to be built: remove it");
    }
    if (!fresh)
        log_info(t->log, "%s: removing what an interrupted run left", t->path);
    /* The umask or a setgid parent may have had their say. */
    if (fchown(t->fd, geteuid(), getegid()) < 0 || fchmod(t->fd, 0755) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", t->path);
    return tree_rm_below(t->fd, NULL, t->path, e);
}

/* No such directory yet: built beside its place. */
static int open_hidden(struct tree *t, struct err *e)
{
    struct tree_target *g = t->target;
    struct str name, dir = tree_path_dir(str_c(g->given), &name);
    AUTO_BUF parent = {0};
    buf_str(&parent, dir);
    if (parent.n == 0)
        buf_puts(&parent, g->given[0] == '/' ? "/" : ".");
    AUTO_MEM char *real = realpath(parent.p, NULL);
    g->parent = real == NULL ? -1 : open(real, DIR_FLAGS);
    if (g->parent < 0) {
        err_sys(e, ERR_HOST, errno, "%s: the directory %s", g->given, parent.p);
        return e->sys == ENOENT ? err_hint(e, "make it first, or check the spelling") : -1;
    }
    AUTO_BUF b = {0};
    buf_printf(&b, ".%s.zonestrap-partial", name.p);
    t->own_root = true;
    g->hidden = mem_dup(b.p);
    g->name = mem_dup(name.p);
    buf_clear(&b);
    buf_printf(&b, "%s/%s", strcmp(real, "/") == 0 ? "" : real, g->hidden);
    t->path = mem_dup(b.p);
    for (int i = 0, rc = 1; i < LOCK_TRIES; i++)
        if ((rc = take_hidden(t, e)) <= 0)
            return rc;
    return err_set(e, ERR_HOST, "%s: %s comes and goes: another zonestrap is building it", g->given, t->path);
}

static int open_target(struct tree *t, struct err *e)
{
    const char *given = t->target->given;
    struct stat st;
    if (stat(given, &st) == 0)
        return S_ISDIR(st.st_mode) ? open_in_place(t, e)
                                   : err_set(e, ERR_HOST, "%s: exists and is no directory", given);
    if (errno != ENOENT)
        return err_sys(e, ERR_HOST, errno, "%s", given);
    if (lstat(given, &st) == 0)
        return err_set(e, ERR_HOST, "%s: a symbolic link that leads nowhere", given);
    return open_hidden(t, e);
}

int tree_open_dir(struct tree **out, const char *target, const struct log *log, struct err *e)
{
    AUTO_BUF given = {0};
    buf_puts(&given, target);
    while (given.n > 1 && given.p[given.n - 1] == '/')
        given.p[--given.n] = '\0';
    if (given.n == 0)
        return err_set(e, ERR_USAGE, "the target's name is empty");
    struct tree *t = tree_new(given.p, log);
    if (open_target(t, e) < 0) {
        tree_free(t);
        return -1;
    }
    *out = t;
    return 0;
}

static int open_existing(struct tree *t, struct err *e)
{
    struct tree_target *g = t->target;
    struct stat st;
    t->fd = open(g->given, DIR_FLAGS);
    if (t->fd < 0 || fstat(t->fd, &g->before) < 0 || (t->path = realpath(g->given, NULL)) == NULL)
        return err_sys(e, ERR_HOST, errno, "%s", g->given);
    if (is_host_root(&g->before))
        return err_set(e, ERR_HOST, "%s: is the root of this system", g->given);
    /* Not read: that would set the directory's time of access, and cost a snapshot's room. */
    if (fstatat(t->fd, TREE_MARKER, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        err_set(e, ERR_HOST, "%s: is incomplete: the run that made it was interrupted", g->given);
        return err_hint(e, "make it anew with `zonestrap create'");
    }
    t->sealed = true;
    return 0;
}

int tree_open_existing(struct tree **out, const char *root, const struct log *log, struct err *e)
{
    struct tree *t = tree_new(root, log);
    if (open_existing(t, e) < 0) {
        tree_free(t);
        return -1;
    }
    *out = t;
    return 0;
}

static int rename_hidden(struct tree *t, struct err *e)
{
    struct tree_target *g = t->target;
    if (os_rename_new(g->parent, g->hidden, g->name) < 0) {
        if (errno == EEXIST || errno == ENOTEMPTY) {
            err_set(e, ERR_HOST, "%s: appeared while it was being built", g->given);
            e->sys = EEXIST;
            return -1;
        }
        return err_sys(e, ERR_HOST, errno, "%s: cannot be given its name", g->given);
    }
    AUTO_BUF path = {0};
    buf_str(&path, tree_path_dir(str_c(t->path), NULL));
    buf_printf(&path, "/%s", g->name);
    free(t->path);
    t->path = mem_dup(path.p);
    return 0;
}

/* The root keeps the time that settle gave it. */
static int drop_marker(struct tree *t)
{
    struct stat st;
    if (fstat(t->fd, &st) < 0 || unlinkat(t->fd, TREE_MARKER, 0) < 0)
        return -1;
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    return futimens(t->fd, times);
}

int tree_target_seal(struct tree *t, bool nosync, struct err *e)
{
    struct tree_target *g = t->target;
    if (!nosync && os_sync_fs(t->fd, e) < 0)
        return err_wrap(e, "%s", g->given);
    if (t->sealed)
        return 0;
    if (g->parent >= 0 && rename_hidden(t, e) < 0)
        return -1;
    if (g->parent < 0 && drop_marker(t) < 0)
        return err_sys(e, ERR_HOST, errno, "%s/%s", g->given, TREE_MARKER);
    t->sealed = true;
    os_unlock(t->fd);
    if (!nosync && fsync(g->parent >= 0 ? g->parent : t->fd) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", g->given);
    return 0;
}

/* The target as it was: gone, or empty with its own mode, owner and time. */
static int undo(struct tree *t, struct err *e)
{
    struct tree_target *g = t->target;
    if (g->parent >= 0) {
        if (tree_rm_below(t->fd, NULL, t->path, e) < 0)
            return -1;
        return unlinkat(g->parent, g->hidden, AT_REMOVEDIR) == 0 ? 0
                                                                 : err_sys(e, ERR_HOST, errno, "%s", t->path);
    }
    const char *const *keep = t->lost_found ? keep_always : (const char *const[]){TREE_MARKER, NULL};
    if (tree_rm_below(t->fd, keep, t->path, e) < 0)
        return -1;
    if (unlinkat(t->fd, TREE_MARKER, 0) < 0 || give_back(t) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", t->path);
    return 0;
}

void tree_target_close(struct tree *t)
{
    struct err e;
    if (!t->sealed && undo(t, &e) < 0)
        log_warn(t->log, "%s: could not be removed: %s", t->path, e.msg);
    tree_free(t);
}
