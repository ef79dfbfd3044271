/* Copyright files in the machine-readable form. */
#include "pkgfmt/deb.h"
#include "tests/fuzz/fuzz.h"

/* What SPDX 2.3, annex D, lets stand in an expression, and in an identifier. */
static void check(const struct pkgfmt_licence *l)
{
    static const char id[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    static const char expression[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-+() ";
    if (l->expression == NULL && l->nrefs > 0)
        abort();
    if (l->expression != NULL &&
        (l->expression[0] == '\0' || l->expression[strspn(l->expression, expression)] != '\0'))
        abort();
    for (size_t i = 0; i < l->nrefs; i++)
        if (strncmp(l->refs[i].id, "LicenseRef-", 11) != 0 ||
            l->refs[i].id[strspn(l->refs[i].id, id)] != '\0' || l->refs[i].text[0] == '\0' ||
            strstr(l->expression, l->refs[i].id) == NULL)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const char header[] = "Format: http://x/copyright-format/1.0/\n\nFiles: *\nLicense: ";
    AUTO_ARENA a = {0};
    AUTO_BUF b = {0};
    struct pkgfmt_licence l;
    deb_copyright_read((struct str){(const char *)p, n}, &a, &l);
    check(&l);
    /* The same as a License field alone. */
    buf_puts(&b, header);
    buf_add(&b, p, n);
    deb_copyright_read(buf_view(&b), &a, &l);
    check(&l);
    return 0;
}
