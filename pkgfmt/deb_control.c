#include "pkgfmt/deb_control.h"

#include <stdlib.h>

#include "base/auto.h"
#include "base/mem.h"
#include "pkgfmt/deb_tar.h"

/* Far above what any package has; a file of control data that is larger is refused. */
enum { FILE_MAX = 32 * 1024 * 1024 };

struct strs {
    struct str *v;
    size_t n, cap;
};

static void strs_add(struct strs *l, struct str s)
{
    if (l->n == l->cap) {
        l->cap = l->cap * 2 + 16;
        l->v = mem_grow(l->v, l->cap, sizeof *l->v);
    }
    l->v[l->n++] = s;
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Moves the list into the arena, sorted. */
static struct str *strs_take(struct strs *l, struct arena *a)
{
    struct str *v = arena_array(a, l->n, sizeof *v);
    for (size_t i = 0; i < l->n; i++)
        v[i] = l->v[i];
    if (l->n > 0)
        qsort(v, l->n, sizeof *v, by_bytes);
    free(l->v);
    *l = (struct strs){0};
    return v;
}

/* Words before the path are flags: `remove-on-upgrade` is the only one there is, and its file is not in the
 * package. */
static void conffiles(struct str text, struct strs *out, struct arena *a)
{
    struct str line;
    while (str_line(&text, &line)) {
        line = str_trim(line);
        if (line.n > 0 && line.p[0] == '/')
            strs_add(out, arena_copy(a, line));
    }
}

/* Which paths a script diverts can only be guessed from outside: every absolute path that it names as a whole
   word. Too many do no harm, those paths are merely written twice. */
static void diverts(struct str text, struct strs *out, struct arena *a)
{
    static const char between[] = " \t\n\r\"'`=;&|()<>,:";
    if (str_find(text, STR("dpkg-divert")) == text.n)
        return;
    for (size_t i = 0, start = 0; i <= text.n; i++) {
        if (i < text.n && strchr(between, text.p[i]) == NULL)
            continue;
        if (i - start > 1 && text.p[start] == '/')
            strs_add(out, arena_copy(a, (struct str){text.p + start, i - start}));
        start = i + 1;
    }
}

static int slurp(struct deb_tar *t, const struct tree_entry *en, struct buf *b, struct err *e)
{
    const void *p;
    size_t n;
    uint64_t off;
    int r;
    buf_clear(b);
    if (en->size > FILE_MAX)
        return err_set(e, ERR_FORMAT, "control.tar: %" STR_FMT ": %llu bytes is too large", STR_ARG(en->path),
                       (unsigned long long)en->size);
    while ((r = deb_tar_data(t, &p, &n, &off, e)) > 0) {
        if (off > en->size || n > en->size - off || off < b->n)
            return err_set(e, ERR_FORMAT, "control.tar: %" STR_FMT ": longer than its header says",
                           STR_ARG(en->path));
        while (b->n < off)
            buf_putc(b, '\0');
        buf_add(b, p, n);
    }
    return r;
}

static int read_all(struct deb_control *c, struct deb_tar *t, struct strs *conf, struct strs *div,
                    struct arena *a, struct err *e)
{
    static const char *const scripts[] = {"preinst", "postinst", "prerm", "postrm", "config"};
    AUTO_BUF b = {0};
    struct tree_entry en;
    int r;
    while ((r = deb_tar_next(t, &en, e)) > 0) {
        struct str name = str_starts(en.path, STR("./")) ? str_from(en.path, 2) : en.path;
        if (en.type != TREE_FILE)
            continue;
        c->md5sums |= str_is(name, "md5sums");
        bool conffile_list = str_is(name, "conffiles"), script = false;
        for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++)
            script |= str_is(name, scripts[i]);
        if (!conffile_list && !script)
            continue;
        if (slurp(t, &en, &b, e) < 0)
            return -1;
        if (conffile_list)
            conffiles(buf_view(&b), conf, a);
        else
            diverts(buf_view(&b), div, a);
    }
    return r;
}

int deb_control_read(struct deb_control *c, const struct deb_read *d, struct arena *a, struct err *e)
{
    struct strs conf = {0}, div = {0};
    struct deb_tar *t;
    *c = (struct deb_control){0};
    if (deb_tar_open(&t, d, &d->control, e) < 0)
        return -1;
    int r = read_all(c, t, &conf, &div, a, e);
    deb_tar_close(t);
    c->nconffiles = conf.n;
    c->conffiles = strs_take(&conf, a);
    c->ndiverts = div.n;
    c->diverts = strs_take(&div, a);
    return r;
}
