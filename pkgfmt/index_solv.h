/* Parsed indexes on disk: libsolv's .solv form, one file for each index digest and architecture. */
#ifndef PKGFMT_INDEX_SOLV_H
#define PKGFMT_INDEX_SOLV_H

#include <stdbool.h>

#include "base/digest.h"
#include "base/log.h"

struct s_Repo;

struct index_solv {
    int dir; /* -1: no cache */
    const struct log *log;
    char name[DIGEST_HEX_MAX + 64];
};

/* dir NULL, or a directory that is not the effective user's alone (libsolv's reader must see no foreign
   bytes): no cache. The directory is made (0700) if need be. layout: a short word, part of the file's name,
   for the reader and the keys it stores: a program that stores other ones must not read these files. */
void index_solv_open(struct index_solv *c, const char *dir, const char *layout, const struct digest *index,
                     const char *arch, const struct log *log);
/* Fills the empty repository; false when there is no whole file for the index: the repository is empty then.
 */
bool index_solv_load(struct index_solv *c, struct s_Repo *repo);
/* Writes the file anew, by rename. A failure is logged and does no harm. */
void index_solv_store(struct index_solv *c, struct s_Repo *repo);
void index_solv_close(struct index_solv *c);

#endif
