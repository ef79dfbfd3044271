/* systemd-nspawn(1). Where systemd is process 1, machinectl(1) runs the zone; else systemd-nspawn itself
   does, unregistered, with a keeper of ours (command_detach()). */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "cmd/zone/command.h"
#include "cmd/zone/manager.h"

/* Seconds that a zone has to shut down; that it may take until its init listens, and what it has then. */
enum { DOWN_WITHIN = 60, YOUNG = 20, DOWN_YOUNG = 5 };
/* With --keep-unit it leaves it to who started it to boot a zone again that asked for that, by this status.
 */
enum { REBOOT = 133 };

static const char *const programs[] = {"systemd-nspawn", NULL};
static const char *const files[] = {"config", NULL};

/* sd_booted(3) */
static bool has_systemd(void)
{
    struct stat st;
    return lstat("/run/systemd/system/", &st) == 0 && S_ISDIR(st.st_mode);
}

/* systemd-nspawn leaves its lock file beside the root. */
static const char *lock_of(const struct manager_zone *z)
{
    const char *slash = strrchr(z->root, '/');
    return arena_printf(z->arena, "%.*s/.#%s.lck", (int)(slash - z->root), z->root, slash + 1);
}

static int steps(const struct manager_zone *z, struct manager_steps *s, struct err *e)
{
    (void)e;
    manager_steps_place(s, z, z->root);
    manager_steps_leftover(s, lock_of(z));
    manager_steps_add(s, MANAGER_FILE, z->config, z->config_text);
    if (z->boot)
        manager_steps_add(s, MANAGER_BOOT, NULL, (struct str){0});
    return 0;
}

static int state(const struct manager_zone *z, enum manager_state *out, struct err *e)
{
    struct stat st;
    AUTO_BUF said = {0};
    struct err ignored = {0};
    (void)e;
    *out = z->config == NULL || lstat(z->config, &st) < 0 ? MANAGER_ABSENT : MANAGER_HALTED;
    if (!has_systemd()) {
        if (command_detached(manager_beside(z, "run")) > 0)
            *out = MANAGER_RUNNING;
        return 0;
    }
    /* It fails when no machine of this name runs. */
    const char *const *argv = manager_argv(z->arena, "machinectl", "show", z->name, "-p", "State", NULL);
    if (manager_run(z, argv, &said, &ignored) == 0 && str_trim(buf_view(&said)).n > 0)
        *out = MANAGER_RUNNING;
    return 0;
}

/* Without systemd, its .nspawn file is looked for in the same place: the machine's name finds it. */
static const char *const *boot(const struct manager_zone *z)
{
    if (has_systemd())
        return manager_argv(z->arena, "machinectl", "start", z->name, NULL);
    return manager_argv(z->arena, "systemd-nspawn", "--quiet", "--keep-unit", "--register=no",
                        "--settings=trusted", "--boot", arena_printf(z->arena, "--machine=%s", z->name),
                        arena_printf(z->arena, "--directory=%s", z->root), NULL);
}

static int do_boot(const struct manager_zone *z, struct err *e)
{
    const char *const *argv;
    if (has_systemd())
        return manager_run(z, boot(z), NULL, e);
    if (command_resolve(boot(z), z->arena, &argv, e) < 0)
        return -1;
    return command_detach(argv, manager_beside(z, "run"), manager_beside(z, "console"), REBOOT, e);
}

/* Which machinectl(1) starts. To stop it is to send its init the signal of the zone's KillSignal=, and to end
   it after a while: `machinectl poweroff' knows systemd's signal alone. */
static const char *unit(const struct manager_zone *z)
{
    return arena_printf(z->arena, "systemd-nspawn@%s.service", z->name);
}

static const char *const *halt(const struct manager_zone *z)
{
    if (has_systemd())
        return manager_argv(z->arena, "systemctl", "stop", unit(z), NULL);
    return manager_argv(z->arena, "kill", "-TERM",
                        arena_printf(z->arena, "%ld", (long)command_detached(manager_beside(z, "run"))),
                        NULL);
}

/* An init that was started a moment ago may have missed the signal, and has nothing to lose; no more has a
   zone that is taken away. */
static int patience(const struct manager_zone *z)
{
    struct stat st;
    bool young = stat(manager_beside(z, "run"), &st) == 0 && time(NULL) - st.st_mtime < YOUNG;
    return young || !z->ready ? DOWN_YOUNG : DOWN_WITHIN;
}

/* Until it does not run any more. */
static bool down(const struct manager_zone *z, int seconds, struct err *e)
{
    const struct timespec tick = {0, 200000000L};
    enum manager_state now = MANAGER_RUNNING;
    for (int i = 0; i < seconds * 5 && now == MANAGER_RUNNING; i++) {
        if (state(z, &now, e) < 0 || manager_stopped(z))
            return false;
        if (now == MANAGER_RUNNING)
            nanosleep(&tick, NULL);
    }
    return now != MANAGER_RUNNING;
}

/* systemd-nspawn passes SIGTERM on as the signal that its init takes for a power-off; a second one ends it.
 */
static int do_halt(const struct manager_zone *z, struct err *e)
{
    const char *run = manager_beside(z, "run");
    if (has_systemd())
        return manager_run(z, halt(z), NULL, e);
    for (int i = 0; i < 3; i++) {
        pid_t pid = command_detached(run);
        int seconds = i == 0 ? patience(z) : DOWN_YOUNG;
        if (pid > 0)
            kill(pid, i < 2 ? SIGTERM : SIGKILL);
        if (down(z, seconds, e))
            return 0;
        if (manager_stopped(z))
            return err_set(e, ERR_INTR, "interrupted");
    }
    return err_set(e, ERR_HOST, "it does not end");
}

const struct manager manager_nspawn = {.name = "nspawn",
                                       .programs = programs,
                                       .files = files,
                                       .links = true,
                                       .settle = 5,
                                       .steps = steps,
                                       .state = state,
                                       .boot = boot,
                                       .halt = halt,
                                       .do_boot = do_boot,
                                       .do_halt = do_halt};
