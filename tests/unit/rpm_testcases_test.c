/* libsolv's own test cases, as far as they are about installing into an empty system: with the same packages
   the solver takes the same ones. Format: libsolv, doc/testcase.txt. */
#include "tests/unit/test.h"

#include <solv/pool.h>

#include "tests/unit/rpm_repo.h"
#include "tests/unit/rpm_xml.h"

enum { REPOS_MAX = 8, WORDS_MAX = 16, SET_MAX = 64 };

/* What is asked for between `nextjob' lines. */
struct job {
    const char *include[WORDS_MAX], *prefer[WORDS_MAX];
    size_t ninclude, nprefer;
    bool strict_weak; /* ignorerecommended */
    bool foreign;     /* it needs what there is no word for */
};

struct testcase {
    struct arena arena;
    struct repo repos[REPOS_MAX];
    unsigned nrepos, checked;
    const char *arch;
    struct solve *solve;
};

/* "(a | b) <IF> c" is "((a or b) if c)" elsewhere. */
static void put_boolean(struct buf *out, struct str text)
{
    struct str word;
    buf_puts(out, "(");
    while (str_word(&text, &word)) {
        buf_str(out, str_is(word, "|")      ? STR("or")
                     : str_is(word, "&")    ? STR("and")
                     : str_is(word, "<IF>") ? STR("if")
                                            : word);
        buf_puts(out, text.n > 0 ? " " : "");
    }
    buf_puts(out, ")");
}

/* "#>=Req: a >= 1" */
static void tag_line(struct repo *r, struct str key, struct str value)
{
    static const struct {
        const char *tag, *key;
    } tags[] = {{"Req", "Requires"},   {"Prv", "Provides"}, {"Con", "Conflicts"},   {"Obs", "Obsoletes"},
                {"Rec", "Recommends"}, {"Sug", "Suggests"}, {"Sup", "Supplements"}, {"Enh", "Enhances"}};
    if (str_is(key, "Pkg")) {
        struct str name = {NULL, 0}, version = {NULL, 0}, release = {NULL, 0}, arch = {NULL, 0};
        char line[256];
        CHECK(str_word(&value, &name) && str_word(&value, &version) && str_word(&value, &release) &&
              str_word(&value, &arch));
        snprintf(line, sizeof line, "%.*s %.*s-%.*s %.*s", (int)name.n, name.p, (int)version.n, version.p,
                 (int)release.n, release.p, (int)arch.n, arch.p);
        start_package(r, str_c(line));
        return;
    }
    AUTO_BUF boolean = {0};
    value = str_trim(value);
    if (str_find(value, STR(" <IF> ")) < value.n || str_find(value, STR(" | ")) < value.n) {
        put_boolean(&boolean, value);
        value = buf_view(&boolean);
    }
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (str_is(key, tags[i].tag))
            add_relation(r, str_c(tags[i].key), value);
}

static void read_repos(struct testcase *t, struct str text)
{
    struct str line, word;
    struct repo *r = NULL;
    while (str_line(&text, &line)) {
        if (str_starts(line, STR("#>=")) && r != NULL) {
            struct str rest = str_from(line, 3), key;
            str_cut(&rest, ':', &key);
            tag_line(r, key, rest);
        } else if (str_word(&line, &word) && str_is(word, "repo")) {
            if (r != NULL)
                close_package(r);
            r = &t->repos[t->nrepos++];
            CHECK(str_word(&line, &word));
            r->id = arena_str(&t->arena, word);
            buf_puts(&r->primary, "<metadata xmlns:rpm=\"x\">\n");
        } else if (str_is(word, "system") && str_word(&line, &word)) {
            t->arch = arena_str(&t->arena, word);
        }
    }
    if (r != NULL)
        close_package(r);
    for (unsigned i = 0; i < t->nrepos; i++)
        buf_puts(&t->repos[i].primary, "</metadata>\n");
}

static void open_solver(struct testcase *t)
{
    struct err e = {0};
    CHECK(solve_open(&t->solve, DISTTYPE_RPM, t->arch, NULL, &e) == 0);
    for (unsigned i = 0; i < t->nrepos; i++) {
        struct pkgfmt_index ix = {.what = "primary", .component = "primary"};
        struct pkgfmt_repo repo = {.index = i, .id = t->repos[i].id};
        AUTO_FD fd = scratch_fd(buf_view(&t->repos[i].primary));
        CHECK(rpm_index_load(t->solve, fd, &ix, &repo, NULL, &e) == 0);
        CHECK_STR(e.msg, "");
    }
}

static void job_line(struct testcase *t, struct job *j, struct str line)
{
    struct str verb, kind, name;
    if (!str_word(&line, &verb) || !str_word(&line, &kind) || !str_word(&line, &name)) {
        j->foreign = true;
        return;
    }
    char *word = arena_str(&t->arena, name);
    bool simple = str_trim(line).n == 0 && (str_is(kind, "name") || str_is(kind, "provides"));
    if (simple && str_is(verb, "install") && j->ninclude < WORDS_MAX)
        j->include[j->ninclude++] = word;
    else if (simple && str_is(verb, "favor") && j->nprefer < WORDS_MAX) {
        /* Of several the last one wins there, the first one here. */
        for (size_t i = j->nprefer++; i > 0; i--)
            j->prefer[i] = j->prefer[i - 1];
        j->prefer[0] = word;
    } else
        j->foreign = true;
}

static int cmp_string(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_sorted(const char **set, size_t n, struct buf *out)
{
    if (n > 1)
        qsort(set, n, sizeof *set, cmp_string);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s ", set[i]);
}

/* The `#>' lines behind `result'. */
static void check_result(struct testcase *t, const struct job *j, struct str *text)
{
    const char *want[SET_MAX], *got[SET_MAX];
    size_t nwant = 0;
    bool problem = false;
    AUTO_BUF wanted = {0}, found = {0};
    AUTO_ARENA a = {0};
    struct plan plan;
    struct err e = {0};
    struct str line, word, name;
    while (str_starts(*text, STR("#>")) && str_line(text, &line)) {
        line = str_from(line, 2);
        str_word(&line, &word);
        problem |= str_is(word, "problem");
        if (str_is(word, "install") && str_word(&line, &word) && str_cut(&word, '@', &name) &&
            nwant < SET_MAX)
            want[nwant++] = arena_str(&a, name);
    }
    if (j->foreign)
        return;
    struct solve_request r = {.set_name = "base",
                              .include = j->include,
                              .ninclude = j->ninclude,
                              .prefer = j->prefer,
                              .nprefer = j->nprefer,
                              .weak = !j->strict_weak};
    int rc = solve_run(t->solve, &r, &a, &plan, &e);
    CHECK((rc < 0) == problem);
    for (size_t i = 0; rc == 0 && i < plan.n && i < SET_MAX; i++)
        got[i] = arena_printf(&a, "%s-%s.%s", plan.pkgs[i].name, plan.pkgs[i].version, plan.pkgs[i].arch);
    put_sorted(want, problem ? 0 : nwant, &wanted);
    put_sorted(got, rc == 0 ? plan.n : 0, &found);
    CHECK_STR(buf_c(&found), buf_c(&wanted));
    t->checked++;
}

static void read_jobs(struct testcase *t, struct str text)
{
    struct str line, word;
    struct job j = {0};
    while (str_line(&text, &line)) {
        if (!str_word(&line, &word) || word.p[0] == '#')
            continue;
        if (str_is(word, "job"))
            job_line(t, &j, line);
        else if (str_is(word, "solverflags"))
            while (str_word(&line, &word)) {
                j.strict_weak |= str_is(word, "ignorerecommended");
                j.foreign |= !str_is(word, "ignorerecommended");
            }
        else if (str_is(word, "result"))
            check_result(t, &j, &text);
        else if (str_is(word, "nextjob"))
            j = (struct job){0};
    }
}

static const char *testcase_name;
static unsigned all_checked;

static void testcase(void)
{
    struct testcase t = {.arch = "x86_64"};
    AUTO_BUF text = {0};
    struct err e;
    const char *path = arena_printf(&t.arena, "%s/repomd/libsolv-testcases/%s.t", test_data(), testcase_name);
    if (access(path, R_OK) != 0) {
        arena_free(&t.arena);
        SKIP("libsolv's test cases are not there");
    }
    CHECK(file_read(path, 1 << 20, &text, &e) == 0);
    read_repos(&t, buf_view(&text));
    open_solver(&t);
    read_jobs(&t, buf_view(&text));
    CHECK(t.checked > 0);
    all_checked += t.checked;
    solve_close(t.solve);
    for (unsigned i = 0; i < t.nrepos; i++) {
        buf_free(&t.repos[i].primary);
        buf_free(&t.repos[i].filelists);
    }
    arena_free(&t.arena);
}

int main(void)
{
    static const char *const names[] = {
        "choose/default",
        "choose/enhanced",
        "choose/oldversion",
        "choose/suggested",
        "choose/versioned",
        "choose/versioned2",
        "alternative/learnt",
        "alternative/recommends",
        "alternative/requires",
        "recommendations/recommended_conflicts",
        "recommendations/recommended_multirepo",
        "recommendations/recommended_oldversion",
        "recommendations/recommended_targeted",
        "recommendations/recommended_version",
        "recommendations/suggested_conflicts",
        "recommendations/suggested_multirepo",
        "recommendations/suggested_oldversion",
        "recommendations/suggested_targeted",
        "recommendations/suggested_version",
        "favor/requires",
        "favor/recommends",
        "favor/supplements",
        "weakdeps/supplements_implicitobsoleteusescolors",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        testcase_name = names[i];
        test_run(names[i], testcase);
    }
    printf("# %u requests\n", all_checked);
    return test_done();
}
