#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Copies src into dst (size cap), showing control bytes as \xNN: a hostile file name must not forge a second
 * line. */
static void copy_clean(char *dst, size_t cap, const char *src)
{
    size_t n = 0;
    for (; *src != '\0' && n + 5 < cap; src++) {
        unsigned char c = (unsigned char)*src;
        if (c >= 0x20 && c != 0x7f)
            dst[n++] = (char)c;
        else
            n += (size_t)snprintf(dst + n, 5, "\\x%02x", c);
    }
    dst[n] = '\0';
}

static void set_text(char *dst, size_t cap, const char *fmt, va_list ap)
{
    char raw[2048];
    vsnprintf(raw, sizeof raw, fmt, ap);
    copy_clean(dst, cap, raw);
}

int err_set(struct err *e, enum err_class c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_text(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    e->class = c;
    e->sys = 0;
    e->hint[0] = '\0';
    return -1;
}

static const char *sys_hint(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
        return "free some space or choose another file system";
    case EROFS:
        return "the file system is mounted read-only";
    case EACCES:
    case EPERM:
        return "run as root, or choose a place that you may write";
    default:
        return "";
    }
}

int err_sys(struct err *e, enum err_class c, int errnum, const char *fmt, ...)
{
    char text[1600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(e, c, "%s: %s", text, strerror(errnum));
    e->sys = errnum;
    return err_hint(e, "%s", sys_hint(errnum));
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    char ctx[1024], old[sizeof e->msg];
    va_list ap;
    va_start(ap, fmt);
    set_text(ctx, sizeof ctx, fmt, ap);
    va_end(ap);
    memcpy(old, e->msg, sizeof old);
    int n = snprintf(e->msg, sizeof e->msg, "%s: ", ctx);
    snprintf(e->msg + n, sizeof e->msg - (size_t)n, "%s", old);
    return -1;
}

int err_hint(struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_text(e->hint, sizeof e->hint, fmt, ap);
    va_end(ap);
    return -1;
}

const char *err_class_name(enum err_class c)
{
    switch (c) {
    case ERR_NONE:
        return "none";
    case ERR_USAGE:
        return "usage";
    case ERR_NET:
        return "network";
    case ERR_TRUST:
        return "trust";
    case ERR_FORMAT:
        return "format";
    case ERR_SOLVE:
        return "solve";
    case ERR_HOST:
        return "host";
    case ERR_SECOND:
        return "second-stage";
    case ERR_INTR:
        return "interrupted";
    }
    return "unknown";
}
