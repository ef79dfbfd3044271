/* What the files of the Linux zone share. One zone is a chain of processes:

   - the caller, zone_run(), pumps output and messages;

   - the watcher outlives a killed caller, kills the zone and removes its cgroups. It has a private mount
     namespace: "staging";

   - the mounter is transient: it puts the root, /proc, /sys and /dev into staging;

   - init is pid 1 of the zone, in staging and otherwise in the zone's namespaces: it reaps, reports, and
   takes all down with it;

   - the target becomes argv, in a copy of staging that the zone owns. In a zone that is booted, init does
   that itself.

   The mounts that protect the host (read-only parts of /proc, /sys, no device files below the root) are made
   in staging, which the host's user namespace owns: in the zone's copy the kernel keeps them locked, even for
   the zone's root. Staging's own root is an empty read-only tmpfs, so that pid 1 has a root that is not the
   zone's (ischroot(1) says yes) and shows nothing of the host. */
#ifndef CMD_ZONE_LINUX_H
#define CMD_ZONE_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "cmd/zone/zone.h"

enum { CGROUPS_MAX = 24 };

/* The sub-cgroups of one zone, one for every hierarchy that could be written. */
struct linux_cgroup {
    struct {
        int parent, fd; /* directories: the caller's cgroup, and ours in it */
    } at[CGROUPS_MAX];
    size_t n;
    char name[64];
};

/* Known to every process of the chain. */
struct linux_zone {
    const struct zone_opts *o;
    const char *path; /* the root, without symbolic links */
    int msg;          /* write end: struct linux_msg to the caller */
    int life;         /* read end: closed by the caller to end the zone */
    int go;           /* read end: init waits here for its mounts */
    int console;      /* booted: a socket for the console's other end; else -1 */
    int lock;         /* o->exclusive: the root, locked; else -1 */
    bool foreground;  /* the zone gets the terminal's foreground */
    char tty[64];     /* standard input, when that is a terminal */
    struct linux_cgroup cg;
};

/* Written whole (at most PIPE_BUF bytes). */
struct linux_msg {
    enum { LINUX_MSG_ERR, LINUX_MSG_LOG, LINUX_MSG_EXIT } kind;
    int status; /* LINUX_MSG_EXIT: the exit status; booted: as waitpid(2) gives it */
    struct err e;
};

/* Looks at o->root and takes its lock; z->path points into path (PATH_MAX bytes). */
int linux_zone_open(struct linux_zone *z, const struct zone_opts *o, char *path, struct err *e);
/* Forks the chain; out is the write end of its output or -1. The caller's ends of the pipes go to *msg and
 * *life. The watcher's pid, or -1. */
pid_t linux_start(struct linux_zone *z, int out, int *msg, int *life, struct err *e);
/* Reads one message: 1; 0: the chain has ended; -1: try again. What the zone said is not taken on trust: said
 * gets the first error only, *status an exit status, logs are logged. */
int linux_take_msg(int fd, const struct log *log, struct err *said, bool *ended, int *status);

void linux_send_err(const struct linux_zone *z, const struct err *e);
void linux_send_log(const struct linux_zone *z, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void linux_send_exit(const struct linux_zone *z, int status);
/* Closes every descriptor but 0, 1, 2 and keep's. */
void linux_close_but(const int *keep, size_t n);
/* Waits, EINTR handled; the exit status or 128+signal, -1 when there is nothing to wait for. */
int linux_wait(pid_t pid);

/* Makes a fresh sub-cgroup wherever it can; what fails is logged at debug level and left out. */
void linux_cgroup_open(struct linux_cgroup *cg, const struct log *log);
void linux_cgroup_enter(const struct linux_cgroup *cg, pid_t pid);
/* Removes them, with what the zone made in them; all its processes must be gone. Twice is fine. */
void linux_cgroup_remove(const struct linux_cgroup *cg);
void linux_cgroup_close(struct linux_cgroup *cg);
/* The directory of this process' cgroup in the v1 hierarchy with the controller, or else in v2; its first
 * *top bytes are where that is mounted. False: there is none. */
bool linux_cgroup_find(const char *controller, struct buf *dir, size_t *top, bool *v1);

/* Clones init in its own namespaces with the identity map, has its mounts made and lets it go; never returns.
 */
_Noreturn void linux_watch(struct linux_zone *z);
/* Namespaces (CLONE_NEW*) were refused together with errnum: an error that names the first kind that is
 * refused alone. */
int linux_refused(int flags, int errnum, struct err *e);
/* Pid 1 of the zone; never returns. */
_Noreturn void linux_init(struct linux_zone *z);
/* The process that becomes argv; never returns. */
_Noreturn void linux_target(struct linux_zone *z, const char *const *env);

/* The mounter's work, in staging, with the zone's /proc and /sys. Ends with staging's root as `/`. */
int linux_mounts_stage(const struct linux_zone *z, struct err *e);
/* The target's part, in its own copy: the root becomes `/`; /run, /dev/pts and /dev/shm, which the zone may
 * change. */
int linux_mounts_enter(const struct linux_zone *z, struct err *e);

/* reboot(2): pid 1 of a pid namespace that powers off seems killed by SIGINT, and one that reboots by SIGHUP.
 */
enum { LINUX_OFF = 2, LINUX_REBOOT = 1 };
/* A booted zone's watcher, after go: asks init to end when the caller says so, and tells how it ended. proc
   is init's directory in the host's /proc, which this process does not see any more. */
void linux_boot_watch(const struct linux_zone *z, pid_t init, int proc);
/* A booted zone's target, when its mounts are made: the console, of the zone's own /dev/pts, becomes standard
 * input and output; its other end goes to z->console. */
int linux_boot_console(const struct linux_zone *z, struct err *e);
/* Becomes the first of o->inits that is there. Returns only when it cannot. */
int linux_boot_exec(const struct linux_zone *z, const char *const *env, struct err *e);
/* execve(2) of path in root failed: why. */
int linux_exec_failed(const char *root, const char *path, int errnum, struct err *e);

/* Filters that the target needs; a kernel without seccomp is no error. 1: not available. */
int linux_seccomp(bool no_fsync, bool terminal, struct err *e);

/* Subordinate ids: ranges that do not overlap, own left out. */
enum { LINUX_SUBIDS_MAX = 64 };
struct linux_subids {
    struct {
        uint32_t first, count;
    } v[LINUX_SUBIDS_MAX];
    size_t n;
    uint64_t total;
};
/* Reads a file of subuid(5) or subgid(5): the lines of the user, by name (may be NULL) or by number; lines
 * that are none are left out, and ranges past LINUX_SUBIDS_MAX. Without the file there are none. */
int linux_subids_read(const char *path, const char *user, uid_t uid, uint32_t own, struct linux_subids *ids,
                      struct err *e);
/* Was zone_private_enter() done? */
bool linux_private_entered(void);
/* Bytes of memory left to the cgroup at dir and those above it, down to the first top bytes of its name;
 * without a limit UINT64_MAX. */
uint64_t linux_memory_left(const char *dir, size_t top, bool v1);

/* The name of the machine whose programs have these fields in their ELF header; NULL: an unknown one. */
const char *linux_machine(unsigned number, unsigned char elf_class, unsigned char data);
/* Of the paths in the root, NULL-terminated, the first that is there: ERR_HOST if it is, or is a script for,
   a program that this host cannot run for its architecture. */
int linux_programs_check(const char *root, const char *const *paths, struct err *e);
/* Does binfmt_misc, mounted at dir, run programs of machine in a root that lacks the interpreter? */
int linux_binfmt(const char *dir, const char *machine, struct err *e);

#endif
