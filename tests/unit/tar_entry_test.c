/* Headers of tars as the tree's entries. */
#include "base/tar_entry.h"

#include <archive.h>
#include <archive_entry.h>

#include "base/auto.h"
#include "tests/unit/test.h"

static struct archive_entry *made(unsigned type)
{
    struct archive_entry *ae = archive_entry_new();
    archive_entry_copy_pathname(ae, "./x");
    archive_entry_set_filetype(ae, type);
    archive_entry_set_perm(ae, 04755);
    archive_entry_set_uid(ae, 7);
    archive_entry_set_gid(ae, 8);
    archive_entry_set_mtime(ae, 1000, 5);
    archive_entry_set_size(ae, 3);
    archive_entry_set_rdevmajor(ae, 1);
    archive_entry_set_rdevminor(ae, 3);
    archive_entry_copy_symlink(ae, type == AE_IFLNK ? "to" : NULL);
    archive_entry_xattr_add_entry(ae, "user.a", "1", 1);
    archive_entry_xattr_add_entry(ae, "system.b", "2", 1);
    return ae;
}

static void types(void)
{
    static const struct {
        unsigned from;
        enum tree_type type;
    } rows[] = {{AE_IFREG, TREE_FILE}, {AE_IFDIR, TREE_DIR},  {AE_IFLNK, TREE_LINK},
                {AE_IFIFO, TREE_FIFO}, {AE_IFCHR, TREE_CHAR}, {AE_IFBLK, TREE_BLOCK}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO(tar_xattrs_free) struct tar_xattrs x = {0};
        struct err e = {0};
        struct tree_entry en;
        struct archive_entry *ae = made(rows[i].from);
        CHECK(tar_entry_read(ae, "./x", NULL, &x, &en, &e) == 0 && en.type == rows[i].type);
        CHECK(str_is(en.path, "./x") && en.mode == 04755 && en.uid == 7 && en.gid == 8 && en.mtime == 1000 &&
              en.mtime_nsec == 5 && en.nxattrs == 2);
        CHECK(en.size == (en.type == TREE_FILE ? 3 : 0));
        CHECK(str_is(en.link, en.type == TREE_LINK ? "to" : ""));
        CHECK(en.major == (en.type == TREE_CHAR || en.type == TREE_BLOCK));
        archive_entry_free(ae);
    }
}

static void attributes_that_are_kept(void)
{
    AUTO(tar_xattrs_free) struct tar_xattrs x = {0};
    struct err e = {0};
    struct tree_entry en;
    struct archive_entry *ae = made(AE_IFREG);
    CHECK(tar_entry_read(ae, "x", tree_keeps_xattr, &x, &en, &e) == 0 && en.nxattrs == 1);
    CHECK(en.nxattrs == 1 && str_is(en.xattrs[0].name, "user.a") && str_is(en.xattrs[0].value, "1"));
    archive_entry_free(ae);
}

static void refused(void)
{
    AUTO(tar_xattrs_free) struct tar_xattrs x = {0};
    struct err e = {0};
    struct tree_entry en;
    struct archive_entry *ae = made(AE_IFSOCK);
    CHECK(tar_entry_read(ae, "x", NULL, &x, &en, &e) == -1 && e.class == ERR_FORMAT);
    archive_entry_set_filetype(ae, AE_IFREG);
    archive_entry_set_uid(ae, (la_int64_t)1 << 32);
    CHECK(tar_entry_read(ae, "x", NULL, &x, &en, &e) == -1 && strstr(e.msg, "owner 4294967296:8") != NULL);
    archive_entry_free(ae);
}

int main(void)
{
    RUN(types);
    RUN(attributes_that_are_kept);
    RUN(refused);
    return test_done();
}
