/* What makes a zone, step by step, and undoes it again. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/zone/manager.h"

/* A file system that was in use a moment ago may still be busy: so often is undoing tried. */
enum { TRIES = 5, WORDS_MAX = 32 };

const char *const *manager_argv(struct arena *a, const char *word, ...)
{
    va_list ap;
    size_t n = 0;
    const char **v = arena_array(a, WORDS_MAX + 1, sizeof *v);
    va_start(ap, word);
    for (const char *w = word; w != NULL && n < WORDS_MAX; w = va_arg(ap, const char *))
        v[n++] = w;
    va_end(ap);
    return v;
}

void manager_add_command(struct manager_steps *s, const char *const *argv, const char *undo, ...)
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

void manager_add_found(struct manager_steps *s, const char *const *argv)
{
    AUTO_BUF b = {0};
    struct manager_step *step = &s->v[s->n - 1];
    step->found = argv;
    buf_printf(&b, "%s ; ", step->undo);
    put_argv(&b, argv);
    step->undo = arena_str(s->arena, buf_view(&b));
}

void manager_add(struct manager_steps *s, enum manager_what what, const char *path, struct str text)
{
    static const char *const undos[] = {
        [MANAGER_DIR] = "rmdir", [MANAGER_FILE] = "unlink", [MANAGER_FILL] = "unlink",
        [MANAGER_BOOT] = "halt", [MANAGER_SECOND] = NULL,   [MANAGER_HALT] = NULL};
    struct manager_step *step = &s->v[s->n++];
    *step = (struct manager_step){.what = what, .path = path, .text = text};
    if (undos[what] != NULL)
        step->undo = path != NULL ? arena_printf(s->arena, "%s %s", undos[what], path) : undos[what];
}

void manager_add_leftover(struct manager_steps *s, const char *path)
{
    s->v[s->n++] =
        (struct manager_step){.what = MANAGER_LATER, .undo = arena_printf(s->arena, "unlink %s", path)};
}

void manager_add_place(struct manager_steps *s, const struct manager_zone *z, const char *path)
{
    if (z->dataset == NULL) {
        manager_add(s, MANAGER_FILL, path, (struct str){0});
        s->v[s->n - 1].undo = arena_printf(s->arena, "root %s", path);
        return;
    }
    manager_add_command(s,
                        manager_argv(s->arena, "zfs", "create", "-o",
                                     arena_printf(s->arena, "mountpoint=%s", path), z->dataset, NULL),
                        "zfs destroy -r %s", z->dataset);
    manager_add_found(s, manager_argv(s->arena, "zfs", "list", "-H", "-o", "name", z->dataset, NULL));
    manager_add(s, MANAGER_FILL, path, (struct str){0});
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

void manager_show(const struct manager_zone *z, const struct manager_steps *s, struct buf *out)
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

/* --- undoing */

/* ERR_HOST; what is not there any more is undone. */
static int undo_path(const char *verb, const char *path, struct err *e)
{
    bool parent = strcmp(verb, "rmdir-parent") == 0;
    if (strcmp(verb, "unlink") == 0 ? unlink(path) == 0 : rmdir(path) == 0)
        return 0;
    if (errno == ENOENT || (parent && (errno == ENOTEMPTY || errno == EEXIST || errno == EBUSY)))
        return 0;
    return err_sys(e, ERR_HOST, errno, "%s", path);
}

/* Whether the command succeeds: what it looks for is there. */
static bool found(const struct manager_zone *z, const char *const *argv)
{
    struct err ignored = {0};
    return manager_run(z, argv, NULL, &ignored) == 0;
}

/* The line's words; behind a `;' stands the command that finds what is to be undone. */
struct undo_words {
    struct str verb;
    const char *argv[WORDS_MAX + 1], *const *found;
    size_t n;
};

static void split_line(const struct manager_zone *z, const char *line, struct undo_words *w)
{
    struct str rest = str_c(line), word;
    *w = (struct undo_words){.n = 0};
    str_word(&rest, &w->verb);
    while (w->n < WORDS_MAX && str_word(&rest, &word)) {
        bool end = str_is(word, ";");
        w->argv[w->n++] = end ? NULL : arena_str(z->arena, word);
        if (end)
            w->found = w->argv + w->n;
    }
    if (w->found != NULL)
        w->n = (size_t)(w->found - w->argv) - 1;
}

static int undo_once(const struct manager_zone *z, const struct manager_calls *c, const char *line,
                     const struct undo_words *w, struct err *e)
{
    struct str verb = w->verb;
    const char *const *argv = w->argv;
    if (str_is(verb, "halt"))
        return manager_halt(z, e);
    if (str_is(verb, "uninstall") && z->manager->uninstall != NULL)
        return z->manager->uninstall(z, e);
    if (w->n == 0)
        return err_set(e, ERR_HOST, "zone %s: its record has a line `%s'", z->name, line);
    if (str_is(verb, "run"))
        return manager_run(z, argv, NULL, e);
    if (str_is(verb, "root"))
        return c->drop_root(c->ctx, argv[0], e);
    return undo_path(arena_str(z->arena, verb), argv[0], e);
}

static int undo_line(const struct manager_zone *z, const struct manager_calls *c, const char *line,
                     struct err *e)
{
    const struct timespec pause = {0, 300000000L};
    struct undo_words w;
    split_line(z, line, &w);
    for (int i = 1;; i++) {
        *e = (struct err){0};
        if (undo_once(z, c, line, &w, e) == 0 || (w.found != NULL && !found(z, w.found)))
            return 0;
        if (i == TRIES)
            return -1;
        nanosleep(&pause, NULL);
    }
}

/* Backwards, as far as that goes; what cannot be undone stays in the record. The last line's step may not
   even have been begun: what is not there is undone. */
static int undo_all(struct manager_zone *z, struct manager_undo *u, const struct manager_calls *c,
                    struct err *e)
{
    const volatile int *stop = z->stop;
    struct err said = {0}, ignored;
    z->stop = NULL; /* it was set already, maybe */
    z->ready = false;
    while (said.class == ERR_NONE && u->n > 0) {
        if (undo_line(z, c, u->v[u->n - 1], &said) == 0)
            u->n--;
        if (manager_record_write(z, u, &ignored) < 0)
            log_warn(z->log, "%s", ignored.msg);
    }
    z->stop = stop;
    if (said.class == ERR_NONE)
        return manager_record_remove(z->name, e);
    *e = said;
    return -1;
}

/* --- doing */

static void journal(struct manager_zone *z, struct manager_undo *u, const char *line)
{
    if (u->n >= u->room) {
        u->room = u->room * 2 + 16;
        const char **v = arena_array(z->arena, u->room, sizeof *v);
        if (u->n > 0)
            memcpy(v, u->v, u->n * sizeof *v);
        u->v = v;
    }
    u->v[u->n++] = line;
}

/* The directories above path that are not there, each with its line in the record. */
static int make_parents(struct manager_zone *z, struct manager_undo *u, const char *path, struct err *e)
{
    char *copy = arena_dup(z->arena, path);
    struct stat st;
    for (char *p = copy + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
        *p = '\0';
        if (stat(copy, &st) == 0)
            continue;
        journal(z, u, arena_printf(z->arena, "rmdir-parent %s", copy));
        if (manager_record_write(z, u, e) < 0)
            return -1;
        if (mkdir(copy, 0755) < 0 && errno != EEXIST)
            return err_sys(e, ERR_HOST, errno, "%s", copy);
    }
    return 0;
}

static int write_new(const char *path, struct str text, struct err *e)
{
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return err_sys(e, ERR_HOST, errno, "%s", path);
    return file_write_fd(fd, path, text.p, text.n, e);
}

static int do_step(struct manager_zone *z, const struct manager_step *s, const struct manager_calls *c,
                   struct err *e)
{
    switch (s->what) {
    case MANAGER_COMMAND:
        return manager_run(z, s->argv, NULL, e);
    case MANAGER_SECOND:
        return c->second(c->ctx, s->argv, e);
    case MANAGER_DIR:
        return mkdir(s->path, 0755) < 0 ? err_sys(e, ERR_HOST, errno, "%s", s->path) : 0;
    case MANAGER_FILE:
        return write_new(s->path, s->text, e);
    case MANAGER_FILL:
        return c->fill(c->ctx, s->path, e);
    case MANAGER_DROP:
        return unlink(s->path) < 0 && errno != ENOENT ? err_sys(e, ERR_HOST, errno, "%s", s->path) : 0;
    case MANAGER_LATER:
        return 0;
    case MANAGER_BOOT:
        return manager_boot(z, e);
    case MANAGER_HALT:
        return manager_halt(z, e);
    }
    return 0;
}

static bool has_parents(enum manager_what what)
{
    return what == MANAGER_DIR || what == MANAGER_FILE || what == MANAGER_FILL;
}

static int make_step(struct manager_zone *z, const struct manager_step *s, struct manager_undo *u,
                     const struct manager_calls *c, struct err *e)
{
    if (z->stop != NULL && *z->stop != 0)
        return err_set(e, ERR_INTR, "interrupted");
    if (has_parents(s->what) && make_parents(z, u, s->path, e) < 0)
        return -1;
    if (s->undo != NULL)
        journal(z, u, s->undo);
    if (manager_record_write(z, u, e) < 0)
        return -1;
    int rc = do_step(z, s, c, e);
    if (rc < 0 && e->sys == EEXIST && (s->what == MANAGER_DIR || s->what == MANAGER_FILE))
        u->n--; /* somebody else's, of a moment ago */
    return rc;
}

static int is_there(const struct manager_zone *z, const char *what, struct err *e)
{
    err_set(e, ERR_HOST, "zone %s: %s is there already", z->name, what);
    return err_hint(e, "choose another name, or remove what is there");
}

/* What the zone's things would be in the place of: undoing must not take it away. */
static int check_places(const struct manager_zone *z, const struct manager_steps *s, struct err *e)
{
    struct stat st;
    if (z->manager->packed && lstat(z->dir, &st) == 0)
        return is_there(z, z->dir, e);
    for (size_t i = 0; i < s->n; i++) {
        const struct manager_step *step = &s->v[i];
        if (has_parents(step->what) && lstat(step->path, &st) == 0)
            return is_there(z, step->path, e);
        if (step->found == NULL || !found(z, step->found))
            continue;
        size_t last = 0;
        while (step->found[last + 1] != NULL)
            last++;
        return is_there(z, arena_printf(z->arena, "%s %s", step->found[0], step->found[last]), e);
    }
    return 0;
}

int manager_check(const struct manager_zone *z, const struct manager_steps *s, struct err *e)
{
    struct stat st;
    enum manager_state state;
    if (lstat(manager_beside(z, "zone"), &st) == 0) {
        err_set(e, ERR_HOST, "zone %s: there is one already", z->name);
        return err_hint(e,
                        "choose another name; `zonestrap zone list' shows the zones that there are, "
                        "`zonestrap zone remove %s' removes it",
                        z->name);
    }
    if (z->manager->state(z, &state, e) < 0)
        return -1;
    if (state != MANAGER_ABSENT) {
        err_set(e, ERR_HOST, "zone %s: %s has one of this name, which zonestrap did not make", z->name,
                z->manager->name);
        return err_hint(e, "choose another name");
    }
    return check_places(z, s, e);
}

int manager_make(struct manager_zone *z, const struct manager_steps *s, const struct manager_calls *c,
                 struct err *e)
{
    struct manager_undo u = {0};
    struct err left = {0};
    int rc = 0;
    if (manager_check(z, s, e) < 0)
        return -1;
    for (size_t i = 0; rc == 0 && i < s->n; i++)
        rc = make_step(z, &s->v[i], &u, c, e);
    z->ready = rc == 0;
    if (rc == 0)
        return manager_record_write(z, &u, e);
    if (undo_all(z, &u, c, &left) < 0) {
        log_warn(z->log, "zone %s: not all could be undone: %s; `zonestrap zone remove %s' tries again",
                 z->name, left.msg, z->name);
    }
    return -1;
}

int manager_unmake(struct manager_zone *z, const struct manager_calls *c, struct err *e)
{
    struct manager_undo u = {0};
    int rc = manager_record_read(z, &u, e);
    if (rc != 0)
        return rc < 0 ? -1 : err_set(e, ERR_HOST, "zone %s: there is none of this name", z->name);
    return undo_all(z, &u, c, e);
}
