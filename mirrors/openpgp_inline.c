/* Inline-signed messages (RFC 9580 section 10.3): one-pass packets, literal data, signatures; or the older
   signatures, literal data. */
#include "mirrors/openpgp_int.h"

#include "base/auto.h"

struct walk {
    struct buf *text, *sigs;
    size_t one_passes, before, after; /* before and after the literal data: signatures */
    bool literal, last;               /* last: the one-pass packet that says so was seen */
};

static const char *literal_data(struct walk *w, struct str in)
{
    uint32_t format, name, date;
    struct str skipped;
    if (w->literal)
        return "two texts in one message";
    if (!openpgp_packet_num(&in, 1, &format) || !openpgp_packet_num(&in, 1, &name) ||
        !openpgp_packet_take(&in, name, &skipped) || !openpgp_packet_num(&in, 4, &date))
        return "literal data cut off";
    w->literal = true;
    buf_str(w->text, in);
    return NULL;
}

/* Signatures are packed again with a five-byte length. */
static void keep_sig(struct walk *w, struct str body)
{
    const uint8_t head[6] = {0xc0 | OPENPGP_TAG_SIGNATURE, 0xff,
                             (uint8_t)(body.n >> 24),      (uint8_t)(body.n >> 16),
                             (uint8_t)(body.n >> 8),       (uint8_t)body.n};
    buf_add(w->sigs, head, sizeof head);
    buf_str(w->sigs, body);
    if (w->literal)
        w->after++;
    else
        w->before++;
}

/* The packet's last byte is 0 when another one-pass packet signs the same data. */
static const char *one_pass(struct walk *w, struct str body)
{
    if (w->literal || w->last || body.n == 0)
        return "nested or misplaced one-pass signatures";
    w->last = body.p[body.n - 1] != 0;
    w->one_passes++;
    return NULL;
}

static const char *step(struct walk *w, const struct openpgp_packet *p)
{
    switch (p->tag) {
    case OPENPGP_TAG_MARKER:
    case OPENPGP_TAG_PADDING:
        return NULL;
    case OPENPGP_TAG_ONE_PASS:
        return one_pass(w, p->body);
    case OPENPGP_TAG_LITERAL:
        return literal_data(w, p->body);
    case OPENPGP_TAG_SIGNATURE:
        keep_sig(w, p->body);
        return NULL;
    case OPENPGP_TAG_COMPRESSED:
        return "compressed messages are refused";
    }
    return "neither signature nor literal data";
}

static const char *walk_packets(struct walk *w, struct str in)
{
    AUTO_BUF joined = {0};
    struct openpgp_packet p;
    const char *why = NULL;
    int more;
    while (why == NULL && (more = openpgp_packet_next(&in, &p, &joined)) != 0)
        why = more < 0 ? "packets cut off or damaged" : step(w, &p);
    if (why != NULL)
        return why;
    if (!w->literal)
        return "no text in it";
    if (w->before > 0 ? w->one_passes > 0 || w->after > 0 : w->after != w->one_passes)
        return "signatures and one-pass packets do not pair";
    return w->one_passes > 0 && !w->last ? "its last one-pass packet is missing" : NULL;
}

int openpgp_inline_split(struct str message, struct buf *text, struct buf *sigs, struct err *e)
{
    AUTO_BUF bytes = {0};
    struct walk w = {.text = text, .sigs = sigs};
    if (openpgp_armor_read(message, "MESSAGE", &bytes, e) < 0)
        return err_wrap(e, "inline-signed message");
    const char *why = walk_packets(&w, buf_view(&bytes));
    if (why != NULL)
        return err_set(e, ERR_TRUST, "inline-signed message: %s", why);
    return 0;
}
