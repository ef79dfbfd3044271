#include "pkgfmt/rpm_key.h"

#include <stdint.h>

/* RFC 9580, section 6.1.1 */
static uint32_t crc24(struct str s)
{
    uint32_t crc = 0xb704ce;
    for (size_t i = 0; i < s.n; i++) {
        crc ^= (uint32_t)(unsigned char)s.p[i] << 16;
        for (int bit = 0; bit < 8; bit++) {
            crc <<= 1;
            if (crc & 0x1000000)
                crc ^= 0x1864cfb;
        }
    }
    return crc & 0xffffff;
}

/* RFC 4648, with a line end every 64 letters. */
static void base64(struct str s, struct buf *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.n; i += 3) {
        size_t n = s.n - i < 3 ? s.n - i : 3;
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (k < n ? (unsigned char)s.p[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_putc(out, k <= n ? letters[v >> (18 - 6 * k) & 63] : '=');
        if (i % 48 == 45 || i + 3 >= s.n)
            buf_putc(out, '\n');
    }
}

static void armor(struct str cert, struct buf *out)
{
    uint32_t crc = crc24(cert);
    const char sum[3] = {(char)(crc >> 16), (char)(crc >> 8 & 0xff), (char)(crc & 0xff)};
    buf_puts(out, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n");
    base64(cert, out);
    buf_putc(out, '=');
    base64((struct str){sum, sizeof sum}, out);
    buf_puts(out, "-----END PGP PUBLIC KEY BLOCK-----\n");
}

/* Length of the packet at the start of s, its head included; 0: malformed, or of unknown length (RFC 9580,
   section 4.2). */
static size_t packet(struct str s, unsigned *type)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t head, n = 0;
    if (s.n < 2 || !(p[0] & 0x80))
        return 0;
    if (p[0] & 0x40) {
        *type = p[0] & 0x3f;
        head = p[1] < 192 ? 2 : p[1] < 224 ? 3 : p[1] == 255 ? 6 : 0;
    } else {
        static const size_t heads[] = {2, 3, 5, 0};
        *type = p[0] >> 2 & 0x0f;
        head = heads[p[0] & 3];
    }
    if (head == 0 || head > s.n)
        return 0;
    if ((p[0] & 0x40) && head == 3)
        n = ((size_t)(p[1] - 192) << 8) + p[2] + 192;
    else
        for (size_t i = (p[0] & 0x40) && head == 6 ? 2 : 1; i < head; i++)
            n = n << 8 | p[i];
    return n <= s.n - head ? head + n : 0;
}

enum { PUBLIC_KEY = 6 };

static int armor_all(struct str keys, struct buf *out, struct err *e)
{
    struct str rest = keys;
    unsigned type = 0;
    size_t n, start = 0;
    for (size_t at = 0; at == 0 || at < keys.n; at += n, rest = str_from(keys, at)) {
        n = packet(rest, &type);
        if (n == 0 || (at == 0 && type != PUBLIC_KEY))
            return err_set(e, ERR_FORMAT, "a keyring holds neither armored nor binary OpenPGP certificates");
        if (type == PUBLIC_KEY && at > 0) {
            armor((struct str){keys.p + start, at - start}, out);
            start = at;
        }
    }
    armor(str_from(keys, start), out);
    return 0;
}

int rpm_key_armor(struct str keys, struct buf *out, struct err *e)
{
    if (str_find(keys, STR("-----BEGIN PGP PUBLIC KEY BLOCK-----")) == keys.n)
        return armor_all(keys, out, e);
    buf_str(out, keys);
    if (out->n > 0 && out->p[out->n - 1] != '\n')
        buf_putc(out, '\n');
    return 0;
}
