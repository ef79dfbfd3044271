/* What the solvers' golden tests of all package formats do with a golden file: its request comes to what
   stands behind `expect', with and without the cache of parsed indexes. ZONESTRAP_GOLDEN in the environment
   writes it anew. */
#ifndef TESTS_UNIT_SOLVE_GOLDEN_H
#define TESTS_UNIT_SOLVE_GOLDEN_H

#include "base/auto.h"
#include "base/err.h"
#include "base/file.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static const char *golden_path;
/* The cache that a run is to use; NULL: none. */
static const char *golden_solv_dir;

/* Solves the request, and appends what it comes to. */
typedef void golden_run(void *ctx, struct buf *out);

static inline void golden_error(const struct err *e, struct buf *out)
{
    buf_printf(out, "error %s: %s%s%s%s\n", err_class_name(e->class), e->msg, e->hint[0] ? " (" : "", e->hint,
               e->hint[0] ? ")" : "");
}

/* An index from the cache gives the same plan for the same reasons, and so does the run that puts it there.
 */
static inline void golden_cached(golden_run *run, void *ctx, struct str expect)
{
    golden_solv_dir = scratch_new();
    for (int i = 0; i < 2; i++) {
        AUTO_BUF got = {0};
        run(ctx, &got);
        if (!str_eq(buf_view(&got), expect)) {
            printf("%s: run %d with a cache got\n%s", golden_path, i + 1, buf_c(&got));
            CHECK(!"as without it");
        }
    }
    golden_solv_dir = NULL;
    scratch_remove();
}

/* head: what stands before the expectation. */
static inline void golden_compare(golden_run *run, void *ctx, struct str head, struct str expect)
{
    AUTO_BUF got = {0};
    struct err e;
    run(ctx, &got);
    if (getenv("ZONESTRAP_GOLDEN") != NULL) {
        AUTO_BUF all = {0};
        buf_str(&all, head);
        buf_str(&all, buf_view(&got));
        CHECK(file_replace(golden_path, buf_view(&all), 0644, &e) == 0);
    } else if (!str_eq(buf_view(&got), expect)) {
        printf("%s: got\n%s", golden_path, buf_c(&got));
        CHECK(!"as expected");
    } else
        golden_cached(run, ctx, expect);
}

#endif
