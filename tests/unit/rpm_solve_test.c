/* Runs tests/golden/rpm_solve/(*).test, a case a file:

       include WORD...                    the request; also set, exclude, prefer, weak, security, arch, why
   PACKAGE repo NAME [PRIORITY]               starts a repository = NAME EVR [ARCH]                  a
   package; x86_64 where nothing is said Requires: b >= 1                   its relations, one a line; also
   Requires(pre), Provides, Conflicts, Obsoletes, Recommends, Suggests, Supplements, Enhances; boolean ones in
   parentheses File: /usr/bin/x                   in primary where createrepo lists it, and in filelists group
   ID [NAME...]                 mandatory packages; NAME?REQUIRES: conditional; env ID [GROUP...] advisory
   TYPE NAME EVR ARCH modules                            lines of modules.yaml follow, up to `end' expect the
   plan in its order, the steps of `why', or how it fails; and whether the filelists were wanted

   `ZONESTRAP_GOLDEN=write build/unit/rpm_solve_test` writes what it got behind `expect`. */
#include "tests/unit/solve_golden.h"

#include <glob.h>
#include <solv/pool.h>

#include "tests/unit/rpm_repo.h"
#include "tests/unit/rpm_xml.h"

enum { WORDS_MAX = 64, REPOS_MAX = 6 };

struct words {
    const char *w[WORDS_MAX];
    size_t n;
};

struct golden {
    struct arena arena;
    struct words set, include, exclude, prefer, why;
    bool weak, security;
    const char *arch;
    struct repo repos[REPOS_MAX];
    unsigned nrepos;
    struct str expect;
    size_t head;
};

static void add_file(struct repo *r, struct str path)
{
    bool listed = str_starts(path, STR("/etc/")) || str_find(path, STR("bin/")) < path.n;
    if (listed)
        buf_printf(&r->primary, "<file>%" STR_FMT "</file>", STR_ARG(path));
    buf_printf(&r->filelists, "<file>%" STR_FMT "</file>", STR_ARG(path));
}

static void add_group(struct repo *r, struct str args, bool environment)
{
    struct str id, word, name;
    str_word(&args, &id);
    buf_printf(&r->comps, "<%s><id>%" STR_FMT "</id><%s>", environment ? "environment" : "group", STR_ARG(id),
               environment ? "grouplist" : "packagelist");
    while (str_word(&args, &word)) {
        if (environment) {
            buf_printf(&r->comps, "<groupid>%" STR_FMT "</groupid>", STR_ARG(word));
            continue;
        }
        str_cut(&word, '?', &name);
        buf_printf(&r->comps, "<packagereq type=\"%s\"", word.n > 0 ? "conditional" : "mandatory");
        if (word.n > 0)
            buf_printf(&r->comps, " requires=\"%" STR_FMT "\"", STR_ARG(word));
        buf_printf(&r->comps, ">%" STR_FMT "</packagereq>", STR_ARG(name));
    }
    buf_puts(&r->comps, environment ? "</grouplist></environment>\n" : "</packagelist></group>\n");
}

static void add_advisory(struct repo *r, struct str args)
{
    struct str type = {NULL, 0}, name = {NULL, 0}, evr = {NULL, 0}, arch = {NULL, 0};
    CHECK(str_word(&args, &type) && str_word(&args, &name) && str_word(&args, &evr) &&
          str_word(&args, &arch));
    buf_printf(&r->updates,
               "<update type=\"%" STR_FMT "\"><id>X</id><pkglist><collection><package name=\"%" STR_FMT "\"",
               STR_ARG(type), STR_ARG(name));
    put_evr(&r->updates, evr, "version", "release");
    buf_printf(&r->updates,
               " arch=\"%" STR_FMT "\"><filename>x</filename></package></collection></pkglist></update>\n",
               STR_ARG(arch));
}

static void add_words(struct golden *g, struct words *to, struct str line)
{
    struct str w;
    while (str_word(&line, &w))
        to->w[to->n++] = arena_str(&g->arena, w);
}

static void request_line(struct golden *g, struct str key, struct str line)
{
    if (str_is(key, "set"))
        add_words(g, &g->set, line);
    else if (str_is(key, "include"))
        add_words(g, &g->include, line);
    else if (str_is(key, "include:")) /* one word with blanks in it */
        g->include.w[g->include.n++] = arena_str(&g->arena, str_trim(line));
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
    else if (str_is(key, "security"))
        g->security = true;
    else
        CHECK(!"a known word");
}

static void repo_line(struct repo *r, struct str key, struct str line)
{
    struct str value = str_trim(line);
    if (str_is(key, "="))
        start_package(r, line);
    else if (str_is(key, "group") || str_is(key, "env"))
        add_group(r, line, str_is(key, "env"));
    else if (str_is(key, "advisory"))
        add_advisory(r, line);
    else if (str_is(key, "File:"))
        add_file(r, value);
    else if (key.p[key.n - 1] == ':')
        add_relation(r, (struct str){key.p, key.n - 1}, value);
    else
        CHECK(!"a known word");
}

static struct repo *start_repo(struct golden *g, struct str args)
{
    struct repo *r = &g->repos[g->nrepos++];
    struct str word;
    str_word(&args, &word);
    r->id = arena_str(&g->arena, word);
    r->priority = str_word(&args, &word) ? atoi(arena_str(&g->arena, word)) : 0;
    buf_puts(&r->primary, "<metadata xmlns:rpm=\"x\">\n");
    buf_puts(&r->filelists, "<filelists>\n");
    buf_puts(&r->comps, "<comps>\n");
    buf_puts(&r->updates, "<updates>\n");
    return r;
}

static void read_golden(struct golden *g, struct str text)
{
    struct str rest = text, line, word;
    struct repo *r = NULL;
    bool modules = false;
    while (str_line(&rest, &line)) {
        struct str args = line;
        bool empty = !str_word(&args, &word) || word.p[0] == '#';
        if (modules) {
            modules = !str_is(line, "end");
            if (modules)
                buf_printf(&r->modules, "%" STR_FMT "\n", STR_ARG(line));
        } else if (empty)
            continue;
        else if (str_is(word, "expect"))
            break;
        else if (str_is(word, "repo")) {
            if (r != NULL)
                close_package(r);
            r = start_repo(g, args);
        } else if (r == NULL)
            request_line(g, word, args);
        else if (str_is(word, "modules"))
            modules = true;
        else
            repo_line(r, word, args);
    }
    if (r != NULL)
        close_package(r);
    for (unsigned i = 0; i < g->nrepos; i++) {
        buf_puts(&g->repos[i].primary, "</metadata>\n");
        buf_puts(&g->repos[i].filelists, "</filelists>\n");
        buf_puts(&g->repos[i].comps, "</comps>\n");
        buf_puts(&g->repos[i].updates, "</updates>\n");
    }
    g->expect = rest;
    g->head = text.n - rest.n;
}

static int load(struct solve *s, const struct repo *r, unsigned index, const char *kind,
                const struct buf *text, struct err *e)
{
    struct pkgfmt_index ix = {.what = kind, .component = kind};
    struct pkgfmt_repo repo = {.index = index, .id = r->id, .priority = r->priority};
    AUTO_FD fd = scratch_fd(buf_view(text));
    digest_of(&ix.digest, DIGEST_SHA256, buf_view(text), e);
    return text->n > 0 ? rpm_index_load(s, fd, &ix, &repo, golden_solv_dir, e) : 0;
}

static int load_all(struct golden *g, struct solve *s, const struct solve_request *r, struct buf *out,
                    struct err *e)
{
    struct pkgfmt_index later = {.component = "filelists", .later = true};
    for (unsigned i = 0; i < g->nrepos; i++) {
        struct repo *p = &g->repos[i];
        if (load(s, p, i, "primary", &p->primary, e) < 0 || load(s, p, i, "group", &p->comps, e) < 0 ||
            load(s, p, i, "modules", &p->modules, e) < 0 ||
            (g->security && load(s, p, i, "updateinfo", &p->updates, e) < 0))
            return -1;
    }
    if (!rpm_index_wanted(s, r, &later))
        return 0;
    buf_puts(out, "filelists wanted\n");
    for (unsigned i = 0; i < g->nrepos; i++)
        if (load(s, &g->repos[i], i, "filelists", &g->repos[i].filelists, e) < 0)
            return -1;
    return 0;
}

static int put_plan(const struct golden *g, struct solve *s, const struct solve_request *r, struct buf *out,
                    struct err *e)
{
    AUTO_ARENA a = {0};
    struct plan plan, again;
    if (solve_run(s, r, &a, &plan, e) != 0)
        return -1;
    for (size_t i = 0; i < plan.n; i++) {
        const struct plan_pkg *p = &plan.pkgs[i];
        buf_printf(out, "%s %s", p->name, p->version);
        if (strcmp(p->arch, "x86_64") != 0)
            buf_printf(out, " %s", p->arch);
        buf_printf(out, ": %s\n", p->reason);
    }
    for (size_t i = 0; i < g->why.n; i++) {
        const char **steps;
        size_t n;
        if (solve_why(s, g->why.w[i], &a, &steps, &n, e) != 0)
            return -1;
        for (size_t k = 0; k < n; k++)
            buf_printf(out, "why: %s\n", steps[k]);
    }
    /* Solving again, after another request, gives the same. */
    struct solve_request other = *r;
    struct err ignored;
    other.weak = !r->weak;
    other.nexclude = 0;
    solve_run(s, &other, &a, &again, &ignored);
    CHECK(solve_run(s, r, &a, &again, e) == 0 && again.n == plan.n);
    for (size_t i = 0; i < plan.n && i < again.n; i++)
        CHECK_STR(again.pkgs[i].name, plan.pkgs[i].name);
    return 0;
}

static void run_golden(void *ctx, struct buf *out)
{
    struct golden *g = ctx;
    struct solve *s;
    struct err e = {0};
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
        .security = g->security,
    };
    CHECK(solve_open(&s, DISTTYPE_RPM, g->arch, NULL, &e) == 0);
    int rc = load_all(g, s, &r, out, &e);
    if (rc == 0)
        rc = put_plan(g, s, &r, out, &e);
    if (rc != 0)
        golden_error(&e, out);
    solve_close(s);
}

static void golden(void)
{
    struct golden g = {.arch = "x86_64"};
    AUTO_BUF text = {0};
    struct err e;
    CHECK(file_read(golden_path, 1 << 20, &text, &e) == 0);
    read_golden(&g, buf_view(&text));
    golden_compare(run_golden, &g, (struct str){text.p, g.head}, g.expect);
    for (unsigned i = 0; i < g.nrepos; i++) {
        buf_free(&g.repos[i].primary);
        buf_free(&g.repos[i].filelists);
        buf_free(&g.repos[i].comps);
        buf_free(&g.repos[i].updates);
        buf_free(&g.repos[i].modules);
    }
    arena_free(&g.arena);
}

int main(void)
{
    glob_t files;
    if (glob("tests/golden/rpm_solve/*.test", 0, NULL, &files) != 0)
        return 1;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        golden_path = files.gl_pathv[i];
        test_run(strrchr(golden_path, '/') + 1, golden);
    }
    globfree(&files);
    return test_done();
}
