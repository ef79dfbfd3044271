/* What a watch is told of what packages write. */
#include "tests/unit/tree_help.h"

static const struct tree_layout usr_merge[] = {{"bin", "usr/bin"}};

/* Everything that the watch was told, a line each. */
struct told {
    struct buf text;
    const char *wanted; /* paths that start so */
};

static bool wants(void *ctx, struct str path)
{
    const struct told *told = ctx;
    return str_starts(path, str_c(told->wanted));
}

static void on_file(void *ctx, struct str path, struct str content)
{
    struct told *told = ctx;
    buf_printf(&told->text, "%" STR_FMT " has %zu: %.20s\n", STR_ARG(path), content.n,
               content.n ? content.p : "");
}

static void on_link(void *ctx, struct str path, struct str to)
{
    struct told *told = ctx;
    buf_printf(&told->text, "%" STR_FMT " leads to %" STR_FMT "\n", STR_ARG(path), STR_ARG(to));
}

static struct tree *watched_tree(struct told *told, const char *wanted)
{
    scratch_new();
    struct tree *t = tree_at("root");
    told->wanted = wanted;
    CHECK(tree_layout(t, usr_merge, 1, &err) == 0);
    tree_watch(t, &(struct tree_watch){wants, on_file, on_link, told});
    return t;
}

static void check_told(struct told *told, const char *want)
{
    CHECK_STR(buf_c(&told->text), want);
    buf_free(&told->text);
}

static void tells_files_and_links(void)
{
    struct told told = {0};
    struct tree *t = watched_tree(&told, "usr/");
    struct tree_writer *w = writer_of(t, 0, false);
    CHECK(put_dir(w, "usr") == 0 && put_dir(w, "usr/doc") == 0);
    CHECK(put_text(w, "./usr/doc/a", "text of a") == 0);
    CHECK(put_text(w, "/bin/b", "text of b") == 0);
    CHECK(put_text(w, "etc/c", "not wanted") == 0);
    CHECK(put_text(w, "usr/empty", "") == 0);
    CHECK(put_to(w, "usr/doc/same", TREE_LINK, "a") == 0);
    CHECK(put_to(w, "usr/doc/up", TREE_LINK, "../../bin/./b") == 0);
    CHECK(put_to(w, "usr/doc/abs", TREE_LINK, "/usr/doc//a") == 0);
    CHECK(put_to(w, "usr/doc/out", TREE_LINK, "../../../../../x") == 0);
    CHECK(put_to(w, "usr/doc/hard", TREE_HARD, "./bin/b") == 0);
    tree_writer_close(w);
    check_told(&told, "usr/doc/a has 9: text of a\n"
                      "usr/bin/b has 9: text of b\n"
                      "usr/empty has 0: \n"
                      "usr/doc/same leads to usr/doc/a\n"
                      "usr/doc/up leads to usr/bin/b\n"
                      "usr/doc/abs leads to usr/doc/a\n"
                      "usr/doc/out leads to x\n"
                      "usr/doc/hard leads to usr/bin/b\n");
    tree_close(t);
    scratch_remove();
}

/* A skipped entry is not told; what a redo writes is, later. */
static void the_last_told_is_what_stands_there(void)
{
    struct told told = {0};
    AUTO_ARENA a = {0};
    unsigned *again;
    size_t n;
    struct tree *t = watched_tree(&told, "a");
    struct tree_writer *late = writer_of(t, 1, false), *early = writer_of(t, 0, false);
    CHECK(put_text(late, "a", "of one") == 0 && put_text(early, "a", "of zero") == 0);
    tree_writer_close(late);
    tree_writer_close(early);
    CHECK(tree_redo(t, &a, &again, &n, &err) == 0 && n == 1);
    struct tree_writer *redo = writer_of(t, 0, true);
    CHECK(put_text(redo, "a", "of zero") == 0);
    tree_writer_close(redo);
    check_told(&told, "a has 6: of one\na has 7: of zero\n");
    tree_close(t);
    scratch_remove();
}

static void a_large_file_comes_as_an_empty_one(void)
{
    struct told told = {0};
    AUTO_BUF big = {0};
    struct tree *t = watched_tree(&told, "b");
    struct tree_writer *w = NULL;
    CHECK(tree_writer_open(t, 0, "zero", 4 << 20, false, &w, &err) == 0);
    while (big.n < TREE_WATCH_MAX)
        buf_putc(&big, 'x');
    CHECK(put_text(w, "b/full", buf_c(&big)) == 0);
    buf_putc(&big, 'x');
    CHECK(put_text(w, "b/over", buf_c(&big)) == 0);
    tree_writer_close(w);
    check_told(&told, "b/full has 1048576: xxxxxxxxxxxxxxxxxxxx\nb/over has 0: \n");
    tree_close(t);
    scratch_remove();
}

/* Pieces with a hole between them, and content that is not as long as said. */
struct pieces {
    const char *const *text;
    const uint64_t *off;
    size_t n, at;
};

static int next_of(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e)
{
    struct pieces *c = ctx;
    (void)e;
    if (c->at == c->n)
        return 0;
    *p = c->text[c->at];
    *n = strlen(c->text[c->at]);
    *off = c->off[c->at++];
    return 1;
}

static int put_pieces(struct tree_writer *w, const char *path, uint64_t size, uint64_t second)
{
    static const char *const text[] = {"ab", "cd"};
    const uint64_t off[] = {0, second};
    struct pieces c = {text, off, 2, 0};
    struct tree_entry en = entry(path, TREE_FILE);
    en.size = size;
    return tree_put(w, &en, next_of, &c, &err);
}

static void content_in_pieces(void)
{
    struct told told = {0};
    struct tree *t = watched_tree(&told, "p");
    struct tree_writer *w = writer_of(t, 0, false);
    CHECK(put_pieces(w, "p/whole", 4, 2) == 0);
    CHECK(put_pieces(w, "p/hole", 9, 7) == 0);
    CHECK(put_pieces(w, "p/longer", 3, 2) < 0 && err.class == ERR_FORMAT);
    CHECK(put_pieces(w, "p/shorter", 9, 2) < 0 && err.class == ERR_FORMAT);
    CHECK(put_pieces(w, "p/far", 9, UINT64_MAX - 1) < 0 && err.class == ERR_FORMAT);
    tree_writer_close(w);
    check_told(&told, "p/whole has 4: abcd\np/hole has 9: ab\n");
    tree_close(t);
    scratch_remove();
}

int main(void)
{
    RUN(tells_files_and_links);
    RUN(the_last_told_is_what_stands_there);
    RUN(a_large_file_comes_as_an_empty_one);
    RUN(content_in_pieces);
    return test_done();
}
