/* Where a room says what it does. cmd/ provides the sink; the functions may be called from any thread. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

enum log_level { LOG_WARN, LOG_INFO, LOG_DEBUG };

/* A snapshot of one stage's progress. */
struct progress {
    const char *stage;    /* "plan", "fetch", "unpack", "second-stage", ... */
    uint64_t done, total; /* total 0: not known */
    const char *unit;     /* "bytes", "packages", "files" */
    const char *item;     /* what is being worked on; may be NULL */
};

struct log {
    void (*line)(void *ctx, enum log_level level, const char *text);
    void (*progress)(void *ctx, const struct progress *p);
    void *ctx;
};

/* A NULL log, or one without the callback, swallows. */
void log_line(const struct log *l, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void log_progress(const struct log *l, const struct progress *p);

#define log_warn(l, ...)  log_line(l, LOG_WARN, __VA_ARGS__)
#define log_info(l, ...)  log_line(l, LOG_INFO, __VA_ARGS__)
#define log_debug(l, ...) log_line(l, LOG_DEBUG, __VA_ARGS__)

#endif
