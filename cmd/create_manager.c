#include "cmd/create_manager.h"

#include <string.h>
#include <sys/utsname.h>

#include "cmd/zone/command.h"

enum { BEFORE_MAX = 8 };

struct choice {
    struct job *job;
    const char *zone;
    struct create_manager *out;
};

/* What the driver wants to know must stand in the kind's file. */
static int check_kind(const struct choice *c, const struct manager *driver, struct zone_kind *k,
                      struct err *e)
{
    const struct zone_manager_data *d = &c->out->data;
    if (d->nbefore > BEFORE_MAX)
        return err_set(e, ERR_USAGE, "zone kind %s: [manager %s] has more than %d `before'",
                       zone_kind_name(k), d->name, BEFORE_MAX);
    for (const char *const *f = driver->files; *f != NULL; f++) {
        size_t i = 0;
        while (i < d->n && strcmp(d->files[i].key, *f) != 0)
            i++;
        if (i == d->n)
            return err_set(e, ERR_USAGE,
                           "zone kind %s: [manager %s] lacks `file %s', which this manager wants",
                           zone_kind_name(k), d->name, *f);
    }
    return 0;
}

/* Whether this manager of the kind is the host's and can be used: 0; 1: the reason goes to why; -1: the
   kind's file is wrong. */
static int usable(struct choice *c, struct zone_kind *k, const char *name, struct err *why)
{
    struct utsname u;
    const struct zone_facts f = {.name = c->zone};
    const struct manager *driver = manager_find(name);
    if (zone_kind_manager(k, name, &f, &c->job->arena, &c->out->data, why) < 0)
        return -1;
    if (driver == NULL)
        return err_set(why, ERR_USAGE, "zone kind %s: unknown zone manager `%s'", zone_kind_name(k), name);
    if (c->job->opt.manager == NULL && (uname(&u) < 0 || strcmp(u.sysname, c->out->data.system) != 0)) {
        err_set(why, ERR_HOST, "zone manager %s is for hosts with %s", name, c->out->data.system);
        return 1;
    }
    if (check_kind(c, driver, k, why) < 0)
        return -1;
    int rc = manager_can(driver, &c->job->arena, why);
    for (size_t i = 0; rc == 0 && i < c->out->data.nbefore; i++)
        if (command_find(c->out->data.before[i].v[0], &c->job->arena) == NULL)
            rc = err_set(why, ERR_HOST, "zone manager %s: there is no program %s here", name,
                         c->out->data.before[i].v[0]);
    if (rc < 0 && c->out->data.hint != NULL)
        err_hint(why, "%s", c->out->data.hint);
    if (rc < 0)
        return 1;
    c->out->driver = driver;
    c->out->kind = k;
    return 0;
}

/* The first manager of the kind that can be used. Of several reasons why not, one about programs is kept;
   none: the kind has no manager that was asked for. */
static int choose_of(struct choice *c, const char *kind, struct err *why)
{
    struct zone_kind *k;
    const char *wanted = c->job->opt.manager;
    if (zone_kind_load(&c->job->data, kind, &c->job->arena, &k, why) < 0)
        return c->job->opt.zone != NULL ? err_wrap(why, "--zone") : -1;
    const struct zone_words names = zone_kind_managers(k, &c->job->arena);
    for (size_t i = 0; i < names.n; i++) {
        struct err this = {0};
        if (wanted != NULL && strcmp(names.v[i], wanted) != 0)
            continue;
        int rc = usable(c, k, names.v[i], &this);
        if (rc == 0)
            return 0;
        if (rc < 0 || why->class == ERR_NONE || (why->hint[0] == '\0' && this.hint[0] != '\0'))
            *why = this;
        if (rc < 0)
            return -1;
    }
    return 1;
}

static int choose_named(struct choice *c, const char *kind, struct err *e)
{
    int rc = choose_of(c, kind, e);
    if (rc <= 0)
        return rc;
    if (e->class != ERR_NONE)
        return -1;
    if (c->job->opt.manager == NULL)
        return err_set(e, ERR_USAGE, "zone kind %s has no zone manager", kind);
    return err_set(e, ERR_USAGE, "zone kind %s is not for zone manager %s", kind, c->job->opt.manager);
}

int create_manager_choose(struct job *j, const char *zone, struct create_manager *out, struct err *e)
{
    struct choice whole = {j, zone, out}, *c = &whole;
    struct zone_words kinds;
    struct err first = {0};
    const char *wanted = c->job->opt.manager;
    if (wanted != NULL && manager_find(wanted) == NULL)
        return err_set(e, ERR_USAGE, "--manager: there is no zone manager `%s', but %s", wanted,
                       manager_names(&c->job->arena));
    if (c->job->opt.zone != NULL)
        return choose_named(c, c->job->opt.zone, e);
    if (zone_kind_list(&c->job->data, &c->job->arena, &kinds, e) < 0)
        return -1;
    for (size_t i = 0; i < kinds.n; i++) {
        struct err why = {0};
        int rc = choose_of(c, kinds.v[i], &why);
        if (rc < 0)
            *e = why;
        if (rc <= 0)
            return rc;
        if (why.class != ERR_NONE &&
            (first.class == ERR_NONE || (why.hint[0] != '\0' && first.hint[0] == '\0')))
            first = why;
    }
    if (first.class == ERR_NONE)
        return err_set(e, ERR_USAGE, "there is no zone kind for zone manager %s", wanted ? wanted : "");
    *e = first;
    return err_wrap(e, "no zone manager can be used here");
}
