/* ASCII armor (RFC 9580 section 6) and the cleartext signature framework (section 7). Stricter than both: one
   reading of a file must be possible, so anything that other readers might see differently is refused. */
#include "mirrors/openpgp_int.h"

#include "base/auto.h"

static struct str right_trim(struct str s)
{
    while (s.n > 0 &&
           (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n'))
        s.n--;
    return s;
}

/* `-----BEGIN PGP LABEL-----`; label may be NULL. */
static bool is_frame(struct str line, struct str start, struct str *label)
{
    static const struct str dashes = {"-----", 5};
    line = right_trim(line);
    if (!str_starts(line, start) || line.n <= start.n + dashes.n || !str_ends(line, dashes))
        return false;
    if (label != NULL)
        *label = (struct str){line.p + start.n, line.n - start.n - dashes.n};
    return true;
}

static bool is_begin(struct str line, struct str *label)
{
    return is_frame(line, STR("-----BEGIN PGP "), label);
}

static int value64(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

struct radix {
    uint32_t bits;
    unsigned chars, pads; /* of the open group of four */
    bool ended;           /* by padding */
    struct buf *out;
};

/* One character; false when it cannot stand here. The bits that padding leaves over must be zero: one text,
 * one meaning. */
static bool radix_char(struct radix *r, char c)
{
    int v = value64(c);
    if (c == '=' && r->chars + r->pads >= 2 && !r->ended) {
        r->pads++;
    } else if (v >= 0 && r->pads == 0 && !r->ended) {
        r->bits = r->bits << 6 | (uint32_t)v;
        r->chars++;
    } else {
        return false;
    }
    if (r->chars + r->pads < 4)
        return true;
    r->bits <<= 6 * r->pads;
    if (r->bits & ((1u << 8 * r->pads) - 1))
        return false;
    for (unsigned i = 0; i < 3 - r->pads; i++)
        buf_putc(r->out, (char)(r->bits >> (16 - 8 * i) & 0xff));
    r->ended = r->pads > 0;
    r->bits = r->chars = r->pads = 0;
    return true;
}

static bool radix_line(struct radix *r, struct str line)
{
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] != ' ' && line.p[i] != '\t' && !radix_char(r, line.p[i]))
            return false;
    return true;
}

/* Section 6.1.1. */
static uint32_t crc24(struct str s)
{
    uint32_t crc = 0xb704ce;
    for (size_t i = 0; i < s.n; i++) {
        crc ^= (uint32_t)(uint8_t)s.p[i] << 16;
        for (int bit = 0; bit < 8; bit++) {
            crc <<= 1;
            if (crc & 0x1000000)
                crc ^= 0x1864cfb;
        }
    }
    return crc & 0xffffff;
}

static bool crc_right(struct str line, struct str data)
{
    char room[4];
    struct buf b = {.p = room, .cap = sizeof room}; /* three bytes and the NUL: never grows */
    struct radix r = {.out = &b};
    if (line.n != 5 || !radix_line(&r, str_from(line, 1)) || b.n != 3)
        return false;
    uint32_t crc = (uint32_t)(uint8_t)room[0] << 16 | (uint32_t)(uint8_t)room[1] << 8 | (uint8_t)room[2];
    return crc == crc24(data);
}

/* `Key: value` lines up to a blank one. */
static bool skip_headers(struct str *in)
{
    struct str line;
    while (str_line(in, &line)) {
        line = right_trim(line);
        if (line.n == 0)
            return true;
        size_t colon = str_chr(line, ':');
        if (colon == 0 || colon == line.n || str_chr(line, ' ') < colon)
            return false;
    }
    return false;
}

/* From behind the BEGIN line to behind the END line. */
static const char *read_block(struct str *in, struct str label, struct buf *data)
{
    struct radix r = {.out = data};
    struct str line, end;
    bool crc = false;
    if (!skip_headers(in))
        return "headers without an empty line behind them";
    while (str_line(in, &line)) {
        line = right_trim(line);
        if (is_frame(line, STR("-----END PGP "), &end)) {
            if (r.chars + r.pads > 0)
                return "base64 cut off";
            return str_eq(end, label) ? NULL : "END line of another block";
        }
        if (line.n == 0)
            continue;
        if (crc)
            return "text behind the checksum";
        if (line.p[0] == '=' && r.chars + r.pads == 0) {
            if (!crc_right(line, buf_view(data)))
                return "wrong checksum";
            crc = true;
        } else if (!radix_line(&r, line)) {
            return "not base64";
        }
    }
    return "no END line";
}

int openpgp_armor_next(struct str *in, struct str *before, struct str *label, struct buf *data, struct err *e)
{
    const char *start = in->p;
    struct str line;
    for (;;) {
        const char *at = in->p;
        if (!str_line(in, &line)) {
            *before = (struct str){start, start ? (size_t)(in->p - start) : 0};
            return 0;
        }
        if (is_begin(line, label)) {
            *before = (struct str){start, (size_t)(at - start)};
            break;
        }
    }
    struct str rest = *in;
    buf_clear(data);
    const char *why =
        str_is(*label, "SIGNED MESSAGE") ? "not armor but cleartext" : read_block(&rest, *label, data);
    if (why != NULL)
        return err_set(e, ERR_TRUST, "armored %" STR_FMT ": %s", STR_ARG(*label), why);
    *in = rest;
    return 1;
}

int openpgp_armor_read(struct str in, const char *label, struct buf *data, struct err *e)
{
    AUTO_BUF block = {0};
    struct str before, got;
    size_t blocks = 0;
    int r;
    if (in.n > 0 && (in.p[0] & 0x80)) {
        buf_str(data, in);
        return 0;
    }
    while ((r = openpgp_armor_next(&in, &before, &got, &block, e)) > 0) {
        if (str_trim(before).n > 0)
            return err_set(e, ERR_TRUST, "text outside the armored %s", label);
        if (!str_is(got, label))
            return err_set(e, ERR_TRUST, "a PGP %" STR_FMT ", expected a PGP %s", STR_ARG(got), label);
        buf_str(data, buf_view(&block));
        blocks++;
    }
    if (r < 0)
        return -1;
    if (blocks == 0)
        return err_set(e, ERR_TRUST, "no PGP %s, binary or armored", label);
    if (str_trim(before).n > 0)
        return err_set(e, ERR_TRUST, "text outside the armored %s", label);
    return 0;
}

/* Only Hash headers may stand there (section 7): anything else is text that looks signed and is not. The
   names themselves are ignored; each signature says its digest. */
static bool skip_hash_headers(struct str *in)
{
    struct str line;
    while (str_line(in, &line)) {
        line = right_trim(line);
        if (line.n == 0)
            return true;
        if (!str_starts(line, STR("Hash: ")))
            return false;
        for (size_t i = 6; i < line.n; i++)
            if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-, ", line.p[i]) == NULL || line.p[i] == '\0')
                return false;
    }
    return false;
}

/* The lines up to the signature's BEGIN line, which is left in *in. */
static const char *clear_text(struct str *in, struct buf *text)
{
    struct str line, label;
    for (;;) {
        struct str here = *in;
        if (!str_line(in, &line))
            return "no signature below the text";
        if (is_begin(line, &label)) {
            *in = here;
            return str_is(label, "SIGNATURE") ? NULL : "another block inside the text";
        }
        if (str_starts(line, STR("- ")))
            line = str_from(line, 2);
        else if (str_starts(line, STR("-")))
            return "a line starts with an unescaped dash";
        buf_str(text, right_trim(line));
        buf_putc(text, '\n');
    }
}

int openpgp_armor_clear(struct str message, struct buf *text, struct buf *sigs, struct err *e)
{
    struct str line = {0}, label, before;
    const char *why = NULL;
    if (!str_line(&message, &line) || !is_begin(line, &label) || !str_is(label, "SIGNED MESSAGE"))
        return err_set(
            e, ERR_TRUST,
            "not a cleartext-signed message: the first line must be `-----BEGIN PGP SIGNED MESSAGE-----'");
    if (!skip_hash_headers(&message))
        why = "a header other than Hash, or no empty line";
    else
        why = clear_text(&message, text);
    if (why != NULL)
        return err_set(e, ERR_TRUST, "cleartext-signed message: %s", why);
    if (openpgp_armor_next(&message, &before, &label, sigs, e) != 1)
        return -1;
    if (str_trim(message).n > 0)
        return err_set(e, ERR_TRUST, "cleartext-signed message: text behind the signature");
    return 0;
}
