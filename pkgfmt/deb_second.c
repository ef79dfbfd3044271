#include "pkgfmt/deb_second.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/str_list.h"
#include "pkgfmt/deb.h"
#include "pkgfmt/second.h"

/* What a package's contents in its thin form may come to beyond twice its Installed-Size. */
enum { SPARE = 16 * 1024 * 1024 };

struct pkgfmt_second {
    struct tree *tree;
    const struct plan *plan;
    struct deb_keep_dir dir;
    struct deb_kept *kept; /* one for each package of the plan */
};

/* Transfers and the other packages need descriptors too. */
static unsigned fds_max(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) < 0)
        return 0;
    return l.rlim_cur / 4 < 65536 ? (unsigned)(l.rlim_cur / 4) : 65536;
}

int deb_second_begin(struct pkgfmt_second **out, struct tree *t, const struct plan *p, unsigned how,
                     struct err *e)
{
    (void)e;
    struct pkgfmt_second *s = *out = mem_alloc(sizeof *s);
    s->tree = t;
    s->plan = p;
    s->dir = (struct deb_keep_dir){.full = (how & PKGFMT_SECOND_FULL) != 0, .fds_max = fds_max()};
    s->kept = mem_grow(NULL, p->n + 1, sizeof *s->kept);
    for (size_t i = 0; i < p->n; i++) {
        struct buf name = {0};
        deb_keep_file(&p->pkgs[i], &name);
        s->kept[i] = (struct deb_kept){.fd = -1, .file = name.p};
    }
    return 0;
}

void deb_second_free(struct pkgfmt_second *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->plan->n; i++) {
        struct deb_kept *k = &s->kept[i];
        if (k->fd >= 0)
            close(k->fd);
        free(k->file);
        buf_free(&k->entries);
        buf_free(&k->conffiles);
        buf_free(&k->includes);
        buf_free(&k->diverts);
    }
    free(s->kept);
    free(s);
}

int deb_second_keep(struct pkgfmt_second *s, unsigned index, const struct deb_read *d, struct deb_keep **k,
                    struct err *e)
{
    struct deb_kept *kept = &s->kept[index];
    *k = NULL;
    if (kept->digest.kind != DIGEST_NONE)
        return 0;
    return deb_keep_open(k, &s->dir, kept, d, s->plan->pkgs[index].installed_size * 2 + SPARE, e);
}

/* Next string of a list in which each is ended by a NUL. */
static bool list_next(const struct buf *list, size_t *at, struct str *out)
{
    if (*at >= list->n)
        return false;
    *out = str_c(list->p + *at);
    *at += out->n + 1;
    return true;
}

/* A package whose script diverts a path that it computes, with --rename, takes away what the first stage
   wrote there: if that is its own, dpkg must write it again; if it is another's, the rename is what would
   have happened. */
static int add_own(struct pkgfmt_second *s, const struct deb_kept *k, struct str_list *out, struct arena *a,
                   struct err *e)
{
    struct str path, link, canon;
    for (size_t at = 0; list_next(&k->entries, &at, &path) && list_next(&k->entries, &at, &link);) {
        if (tree_canonical(s->tree, path, a, &canon, e) < 0)
            return -1;
        str_list_add(out, canon);
    }
    return 0;
}

/* The paths, canonical and sorted, that dpkg must write again whoever ships them: those of several packages,
   since it decides by its own rules which file stays, and those that a script may divert, since it puts the
   file elsewhere. */
static int contested(struct pkgfmt_second *s, struct str_list *out, struct arena *a, struct err *e)
{
    struct str *shared, word, path;
    size_t n;
    if (tree_shared(s->tree, a, &shared, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        str_list_add(out, shared[i]);
    for (size_t i = 0; i < s->plan->n; i++)
        for (size_t at = 0; list_next(&s->kept[i].diverts, &at, &word);) {
            struct err ignored = {0}; /* a word that only looks like a path */
            if (tree_canonical(s->tree, word, a, &path, &ignored) == 0 && path.n > 0)
                str_list_add(out, path);
        }
    for (size_t i = 0; i < s->plan->n; i++)
        if (s->kept[i].diverts_own && add_own(s, &s->kept[i], out, a, e) < 0)
            return -1;
    str_list_sort(out);
    return 0;
}

/* The canonical paths of the package's entries (of hard links: of the file they name, so that all names of a
   file go together) that are contested; then every entry with one of these is included back. */
static int include_contested(struct pkgfmt_second *s, unsigned index, const struct str_list *all,
                             struct err *e)
{
    struct deb_kept *k = &s->kept[index];
    struct tree_writer *w = NULL;
    AUTO_ARENA a = {0};
    AUTO(str_list_free) struct str_list files = {0};
    struct str path, link, canon, file;
    for (size_t at = 0; list_next(&k->entries, &at, &path) && list_next(&k->entries, &at, &link);) {
        if (tree_canonical(s->tree, path, &a, &canon, e) < 0)
            return -1;
        if (str_list_has(all, canon))
            str_list_add(&files, link.n > 0 ? link : path);
    }
    if (files.n == 0)
        return 0;
    str_list_sort(&files);
    for (size_t at = 0; list_next(&k->entries, &at, &path) && list_next(&k->entries, &at, &link);) {
        file = link.n > 0 ? link : path;
        if (!str_list_has(&files, file))
            continue;
        buf_str(&k->includes, path);
        buf_putc(&k->includes, '\0');
    }
    if (tree_writer_open(s->tree, index, s->plan->pkgs[index].name, 0, false, &w, e) < 0)
        return -1;
    int rc = deb_keep_whole(k, w, e);
    if (rc == 0)
        rc = tree_writer_finish(&w, e);
    tree_writer_close(w);
    return rc;
}

/* A pattern for dpkg's path filters, which match with fnmatch(3). Bytes that its reader of configuration
   files would take for something else are matched by `?`. */
static void add_pattern(struct buf *out, const char *filter, struct str path)
{
    buf_printf(out, "%s=/", filter);
    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];
        bool misread = (unsigned char)c <= ' ' || c == '"' || c == '\'' || c == '#' || c == 0x7f;
        if (misread)
            c = '?';
        else if (strchr("*?[\\", c) != NULL)
            buf_putc(out, '\\');
        buf_putc(out, c);
    }
    buf_putc(out, '\n');
}

static bool list_has(const struct buf *list, struct str path)
{
    struct str s;
    for (size_t at = 0; list_next(list, &at, &s);)
        if (str_eq(s, path))
            return true;
    return false;
}

/* What the package ships at paths that are not its own any more, all names of a file together. dpkg keeps
   what stands in a conffile's place (--force-confold), and must know its digest. */
static int exclude_own(const struct pkgfmt_second *s, const struct deb_kept *k, const struct str_list *own,
                       struct buf *out, struct err *e)
{
    AUTO_ARENA a = {0};
    AUTO(str_list_free) struct str_list files = {0};
    struct str path, link, canon;
    for (size_t at = 0; list_next(&k->entries, &at, &path) && list_next(&k->entries, &at, &link);) {
        if (tree_canonical(s->tree, path, &a, &canon, e) < 0)
            return -1;
        if (str_list_has(own, canon) && !list_has(&k->conffiles, path))
            str_list_add(&files, link.n > 0 ? link : path);
    }
    str_list_sort(&files);
    for (size_t at = 0;
         files.n > 0 && list_next(&k->entries, &at, &path) && list_next(&k->entries, &at, &link);)
        if (str_list_has(&files, link.n > 0 ? link : path) && !list_has(&k->conffiles, path))
            add_pattern(out, "path-exclude", path);
    return 0;
}

static int add_excludes(const struct pkgfmt_second *s, const struct pkgfmt_second_opts *o, struct buf *out,
                        struct err *e)
{
    AUTO(str_list_free) struct str_list own = {0};
    for (size_t i = 0; i < o->nown; i++)
        str_list_add(&own, o->own[i]);
    str_list_sort(&own);
    for (size_t i = 0; own.n > 0 && i < s->plan->n; i++)
        if (exclude_own(s, &s->kept[i], &own, out, e) < 0)
            return err_wrap(e, "%s", s->plan->pkgs[i].name);
    return 0;
}

/* Of dpkg's path filters the last one that matches counts. */
static void add_options(const struct pkgfmt_second *s, struct buf *out)
{
    struct str path;
    if (s->dir.full)
        return;
    buf_puts(out, "path-exclude=/*\npath-include=/" DEB_KEEP_CONFIG "*\n");
    for (size_t i = 0; i < s->plan->n; i++)
        for (size_t at = 0; list_next(&s->kept[i].includes, &at, &path);)
            add_pattern(out, "path-include", path);
}

/* What stands in for init stays there while dpkg installs who ships it. */
static int take_init(struct second_out *out, struct buf *options, struct err *e)
{
    AUTO_ARENA a = {0};
    const char **owned;
    size_t n;
    if (second_take_init(out, &a, &owned, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        add_pattern(options, "path-exclude", str_from(str_c(owned[i]), 1));
    return 0;
}

int deb_second_finish(struct pkgfmt_second *s, const struct pkgfmt_second_opts *o, struct err *e)
{
    AUTO(second_out_free) struct second_out out = {.tree = s->tree};
    AUTO_BUF options = {0};
    second_plan(&out, "deb", o->epoch, s->plan->n);
    for (size_t i = 0; i < s->plan->n; i++)
        second_package(&out, s->plan->pkgs[i].name, s->kept[i].file, &s->kept[i].digest);
    add_options(s, &options);
    if ((o->first_boot && take_init(&out, &options, e) < 0) || add_excludes(s, o, &options, e) < 0 ||
        second_text(&out, "dpkg.cfg", buf_view(&options), 0644, e) < 0)
        return -1;
    return second_leave(&out, "deb_second.sh", o, e);
}

int deb_second_settle(struct pkgfmt_second *s, struct err *e)
{
    AUTO_ARENA a = {0};
    AUTO(str_list_free) struct str_list all = {0};
    for (size_t i = 0; i < s->plan->n; i++)
        if (s->kept[i].digest.kind == DIGEST_NONE)
            return err_set(e, ERR_HOST, "%s was not unpacked before the second stage was left in the tree",
                           s->plan->pkgs[i].name);
    if (!s->dir.full && contested(s, &all, &a, e) < 0)
        return -1;
    for (unsigned i = 0; all.n > 0 && i < s->plan->n; i++)
        if (include_contested(s, i, &all, e) < 0)
            return err_wrap(e, "%s", s->plan->pkgs[i].name);
    return 0;
}
