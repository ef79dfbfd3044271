/* Hosts other than Linux: they run a target's programs in zones of their own alone (cmd/zone/manager.h). */
#include "cmd/zone/clone.h"
#include "cmd/zone/zone.h"

static int refuse(const char *what, struct err *e)
{
    err_set(e, ERR_HOST, "%s needs Linux", what);
    return err_hint(e, "here: create ... zone:NAME, or --second-stage first-boot or later");
}

int zone_supported(const char *machine, struct err *e)
{
    (void)machine;
    return refuse("running programs of the root's", e);
}

int zone_run(const struct zone_opts *o, int *status, struct err *e)
{
    (void)o, (void)status;
    return refuse("running programs of the root's", e);
}

int zone_boot(const struct zone_opts *o, struct zone **zone, struct err *e)
{
    (void)o;
    *zone = NULL;
    return refuse("booting a root", e);
}

/* There is never a zone that these could be asked about. */
int zone_console(const struct zone *z)
{
    (void)z;
    return -1;
}

int zone_events(const struct zone *z)
{
    (void)z;
    return -1;
}

bool zone_ended(struct zone *z)
{
    (void)z;
    return true;
}

void zone_console_size(const struct zone *z, int fd)
{
    (void)z, (void)fd;
}

void zone_shut_down(struct zone *z)
{
    (void)z;
}

int zone_end(struct zone *z, enum zone_end *how, int *status, struct err *e)
{
    (void)z, (void)how, (void)status;
    return refuse("booting a root", e);
}

int zone_private_enter(struct err *e)
{
    return refuse("a private place to finish a tarball in", e);
}

int zone_private_can(struct err *e)
{
    return zone_private_enter(e);
}

int zone_private_memory(const char *dir, uint64_t need_bytes, bool *mounted, const struct log *log,
                        struct err *e)
{
    (void)dir, (void)need_bytes, (void)log, (void)e;
    *mounted = false;
    return 0;
}

void zone_private_forget(const char *dir)
{
    (void)dir;
}

/* --- ways to clone that Linux alone has */

static int cannot(struct clone *c, struct err *why)
{
    (void)c;
    return refuse("this way to clone", why);
}

static void nothing(struct clone *c)
{
    (void)c;
}

static int not_so(const struct clone_place *p, struct arena *a, const struct log *log, struct err *e)
{
    (void)p, (void)a, (void)log, (void)e;
    return 1;
}

const struct clone_way linux_clone_btrfs = {"btrfs", cannot, cannot, cannot, nothing, not_so};
const struct clone_way linux_clone_overlay = {"overlay", cannot, cannot, cannot, nothing, not_so};

int linux_clone_overlay_over(const char *path, struct buf *where, struct err *e)
{
    (void)path, (void)where, (void)e;
    return 0;
}
