#include "tests/unit/test.h"

#include "base/log.h"

static struct {
    unsigned lines, snapshots;
    enum log_level level;
    char text[4096];
    struct progress last;
} seen;

static void on_line(void *ctx, enum log_level level, const char *text)
{
    CHECK(ctx == &seen);
    seen.lines++;
    seen.level = level;
    snprintf(seen.text, sizeof seen.text, "%s", text);
}

static void on_progress(void *ctx, const struct progress *p)
{
    CHECK(ctx == &seen);
    seen.snapshots++;
    seen.last = *p;
}

static void lines(void)
{
    const struct log l = {.line = on_line, .ctx = &seen};
    log_warn(&l, "a %d", 1);
    CHECK(seen.lines == 1 && seen.level == LOG_WARN);
    CHECK_STR(seen.text, "a 1");
    log_info(&l, "b");
    CHECK(seen.level == LOG_INFO);
    log_debug(&l, "c");
    CHECK(seen.level == LOG_DEBUG && seen.lines == 3);
    log_progress(&l, &(struct progress){.stage = "x"});
    CHECK(seen.snapshots == 0);
}

static void long_line(void)
{
    const struct log l = {.line = on_line, .ctx = &seen};
    log_info(&l, "%0*d", 10000, 1);
    CHECK(strlen(seen.text) > 1000 && strlen(seen.text) < 10000);
}

static void progress(void)
{
    const struct log l = {.progress = on_progress, .ctx = &seen};
    log_progress(&l, &(struct progress){"fetch", 3, 9, "bytes", NULL});
    CHECK(seen.snapshots == 1 && seen.last.done == 3 && seen.last.total == 9 && seen.last.item == NULL);
    unsigned before = seen.lines;
    log_warn(&l, "swallowed");
    CHECK(seen.lines == before);
}

static void null_swallows(void)
{
    unsigned before = seen.lines + seen.snapshots;
    log_warn(NULL, "x");
    log_progress(NULL, &(struct progress){.stage = "x"});
    CHECK(seen.lines + seen.snapshots == before);
}

int main(void)
{
    RUN(lines);
    RUN(long_line);
    RUN(progress);
    RUN(null_swallows);
    return test_done();
}
