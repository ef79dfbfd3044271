#include "cmd/lock.h"

#include <errno.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/kw.h"
#include "pkgfmt/index_path.h"

enum { VERSION = 1, FILE_MAX = 8 * 1024 * 1024, NAME_MAX_LEN = 512 };

/* Bounds of the index readers, too; the last second of the year 9999. */
static const uint64_t size_max = 1ULL << 40, installed_max = 1ULL << 42, time_max = 253402300799ULL;

struct reader {
    struct kw_file f;
    struct arena *a;
    struct lock *out;
};

/* Where in the line a word stands. */
static unsigned column(const struct kw_line *l, struct str word)
{
    return l->arg.n > 0 && word.p != NULL ? l->arg_col + (unsigned)(word.p - l->arg.p) : l->arg_col;
}

#define BAD(r, l, word, ...) kw_error(&(r)->f, (l)->line, column(l, word), e, __VA_ARGS__)

/* Letters and digits, and behind the first one these marks. */
static bool made_of(struct str s, const char *marks, size_t max)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && (i == 0 || c == '\0' || strchr(marks, c) == NULL))
            return false;
    }
    return s.n > 0 && s.n <= max;
}

static int read_number(struct reader *r, const struct kw_line *l, struct str word, uint64_t least,
                       uint64_t most, uint64_t *out, struct err *e)
{
    if (str_u64(word, out) && *out >= least && *out <= most)
        return 0;
    return BAD(r, l, word, "`%" STR_FMT "' is no number from %llu to %llu", STR_ARG(word),
               (unsigned long long)least, (unsigned long long)most);
}

static int read_time(struct reader *r, const struct kw_line *l, struct str word, int64_t *out, struct err *e)
{
    uint64_t v;
    if (read_number(r, l, word, 1, time_max, &v, e) < 0)
        return -1;
    *out = (int64_t)v;
    return 0;
}

static int read_digest(struct reader *r, const struct kw_line *l, struct str word, struct digest *out,
                       struct err *e)
{
    struct str kind = {word.p, str_chr(word, ':')}, hex = str_from(word, kind.n + 1);
    for (int k = DIGEST_MD5; k <= DIGEST_SHA512; k++) {
        if (!str_is(kind, digest_name((enum digest_kind)k)))
            continue;
        if (!digest_trusted((enum digest_kind)k))
            return BAD(r, l, word, "%s proves nothing any more, expected sha256 or stronger", digest_name(k));
        if (digest_parse(out, (enum digest_kind)k, hex))
            return 0;
        return BAD(r, l, hex, "`%" STR_FMT "' is no %s digest: %zu hexadecimal digits", STR_ARG(hex),
                   digest_name(k), 2 * digest_size((enum digest_kind)k));
    }
    return BAD(r, l, word, "`%" STR_FMT "' is no digest, expected sha256:HEX", STR_ARG(word));
}

/* What the value of a keyword is read as. */
enum kind { WORD, WORDS, NAMES, YES, NUMBER, TIME, DIGEST };

struct keyword {
    const char *name;
    enum kind kind;
    size_t field; /* in struct lock or struct lock_repo */
    bool required;
};

#define LOCK(f) offsetof(struct lock, f)
#define REPO(f) offsetof(struct lock_repo, f)

static const struct keyword lock_keywords[] = {
    {"version", NUMBER, 0, true}, /* read beforehand */
    {"distro", WORD, LOCK(distro), true},
    {"release", WORD, LOCK(release), true},
    {"arch", WORD, LOCK(arch), true},
    {"set", WORD, LOCK(set), true},
    {"zone", WORD, LOCK(zone), false},
    {"include", NAMES, LOCK(include), false},
    {"exclude", NAMES, LOCK(exclude), false},
    {"weak", YES, LOCK(weak), false},
    {"security", YES, LOCK(security), false},
    {"epoch", TIME, LOCK(epoch), true},
    {"packages", NUMBER, LOCK(plan.n), true},
    {0},
};

static const struct keyword repo_keywords[] = {
    {"mirrors", WORD, REPO(repo.mirrors), true},
    {"suite", WORD, REPO(repo.suite), true},
    {"components", WORDS, REPO(repo), false},
    {"date", TIME, REPO(date), true},
    {"index", DIGEST, REPO(index), true},
    {"keyring", DIGEST, REPO(keyring), false},
    {0},
};

static void read_components(struct reader *r, struct str words, struct distro_repo *out)
{
    struct str word;
    out->components = arena_array(r->a, words.n / 2 + 1, sizeof *out->components);
    while (str_word(&words, &word))
        out->components[out->ncomponents++] = arena_str(r->a, word);
}

/* names: has room for a line each. */
static void add_name(struct reader *r, struct option_list *names, size_t room, struct str word)
{
    if (names->v == NULL)
        names->v = arena_array(r->a, room, sizeof *names->v);
    names->v[names->n++] = arena_str(r->a, word);
}

static int read_value(struct reader *r, const struct kw_section *s, const struct kw_line *l,
                      const struct keyword *k, char *field, struct err *e)
{
    struct str rest = l->arg, word, extra;
    uint64_t n;
    if (!str_word(&rest, &word))
        return BAD(r, l, word, "`%s' without a value", k->name);
    if (k->kind != WORDS && k->kind != NAMES && str_word(&rest, &extra))
        return BAD(r, l, extra, "`%s' takes one word", k->name);
    switch (k->kind) {
    case WORD:
        *(const char **)field = arena_str(r->a, word);
        return 0;
    case WORDS:
        read_components(r, l->arg, (struct distro_repo *)field);
        return 0;
    case NAMES:
        add_name(r, (struct option_list *)field, s->nlines, str_trim(l->arg));
        return 0;
    case YES:
        *(bool *)field = str_is(word, "yes");
        return *(bool *)field ? 0 : BAD(r, l, word, "`%s' is yes, or is left out", k->name);
    case NUMBER:
        if (read_number(r, l, word, 1, FILE_MAX, &n, e) < 0)
            return -1;
        *(size_t *)field = (size_t)n;
        return 0;
    case TIME:
        return read_time(r, l, word, (int64_t *)field, e);
    case DIGEST:
        return read_digest(r, l, word, (struct digest *)field, e);
    }
    return 0;
}

static int unknown_keyword(struct reader *r, const struct kw_line *l, const struct keyword *known,
                           struct err *e)
{
    AUTO_BUF names = {0};
    for (; known->name != NULL; known++)
        buf_printf(&names, "%s%s", names.n ? ", " : "", known->name);
    return kw_error(&r->f, l->line, l->col, e, "unknown keyword `%" STR_FMT "', expected one of %s",
                    STR_ARG(l->key), buf_c(&names));
}

/* A section of keywords that stand there once, into the struct at base. */
static int read_section(struct reader *r, const struct kw_section *s, const struct keyword *known, void *base,
                        struct err *e)
{
    unsigned seen = 0;
    for (size_t i = 0; i < s->nlines; i++) {
        const struct kw_line *l = &s->lines[i];
        size_t k = 0;
        while (known[k].name != NULL && !str_is(l->key, known[k].name))
            k++;
        if (known[k].name == NULL)
            return unknown_keyword(r, l, known, e);
        if (known[k].kind != NAMES && (seen & 1U << k))
            return kw_error(&r->f, l->line, l->col, e, "`%s' stands in this section already", known[k].name);
        seen |= 1U << k;
        if (strcmp(known[k].name, "version") != 0 &&
            read_value(r, s, l, &known[k], (char *)base + known[k].field, e) < 0)
            return -1;
    }
    for (size_t k = 0; known[k].name != NULL; k++)
        if (known[k].required && !(seen & 1U << k))
            return kw_error(&r->f, s->line, s->col, e, "the section has no `%s'", known[k].name);
    return 0;
}

/* Before anything else: a later format may know what this one does not. */
static int check_version(struct reader *r, const struct kw_section *s, struct err *e)
{
    for (size_t i = 0; i < s->nlines; i++) {
        const struct kw_line *l = &s->lines[i];
        uint64_t v = 0;
        if (!str_is(l->key, "version"))
            continue;
        if (str_u64(l->arg, &v) && v == VERSION)
            return 0;
        BAD(r, l, l->arg, "version `%" STR_FMT "' of the lock format is not known here, but %d",
            STR_ARG(l->arg), VERSION);
        return err_hint(e, "another version of zonestrap wrote it: plan a new lock with --lock");
    }
    return kw_error(&r->f, s->line, s->col, e, "the section has no `version'");
}

static int read_repo(struct reader *r, const struct kw_section *s, struct err *e)
{
    struct lock_repo *repo = &r->out->repos[r->out->nrepos];
    if (!made_of(s->label, "-_.+", 64))
        return kw_error(&r->f, s->line, s->col, e, "[repo ID] wants an ID: letters, digits and -_.+");
    for (size_t i = 0; i < r->out->nrepos; i++)
        if (str_is(s->label, r->out->repos[i].repo.id))
            return kw_error(&r->f, s->line, s->col, e, "repository `%" STR_FMT "' stands in line %u already",
                            STR_ARG(s->label), r->out->repos[i].line);
    repo->repo.id = arena_str(r->a, s->label);
    repo->line = s->line;
    r->out->nrepos++;
    return read_section(r, s, repo_keywords, repo, e);
}

static int read_repo_id(struct reader *r, const struct kw_line *l, struct str word, unsigned *out,
                        struct err *e)
{
    for (size_t i = 0; i < r->out->nrepos; i++)
        if (str_is(word, r->out->repos[i].repo.id)) {
            *out = (unsigned)i;
            return 0;
        }
    return BAD(r, l, word, "there is no [repo %" STR_FMT "] above", STR_ARG(word));
}

static int read_package(struct reader *r, const struct kw_line *l, struct plan_pkg *p, struct err *e)
{
    enum { NAME, PKG_VERSION, ARCH, SIZE, INSTALLED, SUM, WHERE, PATH, COUNT };
    struct str w[COUNT], rest = l->arg, extra;
    for (int i = 0; i < COUNT; i++)
        if (!str_word(&rest, &w[i]))
            return BAD(r, l, l->arg,
                       "`package' needs NAME VERSION ARCH SIZE INSTALLED-SIZE DIGEST REPO PATH, not %d words",
                       i);
    if (str_word(&rest, &extra))
        return BAD(r, l, extra, "a word behind the path");
    if (!made_of(w[NAME], "+-._", NAME_MAX_LEN))
        return BAD(r, l, w[NAME], "`%" STR_FMT "' is no package's name", STR_ARG(w[NAME]));
    if (!made_of(w[PKG_VERSION], ".+-~^:_", NAME_MAX_LEN))
        return BAD(r, l, w[PKG_VERSION], "`%" STR_FMT "' is no version", STR_ARG(w[PKG_VERSION]));
    if (!made_of(w[ARCH], "-_", NAME_MAX_LEN))
        return BAD(r, l, w[ARCH], "`%" STR_FMT "' is no architecture", STR_ARG(w[ARCH]));
    if (!index_path_package_ok(w[PATH]))
        return BAD(r, l, w[PATH], "`%" STR_FMT "' is no path from the repository", STR_ARG(w[PATH]));
    *p = (struct plan_pkg){.reason = "", .priority = ""};
    if (read_number(r, l, w[SIZE], 1, size_max, &p->size, e) < 0 ||
        read_number(r, l, w[INSTALLED], 0, installed_max, &p->installed_size, e) < 0 ||
        read_digest(r, l, w[SUM], &p->digest, e) < 0 || read_repo_id(r, l, w[WHERE], &p->repo, e) < 0)
        return -1;
    p->name = arena_str(r->a, w[NAME]);
    p->version = arena_str(r->a, w[PKG_VERSION]);
    p->arch = arena_str(r->a, w[ARCH]);
    p->path = arena_str(r->a, w[PATH]);
    return 0;
}

struct named {
    const char *name, *arch;
    const struct kw_line *line;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int c = strcmp(x->name, y->name);
    c = c != 0 ? c : strcmp(x->arch, y->arch);
    return c != 0 ? c : x->line->line < y->line->line ? -1 : 1;
}

static int check_once(struct reader *r, const struct kw_section *s, struct err *e)
{
    struct named *v = arena_array(r->a, s->nlines + 1, sizeof *v);
    for (size_t i = 0; i < s->nlines; i++)
        v[i] = (struct named){r->out->plan.pkgs[i].name, r->out->plan.pkgs[i].arch, &s->lines[i]};
    qsort(v, s->nlines, sizeof *v, by_name);
    for (size_t i = 1; i < s->nlines; i++)
        if (strcmp(v[i - 1].name, v[i].name) == 0 && strcmp(v[i - 1].arch, v[i].arch) == 0)
            return BAD(r, v[i].line, v[i].line->arg, "package `%s' stands in line %u already", v[i].name,
                       v[i - 1].line->line);
    return 0;
}

/* A copy that was cut off at a line's end would install less, and nobody would see it. */
static int read_packages(struct reader *r, const struct kw_section *s, struct err *e)
{
    struct plan *plan = &r->out->plan;
    if (s->nlines != plan->n)
        return kw_error(&r->f, s->line, s->col, e, "%zu packages, but [lock] says that there are %zu",
                        s->nlines, plan->n);
    plan->pkgs = arena_array(r->a, s->nlines + 1, sizeof *plan->pkgs);
    for (size_t i = 0; i < s->nlines; i++) {
        const struct kw_line *l = &s->lines[i];
        if (!str_is(l->key, "package"))
            return kw_error(&r->f, l->line, l->col, e, "unknown keyword `%" STR_FMT "', expected package",
                            STR_ARG(l->key));
        if (read_package(r, l, &plan->pkgs[i], e) < 0)
            return -1;
    }
    return check_once(r, s, e);
}

static int check_bytes(const char *name, struct str text, struct err *e)
{
    struct kw_file f = {.name = name};
    unsigned line = 1;
    size_t start = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\n') {
            line++;
            start = i + 1;
        } else if ((c < ' ' && c != '\t' && !(c == '\r' && i + 1 < text.n && text.p[i + 1] == '\n')) ||
                   c == 0x7f) {
            return kw_error(&f, line, (unsigned)(i - start) + 1, e, "control byte 0x%02x: this is no lock",
                            c);
        }
    }
    if (text.n > 0 && text.p[text.n - 1] != '\n')
        return kw_error(&f, line, (unsigned)(text.n - start) + 1, e,
                        "the line does not end: the lock is cut off");
    return 0;
}

/* [lock], then one [repo ID] at least, then [packages], and no more. */
static int read_sections(struct reader *r, struct err *e)
{
    const struct kw_file *f = &r->f;
    const struct kw_section *s = f->sections;
    if (s->nlines > 0)
        return kw_error(f, s->lines[0].line, s->lines[0].col, e, "expected [lock] first: this is no lock");
    r->out->repos = arena_array(r->a, f->n, sizeof *r->out->repos);
    for (size_t i = 1; i < f->n; i++) {
        static const char *const order[] = {"lock", "repo", "packages"};
        const char *want = order[i == 1 ? 0 : i + 1 < f->n ? 1 : 2];
        int rc;
        s = &f->sections[i];
        if (!str_is(s->name, want) || s->nquals > 0 || (s->label.n > 0 && strcmp(want, "repo") != 0))
            return kw_error(f, s->line, s->col, e, "expected [%s] here", want);
        if (i == 1)
            rc = check_version(r, s, e) < 0 ? -1 : read_section(r, s, lock_keywords, r->out, e);
        else
            rc = i + 1 < f->n ? read_repo(r, s, e) : read_packages(r, s, e);
        if (rc < 0)
            return -1;
    }
    return f->n > 3
               ? 0
               : kw_error(f, s->line ? s->line : 1, s->col, e, "a lock is [lock], [repo ID] and [packages]");
}

int lock_parse(const char *name, struct str text, struct arena *a, struct lock *out, struct err *e)
{
    struct reader r = {.a = a, .out = out};
    *out = (struct lock){.file = arena_dup(a, name)};
    if (check_bytes(name, text, e) < 0 || kw_parse(&r.f, name, text, a, e) < 0)
        return -1;
    return read_sections(&r, e);
}

int lock_read(const char *file, struct arena *a, struct lock *out, struct err *e)
{
    AUTO_BUF text = {0};
    if (file_read(file, FILE_MAX, &text, e) == 0)
        return lock_parse(file, buf_view(&text), a, out, e);
    if (e->sys == EFBIG)
        return err_set(e, ERR_USAGE, "%s:1:1: over %d bytes: this is no lock", file, FILE_MAX);
    return err_wrap(e, "--locked");
}
