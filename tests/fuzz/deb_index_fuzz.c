/* Packages files, parsed and solved: no crash, and names that may stand in file names and scripts. */
#include "pkgfmt/deb_index.h"
#include "pkgfmt/deb_keep.h"
#include "pkgfmt/solve.h"
#include "tests/fuzz/fuzz.h"

#include <solv/pool.h>

static void check(const struct plan_pkg *pkg)
{
    AUTO_BUF file = {0};
    deb_keep_file(pkg, &file);
    for (size_t i = 0; i < file.n; i++)
        if ((unsigned char)file.p[i] <= ' ' || strchr("/*?[\\'\"`$;&|<>(){}!#\x7f", file.p[i]) != NULL)
            abort();
    if (pkg->path[0] == '/' || strncmp(pkg->path, "../", 3) == 0 || strstr(pkg->path, "/../") != NULL)
        abort();
    for (const char *c = pkg->name; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || strchr("/*?[\\'\"`$;&|<>(){}!#\x7f", *c) != NULL)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const char *const set[] = {"priority:required"}, *const include[] = {"a"};
    AUTO_ARENA a = {0};
    struct err e = {0};
    struct solve *s;
    struct index_decode d;
    struct plan plan;
    const char **steps;
    size_t nsteps;
    if (solve_open(&s, DISTTYPE_DEB, "amd64", NULL, &e) != 0)
        abort();
    struct s_Repo *repo = solve_repo_add(s, "main", 0, 0);
    if (index_decode_open(&d, fuzz_fd(p, n), "Packages", 1 << 24, &e) == 0 &&
        deb_index_parse(s, &d, repo, &e) == 0) {
        for (int i = 0; i < 2; i++) {
            const struct solve_request r = {
                .set = set, .nset = i == 0, .set_name = "base", .include = include, .ninclude = i == 1};
            if (solve_run(s, &r, &a, &plan, &e) != 0)
                continue;
            for (size_t k = 0; k < plan.n; k++) {
                check(&plan.pkgs[k]);
                solve_why(s, plan.pkgs[k].name, &a, &steps, &nsteps, &e);
            }
        }
    }
    index_decode_close(&d);
    solve_close(s);
    return 0;
}
