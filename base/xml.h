/* XML 1.0 for machines: a strict pull reader in constant memory. A document type or an entity declaration is
   an error, and so nothing is ever expanded. */
#ifndef BASE_XML_H
#define BASE_XML_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

enum {
    XML_DEPTH_MAX = 64,
    XML_ATTRS_MAX = 32,
    XML_NAME_MAX = 128,     /* bytes; of elements and attributes */
    XML_TAG_MAX = 64 << 10, /* a tag with its attributes */
    XML_TEXT_MAX = 1 << 20, /* an element's text between two tags; a comment, too */
    XML_BLOCK = 128 << 10   /* a source is asked for at least so many bytes */
};

/* What xml_next() found. */
enum { XML_END = 0, XML_OPEN = 1, XML_CLOSE = 2, XML_TEXT = 3 };

/* Gives up to n bytes (n is XML_BLOCK or more); 0 at the end, -1 on error. */
typedef ssize_t xml_source(void *ctx, void *p, size_t n, struct err *e);

struct xml_attr {
    struct str name, value;
};

struct xml {
    /* Of the last xml_next(), valid until the next one: */
    struct str name;             /* XML_OPEN, XML_CLOSE: with its prefix as written */
    const struct xml_attr *attr; /* XML_OPEN */
    size_t nattr;
    struct str text; /* XML_TEXT: entities replaced; pieces around comments and CDATA joined */
    unsigned depth;  /* elements open, this one counted at XML_OPEN and no more at XML_CLOSE */
    /* Set it after xml_open(): a document type that declares nothing itself (no `[') is passed over, as comps
       files have one; what it names is never read. */
    bool doctype_ok;
    /* The reader's own: */
    const char *file;
    xml_source *source;
    void *ctx;
    struct str rest; /* of xml_open_text() */
    char *window;
    size_t pos, end, cap; /* unread bytes of the window */
    size_t taken;         /* bytes at pos that the last event used up */
    size_t checked;       /* up to here the window is UTF-8 */
    size_t counted;       /* up to here the lines are counted */
    uint64_t line;        /* lines before `counted` */
    bool at_end, started, pending_close, root_seen;
    struct buf joined, kept; /* text out of several pieces; of xml_text() */
    struct xml_attr attrs[XML_ATTRS_MAX];
    char names[XML_DEPTH_MAX][XML_NAME_MAX]; /* of the open elements */
    unsigned char name_n[XML_DEPTH_MAX];
};

/* file: for messages, borrowed. xml_close() frees what the reader holds. */
void xml_open(struct xml *x, const char *file, xml_source *source, void *ctx);
void xml_open_text(struct xml *x, const char *file, struct str text); /* text: borrowed */
void xml_close(struct xml *x);
/* XML_OPEN, XML_CLOSE or XML_TEXT; XML_END behind the root element; -1: an error, ERR_FORMAT unless the
   source fails, "FILE:LINE: what". An empty element gives both XML_OPEN and XML_CLOSE. Text of white space
   alone is left out. No further calls after an error. */
int xml_next(struct xml *x, struct err *e);
/* After XML_OPEN: the element's text up to its end, which is read too; elements in it are an error. Valid
   until the next xml_text(). */
int xml_text(struct xml *x, struct str *text, struct err *e);
/* After XML_OPEN: reads up to the element's end. */
int xml_skip(struct xml *x, struct err *e);
/* After XML_OPEN: the attribute's value by its name as written; p NULL when there is none. */
struct str xml_attr(const struct xml *x, const char *name);
/* The name without its prefix: "entry" of "rpm:entry". */
struct str xml_local(struct str name);
/* ERR_FORMAT, "FILE:LINE: what" with the line of the last event. */
int xml_error(struct xml *x, struct err *e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
