#include "pkgfmt/rpm.h"
#include "pkgfmt/rpm_put.h"
#include "pkgfmt/rpm_second.h"
#include "pkgfmt/rpm_verify.h"

int rpm_unpack(const struct pkgfmt_package *p, struct tree_writer *w, struct pkgfmt_second *second,
               struct err *e)
{
    struct rpm_read r;
    struct rpm_second_copy *copy = NULL;
    if (rpm_read_open(&r, p->fd, e) < 0)
        return err_wrap(e, "%s", p->pkg->name);
    int rc = rpm_verify(&r, p, e);
    if (rc == 0 && second != NULL)
        rc = rpm_second_keep(second, p, &r, w, &copy, e);
    if (rc < 0)
        err_wrap(e, "%s", p->pkg->name);
    else
        rc = rpm_put(&r, p, rpm_second_stored(copy), w, e);
    if (rc == 0 && copy != NULL && (rc = rpm_second_copied(second, p, copy, w, e)) < 0)
        err_wrap(e, "%s", p->pkg->name);
    rpm_second_drop(copy);
    rpm_read_close(&r);
    return rc;
}
