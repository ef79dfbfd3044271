/* What the files of this room share: a line of a fixup as it was read, and the verb that knows what to do
 * with it. */
#ifndef FIXUPS_FIXUP_INT_H
#define FIXUPS_FIXUP_INT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/kw.h"
#include "fixups/fixup.h"

struct fixup_op;

/* One row per verb. apply: 0, 1 when the path is missing, -1. sh writes the line of shell that does the same.
 */
struct fixup_verb {
    const char *name;
    bool zone;         /* needs the target's tools: [after-install] only, no apply */
    bool lines;        /* may be followed by `| text` lines */
    const char *usage; /* behind the verb, for messages */
    unsigned min, max; /* words; max 0: any number */
    int (*read)(struct fixup_op *op, const struct str *words, size_t n, struct arena *a, struct err *e);
    int (*apply)(const struct fixup_op *op, struct tree *t, struct err *e);
    void (*sh)(const struct fixup_op *op, struct buf *b);
};

enum fixup_edit { EDIT_COMMENT, EDIT_UNCOMMENT, EDIT_DELETE, EDIT_REPLACE };

/* A line. Which fields count is the verb's matter. */
struct fixup_op {
    const struct fixup_verb *verb;
    const struct kw_file *file;
    const struct kw_line *line;
    bool missing_ok; /* `?` */
    bool if_absent;  /* `!` */
    const char *path, *source;
    struct str text; /* a link's text, a file's content, lines to append, a replacement */
    bool has_lines;
    mode_t mode;
    const char *user, *group;
    char type; /* node: c or b */
    uint32_t major, minor;
    enum fixup_edit edit;
    const char *ere;
    struct str *words; /* rc-remove */
    size_t nwords;
    bool pattern;           /* remove in [clone]: the last name may have * and ? */
    bool image;             /* [clone image] */
    const char *const *has; /* [clone has=...]: one of these must be there; NULL: no condition */
    size_t nhas;
    const struct str *keep; /* canonical paths that a pattern leaves alone */
    size_t nkeep;
};

/* Whether the path, or something below it, is one of those to be left alone. */
int fixup_keeps(const struct fixup_op *op, const struct tree *t, const char *path, bool *yes, struct err *e);

struct fixup {
    const char *name; /* "hostname" */
    struct fixup_op *before, *after, *clone;
    size_t nbefore, nafter, nclone;
};

struct fixup_set {
    struct fixup *v;
    size_t n;
};

/* fixup_read.c: the whole of one file, variables replaced. f NULL: nothing is known, everything is only
   checked. *matches is whether [match] fits f. */
int fixup_read(const char *file, struct str text, const struct fixup_facts *f, struct arena *a,
               struct fixup *out, bool *matches, struct err *e);
/* The name in a `{name}` at the start of s, else empty: any other brace is an ordinary byte. */
struct str fixup_variable_name(struct str s);
/* What stands behind `| ` to the end of the line, `#` and blanks included: the keyword reader cuts comments
   off, but its words point into the text. */
struct str fixup_line_text(struct str text, const struct kw_line *l);
/* fixup_verbs.c */
const struct fixup_verb *fixup_verb_find(struct str name);
/* fixup_edit.c: text with the operation's edit done to each line, into out. */
int fixup_edit_text(const struct fixup_op *op, struct str text, struct buf *out, struct err *e);
int fixup_edit_check(const char *ere, const struct fixup_op *op, struct err *e);
/* fixup_sh.c: what every script begins with, and one line a verb. */
void fixup_sh_begin(struct buf *b);
void fixup_sh_op(const struct fixup_op *op, struct buf *b);
void fixup_sh_copy(const struct fixup_op *op, struct buf *b);
void fixup_sh_file(const struct fixup_op *op, struct buf *b);
void fixup_sh_mkdir(const struct fixup_op *op, struct buf *b);
void fixup_sh_link(const struct fixup_op *op, struct buf *b);
void fixup_sh_node(const struct fixup_op *op, struct buf *b);
void fixup_sh_remove(const struct fixup_op *op, struct buf *b);
void fixup_sh_edit(const struct fixup_op *op, struct buf *b);
void fixup_sh_append(const struct fixup_op *op, struct buf *b);
void fixup_sh_mode(const struct fixup_op *op, struct buf *b);
void fixup_sh_owner(const struct fixup_op *op, struct buf *b);
void fixup_sh_rc_remove(const struct fixup_op *op, struct buf *b);
/* ERR_USAGE, file:line:col of the line. */
int fixup_error(const struct fixup_op *op, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
