#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void (*exhausted)(void) = abort;

void mem_on_exhaustion(void (*handler)(void))
{
    exhausted = handler;
}

static void *checked(void *p)
{
    if (p == NULL) {
        exhausted();
        abort();
    }
    return p;
}

void *mem_alloc(size_t n)
{
    return checked(calloc(1, n ? n : 1));
}

void *mem_grow(void *p, size_t n, size_t sz)
{
    if (sz != 0 && n > SIZE_MAX / sz)
        return checked(NULL);
    size_t bytes = n * sz;
    return checked(realloc(p, bytes ? bytes : 1));
}

char *mem_dup(const char *s)
{
    return checked(strdup(s));
}
