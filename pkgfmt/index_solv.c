#include "pkgfmt/index_solv.h"

#include <errno.h>
#include <fcntl.h>
#include <solv/repo.h>
#include <solv/repo_solv.h>
#include <solv/repo_write.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"

/* Behind libsolv's bytes stands their SHA256: its reader is not made for damaged files. */
enum { TRAILER = 32 };

static bool only_ours(int fd, bool directory)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
           (directory ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode));
}

void index_solv_open(struct index_solv *c, const char *dir, const char *layout, const struct digest *index,
                     const char *arch, const struct log *log)
{
    char hex[DIGEST_HEX_MAX];
    struct err e;
    *c = (struct index_solv){.dir = -1, .log = log};
    if (dir == NULL || index->kind == DIGEST_NONE)
        return;
    snprintf(c->name, sizeof c->name, "%s-%.40s-%s.solv", digest_hex(index, hex), arch, layout);
    if (strchr(c->name, '/') != NULL || file_mkdirs(dir, 0700, &e) != 0)
        return;
    c->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->dir >= 0 && !only_ours(c->dir, true)) {
        log_info(log, "%s: others may write there, so parsed indexes are not kept", dir);
        index_solv_close(c);
    }
}

/* SHA256 of the first n bytes. */
static int digest_start(int fd, off_t n, struct digest *d)
{
    char buf[64 << 10];
    struct digest_ctx ctx;
    struct err e;
    off_t at = 0;
    if (digest_begin(&ctx, DIGEST_SHA256, &e) != 0)
        return -1;
    while (at < n) {
        size_t want = n - at < (off_t)sizeof buf ? (size_t)(n - at) : sizeof buf;
        ssize_t got = pread(fd, buf, want, at);
        if (got <= 0)
            break;
        digest_update(&ctx, buf, (size_t)got);
        at += got;
    }
    digest_end(&ctx, d);
    return at == n ? 0 : -1;
}

static bool is_whole(int fd)
{
    struct stat st;
    struct digest d;
    unsigned char trailer[TRAILER];
    if (!only_ours(fd, false) || fstat(fd, &st) != 0 || st.st_size <= TRAILER)
        return false;
    off_t n = st.st_size - TRAILER;
    return digest_start(fd, n, &d) == 0 && pread(fd, trailer, TRAILER, n) == TRAILER &&
           memcmp(trailer, d.bytes, TRAILER) == 0;
}

bool index_solv_load(struct index_solv *c, struct s_Repo *repo)
{
    if (c->dir < 0)
        return false;
    AUTO_FD fd = openat(c->dir, c->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (!is_whole(fd)) {
        log_debug(c->log, "%s: damaged, made again", c->name);
        return false;
    }
    AUTO_FILE f = fdopen(fd, "r");
    if (f == NULL)
        return false;
    auto_take_fd(&fd);
    if (repo_add_solv(repo, f, 0) == 0)
        return true;
    log_debug(c->log, "%s: libsolv does not read it, made again", c->name);
    repo_empty(repo, 1);
    return false;
}

static int write_whole(int fd, struct s_Repo *repo)
{
    struct digest d;
    struct stat st;
    AUTO_FD copy = dup(fd);
    AUTO_FILE f = copy >= 0 ? fdopen(copy, "w") : NULL;
    if (f == NULL)
        return -1;
    auto_take_fd(&copy);
    if (repo_write(repo, f) != 0 || fflush(f) != 0 || fstat(fd, &st) != 0)
        return -1;
    if (digest_start(fd, st.st_size, &d) != 0)
        return -1;
    return pwrite(fd, d.bytes, TRAILER, st.st_size) == TRAILER ? 0 : -1;
}

void index_solv_store(struct index_solv *c, struct s_Repo *repo)
{
    char temp[sizeof c->name + 32];
    if (c->dir < 0)
        return;
    snprintf(temp, sizeof temp, ".%s.%ld", c->name, (long)getpid());
    unlinkat(c->dir, temp, 0);
    AUTO_FD fd = openat(c->dir, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    errno = 0;
    if (write_whole(fd, repo) == 0 && renameat(c->dir, temp, c->dir, c->name) == 0)
        return;
    log_debug(c->log, "%s: cannot be written: %s", c->name, strerror(errno));
    unlinkat(c->dir, temp, 0);
}

void index_solv_close(struct index_solv *c)
{
    if (c->dir >= 0)
        close(c->dir);
    c->dir = -1;
}
