/* Packages made at test time: an ar archive from pieces, a tar from entries. */
#ifndef TESTS_UNIT_DEB_FIXTURE_H
#define TESTS_UNIT_DEB_FIXTURE_H

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

/* Appends an ar member; size_field NULL: the content's own. */
static inline void ar_add(struct buf *ar, const char *name, struct str content, const char *size_field)
{
    char size[24];
    snprintf(size, sizeof size, "%zu", content.n);
    if (ar->n == 0)
        buf_puts(ar, "!<arch>\n");
    buf_printf(ar, "%-16s%-12s%-6s%-6s%-8s%-10s`\n", name, "0", "0", "0", "100644",
               size_field ? size_field : size);
    buf_str(ar, content);
    if (content.n & 1)
        buf_putc(ar, '\n');
}

struct tar_file {
    const char *path;
    unsigned type;    /* AE_IFREG, AE_IFDIR, ...; 0: a hard link */
    const char *text; /* a file's content, a link's target */
    unsigned mode;
    const char *xattr_name, *xattr_value;
};

static inline la_ssize_t tar_to_buf(struct archive *a, void *ctx, const void *p, size_t n)
{
    (void)a;
    buf_add(ctx, p, n);
    return (la_ssize_t)n;
}

/* A tar of the entries; pax where xattrs ask for it. */
static inline void tar_make(struct buf *out, const struct tar_file *f, size_t n, bool pax)
{
    struct archive *a = archive_write_new();
    if (pax) {
        archive_write_set_format_pax_restricted(a);
        archive_write_set_format_option(a, "pax", "xattrheader", "SCHILY");
    } else
        archive_write_set_format_gnutar(a);
    archive_write_open(a, out, NULL, tar_to_buf, NULL);
    for (size_t i = 0; i < n; i++) {
        struct archive_entry *en = archive_entry_new();
        archive_entry_set_pathname(en, f[i].path);
        archive_entry_set_perm(en, f[i].mode ? f[i].mode : f[i].type == AE_IFDIR ? 0755 : 0644);
        archive_entry_set_filetype(en, f[i].type ? f[i].type : AE_IFREG);
        archive_entry_set_mtime(en, 1700000000, 0);
        archive_entry_set_uid(en, 0);
        archive_entry_set_gid(en, 0);
        if (f[i].type == 0)
            archive_entry_set_hardlink(en, f[i].text);
        else if (f[i].type == AE_IFLNK)
            archive_entry_set_symlink(en, f[i].text);
        else if (f[i].type == AE_IFREG)
            archive_entry_set_size(en, f[i].text ? (la_int64_t)strlen(f[i].text) : 0);
        if (f[i].xattr_name)
            archive_entry_xattr_add_entry(en, f[i].xattr_name, f[i].xattr_value, strlen(f[i].xattr_value));
        archive_write_header(a, en);
        if (f[i].type == AE_IFREG && f[i].text)
            archive_write_data(a, f[i].text, strlen(f[i].text));
        archive_entry_free(en);
    }
    archive_write_close(a);
    archive_write_free(a);
}

/* A whole package of two uncompressed tars. */
static inline void deb_make(struct buf *out, const struct tar_file *control, size_t ncontrol,
                            const struct tar_file *data, size_t ndata, bool pax)
{
    struct buf c = {0}, d = {0};
    tar_make(&c, control, ncontrol, false);
    tar_make(&d, data, ndata, pax);
    ar_add(out, "debian-binary", STR("2.0\n"), NULL);
    ar_add(out, "control.tar", buf_view(&c), NULL);
    ar_add(out, "data.tar", buf_view(&d), NULL);
    buf_free(&c);
    buf_free(&d);
}

/* An open, unnamed file with these bytes. */
static inline int fd_of(struct str bytes)
{
    char name[] = "/tmp/zs-deb-test.XXXXXX";
    int fd = mkstemp(name);
    if (fd >= 0)
        unlink(name);
    if (fd < 0 || write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n)
        abort();
    return fd;
}

#endif
