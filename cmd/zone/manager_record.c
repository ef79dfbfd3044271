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

/* NAME_MAX_: bytes of a zone's name; RECORD_MAX: of a record. */
enum { NAME_MAX_ = 60, RECORD_MAX = 1 << 20 };

#define SUFFIX ".zone"

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int manager_name_check(const char *name, struct err *e)
{
    size_t n = strlen(name);
    bool good = n > 0 && n <= NAME_MAX_ && letter(name[0]) && name[n - 1] != '-';
    for (size_t i = 0; i < n; i++)
        good = good && (letter(name[i]) || (name[i] >= '0' && name[i] <= '9') || name[i] == '-');
    if (good && strcmp(name, "global") != 0) /* illumos: the host itself */
        return 0;
    return err_set(e, ERR_USAGE,
                   "zone:%s: a zone's name is made of up to %d letters, digits and `-', begins with a letter "
                   "and does not end with `-'",
                   name, NAME_MAX_);
}

static const char *place(struct arena *a, const char *name, const char *suffix)
{
    return arena_printf(a, MANAGER_ZONES "/%s%s", name, suffix);
}

const char *manager_beside(const struct manager_zone *z, const char *suffix)
{
    return arena_printf(z->arena, MANAGER_ZONES "/%s.%s", z->name, suffix);
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
} fields[] = {
    {"kind", offsetof(struct manager_zone, kind)},       {"what", offsetof(struct manager_zone, what)},
    {"dir", offsetof(struct manager_zone, dir)},         {"root", offsetof(struct manager_zone, root)},
    {"config", offsetof(struct manager_zone, config)},   {"extra", offsetof(struct manager_zone, extra)},
    {"dataset", offsetof(struct manager_zone, dataset)}, {"net", offsetof(struct manager_zone, net)},
    {"link", offsetof(struct manager_zone, link)},       {"vnic", offsetof(struct manager_zone, vnic)},
};

int manager_record_write(const struct manager_zone *z, const struct manager_undo *u, struct err *e)
{
    AUTO_BUF b = {0};
    AUTO_ARENA a = {0};
    buf_printf(&b, "# Written by zonestrap: `zonestrap zone remove %s' undoes what stands here.\n", z->name);
    buf_printf(&b, "[zone]\nmanager %s\nstate %s\n", z->manager->name, z->ready ? "ready" : "begun");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *value = *(const char *const *)((const char *)z + fields[i].at);
        if (value != NULL)
            buf_printf(&b, "%s %s\n", fields[i].key, value);
    }
    buf_puts(&b, "[undo]\n");
    for (size_t i = 0; i < u->n; i++)
        buf_printf(&b, "%s\n", u->v[i]);
    return file_replace(place(&a, z->name, SUFFIX), buf_view(&b), 0600, e);
}

static int read_line(struct manager_zone *z, const struct kw_file *f, const struct kw_line *l, struct err *e)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (str_is(l->key, fields[i].key)) {
            *(const char **)((char *)z + fields[i].at) = arena_str(z->arena, l->arg);
            return 0;
        }
    if (str_is(l->key, "state"))
        z->ready = str_is(l->arg, "ready");
    else if (!str_is(l->key, "manager"))
        return kw_error(f, l->line, l->col, e, "unknown keyword `%" STR_FMT "'", STR_ARG(l->key));
    else if ((z->manager = manager_find(arena_str(z->arena, l->arg))) == NULL)
        return kw_error(f, l->line, l->arg_col, e, "there is no zone manager `%" STR_FMT "'",
                        STR_ARG(l->arg));
    return 0;
}

static int read_section(struct manager_zone *z, struct manager_undo *u, const struct kw_file *f,
                        const struct kw_section *s, struct err *e)
{
    if (str_is(s->name, "undo")) {
        u->v = arena_array(z->arena, s->nlines + 1, sizeof *u->v);
        for (size_t i = 0; i < s->nlines; i++)
            u->v[u->n++] = arena_printf(z->arena, "%" STR_FMT "%s%" STR_FMT, STR_ARG(s->lines[i].key),
                                        s->lines[i].arg.n > 0 ? " " : "", STR_ARG(s->lines[i].arg));
        return 0;
    }
    for (size_t i = 0; i < s->nlines; i++)
        if (read_line(z, f, &s->lines[i], e) < 0)
            return -1;
    return 0;
}

int manager_record_read(struct manager_zone *z, struct manager_undo *u, struct err *e)
{
    AUTO_BUF text = {0};
    struct kw_file f;
    const char *path = place(z->arena, z->name, SUFFIX);
    if (file_read(path, RECORD_MAX, &text, e) < 0) {
        if (e->sys != ENOENT)
            return -1;
        *e = (struct err){0};
        return 1;
    }
    *u = (struct manager_undo){0};
    if (kw_parse(&f, path, arena_copy(z->arena, buf_view(&text)), z->arena, e) < 0)
        return -1;
    for (size_t i = 0; i < f.n; i++)
        if (read_section(z, u, &f, &f.sections[i], e) < 0)
            return -1;
    u->room = u->n;
    if (z->manager == NULL || z->kind == NULL || z->dir == NULL || z->root == NULL)
        return err_set(e, ERR_HOST, "%s: not a whole record: it lacks manager, kind, dir or root", path);
    return 0;
}

int manager_record_remove(const char *name, struct err *e)
{
    AUTO_ARENA a = {0};
    static const char *const rest[] = {".run", ".console", ".zonecfg", NULL};
    const char *path = place(&a, name, SUFFIX);
    if (unlink(path) < 0 && errno != ENOENT)
        return err_sys(e, ERR_HOST, errno, "%s", path);
    for (const char *const *suffix = rest; *suffix != NULL; suffix++)
        unlink(place(&a, name, *suffix));
    return 0;
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
        v[(*n)++] = arena_str(a, (struct str){name.p, name.n - strlen(SUFFIX)});
    }
    closedir(d);
    qsort(v, *n, sizeof *v, by_name);
    return 0;
}
