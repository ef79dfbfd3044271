/* For the OpenPGP tests: files, short names of verdicts, and what gpgv says about the same bytes. */
#ifndef TESTS_UNIT_OPENPGP_GPGV_H
#define TESTS_UNIT_OPENPGP_GPGV_H

#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "mirrors/openpgp_int.h"
#include "tests/unit/test.h"

enum { TEST_FILE_MAX = 64 << 20 };

/* A file below test_data(); false when it is not there. */
static inline bool pgp_read(const char *name, struct buf *b)
{
    AUTO_BUF path = {0};
    struct err e = {0};
    buf_printf(&path, "%s/%s", test_data(), name);
    return file_read(buf_c(&path), TEST_FILE_MAX, b, &e) == 0;
}

static inline void pgp_crypto_names(const struct openpgp_report *r, struct buf *out)
{
    static const char *const names[] = {[OPENPGP_GOOD] = "good",
                                        [OPENPGP_BAD] = "bad",
                                        [OPENPGP_NO_KEY] = "unknown",
                                        [OPENPGP_UNSUPPORTED] = "unsupported",
                                        [OPENPGP_MALFORMED] = "malformed"};
    for (size_t i = 0; i < r->n; i++)
        buf_printf(out, "%s%s", i > 0 ? " " : "", names[r->sigs[i].crypto]);
    if (r->n == 0)
        buf_puts(out, "none");
}

static inline const char *pgp_policy_name(enum openpgp_policy p)
{
    static const char *const names[] = {[OPENPGP_OK] = "ok",
                                        [OPENPGP_KEY_EXPIRED] = "key-expired",
                                        [OPENPGP_KEY_REVOKED] = "key-revoked",
                                        [OPENPGP_KEY_NOT_VALID] = "key-not-valid",
                                        [OPENPGP_NOT_FOR_SIGNING] = "not-for-signing",
                                        [OPENPGP_WEAK_DIGEST] = "weak-digest",
                                        [OPENPGP_WEAK_KEY] = "weak-key",
                                        [OPENPGP_SIG_EXPIRED] = "sig-expired",
                                        [OPENPGP_SIG_FUTURE] = "sig-future"};
    return names[p];
}

/* "ok -": a dash for signatures that are not good, of which policy says nothing. */
static inline void pgp_policy_names(const struct openpgp_report *r, struct buf *out)
{
    for (size_t i = 0; i < r->n; i++)
        buf_printf(out, "%s%s", i > 0 ? " " : "",
                   r->sigs[i].crypto == OPENPGP_GOOD ? pgp_policy_name(r->sigs[i].policy) : "-");
    if (r->n == 0)
        buf_puts(out, "-");
}

static inline bool gpgv_present(void)
{
    return system("command -v gpgv >/dev/null 2>&1") == 0;
}

/* A temporary directory for gpgv's files; made once, removed by gpgv_clean(). */
static char gpgv_dir[64];

static inline const char *gpgv_file(const char *name, struct str bytes, char path[96])
{
    if (gpgv_dir[0] == '\0') {
        snprintf(gpgv_dir, sizeof gpgv_dir, "%s", "/tmp/pgp-test-XXXXXX");
        if (mkdtemp(gpgv_dir) == NULL)
            abort();
    }
    snprintf(path, 96, "%s/%s", gpgv_dir, name);
    FILE *f = fopen(path, "wb"); /* file_replace() would wait for the disk each time */
    if (f == NULL || fwrite(bytes.n > 0 ? bytes.p : "", 1, bytes.n, f) != bytes.n || fclose(f) != 0) {
        perror(path);
        abort();
    }
    return path;
}

static inline void gpgv_clean(void)
{
    static const char *const names[] = {"ring", "sig", "data"};
    char path[96];
    if (gpgv_dir[0] == '\0')
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", gpgv_dir, names[i]);
        unlink(path);
    }
    rmdir(gpgv_dir);
    gpgv_dir[0] = '\0';
}

/* gpgv reads binary keyrings only: our own armor reader makes them so. */
static inline void pgp_dearmor(struct str in, struct buf *out)
{
    AUTO_BUF block = {0};
    struct str before, label;
    struct err e = {0};
    int r;
    if (in.n > 0 && (in.p[0] & 0x80)) {
        buf_str(out, in);
        return;
    }
    while ((r = openpgp_armor_next(&in, &before, &label, &block, &e)) != 0)
        if (r > 0 && str_is(label, "PUBLIC KEY BLOCK"))
            buf_str(out, buf_view(&block));
}

/* One status line's verdict, or NULL. EXPSIG and its kin are good ones of which gpgv has more to say. */
static inline const char *gpgv_word(const char *line)
{
    static const struct {
        const char *status, *word;
    } words[] = {{"GOODSIG ", "good"},
                 {"EXPSIG ", "good"},
                 {"EXPKEYSIG ", "good"},
                 {"REVKEYSIG ", "good"},
                 {"BADSIG ", "bad"}};
    if (strncmp(line, "[GNUPG:] ", 9) != 0)
        return NULL;
    line += 9;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(line, words[i].status, strlen(words[i].status)) == 0)
            return words[i].word;
    if (strncmp(line, "ERRSIG ", 7) != 0)
        return NULL;
    int rc = -1; /* keyid, algorithm, digest, class, time, rc */
    sscanf(line, "ERRSIG %*s %*s %*s %*s %*s %d", &rc);
    switch (rc) { /* gpg-error's numbers */
    case 9:
        return "unknown";
    case 4:  /* algorithm */
    case 32: /* class */
    case 52: /* class that gpg would import */
        return "unsupported";
    case 5:
        return "weak";
    case 6:
        return "bad-key";
    case 125:
        return "usage";
    }
    return "error";
}

/* gpgv's verdicts, a word per signature in its order; "none" when it saw no signature. data NULL: cleartext
 * or inline. */
static inline void gpgv_verdicts(struct str ring, struct str sig, const struct str *data, bool sha1_weak,
                                 struct buf *out)
{
    char ring_path[96], sig_path[96], data_path[96] = "", cmd[512], line[4096];
    gpgv_file("ring", ring, ring_path);
    gpgv_file("sig", sig, sig_path);
    if (data != NULL)
        gpgv_file("data", *data, data_path);
    snprintf(cmd, sizeof cmd, "gpgv --homedir %s --status-fd 1 %s --keyring %s %s %s 2>/dev/null </dev/null",
             gpgv_dir, sha1_weak ? "--weak-digest SHA1" : "", ring_path, sig_path, data_path);
    FILE *f = popen(cmd, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        const char *word = gpgv_word(line);
        if (word != NULL)
            buf_printf(out, "%s%s", out->n > 0 ? " " : "", word);
    }
    if (f != NULL)
        pclose(f);
    if (out->n == 0)
        buf_puts(out, "none");
}

static inline bool pgp_has_word(const char *words, const char *word)
{
    struct str rest = str_c(words), w;
    while (str_word(&rest, &w))
        if (str_is(w, word))
            return true;
    return false;
}

/* Our verdicts in gpgv's words: it refuses a weak digest, or a key without a valid self-signature, before it
   computes; we compute, and policy refuses. */
static inline void pgp_as_gpgv(const struct openpgp_report *r, bool sha1_weak, struct buf *out)
{
    AUTO_BUF all = {0};
    pgp_crypto_names(r, &all);
    struct str rest = buf_view(&all), word;
    for (size_t i = 0; str_word(&rest, &word); i++) {
        bool good = i < r->n && r->sigs[i].crypto == OPENPGP_GOOD;
        if (good && r->sigs[i].policy == OPENPGP_KEY_NOT_VALID)
            word = STR("bad-key");
        if (good && r->sigs[i].policy == OPENPGP_NOT_FOR_SIGNING)
            word = STR("usage");
        enum digest_kind d = i < r->n ? r->sigs[i].digest : DIGEST_NONE;
        if (good && r->sigs[i].policy == OPENPGP_WEAK_DIGEST &&
            (d == DIGEST_MD5 || (d == DIGEST_SHA1 && sha1_weak)))
            word = STR("weak");
        buf_printf(out, "%s%" STR_FMT, i > 0 ? " " : "", STR_ARG(word));
    }
}

#endif
