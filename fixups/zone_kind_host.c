/* What a zone kind gives a host: files, and what a zone manager needs to know. */
#include <stdio.h>

#include "base/auto.h"
#include "fixups/zone_kind_int.h"

enum { VNIC_MAX = 31 }; /* MAXLINKNAMELEN of illumos, its NUL left out */

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* What no shell, no JSON and no configuration file takes for more than a part of a word; extra: what this one
   may have besides. */
static int check_value(const struct zone_kind *k, struct str name, struct str value, const char *extra,
                       struct err *e)
{
    static const char ok[] = WORD "._+~:@%^-";
    for (size_t i = 0; i < value.n; i++)
        if (memchr(ok, value.p[i], sizeof ok - 1) == NULL && value.p[i] != extra[0])
            return err_set(e, ERR_USAGE,
                           "zone kind %s: {%" STR_FMT "} is `%" STR_FMT
                           "', which no file for the host can hold",
                           k->name, STR_ARG(name), STR_ARG(value));
    return 0;
}

static const char *host_spelling(const struct zone_kind *k, const char *machine)
{
    for (size_t i = 0; machine != NULL && i < k->machines.n; i++)
        if (strcmp(k->machines.v[i], machine) == 0)
            return k->spellings[i];
    return machine;
}

/* A name for a network link of the zone's own: dladm(8) wants letters, digits and `_', and a digit at the
 * end.
 */
static void vnic_name(const char *zone, char *out)
{
    size_t n = 0;
    for (; zone != NULL && *zone != '\0' && n < VNIC_MAX - 1; zone++)
        out[n++] = memchr(WORD, *zone, sizeof WORD - 1) != NULL ? *zone : '_';
    out[n++] = '0';
    out[n] = '\0';
}

const char *zone_kind_vnic(const char *zone, struct arena *a)
{
    char name[VNIC_MAX + 1];
    vnic_name(zone, name);
    return arena_dup(a, name);
}

/* What a text is expanded with. */
struct expansion {
    const struct zone_kind *k;
    const char *values[ZONE_VARIABLES];
    char epoch[24], vnic[VNIC_MAX + 1];
};

static void begin(struct expansion *x, const struct zone_kind *k, const struct zone_facts *f)
{
    bool v6 = f->address != NULL && strchr(f->address, ':') != NULL;
    snprintf(x->epoch, sizeof x->epoch, "%lld", (long long)f->epoch);
    vnic_name(f->name, x->vnic);
    x->k = k;
    const char *const values[ZONE_VARIABLES] = {
        [ZONE_NAME] = f->name,
        [ZONE_FILE] = f->file,
        [ZONE_HOSTNAME] = f->hostname,
        [ZONE_DISTRO] = f->distro,
        [ZONE_RELEASE] = f->release,
        [ZONE_VERSION] = f->version,
        [ZONE_ARCH] = f->arch,
        [ZONE_MACHINE] = f->machine,
        [ZONE_EPOCH] = x->epoch,
        [ZONE_HOSTARCH] = host_spelling(k, f->machine),
        [ZONE_KERNEL] = f->kernel != NULL ? f->kernel : zone_kind_capability(k, "kernel"),
        [ZONE_DIR] = f->dir,
        [ZONE_LINK] = f->link,
        [ZONE_VNIC] = x->vnic,
        [ZONE_ADDRESS] = f->address,
        [ZONE_FAMILY] = v6 ? "6" : "4",
        [ZONE_GATEWAY] = f->gateway,
        [ZONE_RESOLVERS] = f->resolvers,
    };
    memcpy(x->values, values, sizeof values);
}

static int expand(const struct expansion *x, struct str s, struct buf *out, struct err *e)
{
    for (size_t i = 0; i < s.n; i++) {
        struct str name = s.p[i] == '{' ? fixup_variable_name(str_from(s, i)) : (struct str){NULL, 0};
        if (name.n == 0) {
            buf_putc(out, s.p[i]);
            continue;
        }
        enum zone_variable v = zone_kind_variable(name);
        struct str value = str_c(x->values[v] != NULL ? x->values[v] : "");
        bool path = v == ZONE_DIR || v == ZONE_ROOT || v == ZONE_ADDRESS;
        if (check_value(x->k, name, value, path ? "/" : v == ZONE_RESOLVERS ? "," : "-", e) < 0)
            return -1;
        buf_str(out, value);
        i += name.n + 1;
    }
    return 0;
}

static int expand_to(const struct expansion *x, struct str s, struct arena *a, const char **out,
                     struct err *e)
{
    AUTO_BUF b = {0};
    int rc = expand(x, s, &b, e);
    *out = arena_str(a, buf_view(&b));
    return rc;
}

static const struct kw_section *find_manager(const struct zone_kind *k, const char *name)
{
    for (size_t i = 0; i < k->kw.n; i++) {
        const struct kw_section *s = &k->kw.sections[i];
        if (str_is(s->name, "manager") && (name == NULL || str_is(s->label, name)))
            return s;
    }
    return NULL;
}

/* {dir} and {root}: the zone's, as its manager has them. */
static int places(struct expansion *x, const struct kw_section *s, struct arena *a, struct err *e)
{
    if (s == NULL)
        return 0;
    if (x->values[ZONE_DIR] == NULL &&
        expand_to(x, zone_kind_value(s, "dir"), a, &x->values[ZONE_DIR], e) < 0)
        return -1;
    return expand_to(x, zone_kind_value(s, "root"), a, &x->values[ZONE_ROOT], e);
}

struct zone_words zone_kind_managers(const struct zone_kind *k, struct arena *a)
{
    struct zone_words w = {arena_array(a, k->kw.n + 1, sizeof *w.v), 0};
    for (size_t i = 0; i < k->kw.n; i++)
        if (str_is(k->kw.sections[i].name, "manager"))
            w.v[w.n++] = arena_str(a, k->kw.sections[i].label);
    return w;
}

static struct zone_words words_of(struct str s, struct arena *a)
{
    struct str word;
    struct zone_words w = {arena_array(a, s.n / 2 + 2, sizeof *w.v), 0};
    while (str_word(&s, &word))
        w.v[w.n++] = arena_str(a, word);
    return w;
}

/* Those of every line with this key. */
static struct zone_words words_of_all(const struct kw_section *s, const char *key, struct arena *a)
{
    AUTO_BUF all = {0};
    for (size_t i = 0; i < s->nlines; i++)
        if (str_is(s->lines[i].key, key))
            buf_printf(&all, "%" STR_FMT " ", STR_ARG(s->lines[i].arg));
    return words_of(buf_view(&all), a);
}

/* `file KEY NAME PATH`. */
static int read_file(const struct expansion *x, struct str arg, struct arena *a,
                     struct zone_manager_file *out, struct err *e)
{
    struct str key, name, path;
    str_word(&arg, &key);
    str_word(&arg, &name);
    str_word(&arg, &path);
    out->key = arena_str(a, key);
    return expand_to(x, name, a, &out->name, e) < 0 ? -1 : expand_to(x, path, a, &out->path, e);
}

int zone_kind_manager(const struct zone_kind *k, const char *manager, const struct zone_facts *f,
                      struct arena *a, struct zone_manager_data *out, struct err *e)
{
    struct expansion x;
    const struct kw_section *s = find_manager(k, manager);
    *out = (struct zone_manager_data){.name = manager};
    if (s == NULL)
        return err_set(e, ERR_USAGE, "zone kind %s has no zone manager `%s'", k->name, manager);
    begin(&x, k, f);
    if (places(&x, s, a, e) < 0)
        return -1;
    struct str hint = zone_kind_value(s, "hint");
    out->system = arena_str(a, zone_kind_value(s, "system"));
    out->hint = hint.n > 0 ? arena_str(a, hint) : NULL;
    out->net = arena_str(a, zone_kind_value(s, "net"));
    out->nets = words_of(zone_kind_value(s, "nets"), a);
    out->asks = words_of_all(s, "asks", a);
    out->dir = x.values[ZONE_DIR];
    out->root = x.values[ZONE_ROOT];
    out->files = arena_array(a, s->nlines + 1, sizeof *out->files);
    out->before = arena_array(a, s->nlines + 1, sizeof *out->before);
    for (size_t i = 0; i < s->nlines; i++) {
        if (str_is(s->lines[i].key, "before"))
            out->before[out->nbefore++] = words_of(s->lines[i].arg, a);
        if (str_is(s->lines[i].key, "file") &&
            read_file(&x, s->lines[i].arg, a, &out->files[out->n++], e) < 0)
            return -1;
    }
    return 0;
}

static int add_lines(const struct expansion *x, const struct kw_section *s, struct buf *text, struct err *e)
{
    for (size_t i = 0; i < s->nlines; i++) {
        if (expand(x, fixup_line_text(x->k->text, &s->lines[i]), text, e) < 0)
            return -1;
        buf_putc(text, '\n');
    }
    return 0;
}

/* The section at `at', and what is appended to it further down. */
static int host_text(const struct expansion *x, size_t at, const struct zone_facts *f, struct arena *a,
                     struct zone_file *out, struct err *e)
{
    AUTO_BUF text = {0};
    const struct kw_section *s = x->k->kw.sections;
    if (expand_to(x, s[at].label, a, &out->name, e) < 0 || add_lines(x, &s[at], &text, e) < 0)
        return -1;
    for (size_t i = at + 1; i < x->k->kw.n; i++)
        if (str_is(s[i].name, "append") && str_eq(s[i].label, s[at].label) && zone_kind_fits(&s[i], f) &&
            add_lines(x, &s[i], &text, e) < 0)
            return -1;
    out->text = arena_copy(a, buf_view(&text));
    return 0;
}

/* A later section of the same name is in the place of an earlier one. */
static bool is_last(const struct zone_kind *k, size_t at, const struct zone_facts *f)
{
    const struct kw_section *s = k->kw.sections;
    for (size_t i = at + 1; i < k->kw.n; i++)
        if (str_is(s[i].name, "host") && str_eq(s[i].label, s[at].label) && zone_kind_fits(&s[i], f))
            return false;
    return true;
}

bool zone_kind_has_host(const struct zone_kind *k)
{
    for (size_t i = 0; i < k->kw.n; i++)
        if (str_is(k->kw.sections[i].name, "host"))
            return true;
    return false;
}

int zone_kind_host(const struct zone_kind *k, const struct zone_facts *f, struct arena *a,
                   struct zone_file **out, size_t *n, struct err *e)
{
    struct expansion x;
    struct zone_file *v = *out = arena_array(a, k->kw.n + 1, sizeof *v);
    *n = 0;
    begin(&x, k, f);
    if (places(&x, find_manager(k, NULL), a, e) < 0)
        return -1;
    for (size_t i = 0; i < k->kw.n; i++) {
        const struct kw_section *s = &k->kw.sections[i];
        if (!str_is(s->name, "host") || !zone_kind_fits(s, f) || !is_last(k, i, f) || s->nlines == 0)
            continue;
        if (host_text(&x, i, f, a, &v[*n], e) < 0)
            return -1;
        for (size_t j = 0; j < *n; j++)
            if (strcmp(v[j].name, v[*n].name) == 0)
                return kw_error(&k->kw, s->line, s->col, e, "two files for the host are called `%s'",
                                v[j].name);
        ++*n;
    }
    return 0;
}
