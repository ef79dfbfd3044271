#include "fixups/fixup.h"

#include <stdio.h>

#include "base/auto.h"
#include "fixups/fixup_int.h"

bool fixup_hostname_ok(const char *s)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    return s != NULL && *s != '\0' && *s != '-' && *s != '.' && strlen(s) <= 64 && strspn(s, ok) == strlen(s);
}

/* all: those that do not match, too. */
static int load(const struct data *d, const struct fixup_facts *f, bool all, struct arena *a,
                struct fixup_set **out, struct err *e)
{
    const char **names;
    size_t n;
    if (!fixup_hostname_ok(f->hostname))
        return err_set(e, ERR_USAGE, "`%.100s' is no host name: up to 64 letters, digits, `-' and `.'",
                       f->hostname ? f->hostname : "");
    if (data_list(d, "fixups", "*.fixup", a, &names, &n, e) < 0)
        return -1;
    *out = arena_alloc(a, sizeof **out);
    (*out)->v = arena_array(a, n + 1, sizeof *(*out)->v);
    for (size_t i = 0; i < n; i++) {
        struct fixup x = {0};
        struct str text, name = str_c(names[i]);
        const char *origin = names[i];
        bool matches = false;
        name.n -= strlen(".fixup");
        x.name = arena_str(a, name);
        int rc = data_read(d, "fixups", names[i], a, &text, &origin, e);
        if (rc > 0) /* it went away since it was listed */
            continue;
        if (rc < 0 || fixup_read(origin, text, f, a, &x, &matches, e) < 0)
            return -1;
        bool clone_only = x.nclone > 0 && x.nbefore + x.nafter == 0;
        if (all || (matches && !clone_only))
            (*out)->v[(*out)->n++] = x;
    }
    return 0;
}

int fixup_load(const struct data *d, const struct fixup_facts *f, struct arena *a, struct fixup_set **out,
               struct err *e)
{
    return load(d, f, false, a, out, e);
}

int fixup_load_clone(const struct data *d, const char *hostname, struct arena *a, struct fixup_set **out,
                     struct err *e)
{
    const struct fixup_facts f = {.zone = "",
                                  .format = "",
                                  .distro = "",
                                  .release = "",
                                  .version = "",
                                  .arch = "",
                                  .keyring_name = "",
                                  .hostname = hostname};
    return load(d, &f, true, a, out, e);
}

/* passwd and group: owners' names are looked up there. */
size_t fixup_paths(const struct fixup_set *s, struct arena *a, const char ***paths)
{
    size_t max = 2, n = 0;
    for (size_t i = 0; i < s->n; i++)
        max += 2 * s->v[i].nbefore;
    *paths = arena_array(a, max, sizeof **paths);
    (*paths)[n++] = "/etc/passwd";
    (*paths)[n++] = "/etc/group";
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->v[i].nbefore; k++) {
            const struct fixup_op *op = &s->v[i].before[k];
            (*paths)[n++] = op->path;
            if (op->source != NULL)
                (*paths)[n++] = op->source;
        }
    return n;
}

static size_t add_changes(const struct fixup_op *ops, size_t n, const char **out)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (ops[i].path != NULL)
            out[k++] = ops[i].path;
    return k;
}

size_t fixup_changes(const struct fixup_set *s, struct arena *a, const char ***paths)
{
    size_t max = 0, n = 0;
    for (size_t i = 0; i < s->n; i++)
        max += s->v[i].nbefore + s->v[i].nafter;
    *paths = arena_array(a, max, sizeof **paths);
    for (size_t i = 0; i < s->n; i++) {
        n += add_changes(s->v[i].before, s->v[i].nbefore, *paths + n);
        n += add_changes(s->v[i].after, s->v[i].nafter, *paths + n);
    }
    return n;
}

struct str fixup_file_text(const struct fixup_set *s, const char *path)
{
    struct str text = {NULL, 0};
    const struct fixup_verb *file = fixup_verb_find(STR("file"));
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->v[i].nbefore; k++)
            if (s->v[i].before[k].verb == file && strcmp(s->v[i].before[k].path, path) == 0)
                text = s->v[i].before[k].text;
    return text;
}

static int apply_op(const struct fixup_op *op, struct tree *t, struct err *e)
{
    AUTO_ARENA a = {0};
    struct tree_entry en;
    int rc = op->missing_ok ? tree_stat(t, op->source ? op->source : op->path, &a, &en, e) : 0;
    if (rc == 1) /* some verbs would make it */
        return 0;
    if (rc == 0)
        rc = op->if_absent ? tree_stat(t, op->path, &a, &en, e) : 1;
    if (rc == 1)
        rc = op->verb->apply(op, t, e);
    if (rc == 1 && op->missing_ok)
        return 0;
    if (rc == 1)
        return fixup_error(op, e, "%s: %s is missing", op->verb->name, op->source ? op->source : op->path);
    if (rc < 0 && e->class != ERR_USAGE)
        return err_wrap(e, "%s:%u: %s", op->file->name, op->line->line, op->verb->name);
    return rc;
}

int fixup_apply(struct fixup_set *s, struct tree *t, const struct log *log, struct err *e)
{
    for (size_t i = 0; i < s->n; i++) {
        log_debug(log, "fixup %s", s->v[i].name);
        for (size_t k = 0; k < s->v[i].nbefore; k++)
            if (apply_op(&s->v[i].before[k], t, e) < 0)
                return -1;
    }
    return 0;
}

/* Whether the section's condition holds. */
static int has_any(const struct fixup_op *op, struct tree *t, bool *yes, struct err *e)
{
    AUTO_ARENA a = {0};
    struct tree_entry en;
    *yes = op->has == NULL;
    for (size_t i = 0; !*yes && i < op->nhas; i++) {
        int rc = tree_stat(t, op->has[i], &a, &en, e);
        if (rc < 0)
            return -1;
        *yes = rc == 0;
    }
    return 0;
}

int fixup_keeps(const struct fixup_op *op, const struct tree *t, const char *path, bool *yes, struct err *e)
{
    AUTO_ARENA a = {0};
    struct str at;
    *yes = false;
    if (op->nkeep > 0 && tree_canonical(t, str_c(path), &a, &at, e) < 0)
        return -1;
    for (size_t i = 0; i < op->nkeep && !*yes; i++)
        *yes = str_starts(op->keep[i], at) && (op->keep[i].n == at.n || op->keep[i].p[at.n] == '/');
    return 0;
}

int fixup_apply_image(const struct fixup_set *s, struct tree *t, const struct str *keep, size_t n,
                      const struct log *log, struct err *e)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->v[i].nclone; k++) {
            struct fixup_op op = s->v[i].clone[k];
            bool yes, kept;
            op.keep = keep;
            op.nkeep = n;
            if (!op.image)
                continue;
            if (has_any(&op, t, &yes, e) < 0 || fixup_keeps(&op, t, op.path, &kept, e) < 0)
                return -1;
            if (!yes || kept)
                continue;
            log_debug(log, "fixup %s: %s %s", s->v[i].name, op.verb->name, op.path);
            if (apply_op(&op, t, e) < 0)
                return -1;
        }
    return 0;
}

int fixup_apply_clone(const struct fixup_set *s, struct tree *t, const struct log *log, struct err *e)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->v[i].nclone > 0)
            log_debug(log, "fixup %s", s->v[i].name);
        for (size_t k = 0; k < s->v[i].nclone; k++) {
            const struct fixup_op *op = &s->v[i].clone[k];
            bool yes;
            if (has_any(op, t, &yes, e) < 0 || (yes && apply_op(op, t, e) < 0))
                return -1;
        }
    }
    return 0;
}

int fixup_render(struct fixup_set *s, struct buf *sh, struct err *e)
{
    (void)e;
    fixup_sh_begin(sh);
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->v[i].nbefore; k++)
            fixup_sh_op(&s->v[i].before[k], sh);
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->v[i].nafter; k++)
            fixup_sh_op(&s->v[i].after[k], sh);
    return 0;
}

size_t fixup_names(const struct fixup_set *s, struct arena *a, const char ***names)
{
    *names = arena_array(a, s->n + 1, sizeof **names);
    for (size_t i = 0; i < s->n; i++)
        (*names)[i] = s->v[i].name;
    return s->n;
}

int fixup_check(const char *name, struct str text, struct err *e)
{
    AUTO_ARENA a = {0};
    struct fixup x = {0};
    bool matches;
    return fixup_read(name, text, NULL, &a, &x, &matches, e);
}
