/* clone: a root out of another one, by what SOURCE stands on. */
#include "cmd/clone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/os.h"
#include "base/tarball.h"
#include "cmd/create_stages.h"
#include "fixups/fixup.h"

const struct clone_way *const clone_ways[] = {&clone_zfs, &linux_clone_overlay, &linux_clone_btrfs,
                                              &clone_copy};
const size_t clone_nways = sizeof clone_ways / sizeof *clone_ways;

/* What --how takes: the way, and what of its variants. */
static const struct how {
    const char *name;
    const struct clone_way *way; /* NULL: the first that can */
    enum copy_share share;
} hows[] = {
    {"auto", NULL, COPY_TRY},
    {"zfs", &clone_zfs, COPY_NEVER},
    {"btrfs", &linux_clone_btrfs, COPY_NEVER},
    {"reflink", &clone_copy, COPY_ONLY},
    {"overlay", &linux_clone_overlay, COPY_NEVER},
    {"copy", &clone_copy, COPY_NEVER},
};

static const struct how *find_how(const char *name, struct err *e)
{
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++)
        if (strcmp(name ? name : "auto", hows[i].name) == 0)
            return &hows[i];
    err_set(e, ERR_USAGE, "--how: `%s' is none of auto, zfs, btrfs, reflink, overlay, copy", name);
    return NULL;
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Going up from the target's directory one must not meet the source. */
static int check_outside(const struct clone *c, struct err *e)
{
    struct stat source, st, root;
    if (stat(c->real, &source) < 0 || stat("/", &root) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", c->source);
    if (c->target.there && stat(c->target.path, &st) == 0 && same(&st, &source))
        return err_set(e, ERR_USAGE, "%s: source and target are the same", c->source);
    AUTO_BUF up = {0};
    buf_puts(&up, c->target.parent);
    while (stat(buf_c(&up), &st) == 0) {
        if (same(&st, &source))
            return err_set(e, ERR_USAGE, "%s: lies in the source %s", c->target.given, c->source);
        size_t slash = up.n;
        while (slash > 0 && up.p[slash - 1] != '/')
            slash--;
        if (slash == 0 || up.n == 1)
            break;
        up.n = slash > 1 ? slash - 1 : 1;
        up.p[up.n] = '\0';
    }
    return 0;
}

/* Looked at without reading a directory: its time of access would be written, and cost a snapshot's room. */
static int check_finished(struct job *j, const struct clone *c, struct err *e)
{
    struct stat st;
    if (lstat(arena_printf(&j->arena, "%s/.zonestrap-incomplete", c->real), &st) == 0) {
        err_set(e, ERR_HOST, "%s: is incomplete: the run that made it was interrupted", c->source);
        return err_hint(e, "make it anew with `zonestrap create'");
    }
    if (second_stage_pending(j, c->real) && !j->opt.unfinished) {
        err_set(e, ERR_HOST, "%s: is not finished, its second stage is pending", c->source);
        return err_hint(e, "`zonestrap second-stage %s' finishes it; --unfinished clones it as it is",
                        c->source);
    }
    if (second_stage_pending(j, c->real))
        log_warn(j->log, "%s is not finished: its second stage writes the source's host name again",
                 c->source);
    if (lstat(arena_printf(&j->arena, "%s/etc", c->real), &st) < 0 ||
        lstat(arena_printf(&j->arena, "%s/usr", c->real), &st) < 0)
        return err_set(e, ERR_HOST, "%s: is no root: it has no /etc or no /usr", c->source);
    return 0;
}

static int check_source(struct job *j, struct clone *c, struct err *e)
{
    struct stat st, root;
    AUTO_BUF mounted = {0};
    if (stat(c->source, &st) < 0 || stat("/", &root) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", c->source);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_HOST, "%s: is no directory", c->source);
    if (same(&st, &root))
        return err_set(e, ERR_HOST, "%s: is the root of this system", c->source);
    AUTO_MEM char *real = realpath(c->source, NULL);
    if (real == NULL)
        return err_sys(e, ERR_HOST, errno, "%s", c->source);
    c->real = arena_dup(&j->arena, real);
    if (check_finished(j, c, e) < 0)
        return -1;
    int rc = os_mount_below(real, &mounted, e);
    if (rc > 0)
        log_warn(j->log, "%s is mounted in the source: what is mounted there is left out", buf_c(&mounted));
    return rc < 0 ? -1 : 0;
}

/* What the target is called, unless that is no name for a host. */
static const char *hostname(struct job *j, const struct clone *c, struct err *e)
{
    if (j->opt.hostname != NULL)
        return j->opt.hostname;
    if (fixup_hostname_ok(c->target.name))
        return c->target.name;
    err_set(e, ERR_USAGE, "%s: the target's name is no host name: up to 64 letters, digits, `-' and `.'",
            c->target.given);
    err_hint(e, "give one with --hostname");
    return NULL;
}

static const struct clone_way *choose(struct clone *c, const struct how *how, struct err *e)
{
    struct err why = {0};
    if (how->way != NULL) {
        if (how->way->can(c, e) == 0)
            return how->way;
        err_wrap(e, "--how %s", how->name);
        return NULL;
    }
    for (size_t i = 0; i < clone_nways; i++) {
        if (clone_ways[i] == &linux_clone_overlay) /* only when it is asked for */
            continue;
        why = (struct err){0};
        if (clone_ways[i]->can(c, &why) == 0)
            return clone_ways[i];
        log_debug(c->log, "not by %s: %s", clone_ways[i]->name, why.msg);
    }
    return &clone_copy;
}

static int write_record(struct clone *c, struct err *e)
{
    AUTO_BUF b = {0};
    buf_printf(&b, "source %s\nhow %s\n", c->real, c->how);
    if (c->snapshot != NULL)
        buf_printf(&b, "snapshot %s\n", c->snapshot);
    return tree_write(c->root, CLONE_RECORD, buf_view(&b), 0644, 0, 0, e);
}

static int make(struct job *j, struct clone *c, const struct clone_way *way, struct fixup_set *f,
                struct err *e)
{
    if (way->make(c, e) < 0)
        return -1;
    if (fixup_apply_clone(f, c->root, j->log, e) < 0 || write_record(c, e) < 0)
        return err_wrap(e, "%s", c->target.given);
    return job_check_stop(e) < 0 ? -1 : way->seal(c, e);
}

/* Other targets of `create' shall not become directories of that name. */
static int check_target(const char *target, struct err *e)
{
    if (!tarball_name(target) && strncmp(target, "oci:", 4) != 0 && strncmp(target, "zone:", 5) != 0)
        return 0;
    return err_set(e, ERR_USAGE, "%s: a clone is a directory", target);
}

int clone_to(struct job *j, const char *source, const char *target, bool say, struct err *e)
{
    struct clone c = {.source = source, .jobs = (unsigned)j->opt.jobs, .stop = &job_stop, .log = j->log};
    struct fixup_set *f = NULL;
    const struct how *how = find_how(j->opt.how, e);
    const char *name;
    c.arena = &j->arena;
    if (how == NULL || check_target(target, e) < 0 || check_source(j, &c, e) < 0 ||
        clone_place_find(&c.target, target, &j->arena, e) < 0 || check_outside(&c, e) < 0 ||
        (name = hostname(j, &c, e)) == NULL || fixup_load_clone(&j->data, name, &j->arena, &f, e) < 0)
        return -1;
    c.share = how->share;
    const struct clone_way *way = choose(&c, how, e);
    if (way == NULL)
        return -1;
    progress_begin(&j->ui, "clone");
    int rc = make(j, &c, way, f, e);
    way->close(&c);
    progress_end(&j->ui, "clone");
    if (rc == 0 && say)
        progress_done(&j->ui, arena_printf(&j->arena, "%s: a clone of %s (%s)", target, source, c.how), NULL);
    return rc < 0 && e->class == ERR_INTR ? err_set(e, ERR_INTR, "interrupted") : rc;
}

static int check_rights(struct err *e)
{
    if (geteuid() == 0)
        return 0;
    err_set(e, ERR_HOST, "cloning a root needs root: its files have many owners");
    return err_hint(e, "run it as root or with sudo");
}

int cmd_clone(struct job *j, struct err *e)
{
    const struct option_list *args = &j->opt.operands;
    if (args->n != 2 || args->v[0][0] == '\0' || args->v[1][0] == '\0')
        return err_set(e, ERR_USAGE, "clone takes SOURCE and TARGET; see zonestrap clone --help");
    return check_rights(e) < 0 ? -1 : clone_to(j, args->v[0], args->v[1], true, e);
}

int clone_own(struct job *j, const char *source, const char *root, const char *how, struct err *e)
{
    struct clone c = {.source = source, .real = source, .how = how, .log = j->log, .arena = &j->arena};
    struct fixup_set *f = NULL;
    if (fixup_load_clone(&j->data, j->opt.hostname, &j->arena, &f, e) < 0 ||
        tree_open_existing(&c.root, root, j->log, e) < 0)
        return -1;
    int rc = fixup_apply_clone(f, c.root, j->log, e) < 0 ? -1 : write_record(&c, e);
    tree_close(c.root);
    return rc < 0 ? err_wrap(e, "%s", root) : 0;
}

int clone_template_root(struct job *j, bool managed, const char **root, struct err *e)
{
    static const char *const of_zones[] = {"template", "zone", "net", "manager", "dry-run", "kernel-version"};
    const char *from = j->opt.template_root;
    size_t n = managed ? sizeof of_zones / sizeof *of_zones : 1;
    for (const struct option_row *r = option_rows; r->name != NULL; r++) {
        size_t i = 0;
        while (i < n && strcmp(r->name, of_zones[i]) != 0)
            i++;
        if (i == n && (r->commands & CMD_CREATE) && !(r->commands & CMD_CLONE) &&
            options_given(&j->opt, r->name))
            return err_set(e, ERR_USAGE, "--%s does not go with --template, which is finished already",
                           r->name);
    }
    if (from[0] == '\0')
        return err_set(e, ERR_USAGE, "--template: the name is empty");
    *root = strchr(from, '/') != NULL ? from : arena_printf(&j->arena, CLONE_TEMPLATES "/%s", from);
    return 0;
}

int clone_template(struct job *j, struct err *e)
{
    const struct option_list *args = &j->opt.operands;
    const char *from = "";
    if (args->n != 1 || args->v[0][0] == '\0')
        return err_set(e, ERR_USAGE, "create --template takes a TARGET alone: the template says what it is");
    if (clone_template_root(j, false, &from, e) < 0)
        return -1;
    return check_rights(e) < 0 ? -1 : clone_to(j, from, args->v[0], true, e);
}
