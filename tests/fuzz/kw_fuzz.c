/* Keyword lines: recipes, fixups, zone kinds, mirror lists and locks. */
#include "base/kw.h"
#include "cmd/lock.h"
#include "distros/distro.h"
#include "fixups/fixup.h"
#include "fixups/zone_kind.h"
#include "mirrors/mirror.h"
#include "tests/fuzz/fuzz.h"

/* What a kind that is in order makes of a release. */
static void fuzz_zone(struct str text)
{
    AUTO_ARENA a = {0};
    const struct zone_facts f = {.format = "deb",
                                 .distro = "d",
                                 .release = "r",
                                 .version = "1",
                                 .arch = "amd64",
                                 .machine = "x86_64",
                                 .name = "n",
                                 .file = "n.tar",
                                 .hostname = "h",
                                 .epoch = 1};
    const struct zone_package pkg = {"p", "1:2-3"};
    const struct data none = {0};
    struct zone_words add, without;
    struct zone_kind *k;
    struct zone_file *v;
    struct err e = {0};
    size_t n;
    if (zone_kind_parse("fuzz", "fuzz", text, &a, &k, &e) < 0)
        return;
    zone_kind_serves(&none, k, &f, &pkg, 1, &e);
    zone_kind_packages(k, &f, &a, &add, &without);
    zone_kind_notes(k, &f, &a);
    zone_kind_host(k, &f, &a, &v, &n, &e);
}

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
    distro_check(&none, "fuzz", text, NULL, NULL, &e);
    fixup_check("fuzz", text, &e);
    zone_kind_check("fuzz", text, &e);
    fuzz_zone(text);
    mirror_check("fuzz", text, &e);
    lock_parse("fuzz", text, &a, &l, &e);
    return 0;
}
