/* OpenPGP certificates as rpm imports them. */
#ifndef PKGFMT_RPM_KEY_H
#define PKGFMT_RPM_KEY_H

#include "base/err.h"
#include "base/str.h"

/* Appends a keyring in its armored form (RFC 9580, section 6): what is armored as it is, of binary bytes each
   certificate on its own, since old rpms take only the first one of a block. ERR_FORMAT: neither. */
int rpm_key_armor(struct str keys, struct buf *out, struct err *e);

#endif
