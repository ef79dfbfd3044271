#include <sys/utsname.h>

#include "distros/recipe.h"

static bool has_word(const struct distro_words *w, const char *s)
{
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->v[i], s) == 0)
            return true;
    return false;
}

/* Every word of every line takes at most one place; the caller's array has room for words_max() of them. */
static void words_add(struct distro_words *w, struct str arg, const struct recipe_choice *c, struct arena *a)
{
    struct str word;
    while (str_word(&arg, &word)) {
        const char *s = recipe_expand(word, c, a);
        if (!has_word(w, s))
            w->v[w->n++] = s;
    }
}

static size_t words_max(const struct recipe *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        n += r->lines[i].line->arg.n / 2 + 1;
    return n;
}

static struct distro_words words_new(const struct recipe *r, struct arena *a)
{
    return (struct distro_words){.v = arena_array(a, words_max(r), sizeof(char *))};
}

/* "a, b, c" for hints. */
static const char *joined(const struct distro_words *w, struct arena *a)
{
    struct buf b = {0};
    for (size_t i = 0; i < w->n; i++)
        buf_printf(&b, "%s%s", i ? ", " : "", w->v[i]);
    const char *s = arena_str(a, buf_view(&b));
    buf_free(&b);
    return s;
}

/* The [release NAME] whose label, or a line of the given keyword, has this word; NULL. */
static const char *release_by(const struct recipe *r, const char *key, const char *want, struct arena *a)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct kw_section *s = r->lines[i].section;
        struct str arg = r->lines[i].line->arg, word;
        if (!str_is(s->name, "release") || str_is(s->label, "*"))
            continue;
        if (key == NULL && str_is(s->label, want))
            return arena_str(a, s->label);
        while (key != NULL && str_is(r->lines[i].line->key, key) && str_word(&arg, &word))
            if (str_is(word, want))
                return arena_str(a, s->label);
    }
    return NULL;
}

static bool is_suite_alias(const struct recipe *r, const char *want)
{
    const struct recipe_line *l;
    for (size_t i = 0; (l = recipe_next(r, "distro", "suite-alias", &i)) != NULL;) {
        struct str arg = l->line->arg, word;
        while (str_word(&arg, &word))
            if (str_is(word, want))
                return true;
    }
    return false;
}

/* The last line wins: what a recipe says itself comes behind what it inherited. */
static const struct recipe_line *last(const struct recipe *r, const char *section, const char *key,
                                      const struct recipe_choice *c)
{
    const struct recipe_line *l, *found = NULL;
    for (size_t i = 0; (l = recipe_next(r, section, key, &i)) != NULL;)
        if (recipe_fits(l, c))
            found = l;
    return found;
}

static int unknown_release(const struct recipe *r, const char *want, struct arena *a, struct err *e)
{
    struct distro_words known = words_new(r, a);
    struct recipe_choice none = {0};
    for (size_t i = 0; i < r->n; i++)
        if (str_is(r->lines[i].section->name, "release") && !str_is(r->lines[i].section->label, "*"))
            words_add(&known, r->lines[i].section->label, &none, a);
    err_set(e, ERR_USAGE, "%s: the distribution %s has no release `%.100s'", r->file, r->name, want);
    err_hint(e, "releases: %s; for a newer one see `like' in zonestrap-recipe(5)", joined(&known, a));
    return -1;
}

static int choose_release(const struct recipe *r, const char *want, struct recipe_choice *c, bool *alias,
                          struct arena *a, struct err *e)
{
    const struct recipe_line *l = last(r, "distro", "default", c);
    *alias = false;
    if (want == NULL || *want == '\0') {
        if (l == NULL) {
            err_set(e, ERR_USAGE, "%s: the recipe has no default release", r->file);
            return err_hint(e, "name one: %s/RELEASE", r->name);
        }
        want = arena_str(a, l->line->arg);
    }
    static const char *const keys[] = {NULL, "version", "alias"};
    for (size_t i = 0; c->release == NULL && i < 3; i++)
        c->release = release_by(r, keys[i], want, a);
    if (c->release == NULL) {
        if (!is_suite_alias(r, want))
            return unknown_release(r, want, a, e);
        *alias = true;
        c->release = arena_dup(a, want);
    }
    l = last(r, "release", "version", c);
    c->version = l ? arena_str(a, l->line->arg) : "";
    return 0;
}

/* MACHINE=ARCH words: *machine gets the first that means arch. */
static const char *find_arch(const struct recipe *r, const char *want, const char **machine,
                             struct distro_words *all, struct arena *a, struct err *e)
{
    const struct recipe_line *l;
    const char *arch = NULL;
    struct recipe_choice none = {0};
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; (l = recipe_next(r, "distro", "arch", &i)) != NULL;) {
            struct str arg = l->line->arg, word;
            while (str_word(&arg, &word)) {
                struct str left = {word.p, str_chr(word, '=')}, right = str_from(word, left.n + 1);
                if (left.n == 0 || right.n == 0) {
                    recipe_error(l, e, "`%" STR_FMT "' is no MACHINE=ARCH", STR_ARG(word));
                    return NULL;
                }
                words_add(all, right, &none, a);
                if (arch == NULL && (str_is(left, want) || str_is(right, want)))
                    arch = arena_str(a, right);
                if (pass == 1 && arch != NULL && *machine == NULL && str_is(right, arch))
                    *machine = arena_str(a, left);
            }
        }
    return arch ? arch : "";
}

static int choose_arch(const struct recipe *r, const char *want, struct recipe_choice *c,
                       const char **machine, struct arena *a, struct err *e)
{
    struct utsname host;
    struct distro_words all = words_new(r, a), has = words_new(r, a);
    const struct recipe_line *l, *said = NULL;
    if (want == NULL && uname(&host) < 0)
        return err_set(e, ERR_HOST, "cannot tell the host's architecture");
    const char *name = want ? want : host.machine;
    const char *arch = find_arch(r, name, machine, &all, a, e);
    if (arch == NULL)
        return -1;
    for (size_t i = 0; (l = recipe_next(r, "release", "arch", &i)) != NULL;)
        if (recipe_fits(l, c)) {
            words_add(&has, l->line->arg, c, a);
            said = l;
        }
    if (*arch == '\0' || (said != NULL && !has_word(&has, arch))) {
        err_set(e, ERR_USAGE, "%s: %s/%s has no architecture `%.60s'%s", r->file, r->name, c->release, name,
                want ? "" : ", which is this host's");
        return err_hint(e, "give --arch one of %s", joined(said ? &has : &all, a));
    }
    c->arch = arch;
    return 0;
}

/* One pattern, relative to the recipe's directory, over built-in and overriding files. */
static int add_keys(const struct data *d, const struct recipe_line *l, struct str pattern, struct arena *a,
                    struct release *out, struct err *e)
{
    size_t slash = pattern.n, n, max = out->nkeys;
    const char **names, *room = "distros";
    struct data in = d ? *d : (struct data){0};
    while (slash > 0 && pattern.p[slash - 1] != '/')
        slash--;
    struct str dir = {pattern.p, slash ? slash - 1 : 0};
    if (pattern.p[0] == '/' || str_find(pattern, STR("..")) < pattern.n)
        return recipe_error(l, e, "`%" STR_FMT "': the path of a key is relative to the recipe, without `..'",
                            STR_ARG(pattern));
    if (slash > 0) {
        const char **dirs = arena_array(a, in.ndirs + 1, sizeof *dirs);
        for (size_t i = 0; i < in.ndirs; i++)
            dirs[i] = arena_printf(a, "%s/%.*s", d->dirs[i], (int)dir.n, dir.p);
        in.dirs = dirs;
        room = arena_printf(a, "distros/%.*s", (int)dir.n, dir.p);
    }
    if (data_list(&in, room, arena_str(a, str_from(pattern, slash)), a, &names, &n, e) < 0)
        return -1;
    if (n == 0)
        return recipe_error(l, e, "no key file matches `%" STR_FMT "'", STR_ARG(pattern));
    struct distro_key *keys = arena_array(a, max + n, sizeof *keys);
    if (max > 0)
        memcpy(keys, out->keys, max * sizeof *keys);
    for (size_t i = 0; i < n; i++) {
        keys[max + i].name = slash ? arena_printf(a, "%.*s/%s", (int)dir.n, dir.p, names[i]) : names[i];
        if (data_read(&in, room, names[i], a, &keys[max + i].bytes, NULL, e) != 0)
            return e->class == ERR_NONE ? recipe_error(l, e, "no key file `%s'", names[i]) : -1;
    }
    out->keys = keys;
    out->nkeys = max + n;
    return 0;
}

static int choose_keys(const struct data *d, const struct recipe *r, const struct recipe_choice *c,
                       struct arena *a, struct release *out, struct err *e)
{
    const struct recipe_line *l;
    for (size_t i = 0; (l = recipe_next(r, NULL, "keys", &i)) != NULL;) {
        struct str arg = l->line->arg, pattern;
        while (recipe_fits(l, c) && str_word(&arg, &pattern))
            if (add_keys(d, l, pattern, a, out, e) < 0)
                return -1;
    }
    return 0;
}

/* A URL for people: nothing is fetched from it. What a release says goes before what the distribution says.
 */
static int choose_keys_at(const struct recipe *r, const struct recipe_choice *c, struct arena *a,
                          struct release *out, struct err *e)
{
    const struct recipe_line *l = last(r, "release", "keys-at", c);
    out->keys_at = "";
    if (l == NULL && (l = last(r, "distro", "keys-at", c)) == NULL)
        return 0;
    out->keys_at = recipe_expand(l->line->arg, c, a);
    return strncmp(out->keys_at, "https://", 8) == 0
               ? 0
               : recipe_error(l, e, "`%.200s' is no https URL", out->keys_at);
}

static int choose_set(const struct recipe *r, const char *want, const struct recipe_choice *c,
                      struct arena *a, struct release *out, struct err *e)
{
    struct distro_words known = words_new(r, a);
    out->set_name = arena_dup(a, want ? want : "base");
    out->packages = words_new(r, a);
    out->prefer = words_new(r, a);
    for (size_t i = 0; i < r->n; i++) {
        const struct recipe_line *l = &r->lines[i];
        if (!str_is(l->section->name, "set") || !recipe_fits(l, c))
            continue;
        words_add(&known, l->section->label, c, a);
        if (str_is(l->section->label, out->set_name))
            words_add(str_is(l->line->key, "prefer") ? &out->prefer : &out->packages, l->line->arg, c, a);
    }
    if (out->packages.n > 0)
        return 0;
    for (size_t i = 0; i < known.n; i++)
        if (strcmp(known.v[i], out->set_name) == 0)
            return err_set(e, ERR_USAGE, "%s: the package set %s of %s/%s has no `packages' line", r->file,
                           out->set_name, r->name, c->release);
    err_set(e, ERR_USAGE, "%s: %s/%s has no package set `%.100s'", r->file, r->name, c->release,
            out->set_name);
    return err_hint(e, "give --set one of %s", known.n ? joined(&known, a) : "(the recipe has none)");
}

static struct distro_words all_words(const struct recipe *r, const char *key, const struct recipe_choice *c,
                                     struct arena *a)
{
    struct distro_words w = words_new(r, a);
    const struct recipe_line *l;
    for (size_t i = 0; (l = recipe_next(r, NULL, key, &i)) != NULL;)
        if (recipe_fits(l, c))
            words_add(&w, l->line->arg, c, a);
    return w;
}

/* What a release says goes before what the distribution says. */
static int choose_trust(const struct recipe *r, const struct recipe_choice *c, enum distro_trust *out,
                        struct err *e)
{
    static const char *const names[] = {
        [DISTRO_TRUST_SIGNATURE] = "signature",
        [DISTRO_TRUST_METALINK] = "metalink",
        [DISTRO_TRUST_PACKAGES] = "packages",
    };
    const struct recipe_line *l = last(r, "release", "trust", c);
    *out = DISTRO_TRUST_SIGNATURE;
    if (l == NULL && (l = last(r, "distro", "trust", c)) == NULL)
        return 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_is(l->line->arg, names[i])) {
            *out = (enum distro_trust)i;
            return 0;
        }
    return recipe_error(l, e, "`%" STR_FMT "' is none of signature, metalink, packages",
                        STR_ARG(l->line->arg));
}

/* A link's text may climb as far as the root, not beyond. */
static bool stays_inside(struct str path, struct str text)
{
    long depth = 0;
    struct str part;
    if (path.n == 0 || text.n == 0 || text.p[0] == '/')
        return false;
    for (struct str rest = path; str_cut(&rest, '/', &part); depth++)
        if (part.n == 0 || str_is(part, ".") || str_is(part, ".."))
            return false;
    for (depth--; str_cut(&text, '/', &part); depth += str_is(part, "..") ? -1 : 1)
        if (depth < 0 || part.n == 0 || str_is(part, "."))
            return false;
    return depth >= 0;
}

static int choose_layout(const struct recipe *r, const struct recipe_choice *c, struct arena *a,
                         struct release *out, struct err *e)
{
    const struct recipe_line *l;
    out->layout = arena_array(a, r->n + 1, sizeof *out->layout);
    for (size_t i = 0; (l = recipe_next(r, NULL, "link", &i)) != NULL;) {
        struct str text = l->line->arg, path;
        size_t at = 0;
        if (!recipe_fits(l, c))
            continue;
        str_word(&text, &path);
        text = str_trim(text);
        if (path.p[0] == '/')
            path = str_from(path, 1);
        if (!stays_inside(path, text))
            return recipe_error(l, e, "link `%" STR_FMT "' must be relative and stay in the root",
                                STR_ARG(text));
        const char *p = recipe_expand(path, c, a);
        while (at < out->nlayout && strcmp(out->layout[at].path, p) != 0)
            at++;
        out->layout[at] = (struct distro_link){p, recipe_expand(text, c, a)};
        out->nlayout += at == out->nlayout;
    }
    return 0;
}

int recipe_choose(const struct recipe *r, const char *release, const struct distro_opts *o, struct arena *a,
                  struct release *out, bool *alias, struct err *e)
{
    struct recipe_choice c = {.distro = r->name};
    const struct recipe_line *title = last(r, "distro", "title", &c),
                             *format = last(r, "distro", "format", &c),
                             *signed_by = last(r, "distro", "signed-by", &c);
    *out = (struct release){.distro = r->name};
    if (format == NULL)
        return err_set(e, ERR_USAGE, "%s: [distro] has no `format'", r->file);
    if (choose_release(r, release, &c, alias, a, e) < 0 ||
        choose_arch(r, o->arch, &c, &out->machine, a, e) < 0)
        return -1;
    out->title = title ? arena_str(a, title->line->arg) : r->name;
    out->format = arena_str(a, format->line->arg);
    out->signed_by = signed_by ? arena_str(a, signed_by->line->arg) : "";
    out->name = c.release;
    out->version = c.version;
    out->arch = c.arch;
    if (recipe_choose_repos(r, &c, *alias, a, out, e) < 0 || choose_keys(o->data, r, &c, a, out, e) < 0 ||
        choose_keys_at(r, &c, a, out, e) < 0 || choose_set(r, o->set, &c, a, out, e) < 0 ||
        choose_trust(r, &c, &out->trust, e) < 0)
        return -1;
    out->ship_sources = all_words(r, "ship-sources", &c, a);
    out->first = all_words(r, "first", &c, a);
    return choose_layout(r, &c, a, out, e);
}
