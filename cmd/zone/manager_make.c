/* Making a zone by its steps, and taking it apart. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/zone/manager.h"

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

/* What the step would make, or be in the place of, is there already: undoing must not take it away. */
static int check_step(const struct manager_zone *z, const struct manager_step *s, struct err *e)
{
    if (makes(s) && in_the_way(s->path, e) < 0)
        return -1;
    int rc = s->found != NULL ? manager_found(z, s->found, e) : 0;
    if (rc <= 0)
        return rc;
    size_t last = 0;
    while (s->found[last + 1] != NULL)
        last++;
    return is_there(arena_printf(z->arena, "%s %s", s->found[0], s->found[last]), e);
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
    /* Somebody else's, of a moment ago. */
    if (s->undo != NULL && check_step(z, s, e) < 0)
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
    if (rc < 0 && *begun && (e->sys == EEXIST || e->sys == ENOTEMPTY) && makes(s) &&
        s->what != MANAGER_COMMAND) {
        u->n--;
        *begun = false;
    }
    return rc;
}

static int check_places(const struct manager_zone *z, const struct manager_steps *s, struct err *e)
{
    if (z->manager->packed && in_the_way(z->dir, e) < 0)
        return -1;
    for (size_t i = 0; i < s->n; i++)
        if (check_step(z, &s->v[i], e) < 0)
            return -1;
    return 0;
}

int manager_make_check(const struct manager_zone *z, const struct manager_steps *s, struct err *e)
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
    if (manager_make_check(z, s, e) < 0)
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
    if (manager_undo_all(z, &u, c, !begun, true, &left) < 0)
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
    return manager_undo_all(z, &u, c, sure, false, e);
}
