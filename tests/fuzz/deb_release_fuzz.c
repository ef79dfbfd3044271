/* Release files, and which indexes they name. */
#include "pkgfmt/deb.h"
#include "pkgfmt/deb_release.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const char *const components[] = {"main", "contrib"};
    static const char *const suites[] = {"bookworm", "./", ""};
    AUTO_ARENA a = {0};
    struct err e = {0};
    struct deb_release r;
    struct pkgfmt_index *ix;
    size_t nix;
    struct str text = {(const char *)p, n};
    if (deb_release_parse(text, &a, &r, &e) != 0)
        return 0;
    for (size_t i = 0; i < r.nfiles; i++)
        if (deb_release_find(&r, r.files[i].path) == NULL)
            abort();
    for (size_t i = 0; i < 3; i++) {
        const struct pkgfmt_query q = {
            .suite = suites[i], .components = components, .ncomponents = 2, .arch = "amd64"};
        if (deb.index_list(text, &q, &a, &ix, &nix, &e) != 0)
            continue;
        for (size_t k = 0; k < nix; k++)
            if (strstr(ix[k].path, "..") == ix[k].path || ix[k].path[0] == '/')
                abort();
    }
    return 0;
}
