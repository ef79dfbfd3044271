/* Packet framing (RFC 9580 section 4.2) and the fields inside packets. */
#include "mirrors/openpgp_int.h"

bool openpgp_packet_take(struct str *s, size_t n, struct str *out)
{
    if (s->n < n)
        return false;
    *out = (struct str){s->p, n};
    *s = str_from(*s, n);
    return true;
}

bool openpgp_packet_num(struct str *s, size_t bytes, uint32_t *out)
{
    struct str b;
    if (!openpgp_packet_take(s, bytes, &b))
        return false;
    *out = 0;
    for (size_t i = 0; i < bytes; i++)
        *out = *out << 8 | (uint8_t)b.p[i];
    return true;
}

bool openpgp_packet_mpi(struct str *s, struct str *out)
{
    uint32_t bits;
    if (!openpgp_packet_num(s, 2, &bits) || bits > OPENPGP_MAX_MPI_BITS ||
        !openpgp_packet_take(s, (bits + 7) / 8, out))
        return false;
    while (out->n > 0 && out->p[0] == 0)
        *out = str_from(*out, 1);
    return true;
}

/* A new-format length: 1 whole, 2 partial (more follows), -1 malformed. */
static int new_length(struct str *in, size_t *len)
{
    uint32_t a, b;
    if (!openpgp_packet_num(in, 1, &a))
        return -1;
    if (a < 192) {
        *len = a;
    } else if (a < 224) {
        if (!openpgp_packet_num(in, 1, &b))
            return -1;
        *len = ((a - 192) << 8) + b + 192;
    } else if (a < 255) {
        *len = (size_t)1 << (a & 31);
        return 2;
    } else {
        if (!openpgp_packet_num(in, 4, &b))
            return -1;
        *len = b;
    }
    return 1;
}

static bool is_data(unsigned tag)
{
    return tag == OPENPGP_TAG_LITERAL || tag == OPENPGP_TAG_COMPRESSED;
}

static int new_body(struct str *in, struct openpgp_packet *p, struct buf *joined)
{
    size_t len;
    int more = new_length(in, &len);
    if (more == 1)
        return openpgp_packet_take(in, len, &p->body) ? 1 : -1;
    if (more < 0 || joined == NULL || !is_data(p->tag))
        return -1;
    buf_clear(joined);
    for (;;) {
        struct str part;
        if (!openpgp_packet_take(in, len, &part))
            return -1;
        buf_str(joined, part);
        if (more == 1)
            break;
        if ((more = new_length(in, &len)) < 0)
            return -1;
    }
    p->body = buf_view(joined);
    return 1;
}

static int old_body(struct str *in, unsigned type, struct openpgp_packet *p)
{
    uint32_t len;
    if (type == 3) { /* to the end of the input */
        p->body = *in;
        *in = str_from(*in, in->n);
        return is_data(p->tag) ? 1 : -1;
    }
    if (!openpgp_packet_num(in, (size_t)1 << type, &len))
        return -1;
    return openpgp_packet_take(in, len, &p->body) ? 1 : -1;
}

int openpgp_packet_next(struct str *in, struct openpgp_packet *p, struct buf *joined)
{
    uint32_t head;
    if (!openpgp_packet_num(in, 1, &head))
        return 0;
    if (!(head & 0x80))
        return -1;
    p->tag = head & 0x40 ? head & 63 : head >> 2 & 15;
    if (p->tag == 0)
        return -1;
    return head & 0x40 ? new_body(in, p, joined) : old_body(in, head & 3, p);
}
