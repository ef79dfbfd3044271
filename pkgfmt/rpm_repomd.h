/* repomd.xml, the root index of rpm repositories: which index files there are.
   Format: https://github.com/rpm-software-management/createrepo_c, xml_dump_repomd.c; there is no other
   document. */
#ifndef PKGFMT_RPM_REPOMD_H
#define PKGFMT_RPM_REPOMD_H

#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"

/* One <data>; strings live in the arena. */
struct rpm_repomd_data {
    struct str type;          /* "primary", "group_gz" */
    struct str location;      /* as written; empty: none */
    bool elsewhere;           /* the location has an xml:base of its own */
    struct str checksum;      /* its type: "sha256" */
    struct digest digest;     /* kind DIGEST_NONE: of no type that is trusted */
    uint64_t size, open_size; /* 0: not said */
};

struct rpm_repomd {
    struct str revision, distro; /* of the first <distro>; may be empty */
    int64_t newest;              /* the newest timestamp; 0: none */
    struct rpm_repomd_data *data;
    size_t n;
};

/* ERR_FORMAT, "repomd.xml:LINE: ...": no XML, another root element, a <data> without a type, a size or
   checksum that cannot be read. What it does not know is passed over. */
int rpm_repomd_parse(struct str text, struct arena *a, struct rpm_repomd *out, struct err *e);

#endif
