#include "cmd/create_target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/os.h"
#include "cmd/create_stages.h"
#include "cmd/zone/zone.h"

#define PLACE "zonestrap-root-"

/* SPARE: what a second stage adds: databases, caches, logs. SWEEP_AFTER: seconds after which a place is
   locked or left over. */
enum { SPARE = 128 * 1024 * 1024, SWEEP_AFTER = 60 };

/* The name is taken when stage 1 begins; whether it can be had is known before. */
static int check_keep(struct job *j, struct create_target *t, struct err *e)
{
    struct stat st;
    if (!j->opt.keep)
        return 0;
    if (strcmp(t->name, "-") == 0)
        return err_set(e, ERR_USAGE, "--keep: standard output has no place beside it for the root");
    t->kept = arena_printf(&j->arena, "%s.root", create_target_path(j, t->name));
    if (lstat(t->kept, &st) < 0)
        return 0;
    err_set(e, ERR_HOST, "%s: exists, and --keep would keep the root there", t->kept);
    return err_hint(e, "remove it first, or choose another target");
}

bool create_target_packed(const char *name)
{
    return tarball_name(name) || oci_is(name);
}

const char *create_target_path(struct job *j, const char *name)
{
    struct oci_name image;
    struct err ignored;
    return oci_is(name) && oci_name_parse(name, &j->arena, &image, &ignored) == 0 ? image.dir : name;
}

/* The process has entered its private place, if it ever will. */
static int open_packed(struct job *j, struct create_target *t, struct err *e)
{
    struct tarball_opts o = {.jobs = (unsigned)j->opt.jobs, .stop = &job_stop, .log = j->log};
    if (!oci_is(t->name))
        return tarball_open(&t->tarball, t->name, &o, e);
    o.shown = t->name;
    return create_oci_open(j, t->name, &o, &t->oci, e) < 0
               ? -1
               : tarball_open(&t->tarball, create_oci_tarball(t->oci), &o, e);
}

int create_target_open(struct job *j, const char *name, bool finish, struct create_target *t, struct err *e)
{
    *t = (struct create_target){.name = name, .place_fd = -1};
    if (create_target_packed(name)) {
        if (check_keep(j, t, e) < 0)
            return -1;
        if (finish && zone_private_can(&t->no_place) == 0 && zone_private_enter(e) < 0)
            return -1;
        return open_packed(j, t, e);
    }
    if (tree_open_dir(&t->tree, name, j->log, e) == 0)
        return 0;
    if (second_stage_pending(j, name))
        err_hint(e, "its second stage is pending: `zonestrap second-stage %s' goes on with it", name);
    return -1;
}

/* A place that a killed run left in tmp, with a root or (that was in memory) empty. Whoever makes one holds
   its lock. */
static void sweep_place(struct job *j, const char *place)
{
    struct stat st;
    struct err ignored = {0};
    struct tree *t = NULL;
    AUTO_FD fd = open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() || st.st_mtime + SWEEP_AFTER >= time(NULL) ||
        os_lock(fd) < 0)
        return;
    if (fstatat(fd, ".root.zonestrap-partial", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        tree_open_dir(&t, arena_printf(&j->arena, "%s/root", place), j->log, &ignored) == 0)
        tree_close(t);
    if (rmdir(place) == 0)
        log_info(j->log, "%s: removed, a killed run left it", place);
}

/* Their files have many owners: an ordinary user could not remove them by hand. */
static void sweep(struct job *j, const char *tmp)
{
    DIR *d = opendir(tmp);
    for (struct dirent *de; d != NULL && (de = readdir(d)) != NULL;)
        if (strncmp(de->d_name, PLACE, strlen(PLACE)) == 0)
            sweep_place(j, arena_printf(&j->arena, "%s/%s", tmp, de->d_name));
    if (d != NULL)
        closedir(d);
}

/* A root that nobody else sees. */
static int open_private(struct job *j, struct create_target *t, uint64_t bytes, struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    if (t->kept != NULL) {
        if (tree_open_dir(&t->tree, t->kept, j->log, e) < 0)
            return -1;
        tree_keep_nodes(t->tree);
        return 0;
    }
    tmp = tmp != NULL && *tmp != '\0' ? tmp : "/tmp";
    char *place = arena_printf(&j->arena, "%s/" PLACE "XXXXXX", tmp);
    sweep(j, tmp);
    if (mkdtemp(place) == NULL)
        return err_sys(e, ERR_HOST, errno, "%s", place);
    t->place = place;
    t->place_fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t->place_fd < 0 || os_lock(t->place_fd) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", place);
    if (zone_private_memory(place, bytes + bytes / 4 + SPARE, &t->in_memory, j->log, e) < 0 ||
        tree_open_dir(&t->tree, arena_printf(&j->arena, "%s/root", place), j->log, e) < 0)
        return -1;
    tree_keep_nodes(t->tree);
    return 0;
}

int create_target_tree(struct job *j, struct create_target *t, bool finish, uint64_t bytes, struct err *e)
{
    if (t->tarball == NULL)
        return 0;
    return finish ? open_private(j, t, bytes, e) : tree_open_tar(&t->tree, t->tarball, t->name, j->log, e);
}

void create_target_drop_caps(struct create_target *t)
{
    tree_drop_caps(t->tree);
    if (t->tarball != NULL)
        tarball_drop_caps(t->tarball);
}

const char *create_target_kept(const struct create_target *t)
{
    return t->tarball == NULL ? t->name : t->kept;
}

int create_target_keep(struct job *j, struct create_target *t, struct err *e)
{
    return t->tarball == NULL ? create_target_seal(j, t, e) : tree_seal(t->tree, false, e);
}

int create_target_seal(struct job *j, struct create_target *t, struct err *e)
{
    int rc;
    bool nosync = t->oci != NULL && create_oci_based(t->oci);
    progress_begin(&j->ui, "seal");
    if (t->tarball != NULL && tree_fd(t->tree) >= 0)
        rc = tree_pack(t->tree, t->tarball, e) < 0 ? -1 : tarball_finish(t->tarball, nosync, &t->digest, e);
    else
        rc = tree_seal(t->tree, nosync, e);
    if (rc == 0 && t->tarball != NULL && tree_fd(t->tree) < 0)
        t->digest = *tree_digest(t->tree);
    if (rc == 0 && t->oci != NULL)
        rc = create_oci_seal(t->oci, &t->image, &t->digest, e);
    progress_end(&j->ui, "seal");
    return rc;
}

void create_target_close(struct job *j, struct create_target *t)
{
    tree_close(t->tree);
    tarball_close(t->tarball);
    create_oci_close(t->oci);
    if (t->in_memory)
        zone_private_forget(t->place);
    if (t->place_fd >= 0)
        close(t->place_fd);
    if (t->place != NULL && rmdir(t->place) < 0)
        log_warn(j->log, "%s: cannot be removed: %s", t->place, strerror(errno));
    t->tree = NULL;
    t->tarball = NULL;
    t->oci = NULL;
    t->place = NULL;
}
