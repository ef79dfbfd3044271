/* `new': a recipe to be filled in, from a template that is data: distros/new.FORMAT.template, or with --like
   distros/new.like.FORMAT.template. In these @NAME@ and @LIKE@ are replaced. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "distros/distro.h"
#include "pkgfmt/pkgfmt.h"

enum { NAME_LEN = 64 };

/* The name becomes a file's and a word of the command line. */
static int check_name(const char *name, struct err *e)
{
    size_t n = strlen(name);
    bool ok = n > 0 && n <= NAME_LEN && isalnum((unsigned char)name[0]);
    for (size_t i = 0; i < n; i++)
        ok = ok && (isalnum((unsigned char)name[i]) || name[i] == '-');
    return ok ? 0
              : err_set(e, ERR_USAGE, "`%.100s' is no name for a recipe: up to %d letters, digits and `-'",
                        name, NAME_LEN);
}

/* What is known already stays what it is, unless that is asked for. */
static int check_free(struct job *j, const char *name, struct err *e)
{
    struct str text;
    const char *origin;
    int rc = data_read(&j->data, "distros", arena_printf(&j->arena, "%s.distro", name), &j->arena, &text,
                       &origin, e);
    if (rc != 0 || j->opt.force)
        return rc < 0 ? -1 : 0;
    err_set(e, ERR_USAGE, "there is a recipe for `%s' already: %s", name, origin);
    return err_hint(
        e,
        "--force makes one that takes its place where it is found first; another name with --like "
        "%s makes one that adds to it",
        name);
}

/* The package format of the recipe that the new one is like. */
static int find_format(struct job *j, const char **format, struct err *e)
{
    const struct options *o = &j->opt;
    struct distro_info *d;
    size_t n;
    AUTO_BUF known = {0};
    *format = o->format;
    if (o->like == NULL && o->format == NULL)
        return err_set(e, ERR_USAGE, "new needs --like DISTRO, or --format for a recipe from scratch");
    if (o->like == NULL)
        return 0;
    if (o->format != NULL)
        return err_set(e, ERR_USAGE, "--format does not go with --like: %s says its format", o->like);
    if (strcmp(o->like, o->operands.v[0]) == 0)
        return err_set(e, ERR_USAGE, "--like %s: a recipe cannot be like itself", o->like);
    if (distro_list(&j->data, &j->arena, &d, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(d[i].name, o->like) == 0)
            *format = d[i].format;
        buf_printf(&known, "%s%s", i ? ", " : "", d[i].name);
    }
    if (*format != NULL)
        return 0;
    err_set(e, ERR_USAGE, "--like: no recipe for the distribution `%.100s'", o->like);
    return err_hint(e, "known: %s", buf_c(&known));
}

static int read_template(struct job *j, const char *format, struct str *text, struct err *e)
{
    const char *name =
        arena_printf(&j->arena, "new.%s%s.template", j->opt.like != NULL ? "like." : "", format);
    int rc = pkgfmt_find(format) == NULL ? 1 : data_read(&j->data, "distros", name, &j->arena, text, NULL, e);
    if (rc <= 0)
        return rc;
    err_set(e, ERR_USAGE, "there is no template for recipes of the format `%.100s'", format);
    return err_hint(e, "--format is deb or rpm");
}

static void fill_in(struct buf *out, struct str text, const struct options *o)
{
    const struct {
        struct str mark;
        const char *value;
    } marks[] = {{STR("@NAME@"), o->operands.v[0]}, {STR("@LIKE@"), o->like ? o->like : ""}};
    while (text.n > 0) {
        size_t took = 0;
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
            if (str_starts(text, marks[i].mark)) {
                buf_puts(out, marks[i].value);
                took = marks[i].mark.n;
            }
        if (took == 0)
            buf_putc(out, text.p[0]);
        text = str_from(text, took ? took : 1);
    }
}

/* A new file, whole or not at all. */
static int write_new(const char *path, struct str text, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) {
        err_set(e, ERR_USAGE, "%s: is there already", path);
        return err_hint(e, "remove it, or choose another name or directory");
    }
    if (fd < 0)
        return err_sys(e, ERR_HOST, errno, "%s", path);
    int rc = file_write_fd(fd, path, text.p, text.n, e);
    if (close(fd) < 0 && rc == 0)
        rc = err_sys(e, ERR_HOST, errno, "%s", path);
    if (rc < 0)
        unlink(path);
    return rc;
}

/* What is left to do, and how to go on. */
static void report(struct job *j, const char *path, struct str text)
{
    const struct option_list *dirs = &j->opt.recipes;
    struct err left = {0};
    if (j->opt.quiet)
        return;
    if (check_recipe(j, path, text, &left) == 0)
        printf("%s: written, valid as it stands\n", path);
    else
        printf("%s: written; to be filled in: %s\n", path, left.msg);
    printf("edit it, then: zonestrap check %s; zonestrap plan --recipes %s %s\n", path,
           dirs->n > 0 ? dirs->v[0] : ".", j->opt.operands.v[0]);
}

int cmd_new(struct job *j, struct err *e)
{
    const struct options *o = &j->opt;
    const char *format, *name, *path;
    struct str template;
    AUTO_BUF text = {0};
    if (o->operands.n != 1)
        return err_set(e, ERR_USAGE, "new takes one NAME");
    name = o->operands.v[0];
    path = arena_printf(&j->arena, "%s%s%s.distro", o->recipes.n > 0 ? o->recipes.v[0] : "",
                        o->recipes.n > 0 ? "/" : "", name);
    if (check_name(name, e) < 0 || find_format(j, &format, e) < 0 ||
        read_template(j, format, &template, e) < 0)
        return -1;
    /* A file that is there is named by write_new(), whatever else it is. */
    if (access(path, F_OK) != 0 && check_free(j, name, e) < 0)
        return -1;
    fill_in(&text, template, o);
    if (write_new(path, buf_view(&text), e) < 0)
        return -1;
    report(j, path, buf_view(&text));
    return 0;
}
