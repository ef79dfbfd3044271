/* Whether an rpm package is what its maker signed: signatures over the header (v4: tags 268 and 267, v6: 278)
   or over header and payload (v3: 1002, 1005), the header's digests (273 SHA256, 279 SHA3-256, 269 SHA1), the
   payload's (5092) or, in old packages, the digest over header and payload (1004 MD5). */
#ifndef PKGFMT_RPM_VERIFY_H
#define PKGFMT_RPM_VERIFY_H

#include "pkgfmt/pkgfmt.h"
#include "pkgfmt/rpm_read.h"

/* The header must name the planned package (name, version, architecture), every digest that is there must
   hold (of the payload's, either the compressed or the uncompressed form's), no signature by a known key may
   be wrong, and header and payload must both be covered by a good one: directly, or the payload by a digest
   in the signed header. Signatures by unknown keys and such that do not count (weak, expired, not supported)
   are as good as none. A signed header without payload digest leaves the payload to the plan's digest, which
   the file was held to: of SHA256 or stronger, or it is an error. ERR_TRUST names what is wrong, and the key
   ids; unsigned and other packages too. trust NULL: name and digests alone. ERR_FORMAT: a digest that does
   not hold, tags of the wrong type. ERR_HOST: the file cannot be read.
   p->pkg is needed; p->fd is not looked at, r has it. */
int rpm_verify(const struct rpm_read *r, const struct pkgfmt_package *p, struct err *e);

#endif
