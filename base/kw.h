/* Keyword lines under [section] headings: recipes, fixups, mirror lists, lock files, the second stage's plan.

       # comment                        (also behind blanks, at the end of a line)
       [release trixie arch=amd64]      section "release", words "trixie", qualifier arch=amd64
       keyword   argument to the end of the line

   A `#` starts a comment at the start of a line or after a blank. Whoever reads a file checks the keywords
   and says kw_error() about an unknown one; nothing is ignored. */
#ifndef BASE_KW_H
#define BASE_KW_H

#include <stdarg.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct kw_line {
    struct str key, arg;         /* arg: trimmed, empty when there is none */
    unsigned line, col, arg_col; /* from 1 */
};

struct kw_qual {
    struct str key, value;
};

struct kw_section {
    struct str name;  /* first word of the heading; empty for lines before any heading */
    struct str label; /* the second word, if it is no qualifier; else empty */
    struct kw_qual *quals;
    size_t nquals;
    struct kw_line *lines;
    size_t nlines;
    unsigned line, col;
};

struct kw_file {
    const char *name; /* for messages */
    struct kw_section *sections;
    size_t n;
};

/* Parses text (borrowed: it must outlive f, like the arena that holds the arrays and the name). Errors are
   ERR_USAGE, `name:line:col: ...`: a heading without `]`, a heading with two labels, a NUL byte, a line of
   over 64 KiB. */
int kw_parse(struct kw_file *f, const char *name, struct str text, struct arena *a, struct err *e);
/* `name:line:col: message`, ERR_USAGE; col 0 stands for 1. */
int kw_error(const struct kw_file *f, unsigned line, unsigned col, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
int kw_verror(const struct kw_file *f, unsigned line, unsigned col, struct err *e, const char *fmt,
              va_list ap) __attribute__((format(printf, 5, 0)));
/* The qualifier's value, or an empty string with p NULL. */
struct str kw_qual(const struct kw_section *s, const char *key);

#endif
