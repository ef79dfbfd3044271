/* For the fuzzers, which are libFuzzer's (clang -fsanitize=fuzzer): `make fuzz` builds and runs them. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* One file for all inputs, without a name; at offset 0. */
static inline int fuzz_fd(const uint8_t *p, size_t n)
{
    static FILE *f;
    if (f == NULL && (f = tmpfile()) == NULL)
        abort();
    int fd = fileno(f);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, p, n, 0) != (ssize_t)n || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    return fd;
}

/* A new directory below $TMPDIR or /tmp, one for the process. */
static inline const char *fuzz_dir(void)
{
    static char dir[4096];
    const char *tmp = getenv("TMPDIR");
    if (dir[0] != '\0')
        return dir;
    snprintf(dir, sizeof dir, "%s/zs-fuzz.XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(dir) == NULL)
        abort();
    return dir;
}

#endif
