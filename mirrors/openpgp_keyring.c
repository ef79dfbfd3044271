/* Keyrings: certificates out of packet streams and armored blocks, merged by their primary key. */
#include "mirrors/openpgp_int.h"

#include <stdlib.h>

#include "base/auto.h"
#include "base/mem.h"

enum { SKIPPED_MAX = 700 }; /* fits an error's line */

struct openpgp_keyring *openpgp_keyring_new(void)
{
    return mem_alloc(sizeof(struct openpgp_keyring));
}

void openpgp_keyring_free(struct openpgp_keyring *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < k->n; i++)
        openpgp_cert_free(&k->certs[i]);
    free(k->certs);
    buf_free(&k->skipped);
    arena_free(&k->arena);
    free(k);
}

size_t openpgp_keyring_count(const struct openpgp_keyring *k)
{
    return k->n;
}

static void skip(struct openpgp_keyring *k, const char *name, const char *why)
{
    if (k->skipped.n < SKIPPED_MAX)
        buf_printf(&k->skipped, "%s%.200s: %.200s", k->skipped.n > 0 ? "; " : "", name, why);
}

/* The part of c with the same packet, or NULL. */
static struct openpgp_part *same_part(struct openpgp_cert *c, const struct openpgp_part *p)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->parts[i].tag == p->tag && str_eq(c->parts[i].body, p->body))
            return &c->parts[i];
    return NULL;
}

static struct openpgp_part *add_part(struct openpgp_cert *c, struct openpgp_part p)
{
    c->parts = mem_grow(c->parts, c->n + 1, sizeof *c->parts);
    c->parts[c->n] = p;
    return &c->parts[c->n++];
}

static void merge_selfs(struct openpgp_part *to, const struct openpgp_part *from)
{
    for (size_t i = 0; i < from->n; i++) {
        bool have = false;
        for (size_t j = 0; j < to->n; j++)
            have = have || str_eq(to->selfs[j].pkt.raw, from->selfs[i].pkt.raw);
        if (have)
            continue;
        to->selfs = mem_grow(to->selfs, to->n + 1, sizeof *to->selfs);
        to->selfs[to->n++] = from->selfs[i];
    }
}

/* Takes the certificate into the keyring. */
static void finish(struct openpgp_keyring *k, struct openpgp_cert *c)
{
    struct openpgp_cert *to = NULL;
    for (size_t i = 0; i < k->n && to == NULL; i++)
        if (str_eq(k->certs[i].parts[0].body, c->parts[0].body))
            to = &k->certs[i];
    if (to == NULL) {
        k->certs = mem_grow(k->certs, k->n + 1, sizeof *k->certs);
        k->certs[k->n++] = *c;
        *c = (struct openpgp_cert){0};
        return;
    }
    for (size_t i = 0; i < c->n; i++) {
        struct openpgp_part *p = &c->parts[i], *have = same_part(to, p);
        if (have != NULL) {
            merge_selfs(have, p);
        } else if (to->n < OPENPGP_MAX_PARTS) {
            add_part(to, *p);
            p->selfs = NULL; /* moved */
            p->key.pkey = NULL;
        }
    }
    openpgp_cert_free(c);
}

struct reading {
    struct openpgp_keyring *k;
    const char *name;
    struct openpgp_cert cert; /* n 0: none open; its packets are left out */
    size_t part;              /* that signatures follow; SIZE_MAX: none we know */
    size_t found;
};

static void drop(struct reading *r, const char *why)
{
    skip(r->k, r->name, why);
    openpgp_cert_free(&r->cert);
}

static void end_cert(struct reading *r)
{
    if (r->cert.n == 0)
        return;
    if (r->cert.selfs > OPENPGP_MAX_SELF_SIGS) {
        drop(r, "more self-signatures than any real key has");
        return;
    }
    finish(r->k, &r->cert);
    r->found++;
}

static void begin_cert(struct reading *r, struct str body)
{
    struct openpgp_part p = {.tag = OPENPGP_TAG_PUBLIC_KEY, .body = body};
    const char *why;
    end_cert(r);
    if (r->k->n >= OPENPGP_MAX_CERTS) {
        drop(r, "more certificates than a keyring may have");
        return;
    }
    if (!openpgp_key_parse(body, &p.key, &why)) {
        drop(r, why);
        return;
    }
    if (p.key.pkey == NULL) {
        drop(r, "primary key of an algorithm, curve or size that is not supported");
        return;
    }
    add_part(&r->cert, p);
    r->part = 0;
}

static void refuse_secret(struct reading *r)
{
    end_cert(r);
    skip(r->k, r->name, "a secret key, expected public ones");
}

static void more_cert(struct reading *r, const struct openpgp_packet *p)
{
    struct openpgp_part part = {.tag = p->tag, .body = p->body};
    const char *why;
    bool key = p->tag == OPENPGP_TAG_SUBKEY,
         id = p->tag == OPENPGP_TAG_USER_ID || p->tag == OPENPGP_TAG_ATTRIBUTE;
    if (p->tag == OPENPGP_TAG_SIGNATURE) {
        openpgp_key_attach(&r->cert, r->part < r->cert.n ? &r->cert.parts[r->part] : NULL, p->body);
        return;
    }
    if (!key && !id) /* trust packets and what others add */
        return;
    r->part = SIZE_MAX;
    if (r->cert.n >= OPENPGP_MAX_PARTS || (key && !openpgp_key_parse(p->body, &part.key, &why)))
        return;
    r->part = r->cert.n;
    add_part(&r->cert, part);
}

/* Reads a packet stream that lives in the keyring's arena; returns the number of certificates. */
static size_t add_packets(struct openpgp_keyring *k, const char *name, struct str in)
{
    struct reading r = {.k = k, .name = name};
    struct openpgp_packet p;
    int more;
    while ((more = openpgp_packet_next(&in, &p, NULL)) > 0) {
        if (p.tag == OPENPGP_TAG_PUBLIC_KEY)
            begin_cert(&r, p.body);
        else if (p.tag == OPENPGP_TAG_SECRET_KEY)
            refuse_secret(&r);
        else if (r.cert.n > 0)
            more_cert(&r, &p);
    }
    /* What is missing may be a revocation: the certificate that was cut off is not used. */
    if (more < 0)
        drop(&r, "packets cut off or damaged");
    else
        end_cert(&r);
    return r.found;
}

static size_t add_armored(struct openpgp_keyring *k, const char *name, struct str in)
{
    AUTO_BUF block = {0};
    struct str before, label;
    struct err why = {0};
    size_t found = 0;
    int r;
    while ((r = openpgp_armor_next(&in, &before, &label, &block, &why)) != 0) {
        if (r < 0)
            skip(k, name, why.msg);
        else if (!str_is(label, "PUBLIC KEY BLOCK"))
            skip(k, name, "an armored block that holds no public key");
        else
            found += add_packets(k, name, arena_copy(&k->arena, buf_view(&block)));
    }
    return found;
}

int openpgp_keyring_add(struct openpgp_keyring *k, const char *name, struct str bytes, struct err *e)
{
    size_t noted = k->skipped.n;
    bool binary = bytes.n > 0 && (bytes.p[0] & 0x80);
    size_t found = binary ? add_packets(k, name, arena_copy(&k->arena, bytes)) : add_armored(k, name, bytes);
    if (found > 0)
        return 0;
    err_set(e, ERR_TRUST, "%s: no OpenPGP public key that can be used%s%s", name,
            k->skipped.n > noted ? ": " : "",
            k->skipped.n > noted ? k->skipped.p + noted + (noted > 0 ? 2 : 0) : "");
    return err_hint(e, "expected is a keyring of public keys, binary or armored");
}
