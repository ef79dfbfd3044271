/* An overlay: TARGET is a mount that shows SOURCE and keeps what differs in `.NAME.zonestrap-overlay' beside
   it. That holds upper, work, and last `record': without it, it is what a killed run left. The mount is made
   on no path (fsmount(2)) and gets one at the end, so that it ends with a run that is killed. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/os.h"
#include "base/tree_int.h"
#include "cmd/zone/clone.h"

/* umount2(2); <sys/mount.h> and <linux/mount.h> do not go together everywhere. */
enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, NOFOLLOW = 8 };
int umount2(const char *target, int flags);

struct clone_state {
    const char *store; /* path */
    int parent, fd;    /* fd: the store's, locked */
    int mount;
    bool sealed;
};

static const char *store_name(const struct clone_place *p, struct arena *a)
{
    return arena_printf(a, ".%s.zonestrap-overlay", p->name);
}

static bool has_record(int store)
{
    struct stat st;
    return fstatat(store, "record", &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int can(struct clone *c, struct err *why)
{
    struct stat st;
    if (strpbrk(c->real, ":,\\") != NULL || strpbrk(c->target.path, ":,\\") != NULL)
        return err_set(why, ERR_HOST, "an overlay's paths have no `:', `,' and `\\'");
    const char *record =
        arena_printf(c->arena, "%s/%s/record", c->target.parent, store_name(&c->target, c->arena));
    if (lstat(record, &st) == 0) {
        err_set(why, ERR_HOST, "%s: there is an overlay of this name, not mounted perhaps", c->target.given);
        return err_hint(why, "`zonestrap remove %s', or mount it: %s says how", c->target.given, record);
    }
    return clone_absent(c, why);
}

static int make_store(struct clone *c, struct clone_state *s, struct err *e)
{
    const char *name = store_name(&c->target, c->arena);
    struct stat st;
    s->store = arena_printf(c->arena, "%s/%s", c->target.parent, name);
    s->parent = open(c->target.parent, DIR_FLAGS);
    if (s->parent < 0 || (mkdirat(s->parent, name, 0700) < 0 && errno != EEXIST))
        return err_sys(e, ERR_HOST, errno, "%s", s->store);
    s->fd = openat(s->parent, name, DIR_FLAGS);
    if (s->fd < 0 || os_lock(s->fd) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", s->store);
    if (has_record(s->fd)) {
        s->sealed = true; /* another run's */
        return err_set(e, ERR_HOST, "%s: appeared meanwhile", s->store);
    }
    /* The upper directory's metadata are those of the root. */
    if (tree_rm_below(s->fd, NULL, s->store, e) < 0)
        return -1;
    if (stat(c->real, &st) < 0 || mkdirat(s->fd, "upper", 0700) < 0 || mkdirat(s->fd, "work", 0700) < 0 ||
        fchownat(s->fd, "upper", st.st_uid, st.st_gid, 0) < 0 ||
        fchmodat(s->fd, "upper", st.st_mode & 07777, 0) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", s->store);
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    return utimensat(s->fd, "upper", times, 0) < 0 ? err_sys(e, ERR_HOST, errno, "%s", s->store) : 0;
}

static int set_dir(int fs, const char *key, const char *path)
{
    return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, path, 0);
}

static int mount_overlay(struct clone *c, struct clone_state *s, struct err *e)
{
    AUTO_FD fs = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
    if (fs < 0)
        return err_sys(e, ERR_HOST, errno, "overlay: this system has no such file system");
    if (set_dir(fs, "source", "overlay") < 0 || set_dir(fs, "lowerdir", c->real) < 0 ||
        set_dir(fs, "upperdir", arena_printf(c->arena, "%s/upper", s->store)) < 0 ||
        set_dir(fs, "workdir", arena_printf(c->arena, "%s/work", s->store)) < 0 ||
        syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
        err_sys(e, ERR_HOST, errno, "%s: cannot be the upper side of an overlay over %s", s->store,
                c->source);
        return err_hint(e,
                        "overlays want a file system that has extended attributes, and is no overlay itself");
    }
    s->mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
    return s->mount < 0 ? err_sys(e, ERR_HOST, errno, "%s: mounting the overlay", c->target.given) : 0;
}

static int make(struct clone *c, struct err *e)
{
    struct clone_state *s = c->state = arena_alloc(c->arena, sizeof *s);
    *s = (struct clone_state){.parent = -1, .fd = -1, .mount = -1};
    if (make_store(c, s, e) < 0 || mount_overlay(c, s, e) < 0)
        return -1;
    c->how = "overlay";
    return tree_open_existing(&c->root, arena_printf(c->arena, "/proc/self/fd/%d/.", s->mount), c->log, e);
}

static int write_record(struct clone *c, struct clone_state *s, struct err *e)
{
    AUTO_BUF b = {0};
    buf_printf(
        &b, "source %s\nmount mount -t overlay overlay -o lowerdir=%s,upperdir=%s/upper,workdir=%s/work %s\n",
        c->real, c->real, s->store, s->store, c->target.path);
    return file_replace(arena_printf(c->arena, "%s/record", s->store), buf_view(&b), 0600, e);
}

static int seal(struct clone *c, struct err *e)
{
    struct clone_state *s = c->state;
    if (tree_seal(c->root, false, e) < 0)
        return -1;
    if (mkdirat(s->parent, c->target.name, 0700) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", c->target.given);
    if (write_record(c, s, e) < 0 ||
        syscall(SYS_move_mount, s->mount, "", AT_FDCWD, c->target.path, MOVE_MOUNT_F_EMPTY_PATH) < 0) {
        if (e->class == ERR_NONE)
            err_sys(e, ERR_HOST, errno, "%s: mounting the overlay", c->target.given);
        (void)unlinkat(s->parent, c->target.name, AT_REMOVEDIR);
        return -1;
    }
    s->sealed = true;
    log_info(c->log, "%s: an overlay, to be mounted again after a restart of the system: %s/record says how",
             c->target.given, s->store);
    return 0;
}

static void close_overlay(struct clone *c)
{
    struct clone_state *s = c->state;
    struct err e = {0};
    tree_close(c->root);
    c->root = NULL;
    if (s == NULL)
        return;
    if (s->mount >= 0)
        close(s->mount);
    if (!s->sealed && s->fd >= 0 &&
        (tree_rm_below(s->fd, NULL, s->store, &e) < 0 ||
         unlinkat(s->parent, store_name(&c->target, c->arena), AT_REMOVEDIR) < 0))
        log_warn(c->log, "%s: could not be removed", s->store);
    if (s->fd >= 0)
        close(s->fd);
    if (s->parent >= 0)
        close(s->parent);
}

/* What the target's place holds now is nothing, an empty directory, or the mount. */
static int remove_overlay(const struct clone_place *p, struct arena *a, const struct log *log, struct err *e)
{
    const char *name = store_name(p, a), *path = arena_printf(a, "%s/%s", p->parent, name);
    AUTO_FD parent = open(p->parent, DIR_FLAGS), store = parent < 0 ? -1 : openat(parent, name, DIR_FLAGS);
    AUTO_BUF below = {0};
    (void)log;
    if (store < 0 || !has_record(store))
        return 1;
    if (os_lock(store) < 0)
        return err_set(e, ERR_HOST, "%s: another zonestrap works on it", p->given);
    int rc = os_mount_below(p->path, &below, e);
    if (rc > 0) {
        err_set(e, ERR_HOST, "%s: %s is mounted in it", p->given, buf_c(&below));
        return err_hint(e, "stop what runs there and unmount it first");
    }
    if (rc < 0)
        return -1;
    if (os_is_mount(p->path) && umount2(p->path, NOFOLLOW) < 0) {
        err_sys(e, ERR_HOST, errno, "%s: cannot be unmounted", p->given);
        return err_hint(e, "stop what runs there");
    }
    if (unlinkat(parent, p->name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return err_sys(e, ERR_HOST, errno, "%s", p->given);
    /* The record goes first of what is left: a removal that is cut short leaves what the next clone sweeps.
     */
    if (unlinkat(store, "record", 0) < 0 || tree_rm(parent, name, path, e) < 0)
        return e->class != ERR_NONE ? -1 : err_sys(e, ERR_HOST, errno, "%s", path);
    return 0;
}

int linux_clone_overlay_over(const char *path, struct buf *where, struct err *e)
{
    AUTO_BUF all = {0}, option = {0};
    struct str rest, line, word = {NULL, 0};
    buf_printf(&option, "lowerdir=%s,", path);
    if (file_read("/proc/self/mountinfo", 64 << 20, &all, e) < 0)
        return -1;
    rest = buf_view(&all);
    while (str_line(&rest, &line)) {
        if (str_find(line, buf_view(&option)) == line.n)
            continue;
        for (int i = 0; i < 5; i++)
            str_word(&line, &word);
        buf_str(where, word);
        return 1;
    }
    return 0;
}

const struct clone_way linux_clone_overlay = {"overlay", can, make, seal, close_overlay, remove_overlay};
