/* A snapshot of a subvolume: made in a hidden directory, renamed to its place. ioctls of <linux/btrfs.h>. */
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/os.h"
#include "base/tree_int.h"
#include "cmd/zone/clone.h"

/* SUBVOL_INODE: of a subvolume's top, BTRFS_FIRST_FREE_OBJECTID. */
enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, SUBVOL_INODE = 256 };

#define ROOT "root"

struct clone_state {
    struct tree *place; /* the hidden directory */
    bool snapshot;
};

static bool is_btrfs(int fd)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && (unsigned long)fs.f_type == BTRFS_SUPER_MAGIC;
}

static bool is_subvolume(int fd)
{
    struct stat st;
    return is_btrfs(fd) && fstat(fd, &st) == 0 && st.st_ino == SUBVOL_INODE;
}

/* Those in it would be empty directories in the snapshot. */
static bool has_subvolumes(int fd)
{
    AUTO_MEM struct btrfs_ioctl_get_subvol_rootref_args *args = mem_alloc(sizeof *args);
    int rc = ioctl(fd, BTRFS_IOC_GET_SUBVOL_ROOTREF, args);
    return (rc == 0 || errno == EOVERFLOW) && args->num_items > 0;
}

static bool same_fs(int a, int b)
{
    struct btrfs_ioctl_fs_info_args x = {0}, y = {0};
    return ioctl(a, BTRFS_IOC_FS_INFO, &x) == 0 && ioctl(b, BTRFS_IOC_FS_INFO, &y) == 0 &&
           memcmp(x.fsid, y.fsid, sizeof x.fsid) == 0;
}

static int can(struct clone *c, struct err *why)
{
    AUTO_FD from = open(c->real, DIR_FLAGS), to = open(c->target.parent, DIR_FLAGS);
    if (from < 0 || to < 0)
        return err_sys(why, ERR_HOST, errno, "%s", from < 0 ? c->source : c->target.parent);
    if (!is_btrfs(from))
        return err_set(why, ERR_HOST, "%s: does not stand on btrfs", c->source);
    if (!is_subvolume(from)) {
        err_set(why, ERR_HOST, "%s: is a directory, no subvolume of btrfs", c->source);
        return err_hint(why, "`btrfs subvolume create' an empty one for zonestrap create to fill");
    }
    if (has_subvolumes(from))
        return err_set(why, ERR_HOST, "%s: has subvolumes in it, which a snapshot leaves out", c->source);
    if (!is_btrfs(to) || !same_fs(from, to))
        return err_set(why, ERR_HOST, "%s: is on another file system than %s", c->target.given, c->source);
    return clone_absent(c, why);
}

static int make(struct clone *c, struct err *e)
{
    struct clone_state *s = c->state = arena_alloc(c->arena, sizeof *s);
    struct btrfs_ioctl_vol_args_v2 args = {.name = ROOT};
    if (tree_open_dir(&s->place, c->target.path, c->log, e) < 0)
        return -1;
    AUTO_FD from = open(c->real, DIR_FLAGS);
    args.fd = from;
    if (from < 0 || ioctl(tree_fd(s->place), BTRFS_IOC_SNAP_CREATE_V2, &args) < 0)
        return err_sys(e, ERR_HOST, errno, "%s: cannot make a snapshot", c->source);
    s->snapshot = true;
    c->how = "btrfs";
    return tree_open_existing(&c->root, arena_printf(c->arena, "%s/" ROOT, tree_path(s->place)), c->log, e);
}

static int seal(struct clone *c, struct err *e)
{
    struct clone_state *s = c->state;
    AUTO_FD parent = open(c->target.parent, DIR_FLAGS);
    if (parent < 0)
        return err_sys(e, ERR_HOST, errno, "%s", c->target.parent);
    if (tree_seal(c->root, false, e) < 0 || clone_absent(c, e) < 0)
        return -1;
    if (renameat(tree_fd(s->place), ROOT, parent, c->target.name) < 0)
        return err_sys(e, ERR_HOST, errno, "%s: cannot be given its name", c->target.given);
    s->snapshot = false;
    return fsync(parent) < 0 ? err_sys(e, ERR_HOST, errno, "%s", c->target.parent) : 0;
}

/* 1: something in it is a subvolume of its own. */
static int destroy(int parent, const char *name, const char *path, struct err *e)
{
    struct btrfs_ioctl_vol_args args = {0};
    if (strlen(name) >= sizeof args.name)
        return err_sys(e, ERR_HOST, ENAMETOOLONG, "%s", path);
    memcpy(args.name, name, strlen(name));
    if (ioctl(parent, BTRFS_IOC_SNAP_DESTROY, &args) == 0)
        return 0;
    return errno == ENOTEMPTY ? 1 : err_sys(e, ERR_HOST, errno, "%s: destroying the subvolume", path);
}

static void close_btrfs(struct clone *c)
{
    struct err ignored = {0};
    tree_close(c->root);
    c->root = NULL;
    if (c->state != NULL && c->state->snapshot)
        (void)destroy(tree_fd(c->state->place), ROOT, c->target.path, &ignored); /* else file by file */
    if (c->state != NULL)
        tree_close(c->state->place);
}

static int remove_btrfs(const struct clone_place *p, struct arena *a, const struct log *log, struct err *e)
{
    (void)a;
    AUTO_FD fd = open(p->path, DIR_FLAGS), parent = open(p->parent, DIR_FLAGS);
    if (fd < 0 || parent < 0)
        return err_sys(e, ERR_HOST, errno, "%s", p->given);
    if (!is_subvolume(fd) || !is_btrfs(parent))
        return 1;
    close(auto_take_fd(&fd));
    int rc = destroy(parent, p->name, p->given, e);
    if (rc == 1)
        log_info(log, "%s: has subvolumes in it and is removed file by file", p->given);
    return rc;
}

const struct clone_way linux_clone_btrfs = {"btrfs", can, make, seal, close_btrfs, remove_btrfs};
