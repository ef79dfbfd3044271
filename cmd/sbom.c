#include "cmd/sbom.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"

enum { LINKS_MAX = 40 };

/* What the tree wrote at a place; zero: nothing. */
struct record {
    bool link; /* leads to `to` */
    struct str to;
    struct pkgfmt_licence licence;
    void *block; /* what holds to or licence */
};

/* A path that matters; the record is the last one. */
struct place {
    struct str path;
    struct record record;
};

struct sbom {
    const struct pkgfmt *fmt;
    struct arena arena;
    struct record *taken; /* of the packages, in the plan's order; NULL: their licences are in files */
    size_t ntaken;
    struct str *paths;    /* of the packages' licences, in the plan's order */
    struct place *places; /* sorted */
    size_t nplaces;
    pthread_mutex_t lock; /* for the records */
};

/* The directory that a file stands in. */
static const char *parent(const char *path, struct arena *a)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL   ? "."
           : slash == path ? "/"
                           : arena_str(a, (struct str){path, (size_t)(slash - path)});
}

static int check_file(const char *option, const char *path, struct err *e)
{
    AUTO_ARENA a = {0};
    struct stat st;
    const char *dir = parent(path, &a);
    if (path[0] == '\0' || strcmp(path, "-") == 0) {
        err_set(e, ERR_USAGE, "--%s takes a file's name, `%s' is none", option, path);
        return err_hint(e, "standard output cannot be written whole or not at all; ./- names a file");
    }
    if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        err_set(e, ERR_HOST, "--%s %s: something that is no regular file stands there", option, path);
        return err_hint(e, "it would be replaced; name another file");
    }
    if (stat(dir, &st) < 0)
        return err_sys(e, ERR_HOST, errno, "--%s %s: its directory", option, path);
    if (!S_ISDIR(st.st_mode))
        return err_sys(e, ERR_HOST, ENOTDIR, "--%s %s", option, path);
    if (access(dir, W_OK | X_OK) < 0)
        return err_sys(e, ERR_HOST, errno, "--%s %s: its directory", option, path);
    return 0;
}

/* The directory that a name is in, by its numbers; *base is the last component. */
static bool place_of(const char *name, const char **base, struct stat *st)
{
    const char *slash = strrchr(name, '/');
    AUTO_BUF dir = {0};
    *base = slash != NULL ? slash + 1 : name;
    buf_add(&dir, name, (size_t)(*base - name));
    buf_putc(&dir, '.');
    return stat(buf_c(&dir), st) == 0;
}

/* Whether the two names stand for one file, which may not be there yet. */
static bool same_file(const char *a, const char *b)
{
    const char *x, *y;
    struct stat sx, sy;
    return place_of(a, &x, &sx) && place_of(b, &y, &sy) && strcmp(x, y) == 0 && sx.st_dev == sy.st_dev &&
           sx.st_ino == sy.st_ino;
}

int sbom_check(const struct options *o, const char *target, struct err *e)
{
    const char *file[] = {o->manifest, o->sbom}, *const option[] = {"manifest", "sbom"};
    for (size_t i = 0; i < 2; i++) {
        if (file[i] == NULL)
            continue;
        if (target != NULL && same_file(file[i], target))
            return err_set(e, ERR_USAGE, "--%s %s: this is the target", option[i], file[i]);
        if (o->lock != NULL && same_file(file[i], o->lock))
            return err_set(e, ERR_USAGE, "--%s and --lock name the same file: %s", option[i], file[i]);
        if (check_file(option[i], file[i], e) < 0)
            return -1;
    }
    if (file[0] != NULL && file[1] != NULL && same_file(file[0], file[1]))
        return err_set(e, ERR_USAGE, "--manifest and --sbom name the same file: %s", file[0]);
    return 0;
}

static int by_path(const void *a, const void *b)
{
    return str_cmp(((const struct place *)a)->path, ((const struct place *)b)->path);
}

/* NULL: it does not matter. */
static struct place *find(const struct sbom *s, struct str path)
{
    const struct place key = {.path = path};
    return s->nplaces > 0 ? bsearch(&key, s->places, s->nplaces, sizeof key, by_path) : NULL;
}

static bool wants(void *ctx, struct str path)
{
    return find(ctx, path) != NULL;
}

static const char *pack_string(char **at, const char *text)
{
    size_t n = strlen(text) + 1;
    const char *packed = memcpy(*at, text, n);
    *at += n;
    return packed;
}

/* A licence in one block, for a package may ship one path many times: what it says last replaces the rest. */
static void pack(struct record *r, const struct pkgfmt_licence *l)
{
    size_t size = l->nrefs * sizeof *l->refs + (l->expression != NULL ? strlen(l->expression) + 1 : 0);
    for (size_t i = 0; i < l->nrefs; i++)
        size += strlen(l->refs[i].id) + strlen(l->refs[i].name) + strlen(l->refs[i].text) + 3;
    r->block = mem_alloc(size + 1);
    struct pkgfmt_licence_ref *refs = r->block;
    char *at = (char *)r->block + l->nrefs * sizeof *refs;
    for (size_t i = 0; i < l->nrefs; i++) {
        refs[i].id = pack_string(&at, l->refs[i].id);
        refs[i].name = pack_string(&at, l->refs[i].name);
        refs[i].text = pack_string(&at, l->refs[i].text);
    }
    r->licence = (struct pkgfmt_licence){l->expression != NULL ? pack_string(&at, l->expression) : NULL, refs,
                                         l->nrefs};
}

/* From any thread. */
static void replace(struct sbom *s, struct record *r, struct record now)
{
    pthread_mutex_lock(&s->lock);
    free(r->block);
    *r = now;
    pthread_mutex_unlock(&s->lock);
}

static struct record read_licence(const struct sbom *s, struct str text)
{
    AUTO_ARENA a = {0};
    struct pkgfmt_licence l;
    struct record now = {0};
    s->fmt->licence_read(text, &a, &l);
    pack(&now, &l);
    return now;
}

static void on_file(void *ctx, struct str path, struct str content)
{
    struct sbom *s = ctx;
    replace(s, &find(s, path)->record, read_licence(s, content));
}

static void on_link(void *ctx, struct str path, struct str to)
{
    struct record now = {.link = true, .block = mem_alloc(to.n + 1)};
    if (to.n > 0)
        memcpy(now.block, to.p, to.n);
    now.to = (struct str){now.block, to.n};
    replace(ctx, &find(ctx, path)->record, now);
}

int sbom_take(struct sbom *s, const struct pkgfmt_package *p, struct err *e)
{
    AUTO_ARENA a = {0};
    struct str text;
    if (s->taken == NULL)
        return 0;
    if (s->fmt->licence_text(p, &a, &text, e) < 0)
        return err_wrap(e, "%s", p->pkg->name);
    replace(s, &s->taken[p->index], read_licence(s, text));
    return 0;
}

/* The places of all licences, and the directories above them, which may be links. */
static void list_places(struct sbom *s, size_t npaths)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < npaths; i++)
        for (size_t c = 0; c < s->paths[i].n; c++)
            n += c == 0 || s->paths[i].p[c] == '/';
    s->places = arena_array(&s->arena, n, sizeof *s->places);
    n = 0;
    for (size_t i = 0; i < npaths; i++)
        for (size_t c = 1; c <= s->paths[i].n; c++)
            if (c == s->paths[i].n || s->paths[i].p[c] == '/')
                s->places[n++].path = (struct str){s->paths[i].p, c};
    if (n > 0)
        qsort(s->places, n, sizeof *s->places, by_path);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || !str_eq(s->places[kept - 1].path, s->places[i].path))
            s->places[kept++].path = s->places[i].path;
    s->nplaces = kept;
}

static int list_paths(struct sbom *s, const struct plan *p, const struct tree *t, struct err *e)
{
    s->paths = arena_array(&s->arena, p->n, sizeof *s->paths);
    for (size_t i = 0; i < p->n; i++) {
        const char *path = s->fmt->licence_path(&p->pkgs[i], &s->arena);
        if (tree_canonical(t, str_c(path), &s->arena, &s->paths[i], e) < 0)
            return err_wrap(e, "%s", p->pkgs[i].name);
    }
    list_places(s, p->n);
    return 0;
}

int sbom_watch(struct job *j, struct create_plan *p, struct tree *t, struct err *e)
{
    bool in_files = p->fmt->licence_path != NULL;
    if (j->opt.sbom == NULL || (!in_files && p->fmt->licence_text == NULL))
        return 0;
    struct sbom *s = mem_alloc(sizeof *s);
    s->fmt = p->fmt;
    pthread_mutex_init(&s->lock, NULL);
    p->sbom = s;
    if (!in_files) {
        s->ntaken = p->plan.n;
        s->taken = arena_array(&s->arena, s->ntaken + 1, sizeof *s->taken);
        return 0;
    }
    if (list_paths(s, &p->plan, t, e) < 0)
        return -1;
    tree_watch(t, &(struct tree_watch){wants, on_file, on_link, s});
    return 0;
}

void sbom_free(struct sbom *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->nplaces; i++)
        free(s->places[i].record.block);
    for (size_t i = 0; i < s->ntaken; i++)
        free(s->taken[i].block);
    pthread_mutex_destroy(&s->lock);
    arena_free(&s->arena);
    free(s);
}

/* The file that the path leads to over links; NULL: none that was seen. */
static const struct record *follow(struct sbom *s, struct str path)
{
    for (int links = 0; links < LINKS_MAX; links++) {
        const struct record *r = NULL;
        size_t c = 0;
        while (c < path.n && (r == NULL || !r->link)) {
            c += 1 + str_chr(str_from(path, c + 1), '/');
            const struct place *p = find(s, (struct str){path.p, c});
            r = p != NULL ? &p->record : NULL;
        }
        if (r == NULL || !r->link)
            return r;
        struct str rest = str_from(path, c);
        path = str_c(arena_printf(&s->arena, "%.*s%.*s", (int)r->to.n, r->to.p, (int)rest.n, rest.p));
    }
    return NULL;
}

static struct pkgfmt_licence *licences(const struct create_plan *p, struct arena *a)
{
    struct sbom *s = p->sbom;
    if (s == NULL)
        return NULL;
    struct pkgfmt_licence *all = arena_array(a, p->plan.n, sizeof *all);
    for (size_t i = 0; i < p->plan.n; i++) {
        const struct record *r = s->taken != NULL ? &s->taken[i] : follow(s, s->paths[i]);
        if (r != NULL)
            all[i] = r->licence;
    }
    return all;
}

static int by_name(const void *a, const void *b)
{
    const struct plan_pkg *x = *(const struct plan_pkg *const *)a, *y = *(const struct plan_pkg *const *)b;
    int c = strcmp(x->name, y->name);
    c = c != 0 ? c : strcmp(x->version, y->version);
    return c != 0 ? c : strcmp(x->arch, y->arch);
}

const struct plan_pkg **sbom_sorted(const struct plan *p, struct arena *a)
{
    const struct plan_pkg **v = arena_array(a, p->n, sizeof *v);
    for (size_t i = 0; i < p->n; i++)
        v[i] = &p->pkgs[i];
    if (p->n > 0)
        qsort(v, p->n, sizeof *v, by_name);
    return v;
}

static void manifest(const struct plan *p, struct arena *a, struct buf *out)
{
    const struct plan_pkg **pkgs = sbom_sorted(p, a);
    for (size_t i = 0; i < p->n; i++)
        buf_printf(out, "%s\t%s\t%s\n", pkgs[i]->name, pkgs[i]->version, pkgs[i]->arch);
}

static int write_file(const char *option, const char *path, const struct buf *b, struct err *e)
{
    if (file_replace(path, buf_view(b), 0644, e) < 0)
        return err_wrap(e, "--%s", option);
    return 0;
}

int sbom_write(struct job *j, const struct create_plan *p, const struct digest *archive, struct err *e)
{
    const char *const list = j->opt.manifest, *const spdx = j->opt.sbom;
    AUTO_ARENA a = {0};
    AUTO_BUF text = {0}, json = {0};
    if (list != NULL)
        manifest(&p->plan, &a, &text);
    if (spdx != NULL && sbom_spdx(p, licences(p, &a), archive, &a, &json, e) < 0)
        return -1;
    if (list != NULL && write_file("manifest", list, &text, e) < 0)
        return -1;
    return spdx != NULL ? write_file("sbom", spdx, &json, e) : 0;
}
