#include "base/auto.h"
#include "base/tree_int.h"

struct str tree_path_dir(struct str path, struct str *name)
{
    size_t cut = path.n;
    while (cut > 0 && path.p[cut - 1] != '/')
        cut--;
    if (name != NULL)
        *name = str_from(path, cut);
    return (struct str){path.p, cut > 0 ? cut - 1 : 0};
}

static int add_name(struct buf *out, struct str name, struct str whole, struct err *e)
{
    if (name.n > TREE_NAME_MAX)
        return err_set(e, ERR_FORMAT, "%" STR_FMT ": a name of %zu bytes, more than %d", STR_ARG(whole),
                       name.n, TREE_NAME_MAX);
    if (out->n > 0)
        buf_putc(out, '/');
    buf_str(out, name);
    if (out->n > TREE_PATH_MAX)
        return err_set(e, ERR_FORMAT, "%" STR_FMT ": a path of more than %d bytes", STR_ARG(whole),
                       TREE_PATH_MAX);
    return 0;
}

/* The layout may make a path longer and deeper than the package did. */
static int check_rewritten(struct str path, struct err *e)
{
    size_t depth = 1;
    for (size_t i = 0; i < path.n; i++)
        depth += path.p[i] == '/';
    if (path.n > TREE_PATH_MAX || depth > TREE_DEPTH_MAX)
        return err_set(e, ERR_FORMAT,
                       "%" STR_FMT ": more than %d bytes or %d directories deep with the layout applied",
                       STR_ARG(path), TREE_PATH_MAX, TREE_DEPTH_MAX);
    return 0;
}

int tree_path_clean(struct str in, struct buf *out, struct err *e)
{
    struct str rest = in, name;
    unsigned depth = 0;
    buf_clear(out);
    if (in.n == 0)
        return err_set(e, ERR_FORMAT, "an entry without a name");
    if (in.n > TREE_PATH_MAX)
        return err_set(e, ERR_FORMAT, "%" STR_FMT ": a path of more than %d bytes", STR_ARG(in),
                       TREE_PATH_MAX);
    if (memchr(in.p, '\0', in.n) != NULL)
        return err_set(e, ERR_FORMAT, "%" STR_FMT ": a path with a NUL byte", STR_ARG(in));
    while (str_cut(&rest, '/', &name)) {
        if (name.n == 0 || str_is(name, "."))
            continue;
        if (str_is(name, ".."))
            return err_set(e, ERR_FORMAT, "%" STR_FMT ": a path with `..'", STR_ARG(in));
        if (++depth > TREE_DEPTH_MAX)
            return err_set(e, ERR_FORMAT, "%" STR_FMT ": more than %d directories deep", STR_ARG(in),
                           TREE_DEPTH_MAX);
        if (add_name(out, name, in, e) < 0)
            return -1;
    }
    return 0;
}

int tree_path_follow(struct str at, struct str text, struct buf *out, struct err *e)
{
    struct str rest = text, name;
    buf_clear(out);
    if (text.n == 0 || text.p[0] != '/')
        buf_str(out, tree_path_dir(at, NULL));
    while (str_cut(&rest, '/', &name)) {
        if (name.n == 0 || str_is(name, "."))
            continue;
        if (str_is(name, ".."))
            out->n = tree_path_dir(buf_view(out), NULL).n;
        else if (add_name(out, name, text, e) < 0)
            return -1;
    }
    if (out->p != NULL)
        out->p[out->n] = '\0';
    return 0;
}

int tree_path_layout_at(const struct tree *t, struct str path)
{
    for (size_t i = 0; i < t->nlayout; i++)
        if (str_eq(t->layout[i].path, path))
            return (int)i;
    return -1;
}

/* The layout link that the path passes through (or is, with last), or -1. */
static int layout_in(const struct tree *t, struct str path, bool last)
{
    for (size_t i = 0; i < t->nlayout; i++) {
        struct str link = t->layout[i].path;
        if (str_starts(path, link) && (path.n == link.n ? last : path.p[link.n] == '/'))
            return (int)i;
    }
    return -1;
}

int tree_path_layout(const struct tree *t, struct buf *path, bool last, uint64_t *used, struct err *e)
{
    int i = layout_in(t, buf_view(path), last);
    if (i < 0)
        return 0;
    AUTO_BUF old = {0};
    for (int links = 0; i >= 0; i = layout_in(t, buf_view(path), last)) {
        const struct tree_rewrite *r = &t->layout[i];
        if (++links > TREE_LINKS_MAX)
            return err_set(e, ERR_USAGE, "%s: the layout's links go in a circle", buf_c(path));
        buf_clear(&old);
        buf_str(&old, buf_view(path));
        struct str rest = str_from(buf_view(&old), r->path.n + 1);
        buf_clear(path);
        buf_str(path, r->target);
        if (rest.n > 0 && path->n > 0)
            buf_putc(path, '/');
        buf_str(path, rest);
        if (check_rewritten(buf_view(path), e) < 0)
            return -1;
        *used |= (uint64_t)1 << i;
    }
    return 0;
}

static int layout_add(struct tree *t, const struct tree_layout *l, struct err *e)
{
    AUTO_BUF path = {0}, target = {0};
    uint64_t used = 0;
    if (t->nlayout == TREE_LAYOUT_MAX)
        return err_set(e, ERR_USAGE, "more than %d layout links", TREE_LAYOUT_MAX);
    if (tree_path_clean(str_c(l->path), &path, e) < 0 || tree_path_layout(t, &path, false, &used, e) < 0 ||
        tree_path_follow(buf_view(&path), str_c(l->text), &target, e) < 0 ||
        check_rewritten(buf_view(&target), e) < 0)
        return -1;
    if (path.n == 0 || l->text[0] == '\0')
        return err_set(e, ERR_USAGE, "a layout link needs a path and a text");
    if (tree_path_layout_at(t, buf_view(&path)) >= 0)
        return err_set(e, ERR_USAGE, "%s: two layout links with this path", l->path);
    t->layout[t->nlayout++] = (struct tree_rewrite){.text = arena_dup(&t->arena, l->text),
                                                    .path = arena_copy(&t->arena, buf_view(&path)),
                                                    .target = arena_copy(&t->arena, buf_view(&target))};
    return 0;
}

int tree_layout(struct tree *t, const struct tree_layout *links, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (layout_add(t, &links[i], e) < 0) {
            e->class = ERR_USAGE;
            return err_wrap(e, "layout");
        }
    /* A circle shows only once all links are known. */
    for (size_t i = 0; i < t->nlayout; i++) {
        AUTO_BUF path = {0};
        uint64_t used = 0;
        buf_str(&path, t->layout[i].target);
        if (tree_path_layout(t, &path, true, &used, e) < 0)
            return err_wrap(e, "layout");
    }
    return 0;
}

int tree_canonical(const struct tree *t, struct str path, struct arena *a, struct str *out, struct err *e)
{
    AUTO_BUF b = {0};
    uint64_t used = 0;
    if (tree_path_clean(path, &b, e) < 0 || (t != NULL && tree_path_layout(t, &b, true, &used, e) < 0))
        return -1;
    *out = arena_copy(a, buf_view(&b));
    return 0;
}
