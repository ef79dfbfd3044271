#include "tests/unit/test.h"

#include <stdalign.h>
#include <stdint.h>

#include "base/auto.h"

static void alloc(void)
{
    AUTO_ARENA a = {0};
    unsigned char *p[500];
    for (size_t i = 0; i < 500; i++) {
        p[i] = arena_alloc(&a, i);
        CHECK((uintptr_t)p[i] % alignof(max_align_t) == 0);
        for (size_t k = 0; k < i; k++)
            CHECK(p[i][k] == 0);
        memset(p[i], (int)i, i);
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t k = 0; k < i; k++)
            CHECK(p[i][k] == (unsigned char)i);
}

static void big(void)
{
    AUTO_ARENA a = {0};
    char *small = arena_dup(&a, "small");
    char *p = arena_alloc(&a, 1000000);
    CHECK(p[0] == 0 && p[999999] == 0);
    memset(p, 1, 1000000);
    char *after = arena_alloc(&a, 10);
    CHECK(after[0] == 0);
    CHECK_STR(small, "small");
}

static void strings(void)
{
    AUTO_ARENA a = {0};
    CHECK(arena_dup(&a, NULL) == NULL);
    CHECK_STR(arena_dup(&a, ""), "");
    CHECK_STR(arena_str(&a, (struct str){"abcdef", 3}), "abc");
    CHECK_STR(arena_str(&a, (struct str){NULL, 0}), "");
    struct str s = arena_copy(&a, STR("x\0y"));
    CHECK(str_eq(s, STR("x\0y")) && s.p[3] == '\0');
    CHECK_STR(arena_printf(&a, "%s=%d", "k", 5), "k=5");
    CHECK_STR(arena_printf(&a, "%s", ""), "");
    char *wide = arena_printf(&a, "%0*d", 70000, 3);
    CHECK(strlen(wide) == 70000);
}

static void array(void)
{
    AUTO_ARENA a = {0};
    uint64_t *v = arena_array(&a, 100, sizeof *v);
    for (size_t i = 0; i < 100; i++)
        CHECK(v[i] == 0);
    CHECK(arena_array(&a, 0, 8) != NULL);
    CHECK(arena_array(&a, 8, 0) != NULL);
}

static void freed_is_a_start(void)
{
    struct arena a = {0};
    arena_free(&a);
    arena_dup(&a, "x");
    arena_free(&a);
    CHECK(a.head == NULL);
    CHECK_STR(arena_dup(&a, "again"), "again");
    arena_free(&a);
}

int main(void)
{
    RUN(alloc);
    RUN(big);
    RUN(strings);
    RUN(array);
    RUN(freed_is_a_start);
    return test_done();
}
