#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "tests/unit/scratch.h"

static void read_and_replace(void)
{
    AUTO_BUF b = {0};
    struct err e = {0};
    struct stat st;
    const char *path = in_scratch("f");
    CHECK(file_replace(path, STR("one\0two"), 0640, &e) == 0);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640 && st.st_size == 7);
    buf_puts(&b, "before ");
    CHECK(file_read(path, 100, &b, &e) == 0);
    CHECK(str_eq(buf_view(&b), STR("before one\0two")));
    CHECK(file_replace(path, (struct str){NULL, 0}, 0644, &e) == 0);
    buf_clear(&b);
    CHECK(file_read(path, 0, &b, &e) == 0 && b.n == 0);
    CHECK_STR(buf_c(&b), "");
}

static void read_max(void)
{
    AUTO_BUF b = {0};
    struct err e = {0};
    const char *path = in_scratch("max");
    CHECK(file_replace(path, STR("12345"), 0644, &e) == 0);
    CHECK(file_read(path, 5, &b, &e) == 0);
    buf_clear(&b);
    CHECK(file_read(path, 4, &b, &e) == -1);
    CHECK(e.class == ERR_HOST && e.sys == EFBIG && strstr(e.msg, path) != NULL);
}

/* An endless file stops at the limit, not at the end of memory. */
static void read_endless(void)
{
    AUTO_BUF b = {0};
    struct err e = {0};
    CHECK(file_read("/dev/zero", 1000000, &b, &e) == -1);
    CHECK(e.sys == EFBIG && b.cap < 4000000);
}

static void read_errors(void)
{
    AUTO_BUF b = {0};
    struct err e = {0};
    CHECK(file_read(in_scratch("absent"), 10, &b, &e) == -1);
    CHECK(e.class == ERR_HOST && e.sys == ENOENT && strstr(e.msg, "/absent: ") != NULL);
    CHECK(file_read(scratch, 10, &b, &e) == -1 && e.sys == EISDIR);
    CHECK(file_read_fd(-1, "nowhere", 10, &b, &e) == -1 && strncmp(e.msg, "nowhere: ", 9) == 0);
}

static void read_fd_goes_on(void)
{
    AUTO_BUF b = {0};
    struct err e = {0};
    const char *path = in_scratch("fd");
    CHECK(file_replace(path, STR("abcdef"), 0644, &e) == 0);
    AUTO_FD fd = open(path, O_RDONLY);
    CHECK(lseek(fd, 2, SEEK_SET) == 2);
    CHECK(file_read_fd(fd, path, 10, &b, &e) == 0);
    CHECK_STR(buf_c(&b), "cdef");
}

static void read_at(void)
{
    char got[4] = "";
    struct err e = {0};
    const char *path = in_scratch("at");
    CHECK(file_replace(path, STR("abcdef"), 0644, &e) == 0);
    AUTO_FD fd = open(path, O_RDONLY);
    CHECK(file_read_at(fd, "it", 1, got, 3, &e) == 0);
    CHECK_STR(got, "bcd");
    CHECK(lseek(fd, 0, SEEK_CUR) == 0);
    CHECK(file_read_at(fd, "it", 6, got, 0, &e) == 0);
    CHECK(file_read_at(fd, "it", 4, got, 3, &e) == -1 && e.class == ERR_FORMAT);
    CHECK_STR(e.msg, "it ends early, at byte 6");
    e = (struct err){0};
    CHECK(file_read_at(-1, "it", 0, got, 3, &e) == -1 && e.class == ERR_HOST && e.sys == EBADF);
}

static void write_fd(void)
{
    struct err e = {0};
    AUTO_FD full = open("/dev/full", O_WRONLY);
    if (full < 0)
        SKIP("no /dev/full here");
    CHECK(file_write_fd(full, "out", "x", 1, &e) == -1);
    CHECK(e.class == ERR_HOST && e.sys == ENOSPC && strncmp(e.msg, "out: ", 5) == 0 && e.hint[0] != '\0');
    CHECK(file_write_fd(full, "out", NULL, 0, &e) == 0);
}

/* Who has the old file open keeps it whole; nothing is left beside it, also after a failure. */
static void replace_is_atomic(void)
{
    AUTO_BUF b = {0};
    struct err e = {0};
    const char *path = in_scratch("atom");
    glob_t g;
    CHECK(file_replace(path, STR("old"), 0644, &e) == 0);
    AUTO_FD fd = open(path, O_RDONLY);
    CHECK(file_replace(path, STR("new"), 0644, &e) == 0);
    CHECK(file_read_fd(fd, path, 10, &b, &e) == 0);
    CHECK_STR(buf_c(&b), "old");
    CHECK(mkdir(in_scratch("atomdir"), 0755) == 0);
    CHECK(file_replace(in_scratch("atomdir"), STR("x"), 0644, &e) == -1 && e.class == ERR_HOST);
    CHECK(file_replace(in_scratch("no/such/dir"), STR("x"), 0644, &e) == -1 && e.sys == ENOENT);
    CHECK(glob(in_scratch("atom*"), 0, NULL, &g) == 0 && g.gl_pathc == 2);
    globfree(&g);
}

static void mkdirs(void)
{
    struct err e = {0};
    struct stat st;
    const char *deep = in_scratch("a/b//c/");
    CHECK(file_mkdirs(deep, 0700, &e) == 0);
    CHECK(stat(deep, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 07777) == 0700);
    CHECK(chmod(in_scratch("a"), 0751) == 0);
    CHECK(file_mkdirs(deep, 0755, &e) == 0);
    CHECK(stat(in_scratch("a"), &st) == 0 && (st.st_mode & 07777) == 0751);
    CHECK(file_mkdirs("/", 0755, &e) == 0);
    CHECK(file_mkdirs("", 0755, &e) == 0);
}

static void mkdirs_over_a_file(void)
{
    struct err e = {0};
    const char *path = in_scratch("plain");
    CHECK(file_replace(path, STR("x"), 0644, &e) == 0);
    CHECK(file_mkdirs(in_scratch("plain/below"), 0755, &e) == -1 && e.sys == ENOTDIR);
    CHECK(file_mkdirs(path, 0755, &e) == -1 && e.class == ERR_HOST && strstr(e.msg, path) != NULL);
}

int main(void)
{
    scratch_new();
    RUN(read_and_replace);
    RUN(read_max);
    RUN(read_endless);
    RUN(read_errors);
    RUN(read_fd_goes_on);
    RUN(read_at);
    RUN(write_fd);
    RUN(replace_is_atomic);
    RUN(mkdirs);
    RUN(mkdirs_over_a_file);
    scratch_remove();
    return test_done();
}
