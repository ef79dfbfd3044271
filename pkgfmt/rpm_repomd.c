#include "pkgfmt/rpm_repomd.h"

#include "base/auto.h"
#include "base/mem.h"
#include "base/xml.h"
#include "pkgfmt/index_path.h"
#include "pkgfmt/rpm.h"

enum { DATA_MAX = 200, REPOMD_MAX = 4 << 20 };

/* A revision is any text; createrepo writes the time. Numbers below are versions or dates. */
#define EPOCH_MIN INT64_C(600000000)
#define EPOCH_MAX INT64_C(253402300799)

static const uint64_t size_max = 1ULL << 40;

const char *rpm_root_path(const struct pkgfmt_query *q, int which, struct arena *a)
{
    (void)q;
    (void)a;
    return which == 1 ? "repodata/repomd.xml" : which == 2 ? "repodata/repomd.xml.asc" : NULL;
}

/* Whole seconds: old createrepos wrote fractions. */
static int64_t seconds(struct str text)
{
    uint64_t v;
    text = str_trim(text);
    text.n = str_chr(text, '.');
    return str_u64(text, &v) && v >= (uint64_t)EPOCH_MIN && v <= (uint64_t)EPOCH_MAX ? (int64_t)v : 0;
}

static int read_size(struct xml *x, uint64_t *out, struct err *e)
{
    struct str text;
    if (xml_text(x, &text, e) < 0)
        return -1;
    if (!str_u64(str_trim(text), out) || *out > size_max)
        return xml_error(x, e, "expected a size in bytes, got `%" STR_FMT "'", STR_ARG(text));
    return 0;
}

static enum digest_kind trusted_kind(struct str type)
{
    return str_is(type, "sha256")   ? DIGEST_SHA256
           : str_is(type, "sha384") ? DIGEST_SHA384
           : str_is(type, "sha512") ? DIGEST_SHA512
                                    : DIGEST_NONE;
}

static int read_checksum(struct xml *x, struct rpm_repomd_data *d, struct arena *a, struct err *e)
{
    struct str text;
    d->checksum = arena_copy(a, xml_attr(x, "type"));
    enum digest_kind kind = trusted_kind(d->checksum);
    if (xml_text(x, &text, e) < 0)
        return -1;
    if (kind != DIGEST_NONE && !digest_parse(&d->digest, kind, str_trim(text)))
        return xml_error(x, e, "expected a %" STR_FMT " checksum, got `%" STR_FMT "'", STR_ARG(d->checksum),
                         STR_ARG(text));
    return 0;
}

static int read_location(struct xml *x, struct rpm_repomd_data *d, struct arena *a, struct err *e)
{
    d->location = arena_copy(a, xml_attr(x, "href"));
    d->elsewhere = xml_attr(x, "xml:base").n > 0;
    return xml_skip(x, e);
}

static int read_data(struct xml *x, struct rpm_repomd *r, struct arena *a, struct err *e)
{
    struct rpm_repomd_data *d = &r->data[r->n];
    struct str text;
    int rc = 0;
    if (r->n == DATA_MAX)
        return xml_error(x, e, "more than %d <data> elements", DATA_MAX);
    d->type = arena_copy(a, xml_attr(x, "type"));
    if (d->type.n == 0)
        return xml_error(x, e, "a <data> element without a type");
    r->n++;
    while (rc == 0 && (rc = xml_next(x, e)) == XML_OPEN) {
        struct str name = xml_local(x->name);
        if (str_is(name, "location"))
            rc = read_location(x, d, a, e);
        else if (str_is(name, "checksum"))
            rc = read_checksum(x, d, a, e);
        else if (str_is(name, "size"))
            rc = read_size(x, &d->size, e);
        else if (str_is(name, "open-size"))
            rc = read_size(x, &d->open_size, e);
        else if (str_is(name, "timestamp")) {
            rc = xml_text(x, &text, e);
            if (rc == 0 && seconds(text) > r->newest)
                r->newest = seconds(text);
        } else
            rc = xml_skip(x, e);
    }
    return rc == XML_TEXT ? xml_error(x, e, "text where an element was expected") : rc < 0 ? -1 : 0;
}

static int read_tags(struct xml *x, struct rpm_repomd *r, struct arena *a, struct err *e)
{
    struct str text;
    unsigned depth = x->depth;
    for (;;) {
        int rc = xml_next(x, e);
        if (rc < 0)
            return -1;
        if (rc == XML_CLOSE && x->depth < depth)
            return 0;
        if (rc != XML_OPEN)
            continue;
        bool distro = str_is(xml_local(x->name), "distro");
        if ((distro ? xml_text(x, &text, e) : xml_skip(x, e)) < 0)
            return -1;
        if (distro && r->distro.n == 0)
            r->distro = arena_copy(a, str_trim(text));
    }
}

static int read_root(struct xml *x, struct rpm_repomd *r, struct arena *a, struct err *e)
{
    struct str text;
    int rc = xml_next(x, e);
    if (rc == XML_OPEN && !str_is(xml_local(x->name), "repomd"))
        return xml_error(x, e, "expected the element <repomd>, got <%" STR_FMT ">", STR_ARG(x->name));
    rc = rc < 0 ? -1 : 0;
    while (rc == 0 && (rc = xml_next(x, e)) == XML_OPEN) {
        struct str name = xml_local(x->name);
        if (str_is(name, "data"))
            rc = read_data(x, r, a, e);
        else if (str_is(name, "revision")) {
            rc = xml_text(x, &text, e);
            r->revision = arena_copy(a, str_trim(text));
        } else if (str_is(name, "tags"))
            rc = read_tags(x, r, a, e);
        else
            rc = xml_skip(x, e);
    }
    if (rc == XML_TEXT)
        return xml_error(x, e, "text where an element was expected");
    return rc < 0 || xml_next(x, e) < 0 ? -1 : 0;
}

int rpm_repomd_parse(struct str text, struct arena *a, struct rpm_repomd *out, struct err *e)
{
    struct xml *x = mem_alloc(sizeof *x);
    *out = (struct rpm_repomd){.data = arena_array(a, DATA_MAX, sizeof *out->data)};
    xml_open_text(x, "repomd.xml", text);
    int rc = text.n > REPOMD_MAX
                 ? err_set(e, ERR_FORMAT, "repomd.xml: %zu bytes, more than %d", text.n, REPOMD_MAX)
                 : read_root(x, out, a, e);
    xml_close(x);
    free(x);
    return rc;
}

int rpm_root_parse(struct str text, struct arena *a, struct pkgfmt_root *out, struct err *e)
{
    struct rpm_repomd r;
    if (rpm_repomd_parse(text, a, &r, e) < 0)
        return -1;
    int64_t revision = seconds(r.revision);
    *out = (struct pkgfmt_root){
        .suite = "",
        .codename = "",
        .origin = arena_str(a, r.distro),
        .label = "",
        .date = revision != 0 ? revision : r.newest,
    };
    return 0;
}

/* --- which of them to fetch */

/* Best first: what unpacks fast and is small. */
static const char *const suffixes[] = {".zst", ".xz", ".gz", ".bz2"};
enum { SUFFIXES = sizeof suffixes / sizeof *suffixes };

struct list {
    const struct rpm_repomd *repomd;
    struct arena *a;
    struct pkgfmt_index *out;
    size_t n;
};

/* Rank of the location's compression; SUFFIXES: none, SUFFIXES + 1: one that is not decoded here. */
static int rank_of(struct str location)
{
    static const char *const unknown[] = {".zck", ".lzma", ".lz4", ".br", ".Z", ".7z", ".sqlite"};
    for (int i = 0; i < SUFFIXES; i++)
        if (str_ends(location, str_c(suffixes[i])))
            return i;
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (str_ends(location, str_c(unknown[i])))
            return SUFFIXES + 1;
    return SUFFIXES;
}

/* "group" and "group_xz" for the kind "group"; never "group_zck". */
static bool is_kind(struct str type, const char *kind)
{
    size_t n = strlen(kind);
    if (type.n < n || memcmp(type.p, kind, n) != 0)
        return false;
    if (type.n == n)
        return true;
    struct str tail = str_from(type, n + 1);
    for (int i = 0; type.p[n] == '_' && i < SUFFIXES; i++)
        if (str_is(tail, suffixes[i] + 1))
            return true;
    return false;
}

static int check_data(const struct rpm_repomd_data *d, struct err *e)
{
    if (d->location.n == 0)
        return err_set(e, ERR_FORMAT, "repomd.xml: %" STR_FMT " has no location", STR_ARG(d->type));
    if (!index_path_ok(d->location) || d->elsewhere)
        return err_set(e, ERR_FORMAT,
                       "repomd.xml: the location of %" STR_FMT " is no path below the repository: `%" STR_FMT
                       "'%s",
                       STR_ARG(d->type), STR_ARG(d->location), d->elsewhere ? " with a base elsewhere" : "");
    if (d->digest.kind == DIGEST_NONE && d->checksum.n == 0)
        return err_set(e, ERR_FORMAT, "repomd.xml: %" STR_FMT " has no checksum", STR_ARG(d->type));
    if (d->digest.kind == DIGEST_NONE) {
        err_set(e, ERR_FORMAT,
                "repomd.xml: %" STR_FMT " has a %" STR_FMT
                " checksum, which proves nothing; expected sha256 or better",
                STR_ARG(d->type), STR_ARG(d->checksum));
        return err_hint(e, "the repository must be made anew: createrepo_c --checksum sha256");
    }
    return 0;
}

/* Adds the best form of the index; 0: added, 1: the repository has none. */
static int add_kind(struct list *l, const char *kind, bool later, struct err *e)
{
    const struct rpm_repomd_data *best = NULL;
    for (size_t i = 0; i < l->repomd->n; i++) {
        const struct rpm_repomd_data *d = &l->repomd->data[i];
        if (!is_kind(d->type, kind))
            continue;
        for (size_t k = 0; k < i; k++)
            if (str_eq(l->repomd->data[k].type, d->type))
                return err_set(e, ERR_FORMAT, "repomd.xml: two entries of type %" STR_FMT, STR_ARG(d->type));
        if (best == NULL || rank_of(d->location) < rank_of(best->location))
            best = d;
    }
    if (best == NULL)
        return 1;
    if (check_data(best, e) < 0)
        return -1;
    if (rank_of(best->location) > SUFFIXES) {
        err_set(e, ERR_FORMAT, "repomd.xml: %s is there in no form that is read here: `%" STR_FMT "'", kind,
                STR_ARG(best->location));
        return err_hint(e, "forms that are read: plain, zst, xz, gz, bz2");
    }
    const char *path = arena_str(l->a, best->location);
    l->out[l->n++] = (struct pkgfmt_index){
        .what = path,
        .path = path,
        .plain = path,
        .size = best->size,
        .digest = best->digest,
        .open_size = best->open_size,
        .component = arena_dup(l->a, kind),
        .arch = "",
        .later = later,
    };
    return 0;
}

int rpm_index_list(struct str root, const struct pkgfmt_query *q, struct arena *a, struct pkgfmt_index **out,
                   size_t *n, struct err *e)
{
    static const struct {
        const char *kind;
        bool needed, later, security;
    } kinds[] = {{"primary", true, false, false},
                 {"group", false, false, false},
                 {"modules", false, false, false},
                 {"updateinfo", false, false, true},
                 {"filelists", false, true, false}};
    struct rpm_repomd r;
    if (rpm_repomd_parse(root, a, &r, e) < 0)
        return -1;
    struct list l = {.repomd = &r, .a = a};
    l.out = arena_array(a, sizeof kinds / sizeof *kinds, sizeof *l.out);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].security && !q->security)
            continue;
        int rc = add_kind(&l, kinds[i].kind, kinds[i].later, e);
        if (rc < 0)
            return -1;
        if (rc == 1 && kinds[i].needed)
            return err_set(e, ERR_FORMAT, "repomd.xml: it names no %s, the list of packages", kinds[i].kind);
    }
    *out = l.out;
    *n = l.n;
    return 0;
}
