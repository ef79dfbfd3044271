#include "pkgfmt/rpm.h"

#include <solv/pool.h>

#include "pkgfmt/rpm_licence.h"

static const char *const second_needs[] = {"rpm", "bash", "sed", "grep", NULL};

const struct pkgfmt rpm = {
    .name = "rpm",
    .purl_type = "rpm",
    .purl_apart = true,
    .second_needs = second_needs,
    .rides_whole = true,
    .disttype = DISTTYPE_RPM,
    .suite_is_path = true,
    .signed_packages = true,
    .root_path = rpm_root_path,
    .root_parse = rpm_root_parse,
    .index_list = rpm_index_list,
    .index_load = rpm_index_load,
    .index_wanted = rpm_index_wanted,
    .owners_new = rpm_owners_new,
    .owners_read = rpm_owners_read,
    .owners_free = rpm_owners_free,
    .unpack = rpm_unpack,
    .second_begin = rpm_second_begin,
    .second_settle = rpm_second_settle,
    .second_finish = rpm_second_finish,
    .second_free = rpm_second_free,
    .licence_text = rpm_licence_text,
    .licence_read = rpm_licence_read,
    .sources = rpm_sources,
};
