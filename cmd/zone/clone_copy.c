/* The way that always works: a copy by several threads, sharing contents where the file system can. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/os.h"
#include "base/tree_int.h"
#include "cmd/zone/clone.h"

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static int can(struct clone *c, struct err *why)
{
    (void)c;
    (void)why;
    return 0;
}

static int make(struct clone *c, struct err *e)
{
    const struct copy_opts o = {.share = c->share, .jobs = c->jobs, .stop = c->stop, .log = c->log};
    struct copy_stats s = {0};
    AUTO_FD from = open(c->real, DIR_FLAGS);
    if (from < 0)
        return err_sys(e, ERR_HOST, errno, "%s", c->source);
    if (tree_open_dir(&c->root, c->target.given, c->log, e) < 0 ||
        copy_tree(from, c->source, tree_fd(c->root), c->target.given, &o, &s, e) < 0)
        return -1;
    log_debug(c->log, "%s: %llu entries, %llu bytes copied, %llu shared", c->target.given,
              (unsigned long long)s.entries, (unsigned long long)s.bytes, (unsigned long long)s.shared);
    c->how = s.shared > 0 && s.bytes == 0 ? "reflink" : "copy";
    return 0;
}

static int seal(struct clone *c, struct err *e)
{
    return tree_seal(c->root, false, e);
}

static void close_copy(struct clone *c)
{
    tree_close(c->root);
    c->root = NULL;
}

/* A mount point stays, empty. The marker says what it is, should this be cut short. */
static int empty_mount(const struct clone_place *p, struct err *e)
{
    static const char *const last[] = {TREE_MARKER, "lost+found", NULL}, *const kept[] = {"lost+found", NULL};
    AUTO_FD fd = open(p->path, DIR_FLAGS);
    AUTO_FD marker = fd < 0 ? -1 : openat(fd, TREE_MARKER, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (marker < 0)
        return err_sys(e, ERR_HOST, errno, "%s", p->given);
    return tree_rm_below(fd, last, p->given, e) < 0 ? -1 : tree_rm_below(fd, kept, p->given, e);
}

/* It has lost its name before the first file goes: nobody takes what is left for a root. */
static int remove_copy(const struct clone_place *p, struct arena *a, const struct log *log, struct err *e)
{
    const char *hidden = clone_hidden(p, a), *name = strrchr(hidden, '/') + 1;
    AUTO_FD parent = open(p->parent, DIR_FLAGS);
    if (parent < 0)
        return err_sys(e, ERR_HOST, errno, "%s", p->parent);
    if (os_is_mount(p->path)) {
        log_info(log, "%s: a mount point: it stays, empty", p->given);
        return empty_mount(p, e);
    }
    AUTO_FD old = openat(parent, name, DIR_FLAGS);
    if (old >= 0 && os_lock(old) < 0 && errno == EWOULDBLOCK)
        return err_set(e, ERR_HOST, "%s: another zonestrap is building there", hidden);
    if (old >= 0 && tree_rm(parent, name, hidden, e) < 0)
        return -1;
    if (renameat(parent, p->name, parent, name) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", p->given);
    return tree_rm(parent, name, hidden, e) < 0 ? -1 : 0;
}

const struct clone_way clone_copy = {"copy", can, make, seal, close_copy, remove_copy};
