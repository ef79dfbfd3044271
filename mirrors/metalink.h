/* Metalinks: where a file is, and what it must be. Read is version 3.0 as mirrormanager writes it
   (http://www.metalinker.org/Metalink_3.0_Spec.pdf), with its mm0:alternates: older states of the file. */
#ifndef MIRRORS_METALINK_H
#define MIRRORS_METALINK_H

#include "mirrors/mirror_list.h"

/* path: of the file below a repository's base, "repodata/repomd.xml": the entry with its last part as name
   counts, and a URL that ends so gives the base. Greater preference first, of equals https, then the order of
   the text. Numbers and digests that cannot be read are taken for not said, digests weaker than SHA256 too.
   ERR_FORMAT: no metalink, malformed XML, no entry of that name. An entry may have neither URL nor digest. */
int metalink_parse(const char *name, struct str text, const char *path, struct arena *a,
                   struct mirror_list *out, struct err *e);

#endif
