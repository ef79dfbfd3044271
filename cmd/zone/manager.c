#include "cmd/zone/manager.h"

#include <time.h>

#include "base/auto.h"
#include "cmd/zone/command.h"

static const struct manager *const managers[] = {&manager_illumos, &manager_freebsd, &manager_lxc,
                                                 &manager_nspawn};

/* Seconds that a zone has to come up; to find that out it is looked at so often. */
enum { UP_WITHIN = 30, LOOKS = 5 };

const struct manager *manager_find(const char *name)
{
    for (size_t i = 0; i < sizeof managers / sizeof *managers; i++)
        if (strcmp(managers[i]->name, name) == 0)
            return managers[i];
    return NULL;
}

int manager_can(const struct manager *m, struct arena *a, struct err *e)
{
    for (const char *const *p = m->programs; *p != NULL; p++)
        if (command_find(*p, a) == NULL)
            return err_set(e, ERR_HOST, "zone manager %s: there is no program %s here", m->name, *p);
    return 0;
}

int manager_run(const struct manager_zone *z, const char *const *argv, struct buf *out, struct err *e)
{
    size_t n = 0;
    while (argv[n] != NULL)
        n++;
    const char **whole = arena_array(z->arena, n + 1, sizeof *whole);
    memcpy(whole, argv, n * sizeof *argv);
    whole[0] = argv[0][0] == '/' ? argv[0] : command_find(argv[0], z->arena);
    if (whole[0] == NULL)
        return err_set(e, ERR_HOST, "there is no program %s here", argv[0]);
    AUTO_BUF said = {0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&said, "%s%s", i ? " " : "", argv[i]);
    log_debug(z->log, "%s", buf_c(&said));
    const struct command_opts o = {.out = out, .stop = z->stop, .shown = buf_c(&said)};
    return command_run_with(whole, &o, e);
}

/* Until the manager says that it runs. */
static int wait_up(const struct manager_zone *z, struct err *e)
{
    const struct timespec tick = {0, 1000000000L / LOOKS};
    enum manager_state state = MANAGER_ABSENT;
    for (int i = 0; i < UP_WITHIN * LOOKS; i++) {
        if (z->manager->state(z, &state, e) < 0)
            return -1;
        if (state == MANAGER_RUNNING)
            return 0;
        if (z->stop != NULL && *z->stop != 0)
            return err_set(e, ERR_INTR, "interrupted");
        nanosleep(&tick, NULL);
    }
    return err_set(e, ERR_HOST, "it was booted, but does not run");
}

int manager_boot(const struct manager_zone *z, struct err *e)
{
    int rc = z->manager->do_boot != NULL ? z->manager->do_boot(z, e)
                                         : manager_run(z, z->manager->boot(z), NULL, e);
    return rc < 0 || wait_up(z, e) < 0 ? err_wrap(e, "cannot be booted") : 0;
}

int manager_halt(const struct manager_zone *z, struct err *e)
{
    enum manager_state state;
    if (z->manager->state(z, &state, e) < 0)
        return -1;
    if (state == MANAGER_ABSENT || state == MANAGER_HALTED)
        return 0;
    int rc = z->manager->do_halt != NULL ? z->manager->do_halt(z, e)
                                         : manager_run(z, z->manager->halt(z), NULL, e);
    return rc < 0 ? err_wrap(e, "cannot be halted") : 0;
}
