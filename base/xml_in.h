/* What the XML reader's two files share: the window over the source, its characters. */
#ifndef BASE_XML_IN_H
#define BASE_XML_IN_H

#include "base/xml.h"

enum { XML_IN_LOOK = 9 /* strlen("<![CDATA[") */ };

/* ERR_FORMAT with the line of window[at]. */
int xml_in_fail(struct xml *x, size_t at, struct err *e, const char *text);
/* Reads on; the window's bytes may move, pos with them. */
int xml_in_more(struct xml *x, struct err *e);
/* Tries to have n bytes from pos on; with fewer the file is at its end. */
int xml_in_need(struct xml *x, size_t n, struct err *e);
/* Moves *at, counted from pos, to the next c; past the last byte when may_end and there is none. Over max
   bytes from pos on is an error that names `what`. */
int xml_in_find(struct xml *x, size_t *at, char c, size_t max, const char *what, bool may_end, struct err *e);
/* Moves *at behind the next mark. */
int xml_in_find_behind(struct xml *x, size_t *at, struct str mark, const char *what, struct err *e);
/* Replaces entities (unless those are text) and line ends in place: what comes out is never longer. attr:
   blanks become spaces. */
int xml_in_decode(struct xml *x, char *p, size_t *n, bool attr, bool entities, struct err *e);
bool xml_in_blank(char c);
bool xml_in_all_blank(struct str s);
size_t xml_in_name(const char *p, const char *end); /* length of the name at p; 0: none */

#endif
