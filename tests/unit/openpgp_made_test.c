/* Keys and signatures made here, for what the stored files lack: each verdict, and gpgv's words beside it
 * where they differ. */
#include "tests/unit/openpgp_gpgv.h"
#include "tests/unit/openpgp_make.h"
#include "tests/unit/scratch.h"

#define T0   INT64_C(1600000000) /* keys are made */
#define DAY  INT64_C(86400)
#define NOW  (T0 + 10 * DAY)
#define TEXT STR("Suite: test\nDate: today\n")

enum { CERTIFY = 1, SIGN = 2, ENCRYPT = 12 };

static bool have_gpgv;

static bool over_text(struct str sigs)
{
    struct openpgp_packet p;
    struct openpgp_sigpkt s;
    return openpgp_packet_next(&sigs, &p, NULL) > 0 && openpgp_sig_parse(p.body, &s) == OPENPGP_GOOD &&
           s.type == OPENPGP_TYPE_TEXT;
}

static bool key_expired(const struct openpgp_report *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->sigs[i].policy == OPENPGP_KEY_EXPIRED)
            return true;
    return false;
}

/* The same data in a file, between other bytes: the same verdict, word by word, unless it is about a key that
   has expired since: see times(). */
static void same_from_file(const struct openpgp_keyring *k, struct str sig, struct str data, int64_t now,
                           int want, const struct err *want_e, const struct openpgp_report *want_rep)
{
    AUTO_BUF b = {0};
    struct openpgp_report rep = {0};
    struct err e = {0};
    if (over_text(sig) || key_expired(want_rep))
        return;
    buf_puts(&b, "before");
    buf_str(&b, data);
    buf_puts(&b, "behind");
    AUTO_FD fd = scratch_fd(buf_view(&b));
    CHECK(openpgp_verify_range(k, fd, 6, data.n, sig, now, &rep, &e) == want);
    CHECK_STR(e.msg, want_e->msg);
    CHECK(rep.n == want_rep->n);
    for (size_t i = 0; i < rep.n && i < want_rep->n; i++)
        CHECK(rep.sigs[i].crypto == want_rep->sigs[i].crypto &&
              rep.sigs[i].policy == want_rep->sigs[i].policy);
    openpgp_report_free(&rep);
}

/* gpgv: its words where they differ from ours, else NULL. */
static void expect(struct str ring, struct str sig, struct str data, int64_t now, const char *crypto,
                   const char *policy, const char *gpgv)
{
    AUTO_BUF got = {0}, got_policy = {0}, theirs = {0}, ours = {0};
    struct openpgp_keyring *k = openpgp_keyring_new();
    struct openpgp_report rep = {0};
    struct err e = {0};
    if (openpgp_keyring_add(k, "ring", ring, &e) < 0)
        CHECK_STR(e.msg, "");
    int r = openpgp_verify_detached(k, data, sig, now, &rep, &e);
    pgp_crypto_names(&rep, &got);
    pgp_policy_names(&rep, &got_policy);
    CHECK_STR(buf_c(&got), crypto);
    CHECK_STR(buf_c(&got_policy), policy);
    bool trusted = !pgp_has_word(crypto, "bad") && pgp_has_word(policy, "ok");
    CHECK((r == 0) == trusted && (trusted || e.class == ERR_TRUST));
    CHECK(openpgp_report_wrong(&rep) == (pgp_has_word(crypto, "bad") || pgp_has_word(crypto, "malformed")));
    same_from_file(k, sig, data, now, r, &e, &rep);
    if (have_gpgv) {
        gpgv_verdicts(ring, sig, &data, true, &theirs);
        pgp_as_gpgv(&rep, true, &ours);
        CHECK_STR(buf_c(&theirs), gpgv != NULL ? gpgv : buf_c(&ours));
        CHECK(gpgv == NULL || strcmp(gpgv, buf_c(&ours)) != 0);
    }
    openpgp_report_free(&rep);
    openpgp_keyring_free(k);
}

static const struct make_sig self = {.created = T0, .flags = CERTIFY | SIGN};

/* A certificate with one key that signs. */
static struct make_key signer(const char *kind, struct buf *ring)
{
    struct make_key k = make_key(kind, T0);
    struct make_sig s = self;
    s.hash = SHA512; /* GnuPG wants a digest no shorter than the curve */
    make_primary(ring, &k);
    make_uid(ring, &k, &k, s);
    return k;
}

static void algorithms(void)
{
    for (size_t i = 0; i < sizeof make_kinds / sizeof *make_kinds; i++) {
        AUTO_BUF ring = {0}, sig = {0}, other = {0};
        const struct make_kind *kind = &make_kinds[i];
        struct make_key k = signer(kind->name, &ring);
        const char *policy = kind->bits == 1024 ? "weak-key" : "ok";
        /* gpgv 2.2 does not know RFC 9580's algorithms and cannot read such a key */
        const char *gpgv = kind->alg >= 27 ? "unsupported" : NULL;
        make_sig(&sig, &k, (struct make_sig){.created = T0 + DAY, .hash = SHA512}, TEXT);
        expect(buf_view(&ring), buf_view(&sig), TEXT, NOW, "good", policy, gpgv);
        make_sig(&other, &k, (struct make_sig){.created = T0 + DAY, .hash = SHA512, .spoil = true}, TEXT);
        expect(buf_view(&ring), buf_view(&other), TEXT, NOW, "bad", "-", gpgv);
        if (test_failed_here)
            printf("%s\n", kind->name);
        make_key_free(&k);
    }
}

static void digests(void)
{
    static const struct {
        unsigned hash;
        const char *policy, *gpgv;
    } rows[] = {
        {1, "weak-digest", NULL},  {SHA1, "weak-digest", NULL},
        {3, "weak-digest", NULL},  {SHA256, "ok", NULL},
        {9, "ok", NULL},           {SHA512, "ok", NULL},
        {11, "weak-digest", NULL}, {12, "ok", "none"}, /* SHA3: gpgv 2.2 does not have it */
        {14, "ok", "none"},
    };
    AUTO_BUF ring = {0};
    struct make_key k = signer("rsa", &ring);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_BUF sig = {0};
        make_sig(&sig, &k, (struct make_sig){.created = T0 + DAY, .hash = rows[i].hash}, TEXT);
        expect(buf_view(&ring), buf_view(&sig), TEXT, NOW, "good", rows[i].policy, rows[i].gpgv);
    }
    make_key_free(&k);
}

static void several_signatures(void)
{
    AUTO_BUF ring = {0}, no_ring = {0};
    struct make_key a = signer("p256", &ring), b = signer("ed25519-legacy", &ring),
                    c = signer("p256", &no_ring);
    struct make_sig good = {.created = T0 + DAY}, bad = {.created = T0 + DAY, .spoil = true};
    struct make_sig sha1 = {.created = T0 + DAY, .hash = SHA1},
                    strange = {.created = T0 + DAY, .critical = 99};
    const struct {
        const struct make_key *first;
        struct make_sig first_sig;
        const struct make_key *second;
        struct make_sig second_sig;
        const char *crypto, *policy, *gpgv;
    } rows[] = {
        {&a, good, &b, good, "good good", "ok ok", NULL},
        {&a, good, &b, bad, "good bad", "ok -", NULL},
        {&a, bad, &b, good, "bad good", "- ok", "bad"}, /* gpgv stops there */
        {&a, good, &c, good, "good unknown", "ok -", NULL},
        {&c, bad, &a, good, "unknown good", "- ok", NULL},
        {&a, sha1, &b, good, "good good", "weak-digest ok", NULL},
        {&a, sha1, &c, good, "good unknown", "weak-digest -", NULL},
        {&a, strange, &b, good, "unsupported good", "- ok",
         "bad"}, /* gpgv's word for an unknown critical part */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_BUF sig = {0};
        make_sig(&sig, rows[i].first, rows[i].first_sig, TEXT);
        make_sig(&sig, rows[i].second, rows[i].second_sig, TEXT);
        expect(buf_view(&ring), buf_view(&sig), TEXT, NOW, rows[i].crypto, rows[i].policy, rows[i].gpgv);
    }
    make_key_free(&a);
    make_key_free(&b);
    make_key_free(&c);
}

static void too_many_signatures(void)
{
    AUTO_BUF ring = {0}, sig = {0}, all = {0};
    struct make_key a = signer("p256", &ring);
    struct openpgp_keyring *k = openpgp_keyring_new();
    struct err e = {0};
    make_sig(&sig, &a, (struct make_sig){.created = T0 + DAY}, TEXT);
    CHECK(openpgp_keyring_add(k, "ring", buf_view(&ring), &e) == 0);
    for (int i = 0; i < OPENPGP_MAX_SIGS; i++)
        buf_str(&all, buf_view(&sig));
    CHECK(openpgp_verify_detached(k, TEXT, buf_view(&all), NOW, NULL, &e) == 0);
    buf_str(&all, buf_view(&sig));
    CHECK(openpgp_verify_detached(k, TEXT, buf_view(&all), NOW, NULL, &e) < 0);
    CHECK_STR(e.msg, "more than 64 signatures");
    openpgp_keyring_free(k);
    make_key_free(&a);
}

static void ranges(void)
{
    AUTO_BUF ring = {0}, sig = {0}, text = {0}, large = {0}, large_sig = {0};
    struct make_key k = signer("p256", &ring);
    struct openpgp_keyring *keys = openpgp_keyring_new();
    struct openpgp_report rep;
    struct err e = {0};
    CHECK(openpgp_keyring_add(keys, "ring", buf_view(&ring), &e) == 0);
    make_sig(&sig, &k, (struct make_sig){.created = T0 + DAY}, TEXT);
    make_sig(&text, &k, (struct make_sig){.created = T0 + DAY, .type = OPENPGP_TYPE_TEXT}, STR("one line"));
    for (int i = 0; i < 200000; i++)
        buf_putc(&large, (char)i);
    make_sig(&large_sig, &k, (struct make_sig){.created = T0 + DAY}, buf_view(&large));
    AUTO_FD fd = scratch_fd(TEXT);
    CHECK(openpgp_verify_range(keys, fd, 0, TEXT.n, buf_view(&sig), NOW, NULL, &e) == 0);
    CHECK(openpgp_verify_range(keys, fd, 1, TEXT.n - 1, buf_view(&sig), NOW, NULL, &e) < 0 &&
          strstr(e.msg, "wrong signature") != NULL);
    CHECK(openpgp_verify_range(keys, fd, 0, TEXT.n + 1, buf_view(&sig), NOW, &rep, &e) < 0 &&
          e.class == ERR_TRUST && strstr(e.msg, "ends early, at byte") != NULL);
    openpgp_report_free(&rep);
    CHECK(openpgp_verify_range(keys, -1, 0, 1, buf_view(&sig), NOW, NULL, &e) < 0 && e.class == ERR_HOST);
    AUTO_FD line = scratch_fd(STR("one line"));
    CHECK(openpgp_verify_detached(keys, STR("one line"), buf_view(&text), NOW, NULL, &e) == 0);
    CHECK(openpgp_verify_range(keys, line, 0, 8, buf_view(&text), NOW, NULL, &e) < 0 &&
          strstr(e.msg, "not supported") != NULL);
    AUTO_FD big = scratch_fd(buf_view(&large));
    CHECK(openpgp_verify_range(keys, big, 0, large.n, buf_view(&large_sig), NOW, NULL, &e) == 0);
    openpgp_keyring_free(keys);
    make_key_free(&k);
}

/* What a file that is never signed again comes to, years after. */
static const char *file_policy(struct str ring, struct str sig)
{
    struct err e = {0};
    struct openpgp_report rep = {0};
    struct openpgp_keyring *k = openpgp_keyring_new();
    AUTO_FD fd = scratch_fd(TEXT);
    CHECK(openpgp_keyring_add(k, "made", ring, &e) == 0);
    int rc = openpgp_verify_range(k, fd, 0, TEXT.n, sig, NOW, &rep, &e);
    const char *name = rep.n == 1 ? openpgp_policy_name(rep.sigs[0].policy) : "none";
    CHECK((rc == 0) == (rep.n == 1 && rep.sigs[0].policy == OPENPGP_OK));
    openpgp_report_free(&rep);
    openpgp_keyring_free(k);
    return name;
}

static void times(void)
{
    AUTO_BUF ring = {0}, mortal = {0}, sig = {0}, brief = {0}, early = {0}, late = {0};
    struct make_key k = signer("p256", &ring);
    make_primary(&mortal, &k);
    make_uid(&mortal, &k, &k, (struct make_sig){.created = T0, .flags = SIGN, .key_lifetime = 5 * DAY});
    make_sig(&sig, &k, (struct make_sig){.created = T0 + DAY}, TEXT);
    make_sig(&brief, &k, (struct make_sig){.created = T0 + DAY, .lifetime = DAY}, TEXT);
    make_sig(&early, &k, (struct make_sig){.created = T0 - DAY}, TEXT);
    make_sig(&late, &k, (struct make_sig){.created = T0 + 6 * DAY}, TEXT);
    expect(buf_view(&mortal), buf_view(&sig), TEXT, T0 + 5 * DAY - 1, "good", "ok", NULL);
    expect(buf_view(&mortal), buf_view(&sig), TEXT, T0 + 5 * DAY, "good", "key-expired", NULL);
    expect(buf_view(&mortal), buf_view(&late), TEXT, NOW, "good", "key-expired", NULL);
    CHECK_STR(file_policy(buf_view(&mortal), buf_view(&sig)), openpgp_policy_name(OPENPGP_OK));
    CHECK_STR(file_policy(buf_view(&mortal), buf_view(&late)), openpgp_policy_name(OPENPGP_KEY_EXPIRED));
    expect(buf_view(&ring), buf_view(&brief), TEXT, T0 + 2 * DAY - 1, "good", "ok", NULL);
    expect(buf_view(&ring), buf_view(&brief), TEXT, T0 + 2 * DAY, "good", "sig-expired", NULL);
    expect(buf_view(&ring), buf_view(&early), TEXT, NOW, "good", "sig-future",
           "error"); /* gpgv: time conflict */
    expect(buf_view(&ring), buf_view(&late), TEXT, T0 + 5 * DAY, "good", "ok", NULL);
    expect(buf_view(&ring), buf_view(&late), TEXT, T0 + 5 * DAY - 1, "good", "sig-future", NULL);
    make_key_free(&k);
}

static void revocations(void)
{
    static const struct {
        int reason; /* + 1 */
        int64_t sig_time;
        const char *policy;
    } rows[] = {
        {0, T0 + DAY, "key-revoked"}, /* no reason said: the worst is assumed */
        {1, T0 + DAY, "key-revoked"}, /* "no reason" */
        {2, T0 + DAY, "ok"},          /* superseded on day 3 */
        {2, T0 + 4 * DAY, "key-revoked"},
        {3, T0 + DAY, "key-revoked"}, /* compromised */
        {4, T0 + DAY, "ok"},          /* retired */
        {4, T0 + 3 * DAY, "key-revoked"},
    };
    struct make_key k = make_key("p256", T0), sub = make_key("ed25519-legacy", T0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_BUF ring = {0}, subring = {0}, sig = {0}, subsig = {0};
        struct make_sig gone = {
            .type = OPENPGP_TYPE_KEY_REVOCATION, .created = T0 + 3 * DAY, .reason = rows[i].reason};
        struct make_sig at = {.created = rows[i].sig_time};
        make_primary(&ring, &k);
        make_over_key(&ring, &k, gone);
        make_uid(&ring, &k, &k, self);
        make_subkey(&ring, &k, &sub, self, &sub);
        make_sig(&sig, &k, at, TEXT);
        make_sig(&subsig, &sub, at, TEXT);
        expect(buf_view(&ring), buf_view(&sig), TEXT, NOW, "good", rows[i].policy, NULL);
        expect(buf_view(&ring), buf_view(&subsig), TEXT, NOW, "good", rows[i].policy, NULL);
        make_primary(&subring, &k);
        make_uid(&subring, &k, &k, self);
        make_subkey(&subring, &k, &sub, self, &sub);
        make_subkey_revocation(&subring, &k, &sub, gone);
        expect(buf_view(&subring), buf_view(&sig), TEXT, NOW, "good", "ok", NULL);
        expect(buf_view(&subring), buf_view(&subsig), TEXT, NOW, "good", rows[i].policy, NULL);
    }
    make_key_free(&k);
    make_key_free(&sub);
}

/* A certificate of primary key and subkey; the subkey signs. */
static void subkey_case(struct make_sig binding, const struct make_key *k, const struct make_key *sub,
                        const struct make_key *back, const char *policy, const char *gpgv)
{
    AUTO_BUF ring = {0}, sig = {0};
    make_primary(&ring, k);
    make_uid(&ring, k, k, self);
    make_subkey(&ring, k, sub, binding, back);
    make_sig(&sig, sub, (struct make_sig){.created = T0 + DAY}, TEXT);
    expect(buf_view(&ring), buf_view(&sig), TEXT, NOW, "good", policy, gpgv);
}

static void subkeys(void)
{
    struct make_key k = make_key("p256", T0), sub = make_key("p256", T0), other = make_key("p256", T0);
    struct make_sig sign = {.created = T0, .flags = SIGN}, plain = {.created = T0};
    struct make_sig encrypt = {.created = T0, .flags = ENCRYPT}, nothing = {.created = T0, .flags = -1};
    struct make_sig mortal = {.created = T0, .flags = SIGN, .key_lifetime = 5 * DAY};
    struct make_sig wrong = {.created = T0, .flags = SIGN, .spoil = true},
                    ended = {.created = T0, .flags = SIGN, .lifetime = DAY};
    struct make_sig md5 = {.created = T0, .flags = SIGN, .hash = 1};
    subkey_case(sign, &k, &sub, &sub, "ok", NULL);
    subkey_case(plain, &k, &sub, &sub, "ok", NULL);
    /* Without the subkey's own consent gpgv refuses as well, with another word. */
    subkey_case(sign, &k, &sub, NULL, "key-not-valid", "error");
    subkey_case(sign, &k, &sub, &other, "key-not-valid", "error");
    subkey_case(encrypt, &k, &sub, &sub, "not-for-signing", NULL);
    subkey_case(nothing, &k, &sub, &sub, "not-for-signing", NULL);
    subkey_case(mortal, &k, &sub, &sub, "key-expired", NULL);
    subkey_case(wrong, &k, &sub, &sub, "key-not-valid", NULL);
    subkey_case(ended, &k, &sub, &sub, "key-not-valid", NULL);
    subkey_case(md5, &k, &sub, &sub, "key-not-valid", NULL);
    make_key_free(&k);
    make_key_free(&sub);
    make_key_free(&other);
}

static void self_signatures(void)
{
    struct make_key k = make_key("rsa", T0), other = make_key("p256", T0);
    const struct {
        const struct make_key *by;
        struct make_sig sig;
        const char *policy, *gpgv;
    } rows[] = {
        {&k, {.created = T0, .flags = SIGN}, "ok", NULL},
        {&k, {.created = T0}, "ok", NULL},
        {&k, {.created = T0, .flags = SIGN, .hash = SHA1}, "ok", "bad-key"}, /* SHA1 is enough there */
        {&k, {.created = T0, .flags = SIGN, .hash = 1}, "key-not-valid", NULL},
        {&k, {.created = T0, .flags = SIGN, .version = 3}, "ok", NULL},
        {&k, {.created = T0, .flags = CERTIFY}, "not-for-signing", NULL},
        {&k, {.created = T0, .flags = SIGN, .spoil = true}, "key-not-valid", NULL},
        {&k,
         {.created = T0, .flags = SIGN, .lifetime = DAY},
         "key-not-valid",
         "good"},                                                                    /* gpgv does not look */
        {&k, {.created = T0, .flags = SIGN, .critical = 20}, "key-not-valid", NULL}, /* a critical notation */
        {&other, {.created = T0, .flags = SIGN}, "key-not-valid", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_BUF ring = {0}, sig = {0};
        make_primary(&ring, &k);
        make_uid(&ring, &k, rows[i].by, rows[i].sig);
        make_sig(&sig, &k, (struct make_sig){.created = T0 + DAY}, TEXT);
        expect(buf_view(&ring), buf_view(&sig), TEXT, NOW, "good", rows[i].policy, rows[i].gpgv);
    }
    make_key_free(&k);
    make_key_free(&other);
}

/* Version 3 signatures, which archives of rpms still make, and a version 3 key. */
static void version_3(void)
{
    AUTO_BUF ring = {0}, sig = {0}, wrong = {0}, old_ring = {0}, old_sig = {0};
    struct make_key k = signer("rsa", &ring), old = make_key_v("rsa", T0, 3);
    make_sig(&sig, &k, (struct make_sig){.created = T0 + DAY, .version = 3}, TEXT);
    make_sig(&wrong, &k, (struct make_sig){.created = T0 + DAY, .version = 3, .spoil = true}, TEXT);
    expect(buf_view(&ring), buf_view(&sig), TEXT, NOW, "good", "ok", NULL);
    expect(buf_view(&ring), buf_view(&wrong), TEXT, NOW, "bad", "-", NULL);
    make_primary(&old_ring, &old);
    make_uid(&old_ring, &old, &old, (struct make_sig){.created = T0, .version = 3, .hash = SHA1});
    make_sig(&old_sig, &old, (struct make_sig){.created = T0 + DAY, .version = 3}, TEXT);
    expect(buf_view(&old_ring), buf_view(&old_sig), TEXT, NOW, "good", "ok",
           "unknown"); /* gpgv 2.2 drops such keys */
    make_key_free(&k);
    make_key_free(&old);
}

static void text_signatures(void)
{
    AUTO_BUF ring = {0}, sig = {0}, binary = {0};
    struct make_key k = signer("ed25519-legacy", &ring);
    struct make_sig text = {.type = OPENPGP_TYPE_TEXT, .created = T0 + DAY},
                    other = {.type = 0x02, .created = T0 + DAY};
    make_sig(&sig, &k, text, STR("one\r\ntwo \r\n\r\nthree"));
    expect(buf_view(&ring), buf_view(&sig), STR("one\ntwo \n\nthree"), NOW, "good", "ok", NULL);
    expect(buf_view(&ring), buf_view(&sig), STR("one\r\ntwo \n\nthree"), NOW, "good", "ok", NULL);
    expect(buf_view(&ring), buf_view(&sig), STR("one\ntwo\n\nthree"), NOW, "bad", "-", NULL);
    expect(buf_view(&ring), buf_view(&sig), STR("one\ntwo \n\nthree\n"), NOW, "bad", "-", NULL);
    make_sig(&binary, &k, other, TEXT);
    expect(buf_view(&ring), buf_view(&binary), TEXT, NOW, "unsupported", "-", NULL);
    make_key_free(&k);
}

int main(void)
{
    have_gpgv = gpgv_present();
    if (!have_gpgv)
        printf("skipped - made_signatures_against_gpgv: no gpgv\n");
    RUN(algorithms);
    RUN(digests);
    RUN(several_signatures);
    RUN(too_many_signatures);
    RUN(ranges);
    RUN(times);
    RUN(revocations);
    RUN(subkeys);
    RUN(self_signatures);
    RUN(version_3);
    RUN(text_signatures);
    gpgv_clean();
    return test_done();
}
