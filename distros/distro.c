#include "distros/distro.h"

#include <stdlib.h>

#include "base/auto.h"
#include "distros/recipe.h"

int distro_resolve(const char *distro_slash_release, const struct distro_opts *o, struct arena *a,
                   struct release *out, bool *needs_codename, struct err *e)
{
    struct str rest = str_c(distro_slash_release), name = {NULL, 0};
    struct recipe r;
    bool alias;
    str_cut(&rest, '/', &name);
    if (recipe_read(o->data, arena_str(a, name), a, &r, e) < 0 ||
        recipe_choose(&r, arena_str(a, rest), o, a, out, &alias, e) < 0)
        return -1;
    *needs_codename = alias;
    return 0;
}

/* A growing list of words, each once, in the arena's memory. */
static void note(struct distro_words *w, struct str word, size_t max, struct arena *a)
{
    if (w->v == NULL)
        w->v = arena_array(a, max, sizeof *w->v);
    for (size_t i = 0; i < w->n; i++)
        if (str_is(word, w->v[i]))
            return;
    w->v[w->n++] = arena_str(a, word);
}

static void note_all(struct distro_words *w, struct str words, size_t max, struct arena *a)
{
    struct str word;
    while (str_word(&words, &word))
        note(w, word, max, a);
}

/* The version that goes with each release. */
static void note_versions(const struct recipe *r, struct distro_info *i, struct arena *a)
{
    const struct recipe_line *l;
    i->versions.v = arena_array(a, i->releases.n + 1, sizeof *i->versions.v);
    i->versions.n = i->releases.n;
    for (size_t k = 0; k < i->releases.n; k++) {
        i->versions.v[k] = "";
        for (size_t at = 0; (l = recipe_next(r, "release", "version", &at)) != NULL;)
            if (str_is(l->section->label, i->releases.v[k]))
                i->versions.v[k] = arena_str(a, l->line->arg);
    }
}

static void describe(const struct recipe *r, struct arena *a, struct distro_info *out)
{
    size_t max = 1;
    struct str rest, word;
    for (size_t i = 0; i < r->n; i++)
        max += r->lines[i].line->arg.n / 2 + 1;
    *out = (struct distro_info){.name = r->name, .title = r->name, .format = ""};
    for (size_t i = 0; i < r->n; i++) {
        const struct kw_section *s = r->lines[i].section;
        const struct kw_line *l = r->lines[i].line;
        if (str_is(s->name, "release") && !str_is(s->label, "*"))
            note(&out->releases, s->label, max, a);
        if (str_is(s->name, "set"))
            note(&out->sets, s->label, max, a);
        if (str_is(l->key, "alias") || str_is(l->key, "suite-alias"))
            note_all(&out->aliases, l->arg, max, a);
        if (str_is(l->key, "title"))
            out->title = arena_str(a, l->arg);
        if (str_is(l->key, "format"))
            out->format = arena_str(a, l->arg);
        for (rest = l->arg; str_is(l->key, "arch") && str_is(s->name, "distro") && str_word(&rest, &word);)
            note(&out->archs, str_from(word, str_chr(word, '=') + 1), max, a);
    }
    note_versions(r, out, a);
}

int distro_list(const struct data *d, struct arena *a, struct distro_info **out, size_t *n, struct err *e)
{
    const char **names;
    if (data_list(d, "distros", "*.distro", a, &names, n, e) < 0)
        return -1;
    *out = arena_array(a, *n + 1, sizeof **out);
    for (size_t i = 0; i < *n; i++) {
        struct recipe r;
        struct str name = str_c(names[i]);
        name.n -= strlen(".distro");
        if (recipe_read(d, arena_str(a, name), a, &r, e) < 0)
            return -1;
        describe(&r, a, &(*out)[i]);
    }
    return 0;
}

/* What a check goes by: the recipe and what it says, and who else is to see each choice. */
struct check {
    const struct data *data;
    const struct recipe *recipe;
    const struct distro_info *info;
    int (*see)(void *ctx, const struct release *r, struct err *e);
    void *ctx;
};

/* Every set of one release on every architecture that it has. */
static int check_release(const struct check *c, const char *release, struct err *e)
{
    const struct distro_info *i = c->info;
    size_t good = 0;
    for (size_t k = 0; k < i->archs.n; k++)
        for (size_t s = 0; s < i->sets.n; s++) {
            AUTO_ARENA a = {0};
            struct distro_opts o = {.data = c->data, .arch = i->archs.v[k], .set = i->sets.v[s]};
            struct release out;
            bool alias;
            if (recipe_choose(c->recipe, release, &o, &a, &out, &alias, e) == 0)
                good++;
            else if (out.arch != NULL) /* else the release does not have this architecture */
                return -1;
            else
                continue;
            if (s == 0 && c->see != NULL && c->see(c->ctx, &out, e) < 0)
                return -1;
        }
    if (good > 0) {
        *e = (struct err){0};
        return 0;
    }
    return e->class != ERR_NONE ? -1
                                : err_set(e, ERR_USAGE, "%s: the recipe has no package set", c->recipe->file);
}

/* The default is a release, or a suite alias: a set may be there for releases alone. */
static int check_default(const struct check *c, struct err *e)
{
    size_t at = 0;
    if (recipe_next(c->recipe, "distro", "default", &at) == NULL)
        return 0;
    for (size_t k = 0; k < c->info->archs.n; k++) {
        AUTO_ARENA a = {0};
        struct distro_opts o = {.data = c->data, .arch = c->info->archs.v[k]};
        struct release out;
        bool alias;
        if (recipe_choose(c->recipe, NULL, &o, &a, &out, &alias, e) < 0 && out.name == NULL)
            continue;
        *e = (struct err){0};
        return 0;
    }
    return -1;
}

static bool has(const struct distro_words *w, struct str word)
{
    for (size_t i = 0; i < w->n; i++)
        if (str_is(word, w->v[i]))
            return true;
    return false;
}

/* A name that no release or architecture has would make a line count nowhere, without a word. */
static int check_word(const struct recipe_line *l, const struct distro_words *known, struct str word,
                      const char *what, struct err *e)
{
    return has(known, word) ? 0 : recipe_error(l, e, "`%" STR_FMT "' is no %s", STR_ARG(word), what);
}

static int check_quals(const struct recipe_line *l, const struct distro_info *i, struct err *e)
{
    const struct kw_section *s = l->section;
    static const char *const release = "release of this recipe", *const arch = "architecture of [distro]";
    if (str_is(s->name, "arch") && check_word(l, &i->archs, s->label, arch, e) < 0)
        return -1;
    for (size_t k = 0; k < s->nquals; k++) {
        struct str values = s->quals[k].value, value;
        bool of_release = str_is(s->quals[k].key, "release");
        if (!of_release && !str_is(s->quals[k].key, "arch"))
            continue;
        while (str_cut(&values, ',', &value))
            if (check_word(l, of_release ? &i->releases : &i->archs, value, of_release ? release : arch, e) <
                0)
                return -1;
    }
    return 0;
}

/* What the recipe's own lines name; what it inherited may speak of releases that it dropped. */
static int check_names(const struct recipe *r, const struct distro_info *i, struct err *e)
{
    for (size_t k = 0; k < r->n; k++) {
        const struct recipe_line *l = &r->lines[k];
        struct str rest = l->line->arg, word;
        if (strcmp(l->file->name, r->file) != 0)
            continue;
        if (l->line->key.n == 0 && check_quals(l, i, e) < 0)
            return -1;
        while (str_is(l->section->name, "release") && str_is(l->line->key, "arch") && str_word(&rest, &word))
            if (check_word(l, &i->archs, word, "architecture of [distro]", e) < 0)
                return -1;
    }
    return 0;
}

int distro_check(const struct data *d, const char *name, struct str text,
                 int (*see)(void *ctx, const struct release *r, struct err *e), void *ctx, struct err *e)
{
    AUTO_ARENA a = {0};
    struct recipe r;
    struct distro_info i;
    struct check c = {d, &r, &i, see, ctx};
    const char *slash = strrchr(name, '/');
    struct str base = str_c(slash ? slash + 1 : name);
    if (str_ends(base, STR(".distro")))
        base.n -= strlen(".distro");
    if (recipe_parse(d, arena_str(&a, base), name, text, &a, &r, e) < 0)
        return -1;
    describe(&r, &a, &i);
    if (i.releases.n == 0)
        return err_set(e, ERR_USAGE, "%s: the recipe has no [release NAME]", name);
    if (i.archs.n == 0) {
        err_set(e, ERR_USAGE, "%s: [distro] has no `arch'", name);
        return err_hint(e, "a line like `arch x86_64=amd64': what uname -m says, what packages say");
    }
    if (check_names(&r, &i, e) < 0)
        return -1;
    for (size_t k = 0; k < i.releases.n; k++)
        if (check_release(&c, i.releases.v[k], e) < 0)
            return -1;
    return check_default(&c, e);
}
