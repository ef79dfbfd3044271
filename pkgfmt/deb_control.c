#include "pkgfmt/deb_control.h"

#include "base/auto.h"
#include "pkgfmt/deb_tar.h"

/* Far above what any package has; a file of control data that is larger is refused. */
enum { FILE_MAX = 32 * 1024 * 1024 };
/* The same for all files together, headers included (as they compress a thousandfold), and for the paths that
   the wanted ones name. */
enum { ALL_MAX = 256 * 1024 * 1024, HEADER = 512, PATHS_MAX = 100000 };

/* Words before the path are flags: `remove-on-upgrade` is the only one there is, and its file is not in the
 * package. */
static void conffiles(struct str text, struct str_list *out, struct arena *a)
{
    struct str line;
    while (out->n < PATHS_MAX && str_line(&text, &line)) {
        line = str_trim(line);
        if (line.n > 0 && line.p[0] == '/')
            str_list_add(out, arena_copy(a, str_from(line, 1)));
    }
}

/* Which paths a script diverts can only be guessed from outside: every absolute path that it names as a whole
   word. Too many do no harm, those paths are merely written twice. Variables may make any path. */
static void diverts(struct str text, struct deb_control *c, struct arena *a)
{
    struct str_list *out = &c->diverts;
    static const char between[] = " \t\n\r\"'`=;&|()<>,:";
    if (str_find(text, STR("dpkg-divert")) == text.n)
        return;
    for (size_t i = 0, start = 0; i <= text.n && out->n < PATHS_MAX; i++) {
        if (i < text.n && strchr(between, text.p[i]) == NULL)
            continue;
        if (i - start > 1 && text.p[start] == '/')
            str_list_add(out, arena_copy(a, (struct str){text.p + start, i - start}));
        start = i + 1;
    }
    for (size_t i = 0; i + 1 < text.n && !c->diverts_computed; i++) {
        char next = text.p[i + 1];
        c->diverts_computed =
            text.p[i] == '$' &&
            (next == '{' || next == '_' || (next >= 'A' && next <= 'Z') || (next >= 'a' && next <= 'z'));
    }
}

static int slurp(struct deb_tar *t, const struct tree_entry *en, struct buf *b, struct err *e)
{
    const void *p;
    size_t n;
    uint64_t off = 0;
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

/* A file of control.tar, already found to be one that is wanted. */
static int take_file(struct deb_control *c, struct deb_tar *t, const struct tree_entry *en, struct str name,
                     struct arena *a, struct err *e)
{
    AUTO_BUF b = {0};
    if (slurp(t, en, &b, e) < 0)
        return -1;
    if (str_is(name, "conffiles"))
        conffiles(buf_view(&b), &c->conffiles, a);
    else
        diverts(buf_view(&b), c, a);
    if (c->conffiles.n >= PATHS_MAX || c->diverts.n >= PATHS_MAX)
        return err_set(e, ERR_FORMAT, "control.tar: %" STR_FMT ": names more than %d paths",
                       STR_ARG(en->path), PATHS_MAX);
    return 0;
}

static bool is_wanted(struct str name)
{
    static const char *const names[] = {"conffiles", "preinst", "postinst", "prerm", "postrm", "config"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_is(name, names[i]))
            return true;
    return false;
}

static int read_all(struct deb_control *c, struct deb_tar *t, struct arena *a, struct err *e)
{
    struct tree_entry en;
    uint64_t all = 0;
    int r;
    while ((r = deb_tar_next(t, &en, e)) > 0) {
        if (en.size > ALL_MAX || (all += HEADER + en.size) > ALL_MAX)
            return err_set(e, ERR_FORMAT, "control.tar: it expands to more than %d bytes", ALL_MAX);
        struct str name = str_starts(en.path, STR("./")) ? str_from(en.path, 2) : en.path;
        if (en.type != TREE_FILE)
            continue;
        c->md5sums |= str_is(name, "md5sums");
        if (is_wanted(name) && take_file(c, t, &en, name, a, e) < 0)
            return -1;
    }
    str_list_sort(&c->conffiles);
    return r;
}

int deb_control_read(struct deb_control *c, const struct deb_read *d, struct arena *a, struct err *e)
{
    struct deb_tar *t;
    *c = (struct deb_control){0};
    if (deb_tar_open(&t, d, &d->control, e) < 0)
        return -1;
    int r = read_all(c, t, a, e);
    deb_tar_close(t);
    return r;
}

void deb_control_free(struct deb_control *c)
{
    str_list_free(&c->conffiles);
    str_list_free(&c->diverts);
}
