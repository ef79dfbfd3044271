#include "pkgfmt/deb_licence.h"

/* Names in lower case, a version's trailing ".0" taken off. A name without a version is the family's first
   one (section 7.1). "Artistic" is the text in common-licenses, which is Perl's. "MIT" and others that the
   copyright format does not define, but SPDX does, are taken as SPDX's. Not here, since SPDX has no
   identifier for them: public-domain, and an exception for linking with OpenSSL in general. */
const struct licence_name deb_licence_names[] = {
    {"agpl", "AGPL-1.0", true},
    {"apache", "Apache-1.0", false},
    {"artistic", "Artistic-1.0-Perl", false},
    {"artistic-1", "Artistic-1.0-Perl", false},
    {"boost", "BSL-1.0", false},
    {"boost-1", "BSL-1.0", false},
    {"cc-by", "CC-BY-1.0", false},
    {"cc-by-nc", "CC-BY-NC-1.0", false},
    {"cc-by-nc-nd", "CC-BY-NC-ND-1.0", false},
    {"cc-by-nc-sa", "CC-BY-NC-SA-1.0", false},
    {"cc-by-nd", "CC-BY-ND-1.0", false},
    {"cc-by-sa", "CC-BY-SA-1.0", false},
    {"cc0", "CC0-1.0", false},
    {"cddl", "CDDL-1.0", false},
    {"cpl", "CPL-1.0", false},
    {"edl-1", "BSD-3-Clause", false},
    {"efl", "EFL-1.0", false},
    {"expat", "MIT", false},
    {"freetype", "FTL", false},
    {"gfdl-niv-1.1", "GFDL-1.1-no-invariants", true},
    {"gfdl-niv-1.2", "GFDL-1.2-no-invariants", true},
    {"gfdl-niv-1.3", "GFDL-1.3-no-invariants", true},
    {"gpl", "GPL-1.0", true},
    {"lgpl", "LGPL-2.0", true},
    {"lppl", "LPPL-1.0", false},
    {"mpl", "MPL-1.1", false},
    {"openldap-2.8", "OLDAP-2.8", false},
    {"python", "Python-2.0", false},
    {"qpl", "QPL-1.0", false},
    {"zope-1.1", "ZPL-1.1", false},
    {"zope-2", "ZPL-2.0", false},
    {"zope-2.1", "ZPL-2.1", false},
    {0},
};
