#include "pkgfmt/rpm.h"

#include <solv/pool.h>

static const char *const second_needs[] = {"rpm", "bash", "coreutils", NULL};

const struct pkgfmt rpm = {
    .name = "rpm",
    .purl_type = "rpm",
    .second_needs = second_needs,
    .disttype = DISTTYPE_RPM,
    .suite_is_path = true,
    .signed_packages = true,
    .root_path = rpm_root_path,
    .root_parse = rpm_root_parse,
    .index_list = rpm_index_list,
    .index_load = rpm_index_load,
    .index_wanted = rpm_index_wanted,
};
