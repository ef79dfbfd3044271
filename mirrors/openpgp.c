/* The ways to verify, and the verdict. */
#include "mirrors/openpgp.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/mem.h"
#include "mirrors/openpgp_int.h"

const char *openpgp_crypto_name(enum openpgp_crypto c)
{
    static const char *const names[] = {[OPENPGP_GOOD] = "good",
                                        [OPENPGP_BAD] = "bad",
                                        [OPENPGP_NO_KEY] = "unknown",
                                        [OPENPGP_UNSUPPORTED] = "not supported",
                                        [OPENPGP_MALFORMED] = "malformed"};
    return names[c];
}

const char *openpgp_policy_name(enum openpgp_policy p)
{
    static const char *const names[] = {[OPENPGP_OK] = "ok",
                                        [OPENPGP_KEY_EXPIRED] = "key expired",
                                        [OPENPGP_KEY_REVOKED] = "key revoked",
                                        [OPENPGP_KEY_NOT_VALID] = "key without valid self-signature",
                                        [OPENPGP_NOT_FOR_SIGNING] = "not a signing key",
                                        [OPENPGP_WEAK_DIGEST] = "weak digest",
                                        [OPENPGP_WEAK_KEY] = "weak key",
                                        [OPENPGP_SIG_EXPIRED] = "signature expired",
                                        [OPENPGP_SIG_FUTURE] =
                                            "signature dated in the future or before its key"};
    return names[p];
}

void openpgp_report_free(struct openpgp_report *r)
{
    free(r->sigs);
    *r = (struct openpgp_report){0};
}

bool openpgp_report_wrong(const struct openpgp_report *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->sigs[i].crypto == OPENPGP_BAD || r->sigs[i].crypto == OPENPGP_MALFORMED)
            return true;
    return false;
}

enum { HASH_IDS = 16 };

/* Signed bytes that stand in a file. */
struct range {
    int fd;
    uint64_t off, n;
    bool failed; /* with the error in err */
    struct err err;
};

/* One verification. The data is hashed once per digest and mode, however many signatures stand on it. */
struct check {
    const struct openpgp_keyring *k;
    struct str data;
    struct range *range; /* instead of data; only binary signatures may stand on it */
    bool clear;          /* only text signatures may stand on it */
    int64_t now;
    EVP_MD_CTX *hashed[2][HASH_IDS];
    struct openpgp_report report;
};

/* Line ends as CRLF, section 5.2.1.2. */
static void hash_text(EVP_MD_CTX *c, struct str in)
{
    while (in.n > 0) {
        size_t at = str_chr(in, '\n');
        bool cr = at > 0 && in.p[at - 1] == '\r';
        EVP_DigestUpdate(c, in.p, at);
        if (at < in.n)
            EVP_DigestUpdate(c, cr ? "\n" : "\r\n", cr ? 1 : 2);
        in = str_from(in, at + 1);
    }
}

static void hash_range(EVP_MD_CTX *c, struct range *r)
{
    char chunk[64 * 1024];
    for (uint64_t done = 0; done < r->n && !r->failed;) {
        size_t want = r->n - done < sizeof chunk ? (size_t)(r->n - done) : sizeof chunk;
        ssize_t got = pread(r->fd, chunk, want, (off_t)(r->off + done));
        if (got < 0 && errno == EINTR)
            continue;
        r->failed = got <= 0;
        if (got < 0)
            err_sys(&r->err, ERR_HOST, errno, "cannot read what is signed");
        if (got == 0)
            err_set(&r->err, ERR_TRUST, "what is signed ends early, at byte %llu",
                    (unsigned long long)(r->off + done));
        if (got > 0)
            EVP_DigestUpdate(c, chunk, (size_t)got);
        done += got > 0 ? (uint64_t)got : 0;
    }
}

/* A digest context that has seen the data; free it. NULL: digest not in this OpenSSL. */
static EVP_MD_CTX *hash_data(struct check *c, const struct openpgp_sigpkt *s)
{
    bool text = s->type == OPENPGP_TYPE_TEXT;
    EVP_MD_CTX **kept = &c->hashed[text][s->hash % HASH_IDS], *copy;
    if (*kept == NULL && (*kept = openpgp_crypto_hash_new(openpgp_crypto_hash(s->hash))) != NULL) {
        if (c->range != NULL)
            hash_range(*kept, c->range);
        else if (text)
            hash_text(*kept, c->data);
        else
            EVP_DigestUpdate(*kept, c->data.p, c->data.n);
    }
    if (*kept == NULL || (copy = EVP_MD_CTX_new()) == NULL)
        return NULL;
    if (EVP_MD_CTX_copy_ex(copy, *kept) == 1)
        return copy;
    EVP_MD_CTX_free(copy);
    return NULL;
}

static enum openpgp_crypto verify_with(struct check *c, const struct openpgp_sigpkt *s,
                                       const struct openpgp_key *k)
{
    if (k->pkey == NULL)
        return OPENPGP_UNSUPPORTED;
    if (k->alg != s->alg)
        return OPENPGP_BAD;
    EVP_MD_CTX *md = hash_data(c, s);
    enum openpgp_crypto r = md != NULL ? openpgp_sig_verify(s, k->pkey, md) : OPENPGP_UNSUPPORTED;
    EVP_MD_CTX_free(md);
    return r;
}

static enum openpgp_policy judge(const struct check *c, const struct openpgp_sigpkt *s,
                                 const struct openpgp_cert *cert, const struct openpgp_part *part)
{
    int64_t at = c->range != NULL || s->created > c->now ? s->created : c->now;
    enum openpgp_policy p = openpgp_key_policy(cert, part, s->created, c->now, at);
    if (p != OPENPGP_OK)
        return p;
    if (!openpgp_crypto_hash(s->hash)->for_data)
        return OPENPGP_WEAK_DIGEST;
    if (openpgp_crypto_weak(part->key.alg, part->key.bits))
        return OPENPGP_WEAK_KEY;
    if (s->lifetime > 0 && s->created + s->lifetime <= c->now)
        return OPENPGP_SIG_EXPIRED;
    if (s->created > c->now + OPENPGP_CLOCK_SLACK || s->created < part->key.created)
        return OPENPGP_SIG_FUTURE;
    return OPENPGP_OK;
}

/* Several keys may fit one key id: a good one counts, then one whose verdict says most. */
static int rank(enum openpgp_crypto crypto, enum openpgp_policy policy)
{
    static const int of[] = {[OPENPGP_NO_KEY] = 0,
                             [OPENPGP_UNSUPPORTED] = 1,
                             [OPENPGP_MALFORMED] = 2,
                             [OPENPGP_BAD] = 3,
                             [OPENPGP_GOOD] = 4};
    return of[crypto] + (crypto == OPENPGP_GOOD && policy == OPENPGP_OK);
}

static void try_key(struct check *c, const struct openpgp_sigpkt *s, const struct openpgp_cert *cert,
                    const struct openpgp_part *part, struct openpgp_sig *out)
{
    enum openpgp_crypto crypto = verify_with(c, s, &part->key);
    enum openpgp_policy policy = crypto == OPENPGP_GOOD ? judge(c, s, cert, part) : OPENPGP_OK;
    const struct openpgp_key *primary = &cert->parts[0].key;
    if (rank(crypto, policy) <= rank(out->crypto, out->policy))
        return;
    out->crypto = crypto;
    out->policy = policy;
    out->fingerprint_len = part->key.fpr_n;
    memcpy(out->fingerprint, part->key.fpr, part->key.fpr_n);
    out->primary_len = primary->fpr_n;
    memcpy(out->primary, primary->fpr, primary->fpr_n);
}

static void check_sig(struct check *c, struct str body, struct openpgp_sig *out)
{
    struct openpgp_sigpkt s;
    enum openpgp_crypto read = openpgp_sig_parse(body, &s);
    const struct openpgp_hash *h = openpgp_crypto_hash(s.hash);
    *out = (struct openpgp_sig){.crypto = read, .created = s.created, .digest = h ? h->kind : DIGEST_NONE};
    memcpy(out->key_id, s.issuer, sizeof out->key_id);
    if (read != OPENPGP_GOOD)
        return;
    bool text = s.type == OPENPGP_TYPE_TEXT && c->range == NULL;
    if (!text && (c->clear || s.type != OPENPGP_TYPE_BINARY)) {
        out->crypto = OPENPGP_UNSUPPORTED;
        return;
    }
    out->crypto = OPENPGP_NO_KEY;
    for (size_t i = 0; i < c->k->n; i++)
        for (size_t j = 0; j < c->k->certs[i].n; j++) {
            const struct openpgp_part *p = &c->k->certs[i].parts[j];
            bool key = p->tag == OPENPGP_TAG_PUBLIC_KEY || p->tag == OPENPGP_TAG_SUBKEY;
            if (key && openpgp_key_matches(&p->key, &s))
                try_key(c, &s, &c->k->certs[i], p, out);
        }
}

static int check_packets(struct check *c, struct str sigs, struct err *e)
{
    struct openpgp_packet p;
    int more;
    while ((more = openpgp_packet_next(&sigs, &p, NULL)) > 0) {
        if (p.tag == OPENPGP_TAG_MARKER || p.tag == OPENPGP_TAG_PADDING)
            continue;
        if (p.tag != OPENPGP_TAG_SIGNATURE)
            return err_set(e, ERR_TRUST, "a packet of type %u among the signatures", p.tag);
        if (c->report.n == OPENPGP_MAX_SIGS)
            return err_set(e, ERR_TRUST, "more than %d signatures", OPENPGP_MAX_SIGS);
        c->report.sigs = mem_grow(c->report.sigs, c->report.n + 1, sizeof *c->report.sigs);
        check_sig(c, p.body, &c->report.sigs[c->report.n++]);
    }
    if (more < 0)
        return err_set(e, ERR_TRUST, "signature packets cut off or damaged");
    if (c->report.n == 0)
        return err_set(e, ERR_TRUST, "no signature");
    return 0;
}

static void describe(struct buf *b, const struct openpgp_sig *s)
{
    for (size_t i = 0; i < sizeof s->key_id; i++)
        buf_printf(b, "%02X", s->key_id[i]);
    if (s->crypto != OPENPGP_GOOD)
        buf_printf(b, " %s", openpgp_crypto_name(s->crypto));
    else
        buf_printf(b, " %s", openpgp_policy_name(s->policy));
    if (s->crypto == OPENPGP_GOOD && s->policy == OPENPGP_WEAK_DIGEST && s->digest != DIGEST_NONE)
        buf_printf(b, " %s", digest_name(s->digest));
}

static int verdict(const struct check *c, struct err *e)
{
    AUTO_BUF all = {0}, bad = {0};
    bool trusted = false, unknown = false;
    for (size_t i = 0; i < c->report.n; i++) {
        const struct openpgp_sig *s = &c->report.sigs[i];
        struct buf *b = s->crypto == OPENPGP_BAD ? &bad : &all;
        if (b->n > 0)
            buf_puts(b, ", ");
        describe(b, s);
        trusted = trusted || (s->crypto == OPENPGP_GOOD && s->policy == OPENPGP_OK);
        unknown = unknown || s->crypto == OPENPGP_NO_KEY;
    }
    if (bad.n > 0) {
        err_set(e, ERR_TRUST, "wrong signature by a key of the keyring: %s", buf_c(&bad));
        return err_hint(
            e,
            "the file was changed or cut off on its way, or a mirror was caught in the middle of an update");
    }
    if (trusted)
        return 0;
    err_set(e, ERR_TRUST, "not signed by a trusted key: %s%s%s%s", buf_c(&all),
            unknown && c->k->skipped.n > 0 ? " (skipped keys: " : "",
            unknown && c->k->skipped.n > 0 ? buf_c(&c->k->skipped) : "",
            unknown && c->k->skipped.n > 0 ? ")" : "");
    return unknown ? err_hint(e, "if you trust the key, give the keyring that holds it") : -1;
}

/* Checks and judges; ends c and hands over its report. */
static int run(struct check *c, struct str sigs, struct openpgp_report *report, struct err *e)
{
    int r = check_packets(c, sigs, e);
    if (r == 0 && c->range != NULL && c->range->failed) {
        *e = c->range->err;
        r = -1;
    }
    if (r == 0)
        r = verdict(c, e);
    for (size_t i = 0; i < 2 * HASH_IDS; i++)
        EVP_MD_CTX_free(c->hashed[i / HASH_IDS][i % HASH_IDS]);
    if (report != NULL)
        *report = c->report;
    else
        openpgp_report_free(&c->report);
    return r;
}

static int run_detached(struct check *c, struct str sig, struct openpgp_report *report, struct err *e)
{
    AUTO_BUF sigs = {0};
    if (report != NULL)
        *report = (struct openpgp_report){0};
    if (openpgp_armor_read(sig, "SIGNATURE", &sigs, e) < 0)
        return -1;
    return run(c, buf_view(&sigs), report, e);
}

int openpgp_verify_detached(const struct openpgp_keyring *k, struct str data, struct str sig, int64_t now,
                            struct openpgp_report *report, struct err *e)
{
    struct check c = {.k = k, .data = data, .now = now};
    return run_detached(&c, sig, report, e);
}

int openpgp_verify_range(const struct openpgp_keyring *k, int fd, uint64_t off, uint64_t n, struct str sig,
                         int64_t now, struct openpgp_report *report, struct err *e)
{
    struct range range = {.fd = fd, .off = off, .n = n};
    struct check c = {.k = k, .range = &range, .now = now};
    return run_detached(&c, sig, report, e);
}

int openpgp_verify_clear(const struct openpgp_keyring *k, struct str message, int64_t now, struct buf *body,
                         struct openpgp_report *report, struct err *e)
{
    AUTO_BUF text = {0}, sigs = {0};
    if (report != NULL)
        *report = (struct openpgp_report){0};
    if (openpgp_armor_clear(message, &text, &sigs, e) < 0)
        return -1;
    /* The last line's end belongs to the armor, section 7.1. */
    struct check c = {.k = k, .data = {text.p, text.n > 0 ? text.n - 1 : 0}, .clear = true, .now = now};
    if (run(&c, buf_view(&sigs), report, e) < 0)
        return -1;
    buf_str(body, buf_view(&text));
    return 0;
}

int openpgp_clear_text(struct str message, struct buf *body, struct err *e)
{
    AUTO_BUF text = {0}, sigs = {0};
    if (openpgp_armor_clear(message, &text, &sigs, e) < 0)
        return -1;
    buf_str(body, buf_view(&text));
    return 0;
}

int openpgp_verify_inline(const struct openpgp_keyring *k, struct str message, int64_t now, struct buf *body,
                          struct openpgp_report *report, struct err *e)
{
    AUTO_BUF text = {0}, sigs = {0};
    if (report != NULL)
        *report = (struct openpgp_report){0};
    if (openpgp_inline_split(message, &text, &sigs, e) < 0)
        return -1;
    struct check c = {.k = k, .data = buf_view(&text), .now = now};
    if (run(&c, buf_view(&sigs), report, e) < 0)
        return -1;
    buf_str(body, buf_view(&text));
    return 0;
}
