/* A unit test is a program: main() calls TEST functions through test_run() and ends with test_done().
   It prints `ok - NAME`, `not ok - NAME` (after FILE:LINE: what) or `skipped - NAME: why` a line; tests/run
   counts them. */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int test_failed_here, test_failures;
static const char *test_skip_why;

#define CHECK(cond)                                                                                          \
    do {                                                                                                     \
        if (!(cond)) {                                                                                       \
            printf("%s:%d: CHECK(%s)\n", __FILE__, __LINE__, #cond);                                         \
            test_failed_here = 1;                                                                            \
        }                                                                                                    \
    } while (0)
#define CHECK_STR(got, want)                                                                                 \
    do {                                                                                                     \
        const char *g_ = (got), *w_ = (want);                                                                \
        if (g_ == NULL || strcmp(g_, w_) != 0) {                                                             \
            printf("%s:%d: got `%s', want `%s'\n", __FILE__, __LINE__, g_ ? g_ : "(null)", w_);              \
            test_failed_here = 1;                                                                            \
        }                                                                                                    \
    } while (0)
/* Leaves the test; it counts as skipped. */
#define SKIP(why)                                                                                            \
    do {                                                                                                     \
        test_skip_why = (why);                                                                               \
        return;                                                                                              \
    } while (0)

static inline void test_run(const char *name, void (*fn)(void))
{
    test_failed_here = 0;
    test_skip_why = NULL;
    fn();
    if (test_failed_here) {
        printf("not ok - %s\n", name);
        test_failures++;
    } else if (test_skip_why != NULL) {
        printf("skipped - %s: %s\n", name, test_skip_why);
    } else {
        printf("ok - %s\n", name);
    }
    fflush(stdout);
}
#define RUN(fn) test_run(#fn, fn)

static inline int test_done(void)
{
    return test_failures > 0;
}

/* The folder of test data that stands beside the project: $ZONESTRAP_TEST_DATA, or ../shared/data. */
static inline const char *test_data(void)
{
    const char *d = getenv("ZONESTRAP_TEST_DATA");
    return d ? d : "../shared/data";
}

#endif
