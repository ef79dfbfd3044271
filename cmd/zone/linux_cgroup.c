/* A fresh sub-cgroup for the zone in every hierarchy, v1, hybrid or v2 (cgroups(7)): what the zone's init
   makes of cgroups stays below it. A hierarchy that is not there or cannot be written is left out. */
#include "cmd/zone/linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"

enum { DEPTH_MAX = 32, BUSY_TRIES = 50 };
static const char prefix[] = "zonestrap-";

/* One line of /proc/self/mountinfo (proc(5)), as far as it is needed. */
struct mount_line {
    struct str root, point, type, options;
};

static bool parse_mount(struct str line, struct mount_line *m)
{
    struct str word;
    *m = (struct mount_line){{0}, {0}, {0}, {0}};
    for (int i = 0; i < 3; i++)
        if (!str_word(&line, &word))
            return false;
    if (!str_word(&line, &m->root) || !str_word(&line, &m->point))
        return false;
    while (str_word(&line, &word))
        if (str_is(word, "-"))
            return str_word(&line, &m->type) && str_word(&line, &word) && str_word(&line, &m->options);
    return false;
}

/* Does the comma list have the word? */
static bool listed(struct str list, struct str want)
{
    struct str word;
    while (str_cut(&list, ',', &word))
        if (str_eq(word, want))
            return true;
    return false;
}

static bool mounts_hierarchy(const struct mount_line *m, struct str controllers)
{
    if (controllers.n == 0)
        return str_is(m->type, "cgroup2");
    struct str one = controllers;
    one.n = str_chr(controllers, ',');
    return str_is(m->type, "cgroup") && listed(m->options, one);
}

/* A v1 cpuset takes no process before it has processors and memory. */
static void copy_setting(int from, int to, const char *name)
{
    char data[4096];
    AUTO_FD r = openat(from, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = r < 0 ? -1 : read(r, data, sizeof data);
    AUTO_FD w = n <= 0 ? -1 : openat(to, name, O_WRONLY | O_CLOEXEC);
    if (w >= 0 && write(w, data, (size_t)n) < 0)
        return; /* entering will fail, and is logged there */
}

/* Removes the tree of cgroups dir/name; false while one of them has processes. */
static bool remove_tree(int dir, const char *name, int depth)
{
    if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return true;
    int fd = depth > DEPTH_MAX ? -1 : openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (d == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    for (struct dirent *en; (en = readdir(d)) != NULL;)
        if (en->d_type == DT_DIR && strcmp(en->d_name, ".") != 0 && strcmp(en->d_name, "..") != 0)
            remove_tree(fd, en->d_name, depth + 1);
    closedir(d);
    return unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

/* Those of runs whose caller and watcher were both killed: nobody holds the lock any more. */
static void remove_stale(int parent)
{
    int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *en; d != NULL && (en = readdir(d)) != NULL;) {
        if (strncmp(en->d_name, prefix, sizeof prefix - 1) != 0)
            continue;
        AUTO_FD old = openat(parent, en->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (old >= 0 && flock(old, LOCK_EX | LOCK_NB) == 0)
            remove_tree(parent, en->d_name, 0);
    }
    if (d != NULL)
        closedir(d);
}

/* Makes and locks our cgroup in parent; the caller and the watcher keep the lock. -1: errno. */
static int make_locked(int parent, const char *name)
{
    for (int tries = 0; tries < 10; tries++) {
        struct stat st;
        if (mkdirat(parent, name, 0755) != 0 && errno != EEXIST)
            return -1;
        AUTO_FD fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        /* Another run may take it for a stale one before the lock is on it. */
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
            fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            return auto_take_fd(&fd);
    }
    return -1;
}

static void open_one(struct linux_cgroup *cg, const char *path, bool v1, const struct log *log)
{
    AUTO_FD parent = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0 || cg->n == CGROUPS_MAX) {
        log_debug(log, "cgroup %s: %s", path, parent < 0 ? strerror(errno) : "too many hierarchies");
        return;
    }
    remove_stale(parent);
    AUTO_FD fd = make_locked(parent, cg->name);
    if (fd < 0) {
        log_debug(log, "cgroup %s/%s: %s", path, cg->name, strerror(errno));
        return;
    }
    if (v1) {
        copy_setting(parent, fd, "cpuset.cpus");
        copy_setting(parent, fd, "cpuset.mems");
    }
    cg->at[cg->n].parent = auto_take_fd(&parent);
    cg->at[cg->n++].fd = auto_take_fd(&fd);
}

/* Of a line of /proc/self/cgroup, ID:CONTROLLERS:PATH, and the mounts: the directory, of which the first *top
 * bytes are the mount's. */
static bool find_dir(struct str line, struct str mounts, struct str *controllers, struct buf *dir,
                     size_t *top)
{
    struct str id, mount_text;
    struct mount_line m;
    if (!str_cut(&line, ':', &id) || !str_cut(&line, ':', controllers))
        return false;
    while (str_line(&mounts, &mount_text)) {
        if (!parse_mount(mount_text, &m) || !mounts_hierarchy(&m, *controllers))
            continue;
        struct str below = str_is(m.root, "/") ? line : str_from(line, m.root.n);
        if (!str_is(m.root, "/") && !str_starts(line, m.root))
            continue;
        buf_str(dir, m.point);
        *top = dir->n;
        buf_str(dir, below);
        return true;
    }
    return false;
}

static int read_own(struct buf *own, struct buf *mounts, struct err *e)
{
    return file_read("/proc/self/cgroup", 1 << 20, own, e) != 0 ||
                   file_read("/proc/self/mountinfo", 1 << 24, mounts, e) != 0
               ? -1
               : 0;
}

void linux_cgroup_open(struct linux_cgroup *cg, const struct log *log)
{
    static unsigned count;
    struct err e = {0};
    AUTO_BUF own = {0};
    AUTO_BUF mounts = {0};
    *cg = (struct linux_cgroup){.n = 0};
    struct timespec now; /* a pid alone is not unique where pid namespaces share a hierarchy */
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(cg->name, sizeof cg->name, "%s%d.%u.%lx", prefix, (int)getpid(),
             __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED), (unsigned long)now.tv_nsec);
    if (read_own(&own, &mounts, &e) != 0) {
        log_debug(log, "no cgroups: %s", e.msg);
        return;
    }
    struct str rest = buf_view(&own), line, controllers;
    while (str_line(&rest, &line)) {
        AUTO_BUF dir = {0};
        size_t top;
        if (find_dir(line, buf_view(&mounts), &controllers, &dir, &top))
            open_one(cg, buf_c(&dir), controllers.n > 0, log);
        else
            log_debug(log, "cgroup hierarchy `%" STR_FMT "' is not mounted", STR_ARG(line));
    }
}

bool linux_cgroup_find(const char *controller, struct buf *dir, size_t *top, bool *v1)
{
    struct err e = {0};
    AUTO_BUF own = {0};
    AUTO_BUF mounts = {0};
    struct str rest, line, controllers;
    if (read_own(&own, &mounts, &e) != 0)
        return false;
    for (int two = 0; two < 2; two++) {
        rest = buf_view(&own);
        while (str_line(&rest, &line)) {
            buf_clear(dir);
            *v1 = !two;
            if (find_dir(line, buf_view(&mounts), &controllers, dir, top) &&
                (two ? controllers.n == 0 : listed(controllers, str_c(controller))))
                return true;
        }
    }
    return false;
}

void linux_cgroup_enter(const struct linux_cgroup *cg, pid_t pid)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%d", (int)pid);
    for (size_t i = 0; i < cg->n; i++) {
        AUTO_FD fd = openat(cg->at[i].fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        if (fd >= 0 && write(fd, text, (size_t)n) < 0)
            continue; /* refused: the zone stays in the caller's cgroup of this hierarchy */
    }
}

void linux_cgroup_remove(const struct linux_cgroup *cg)
{
    for (size_t i = 0; i < cg->n; i++)
        for (int tries = 0; tries < BUSY_TRIES && !remove_tree(cg->at[i].parent, cg->name, 0); tries++)
            nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL); /* the last exit is still on its way */
}

void linux_cgroup_close(struct linux_cgroup *cg)
{
    for (size_t i = 0; i < cg->n; i++) {
        close(cg->at[i].fd);
        close(cg->at[i].parent);
    }
    cg->n = 0;
}
