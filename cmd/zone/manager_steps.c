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
    /* Not every zfs(8) takes the directory away again. */
    s->v[s->n++] =
        (struct manager_step){.what = MANAGER_LATER, .undo = arena_printf(s->arena, "rmdir %s", path)};
    manager_add_command(s,
                        manager_argv(s->arena, "zfs", "create", "-o",
                                     arena_printf(s->arena, "mountpoint=%s", path), z->dataset, NULL),
                        "zfs destroy -r %s", z->dataset);
    s->v[s->n - 1].path = path;
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

/* Whether only its command can tell that there is nothing to undo: it fails then. */
static bool is_blind(const char *line)
{
    return str_starts(str_c(line), STR("run ")) && strstr(line, " ; ") == NULL;
}

/* Whether what the command looks for is there: it succeeds. -1: that cannot be told. */
static int found(const struct manager_zone *z, const char *const *argv, struct err *e)
{
    struct err why = {0};
    int status = 0, rc = manager_run_status(z, argv, &status, &why);
    if (rc < 0)
        *e = why;
    return rc < 0 ? -1 : status == 0;
}

int manager_undo_check(const char *line, struct err *e)
{
    static const char *const bare[] = {"halt", "uninstall"}, *const paths[] = {"rmdir", "rmdir-parent",
                                                                               "unlink", "root"};
    struct str rest = str_c(line), verb, word, more;
    bool known = false;
    str_word(&rest, &verb);
    bool any = str_word(&rest, &word);
    bool path = any && word.p[0] == '/' && !str_word(&rest, &more);
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++)
        known = known || (!any && str_is(verb, bare[i]));
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        known = known || (path && str_is(verb, paths[i]));
    return known || (any && str_is(verb, "run")) ? 0
                                                 : err_set(e, ERR_HOST, "there is no way to undo `%s'", line);
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

static int undo_once(const struct manager_zone *z, const struct manager_calls *c, const struct undo_words *w,
                     struct err *e)
{
    if (str_is(w->verb, "halt"))
        return manager_halt(z, e);
    if (str_is(w->verb, "uninstall") && z->manager->uninstall != NULL)
        return z->manager->uninstall(z, e);
    if (w->n == 0)
        return err_set(e, ERR_HOST, "there is no way to undo `%" STR_FMT "'", STR_ARG(w->verb));
    if (str_is(w->verb, "run"))
        return manager_run(z, w->argv, NULL, e);
    if (str_is(w->verb, "root"))
        return c->drop_root(c->ctx, w->argv[0], e);
    return undo_path(arena_str(z->arena, w->verb), w->argv[0], e);
}

/* To halt takes its time as it is. sure: there is something to undo. */
static int undo_line(const struct manager_zone *z, const struct manager_calls *c, const char *line, bool sure,
                     struct err *e)
{
    const struct timespec pause = {0, 300000000L};
    int tries = strcmp(line, "halt") == 0 || (!sure && is_blind(line)) ? 1 : TRIES;
    struct undo_words w;
    split_line(z, line, &w);
    for (int i = 1;; i++) {
        *e = (struct err){0};
        if (undo_once(z, c, &w, e) == 0)
            return 0;
        if (e->class != ERR_INTR && w.found != NULL && found(z, w.found, e) == 0)
            return 0;
        if (i == tries || e->class == ERR_INTR || e->sys == ENOTEMPTY || e->sys == EEXIST)
            return -1;
        nanosleep(&pause, NULL);
        if (manager_stopped(z))
            return err_set(e, ERR_INTR, "interrupted");
    }
}

static void note(struct manager_zone *z, const struct manager_undo *u, bool sure)
{
    struct err e = {0};
    z->sure = sure;
    if (manager_record_write(z, u, &e) < 0)
        log_warn(z->log, "%s", e.msg);
}

/* Backwards, as far as that goes; what cannot be undone stays in the record. sure: the last line's step was
   done; else there may be nothing to undo, which a command cannot tell from a failure; quiet: that is said
   already. */
static int undo_all(struct manager_zone *z, struct manager_undo *u, const struct manager_calls *c, bool sure,
                    bool quiet, struct err *e)
{
    z->ready = false;
    for (; u->n > 0; u->n--, sure = true) {
        const char *line = u->v[u->n - 1];
        struct err why = {0};
        note(z, u, !is_blind(line)); /* killed in between, the command may be done */
        if (undo_line(z, c, line, sure, &why) == 0)
            continue;
        bool nothing = !sure && is_blind(line) && why.class != ERR_INTR;
        if (!nothing && (!z->force || why.class == ERR_INTR)) {
            note(z, u, sure || !is_blind(line));
            *e = why;
            return -1;
        }
        if (!nothing || !quiet)
            log_warn(z->log, "zone %s: %s: %s", z->name,
                     nothing ? "there is nothing to undo, it seems" : "this stays as it is", why.msg);
    }
    return manager_record_remove(z->name, e);
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
static int make_parents(struct manager_zone *z, struct manager_undo *u, const char *path, mode_t mode,
                        struct err *e)
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
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
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
        if (manager_run(z, s->argv, NULL, e) == 0)
            return 0;
        return s->log != NULL ? manager_explain(z, s->log, e) : -1;
    case MANAGER_SECOND:
        return c->second(c->ctx, s->argv, e);
    case MANAGER_DIR:
        return mkdir(s->path, 0700) < 0 ? err_sys(e, ERR_HOST, errno, "%s", s->path) : 0;
    case MANAGER_FILE:
        return write_new(s->path, s->text, e);
    case MANAGER_FILL:
        return c->fill(c->ctx, s->path, e);
    case MANAGER_OWN:
        return c->own(c->ctx, s->path, e);
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

/* Whether it makes what is not there: at its path, and directories above. */
static bool makes(const struct manager_step *s)
{
    return s->what == MANAGER_DIR || s->what == MANAGER_FILE || s->what == MANAGER_FILL ||
           (s->what == MANAGER_COMMAND && s->path != NULL);
}

/* A root has programs that change the user: the host's users shall not get at them. */
static mode_t above(const struct manager_step *s)
{
    return s->what == MANAGER_FILL || s->what == MANAGER_COMMAND ? 0700 : 0755;
}

static int is_there(const char *what, struct err *e)
{
    err_set(e, ERR_HOST, "%s is there already", what);
    return err_hint(e, "choose another name, or remove what is there");
}

static int in_the_way(const char *path, struct err *e)
{
    struct stat st;
    return lstat(path, &st) < 0 ? 0 : is_there(path, e);
}

/* *begun: its line is in the record. */
static int make_step(struct manager_zone *z, const struct manager_step *s, struct manager_undo *u,
                     const struct manager_calls *c, bool *begun, struct err *e)
{
    *begun = false;
    if (manager_stopped(z))
        return err_set(e, ERR_INTR, "interrupted");
    if (makes(s) && make_parents(z, u, s->path, above(s), e) < 0)
        return -1;
    /* Somebody else's, of a moment ago, is not undone. */
    if (makes(s) && s->undo != NULL && in_the_way(s->path, e) < 0)
        return -1;
    if (s->undo != NULL) {
        journal(z, u, s->undo);
        *begun = true;
    }
    if (manager_record_write(z, u, e) < 0) {
        u->n -= *begun;
        *begun = false;
        return -1;
    }
    int rc = do_step(z, s, c, e);
    if (rc < 0 && e->sys == EEXIST && (s->what == MANAGER_DIR || s->what == MANAGER_FILE)) {
        u->n--;
        *begun = false;
    }
    return rc;
}

/* What the zone's things would be in the place of: undoing must not take it away. */
static int check_places(const struct manager_zone *z, const struct manager_steps *s, struct err *e)
{
    if (z->manager->packed && in_the_way(z->dir, e) < 0)
        return -1;
    for (size_t i = 0; i < s->n; i++) {
        const struct manager_step *step = &s->v[i];
        if (makes(step) && in_the_way(step->path, e) < 0)
            return -1;
        int rc = step->found != NULL ? found(z, step->found, e) : 0;
        if (rc == 0)
            continue;
        size_t last = 0;
        while (step->found[last + 1] != NULL)
            last++;
        return rc < 0 ? -1 : is_there(arena_printf(z->arena, "%s %s", step->found[0], step->found[last]), e);
    }
    return 0;
}

int manager_check(const struct manager_zone *z, const struct manager_steps *s, struct err *e)
{
    struct stat st;
    enum manager_state state;
    if (lstat(manager_beside(z, "zone"), &st) == 0) {
        err_set(e, ERR_HOST, "there is one already");
        return err_hint(e,
                        "choose another name; `zonestrap zone list' shows the zones that there are, "
                        "`zonestrap zone remove %s' removes it",
                        z->name);
    }
    if (z->manager->state(z, &state, e) < 0)
        return -1;
    if (state != MANAGER_ABSENT) {
        err_set(e, ERR_HOST, "%s has one of this name, which zonestrap did not make", z->manager->name);
        return err_hint(e, "choose another name");
    }
    return check_places(z, s, e);
}

int manager_make(struct manager_zone *z, const struct manager_steps *s, const struct manager_calls *c,
                 struct err *e)
{
    struct manager_undo u = {0};
    struct err left = {0};
    bool begun = false;
    int rc = 0;
    if (manager_check(z, s, e) < 0)
        return -1;
    for (size_t i = 0; rc == 0 && i < s->n; i++)
        rc = make_step(z, &s->v[i], &u, c, &begun, e);
    z->ready = rc == 0;
    if (rc == 0) {
        rc = manager_record_write(z, &u, e);
        begun = false;
    }
    if (rc == 0)
        return 0;
    z->stops = z->stop != NULL ? *z->stop : 0; /* the next one ends undoing, too */
    if (undo_all(z, &u, c, !begun, true, &left) < 0)
        log_warn(z->log, "zone %s: not all could be undone: %s; `zonestrap zone remove %s' tries again",
                 z->name, left.msg, z->name);
    return -1;
}

int manager_unmake(struct manager_zone *z, const struct manager_calls *c, struct err *e)
{
    struct manager_undo u = {0};
    struct err why = {0};
    int rc = manager_record_read(z, &u, e);
    if (rc != 0)
        return rc < 0 ? -1 : err_set(e, ERR_HOST, "there is none of this name");
    bool sure = z->ready || z->sure;
    z->ready = false;
    /* It may have been booted since it was made. */
    if (manager_halt(z, &why) < 0) {
        if (!z->force || why.class == ERR_INTR) {
            *e = why;
            return -1;
        }
        log_warn(z->log, "zone %s: %s", z->name, why.msg);
    }
    return undo_all(z, &u, c, sure, false, e);
}
