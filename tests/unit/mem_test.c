#include "tests/unit/test.h"

#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"

/* What is tested here is the answer to NULL; the sanitizer's allocator would end the program instead. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void alloc(void)
{
    unsigned char *p = mem_alloc(64);
    for (int i = 0; i < 64; i++)
        CHECK(p[i] == 0);
    free(p);
    p = mem_alloc(0);
    CHECK(p != NULL);
    free(p);
}

static void grow(void)
{
    int *p = mem_grow(NULL, 4, sizeof *p);
    for (int i = 0; i < 4; i++)
        p[i] = i;
    p = mem_grow(p, 1000, sizeof *p);
    CHECK(p[3] == 3);
    p = mem_grow(p, 0, sizeof *p);
    CHECK(p != NULL);
    free(p);
}

static void copy(void)
{
    char *s = mem_dup("text");
    CHECK_STR(s, "text");
    free(s);
}

static void handler(void)
{
    _exit(7);
}

static volatile size_t huge = SIZE_MAX;
static struct arena arena;

static void *too_much_alloc(void)
{
    return mem_alloc(huge / 2);
}
static void *too_much_grow(void)
{
    return mem_grow(NULL, huge / 4, 8);
}
static void *too_much_arena(void)
{
    return arena_alloc(&arena, huge);
}
static void *too_much_array(void)
{
    return arena_array(&arena, huge / 2, 4);
}

/* Runs fn in a child with the handler set; its exit status. */
static int status_of(void *(*fn)(void))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        freopen("/dev/null", "w", stderr);
        mem_on_exhaustion(handler);
        _exit(fn() == NULL ? 1 : 0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

static void exhaustion_calls_the_handler(void)
{
    CHECK(status_of(too_much_alloc) == 7);
    CHECK(status_of(too_much_grow) == 7);
    CHECK(status_of(too_much_arena) == 7);
    CHECK(status_of(too_much_array) == 7);
}

int main(void)
{
    RUN(alloc);
    RUN(grow);
    RUN(copy);
    RUN(exhaustion_calls_the_handler);
    return test_done();
}
