#include "base/data.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"

enum { DATA_FILE_MAX = 16 * 1024 * 1024 };

static const struct data_file *builtin(const char *room, const char *name)
{
    size_t n = strlen(room);
    for (const struct data_file *f = data_builtin; f->path != NULL; f++)
        if (strncmp(f->path, room, n) == 0 && f->path[n] == '/' && strcmp(f->path + n + 1, name) == 0)
            return f;
    return NULL;
}

int data_read(const struct data *d, const char *room, const char *name, struct arena *a, struct str *text,
              const char **origin, struct err *e)
{
    for (size_t i = 0; d != NULL && i < d->ndirs; i++) {
        AUTO_BUF b = {0};
        char *path = arena_printf(a, "%s/%s", d->dirs[i], name);
        if (file_read(path, DATA_FILE_MAX, &b, e) < 0) {
            if (e->sys == ENOENT || e->sys == ENOTDIR)
                continue;
            return -1;
        }
        *text = arena_copy(a, buf_view(&b));
        if (origin != NULL)
            *origin = path;
        *e = (struct err){0};
        return 0;
    }
    const struct data_file *f = builtin(room, name);
    *e = (struct err){0};
    if (f == NULL)
        return 1;
    *text = (struct str){(const char *)f->bytes, f->n};
    if (origin != NULL)
        *origin = f->path;
    return 0;
}

struct names {
    const char **v;
    size_t n;
};

static void names_add(struct names *l, const char *name, const char *pattern, struct arena *a)
{
    if (fnmatch(pattern, name, FNM_PERIOD) != 0)
        return;
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i], name) == 0)
            return;
    l->v = mem_grow(l->v, l->n + 1, sizeof *l->v);
    l->v[l->n++] = arena_dup(a, name);
}

static int names_dir(struct names *l, const char *dir, const char *pattern, struct arena *a, struct err *e)
{
    DIR *h = opendir(dir);
    if (h == NULL)
        return errno == ENOENT ? 0 : err_sys(e, ERR_HOST, errno, "%s", dir);
    for (struct dirent *de; (de = readdir(h)) != NULL;)
        names_add(l, de->d_name, pattern, a);
    closedir(h);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int data_list(const struct data *d, const char *room, const char *pattern, struct arena *a,
              const char ***names, size_t *n, struct err *e)
{
    struct names l = {0};
    size_t skip = strlen(room);
    int rc = 0;
    for (size_t i = 0; rc == 0 && d != NULL && i < d->ndirs; i++)
        rc = names_dir(&l, d->dirs[i], pattern, a, e);
    for (const struct data_file *f = data_builtin; rc == 0 && f->path != NULL; f++)
        if (strncmp(f->path, room, skip) == 0 && f->path[skip] == '/' &&
            strchr(f->path + skip + 1, '/') == NULL)
            names_add(&l, f->path + skip + 1, pattern, a);
    if (l.n > 0)
        qsort(l.v, l.n, sizeof *l.v, by_name);
    *names = arena_array(a, l.n + 1, sizeof **names);
    if (l.n > 0)
        memcpy(*names, l.v, l.n * sizeof **names);
    *n = l.n;
    free(l.v);
    return rc;
}
