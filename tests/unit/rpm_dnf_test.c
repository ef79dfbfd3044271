/* Compares with what dnf would install: the files tests/golden/rpm_dnf/(*).sets say how they were made, and
   the expectations of osbuild's tests stand beside the repositories. */
#include "tests/unit/test.h"

#include <glob.h>
#include <solv/pool.h>

#include "tests/unit/rpm_repo.h"

enum { REPOS_MAX = 4, WORDS_MAX = 32, SET_MAX = 2000 };

struct loaded {
    struct arena arena;
    struct solve *solve;
    struct rpm_repo repos[REPOS_MAX];
    unsigned n;
    bool files;
};

/* False: the data is not there. */
static bool load(struct loaded *l, struct str dirs)
{
    struct str dir;
    struct err e = {0};
    CHECK(solve_open(&l->solve, DISTTYPE_RPM, "x86_64", NULL, &e) == 0);
    while (l->n < REPOS_MAX && str_word(&dirs, &dir)) {
        struct rpm_repo *r = &l->repos[l->n];
        r->dir = arena_printf(&l->arena, "%s/repomd/%" STR_FMT, test_data(), STR_ARG(dir));
        r->id = arena_str(&l->arena, dir);
        r->index = l->n++;
        if (access(rpm_repo_file(&l->arena, r, "repodata/repomd.xml"), R_OK) != 0)
            return false;
        CHECK(rpm_repo_open(r, false, &l->arena, &e) == 0 &&
              rpm_repo_load(l->solve, r, false, NULL, &l->arena, &e) == 0);
        CHECK_STR(e.msg, "");
    }
    return true;
}

static void drop(struct loaded *l)
{
    solve_close(l->solve);
    arena_free(&l->arena);
    *l = (struct loaded){0};
}

static int cmp_string(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "NAME-EVR.ARCH ..." sorted, as dnf prints it; "!": no solution. names: names alone. */
static void solve_set(struct loaded *l, const char *const *words, size_t n, bool weak, bool names,
                      struct buf *out)
{
    AUTO_ARENA a = {0};
    struct plan plan;
    struct err e = {0};
    const char *set[SET_MAX];
    struct pkgfmt_index later = {.component = "filelists", .later = true};
    struct solve_request r = {.set_name = "base", .include = words, .ninclude = n, .weak = weak};
    if (!l->files && rpm_index_wanted(l->solve, &r, &later)) {
        l->files = true;
        for (unsigned i = 0; i < l->n; i++)
            CHECK(rpm_repo_load(l->solve, &l->repos[i], true, NULL, &l->arena, &e) == 0);
    }
    buf_clear(out);
    if (solve_run(l->solve, &r, &a, &plan, &e) < 0) {
        CHECK(e.class == ERR_SOLVE || e.class == ERR_USAGE);
        buf_puts(out, "!");
        return;
    }
    CHECK(plan.n <= SET_MAX);
    for (size_t i = 0; i < plan.n && i < SET_MAX; i++)
        set[i] =
            names ? plan.pkgs[i].name
                  : arena_printf(&a, "%s-%s.%s", plan.pkgs[i].name, plan.pkgs[i].version, plan.pkgs[i].arch);
    qsort(set, plan.n, sizeof *set, cmp_string);
    for (size_t i = 0; i < plan.n && i < SET_MAX; i++)
        buf_printf(out, "%s%s", i ? " " : "", set[i]);
}

/* "[weak ]WORDS: SET" */
static void check_line(struct loaded *l, struct str line)
{
    AUTO_BUF got = {0};
    const char *words[WORDS_MAX];
    size_t n = 0, colon = str_find(line, STR(": "));
    struct str head = {line.p, colon}, want = str_from(line, colon + 2), word;
    bool weak = str_starts(head, STR("weak "));
    if (weak)
        head = str_from(head, 5);
    while (n < WORDS_MAX && str_word(&head, &word))
        words[n++] = arena_str(&l->arena, word);
    solve_set(l, words, n, weak, false, &got);
    if (str_eq(buf_view(&got), want))
        return;
    printf("%.*s: got\n  %s\n", (int)colon, line.p, buf_c(&got));
    CHECK(!"the same set as dnf's");
}

static const char *sets_path;

static void sets(void)
{
    struct loaded l = {0};
    AUTO_BUF text = {0};
    struct err e;
    struct str rest, line;
    int n = 0;
    CHECK(file_read(sets_path, 1 << 24, &text, &e) == 0);
    rest = buf_view(&text);
    CHECK(str_line(&rest, &line) && str_starts(line, STR("repos ")));
    if (!load(&l, str_from(line, 6))) {
        drop(&l);
        SKIP("the repositories are not there");
    }
    while (str_line(&rest, &line) && ++n)
        check_line(&l, line);
    CHECK(n > 20);
    printf("# %s: %d sets\n", strrchr(sets_path, '/') + 1, n);
    drop(&l);
}

/* The strings of the JSON array behind "KEY": of the object at *json; false when there is none. */
static bool json_strings(struct str *json, const char *key, struct arena *a, const char **out, size_t *n)
{
    size_t at = str_find(*json, str_c(key));
    if (at == json->n)
        return false;
    *json = str_from(*json, at + strlen(key));
    struct str list, word, skipped;
    str_cut(json, '[', &skipped);
    str_cut(json, ']', &list);
    for (*n = 0; str_cut(&list, '"', &skipped) && str_cut(&list, '"', &word) && *n < SET_MAX;)
        out[(*n)++] = arena_str(a, word);
    return true;
}

static void osbuild(const char *repos)
{
    struct loaded l = {0};
    AUTO_BUF text = {0}, got = {0}, want = {0};
    struct err e;
    const char *words[WORDS_MAX * 64], *packages[SET_MAX];
    size_t nwords, npackages;
    int sets_seen = 0;
    if (!load(&l, str_c(repos))) {
        drop(&l);
        SKIP("the repositories are not there");
    }
    const char *path =
        arena_printf(&l.arena, "%s/repomd/expected/osbuild-c9s-20240410-depsolve.json", test_data());
    CHECK(file_read(path, 1 << 20, &text, &e) == 0);
    struct str json = buf_view(&text);
    while (json_strings(&json, "\"install\"", &l.arena, words, &nwords) &&
           json_strings(&json, "\"packages\"", &l.arena, packages, &npackages)) {
        buf_clear(&want);
        for (size_t i = 0; i < npackages; i++)
            buf_printf(&want, "%s%s", i ? " " : "", packages[i]);
        solve_set(&l, words, nwords, false, true, &got);
        CHECK_STR(buf_c(&got), buf_c(&want));
        sets_seen++;
    }
    CHECK(sets_seen == 4);
    drop(&l);
}

static void osbuild_baseos(void)
{
    osbuild("c9s-baseos-20240410/baseos c9s-baseos-20240410/custom");
}

static void osbuild_with_appstream(void)
{
    osbuild("c9s-baseos-20240410/baseos c9s-baseos-20240410/custom c9s-appstream-20250113");
}

int main(void)
{
    glob_t files;
    if (glob("tests/golden/rpm_dnf/*.sets", 0, NULL, &files) != 0)
        return 1;
    RUN(osbuild_baseos);
    RUN(osbuild_with_appstream);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        sets_path = files.gl_pathv[i];
        test_run(strrchr(sets_path, '/') + 1, sets);
    }
    globfree(&files);
    return test_done();
}
