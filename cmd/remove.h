/* The end of a root. */
#ifndef CMD_REMOVE_H
#define CMD_REMOVE_H

#include "cmd/cmd.h"

/* Destroys the root at path, by what it stands on, with what a killed run left of it; 0 also when there is
   none. The caller knows that it is zonestrap's. ERR_HOST: something is mounted or runs in it. */
int remove_root(struct job *j, const char *path, struct err *e);

#endif
