#include "tests/unit/test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/data.h"
#include "base/file.h"
#include "tests/unit/scratch.h"

/* Stands in place of the generated table. */
#define BUILTIN(path, text)                                                                                  \
    {                                                                                                        \
        path, (const unsigned char *)(text), sizeof(text) - 1                                                \
    }
const struct data_file data_builtin[] = {BUILTIN("distros/alpha.distro", "alpha built-in"),
                                         BUILTIN("distros/beta.distro", "beta built-in"),
                                         BUILTIN("distros/keys/alpha.asc", "key"),
                                         BUILTIN("distros/nothing.distro", ""),
                                         BUILTIN("distrosx/other.distro", "another room"),
                                         BUILTIN("fixups/one.fixup", "fixup"),
                                         {0}};

static struct arena names;
static const char *dirs[3];
static struct data over;

static void put(size_t dir, const char *name, const char *text)
{
    struct err e = {0};
    CHECK(file_replace(arena_printf(&names, "%s/%s", dirs[dir], name), str_c(text), 0644, &e) == 0);
}

static const char *text_of(const struct data *d, const char *room, const char *name, struct arena *a)
{
    struct str text;
    struct err e = {0};
    return data_read(d, room, name, a, &text, NULL, &e) == 0 ? arena_str(a, text) : NULL;
}

static void built_in(void)
{
    AUTO_ARENA a = {0};
    struct str text;
    const char *origin;
    struct err e = {0};
    CHECK(data_read(NULL, "distros", "alpha.distro", &a, &text, &origin, &e) == 0);
    CHECK(str_is(text, "alpha built-in"));
    CHECK_STR(origin, "distros/alpha.distro");
    CHECK(data_read(NULL, "distros", "nothing.distro", &a, &text, NULL, &e) == 0 && text.n == 0);
    CHECK_STR(text_of(NULL, "distros/keys", "alpha.asc", &a), "key");
    CHECK_STR(text_of(NULL, "distros", "keys/alpha.asc", &a), "key");
    CHECK(data_read(NULL, "distros", "gamma.distro", &a, &text, &origin, &e) == 1);
    CHECK(data_read(NULL, "fixups", "alpha.distro", &a, &text, &origin, &e) == 1);
    CHECK(data_read(NULL, "distro", "alpha.distro", &a, &text, &origin, &e) == 1);
}

static void overrides_come_first(void)
{
    AUTO_ARENA a = {0};
    struct str text;
    const char *origin;
    struct err e = {0};
    CHECK(data_read(&over, "distros", "alpha.distro", &a, &text, &origin, &e) == 0);
    CHECK(str_is(text, "alpha from 0"));
    CHECK_STR(origin, arena_printf(&a, "%s/alpha.distro", dirs[0]));
    CHECK_STR(text_of(&over, "distros", "mine.distro", &a), "mine from 1");
    CHECK_STR(text_of(&over, "distros", "beta.distro", &a), "beta built-in");
    /* A directory that looks elsewhere leaves no error behind. */
    CHECK(data_read(&over, "distros", "beta.distro", &a, &text, &origin, &e) == 0 && e.class == ERR_NONE);
    CHECK(data_read(&over, "distros", "gamma.distro", &a, &text, &origin, &e) == 1 && e.class == ERR_NONE);
}

static void unreadable_is_an_error(void)
{
    AUTO_ARENA a = {0};
    struct str text;
    struct err e = {0};
    char *path = arena_printf(&a, "%s/broken.distro", dirs[0]);
    CHECK(mkdir(path, 0755) == 0);
    CHECK(data_read(&over, "distros", "broken.distro", &a, &text, NULL, &e) == -1);
    CHECK(e.class == ERR_HOST && strstr(e.msg, path) != NULL);
    rmdir(path);
    path = arena_printf(&a, "%s/huge.distro", dirs[0]);
    put(0, "huge.distro", "");
    CHECK(truncate(path, 16 * 1024 * 1024 + 1) == 0);
    CHECK(data_read(&over, "distros", "huge.distro", &a, &text, NULL, &e) == -1 && e.sys == EFBIG);
    unlink(path);
}

static void list_is(const struct data *d, const char *room, const char *pattern, const char *want)
{
    AUTO_ARENA a = {0};
    AUTO_BUF got = {0};
    const char **v;
    size_t n = 99;
    struct err e = {0};
    CHECK(data_list(d, room, pattern, &a, &v, &n, &e) == 0);
    for (size_t i = 0; i < n; i++)
        buf_printf(&got, "%s%s", i ? " " : "", v[i]);
    CHECK_STR(buf_c(&got), want);
}

static void list_merges(void)
{
    list_is(NULL, "distros", "*.distro", "alpha.distro beta.distro nothing.distro");
    list_is(&over, "distros", "*.distro", "alpha.distro beta.distro mine.distro nothing.distro");
    list_is(&over, "distros/keys", "*.asc", "alpha.asc");
    list_is(&over, "fixups", "*.fixup", "one.fixup own.fixup");
    list_is(&over, "mirrors", "*.mirrors", "");
    list_is(&over, "distros", "a*.distro", "alpha.distro");
}

static void list_error(void)
{
    AUTO_ARENA a = {0};
    const char **v, *bad[] = {arena_printf(&a, "%s/alpha.distro", dirs[0])};
    size_t n;
    struct err e = {0};
    CHECK(data_list(&(struct data){bad, 1}, "distros", "*", &a, &v, &n, &e) == -1 && e.class == ERR_HOST);
}

int main(void)
{
    scratch_new();
    for (size_t i = 0; i < 2; i++) {
        dirs[i] = arena_printf(&names, "%s/%zu", scratch, i);
        mkdir(dirs[i], 0755);
    }
    dirs[2] = arena_printf(&names, "%s/absent", scratch);
    over = (struct data){dirs, 3};
    put(0, "alpha.distro", "alpha from 0");
    put(1, "alpha.distro", "alpha from 1");
    put(1, "mine.distro", "mine from 1");
    put(1, ".hidden.distro", "no");
    put(1, "own.fixup", "own");
    RUN(built_in);
    RUN(overrides_come_first);
    RUN(unreadable_is_an_error);
    RUN(list_merges);
    RUN(list_error);
    scratch_remove();
    arena_free(&names);
    return test_done();
}
