#include "cmd/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/mem.h"
#include "cmd/overlay_int.h"

enum { ENTRIES_MAX = 1024 * 1024 };
#define GIB ((uint64_t)1 << 30)
/* Holes and compression make much of a small archive; nobody means to have this much of it. */
#define DIR_MAX   (64 * GIB)
#define TAR_MAX   (4 * GIB)
#define TAR_RATIO 1000

/* Names that zonestrap itself has in a root that is not finished. */
static bool is_reserved(struct str path)
{
    struct str rest = path, part;
    bool top = true;
    for (; rest.n > 0 && str_cut(&rest, '/', &part); top = false)
        if ((top && str_is(part, "zonestrap")) || str_starts(part, STR(".zonestrap-")))
            return true;
    return false;
}

static int bad(const struct overlay_set *s, unsigned i, struct str path, const char *why, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: %" STR_FMT ": %s", s->v[i].name, STR_ARG(path), why);
}

static int check(struct overlay_set *s, unsigned i, const struct tree_entry *en, struct str path,
                 struct err *e)
{
    struct overlay *o = &s->v[i];
    uint64_t size = en->type == TREE_FILE ? en->size : 0;
    if (path.n == 0)
        return bad(s, i, en->path, "the root must be a directory", e);
    if (is_reserved(path))
        return bad(s, i, en->path, "this name is zonestrap's own", e);
    if (en->type == TREE_CHAR || en->type == TREE_BLOCK) {
        bad(s, i, en->path, "a device node, which no overlay may have", e);
        return err_hint(e, "a fixup makes it: see `node' in zonestrap-fixup(5)");
    }
    if (s->nentries >= ENTRIES_MAX)
        return err_set(e, ERR_FORMAT, "%s: more than %d files and directories in the overlays", o->name,
                       ENTRIES_MAX);
    if (size > o->max_bytes - o->bytes)
        return err_set(e, ERR_FORMAT, "%s: %" STR_FMT ": expands to more than %llu bytes", o->name,
                       STR_ARG(en->path), (unsigned long long)o->max_bytes);
    o->bytes += size;
    return 0;
}

static void copy_xattrs(struct overlay_set *s, const struct tree_entry *en, struct tree_entry *to)
{
    struct tree_xattr *x = arena_array(&s->arena, en->nxattrs, sizeof *x);
    for (size_t i = 0; i < en->nxattrs; i++)
        x[i] = (struct tree_xattr){arena_copy(&s->arena, en->xattrs[i].name),
                                   arena_copy(&s->arena, en->xattrs[i].value)};
    to->xattrs = x;
}

int overlay_add(struct overlay_set *s, unsigned i, const struct tree_entry *en, dev_t dev, ino_t ino,
                struct err *e)
{
    struct str path;
    if (tree_canonical(NULL, en->path, &s->arena, &path, e) < 0)
        return err_wrap(e, "%s", s->v[i].name);
    if (path.n == 0 && en->type == TREE_DIR)
        return 0;
    if (check(s, i, en, path, e) < 0)
        return -1;
    if (s->nentries == s->cap) {
        s->cap = s->cap * 2 + 64;
        s->entries = mem_grow(s->entries, s->cap, sizeof *s->entries);
    }
    struct overlay_entry *to = &s->entries[s->nentries];
    *to = (struct overlay_entry){.en = *en, .overlay = i, .file = s->nentries, .dev = dev, .ino = ino};
    s->nentries++;
    to->en.path = path;
    to->en.link = arena_copy(&s->arena, en->link);
    if (en->type == TREE_HARD && tree_canonical(NULL, en->link, &s->arena, &to->en.link, e) < 0)
        return err_wrap(e, "%s: %" STR_FMT ": a hard link to", s->v[i].name, STR_ARG(en->path));
    copy_xattrs(s, en, &to->en);
    return 0;
}

/* Entries of one path or file by their order. */
static int by_place(const struct overlay_entry *a, const struct overlay_entry *b)
{
    return a < b ? -1 : a > b;
}

static int by_name(const void *x, const void *y)
{
    const struct overlay_entry *a = *(struct overlay_entry *const *)x, *b = *(struct overlay_entry *const *)y;
    int c = str_cmp(a->en.path, b->en.path);
    return c != 0 ? c : by_place(a, b);
}

static int by_path(const void *x, const void *y)
{
    const struct overlay_entry *a = *(struct overlay_entry *const *)x, *b = *(struct overlay_entry *const *)y;
    int c = str_cmp(a->path, b->path);
    return c != 0 ? c : by_place(a, b);
}

static int by_inode(const void *x, const void *y)
{
    const struct overlay_entry *a = *(struct overlay_entry *const *)x, *b = *(struct overlay_entry *const *)y;
    if (a->dev != b->dev)
        return a->dev < b->dev ? -1 : 1;
    return a->ino != b->ino ? (a->ino < b->ino ? -1 : 1) : by_place(a, b);
}

/* The entries from `from' on, sorted. */
static struct overlay_entry **sort(const struct overlay_set *s, size_t from,
                                   int (*by)(const void *, const void *))
{
    size_t n = s->nentries - from;
    struct overlay_entry **v = mem_grow(NULL, n + 1, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = &s->entries[from + i];
    if (n > 0)
        qsort(v, n, sizeof *v, by);
    return v;
}

/* The last entry before the hard link with the path of its target, or NULL. */
static const struct overlay_entry *target_of(struct overlay_entry *const *v, size_t n,
                                             const struct overlay_entry *link)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = str_cmp(v[mid]->en.path, link->en.link);
        if (c < 0 || (c == 0 && v[mid] < link))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 && str_eq(v[lo - 1]->en.path, link->en.link) ? v[lo - 1] : NULL;
}

/* A tar's hard links name a file that came before. */
static int find_targets(struct overlay_set *s, const struct overlay *o, struct err *e)
{
    AUTO_MEM struct overlay_entry **v = sort(s, o->from, by_name);
    for (size_t k = o->from; k < o->to; k++) {
        struct overlay_entry *en = &s->entries[k];
        if (en->en.type != TREE_HARD)
            continue;
        const struct overlay_entry *target = target_of(v, o->to - o->from, en);
        enum tree_type type = target != NULL ? target->en.type : TREE_DIR;
        if (type != TREE_FILE && type != TREE_HARD)
            return err_set(e, ERR_FORMAT,
                           "%s: %" STR_FMT ": a hard link to `%" STR_FMT
                           "', which is no file that came before",
                           o->name, STR_ARG(en->en.path), STR_ARG(en->en.link));
        en->file = target->file;
    }
    return 0;
}

/* A directory's names of one file. */
static void find_names(struct overlay_set *s, const struct overlay *o)
{
    AUTO_MEM struct overlay_entry **v = sort(s, o->from, by_inode);
    for (size_t i = 1; i < o->to - o->from; i++) {
        struct overlay_entry *a = v[i - 1], *b = v[i];
        if (b->ino == 0 || a->ino != b->ino || a->dev != b->dev)
            continue;
        b->en.type = TREE_HARD;
        b->file = a->file;
    }
}

static int open_one(struct overlay_set *s, unsigned i, struct err *e)
{
    struct overlay *o = &s->v[i];
    struct stat st;
    o->fd = open(o->name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (o->fd < 0 || fstat(o->fd, &st) < 0)
        return err_sys(e, ERR_HOST, errno, "--overlay: %s", o->name);
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        return err_set(e, ERR_USAGE, "--overlay: %s: neither a directory nor a tar archive", o->name);
    o->kind = S_ISDIR(st.st_mode) ? &overlay_dir : &overlay_tar;
    o->max_bytes = S_ISDIR(st.st_mode) || (uint64_t)st.st_size > (DIR_MAX - TAR_MAX) / TAR_RATIO
                       ? DIR_MAX
                       : TAR_MAX + (uint64_t)st.st_size * TAR_RATIO;
    o->from = s->nentries;
    if (o->kind->scan(s, i, e) < 0)
        return err_wrap(e, "--overlay");
    o->to = s->nentries;
    log_debug(s->log, "overlay %s: %zu files and directories", o->name, o->to - o->from);
    if (S_ISDIR(st.st_mode))
        find_names(s, o);
    else if (find_targets(s, o, e) < 0)
        return err_wrap(e, "--overlay");
    return 0;
}

int overlay_open(struct overlay_set **out, const char *const *names, size_t n, const struct log *log,
                 struct err *e)
{
    struct overlay_set *s = mem_alloc(sizeof *s);
    s->log = log;
    s->n = n;
    s->v = arena_array(&s->arena, n, sizeof *s->v);
    for (size_t i = 0; i < n; i++)
        s->v[i] = (struct overlay){.name = names[i], .fd = -1};
    for (unsigned i = 0; i < n; i++)
        if (open_one(s, i, e) < 0) {
            overlay_close(s);
            return -1;
        }
    *out = s;
    return 0;
}

void overlay_close(struct overlay_set *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].fd >= 0)
            close(s->v[i].fd);
    free(s->entries);
    free(s->winners);
    free(s->paths);
    arena_free(&s->arena);
    free(s);
}

/* A link in the layout's place stays there: the tree judges it. */
static int find_path(struct overlay_set *s, struct overlay_entry *en, const struct tree *t, struct err *e)
{
    struct str name = en->en.path, dir = {name.p, 0}, up;
    if (en->en.type != TREE_LINK) {
        if (tree_canonical(t, en->en.path, &s->arena, &en->path, e) < 0)
            return -1;
    } else {
        for (size_t i = 0; i < name.n; i++)
            dir.n = name.p[i] == '/' ? i : dir.n;
        name = str_from(name, dir.n > 0 ? dir.n + 1 : 0);
        if (tree_canonical(t, dir.n > 0 ? dir : STR("."), &s->arena, &up, e) < 0)
            return -1;
        en->path = str_c(arena_printf(&s->arena, "%.*s%s%.*s", (int)up.n, up.n > 0 ? up.p : "",
                                      up.n > 0 ? "/" : "", (int)name.n, name.p));
    }
    return is_reserved(en->path)
               ? err_set(e, ERR_FORMAT, "%" STR_FMT ": this name is zonestrap's own", STR_ARG(en->path))
               : 0;
}

static int conflict(const struct overlay_set *s, const struct overlay_entry *a, const struct overlay_entry *b,
                    struct err *e)
{
    bool a_dir = !str_eq(a->path, b->path) ? false : a->en.type == TREE_DIR;
    return err_set(e, ERR_FORMAT, "--overlay: /%" STR_FMT ": a %s of %s and a %s of %s", STR_ARG(a->path),
                   a_dir ? "directory" : "file", s->v[a->overlay].name, a_dir ? "file" : "directory",
                   s->v[b->overlay].name);
}

/* Of the entries with one path the last one. */
static int choose(struct overlay_set *s, struct err *e)
{
    s->winners = sort(s, 0, by_path);
    for (size_t i = 0; i < s->nentries; i++) {
        struct overlay_entry *en = s->winners[i],
                             *last = s->nwinners > 0 ? s->winners[s->nwinners - 1] : NULL;
        bool again = last != NULL && str_eq(last->path, en->path);
        if (again && (last->en.type == TREE_DIR) != (en->en.type == TREE_DIR))
            return conflict(s, last, en, e);
        s->winners[again ? s->nwinners - 1 : s->nwinners++] = en;
    }
    return 0;
}

static const struct overlay_entry *find_winner(const struct overlay_set *s, struct str path)
{
    size_t lo = 0, hi = s->nwinners;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = str_cmp(s->winners[mid]->path, path);
        if (c == 0)
            return s->winners[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* Nothing stands below what is no directory. */
static int check_ways(const struct overlay_set *s, struct err *e)
{
    for (size_t i = 0; i < s->nwinners; i++) {
        const struct overlay_entry *en = s->winners[i];
        for (size_t n = 1; n < en->path.n; n++) {
            const struct overlay_entry *up =
                en->path.p[n] == '/' ? find_winner(s, (struct str){en->path.p, n}) : NULL;
            if (up != NULL && up->en.type != TREE_DIR)
                return conflict(s, up, en, e);
        }
    }
    return 0;
}

/* A link of the layout's is not to be held: its path is that of a directory. */
static int hold(struct overlay_set *s, struct tree *t, struct err *e)
{
    const char **paths = mem_grow(NULL, s->nwinners + 1, sizeof *paths);
    size_t n = 0;
    int rc = 0;
    s->paths = mem_grow(NULL, s->nwinners + 1, sizeof *s->paths);
    for (size_t i = 0; i < s->nwinners && rc == 0; i++) {
        const struct overlay_entry *en = s->winners[i];
        struct str canon;
        if (en->en.type == TREE_DIR)
            continue;
        rc = tree_canonical(t, en->path, &s->arena, &canon, e);
        if (rc < 0 || !str_eq(canon, en->path))
            continue;
        s->paths[s->npaths++] = en->path;
        paths[n++] = arena_str(&s->arena, en->path);
    }
    if (rc == 0)
        rc = tree_hold(t, paths, n, e);
    free(paths);
    return rc;
}

int overlay_hold(struct overlay_set *s, struct tree *t, struct err *e)
{
    for (size_t i = 0; i < s->nentries; i++)
        if (find_path(s, &s->entries[i], t, e) < 0)
            return err_wrap(e, "--overlay: %s", s->v[s->entries[i].overlay].name);
    if (choose(s, e) < 0 || check_ways(s, e) < 0)
        return -1;
    for (size_t i = 0; i < s->nwinners; i++) {
        struct overlay_entry *file = &s->entries[s->winners[i]->file];
        if (file->first == NULL)
            file->first = s->winners[i];
    }
    return hold(s, t, e);
}

size_t overlay_paths(const struct overlay_set *s, const struct str **paths)
{
    *paths = s->paths;
    return s->npaths;
}

uint64_t overlay_bytes(const struct overlay_set *s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += s->v[i].bytes;
    return n;
}

bool overlay_wants(const struct overlay_set *s, size_t k)
{
    return s->entries[k].en.type == TREE_FILE && s->entries[k].first != NULL;
}

int overlay_put_file(struct overlay_set *s, size_t k, struct tree *t, tree_next *next, void *ctx,
                     struct err *e)
{
    const struct overlay_entry *file = &s->entries[k];
    struct tree_entry en = file->en;
    en.path = file->first->en.path;
    return tree_import(t, s->v[file->overlay].name, &en, en.size > 0 ? next : NULL, ctx, e);
}

static int put_winner(struct overlay_set *s, const struct overlay_entry *o, struct tree *t, struct err *e)
{
    struct tree_entry en = o->en;
    const struct overlay_entry *file = &s->entries[o->file];
    if (file->en.type == TREE_FILE && file->first == o)
        return 0; /* is there */
    if (file->en.type == TREE_FILE) {
        en.type = TREE_HARD;
        en.link = file->first->en.path;
    }
    return tree_import(t, s->v[o->overlay].name, &en, NULL, NULL, e);
}

static int put_winners(struct overlay_set *s, bool dirs, struct tree *t, struct err *e)
{
    for (size_t i = 0; i < s->nwinners; i++)
        if ((s->winners[i]->en.type == TREE_DIR) == dirs && put_winner(s, s->winners[i], t, e) < 0)
            return -1;
    return 0;
}

/* Paths go in as the overlays spell them: the tree makes the layout's links that they use. Directories first,
 * with their own metadata; contents in the overlays' order; then what refers to them. */
int overlay_put(struct overlay_set *s, struct tree *t, struct err *e)
{
    int rc = put_winners(s, true, t, e);
    for (unsigned i = 0; i < s->n && rc == 0; i++)
        rc = s->v[i].kind->put(s, i, t, e);
    if (rc == 0)
        rc = put_winners(s, false, t, e);
    return rc < 0 ? err_wrap(e, "--overlay") : 0;
}
