/* struct str borrows bytes, struct buf owns them. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes, not NUL-terminated; p may be NULL when n is 0. */
struct str {
    const char *p;
    size_t n;
};

#define STR(lit) ((struct str){(lit), sizeof(lit) - 1})
/* For printf: "%" STR_FMT, STR_ARG(s) */
#define STR_FMT    ".*s"
#define STR_ARG(s) ((int)((s).n > 1000 ? 1000 : (s).n)), ((s).p ? (s).p : "")

struct str str_c(const char *s); /* s may be NULL: empty */
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *b);
int str_cmp(struct str a, struct str b); /* bytewise */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_from(struct str s, size_t off); /* off past the end: empty */
struct str str_trim(struct str s);             /* blanks, tabs and line ends at both ends */
/* Cuts the part before the first sep off *s and stores it in *part; *s keeps what follows sep. False when *s
   is used up. Like strsep: "a,,b" gives a, "", b. */
bool str_cut(struct str *s, char sep, struct str *part);
/* Next word between blanks and tabs; false when there is none. */
bool str_word(struct str *s, struct str *word);
/* Next line without its end (\n or \r\n). */
bool str_line(struct str *s, struct str *line);
/* Decimal digits only, whole string; false on anything else and on overflow. */
bool str_u64(struct str s, uint64_t *out);
/* Position of c, or s.n. */
size_t str_chr(struct str s, char c);
/* Position of needle, or s.n. */
size_t str_find(struct str s, struct str needle);

/* Owned, growing bytes; p[n] is always NUL once anything was added. Zero is a valid start. */
struct buf {
    char *p;
    size_t n, cap;
};

void buf_reserve(struct buf *b, size_t more); /* room for `more` bytes and the NUL behind n */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, struct str s);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap);
void buf_clear(struct buf *b); /* keeps the memory */
void buf_free(struct buf *b);  /* back to zero */
struct str buf_view(const struct buf *b);
const char *buf_c(const struct buf *b); /* NUL-terminated, "" when nothing was added */

#endif
