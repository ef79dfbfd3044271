/* A zones' directory of the test's own, and a zone that a manager of the test's own makes. Needs root. */
#ifndef TESTS_UNIT_MANAGER_HELP_H
#define TESTS_UNIT_MANAGER_HELP_H

#include <sys/mount.h>
#include <sys/stat.h>

#include "cmd/zone/manager.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static struct arena arena;
static struct err err;
static struct buf warned;
static volatile int stop;
static const char *skip_all;

static inline void on_line(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    if (level == LOG_WARN)
        buf_printf(&warned, "%s\n", text);
}
static const struct log logger = {.line = on_line};

/* Of the test's mount namespace alone: what it does there the host does not see. */
static inline void own_zones(const char *options)
{
    static bool own;
    if (geteuid() != 0)
        skip_all = "needs root";
    else if (!own && (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
        skip_all = "no mount namespaces here";
    else if (mount("none", "/var/lib", "tmpfs", 0, options) < 0)
        skip_all = "cannot mount here";
    own = true;
}

#define NEEDS_ZONES                                                                                          \
    do {                                                                                                     \
        if (skip_all != NULL)                                                                                \
            SKIP(skip_all);                                                                                  \
    } while (0)

static inline struct manager_zone zone_named(const char *name)
{
    return (struct manager_zone){.name = name, .arena = &arena, .log = &logger, .stop = &stop};
}

static inline bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static inline bool zones_has(const char *file)
{
    return is_there(arena_printf(&arena, MANAGER_ZONES "/%s", file));
}

static inline void begin(void)
{
    err = (struct err){0};
    buf_clear(&warned);
    stop = 0;
}

#endif
