#include "cmd/create_managed.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/clone.h"
#include "cmd/create_manager.h"
#include "cmd/create_template.h"
#include "cmd/create_zone.h"
#include "cmd/remove.h"
#include "cmd/zone/command.h"
#include "cmd/zone/manager.h"
#include "cmd/zone/zone.h"
#include "cmd/zone_net.h"

#define PREFIX "zone:"

/* One run. */
struct managed {
    struct job *job;
    struct create_plan *plan;
    struct zone_kind *kind;
    struct zone_manager_data data;
    struct zone_net net;
    struct manager_zone zone;
    struct manager_steps steps;
    enum create_when when;
    struct create_template template; /* its root NULL: the zone's is made of packages */
    int lock;
};

bool create_managed_is(const char *target)
{
    return strncmp(target, PREFIX, strlen(PREFIX)) == 0;
}

int create_managed_check(struct job *j, const char *target, struct err *e)
{
    static const char *const only[] = {"net", "dataset", "manager", "dry-run", NULL};
    static const char *const never[] = {"host-files", "keep", NULL};
    bool managed = create_managed_is(target);
    for (const char *const *o = managed ? never : only; *o != NULL; o++)
        if (options_given(&j->opt, *o))
            return err_set(e, ERR_USAGE,
                           managed ? "--%s does not go with zone:NAME" : "--%s is for zone:NAME", *o);
    if (!managed)
        return 0;
    if (geteuid() != 0 && !j->opt.dry_run) {
        err_set(e, ERR_HOST, "making a zone needs root");
        return err_hint(e, "run it as root or with sudo; --dry-run shows what would be done");
    }
    return manager_name_check(target + strlen(PREFIX), e);
}

/* --- what is asked of it */

static int dataset(struct managed *m, struct err *e)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/-";
    AUTO_BUF said = {0};
    const char *parent = m->job->opt.dataset;
    struct manager_zone *z = &m->zone;
    if (parent == NULL)
        return 0;
    if (parent[0] == '\0' || parent[0] == '-' || parent[0] == '/' || parent[strspn(parent, ok)] != '\0')
        return err_set(e, ERR_USAGE, "--dataset: `%s' is no name of a ZFS file system", parent);
    const char *const *argv =
        manager_argv(&m->job->arena, "zfs", "get", "-H", "-o", "value", "mountpoint", parent, NULL);
    if (manager_run(z, argv, &said, e) < 0)
        return err_wrap(e, "--dataset %s", parent);
    struct str mount = str_trim(buf_view(&said));
    if (!z->manager->packed) {
        z->dataset = arena_printf(&m->job->arena, "%s/%s", parent, z->name);
        return 0;
    }
    /* The manager makes a file system itself, where the zone's directory is to be. */
    if (mount.n == 0 || mount.p[0] != '/' || mount.n == 1)
        return err_set(e, ERR_HOST, "--dataset %s: it is mounted nowhere (%" STR_FMT ")", parent,
                       STR_ARG(mount));
    const struct zone_facts f = {
        .name = z->name, .dir = arena_printf(&m->job->arena, "%" STR_FMT "/%s", STR_ARG(mount), z->name)};
    return zone_kind_manager(m->kind, z->manager->name, &f, &m->job->arena, &m->data, e);
}

static bool gives(const struct zone_manager_data *d, const char *mode)
{
    for (size_t i = 0; i < d->nets.n; i++)
        if (strcmp(d->nets.v[i], mode) == 0)
            return true;
    return false;
}

static int network(struct managed *m, struct err *e)
{
    const char *asked = m->job->opt.net;
    AUTO_BUF list = {0};
    const char *word = asked != NULL ? asked : m->data.net;
    if (zone_net_parse(word, &m->job->arena, &m->net, e) < 0)
        return -1;
    if (asked == NULL && m->net.link != NULL && !zone_net_link_there(m->net.link)) {
        log_warn(m->job->log, "zone %s: there is no %s here: it gets no network; --net gives it one",
                 m->zone.name, m->net.link);
        m->net = (struct zone_net){.mode = "none"};
    }
    if (m->zone.manager->links && m->net.link != NULL && !zone_net_link_there(m->net.link)) {
        err_set(e, ERR_HOST, "--net %s: there is no network interface %s here", word, m->net.link);
        return err_hint(e, "make it first, or choose another one");
    }
    if (gives(&m->data, m->net.mode))
        return 0;
    for (size_t i = 0; i < m->data.nets.n; i++)
        buf_printf(&list, "%s%s", i ? ", " : "", m->data.nets.v[i]);
    err_set(e, ERR_USAGE, "--net %s: zone manager %s gives no network of this kind (%s)", word,
            m->zone.manager->name, m->net.mode);
    return err_hint(e, "it gives: %s; dhcp is LINK alone, static has an address, routed a gateway, too",
                    buf_c(&list));
}

/* Those that the host asks; none for a zone without a network. A host's own is none for a zone with a network
   of its own. */
static const char *resolvers(const struct managed *m)
{
    bool host = strcmp(m->net.mode, "host") == 0;
    return strcmp(m->net.mode, "none") == 0 ? NULL : zone_net_resolvers(RESOLV_CONF, host, &m->job->arena);
}

/* What the zone is but for the content of its files: all that can be said before the plan is made. */
static int describe(struct managed *m, struct err *e)
{
    struct manager_zone *z = &m->zone;
    for (size_t i = 0; i < m->data.n; i++)
        *(strcmp(m->data.files[i].key, "config") == 0 ? &z->config : &z->extra) = m->data.files[i].path;
    z->dir = m->data.dir;
    z->root = m->data.root;
    z->kind = zone_kind_name(m->kind);
    z->net = m->net.mode;
    z->link = m->net.link;
    z->gateway = m->net.gateway;
    z->kernel = m->job->opt.kernel_version;
    z->vnic = zone_kind_vnic(z->name, z->arena);
    z->tarball = manager_beside(z, "tar.gz");
    z->boot = m->when >= CREATE_FIRST_BOOT;
    z->second = z->manager->inside && m->when >= CREATE_NOW && m->template.root == NULL;
    z->source = m->template.root;
    m->steps = (struct manager_steps){.arena = z->arena};
    for (size_t i = 0; i < m->data.nbefore; i++)
        manager_steps_command(&m->steps, m->data.before[i].v, NULL);
    return z->manager->steps(z, &m->steps, e);
}

static void take_texts(struct managed *m, const struct zone_file *files, size_t n)
{
    struct manager_zone *z = &m->zone;
    for (size_t i = 0; i < m->data.n; i++)
        for (size_t f = 0; f < n; f++)
            if (strcmp(files[f].name, m->data.files[i].name) == 0)
                *(strcmp(m->data.files[i].key, "config") == 0 ? &z->config_text : &z->extra_text) =
                    files[f].text;
}

/* A zone that is to be booted must be one that the host can run, whose second stage runs before that. */
static int can_run(struct managed *m, struct err *e)
{
    if (!m->zone.boot || m->zone.manager->inside || zone_supported(m->plan->release.machine, e) == 0)
        return 0;
    return err_hint(e, "--second-stage later makes the zone without booting it");
}

/* With the plan known, everything is. */
static int describe_whole(struct managed *m, struct err *e)
{
    struct job *j = m->job;
    struct zone_facts f = create_zone_facts(j, m->plan, m->zone.name, "root.tar.gz");
    struct zone_file *files;
    size_t n;
    f.net = m->net.mode;
    f.link = m->net.link;
    f.address = m->net.address;
    f.gateway = m->net.gateway;
    f.resolvers = resolvers(m);
    f.dir = m->zone.dir;
    if (m->template.root != NULL)
        f.packages = create_template_packages(j, m->template.root, &f.npackages);
    if (zone_kind_manager(m->kind, m->zone.manager->name, &f, &j->arena, &m->data, e) < 0 ||
        zone_kind_host(m->kind, &f, &j->arena, &files, &n, e) < 0)
        return -1;
    take_texts(m, files, n);
    m->zone.what = m->plan->what;
    return describe(m, e);
}

/* --- doing it */

/* A root finds names as the host does, unless it has ways of its own. One that is to ask for its address
   needs what asks. */
static int set_up_network(const struct managed *m, const char *root, struct err *e)
{
    const struct zone_words *asks = &m->data.asks;
    if (m->zone.manager->packed)
        return 0;
    if (strcmp(m->net.mode, "dhcp") == 0 && asks->n > 0 && !zone_net_has(root, asks->v, asks->n))
        log_warn(m->job->log,
                 "zone %s: it gets no address: nothing is known in its root that asks for one on %s; "
                 "--include a DHCP client, or give the address: --net %s=ADDRESS/BITS",
                 m->zone.name, m->net.link, m->net.link);
    return zone_net_give_resolvers(root, resolvers(m), e);
}

static int fill(void *ctx, const char *path, struct err *e)
{
    struct managed *m = ctx;
    /* What runs the second stage later, after this, needs it in the root. */
    bool later = m->zone.manager->inside && m->when >= CREATE_NOW;
    int rc = m->template.root != NULL
                 ? clone_to(m->job, m->template.root, path, false, e)
                 : create_to(m->job, m->plan, path, later ? CREATE_LATER : m->when, false, e);
    return rc < 0 ? -1 : set_up_network(m, path, e);
}

static int second(void *ctx, const char *const *argv, struct err *e)
{
    struct managed *m = ctx;
    const char *const *whole;
    if (command_resolve(argv, &m->job->arena, &whole, e) < 0)
        return -1;
    if (second_stage_by(m->job, whole, e) < 0)
        return -1;
    /* What the manager says of its end may be wrong: zlogin(1) takes a signal's for a success. */
    return second_stage_pending(m->job, m->zone.root)
               ? err_set(e, ERR_SECOND, "second stage: it ended before it was finished")
               : 0;
}

static int own(void *ctx, const char *path, struct err *e)
{
    struct managed *m = ctx;
    return clone_own(m->job, m->template.root, path, m->zone.manager->name, e);
}

static int drop_root(void *ctx, const char *path, struct err *e)
{
    struct managed *m = ctx;
    return remove_root(m->job, path, e);
}

static const char *done(const struct managed *m)
{
    const char *root = m->template.root != NULL
                           ? arena_printf(&m->job->arena, "a clone of %s", m->template.root)
                           : arena_printf(&m->job->arena, "%zu packages", m->plan->plan.n);
    return arena_printf(&m->job->arena, "%s: %s in zone %s (%s)%s", m->plan->what, root, m->zone.name,
                        m->zone.manager->name, m->zone.boot ? ", which runs" : "");
}

static int make(struct managed *m, struct err *e)
{
    const struct manager_calls calls = {
        .fill = fill, .second = second, .own = own, .drop_root = drop_root, .ctx = m};
    if (manager_make(&m->zone, &m->steps, &calls, e) < 0)
        return err_wrap(e, "zone %s", m->zone.name);
    progress_done(&m->job->ui, done(m), NULL);
    return 0;
}

static int show(struct managed *m, struct err *e)
{
    AUTO_BUF out = {0};
    if (manager_make_check(&m->zone, &m->steps, e) < 0)
        return err_wrap(e, "zone %s", m->zone.name);
    manager_steps_show(&m->zone, &m->steps, &out);
    fputs(buf_c(&out), stdout);
    return 0;
}

static int managed(struct managed *m, struct err *e)
{
    struct job *j = m->job;
    if (network(m, e) < 0 || dataset(m, e) < 0 || describe(m, e) < 0)
        return -1;
    if (!j->opt.dry_run && manager_record_lock(m->zone.name, true, &m->lock, e) < 0)
        return -1;
    if (manager_make_check(&m->zone, &m->steps, e) < 0) /* before anything is fetched */
        return err_wrap(e, "zone %s", m->zone.name);
    if (m->template.root == NULL && (create_plan_make(j, m->plan, e) < 0 || can_run(m, e) < 0 ||
                                     create_check_needs(m->plan, m->when, e) < 0))
        return -1;
    if (describe_whole(m, e) < 0)
        return -1;
    return j->opt.dry_run ? show(m, e) : make(m, e);
}

static int choose(struct managed *m, struct err *e)
{
    struct create_manager c;
    if (create_manager_choose(m->job, m->zone.name, &c, e) < 0)
        return -1;
    m->zone.manager = c.driver;
    m->kind = c.kind;
    m->data = c.data;
    return 0;
}

static int find_template(struct managed *m, struct err *e)
{
    struct job *j = m->job;
    if (j->opt.template_root == NULL)
        return 0;
    if (create_template_find(j, &m->zone, &m->template, e) < 0 ||
        create_zone_check_kernel(m->kind, j->opt.kernel_version, e) < 0)
        return -1;
    m->zone.source_zone = m->template.own ? m->template.zone : NULL;
    m->plan->zone = m->kind;
    return create_template_release(j, m->template.root, m->plan, e);
}

int create_managed(struct job *j, struct create_plan *p, const char *target, enum create_when when,
                   struct err *e)
{
    struct managed m = {.job = j, .plan = p, .when = when, .template = {.lock = -1}, .lock = -1};
    m.zone = (struct manager_zone){
        .name = target + strlen(PREFIX), .arena = &j->arena, .log = j->log, .stop = &job_stop};
    int rc = choose(&m, e) < 0 || find_template(&m, e) < 0 ? -1 : 0;
    if (rc == 0) {
        j->opt.zone = zone_kind_name(m.kind);
        if (j->opt.hostname == NULL)
            j->opt.hostname = m.zone.name;
        rc = managed(&m, e);
    }
    manager_record_unlock(m.zone.name, m.lock, rc < 0);
    create_template_close(&m.template);
    return rc < 0 && e->class == ERR_INTR ? err_set(e, ERR_INTR, "interrupted") : rc;
}
