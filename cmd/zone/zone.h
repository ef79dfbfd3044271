/* Running the target's programs inside a root, one implementation per host system. */
#ifndef CMD_ZONE_ZONE_H
#define CMD_ZONE_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"

/* What a zone's programs are looked up in. */
#define ZONE_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct zone_opts {
    const char *
        root; /* directory with /proc, /sys, /dev and /run (no links); what is mounted below it is not seen */
    const char *const *argv; /* in the zone; argv[0] a path or a name looked up in the zone's PATH */
    /* zone_boot: paths in the zone, NULL-terminated; the first that is there takes argv[0]'s place. */
    const char *const *inits;
    const char *const
        *env; /* the whole environment: "NAME=value", NULL-terminated; nothing of the host's is added */
    const char *hostname; /* uts name; NULL: "zone" */
    /* Keep the host's network (run), its resolv.conf shown read-only where the root has a plain file of that
       name; false: an empty network namespace with `lo' (stage 2). */
    bool net;
    bool no_fsync; /* fsync and kin answer 0; one syncfs of the root at the end */
    bool stdio;    /* true: the caller's 0,1,2; false: stdin /dev/null, output to output_fd */
    int output_fd;
    /* Called in the caller's process for every chunk of output when set (then output_fd is not used). */
    void (*output)(void *ctx, const char *p, size_t n);
    void *ctx;
    const volatile int *stop; /* set by a signal handler: the zone is killed, ERR_INTR */
    bool exclusive;           /* ERR_HOST while another zone that asked for this has the root */
    const struct log *log;
};

/* Can this host run programs of `machine` (uname -m spelling)? 0 yes; -1 with ERR_HOST and why not. Starting
   a zone needs rights besides: root's, or zone_private_enter(). */
int zone_supported(const char *machine, struct err *e);
/* Runs argv to its end behind the isolation contract; *status gets the exit status, or 128+signal. -1: could
   not start (ERR_HOST), ERR_INTR. However it ends, also by this process' death, nothing stays mounted or
   running. */
int zone_run(const struct zone_opts *o, int *status, struct err *e);

/* A system that was booted: its init is pid 1 of the zone, behind the same contract. */
struct zone;
enum zone_end {
    ZONE_OFF,    /* power off or halt */
    ZONE_REBOOT, /* it asked to be booted again */
    ZONE_EXITED, /* init ended by itself, with an exit status */
    ZONE_DIED,   /* init was killed by a signal */
    ZONE_KILLED  /* zone_end() came first */
};
/* Boots o->inits with o->argv's arguments (stdio, output, no_fsync and stop do not count). The zone has a
   terminal as /dev/console; zone_console() is its other end. *zone is for zone_end(). ERR_HOST. This process'
   death is the zone's. */
int zone_boot(const struct zone_opts *o, struct zone **zone, struct err *e);
/* The console's descriptor, not blocking: what is read was shown there, what is written was typed there. EIO:
   nobody has it open now; that may change until the zone ends. */
int zone_console(const struct zone *z);
/* Readable when zone_ended() has something to look at. */
int zone_events(const struct zone *z);
/* Looks at one event: true once the zone has ended, its processes are gone and its mounts with them. */
bool zone_ended(struct zone *z);
/* Gives the console the size of a terminal, when fd is one. */
void zone_console_size(const struct zone *z, int fd);
/* Asks init for a clean shutdown, in the way that it understands. Once more after a while: where init is all
   that is left, it is ended and that counts as ZONE_OFF. */
void zone_shut_down(struct zone *z);
/* Kills what still runs and frees z. How it ended, and an exit status (ZONE_EXITED) or a signal's number
   (ZONE_DIED). -1: it could not be booted. */
int zone_end(struct zone *z, enum zone_end *how, int *status, struct err *e);

/* A private place to build a whole system in: this process, still of one thread, gets a mount namespace of
   its own, and where it is not root's it becomes root of a user namespace: uid and gid 0 inside are the
   user's own, 1 and on are the user's subordinate ids (subuid(5), subgid(5), mapped by newuidmap(1) and
   newgidmap(1)), at least 65536 in all. From then on geteuid() is 0, files may be given to any of these ids,
   and zone_run() works; device files cannot be made. ERR_HOST names what is missing. After an error the
   process may be in a state in which it can only report and end: ask zone_private_can() first where there is
   another way. */
int zone_private_enter(struct err *e);
/* Would zone_private_enter() work here, and zone_run() after it? Tried in a process of its own. */
int zone_private_can(struct err *e);
/* After zone_private_enter(): mounts memory (tmpfs) on the directory, when need_bytes of it, and as much
   again as leaves the machine its ease, are free for this process (its cgroups' limits count); *mounted says
   whether. Seen in this process's mount namespace only, and gone with it; when it is full, writes say ENOSPC.
 */
int zone_private_memory(const char *dir, uint64_t need_bytes, bool *mounted, const struct log *log,
                        struct err *e);
/* Takes the memory away again, with what it holds. */
void zone_private_forget(const char *dir);

#endif
