/* What every reader and writer of tars over libarchive does alike: names are bytes, ids are numbers. */
#ifndef BASE_TAR_ENTRY_H
#define BASE_TAR_ENTRY_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/tree.h"

struct archive;
struct archive_entry;

/* libarchive turns the UTF-8 names of pax headers into the locale's charset and back: uselocale() this one
   around reading or writing a header. (locale_t)0 where the system has none; else freelocale() it. */
locale_t tar_entry_locale(void);
/* After ARCHIVE_WARN: it is only about a name that is not in that charset, which comes as its bytes. */
bool tar_entry_only_charset(struct archive *ar);

/* Attributes of one entry at a time; zero is a valid start. */
struct tar_xattrs {
    struct tree_xattr *v;
    size_t cap;
};
void tar_xattrs_free(struct tar_xattrs *x);

/* Fills en from what a header says; its strings are ae's, the attributes (those that keep() wants; NULL: all)
   lie in x, until the next header is read. path is the entry's, already read in the right locale. ERR_FORMAT
   without the path: an unknown type of file, a negative size, an owner out of range. */
int tar_entry_read(struct archive_entry *ae, const char *path, bool (*keep)(const char *name),
                   struct tar_xattrs *x, struct tree_entry *en, struct err *e);
/* The next piece of the current entry's content, as a tree_next gives it; *end, 0 when the entry begins, is
   what was given of it. -1: archive_error_string() says why. */
int tar_entry_data(struct archive *ar, uint64_t *end, const void **p, size_t *n, uint64_t *off);

#endif
