/* What rpm's second stage needs: all packages whole, the keys, and which paths rpm must leave alone. */
#include "pkgfmt/rpm_second.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str_list.h"
#include "pkgfmt/rpm.h"
#include "pkgfmt/rpm_files.h"
#include "pkgfmt/rpm_key.h"
#include "pkgfmt/second.h"

/* The paths that rpm leaves alone are one argument of a program: Linux takes 128 KiB. */
enum { NETSHARED_MAX = 120 * 1024 };

/* KEPT: rpm keeps what stands there. NODE: a device node, which a zone may not make. */
enum { PLAIN = 'p', CAPS = 'x', KEPT = 'k', NODE = 'n' };

/* A file or link of a package, as it spells it without the leading slash; set: the index of the last one of
   the file's names. In a list kind and set come first, and the path ends with a NUL. */
struct path {
    char kind;
    uint32_t set;
    struct str path;
};

struct kept {
    char *file;           /* its name */
    struct digest digest; /* kind NONE before it was unpacked */
    struct buf paths;     /* a list of struct path */
    uint32_t nfiles;      /* more than any set there */
};

struct pkgfmt_second {
    struct tree *tree;
    const struct plan *plan;
    struct kept *kept; /* one for each package of the plan */
    bool stores;       /* payloads that are slow to decompress are kept decompressed */
};

static void kept_file(const struct plan_pkg *pkg, struct buf *out)
{
    second_escape(pkg->name, out);
    buf_putc(out, '-');
    second_escape(pkg->version, out);
    buf_putc(out, '.');
    second_escape(pkg->arch, out);
    buf_puts(out, ".rpm");
}

/* Names are words of the plan's lines. */
static bool good_name(const char *name)
{
    AUTO_BUF b = {0};
    second_escape(name, &b);
    return *name != '\0' && strcmp(buf_c(&b), name) == 0;
}

int rpm_second_begin(struct pkgfmt_second **out, struct tree *t, const struct plan *p, unsigned how,
                     struct err *e)
{
    for (size_t i = 0; i < p->n; i++)
        if (!good_name(p->pkgs[i].name))
            return err_set(e, ERR_FORMAT, "`%.100s' is no name of a package", p->pkgs[i].name);
    struct pkgfmt_second *s = *out = mem_alloc(sizeof *s);
    s->tree = t;
    s->plan = p;
    /* rpm writes every file again in any case. */
    s->stores = (how & PKGFMT_SECOND_AT_ONCE) && !(how & PKGFMT_SECOND_FULL);
    s->kept = mem_grow(NULL, p->n + 1, sizeof *s->kept);
    for (size_t i = 0; i < p->n; i++) {
        struct buf name = {0};
        kept_file(&p->pkgs[i], &name);
        s->kept[i] = (struct kept){.file = name.p};
    }
    return 0;
}

void rpm_second_free(struct pkgfmt_second *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->plan->n; i++) {
        free(s->kept[i].file);
        buf_free(&s->kept[i].paths);
    }
    free(s->kept);
    free(s);
}

/* An existing configuration file stays as it is only if it is marked `noreplace', too: rpm.org's "Config file
   handling". What is no file in the payload (a ghost) rpm does not write at all. */
static char kind_of(const struct rpm_file *f)
{
    const uint32_t keeps = RPM_FILE_CONFIG | RPM_FILE_NOREPLACE;
    if ((f->flags & keeps) == keeps || (f->flags & RPM_FILE_GHOST))
        return KEPT;
    if (rpm_file_type(f) == RPM_CHARDEV || rpm_file_type(f) == RPM_BLOCKDEV)
        return NODE;
    return f->caps[0] != '\0' ? CAPS : PLAIN;
}

struct rpm_second_copy {
    int fd;
    struct rpm_stored stored;
};

struct rpm_stored *rpm_second_stored(struct rpm_second_copy *c)
{
    return c != NULL ? &c->stored : NULL;
}

void rpm_second_drop(struct rpm_second_copy *c)
{
    if (c == NULL)
        return;
    close(c->fd);
    free(c);
}

/* NULL where there is no room for it: the package is kept as it came then. */
static struct rpm_second_copy *begin_copy(const struct rpm_read *r)
{
    struct err ignored;
    int fd = file_temp(NULL, NULL, &ignored);
    if (fd < 0)
        return NULL;
    struct rpm_second_copy *c = mem_alloc(sizeof *c);
    c->fd = fd;
    if (rpm_stored_open(&c->stored, fd, r, &ignored) == 0)
        return c;
    rpm_second_drop(c);
    return NULL;
}

static int keep_whole(struct kept *k, const struct pkgfmt_package *p, struct tree_writer *w, struct err *e)
{
    if (second_put(k->file, p->fd, w, e) < 0)
        return -1;
    if (p->pkg->digest.kind == DIGEST_SHA256) {
        k->digest = p->pkg->digest;
        return 0;
    }
    return digest_of_fd(&k->digest, DIGEST_SHA256, p->fd, NULL, e);
}

int rpm_second_copied(struct pkgfmt_second *s, const struct pkgfmt_package *p, struct rpm_second_copy *c,
                      struct tree_writer *w, struct err *e)
{
    struct kept *k = &s->kept[p->index];
    struct err ignored;
    if (rpm_stored_finish(&c->stored, &ignored) < 0)
        return keep_whole(k, p, w, e);
    if (second_put(k->file, c->fd, w, e) < 0)
        return -1;
    return digest_of_fd(&k->digest, DIGEST_SHA256, c->fd, NULL, e);
}

int rpm_second_keep(struct pkgfmt_second *s, const struct pkgfmt_package *p, const struct rpm_read *r,
                    struct tree_writer *w, struct rpm_second_copy **copy, struct err *e)
{
    struct kept *k = &s->kept[p->index];
    struct rpm_files files = {0};
    if (k->digest.kind != DIGEST_NONE)
        return 0;
    int rc = rpm_files_read(&files, &r->header, e);
    for (uint32_t i = 0; rc == 0 && i < files.n; i++) {
        if (rpm_file_type(&files.v[i]) == RPM_DIR)
            continue;
        const struct rpm_file *f = &files.v[i];
        buf_putc(&k->paths, kind_of(f));
        buf_add(&k->paths, &f->last, sizeof f->last);
        buf_add(&k->paths, f->path, strlen(f->path) + 1);
    }
    k->nfiles = files.n;
    rpm_files_free(&files);
    if (rc == 0 && s->stores && rpm_stored_pays(r))
        *copy = begin_copy(r);
    return rc < 0 || *copy != NULL ? rc : keep_whole(k, p, w, e);
}

int rpm_second_settle(struct pkgfmt_second *s, struct err *e)
{
    for (size_t i = 0; i < s->plan->n; i++)
        if (s->kept[i].digest.kind == DIGEST_NONE)
            return err_set(e, ERR_HOST, "%s was not unpacked before the second stage was left in the tree",
                           s->plan->pkgs[i].name);
    return 0;
}

/* Which paths are whose, canonical and sorted, and what becomes of them. */
struct paths {
    struct str_list own, touched;
    bool no_caps;
    struct buf netshared; /* rpm's macro %_netsharedpath: paths that it neither writes nor verifies */
    struct buf expected;  /* paths, a line each, that may differ from what was packaged */
};

static void paths_free(struct paths *p)
{
    str_list_free(&p->own);
    str_list_free(&p->touched);
    buf_free(&p->netshared);
    buf_free(&p->expected);
}

/* The macro's value is expanded, and its paths are parted by colons. */
static int add_netshared(struct paths *p, struct str path, struct err *e)
{
    buf_puts(&p->netshared, ":/");
    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];
        if (c == ':' || (unsigned char)c < ' ')
            return err_set(e, ERR_FORMAT,
                           "/%" STR_FMT ": rpm cannot be told to leave a path alone that has a `%c'",
                           STR_ARG(path), c == ':' ? c : '?');
        if (c == '%' || c == '\\')
            buf_putc(&p->netshared, c);
        buf_putc(&p->netshared, c);
    }
    if (p->netshared.n <= NETSHARED_MAX)
        return 0;
    err_set(e, ERR_HOST, "the paths that rpm must leave alone are more than %d bytes together",
            NETSHARED_MAX);
    return err_hint(e, "let a package of your own, or a hook, bring what overlays bring in packages' places");
}

/* The path or a directory above it. */
static bool is_touched(const struct str_list *touched, struct str path)
{
    for (size_t n = path.n; n > 0; n--)
        if ((n == path.n || path.p[n] == '/') && str_list_has(touched, (struct str){path.p, n}))
            return true;
    return false;
}

static bool next_path(const struct buf *list, size_t *at, struct path *out)
{
    if (*at >= list->n)
        return false;
    out->kind = list->p[*at];
    memcpy(&out->set, list->p + *at + 1, sizeof out->set);
    out->path = str_c(list->p + *at + 1 + sizeof out->set);
    *at += 1 + sizeof out->set + out->path.n + 1;
    return true;
}

/* One package's. All names of a file are left alone together. */
static int add_package(const struct pkgfmt_second *s, struct paths *p, const struct kept *k, struct err *e)
{
    AUTO_MEM bool *sets = mem_alloc((size_t)k->nfiles + 1);
    AUTO_ARENA a = {0};
    bool some = false;
    struct path f;
    struct str canon;
    for (size_t at = 0; next_path(&k->paths, &at, &f);) {
        if (tree_canonical(s->tree, f.path, &a, &canon, e) < 0)
            return -1;
        bool own = str_list_has(&p->own, canon);
        if (own ? f.kind != KEPT : f.kind == NODE || (f.kind == CAPS && p->no_caps))
            sets[f.set] = some = true;
        if ((own || is_touched(&p->touched, canon)) && str_chr(f.path, '\n') == f.path.n)
            buf_printf(&p->expected, "/%s\n", f.path.p);
    }
    for (size_t at = 0; some && next_path(&k->paths, &at, &f);)
        if (f.kind != KEPT && sets[f.set] && add_netshared(p, f.path, e) < 0)
            return -1;
    return 0;
}

static int add_paths(const struct pkgfmt_second *s, struct paths *p, struct err *e)
{
    for (size_t i = 0; i < s->plan->n; i++)
        if (add_package(s, p, &s->kept[i], e) < 0)
            return err_wrap(e, "%s", s->plan->pkgs[i].name);
    return 0;
}

/* What stands in for init is nobody else's. */
static int take_init(struct pkgfmt_second *s, struct second_out *out, struct paths *p, struct arena *a,
                     struct err *e)
{
    const char **owned;
    struct str canon;
    size_t n;
    if (second_take_init(out, a, &owned, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (tree_canonical(s->tree, str_c(owned[i]), a, &canon, e) < 0)
            return -1;
        str_list_add(&p->own, canon);
    }
    return 0;
}

static int write_keys(struct second_out *out, const struct pkgfmt_second_opts *o, struct err *e)
{
    for (size_t i = 0; i < o->nkeys; i++) {
        AUTO_BUF name = {0}, text = {0};
        buf_printf(&name, "keys/%zu.asc", i + 1);
        if (rpm_key_armor(o->keys[i], &text, e) < 0 ||
            second_text(out, buf_c(&name), buf_view(&text), 0644, e) < 0)
            return -1;
    }
    return 0;
}

int rpm_second_finish(struct pkgfmt_second *s, const struct pkgfmt_second_opts *o, struct err *e)
{
    AUTO(second_out_free) struct second_out out = {.tree = s->tree};
    AUTO(paths_free) struct paths paths = {.no_caps = o->no_caps};
    AUTO_ARENA a = {0};
    second_plan(&out, "rpm", o->epoch, s->plan->n);
    for (size_t i = 0; i < s->plan->n; i++)
        second_package(&out, s->plan->pkgs[i].name, s->kept[i].file, &s->kept[i].digest);
    for (size_t i = 0; i < o->nown; i++)
        str_list_add(&paths.own, o->own[i]);
    for (size_t i = 0; i < o->ntouched; i++)
        str_list_add(&paths.touched, o->touched[i]);
    if (o->first_boot && take_init(s, &out, &paths, &a, e) < 0)
        return -1;
    str_list_sort(&paths.own);
    str_list_sort(&paths.touched);
    /* The kernel's: a package may not be able to give them its owner. */
    buf_puts(&paths.netshared, "/proc:/sys:/dev");
    if (add_paths(s, &paths, e) < 0 || write_keys(&out, o, e) < 0 ||
        second_text(&out, "netshared", buf_view(&paths.netshared), 0644, e) < 0 ||
        second_text(&out, "expected", buf_view(&paths.expected), 0644, e) < 0)
        return -1;
    return second_leave(&out, "rpm_second.sh", o, e);
}
