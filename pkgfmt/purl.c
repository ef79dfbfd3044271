#include "pkgfmt/purl.h"

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~:", c) != NULL);
}

static void encode(struct buf *out, const char *s, bool lower)
{
    for (; *s != '\0'; s++) {
        char c = (char)(lower && *s >= 'A' && *s <= 'Z' ? *s - 'A' + 'a' : *s);
        if (is_plain(c))
            buf_putc(out, c);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

static void qualifier(struct buf *out, const char *key, const char *value, char *separator)
{
    if (value == NULL || value[0] == '\0')
        return;
    buf_printf(out, "%c%s=", *separator, key);
    encode(out, value, false);
    *separator = '&';
}

void purl_write(struct buf *out, const struct purl *p)
{
    char separator = '?';
    buf_printf(out, "pkg:%s/", p->type);
    if (p->vendor != NULL && p->vendor[0] != '\0') {
        encode(out, p->vendor, true);
        buf_putc(out, '/');
    }
    encode(out, p->name, false);
    buf_putc(out, '@');
    encode(out, p->version, false);
    qualifier(out, "arch", p->arch, &separator);
    qualifier(out, "distro", p->distro, &separator);
}
