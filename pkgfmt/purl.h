/* Package URLs, as https://github.com/package-url/purl-spec describes them. */
#ifndef PKGFMT_PURL_H
#define PKGFMT_PURL_H

#include "base/str.h"

struct purl {
    const char *type; /* "deb" */
    const char *vendor, *name, *version;
    const char *arch, *distro; /* qualifiers; NULL or "": none */
    bool epoch_apart;          /* what version has before a colon becomes a qualifier; 0 is none */
};

/* Appends pkg:TYPE/VENDOR/NAME@VERSION?arch=ARCH&distro=DISTRO&epoch=EPOCH in its canonical form: everything
   but letters, digits and "-._~:" percent-encoded byte by byte, the vendor in lower case. An empty vendor is
   left out. */
void purl_write(struct buf *out, const struct purl *p);

#endif
