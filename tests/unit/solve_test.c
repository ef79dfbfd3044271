/* Runs tests/golden/solve/(*).test, a case a file:

       set WORD...                        the request; also include, exclude, prefer, weak, arch, why PACKAGE
       repo NAME [PRIORITY]               starts an index; stanzas follow
       Package: a                         what a stanza lacks of Version, Architecture, Filename, Size, SHA256
   is filled in expect a 1: set base                      the plan in its order: NAME VERSION: REASON why: ...
   and the steps of `why` error CLASS: MESSAGE (HINT)        or how it fails

   `ZONESTRAP_GOLDEN=write build/unit/solve_test` writes what it got behind `expect`. */
#include "pkgfmt/solve.h"

#include <fcntl.h>
#include <glob.h>
#include <solv/evr.h>
#include <solv/pool.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"
#include "pkgfmt/deb_index.h"

#include "tests/unit/solve_golden.h"

enum { WORDS_MAX = 64, REPOS_MAX = 8 };

struct words {
    const char *w[WORDS_MAX];
    size_t n;
};

struct repo {
    const char *id;
    int priority;
    struct buf text;
};

struct golden {
    struct arena arena;
    struct words set, include, exclude, prefer, why;
    bool weak;
    const char *arch;
    struct repo repos[REPOS_MAX];
    unsigned nrepos;
    struct str expect;
    size_t head; /* bytes up to what is expected */
};

static void add_words(struct golden *g, struct words *to, struct str line)
{
    struct str w;
    while (str_word(&line, &w))
        to->w[to->n++] = arena_str(&g->arena, w);
}

static void request_line(struct golden *g, struct str line)
{
    struct str key;
    if (!str_word(&line, &key) || key.p[0] == '#')
        return;
    if (str_is(key, "set"))
        add_words(g, &g->set, line);
    else if (str_is(key, "include"))
        add_words(g, &g->include, line);
    else if (str_is(key, "exclude"))
        add_words(g, &g->exclude, line);
    else if (str_is(key, "prefer"))
        add_words(g, &g->prefer, line);
    else if (str_is(key, "why"))
        add_words(g, &g->why, line);
    else if (str_is(key, "arch"))
        g->arch = arena_str(&g->arena, str_trim(line));
    else if (str_is(key, "weak"))
        g->weak = true;
    else
        CHECK(!"a known word");
}

/* What is tedious to write in each stanza. */
static void finish_stanza(struct golden *g, struct buf *stanza, struct buf *out)
{
    static const char *const defaults[] = {
        "Version: 1", "Architecture: amd64", "Filename: pool/x.deb", "Size: 1",
        "SHA256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
    (void)g;
    if (stanza->n == 0)
        return;
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        struct str field = str_c(defaults[i]);
        field.n = str_chr(field, ':') + 1;
        if (str_find(buf_view(stanza), field) == stanza->n)
            buf_printf(stanza, "%s\n", defaults[i]);
    }
    buf_str(out, buf_view(stanza));
    buf_puts(out, "\n");
    buf_clear(stanza);
}

static void read_golden(struct golden *g, struct str text)
{
    struct str rest = text, line, word;
    AUTO_BUF stanza = {0};
    while (str_line(&rest, &line)) {
        struct str args = line;
        bool empty = !str_word(&args, &word);
        struct repo *r = g->nrepos > 0 ? &g->repos[g->nrepos - 1] : NULL;
        if (!empty && (str_is(word, "repo") || str_is(word, "expect"))) {
            if (r != NULL)
                finish_stanza(g, &stanza, &r->text);
            if (str_is(word, "expect"))
                break;
            r = &g->repos[g->nrepos++];
            str_word(&args, &word);
            r->id = arena_str(&g->arena, word);
            r->priority = str_word(&args, &word) ? atoi(arena_str(&g->arena, word)) : 0;
        } else if (r == NULL) {
            request_line(g, line);
        } else if (empty) {
            finish_stanza(g, &stanza, &r->text);
        } else {
            buf_str(&stanza, line);
            buf_puts(&stanza, "\n");
        }
    }
    g->expect = rest;
    g->head = text.n - rest.n;
}

static int load_repo(struct solve *s, const struct repo *r, unsigned index, struct err *e)
{
    char path[] = "/tmp/solve_test.XXXXXX";
    AUTO_FD fd = mkstemp(path);
    struct pkgfmt_index ix = {.what = "Packages"};
    struct pkgfmt_repo repo = {.index = index, .id = r->id, .priority = r->priority};
    unlink(path);
    digest_of(&ix.digest, DIGEST_SHA256, buf_view(&r->text), e);
    if (fd < 0 || file_write_fd(fd, path, buf_c(&r->text), r->text.n, e) != 0 || lseek(fd, 0, SEEK_SET) != 0)
        return -1;
    return deb_index_load(s, fd, &ix, &repo, golden_solv_dir, e);
}

static int put_plan(const struct golden *g, struct solve *s, struct buf *out, struct err *e)
{
    AUTO_ARENA a = {0};
    struct plan plan, again;
    struct solve_request r = {
        .set = g->set.w,
        .nset = g->set.n,
        .set_name = "base",
        .include = g->include.w,
        .ninclude = g->include.n,
        .exclude = g->exclude.w,
        .nexclude = g->exclude.n,
        .prefer = g->prefer.w,
        .nprefer = g->prefer.n,
        .weak = g->weak,
    };
    if (solve_run(s, &r, &a, &plan, e) != 0)
        return -1;
    for (size_t i = 0; i < plan.n; i++)
        buf_printf(out, "%s %s: %s\n", plan.pkgs[i].name, plan.pkgs[i].version, plan.pkgs[i].reason);
    for (size_t i = 0; i < g->why.n; i++) {
        const char **steps;
        size_t n;
        if (solve_why(s, g->why.w[i], &a, &steps, &n, e) != 0)
            return -1;
        for (size_t k = 0; k < n; k++)
            buf_printf(out, "why: %s\n", steps[k]);
    }
    /* Solving again, after another request, gives the same. */
    struct solve_request other = r;
    other.weak = !r.weak;
    other.nexclude = 0;
    solve_run(s, &other, &a, &again, e);
    CHECK(solve_run(s, &r, &a, &again, e) == 0 && again.n == plan.n);
    for (size_t i = 0; i < plan.n && i < again.n; i++)
        CHECK_STR(again.pkgs[i].name, plan.pkgs[i].name);
    return 0;
}

static void run_golden(void *ctx, struct buf *out)
{
    struct golden *g = ctx;
    struct solve *s;
    struct err e = {0};
    CHECK(solve_open(&s, DISTTYPE_DEB, g->arch, NULL, &e) == 0);
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < g->nrepos; i++)
        rc = load_repo(s, &g->repos[i], i, &e);
    if (rc == 0)
        rc = put_plan(g, s, out, &e);
    if (rc != 0)
        golden_error(&e, out);
    solve_close(s);
}

static void golden(void)
{
    struct golden g = {.arch = "amd64"};
    AUTO_BUF text = {0};
    struct err e;
    CHECK(file_read(golden_path, 1 << 20, &text, &e) == 0);
    read_golden(&g, buf_view(&text));
    golden_compare(run_golden, &g, (struct str){text.p, g.head}, g.expect);
    for (unsigned i = 0; i < g.nrepos; i++)
        buf_free(&g.repos[i].text);
    arena_free(&g.arena);
}

/* deb-version(7), with the cases that its implementations got wrong at some time. What libsolv does otherwise
   than dpkg is not here: to it `1' is lower than `1-0'. */
static void version_order(void)
{
    static const struct {
        const char *a, *b;
        int want;
    } rows[] = {
        {"1", "1", 0},
        {"1", "2", -1},
        {"9", "10", -1},
        {"1.9", "1.10", -1},
        {"0:1", "1", 0},
        {"1:1", "2", 1},
        {"1:0", "0:9", 1},
        {"1-1", "1-2", -1},
        {"1", "1-1", -1},
        {"1~rc1", "1", -1},
        {"1~rc1-1", "1-1", -1},
        {"1~~", "1~~a", -1},
        {"1~~a", "1~", -1},
        {"1~", "1", -1},
        {"1", "1a", -1},
        {"1a", "1+", -1},
        {"1.0a", "1.0.", -1},
        {"1+b1", "1", 1},
        {"1+b1", "1.1", -1},
        {"1-1+b1", "1-1", 1},
        {"1-1+deb12u1", "1-1+b1", 1},
        {"1-1~deb12u1", "1-1", -1},
        {"01", "1", 0},
        {"1.01", "1.1", 0},
        {"1.0.0", "1.0", 1},
        {"00000000000000000000000000000000001", "2", -1},
        {"18446744073709551616", "18446744073709551617", -1},
        {"2-1-1", "2-1-2", -1},
        {"0-pre", "0-pree", -1},
        {"1.1.6r2-2", "1.1.6r-1", 1},
        {"2.6b2-1", "2.6b-2", 1},
        {"98.1-pre2-b6-2", "98.1p5-1", 1},
        {"0.4a6-2", "0.4-1", 1},
        {"1:3.0.5-2", "1:3.0.5.1", -1},
        {"5.4.1-0.2", "5.4.1-1", -1},
        {"2.36-9+deb12u14", "2.36-9+deb12u9", 1},
        {"A", "a", -1},
        {"1.2.3", "1.2.a", -1},
    };
    Pool *pool = pool_create();
    pool_setdisttype(pool, DISTTYPE_DEB);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int ab = pool_evrcmp_str(pool, rows[i].a, rows[i].b, EVRCMP_COMPARE);
        int ba = pool_evrcmp_str(pool, rows[i].b, rows[i].a, EVRCMP_COMPARE);
        if ((ab > 0) - (ab < 0) != rows[i].want || (ba > 0) - (ba < 0) != -rows[i].want) {
            printf("%s against %s: %d and %d\n", rows[i].a, rows[i].b, ab, ba);
            CHECK(!"order");
        }
    }
    pool_free(pool);
}

/* A chain and a cycle as long as an index can make them: neither the order nor the message runs out of stack.
 */
static void long_chain(void)
{
    enum { LENGTH = 20000 };
    for (int round = 0; round < 3; round++) {
        struct golden g = {.arch = "amd64", .nrepos = 1};
        AUTO_BUF got = {0};
        g.repos[0].id = "main";
        for (int i = 0; i < LENGTH; i++) {
            bool last = i == LENGTH - 1;
            AUTO_BUF stanza = {0};
            buf_printf(&stanza, "Package: p%05d\n", i);
            if (!last || round > 0)
                buf_printf(&stanza, "Depends: p%05d\n", last ? (round == 1 ? 0 : LENGTH) : i + 1);
            finish_stanza(&g, &stanza, &g.repos[0].text);
        }
        g.set.w[g.set.n++] = "p00000";
        run_golden(&g, &got);
        if (round == 2) {
            CHECK(strncmp(buf_c(&got), "error solution: ", 7) == 0 && got.n < 2000);
            CHECK(strstr(buf_c(&got), "p19999 Depends: p20000, which no repository has") != NULL);
        } else {
            size_t lines = 0;
            for (size_t i = 0; i < got.n; i++)
                lines += got.p[i] == '\n';
            CHECK(lines == LENGTH);
            CHECK(strncmp(buf_c(&got), "p19999 ", 7) == 0);
        }
        buf_free(&g.repos[0].text);
        arena_free(&g.arena);
    }
}

/* More packages that want a place than there are places: the search for a way out takes years. */
static void hopeless_index(struct repo *r)
{
    enum { HOLES = 14 };
    AUTO_BUF stanza = {0};
    buf_puts(&stanza, "Package: all\nDepends: g0");
    for (int i = 1; i <= HOLES; i++)
        buf_printf(&stanza, ", g%d", i);
    buf_puts(&stanza, "\n");
    finish_stanza(NULL, &stanza, &r->text);
    for (int i = 0; i <= HOLES; i++) {
        buf_printf(&stanza, "Package: g%d\nDepends: s%dx0", i, i);
        for (int h = 1; h < HOLES; h++)
            buf_printf(&stanza, " | s%dx%d", i, h);
        buf_puts(&stanza, "\n");
        finish_stanza(NULL, &stanza, &r->text);
        for (int h = 0; h < HOLES; h++) {
            buf_printf(&stanza, "Package: s%dx%d\nConflicts: s%dx%d", i, h, (i + 1) % (HOLES + 1), h);
            for (int k = 0; k <= HOLES; k++)
                if (k != i)
                    buf_printf(&stanza, ", s%dx%d", k, h);
            buf_puts(&stanza, "\n");
            finish_stanza(NULL, &stanza, &r->text);
        }
    }
}

/* An index that libsolv does not get done with: time and the user's interrupt bound it. */
static void hopeless(void)
{
    static const char *const set[] = {"all"};
    static volatile int stop = 1;
    for (int interrupted = 0; interrupted < 2; interrupted++) {
        const struct solve_request r = {.set = set,
                                        .nset = 1,
                                        .set_name = "base",
                                        .max_seconds = interrupted ? 0 : 1,
                                        .stop = interrupted ? &stop : NULL};
        struct repo repo = {.id = "main"};
        AUTO_ARENA a = {0};
        struct err e = {0};
        struct plan plan;
        struct solve *s;
        hopeless_index(&repo);
        CHECK(solve_open(&s, DISTTYPE_DEB, "amd64", NULL, &e) == 0 && load_repo(s, &repo, 0, &e) == 0);
        CHECK(solve_run(s, &r, &a, &plan, &e) == -1);
        CHECK(e.class == (interrupted ? ERR_INTR : ERR_SOLVE));
        CHECK(interrupted || strstr(e.msg, "within 1 seconds") != NULL);
        solve_close(s);
        buf_free(&repo.text);
    }
}

/* Everybody conflicts with what everybody provides: libsolv's rules would not fit into memory. */
static void too_many_relations(void)
{
    enum { PACKAGES = 4000 };
    static const char *const set[] = {"p0"};
    const struct solve_request r = {.set = set, .nset = 1, .set_name = "base"};
    struct repo repo = {.id = "main"};
    AUTO_ARENA a = {0};
    AUTO_BUF stanza = {0};
    struct err e = {0};
    struct plan plan;
    struct solve *s;
    for (int i = 0; i < PACKAGES; i++) {
        buf_printf(&stanza, "Package: p%d\nProvides: v\nConflicts: v\nDepends: p%d\n", i, (i + 1) % PACKAGES);
        finish_stanza(NULL, &stanza, &repo.text);
    }
    CHECK(solve_open(&s, DISTTYPE_DEB, "amd64", NULL, &e) == 0 && load_repo(s, &repo, 0, &e) == 0);
    CHECK(solve_run(s, &r, &a, &plan, &e) == -1 && e.class == ERR_SOLVE);
    CHECK(strstr(e.msg, "relations to solve") != NULL);
    solve_close(s);
    buf_free(&repo.text);
}

int main(void)
{
    glob_t found;
    RUN(version_order);
    RUN(long_chain);
    RUN(too_many_relations);
    if (glob("tests/golden/solve/*.test", 0, NULL, &found) != 0) {
        printf("not ok - no tests/golden/solve/*.test here\n");
        return 1;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        golden_path = found.gl_pathv[i];
        test_run(strrchr(golden_path, '/') + 1, golden);
    }
    globfree(&found);
    RUN(hopeless); /* last: its threads go on to the end */
    return test_done();
}
