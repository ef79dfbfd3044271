#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "distros/distro.h"
#include "fixups/fixup.h"
#include "fixups/zone_kind.h"
#include "mirrors/mirror.h"

enum { FILE_MAX = 16 * 1024 * 1024 };

/* Which lint a file's name asks for. */
static int check_text(struct job *j, const char *path, struct str text, struct err *e)
{
    struct str name = str_c(path);
    if (str_ends(name, STR(".distro")))
        return distro_check(&j->data, path, text, e);
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
