#include "tests/unit/test.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/digest.h"

/* Of "" and "abc": RFC 1321 A.5, RFC 3174 and FIPS 180-4's examples. */
static const struct {
    enum digest_kind kind;
    const char *name, *of_nothing, *of_abc;
} vectors[] = {
    {DIGEST_MD5, "md5", "d41d8cd98f00b204e9800998ecf8427e", "900150983cd24fb0d6963f7d28e17f72"},
    {DIGEST_SHA1, "sha1", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
     "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {DIGEST_SHA224, "sha224", "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
     "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
    {DIGEST_SHA256, "sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {DIGEST_SHA384, "sha384",
     "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
    {DIGEST_SHA512, "sha512",
     "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
     "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {DIGEST_SHA3_256, "sha3-256", "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
     "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"}, /* FIPS 202's */
};
enum { NVECTORS = sizeof vectors / sizeof *vectors };

static void known_vectors(void)
{
    char hex[DIGEST_HEX_MAX];
    struct digest d;
    struct err e = {0};
    for (size_t i = 0; i < NVECTORS; i++) {
        CHECK(digest_of(&d, vectors[i].kind, (struct str){NULL, 0}, &e) == 0);
        CHECK_STR(digest_hex(&d, hex), vectors[i].of_nothing);
        CHECK(digest_of(&d, vectors[i].kind, STR("abc"), &e) == 0);
        CHECK_STR(digest_hex(&d, hex), vectors[i].of_abc);
        CHECK_STR(digest_name(vectors[i].kind), vectors[i].name);
        CHECK(digest_size(vectors[i].kind) * 2 == strlen(vectors[i].of_abc));
    }
}

/* The kinds' order is their strength: callers take the greater one. */
static void order_and_trust(void)
{
    CHECK(DIGEST_NONE < DIGEST_MD5 && DIGEST_MD5 < DIGEST_SHA1 && DIGEST_SHA1 < DIGEST_SHA224);
    CHECK(DIGEST_SHA224 < DIGEST_SHA256 && DIGEST_SHA256 < DIGEST_SHA384 && DIGEST_SHA384 < DIGEST_SHA512);
    CHECK(!digest_trusted(DIGEST_NONE) && !digest_trusted(DIGEST_MD5) && !digest_trusted(DIGEST_SHA1));
    CHECK(!digest_trusted(DIGEST_SHA224));
    CHECK(digest_trusted(DIGEST_SHA256) && digest_trusted(DIGEST_SHA384) && digest_trusted(DIGEST_SHA512));
    CHECK(digest_size(DIGEST_NONE) == 0);
}

static void parse(void)
{
    char hex[DIGEST_HEX_MAX], upper[DIGEST_HEX_MAX];
    for (size_t i = 0; i < NVECTORS; i++) {
        struct digest d = {0};
        struct str s = str_c(vectors[i].of_abc);
        CHECK(digest_parse(&d, vectors[i].kind, s));
        CHECK_STR(digest_hex(&d, hex), vectors[i].of_abc);
        for (size_t k = 0; k <= s.n; k++)
            upper[k] = (char)(s.p[k] >= 'a' && s.p[k] <= 'f' ? s.p[k] - 32 : s.p[k]);
        struct digest u = {0};
        CHECK(digest_parse(&u, vectors[i].kind, str_c(upper)) && digest_eq(&d, &u));
        struct digest bad = {0};
        CHECK(!digest_parse(&bad, vectors[i].kind, (struct str){s.p, s.n - 1}));
        CHECK(!digest_parse(&bad, vectors[i].kind, (struct str){s.p, s.n - 2}));
        CHECK(!digest_parse(&bad, vectors[i].kind, (struct str){NULL, 0}));
        upper[s.n - 1] = 'g';
        CHECK(!digest_parse(&bad, vectors[i].kind, str_c(upper)));
        /* Whoever overlooks the result must not hold half a digest. */
        CHECK(bad.kind == DIGEST_NONE);
    }
    struct digest d;
    CHECK(!digest_parse(&d, DIGEST_NONE, STR("")));
    CHECK(!digest_parse(&d, DIGEST_SHA256, str_c(vectors[1].of_abc)));
}

static void equal(void)
{
    struct digest a = {0}, b = {0};
    CHECK(!digest_eq(&a, &b));
    digest_parse(&a, DIGEST_SHA256, str_c(vectors[3].of_abc));
    CHECK(!digest_eq(&a, &b));
    b = a;
    CHECK(digest_eq(&a, &b));
    b.bytes[31] ^= 1;
    CHECK(!digest_eq(&a, &b));
    b = a;
    b.kind = DIGEST_SHA384;
    CHECK(!digest_eq(&a, &b));
}

static void streaming(void)
{
    char hex[DIGEST_HEX_MAX];
    struct digest d;
    struct err e = {0};
    struct digest_ctx c = {0};
    digest_end(&c, NULL);
    CHECK(digest_begin(&c, DIGEST_SHA256, &e) == 0);
    digest_update(&c, "a", 1);
    digest_update(&c, NULL, 0);
    digest_update(&c, "bc", 2);
    digest_end(&c, &d);
    CHECK_STR(digest_hex(&d, hex), vectors[3].of_abc);
    CHECK(c.evp == NULL);
    CHECK(digest_begin(&c, DIGEST_SHA512, &e) == 0);
    digest_end(&c, NULL);
    CHECK(digest_begin(&c, DIGEST_NONE, &e) == -1);
    CHECK(e.class == ERR_HOST && c.evp == NULL);
}

static void of_fd(void)
{
    char path[] = "/tmp/zs-digest.XXXXXX", chunk[1000], hex[DIGEST_HEX_MAX];
    AUTO_FD fd = mkstemp(path);
    struct digest d;
    struct err e = {0};
    uint64_t size = 1;
    CHECK(fd >= 0);
    unlink(path);
    CHECK(digest_of_fd(&d, DIGEST_SHA256, fd, &size, &e) == 0 && size == 0);
    CHECK_STR(digest_hex(&d, hex), vectors[3].of_nothing);
    memset(chunk, 'a', sizeof chunk);
    for (int i = 0; i < 1000; i++)
        CHECK(write(fd, chunk, sizeof chunk) == sizeof chunk);
    /* From offset 0 wherever the descriptor stands; FIPS 180-4's million of `a'. */
    CHECK(digest_of_fd(&d, DIGEST_SHA256, fd, &size, &e) == 0 && size == 1000000);
    CHECK_STR(digest_hex(&d, hex), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    CHECK(lseek(fd, 0, SEEK_CUR) == 1000000);
    CHECK(digest_of_fd(&d, DIGEST_SHA256, fd, NULL, &e) == 0);
}

static void of_fd_errors(void)
{
    int p[2];
    struct digest d;
    struct err e = {0};
    CHECK(pipe(p) == 0);
    CHECK(digest_of_fd(&d, DIGEST_SHA256, p[0], NULL, &e) == -1 && e.class == ERR_HOST && e.sys != 0);
    close(p[0]);
    close(p[1]);
    CHECK(digest_of_fd(&d, DIGEST_SHA256, p[0], NULL, &e) == -1);
}

int main(void)
{
    RUN(known_vectors);
    RUN(order_and_trust);
    RUN(parse);
    RUN(equal);
    RUN(streaming);
    RUN(of_fd);
    RUN(of_fd_errors);
    return test_done();
}
