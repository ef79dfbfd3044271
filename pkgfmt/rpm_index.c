#include "pkgfmt/rpm_index.h"

#include <solv/pool.h>

#include "base/auto.h"
#include "base/mem.h"
#include "pkgfmt/ahead.h"
#include "pkgfmt/rpm_comps.h"
#include "pkgfmt/rpm_filelists.h"
#include "pkgfmt/rpm_modules.h"
#include "pkgfmt/rpm_primary.h"
#include "pkgfmt/rpm_updateinfo.h"

#define LAYOUT "rpm1"          /* of the parsed forms: another one when other keys are stored */
enum { AHEAD_MIN = 64 << 10 }; /* bytes of a file for which a thread pays */

_Static_assert((int)XML_BLOCK >= (int)AHEAD_BLOCK, "the XML reader asks for what a thread gives");

/* Decoded bytes. Fedora's primary has 180 MB, its filelists 800 MB; of those only what is asked for is kept.
 */
static const uint64_t primary_max = 768ULL << 20, filelists_max = 4ULL << 30, other_max = 256ULL << 20;

struct rpm_index *rpm_index_of(struct solve *s)
{
    return solve_own(s, sizeof(struct rpm_index));
}

static ssize_t source(void *ctx, void *p, size_t n, struct err *e)
{
    return index_decode_read(ctx, p, n, e);
}

/* fd: at the file's start, borrowed. max: more decoded bytes are an error, as is more than the root says.
   Closed by file_close(), after a failure too. */
static int file_open(struct rpm_index_file *f, int fd, const struct pkgfmt_index *ix, uint64_t max,
                     struct err *e)
{
    if (ix->open_size > 0 && ix->open_size < max)
        max = ix->open_size;
    xml_open(&f->xml, ix->what, source, &f->decode);
    if (index_decode_open(&f->decode, fd, ix->what, max, e) < 0)
        return -1;
    if (ix->size > AHEAD_MIN)
        index_decode_ahead(&f->decode);
    return 0;
}

static void file_close(struct rpm_index_file *f)
{
    index_decode_close(&f->decode);
    xml_close(&f->xml);
}

int rpm_index_file_root(struct rpm_index_file *f, const char *name, struct err *e)
{
    int rc = xml_next(&f->xml, e);
    if (rc < 0)
        return -1;
    if (!str_is(xml_local(f->xml.name), name))
        return xml_error(&f->xml, e, "expected the element <%s>, got <%" STR_FMT ">", name,
                         STR_ARG(f->xml.name));
    return 0;
}

/* --- primary */

/* A parsed index is written down when the solver is closed. */
static void keep_now(void *arg)
{
    struct rpm_index_repo *k = arg;
    index_solv_store(&k->cache, k->repo);
    index_solv_close(&k->cache);
}

static int load_primary(struct solve *s, int fd, const struct pkgfmt_index *ix,
                        const struct pkgfmt_repo *repo, const char *solv_dir, struct err *e)
{
    struct rpm_index *own = rpm_index_of(s);
    struct rpm_index_repo *k = arena_alloc(solve_arena(s), sizeof *k);
    struct rpm_index_file f = {0};
    k->index = repo->index;
    k->repo = solve_repo_add(s, repo->id, repo->index, repo->priority);
    k->next = own->repos;
    index_solv_open(&k->cache, solv_dir, LAYOUT, &ix->digest, solve_arch(s), solve_log(s));
    bool kept = index_solv_load(&k->cache, k->repo);
    int rc = 0;
    if (!kept) {
        rc = file_open(&f, fd, ix, primary_max, e);
        if (rc == 0)
            rc = rpm_primary_parse(s, &f, k->repo, e);
        file_close(&f);
    }
    if (kept || rc < 0)
        index_solv_close(&k->cache);
    else
        solve_defer(s, keep_now, k);
    if (rc < 0) {
        solve_repo_drop(s, k->repo);
        return -1;
    }
    own->repos = k;
    rpm_updateinfo_rule(s);
    return 0;
}

/* --- the others */

/* All files of the repository that its primary has none of are looked for in this one. */
static int load_filelists(struct solve *s, struct rpm_index_file *f, unsigned index, struct err *e)
{
    for (struct rpm_index_repo *k = rpm_index_of(s)->repos; k != NULL; k = k->next)
        if (k->index == index)
            return rpm_filelists_parse(s, f, k->repo, e);
    return err_set(e, ERR_FORMAT, "%s: its repository's list of packages is not loaded", f->xml.file);
}

static int parse_other(struct solve *s, struct rpm_index_file *f, const char *kind, unsigned index,
                       struct err *e)
{
    if (strcmp(kind, "group") == 0)
        return rpm_comps_parse(s, f, e);
    if (strcmp(kind, "modules") == 0)
        return rpm_modules_parse(s, f, e);
    if (strcmp(kind, "updateinfo") == 0)
        return rpm_updateinfo_parse(s, f, e);
    if (strcmp(kind, "filelists") == 0)
        return load_filelists(s, f, index, e);
    return err_set(e, ERR_FORMAT, "%s: nothing reads such an index", f->xml.file);
}

int rpm_index_load(struct solve *s, int fd, const struct pkgfmt_index *ix, const struct pkgfmt_repo *repo,
                   const char *solv_dir, struct err *e)
{
    struct rpm_index_file f = {0};
    const char *kind = ix->component;
    if (strcmp(kind, "primary") == 0)
        return load_primary(s, fd, ix, repo, solv_dir, e);
    int rc = file_open(&f, fd, ix, strcmp(kind, "filelists") == 0 ? filelists_max : other_max, e);
    if (rc == 0)
        rc = parse_other(s, &f, kind, repo->index, e);
    file_close(&f);
    return rc;
}

bool rpm_index_wanted(struct solve *s, const struct solve_request *r, const struct pkgfmt_index *ix)
{
    return strcmp(ix->component, "filelists") == 0 && rpm_filelists_wanted(s, r);
}
