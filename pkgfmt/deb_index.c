#include "pkgfmt/deb_index.h"

#include <solv/knownid.h>
#include <solv/pool.h>
#include <solv/repo.h>
#include <solv/repodata.h>

#include "pkgfmt/deb_relation.h"
#include "pkgfmt/deb_stanza.h"
#include "pkgfmt/index_path.h"
#include "pkgfmt/index_solv.h"

/* Bounds on what one index may hold; trixie's main has 69,000 packages in 57 MB. */
enum { PACKAGES_MAX = 1000000 };
#define LAYOUT "deb2"           /* of the parsed forms: another one when other keys are stored */
enum { AHEAD_MIN = 256 << 10 }; /* bytes of a file for which a thread pays */
static const uint64_t decoded_max = 256ULL << 20, size_max = 1ULL << 40, installed_kib_max = 1ULL << 32;

enum field_id {
    F_PACKAGE,
    F_VERSION,
    F_ARCHITECTURE,
    F_FILENAME,
    F_SIZE,
    F_SHA256,
    F_SHA512,
    F_INSTALLED_SIZE,
    F_PRE_DEPENDS,
    F_DEPENDS,
    F_RECOMMENDS,
    F_PROVIDES,
    F_CONFLICTS,
    F_BREAKS,
    F_REPLACES,
    F_ESSENTIAL,
    F_PROTECTED,
    F_PRIORITY,
    F_MULTI_ARCH,
    F_COUNT
};
static const char *const field_names[F_COUNT] = {
    "package",        "version",     "architecture", "filename",   "size",       "sha256",    "sha512",
    "installed-size", "pre-depends", "depends",      "recommends", "provides",   "conflicts", "breaks",
    "replaces",       "essential",   "protected",    "priority",   "multi-arch",
};

struct index {
    Pool *pool;
    Repo *repo;
    Repodata *data;
    const char *name, *arch;
    unsigned long line; /* of the stanza at hand */
    Queue ids, order;
    Id key_priority, key_essential, key_protected, key_replaces, key_order;
    unsigned added, skipped, foreign;
    char first_skip[256]; /* why and where the first stanza was left out */
};

typedef struct str fields_t[F_COUNT];

static bool name_matches(struct str name, const char *lower)
{
    for (size_t i = 0; i < name.n; i++)
        if ((name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] | 0x20) : name.p[i]) != lower[i])
            return false;
    return lower[name.n] == '\0';
}

static int find_field(struct str name)
{
    for (int i = 0; i < F_COUNT; i++)
        if ((name.p[0] | 0x20) == field_names[i][0] && name_matches(name, field_names[i]))
            return i;
    return -1;
}

/* Leaves the stanza out: 0, with a note if it is the first. */
static int skip(struct index *x, const char *what, struct str package)
{
    if (x->skipped++ == 0)
        snprintf(x->first_skip, sizeof x->first_skip, "line %lu: %.*s%s%s", x->line,
                 (int)(package.n > 100 ? 100 : package.n), package.n ? package.p : "", package.n ? ": " : "",
                 what);
    return 0;
}

static int split_fields(struct index *x, struct str stanza, fields_t f, struct err *e)
{
    struct str name, value;
    int rc;
    memset(f, 0, sizeof(fields_t));
    while ((rc = deb_stanza_field(&stanza, &name, &value)) > 0) {
        int id = find_field(name);
        if (id >= 0 && f[id].n == 0) /* of a repeated field the first counts */
            f[id] = value;
    }
    if (rc < 0)
        return err_set(e, ERR_FORMAT,
                       "%s: in the stanza at line %lu: expected FIELD: VALUE, got `%" STR_FMT "'", x->name,
                       x->line, STR_ARG(name));
    return 0;
}

static int check_hostile(struct index *x, fields_t f, struct err *e)
{
    uint64_t v;
    if (f[F_FILENAME].n > 0 && !index_path_ok(f[F_FILENAME]))
        return err_set(e, ERR_FORMAT,
                       "%s:%lu: %" STR_FMT ": Filename is no path below the repository: `%" STR_FMT "'",
                       x->name, x->line, STR_ARG(f[F_PACKAGE]), STR_ARG(f[F_FILENAME]));
    for (int i = 0; i < 2; i++) {
        struct str s = f[i ? F_INSTALLED_SIZE : F_SIZE];
        bool digits = s.n > 0;
        for (size_t k = 0; k < s.n; k++)
            digits = digits && s.p[k] >= '0' && s.p[k] <= '9';
        if (digits && (!str_u64(s, &v) || v > (i ? installed_kib_max : size_max)))
            return err_set(e, ERR_FORMAT, "%s:%lu: %" STR_FMT ": %s is absurd: %" STR_FMT, x->name, x->line,
                           STR_ARG(f[F_PACKAGE]), i ? "Installed-Size" : "Size", STR_ARG(s));
    }
    return 0;
}

static int parse_digest(fields_t f, struct digest *d)
{
    if (f[F_SHA512].n > 0)
        return digest_parse(d, DIGEST_SHA512, f[F_SHA512]) ? 0 : -1;
    return digest_parse(d, DIGEST_SHA256, f[F_SHA256]) ? 0 : -1;
}

/* The relations of one field as an offset into the repository's id array; 0 when there are none. */
static int add_relations(struct index *x, struct str field, enum deb_relation kind, Offset *deps, Id marker)
{
    if (field.n == 0)
        return 0;
    queue_empty(&x->ids);
    if (deb_relation_parse(x->pool, field, kind, x->arch, &x->ids) != 0)
        return -1;
    for (int i = 0; i < x->ids.count; i++)
        *deps = repo_addid_dep(x->repo, *deps, x->ids.elements[i], marker);
    return 0;
}

static int fill_relations(struct index *x, Solvable *s, fields_t f)
{
    Id any = str_is(f[F_MULTI_ARCH], "allowed") ? deb_relation_any(x->pool, f[F_PACKAGE]) : 0;
    if (add_relations(x, f[F_PRE_DEPENDS], DEB_DEPENDS, &s->requires, SOLVABLE_PREREQMARKER) != 0 ||
        add_relations(x, f[F_DEPENDS], DEB_DEPENDS, &s->requires, -SOLVABLE_PREREQMARKER) != 0 ||
        add_relations(x, f[F_RECOMMENDS], DEB_DEPENDS, &s->recommends, 0) != 0 ||
        add_relations(x, f[F_CONFLICTS], DEB_CONFLICTS, &s->conflicts, 0) != 0 ||
        add_relations(x, f[F_BREAKS], DEB_CONFLICTS, &s->conflicts, 0) != 0 ||
        add_relations(x, f[F_PROVIDES], DEB_PROVIDES, &s->provides, 0) != 0)
        return -1;
    s->provides = repo_addid_dep(x->repo, s->provides, pool_rel2id(x->pool, s->name, s->evr, REL_EQ, 1), 0);
    if (any != 0)
        s->provides = repo_addid_dep(x->repo, s->provides, pool_rel2id(x->pool, any, s->evr, REL_EQ, 1), 0);
    queue_empty(&x->ids);
    return deb_relation_parse(x->pool, f[F_REPLACES], DEB_CONFLICTS, x->arch, &x->ids);
}

static void fill_data(struct index *x, Id p, fields_t f, const struct digest *digest, uint64_t size,
                      uint64_t kib)
{
    char path[INDEX_PATH_MAX + 1], word[64];
    memcpy(path, f[F_FILENAME].p, f[F_FILENAME].n);
    path[f[F_FILENAME].n] = '\0';
    repodata_set_str(x->data, p, SOLVABLE_MEDIAFILE, strncmp(path, "./", 2) == 0 ? path + 2 : path);
    repodata_set_num(x->data, p, SOLVABLE_DOWNLOADSIZE, size);
    repodata_set_num(x->data, p, SOLVABLE_INSTALLSIZE, kib * 1024);
    repodata_set_bin_checksum(x->data, p, SOLVABLE_CHECKSUM,
                              digest->kind == DIGEST_SHA512 ? REPOKEY_TYPE_SHA512 : REPOKEY_TYPE_SHA256,
                              digest->bytes);
    if (f[F_PRIORITY].n > 0 && f[F_PRIORITY].n < sizeof word) {
        memcpy(word, f[F_PRIORITY].p, f[F_PRIORITY].n);
        word[f[F_PRIORITY].n] = '\0';
        repodata_set_poolstr(x->data, p, x->key_priority, word);
    }
    if (str_is(f[F_ESSENTIAL], "yes"))
        repodata_set_void(x->data, p, x->key_essential);
    if (str_is(f[F_PROTECTED], "yes"))
        repodata_set_void(x->data, p, x->key_protected);
    if (x->ids.count > 0) /* fill_relations() left Replaces there */
        repodata_set_idarray(x->data, p, x->key_replaces, &x->ids);
}

/* Of several choices apt makes the one that stands first before the others. */
static void keep_order(struct index *x, Id p)
{
    const Solvable *s = pool_id2solvable(x->pool, p);
    const Offset lists[] = {s->requires, s->recommends};
    bool choice = false;
    queue_empty(&x->order);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const Id *id = lists[i] != 0 ? x->repo->idarraydata + lists[i] : NULL; id != NULL && *id != 0;
             id++) {
            queue_push(&x->order, *id);
            choice |= ISRELDEP(*id) && GETRELDEP(x->pool, *id)->flags == REL_OR;
        }
    if (choice && x->order.count > 1)
        repodata_set_idarray(x->data, p, x->key_order, &x->order);
}

static int add_package(struct index *x, fields_t f, const struct digest *digest, uint64_t size, uint64_t kib)
{
    Id p = repo_add_solvable(x->repo);
    Solvable *s = pool_id2solvable(x->pool, p);
    s->name = pool_strn2id(x->pool, f[F_PACKAGE].p, (unsigned)f[F_PACKAGE].n, 1);
    s->evr = pool_strn2id(x->pool, f[F_VERSION].p, (unsigned)f[F_VERSION].n, 1);
    s->arch = pool_strn2id(x->pool, f[F_ARCHITECTURE].p, (unsigned)f[F_ARCHITECTURE].n, 1);
    if (fill_relations(x, s, f) != 0) {
        repo_free_solvable(x->repo, p, 1);
        return skip(x, "a relation that cannot be read", f[F_PACKAGE]);
    }
    keep_order(x, p);
    fill_data(x, p, f, digest, size, kib);
    x->added++;
    return 0;
}

static int add_stanza(struct index *x, struct str stanza, struct err *e)
{
    fields_t f;
    struct digest digest;
    uint64_t size, kib = 0;
    if (split_fields(x, stanza, f, e) != 0 || check_hostile(x, f, e) != 0)
        return -1;
    if (!deb_relation_name_ok(f[F_PACKAGE]))
        return skip(x, f[F_PACKAGE].n ? "no package name" : "no Package field", f[F_PACKAGE]);
    if (!deb_relation_version_ok(f[F_VERSION]))
        return skip(x, "no valid Version", f[F_PACKAGE]);
    if (!deb_relation_name_ok(f[F_ARCHITECTURE]))
        return skip(x, "no valid Architecture", f[F_PACKAGE]);
    if (!str_is(f[F_ARCHITECTURE], x->arch) && !str_is(f[F_ARCHITECTURE], "all")) {
        x->foreign++;
        return 0;
    }
    if (f[F_FILENAME].n == 0)
        return skip(x, "no Filename", f[F_PACKAGE]);
    if (!str_u64(f[F_SIZE], &size))
        return skip(x, "no valid Size", f[F_PACKAGE]);
    if (f[F_INSTALLED_SIZE].n > 0 && !str_u64(f[F_INSTALLED_SIZE], &kib))
        return skip(x, "no valid Installed-Size", f[F_PACKAGE]);
    if (parse_digest(f, &digest) != 0)
        return skip(x, "neither a valid SHA512 nor SHA256", f[F_PACKAGE]);
    if (x->added == PACKAGES_MAX)
        return err_set(e, ERR_FORMAT, "%s: more than %d packages", x->name, PACKAGES_MAX);
    return add_package(x, f, &digest, size, kib);
}

static int add_all(struct index *x, struct index_decode *d, struct err *e)
{
    struct deb_stanza_reader r = {.src = d};
    struct str stanza = {NULL, 0};
    int rc;
    for (;;) {
        rc = deb_stanza_next(&r, &stanza, e);
        if (rc <= 0)
            break;
        x->line = r.start;
        if ((rc = add_stanza(x, stanza, e)) != 0)
            break;
    }
    deb_stanza_free(&r);
    return rc;
}

int deb_index_parse(struct solve *s, struct index_decode *d, struct s_Repo *repo, struct err *e)
{
    Pool *pool = solve_pool(s);
    struct index x = {.pool = pool, .repo = repo, .name = d->name, .arch = solve_arch(s)};
    x.data = repo_add_repodata(repo, 0);
    x.key_priority = pool_str2id(pool, SOLVE_KEY_PRIORITY, 1);
    x.key_essential = pool_str2id(pool, SOLVE_KEY_ESSENTIAL, 1);
    x.key_protected = pool_str2id(pool, SOLVE_KEY_PROTECTED, 1);
    x.key_replaces = pool_str2id(pool, SOLVE_KEY_REPLACES, 1);
    x.key_order = pool_str2id(pool, SOLVE_KEY_ORDER, 1);
    queue_init(&x.ids);
    queue_init(&x.order);
    int rc = add_all(&x, d, e);
    queue_free(&x.ids);
    queue_free(&x.order);
    repodata_internalize(x.data);
    if (rc != 0)
        return -1;
    if (x.skipped > 0 && x.added + x.foreign == 0)
        return err_set(e, ERR_FORMAT, "%s: no usable package in it (%s)", x.name, x.first_skip);
    if (x.skipped > 0)
        log_warn(solve_log(s), "%s: %u unusable packages left out (the first: %s)", x.name, x.skipped,
                 x.first_skip);
    return 0;
}

static int parse_file(struct solve *s, int fd, const struct pkgfmt_index *ix, struct s_Repo *repo,
                      struct err *e)
{
    struct index_decode d = {.fd = fd};
    uint64_t max = ix->open_size > 0 ? ix->open_size : decoded_max;
    int rc = -1;
    if (index_decode_open(&d, fd, ix->what, max < decoded_max ? max : decoded_max, e) == 0) {
        if (ix->size > AHEAD_MIN)
            index_decode_ahead(&d);
        rc = deb_index_parse(s, &d, repo, e);
    }
    index_decode_close(&d);
    return rc;
}

/* A parsed index that is written down when the solver is closed. */
struct keep {
    struct index_solv cache;
    struct s_Repo *repo;
};

static void keep_now(void *arg)
{
    struct keep *k = arg;
    index_solv_store(&k->cache, k->repo);
    index_solv_close(&k->cache);
}

int deb_index_load(struct solve *s, int fd, const struct pkgfmt_index *ix, const struct pkgfmt_repo *repo,
                   const char *solv_dir, struct err *e)
{
    struct keep *k = arena_alloc(solve_arena(s), sizeof *k);
    k->repo = solve_repo_add(s, repo->id, repo->index, repo->priority);
    index_solv_open(&k->cache, solv_dir, LAYOUT, &ix->digest, solve_arch(s), solve_log(s));
    if (!index_solv_load(&k->cache, k->repo)) {
        if (parse_file(s, fd, ix, k->repo, e) == 0) {
            solve_defer(s, keep_now, k);
            return 0;
        }
        index_solv_close(&k->cache);
        solve_repo_drop(s, k->repo);
        return -1;
    }
    index_solv_close(&k->cache);
    return 0;
}
