#include "fixups/zone_kind_int.h"

#include "base/auto.h"

#define SUFFIX ".zone"

static bool name_ok(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < 'a' || s.p[i] > 'z') && (i == 0 || ((s.p[i] < '0' || s.p[i] > '9') && s.p[i] != '-')))
            return false;
    return s.n > 0 && s.n <= 32;
}

int zone_kind_list(const struct data *d, struct arena *a, struct zone_words *out, struct err *e)
{
    if (data_list(d, "fixups", "*" SUFFIX, a, &out->v, &out->n, e) < 0)
        return -1;
    for (size_t i = 0; i < out->n; i++) {
        struct str name = str_c(out->v[i]);
        name.n -= strlen(SUFFIX);
        out->v[i] = arena_str(a, name);
    }
    return 0;
}

static int unknown(const struct data *d, const char *name, struct arena *a, struct err *e)
{
    AUTO_BUF names = {0};
    struct zone_words kinds = {0};
    if (zone_kind_list(d, a, &kinds, e) < 0)
        return -1;
    for (size_t i = 0; i < kinds.n; i++)
        buf_printf(&names, "%s%s", i ? ", " : "", kinds.v[i]);
    return err_set(e, ERR_USAGE, "there is no zone kind `%.100s', but %s", name, buf_c(&names));
}

int zone_kind_parse(const char *name, const char *file, struct str text, struct arena *a,
                    struct zone_kind **out, struct err *e)
{
    *out = arena_alloc(a, sizeof **out);
    return zone_kind_read(name, file, text, a, *out, e);
}

int zone_kind_load(const struct data *d, const char *name, struct arena *a, struct zone_kind **out,
                   struct err *e)
{
    struct str text;
    const char *origin = name;
    int rc = 1;
    if (name_ok(str_c(name)))
        rc = data_read(d, "fixups", arena_printf(a, "%s" SUFFIX, name), a, &text, &origin, e);
    if (rc > 0)
        return unknown(d, name, a, e);
    return rc < 0 ? -1 : zone_kind_parse(name, origin, text, a, out, e);
}

const char *zone_kind_name(const struct zone_kind *k)
{
    return k->name;
}

const char *zone_kind_title(const struct zone_kind *k)
{
    return k->title;
}

const char *zone_kind_capability(const struct zone_kind *k, const char *name)
{
    for (size_t i = 0; i < k->ncaps; i++)
        if (strcmp(k->caps[i].name, name) == 0)
            return k->caps[i].value;
    return NULL;
}

bool zone_kind_can(const struct zone_kind *k, const char *name)
{
    const char *value = zone_kind_capability(k, name);
    return value == NULL || strcmp(value, "no") != 0;
}

struct zone_words zone_kind_machines(const struct zone_kind *k)
{
    return k->machines;
}

static bool one_of(struct str values, const char *fact)
{
    struct str value;
    while (str_cut(&values, ',', &value))
        if (str_is(value, fact))
            return true;
    return false;
}

static bool has_package(const struct zone_facts *f, struct str names)
{
    for (size_t i = 0; i < f->npackages; i++)
        if (one_of(names, f->packages[i].name))
            return true;
    return false;
}

/* Qualifiers: values between commas are any of, several qualifiers all. */
bool zone_kind_fits(const struct kw_section *s, const struct zone_facts *f)
{
    for (size_t i = 0; i < s->nquals; i++) {
        struct str key = s->quals[i].key;
        if (str_is(key, "package")) {
            if (!has_package(f, s->quals[i].value))
                return false;
        } else if (!one_of(s->quals[i].value, str_is(key, "format")    ? f->format
                                              : str_is(key, "distro")  ? f->distro
                                              : str_is(key, "release") ? f->release
                                              : str_is(key, "net")     ? f->net != NULL ? f->net : "unsaid"
                                              : str_is(key, "resolvers")
                                                  ? f->resolvers != NULL ? "known" : "unknown"
                                                  : f->arch))
            return false;
    }
    return true;
}

struct str zone_kind_value(const struct kw_section *s, const char *key)
{
    for (size_t i = 0; i < s->nlines; i++)
        if (str_is(s->lines[i].key, key))
            return s->lines[i].arg;
    return (struct str){NULL, 0};
}

/* The number that a version begins with, behind its epoch. */
static bool leading_number(const char *version, uint64_t *out)
{
    const char *colon = strchr(version, ':');
    const char *p = colon != NULL ? colon + 1 : version;
    return str_u64((struct str){p, strspn(p, "0123456789")}, out);
}

/* `newer PACKAGE NUMBER`: whether the plan has a newer one. */
static bool has_newer(struct str arg, const struct zone_package *packages, size_t n)
{
    struct str name, limit;
    uint64_t most = 0, v;
    str_word(&arg, &name);
    str_word(&arg, &limit);
    str_u64(limit, &most);
    for (size_t i = 0; i < n; i++)
        if (str_is(name, packages[i].name))
            return leading_number(packages[i].version, &v) && v > most;
    return false;
}

static bool serves_machine(const struct zone_kind *k, const char *machine)
{
    for (size_t i = 0; i < k->machines.n; i++)
        if (strcmp(k->machines.v[i], machine) == 0)
            return true;
    return k->machines.n == 0;
}

/* The section that refuses, or NULL. */
static const struct kw_section *refusal(const struct zone_kind *k, const struct zone_facts *f,
                                        const struct zone_package *packages, size_t n)
{
    for (size_t i = 0; i < k->kw.n; i++) {
        const struct kw_section *s = &k->kw.sections[i];
        struct str newer = zone_kind_value(s, "newer");
        if (str_is(s->name, "refuse") && zone_kind_fits(s, f) &&
            (newer.n == 0 || has_newer(newer, packages, n)))
            return s;
    }
    return NULL;
}

/* Which other kinds can. */
static int hint_others(const struct data *d, const struct zone_kind *k, const struct zone_facts *f,
                       const struct zone_package *packages, size_t n, struct str instead, struct err *e)
{
    AUTO_ARENA a = {0};
    AUTO_BUF hint = {0};
    struct zone_words kinds = {0};
    struct err ignored = {0};
    bool any = false;
    if (zone_kind_list(d, &a, &kinds, &ignored) < 0)
        return -1;
    buf_printf(&hint, "%" STR_FMT "%s", STR_ARG(instead), instead.n ? "; " : "");
    for (size_t i = 0; i < kinds.n; i++) {
        struct zone_kind *other;
        if (strcmp(kinds.v[i], k->name) == 0 || zone_kind_load(d, kinds.v[i], &a, &other, &ignored) < 0 ||
            !serves_machine(other, f->machine) || refusal(other, f, packages, n) != NULL)
            continue;
        buf_printf(&hint, "%s%s", any ? ", " : "kinds that can: ", kinds.v[i]);
        any = true;
    }
    return err_hint(e, "%s", buf_c(&hint));
}

int zone_kind_serves(const struct data *d, const struct zone_kind *k, const struct zone_facts *f,
                     const struct zone_package *packages, size_t n, struct err *e)
{
    AUTO_BUF served = {0};
    if (!serves_machine(k, f->machine)) {
        for (size_t i = 0; i < k->machines.n; i++)
            buf_printf(&served, "%s%s", i ? ", " : "", k->machines.v[i]);
        err_set(e, ERR_USAGE, "zone kind %s is for %s, not for %s", k->name, buf_c(&served), f->machine);
        return hint_others(d, k, f, packages, n, (struct str){NULL, 0}, e);
    }
    const struct kw_section *s = refusal(k, f, packages, n);
    if (s == NULL)
        return 0;
    struct str reason = zone_kind_value(s, "reason");
    err_set(e, ERR_USAGE, "zone kind %s cannot serve %s/%s: %" STR_FMT, k->name, f->distro, f->release,
            STR_ARG(reason));
    return hint_others(d, k, f, packages, n, zone_kind_value(s, "instead"), e);
}

static void add_words(const struct kw_section *s, const char *key, struct arena *a, struct zone_words *out)
{
    size_t max = 0;
    for (size_t i = 0; i < s->nlines; i++)
        max += s->lines[i].arg.n / 2 + 1;
    *out = (struct zone_words){arena_array(a, max + 1, sizeof *out->v), 0};
    for (size_t i = 0; i < s->nlines; i++) {
        struct str rest = s->lines[i].arg, word;
        while (str_is(s->lines[i].key, key) && str_word(&rest, &word))
            out->v[out->n++] = arena_str(a, word);
    }
}

void zone_kind_packages(const struct zone_kind *k, const struct zone_facts *f, struct arena *a,
                        struct zone_words *add, struct zone_words *without)
{
    *add = *without = (struct zone_words){0};
    for (size_t i = 0; i < k->kw.n; i++) {
        const struct kw_section *s = &k->kw.sections[i];
        if (!str_is(s->name, "packages") || !zone_kind_fits(s, f))
            continue;
        add_words(s, "packages", a, add);
        add_words(s, "without", a, without);
    }
}

struct zone_words zone_kind_notes(const struct zone_kind *k, const struct zone_facts *f, struct arena *a)
{
    struct zone_words notes = {arena_array(a, k->kw.n + 1, sizeof *notes.v), 0};
    for (size_t i = 0; i < k->kw.n; i++) {
        const struct kw_section *s = &k->kw.sections[i];
        if (str_is(s->name, "note") && zone_kind_fits(s, f))
            notes.v[notes.n++] = arena_str(a, zone_kind_value(s, "text"));
    }
    return notes;
}

int zone_kind_check(const char *name, struct str text, struct err *e)
{
    AUTO_ARENA a = {0};
    struct zone_kind k = {0};
    const char *slash = strrchr(name, '/');
    struct str base = str_c(slash != NULL ? slash + 1 : name);
    if (str_ends(base, STR(SUFFIX)))
        base.n -= strlen(SUFFIX);
    if (!name_ok(base))
        return err_set(e, ERR_USAGE, "%s: a zone kind's name is small letters, digits and `-'", name);
    return zone_kind_read(arena_str(&a, base), name, text, &a, &k, e);
}
