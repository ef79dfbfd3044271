#include "fixups/zone_kind_int.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const char *const variables[ZONE_VARIABLES] = {
    [ZONE_NAME] = "name",           [ZONE_FILE] = "file",       [ZONE_HOSTNAME] = "hostname",
    [ZONE_DISTRO] = "distro",       [ZONE_RELEASE] = "release", [ZONE_VERSION] = "version",
    [ZONE_ARCH] = "arch",           [ZONE_MACHINE] = "machine", [ZONE_EPOCH] = "epoch",
    [ZONE_HOSTARCH] = "hostarch",   [ZONE_KERNEL] = "kernel",   [ZONE_DIR] = "dir",
    [ZONE_ROOT] = "root",           [ZONE_LINK] = "link",       [ZONE_VNIC] = "vnic",
    [ZONE_ADDRESS] = "address",     [ZONE_FAMILY] = "family",   [ZONE_GATEWAY] = "gateway",
    [ZONE_RESOLVERS] = "resolvers",
};

static const char *const quals[] = {"format", "distro", "release", "arch", "net", "resolvers", "package"};

static const struct capability {
    const char *name;
    bool yes_no; /* else a version: digits and dots */
} capabilities[] = {{"file-caps", true}, {"proc-chown", true}, {"kernel", false}};

static const struct keyword {
    const char *section, *name;
    unsigned min, max; /* words; max 0: any number */
    bool once, needed; /* in a section of that name */
} keywords[] = {
    {"zone", "title", 1, 0, true, true},         {"zone", "arch", 1, 0, false, false},
    {"zone", "capability", 2, 2, false, false},  {"packages", "packages", 1, 0, false, false},
    {"packages", "without", 1, 0, false, false}, {"note", "text", 1, 0, true, true},
    {"refuse", "newer", 2, 2, true, false},      {"refuse", "reason", 1, 0, true, true},
    {"refuse", "instead", 1, 0, true, false},    {"manager", "system", 1, 1, true, true},
    {"manager", "net", 1, 1, true, true},        {"manager", "nets", 1, 0, true, true},
    {"manager", "dir", 1, 1, true, true},        {"manager", "root", 1, 1, true, true},
    {"manager", "hint", 1, 0, true, false},      {"manager", "file", 3, 3, false, false},
    {"manager", "before", 1, 0, false, false},   {"manager", "asks", 1, 0, false, false},
};

enum zone_variable zone_kind_variable(struct str name)
{
    size_t i = 0;
    while (i < COUNT(variables) && !str_is(name, variables[i]))
        i++;
    return (enum zone_variable)i;
}

static int check_variables(const struct kw_file *f, unsigned line, unsigned col, struct str s, struct err *e)
{
    for (size_t i = 0; i < s.n; i++) {
        struct str name = s.p[i] == '{' ? fixup_variable_name(str_from(s, i)) : (struct str){NULL, 0};
        if (name.n > 0 && zone_kind_variable(name) == ZONE_VARIABLES)
            return kw_error(f, line, col + (unsigned)i, e,
                            "unknown variable {%" STR_FMT "}; zonestrap-zone(5) has those there are",
                            STR_ARG(name));
        i += name.n;
    }
    return 0;
}

/* There must be something for it to go on with. */
static bool has_host_before(const struct zone_kind *k, const struct kw_section *s)
{
    for (const struct kw_section *h = k->kw.sections; h < s; h++)
        if (str_is(h->name, "host") && str_eq(h->label, s->label))
            return true;
    return false;
}

/* [host] and [append]. */
static int check_host(const struct zone_kind *k, const struct kw_section *s, struct err *e)
{
    if (s->label.n == 0 || s->label.p[0] == '.' || str_chr(s->label, '/') < s->label.n)
        return kw_error(&k->kw, s->line, s->col, e,
                        "[%" STR_FMT " FILE] wants a file's name, without directories", STR_ARG(s->name));
    if (str_is(s->name, "append") && !has_host_before(k, s))
        return kw_error(&k->kw, s->line, s->col, e, "[append]: no [host %" STR_FMT "] stands before it",
                        STR_ARG(s->label));
    if (check_variables(&k->kw, s->line, s->col, s->label, e) < 0)
        return -1;
    for (size_t i = 0; i < s->nlines; i++) {
        const struct kw_line *l = &s->lines[i];
        if (!str_is(l->key, "|"))
            return kw_error(&k->kw, l->line, l->col, e,
                            "`%" STR_FMT "' in [%" STR_FMT
                            "], which has lines of text alone: `|', a blank and the text",
                            STR_ARG(l->key), STR_ARG(s->name));
        if (check_variables(&k->kw, l->line, l->col + 2, fixup_line_text(k->text, l), e) < 0)
            return -1;
    }
    return 0;
}

static bool has_host(const struct zone_kind *k, struct str label)
{
    for (size_t i = 0; i < k->kw.n; i++)
        if (str_is(k->kw.sections[i].name, "host") && str_eq(k->kw.sections[i].label, label))
            return true;
    return false;
}

static unsigned count_words(struct str s)
{
    struct str word;
    unsigned n = 0;
    while (str_word(&s, &word))
        n++;
    return n;
}

/* Drivers take paths for whole ones. */
static int check_manager_line(const struct zone_kind *k, const struct kw_line *l, struct err *e)
{
    struct str rest = l->arg, word = rest, name;
    bool file = str_is(l->key, "file"), dir = str_is(l->key, "dir");
    if (file && count_words(rest) != 3)
        return 0; /* check_line() says so */
    if (file && str_word(&rest, &word) && str_word(&rest, &name) && !has_host(k, name))
        return kw_error(&k->kw, l->line, l->arg_col, e, "there is no [host %" STR_FMT "]", STR_ARG(name));
    if (file)
        str_word(&rest, &word);
    if ((!file && !dir && !str_is(l->key, "root")) || str_starts(word, STR("/")) ||
        (!dir && str_starts(word, STR("{dir}"))) || (file && str_starts(word, STR("{root}"))))
        return 0;
    return kw_error(&k->kw, l->line, l->arg_col, e, "`%" STR_FMT "' is no path from the root on",
                    STR_ARG(word));
}

/* [manager NAME]: its name, and the variables in its values. */
static int check_manager(const struct zone_kind *k, const struct kw_section *s, struct err *e)
{
    if (s->label.n == 0)
        return kw_error(&k->kw, s->line, s->col, e, "[manager NAME] wants a zone manager's name");
    for (const struct kw_section *m = k->kw.sections; m < s; m++)
        if (str_is(m->name, "manager") && str_eq(m->label, s->label))
            return kw_error(&k->kw, s->line, s->col, e, "[manager %" STR_FMT "] stands in line %u already",
                            STR_ARG(s->label), m->line);
    for (size_t i = 0; i < s->nlines; i++)
        if (check_variables(&k->kw, s->lines[i].line, s->lines[i].arg_col, s->lines[i].arg, e) < 0 ||
            check_manager_line(k, &s->lines[i], e) < 0)
            return -1;
    return 0;
}

static int check_line(const struct kw_file *f, const struct kw_section *s, size_t at, struct err *e)
{
    const struct kw_line *l = &s->lines[at];
    size_t i = 0;
    unsigned words = count_words(l->arg);
    struct str rest = l->arg, word = {NULL, 0};
    uint64_t number;
    while (i < COUNT(keywords) && !(str_is(s->name, keywords[i].section) && str_is(l->key, keywords[i].name)))
        i++;
    if (i == COUNT(keywords))
        return kw_error(f, l->line, l->col, e, "unknown keyword `%" STR_FMT "' in [%" STR_FMT "]",
                        STR_ARG(l->key), STR_ARG(s->name));
    if (words < keywords[i].min || (keywords[i].max > 0 && words > keywords[i].max))
        return kw_error(f, l->line, l->arg_col, e, "`%s' takes %u word%s, not %u", keywords[i].name,
                        keywords[i].min, keywords[i].min == 1 ? keywords[i].max ? "" : " at least" : "s",
                        words);
    for (size_t k = 0; keywords[i].once && k < at; k++)
        if (str_eq(s->lines[k].key, l->key))
            return kw_error(f, l->line, l->col, e, "`%s' stands in this section already, in line %u",
                            keywords[i].name, s->lines[k].line);
    if (str_is(l->key, "newer") && str_word(&rest, &word) && str_word(&rest, &word) &&
        !str_u64(word, &number))
        return kw_error(f, l->line, l->arg_col, e, "`%" STR_FMT "' is no number", STR_ARG(word));
    return 0;
}

static int check_quals(const struct kw_file *f, const struct kw_section *s, struct err *e)
{
    for (size_t i = 0; i < s->nquals; i++) {
        size_t k = 0;
        while (k < COUNT(quals) && !str_is(s->quals[i].key, quals[k]))
            k++;
        bool one = str_is(s->name, "zone") || str_is(s->name, "manager");
        bool host = str_is(s->name, "host") || str_is(s->name, "append");
        bool hosts = str_is(s->quals[i].key, "net") || str_is(s->quals[i].key, "resolvers") ||
                     str_is(s->quals[i].key, "package");
        if (k == COUNT(quals) || one || (hosts && !host))
            return kw_error(f, s->line, s->col, e, "[%" STR_FMT "] has no qualifier `%" STR_FMT "'",
                            STR_ARG(s->name), STR_ARG(s->quals[i].key));
    }
    return 0;
}

static int check_section(const struct zone_kind *k, const struct kw_section *s, struct err *e)
{
    const struct kw_file *f = &k->kw;
    bool known = false;
    if (s->name.n == 0)
        return s->nlines ? kw_error(f, s->lines[0].line, s->lines[0].col, e,
                                    "`%" STR_FMT "' before any [section]", STR_ARG(s->lines[0].key))
                         : 0;
    if (check_quals(f, s, e) < 0)
        return -1;
    if (str_is(s->name, "host") || str_is(s->name, "append"))
        return check_host(k, s, e);
    for (size_t i = 0; i < COUNT(keywords); i++)
        known = known || str_is(s->name, keywords[i].section);
    if (!known)
        return kw_error(f, s->line, s->col, e,
                        "unknown section [%" STR_FMT
                        "] (known: zone, packages, note, refuse, host, append, manager)",
                        STR_ARG(s->name));
    if (str_is(s->name, "manager") ? check_manager(k, s, e) < 0 : s->label.n > 0)
        return s->label.n == 0 || str_is(s->name, "manager")
                   ? -1
                   : kw_error(f, s->line, s->col, e, "[%" STR_FMT "] takes no name", STR_ARG(s->name));
    for (size_t i = 0; i < s->nlines; i++)
        if (check_line(f, s, i, e) < 0)
            return -1;
    for (size_t i = 0; i < COUNT(keywords); i++) {
        bool there = !keywords[i].needed || !str_is(s->name, keywords[i].section);
        for (size_t n = 0; n < s->nlines; n++)
            there = there || str_is(s->lines[n].key, keywords[i].name);
        if (!there)
            return kw_error(f, s->line, s->col, e, "[%s] has no `%s'", keywords[i].section, keywords[i].name);
    }
    return 0;
}

/* `MACHINE` or `MACHINE=SPELLING`. */
static void add_machines(struct zone_kind *k, struct str words, struct arena *a)
{
    struct str word, machine;
    size_t max = k->machines.n + words.n / 2 + 1;
    const char **v = arena_array(a, max, sizeof *v), **spellings = arena_array(a, max, sizeof *v);
    for (size_t i = 0; i < k->machines.n; i++) {
        v[i] = k->machines.v[i];
        spellings[i] = k->spellings[i];
    }
    while (str_word(&words, &word)) {
        str_cut(&word, '=', &machine);
        v[k->machines.n] = arena_str(a, machine);
        spellings[k->machines.n++] = arena_str(a, word.n > 0 ? word : machine);
    }
    k->machines.v = v;
    k->spellings = spellings;
}

static int add_capability(struct zone_kind *k, const struct kw_line *l, struct arena *a, struct err *e)
{
    struct str rest = l->arg, name, value;
    size_t i = 0;
    str_word(&rest, &name);
    str_word(&rest, &value);
    while (i < COUNT(capabilities) && !str_is(name, capabilities[i].name))
        i++;
    if (i == COUNT(capabilities))
        return kw_error(&k->kw, l->line, l->arg_col, e,
                        "unknown capability `%" STR_FMT "' (known: file-caps, proc-chown, kernel)",
                        STR_ARG(name));
    if (zone_kind_capability(k, capabilities[i].name) != NULL)
        return kw_error(&k->kw, l->line, l->arg_col, e, "capability `%s' has a value already",
                        capabilities[i].name);
    char *text = arena_str(a, value);
    if (capabilities[i].yes_no ? !str_is(value, "yes") && !str_is(value, "no")
                               : strspn(text, "0123456789.") != value.n)
        return kw_error(&k->kw, l->line, l->arg_col, e, "capability %s: `%" STR_FMT "' is %s",
                        capabilities[i].name, STR_ARG(value),
                        capabilities[i].yes_no ? "neither yes nor no" : "no version");
    k->caps[k->ncaps++] = (struct zone_capability){capabilities[i].name, text};
    return 0;
}

static int read_zone(struct zone_kind *k, const struct kw_section *s, struct arena *a, struct err *e)
{
    for (size_t i = 0; i < s->nlines; i++) {
        const struct kw_line *l = &s->lines[i];
        if (str_is(l->key, "title"))
            k->title = arena_str(a, l->arg);
        else if (str_is(l->key, "arch"))
            add_machines(k, l->arg, a);
        else if (add_capability(k, l, a, e) < 0)
            return -1;
    }
    return 0;
}

int zone_kind_read(const char *name, const char *file, struct str text, struct arena *a,
                   struct zone_kind *out, struct err *e)
{
    size_t zones = 0;
    *out = (struct zone_kind){.name = arena_dup(a, name), .text = text};
    out->caps = arena_array(a, COUNT(capabilities), sizeof *out->caps);
    if (kw_parse(&out->kw, file, text, a, e) < 0)
        return -1;
    for (size_t i = 0; i < out->kw.n; i++)
        zones += str_is(out->kw.sections[i].name, "zone");
    if (zones != 1)
        return kw_error(&out->kw, 1, 1, e, "a zone kind has one [zone], not %zu", zones);
    for (size_t i = 0; i < out->kw.n; i++) {
        const struct kw_section *s = &out->kw.sections[i];
        if (check_section(out, s, e) < 0 || (str_is(s->name, "zone") && read_zone(out, s, a, e) < 0))
            return -1;
    }
    return 0;
}
