#include "pkgfmt/rpm_primary.h"

#include <solv/knownid.h>
#include <solv/pool.h>
#include <solv/poolarch.h>
#include <solv/repo.h>
#include <solv/repodata.h>

#include "pkgfmt/index_path.h"
#include "pkgfmt/rpm_relation.h"

/* Bounds on what one index may hold; Fedora has 75,000 packages. */
enum {
    PACKAGES_MAX = 1000000,
    RELATIONS_MAX = 200000,
    FILES_MAX = 16 << 20, /* bytes of a package's paths */
    DIRS_MAX = 60000      /* CentOS Stream 9 has 900; libsolv looks at all of one parent for each new one */
};
static const uint64_t size_max = 1ULL << 40;

enum kind { PROVIDES, REQUIRES, CONFLICTS, OBSOLETES, RECOMMENDS, SUGGESTS, SUPPLEMENTS, ENHANCES, KINDS };
static const char *const kind_names[KINDS] = {"provides",   "requires", "conflicts",   "obsoletes",
                                              "recommends", "suggests", "supplements", "enhances"};

/* The package at hand. */
struct package {
    Id name, arch, evr;
    struct buf what, location, files; /* name for messages; files: each with its NUL */
    bool foreign, elsewhere;
    const char *bad; /* why it is left out */
    struct digest digest;
    char weak[16]; /* the type of a checksum that is not trusted */
    uint64_t size, installed;
    Queue relations[KINDS], pre; /* pre: requirements of its scripts, of the others there are no duplicates */
};

struct primary {
    struct solve *s;
    Pool *pool;
    Repo *repo;
    Repodata *data;
    struct xml *x;
    struct package p;
    unsigned added, skipped, foreign;
    char first_skip[300];
};

static int skip_package(struct primary *r)
{
    struct package *p = &r->p;
    if (r->skipped++ == 0)
        snprintf(r->first_skip, sizeof r->first_skip, "%.100s%s%s", buf_c(&p->what),
                 p->what.n > 0 ? ": " : "", p->bad);
    return 0;
}

static void clear(struct package *p)
{
    p->name = p->arch = p->evr = 0;
    buf_clear(&p->what);
    buf_clear(&p->location);
    buf_clear(&p->files);
    p->foreign = p->elsewhere = false;
    p->bad = NULL;
    p->digest.kind = DIGEST_NONE;
    p->weak[0] = '\0';
    p->size = p->installed = 0;
    for (int k = 0; k < KINDS; k++)
        queue_empty(&p->relations[k]);
    queue_empty(&p->pre);
}

static int read_name(struct primary *r, struct err *e)
{
    struct str text;
    if (xml_text(r->x, &text, e) < 0)
        return -1;
    if (r->p.name == 0 && rpm_relation_name_ok(text)) {
        r->p.name = pool_strn2id(r->pool, text.p, (unsigned)text.n, 1);
        buf_str(&r->p.what, text);
    }
    return 0;
}

static int read_arch(struct primary *r, struct err *e)
{
    struct str text;
    if (xml_text(r->x, &text, e) < 0)
        return -1;
    if (r->p.arch != 0 || !rpm_relation_name_ok(text))
        return 0;
    r->p.arch = pool_strn2id(r->pool, text.p, (unsigned)text.n, 1);
    r->p.foreign =
        r->p.arch == ARCH_SRC || r->p.arch == ARCH_NOSRC || pool_arch2score(r->pool, r->p.arch) == 0;
    return 0;
}

static int read_checksum(struct primary *r, struct err *e)
{
    static const enum digest_kind kinds[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};
    struct str text, type = xml_attr(r->x, "type");
    enum digest_kind kind = DIGEST_NONE;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_is(type, digest_name(kinds[i])))
            kind = kinds[i];
    snprintf(r->p.weak, sizeof r->p.weak, "%.*s", kind == DIGEST_NONE ? (int)(type.n < 15 ? type.n : 15) : 0,
             type.n > 0 ? type.p : "");
    if (xml_text(r->x, &text, e) < 0)
        return -1;
    if (kind != DIGEST_NONE)
        digest_parse(&r->p.digest, kind, str_trim(text));
    return 0;
}

/* A number of bytes; what is no number at all counts as none. */
static int size_of(struct primary *r, const char *attr, uint64_t *out, struct err *e)
{
    struct str text = xml_attr(r->x, attr);
    bool digits = text.n > 0;
    for (size_t i = 0; i < text.n; i++)
        digits = digits && text.p[i] >= '0' && text.p[i] <= '9';
    *out = 0;
    if (digits && (!str_u64(text, out) || *out > size_max))
        return xml_error(r->x, e, "%s: its size is absurd: %" STR_FMT, buf_c(&r->p.what), STR_ARG(text));
    return 0;
}

static int read_size(struct primary *r, struct err *e)
{
    if (size_of(r, "package", &r->p.size, e) < 0 || size_of(r, "installed", &r->p.installed, e) < 0)
        return -1;
    return xml_skip(r->x, e);
}

static int read_location(struct primary *r, struct err *e)
{
    struct str href = xml_attr(r->x, "href");
    r->p.elsewhere = xml_attr(r->x, "xml:base").n > 0;
    if (href.n > 0 && !r->p.elsewhere && !index_path_package_ok(href))
        return xml_error(r->x, e, "%s: its location is no path from the repository: `%" STR_FMT "'",
                         buf_c(&r->p.what), STR_ARG(href));
    if (r->p.location.n == 0 && !r->p.elsewhere)
        buf_str(&r->p.location, href);
    return xml_skip(r->x, e);
}

static int read_entry(struct primary *r, enum kind kind, struct err *e)
{
    struct package *p = &r->p;
    struct str name = xml_attr(r->x, "name"), pre = xml_attr(r->x, "pre");
    if (kind == REQUIRES && str_starts(name, STR("rpmlib(")))
        return 0;
    Queue *to = kind == REQUIRES && (str_is(pre, "1") || str_is(pre, "true")) ? &p->pre : &p->relations[kind];
    if (to->count >= RELATIONS_MAX)
        return xml_error(r->x, e, "%s: more than %d relations", buf_c(&p->what), RELATIONS_MAX);
    Id id = rpm_relation_read(r->pool, r->x, kind != PROVIDES && kind != OBSOLETES);
    if (id == 0)
        p->bad = "a relation that cannot be read";
    else
        queue_push(to, id);
    return 0;
}

static int read_relations(struct primary *r, enum kind kind, struct err *e)
{
    int rc = 0;
    while (rc == 0 && (rc = xml_next(r->x, e)) == XML_OPEN) {
        rc = str_is(xml_local(r->x->name), "entry") && !r->p.foreign ? read_entry(r, kind, e) : 0;
        if (rc == 0)
            rc = xml_skip(r->x, e);
    }
    return rc == XML_TEXT ? xml_error(r->x, e, "text among relations") : rc < 0 ? -1 : 0;
}

static int read_file(struct primary *r, struct err *e)
{
    struct str path;
    if (xml_text(r->x, &path, e) < 0)
        return -1;
    if (path.n < 2 || path.p[0] != '/' || path.n > INDEX_PATH_MAX || r->p.foreign)
        return 0;
    if (r->p.files.n > FILES_MAX)
        return xml_error(r->x, e, "%s: too many files", buf_c(&r->p.what));
    buf_str(&r->p.files, path);
    buf_putc(&r->p.files, '\0');
    return 0;
}

static int read_format(struct primary *r, struct err *e)
{
    int rc = 0;
    while (rc == 0 && (rc = xml_next(r->x, e)) == XML_OPEN) {
        struct str name = xml_local(r->x->name);
        int kind = 0;
        while (kind < KINDS && !str_is(name, kind_names[kind]))
            kind++;
        if (kind < KINDS)
            rc = read_relations(r, (enum kind)kind, e);
        else if (str_is(name, "file"))
            rc = read_file(r, e);
        else
            rc = xml_skip(r->x, e);
    }
    return rc == XML_TEXT ? xml_error(r->x, e, "text where an element was expected") : rc < 0 ? -1 : 0;
}

static int read_version(struct primary *r, struct err *e)
{
    struct str version = xml_attr(r->x, "ver"), release = xml_attr(r->x, "rel");
    if (rpm_relation_version_ok(version) && rpm_relation_version_ok(release))
        r->p.evr = rpm_relation_evr(r->pool, xml_attr(r->x, "epoch"), version, release);
    return xml_skip(r->x, e);
}

static int read_field(struct primary *r, struct err *e)
{
    static const struct {
        const char *name;
        int (*read)(struct primary *r, struct err *e);
    } fields[] = {{"name", read_name},         {"arch", read_arch}, {"version", read_version},
                  {"checksum", read_checksum}, {"size", read_size}, {"location", read_location},
                  {"format", read_format}};
    struct str name = xml_local(r->x->name);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (str_is(name, fields[i].name))
            return fields[i].read(r, e);
    return xml_skip(r->x, e);
}

/* --- into the pool */

static Offset add_ids(Repo *repo, Offset to, const Queue *ids)
{
    for (int i = 0; i < ids->count; i++)
        to = repo_addid(repo, to, ids->elements[i]);
    return to;
}

static void add_relations(struct primary *r, Solvable *s)
{
    struct package *p = &r->p;
    Id self = pool_rel2id(r->pool, s->name, s->evr, REL_EQ, 1);
    bool provided = false;
    for (int i = 0; i < p->relations[PROVIDES].count && !provided; i++)
        provided = p->relations[PROVIDES].elements[i] == self;
    if (!provided)
        queue_push(&p->relations[PROVIDES], self);
    if (p->pre.count > 0) {
        queue_push(&p->relations[REQUIRES], SOLVABLE_PREREQMARKER);
        queue_insertn(&p->relations[REQUIRES], p->relations[REQUIRES].count, p->pre.count, p->pre.elements);
    }
    s->provides = add_ids(r->repo, 0, &p->relations[PROVIDES]);
    s->requires = add_ids(r->repo, 0, &p->relations[REQUIRES]);
    s->conflicts = add_ids(r->repo, 0, &p->relations[CONFLICTS]);
    s->obsoletes = add_ids(r->repo, 0, &p->relations[OBSOLETES]);
    s->recommends = add_ids(r->repo, 0, &p->relations[RECOMMENDS]);
    s->suggests = add_ids(r->repo, 0, &p->relations[SUGGESTS]);
    s->supplements = add_ids(r->repo, 0, &p->relations[SUPPLEMENTS]);
    s->enhances = add_ids(r->repo, 0, &p->relations[ENHANCES]);
}

static void add_files(struct primary *r, Id id)
{
    struct buf *files = &r->p.files;
    for (size_t i = 0; i < files->n; i += strlen(files->p + i) + 1) {
        char *path = files->p + i;
        char *slash = strrchr(path, '/'), first = slash[1];
        if (first == '\0')
            continue;
        char *cut = slash == path ? slash + 1 : slash, at = *cut;
        if (r->data->dirpool.ndirs > DIRS_MAX)
            return; /* end_package() says so */
        *cut = '\0';
        Id dir = repodata_str2dir(r->data, path, 1);
        *cut = at;
        repodata_add_dirstr(r->data, id, SOLVABLE_FILELIST, dir, slash + 1);
    }
}

static Id checksum_type(enum digest_kind kind)
{
    return kind == DIGEST_SHA512   ? REPOKEY_TYPE_SHA512
           : kind == DIGEST_SHA384 ? REPOKEY_TYPE_SHA384
                                   : REPOKEY_TYPE_SHA256;
}

static void add_package(struct primary *r)
{
    struct package *p = &r->p;
    Id id = repo_add_solvable(r->repo);
    Solvable *s = pool_id2solvable(r->pool, id);
    s->name = p->name;
    s->evr = p->evr;
    s->arch = p->arch;
    add_relations(r, s);
    const char *path = buf_c(&p->location);
    repodata_set_str(r->data, id, SOLVABLE_MEDIAFILE, strncmp(path, "./", 2) == 0 ? path + 2 : path);
    repodata_set_num(r->data, id, SOLVABLE_DOWNLOADSIZE, p->size);
    repodata_set_num(r->data, id, SOLVABLE_INSTALLSIZE, p->installed);
    repodata_set_bin_checksum(r->data, id, SOLVABLE_CHECKSUM, checksum_type(p->digest.kind), p->digest.bytes);
    add_files(r, id);
    r->added++;
}

static const char *lack(const struct package *p)
{
    if (p->name == 0)
        return "no valid name";
    if (p->evr == 0)
        return "no valid version and release";
    if (p->bad != NULL)
        return p->bad;
    if (p->elsewhere)
        return "its location is outside of the repository (xml:base)";
    if (p->location.n == 0)
        return "no location";
    if (p->size == 0)
        return "no valid size";
    if (p->digest.kind == DIGEST_NONE && p->weak[0] != '\0')
        return "its checksum's type proves nothing, expected sha256 or better";
    return p->digest.kind == DIGEST_NONE ? "no valid checksum" : NULL;
}

static int end_package(struct primary *r, struct err *e)
{
    struct package *p = &r->p;
    if (p->arch == 0)
        p->bad = "no valid architecture";
    else if (p->foreign) {
        r->foreign++;
        return 0;
    } else
        p->bad = lack(p);
    if (p->bad != NULL)
        return skip_package(r);
    if (r->added == PACKAGES_MAX)
        return xml_error(r->x, e, "more than %d packages", PACKAGES_MAX);
    add_package(r);
    if (r->data->dirpool.ndirs > DIRS_MAX)
        return xml_error(r->x, e, "more than %d directories", DIRS_MAX);
    return 0;
}

static int read_package(struct primary *r, struct err *e)
{
    struct str type = xml_attr(r->x, "type");
    if (!str_is(xml_local(r->x->name), "package") || (type.n > 0 && !str_is(type, "rpm")))
        return xml_skip(r->x, e);
    clear(&r->p);
    int rc = 0;
    while (rc == 0 && (rc = xml_next(r->x, e)) == XML_OPEN)
        rc = read_field(r, e);
    if (rc == XML_TEXT)
        return xml_error(r->x, e, "text where an element was expected");
    return rc < 0 ? -1 : end_package(r, e);
}

static int read_all(struct primary *r, struct rpm_index_file *f, struct err *e)
{
    int rc = rpm_index_file_root(f, "metadata", e);
    while (rc == 0 && (rc = xml_next(r->x, e)) == XML_OPEN)
        rc = read_package(r, e);
    if (rc == XML_TEXT)
        return xml_error(r->x, e, "text where <package> was expected");
    return rc < 0 || xml_next(r->x, e) < 0 ? -1 : 0;
}

int rpm_primary_parse(struct solve *s, struct rpm_index_file *f, struct s_Repo *repo, struct err *e)
{
    struct primary r = {.s = s, .pool = solve_pool(s), .repo = repo, .x = &f->xml};
    r.data = repo_add_repodata(repo, 0);
    for (int k = 0; k < KINDS; k++)
        queue_init(&r.p.relations[k]);
    queue_init(&r.p.pre);
    int rc = read_all(&r, f, e);
    for (int k = 0; k < KINDS; k++)
        queue_free(&r.p.relations[k]);
    queue_free(&r.p.pre);
    buf_free(&r.p.what);
    buf_free(&r.p.location);
    buf_free(&r.p.files);
    repodata_internalize(r.data);
    if (rc != 0)
        return -1;
    if (r.skipped > 0 && r.added + r.foreign == 0)
        return err_set(e, ERR_FORMAT, "%s: no usable package in it (%s)", f->xml.file, r.first_skip);
    if (r.skipped > 0)
        log_warn(solve_log(s), "%s: %u unusable packages left out (the first: %s)", f->xml.file, r.skipped,
                 r.first_skip);
    return 0;
}
