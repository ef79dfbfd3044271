/* Tar archives as overlays, into a root with a package in it: nothing beside the target changes. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cmd/overlay.h"
#include "tests/fuzz/fuzz.h"

static char beside[4200], target[4200], archive[4200];

static void set_up(void)
{
    snprintf(beside, sizeof beside, "%s/beside", fuzz_dir());
    snprintf(target, sizeof target, "%s/root", fuzz_dir());
    snprintf(archive, sizeof archive, "%s/beside/tar", fuzz_dir());
    if (mkdir(beside, 0755) < 0)
        abort();
}

static int put(struct tree_writer *w, const char *path, enum tree_type type, const char *link)
{
    struct err e;
    const struct tree_entry en = {.path = str_c(path), .type = type, .mode = 0755, .link = str_c(link)};
    return tree_put(w, &en, NULL, NULL, &e);
}

static void fill(struct tree *t)
{
    static const struct tree_layout links[] = {{"bin", "usr/bin"}, {"lib", "usr/lib"}};
    struct tree_writer *w;
    struct err e = {0};
    if (tree_layout(t, links, 2, &e) < 0 || tree_writer_open(t, 0, "package", 4096, false, &w, &e) < 0 ||
        put(w, "bin/a", TREE_FILE, "") < 0 || put(w, "a", TREE_LINK, "/") < 0 ||
        put(w, "etc", TREE_DIR, "") < 0 || tree_writer_finish(&w, &e) < 0 || tree_settle(t, &e) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    const char *const names[] = {archive};
    struct overlay_set *s = NULL;
    struct tree *t;
    struct err e = {0};
    struct stat before, after;
    if (beside[0] == '\0')
        set_up();
    if (file_replace(archive, (struct str){(const char *)p, n}, 0644, &e) < 0 || stat(beside, &before) < 0)
        abort();
    if (overlay_open(&s, names, 1, NULL, &e) == 0) {
        if (tree_open_dir(&t, target, NULL, &e) < 0)
            abort();
        fill(t);
        if (overlay_hold(s, t, &e) == 0)
            overlay_put(s, t, &e);
        overlay_close(s);
        tree_close(t);
    }
    if (stat(target, &after) == 0 || errno != ENOENT)
        abort();
    if (stat(beside, &after) < 0 || after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
        after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
        abort();
    return 0;
}
