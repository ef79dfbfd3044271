/* Cut and flipped real files: no crash (run it under the sanitizers), and never trust in what was not signed.
 */
#include "tests/unit/openpgp_gpgv.h"

#define NOW     INT64_C(1795500000)
#define DEBIAN  "openpgp/keyrings/debian-archive-keyring/usr/share/keyrings/debian-archive-keyring.gpg"
#define RELEASE "openpgp/debian-release/bookworm-security/InRelease"
#define DPKG    "openpgp/dpkg/"
#define TI      "openpgp/thirdparty-apt/ti-debpkgs/"
#define RNP     "openpgp/rnp/test_stream_signatures/"

static struct openpgp_keyring *load(const char *file)
{
    AUTO_BUF bytes = {0};
    struct openpgp_keyring *k = openpgp_keyring_new();
    struct err e = {0};
    if (!pgp_read(file, &bytes) || openpgp_keyring_add(k, file, buf_view(&bytes), &e) < 0) {
        openpgp_keyring_free(k);
        return NULL;
    }
    return k;
}

/* A copy of exactly n bytes, so that the sanitizers see a byte read too far. */
static char *exact(struct str s)
{
    char *p = malloc(s.n > 0 ? s.n : 1);
    if (p == NULL)
        abort();
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    return p;
}

static int verify(const struct openpgp_keyring *k, char how, struct str file, struct str data,
                  struct buf *body)
{
    struct err e = {0};
    buf_clear(body);
    int r = how == 'c'   ? openpgp_verify_clear(k, file, NOW, body, NULL, &e)
            : how == 'i' ? openpgp_verify_inline(k, file, NOW, body, NULL, &e)
                         : openpgp_verify_detached(k, data, file, NOW, NULL, &e);
    CHECK(r == 0 || (e.msg[0] != '\0' && body->n == 0));
    return r;
}

static const struct {
    const char *file, *data, *keys;
    char how;
} files[] = {
    {DPKG "sign-file-inline.asc", NULL, DPKG "dpkg-test-pub.asc", 'c'},
    {DPKG "sign-file-inline.sig", NULL, DPKG "dpkg-test-pub.asc", 'i'},
    {DPKG "sign-file.asc", DPKG "sign-file", DPKG "dpkg-test-pub.asc", 'd'},
    {DPKG "sign-file.sig", DPKG "sign-file", DPKG "dpkg-test-pub.asc", 'd'},
    {RNP "source.txt.asc", NULL, RNP "pub.asc", 'c'},
    {RNP "source.txt.sig", RNP "source.txt", RNP "pub.asc", 'd'},
    {TI "jammy/InRelease", NULL, TI "ti-debpkgs.gpg.key", 'c'},
    {TI "jammy/Release.gpg", TI "jammy/Release", TI "ti-debpkgs.gpg.key", 'd'},
};

/* Reads files[i]; whole is the text that it signs. NULL without the test data. */
static struct openpgp_keyring *open_case(size_t i, struct buf *file, struct buf *data, struct buf *whole)
{
    struct openpgp_keyring *k = load(files[i].keys);
    if (k == NULL || !pgp_read(files[i].file, file) ||
        (files[i].data != NULL && !pgp_read(files[i].data, data))) {
        openpgp_keyring_free(k);
        return NULL;
    }
    CHECK(verify(k, files[i].how, buf_view(file), buf_view(data), whole) == 0);
    return k;
}

/* Of every prefix only the whole, or the whole without its last line end, may be trusted. */
static void prefixes(void)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        AUTO_BUF file = {0}, data = {0}, body = {0}, whole = {0};
        struct openpgp_keyring *k = open_case(i, &file, &data, &whole);
        if (k == NULL)
            SKIP("no test data");
        for (size_t n = 0; n < file.n; n++) {
            char *cut = exact((struct str){file.p, n});
            int r = verify(k, files[i].how, (struct str){cut, n}, buf_view(&data), &body);
            bool only_line_end = n == file.n - 1 && file.p[n] == '\n';
            CHECK(r < 0 || (only_line_end && str_eq(buf_view(&body), buf_view(&whole))));
            free(cut);
        }
        openpgp_keyring_free(k);
    }
}

/* Every bit of every byte. Without a checksum a flip may hit what no signature covers (a header's spelling,
   the unhashed part); the text must then be the same. */
static void flips(void)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        AUTO_BUF file = {0}, data = {0}, body = {0}, whole = {0};
        struct openpgp_keyring *k = open_case(i, &file, &data, &whole);
        if (k == NULL)
            SKIP("no test data");
        size_t step = file.n > 4096 ? 7 : 1; /* a sample of the long ones */
        for (size_t n = 0; n < file.n; n += step)
            for (int bit = 0; bit < 8; bit++) {
                file.p[n] = (char)(file.p[n] ^ 1 << bit);
                int r = verify(k, files[i].how, buf_view(&file), buf_view(&data), &body);
                CHECK(r < 0 || str_eq(buf_view(&body), buf_view(&whole)));
                file.p[n] = (char)(file.p[n] ^ 1 << bit);
            }
        openpgp_keyring_free(k);
    }
}

/* Debian's own file, with two signatures: every bit of its signature block. Its checksum leaves none of them
 * unseen. */
static void flips_of_release(void)
{
    AUTO_BUF file = {0}, body = {0};
    struct openpgp_keyring *k = load(DEBIAN);
    if (k == NULL || !pgp_read(RELEASE, &file))
        SKIP("no test data");
    size_t at = str_find(buf_view(&file), STR("-----BEGIN PGP SIGNATURE-----"));
    CHECK(at < file.n && verify(k, 'c', buf_view(&file), STR(""), &body) == 0);
    for (; at < file.n; at++)
        for (int bit = 0; bit < 8; bit++) {
            file.p[at] = (char)(file.p[at] ^ 1 << bit);
            CHECK(verify(k, 'c', buf_view(&file), STR(""), &body) < 0);
            file.p[at] = (char)(file.p[at] ^ 1 << bit);
        }
    openpgp_keyring_free(k);
}

static const char *const rings[] = {
    "openpgp/keyrings/debian-archive-keyring/usr/share/keyrings/debian-archive-bookworm-stable.gpg",
    "openpgp/rnp/test_key_validity/alice-revoker.pgp",
    "openpgp/rnp/test_key_validity/case7/pubring.gpg",
    "openpgp/rnp/test_key_validity/alice-sign-sub-exp-pub.asc",
    DPKG "dpkg-test-pub.asc",
};

/* Keyrings cut and flipped: what cannot be used is refused or skipped, nothing crashes. */
static void keyrings(void)
{
    for (size_t i = 0; i < sizeof rings / sizeof *rings; i++) {
        AUTO_BUF file = {0};
        if (!pgp_read(rings[i], &file))
            SKIP("no test data");
        for (size_t n = 0; n < file.n; n++) {
            struct openpgp_keyring *k = openpgp_keyring_new();
            struct err e = {0};
            char *cut = exact((struct str){file.p, n});
            if (openpgp_keyring_add(k, "cut", (struct str){cut, n}, &e) < 0)
                CHECK(e.class == ERR_TRUST && openpgp_keyring_count(k) == 0);
            file.p[n] = (char)(file.p[n] ^ 1 << n % 8);
            openpgp_keyring_add(k, "flipped", buf_view(&file), &e);
            file.p[n] = (char)(file.p[n] ^ 1 << n % 8);
            openpgp_keyring_free(k);
            free(cut);
        }
    }
}

int main(void)
{
    RUN(prefixes);
    RUN(flips);
    RUN(flips_of_release);
    RUN(keyrings);
    return test_done();
}
