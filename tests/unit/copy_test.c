#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/os.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static struct err err;
static struct copy_stats stats;

static int sh(const char *fmt, const char *a, const char *b)
{
    char line[16384];
    snprintf(line, sizeof line, fmt, a, b);
    return system(line) == 0;
}

/* What there is of a tree, hard links as what they share; without the times of access. */
static char *listing(const char *dir)
{
    static struct buf out[2];
    static unsigned k;
    struct buf *b = &out[k++ % 2];
    char line[16384], chunk[4096];
    snprintf(line, sizeof line,
             "cd %s && { find . -printf '%%P %%y %%m %%U:%%G %%T@ %%n %%l %%s\\n' | sed '/^[^ ]* d/s/ "
             "[0-9]*$//' | sort; "
             "find . -type f -size -3M -exec sha256sum {} + | sort; find . -links +1 -type f -printf '%%i "
             "%%P\\n' | sort -k 2 | "
             "awk '{ if (!($1 in n)) n[$1] = $2; print $2, n[$1] }'; getfattr -hRd -m - . 2>/dev/null; "
             "find . -type c -o -type b | sort | xargs -r stat -c '%%n %%t %%T'; }",
             dir);
    FILE *f = popen(line, "r");
    buf_clear(b);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        buf_add(b, chunk, n);
    pclose(f);
    return b->p;
}

static int copy(enum copy_share share, unsigned jobs, const volatile int *stop)
{
    const struct copy_opts o = {.share = share, .jobs = jobs, .stop = stop};
    AUTO_FD from = open(in_scratch("a"), O_RDONLY | O_DIRECTORY), to = -1;
    sh("rm -rf %s", in_scratch("b"), "");
    mkdir(in_scratch("b"), 0700);
    to = open(in_scratch("b"), O_RDONLY | O_DIRECTORY);
    err = (struct err){0};
    stats = (struct copy_stats){0};
    return copy_tree(from, "a", to, "b", &o, &stats, &err);
}

static void make_source(void)
{
    scratch_new();
    CHECK(sh("mkdir -p %s/d/deep/er %s/e", in_scratch("a"), in_scratch("a")));
    CHECK(sh("cd %s && head -c 3000000 /dev/urandom >d/large && echo small >d/deep/small && : >empty && "
             "ln d/large e/again && ln d/deep/small d/deep/er/small && ln -s ../nowhere d/deep/link && ln -s "
             "d dir-link && "
             "mkfifo d/fifo && chmod 4751 d/large && chmod 1777 e && chmod 0500 d/deep/er && printf x >'name "
             "with\n newline' && "
             "mkdir lost+found && touch lost+found/not && touch -h -d 2001-02-03T04:05:06.789 d/deep/link && "
             "touch -d 1999-01-01T00:00:00.123456789 d/deep/small d/deep/er d/deep d .%s",
             in_scratch("a"), ""));
    for (int i = 0; i < 300; i++) {
        char name[64];
        snprintf(name, sizeof name, "a/e/%d", i);
        AUTO_FD fd = open(in_scratch(name), O_WRONLY | O_CREAT, 0640);
        CHECK(write(fd, name, strlen(name)) > 0);
    }
}

static void everything_is_kept(void)
{
    make_source();
    if (geteuid() == 0)
        CHECK(sh("cd %s && chown 1234:5678 d/deep d/deep/small d/large && chmod 4751 d/large && chown -h "
                 "77:88 d/deep/link && "
                 "mknod -m 0640 null c 1 3 && mknod disk b 8 1 && touch -d 1999-01-01 d/deep%s",
                 in_scratch("a"), ""));
    sh("rm -rf %s/lost+found", in_scratch("a"), "");
    for (unsigned jobs = 1; jobs <= 9; jobs += 4) {
        CHECK(copy(COPY_TRY, jobs, NULL) == 0);
        CHECK_STR(err.msg, "");
        CHECK_STR(listing(in_scratch("b")), listing(in_scratch("a")));
        CHECK(stats.bytes + stats.shared >= 3000000);
    }
    CHECK(strstr(listing(in_scratch("b")), "e/again d/large") != NULL);
    sh("chmod 0700 %s/d/deep/er %s/d/deep/er", in_scratch("a"), in_scratch("b"));
}

static void attributes(void)
{
    char value[64];
    scratch_new();
    mkdir(in_scratch("a"), 0755);
    mkdir(in_scratch("a/d"), 0755);
    AUTO_FD f = open(in_scratch("a/f"), O_RDWR | O_CREAT, 0644), d = open(in_scratch("a/d"), O_RDONLY);
    if (os_set_xattr(f, "user.test", "value", 5) < 0)
        SKIP("the file system has no extended attributes");
    CHECK(os_set_xattr(d, "user.dir", "other", 5) == 0);
    /* cap_net_raw=ep, VFS_CAP_REVISION_2 */
    static const unsigned char cap[20] = {1, 0, 0, 2, 0, 0x20};
    bool capable = os_set_xattr(f, "security.capability", cap, sizeof cap) == 0;
    CHECK(copy(COPY_NEVER, 2, NULL) == 0);
    AUTO_FD g = open(in_scratch("b/f"), O_RDONLY), h = open(in_scratch("b/d"), O_RDONLY);
    CHECK(os_get_xattr(g, "user.test", value, sizeof value) == 5 && memcmp(value, "value", 5) == 0);
    CHECK(os_get_xattr(h, "user.dir", value, sizeof value) == 5 && memcmp(value, "other", 5) == 0);
    CHECK(!capable ||
          (os_get_xattr(g, "security.capability", value, sizeof value) == 20 && memcmp(value, cap, 20) == 0));
}

static void holes_stay_holes(void)
{
    struct stat st;
    scratch_new();
    mkdir(in_scratch("a"), 0755);
    AUTO_FD f = open(in_scratch("a/sparse"), O_RDWR | O_CREAT, 0644);
    CHECK(pwrite(f, "middle", 6, 50 << 20) == 6 && ftruncate(f, 200 << 20) == 0);
    CHECK(copy(COPY_NEVER, 2, NULL) == 0);
    CHECK(stat(in_scratch("b/sparse"), &st) == 0 && st.st_size == 200 << 20 && st.st_blocks * 512 < 4 << 20);
    CHECK(sh("cmp %s %s", in_scratch("a/sparse"), in_scratch("b/sparse")));
}

/* Zeros that are written count as a hole where the file has holes already. */
static void zeros_become_holes(void)
{
    struct stat st;
    scratch_new();
    mkdir(in_scratch("a"), 0755);
    AUTO_FD f = open(in_scratch("a/sparse"), O_RDWR | O_CREAT, 0644);
    CHECK(ftruncate(f, 20 << 20) == 0 && pwrite(f, "x", 1, 8 << 20) == 1);
    CHECK(sh("dd if=/dev/zero of=%s bs=1M count=4 conv=notrunc 2>/dev/null && printf y | "
             "dd of=%s bs=1 seek=1234567 conv=notrunc 2>/dev/null",
             in_scratch("a/sparse"), in_scratch("a/sparse")));
    CHECK(copy(COPY_NEVER, 1, NULL) == 0 && stats.bytes <= 3 * 4096);
    CHECK(stat(in_scratch("b/sparse"), &st) == 0 && st.st_size == 20 << 20 && st.st_blocks * 512 <= 64 << 10);
    CHECK(sh("cmp %s %s", in_scratch("a/sparse"), in_scratch("b/sparse")));
}

static void what_is_left_out(void)
{
    struct stat st;
    make_source();
    CHECK(copy(COPY_NEVER, 2, NULL) == 0);
    CHECK(stat(in_scratch("b/lost+found"), &st) < 0 && errno == ENOENT);
    sh("chmod 0700 %s/d/deep/er %s/d/deep/er", in_scratch("a"), in_scratch("b"));
}

static void stopped(void)
{
    static const volatile int stop = 1;
    make_source();
    CHECK(copy(COPY_NEVER, 2, &stop) < 0 && err.class == ERR_INTR);
    sh("chmod 0700 %s/d/deep/er", in_scratch("a"), "");
}

static void sharing_asked_for(void)
{
    scratch_new();
    mkdir(in_scratch("a"), 0755);
    sh("echo text >%s/f", in_scratch("a"), "");
    AUTO_FD f = open(in_scratch("a/f"), O_RDONLY), g = open(in_scratch("g"), O_RDWR | O_CREAT, 0600);
    if (os_share_file(f, g) == 0) {
        CHECK(copy(COPY_ONLY, 1, NULL) == 0 && stats.shared == 5 && stats.bytes == 0);
        return;
    }
    CHECK(copy(COPY_ONLY, 1, NULL) < 0 && err.class == ERR_HOST);
    CHECK(strstr(err.msg, "a/f: the file system cannot share contents") != NULL);
    CHECK(copy(COPY_TRY, 1, NULL) == 0 && stats.shared == 0 && stats.bytes == 5);
}

static void target_not_empty(void)
{
    scratch_new();
    mkdir(in_scratch("a"), 0755);
    mkdir(in_scratch("b"), 0755);
    sh("echo text >%s/f && ln -s /etc/passwd %s/f", in_scratch("a"), in_scratch("b"));
    AUTO_FD from = open(in_scratch("a"), O_RDONLY), to = open(in_scratch("b"), O_RDONLY);
    const struct copy_opts o = {.jobs = 1};
    CHECK(copy_tree(from, "a", to, "b", &o, &stats, &err) < 0);
    CHECK_STR(err.msg, "copying to b: a/f: cannot make the copy: File exists");
}

int main(void)
{
    RUN(everything_is_kept);
    RUN(attributes);
    RUN(holes_stay_holes);
    RUN(zeros_become_holes);
    RUN(what_is_left_out);
    RUN(stopped);
    RUN(sharing_asked_for);
    RUN(target_not_empty);
    scratch_remove();
    return test_done();
}
