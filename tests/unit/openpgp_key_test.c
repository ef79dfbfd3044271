/* Which stored keys may sign, and when. rnp's cases come with their answers (cases.txt); the rest is what
 * GnuPG shows for them. */
#include <ftw.h>

#include "tests/unit/openpgp_gpgv.h"

#define KEYS "openpgp/rnp/test_key_validity/"
#define APT  "openpgp/apt/"
#define RPM  "rpm/rpm-upstream/"

#define ALICE     "0451409669FFDE3C"
#define ALICE_ENC "DD23CEB7FEBEFF17"
#define ALICE_SUB "22F3A217C0E439CB"
#define BASIL     "0B2B09F7D7EA6E0E"
#define LATER     INT64_C(1795500000) /* 2026-11-24 */

static const struct {
    const char *file, *id;
    int64_t at; /* the signature's time, and now */
    enum openpgp_policy want;
    const char *note;
} keys[] = {
    {KEYS "case1/pubring.gpg", ALICE, LATER, OPENPGP_OK, "signed by an unknown key too"},
    {KEYS "case2/pubring.gpg", ALICE, LATER, OPENPGP_KEY_NOT_VALID, "self-signature corrupted"},
    {KEYS "case2/pubring.gpg", BASIL, LATER, OPENPGP_OK, "beside it"},
    {KEYS "case3/pubring.gpg", ALICE, LATER, OPENPGP_KEY_NOT_VALID, "no self-signature"},
    {KEYS "case4/pubring.gpg", ALICE, LATER, OPENPGP_OK, "its subkey's binding is bad"},
    {KEYS "case4/pubring.gpg", ALICE_ENC, LATER, OPENPGP_KEY_NOT_VALID, "bad binding"},
    {KEYS "case5/pubring.gpg", ALICE_ENC, LATER, OPENPGP_KEY_NOT_VALID, "bound by another key"},
    {KEYS "case6/pubring.gpg", ALICE, LATER, OPENPGP_KEY_REVOKED, "revoked"},
    {KEYS "case6/pubring.gpg", ALICE_ENC, LATER, OPENPGP_KEY_REVOKED, "its primary key is"},
    {KEYS "case7/pubring.gpg", ALICE, LATER, OPENPGP_OK, "its subkey is revoked"},
    {KEYS "case7/pubring.gpg", ALICE_ENC, LATER, OPENPGP_KEY_REVOKED, "revoked"},
    {KEYS "case8/pubring.gpg", ALICE, LATER, OPENPGP_KEY_NOT_VALID,
     "no user id: rnp takes it, GnuPG and we do not (its end and flags are unknown)"},
    {KEYS "case9/pubring.gpg", ALICE, LATER, OPENPGP_OK,
     "the newer of two self-signatures does not expire it"},
    {KEYS "case9/pubring.gpg", ALICE_ENC, LATER, OPENPGP_NOT_FOR_SIGNING, "encryption only"},
    {KEYS "case10/pubring.gpg", ALICE, LATER, OPENPGP_KEY_EXPIRED, "by its direct-key signature"},
    {KEYS "case10/pubring.gpg", ALICE_ENC, LATER, OPENPGP_KEY_EXPIRED, "its primary key is"},
    {KEYS "case11/pubring.gpg", ALICE, LATER, OPENPGP_KEY_EXPIRED, ""},
    {KEYS "case12/pubring.gpg", ALICE, LATER, OPENPGP_KEY_EXPIRED, "by its primary user id"},
    {KEYS "case13/pubring.gpg", ALICE, LATER, OPENPGP_KEY_EXPIRED, ""},
    {KEYS "case14/pubring.gpg", ALICE, LATER, OPENPGP_KEY_EXPIRED,
     "a user id that says `never' does not help"},
    {KEYS "case15/pubring.gpg", "E863072D3E9042EE", LATER, OPENPGP_OK, ""},
    {KEYS "case15/pubring.gpg", "BB8675AADF021CFF", LATER, OPENPGP_KEY_NOT_VALID,
     "expired back signature; GnuPG does not look"},
    {KEYS "alice-pub.asc", ALICE, LATER, OPENPGP_OK, ""},
    {KEYS "alice-pub.asc", ALICE, 1577369000, OPENPGP_OK, "within the clock's slack"},
    {KEYS "alice-pub.asc", ALICE, 1577200000, OPENPGP_KEY_NOT_VALID, "before its self-signature"},
    {KEYS "alice-sub-pub.pgp", ALICE_ENC, LATER, OPENPGP_NOT_FOR_SIGNING, ""},
    {KEYS "alice-sign-sub-pub.pgp", ALICE_SUB, LATER, OPENPGP_OK, ""},
    {KEYS "alice-sign-sub-exp-pub.asc", ALICE, LATER, OPENPGP_KEY_EXPIRED, ""},
    {KEYS "alice-sign-sub-exp-pub.asc", ALICE_SUB, LATER, OPENPGP_KEY_EXPIRED, ""},
    {KEYS "alice-sign-sub-exp-pub.asc", ALICE, 1593693400, OPENPGP_OK, "just before"},
    {KEYS "alice-sign-sub-exp-pub.asc", ALICE_SUB, 1593693400, OPENPGP_OK, "just before"},
    {KEYS "alice-expired-claus-cert.asc", ALICE, LATER, OPENPGP_OK, "a foreign signature has expired"},
    {KEYS "basil-pub.asc", BASIL, LATER, OPENPGP_OK, ""},
    {KEYS "rsa_key_small_sig-pub.asc", "ED23B0105947F283", LATER, OPENPGP_OK,
     "a self-signature with a leading zero byte"},
    {KEYS "encrypting-primary.pgp", "92091B7B76C50017", LATER, OPENPGP_OK, ""},
    {KEYS "encrypting-primary.pgp", "C2E243E872C1FE50", LATER, OPENPGP_NOT_FOR_SIGNING, ""},
    {APT "joesixpack.pub", "5A90D141DBAC8DAE", LATER, OPENPGP_OK, "self-signed with SHA1"},
    {APT "rexexpired.pub", "4BC0A39C27CE74F9", LATER, OPENPGP_KEY_EXPIRED, ""},
    {APT "rexexpired.pub", "4BC0A39C27CE74F9", 1373620000, OPENPGP_KEY_NOT_VALID,
     "its self-signature is of 2016"},
    {APT "sebastiansubkey.pub", "5B6896415D44C43E", LATER, OPENPGP_OK, ""},
    {APT "test-archive-keyring.pub", "913373DBD7DFB4DC", LATER, OPENPGP_NOT_FOR_SIGNING, ""},
    {RPM "alice.asc", "B3A771BFEB04E625", LATER, OPENPGP_NOT_FOR_SIGNING,
     "a primary key that only certifies"},
    {RPM "alice.asc", "1F71177215217EE0", LATER, OPENPGP_OK, ""},
    {RPM "alice-expired-subkey.asc", "1F71177215217EE0", LATER, OPENPGP_KEY_EXPIRED, ""},
    {RPM "alice-expired-subkey.asc", "1F71177215217EE0", 1649721614, OPENPGP_OK, "its last second"},
    {RPM "alice-revoked-subkey.asc", "1F71177215217EE0", LATER, OPENPGP_KEY_REVOKED, ""},
    {RPM "rpm.org-rsa-2048-add-subkey.asc", "6323C42711450B6C", LATER, OPENPGP_OK, ""},
    {RPM "rpm.org-rsa-2048-add-subkey.asc", "185E6146F00650F8", LATER, OPENPGP_NOT_FOR_SIGNING, ""},
};

static struct openpgp_keyring *load(const char *file)
{
    AUTO_BUF bytes = {0};
    struct openpgp_keyring *k = openpgp_keyring_new();
    struct err e = {0};
    if (!pgp_read(file, &bytes)) {
        openpgp_keyring_free(k);
        return NULL;
    }
    if (openpgp_keyring_add(k, file, buf_view(&bytes), &e) < 0)
        CHECK_STR(e.msg, "");
    return k;
}

/* "-": the key is not there. */
static const char *policy_of(const struct openpgp_keyring *k, const char *id, int64_t at)
{
    for (size_t i = 0; i < k->n; i++)
        for (size_t j = 0; j < k->certs[i].n; j++) {
            const struct openpgp_part *p = &k->certs[i].parts[j];
            char hex[17] = "";
            for (size_t b = 0; b < 8; b++)
                snprintf(hex + 2 * b, 3, "%02X", p->key.id[b]);
            if (p->key.version != 0 && strcmp(hex, id) == 0)
                return pgp_policy_name(openpgp_key_policy(&k->certs[i], p, at, at, at));
        }
    return "-";
}

static void key_validity(void)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct openpgp_keyring *k = load(keys[i].file);
        if (k == NULL)
            SKIP("no test data");
        const char *got = policy_of(k, keys[i].id, keys[i].at);
        if (strcmp(got, pgp_policy_name(keys[i].want)) != 0)
            printf("%s %s (%s):\n", keys[i].file, keys[i].id, keys[i].note);
        CHECK_STR(got, pgp_policy_name(keys[i].want));
        openpgp_keyring_free(k);
    }
}

static const struct {
    const char *file;
    size_t count;
} counts[] = {
    {"openpgp/keyrings/debian-archive-keyring/usr/share/keyrings/debian-archive-keyring.gpg", 9},
    {"openpgp/keyrings/debian-archive-keyring/usr/share/keyrings/debian-archive-removed-keys.gpg", 23},
    {"openpgp/keyrings/ubuntu-keyring/usr/share/keyrings/ubuntu-archive-keyring.gpg", 3},
    {"openpgp/keyrings/ubuntu-keyring/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg", 2},
    {"openpgp/librepo/repomd.xml_bad.key.asc", 2},
    {"rpm/rpm-rs/signing_keys/v4/rpm-testkey-v4-keyring.asc", 3},
};

/* Adding a keyring twice, or an armored one to its binary twin, changes nothing. */
static void merging(void)
{
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        AUTO_BUF bytes = {0};
        struct err e = {0};
        struct openpgp_keyring *k = load(counts[i].file);
        if (k == NULL || !pgp_read(counts[i].file, &bytes))
            SKIP("no test data");
        CHECK(openpgp_keyring_count(k) == counts[i].count);
        size_t parts = 0, again = 0;
        for (size_t j = 0; j < k->n; j++)
            parts += k->certs[j].n + k->certs[j].parts[0].n;
        CHECK(openpgp_keyring_add(k, "again", buf_view(&bytes), &e) == 0);
        CHECK(openpgp_keyring_count(k) == counts[i].count);
        for (size_t j = 0; j < k->n; j++)
            again += k->certs[j].n + k->certs[j].parts[0].n;
        CHECK(parts == again);
        openpgp_keyring_free(k);
    }
}

/* A revocation that comes in a second file counts. */
static void revocation_by_merging(void)
{
    AUTO_BUF bytes = {0};
    struct err e = {0};
    struct openpgp_keyring *k = load(KEYS "alice-pub.asc");
    if (k == NULL || !pgp_read(KEYS "case6/pubring.gpg", &bytes))
        SKIP("no test data");
    CHECK_STR(policy_of(k, ALICE, LATER), "ok");
    CHECK(openpgp_keyring_add(k, "case6", buf_view(&bytes), &e) == 0);
    CHECK(openpgp_keyring_count(k) == 1);
    CHECK_STR(policy_of(k, ALICE, LATER), "key-revoked");
    openpgp_keyring_free(k);
}

/* Debian's and Ubuntu's archive keys of today must be of use, whatever digest their self-signatures have. */
static void archive_keys(void)
{
    static const char *const files[] = {
        "openpgp/keyrings/debian-archive-keyring/usr/share/keyrings/debian-archive-keyring.gpg",
        "openpgp/keyrings/ubuntu-keyring/usr/share/keyrings/ubuntu-archive-keyring.gpg",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct openpgp_keyring *k = load(files[i]);
        if (k == NULL)
            SKIP("no test data");
        for (size_t j = 0; j < k->n; j++) {
            bool signs = false;
            for (size_t p = 0; p < k->certs[j].n; p++)
                signs = signs || (k->certs[j].parts[p].key.pkey != NULL &&
                                  openpgp_key_policy(&k->certs[j], &k->certs[j].parts[p], LATER, LATER,
                                                     LATER) == OPENPGP_OK);
            CHECK(signs);
        }
        openpgp_keyring_free(k);
    }
}

static size_t loaded;

static int walk(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    AUTO_BUF bytes = {0};
    struct err e = {0};
    (void)ftw;
    if (type != FTW_F || st->st_size > 4 << 20 || file_read(path, TEST_FILE_MAX, &bytes, &e) < 0 ||
        !str_starts(buf_view(&bytes), STR("-----BEGIN PGP PUBLIC KEY BLOCK-----")))
        return 0;
    struct openpgp_keyring *k = openpgp_keyring_new();
    if (openpgp_keyring_add(k, path, buf_view(&bytes), &e) < 0 && strstr(e.msg, "version 6") == NULL)
        CHECK_STR(e.msg, "");
    loaded += openpgp_keyring_count(k);
    openpgp_keyring_free(k);
    return 0;
}

/* The key files of many distributions: each loads, but for those of version 6 alone. */
static void distributions_keys(void)
{
    AUTO_BUF path = {0};
    buf_printf(&path, "%s/rpm/keys", test_data());
    if (access(buf_c(&path), R_OK) != 0)
        SKIP("no test data");
    nftw(buf_c(&path), walk, 16, FTW_PHYS);
    CHECK(loaded > 100);
}

int main(void)
{
    RUN(key_validity);
    RUN(merging);
    RUN(revocation_by_merging);
    RUN(archive_keys);
    RUN(distributions_keys);
    return test_done();
}
