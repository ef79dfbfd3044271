#include "pkgfmt/rpm_filelists.h"

#include <solv/chksum.h>
#include <solv/pool.h>
#include <solv/repo.h>
#include <solv/solvable.h>
#include <stdlib.h>

#include "base/mem.h"

static bool in_primary(const char *path)
{
    return strncmp(path, "/etc/", 5) == 0 || strstr(path, "bin/") != NULL ||
           strcmp(path, "/usr/lib/sendmail") == 0;
}

bool rpm_filelists_wanted(struct solve *s, const struct solve_request *r)
{
    return solve_lacks_file(s, r, in_primary);
}

/* Packages by the checksum that filelists calls pkgid. */
struct by_checksum {
    const unsigned char *bytes;
    size_t n;
    Id p;
};

struct filelists {
    Pool *pool;
    Repo *repo;
    struct xml *x;
    struct by_checksum *packages;
    size_t n;
};

static int cmp_checksum(const void *a, const void *b)
{
    const struct by_checksum *x = a, *y = b;
    return x->n != y->n ? (x->n < y->n ? -1 : 1) : memcmp(x->bytes, y->bytes, x->n);
}

static void sort_packages(struct filelists *r)
{
    Solvable *s;
    Id p, type;
    r->packages = mem_alloc((size_t)(r->repo->nsolvables + 1) * sizeof *r->packages);
    FOR_REPO_SOLVABLES(r->repo, p, s)
    {
        const unsigned char *bytes = solvable_lookup_bin_checksum(s, SOLVABLE_CHECKSUM, &type);
        if (bytes == NULL)
            continue;
        /* libsolv hands out storage of its own; from a kept index it may be paged, and reused. */
        size_t n = (size_t)solv_chksum_len(type);
        unsigned char *copy = mem_alloc(n);
        memcpy(copy, bytes, n);
        r->packages[r->n++] = (struct by_checksum){copy, n, p};
    }
    if (r->n > 1)
        qsort(r->packages, r->n, sizeof *r->packages, cmp_checksum);
}

static Id find_package(const struct filelists *r, struct str pkgid)
{
    static const enum digest_kind kinds[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};
    struct digest d;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!digest_parse(&d, kinds[i], pkgid))
            continue;
        struct by_checksum key = {d.bytes, digest_size(kinds[i]), 0};
        const struct by_checksum *hit =
            r->n > 0 ? bsearch(&key, r->packages, r->n, sizeof key, cmp_checksum) : NULL;
        return hit != NULL ? hit->p : 0;
    }
    return 0;
}

/* A path that stands in the pool as a word is one that some relation names. */
static void add_file(struct filelists *r, Id package, struct str path)
{
    if (path.n < 2 || path.p[0] != '/')
        return;
    Id id = pool_strn2id(r->pool, path.p, (unsigned)path.n, 0);
    Solvable *s = pool_id2solvable(r->pool, package);
    if (id != 0)
        s->provides = repo_addid_dep(r->repo, s->provides, id, SOLVABLE_FILEMARKER);
}

static int read_package(struct filelists *r, struct err *e)
{
    struct str path, pkgid = xml_attr(r->x, "pkgid");
    if (!str_is(xml_local(r->x->name), "package"))
        return xml_skip(r->x, e);
    if (pkgid.n == 0)
        return xml_error(r->x, e, "a <package> without a pkgid");
    Id package = find_package(r, pkgid);
    if (package == 0)
        return xml_skip(r->x, e);
    int rc = 0;
    while (rc == 0 && (rc = xml_next(r->x, e)) == XML_OPEN) {
        bool file = str_is(xml_local(r->x->name), "file");
        rc = file ? xml_text(r->x, &path, e) : xml_skip(r->x, e);
        if (file && rc == 0)
            add_file(r, package, path);
    }
    return rc == XML_TEXT ? xml_error(r->x, e, "text where <file> was expected") : rc < 0 ? -1 : 0;
}

static int read_all(struct filelists *r, struct rpm_index_file *f, struct err *e)
{
    int rc = rpm_index_file_root(f, "filelists", e);
    while (rc == 0 && (rc = xml_next(r->x, e)) == XML_OPEN)
        rc = read_package(r, e);
    if (rc == XML_TEXT)
        return xml_error(r->x, e, "text where <package> was expected");
    return rc < 0 || xml_next(r->x, e) < 0 ? -1 : 0;
}

int rpm_filelists_parse(struct solve *s, struct rpm_index_file *f, struct s_Repo *repo, struct err *e)
{
    struct filelists r = {.pool = solve_pool(s), .repo = repo, .x = &f->xml};
    sort_packages(&r);
    int rc = read_all(&r, f, e);
    for (size_t i = 0; i < r.n; i++)
        free((void *)(uintptr_t)r.packages[i].bytes);
    free(r.packages);
    return rc;
}
