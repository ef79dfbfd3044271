/* The rpm files of the test data, sorted, and what rpm's own programs say about them. */
#ifndef TESTS_UNIT_RPM_FILES_H
#define TESTS_UNIT_RPM_FILES_H

#include <fcntl.h>
#include <ftw.h>

#include "base/mem.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static char **rpm_files;
static size_t rpm_nfiles;

static inline int rpm_files_add(const char *path, const struct stat *st, int type, struct FTW *f)
{
    static const char *const ends[] = {".rpm", ".rpm-v3", ".rpm.signed", ".drpm"};
    (void)st;
    (void)f;
    for (size_t i = 0; type == FTW_F && i < sizeof ends / sizeof *ends; i++)
        if (str_ends(str_c(path), str_c(ends[i]))) {
            rpm_files = mem_grow(rpm_files, rpm_nfiles + 1, sizeof *rpm_files);
            rpm_files[rpm_nfiles++] = mem_dup(path);
        }
    return 0;
}

static inline int rpm_files_cmp(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* False: there are none. */
static inline bool rpm_files_find(void)
{
    nftw(test_data(), rpm_files_add, 16, FTW_PHYS);
    if (rpm_nfiles > 0)
        qsort(rpm_files, rpm_nfiles, sizeof *rpm_files, rpm_files_cmp);
    return rpm_nfiles > 0;
}

static inline void rpm_files_free(void)
{
    for (size_t i = 0; i < rpm_nfiles; i++)
        free(rpm_files[i]);
    free(rpm_files);
    rpm_files = NULL;
    rpm_nfiles = 0;
}

/* What a shell command prints when it is run over all paths (it stands before them, with xargs). */
static inline void rpm_files_run(const char *command, const char *const *paths, size_t n, struct buf *out)
{
    AUTO_BUF list = {0}, line = {0};
    struct err e;
    char chunk[65536];
    size_t got;
    for (size_t i = 0; i < n; i++)
        buf_add(&list, paths[i], strlen(paths[i]) + 1);
    if (file_replace(in_scratch("list"), buf_view(&list), 0600, &e) < 0)
        abort();
    buf_printf(&line, "LC_ALL=C xargs -0 %s 2>/dev/null <'%s'", command, in_scratch("list"));
    FILE *p = popen(buf_c(&line), "r");
    while ((got = fread(chunk, 1, sizeof chunk, p)) > 0)
        buf_add(out, chunk, got);
    pclose(p);
}

#endif
