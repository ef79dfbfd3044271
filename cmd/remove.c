/* remove: the end of a root, by what it stands on. */
#include "cmd/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/os.h"
#include "cmd/clone.h"
#include "cmd/create_stages.h"

/* What zonestrap leaves in a root that it made. */
static bool is_ours(struct job *j, const char *root)
{
    static const char *const signs[] = {CLONE_RECORD, SECOND_STAGE_LOG, "/zonestrap/second-stage",
                                        "/.zonestrap-incomplete"};
    struct stat st;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (lstat(arena_printf(&j->arena, "%s%s", root, signs[i]), &st) == 0)
            return true;
    return false;
}

/* Whoever makes, finishes or boots a root has it locked; what runs in it, by whatever means, has it as its
   root directory. */
static int check_idle(const struct clone_place *p, struct err *e)
{
    struct stat st;
    if (lstat(p->path, &st) < 0 || !S_ISDIR(st.st_mode))
        return 0;
    AUTO_FD fd = open(p->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    pid_t pid = os_process_in(p->path);
    if (pid == 0 && (fd < 0 || os_lock(fd) == 0 || errno != EWOULDBLOCK))
        return 0;
    if (pid != 0)
        err_set(e, ERR_HOST, "%s: in use: process %ld runs in it", p->given, (long)pid);
    else
        err_set(e, ERR_HOST, "%s: in use: it is being made or finished, or is booted", p->given);
    return err_hint(e, "end that first");
}

static int check(struct job *j, const struct clone_place *p, bool ours, struct err *e)
{
    struct stat st, root;
    AUTO_BUF mounted = {0};
    if (lstat(p->path, &st) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", p->given);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_HOST, "%s: is no directory", p->given);
    if (stat("/", &root) == 0 && st.st_dev == root.st_dev && st.st_ino == root.st_ino)
        return err_set(e, ERR_HOST, "%s: is the root of this system", p->given);
    int rc = os_mount_below(p->path, &mounted, e);
    if (rc > 0) {
        err_set(e, ERR_HOST, "%s: %s is mounted in it", p->given, buf_c(&mounted));
        return err_hint(e, "stop what runs there and unmount it first");
    }
    if (rc == 0)
        rc = linux_clone_overlay_over(p->path, &mounted, e);
    if (rc > 0) {
        err_set(e, ERR_HOST, "%s: %s is an overlay over it", p->given, buf_c(&mounted));
        return err_hint(e, "remove that first");
    }
    if (rc < 0 || ours || j->opt.force || is_ours(j, p->path))
        return rc;
    err_set(e, ERR_HOST, "%s: does not look like a root that zonestrap made", p->given);
    return err_hint(e, "--force removes it all the same");
}

static int destroy(struct job *j, const char *path, bool ours, struct err *e)
{
    struct clone_place p;
    if (clone_place_find(&p, path, &j->arena, e) < 0 || check_idle(&p, e) < 0)
        return -1;
    /* An overlay that is not mounted is known by what lies beside it. */
    int rc = linux_clone_overlay.remove(&p, &j->arena, j->log, e);
    if (rc == 1 && check(j, &p, ours, e) < 0)
        return -1;
    for (size_t i = 0; rc == 1 && i < clone_nways; i++)
        rc = clone_ways[i]->remove(&p, &j->arena, j->log, e);
    return rc;
}

/* The place where a run that was killed was filling it. */
static int drop_partial(struct job *j, const char *path, struct err *e)
{
    struct tree *t = NULL;
    struct clone_place p;
    struct stat st;
    if (clone_place_find(&p, path, &j->arena, e) < 0)
        return -1;
    if (lstat(clone_hidden(&p, &j->arena), &st) < 0)
        return 0;
    if (tree_open_dir(&t, path, j->log, e) < 0)
        return -1;
    tree_close(t);
    return 0;
}

int remove_root(struct job *j, const char *path, struct err *e)
{
    struct stat st;
    const char *slash = strrchr(path, '/');
    if (lstat(path, &st) == 0)
        return destroy(j, path, true, e);
    if (lstat(arena_str(&j->arena, (struct str){path, (size_t)(slash - path)}), &st) < 0)
        return 0; /* not even the place */
    return drop_partial(j, path, e);
}

int cmd_remove(struct job *j, struct err *e)
{
    const struct option_list *args = &j->opt.operands;
    if (args->n != 1 || args->v[0][0] == '\0')
        return err_set(e, ERR_USAGE, "remove takes one ROOT; see zonestrap remove --help");
    if (geteuid() != 0) {
        err_set(e, ERR_HOST, "%s: removing a root needs root", args->v[0]);
        return err_hint(e, "run it as root or with sudo");
    }
    if (destroy(j, args->v[0], false, e) < 0)
        return -1;
    progress_done(&j->ui, arena_printf(&j->arena, "%s: removed", args->v[0]), NULL);
    return 0;
}
