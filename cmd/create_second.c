/* What the second stage needs, left in the tree. */
#include "base/auto.h"
#include "cmd/create_stages.h"

int create_second(const struct create_plan *p, struct fixup_set *f, struct pkgfmt_second *s, bool first_boot,
                  struct err *e)
{
    AUTO_BUF sh = {0};
    if (fixup_render(f, &sh, e) < 0)
        return -1;
    const struct pkgfmt_second_opts o = {
        .fixups_sh = buf_view(&sh), .epoch = p->epoch, .first_boot = first_boot};
    return p->fmt->second_finish(s, &o, e);
}
