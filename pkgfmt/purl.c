#include "pkgfmt/purl.h"

#include "base/auto.h"

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

/* The version behind its epoch, of which *epoch is a copy; "": it has none. */
static const char *cut_epoch(const char *version, struct buf *epoch)
{
    const char *colon = strchr(version, ':');
    if (colon == NULL)
        return version;
    buf_add(epoch, version, (size_t)(colon - version));
    if (strspn(buf_c(epoch), "0") == epoch->n)
        buf_clear(epoch);
    return colon + 1;
}

void purl_write(struct buf *out, const struct purl *p)
{
    AUTO_BUF epoch = {0};
    char separator = '?';
    const char *version = p->epoch_apart ? cut_epoch(p->version, &epoch) : p->version;
    buf_printf(out, "pkg:%s/", p->type);
    if (p->vendor != NULL && p->vendor[0] != '\0') {
        encode(out, p->vendor, true);
        buf_putc(out, '/');
    }
    encode(out, p->name, false);
    buf_putc(out, '@');
    encode(out, version, false);
    qualifier(out, "arch", p->arch, &separator);
    qualifier(out, "distro", p->distro, &separator);
    qualifier(out, "epoch", epoch.n > 0 ? buf_c(&epoch) : NULL, &separator);
}
