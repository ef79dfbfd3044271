#include "mirrors/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"

/* Seconds after which unlocked partials go: a private one is a killed run's, the others nobody has come back
 * for. */
enum { PRIVATE_MAX_AGE = 3600, PARTIAL_MAX_AGE = 14 * 24 * 3600 };

struct cache_name {
    char text[DIGEST_HEX_MAX + 32];
};

static struct cache_name final_name(const struct digest *d)
{
    struct cache_name n;
    char hex[DIGEST_HEX_MAX];
    digest_hex(d, hex);
    snprintf(n.text, sizeof n.text, "%s/%.2s/%s", digest_name(d->kind), hex, hex + 2);
    return n;
}

static struct cache_name partial_name(const struct digest *d)
{
    struct cache_name n;
    char hex[DIGEST_HEX_MAX];
    snprintf(n.text, sizeof n.text, "partial/%s-%s", digest_name(d->kind), digest_hex(d, hex));
    return n;
}

static int fail(struct cache *c, const char *name, struct err *e)
{
    return err_sys(e, ERR_HOST, errno, "cache %s/%s", c->dir, name);
}

/* Verified bytes must stay what they are until they were read: nobody else may write there. */
static bool only_ours(const struct stat *st)
{
    return st->st_uid == geteuid() && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int check_dir(const char *dir, int fd, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_sys(e, ERR_HOST, errno, "cache %s", dir);
    if (only_ours(&st))
        return 0;
    if (st.st_uid != geteuid())
        err_set(e, ERR_HOST, "cache %s: belongs to user %u, who could change what was verified", dir,
                (unsigned)st.st_uid);
    else
        err_set(e, ERR_HOST, "cache %s: others may write there and could change what was verified", dir);
    return err_hint(e, "take the right away (chmod go-w), or name another directory with --cache-dir");
}

/* Removes partials that nobody wants any more. */
static void sweep(struct cache *c)
{
    int fd = openat(c->fd, "partial", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (d == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *de; (de = readdir(d)) != NULL;) {
        struct stat st;
        bool private = strncmp(de->d_name, "private-", 8) == 0;
        if (de->d_name[0] == '.')
            continue;
        AUTO_FD f = openat(fd, de->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (f >= 0 && fstat(f, &st) == 0 &&
            time(NULL) - st.st_mtime > (private ? PRIVATE_MAX_AGE : PARTIAL_MAX_AGE) &&
            flock(f, LOCK_EX | LOCK_NB) == 0)
            unlinkat(fd, de->d_name, 0);
    }
    closedir(d);
}

static int open_dirs(struct cache *c, struct err *e)
{
    c->fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->fd < 0)
        return err_sys(e, ERR_HOST, errno, "cache %s", c->dir);
    if (check_dir(c->dir, c->fd, e) < 0)
        return -1;
    if ((mkdirat(c->fd, "partial", 0755) < 0 && errno != EEXIST) ||
        faccessat(c->fd, "partial", W_OK | X_OK, 0) < 0 || faccessat(c->fd, ".", W_OK | X_OK, 0) < 0)
        return err_sys(e, ERR_HOST, errno, "cache %s", c->dir);
    return 0;
}

int cache_open(struct cache *c, const char *dir, struct err *e)
{
    *c = (struct cache){.fd = -1};
    if (file_mkdirs(dir, 0755, e) < 0)
        return err_wrap(e, "cache");
    c->dir = mem_dup(dir);
    if (open_dirs(c, e) < 0) {
        cache_close(c);
        return -1;
    }
    sweep(c);
    return 0;
}

void cache_close(struct cache *c)
{
    if (c->dir != NULL && c->fd >= 0)
        close(c->fd);
    free(c->dir);
    *c = (struct cache){.fd = -1};
}

int cache_get(struct cache *c, const struct digest *d, uint64_t size)
{
    struct cache_name name = final_name(d);
    struct digest got = {0};
    struct err ignored = {0};
    struct stat st;
    AUTO_FD fd = openat(c->fd, name.text, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -1;
    if (S_ISREG(st.st_mode) && only_ours(&st) && (size == 0 || (uint64_t)st.st_size == size) &&
        digest_of_fd(&got, d->kind, fd, NULL, &ignored) == 0 && digest_eq(&got, d))
        return auto_take_fd(&fd);
    unlinkat(c->fd, name.text, 0);
    return -1;
}

static bool still_named(struct cache *c, int fd, const char *name)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && fstatat(c->fd, name, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* Opens and locks `name`; -1 with errno when that is not to be had. Whoever held the lock before may have
   renamed the file to its final place meanwhile: such a descriptor must not be written to. */
static int open_locked(struct cache *c, const char *name, int flags)
{
    for (int tries = 0; tries < 10; tries++) {
        AUTO_FD fd =
            openat(c->fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0644);
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
            return -1;
        if (still_named(c, fd, name))
            return auto_take_fd(&fd);
    }
    errno = EAGAIN;
    return -1;
}

static int open_private(struct cache *c, struct cache_name *name)
{
    for (int tries = 0; tries < 100; tries++) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(name->text, sizeof name->text, "partial/private-%ld-%ld", (long)getpid(), now.tv_nsec);
        int fd = open_locked(c, name->text, O_EXCL);
        if (fd >= 0 || (errno != EEXIST && errno != EAGAIN && errno != EWOULDBLOCK))
            return fd;
    }
    return -1;
}

int cache_part_open(struct cache *c, const struct digest *d, struct cache_part *p, struct err *e)
{
    struct cache_name name = partial_name(d);
    struct stat st;
    *p = (struct cache_part){.fd = open_locked(c, name.text, 0)};
    if (p->fd >= 0 && (fstat(p->fd, &st) < 0 || !S_ISREG(st.st_mode) || !only_ours(&st))) {
        close(p->fd);
        p->fd = -1;
    }
    if (p->fd < 0)
        p->fd = open_private(c, &name);
    if (p->fd < 0 || fstat(p->fd, &st) < 0)
        return fail(c, name.text, e);
    p->have = (uint64_t)st.st_size;
    lseek(p->fd, 0, SEEK_END);
    p->name = mem_dup(name.text);
    return 0;
}

static void forget(struct cache_part *p)
{
    free(p->name);
    p->name = NULL;
}

int cache_part_commit(struct cache *c, struct cache_part *p, const struct digest *d, struct err *e)
{
    struct cache_name name = final_name(d);
    for (char *slash = name.text; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        if (mkdirat(c->fd, name.text, 0755) < 0 && errno != EEXIST)
            return fail(c, name.text, e);
        *slash = '/';
    }
    if (renameat(c->fd, p->name, c->fd, name.text) < 0)
        return fail(c, name.text, e);
    forget(p);
    return 0;
}

void cache_part_drop(struct cache *c, struct cache_part *p, int keep)
{
    /* Unlinked before it is unlocked, so that nobody can lock it in between and see it vanish. */
    if (p->name != NULL && (!keep || strncmp(p->name, "partial/private-", 16) == 0))
        unlinkat(c->fd, p->name, 0);
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    forget(p);
}

static int named_path(struct cache *c, const char *key, struct buf *path, struct err *e)
{
    struct digest d;
    char hex[DIGEST_HEX_MAX];
    if (digest_of(&d, DIGEST_SHA256, str_c(key), e) < 0)
        return -1;
    buf_printf(path, "%s/named/%s", c->dir, digest_hex(&d, hex));
    return 0;
}

int cache_put_named(struct cache *c, const char *key, struct str data, struct err *e)
{
    AUTO_BUF path = {0};
    if (named_path(c, key, &path, e) < 0)
        return -1;
    if (mkdirat(c->fd, "named", 0755) < 0 && errno != EEXIST)
        return fail(c, "named", e);
    return file_replace(buf_c(&path), data, 0644, e);
}

int cache_get_named(struct cache *c, const char *key, size_t max, struct buf *out, struct err *e)
{
    AUTO_BUF path = {0};
    struct err here = {0};
    if (named_path(c, key, &path, e) < 0)
        return -1;
    if (file_read(buf_c(&path), max, out, &here) == 0)
        return 0;
    if (here.sys == ENOENT)
        return 1;
    *e = here;
    return -1;
}
