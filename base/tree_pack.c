/* A finished root into a tarball: sorted, nothing newer than the epoch, hard links kept. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/os.h"
#include "base/tarball.h"
#include "base/tree_int.h"

enum { DEPTH_MAX = 1024, WINDOW = 256 * 1024, XATTR_MAX = 65536, NAMES_MAX = 65536, HOLES_GIB = 16 };

/* The first name of a file that has several; a table with path.p NULL where nothing is. */
struct first_name {
    dev_t dev;
    ino_t ino;
    struct str path;
};

struct pack {
    struct tree *t;
    struct tarball *tarball;
    struct arena arena;
    struct buf path; /* canonical, of the entry in work */
    struct first_name *first;
    size_t nfirst, first_cap; /* cap: a power of two */
    uint64_t holes;           /* bytes that take no room here, but would in the tarball */
    bool acls;                /* said that there are some */
    char *window;
};

static int pack_sys(const struct pack *p, const char *what, struct err *e)
{
    return err_sys(e, ERR_HOST, errno, "%s/%s: %s", p->t->path, buf_c(&p->path), what);
}

static size_t slot(const struct pack *p, const struct stat *st)
{
    uint64_t h = ((uint64_t)st->st_ino ^ (uint64_t)st->st_dev << 40) * 0x9e3779b97f4a7c15u;
    return (size_t)(h >> 20) & (p->first_cap - 1);
}

static void grow(struct pack *p)
{
    struct first_name *old = p->first;
    size_t n = p->first_cap;
    p->first_cap = n > 0 ? n * 2 : 256;
    p->first = mem_alloc(p->first_cap * sizeof *p->first);
    for (size_t i = 0; i < n; i++) {
        if (old[i].path.p == NULL)
            continue;
        const struct stat st = {.st_dev = old[i].dev, .st_ino = old[i].ino};
        size_t k = slot(p, &st);
        while (p->first[k].path.p != NULL)
            k = (k + 1) & (p->first_cap - 1);
        p->first[k] = old[i];
    }
    free(old);
}

/* The earlier name of the same file, or NULL: then this one is remembered. */
static const struct first_name *known(struct pack *p, const struct stat *st)
{
    if (p->nfirst * 2 >= p->first_cap)
        grow(p);
    size_t k = slot(p, st);
    for (; p->first[k].path.p != NULL; k = (k + 1) & (p->first_cap - 1))
        if (p->first[k].ino == st->st_ino && p->first[k].dev == st->st_dev)
            return &p->first[k];
    p->first[k] = (struct first_name){st->st_dev, st->st_ino, arena_copy(&p->arena, buf_view(&p->path))};
    p->nfirst++;
    return NULL;
}

bool tree_keeps_xattr(const char *name)
{
    return strcmp(name, "security.capability") == 0 || strncmp(name, "user.", 5) == 0;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct tree_xattr *)a)->name, ((const struct tree_xattr *)b)->name);
}

static int read_xattrs(struct pack *p, int fd, struct arena *a, struct tree_entry *en, struct err *e)
{
    AUTO_MEM char *names = mem_alloc(NAMES_MAX);
    ssize_t n = os_list_xattr(fd, names, NAMES_MAX);
    if (n < 0 && (errno == ENOTSUP || errno == EOPNOTSUPP))
        return 0;
    if (n < 0)
        return pack_sys(p, "extended attributes", e);
    struct tree_xattr *x = arena_array(a, (size_t)n / 2 + 1, sizeof *x);
    for (const char *name = names; name < names + n; name += strlen(name) + 1) {
        if (!p->acls && strncmp(name, "system.posix_acl_", 17) == 0) {
            log_warn(p->t->log, "%s/%s: access control lists are not kept in a tarball", p->t->path,
                     buf_c(&p->path));
            p->acls = true;
        }
        if (!tree_keeps_xattr(name))
            continue;
        char *value = arena_alloc(a, XATTR_MAX);
        ssize_t size = os_get_xattr(fd, name, value, XATTR_MAX);
        if (size < 0)
            return pack_sys(p, name, e);
        x[en->nxattrs++] = (struct tree_xattr){arena_copy(a, str_c(name)), {value, (size_t)size}};
    }
    if (en->nxattrs > 1)
        qsort(x, en->nxattrs, sizeof *x, by_name); /* file systems have orders of their own */
    en->xattrs = x;
    return 0;
}

static int pack_content(struct pack *p, int fd, const struct tree_entry *en, struct err *e)
{
    if (tarball_entry(p->tarball, en, e) < 0)
        return -1;
    for (uint64_t left = en->size; left > 0;) {
        ssize_t n = read(fd, p->window, left < WINDOW ? (size_t)left : WINDOW);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pack_sys(p, "read", e);
        if (n == 0)
            return err_set(e, ERR_HOST, "%s/%s: became shorter while it was read", p->t->path,
                           buf_c(&p->path));
        if (tarball_data(p->tarball, p->window, (size_t)n, e) < 0)
            return -1;
        left -= (uint64_t)n;
    }
    return 0;
}

/* A file may say that it is larger than any disk: in a tarball it would be. */
static int count_holes(struct pack *p, const struct stat *st, struct err *e)
{
    uint64_t size = (uint64_t)st->st_size, there = (uint64_t)st->st_blocks * 512;
    p->holes += size > there ? size - there : 0;
    if (p->holes >> 30 < HOLES_GIB)
        return 0;
    return err_set(e, ERR_HOST, "%s/%s: sparse files of more than %d GiB, which a tarball would hold whole",
                   p->t->path, buf_c(&p->path), HOLES_GIB);
}

static int pack_file(struct pack *p, int dir, const char *name, const struct stat *st, struct tree_entry *en,
                     struct err *e)
{
    AUTO_ARENA a = {0};
    struct stat now;
    AUTO_FD fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &now) < 0)
        return pack_sys(p, "open", e);
    if (now.st_dev != st->st_dev || now.st_ino != st->st_ino || !S_ISREG(now.st_mode))
        return err_set(e, ERR_HOST, "%s/%s: changed while it was packed", p->t->path, buf_c(&p->path));
    if (count_holes(p, &now, e) < 0)
        return -1;
    return read_xattrs(p, fd, &a, en, e) < 0 ? -1 : pack_content(p, fd, en, e);
}

static int pack_link(struct pack *p, int dir, const char *name, struct tree_entry en, struct err *e)
{
    char text[TREE_PATH_MAX + 1];
    ssize_t n = readlinkat(dir, name, text, sizeof text);
    if (n < 0)
        return pack_sys(p, "readlink", e);
    en.link = (struct str){text, (size_t)n};
    return tarball_entry(p->tarball, &en, e);
}

/* What this run made has the epoch's time even when that lies ahead of the host's clock. */
static bool has_epoch(const struct pack *p, int64_t mtime)
{
    return mtime >= p->t->epoch || (mtime >= p->t->begun && mtime <= (int64_t)time(NULL));
}

static struct tree_entry entry_of(const struct pack *p, const struct stat *st)
{
    bool newer = has_epoch(p, st->st_mtim.tv_sec);
    struct tree_entry en = {.path = buf_view(&p->path),
                            .mode = st->st_mode & 07777,
                            .uid = st->st_uid,
                            .gid = st->st_gid,
                            .mtime = newer ? p->t->epoch : st->st_mtim.tv_sec,
                            .mtime_nsec = newer ? 0 : (uint32_t)st->st_mtim.tv_nsec,
                            .size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0};
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
        os_devnums(st->st_rdev, &en.major, &en.minor);
    return en;
}

static int pack_dir(struct pack *p, int fd, unsigned depth, struct err *e);

static int pack_subdir(struct pack *p, int dir, const char *name, struct tree_entry *en, unsigned depth,
                       struct err *e)
{
    AUTO_ARENA a = {0};
    AUTO_FD fd = os_open_subdir(dir, name);
    if (fd < 0)
        return pack_sys(p, "open", e);
    en->type = TREE_DIR;
    if (read_xattrs(p, fd, &a, en, e) < 0 || tarball_entry(p->tarball, en, e) < 0)
        return -1;
    return pack_dir(p, fd, depth + 1, e);
}

static int pack_name(struct pack *p, int dir, const char *name, unsigned depth, struct err *e)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return pack_sys(p, "stat", e);
    struct tree_entry en = entry_of(p, &st);
    if (S_ISDIR(st.st_mode))
        return pack_subdir(p, dir, name, &en, depth, e);
    const struct first_name *first = st.st_nlink > 1 && !S_ISSOCK(st.st_mode) ? known(p, &st) : NULL;
    if (first != NULL) {
        en.type = TREE_HARD;
        en.link = first->path;
        return tarball_entry(p->tarball, &en, e);
    }
    switch (st.st_mode & S_IFMT) {
    case S_IFREG:
        en.type = TREE_FILE;
        return pack_file(p, dir, name, &st, &en, e);
    case S_IFLNK:
        en.type = TREE_LINK;
        return pack_link(p, dir, name, en, e);
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
        en.type = S_ISCHR(st.st_mode) ? TREE_CHAR : S_ISBLK(st.st_mode) ? TREE_BLOCK : TREE_FIFO;
        return tarball_entry(p->tarball, &en, e);
    default:
        log_warn(p->t->log, "%s/%s: a socket is left out", p->t->path, buf_c(&p->path));
        return 0;
    }
}

static int pack_kept_node(struct pack *p, const struct tree_kept_node *n, struct err *e)
{
    const struct tree_entry en = {.path = str_c(n->path),
                                  .type = n->type,
                                  .mode = n->meta.mode,
                                  .uid = n->meta.uid,
                                  .gid = n->meta.gid,
                                  .mtime = n->meta.mtime,
                                  .major = n->major,
                                  .minor = n->minor};
    return tarball_entry(p->tarball, &en, e);
}

/* The node that could not be made at this path, or NULL. */
static const struct tree_kept_node *kept_node(const struct tree *t, struct str path)
{
    for (const struct tree_kept_node *n = t->kept_nodes; n != NULL; n = n->next)
        if (str_is(path, n->path))
            return n;
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_name(struct arena *a, const char ***names, size_t *n, size_t *cap, const char *name)
{
    if (*n == *cap) {
        const char **more = arena_array(a, *cap * 2 + 32, sizeof *more);
        if (*n > 0)
            memcpy(more, *names, *n * sizeof *more);
        *names = more;
        *cap = *cap * 2 + 32;
    }
    (*names)[(*n)++] = arena_dup(a, name);
}

/* The names in the directory and those of nodes that are to be there, sorted. */
static int read_dir(struct pack *p, int fd, struct arena *a, const char ***names, size_t *n, struct err *e)
{
    size_t cap = 0;
    struct dirent *de;
    struct str name;
    AUTO_FD own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = own < 0 ? NULL : fdopendir(own);
    if (d == NULL)
        return pack_sys(p, "open", e);
    auto_take_fd(&own);
    while ((errno = 0, de = readdir(d)) != NULL)
        if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
            add_name(a, names, n, &cap, de->d_name);
    int rc = errno == 0 ? 0 : pack_sys(p, "read", e);
    closedir(d);
    struct stat st;
    for (const struct tree_kept_node *k = p->t->kept_nodes; k != NULL; k = k->next)
        if (str_eq(tree_path_dir(str_c(k->path), &name), buf_view(&p->path)) &&
            fstatat(fd, name.p, &st, AT_SYMLINK_NOFOLLOW) < 0)
            add_name(a, names, n, &cap, name.p);
    if (*n > 0)
        qsort(*names, *n, sizeof **names, by_text);
    return rc;
}

static int pack_dir(struct pack *p, int fd, unsigned depth, struct err *e)
{
    AUTO_ARENA a = {0};
    const char **names = NULL;
    size_t n = 0, at = p->path.n;
    if (depth > DEPTH_MAX)
        return err_set(e, ERR_HOST, "%s: more than %d directories deep", p->t->path, DEPTH_MAX);
    if (read_dir(p, fd, &a, &names, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (depth == 0 && strcmp(names[i], TREE_MARKER) == 0)
            continue;
        if (at > 0)
            buf_putc(&p->path, '/');
        buf_puts(&p->path, names[i]);
        const struct tree_kept_node *node = kept_node(p->t, buf_view(&p->path));
        struct stat st;
        bool there = node == NULL || fstatat(fd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0;
        int rc = there ? pack_name(p, fd, names[i], depth, e) : pack_kept_node(p, node, e);
        p->path.n = at;
        if (p->path.p != NULL)
            p->path.p[at] = '\0';
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int pack_all(struct pack *p, struct err *e)
{
    struct stat st;
    if (fstat(p->t->fd, &st) < 0)
        return pack_sys(p, "stat", e);
    struct tree_entry root = entry_of(p, &st);
    root.type = TREE_DIR;
    return tarball_entry(p->tarball, &root, e) < 0 ? -1 : pack_dir(p, p->t->fd, 0, e);
}

int tree_pack(struct tree *t, struct tarball *tarball, struct err *e)
{
    struct pack p = {.t = t, .tarball = tarball, .window = mem_alloc(WINDOW)};
    int rc = pack_all(&p, e);
    free(p.first);
    free(p.window);
    buf_free(&p.path);
    arena_free(&p.arena);
    return rc;
}
