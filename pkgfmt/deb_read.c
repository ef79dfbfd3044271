#include "pkgfmt/deb_read.h"

#include <archive.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

/* ar(5): a 60-byte header before each member: name 16, time 12, uid 6, gid 6, mode 8, size 10, "`\n". */
enum { AR_MAGIC = 8, AR_HEADER = 60, AR_NAME = 16, AR_SIZE_OFF = 48, AR_SIZE = 10, AR_END_OFF = 58 };
/* debian-binary holds "2.0\n"; dpkg reads it whole, whatever its size. */
enum { VERSION_MAX = 4096 };

int deb_read_at(int fd, uint64_t off, void *p, size_t n, struct err *e)
{
    return file_read_at(fd, "the package file", off, p, n, e);
}

/* dpkg takes off the padding, and one slash as GNU ar puts there. */
static void member_name(char out[AR_NAME + 1], const char *field)
{
    size_t n = AR_NAME;
    while (n > 0 && field[n - 1] == ' ')
        n--;
    if (n > 0 && field[n - 1] == '/')
        n--;
    memcpy(out, field, n);
    out[n] = '\0';
}

/* Reads the header at *pos and moves *pos behind the member. 1: a member, 0: the file's end. */
static int member_next(const struct deb_read *d, uint64_t *pos, struct deb_member *m, struct err *e)
{
    char h[AR_HEADER];
    if (*pos >= d->size)
        return 0;
    if (d->size - *pos < AR_HEADER)
        return err_set(e, ERR_FORMAT, "the ar header at byte %llu is cut off", (unsigned long long)*pos);
    if (deb_read_at(d->fd, *pos, h, sizeof h, e) < 0)
        return -1;
    if (memcmp(h + AR_END_OFF, "`\n", 2) != 0)
        return err_set(e, ERR_FORMAT, "bad ar header at byte %llu", (unsigned long long)*pos);
    member_name(m->name, h);
    if (!str_u64(str_trim((struct str){h + AR_SIZE_OFF, AR_SIZE}), &m->size))
        return err_set(e, ERR_FORMAT, "ar member %s: bad size `%.10s'", m->name, h + AR_SIZE_OFF);
    m->off = *pos + AR_HEADER;
    if (m->size > d->size - m->off)
        return err_set(e, ERR_FORMAT, "ar member %s: says %llu bytes, the file has only %llu more", m->name,
                       (unsigned long long)m->size, (unsigned long long)(d->size - m->off));
    *pos = m->off + m->size + (m->size & 1);
    return 1;
}

static int version_check(const struct deb_read *d, const struct deb_member *m, struct err *e)
{
    char text[VERSION_MAX];
    uint64_t major = 0, minor = 0;
    if (m->size > sizeof text)
        return err_set(e, ERR_FORMAT, "debian-binary: %llu bytes long, expected a version",
                       (unsigned long long)m->size);
    if (deb_read_at(d->fd, m->off, text, (size_t)m->size, e) < 0)
        return -1;
    struct str s = {text, (size_t)m->size}, line, part;
    if (str_chr(s, '\n') == s.n || !str_line(&s, &line) || !str_cut(&line, '.', &part) ||
        !str_u64(part, &major) || !str_u64(line, &minor))
        return err_set(e, ERR_FORMAT, "debian-binary: bad format version, expected 2.0");
    if (major != 2)
        return err_set(e, ERR_FORMAT, "debian-binary: format version %llu.%llu, expected 2.x",
                       (unsigned long long)major, (unsigned long long)minor);
    return 0;
}

/* The suffixes of deb(5); bzip2 and lzma were never used for control.tar. */
static const struct suffix {
    const char *text;
    int filter;
    bool control;
} suffixes[] = {
    {"", ARCHIVE_FILTER_NONE, true},       {".gz", ARCHIVE_FILTER_GZIP, true},
    {".xz", ARCHIVE_FILTER_XZ, true},      {".zst", ARCHIVE_FILTER_ZSTD, true},
    {".bz2", ARCHIVE_FILTER_BZIP2, false}, {".lzma", ARCHIVE_FILTER_LZMA, false},
};

/* 1: m is `stem` with a known suffix, 0: it has another name, -1: a suffix that nobody knows. */
static int member_is(struct deb_member *m, const char *stem, bool control, struct err *e)
{
    size_t n = strlen(stem);
    if (strncmp(m->name, stem, n) != 0)
        return 0;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (strcmp(m->name + n, suffixes[i].text) == 0 && (!control || suffixes[i].control)) {
            m->filter = suffixes[i].filter;
            return 1;
        }
    return err_set(e, ERR_FORMAT, "ar member %s: unknown compression", m->name);
}

/* What a file that is no ar archive of ours may be. */
static int open_magic(const struct deb_read *d, struct err *e)
{
    char magic[AR_MAGIC] = "";
    if (d->size < AR_MAGIC)
        return err_set(e, ERR_FORMAT, "not a Debian package: only %llu bytes long",
                       (unsigned long long)d->size);
    if (deb_read_at(d->fd, 0, magic, sizeof magic, e) < 0)
        return -1;
    if (memcmp(magic, "!<arch>\n", AR_MAGIC) == 0)
        return 0;
    if (memcmp(magic, "0.93", 4) == 0)
        return err_set(e, ERR_FORMAT,
                       "a package in the format from before 1995 (0.939000), which is not supported");
    return err_set(e, ERR_FORMAT, "not a Debian package: no ar archive");
}

static int open_first(const struct deb_read *d, uint64_t *pos, struct err *e)
{
    struct deb_member m = {0};
    int r = member_next(d, pos, &m, e);
    if (r < 0)
        return -1;
    if (r == 1 && strcmp(m.name, "debian-binary") == 0)
        return version_check(d, &m, e);
    if (r == 1 && strcmp(m.name, "debian-split") == 0)
        return err_set(e, ERR_FORMAT, "a part of a package made by dpkg-split: join the parts first");
    return err_set(e, ERR_FORMAT, "not a Debian package: the first ar member is %s, expected debian-binary",
                   r == 1 ? m.name : "missing");
}

int deb_read_open(struct deb_read *d, int fd, struct err *e)
{
    struct stat st;
    *d = (struct deb_read){.fd = fd};
    if (fstat(fd, &st) < 0)
        return err_sys(e, ERR_HOST, errno, "cannot read the package file");
    d->size = (uint64_t)st.st_size;
    uint64_t pos = AR_MAGIC;
    if (open_magic(d, e) < 0 || open_first(d, &pos, e) < 0)
        return -1;
    for (struct deb_member m = {0};;) {
        bool have = d->control.off != 0;
        const char *want = have ? "data.tar" : "control.tar";
        int r = member_next(d, &pos, &m, e);
        if (r < 0)
            return -1;
        if (r == 0)
            return err_set(e, ERR_FORMAT, "the package has no %s", want);
        if (m.name[0] == '_')
            continue;
        r = member_is(&m, want, !have, e);
        if (r < 0)
            return -1;
        if (r == 0)
            return err_set(e, ERR_FORMAT, "ar member %s stands where %s was expected", m.name, want);
        if (have) {
            d->data = m;
            return 0;
        }
        d->control = m;
    }
}
