/* Who has which path. The result depends on the plan's indexes alone, never on which thread came first. */
#include <stdlib.h>
#include <time.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/tree_int.h"

enum { CLAIMS_MAX = 4 * 1024 * 1024, NAME_BYTES_MAX = 256 * 1024 * 1024 };

void tree_claim_init(struct tree *t)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    t->seed = (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec ^ (uint64_t)(uintptr_t)t << 16 ^
              (uint64_t)getpid();
    t->cap = 4096;
    t->table = mem_alloc(t->cap * sizeof(struct tree_node *));
    t->root = arena_alloc(&t->arena, sizeof *t->root + 1);
    t->root->owner = t->root->writer = TREE_NOBODY;
    t->root->made = true;
}

void tree_claim_free(struct tree *t)
{
    free(t->table);
    free(t->whos);
    arena_free(&t->arena);
}

void tree_node_path(const struct tree_node *n, struct buf *out)
{
    const struct tree_node *up[TREE_DEPTH_MAX + 1];
    size_t k = 0;
    for (; n->parent != NULL && k <= TREE_DEPTH_MAX; n = n->parent)
        up[k++] = n;
    while (k > 0) {
        buf_str(out, (struct str){up[k - 1]->name, up[k - 1]->len});
        if (--k > 0)
            buf_putc(out, '/');
    }
}

const char *tree_who(const struct tree *t, unsigned index)
{
    return index < t->nwhos && t->whos[index] != NULL ? t->whos[index] : "the target";
}

static uint64_t hash_name(const struct tree *t, const struct tree_node *parent, struct str name)
{
    /* FNV-1a from a start that a package cannot know, then a mix, as the table takes the low bits. */
    uint64_t h = t->seed ^ (parent->hash * 0x9e3779b97f4a7c15u);
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 0x100000001b3u;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu;
    return h ^ (h >> 33);
}

static struct tree_node *find(const struct tree *t, const struct tree_node *parent, struct str name)
{
    uint64_t h = hash_name(t, parent, name);
    for (struct tree_node *n = t->table[h & (t->cap - 1)]; n != NULL; n = n->chain)
        if (n->hash == h && n->parent == parent && n->len == name.n && memcmp(n->name, name.p, name.n) == 0)
            return n;
    return NULL;
}

struct tree_node *tree_claim_find(const struct tree *t, struct str path)
{
    struct tree_node *n = t->root;
    struct str name;
    while (n != NULL && path.n > 0 && str_cut(&path, '/', &name))
        n = find(t, n, name);
    return n;
}

static void grow(struct tree *t)
{
    size_t cap = t->cap * 2;
    struct tree_node **table = mem_alloc(cap * sizeof(struct tree_node *));
    for (struct tree_node *n = t->newest; n != NULL; n = n->older) {
        n->chain = table[n->hash & (cap - 1)];
        table[n->hash & (cap - 1)] = n;
    }
    free(t->table);
    t->table = table;
    t->cap = cap;
}

static struct tree_node *add(struct tree_writer *w, struct tree_node *parent, struct str name,
                             enum tree_kind kind)
{
    struct tree *t = w->t;
    if (t->count == t->cap)
        grow(t);
    struct tree_node *n = arena_alloc(&t->arena, sizeof *n + name.n + 1);
    memcpy(n->name, name.p, name.n);
    n->len = (uint16_t)name.n;
    n->depth = (uint16_t)(parent->depth + 1);
    n->parent = parent;
    n->hash = hash_name(t, parent, name);
    n->kind = kind;
    n->owner = w->index;
    n->writer = TREE_NOBODY;
    n->chain = t->table[n->hash & (t->cap - 1)];
    t->table[n->hash & (t->cap - 1)] = n;
    n->older = t->newest;
    t->newest = n;
    t->count++;
    t->claims++;
    t->name_bytes += name.n;
    w->nodes++;
    return n;
}

/* Tiny entries compress a thousandfold: their number must be bounded as their bytes are. */
static int within_bounds(const struct tree_writer *w, struct err *e)
{
    if (w->nodes > w->max_nodes)
        return err_set(e, ERR_FORMAT,
                       "%s: %s: ships more than %llu files and directories, too many for its size", w->who,
                       buf_c(&w->path), (unsigned long long)w->max_nodes);
    if (w->t->claims > CLAIMS_MAX || w->t->name_bytes > NAME_BYTES_MAX)
        return err_set(e, ERR_FORMAT, "%s: %s: more than %d files and directories in the tree", w->who,
                       buf_c(&w->path), CLAIMS_MAX);
    return 0;
}

const char *tree_kind_name(enum tree_kind k)
{
    static const char *const names[] = {"directory",     "file",         "hard link",
                                        "symbolic link", "special file", "link of the layout"};
    return names[k];
}

static int in_the_way(const struct tree_writer *w, const struct tree_node *n, struct err *e)
{
    AUTO_BUF path = {0};
    tree_node_path(n, &path);
    return err_set(e, ERR_FORMAT, "%s: %s: passes through `%s', which is a %s of %s", w->who, buf_c(&w->path),
                   buf_c(&path), tree_kind_name(n->kind), tree_who(w->t, n->owner));
}

/* Claims the directory `path` and those above it. The last one is remembered: entries come directory by
 * directory. */
static struct tree_node *claim_dir(struct tree_writer *w, struct str path, struct err *e)
{
    struct tree_node *n = w->t->root;
    struct str rest = path, name;
    if (w->dir_node != NULL && str_eq(buf_view(&w->dir_path), path))
        return w->dir_node;
    while (rest.n > 0 && str_cut(&rest, '/', &name)) {
        struct tree_node *sub = find(w->t, n, name);
        if (sub == NULL)
            sub = add(w, n, name, KIND_DIR);
        if (sub->kind != KIND_DIR) {
            in_the_way(w, sub, e);
            return NULL;
        }
        n = sub;
    }
    w->dir_node = n;
    buf_clear(&w->dir_path);
    buf_str(&w->dir_path, path);
    return n;
}

static struct tree_claimer *claimer(const struct tree_node *n, unsigned index)
{
    struct tree_claimer *c = n->others;
    while (c != NULL && c->index != index)
        c = c->next;
    return c;
}

/* What the package itself ships there, or KIND_DIR when it has shipped no such file. */
static enum tree_kind own_kind(const struct tree_node *n, unsigned index)
{
    const struct tree_claimer *c = claimer(n, index);
    return c != NULL ? c->kind : n->others == NULL && n->owner == index ? n->kind : KIND_DIR;
}

static void add_claimer(struct tree *t, struct tree_node *n, unsigned index, enum tree_kind kind)
{
    struct tree_claimer *c = claimer(n, index);
    if (c == NULL) {
        c = arena_alloc(&t->arena, sizeof *c);
        c->index = index;
        c->next = n->others;
        n->others = c;
        t->claims++;
    }
    c->kind = kind;
}

static enum tree_kind kind_of(enum tree_type type)
{
    switch (type) {
    case TREE_DIR:
        return KIND_DIR;
    case TREE_FILE:
        return KIND_FILE;
    case TREE_HARD:
        return KIND_HARD;
    case TREE_LINK:
        return KIND_LINK;
    default:
        return KIND_SPECIAL;
    }
}

/* Metadata of the lowest index that names it; of that one's entries, the first. */
static void take_meta(struct tree_writer *w, struct tree_node *n, const struct tree_meta *m)
{
    struct arena *a = &w->t->arena;
    if (n->meta != NULL && n->owner <= w->index)
        return;
    if (n->meta == NULL)
        n->meta = arena_alloc(a, sizeof *n->meta);
    *n->meta = *m;
    n->owner = w->index;
    struct tree_xattr *x = arena_array(a, m->nxattrs, sizeof *x);
    for (size_t i = 0; i < m->nxattrs; i++)
        x[i] = (struct tree_xattr){arena_copy(a, m->xattrs[i].name), arena_copy(a, m->xattrs[i].value)};
    n->meta->xattrs = x;
}

/* The target of a hard link: a file that this package itself has shipped before, whoever wins it. */
static int hard_target(struct tree_job *j, struct err *e)
{
    struct tree_writer *w = j->w;
    struct tree_node *target = tree_claim_find(w->t, buf_view(&w->target));
    enum tree_kind kind = target == NULL || target == j->node ? KIND_DIR : own_kind(target, w->index);
    if (kind == KIND_DIR)
        return err_set(e, ERR_FORMAT,
                       "%s: %s: a hard link to `%s', which is no file that the package shipped before",
                       w->who, buf_c(&w->path), buf_c(&w->target));
    if (kind != KIND_FILE && kind != KIND_HARD)
        return err_set(e, ERR_FORMAT, "%s: %s: a hard link to `%s', which is a %s", w->who, buf_c(&w->path),
                       buf_c(&w->target), tree_kind_name(kind));
    j->target = target;
    return 0;
}

/* n is no directory. Whoever comes first writes; an entry of the same package replaces its earlier one, as
   with tar; what a lower index takes over later is left to a redo, or to settle when it is a hard link. */
static void claim_file(struct tree_job *j, bool fresh)
{
    struct tree_node *n = j->node;
    unsigned index = j->w->index;
    bool hard = j->en->type == TREE_HARD;
    enum tree_kind kind = kind_of(j->en->type);
    if (!fresh && n->others == NULL && n->owner != index)
        add_claimer(j->w->t, n, n->owner, n->kind);
    if (n->others != NULL || n->owner != index)
        add_claimer(j->w->t, n, index, kind);
    if (index > n->owner)
        return;
    n->owner = index;
    n->kind = kind;
    n->target = j->target;
    if (n->writer != TREE_NOBODY && n->writer != index)
        return;
    if (hard && (j->target->writer != index || j->target->owner != index)) {
        take_meta(j->w, n, &j->meta);
        return;
    }
    j->replace = n->writer == index;
    j->write = true;
    n->writer = index;
}

static int claim_new(struct tree_job *j, struct err *e)
{
    struct tree_writer *w = j->w;
    enum tree_kind kind = kind_of(j->en->type);
    struct str path = buf_view(&w->path), name;
    struct tree_node *parent = claim_dir(w, tree_path_dir(path, &name), e);
    if (parent == NULL)
        return -1;
    struct tree_node *n = path.n > 0 ? find(w->t, parent, name) : w->t->root;
    bool fresh = n == NULL;
    j->node = n;
    if (kind == KIND_HARD && hard_target(j, e) < 0)
        return -1;
    if (fresh)
        n = add(w, parent, name, kind);
    j->node = n;
    if ((n->kind == KIND_DIR) != (kind == KIND_DIR) || n->kind == KIND_LAYOUT)
        return err_set(e, ERR_FORMAT, "%s: %s: ships a %s where %s has a %s", w->who,
                       n == w->t->root ? "/" : path.p, tree_kind_name(kind), tree_who(w->t, n->owner),
                       tree_kind_name(n->kind));
    if (kind == KIND_DIR) {
        take_meta(w, n, &j->meta);
        j->write = !n->made;
    } else {
        claim_file(j, fresh);
    }
    return 0;
}

/* A redo writer claims nothing new. */
static void claim_again(struct tree_job *j)
{
    struct tree_writer *w = j->w;
    struct tree_node *n = tree_claim_find(w->t, buf_view(&w->path));
    if (n == NULL || !n->redo || n->owner != w->index || j->en->type == TREE_HARD || j->en->type == TREE_DIR)
        return;
    n->writer = w->index;
    j->node = n;
    j->write = j->replace = true;
}

int tree_claim(struct tree_job *j, struct err *e)
{
    struct tree *t = j->w->t;
    int rc = 0;
    pthread_mutex_lock(&t->lock);
    if (j->w->redo)
        claim_again(j);
    else
        rc = claim_new(j, e);
    if (rc == 0)
        rc = within_bounds(j->w, e);
    pthread_mutex_unlock(&t->lock);
    return rc;
}

int tree_claim_layout(struct tree_writer *w, size_t i, struct tree_node **link, struct tree_node **dir,
                      struct err *e)
{
    struct tree *t = w->t;
    struct str name, up = tree_path_dir(t->layout[i].path, &name);
    int rc = -1;
    pthread_mutex_lock(&t->lock);
    struct tree_node *parent = claim_dir(w, up, e), *n = parent ? find(t, parent, name) : NULL;
    if (parent != NULL && n == NULL)
        n = add(w, parent, name, KIND_LAYOUT);
    if (n != NULL && n->kind != KIND_LAYOUT) {
        in_the_way(w, n, e);
    } else if (n != NULL) {
        AUTO_BUF target = {0};
        uint64_t used = 0;
        buf_str(&target, t->layout[i].target);
        *link = t->layout_nodes[i] = n;
        rc = tree_path_layout(t, &target, true, &used, e);
        *dir = rc == 0 ? claim_dir(w, buf_view(&target), e) : NULL;
        rc = *dir == NULL ? -1 : 0;
    }
    pthread_mutex_unlock(&t->lock);
    return rc;
}

void tree_claim_meta(struct tree_writer *w, struct tree_node *n, const struct tree_meta *m)
{
    pthread_mutex_lock(&w->t->lock);
    take_meta(w, n, m);
    pthread_mutex_unlock(&w->t->lock);
}

bool tree_claim_made(struct tree *t, struct tree_node *n)
{
    pthread_mutex_lock(&t->lock);
    bool made = n->made;
    pthread_mutex_unlock(&t->lock);
    return made;
}

void tree_claim_set_made(struct tree *t, struct tree_node *n)
{
    pthread_mutex_lock(&t->lock);
    n->made = true;
    pthread_mutex_unlock(&t->lock);
}
