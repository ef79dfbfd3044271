#include "base/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <unistd.h>

static const struct {
    const char *name;
    size_t size;
    const EVP_MD *(*md)(void);
} kinds[] = {
    [DIGEST_NONE] = {"none", 0, NULL},
    [DIGEST_MD5] = {"md5", 16, EVP_md5},
    [DIGEST_SHA1] = {"sha1", 20, EVP_sha1},
    [DIGEST_SHA224] = {"sha224", 28, EVP_sha224},
    [DIGEST_SHA256] = {"sha256", 32, EVP_sha256},
    [DIGEST_SHA384] = {"sha384", 48, EVP_sha384},
    [DIGEST_SHA512] = {"sha512", 64, EVP_sha512},
    [DIGEST_SHA3_256] = {"sha3-256", 32, EVP_sha3_256},
};

size_t digest_size(enum digest_kind k)
{
    return kinds[k].size;
}

const char *digest_name(enum digest_kind k)
{
    return kinds[k].name;
}

bool digest_trusted(enum digest_kind k)
{
    return k >= DIGEST_SHA256;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool digest_parse(struct digest *d, enum digest_kind k, struct str hex)
{
    struct digest out = {.kind = k};
    if (k == DIGEST_NONE || hex.n != 2 * kinds[k].size)
        return false;
    for (size_t i = 0; i < hex.n; i++) {
        int v = hex_value(hex.p[i]);
        if (v < 0)
            return false;
        out.bytes[i / 2] = (uint8_t)(out.bytes[i / 2] << 4 | v);
    }
    *d = out;
    return true;
}

const char *digest_hex(const struct digest *d, char out[DIGEST_HEX_MAX])
{
    static const char digits[] = "0123456789abcdef";
    size_t n = kinds[d->kind].size;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[d->bytes[i] >> 4];
        out[2 * i + 1] = digits[d->bytes[i] & 15];
    }
    out[2 * n] = '\0';
    return out;
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
    return a->kind != DIGEST_NONE && a->kind == b->kind &&
           memcmp(a->bytes, b->bytes, kinds[a->kind].size) == 0;
}

int digest_begin(struct digest_ctx *c, enum digest_kind k, struct err *e)
{
    *c = (struct digest_ctx){.evp = EVP_MD_CTX_new(), .kind = k};
    if (k == DIGEST_NONE || c->evp == NULL || EVP_DigestInit_ex(c->evp, kinds[k].md(), NULL) != 1) {
        digest_end(c, NULL);
        return err_set(e, ERR_HOST, "OpenSSL has no %s here", kinds[k].name);
    }
    return 0;
}

void digest_update(struct digest_ctx *c, const void *p, size_t n)
{
    EVP_DigestUpdate(c->evp, p, n);
}

void digest_end(struct digest_ctx *c, struct digest *d)
{
    if (d != NULL && c->evp != NULL) {
        *d = (struct digest){.kind = c->kind};
        EVP_DigestFinal_ex(c->evp, d->bytes, NULL);
    }
    EVP_MD_CTX_free(c->evp);
    *c = (struct digest_ctx){0};
}

int digest_of(struct digest *d, enum digest_kind k, struct str data, struct err *e)
{
    struct digest_ctx c;
    if (digest_begin(&c, k, e) < 0)
        return -1;
    digest_update(&c, data.p, data.n);
    digest_end(&c, d);
    return 0;
}

int digest_of_fd(struct digest *d, enum digest_kind k, int fd, uint64_t *size, struct err *e)
{
    struct digest_ctx c;
    char chunk[64 * 1024];
    off_t at = 0;
    ssize_t n;
    if (digest_begin(&c, k, e) < 0)
        return -1;
    while ((n = pread(fd, chunk, sizeof chunk, at)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            digest_end(&c, NULL);
            return err_sys(e, ERR_HOST, errno, "read");
        }
        digest_update(&c, chunk, (size_t)n);
        at += n;
    }
    digest_end(&c, d);
    if (size != NULL)
        *size = (uint64_t)at;
    return 0;
}
