#include "pkgfmt/rpm_modules.h"

#include <solv/bitmap.h>
#include <solv/pool.h>
#include <solv/repo.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/mem.h"
#include "pkgfmt/ahead.h"
#include "pkgfmt/rpm_relation.h"
#include "pkgfmt/rpm_yaml.h"

enum { MODULES_MAX = 20000, ARTIFACTS_MAX = 2000000, NEEDS_MAX = 64, TEXT_MAX = 256 << 20 };

/* One stream of a required module, or any (stream p NULL), or "not this one" (stream "-x"). */
struct need {
    struct str module, stream;
    struct need *next;
};

struct artifact {
    Id name, evr, arch;
    struct artifact *next;
};

/* A document: a stream of a module in one context and version, or a module's default stream. */
struct rpm_module {
    bool is_default;
    struct str name, stream;
    struct need *needs;
    struct artifact *artifacts;
    struct rpm_module *next;
};

struct reader {
    struct solve *s;
    const char *file;
    struct rpm_yaml y;
    unsigned nmodules, nartifacts;
};

static int bad(struct reader *r, struct err *e, const char *what)
{
    return err_set(e, ERR_FORMAT, "%s:%lu: %s", r->file, r->y.line_no, what);
}

static struct str keep(struct reader *r, struct str s)
{
    return arena_copy(solve_arena(r->s), s);
}

/* NAME-EPOCH:VERSION-RELEASE.ARCH; false: it is none. */
static bool split_nevra(Pool *pool, struct str text, struct artifact *out)
{
    size_t dot = text.n, release, version, colon;
    while (dot > 0 && text.p[dot - 1] != '.')
        dot--;
    if (dot == 0)
        return false;
    struct str arch = str_from(text, dot);
    for (release = dot - 1; release > 0 && text.p[release - 1] != '-';)
        release--;
    if (release < 2)
        return false;
    for (version = release - 1; version > 0 && text.p[version - 1] != '-';)
        version--;
    if (version < 2)
        return false;
    struct str name = {text.p, version - 1}, rel = {text.p + release, dot - 1 - release};
    struct str ver = {text.p + version, release - 1 - version}, epoch = {NULL, 0};
    colon = str_chr(ver, ':');
    if (colon < ver.n) {
        epoch = (struct str){ver.p, colon};
        ver = str_from(ver, colon + 1);
    }
    if (!rpm_relation_name_ok(name) || !rpm_relation_name_ok(arch) || rel.n == 0)
        return false;
    out->evr = rpm_relation_evr(pool, epoch, ver, rel);
    out->name = pool_strn2id(pool, name.p, (unsigned)name.n, 1);
    out->arch = pool_strn2id(pool, arch.p, (unsigned)arch.n, 1);
    return out->evr != 0;
}

/* The list below `rpms:` of `artifacts:`, whose key stands at this indent. */
static int read_artifacts(struct reader *r, struct rpm_module *m, unsigned indent, struct err *e)
{
    struct rpm_yaml next;
    bool in_rpms = false;
    while (rpm_yaml_peek(&r->y, &next) && !next.separator && next.indent > indent) {
        r->y = next;
        if (next.key.n > 0 && !next.item) {
            in_rpms = str_is(next.key, "rpms");
            continue;
        }
        if (!in_rpms || !next.item)
            continue;
        struct artifact *a = arena_alloc(solve_arena(r->s), sizeof *a);
        /* A version with an epoch has a colon in it, but no blank behind it. */
        if (next.key.n > 0 || !split_nevra(solve_pool(r->s), next.value, a))
            return bad(r, e, "an artifact that is no NAME-EPOCH:VERSION-RELEASE.ARCH");
        if (++r->nartifacts > ARTIFACTS_MAX)
            return bad(r, e, "too many artifacts");
        a->next = m->artifacts;
        m->artifacts = a;
    }
    return 0;
}

static int add_need(struct reader *r, struct rpm_module *m, struct str module, struct str stream, unsigned *n,
                    struct err *e)
{
    struct need *need = arena_alloc(solve_arena(r->s), sizeof *need);
    if (++*n > NEEDS_MAX)
        return bad(r, e, "too many dependencies of a module");
    *need = (struct need){keep(r, module), stream.n > 0 ? keep(r, stream) : stream, m->needs};
    m->needs = need;
    return 0;
}

/* `requires:` below `dependencies:` (whose key stands at this indent): MODULE: [STREAM...], a list of items,
   or in version 1 a stream alone. */
static int read_needs(struct reader *r, struct rpm_module *m, unsigned indent, struct err *e)
{
    struct rpm_yaml next;
    struct str module = {NULL, 0}, stream;
    bool inside = false;
    unsigned at = 0, n = 0;
    int rc = 0;
    while (rc == 0 && rpm_yaml_peek(&r->y, &next) && !next.separator && (next.indent > indent || next.item)) {
        r->y = next;
        if (!inside || (next.indent <= at && next.key.n > 0)) {
            inside = str_is(next.key, "requires");
            at = next.indent;
        } else if (next.key.n > 0 && next.value.n > 0 && next.value.p[0] == '[') {
            struct str flow = next.value;
            bool any = true;
            for (; rc == 0 && rpm_yaml_flow(&flow, &stream); any = false)
                rc = add_need(r, m, next.key, stream, &n, e);
            if (any && rc == 0)
                rc = add_need(r, m, next.key, (struct str){NULL, 0}, &n, e);
        } else if (next.key.n > 0) {
            module = next.key;
            if (next.value.n > 0)
                rc = add_need(r, m, module, next.value, &n, e);
        } else if (next.item && module.n > 0) {
            rc = add_need(r, m, module, next.value, &n, e);
        }
    }
    return rc;
}

/* The keys of `data:`, which stand at this indent. */
static int read_data(struct reader *r, struct rpm_module *m, unsigned indent, struct err *e)
{
    struct rpm_yaml next;
    int rc = 0;
    while (rc == 0 && rpm_yaml_peek(&r->y, &next) && !next.separator && next.indent >= indent) {
        r->y = next;
        if (next.indent > indent || next.key.n == 0)
            continue;
        if (str_is(next.key, m->is_default ? "module" : "name"))
            m->name = keep(r, next.value);
        else if (str_is(next.key, "stream"))
            m->stream = keep(r, next.value);
        else if (str_is(next.key, "artifacts"))
            rc = read_artifacts(r, m, indent, e);
        else if (str_is(next.key, "dependencies"))
            rc = read_needs(r, m, indent, e);
        else
            rpm_yaml_skip(&r->y, indent);
    }
    return rc;
}

static int end_document(struct reader *r, const struct rpm_module *m, struct err *e)
{
    struct rpm_index *own = rpm_index_of(r->s);
    if (m->name.n == 0)
        return bad(r, e, "a module without a name");
    if (m->stream.n == 0)
        return m->is_default ? 0 : bad(r, e, "a module without a stream"); /* a module may have no default */
    if (++r->nmodules > MODULES_MAX)
        return bad(r, e, "too many modules");
    struct rpm_module *copy = arena_alloc(solve_arena(r->s), sizeof *copy);
    *copy = *m;
    copy->next = own->modules;
    own->modules = copy;
    return 0;
}

/* The keys of a document, up to its end. */
static int read_document(struct reader *r, struct err *e)
{
    struct rpm_module m = {0};
    struct rpm_yaml next;
    bool wanted = false, seen = false;
    while (rpm_yaml_peek(&r->y, &next) && !next.separator) {
        r->y = next;
        if (next.indent > 0)
            continue;
        if (next.key.n == 0 || next.item)
            return bad(r, e, "expected KEY: VALUE");
        if (str_is(next.key, "document")) {
            m.is_default = str_is(next.value, "modulemd-defaults");
            wanted = m.is_default || str_is(next.value, "modulemd");
        } else if (str_is(next.key, "data")) {
            seen = true;
            if (wanted && rpm_yaml_peek(&r->y, &next) && next.indent > 0 &&
                read_data(r, &m, next.indent, e) < 0)
                return -1;
        }
        rpm_yaml_skip(&r->y, 0);
    }
    return wanted && seen ? end_document(r, &m, e) : 0;
}

/* --- the rule */

/* The default streams, by the modules' names. */
struct defaults {
    const struct rpm_module **v;
    size_t n;
};

static int cmp_name(const void *a, const void *b)
{
    const struct rpm_module *x = *(const struct rpm_module *const *)a,
                            *y = *(const struct rpm_module *const *)b;
    return str_cmp(x->name, y->name);
}

static void collect_defaults(struct defaults *d, const struct rpm_module *all)
{
    size_t n = 0;
    for (const struct rpm_module *m = all; m != NULL; m = m->next)
        n += m->is_default;
    d->v = mem_alloc((n + 1) * sizeof *d->v);
    d->n = 0;
    for (const struct rpm_module *m = all; m != NULL; m = m->next)
        if (m->is_default)
            d->v[d->n++] = m;
    if (n > 1)
        qsort(d->v, n, sizeof *d->v, cmp_name);
}

static const struct rpm_module *default_of(const struct defaults *d, struct str name)
{
    const struct rpm_module key = {.name = name}, *k = &key;
    const struct rpm_module **hit = d->n > 0 ? bsearch(&k, d->v, d->n, sizeof *d->v, cmp_name) : NULL;
    return hit != NULL ? *hit : NULL;
}

/* Whether the needs of the one module that `n` names are met by its default stream. */
static bool need_met(const struct defaults *all, const struct rpm_module *m, const struct need *n)
{
    const struct rpm_module *d = default_of(all, n->module);
    bool any_positive = false, named = false;
    if (str_is(n->module, "platform"))
        return true;
    if (d == NULL)
        return false;
    for (const struct need *k = m->needs; k != NULL; k = k->next) {
        if (!str_eq(k->module, n->module))
            continue;
        if (k->stream.n > 1 && k->stream.p[0] == '-') {
            if (str_eq(str_from(k->stream, 1), d->stream))
                return false;
            continue;
        }
        any_positive |= k->stream.n > 0;
        named |= str_eq(k->stream, d->stream);
    }
    return named || !any_positive;
}

static bool is_active(const struct defaults *all, const struct rpm_module *m)
{
    const struct rpm_module *d = default_of(all, m->name);
    if (d == NULL || !str_eq(d->stream, m->stream))
        return false;
    for (const struct need *n = m->needs; n != NULL; n = n->next)
        if (!need_met(all, m, n))
            return false;
    return true;
}

/* Artifacts of the active documents or of the others, sorted. */
struct artifacts {
    struct artifact *v;
    size_t n;
};

static int cmp_artifact(const void *a, const void *b)
{
    const struct artifact *x = a, *y = b;
    if (x->name != y->name)
        return x->name < y->name ? -1 : 1;
    if (x->evr != y->evr)
        return x->evr < y->evr ? -1 : 1;
    return (x->arch > y->arch) - (x->arch < y->arch);
}

static void collect(struct artifacts *out, const struct rpm_module *all, const struct defaults *defaults,
                    bool active)
{
    size_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (const struct rpm_module *m = all; m != NULL; m = m->next) {
            if (m->is_default || is_active(defaults, m) != active)
                continue;
            for (const struct artifact *a = m->artifacts; a != NULL; a = a->next, n++)
                if (pass == 1)
                    out->v[out->n++] = *a;
        }
        if (pass == 0)
            out->v = mem_alloc((n + 1) * sizeof *out->v);
    }
    if (out->n > 1)
        qsort(out->v, out->n, sizeof *out->v, cmp_artifact);
}

static bool lists(const struct artifacts *a, const Solvable *x)
{
    struct artifact key = {x->name, x->evr, x->arch, NULL};
    return a->n > 0 && bsearch(&key, a->v, a->n, sizeof key, cmp_artifact) != NULL;
}

/* Whether the package has, or provides, one of the names. */
static bool provides_any(Pool *pool, const Solvable *x, const Map *names)
{
    for (const Id *d = x->provides ? x->repo->idarraydata + x->provides : NULL; d != NULL && *d != 0; d++) {
        Id name = *d;
        if (name == SOLVABLE_FILEMARKER)
            break;
        while (ISRELDEP(name))
            name = GETRELDEP(pool, name)->name;
        if (MAPTST(names, name))
            return true;
    }
    return false;
}

static void hide_inactive(struct solve *s, const struct solve_request *r, void *arg)
{
    const struct rpm_module *all = rpm_index_of(s)->modules;
    Pool *pool = solve_pool(s);
    struct defaults defaults;
    struct artifacts ours = {0}, others = {0};
    Map names;
    Id p;
    (void)r;
    (void)arg;
    collect_defaults(&defaults, all);
    collect(&ours, all, &defaults, true);
    collect(&others, all, &defaults, false);
    map_init(&names, pool->ss.nstrings);
    for (size_t i = 0; i < ours.n; i++)
        if (ours.v[i].arch != ARCH_SRC && ours.v[i].arch != ARCH_NOSRC)
            MAPSET(&names, ours.v[i].name);
    FOR_POOL_SOLVABLES(p)
    {
        const Solvable *x = pool_id2solvable(pool, p);
        if (!lists(&ours, x) && (lists(&others, x) || provides_any(pool, x, &names)))
            solve_hide(s, p);
    }
    map_free(&names);
    free(defaults.v);
    free(ours.v);
    free(others.v);
}

static int read_whole(struct rpm_index_file *f, struct buf *out, struct err *e)
{
    for (;;) {
        buf_reserve(out, AHEAD_BLOCK);
        ssize_t got = index_decode_read(&f->decode, out->p + out->n, AHEAD_BLOCK, e);
        if (got <= 0)
            return got < 0 ? -1 : 0;
        out->n += (size_t)got;
        out->p[out->n] = '\0';
        if (out->n > TEXT_MAX)
            return err_set(e, ERR_FORMAT, "%s: more than %d bytes", f->decode.name, TEXT_MAX);
    }
}

static int check_text(struct reader *r, struct str text, struct err *e)
{
    struct str line, rest = text;
    for (r->y.line_no = 1; str_line(&rest, &line); r->y.line_no++) {
        if (str_chr(line, '\0') < line.n)
            return bad(r, e, "a NUL byte: this is no text");
        if (str_trim(line).n > 0 && str_chr(line, '\t') < line.n) {
            size_t i = 0;
            while (i < line.n && line.p[i] == ' ')
                i++;
            if (line.p[i] == '\t')
                return bad(r, e, "a tab in an indent");
        }
    }
    r->y.line_no = 0;
    return 0;
}

int rpm_modules_parse(struct solve *s, struct rpm_index_file *f, struct err *e)
{
    AUTO_BUF text = {0};
    struct reader r = {.s = s, .file = f->decode.name};
    struct rpm_index *own = rpm_index_of(s);
    struct rpm_yaml next;
    if (read_whole(f, &text, e) < 0 || check_text(&r, buf_view(&text), e) < 0)
        return -1;
    r.y.rest = buf_view(&text);
    while (rpm_yaml_peek(&r.y, &next)) {
        if (next.separator)
            r.y = next;
        else if (read_document(&r, e) < 0)
            return -1;
    }
    if (!own->module_rule)
        solve_rule(s, hide_inactive, NULL);
    own->module_rule = true;
    return 0;
}
