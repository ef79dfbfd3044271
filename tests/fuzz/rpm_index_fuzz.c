/* repomd.xml and the index files beside primary: each reader gets the same bytes. */
#include "pkgfmt/rpm_index.h"
#include "tests/fuzz/fuzz.h"

#include <solv/pool.h>

#define SUM "90f61e546938a11449b710160ad294618a5bd3062e46f8cf851fd0088af184b7"

static const char primary[] =
    "<metadata><package type='rpm'><name>a</name><arch>noarch</arch><version ver='1' rel='1'/>"
    "<checksum type='sha256'>" SUM "</checksum><size package='1'/><location href='a'/><format>"
    "<requires><entry name='/usr/share/x'/></requires></format></package></metadata>";

static int load(struct solve *s, const char *kind, const void *p, size_t n)
{
    struct err e = {0};
    struct pkgfmt_index ix = {.what = kind, .component = kind};
    struct pkgfmt_repo repo = {.id = "base"};
    int rc = rpm_index_load(s, fuzz_fd(p, n), &ix, &repo, NULL, &e);
    if (rc < 0 && e.class != ERR_FORMAT)
        abort();
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const char *const kinds[] = {"group", "modules", "updateinfo", "filelists"};
    static const char *const words[] = {"@core", "a"};
    AUTO_ARENA a = {0};
    struct err e = {0};
    struct solve *s;
    struct plan plan;
    struct pkgfmt_root root;
    struct pkgfmt_query q = {.suite = "", .arch = "noarch", .security = true};
    struct pkgfmt_index *ix;
    size_t nix;
    struct str text = {(const char *)p, n};
    if (solve_open(&s, DISTTYPE_RPM, "x86_64", NULL, &e) != 0 ||
        load(s, "primary", primary, sizeof primary - 1) != 0)
        abort();
    rpm_root_parse(text, &a, &root, &e);
    if (rpm_index_list(text, &q, &a, &ix, &nix, &e) == 0)
        for (size_t i = 0; i < nix; i++)
            if (ix[i].path[0] == '/' || strstr(ix[i].path, "..") == ix[i].path ||
                ix[i].digest.kind == DIGEST_NONE)
                abort();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        load(s, kinds[i], p, n);
    for (size_t i = 0; i < 2; i++) {
        const struct solve_request r = {.include = &words[i], .ninclude = 1, .security = true};
        solve_run(s, &r, &a, &plan, &e);
    }
    solve_close(s);
    return 0;
}
