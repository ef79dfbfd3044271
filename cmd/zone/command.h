/* Running a program of the host's: directly, no shell, a fixed environment, nothing to read. */
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
    const volatile int
        *stop;         /* set by a signal handler: the program and what it started is ended, ERR_INTR */
    const char *shown; /* what a message calls it; NULL: its first two words */
    int *status;       /* not NULL: gets the exit status (128+signal), which is no error then */
};

/* Runs argv, argv[0] an absolute path, to its end; what it writes to standard output is appended to out
   (NULL: dropped). ERR_HOST with the first line that it wrote to standard error when it fails. */
int command_run(const char *const *argv, struct buf *out, struct err *e);
/* The same with options. */
int command_run_with(const char *const *argv, const struct command_opts *o, struct err *e);
/* Starts argv in a session of its own, to go on when this process has ended; a keeper process waits for it
   and holds the lock on the file `run' as long, whose content is then the program's number. What the program
   says goes to the file `log', which begins anew. */
int command_detach(const char *const *argv, const char *run, const char *log, struct err *e);
/* The number of the program that was started so and has not ended, or 0. */
pid_t command_detached(const char *run);
/* The program of this name in the system's directories, or NULL. */
const char *command_find(const char *name, struct arena *a);

#endif
