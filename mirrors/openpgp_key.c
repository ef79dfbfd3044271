/* Certificates: keys, the signatures that hold them together, and what follows from them (RFC 9580
   sections 5.2.3, 5.5, 10.1). A designated revoker's revocations (section 5.2.3.23) are not looked for. */
#include "mirrors/openpgp_int.h"

#include <stdlib.h>

#include "base/mem.h"

/* Reasons for revocation that leave older signatures valid (section 5.2.3.31); any other may mean a stolen
   key, whose thief dates signatures as he likes. */
enum { REASON_SUPERSEDED = 1, REASON_RETIRED = 3 };

static bool hash_once(unsigned id, const void *p, size_t n, const void *p2, size_t n2, uint8_t *out)
{
    EVP_MD_CTX *c = openpgp_crypto_hash_new(openpgp_crypto_hash(id));
    bool ok = c != NULL && EVP_DigestUpdate(c, p, n) == 1 && EVP_DigestUpdate(c, p2, n2) == 1 &&
              EVP_DigestFinal_ex(c, out, NULL) == 1;
    EVP_MD_CTX_free(c);
    return ok;
}

/* Section 5.5.4. */
static bool fingerprint(struct openpgp_key *k, struct str numbers)
{
    struct str n, e;
    if (k->version == 4) {
        const uint8_t head[3] = {0x99, (uint8_t)(k->body.n >> 8), (uint8_t)k->body.n};
        k->fpr_n = 20;
        if (!hash_once(2, head, sizeof head, k->body.p, k->body.n, k->fpr))
            return false;
        memcpy(k->id, k->fpr + 12, 8);
        return true;
    }
    k->fpr_n = 16;
    if (!openpgp_packet_mpi(&numbers, &n) || !openpgp_packet_mpi(&numbers, &e) || n.n < 8 ||
        !hash_once(1, n.p, n.n, e.p, e.n, k->fpr))
        return false;
    memcpy(k->id, n.p + n.n - 8, 8);
    return true;
}

bool openpgp_key_parse(struct str body, struct openpgp_key *k, const char **why)
{
    uint32_t created, days = 0, alg;
    struct str in = body;
    *k = (struct openpgp_key){.body = body};
    *why = "key packet cut off";
    if (!openpgp_packet_num(&in, 1, &k->version))
        return false;
    if (k->version == 2) /* the same as 3 */
        k->version = 3;
    if (k->version != 3 && k->version != 4) {
        *why = k->version == 6 ? "key version 6 is not supported" : "unknown key version";
        return false;
    }
    if (!openpgp_packet_num(&in, 4, &created) || (k->version == 3 && !openpgp_packet_num(&in, 2, &days)) ||
        !openpgp_packet_num(&in, 1, &alg) || body.n > 0xffff)
        return false;
    k->created = created;
    k->v3_lifetime = (int64_t)days * 24 * 3600;
    k->alg = alg;
    *why = "key numbers cannot be read";
    if (!fingerprint(k, in))
        return false;
    k->pkey = openpgp_crypto_key(alg, in, &k->bits);
    return true;
}

void openpgp_key_hash(const struct openpgp_key *k, EVP_MD_CTX *c)
{
    const uint8_t head[3] = {0x99, (uint8_t)(k->body.n >> 8), (uint8_t)k->body.n};
    EVP_DigestUpdate(c, head, sizeof head);
    EVP_DigestUpdate(c, k->body.p, k->body.n);
}

bool openpgp_key_matches(const struct openpgp_key *k, const struct openpgp_sigpkt *s)
{
    if (s->issuer_fpr.n > 0)
        return s->issuer_fpr.n == k->fpr_n && memcmp(s->issuer_fpr.p, k->fpr, k->fpr_n) == 0;
    return memcmp(s->issuer, k->id, sizeof k->id) == 0;
}

static void hash_part(const struct openpgp_part *p, unsigned sig_version, EVP_MD_CTX *c)
{
    size_t n = p->body.n;
    const uint8_t head[5] = {p->tag == OPENPGP_TAG_USER_ID ? 0xb4 : 0xd1, (uint8_t)(n >> 24),
                             (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    if (p->tag == OPENPGP_TAG_PUBLIC_KEY)
        return;
    if (p->tag == OPENPGP_TAG_SUBKEY) {
        openpgp_key_hash(&p->key, c);
        return;
    }
    if (sig_version > 3)
        EVP_DigestUpdate(c, head, sizeof head);
    EVP_DigestUpdate(c, p->body.p, n);
}

/* Is s over the primary key and the part, made by key? */
static bool verify_over(const struct openpgp_cert *c, const struct openpgp_part *part,
                        const struct openpgp_sigpkt *s, const struct openpgp_key *key)
{
    const struct openpgp_hash *h = openpgp_crypto_hash(s->hash);
    if (h == NULL || !h->for_keys || s->alg != key->alg)
        return false;
    EVP_MD_CTX *md = openpgp_crypto_hash_new(h);
    if (md == NULL)
        return false;
    openpgp_key_hash(&c->parts[0].key, md);
    hash_part(part, s->version, md);
    enum openpgp_crypto r = openpgp_sig_verify(s, key->pkey, md);
    EVP_MD_CTX_free(md);
    return r == OPENPGP_GOOD;
}

static bool type_fits(unsigned tag, unsigned type)
{
    if (tag == OPENPGP_TAG_USER_ID || tag == OPENPGP_TAG_ATTRIBUTE)
        return (type >= OPENPGP_TYPE_CERT && type <= OPENPGP_TYPE_CERT_LAST) ||
               type == OPENPGP_TYPE_CERT_REVOCATION;
    if (tag == OPENPGP_TAG_SUBKEY)
        return type == OPENPGP_TYPE_BINDING || type == OPENPGP_TYPE_SUBKEY_REVOCATION;
    return type == OPENPGP_TYPE_DIRECT || type == OPENPGP_TYPE_KEY_REVOCATION;
}

/* A subkey that signs must say itself that it belongs to the primary key, or anyone could adopt a foreign
 * one. */
static void check_back(const struct openpgp_cert *c, const struct openpgp_part *sub,
                       struct openpgp_self *self)
{
    struct openpgp_sigpkt back;
    if (self->pkt.embedded.n == 0 || openpgp_sig_parse(self->pkt.embedded, &back) != OPENPGP_GOOD ||
        back.type != OPENPGP_TYPE_BACK)
        return;
    self->back = verify_over(c, sub, &back, &sub->key);
    self->back_expires = back.lifetime > 0 ? back.created + back.lifetime : INT64_MAX;
}

void openpgp_key_attach(struct openpgp_cert *c, struct openpgp_part *part, struct str body)
{
    static const uint8_t none[8];
    struct openpgp_part *primary = &c->parts[0];
    struct openpgp_self self = {.back_expires = INT64_MAX};
    if (openpgp_sig_parse(body, &self.pkt) != OPENPGP_GOOD)
        return;
    if (type_fits(OPENPGP_TAG_PUBLIC_KEY, self.pkt.type)) /* wherever it stands */
        part = primary;
    if (part == NULL || !type_fits(part->tag, self.pkt.type))
        return;
    bool anonymous = self.pkt.issuer_fpr.n == 0 && memcmp(self.pkt.issuer, none, sizeof none) == 0;
    if (!anonymous && !openpgp_key_matches(&primary->key, &self.pkt))
        return;
    if (c->selfs++ >= OPENPGP_MAX_SELF_SIGS || !verify_over(c, part, &self.pkt, &primary->key))
        return;
    if (self.pkt.type == OPENPGP_TYPE_BINDING)
        check_back(c, part, &self);
    part->selfs = mem_grow(part->selfs, part->n + 1, sizeof *part->selfs);
    part->selfs[part->n++] = self;
}

/* The newest signature of these types that is in force at `now`; of two made in one second, the later in the
 * file. */
static const struct openpgp_self *newest(const struct openpgp_part *p, unsigned first, unsigned last,
                                         int64_t now)
{
    const struct openpgp_self *best = NULL;
    for (size_t i = 0; i < p->n; i++) {
        const struct openpgp_sigpkt *s = &p->selfs[i].pkt;
        if (s->type < first || s->type > last || s->created > now + OPENPGP_CLOCK_SLACK ||
            (s->lifetime > 0 && s->created + s->lifetime <= now))
            continue;
        if (best == NULL || s->created >= best->pkt.created)
            best = &p->selfs[i];
    }
    return best;
}

/* The certification of the primary user id, or else the newest of any. */
static const struct openpgp_self *user_id(const struct openpgp_cert *c, int64_t now)
{
    const struct openpgp_self *best = NULL;
    for (size_t i = 1; i < c->n; i++) {
        const struct openpgp_part *p = &c->parts[i];
        if (p->tag != OPENPGP_TAG_USER_ID)
            continue;
        const struct openpgp_self *s = newest(p, OPENPGP_TYPE_CERT, OPENPGP_TYPE_CERT_LAST, now);
        const struct openpgp_self *gone =
            newest(p, OPENPGP_TYPE_CERT_REVOCATION, OPENPGP_TYPE_CERT_REVOCATION, now);
        if (s == NULL || (gone != NULL && gone->pkt.created >= s->pkt.created))
            continue;
        if (best == NULL || s->pkt.primary_uid > best->pkt.primary_uid ||
            (s->pkt.primary_uid == best->pkt.primary_uid && s->pkt.created >= best->pkt.created))
            best = s;
    }
    return best;
}

static bool revoked(const struct openpgp_part *p, unsigned type, int64_t sig_time)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct openpgp_sigpkt *s = &p->selfs[i].pkt;
        bool soft = s->reason == REASON_SUPERSEDED || s->reason == REASON_RETIRED;
        if (s->type == type && (!soft || sig_time >= s->created))
            return true;
    }
    return false;
}

static bool expired(const struct openpgp_key *k, const struct openpgp_self *s, int64_t at)
{
    return s != NULL && s->pkt.key_lifetime > 0 && k->created + s->pkt.key_lifetime <= at;
}

static enum openpgp_policy subkey_policy(const struct openpgp_part *p, int64_t sig_time, int64_t now,
                                         int64_t at)
{
    const struct openpgp_self *bound = newest(p, OPENPGP_TYPE_BINDING, OPENPGP_TYPE_BINDING, now);
    if (bound == NULL)
        return OPENPGP_KEY_NOT_VALID;
    if (revoked(p, OPENPGP_TYPE_SUBKEY_REVOCATION, sig_time))
        return OPENPGP_KEY_REVOKED;
    if (expired(&p->key, bound, at))
        return OPENPGP_KEY_EXPIRED;
    if (bound->pkt.has_flags && !(bound->pkt.flags & OPENPGP_FLAG_SIGN))
        return OPENPGP_NOT_FOR_SIGNING;
    return bound->back && bound->back_expires > at ? OPENPGP_OK : OPENPGP_KEY_NOT_VALID;
}

/* Expiry is read from the direct-key signature and from the primary user id's: whichever ends the key ends
   it. Flags: the user id's first, as GnuPG writes them; a key without any may do what its algorithm can. */
enum openpgp_policy openpgp_key_policy(const struct openpgp_cert *c, const struct openpgp_part *part,
                                       int64_t sig_time, int64_t now, int64_t at)
{
    const struct openpgp_part *primary = &c->parts[0];
    const struct openpgp_self *direct = newest(primary, OPENPGP_TYPE_DIRECT, OPENPGP_TYPE_DIRECT, now);
    const struct openpgp_self *uid = user_id(c, now);
    if (direct == NULL && uid == NULL)
        return OPENPGP_KEY_NOT_VALID;
    if (revoked(primary, OPENPGP_TYPE_KEY_REVOCATION, sig_time))
        return OPENPGP_KEY_REVOKED;
    if (expired(&primary->key, direct, at) || expired(&primary->key, uid, at) ||
        (primary->key.v3_lifetime > 0 && primary->key.created + primary->key.v3_lifetime <= at))
        return OPENPGP_KEY_EXPIRED;
    if (part != primary)
        return subkey_policy(part, sig_time, now, at);
    const struct openpgp_self *said = uid != NULL && uid->pkt.has_flags ? uid : direct;
    if (said != NULL && said->pkt.has_flags && !(said->pkt.flags & OPENPGP_FLAG_SIGN))
        return OPENPGP_NOT_FOR_SIGNING;
    return OPENPGP_OK;
}

void openpgp_cert_free(struct openpgp_cert *c)
{
    for (size_t i = 0; i < c->n; i++) {
        EVP_PKEY_free(c->parts[i].key.pkey);
        free(c->parts[i].selfs);
    }
    free(c->parts);
    *c = (struct openpgp_cert){0};
}
