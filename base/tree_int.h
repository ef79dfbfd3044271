/* What the tree's files share: base/tree.c (entries, writers), tree_path.c (names), tree_claim.c (who has
   which path), tree_watch.c (who sees it) stand above the back ends; a back end is a struct tree_ops.
   tree_dir.c, tree_target.c, tree_rm.c and tree_edit.c are the directory's. */
#ifndef BASE_TREE_INT_H
#define BASE_TREE_INT_H

#include <pthread.h>
#include <sys/stat.h>

#include "base/tree.h"

/* A name in the root while it is being filled. */
#define TREE_MARKER ".zonestrap-incomplete"
/* What takes another's place has this name until it is whole. */
#define TREE_TEMP ".zonestrap-new"

enum {
    TREE_PATH_MAX = 4095,
    TREE_NAME_MAX = 255,
    TREE_DEPTH_MAX = 128, /* removing a tree takes a descriptor for each level */
    TREE_LAYOUT_MAX = 64,
    TREE_LINKS_MAX = 40,
    TREE_DIRS = 8
};

#define TREE_NOBODY (~0u)

enum tree_kind { KIND_DIR, KIND_FILE, KIND_HARD, KIND_LINK, KIND_SPECIAL, KIND_LAYOUT };

/* What the first entry said of a directory or a layout link; set by settle. */
struct tree_meta {
    mode_t mode;
    uint32_t uid, gid;
    int64_t mtime;
    uint32_t mtime_nsec;
    const struct tree_xattr *xattrs;
    size_t nxattrs;
};

struct tree_claimer {
    struct tree_claimer *next;
    unsigned index;
    enum tree_kind kind; /* of its own entry */
};

/* A claimed path. The names up to the root make the path; parent, hash and name never change, so that they
   may be read without the lock. A directory never becomes anything else, nor anything else a directory. */
struct tree_node {
    struct tree_node *chain, *parent, *older;
    struct tree_node *target;    /* KIND_HARD: what it is another name of; by the owner's entry */
    struct tree_node *base;      /* KIND_HARD: the file at the end of the targets; set by tree_claim_base() */
    struct tree_meta *meta;      /* KIND_DIR, KIND_LAYOUT: NULL when no entry named it */
    struct tree_claimer *others; /* all claimers when there are several, else NULL */
    uint64_t hash;
    unsigned owner;      /* lowest index that claims it */
    unsigned writer;     /* whose entry stands in the tree; TREE_NOBODY: nothing yet */
    enum tree_kind kind; /* of the owner's entry */
    bool made;           /* KIND_DIR, KIND_LAYOUT: it is there */
    bool redo;           /* tree_redo() named its owner because of it */
    uint16_t depth, len;
    char name[]; /* NUL-terminated */
};

/* A layout link: text as given; path and target canonical. */
struct tree_rewrite {
    const char *text;
    struct str path, target;
};

/* One entry on its way into a back end. */
struct tree_job {
    struct tree_writer *w;
    const struct tree_entry *en;
    struct tree_node *node, *target; /* target: of a TREE_HARD */
    struct tree_meta meta;
    bool layout;  /* a layout link, which several threads may make at a time */
    bool write;   /* false: another package has the path */
    bool replace; /* something of an earlier entry may stand there */
    tree_next *next;
    void *ctx;
};

/* A back end. put: one entry into the tree, from any thread, each with its own writer. settle: see
 * tree_settle(); import: see tree_import(), the path is canonical. hold and writer_close may be NULL. */
struct tree_ops {
    int (*put)(const struct tree_job *j, struct err *e);
    void (*writer_close)(struct tree_writer *w);
    int (*hold)(struct tree *t, const char *const *paths, size_t n, struct err *e);
    int (*settle)(struct tree *t, struct err *e);
    int (*import)(const struct tree_job *j, struct err *e);
    int (*seal)(struct tree *t, bool nosync, struct err *e);
    void (*close)(struct tree *t);
    int (*stat)(struct tree *t, const char *path, struct arena *a, struct tree_entry *out, struct err *e);
    int (*exists)(struct tree *t, const char *path, bool *there, struct err *e); /* NULL: what stat says */
    int (*read)(struct tree *t, const char *path, size_t max, struct buf *out, struct err *e);
    int (*write)(struct tree *t, const char *path, struct str data, const struct tree_meta *m, struct err *e);
    int (*mkdir)(struct tree *t, const char *path, const struct tree_meta *m, struct err *e);
    int (*symlink)(struct tree *t, const char *path, const char *text, struct err *e);
    int (*node)(struct tree *t, const char *path, enum tree_type type, dev_t dev, const struct tree_meta *m,
                struct err *e);
    int (*remove)(struct tree *t, const char *path, struct err *e);
    int (*rename)(struct tree *t, const char *path, const char *name, struct err *e);
    int (*mode)(struct tree *t, const char *path, mode_t mode, struct err *e);
    int (*owner)(struct tree *t, const char *path, uint32_t uid, uint32_t gid, struct err *e);
    int (*list)(struct tree *t, const char *path, struct arena *a, struct str **names, size_t *n,
                struct err *e);
};

struct tree_target; /* the directory back end's life cycle, tree_target.c */
struct tree_tar;    /* the tarball back end's, tree_tar.c */
struct tree_queue;  /* packages take turns, tree_queue.c */
struct tree_queued; /* an entry that waits for its package's turn */
struct tree_block;  /* memory for those */

/* A device node that the host did not let us make, for tree_pack(). */
struct tree_kept_node {
    struct tree_kept_node *next;
    const char *path; /* canonical */
    enum tree_type type;
    uint32_t major, minor;
    struct tree_meta meta;
};

struct tree {
    const struct tree_ops *ops;
    const struct log *log;
    int64_t epoch;
    bool clamp;    /* the epoch was given: no entry is newer */
    int64_t begun; /* what is younger was made in this run */
    char *path;    /* of the root; for messages and for tree_path() */
    int fd;        /* the root; -1 where the back end has none */
    bool sealed;
    bool own_root;   /* the root was made, not found */
    bool keep_nodes; /* what cannot be made is kept: */
    struct tree_kept_node *kept_nodes;
    bool lost_found; /* the target had a lost+found of its own */
    struct tree_target *target;
    struct tree_tar *tar;
    struct tree_queue *queue; /* NULL: packages may be unpacked in any order */
    struct tree_rewrite layout[TREE_LAYOUT_MAX];
    struct tree_node *layout_nodes[TREE_LAYOUT_MAX];
    uint64_t layout_imported; /* bits of layout links that no package had, made by tree_import() */
    size_t nlayout;
    struct tree_watch watch; /* wants NULL: none */
    /* Under the lock: everything below, and the nodes' changing members. Never held during I/O. */
    pthread_mutex_t lock;
    struct arena arena;
    struct tree_node **table; /* hash chains */
    size_t cap, count;
    size_t claims, name_bytes;
    uint64_t seed;
    struct tree_node *root, *newest; /* newest and older: from the last made to the first */
    const char **whos;
    size_t nwhos;
    bool no_xattrs;
    bool drop_caps; /* tree_drop_caps() */
};

/* The directories that were used last, open. */
struct tree_dirs {
    struct {
        const struct tree_node *node;
        int fd;
    } slot[TREE_DIRS];
    unsigned next;
};

struct tree_writer {
    struct tree *t;
    unsigned index;
    const char *who;
    uint64_t max_bytes, bytes, max_nodes, nodes;
    bool redo;
    uint64_t layout_made;    /* bits of layout links known to be there */
    struct buf path, target; /* canonical paths of the entry in work */
    struct buf dir_path;     /* the last entry's directory */
    struct tree_node *dir_node;
    struct tree_dirs dirs;
    struct tree_queued *first, **last; /* until its turn comes */
    struct tree_block *block, *last_block;
};

/* tree.c */
/* What no entry may say, whoever has the path; and the budget. */
int tree_check_entry(struct tree_writer *w, const struct tree_entry *en, struct err *e);
/* Names that the tree itself needs at its top: w->path is none. */
int tree_check_reserved(const struct tree_writer *w, struct err *e);
struct tree_job tree_job_of(struct tree_writer *w, const struct tree_entry *en, tree_next *next, void *ctx);
/* tree_put() of an entry that was checked, now that it is its package's turn. */
int tree_put_now(struct tree_writer *w, const struct tree_entry *en, tree_next *next, void *ctx,
                 struct err *e);
/* Takes a piece of a file's content at off; gaps and the end behind the last piece are zeros. */
typedef int tree_sink(void *ctx, const void *p, size_t n, uint64_t off, struct err *e);
/* The entry's whole content into sink, held to the entry's size. */
int tree_content(const struct tree_job *j, tree_sink *sink, void *ctx, struct err *e);

/* tree_queue.c: a back end that writes a stream takes the packages in the plan's order. Until its turn a
   package's entries wait in memory, up to a bound for all together; then its writer waits. */
void tree_queue_init(struct tree *t);
void tree_queue_free(struct tree *t);
int tree_queue_put(struct tree_writer *w, const struct tree_entry *en, tree_next *next, void *ctx,
                   struct err *e);
/* The package is whole. Its turn ends, or it is left to whoever ends the turn before; w is gone. */
int tree_queue_finish(struct tree_writer *w, struct err *e);
/* Drops what waits; when the package was not finished nobody waits for it any more. */
void tree_queue_drop(struct tree_writer *w);

/* tree_path.c. Errors name the path, not the package. */
/* Cleans `in` into out: no ./, no doubled or trailing slashes, no leading one. ERR_FORMAT when hostile. */
int tree_path_clean(struct str in, struct buf *out, struct err *e);
/* Applies the layout to a clean path: to its directories, and with `last` to the whole path too. Sets the
   bits of the links used. */
int tree_path_layout(const struct tree *t, struct buf *path, bool last, uint64_t *used, struct err *e);
/* Canonical path that a link at the canonical path `at` leads to; .. and a leading / stay in the root. */
int tree_path_follow(struct str at, struct str text, struct buf *out, struct err *e);
/* The layout link at exactly this path, or -1. */
int tree_path_layout_at(const struct tree *t, struct str path);
/* What stands before the last slash; *name (may be NULL) is what stands behind it. */
struct str tree_path_dir(struct str path, struct str *name);

/* tree_claim.c, tree_redo.c */
void tree_claim_init(struct tree *t);
void tree_claim_free(struct tree *t);
/* Decides about the entry at w->path (hard link to w->target): fills j->node, target, write, replace. */
int tree_claim(struct tree_job *j, struct err *e);
/* Claims the directory `path` and the layout link i that leads there. */
int tree_claim_layout(struct tree_writer *w, size_t i, struct tree_node **link, struct tree_node **dir,
                      struct err *e);
/* The entry names the layout link or directory n: its metadata count if no lower index named it. Takes the
 * lock. */
void tree_claim_meta(struct tree_writer *w, struct tree_node *n, const struct tree_meta *m);
/* Marks a directory or a layout link as made; says whether it was. Both take the lock. */
bool tree_claim_made(struct tree *t, struct tree_node *n);
void tree_claim_set_made(struct tree *t, struct tree_node *n);
/* "directory", "symbolic link" ... */
const char *tree_kind_name(enum tree_kind k);
/* The claimed path, or NULL. For one thread at a time. */
struct tree_node *tree_claim_find(const struct tree *t, struct str path);
/* The file that a hard link is a name of at last. ERR_FORMAT when there is none. Single-threaded. */
int tree_claim_base(struct tree *t, struct tree_node *n, struct tree_node **base, struct err *e);
/* Appends the path. */
void tree_node_path(const struct tree_node *n, struct buf *out);
const char *tree_who(const struct tree *t, unsigned index);

/* tree_watch.c: the back end's put, seen by the watch. */
int tree_watch_put(struct tree_job *j, struct err *e);

/* tree_dir.c */
extern const struct tree_ops tree_dir_ops;
/* Owner, mode, extended attributes, time of an open file or directory; path is for messages. */
int tree_dir_meta(struct tree *t, int fd, const struct tree_meta *m, const char *path, struct err *e);
/* The same for a name that cannot be opened (link, device, fifo), whose type is known to be no directory. */
int tree_dir_meta_at(struct tree *t, int dir, const char *name, bool link, const struct tree_meta *m,
                     const char *path, struct err *e);
/* The entry's whole content into an open file. */
int tree_dir_content(const struct tree_job *j, int fd, struct err *e);
void tree_dirs_init(struct tree_dirs *d);
void tree_dirs_close(struct tree_dirs *d);

/* tree_target.c */
int tree_target_seal(struct tree *t, bool nosync, struct err *e);
void tree_target_close(struct tree *t);

/* tree_rm.c */
/* Removes everything in the directory but the names in keep (NULL-terminated; may be NULL). Follows no link,
   crosses no mount point. `path` is for messages. */
int tree_rm_below(int dirfd, const char *const *keep, const char *path, struct err *e);
/* Removes one name with everything below; 1 when it is not there. */
int tree_rm(int dirfd, const char *name, const char *path, struct err *e);

/* tree_import.c: errors of both back ends, and the directory's part. */
/* What stands in the entry's place; `there' is what it is: "symbolic link". */
int tree_import_conflict(const struct tree_job *j, const char *there, struct err *e);
int tree_import_through(const struct tree_job *j, struct str up, const char *what, struct err *e);
int tree_dir_import(const struct tree_job *j, struct err *e);

/* tree_edit.c: the directory's fixup functions. */
/* An edit leaves the directory's time as its package set it. */
void tree_edit_keep_time(int dir, const struct stat *before);
int tree_edit_stat(struct tree *t, const char *path, struct arena *a, struct tree_entry *out, struct err *e);
int tree_edit_read(struct tree *t, const char *path, size_t max, struct buf *out, struct err *e);
int tree_edit_write(struct tree *t, const char *path, struct str data, const struct tree_meta *m,
                    struct err *e);
int tree_edit_mkdir(struct tree *t, const char *path, const struct tree_meta *m, struct err *e);
int tree_edit_symlink(struct tree *t, const char *path, const char *text, struct err *e);
/* Remembers a node that cannot be made (tree_keep_nodes()), copied, in place of one of its path; false: too
 * many. */
bool tree_keep_node(struct tree *t, const struct tree_kept_node *node);
int tree_edit_node(struct tree *t, const char *path, enum tree_type type, dev_t dev,
                   const struct tree_meta *m, struct err *e);
int tree_edit_remove(struct tree *t, const char *path, struct err *e);
int tree_edit_rename(struct tree *t, const char *path, const char *name, struct err *e);
int tree_edit_mode(struct tree *t, const char *path, mode_t mode, struct err *e);
int tree_edit_owner(struct tree *t, const char *path, uint32_t uid, uint32_t gid, struct err *e);
int tree_edit_list(struct tree *t, const char *path, struct arena *a, struct str **names, size_t *n,
                   struct err *e);

#endif
