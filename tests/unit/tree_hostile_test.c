/* Hostile entries and archives: whatever they say, nothing appears outside the root. */
#include <archive.h>
#include <archive_entry.h>

#include "tests/unit/tree_help.h"

static char canary[8192];

/* A root with a directory beside it that must stay as it is. */
static struct tree *guarded_root(void)
{
    scratch_new();
    if (mkdir(in_scratch("canary"), 0755) < 0)
        abort();
    snprintf(canary, sizeof canary, "%s", in_scratch("canary"));
    host_write(in_scratch("canary/file"), "alive");
    return tree_at("root");
}

static void check_canary(const char *what)
{
    AUTO_FD dir = open(canary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_MEM char *got = list_root(dir);
    struct stat st;
    if (strncmp(got, "file 100644 0:0 ", 16) != 0 || strstr(got, "\"alive\" 5\n") == NULL ||
        strchr(got, '\n')[1])
        printf("# %s: %s\n", what, got);
    CHECK(strncmp(got, "file 100644 0:0 ", 16) == 0 && strstr(got, "\"alive\" 5\n") != NULL &&
          !strchr(got, '\n')[1]);
    CHECK(stat(in_scratch("canary/file"), &st) == 0 && st.st_nlink == 1);
    /* Beside the root there is the canary alone. */
    DIR *beside = opendir(scratch);
    struct dirent *de;
    while (beside != NULL && (de = readdir(beside)) != NULL)
        CHECK(strcmp(de->d_name, "canary") == 0 || strcmp(de->d_name, ".root.zonestrap-partial") == 0 ||
              strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0);
    if (beside != NULL)
        closedir(beside);
}

/* One step of an attack; in `path` and `link` a % stands for the canary's path on the host. */
struct step {
    const char *path;
    enum tree_type type;
    const char *link;
};

static const struct attack {
    const char *name;
    struct step steps[4];
    int refused; /* the step that must fail, from 1; 0: none, as it stays inside */
} attacks[] = {
    {"dot-dot", {{"../canary/new", TREE_FILE, NULL}}, 1},
    {"dot-dot inside", {{"usr/../../canary/new", TREE_FILE, NULL}}, 1},
    {"dot-dot at the end", {{"usr/..", TREE_DIR, NULL}}, 1},
    {"dot-dot directory", {{"./../canary/newdir", TREE_DIR, NULL}}, 1},
    {"absolute", {{"%/new", TREE_FILE, NULL}}, 0},
    {"absolute directory", {{"//%/newdir", TREE_DIR, NULL}}, 0},
    {"through an absolute link", {{"out", TREE_LINK, "%"}, {"out/new", TREE_FILE, NULL}}, 2},
    {"through a relative link", {{"out", TREE_LINK, "../canary"}, {"out/file", TREE_FILE, NULL}}, 2},
    {"through a link inside",
     {{"in", TREE_LINK, "usr"}, {"usr", TREE_DIR, NULL}, {"in/x", TREE_FILE, NULL}},
     3},
    {"directory over a link", {{"out", TREE_LINK, "%"}, {"out", TREE_DIR, NULL}}, 2},
    {"file over a link", {{"out", TREE_LINK, "%/file"}, {"out", TREE_FILE, NULL}}, 0},
    {"link planted for a directory",
     {{"d/x", TREE_FILE, NULL}, {"d", TREE_LINK, "%"}, {"d/y", TREE_FILE, NULL}},
     2},
    {"link to a link", {{"a", TREE_LINK, "%"}, {"b", TREE_LINK, "a"}, {"b/x", TREE_DIR, NULL}}, 3},
    {"device through a link", {{"out", TREE_LINK, "%"}, {"out/null", TREE_CHAR, NULL}}, 2},
    {"hard link outside", {{"x", TREE_HARD, "../canary/file"}}, 1},
    {"absolute hard link", {{"x", TREE_HARD, "%/file"}}, 1},
    {"hard link through a link", {{"out", TREE_LINK, "%"}, {"x", TREE_HARD, "out/file"}}, 2},
    {"hard link to a link", {{"out", TREE_LINK, "%/file"}, {"x", TREE_HARD, "out"}}, 2},
    {"hard link to a directory", {{"d", TREE_DIR, NULL}, {"x", TREE_HARD, "d"}}, 2},
    {"hard link to itself", {{"x", TREE_FILE, NULL}, {"x", TREE_HARD, "x"}}, 2},
    {"hard link to nothing", {{"x", TREE_HARD, "nothing"}}, 1},
    {"root as a file", {{"./", TREE_FILE, NULL}}, 1},
    {"root as a link", {{"/", TREE_LINK, "%"}}, 1},
    {"root as a hard link's target", {{"x", TREE_HARD, "/"}}, 1},
    {"link without a text", {{"x", TREE_LINK, ""}}, 1},
    {"no name", {{"", TREE_FILE, NULL}}, 1},
    {"the marker", {{".zonestrap-incomplete", TREE_LINK, "%/file"}}, 1},
};

static const char *with_canary(const char *s)
{
    static char out[4][16384];
    static unsigned k;
    const char *at = s ? strchr(s, '%') : NULL;
    if (at == NULL)
        return s;
    char *p = out[k++ % 4];
    snprintf(p, sizeof out[0], "%.*s%s%s", (int)(at - s), s, canary, at + 1);
    return p;
}

/* Steps by one package, or each by another. */
static void run_attack(const struct attack *a, bool many)
{
    struct tree *t = guarded_root();
    for (unsigned i = 0; i < 4 && a->steps[i].path != NULL; i++) {
        const struct step *s = &a->steps[i];
        struct tree_writer *w = writer_of(t, many ? 3 - i : 1, false);
        struct tree_entry en = entry(with_canary(s->path), s->type);
        en.link = str_c(with_canary(s->link));
        en.major = 1;
        en.minor = 3;
        int rc = s->type == TREE_FILE ? put_text_as(w, en, "evil") : put(w, en);
        tree_writer_close(w);
        bool refuse = a->refused == (int)i + 1;
        /* Between packages a file instead of another's link is a shared path, and settled in the end. */
        if (rc != (refuse ? -1 : 0)) {
            printf("# %s, step %u: %s\n", a->name, i + 1, rc < 0 ? err.msg : "not refused");
            CHECK(!"the attack above");
        }
        CHECK(rc == 0 || (err.class == ERR_FORMAT && strstr(err.msg, many ? "" : "one: ") != NULL));
        if (rc < 0)
            break;
    }
    (void)tree_settle(t, &err);
    check_canary(a->name);
    tree_close(t);
    check_canary(a->name);
}

static void attacks_by_one(void)
{
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        run_attack(&attacks[i], false);
}

static void attacks_by_several(void)
{
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        run_attack(&attacks[i], true);
}

static void odd_entries(void)
{
    struct tree *t = guarded_root();
    struct tree_writer *w = writer_of(t, 1, false);
    struct tree_entry bad[5];
    for (int i = 0; i < 5; i++)
        bad[i] = entry("x", TREE_FILE);
    bad[0].uid = UINT32_MAX;
    bad[1].gid = UINT32_MAX;
    bad[2].mtime_nsec = 1000000000;
    bad[3].type = (enum tree_type)99;
    bad[4].path = (struct str){"x\0y", 3};
    for (int i = 0; i < 5; i++)
        CHECK(put(w, bad[i]) == -1 && err.class == ERR_FORMAT && strstr(err.msg, "one: x") != NULL);
    struct tree_entry link = entry("l", TREE_LINK);
    link.link = (struct str){"a\0b", 3};
    CHECK(put(w, link) == -1 && err.class == ERR_FORMAT);
    struct tree_entry evil = entry("new\nline\x1b[31m", TREE_HARD);
    evil.link = STR("none");
    CHECK(put(w, evil) == -1 && strchr(err.msg, '\n') == NULL && strchr(err.msg, '\x1b') == NULL);
    tree_writer_close(w);
    tree_close(t);
}

/* A link that somebody else than the tree plants on the disk, between two entries. */
static void planted_on_disk(void)
{
    struct tree *t = guarded_root();
    struct tree_writer *w = writer_of(t, 1, false);
    CHECK(symlinkat(canary, tree_fd(t), "planted") == 0);
    CHECK(put_text(w, "planted/new", "evil") == -1);
    CHECK(put_dir(w, "planted") == -1);
    CHECK(put_text(w, "fine", "") == 0 && symlinkat(canary, tree_fd(t), "plan") == 0);
    CHECK(put_text(w, "plan", "evil") == -1 && err.class == ERR_HOST && err.hint[0] != '\0');
    tree_writer_close(w);
    tree_close(t);
    check_canary("planted");
}

/* A hard link that pointed to what another package's link replaced. */
static void hard_link_to_what_became_a_link(void)
{
    struct tree *t = guarded_root();
    struct tree_writer *w = writer_of(t, 2, false), *low = writer_of(t, 1, false);
    AUTO_ARENA a = {0};
    unsigned *redo;
    size_t n;
    CHECK(put_text(w, "f", "text") == 0 && put_to(w, "h", TREE_HARD, "f") == 0);
    CHECK(put_to(low, "f", TREE_LINK, with_canary("%/file")) == 0);
    tree_writer_close(low);
    CHECK(tree_redo(t, &a, &redo, &n, &err) == 0 && n == 1 && redo[0] == 1);
    low = writer_of(t, 1, true);
    CHECK(put_to(low, "f", TREE_LINK, with_canary("%/file")) == 0);
    tree_writer_close(low);
    tree_writer_close(w);
    CHECK(tree_settle(t, &err) == -1 && err.class == ERR_FORMAT && strstr(err.msg, "two: h") != NULL);
    check_canary("became a link");
    tree_close(t);
    check_canary("became a link");
}

/* Hard links in a circle end in an error, not in a loop. */
static void circle_of_hard_links(void)
{
    struct tree *t = guarded_root();
    struct tree_writer *w = writer_of(t, 1, false);
    CHECK(put_text(w, "a", "x") == 0 && put_to(w, "b", TREE_HARD, "a") == 0 &&
          put_to(w, "a", TREE_HARD, "b") == 0);
    tree_writer_close(w);
    CHECK(tree_settle(t, &err) == -1 && err.class == ERR_FORMAT);
    tree_close(t);
}

static int archive_next(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e)
{
    la_int64_t at = 0;
    int rc = archive_read_data_block(ctx, p, n, &at);
    *off = (uint64_t)at;
    if (rc == ARCHIVE_EOF)
        return 0;
    return rc == ARCHIVE_OK ? 1 : err_set(e, ERR_FORMAT, "%s", archive_error_string(ctx));
}

static int put_member(struct tree_writer *w, struct archive *ar, struct archive_entry *ae)
{
    const char *hard = archive_entry_hardlink(ae), *soft = archive_entry_symlink(ae);
    mode_t type = archive_entry_filetype(ae);
    struct tree_entry en = {
        .path = str_c(archive_entry_pathname(ae)),
        .type = hard               ? TREE_HARD
                : soft             ? TREE_LINK
                : type == AE_IFDIR ? TREE_DIR
                                   : TREE_FILE,
        .mode = archive_entry_perm(ae),
        .uid = (uint32_t)archive_entry_uid(ae),
        .gid = (uint32_t)archive_entry_gid(ae),
        .mtime = archive_entry_mtime(ae),
        .link = str_c(hard ? hard : soft),
    };
    en.size = en.type == TREE_FILE ? (uint64_t)archive_entry_size(ae) : 0;
    return tree_put(w, &en, en.size > 0 ? archive_next : NULL, ar, &err);
}

/* Puts what the archive holds; returns the entries taken. */
static unsigned put_archive(struct tree *t, const char *path)
{
    struct archive *ar = archive_read_new();
    struct archive_entry *ae;
    unsigned taken = 0;
    struct tree_writer *w = writer_of(t, 1, false);
    archive_read_support_format_tar(ar);
    archive_read_support_format_cpio(ar);
    if (archive_read_open_filename(ar, path, 65536) == ARCHIVE_OK)
        while (archive_read_next_header(ar, &ae) == ARCHIVE_OK) {
            /* On after an error, as the worst of readers would. */
            if (put_member(w, ar, ae) == 0)
                taken++;
            else
                CHECK(err.class == ERR_FORMAT && strncmp(err.msg, "one: ", 5) == 0);
        }
    tree_writer_close(w);
    archive_read_free(ar);
    return taken;
}

static unsigned archives_in(const char *dir, unsigned *taken)
{
    AUTO_BUF path = {0};
    unsigned n = 0;
    buf_printf(&path, "%s/evil/%s", test_data(), dir);
    DIR *d = opendir(path.p);
    struct dirent *de;
    while (d != NULL && (de = readdir(d)) != NULL) {
        AUTO_BUF file = {0};
        if (de->d_name[0] == '.')
            continue;
        buf_printf(&file, "%s/%s", path.p, de->d_name);
        struct tree *t = guarded_root();
        *taken += put_archive(t, file.p);
        CHECK(tree_settle(t, &err) == 0);
        check_canary(de->d_name);
        tree_close(t);
        check_canary(de->d_name);
        n++;
    }
    if (d != NULL)
        closedir(d);
    return n;
}

static void hostile_archives(void)
{
    static const char *const dirs[] = {"traversal/tar", "traversal/cpio-newc", "node-tar", "zip-slip",
                                       "tar-rs"};
    unsigned n = 0, taken = 0;
    int before = absent("/tmp/moo"); /* where several of them aim */
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
        n += archives_in(dirs[i], &taken);
    CHECK(absent("/tmp/moo") == before);
    if (n == 0)
        SKIP("no test data beside the project ($ZONESTRAP_TEST_DATA)");
    CHECK(taken > 20);
}

int main(void)
{
    if (geteuid() != 0) {
        printf("skipped - tree_hostile: needs root, as owners are set\n");
        return 0;
    }
    RUN(attacks_by_one);
    RUN(attacks_by_several);
    RUN(odd_entries);
    RUN(planted_on_disk);
    RUN(hard_link_to_what_became_a_link);
    RUN(circle_of_hard_links);
    RUN(hostile_archives);
    scratch_remove();
    return test_done();
}
