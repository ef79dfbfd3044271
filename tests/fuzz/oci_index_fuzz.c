/* An image layout that somebody else wrote. */
#include "base/json.h"
#include "cmd/oci.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct str text = {(const char *)p, n};
    const struct oci_image i = {.machine = "x86_64"};
    const struct oci_blob m = {.digest.kind = DIGEST_SHA256};
    struct err e = {0};
    AUTO_BUF out = {0};
    (void)oci_layout_known(text);
    if (n > 0 && oci_index("fuzz", text, &i, "tag", &m, &out, &e) == 0 &&
        (!json_valid(buf_view(&out)) || oci_index_check("fuzz", buf_view(&out), "tag", &e) == 0))
        abort();
    return 0;
}
