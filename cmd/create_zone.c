/* The zone kind at work (--zone): what it says of the release and the plan, and the files for its host. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/tarball.h"
#include "cmd/create_zone.h"

enum { ZONE_NAME_MAX = 60 };

static struct zone_facts facts(const struct create_plan *p)
{
    const struct release *r = &p->release;
    return (struct zone_facts){.format = r->format,
                               .distro = r->distro,
                               .release = r->name,
                               .version = r->version,
                               .arch = r->arch,
                               .machine = r->machine,
                               .epoch = p->epoch};
}

int create_zone_check_kernel(const struct zone_kind *k, const char *version, struct err *e)
{
    if (version == NULL)
        return 0;
    if (zone_kind_capability(k, "kernel") == NULL)
        return err_set(e, ERR_USAGE, "--kernel-version: zone kind %s shows its zones the host's own",
                       zone_kind_name(k));
    if (version[0] < '0' || version[0] > '9' || version[strspn(version, "0123456789.")] != '\0')
        return err_set(e, ERR_USAGE, "--kernel-version: `%s' is no version: digits and dots, as 5.10.0",
                       version);
    return 0;
}

int create_zone_load(struct job *j, struct create_plan *p, struct err *e)
{
    const char *name = j->opt.zone;
    if (name == NULL && p->lock != NULL)
        name = p->lock->zone;
    if (zone_kind_load(&j->data, name != NULL ? name : "none", &j->arena, &p->zone, e) < 0)
        return name == j->opt.zone ? err_wrap(e, "--zone") : err_wrap(e, "%s", p->lock->file);
    return create_zone_check_kernel(p->zone, j->opt.kernel_version, e);
}

/* The kind takes a package out of the set, the user puts it in: the user is right, and has no need of what
   the kind has in its place. */
static bool is_included(const struct options *o, const char *name)
{
    for (size_t i = 0; i < o->include.n; i++)
        if (strcmp(o->include.v[i], name) == 0)
            return true;
    return false;
}

static struct zone_package *packages(struct job *j, const struct create_plan *p)
{
    struct zone_package *v = arena_array(&j->arena, p->plan.n + 1, sizeof *v);
    for (size_t i = 0; i < p->plan.n; i++)
        v[i] = (struct zone_package){p->plan.pkgs[i].name, p->plan.pkgs[i].version};
    return v;
}

int create_zone_release(struct job *j, struct create_plan *p, struct err *e)
{
    const struct options *o = &j->opt;
    const struct zone_facts f = facts(p);
    struct zone_words without;
    if (zone_kind_serves(&j->data, p->zone, &f, NULL, 0, e) < 0)
        return -1;
    zone_kind_packages(p->zone, &f, &j->arena, &p->zone_packages, &without);
    p->exclude.v = arena_array(&j->arena, o->exclude.n + without.n, sizeof *p->exclude.v);
    p->exclude.n = 0;
    for (size_t i = 0; i < o->exclude.n; i++)
        p->exclude.v[p->exclude.n++] = o->exclude.v[i];
    for (size_t i = 0; i < without.n; i++)
        if (is_included(o, without.v[i]))
            p->zone_packages.n = 0;
        else
            p->exclude.v[p->exclude.n++] = without.v[i];
    return 0;
}

int create_zone_plan(struct job *j, struct create_plan *p, struct err *e)
{
    const struct zone_facts f = facts(p);
    if (zone_kind_serves(&j->data, p->zone, &f, packages(j, p), p->plan.n, e) < 0)
        return -1;
    const struct zone_words notes = zone_kind_notes(p->zone, &f, &j->arena);
    for (size_t i = 0; i < notes.n; i++)
        log_warn(j->log, "zone %s: %s", zone_kind_name(p->zone), notes.v[i]);
    return 0;
}

/* What all zone managers take for a name: letters, digits and `-', a letter first. */
static const char *zone_name(struct job *j, const struct create_plan *p, const char *base)
{
    struct buf b = {0};
    size_t n = strlen(base);
    const char *tar = strstr(base, ".tar");
    if (tarball_name(base) && tar != NULL)
        n = (size_t)(tar - base);
    else if (tarball_name(base) && strrchr(base, '.') != NULL)
        n = (size_t)(strrchr(base, '.') - base);
    for (size_t i = 0; i < n && b.n < ZONE_NAME_MAX; i++) {
        char c = base[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (letter || (c >= '0' && c <= '9')) {
            buf_puts(&b, b.n == 0 && !letter ? "z" : "");
            buf_putc(&b, c);
        } else if (b.n > 0 && b.p[b.n - 1] != '-') {
            buf_putc(&b, '-');
        }
    }
    while (b.n > 0 && b.p[b.n - 1] == '-')
        b.p[--b.n] = '\0';
    const char *name = b.n > 0 ? arena_str(&j->arena, buf_view(&b))
                               : arena_printf(&j->arena, "zone-%lld", (long long)p->epoch);
    buf_free(&b);
    return name;
}

/* The last part of TARGET; of `.' and the like, the directory's. */
static const char *base_name(struct job *j, const char *target)
{
    char real[4096];
    struct str s;
    if (strcmp(target, "-") == 0)
        return "root.tar";
    bool dots = target[strspn(target, "./")] == '\0';
    s = str_c(dots && realpath(target, real) != NULL ? real : target);
    while (s.n > 1 && s.p[s.n - 1] == '/')
        s.n--;
    const char *path = arena_str(&j->arena, s), *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

/* Nothing but an older file of ours goes. */
static int check_place(const char *path, struct err *e)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : err_sys(e, ERR_HOST, errno, "--host-files: %s", path);
    return S_ISREG(st.st_mode) ? 0 : err_set(e, ERR_USAGE, "--host-files: %s is no regular file", path);
}

static const char *place(struct job *j, const struct zone_file *f)
{
    return arena_printf(&j->arena, "%s/%s", j->opt.host_files, f->name);
}

static int check_dir(const char *dir, struct err *e)
{
    struct stat st;
    if (stat(dir, &st) < 0)
        return err_sys(e, errno == ENOENT ? ERR_USAGE : ERR_HOST, errno, "--host-files %s", dir);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_USAGE, "--host-files %s: not a directory", dir);
    return access(dir, W_OK | X_OK) < 0 ? err_sys(e, ERR_HOST, errno, "--host-files %s", dir) : 0;
}

struct zone_facts create_zone_facts(struct job *j, const struct create_plan *p, const char *name,
                                    const char *file)
{
    struct zone_facts f = facts(p);
    f.name = name;
    f.file = file;
    f.hostname = j->opt.hostname != NULL ? j->opt.hostname : p->release.distro;
    f.kernel = j->opt.kernel_version;
    f.packages = packages(j, p);
    f.npackages = p->plan.n;
    return f;
}

int create_zone_host(struct job *j, struct create_plan *p, const char *target, struct zone_host *out,
                     struct err *e)
{
    const char *base = base_name(j, target);
    const struct zone_facts f = create_zone_facts(j, p, zone_name(j, p, base), base);
    *out = (struct zone_host){0};
    if (j->opt.host_files == NULL)
        return 0;
    if (zone_kind_host(p->zone, &f, &j->arena, &out->files, &out->n, e) < 0)
        return -1;
    if (out->n == 0)
        return err_set(e, ERR_USAGE, "--host-files: zone kind %s has none", zone_kind_name(p->zone));
    if (check_dir(j->opt.host_files, e) < 0)
        return -1;
    for (size_t i = 0; i < out->n; i++)
        if (check_place(place(j, &out->files[i]), e) < 0)
            return -1;
    return 0;
}

/* All are written beside their places before the first one is put there. */
int create_zone_write(struct job *j, const struct zone_host *h, struct err *e)
{
    size_t written = 0, put = 0;
    int rc = 0;
    const char **temp = arena_array(&j->arena, h->n + 1, sizeof *temp);
    for (size_t i = 0; i < h->n; i++)
        temp[i] = arena_printf(&j->arena, "%s.zonestrap-new", place(j, &h->files[i]));
    for (; rc == 0 && written < h->n; written += rc == 0)
        rc = file_replace(temp[written], h->files[written].text, 0644, e);
    for (; rc == 0 && put < h->n; put += rc == 0)
        if (rename(temp[put], place(j, &h->files[put])) < 0)
            rc = err_sys(e, ERR_HOST, errno, "%s", place(j, &h->files[put]));
    for (size_t i = put; i < written; i++)
        unlink(temp[i]);
    for (size_t i = 0; rc < 0 && i < put; i++)
        unlink(place(j, &h->files[i]));
    if (rc < 0)
        return err_wrap(e, "--host-files");
    for (size_t i = 0; i < h->n; i++)
        log_info(j->log, "for the host: %s", place(j, &h->files[i]));
    return 0;
}

const char *create_zone_hint(struct job *j, const struct create_plan *p)
{
    const char *kind = zone_kind_name(p->zone);
    if (j->opt.host_files != NULL || !zone_kind_has_host(p->zone))
        return "";
    return arena_printf(&j->arena, ", zone kind %s (--host-files DIR writes what its host needs)", kind);
}
