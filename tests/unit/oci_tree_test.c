/* Layers on top of each other, and the layer between two roots. */
#include "cmd/oci_tree.h"

#include "base/tarball.h"
#include "cmd/oci_layer.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

#define EPOCH 1000

/* "d usr", "f usr/a TEXT", "l usr/b TO", "h usr/c TO", "F usr/a TEXT": as f, with a time after the epoch; "m
   usr/a TEXT": as f, older; "D usr": another mode. */
static void add(struct tarball *t, const char *row)
{
    char path[256] = "", text[256] = "";
    struct err e;
    sscanf(row + 1, "%255s %255s", path, text);
    bool dir = strchr("dD", row[0]) != NULL, file = strchr("fFm", row[0]) != NULL;
    const struct tree_entry en = {.path = strcmp(path, ".") == 0 ? STR("") : str_c(path),
                                  .type = dir             ? TREE_DIR
                                          : file          ? TREE_FILE
                                          : row[0] == 'l' ? TREE_LINK
                                                          : TREE_HARD,
                                  .mode = row[0] == 'D' ? 0700 : 0755,
                                  .mtime = row[0] == 'F'   ? EPOCH + 5
                                           : row[0] == 'm' ? 7
                                                           : 5,
                                  .size = file ? strlen(text) : 0,
                                  .link = str_c(text)};
    if (tarball_entry(t, &en, &e) < 0 || (file && tarball_data(t, text, strlen(text), &e) < 0))
        abort();
}

static const char *make_tar(const char *name, const char *const *rows)
{
    const char *path = in_scratch(name);
    const struct tarball_opts o = {.jobs = 1};
    struct digest sum;
    struct err e = {0};
    struct tarball *t;
    unlink(path);
    if (tarball_open(&t, path, &o, &e) < 0)
        abort();
    for (; *rows != NULL; rows++)
        add(t, *rows);
    if (tarball_finish(t, true, &sum, &e) < 0)
        abort();
    tarball_close(t);
    return path;
}

static int apply(struct oci_tree *t, const char *path, struct err *e)
{
    struct tar_in *r;
    AUTO_FD fd = open(path, O_RDONLY);
    if (tar_in_open(&r, fd, path, UINT64_MAX, false, e) < 0)
        return -1;
    int rc = oci_tree_apply(t, r, e);
    tar_in_close(r);
    return rc;
}

/* What differs between the root `want' and the layers, as "a b .wh.c"; directories above are not named. */
static const char *diff(const char *const *want, const char *const *const *layers, const char *const *paths)
{
    static char out[1024];
    struct oci_tree *w = oci_tree_new(UINT64_MAX, false), *b = oci_tree_new(UINT64_MAX, true);
    struct err e = {0};
    const struct str *gone;
    size_t n = 0;
    out[0] = '\0';
    for (; *layers != NULL; layers++)
        CHECK(apply(b, make_tar("layer.tar", *layers), &e) == 0);
    CHECK(apply(w, make_tar("want.tar", want), &e) == 0);
    CHECK(oci_tree_diff(w, b, EPOCH, &e) == 0);
    for (; *paths != NULL; paths++)
        if (oci_tree_differs(w, str_c(strcmp(*paths, ".") == 0 ? "" : *paths)))
            n += (size_t)snprintf(out + n, sizeof out - n, "%s%s", n > 0 ? " " : "", *paths);
    for (size_t i = 0, k = oci_tree_whiteouts(w, &gone); i < k; i++)
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%" STR_FMT, n > 0 ? " " : "", STR_ARG(gone[i]));
    oci_tree_free(w);
    oci_tree_free(b);
    return out;
}

#define ROWS(...)   ((const char *const[]){__VA_ARGS__, NULL})
#define LAYERS(...) ((const char *const *const[]){__VA_ARGS__, NULL})

static void differences(void)
{
    static const char *const base[] = {"d .",   "d a",       "f a/x 1", "f a/y 2", "d b",
                                       "d b/c", "f b/c/z 3", "l k a",   NULL};
    const char *const *const *b = LAYERS(base);
    scratch_new();
    CHECK_STR(diff(base, b, ROWS(".", "a", "a/x", "a/y", "b", "b/c", "k")), "");
    CHECK_STR(diff(ROWS("d .", "d a", "f a/x 9", "f a/y 2", "d b", "d b/c", "f b/c/z 3", "l k a"), b,
                   ROWS(".", "a", "a/x", "a/y", "b")),
              ". a a/x");
    CHECK_STR(diff(ROWS("d .", "d a", "f a/y 2", "l k b"), b, ROWS("k", "a/y")), "k .wh.b a/.wh.x");
    /* A file in a directory's place, a directory in a file's. */
    CHECK_STR(diff(ROWS("d .", "d a", "d a/x", "f a/x/n 1", "f a/y 2", "f b 1", "l k a"), b,
                   ROWS("a/x", "a/x/n", "a/y", "b")),
              "a/x a/x/n b");
    /* A directory's mode alone; times. */
    CHECK_STR(diff(ROWS("d .", "D a", "F a/x 1", "m a/y 2", "d b", "d b/c", "f b/c/z 3", "l k a"), b,
                   ROWS("a", "a/x", "a/y", "b")),
              "a a/y");
}

static void names(void)
{
    static const char *const base[] = {"d .", "f a 1", "h b a", "f c 1", NULL};
    const char *const *const *b = LAYERS(base);
    scratch_new();
    CHECK_STR(diff(ROWS("d .", "f a 1", "h b a", "f c 1"), b, ROWS("a", "b", "c")), "");
    CHECK_STR(diff(ROWS("d .", "f b 1", "h a b", "f c 1"), b, ROWS("a", "b", "c")), "");
    CHECK_STR(diff(ROWS("d .", "f a 1", "f b 1", "f c 1"), b, ROWS("a", "b", "c")), "a b");
    CHECK_STR(diff(ROWS("d .", "f a 1", "h b a", "h c a"), b, ROWS("a", "b", "c")), "a b c");
    CHECK_STR(diff(ROWS("d .", "f a 1", "f c 1"), b, ROWS("a", "b", "c")), "a .wh.b");
}

static void several_layers(void)
{
    static const char *const low[] = {"d .", "d a", "f a/x 1", "f a/y 2", "d b", "f b/z 3", NULL};
    const char *const paths[] = {"a/x", "a/y", "b", "b/z", "b/n", "a/n", NULL};
    scratch_new();
    CHECK_STR(diff(ROWS("d .", "d a", "f a/y 2", "d b", "f b/z 3"), LAYERS(low, ROWS("f a/.wh.x -")), paths),
              "");
    CHECK_STR(diff(ROWS("d .", "d a", "d b", "f b/n 1"),
                   LAYERS(low, ROWS("d a", "f a/.wh..wh..opq -", "f .wh.b -", "d b", "f b/n 1")), paths),
              "");
    /* The order within a layer does not matter: whiteouts are about what is underneath. */
    CHECK_STR(diff(ROWS("d .", "d a", "f a/n 1", "d b", "f b/n 1"),
                   LAYERS(low, ROWS("d a", "f a/n 1", "f a/.wh..wh..opq -", "d b", "f b/n 1", "f .wh.b -")),
                   paths),
              "");
    /* A link over a directory, and a directory again on top of that. */
    CHECK_STR(diff(ROWS("d .", "d a", "f a/n 1", "d b", "f b/z 3"),
                   LAYERS(low, ROWS("l a b"), ROWS("d a", "f a/n 1")), paths),
              "");
    /* A name of a lower layer's file; of nothing that is there a whiteout is no error. */
    CHECK_STR(diff(ROWS("d .", "d a", "f a/x 1", "f a/y 2", "h a/n a/y", "d b"),
                   LAYERS(low, ROWS("h a/n a/y", "f b/.wh.z -", "f c/.wh.d -", "f .wh..wh.plnk -")), paths),
              "");
    /* A base without a root directory of its own, or with directories that nobody named. */
    CHECK_STR(
        diff(ROWS("d .", "d a", "f a/x 1"), LAYERS(ROWS("f a/x 1", "f c/d/e 1")), ROWS(".", "a", "a/x")),
        ". a .wh.c");
}

static void bad_layers(void)
{
    static const struct {
        const char *rows[4], *why;
    } bad[] = {{{"l a b", "f a/x 1"}, "/a/x: stands below what is no directory"},
               {{"f a 1", "f a/x 1"}, "/a/x: stands below what is no directory"},
               {{"d a", "f a/x 1", "f a 1"}, "/a/x: stands below what is no directory"},
               {{"h a b"}, "/a: a hard link to /b, where no file is"},
               {{"d b", "h a b"}, "/a: a hard link to /b, where no file is"}};
    scratch_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct oci_tree *t = oci_tree_new(UINT64_MAX, true);
        struct err e = {0};
        CHECK(apply(t, make_tar("bad.tar", bad[i].rows), &e) == -1 && e.class == ERR_FORMAT);
        CHECK(strstr(e.msg, bad[i].why) != NULL);
        if (strstr(e.msg, bad[i].why) == NULL)
            printf("# %zu: %s\n", i, e.msg);
        oci_tree_free(t);
    }
    struct oci_tree *t = oci_tree_new(3, true);
    struct err e = {0};
    CHECK(apply(t, make_tar("bad.tar", ROWS("f a 12", "f b 12")), &e) == -1 && e.class == ERR_FORMAT);
    CHECK_STR(e.msg, "/b: the layers unpack to more than there may be");
    oci_tree_free(t);
}

static int diff_fails(const char *const *want, const char *const *base, struct err *e)
{
    struct oci_tree *w = oci_tree_new(UINT64_MAX, false), *b = oci_tree_new(UINT64_MAX, true);
    CHECK(apply(b, make_tar("layer.tar", base), e) == 0 && apply(w, make_tar("want.tar", want), e) == 0);
    int rc = oci_tree_diff(w, b, EPOCH, e);
    oci_tree_free(w);
    oci_tree_free(b);
    return rc;
}

static void bad_names(void)
{
    char row[300] = "f a/";
    struct err e = {0};
    scratch_new();
    CHECK(diff_fails(ROWS("d .", "f .wh.a 1"), ROWS("d ."), &e) == -1 && e.class == ERR_FORMAT);
    memset(row + 4, 'n', 251);
    CHECK(diff_fails(ROWS("d .", "d a"), ROWS("d .", "d a", row), &e) == 0);
    memset(row + 4, 'n', 252);
    CHECK(diff_fails(ROWS("d .", "d a"), ROWS("d .", "d a", row), &e) == -1 && e.class == ERR_FORMAT &&
          e.hint[0] != '\0');
    CHECK(strstr(e.msg, "too long for a layer to remove it") != NULL);
    CHECK(diff_fails(ROWS("d ."), ROWS("d .", "d a", row), &e) == 0);
}

static unsigned seed = 1;
static unsigned dice(unsigned n)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % n;
}

/* A root of few names, so that two of them have much in common. */
static const char *random_root(const char *name)
{
    static const char *const dirs[] = {"", "a", "a/a", "b"};
    static char rows[32][64];
    const char *list[33] = {"d ."};
    const char *files[16];
    bool there[4] = {true};
    size_t n = 1, nfiles = 0;
    for (int k = 0; k < 4; k++) {
        const char *at = dirs[k], *slash = *at ? "/" : "";
        if (k > 0 && !there[k])
            continue;
        for (const char *c = "abc"; *c; c++) {
            unsigned what = dice(6);
            int sub = k == 0 && *c == 'a' ? 1 : k == 1 && *c == 'a' ? 2 : k == 0 && *c == 'b' ? 3 : 0;
            char path[16];
            snprintf(path, sizeof path, "%s%s%c", at, slash, *c);
            if (what == 0)
                continue;
            if (what == 1)
                snprintf(rows[n], sizeof *rows, "l %s t%u", path, dice(2));
            else if (what <= 3 && sub > 0)
                snprintf(rows[n], sizeof *rows, "%c %s", dice(4) ? 'd' : 'D', path);
            else if (what == 4 && nfiles > 0)
                snprintf(rows[n], sizeof *rows, "h %s %s", path, files[dice((unsigned)nfiles)]);
            else
                snprintf(rows[n], sizeof *rows, "f %s %u", path, dice(2));
            if (sub > 0)
                there[sub] = rows[n][0] == 'd' || rows[n][0] == 'D';
            if (rows[n][0] == 'f') {
                static char names[16][16];
                memcpy(names[nfiles], path, sizeof path);
                files[nfiles] = names[nfiles];
                nfiles++;
            }
            list[n] = rows[n];
            n++;
        }
    }
    list[n] = NULL;
    return make_tar(name, list);
}

/* The layer on top of the base makes the root: nothing is left to differ. Three at a time, each on the last.
 */
static void random_roots(void)
{
    const struct tarball_opts o = {.jobs = 1};
    scratch_new();
    for (int round = 0; round < 300; round++) {
        const char *layers[3];
        struct err e = {0};
        for (int k = 0; k < 3; k++) {
            char want[16], out[16];
            struct oci_tree *base = oci_tree_new(UINT64_MAX, true), *left = oci_tree_new(UINT64_MAX, false);
            struct oci_tree *made = oci_tree_new(UINT64_MAX, true);
            struct digest sum;
            const struct str *gone;
            snprintf(want, sizeof want, "w%d.tar", k);
            snprintf(out, sizeof out, "l%d.tar", k);
            random_root(want);
            for (int i = 0; i < k; i++)
                CHECK(apply(base, layers[i], &e) == 0 && apply(made, layers[i], &e) == 0);
            layers[k] = in_scratch(out);
            unlink(layers[k]);
            CHECK(oci_layer_write(in_scratch(want), base, EPOCH, layers[k], &o, &sum, &e) == 0);
            CHECK(apply(made, layers[k], &e) == 0 && apply(left, in_scratch(want), &e) == 0);
            CHECK(oci_tree_diff(left, made, EPOCH, &e) == 0 && !oci_tree_differs(left, STR("")) &&
                  oci_tree_whiteouts(left, &gone) == 0);
            oci_tree_free(base);
            oci_tree_free(left);
            oci_tree_free(made);
            if (e.class != ERR_NONE)
                printf("# round %d: %s\n", round, e.msg);
        }
    }
}

int main(void)
{
    RUN(differences);
    RUN(names);
    RUN(several_layers);
    RUN(bad_layers);
    RUN(bad_names);
    RUN(random_roots);
    scratch_remove();
    return test_done();
}
