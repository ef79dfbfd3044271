/* Hooks: their names in the root, and what is refused. */
#include "cmd/hook.h"

#include <sys/stat.h>

#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static struct err err;

static const char *file(const char *name, const char *text)
{
    const char *path = in_scratch(name);
    if (file_replace(path, str_c(text), 0644, &err) < 0)
        abort();
    return path;
}

static void in_order(void)
{
    struct hook_list l = {0};
    AUTO_ARENA a = {0};
    scratch_new();
    const char *files[] = {file("z", "#!/bin/sh\n"), file("a b;c\xc3\xa9", "x"), in_scratch("z")};
    CHECK(hook_read(&l, files, 3, &a, &err) == 0 && l.n == 3);
    CHECK_STR(l.v[0].name, "01-z");
    CHECK_STR(l.v[1].name, "02-a_b_c__");
    CHECK_STR(l.v[2].name, "03-z");
    CHECK(str_is(l.v[0].content, "#!/bin/sh\n") && str_is(l.v[1].content, "x"));
    CHECK(hook_read(&l, NULL, 0, &a, &err) == 0 && l.n == 0);
}

static void fails(const char *file, enum err_class class, const char *part)
{
    struct hook_list l = {0};
    AUTO_ARENA a = {0};
    bool good = hook_read(&l, &file, 1, &a, &err) == -1 && err.class == class &&
                strstr(err.msg, part) != NULL && strstr(err.msg, file) != NULL;
    CHECK(good && l.n == 0);
}

static void refused(void)
{
    const char *many[100];
    struct hook_list l = {0};
    AUTO_ARENA a = {0};
    scratch_new();
    fails(in_scratch("none"), ERR_HOST, "No such file");
    fails(scratch, ERR_USAGE, "no regular file");
    fails(file("empty", ""), ERR_USAGE, "is empty");
    const char *large = file("large", "x"), *both[] = {large, large};
    CHECK(truncate(large, 16 * 1024 * 1024) == 0 && hook_read(&l, both, 1, &a, &err) == 0);
    CHECK(hook_read(&l, both, 2, &a, &err) == -1 && strstr(err.msg, "16 MiB together") != NULL);
    CHECK(truncate(large, 16 * 1024 * 1024 + 1) == 0);
    fails(large, ERR_USAGE, "16 MiB together");
    CHECK(mkfifo(in_scratch("fifo"), 0600) == 0);
    fails(in_scratch("fifo"), ERR_USAGE, "no regular file");
    for (size_t i = 0; i < 100; i++)
        many[i] = in_scratch("empty");
    CHECK(hook_read(&l, many, 100, &a, &err) == -1);
    CHECK_STR(err.msg, "--hook: more than 99 hooks");
}

int main(void)
{
    RUN(in_order);
    RUN(refused);
    scratch_remove();
    return test_done();
}
