/* Loads rpm repositories, as cmd/ would. */
#ifndef TESTS_UNIT_RPM_REPO_H
#define TESTS_UNIT_RPM_REPO_H

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "pkgfmt/rpm.h"
#include "tests/unit/scratch.h"

struct rpm_repo {
    const char *dir; /* holds repodata/, or the files of it */
    const char *id;
    int priority;
    unsigned index;
    struct pkgfmt_index *ix;
    size_t n;
};

static inline const char *rpm_repo_file(struct arena *a, const struct rpm_repo *r, const char *path)
{
    const char *full = arena_printf(a, "%s/%s", r->dir, path), *slash = strrchr(path, '/');
    if (access(full, R_OK) != 0 && slash != NULL)
        full = arena_printf(a, "%s/%s", r->dir, slash + 1);
    return full;
}

/* Loads what is `later`, or all that is not. A file that is not there is left out, but for primary. */
static inline int rpm_repo_load(struct solve *s, struct rpm_repo *r, bool later, const char *solv_dir,
                                struct arena *a, struct err *e)
{
    struct pkgfmt_repo repo = {.index = r->index, .id = r->id, .priority = r->priority};
    for (size_t i = 0; i < r->n; i++) {
        if (r->ix[i].later != later)
            continue;
        const char *path = rpm_repo_file(a, r, r->ix[i].path);
        AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && strcmp(r->ix[i].component, "primary") != 0)
            continue;
        if (fd < 0)
            return err_sys(e, ERR_HOST, ENOENT, "%s", path);
        if (rpm_index_load(s, fd, &r->ix[i], &repo, solv_dir, e) < 0)
            return -1;
    }
    return 0;
}

static inline int rpm_repo_open(struct rpm_repo *r, bool security, struct arena *a, struct err *e)
{
    struct pkgfmt_query q = {.suite = "", .arch = "x86_64", .security = security};
    AUTO_BUF text = {0};
    if (file_read(rpm_repo_file(a, r, "repodata/repomd.xml"), 1 << 24, &text, e) < 0)
        return -1;
    return rpm_index_list(arena_copy(a, buf_view(&text)), &q, a, &r->ix, &r->n, e);
}

#endif
