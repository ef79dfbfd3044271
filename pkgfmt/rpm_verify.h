/* Whether an rpm package is what its maker signed: signatures over the header (v4: tags 268 and 267, v6: 278)
   or over header and payload (v3: 1002, 1005), the header's digests (273 SHA256, 279 SHA3-256, 269 SHA1), the
   payload's (5092) or, in old packages, the digest over header and payload (1004 MD5). */
#ifndef PKGFMT_RPM_VERIFY_H
#define PKGFMT_RPM_VERIFY_H

#include "pkgfmt/pkgfmt.h"
#include "pkgfmt/rpm_read.h"

/* Every digest that is there must hold, every signature that we understand must be good (trust->verify), and
   header and payload must both be covered by a good signature: directly, or the payload by a digest in the
   signed header. A package without payload digest and without a header+payload signature that is good is
   covered by the plan's digest, which the file was held to. ERR_TRUST names what is wrong, and the key ids;
   unsigned packages too. trust NULL: digests alone. ERR_FORMAT: a digest that does not hold. */
int rpm_verify(const struct rpm_read *r, const struct pkgfmt_package *p, struct err *e);

#endif
