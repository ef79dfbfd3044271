/* License tags of rpm packages. */
#include "pkgfmt/rpm.h"
#include "tests/fuzz/fuzz.h"

/* What SPDX 2.3, annex D, lets stand in an expression, and in an identifier; parentheses in pairs. */
static void check(const struct pkgfmt_licence *l)
{
    static const char id[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    static const char expression[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-+() ";
    int depth = 0;
    if (l->expression == NULL && l->nrefs > 0)
        abort();
    if (l->expression == NULL)
        return;
    if (l->expression[0] == '\0' || l->expression[strspn(l->expression, expression)] != '\0')
        abort();
    for (const char *c = l->expression; *c != '\0'; c++) {
        depth += (*c == '(') - (*c == ')');
        if (depth < 0)
            abort();
    }
    if (depth != 0)
        abort();
    for (size_t i = 0; i < l->nrefs; i++)
        if (strncmp(l->refs[i].id, "LicenseRef-", 11) != 0 || l->refs[i].id[11] == '\0' ||
            l->refs[i].id[strspn(l->refs[i].id, id)] != '\0' || l->refs[i].text[0] == '\0' ||
            l->refs[i].name[0] == '\0' || strstr(l->expression, l->refs[i].id) == NULL)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    AUTO_ARENA a = {0};
    struct pkgfmt_licence l, again;
    rpm_licence_read((struct str){(const char *)p, n}, &a, &l);
    check(&l);
    /* An expression stands for itself, but that references too long are cut off. */
    bool lengthy = false;
    for (size_t i = 0; i < l.nrefs; i++)
        lengthy = lengthy || strlen(l.refs[i].id) > 11 + 60;
    if (l.expression != NULL) {
        rpm_licence_read(str_c(l.expression), &a, &again);
        check(&again);
        if (!lengthy && strlen(l.expression) < 10000 && strcmp(l.expression, again.expression) != 0)
            abort();
    }
    return 0;
}
