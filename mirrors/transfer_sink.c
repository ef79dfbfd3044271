#include "mirrors/transfer_sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"

enum { UNKNOWN_MAX = 256 * 1024 * 1024 }; /* for files of unknown size whose asker set no bound either */

static enum digest_kind hash_kind(const struct transfer_file *f)
{
    return f->digest.kind == DIGEST_NONE && f->naccept > 0 ? f->accept[0].kind : f->digest.kind;
}

static bool may_do_without(const struct err *e)
{
    return e->sys == EACCES || e->sys == EROFS || e->sys == EPERM;
}

static int partial(struct transfer_sink *s, struct cache *c, struct err *e)
{
    AUTO_BUF name = {0};
    if (cache_part_open(c, &s->file->digest, &s->part, e) < 0)
        return -1;
    s->cache = c;
    s->have = s->part.have;
    buf_printf(&name, "%s/%s", c->dir, s->part.name);
    s->name = mem_dup(buf_c(&name));
    return s->part.fd;
}

static int hash_existing(struct transfer_sink *s, struct err *e)
{
    char chunk[64 * 1024];
    for (uint64_t at = 0; at < s->have;) {
        ssize_t n = pread(s->fd, chunk, sizeof chunk, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_sys(e, ERR_HOST, n < 0 ? errno : EIO, "%s", s->name);
        digest_update(&s->hash, chunk, (size_t)n);
        at += (uint64_t)n;
    }
    return 0;
}

int transfer_sink_open(struct transfer_sink *s, const struct transfer_opts *o, const struct transfer_file *f,
                       struct err *e)
{
    int fallen_back = 0;
    AUTO_BUF name = {0};
    *s = (struct transfer_sink){.fd = -1, .file = f};
    s->limit = f->size ? f->size : f->max_size ? f->max_size : UNKNOWN_MAX;
    if (o->cache != NULL && f->digest.kind != DIGEST_NONE) {
        s->fd = partial(s, o->cache, e);
        if (s->fd < 0 && !may_do_without(e))
            return -1;
        fallen_back = s->fd < 0;
    }
    if (s->fd < 0) {
        if ((s->fd = file_temp(o->tmp_dir, &name, e)) < 0)
            return -1;
        s->name = mem_dup(buf_c(&name));
    }
    if (hash_kind(f) != DIGEST_NONE && digest_begin(&s->hash, hash_kind(f), e) < 0)
        return -1;
    int rc = s->have > s->limit ? transfer_sink_restart(s, e) : hash_existing(s, e);
    return rc < 0 ? -1 : fallen_back;
}

int transfer_sink_restart(struct transfer_sink *s, struct err *e)
{
    digest_end(&s->hash, NULL);
    if (hash_kind(s->file) != DIGEST_NONE && digest_begin(&s->hash, hash_kind(s->file), e) < 0)
        return -1;
    if (ftruncate(s->fd, 0) < 0 || lseek(s->fd, 0, SEEK_SET) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", s->name);
    s->have = 0;
    return 0;
}

int transfer_sink_write(struct transfer_sink *s, const void *p, size_t n, struct err *e)
{
    if (n > s->limit - s->have)
        return 1;
    if (file_write_fd(s->fd, s->name, p, n, e) < 0)
        return -1;
    if (s->hash.evp != NULL)
        digest_update(&s->hash, p, n);
    s->have += n;
    return 0;
}

bool transfer_sink_verify(struct transfer_sink *s, char *why, size_t cap)
{
    const struct transfer_file *f = s->file;
    struct digest got = {0};
    char want_hex[DIGEST_HEX_MAX], got_hex[DIGEST_HEX_MAX];
    if (f->size != 0 && s->have != f->size) {
        snprintf(why, cap, "size mismatch (expected %llu bytes, got %llu)", (unsigned long long)f->size,
                 (unsigned long long)s->have);
        return false;
    }
    if (hash_kind(f) == DIGEST_NONE)
        return true;
    digest_end(&s->hash, &got);
    if (digest_eq(&got, &f->digest))
        return true;
    for (size_t i = 0; i < f->naccept; i++)
        if (digest_eq(&got, &f->accept[i]))
            return true;
    if (f->digest.kind == DIGEST_NONE) {
        snprintf(why, cap, "%s %s is not the one expected, nor an older one", digest_name(got.kind),
                 digest_hex(&got, got_hex));
        return false;
    }
    snprintf(why, cap, "%s mismatch (expected %s, got %s)", digest_name(f->digest.kind),
             digest_hex(&f->digest, want_hex), digest_hex(&got, got_hex));
    return false;
}

int transfer_sink_take(struct transfer_sink *s, int *fd, struct err *e)
{
    if (s->cache != NULL && cache_part_commit(s->cache, &s->part, &s->file->digest, e) < 0)
        return -1;
    if (lseek(s->fd, 0, SEEK_SET) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", s->name);
    *fd = s->fd;
    s->fd = s->part.fd = -1;
    return 0;
}

void transfer_sink_close(struct transfer_sink *s, bool keep)
{
    digest_end(&s->hash, NULL);
    if (s->cache != NULL)
        cache_part_drop(s->cache, &s->part, keep && s->have > 0);
    else if (s->name != NULL && s->fd >= 0)
        close(s->fd);
    free(s->name);
    *s = (struct transfer_sink){.fd = -1};
}
