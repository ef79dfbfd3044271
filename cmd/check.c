#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "distros/distro.h"
#include "fixups/fixup.h"
#include "fixups/zone_kind.h"
#include "mirrors/mirror.h"
#include "mirrors/openpgp.h"
#include "pkgfmt/pkgfmt.h"

enum { FILE_MAX = 16 * 1024 * 1024 };

/* What has been seen of a recipe's releases. */
struct seen {
    struct job *j;
    const char *path; /* the recipe's */
    const struct data *data;
    struct openpgp_keyring *keyring; /* of the keys so far */
    struct buf keys;                 /* their names, between newlines */
    bool warned;
};

static int see_keys(struct seen *s, const struct release *r, struct err *e)
{
    for (size_t i = 0; i < r->nkeys; i++) {
        AUTO_BUF mark = {0};
        buf_printf(&mark, "\n%s\n", r->keys[i].name);
        if (str_find(buf_view(&s->keys), buf_view(&mark)) < s->keys.n)
            continue;
        buf_puts(&s->keys, buf_c(&mark));
        if (openpgp_keyring_add(s->keyring, r->keys[i].name, r->keys[i].bytes, e) < 0)
            return err_wrap(e, "%s", s->path);
    }
    if (r->nkeys == 0 && r->keys_at[0] == '\0' && !s->warned) {
        s->warned = true;
        log_warn(s->j->log, "%s/%s has no `keys': it can be used with --keyring alone", r->distro, r->name);
    }
    return 0;
}

/* What recipes say and other rooms know: formats, mirror lists, keys. */
static int see_release(void *ctx, const struct release *r, struct err *e)
{
    struct seen *s = ctx;
    const struct mirror_opts m = {.data = s->data, .apt_dir = "/dev/null"}; /* the host's own do not matter */
    if (pkgfmt_find(r->format) == NULL)
        return err_set(e, ERR_USAGE, "%s: there is no package format `%.100s'", s->path, r->format);
    for (size_t i = 0; i < r->nrepos; i++) {
        AUTO_ARENA a = {0};
        struct mirror_urls urls;
        if (mirror_resolve(r->repos[i].mirrors, &m, &a, &urls, e) < 0)
            return err_wrap(e, "%s", r->repos[i].where);
    }
    return see_keys(s, r, e);
}

int check_recipe(struct job *j, const char *path, struct str text, struct err *e)
{
    const char *slash = strrchr(path, '/'), **dirs = arena_array(&j->arena, j->data.ndirs + 1, sizeof *dirs);
    const struct data with_own = {dirs, j->data.ndirs + 1};
    struct seen s = {.j = j, .path = path, .data = &with_own, .keyring = openpgp_keyring_new()};
    dirs[0] = slash != NULL ? arena_str(&j->arena, (struct str){path, (size_t)(slash - path)}) : ".";
    memcpy(dirs + 1, j->data.dirs, j->data.ndirs * sizeof *dirs);
    int rc = distro_check(&with_own, path, text, see_release, &s, e);
    openpgp_keyring_free(s.keyring);
    buf_free(&s.keys);
    return rc;
}

/* Which lint a file's name asks for. */
static int check_text(struct job *j, const char *path, struct str text, struct err *e)
{
    struct str name = str_c(path);
    if (str_ends(name, STR(".distro")))
        return check_recipe(j, path, text, e);
    if (str_ends(name, STR(".fixup")))
        return fixup_check(path, text, e);
    if (str_ends(name, STR(".zone")))
        return zone_kind_check(path, text, e);
    if (str_ends(name, STR(".mirrors")))
        return mirror_check(path, text, e);
    err_set(
        e, ERR_USAGE,
        "%s: neither a recipe (.distro), a fixup (.fixup), a zone kind (.zone) nor a mirror list (.mirrors)",
        path);
    return -1;
}

/* Every file is looked at; each finding is a line, and the last one is the command's error. */
static void note(struct job *j, const char *path, int rc, size_t *bad, struct err *one, struct err *e)
{
    if (rc == 0) {
        log_info(j->log, "%s: fine", path);
        return;
    }
    if ((*bad)++ > 0)
        fprintf(stderr, "zonestrap: %s\n", e->msg);
    *e = *one;
}

static int check_builtin(struct job *j, size_t *count, size_t *bad, struct err *e)
{
    static const struct {
        const char *room, *pattern;
    } kinds[] = {
        {"distros", "*.distro"}, {"fixups", "*.fixup"}, {"fixups", "*.zone"}, {"mirrors", "*.mirrors"}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        const char **names, *origin;
        size_t n;
        struct err one = {0}; /* e keeps the last finding */
        if (data_list(&j->data, kinds[k].room, kinds[k].pattern, &j->arena, &names, &n, &one) < 0) {
            *e = one;
            return -1;
        }
        for (size_t i = 0; i < n; i++) {
            struct str text;
            one = (struct err){0};
            if (data_read(&j->data, kinds[k].room, names[i], &j->arena, &text, &origin, &one) != 0) {
                *e = one;
                return -1;
            }
            one = (struct err){0};
            note(j, origin, check_text(j, origin, text, &one), bad, &one, e);
        }
        *count += n;
    }
    return 0;
}

int cmd_check(struct job *j, struct err *e)
{
    const struct option_list *files = &j->opt.operands;
    size_t bad = 0, count = files->n;
    for (size_t i = 0; i < files->n; i++) {
        AUTO_BUF text = {0};
        struct err one = {0};
        int rc = file_read(files->v[i], FILE_MAX, &text, &one);
        note(j, files->v[i], rc < 0 ? rc : check_text(j, files->v[i], buf_view(&text), &one), &bad, &one, e);
    }
    if (files->n == 0 && check_builtin(j, &count, &bad, e) < 0)
        return -1;
    if (bad == 0 && !j->opt.quiet)
        printf(count == 1 ? "%zu file is fine\n" : "%zu files are fine\n", count);
    return bad > 0 ? -1 : 0;
}
