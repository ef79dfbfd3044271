/* For the tree's tests: entries in one line, a whole root as text. */
#ifndef TESTS_UNIT_TREE_HELP_H
#define TESTS_UNIT_TREE_HELP_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/tree_int.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

enum { EPOCH = 1000000000 };

static struct err err;

static inline void host_write(const char *path, const char *text)
{
    if (file_replace(path, str_c(text), 0644, &err) < 0)
        abort();
}

static inline int absent(const char *path)
{
    struct stat st;
    return lstat(path, &st) < 0 && errno == ENOENT;
}

/* Runs fn in a child; false when that found that this machine does not allow it (and left with 77). */
static inline bool in_child(void (*fn)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0) {
        test_failed_here = 0;
        fn();
        fflush(stdout);
        _exit(test_failed_here);
    }
    int status = 0;
    if (waitpid(pid, &status, 0) != pid)
        abort();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        return false;
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return true;
}

struct content {
    const char *text;
    bool done;
};

static inline int content_next(void *ctx, const void **p, size_t *n, uint64_t *off, struct err *e)
{
    struct content *c = ctx;
    (void)e;
    *p = c->text;
    *n = strlen(c->text);
    *off = 0;
    bool more = !c->done;
    c->done = true;
    return more;
}

static inline struct tree_entry entry(const char *path, enum tree_type type)
{
    return (struct tree_entry){
        .path = str_c(path), .type = type, .mode = type == TREE_DIR ? 0755 : 0644, .mtime = EPOCH};
}

static inline int put(struct tree_writer *w, struct tree_entry en)
{
    return tree_put(w, &en, NULL, NULL, &err);
}

static inline int put_dir(struct tree_writer *w, const char *path)
{
    return put(w, entry(path, TREE_DIR));
}

static inline int put_text_as(struct tree_writer *w, struct tree_entry en, const char *text)
{
    struct content c = {.text = text};
    en.size = strlen(text);
    return tree_put(w, &en, en.size > 0 ? content_next : NULL, &c, &err);
}

static inline int put_text(struct tree_writer *w, const char *path, const char *text)
{
    return put_text_as(w, entry(path, TREE_FILE), text);
}

static inline int put_to(struct tree_writer *w, const char *path, enum tree_type type, const char *link)
{
    struct tree_entry en = entry(path, type);
    en.link = str_c(link);
    return put(w, en);
}

static inline struct tree *tree_at(const char *name)
{
    struct tree *t = NULL;
    if (tree_open_dir(&t, in_scratch(name), NULL, &err) < 0) {
        printf("# %s\n", err.msg);
        abort();
    }
    tree_set_epoch(t, EPOCH);
    return t;
}

static inline struct tree_writer *writer_of(struct tree *t, unsigned index, bool redo)
{
    static const char *const names[] = {"zero", "one", "two", "three", "four", "five", "six", "seven"};
    struct tree_writer *w = NULL;
    if (tree_writer_open(t, index, names[index % 8], 1 << 20, redo, &w, &err) < 0)
        abort();
    return w;
}

struct listed {
    char **line;
    size_t n;
};

static inline int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline void list_content(int dir, const char *name, const struct stat *st, struct buf *line)
{
    AUTO_BUF b = {0};
    if (S_ISREG(st->st_mode)) {
        AUTO_FD fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || file_read_fd(fd, name, 1 << 20, &b, &err) < 0)
            abort();
        buf_printf(line, " \"%.60s\"", b.n < 60 ? buf_c(&b) : "...");
        buf_printf(line, " %lld", (long long)st->st_size);
    } else if (S_ISLNK(st->st_mode)) {
        char text[4096] = {0};
        if (readlinkat(dir, name, text, sizeof text - 1) < 0)
            abort();
        buf_printf(line, " -> %s", text);
    }
}

static inline void list_dir(struct listed *l, int dir, const char *below);

static inline void list_one(struct listed *l, int dir, const char *path, const char *name)
{
    struct stat st;
    AUTO_BUF line = {0};
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        abort();
    buf_printf(&line, "%s %06o %u:%u %lld", path, (unsigned)st.st_mode, st.st_uid, st.st_gid,
               (long long)st.st_mtime);
    list_content(dir, name, &st, &line);
    if (!S_ISDIR(st.st_mode) && st.st_nlink > 1)
        buf_printf(&line, " inode %llu", (unsigned long long)st.st_ino);
    l->line = mem_grow(l->line, l->n + 1, sizeof *l->line);
    l->line[l->n++] = mem_dup(buf_c(&line));
    if (S_ISDIR(st.st_mode)) {
        AUTO_FD sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        list_dir(l, sub, path);
    }
}

static inline void list_dir(struct listed *l, int dir, const char *below)
{
    int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fdopendir(own);
    struct dirent *de;
    if (d == NULL)
        abort();
    while ((de = readdir(d)) != NULL) {
        AUTO_BUF path = {0};
        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
            continue;
        buf_printf(&path, "%s%s%s", below, *below ? "/" : "", de->d_name);
        list_one(l, dir, path.p, de->d_name);
    }
    closedir(d);
}

/* Inode numbers differ from run to run: each becomes the first path that has it. */
static inline void list_name_inodes(struct listed *l)
{
    for (size_t i = 0; i < l->n; i++) {
        char *at = strstr(l->line[i], " inode ");
        if (at == NULL)
            continue;
        AUTO_MEM char *inode = mem_dup(at), *path = mem_dup(l->line[i]);
        *strchr(path, ' ') = '\0';
        for (size_t k = i; k < l->n; k++) {
            char *same = strstr(l->line[k], inode);
            if (same == NULL || strcmp(same, inode) != 0)
                continue;
            *same = '\0';
            AUTO_MEM char *old = l->line[k];
            AUTO_BUF b = {0};
            buf_printf(&b, "%s = %s", old, path);
            l->line[k] = mem_dup(b.p);
        }
    }
}

/* One line a path, sorted: path, mode, owner, time, content or link text, and the first of a file's several
 * names. free() it. */
static inline char *list_root(int fd)
{
    struct listed l = {0};
    AUTO_BUF out = {0};
    list_dir(&l, fd, "");
    if (l.n > 0)
        qsort(l.line, l.n, sizeof *l.line, by_text);
    list_name_inodes(&l);
    for (size_t i = 0; i < l.n; i++) {
        buf_printf(&out, "%s\n", l.line[i]);
        free(l.line[i]);
    }
    free(l.line);
    return mem_dup(buf_c(&out));
}

#endif
