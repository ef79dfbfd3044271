#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/tree.h"
#include "cmd/cmd.h"
#include "fixups/fixup.h"

volatile int job_stop;

int job_check_stop(struct err *e)
{
    return job_stop ? err_set(e, ERR_INTR, "interrupted") : 0;
}

/* --recipes, then the user's configuration, then the system's. */
static int find_data_dirs(struct job *j, struct err *e)
{
    const struct option_list *own = &j->opt.recipes;
    const char **dirs = arena_array(&j->arena, own->n + 2, sizeof *dirs);
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    size_t n = own->n;
    struct stat st;
    for (size_t i = 0; i < n; i++) {
        if (stat(own->v[i], &st) < 0)
            return err_sys(e, ERR_USAGE, errno, "--recipes %s", own->v[i]);
        if (!S_ISDIR(st.st_mode))
            return err_set(e, ERR_USAGE, "--recipes %s: not a directory", own->v[i]);
    }
    if (n > 0)
        memcpy(dirs, own->v, n * sizeof *dirs);
    if (config != NULL && config[0] == '/')
        dirs[n++] = arena_printf(&j->arena, "%s/zonestrap", config);
    else if (home != NULL && home[0] == '/')
        dirs[n++] = arena_printf(&j->arena, "%s/.config/zonestrap", home);
    /* Another user's HOME, inherited: nothing of it is meant for this run. */
    if (n > own->n && access(dirs[n - 1], R_OK | X_OK) < 0)
        n--;
    dirs[n++] = "/etc/zonestrap";
    j->data = (struct data){dirs, n};
    return 0;
}

/* Verified packages wait in open descriptors to be unpacked. */
static void raise_descriptor_limit(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max > 65536 ? 65536 : r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

int job_init(struct job *j, struct err *e)
{
    const struct options *o = &j->opt;
    if (progress_init(&j->ui, o->progress, o->quiet, (unsigned)o->verbose, o->log_file, e) < 0)
        return -1;
    j->log = &j->ui.log;
    if (o->hostname != NULL && !fixup_hostname_ok(o->hostname))
        return err_set(e, ERR_USAGE,
                       "--hostname: `%.100s' is no host name: up to 64 letters, digits, `-' and `.'",
                       o->hostname);
    j->now = o->now ? (int64_t)o->now : (int64_t)time(NULL);
    if (find_data_dirs(j, e) < 0)
        return -1;
    raise_descriptor_limit();
    return 0;
}

static const char *default_cache_dir(struct job *j)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (geteuid() == 0)
        return "/var/cache/zonestrap";
    if (cache != NULL && cache[0] == '/')
        return arena_printf(&j->arena, "%s/zonestrap", cache);
    if (home != NULL && home[0] == '/')
        return arena_printf(&j->arena, "%s/.cache/zonestrap", home);
    return NULL;
}

void job_open_cache(struct job *j)
{
    const char *dir = j->opt.cache_dir ? j->opt.cache_dir : default_cache_dir(j);
    struct err e = {0};
    if (dir == NULL || strcmp(dir, "none") == 0)
        return;
    if (cache_open(&j->cache, dir, &e) < 0) {
        log_warn(j->log, "no cache: %s", e.msg);
        return;
    }
    j->have_cache = true;
    char *solv = arena_printf(&j->arena, "%s/solv", dir);
    if (file_mkdirs(solv, 0755, &e) == 0)
        j->solv_dir = solv;
}

const char *job_hostname(struct job *j, const char *root)
{
    AUTO_BUF text = {0};
    struct tree *t = NULL;
    struct err ignored = {0};
    struct str name = {0}, rest;
    if (j->opt.hostname != NULL)
        return j->opt.hostname;
    if (tree_open_existing(&t, root, NULL, &ignored) == 0 &&
        tree_read(t, "/etc/hostname", 1024, &text, &ignored) == 0) {
        rest = buf_view(&text);
        str_line(&rest, &name);
    }
    tree_close(t);
    name = str_trim(name);
    return name.n > 0 && name.n <= 64 ? arena_str(&j->arena, name) : "zone";
}

void job_free(struct job *j)
{
    if (j->have_cache)
        cache_close(&j->cache);
    progress_free(&j->ui);
    arena_free(&j->arena);
}
