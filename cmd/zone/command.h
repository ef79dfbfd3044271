/* Running a program of the host's: directly, no shell, a fixed environment, nothing to read. */
#ifndef CMD_ZONE_COMMAND_H
#define CMD_ZONE_COMMAND_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Runs argv, argv[0] an absolute path, to its end; what it writes to standard output is appended to out
   (NULL: dropped). ERR_HOST with the first line that it wrote to standard error when it fails. */
int command_run(const char *const *argv, struct buf *out, struct err *e);
/* The program of this name in the system's directories, or NULL. */
const char *command_find(const char *name, struct arena *a);

#endif
