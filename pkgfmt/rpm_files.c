#include "pkgfmt/rpm_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/mem.h"

/* The largest real packages have some 150,000 files and 15 MB of paths. */
enum { PATH_MAX_BYTES = 4095, PATHS_MAX_BYTES = 128 << 20 };

/* Hash algorithms are OpenPGP's (RFC 9580, 9.5). */
static const struct {
    uint32_t id;
    enum digest_kind kind;
} algos[] = {{1, DIGEST_MD5},    {2, DIGEST_SHA1},    {8, DIGEST_SHA256},
             {9, DIGEST_SHA384}, {10, DIGEST_SHA512}, {11, DIGEST_SHA224}};

unsigned rpm_file_type(const struct rpm_file *f)
{
    return f->mode >> 12 & 15;
}

/* The form of struct rpm_file.path. */
static void clean_path(struct str path, struct buf *out)
{
    struct str name;
    buf_clear(out);
    buf_reserve(out, path.n);
    out->p[0] = '\0';
    while (str_cut(&path, '/', &name)) {
        if (name.n == 0 || str_is(name, "."))
            continue;
        if (out->n > 0)
            buf_putc(out, '/');
        buf_str(out, name);
    }
}

struct reader {
    struct rpm_files *f;
    const struct rpm_header *h;
    size_t path_bytes;
    struct buf raw, clean;
};

/* The column, or NULL: *rc is -1 when it is needed or has not as many values as there are files. */
static const struct rpm_entry *column(struct reader *r, uint32_t tag, const char *what, bool needed, int *rc,
                                      struct err *e)
{
    const struct rpm_entry *en = rpm_header_find(r->h, tag);
    if (*rc < 0 || (en == NULL && !needed))
        return NULL;
    if (en == NULL)
        *rc = err_set(e, ERR_FORMAT, "header: files without %s", what);
    else if (en->count != r->f->n)
        *rc = err_set(e, ERR_FORMAT, "header: %u %s for %u files", en->count, what, r->f->n);
    return *rc < 0 ? NULL : en;
}

static int add_path(struct reader *r, uint32_t i, struct str dir, struct str name, struct err *e)
{
    if (dir.n + name.n > PATH_MAX_BYTES)
        return err_set(e, ERR_FORMAT, "header: %" STR_FMT ": a path of more than %d bytes", STR_ARG(dir),
                       PATH_MAX_BYTES);
    buf_clear(&r->raw);
    buf_str(&r->raw, dir);
    buf_str(&r->raw, name);
    clean_path(buf_view(&r->raw), &r->clean);
    r->path_bytes += r->clean.n;
    if (r->path_bytes > PATHS_MAX_BYTES)
        return err_set(e, ERR_FORMAT, "header: paths of more than %d bytes together", PATHS_MAX_BYTES);
    r->f->v[i].path = arena_str(&r->f->arena, buf_view(&r->clean));
    return 0;
}

static int read_split(struct reader *r, const struct rpm_entry *names, struct err *e)
{
    const struct rpm_entry *dirs = rpm_header_find(r->h, RPM_TAG_DIRNAMES);
    int rc = 0;
    column(r, RPM_TAG_DIRINDEXES, "directory indexes", true, &rc, e);
    if (rc < 0)
        return -1;
    uint32_t ndirs = dirs != NULL ? dirs->count : 0;
    AUTO_MEM struct str *dir = mem_alloc((ndirs + 1) * sizeof *dir);
    size_t at = 0;
    for (uint32_t i = 0; i < ndirs && rpm_entry_string(dirs, &at, &dir[i]);)
        i++;
    at = 0;
    for (uint32_t i = 0; rc == 0 && i < r->f->n; i++) {
        struct str name = {0};
        uint64_t d = 0;
        rpm_entry_string(names, &at, &name);
        if (!rpm_header_u64(r->h, RPM_TAG_DIRINDEXES, i, &d) || d >= ndirs)
            rc = err_set(e, ERR_FORMAT, "header: %" STR_FMT ": directory %llu of %u", STR_ARG(name),
                         (unsigned long long)d, ndirs);
        else
            rc = add_path(r, i, dir[d], name, e);
    }
    return rc;
}

/* As rpm had it until version 3. */
static int read_whole(struct reader *r, const struct rpm_entry *names, struct err *e)
{
    size_t at = 0;
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < r->f->n; i++) {
        struct str name = {0};
        rpm_entry_string(names, &at, &name);
        rc = add_path(r, i, (struct str){0}, name, e);
    }
    return rc;
}

static int read_paths(struct reader *r, struct err *e)
{
    const struct rpm_entry *base = rpm_header_find(r->h, RPM_TAG_BASENAMES);
    const struct rpm_entry *names = base != NULL ? base : rpm_header_find(r->h, RPM_TAG_OLDFILENAMES);
    if (names == NULL)
        return 0;
    r->f->v = mem_alloc(((size_t)names->count + 1) * sizeof *r->f->v);
    r->f->n = names->count;
    return base != NULL ? read_split(r, base, e) : read_whole(r, names, e);
}

struct strings {
    uint32_t tag;
    const char *what;
    size_t at; /* in struct rpm_file */
};

static int read_strings(struct reader *r, const struct strings *c, struct err *e)
{
    int rc = 0;
    const struct rpm_entry *en = column(r, c->tag, c->what, false, &rc, e);
    size_t at = 0;
    for (uint32_t i = 0; rc == 0 && i < r->f->n; i++) {
        struct str s = STR("");
        if (en != NULL)
            rpm_entry_string(en, &at, &s);
        const char *p = s.p != NULL ? s.p : "";
        memcpy((char *)&r->f->v[i] + c->at, &p, sizeof p);
    }
    return rc;
}

static int read_all_strings(struct reader *r, struct err *e)
{
    static const struct strings columns[] = {
        {RPM_TAG_FILELINKTOS, "link targets", offsetof(struct rpm_file, link)},
        {RPM_TAG_FILEUSERNAME, "users", offsetof(struct rpm_file, user)},
        {RPM_TAG_FILEGROUPNAME, "groups", offsetof(struct rpm_file, group)},
        {RPM_TAG_FILEDIGESTS, "digests", offsetof(struct rpm_file, digest)},
        {RPM_TAG_FILECAPS, "capabilities", offsetof(struct rpm_file, caps)},
    };
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        if (read_strings(r, &columns[i], e) < 0)
            return -1;
    return 0;
}

static uint64_t number(const struct reader *r, uint32_t tag, uint32_t i)
{
    uint64_t v = 0;
    rpm_header_u64(r->h, tag, i, &v);
    return v;
}

static int read_numbers(struct reader *r, struct err *e)
{
    int rc = 0;
    bool wide = rpm_header_find(r->h, RPM_TAG_LONGFILESIZES) != NULL;
    uint32_t size_tag = wide ? RPM_TAG_LONGFILESIZES : RPM_TAG_FILESIZES;
    column(r, RPM_TAG_FILEMODES, "modes", true, &rc, e);
    column(r, size_tag, "sizes", true, &rc, e);
    column(r, RPM_TAG_FILEMTIMES, "times", false, &rc, e);
    column(r, RPM_TAG_FILERDEVS, "device numbers", false, &rc, e);
    column(r, RPM_TAG_FILEFLAGS, "flags", false, &rc, e);
    column(r, RPM_TAG_FILEINODES, "inodes", false, &rc, e);
    column(r, RPM_TAG_FILEDEVICES, "devices", false, &rc, e);
    if (rc < 0)
        return -1;
    for (uint32_t i = 0; i < r->f->n; i++) {
        struct rpm_file *f = &r->f->v[i];
        uint64_t rdev = number(r, RPM_TAG_FILERDEVS, i);
        f->mode = (uint32_t)number(r, RPM_TAG_FILEMODES, i) & 0xffff;
        f->size = number(r, size_tag, i);
        f->mtime = (int64_t)(uint32_t)number(r, RPM_TAG_FILEMTIMES, i);
        f->flags = (uint32_t)number(r, RPM_TAG_FILEFLAGS, i);
        f->inode = (uint32_t)number(r, RPM_TAG_FILEINODES, i);
        f->device = (uint32_t)number(r, RPM_TAG_FILEDEVICES, i);
        f->major = (uint32_t)(rdev >> 8 & 0xff);
        f->minor = (uint32_t)(rdev & 0xff);
        f->next = f->last = i;
        if (rpm_file_type(f) == 0)
            return err_set(e, ERR_FORMAT, "header: /%s: mode %06o, which has no type of file", f->path,
                           f->mode);
    }
    return 0;
}

static int read_algo(struct reader *r, struct err *e)
{
    uint64_t id = 1;
    rpm_header_u64(r->h, RPM_TAG_FILEDIGESTALGO, 0, &id);
    for (size_t i = 0; i < sizeof algos / sizeof algos[0]; i++)
        if (algos[i].id == id || (id == 0 && i == 0)) {
            r->f->algo = algos[i].kind;
            return 0;
        }
    return err_set(e, ERR_FORMAT, "header: files' digests of algorithm %llu, which is not known here",
                   (unsigned long long)id);
}

static int by_path(const void *a, const void *b)
{
    return strcmp((*(const struct rpm_file *const *)a)->path, (*(const struct rpm_file *const *)b)->path);
}

static int sort_paths(struct rpm_files *f, struct err *e)
{
    bool sorted = true;
    f->by_path = mem_alloc(((size_t)f->n + 1) * sizeof(struct rpm_file *));
    for (uint32_t i = 0; i < f->n; i++) {
        f->by_path[i] = &f->v[i];
        sorted = sorted && (i == 0 || by_path(&f->by_path[i - 1], &f->by_path[i]) < 0);
    }
    if (sorted)
        return 0;
    qsort(f->by_path, f->n, sizeof(struct rpm_file *), by_path);
    for (uint32_t i = 1; i < f->n; i++)
        if (by_path(&f->by_path[i - 1], &f->by_path[i]) == 0)
            return err_set(e, ERR_FORMAT, "header: /%s: listed twice", f->by_path[i]->path);
    return 0;
}

/* Same file: rpm goes by device and inode; where sizes or contents differ those were never the build's. */
static int by_inode(const void *x, const void *y)
{
    const struct rpm_file *a = *(const struct rpm_file *const *)x, *b = *(const struct rpm_file *const *)y;
    if (a->device != b->device)
        return a->device < b->device ? -1 : 1;
    if (a->inode != b->inode)
        return a->inode < b->inode ? -1 : 1;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return strcmp(a->digest, b->digest);
}

static int by_inode_then_index(const void *x, const void *y)
{
    const struct rpm_file *a = *(const struct rpm_file *const *)x, *b = *(const struct rpm_file *const *)y;
    int c = by_inode(x, y);
    return c != 0 ? c : a < b ? -1 : a > b;
}

static void find_sets(struct rpm_files *f)
{
    AUTO_MEM struct rpm_file **v = mem_alloc(((size_t)f->n + 1) * sizeof(struct rpm_file *));
    size_t n = 0;
    for (uint32_t i = 0; i < f->n; i++)
        if (rpm_file_type(&f->v[i]) == RPM_REG && (f->v[i].flags & RPM_FILE_GHOST) == 0 && f->v[i].inode > 0)
            v[n++] = &f->v[i];
    qsort(v, n, sizeof(struct rpm_file *), by_inode_then_index);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && by_inode(&v[i], &v[end]) == 0;)
            end++;
        f->has_sets = f->has_sets || end - i > 1;
        for (size_t k = i; k < end; k++) {
            v[k]->next = (uint32_t)(v[k + 1 < end ? k + 1 : i] - f->v);
            v[k]->last = (uint32_t)(v[end - 1] - f->v);
        }
    }
}

int rpm_files_read(struct rpm_files *f, const struct rpm_header *h, struct err *e)
{
    struct reader r = {.f = f, .h = h};
    *f = (struct rpm_files){0};
    int rc = read_paths(&r, e);
    buf_free(&r.raw);
    buf_free(&r.clean);
    if (rc < 0 || f->n == 0)
        return rc;
    if (read_numbers(&r, e) < 0 || read_all_strings(&r, e) < 0 || read_algo(&r, e) < 0 ||
        sort_paths(f, e) < 0)
        return -1;
    find_sets(f);
    return 0;
}

void rpm_files_free(struct rpm_files *f)
{
    free(f->v);
    free(f->by_path);
    arena_free(&f->arena);
    *f = (struct rpm_files){0};
}

const struct rpm_file *rpm_files_find(const struct rpm_files *f, struct str path)
{
    AUTO_BUF clean = {0};
    clean_path(path, &clean);
    const struct rpm_file key = {.path = buf_c(&clean)}, *k = &key;
    const struct rpm_file **found =
        f->n > 0 ? bsearch(&k, f->by_path, f->n, sizeof(struct rpm_file *), by_path) : NULL;
    return found != NULL ? *found : NULL;
}
