/* Stanzas of deb822 text (deb-control(5)), one at a time from a stream. */
#ifndef PKGFMT_DEB_STANZA_H
#define PKGFMT_DEB_STANZA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "pkgfmt/index_decode.h"

enum { DEB_STANZA_MAX = 1 << 20 }; /* bytes of one stanza */

/* Zero but for src is a valid start. */
struct deb_stanza_reader {
    struct index_decode *src;
    struct buf buf;
    size_t at;           /* what was handed out already */
    unsigned long line;  /* line ends before `at` */
    unsigned long start; /* number of the last stanza's first line, from 1 */
    bool ended;
};

/* The next stanza, without the empty line behind it: 1 and *out (good until the next call), 0 at the end, -1
   and ERR_FORMAT for a NUL byte or a stanza over DEB_STANZA_MAX. */
int deb_stanza_next(struct deb_stanza_reader *r, struct str *out, struct err *e);
void deb_stanza_free(struct deb_stanza_reader *r);

/* Cuts the next field off the stanza: its name and its value, which may hold continuation lines, blanks
   around it gone. 1, 0 when there is none left, -1 when what stands there is no field (*name is that line).
 */
int deb_stanza_field(struct str *stanza, struct str *name, struct str *value);

#endif
