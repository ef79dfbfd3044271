#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void log_line(const struct log *l, enum log_level level, const char *fmt, ...)
{
    char text[2048];
    if (l == NULL || l->line == NULL)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    l->line(l->ctx, level, text);
}

void log_progress(const struct log *l, const struct progress *p)
{
    if (l != NULL && l->progress != NULL)
        l->progress(l->ctx, p);
}
