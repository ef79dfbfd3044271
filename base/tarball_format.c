/* Every setting that a tarball's bytes depend on. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#include "base/auto.h"
#include "base/mem.h"
#include "base/tarball_int.h"

#define MIB ((size_t)1 << 20)

/* gzip(1) without a time and a name. The levels are the tools' own defaults but for zstd's, where 6 takes a
   tenth less room than 3 and still keeps up with unpacking. */
static const struct tarball_format formats[] = {
    {".tar", ARCHIVE_FILTER_NONE, NULL, MIB, MIB},
    {".tar.gz", ARCHIVE_FILTER_GZIP, "gzip:!timestamp,gzip:compression-level=6", MIB, MIB},
    {".tgz", ARCHIVE_FILTER_GZIP, "gzip:!timestamp,gzip:compression-level=6", MIB, MIB},
    {".tar.xz", ARCHIVE_FILTER_XZ, "xz:compression-level=6,xz:threads=1", 16 * MIB, 100 * MIB},
    {".txz", ARCHIVE_FILTER_XZ, "xz:compression-level=6,xz:threads=1", 16 * MIB, 100 * MIB},
    {".tar.zst", ARCHIVE_FILTER_ZSTD, "zstd:compression-level=6", 8 * MIB, 16 * MIB},
};

const struct tarball_format *tarball_format_find(const char *target)
{
    struct str name = str_c(target);
    if (str_is(name, "-"))
        return &formats[0];
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (str_ends(name, str_c(formats[i].suffix)) && name.n > strlen(formats[i].suffix))
            return &formats[i];
    return NULL;
}

/* Extended headers only where ustar has no room for something; attributes in the one form that other tars
   read. */
int tarball_format_pax(struct archive *ar)
{
    bool good = archive_write_set_format_pax_restricted(ar) == ARCHIVE_OK &&
                archive_write_set_options(ar, "pax:xattrheader=SCHILY") == ARCHIVE_OK &&
                archive_write_set_bytes_per_block(ar, 64 * 1024) == ARCHIVE_OK &&
                archive_write_set_bytes_in_last_block(ar, 1) == ARCHIVE_OK;
    return good ? 0 : -1;
}

static la_ssize_t on_pressed(struct archive *ar, void *ctx, const void *p, size_t n)
{
    (void)ar;
    buf_add(ctx, p, n);
    return (la_ssize_t)n;
}

static int press(struct archive *ar, const struct tarball_format *f, struct archive_entry *en,
                 struct str chunk, struct buf *out)
{
    archive_entry_set_pathname(en, "chunk");
    archive_entry_set_filetype(en, AE_IFREG);
    archive_entry_set_size(en, (la_int64_t)chunk.n);
    bool good = archive_write_set_format_raw(ar) == ARCHIVE_OK &&
                archive_write_add_filter(ar, f->filter) == ARCHIVE_OK &&
                archive_write_set_options(ar, f->options) == ARCHIVE_OK &&
                archive_write_set_bytes_per_block(ar, 64 * 1024) == ARCHIVE_OK &&
                archive_write_set_bytes_in_last_block(ar, 1) == ARCHIVE_OK &&
                archive_write_open(ar, out, NULL, on_pressed, NULL) == ARCHIVE_OK &&
                archive_write_header(ar, en) == ARCHIVE_OK &&
                archive_write_data(ar, chunk.p, chunk.n) == (la_ssize_t)chunk.n &&
                archive_write_close(ar) == ARCHIVE_OK;
    return good ? 0 : -1;
}

int tarball_format_press(const struct tarball_format *f, struct str chunk, struct buf *out, struct err *e)
{
    if (f->filter == ARCHIVE_FILTER_NONE) {
        buf_str(out, chunk);
        return 0;
    }
    struct archive *ar = archive_write_new();
    struct archive_entry *en = archive_entry_new();
    int rc = ar != NULL && en != NULL ? press(ar, f, en, chunk, out) : -1;
    if (rc < 0) {
        const char *why = ar != NULL ? archive_error_string(ar) : NULL;
        err_set(e, ERR_HOST, "compression%s: %s", f->suffix, why != NULL ? why : "out of memory");
    }
    archive_entry_free(en);
    archive_write_free(ar);
    return rc;
}
