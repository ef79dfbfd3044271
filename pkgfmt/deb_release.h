/* Release files, as the wiki page DebianRepository/Format describes them. */
#ifndef PKGFMT_DEB_RELEASE_H
#define PKGFMT_DEB_RELEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"

struct deb_release_file {
    struct str path;      /* below the Release file's directory, without a leading ./ */
    uint64_t size;        /* in bytes */
    struct digest digest; /* the strongest that the Release has for it */
};

struct deb_release {
    struct str suite, codename, origin, label, version; /* empty when not said */
    struct str components, architectures;               /* blank-separated */
    bool by_hash;                                       /* Acquire-By-Hash: yes */
    bool all_in_arch; /* No-Support-for-Architecture-all: Packages: binary-ARCH has the `all` packages too */
    int64_t date, valid_until;            /* seconds since 1970; 0: not said */
    const struct deb_release_file *files; /* sorted by path, each path once */
    size_t nfiles;
};

/* Parses the text inside the signature. Borrows text; files lie in the arena. ERR_FORMAT with the line: not
   `Field: value`, a field twice, a date that is none, a size or digest that is none, a path that leaves the
   directory, sections that disagree about a size. ERR_TRUST: neither SHA256 nor SHA512. */
int deb_release_parse(struct str text, struct arena *a, struct deb_release *out, struct err *e);
/* NULL: the Release does not name it. */
const struct deb_release_file *deb_release_find(const struct deb_release *r, struct str path);
/* "Sat, 09 Aug 2025 09:16:30 UTC" (RFC 2822 with the zone UTC, GMT, Z or +0000; the weekday may be left out).
 */
bool deb_release_date(struct str s, int64_t *out);

#endif
