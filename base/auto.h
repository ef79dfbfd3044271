/* Cleanup at the end of a scope (gcc and clang). Hand over with auto_take_*(). */
#ifndef BASE_AUTO_H
#define BASE_AUTO_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

static inline void auto_close_(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
static inline void auto_free_(void *p)
{
    free(*(void **)p);
}
static inline void auto_fclose_(FILE **f)
{
    if (*f != NULL)
        fclose(*f);
}

#define AUTO(fn)   __attribute__((cleanup(fn)))
#define AUTO_FD    AUTO(auto_close_) int
#define AUTO_MEM   AUTO(auto_free_)
#define AUTO_FILE  AUTO(auto_fclose_) FILE *
#define AUTO_BUF   AUTO(buf_free) struct buf
#define AUTO_ARENA AUTO(arena_free) struct arena

/* Hands the descriptor over: the variable's cleanup does nothing any more. */
static inline int auto_take_fd(int *fd)
{
    int v = *fd;
    *fd = -1;
    return v;
}

#endif
