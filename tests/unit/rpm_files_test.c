/* The file list of a package's header. */
#include <time.h>

#include "base/mem.h"
#include "pkgfmt/rpm_files.h"
#include "tests/unit/rpm_fixture.h"
#include "tests/unit/test.h"

/* The files of a made header; NULL: e says why not. free_list() it in any case. */
struct list {
    struct buf bytes;
    struct rpm_header h;
    struct rpm_files f;
};

static bool list_made(struct list *l, const struct made *m, const struct made_file *f, size_t n,
                      struct err *e)
{
    *l = (struct list){0};
    *e = (struct err){0};
    made_main(&l->bytes, m, f, n);
    if (rpm_header_parse(&l->h, buf_view(&l->bytes), 0, e) < 0)
        return false;
    return rpm_files_read(&l->f, &l->h, e) == 0;
}

static void free_list(struct list *l)
{
    rpm_files_free(&l->f);
    rpm_header_free(&l->h);
    buf_free(&l->bytes);
}

static const struct made_file some[] = {
    {.path = "/usr/share", .mode = S_IFDIR | 0755},
    {.path = "/usr/bin/x", .mode = S_IFREG | 04755, .text = "abc", .user = "u", .group = "g", .caps = "=ep"},
    {.path = "/usr/bin/y", .mode = S_IFLNK | 0777, .text = "x"},
    {.path = "/", .mode = S_IFDIR | 0555},
    {.path = "/usr//lib/", .mode = S_IFDIR | 0700, .flags = RPM_FILE_GHOST},
    {.path = "/dev/null", .mode = S_IFCHR | 0666},
};
enum { SOME = sizeof some / sizeof some[0] };

static void columns(void)
{
    for (int form = 0; form < 3; form++) {
        const struct made m = {.old_names = form == 1, .stripped = form == 2};
        struct list l;
        struct err e;
        CHECK(list_made(&l, &m, some, SOME, &e));
        CHECK(l.f.n == SOME && l.f.algo == DIGEST_SHA256 && !l.f.has_sets);
        const struct rpm_file *x = &l.f.v[1];
        CHECK_STR(x->path, "usr/bin/x");
        CHECK(x->mode == (S_IFREG | 04755) && x->size == 3 && x->mtime == 1000000000 && x->flags == 0);
        CHECK(rpm_file_type(x) == RPM_REG && rpm_file_type(&l.f.v[0]) == RPM_DIR);
        CHECK_STR(x->user, "u");
        CHECK_STR(x->group, "g");
        CHECK_STR(x->caps, "=ep");
        CHECK_STR(x->digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        CHECK_STR(l.f.v[2].link, "x");
        CHECK_STR(l.f.v[3].path, "");
        CHECK_STR(l.f.v[4].path, "usr/lib");
        CHECK(l.f.v[5].major == 1 && l.f.v[5].minor == 3);
        free_list(&l);
    }
}

static void order_and_names(void)
{
    static const char *const want[] = {"", "dev/null", "usr/bin/x", "usr/bin/y", "usr/lib", "usr/share"};
    static const char *const spellings[] = {"usr/bin/x", "./usr/bin/x", "/usr/bin/x", ".//usr/./bin//x/"};
    struct list l;
    struct err e;
    CHECK(list_made(&l, &(struct made){0}, some, SOME, &e));
    for (size_t i = 0; i < SOME; i++)
        CHECK_STR(l.f.by_path[i]->path, want[i]);
    for (size_t i = 0; i < 4; i++)
        CHECK(rpm_files_find(&l.f, str_c(spellings[i])) == &l.f.v[1]);
    CHECK(rpm_files_find(&l.f, STR("./")) == &l.f.v[3]);
    CHECK(rpm_files_find(&l.f, STR("usr/bin")) == NULL);
    CHECK(rpm_files_find(&l.f, STR("usr/bin/../bin/x")) == NULL);
    free_list(&l);
    CHECK(list_made(&l, &(struct made){0}, NULL, 0, &e) && l.f.n == 0);
    CHECK(rpm_files_find(&l.f, STR("x")) == NULL);
    free_list(&l);
}

/* Names of one file go in a ring; other contents or sizes with the same inode are files of their own. */
static void sets(void)
{
    static const struct made_file f[] = {
        {.path = "/a", .text = "1", .inode = 5},
        {.path = "/b", .text = "2", .inode = 5},
        {.path = "/c", .text = "1", .inode = 5},
        {.path = "/d", .text = "1", .inode = 6},
        {.path = "/e", .text = "1"},
        {.path = "/f", .text = "1"},
        {.path = "/g", .text = "1", .inode = 5},
        {.path = "/h", .text = "1", .inode = 5, .flags = RPM_FILE_GHOST},
    };
    static const uint32_t next[] = {2, 1, 6, 3, 4, 5, 0, 7}, last[] = {6, 1, 6, 3, 4, 5, 6, 7};
    struct list l;
    struct err e;
    CHECK(list_made(&l, &(struct made){0}, f, 8, &e));
    CHECK(l.f.has_sets);
    for (size_t i = 0; i < 8; i++)
        CHECK(l.f.v[i].next == next[i] && l.f.v[i].last == last[i]);
    free_list(&l);
}

static void refused(const struct made *m, const struct made_file *f, size_t n, const char *want)
{
    struct list l;
    struct err e;
    if (list_made(&l, m, f, n, &e) || e.class != ERR_FORMAT || strstr(e.msg, want) == NULL) {
        printf("got `%s', want `%s'\n", e.msg, want);
        test_failed_here = 1;
    }
    free_list(&l);
}

static void counts(void)
{
    static const struct {
        uint32_t tag;
        const char *want;
    } cases[] = {
        {RPM_TAG_DIRINDEXES, "5 directory indexes for 6 files"},
        {RPM_TAG_FILESIZES, "5 sizes for 6 files"},
        {RPM_TAG_FILEMODES, "5 modes for 6 files"},
        {RPM_TAG_FILERDEVS, "5 device numbers"},
        {RPM_TAG_FILEMTIMES, "5 times for 6 files"},
        {RPM_TAG_FILEDIGESTS, "5 digests for 6 files"},
        {RPM_TAG_FILELINKTOS, "5 link targets for 6 files"},
        {RPM_TAG_FILEFLAGS, "5 flags for 6 files"},
        {RPM_TAG_FILEUSERNAME, "5 users for 6 files"},
        {RPM_TAG_FILEGROUPNAME, "5 groups for 6 files"},
        {RPM_TAG_FILEDEVICES, "5 devices for 6 files"},
        {RPM_TAG_FILEINODES, "5 inodes for 6 files"},
        {RPM_TAG_FILECAPS, "5 capabilities for 6 files"},
        {RPM_TAG_DIRNAMES, "directory 5 of 5"},
        {RPM_TAG_BASENAMES, "6 directory indexes for 5 files"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refused(&(struct made){.wrong_count = cases[i].tag}, some, SOME, cases[i].want);
}

static void hostile(void)
{
    char deep[5000];
    memset(deep, 'a', sizeof deep - 1);
    deep[0] = deep[200] = '/';
    deep[sizeof deep - 1] = '\0';
    const struct made none = {0};
    refused(&none, (struct made_file[]){{.path = "/a"}, {.path = "//a"}}, 2, "/a: listed twice");
    refused(&none, (struct made_file[]){{.path = "/b"}, {.path = "/a"}, {.path = "/b"}}, 3,
            "/b: listed twice");
    refused(&none, (struct made_file[]){{.path = "/a", .mode = 0644}}, 1,
            "/a: mode 000644, which has no type");
    refused(&none, (struct made_file[]){{.path = deep}}, 1, "a path of more than 4095 bytes");
    refused(&(struct made){.algo = 99}, some, SOME, "algorithm 99");
}

/* Many files in no order are no matter of minutes. */
static void many(void)
{
    enum { N = 100000 };
    struct made_file *f = mem_alloc(N * sizeof *f);
    char(*paths)[32] = mem_alloc(N * sizeof *paths);
    for (size_t i = 0; i < N; i++) {
        snprintf(paths[i], sizeof paths[i], "/usr/share/d/%zu", i * 7919 % N);
        f[i] = (struct made_file){.path = paths[i], .text = "x", .inode = 1};
    }
    struct list l;
    struct err e;
    CHECK(list_made(&l, &(struct made){.old_names = true}, f, N, &e));
    clock_t start = clock();
    for (size_t i = 0; i < N; i++)
        CHECK(rpm_files_find(&l.f, str_c(paths[i])) == &l.f.v[i]);
    CHECK(clock() - start < 10 * CLOCKS_PER_SEC);
    CHECK(l.f.v[N - 1].next == 0 && l.f.v[0].last == N - 1);
    free_list(&l);
    free(f);
    free(paths);
}

int main(void)
{
    RUN(columns);
    RUN(order_and_names);
    RUN(sets);
    RUN(counts);
    RUN(hostile);
    RUN(many);
    return test_done();
}
