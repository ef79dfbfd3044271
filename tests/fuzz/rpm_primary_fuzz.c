/* primary.xml, parsed and solved: no crash, and names that may stand in file names and scripts. */
#include "pkgfmt/rpm_index.h"
#include "tests/fuzz/fuzz.h"

#include <solv/pool.h>

static void check(const struct plan_pkg *pkg)
{
    const char *words[] = {pkg->name, pkg->version, pkg->arch};
    for (int i = 0; i < 3; i++)
        for (const char *c = words[i]; *c != '\0'; c++)
            if ((unsigned char)*c <= ' ' || strchr("/*?[\\'\"`$;&|<>(){}!#\x7f", *c) != NULL)
                abort();
    if (pkg->path[0] == '/' || strncmp(pkg->path, "../", 3) == 0 || strstr(pkg->path, "/../") != NULL)
        abort();
}

static void solve(struct solve *s, const char *word)
{
    AUTO_ARENA a = {0};
    struct err e = {0};
    struct plan plan;
    const char **steps;
    size_t nsteps;
    struct pkgfmt_index later = {.component = "filelists"};
    const struct solve_request r = {.include = &word, .ninclude = 1, .weak = word[0] == 'a'};
    rpm_index_wanted(s, &r, &later);
    if (solve_run(s, &r, &a, &plan, &e) != 0)
        return;
    for (size_t k = 0; k < plan.n; k++) {
        check(&plan.pkgs[k]);
        solve_why(s, plan.pkgs[k].name, &a, &steps, &nsteps, &e);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct err e = {0};
    struct solve *s;
    struct pkgfmt_index ix = {.what = "primary.xml", .component = "primary"};
    struct pkgfmt_repo repo = {.id = "base"};
    if (solve_open(&s, DISTTYPE_RPM, "x86_64", NULL, &e) != 0)
        abort();
    if (rpm_index_load(s, fuzz_fd(p, n), &ix, &repo, NULL, &e) == 0) {
        Pool *pool = solve_pool(s);
        const char *name = pool->nsolvables > 2 ? pool_id2str(pool, pool->solvables[2].name) : "a";
        solve(s, name);
        solve(s, "a");
        solve(s, "/bin/sh");
        solve(s, "(a or b)");
    } else if (e.class != ERR_FORMAT) {
        abort();
    }
    solve_close(s);
    return 0;
}
