/* Mirror lists and metalinks. */
#include <string.h>

#include "mirrors/metalink.h"
#include "mirrors/mirrorlist.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct mirror_list *l)
{
    if (l->n > MIRROR_LIST_MAX || l->nroots > MIRROR_LIST_ROOTS_MAX)
        abort();
    for (size_t i = 0; i < l->n; i++)
        if (strpbrk(l->url[i], " \t\r\n?#") != NULL || (l->url[i][0] | 0x20) != 'h')
            abort();
    for (size_t i = 0; i < l->nroots; i++)
        if (!digest_trusted(l->roots[i].digest.kind))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    AUTO_ARENA a = {0};
    struct str text = {(const char *)p, n};
    struct mirror_list l;
    struct err e = {0};
    if (mirrorlist_parse("list", text, &a, &l, &e) == 0)
        check(&l);
    if (metalink_parse("list", text, "repodata/repomd.xml", &a, &l, &e) == 0)
        check(&l);
    return 0;
}
