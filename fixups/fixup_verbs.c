/* The verbs: how a line's words are read, and what is done to the tree. The same as shell: fixup_sh.c. */
#include <fnmatch.h>

#include "base/auto.h"
#include "fixups/fixup_int.h"

enum { FILE_MAX = 4 * 1024 * 1024 };

static bool good_path(const char *p)
{
    struct str rest = str_c(p), part;
    if (*p++ != '/' || *p == '\0')
        return false;
    for (rest = str_from(rest, 1); str_cut(&rest, '/', &part);)
        if (part.n == 0 || str_is(part, ".") || str_is(part, ".."))
            return false;
    for (; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return false;
    return true;
}

static int read_path(struct fixup_op *op, struct str word, struct arena *a, const char **out, struct err *e)
{
    *out = arena_str(a, word);
    if (good_path(*out))
        return 0;
    return fixup_error(op, e, "`%s' is no path: it begins with `/' and has no `//', `.' or `..'", *out);
}

static int read_mode(struct fixup_op *op, struct str word, struct err *e)
{
    op->mode = 0;
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] < '0' || word.p[i] > '7' || word.n > 5)
            return fixup_error(op, e, "`%" STR_FMT "' is no octal mode", STR_ARG(word));
        op->mode = op->mode * 8 + (mode_t)(word.p[i] - '0');
    }
    return op->mode <= 07777 ? 0 : fixup_error(op, e, "`%" STR_FMT "' is no octal mode", STR_ARG(word));
}

static bool good_name(struct str s)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    for (size_t i = 0; i < s.n; i++)
        if (memchr(ok, s.p[i], sizeof ok - 1) == NULL)
            return false;
    return s.n > 0 && s.n <= 32 && s.p[0] != '-';
}

static int read_owner(struct fixup_op *op, struct str word, struct arena *a, struct err *e)
{
    struct str user = {word.p, str_chr(word, ':')}, group = str_from(word, user.n + 1);
    if (!good_name(user) || !good_name(group))
        return fixup_error(op, e, "`%" STR_FMT "' is no USER:GROUP", STR_ARG(word));
    op->user = arena_str(a, user);
    op->group = arena_str(a, group);
    return 0;
}

static int read_number(struct fixup_op *op, struct str word, uint32_t *out, struct err *e)
{
    uint64_t v;
    if (!str_u64(word, &v) || v > 0xffffff)
        return fixup_error(op, e, "`%" STR_FMT "' is no device number", STR_ARG(word));
    *out = (uint32_t)v;
    return 0;
}

/* PATH [MODE [OWNER]], from words[0] on. */
static int read_made(struct fixup_op *op, const struct str *w, size_t n, const char *mode, struct arena *a,
                     struct err *e)
{
    if (read_path(op, w[0], a, &op->path, e) < 0 || read_mode(op, n > 1 ? w[1] : str_c(mode), e) < 0)
        return -1;
    return read_owner(op, n > 2 ? w[2] : STR("0:0"), a, e);
}

static int read_copy(struct fixup_op *op, const struct str *w, size_t n, struct arena *a, struct err *e)
{
    (void)n;
    return read_path(op, w[0], a, &op->source, e) < 0 ? -1 : read_path(op, w[1], a, &op->path, e);
}

static int read_file(struct fixup_op *op, const struct str *w, size_t n, struct arena *a, struct err *e)
{
    return read_made(op, w, n, NULL, a, e);
}

static int read_mkdir(struct fixup_op *op, const struct str *w, size_t n, struct arena *a, struct err *e)
{
    return read_made(op, w, n, "0755", a, e);
}

static int read_link(struct fixup_op *op, const struct str *w, size_t n, struct arena *a, struct err *e)
{
    (void)n;
    op->text = w[1];
    return read_path(op, w[0], a, &op->path, e);
}

static int read_node(struct fixup_op *op, const struct str *w, size_t n, struct arena *a, struct err *e)
{
    if (!str_is(w[1], "c") && !str_is(w[1], "b"))
        return fixup_error(op, e, "`%" STR_FMT "' is no kind of node: c or b", STR_ARG(w[1]));
    op->type = w[1].p[0];
    if (read_path(op, w[0], a, &op->path, e) < 0 || read_number(op, w[2], &op->major, e) < 0 ||
        read_number(op, w[3], &op->minor, e) < 0)
        return -1;
    return read_mode(op, n > 4 ? w[4] : STR("0666"), e);
}

static int read_remove(struct fixup_op *op, const struct str *w, size_t n, struct arena *a, struct err *e)
{
    (void)n;
    return read_path(op, w[0], a, &op->path, e);
}

/* The words from w on, with the blanks between them. */
static struct str rest_of_line(const struct str *w, size_t n)
{
    return n ? (struct str){w[0].p, (size_t)(w[n - 1].p + w[n - 1].n - w[0].p)} : (struct str){NULL, 0};
}

/* /ERE/TEXT/ with any byte in the place of the slashes. */
static int read_replace(struct fixup_op *op, struct str rest, struct arena *a, struct err *e)
{
    struct str inner = str_from(rest, 1), ere, text;
    char sep = '/';
    if (rest.n > 0)
        sep = rest.p[0];
    if (inner.n > 0 && inner.p[inner.n - 1] == sep) {
        inner.n--;
        if (str_cut(&inner, sep, &ere) && str_cut(&inner, sep, &text) && inner.p == NULL) {
            op->ere = arena_str(a, ere);
            op->text = text;
            return 0;
        }
    }
    return fixup_error(op, e, "`replace' is used so: replace /ERE/TEXT/, with any other byte for `/'");
}

static int read_edit(struct fixup_op *op, const struct str *w, size_t n, struct arena *a, struct err *e)
{
    static const char *const edits[] = {"comment", "uncomment", "delete", "replace"};
    struct str rest = rest_of_line(w + 2, n - 2);
    size_t i = 0;
    while (i < 4 && !str_is(w[1], edits[i]))
        i++;
    if (i == 4)
        return fixup_error(op, e, "unknown edit `%" STR_FMT "' (known: comment, uncomment, delete, replace)",
                           STR_ARG(w[1]));
    op->edit = (enum fixup_edit)i;
    if (op->edit != EDIT_REPLACE)
        op->ere = arena_str(a, rest);
    else if (read_replace(op, rest, a, e) < 0)
        return -1;
    return fixup_edit_check(op->ere, op, e) < 0 ? -1 : read_path(op, w[0], a, &op->path, e);
}

static int read_append(struct fixup_op *op, const struct str *w, size_t n, struct arena *a, struct err *e)
{
    if ((n > 1) == op->has_lines)
        return fixup_error(op, e, "`append' takes either a line behind the path or lines of text below");
    if (n > 1)
        op->text = rest_of_line(w + 1, n - 1);
    return read_path(op, w[0], a, &op->path, e);
}

static int read_mode_verb(struct fixup_op *op, const struct str *w, size_t n, struct arena *a, struct err *e)
{
    (void)n;
    return read_mode(op, w[1], e) < 0 ? -1 : read_path(op, w[0], a, &op->path, e);
}

static int read_owner_verb(struct fixup_op *op, const struct str *w, size_t n, struct arena *a, struct err *e)
{
    (void)n;
    return read_owner(op, w[1], a, e) < 0 ? -1 : read_path(op, w[0], a, &op->path, e);
}

/* systemd.unit(5): a link to /dev/null masks a unit. */
static int read_mask(struct fixup_op *op, const struct str *w, size_t n, struct arena *a, struct err *e)
{
    const char *path = arena_printf(a, "/etc/systemd/system/%" STR_FMT, STR_ARG(w[0]));
    (void)n;
    if (str_chr(w[0], '/') < w[0].n)
        return fixup_error(op, e, "`%" STR_FMT "' is no unit's name", STR_ARG(w[0]));
    op->text = STR("/dev/null");
    return read_path(op, str_c(path), a, &op->path, e);
}

static int read_rc_remove(struct fixup_op *op, const struct str *w, size_t n, struct arena *a, struct err *e)
{
    op->words = arena_array(a, n, sizeof *op->words);
    op->nwords = n;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < w[i].n; k++) {
            char c = w[i].p[k];
            if (i == 0 ? strchr("0123456S", c) == NULL
                       : c != '.' && c != '-' && !good_name((struct str){&c, 1}))
                return fixup_error(op, e, "`%" STR_FMT "' is no %s", STR_ARG(w[i]),
                                   i ? "init script's name" : "run of levels, like S or 2345");
        }
        op->words[i] = w[i];
    }
    return 0;
}

/* Number of a name in the tree's passwd or group, passwd(5), group(5): never the host's. */
static int find_id(const struct fixup_op *op, struct tree *t, const char *path, const char *name,
                   uint32_t *id, struct err *e)
{
    AUTO_BUF b = {0};
    uint64_t v;
    if (str_u64(str_c(name), &v) && v <= UINT32_MAX - 1) {
        *id = (uint32_t)v;
        return 0;
    }
    int rc = tree_read(t, path, FILE_MAX, &b, e);
    struct str text = buf_view(&b), line, field;
    while (rc == 0 && str_line(&text, &line)) {
        if (!str_cut(&line, ':', &field) || !str_is(field, name) || !str_cut(&line, ':', &field) ||
            !str_cut(&line, ':', &field) || !str_u64(field, &v) || v > UINT32_MAX - 1)
            continue;
        *id = (uint32_t)v;
        return 0;
    }
    return rc < 0 ? -1 : fixup_error(op, e, "%s in the root has no `%s'", path, name);
}

static int find_owner(const struct fixup_op *op, struct tree *t, uint32_t *uid, uint32_t *gid, struct err *e)
{
    return find_id(op, t, "/etc/passwd", op->user, uid, e) < 0
               ? -1
               : find_id(op, t, "/etc/group", op->group, gid, e);
}

/* Writes only what would change something. */
static int put_file(struct tree *t, const char *path, struct str data, mode_t mode, uint32_t uid,
                    uint32_t gid, struct err *e)
{
    AUTO_ARENA a = {0};
    AUTO_BUF now = {0};
    struct tree_entry en;
    int rc = tree_stat(t, path, &a, &en, e);
    if (rc < 0)
        return -1;
    if (rc == 0 && en.type == TREE_FILE && en.mode == mode && en.uid == uid && en.gid == gid &&
        en.size == data.n) {
        if (tree_read(t, path, data.n + 1, &now, e) < 0)
            return -1;
        if (str_eq(buf_view(&now), data))
            return 0;
    }
    return tree_write(t, path, data, mode, uid, gid, e);
}

/* A regular file's content, mode and owner; 1 when it is not there. */
static int get_file(const struct fixup_op *op, struct tree *t, const char *path, struct arena *a,
                    struct tree_entry *en, struct buf *b, struct err *e)
{
    int rc = tree_stat(t, path, a, en, e);
    if (rc != 0)
        return rc;
    if (en->type != TREE_FILE)
        return fixup_error(op, e, "%s is no regular file", path);
    return tree_read(t, path, FILE_MAX, b, e);
}

static int do_copy(const struct fixup_op *op, struct tree *t, struct err *e)
{
    AUTO_ARENA a = {0};
    AUTO_BUF b = {0};
    struct tree_entry en;
    int rc = get_file(op, t, op->source, &a, &en, &b, e);
    return rc ? rc : put_file(t, op->path, buf_view(&b), en.mode, en.uid, en.gid, e);
}

static int do_file(const struct fixup_op *op, struct tree *t, struct err *e)
{
    uint32_t uid, gid;
    if (find_owner(op, t, &uid, &gid, e) < 0)
        return -1;
    return put_file(t, op->path, op->text, op->mode, uid, gid, e);
}

static int do_mkdir(const struct fixup_op *op, struct tree *t, struct err *e)
{
    uint32_t uid, gid;
    if (find_owner(op, t, &uid, &gid, e) < 0)
        return -1;
    return tree_mkdir(t, op->path, op->mode, uid, gid, e);
}

static int do_link(const struct fixup_op *op, struct tree *t, struct err *e)
{
    AUTO_ARENA a = {0};
    struct tree_entry en;
    int rc = tree_stat(t, op->path, &a, &en, e);
    if (rc < 0)
        return -1;
    if (rc == 0 && en.type == TREE_LINK && str_eq(en.link, op->text))
        return 0;
    if (rc == 0 && en.type == TREE_DIR)
        return fixup_error(op, e, "%s is a directory", op->path);
    return tree_symlink(t, op->path, arena_str(&a, op->text), e);
}

/* What is there stays: in a running zone /dev is the host's matter. */
static int do_node(const struct fixup_op *op, struct tree *t, struct err *e)
{
    AUTO_ARENA a = {0};
    struct tree_entry en;
    int rc = tree_stat(t, op->path, &a, &en, e);
    if (rc <= 0)
        return rc;
    return tree_node(t, op->path, op->type == 'c' ? TREE_CHAR : TREE_BLOCK, op->major, op->minor, op->mode,
                     e);
}

/* Hidden names are no match for a leading `*', as in the shell. */
static int remove_matching(const struct fixup_op *op, struct tree *t, struct err *e)
{
    AUTO_ARENA a = {0};
    struct str *names;
    size_t n = 0;
    const char *last = strrchr(op->path, '/') + 1;
    const char *dir = arena_str(&a, (struct str){op->path, (size_t)(last - op->path - 1)});
    int rc = tree_list(t, *dir ? dir : "/", &a, &names, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const char *name = arena_str(&a, names[i]), *path = arena_printf(&a, "%s/%s", dir, name);
        bool kept;
        if (fnmatch(last, name, FNM_PERIOD) != 0)
            continue;
        if (fixup_keeps(op, t, path, &kept, e) < 0 || (!kept && tree_remove(t, path, e) < 0))
            return -1;
    }
    return rc < 0 ? -1 : 0;
}

static int do_remove(const struct fixup_op *op, struct tree *t, struct err *e)
{
    if (op->pattern)
        return remove_matching(op, t, e);
    return tree_remove(t, op->path, e) < 0 ? -1 : 0;
}

static int do_edit(const struct fixup_op *op, struct tree *t, struct err *e)
{
    AUTO_ARENA a = {0};
    AUTO_BUF b = {0}, out = {0};
    struct tree_entry en;
    int rc = get_file(op, t, op->path, &a, &en, &b, e);
    if (rc != 0)
        return rc;
    if (fixup_edit_text(op, buf_view(&b), &out, e) < 0)
        return -1;
    return put_file(t, op->path, buf_view(&out), en.mode, en.uid, en.gid, e);
}

static bool has_line(struct str text, struct str want)
{
    struct str line;
    while (text.n > 0) {
        line = (struct str){text.p, str_chr(text, '\n')};
        if (str_eq(line, want))
            return true;
        text = str_from(text, line.n + 1);
    }
    return false;
}

static int do_append(const struct fixup_op *op, struct tree *t, struct err *e)
{
    AUTO_ARENA a = {0};
    AUTO_BUF b = {0};
    struct tree_entry en;
    struct str text = op->text, line;
    int rc = get_file(op, t, op->path, &a, &en, &b, e);
    while (rc == 0 && str_line(&text, &line)) {
        if (has_line(buf_view(&b), line))
            continue;
        if (b.n > 0 && b.p[b.n - 1] != '\n')
            buf_putc(&b, '\n');
        buf_str(&b, line);
        buf_putc(&b, '\n');
    }
    return rc ? rc : put_file(t, op->path, buf_view(&b), en.mode, en.uid, en.gid, e);
}

static int do_mode(const struct fixup_op *op, struct tree *t, struct err *e)
{
    AUTO_ARENA a = {0};
    struct tree_entry en;
    int rc = tree_stat(t, op->path, &a, &en, e);
    if (rc == 0 && en.type == TREE_LINK)
        return fixup_error(op, e, "%s is a link: it has no mode", op->path);
    return rc ? rc : tree_mode(t, op->path, op->mode, e);
}

static int do_owner(const struct fixup_op *op, struct tree *t, struct err *e)
{
    uint32_t uid = 0, gid = 0;
    if (find_owner(op, t, &uid, &gid, e) < 0)
        return -1;
    return tree_owner(t, op->path, uid, gid, e);
}

static const struct fixup_verb verbs[] = {
    {"copy", false, false, "SOURCE PATH", 2, 2, read_copy, do_copy, fixup_sh_copy},
    {"file", false, true, "PATH MODE [USER:GROUP], and `| ' lines", 2, 3, read_file, do_file, fixup_sh_file},
    {"mkdir", false, false, "PATH [MODE [USER:GROUP]]", 1, 3, read_mkdir, do_mkdir, fixup_sh_mkdir},
    {"link", false, false, "PATH TEXT", 2, 2, read_link, do_link, fixup_sh_link},
    {"node", false, false, "PATH c|b MAJOR MINOR [MODE]", 4, 5, read_node, do_node, fixup_sh_node},
    {"remove", false, false, "PATH", 1, 1, read_remove, do_remove, fixup_sh_remove},
    {"edit", false, false, "PATH comment|uncomment|delete ERE, or PATH replace /ERE/TEXT/", 3, 0, read_edit,
     do_edit, fixup_sh_edit},
    {"append", false, true, "PATH LINE, or PATH and `| ' lines", 1, 0, read_append, do_append,
     fixup_sh_append},
    {"mode", false, false, "PATH MODE", 2, 2, read_mode_verb, do_mode, fixup_sh_mode},
    {"owner", false, false, "PATH USER:GROUP", 2, 2, read_owner_verb, do_owner, fixup_sh_owner},
    {"mask", false, false, "UNIT", 1, 1, read_mask, do_link, fixup_sh_link},
    {"rc-remove", true, false, "LEVELS SCRIPT...", 2, 0, read_rc_remove, NULL, fixup_sh_rc_remove},
};

const struct fixup_verb *fixup_verb_find(struct str name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (str_is(name, verbs[i].name))
            return &verbs[i];
    return NULL;
}
