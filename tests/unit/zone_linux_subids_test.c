/* cmd/zone/linux_subids.c: the ranges of a user. */
#include "cmd/zone/linux.h"

#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static struct linux_subids ids;
static struct err err;

/* What a file gives: FIRST+COUNT, space-separated. */
static const char *ranges(const char *text, const char *user, uint32_t own)
{
    static struct buf got;
    scratch_new();
    buf_clear(&got);
    const char *path = in_scratch("subuid");
    if (file_replace(path, str_c(text), 0644, &err) != 0 ||
        linux_subids_read(path, user, 1000, own, &ids, &err) != 0)
        return err.msg;
    uint64_t total = 0;
    for (size_t i = 0; i < ids.n; i++) {
        buf_printf(&got, "%s%u+%u", i > 0 ? " " : "", ids.v[i].first, ids.v[i].count);
        total += ids.v[i].count;
    }
    CHECK(total == ids.total);
    return buf_c(&got);
}

static void owners(void)
{
    const char *text = "root:1:9\nann:100000:65536\nanna:1:5\n1000:300000:10\n10001:7:7\nann:200000:10\n";
    CHECK_STR(ranges(text, "ann", 1000), "100000+65536 200000+10 300000+10");
    CHECK_STR(ranges(text, NULL, 1000), "300000+10");
    CHECK_STR(ranges("ann:5:1", "ann", 1000), "5+1");
    CHECK_STR(ranges("", "ann", 1000), "");
    CHECK(linux_subids_read("/nonexistent/subuid", "ann", 1000, 1000, &ids, &err) == 0 && ids.n == 0);
    CHECK(linux_subids_read("/etc", "ann", 1000, 1000, &ids, &err) == -1 && err.class == ERR_HOST);
}

static void overlaps(void)
{
    CHECK_STR(ranges("ann:500:100\n1000:500:100\n", "ann", 1000), "500+100");
    CHECK_STR(ranges("ann:550:100\nann:500:100\nann:520:10\n", "ann", 1000), "500+100 600+50");
    /* The user's own id is 0 inside. */
    CHECK_STR(ranges("ann:900:200\n", "ann", 1000), "900+100 1001+99");
    CHECK_STR(ranges("ann:1000:2\nann:999:1\n", "ann", 1000), "999+1 1001+1");
}

static void hostile_lines(void)
{
    CHECK_STR(ranges("ann\nann:\nann:1\nann:x:1\nann:1:-1\nann:1:x\nann:-1:4\n:1:1\n::\nann:0x10:1\nann::5\n",
                     "ann", 1000),
              "");
    CHECK_STR(ranges("ann:4294967290:100\n", "ann", 1000), "4294967290+5");
    CHECK_STR(ranges("ann:4294967295:1\nann:4294967296:1\nann:18446744073709551616:1\n", "ann", 1000), "");
    CHECK_STR(ranges("ann:5:18446744073709551615\n", "ann", 3), "5+4294967290");
    CHECK_STR(ranges("ann:7:0\n", "ann", 1000), "");
    CHECK_STR(ranges("ann:7:3:more:fields\n", "ann", 1000), "7+3");
    struct buf many = {0};
    for (int i = 0; i < 1000; i++)
        buf_printf(&many, "ann:%d:10\n", 2000 + 20 * i);
    ranges(buf_c(&many), "ann", 1000);
    CHECK(ids.n == LINUX_SUBIDS_MAX && ids.total == 10 * LINUX_SUBIDS_MAX);
    buf_free(&many);
}

int main(void)
{
    RUN(owners);
    RUN(overlaps);
    RUN(hostile_lines);
    scratch_remove();
    return test_done();
}
