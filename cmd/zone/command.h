/* Running a program of the host's: directly, no shell, a fixed environment, nothing to read, no signal
   ignored. */
#ifndef CMD_ZONE_COMMAND_H
#define CMD_ZONE_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct command_opts {
    struct buf *out; /* what it writes to standard output is appended to it; NULL: see output */
    /* Without out: called for every piece of what it writes to standard output and standard error; NULL:
       dropped. */
    void (*output)(void *ctx, const char *p, size_t n);
    void *ctx;
    /* Above stops, by a signal handler: the program and what it started is ended, ERR_INTR. May be NULL. */
    const volatile int *stop;
    int stops;
    const char *shown; /* what a message calls it; NULL: its first two words */
    int *status;       /* not NULL: gets the exit status (128+signal), which is no error then */
};

/* Runs argv, argv[0] an absolute path, to its end; what it writes to standard output is appended to out
   (NULL: dropped). ERR_HOST with the first line that it wrote to standard error when it fails. */
int command_run(const char *const *argv, struct buf *out, struct err *e);
/* The same with options. */
int command_run_with(const char *const *argv, const struct command_opts *o, struct err *e);
/* What both below are made of: starts argv with these outputs; an errno, or 0. grouped: in a process group of
   its own, so that a terminal's ^C reaches this program alone. */
int command_start(const char *const *argv, int out, int err, bool grouped, pid_t *pid);
/* A pipe that no program inherits. */
bool command_pipe(int fds[2]);
/* The program of this name in the system's directories, or NULL. */
const char *command_find(const char *name, struct arena *a);
/* argv, its first word in the place of a bare name the path of that program; in the arena. ERR_HOST: there is
   none. */
int command_resolve(const char *const *argv, struct arena *a, const char *const **out, struct err *e);

/* --- cmd/zone/command_detach.c */

/* Starts argv in a session of its own, to go on when this process has ended; a keeper process waits for it
   and holds the lock on the file `run' as long, whose content is then the program's number. What the program
   says goes to the file `log', which begins anew, now and whenever it has grown too long. When the program
   ends with the status `again', it is started again (0: never). ERR_HOST, also while it runs already. */
int command_detach(const char *const *argv, const char *run, const char *log, int again, struct err *e);
/* The number of the program that was started so and has not ended, or 0. */
pid_t command_detached(const char *run);

#endif
