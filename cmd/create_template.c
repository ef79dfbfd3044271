#include "cmd/create_template.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/clone.h"

enum { OS_RELEASE_MAX = 64 * 1024, STATUS_MAX = 256 << 20 };

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~-"

/* A zone that was made here, if the template is one: 0; 1: it is none. */
static int find_zone(struct job *j, const struct manager_zone *for_it, struct create_template *t,
                     struct err *e)
{
    struct manager_undo u;
    struct err ignored = {0};
    enum manager_state state;
    struct manager_zone z = {.name = j->opt.template_root, .arena = &j->arena, .log = j->log};
    int rc = manager_name_check(z.name, &ignored) == 0 ? manager_record_read(&z, &u, e) : 1;
    if (rc != 0)
        return rc;
    bool lock = !j->opt.dry_run && strcmp(z.name, for_it->name) != 0; /* that one has a lock of its own */
    if ((lock && manager_record_lock(z.name, false, &t->lock, e) < 0) || z.manager->state(&z, &state, e) < 0)
        return -1;
    if (!z.ready)
        return err_set(e, ERR_HOST, "the zone was not made whole");
    if (state == MANAGER_RUNNING) {
        err_set(e, ERR_HOST, "the zone runs");
        return err_hint(e, "`zonestrap zone halt %s' first", z.name);
    }
    t->root = z.root;
    t->zone = z.name;
    t->own = z.manager == for_it->manager && z.manager->clones;
    return 0;
}

int create_template_find(struct job *j, const struct manager_zone *z, struct create_template *out,
                         struct err *e)
{
    if (clone_template_root(j, true, &out->root, e) < 0)
        return -1;
    if (find_zone(j, z, out, e) < 0)
        return err_wrap(e, "--template %s", j->opt.template_root);
    return !z->manager->clones || out->own
               ? 0
               : err_set(e, ERR_USAGE,
                         "--template %s: zone manager %s clones zones alone, and this is none of its",
                         j->opt.template_root, z->manager->name);
}

void create_template_close(struct create_template *t)
{
    if (t->lock >= 0)
        manager_record_unlock(t->zone != NULL ? t->zone : "", t->lock, false);
}

/* The file proper; the name in /etc is a link to it. */
static int read_os_release(struct job *j, const char *root, struct buf *text, struct err *e)
{
    static const char *const places[] = {"usr/lib/os-release", "etc/os-release"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *path = arena_printf(&j->arena, "%s/%s", root, places[i]);
        AUTO_FD fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0)
            return file_read_fd(fd, path, OS_RELEASE_MAX, text, e);
    }
    return err_set(e, ERR_HOST, "%s: has no /usr/lib/os-release, so that it is not known what it is", root);
}

/* NAME=value, the value in quotes or not; "" when there is none, or one that no file for the host can hold.
 */
static const char *value_of(struct job *j, struct str text, const char *name)
{
    struct str line, key;
    while (str_line(&text, &line)) {
        if (!str_cut(&line, '=', &key) || !str_is(key, name))
            continue;
        if (line.n >= 2 && (line.p[0] == '"' || line.p[0] == '\'') && line.p[line.n - 1] == line.p[0])
            line = (struct str){line.p + 1, line.n - 2};
        const char *value = arena_str(&j->arena, line);
        return value[strspn(value, WORD)] == '\0' ? value : "";
    }
    return "";
}

int create_template_release(struct job *j, const char *root, struct create_plan *p, struct err *e)
{
    AUTO_BUF text = {0};
    struct utsname u;
    struct stat st;
    if (stat(root, &st) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", root);
    if (read_os_release(j, root, &text, e) < 0)
        return -1;
    const char *distro = value_of(j, buf_view(&text), "ID");
    const char *version = value_of(j, buf_view(&text), "VERSION_ID");
    const char *name = value_of(j, buf_view(&text), "VERSION_CODENAME");
    const char *dpkg = arena_printf(&j->arena, "%s/var/lib/dpkg", root);
    p->release.distro = *distro != '\0' ? distro : "linux";
    p->release.version = version;
    p->release.name = *name != '\0' ? name : version;
    p->release.format = stat(dpkg, &st) == 0 ? "deb" : "rpm";
    p->release.machine = uname(&u) == 0 ? arena_dup(&j->arena, u.machine) : "";
    p->release.arch = p->release.machine;
    p->epoch = time(NULL);
    p->what = arena_printf(&j->arena, "%s/%s", p->release.distro, p->release.name);
    return 0;
}

/* A paragraph's: dpkg keeps what was removed and left its configuration, too. */
static bool is_installed(struct str paragraph, struct str *name)
{
    struct str line, key;
    bool installed = false;
    *name = (struct str){NULL, 0};
    while (str_line(&paragraph, &line)) {
        if (!str_cut(&line, ':', &key))
            continue;
        if (str_is(key, "Package"))
            *name = str_trim(line);
        if (str_is(key, "Status"))
            installed = str_ends(str_trim(line), STR(" installed"));
    }
    return installed && name->n > 0;
}

const struct zone_package *create_template_packages(struct job *j, const char *root, size_t *n)
{
    AUTO_BUF text = {0};
    struct err ignored = {0};
    struct str name;
    const char *path = arena_printf(&j->arena, "%s/var/lib/dpkg/status", root);
    AUTO_FD fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    *n = 0;
    if (fd < 0 || file_read_fd(fd, path, STATUS_MAX, &text, &ignored) < 0)
        return NULL;
    struct str rest = buf_view(&text);
    size_t room = 1;
    for (size_t i = 0; i < rest.n; i++)
        room += rest.p[i] == '\n' && i + 1 < rest.n && rest.p[i + 1] == '\n';
    struct zone_package *v = arena_array(&j->arena, room, sizeof *v);
    while (rest.n > 0) {
        size_t end = str_find(rest, STR("\n\n"));
        if (is_installed((struct str){rest.p, end}, &name))
            v[(*n)++] = (struct zone_package){arena_str(&j->arena, name), ""};
        rest = str_from(rest, end < rest.n ? end + 2 : end);
    }
    return v;
}
