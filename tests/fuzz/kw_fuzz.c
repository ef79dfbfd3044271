/* Keyword lines: recipes, fixups, mirror lists and locks. */
#include "base/kw.h"
#include "cmd/lock.h"
#include "distros/distro.h"
#include "fixups/fixup.h"
#include "mirrors/mirror.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    AUTO_ARENA a = {0};
    struct kw_file f;
    struct lock l;
    struct err e = {0};
    const struct data none = {0};
    struct str text = {(const char *)p, n};
    if (kw_parse(&f, "fuzz", text, &a, &e) < 0)
        return 0;
    distro_check(&none, "fuzz", text, &e);
    fixup_check("fuzz", text, &e);
    mirror_check("fuzz", text, &e);
    lock_parse("fuzz", text, &a, &l, &e);
    return 0;
}
