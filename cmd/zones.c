/* zone: lists, boots, halts and removes the zones that `create ... zone:NAME' made. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/remove.h"
#include "cmd/zone/manager.h"

static struct manager_zone zone_of(struct job *j, const char *name)
{
    return (struct manager_zone){.name = name, .arena = &j->arena, .log = j->log, .stop = &job_stop};
}

static int read_zone(struct manager_zone *z, struct err *e)
{
    struct manager_undo u;
    int rc = manager_record_read(z, &u, e);
    if (rc <= 0)
        return rc;
    err_set(e, ERR_HOST, "zonestrap made none of this name");
    return err_hint(e, "`zonestrap zone list' shows those that it made");
}

/* --- list */

/* One that is being made, or that a killed run left, is `half' whatever its manager says. */
static const char *state_word(const struct manager_zone *z, struct err *e)
{
    static const char *const words[] = {[MANAGER_ABSENT] = "missing",
                                        [MANAGER_HALF] = "half",
                                        [MANAGER_HALTED] = "halted",
                                        [MANAGER_RUNNING] = "running"};
    enum manager_state state;
    if (!z->ready)
        return "half";
    return z->manager->state(z, &state, e) < 0 ? NULL : words[state];
}

static void show_json(const struct manager_zone *z, const char *state, bool first)
{
    const char *const pairs[][2] = {
        {"name", z->name},   {"state", state},  {"manager", z->manager->name}, {"kind", z->kind},
        {"system", z->what}, {"root", z->root}, {"dataset", z->dataset}};
    fputs(first ? "" : ",\n", stdout);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i][1] == NULL)
            continue;
        printf("%s\"%s\":", i ? "," : "{", pairs[i][0]);
        progress_json_string(stdout, pairs[i][1]);
    }
    putchar('}');
}

static int list(struct job *j, struct err *e)
{
    const char **names;
    size_t n, shown = 0;
    if (manager_record_list(&j->arena, &names, &n, e) < 0)
        return -1;
    fputs(j->opt.json ? "[" : "", stdout);
    for (size_t i = 0; i < n; i++) {
        struct manager_zone z = zone_of(j, names[i]);
        const char *state;
        struct err why = {0};
        if (job_stop)
            break;
        if (read_zone(&z, &why) < 0 || (state = state_word(&z, &why)) == NULL) {
            log_warn(j->log, "zone %s: %s", names[i], why.msg);
            continue;
        }
        if (j->opt.names)
            puts(z.name);
        else if (j->opt.json)
            show_json(&z, state, shown == 0);
        else
            printf("%-20s %-8s %-8s %-24s %s\n", z.name, state, z.manager->name, z.what ? z.what : "-",
                   z.root);
        shown++;
    }
    if (j->opt.json)
        puts("]");
    return job_check_stop(e);
}

/* --- the others */

static int boot(struct job *j, struct manager_zone *z, struct err *e)
{
    enum manager_state state;
    if (!z->ready) {
        err_set(e, ERR_HOST, "it is not whole: the run that made it or took it away did not end");
        return err_hint(e, "`zonestrap zone remove %s' takes away what there is of it", z->name);
    }
    if (z->manager->state(z, &state, e) < 0)
        return -1;
    if (state == MANAGER_RUNNING)
        return err_set(e, ERR_HOST, "it runs already");
    if (state == MANAGER_ABSENT) {
        err_set(e, ERR_HOST, "%s does not know it any more", z->manager->name);
        return err_hint(e, "`zonestrap zone remove %s' takes away what there is of it", z->name);
    }
    if (manager_boot(z, e) < 0)
        return -1;
    progress_done(&j->ui, arena_printf(&j->arena, "zone %s: runs", z->name), NULL);
    return 0;
}

static int halt(struct job *j, struct manager_zone *z, struct err *e)
{
    enum manager_state state;
    if (z->manager->state(z, &state, e) < 0)
        return -1;
    if (state == MANAGER_ABSENT || state == MANAGER_HALTED) /* what hangs half-way is halted, too */
        return err_set(e, ERR_HOST, "it does not run");
    if (manager_halt(z, e) < 0)
        return -1;
    progress_done(&j->ui, arena_printf(&j->arena, "zone %s: halted", z->name), NULL);
    return 0;
}

static int drop_root(void *ctx, const char *path, struct err *e)
{
    return remove_root(ctx, path, e);
}

static int nothing(void *ctx, const char *path, struct err *e)
{
    (void)ctx;
    return err_set(e, ERR_HOST, "%s: not made here", path);
}

static int no_second(void *ctx, const char *const *argv, struct err *e)
{
    return nothing(ctx, argv[0], e);
}

static int take_away(struct job *j, struct manager_zone *z, struct err *e)
{
    const struct manager_calls calls = {
        .fill = nothing, .second = no_second, .drop_root = drop_root, .ctx = j};
    z->force = j->opt.force;
    if (manager_unmake(z, &calls, e) < 0)
        return e->class != ERR_INTR && e->hint[0] == '\0'
                   ? err_hint(e, "mend that and try again; --force leaves it, and removes the rest")
                   : -1;
    progress_done(&j->ui, arena_printf(&j->arena, "zone %s: removed", z->name), NULL);
    return 0;
}

static const struct verb {
    const char *name;
    int (*run)(struct job *j, struct manager_zone *z, struct err *e);
} verbs[] = {{"boot", boot}, {"halt", halt}, {"remove", take_away}};

static int run(struct job *j, const struct verb *v, const char *name, struct err *e)
{
    struct manager_zone z = zone_of(j, name);
    int lock;
    if (manager_name_check(name, e) < 0)
        return -1;
    if (read_zone(&z, e) < 0) /* before a lock is made for it */
        return err_wrap(e, "zone %s", name);
    if (manager_record_lock(name, false, &lock, e) < 0)
        return -1;
    z = zone_of(j, name);
    int rc = read_zone(&z, e);
    bool gone = rc < 0;
    if (rc == 0)
        rc = v->run(j, &z, e);
    manager_record_unlock(name, lock, gone || (rc == 0 && v->run == take_away));
    return rc < 0 ? err_wrap(e, "zone %s", name) : 0;
}

int cmd_zone(struct job *j, struct err *e)
{
    const struct option_list *args = &j->opt.operands;
    const char *verb = args->n > 0 ? args->v[0] : "";
    if (geteuid() != 0) {
        err_set(e, ERR_HOST, "zones are root's");
        return err_hint(e, "run it as root or with sudo");
    }
    if (args->n == 1 && strcmp(verb, "list") == 0)
        return list(j, e);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (args->n == 2 && strcmp(verb, verbs[i].name) == 0)
            return run(j, &verbs[i], args->v[1], e);
    err_set(e, ERR_USAGE, "zone takes `list', or `boot', `halt' or `remove' and a NAME");
    return err_hint(e, "see zonestrap zone --help");
}
