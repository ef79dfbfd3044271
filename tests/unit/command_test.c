#include "cmd/zone/command.h"
#include "tests/unit/test.h"

static struct err err;
static struct buf out;

static int sh(const char *line)
{
    const char *const argv[] = {"/bin/sh", "-c", line, NULL};
    err = (struct err){0};
    buf_clear(&out);
    return command_run(argv, &out, &err);
}

static void output(void)
{
    CHECK(sh("echo one; echo two >&2; echo three") == 0);
    CHECK_STR(buf_c(&out), "one\nthree\n");
    CHECK(sh("cat; env | sort | tr '\\n' ' '") ==
          0); /* nothing to read, nothing of ours in the environment */
    CHECK(strstr(buf_c(&out), "LC_ALL=C ") != NULL && strstr(buf_c(&out), "HOME=") == NULL);
}

static void much_of_both(void)
{
    CHECK(
        sh("i=0; while [ $i -lt 3000 ]; do echo 'a line of standard output, of some length, to fill a pipe'; "
           "echo 'a line of standard error, of some length, to fill a pipe as well' >&2; i=$((i+1)); done") ==
        0);
    CHECK(out.n == 3000 * strlen("a line of standard output, of some length, to fill a pipe\n"));
}

static void failures(void)
{
    CHECK(sh("echo >&2; echo '  the reason. ' >&2; echo advice >&2; exit 3") < 0 && err.class == ERR_HOST);
    CHECK_STR(err.msg, "/bin/sh -c failed: the reason");
    CHECK(sh("exit 1") < 0);
    CHECK_STR(err.msg, "/bin/sh -c failed: it did not say why");
    CHECK(sh("kill -9 $$") < 0);
    const char *const argv[] = {"/no/such/program", NULL};
    err = (struct err){0};
    CHECK(command_run(argv, NULL, &err) < 0);
    CHECK_STR(err.msg, "/no/such/program: cannot be run: No such file or directory");
}

static void found(void)
{
    struct arena a = {0};
    const char *sh_path = command_find("sh", &a);
    CHECK(sh_path != NULL && sh_path[0] == '/');
    CHECK(command_find("no-such-program-here", &a) == NULL);
    arena_free(&a);
}

int main(void)
{
    RUN(output);
    RUN(much_of_both);
    RUN(failures);
    RUN(found);
    buf_free(&out);
    return test_done();
}
