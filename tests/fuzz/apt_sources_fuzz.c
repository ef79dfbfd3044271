/* The host's apt configuration, in both forms. */
#include <sys/stat.h>

#include "base/file.h"
#include "mirrors/apt_sources.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const char *const names[] = {"sources.list", "sources.list.d/a.list", "sources.list.d/b.sources"};
    AUTO_ARENA a = {0};
    struct apt_source *v;
    size_t nv;
    struct err e = {0};
    char path[4200];
    snprintf(path, sizeof path, "%s/sources.list.d", fuzz_dir());
    mkdir(path, 0755);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", fuzz_dir(), names[i]);
        if (file_replace(path, (struct str){(const char *)p, n}, 0644, &e) < 0)
            abort();
    }
    if (apt_sources_read(fuzz_dir(), &a, &v, &nv, &e) < 0)
        abort();
    for (size_t i = 0; i < nv; i++)
        if (strpbrk(v[i].uri, " \t\n") != NULL)
            abort();
    return 0;
}
