/* For the fuzzers that unpack packages: a target, and a directory beside it that must stay as it is. */
#ifndef TESTS_FUZZ_UNPACK_H
#define TESTS_FUZZ_UNPACK_H

#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

static const char *beside, *target; /* NULL before set_up() */

static inline void set_up(void)
{
    static char b[4200], t[4200];
    snprintf(b, sizeof b, "%s/beside", fuzz_dir());
    snprintf(t, sizeof t, "%s/root", fuzz_dir());
    if (mkdir(b, 0755) < 0)
        abort();
    beside = b;
    target = t;
}

#endif
