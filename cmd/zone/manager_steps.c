/* What makes a zone, step by step: built, and shown. */
#include <stdarg.h>

#include "base/auto.h"
#include "cmd/zone/manager.h"

void manager_steps_command(struct manager_steps *s, const char *const *argv, const char *undo, ...)
{
    AUTO_BUF b = {0};
    va_list ap;
    struct manager_step *step = &s->v[s->n++];
    *step = (struct manager_step){.what = MANAGER_COMMAND, .argv = argv};
    if (undo == NULL)
        return;
    buf_puts(&b, "run ");
    va_start(ap, undo);
    buf_vprintf(&b, undo, ap);
    va_end(ap);
    step->undo = arena_str(s->arena, buf_view(&b));
}

/* The words, a blank between them. */
static void put_argv(struct buf *out, const char *const *argv)
{
    for (; *argv != NULL; argv++)
        buf_printf(out, "%s%s", *argv, argv[1] != NULL ? " " : "");
}

void manager_steps_found(struct manager_steps *s, const char *const *argv)
{
    AUTO_BUF b = {0};
    struct manager_step *step = &s->v[s->n - 1];
    step->found = argv;
    buf_printf(&b, "%s ; ", step->undo);
    put_argv(&b, argv);
    step->undo = arena_str(s->arena, buf_view(&b));
}

void manager_steps_add(struct manager_steps *s, enum manager_what what, const char *path, struct str text)
{
    static const char *const undos[] = {
        [MANAGER_DIR] = "rmdir", [MANAGER_FILE] = "unlink", [MANAGER_FILL] = "unlink",
        [MANAGER_BOOT] = "halt", [MANAGER_SECOND] = NULL,   [MANAGER_HALT] = NULL};
    struct manager_step *step = &s->v[s->n++];
    *step = (struct manager_step){.what = what, .path = path, .text = text};
    if (undos[what] != NULL)
        step->undo = path != NULL ? arena_printf(s->arena, "%s %s", undos[what], path) : undos[what];
}

void manager_steps_leftover(struct manager_steps *s, const char *path)
{
    s->v[s->n++] =
        (struct manager_step){.what = MANAGER_LATER, .undo = arena_printf(s->arena, "unlink %s", path)};
}

void manager_steps_place(struct manager_steps *s, const struct manager_zone *z, const char *path)
{
    if (z->dataset == NULL) {
        manager_steps_add(s, MANAGER_FILL, path, (struct str){0});
        s->v[s->n - 1].undo = arena_printf(s->arena, "root %s", path);
        return;
    }
    /* Not every zfs(8) takes the directory away again. */
    s->v[s->n++] =
        (struct manager_step){.what = MANAGER_LATER, .undo = arena_printf(s->arena, "rmdir %s", path)};
    manager_steps_command(s,
                          manager_argv(s->arena, "zfs", "create", "-o",
                                       arena_printf(s->arena, "mountpoint=%s", path), z->dataset, NULL),
                          "zfs destroy -r %s", z->dataset);
    s->v[s->n - 1].path = path;
    manager_steps_found(s, manager_argv(s->arena, "zfs", "list", "-H", "-o", "name", z->dataset, NULL));
    manager_steps_add(s, MANAGER_FILL, path, (struct str){0});
    s->v[s->n - 1].undo = NULL; /* it goes with the file system */
}

static void show_argv(struct buf *out, const char *const *argv)
{
    put_argv(out, argv);
    buf_putc(out, '\n');
}

static void show_file(struct buf *out, const struct manager_step *s)
{
    struct str rest = s->text, line;
    buf_printf(out, "write %s\n", s->path);
    while (str_line(&rest, &line))
        buf_printf(out, "    %.*s\n", (int)line.n, line.p);
}

void manager_steps_show(const struct manager_zone *z, const struct manager_steps *s, struct buf *out)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct manager_step *step = &s->v[i];
        switch (step->what) {
        case MANAGER_COMMAND:
        case MANAGER_SECOND:
            show_argv(out, step->argv);
            break;
        case MANAGER_DIR:
            buf_printf(out, "mkdir -p %s\n", step->path);
            break;
        case MANAGER_FILE:
            show_file(out, step);
            break;
        case MANAGER_FILL:
            if (z->source != NULL)
                buf_printf(out, "zonestrap clone --hostname %s %s %s\n", z->name, z->source, step->path);
            else
                buf_printf(out, "zonestrap create --zone %s %s %s\n", z->kind, z->what, step->path);
            break;
        case MANAGER_OWN:
            buf_printf(out, "# %s gets a host name, a machine-id and keys of its own\n", step->path);
            break;
        case MANAGER_DROP:
            buf_printf(out, "rm %s\n", step->path);
            break;
        case MANAGER_LATER:
            break;
        case MANAGER_BOOT:
            show_argv(out, z->manager->boot(z));
            break;
        case MANAGER_HALT:
            show_argv(out, z->manager->halt(z));
            break;
        }
    }
}
