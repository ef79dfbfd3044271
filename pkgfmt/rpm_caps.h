/* File capabilities as rpm headers have them: the text form of cap_from_text(3). */
#ifndef PKGFMT_RPM_CAPS_H
#define PKGFMT_RPM_CAPS_H

#include "base/err.h"
#include "base/str.h"

enum { RPM_CAPS_SIZE = 20 };

/* The value of security.capability that says the same: struct vfs_cap_data of revision 2, little endian
   (linux/capability.h). `all` is what Linux had by 5.9, 41 capabilities. ERR_FORMAT without the path: another
   grammar, a name that is not known here, an effective set that is neither empty nor all of what is permitted
   and inheritable, which a file cannot have. */
int rpm_caps_value(struct str text, unsigned char out[RPM_CAPS_SIZE], struct err *e);

#endif
