/* The root's own repositories as dnf, yum and zypper read them: dnf.conf(5), "Repository options". */
#include "pkgfmt/rpm.h"

/* An id has letters, digits and -_.: only. */
static void add_id(const char *id, struct buf *out)
{
    for (; *id != '\0'; id++)
        buf_putc(out, (*id >= 'a' && *id <= 'z') || (*id >= 'A' && *id <= 'Z') ||
                              (*id >= '0' && *id <= '9') || strchr("-_.:", *id) != NULL
                          ? *id
                          : '_');
}

static bool is_new(const struct pkgfmt_source *v, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (v[k].own && strcmp(v[k].id, v[i].id) == 0)
            return false;
    return v[i].own;
}

void rpm_sources(const struct pkgfmt_source *v, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_new(v, i))
            continue;
        buf_puts(out, out->n > 0 ? "\n[" : "[");
        add_id(v[i].id, out);
        buf_printf(out, "]\nname=%s\nbaseurl=%s\nenabled=1\ngpgcheck=1\n", v[i].id, v[i].url);
        if (v[i].signed_by[0] != '\0') /* the second stage gives rpm the keys in any case */
            buf_printf(out, "gpgkey=file://%s\n", v[i].signed_by);
    }
}
