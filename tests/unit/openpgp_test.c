/* Every stored signed file through the verifier: what mathematics says must equal gpgv's status lines, or the
   row gives the reason; what policy says stands in a column of its own. A file of these folders that no table
   names fails the test, so that new data gets a row. */
#include <ftw.h>

#include "tests/unit/openpgp_gpgv.h"
#include "tests/unit/openpgp_rows.h"

static struct openpgp_keyring *ring_of(const char *keys, struct buf *binary)
{
    AUTO_BUF bytes = {0};
    struct openpgp_keyring *k = openpgp_keyring_new();
    struct err e = {0};
    if (keys == NULL)
        return k;
    CHECK(pgp_read(keys, &bytes));
    if (openpgp_keyring_add(k, keys, buf_view(&bytes), &e) < 0)
        printf("%s\n", e.msg);
    pgp_dearmor(buf_view(&bytes), binary);
    return k;
}

static int verify(const struct row *row, const struct openpgp_keyring *k, struct str file, struct str data,
                  struct buf *body, struct openpgp_report *rep, struct err *e)
{
    if (row->how == CLEAR)
        return openpgp_verify_clear(k, file, row->now, body, rep, e);
    if (row->how == INLINE)
        return openpgp_verify_inline(k, file, row->now, body, rep, e);
    return openpgp_verify_detached(k, data, file, row->now, rep, e);
}

static void compare(const struct row *row, struct str ring, struct str file, struct str data,
                    const struct openpgp_report *rep)
{
    AUTO_BUF gpgv = {0}, ours = {0}, plain = {0}, ours_plain = {0};
    const struct str *detached = row->how == DETACHED ? &data : NULL;
    CHECK((row->gpgv == NULL) == (row->why == NULL));
    if (row->gpgv != NULL && strcmp(row->gpgv, NOT_ASKED) == 0)
        return;
    gpgv_verdicts(ring, file, detached, true, &gpgv);
    pgp_as_gpgv(rep, true, &ours);
    if (row->gpgv != NULL) {
        CHECK_STR(buf_c(&gpgv), row->gpgv);
        CHECK(strcmp(buf_c(&ours), row->gpgv) != 0); /* or the reason has gone */
    } else {
        CHECK_STR(buf_c(&ours), buf_c(&gpgv));
    }
    /* Where SHA1 kept gpgv from computing, ask again without its policy. */
    if (strstr(buf_c(&gpgv), "weak") == NULL && strstr(buf_c(&gpgv), "bad-key") == NULL)
        return;
    gpgv_verdicts(ring, file, detached, false, &plain);
    pgp_as_gpgv(rep, false, &ours_plain);
    CHECK_STR(buf_c(&ours_plain), buf_c(&plain));
}

static bool have_gpgv;

static void check_row(const struct row *row)
{
    AUTO_BUF file = {0}, data = {0}, ring = {0}, body = {0}, crypto = {0}, policy = {0};
    struct openpgp_report rep = {0};
    struct err e = {0};
    int failed = test_failed_here;
    test_failed_here = 0;
    CHECK(pgp_read(row->file, &file));
    CHECK(row->data == NULL || pgp_read(row->data, &data));
    struct openpgp_keyring *k = ring_of(row->keys, &ring);
    int r = verify(row, k, buf_view(&file), buf_view(&data), &body, &rep, &e);
    bool trusted = false;
    for (size_t i = 0; i < rep.n; i++)
        trusted = trusted || (rep.sigs[i].crypto == OPENPGP_GOOD && rep.sigs[i].policy == OPENPGP_OK);
    for (size_t i = 0; i < rep.n; i++)
        trusted = trusted && rep.sigs[i].crypto != OPENPGP_BAD;
    pgp_crypto_names(&rep, &crypto);
    pgp_policy_names(&rep, &policy);
    CHECK_STR(buf_c(&crypto), row->crypto);
    CHECK_STR(buf_c(&policy), row->policy);
    CHECK((r == 0) == trusted);
    CHECK(r == 0 || (e.class == ERR_TRUST && e.msg[0] != '\0' && body.n == 0));
    if (have_gpgv)
        compare(row, buf_view(&ring), buf_view(&file), buf_view(&data), &rep);
    if (test_failed_here)
        printf("  in %s with %s: %s\n", row->file, row->keys ? row->keys : "no keyring",
               r < 0 ? e.msg : "trusted");
    test_failed_here |= failed;
    openpgp_report_free(&rep);
    openpgp_keyring_free(k);
}

static void signed_files(void)
{
    if (access(test_data(), R_OK) != 0)
        SKIP("no test data");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_row(&rows[i]);
    if (have_gpgv)
        gpgv_clean();
}

/* Keys whose armor is broken on purpose: refused, with this in the message. */
static const struct {
    const char *file, *why;
} broken_keys[] = {
    {RNP_ARMOR "ecc-25519-pub-bad-crc.asc", "wrong checksum"},
    {RNP_ARMOR "wrong_chars_crc.asc", "wrong checksum"},
    {RNP_ARMOR "wrong_b64_trailer.asc", "not base64"},
    {RNP_ARMOR "wrong_chars_base64_1.asc", "not base64"},
    {RNP_ARMOR "wrong_chars_base64_2.asc", "not base64"},
    {RNP_ARMOR "wrong_chars_base64_3.asc", "not base64"},
    {RNP_ARMOR "wrong_chars_base64_4.asc", "not base64"},
    {RNP_ARMOR "wrong_header_line.asc", "headers without an empty line"},
    {RNP_ARMOR "wrong_chars_header.asc", "no OpenPGP public key"}, /* no BEGIN line that is one */
};

/* Neither signed nor keys. */
static const char *const others[] = {
    "openpgp/MANIFEST.txt",
    DPKG "Dpkg_OpenPGP_KeyHandle.t",
    LIBREPO "expired_key_config",
    RNP_ARMOR "b64_trailer_extra_data.b64", /* a key's base64 without armor */
    RNP_ARMOR "long_b64_trailer.b64",
    RNP_KEYS "CMakeLists.txt",
    RNP_KEYS "cases.txt",
    RNP_KEYS "case5/CMakeLists.txt",
    RNP_KEYS "case5/generate.cpp",
    RNP_KEYS "case8/message.txt",
    RNP_KEYS "case8/subkey.pgp", /* a subkey alone */
    RNP_KEYS "case8/subkey-no-sig.pgp",
    RPGP "README",
    RNP "test_repgp/encrypted_key.gpg", /* an encrypted message */
};

static void broken_key_files(void)
{
    for (size_t i = 0; i < sizeof broken_keys / sizeof *broken_keys; i++) {
        AUTO_BUF bytes = {0};
        struct openpgp_keyring *k = openpgp_keyring_new();
        struct err e = {0};
        if (!pgp_read(broken_keys[i].file, &bytes))
            SKIP("no test data");
        CHECK(openpgp_keyring_add(k, "ring", buf_view(&bytes), &e) < 0 && e.class == ERR_TRUST);
        if (strstr(e.msg, broken_keys[i].why) == NULL)
            CHECK_STR(e.msg, broken_keys[i].why);
        openpgp_keyring_free(k);
    }
}

static bool in_tables(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(name, rows[i].file) == 0 || (rows[i].data != NULL && strcmp(name, rows[i].data) == 0))
            return true;
    for (size_t i = 0; i < sizeof broken_keys / sizeof *broken_keys; i++)
        if (strcmp(name, broken_keys[i].file) == 0)
            return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(name, others[i]) == 0)
            return true;
    return false;
}

static bool loads_as_keys(struct str bytes)
{
    struct openpgp_keyring *k = openpgp_keyring_new();
    struct err e = {0};
    int r = openpgp_keyring_add(k, "file", bytes, &e);
    openpgp_keyring_free(k);
    return r == 0;
}

/* Outside openpgp/ only what looks signed is asked for. */
static bool looks_signed(const char *name, struct str bytes)
{
    static const char *const ends[] = {".asc", ".gpg", ".sig", "/InRelease"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (str_ends(str_c(name), str_c(ends[i])))
            return true;
    if (bytes.n == 0 ||
        memchr(bytes.p, 0, bytes.n) != NULL) /* archives may hold the words; not looked into here */
        return false;
    return str_starts(bytes, STR("-----BEGIN PGP")) || str_find(bytes, STR("\n-----BEGIN PGP")) < bytes.n;
}

static size_t walked;

static int walk(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    AUTO_BUF bytes = {0};
    const char *name = path + strlen(test_data()) + 1;
    (void)ftw;
    bool ours = strncmp(name, "openpgp/", 8) == 0;
    if (type != FTW_F || st->st_size > (ours ? TEST_FILE_MAX : 1 << 20) || in_tables(name) ||
        !pgp_read(name, &bytes))
        return 0;
    walked++;
    if ((ours || looks_signed(name, buf_view(&bytes))) && !loads_as_keys(buf_view(&bytes))) {
        printf("%s: a new file: give it a row in openpgp_rows.h, or name it in others[]\n", name);
        test_failed_here = 1;
    }
    return 0;
}

static void every_file_has_a_row(void)
{
    static const char *const roots[] = {"openpgp", "repomd", "deb", "evil"};
    if (access(test_data(), R_OK) != 0)
        SKIP("no test data");
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        AUTO_BUF path = {0};
        buf_printf(&path, "%s/%s", test_data(), roots[i]);
        nftw(buf_c(&path), walk, 16, FTW_PHYS);
    }
    CHECK(walked > 50);
}

int main(void)
{
    have_gpgv = gpgv_present();
    if (!have_gpgv)
        printf("skipped - signed_files_against_gpgv: no gpgv\n");
    RUN(signed_files);
    RUN(broken_key_files);
    RUN(every_file_has_a_row);
    return test_done();
}
