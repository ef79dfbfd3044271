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

/* What the tree wrote at a path. */
struct found {
    struct str path;
    size_t order; /* the last one counts */
    bool link;    /* leads to `to` */
    struct str to;
    struct pkgfmt_licence licence;
};

struct sbom {
    const struct pkgfmt *fmt;
    struct str *paths;  /* of the packages' licences, in the plan's order */
    struct str *wanted; /* sorted */
    size_t nwanted;
    pthread_mutex_t lock; /* for what follows */
    struct arena arena;
    struct found *found;
    size_t nfound, cap;
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

int sbom_check(const struct options *o, const char *target, struct err *e)
{
    const char *file[] = {o->manifest, o->sbom}, *const option[] = {"manifest", "sbom"};
    for (size_t i = 0; i < 2; i++) {
        if (file[i] == NULL)
            continue;
        if (target != NULL && strcmp(file[i], target) == 0)
            return err_set(e, ERR_USAGE, "--%s %s: this is the target", option[i], file[i]);
        if (check_file(option[i], file[i], e) < 0)
            return -1;
    }
    if (file[0] != NULL && file[1] != NULL && strcmp(file[0], file[1]) == 0)
        return err_set(e, ERR_USAGE, "--manifest and --sbom name the same file: %s", file[0]);
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool wants(void *ctx, struct str path)
{
    const struct sbom *s = ctx;
    return bsearch(&path, s->wanted, s->nwanted, sizeof path, by_bytes) != NULL;
}

/* Lock held. */
static struct found *add_found(struct sbom *s, struct str path)
{
    if (s->nfound == s->cap) {
        s->cap = s->cap * 2 + 64;
        s->found = mem_grow(s->found, s->cap, sizeof *s->found);
    }
    struct found *f = &s->found[s->nfound];
    *f = (struct found){.path = arena_copy(&s->arena, path), .order = s->nfound++};
    return f;
}

static void on_file(void *ctx, struct str path, struct str content)
{
    struct sbom *s = ctx;
    pthread_mutex_lock(&s->lock);
    s->fmt->licence_read(content, &s->arena, &add_found(s, path)->licence);
    pthread_mutex_unlock(&s->lock);
}

static void on_link(void *ctx, struct str path, struct str to)
{
    struct sbom *s = ctx;
    pthread_mutex_lock(&s->lock);
    struct found *f = add_found(s, path);
    f->link = true;
    f->to = arena_copy(&s->arena, to);
    pthread_mutex_unlock(&s->lock);
}

/* The paths of all licences, and of the directories above them, which may be links. */
static int list_paths(struct sbom *s, const struct plan *p, const struct tree *t, struct err *e)
{
    size_t n = 0, k = 0;
    s->paths = arena_array(&s->arena, p->n, sizeof *s->paths);
    for (size_t i = 0; i < p->n; i++) {
        const char *path = s->fmt->licence_path(&p->pkgs[i], &s->arena);
        if (tree_canonical(t, str_c(path), &s->arena, &s->paths[i], e) < 0)
            return err_wrap(e, "%s", p->pkgs[i].name);
        for (size_t c = 0; c < s->paths[i].n; c++)
            n += s->paths[i].p[c] == '/';
        n++;
    }
    s->wanted = arena_array(&s->arena, n, sizeof *s->wanted);
    for (size_t i = 0; i < p->n; i++)
        for (size_t c = 1; c <= s->paths[i].n; c++)
            if (c == s->paths[i].n || s->paths[i].p[c] == '/')
                s->wanted[k++] = (struct str){s->paths[i].p, c};
    s->nwanted = k;
    if (k > 0)
        qsort(s->wanted, k, sizeof *s->wanted, by_bytes);
    return 0;
}

int sbom_watch(struct job *j, struct create_plan *p, struct tree *t, struct err *e)
{
    if (j->opt.sbom == NULL || p->fmt->licence_path == NULL)
        return 0;
    struct sbom *s = mem_alloc(sizeof *s);
    s->fmt = p->fmt;
    pthread_mutex_init(&s->lock, NULL);
    p->sbom = s;
    if (list_paths(s, &p->plan, t, e) < 0)
        return -1;
    tree_watch(t, &(struct tree_watch){wants, on_file, on_link, s});
    return 0;
}

void sbom_free(struct sbom *s)
{
    if (s == NULL)
        return;
    pthread_mutex_destroy(&s->lock);
    arena_free(&s->arena);
    free(s->found);
    free(s);
}

static int by_path(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int c = str_cmp(x->path, y->path);
    return c != 0 ? c : x->order < y->order ? -1 : x->order > y->order;
}

/* What came last for each path, sorted. */
static void settle(struct sbom *s)
{
    size_t n = 0;
    if (s->nfound > 0)
        qsort(s->found, s->nfound, sizeof *s->found, by_path);
    for (size_t i = 0; i < s->nfound; i++) {
        n -= n > 0 && str_eq(s->found[n - 1].path, s->found[i].path);
        s->found[n++] = s->found[i];
    }
    s->nfound = n;
}

static const struct found *find(const struct sbom *s, struct str path)
{
    size_t lo = 0, hi = s->nfound;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = str_cmp(s->found[mid].path, path);
        if (c == 0)
            return &s->found[mid];
        lo = c < 0 ? mid + 1 : lo;
        hi = c < 0 ? hi : mid;
    }
    return NULL;
}

/* The file that the path leads to over links; NULL: none that was seen. */
static const struct found *follow(struct sbom *s, struct str path)
{
    for (int links = 0; links < LINKS_MAX; links++) {
        const struct found *f = NULL;
        size_t c = 0;
        while (c < path.n && (f == NULL || !f->link)) {
            c += 1 + str_chr(str_from(path, c + 1), '/');
            f = find(s, (struct str){path.p, c});
        }
        if (f == NULL || !f->link)
            return f;
        struct str rest = str_from(path, c);
        path = str_c(arena_printf(&s->arena, "%.*s%.*s", (int)f->to.n, f->to.p, (int)rest.n, rest.p));
    }
    return NULL;
}

static struct pkgfmt_licence *licences(const struct create_plan *p, struct arena *a)
{
    struct sbom *s = p->sbom;
    if (s == NULL)
        return NULL;
    struct pkgfmt_licence *all = arena_array(a, p->plan.n, sizeof *all);
    settle(s);
    for (size_t i = 0; i < p->plan.n; i++) {
        const struct found *f = follow(s, s->paths[i]);
        if (f != NULL)
            all[i] = f->licence;
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
