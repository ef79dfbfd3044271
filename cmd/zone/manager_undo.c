/* What a zone's record undoes. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "cmd/zone/manager.h"

/* A file system that was in use a moment ago may still be busy: so often is undoing tried. */
enum { TRIES = 5 };

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

/* `run COMMAND [; COMMAND]': two that can be run, and no more words than are kept of them. */
static bool is_run(struct str words)
{
    struct str word;
    size_t n = 0, parts = 1;
    bool end = true; /* what was read ends there */
    for (; str_word(&words, &word); n++) {
        bool semicolon = str_is(word, ";");
        if (semicolon && end)
            return false;
        parts += semicolon;
        end = semicolon;
    }
    return !end && parts <= 2 && n <= MANAGER_WORDS_MAX;
}

int manager_undo_check(const char *line, struct err *e)
{
    static const char *const bare[] = {"halt", "uninstall"}, *const paths[] = {"rmdir", "rmdir-parent",
                                                                               "unlink", "root"};
    struct str rest = str_c(line), verb, word, more;
    str_word(&rest, &verb);
    bool known = str_is(verb, "run") && is_run(rest);
    bool any = str_word(&rest, &word);
    bool path = any && word.p[0] == '/' && !str_word(&rest, &more);
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++)
        known = known || (!any && str_is(verb, bare[i]));
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        known = known || (path && str_is(verb, paths[i]));
    return known ? 0 : err_set(e, ERR_HOST, "there is no way to undo `%s'", line);
}

/* The line's words; behind a `;' stands the command that finds what is to be undone. */
struct undo_words {
    struct str verb;
    const char *argv[MANAGER_WORDS_MAX + 1], *const *found;
    size_t n;
};

static void split_line(const struct manager_zone *z, const char *line, struct undo_words *w)
{
    struct str rest = str_c(line), word;
    *w = (struct undo_words){.n = 0};
    str_word(&rest, &w->verb);
    while (w->n < MANAGER_WORDS_MAX && str_word(&rest, &word)) {
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
        if (manager_stopped(z))
            return err_set(e, ERR_INTR, "interrupted");
        if (undo_once(z, c, &w, e) == 0)
            return 0;
        if (e->class != ERR_INTR && w.found != NULL && manager_found(z, w.found, e) == 0)
            return 0;
        if (i == tries || e->class == ERR_INTR || e->sys == ENOTEMPTY || e->sys == EEXIST)
            return -1;
        nanosleep(&pause, NULL);
    }
}

static void note(struct manager_zone *z, const struct manager_undo *u, bool sure)
{
    struct err e = {0};
    z->sure = sure;
    if (manager_record_write(z, u, &e) < 0)
        log_warn(z->log, "%s", e.msg);
}

int manager_undo_all(struct manager_zone *z, struct manager_undo *u, const struct manager_calls *c, bool sure,
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
