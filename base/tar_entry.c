#include "base/tar_entry.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#include "base/mem.h"

locale_t tar_entry_locale(void)
{
    locale_t l = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return l != (locale_t)0 ? l : newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
}

bool tar_entry_only_charset(struct archive *ar)
{
    const char *why = archive_error_string(ar);
    return why != NULL && strstr(why, "can't be converted") != NULL;
}

void tar_xattrs_free(struct tar_xattrs *x)
{
    free(x->v);
    *x = (struct tar_xattrs){0};
}

static int read_type(struct archive_entry *ae, struct tree_entry *en, struct err *e)
{
    const char *hard = archive_entry_hardlink(ae);
    if (hard != NULL) {
        en->type = TREE_HARD;
        en->link = str_c(hard);
        return 0;
    }
    switch (archive_entry_filetype(ae)) {
    case AE_IFREG:
        en->type = TREE_FILE;
        en->size = (uint64_t)archive_entry_size(ae);
        return archive_entry_size(ae) < 0 ? err_set(e, ERR_FORMAT, "a negative size") : 0;
    case AE_IFDIR:
        en->type = TREE_DIR;
        return 0;
    case AE_IFLNK:
        en->type = TREE_LINK;
        en->link = str_c(archive_entry_symlink(ae));
        return 0;
    case AE_IFIFO:
        en->type = TREE_FIFO;
        return 0;
    case AE_IFCHR:
    case AE_IFBLK:
        en->type = archive_entry_filetype(ae) == AE_IFCHR ? TREE_CHAR : TREE_BLOCK;
        en->major = (uint32_t)archive_entry_rdevmajor(ae);
        en->minor = (uint32_t)archive_entry_rdevminor(ae);
        return 0;
    default:
        return err_set(e, ERR_FORMAT, "an unknown type of file");
    }
}

static void read_xattrs(struct archive_entry *ae, bool (*keep)(const char *name), struct tar_xattrs *x,
                        struct tree_entry *en)
{
    const char *name;
    const void *value;
    size_t n;
    archive_entry_xattr_reset(ae);
    while (archive_entry_xattr_next(ae, &name, &value, &n) == ARCHIVE_OK) {
        if (keep != NULL && !keep(name))
            continue;
        if (en->nxattrs == x->cap) {
            x->cap = x->cap * 2 + 4;
            x->v = mem_grow(x->v, x->cap, sizeof *x->v);
        }
        x->v[en->nxattrs++] = (struct tree_xattr){str_c(name), {value, n}};
    }
    en->xattrs = x->v;
}

int tar_entry_read(struct archive_entry *ae, const char *path, bool (*keep)(const char *name),
                   struct tar_xattrs *x, struct tree_entry *en, struct err *e)
{
    la_int64_t uid = archive_entry_uid(ae), gid = archive_entry_gid(ae);
    *en = (struct tree_entry){.path = str_c(path),
                              .mode = archive_entry_perm(ae),
                              .mtime = archive_entry_mtime(ae),
                              .mtime_nsec = (uint32_t)archive_entry_mtime_nsec(ae)};
    if (read_type(ae, en, e) < 0)
        return -1;
    if (uid < 0 || gid < 0 || uid >= UINT32_MAX || gid >= UINT32_MAX)
        return err_set(e, ERR_FORMAT, "owner %lld:%lld is out of range", (long long)uid, (long long)gid);
    en->uid = (uint32_t)uid;
    en->gid = (uint32_t)gid;
    read_xattrs(ae, keep, x, en);
    return 0;
}

int tar_entry_data(struct archive *ar, uint64_t *end, const void **p, size_t *n, uint64_t *off)
{
    la_int64_t at = 0;
    int r = archive_read_data_block(ar, p, n, &at);
    if ((r != ARCHIVE_OK && r != ARCHIVE_EOF) || at < 0)
        return -1;
    if (r == ARCHIVE_EOF) { /* an empty piece stands for the hole at the end of a sparse file */
        *n = 0;
        if ((uint64_t)at <= *end)
            return 0;
    }
    *off = (uint64_t)at;
    *end = *off + *n;
    return 1;
}
