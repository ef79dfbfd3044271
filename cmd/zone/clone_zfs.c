/* ZFS: a snapshot and a clone of it, by the zfs(8) command: datasets have no other interface that every
   system shares. The clone has its own name at once, but is mounted in a hidden directory until its
   mountpoint is set. The snapshot is called after the target's path, so that the next run finds what a killed
   one left. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/os.h"
#include "base/tree_int.h"
#include "cmd/zone/clone.h"
#include "cmd/zone/command.h"

#define PROPERTY "zonestrap:clone" /* of what we made: the source */
#define PREFIX   "zonestrap-"      /* of our snapshots */
#define ROOT     "root"
#define COLUMNS  "name,mountpoint,mounted,origin," PROPERTY

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, TRIES = 40, PAUSE_MS = 50 };

struct dataset {
    struct str name, mountpoint, origin, property;
};

struct clone_state {
    const char *zfs, *dataset, *snapshot, *new_name;
    const char *hidden_root; /* where the clone is mounted until it is whole */
    bool left;               /* a killed run's clone is there */
    bool snapped, cloned;
    struct tree *place;
};

static int run(const char *zfs, struct buf *out, struct err *e, const char *const *words)
{
    const char *argv[12] = {zfs};
    size_t n = 1;
    for (; *words != NULL && n < 11; words++)
        argv[n++] = *words;
    return command_run(argv, out, e);
}
#define RUN(zfs, out, e, ...) run(zfs, out, e, (const char *const[]){__VA_ARGS__, NULL})

/* All mounted file systems, one a line; lives in a. */
static int list(const char *zfs, struct arena *a, struct str *out, struct err *e)
{
    AUTO_BUF b = {0};
    if (RUN(zfs, &b, e, "list", "-H", "-t", "filesystem", "-o", COLUMNS) < 0)
        return -1;
    *out = arena_copy(a, buf_view(&b));
    return 0;
}

static bool next(struct str *text, struct dataset *d, bool *mounted)
{
    struct str line, yes;
    while (str_line(text, &line))
        if (str_cut(&line, '\t', &d->name) && str_cut(&line, '\t', &d->mountpoint) &&
            str_cut(&line, '\t', &yes) && str_cut(&line, '\t', &d->origin) &&
            str_cut(&line, '\t', &d->property)) {
            *mounted = str_is(yes, "yes");
            return true;
        }
    return false;
}

/* The dataset mounted at exactly this path. */
static bool find(struct str text, const char *path, struct dataset *d)
{
    bool mounted;
    while (next(&text, d, &mounted))
        if (mounted && str_is(d->mountpoint, path))
            return true;
    return false;
}

/* The dataset that the directory stands on: the longest mount point above it. */
static bool find_above(struct str text, const char *path, struct dataset *best)
{
    struct dataset d;
    struct stat st, top;
    bool mounted, found = false;
    while (next(&text, &d, &mounted)) {
        size_t n = d.mountpoint.n;
        if (!mounted || !str_starts(str_c(path), d.mountpoint) ||
            (n > 1 && path[n] != '\0' && path[n] != '/') || (found && n <= best->mountpoint.n))
            continue;
        *best = d;
        found = true;
    }
    AUTO_ARENA a = {0};
    return found && stat(path, &st) == 0 && stat(arena_str(&a, best->mountpoint), &top) == 0 &&
           st.st_dev == top.st_dev;
}

static bool name_ok(const char *s)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";
    return strspn(s, ok) == strlen(s);
}

/* Names the snapshot and the clone; s->left when the clone is there, half made. */
static int plan(struct clone *c, struct str datasets, struct clone_state *s, const struct dataset *from,
                const struct dataset *above, struct err *why)
{
    struct dataset d;
    bool mounted;
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (const char *p = c->target.path; *p != '\0'; p++)
        h = (h ^ (unsigned char)*p) * 0x100000001b3u;
    s->dataset = arena_str(c->arena, from->name);
    s->new_name = arena_printf(c->arena, "%" STR_FMT "/%s", STR_ARG(above->name), c->target.name);
    s->snapshot =
        arena_printf(c->arena, "%s@" PREFIX "%s-%08x", s->dataset, c->target.name, (unsigned)(h ^ h >> 32));
    s->hidden_root = arena_printf(c->arena, "%s/" ROOT, clone_hidden(&c->target, c->arena));
    while (next(&datasets, &d, &mounted)) {
        if (!str_is(d.name, s->new_name))
            continue;
        s->left = str_is(d.mountpoint, s->hidden_root);
        if (!s->left)
            return err_set(why, ERR_HOST, "%s: the dataset %s is there already", c->target.given,
                           s->new_name);
    }
    return 0;
}

static int can(struct clone *c, struct err *why)
{
    struct clone_state *s = c->state = arena_alloc(c->arena, sizeof *s);
    struct dataset from, above;
    struct str text;
    if (!os_is_mount(c->real))
        return err_set(why, ERR_HOST, "%s: is not where a dataset is mounted", c->source);
    if ((s->zfs = command_find("zfs", c->arena)) == NULL)
        return err_set(why, ERR_HOST, "there is no zfs command");
    if (list(s->zfs, c->arena, &text, why) < 0)
        return -1;
    if (!find(text, c->real, &from)) {
        err_set(why, ERR_HOST, "%s: is not where a dataset is mounted", c->source);
        return err_hint(why, "`zfs create' one for zonestrap create to fill");
    }
    if (!find_above(text, c->target.parent, &above) ||
        !str_eq((struct str){from.name.p, str_chr(from.name, '/')},
                (struct str){above.name.p, str_chr(above.name, '/')}))
        return err_set(why, ERR_HOST, "%s: does not stand in the pool of %" STR_FMT, c->target.given,
                       STR_ARG(from.name));
    if (!name_ok(c->target.name))
        return err_set(why, ERR_HOST, "%s: is no name for a dataset", c->target.given);
    return plan(c, text, s, &from, &above, why) < 0 ? -1 : clone_absent(c, why);
}

/* Right after a clone was made or unmounted it may be busy for a moment. */
static int destroy(const char *zfs, const char *name, struct err *e)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    for (int i = 0; i < TRIES; i++) {
        if (i > 0)
            nanosleep(&pause, NULL);
        *e = (struct err){0};
        if (RUN(zfs, NULL, e, "destroy", name) == 0)
            return 0;
        if (strstr(e->msg, "busy") == NULL)
            return -1;
    }
    return err_hint(e, "stop what runs there");
}

/* What a killed run left, if no run holds the place. */
static int sweep(struct clone *c, struct clone_state *s, struct err *e)
{
    AUTO_FD fd = open(clone_hidden(&c->target, c->arena), DIR_FLAGS);
    if (fd >= 0 && os_lock(fd) < 0 && errno == EWOULDBLOCK)
        return err_set(e, ERR_HOST, "%s: another zonestrap is building it", c->target.given);
    if (!s->left)
        return 0;
    log_info(c->log, "%s: removing what an interrupted run left", s->new_name);
    return destroy(s->zfs, s->new_name, e);
}

static int snapshot(struct clone_state *s, struct err *e)
{
    struct err first = {0};
    if (RUN(s->zfs, NULL, &first, "snapshot", s->snapshot) == 0)
        return 0;
    /* One of a run that was killed. */
    if (strstr(first.msg, "exist") == NULL || destroy(s->zfs, s->snapshot, e) < 0) {
        *e = first;
        return -1;
    }
    return RUN(s->zfs, NULL, e, "snapshot", s->snapshot);
}

static int make(struct clone *c, struct err *e)
{
    struct clone_state *s = c->state;
    if (sweep(c, s, e) < 0 || tree_open_dir(&s->place, c->target.path, c->log, e) < 0 || snapshot(s, e) < 0)
        return -1;
    s->snapped = true;
    if (RUN(s->zfs, NULL, e, "clone", "-o", arena_printf(c->arena, PROPERTY "=%s", c->real), "-o",
            arena_printf(c->arena, "mountpoint=%s", s->hidden_root), s->snapshot, s->new_name) < 0) {
        s->cloned = true; /* it may be there, not mounted */
        return -1;
    }
    s->cloned = true;
    c->how = "zfs";
    c->snapshot = s->snapshot;
    if (!os_is_mount(s->hidden_root))
        return err_set(e, ERR_HOST, "%s: zfs did not mount it at %s", s->new_name, s->hidden_root);
    return tree_open_existing(&c->root, s->hidden_root, c->log, e);
}

static int seal(struct clone *c, struct err *e)
{
    struct clone_state *s = c->state;
    if (tree_seal(c->root, false, e) < 0 || clone_absent(c, e) < 0)
        return -1;
    tree_close(c->root); /* it is mounted elsewhere now */
    c->root = NULL;
    if (RUN(s->zfs, NULL, e, "set", arena_printf(c->arena, "mountpoint=%s", c->target.path), s->new_name) < 0)
        return -1;
    if (!os_is_mount(c->target.path))
        return err_set(e, ERR_HOST, "%s: zfs did not mount it at %s", s->new_name, c->target.path);
    s->snapped = s->cloned = false;
    return 0;
}

static void close_zfs(struct clone *c)
{
    struct clone_state *s = c->state;
    struct err e = {0};
    tree_close(c->root);
    c->root = NULL;
    if (s == NULL)
        return;
    if (s->cloned && destroy(s->zfs, s->new_name, &e) < 0 && strstr(e.msg, "not exist") == NULL)
        log_warn(c->log, "%s: could not be removed: %s", s->new_name, e.msg);
    if (s->snapped && destroy(s->zfs, s->snapshot, &e) < 0)
        log_warn(c->log, "%s: could not be removed: %s", s->snapshot, e.msg);
    tree_close(s->place);
}

static int remove_zfs(const struct clone_place *p, struct arena *a, const struct log *log, struct err *e)
{
    struct err ignored = {0};
    struct dataset d;
    struct str text;
    const char *zfs = os_is_mount(p->path) ? command_find("zfs", a) : NULL;
    if (zfs == NULL || list(zfs, a, &text, &ignored) < 0 || !find(text, p->path, &d) ||
        str_is(d.property, "-"))
        return 1;
    if (destroy(zfs, arena_str(a, d.name), e) < 0)
        return -1;
    (void)rmdir(p->path); /* some systems do */
    struct str snap = str_from(d.origin, str_chr(d.origin, '@') + 1);
    if (str_starts(snap, STR(PREFIX)) && destroy(zfs, arena_str(a, d.origin), &ignored) < 0)
        log_info(log, "%" STR_FMT " stays: %s", STR_ARG(d.origin), ignored.msg);
    return 0;
}

const struct clone_way clone_zfs = {"zfs", can, make, seal, close_zfs, remove_zfs};
