#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/kw.h"
#include "base/os.h"
#include "cmd/zone/manager.h"

enum { RECORD_MAX = 1 << 20 }; /* bytes of a record */

#define SUFFIX ".zone"

static const char *place(struct arena *a, const char *name, const char *suffix)
{
    return arena_printf(a, MANAGER_ZONES "/%s%s", name, suffix);
}

int manager_record_lock(const char *name, bool make, int *fd, struct err *e)
{
    AUTO_ARENA a = {0};
    struct stat held, there;
    const char *path = place(&a, name, ".lock");
    if (make && file_mkdirs(MANAGER_ZONES, 0700, e) < 0)
        return -1;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0)
        return err_sys(e, ERR_HOST, errno, "%s", path);
    /* Who had it last may have removed the file in between. */
    if (os_lock(*fd) == 0 && fstat(*fd, &held) == 0 && stat(path, &there) == 0 &&
        held.st_ino == there.st_ino && held.st_dev == there.st_dev)
        return 0;
    close(*fd);
    *fd = -1;
    err_set(e, ERR_HOST, "zone %s: another zonestrap is at work on it", name);
    return err_hint(e, "wait for it, or end it");
}

void manager_record_unlock(const char *name, int fd, bool gone)
{
    AUTO_ARENA a = {0};
    if (fd < 0)
        return;
    if (gone)
        unlink(place(&a, name, ".lock"));
    close(fd);
}

/* The strings of a record, by keyword. */
static const struct field {
    const char *key;
    size_t at;
    bool path;
} fields[] = {
    {"kind", offsetof(struct manager_zone, kind), false},
    {"what", offsetof(struct manager_zone, what), false},
    {"dir", offsetof(struct manager_zone, dir), true},
    {"root", offsetof(struct manager_zone, root), true},
    {"config", offsetof(struct manager_zone, config), true},
    {"extra", offsetof(struct manager_zone, extra), true},
    {"dataset", offsetof(struct manager_zone, dataset), false},
    {"net", offsetof(struct manager_zone, net), false},
    {"link", offsetof(struct manager_zone, link), false},
    {"vnic", offsetof(struct manager_zone, vnic), false},
};

int manager_record_write(const struct manager_zone *z, const struct manager_undo *u, struct err *e)
{
    AUTO_BUF b = {0};
    AUTO_ARENA a = {0};
    buf_printf(&b, "# Written by zonestrap: `zonestrap zone remove %s' undoes what stands here.\n", z->name);
    buf_printf(&b, "[zone]\nmanager %s\nstate %s\n", z->manager->name,
               z->ready  ? "ready"
               : z->sure ? "leaving"
                         : "begun");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *value = *(const char *const *)((const char *)z + fields[i].at);
        if (value != NULL)
            buf_printf(&b, "%s %s\n", fields[i].key, value);
    }
    buf_puts(&b, "[undo]\n");
    for (size_t i = 0; i < u->n; i++)
        buf_printf(&b, "%s\n", u->v[i]);
    buf_puts(&b, "[end]\n");
    return file_replace(place(&a, z->name, SUFFIX), buf_view(&b), 0600, e);
}

/* Words alone: commands are made of them. Those that are paths begin at the root. */
static int read_field(struct manager_zone *z, const struct field *at, const struct kw_file *f,
                      const struct kw_line *l, struct err *e)
{
    struct str rest = l->arg, word, more;
    bool one = str_word(&rest, &word) && !str_word(&rest, &more);
    if (!one || (at->path && word.p[0] != '/') || word.p[0] == '-')
        return kw_error(f, l->line, l->arg_col, e, "%s is %s, not `%" STR_FMT "'", at->key,
                        at->path ? "a path from the root on" : "one word", STR_ARG(l->arg));
    *(const char **)((char *)z + at->at) = arena_str(z->arena, word);
    return 0;
}

static int read_line(struct manager_zone *z, const struct kw_file *f, const struct kw_line *l, struct err *e)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (str_is(l->key, fields[i].key))
            return read_field(z, &fields[i], f, l, e);
    if (str_is(l->key, "state")) {
        z->ready = str_is(l->arg, "ready");
        z->sure = str_is(l->arg, "leaving");
        if (!z->ready && !z->sure && !str_is(l->arg, "begun"))
            return kw_error(f, l->line, l->arg_col, e, "unknown state `%" STR_FMT "'", STR_ARG(l->arg));
    } else if (!str_is(l->key, "manager"))
        return kw_error(f, l->line, l->col, e, "unknown keyword `%" STR_FMT "'", STR_ARG(l->key));
    else if ((z->manager = manager_find(arena_str(z->arena, l->arg))) == NULL)
        return kw_error(f, l->line, l->arg_col, e, "there is no zone manager `%" STR_FMT "'",
                        STR_ARG(l->arg));
    return 0;
}

static int read_undo(struct manager_zone *z, struct manager_undo *u, const struct kw_file *f,
                     const struct kw_section *s, struct err *e)
{
    struct err why = {0};
    u->v = arena_array(z->arena, s->nlines + 1, sizeof *u->v);
    for (u->n = 0; u->n < s->nlines; u->n++) {
        const struct kw_line *l = &s->lines[u->n];
        u->v[u->n] = arena_printf(z->arena, "%" STR_FMT "%s%" STR_FMT, STR_ARG(l->key),
                                  l->arg.n > 0 ? " " : "", STR_ARG(l->arg));
        if (manager_undo_check(u->v[u->n], &why) < 0)
            return kw_error(f, l->line, l->col, e, "%s", why.msg);
    }
    u->room = u->n;
    return 0;
}

/* What can be undone by it is undone by root. */
static int read_text(const char *path, struct buf *text, struct err *e)
{
    struct stat st, dir;
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_sys(e, ERR_HOST, errno, "%s", path);
    if (fstat(fd, &st) < 0 || lstat(MANAGER_ZONES, &dir) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", path);
    if (!S_ISREG(st.st_mode) || !S_ISDIR(dir.st_mode) || st.st_uid != geteuid() || dir.st_uid != geteuid() ||
        ((st.st_mode | dir.st_mode) & (S_IWGRP | S_IWOTH)) != 0) {
        err_set(e, ERR_HOST, "%s: others than root could have written it: it is not believed", path);
        return err_hint(e, "look at it; then chown root and chmod go-w the file and " MANAGER_ZONES);
    }
    return file_read_fd(fd, path, RECORD_MAX, text, e);
}

/* Hand-edited, it may be wrong; torn, it lacks its end. */
static int parse(struct manager_zone *z, struct manager_undo *u, const char *path, struct str text,
                 struct err *e)
{
    struct kw_file f;
    bool end = false;
    if (kw_parse(&f, path, text, z->arena, e) < 0)
        return -1;
    for (size_t i = 0; i < f.n; i++) {
        const struct kw_section *s = &f.sections[i];
        int rc = 0;
        if (s->name.n == 0 && s->nlines == 0)
            continue; /* what stands before the first one */
        end = str_is(s->name, "end");
        if (str_is(s->name, "undo"))
            rc = read_undo(z, u, &f, s, e);
        else if (!end && !str_is(s->name, "zone"))
            rc = kw_error(&f, s->line, s->col, e, "unknown section `%" STR_FMT "'", STR_ARG(s->name));
        for (size_t l = 0; rc == 0 && str_is(s->name, "zone") && l < s->nlines; l++)
            rc = read_line(z, &f, &s->lines[l], e);
        if (rc < 0)
            return -1;
    }
    if (!end || z->manager == NULL || z->kind == NULL || z->dir == NULL || z->root == NULL)
        return err_set(e, ERR_FORMAT, "%s: not a whole record: it lacks manager, kind, dir, root or [end]",
                       path);
    return 0;
}

int manager_record_read(struct manager_zone *z, struct manager_undo *u, struct err *e)
{
    AUTO_BUF text = {0};
    const char *path = place(z->arena, z->name, SUFFIX);
    *u = (struct manager_undo){0};
    if (read_text(path, &text, e) < 0) {
        if (e->sys != ENOENT)
            return -1;
        *e = (struct err){0};
        return 1;
    }
    if (parse(z, u, path, arena_copy(z->arena, buf_view(&text)), e) == 0)
        return 0;
    e->class = ERR_HOST;
    return err_hint(e, "mend it, or take the zone away by hand and then this file");
}

/* NAME.SUFFIX, but for the lock and the record; .NAME.SUFFIX: what a killed run had not finished. */
static bool goes_along(const char *file, const char *name)
{
    struct str rest = str_c(file);
    bool hidden = file[0] == '.';
    rest = str_from(rest, hidden);
    if (!str_starts(rest, str_c(name)) || !str_starts(str_from(rest, strlen(name)), STR(".")))
        return false;
    rest = str_from(rest, strlen(name));
    return hidden || (!str_is(rest, ".lock") && !str_is(rest, SUFFIX));
}

int manager_record_remove(const char *name, struct err *e)
{
    AUTO_ARENA a = {0};
    const char *path = place(&a, name, SUFFIX);
    DIR *d = opendir(MANAGER_ZONES);
    for (struct dirent *de; d != NULL && (de = readdir(d)) != NULL;)
        if (goes_along(de->d_name, name))
            unlinkat(dirfd(d), de->d_name, 0);
    if (d != NULL)
        closedir(d);
    return unlink(path) < 0 && errno != ENOENT ? err_sys(e, ERR_HOST, errno, "%s", path) : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int manager_record_list(struct arena *a, const char ***names, size_t *n, struct err *e)
{
    size_t room = 16;
    const char **v = arena_array(a, room, sizeof *v);
    *n = 0;
    *names = v;
    DIR *d = opendir(MANAGER_ZONES);
    if (d == NULL)
        return errno == ENOENT ? 0 : err_sys(e, ERR_HOST, errno, MANAGER_ZONES);
    for (struct dirent *de; (de = readdir(d)) != NULL;) {
        struct str name = str_c(de->d_name);
        if (name.p[0] == '.' || !str_ends(name, STR(SUFFIX)))
            continue;
        if (*n == room) {
            const char **more = arena_array(a, room * 2, sizeof *more);
            memcpy(more, v, room * sizeof *v);
            v = *names = more;
            room *= 2;
        }
        const char *zone = arena_str(a, (struct str){name.p, name.n - strlen(SUFFIX)});
        struct err ignored = {0};
        if (manager_name_check(zone, &ignored) == 0)
            v[(*n)++] = zone;
    }
    closedir(d);
    qsort(v, *n, sizeof *v, by_name);
    return 0;
}
