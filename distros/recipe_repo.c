/* `repo`, `metalink` and `mirrorlist` lines. */
#include <ctype.h>

#include "distros/recipe.h"

/* An ID becomes part of file names. */
static bool id_ok(struct str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (!isalnum((unsigned char)id.p[i]) && (i == 0 || strchr("-_.+", id.p[i]) == NULL))
            return false;
    return id.n > 0 && id.n <= 64;
}

/* `ID MIRRORS SUITE COMPONENT...`; a missing part stays empty. */
static void read_repo(struct str arg, const struct recipe_choice *c, struct arena *a, struct distro_repo *out)
{
    struct str id, mirrors, suite, word;
    str_word(&arg, &id);
    str_word(&arg, &mirrors);
    str_word(&arg, &suite);
    out->id = arena_str(a, id);
    out->mirrors = recipe_expand(mirrors, c, a);
    out->suite = recipe_expand(suite, c, a);
    out->components = arena_array(a, arg.n / 2 + 1, sizeof *out->components);
    for (out->ncomponents = 0; str_word(&arg, &word);)
        out->components[out->ncomponents++] = recipe_expand(word, c, a);
}

int distro_repo_parse(const char *spec, const struct release *r, struct arena *a, struct distro_repo *out,
                      struct err *e)
{
    const struct recipe_choice c = {r->distro, r->name, r->version, r->arch};
    struct str name;
    size_t at;
    if (recipe_unknown_variable(str_c(spec), &at, &name))
        return err_set(e, ERR_USAGE,
                       "`%.200s': unknown variable {%" STR_FMT "} (known: {release} {arch} {version})", spec,
                       STR_ARG(name));
    *out = (struct distro_repo){.release = true, .extra = true};
    read_repo(str_trim(str_c(spec)), &c, a, out);
    if (out->suite[0] == '\0' || !id_ok(str_c(out->id)))
        return err_set(e, ERR_USAGE, "`%.200s' is not `ID MIRRORS SUITE COMPONENT...'", spec);
    return 0;
}

/* A line takes the place of an earlier one with its ID, and of where that one's mirrors are asked for; in the
   same section that is a mistake. */
static int add_repo(const struct recipe_line *l, const struct recipe_line **from,
                    const struct recipe_choice *c, struct arena *a, struct release *out, struct err *e)
{
    struct distro_repo repo = {0};
    size_t at = 0;
    read_repo(l->line->arg, c, a, &repo);
    if (!id_ok(str_c(repo.id)))
        return recipe_error(l, e, "`%.60s' is no repository's ID: letters, digits and -_.+", repo.id);
    while (at < out->nrepos && strcmp(out->repos[at].id, repo.id) != 0)
        at++;
    repo.release = !str_is(l->section->name, "release") || strcmp(repo.id, "main") == 0 ||
                   (at < out->nrepos && out->repos[at].release);
    if (at < out->nrepos && from[at]->section == l->section)
        return recipe_error(l, e, "repository `%s' stands in this section already, in line %u", repo.id,
                            from[at]->line->line);
    from[at] = l;
    repo.where = arena_printf(a, "%s:%u:%u", l->file->name, l->line->line, l->line->arg_col);
    out->repos[at] = repo;
    out->nrepos += at == out->nrepos;
    return 0;
}

/* `metalink ID URL', `mirrorlist ID URL'. */
static int add_mirrors(const struct recipe_line *l, const struct recipe_choice *c, struct arena *a,
                       struct release *out, struct err *e)
{
    struct str url = l->line->arg, id;
    size_t at = 0;
    str_word(&url, &id);
    const char *text = recipe_expand(str_trim(url), c, a);
    while (at < out->nrepos && !str_is(id, out->repos[at].id))
        at++;
    if (at == out->nrepos)
        return recipe_error(l, e, "there is no repository `%" STR_FMT "' above", STR_ARG(id));
    if (strncmp(text, "https://", 8) != 0 && strncmp(text, "http://", 7) != 0)
        return recipe_error(l, e, "`%.200s' is no http or https URL", text);
    if (str_is(l->line->key, "metalink"))
        out->repos[at].metalink = text;
    else
        out->repos[at].mirrorlist = text;
    return 0;
}

int recipe_choose_repos(const struct recipe *r, const struct recipe_choice *c, bool alias, struct arena *a,
                        struct release *out, struct err *e)
{
    const struct recipe_line *l, **from = arena_array(a, r->n + 1, sizeof(struct recipe_line *));
    out->repos = arena_array(a, r->n + 1, sizeof *out->repos);
    for (size_t i = 0; i < r->n; i++) {
        l = &r->lines[i];
        if (!recipe_fits(l, c) || (alias && str_is(l->section->name, "release")))
            continue;
        if (str_is(l->line->key, "repo") && add_repo(l, from, c, a, out, e) < 0)
            return -1;
        if ((str_is(l->line->key, "metalink") || str_is(l->line->key, "mirrorlist")) &&
            add_mirrors(l, c, a, out, e) < 0)
            return -1;
    }
    if (out->nrepos > 0)
        return 0;
    err_set(e, ERR_USAGE, "%s: no `repo' for %s/%s on %s", r->file, r->name, c->release, c->arch);
    return err_hint(e, "a line `repo ID MIRRORS SUITE COMPONENT...' below [distro] says where packages are");
}
