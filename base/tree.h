/* The tree: everything that is written below a root goes through here. Above the back ends stands one layer:
   canonical paths, the layout's path rewrites, the claims of packages on paths, the refusal of hostile paths,
   byte budgets.

   Several threads may put entries at a time, each through its own writer. The plan's index alone decides who
   wins a path: whoever comes first writes it; when another package has claimed it already the path is noted
   as shared, and after all packages were unpacked tree_redo() names the packages that must be unpacked once
   more to write the shared paths which they win but did not write. A directory shared by packages is no such
   case: the metadata of the lowest index is set by tree_settle(). */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"

enum tree_type { TREE_FILE, TREE_DIR, TREE_LINK, TREE_HARD, TREE_CHAR, TREE_BLOCK, TREE_FIFO };

struct tree_xattr {
    struct str name, value; /* "security.capability" */
};

struct tree_entry {
    struct str path; /* as the package spells it ("./usr/bin/x"); tree_stat() gives it canonical: no ./, no
                        leading / */
    enum tree_type type;
    mode_t mode; /* permission bits 07777 */
    uint32_t uid, gid;
    int64_t mtime; /* seconds since 1970 */
    uint32_t mtime_nsec;
    uint64_t size;   /* of a TREE_FILE, in bytes */
    struct str link; /* TREE_LINK: its text; TREE_HARD: path of the file it is another name of */
    uint32_t major, minor;
    const struct tree_xattr *xattrs;
    size_t nxattrs;
};

/* A link that exists before the first package and that packages may pass through: path "bin", text "usr/bin".
   Made when a package first ships something at or below it. */
struct tree_layout {
    const char *path, *text;
};

struct tree;
struct tree_writer;
struct tarball;
struct digest;

/* Opens a directory target. Absent: built as a hidden directory beside it, and renamed by tree_seal().
   Existing and empty (lost+found does not count): filled in place under the marker .zonestrap-incomplete,
   which tree_seal() removes last. What a killed run left (the hidden directory or a marked target, no live
   process holding its lock) is emptied first. Anything else there: ERR_HOST. The parent must exist. */
int tree_open_dir(struct tree **t, const char *target, const struct log *log, struct err *e);
/* Opens an existing root for fixups and the second stage; nothing is built, tree_seal() only syncs. ERR_HOST
   for one that is marked as incomplete, and for this system's own root. */
int tree_open_existing(struct tree **t, const char *root, const struct log *log, struct err *e);
/* A tarball (base/tarball.h; borrowed, finished by tree_seal) as the target. Entries go into it as they come
   and cannot be changed any more, but for the paths announced with tree_hold(). The tree is ordered: every
   package from index 0 on is begun in the plan's order and ended with tree_writer_finish(). A directory gets
   what is known of it when the first thing below it comes: a package that names it later is not heard any
   more. A package that ships a path twice is ERR_FORMAT, unless the path is held. */
int tree_open_tar(struct tree **t, struct tarball *tarball, const char *target, const struct log *log,
                  struct err *e);
bool tree_ordered(const struct tree *t);
/* SHA256 of the sealed tarball before compression. */
const struct digest *tree_digest(const struct tree *t);
/* mtime of whatever is made without an entry's own time (parents, fixups' files), and the latest that an
   entry may have. Default: now, and no bound. */
void tree_set_epoch(struct tree *t, int64_t seconds);
/* Announces what the functions for fixups will be called with ("/etc/passwd"; what stands below is meant,
   too), before the first writer and after the layout. Whoever streams holds these back, in memory. */
int tree_hold(struct tree *t, const char *const *paths, size_t n, struct err *e);
int tree_layout(struct tree *t, const struct tree_layout *links, size_t n, struct err *e);
/* Path of the directory being filled (the hidden one before tree_seal), and its descriptor; both borrowed,
   the path until tree_seal. */
const char *tree_path(const struct tree *t);
int tree_fd(const struct tree *t);
/* Makes it appear: sync (unless nosync) and rename, or the marker's removal. The tree stays open. ERR_HOST,
   and the tree unsealed, when something has taken the target's name meanwhile. */
int tree_seal(struct tree *t, bool nosync, struct err *e);
/* For a directory that will be packed: device nodes that the host does not let us make are remembered. */
void tree_keep_nodes(struct tree *t);
/* Everything in a directory's tree into the tarball, sorted by name, no time after the epoch, which is the
   time of all that was written since the tree was opened. Sockets are left out with a warning. */
int tree_pack(struct tree *t, struct tarball *tarball, struct err *e);
/* Whether an extended attribute goes along when files of the host's are copied: what a file's owner gave it
   (user.*) and what the kernel acts on; other names belong to the host. */
bool tree_keeps_xattr(const char *name);
/* File capabilities are left out of what is written: the zone it is for has none. Of a tarball they are left
   out by tarball_drop_caps(). */
void tree_drop_caps(struct tree *t);
/* Whether no extended attribute was refused by what the tree stands on. */
bool tree_has_xattrs(const struct tree *t);
/* Closes; an unsealed tree is removed first, so that the target is as it was. NULL is fine. */
void tree_close(struct tree *t);

/* A writer for the package with this index in the plan, for one thread at a time. who names it in errors
   (copied); max_bytes bounds what it may write (file contents together): going past it is ERR_FORMAT, judged
   by the sizes in the headers, whether or not another package has the path. It bounds the number of entries
   too, generously. redo: writes only the shared paths that this index wins and has not written. */
int tree_writer_open(struct tree *t, unsigned index, const char *who, uint64_t max_bytes, bool redo,
                     struct tree_writer **out, struct err *e);
/* The package is whole: closes its writer and sets *w NULL. In an ordered tree this writes what waited, of
   packages that follow, too: errors name the package they are about. */
int tree_writer_finish(struct tree_writer **w, struct err *e);
/* Before tree_close(): of a package that was given up. NULL is fine. */
void tree_writer_close(struct tree_writer *w);

/* Gives the next piece of a file's content: 1 and *p, *n, *off (offset in the file, never going back; gaps
   are holes), 0 at the end, -1. A hole at the end is shown by a last piece with *n 0 and *off the file's
   size. */
typedef int tree_next(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e);

/* Puts one entry. next (NULL for anything but TREE_FILE with size > 0) is not called when the entry is
   skipped because another package has the path. Parents that no entry named yet are made 0755 root:root. Of
   one package's several entries for a path the last one counts, as with tar, but of a directory's the first.
   A hard link is another name of what stands at its target in the end. A link that says what the layout says
   is the layout's own. ERR_FORMAT with who and the path: `..`, NUL, an empty name, a name over 255 or a path
   over 4095 bytes or 128 levels (a leading `/` is dropped, as `./` is); a path through a link that the layout
   did not make, whoever ships it and whoever comes first; a hard link to anything but a file that this
   package has shipped before; a content longer or shorter than size; a type that replaces a directory or is
   replaced by one; the budget. A node device is made where it is asked for (the caller decides). ERR_HOST:
   the file system said no. */
int tree_put(struct tree_writer *w, const struct tree_entry *en, tree_next *next, void *ctx, struct err *e);
/* Counts to the package's budget what is unpacked and not put. ERR_FORMAT: it is exceeded. */
int tree_spend(struct tree_writer *w, struct str path, uint64_t bytes, struct err *e);
/* Makes the layout's link at that path, if there is one: for a package that lists it and does not ship it. */
int tree_put_layout(struct tree_writer *w, struct str path, struct err *e);
/* Puts a file of our own, owned by root, with the content of fd (its offset does not matter). It does not
   count to the package's budget. */
int tree_put_fd(struct tree_writer *w, const char *path, mode_t mode, int fd, struct err *e);
/* Watches what packages write at some paths. The callbacks may come from several threads at a time; paths are
   canonical, like all str borrowed for the call. What came last for a path is what stands in the tree. */
struct tree_watch {
    bool (*wants)(void *ctx, struct str path); /* asked for each file and link that is written */
    /* A file that was written whole. One of more than TREE_WATCH_MAX bytes comes as an empty one. */
    void (*file)(void *ctx, struct str path, struct str content);
    /* A symbolic or hard link; to: where it leads, resolved in the root by its text alone; empty: nowhere. */
    void (*link)(void *ctx, struct str path, struct str to);
    void *ctx;
};
enum { TREE_WATCH_MAX = 1 << 20 };
/* Before the first tree_put() and after tree_layout(); copied. */
void tree_watch(struct tree *t, const struct tree_watch *w);
/* The canonical form that tree_put() would use, layout applied: "usr/bin/x"; "" is the root. ERR_FORMAT if
   hostile. t NULL: without a layout. */
int tree_canonical(const struct tree *t, struct str path, struct arena *a, struct str *out, struct err *e);

/* Plan indexes, ascending, that must be unpacked again through a redo writer; in any order, or at once. The
   array lives in a. */
int tree_redo(struct tree *t, struct arena *a, unsigned **indexes, size_t *n, struct err *e);
/* Paths (canonical, directories excepted) that more than one package ships, sorted. */
int tree_shared(struct tree *t, struct arena *a, struct str **paths, size_t *n, struct err *e);
/* Once, after all packages and redos: hard links to paths that another package won are set right (ERR_FORMAT
   where what won is no file), directories get the mode, owner and time of their first entry. */
int tree_settle(struct tree *t, struct err *e);

/* After tree_settle() and the fixups, single-threaded: an entry from who (named in errors) that takes the
   place of what packages and fixups put there; a streaming tree must have heard of its path through
   tree_hold(). A directory that is there stays as it is. Missing parents are made 0755 root:root. next and
   ctx: as for tree_put(), so is what is ERR_FORMAT; also a path through any link but the layout's, and what
   would replace a directory or be replaced by one. A hard link is another name of a file that was imported
   before. */
int tree_import(struct tree *t, const char *who, const struct tree_entry *en, tree_next *next, void *ctx,
                struct err *e);

/* For fixups and the second stage, single-threaded, after tree_settle(). Paths are absolute in the root
   ("/etc/fstab"); the last component is never followed when it is a link; the ones before may be layout links
   or relative links that stay in the root (resolved inside it, never outside). A missing file is return value
   1 where said so. Errors name the path. */
int tree_stat(struct tree *t, const char *path, struct arena *a, struct tree_entry *out,
              struct err *e); /* 1: absent */
/* Whether anything stands there: of what is in a tarball already, too. */
int tree_exists(struct tree *t, const char *path, bool *there, struct err *e);
int tree_read(struct tree *t, const char *path, size_t max, struct buf *out, struct err *e); /* 1: absent */
/* Creates or replaces (whole, by rename) a regular file; missing parents are made. */
int tree_write(struct tree *t, const char *path, struct str data, mode_t mode, uint32_t uid, uint32_t gid,
               struct err *e);
int tree_mkdir(struct tree *t, const char *path, mode_t mode, uint32_t uid, uint32_t gid,
               struct err *e); /* exists: fine, mode and owner set */
int tree_symlink(struct tree *t, const char *path, const char *text,
                 struct err *e); /* replaces a file or link */
int tree_node(struct tree *t, const char *path, enum tree_type type, uint32_t major, uint32_t minor,
              mode_t mode, struct err *e);
int tree_remove(struct tree *t, const char *path, struct err *e); /* whole subtrees too; 1: absent */
/* Another name in the same directory for the file, link or node at path, with all its metadata; replaces one
   of that name. 1: absent. */
int tree_rename(struct tree *t, const char *path, const char *name, struct err *e);
int tree_mode(struct tree *t, const char *path, mode_t mode, struct err *e); /* 1: absent */
/* 1: absent. setuid and setgid stay; file capabilities go, as the kernel has it. */
int tree_owner(struct tree *t, const char *path, uint32_t uid, uint32_t gid, struct err *e);
/* Names in a directory, sorted, without . and ..; 1: absent. */
int tree_list(struct tree *t, const char *path, struct arena *a, struct str **names, size_t *n,
              struct err *e);

#endif
