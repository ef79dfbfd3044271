#include "pkgfmt/deb.h"

#include <solv/pool.h>

#include "base/auto.h"
#include "pkgfmt/deb_index.h"
#include "pkgfmt/deb_release.h"

/* Best first: the smallest, but for xz only what unpacks faster. */
static const char *const suffixes[] = {".xz", ".zst", ".gz", ".bz2", ""};

/* A flat repository has its indexes beside the Release file, sources.list(5). */
static bool is_flat(const struct pkgfmt_query *q)
{
    size_t n = strlen(q->suite);
    return n == 0 || strcmp(q->suite, ".") == 0 || q->suite[n - 1] == '/';
}

/* The directory of the Release file, below the repository's base; ends with a slash or is empty. */
static const char *release_dir(const struct pkgfmt_query *q, struct arena *a)
{
    const char *suite = q->suite;
    if (!is_flat(q))
        return arena_printf(a, "dists/%s/", suite);
    while (suite[0] == '.' && suite[1] == '/')
        suite += 2;
    return strcmp(suite, ".") == 0 || strcmp(suite, "/") == 0 ? "" : suite;
}

static const char *root_path(const struct pkgfmt_query *q, int which, struct arena *a)
{
    static const char *const names[] = {"InRelease", "Release", "Release.gpg"};
    if (which < 0 || which > 2)
        return NULL;
    return arena_printf(a, "%s%s", release_dir(q, a), names[which]);
}

static int root_parse(struct str text, struct arena *a, struct pkgfmt_root *out, struct err *e)
{
    struct deb_release r;
    if (deb_release_parse(text, a, &r, e) != 0)
        return -1;
    *out = (struct pkgfmt_root){
        .suite = arena_str(a, r.suite),
        .codename = arena_str(a, r.codename),
        .origin = arena_str(a, r.origin),
        .label = arena_str(a, r.label),
        .date = r.date,
        .valid_until = r.valid_until,
    };
    return 0;
}

struct list {
    const struct deb_release *release;
    const struct pkgfmt_query *q;
    struct arena *a;
    const char *dir;
    struct pkgfmt_index *out;
    size_t n;
};

/* Adds the best form of the index whose plain name is `name`; false: the Release has none of them. */
static bool add_index(struct list *l, const char *name, const char *component, const char *arch)
{
    const struct deb_release_file *f = NULL, *open = deb_release_find(l->release, str_c(name));
    char hex[DIGEST_HEX_MAX];
    const char *path = name;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes && f == NULL; i++) {
        path = arena_printf(l->a, "%s%s", name, suffixes[i]);
        f = deb_release_find(l->release, str_c(path));
    }
    if (f == NULL)
        return false;
    const char *plain = arena_printf(l->a, "%s%s", l->dir, path), *slash = strrchr(plain, '/');
    const char *by_hash = plain;
    if (l->release->by_hash)
        by_hash =
            arena_printf(l->a, "%.*sby-hash/%s/%s", slash != NULL ? (int)(slash + 1 - plain) : 0, plain,
                         f->digest.kind == DIGEST_SHA512 ? "SHA512" : "SHA256", digest_hex(&f->digest, hex));
    l->out[l->n++] = (struct pkgfmt_index){
        .what = path,
        .path = by_hash,
        .plain = plain,
        .size = f->size,
        .digest = f->digest,
        .open_size = open != NULL ? open->size : 0,
        .component = arena_dup(l->a, component),
        .arch = arena_dup(l->a, arch),
    };
    return true;
}

/* Whether a blank-separated list has the word; Components may spell it with a path before it
 * ("updates/main"). */
static bool has_word(struct str words, const char *word, bool last_part)
{
    struct str w;
    while (str_word(&words, &w)) {
        if (str_is(w, word))
            return true;
        struct str tail = w;
        while (last_part && str_chr(tail, '/') < tail.n)
            tail = str_from(tail, str_chr(tail, '/') + 1);
        if (last_part && str_is(tail, word))
            return true;
    }
    return false;
}

static int add_component(struct list *l, const char *component, struct err *e)
{
    const struct deb_release *r = l->release;
    const char *arch = l->q->arch;
    if (r->components.n > 0 && !has_word(r->components, component, true)) {
        err_set(e, ERR_USAGE, "suite %s has no component `%s'", l->q->suite, component);
        return err_hint(e, "it has: %" STR_FMT, STR_ARG(r->components));
    }
    bool found = add_index(l, arena_printf(l->a, "%s/binary-%s/Packages", component, arch), component, arch);
    /* Packages for all architectures stand in an index of their own, unless the native one repeats them. */
    if (has_word(r->architectures, "all", false) && !r->all_in_arch)
        found |= add_index(l, arena_printf(l->a, "%s/binary-all/Packages", component), component, "all");
    if (found)
        return 0;
    err_set(e, ERR_USAGE, "suite %s, component %s: the Release names no Packages file for %s", l->q->suite,
            component, arch);
    return err_hint(e,
                    "its architectures: %" STR_FMT "; if only security or updates lack it: --suites release",
                    STR_ARG(r->architectures));
}

static int add_flat(struct list *l, struct err *e)
{
    if (add_index(l, "Packages", "", l->q->arch))
        return 0;
    return err_set(e, ERR_USAGE, "flat repository: the Release names no Packages file beside it");
}

static int index_list(struct str root, const struct pkgfmt_query *q, struct arena *a,
                      struct pkgfmt_index **out, size_t *n, struct err *e)
{
    struct deb_release r;
    if (deb_release_parse(root, a, &r, e) != 0)
        return -1;
    struct list l = {.release = &r, .q = q, .a = a, .dir = release_dir(q, a)};
    l.out = arena_array(a, 2 * q->ncomponents + 1, sizeof *l.out);
    int rc = 0;
    if (is_flat(q))
        rc = add_flat(&l, e);
    else if (q->ncomponents == 0)
        rc = err_set(e, ERR_USAGE, "suite %s: no component is asked for", q->suite);
    for (size_t i = 0; rc == 0 && !is_flat(q) && i < q->ncomponents; i++)
        rc = add_component(&l, q->components[i], e);
    *out = l.out;
    *n = l.n;
    return rc;
}

static const char *const second_needs[] = {"dpkg", "coreutils", "dash", NULL};

const struct pkgfmt deb = {
    .name = "deb",
    .purl_type = "deb",
    .second_needs = second_needs,
    .disttype = DISTTYPE_DEB,
    .root_path = root_path,
    .root_parse = root_parse,
    .index_list = index_list,
    .index_load = deb_index_load,
    .unpack = deb_unpack,
    .second_begin = deb_second_begin,
    .second_settle = deb_second_settle,
    .second_finish = deb_second_finish,
    .second_free = deb_second_free,
    .licence_path = deb_copyright_path,
    .licence_read = deb_copyright_read,
    .sources = deb_sources,
};
