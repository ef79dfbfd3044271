#include "pkgfmt/rpm_read.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* The lead, https://rpm-software-management.github.io/rpm/manual/format_lead.html: magic, major, minor, type
   (2), architecture (2), name (66), system (2), signature type (2), reserved (16). */
enum { LEAD = 96, LEAD_TYPE = 6, LEAD_SIGTYPE = 78, SIGTYPE_HEADER = 5, INTRO = 20, PAD = 8 };
enum { REGION_SIGNATURES = 62, REGION_IMMUTABLE = 63 };
/* rpm's bounds are 32 entries and 64 MiB, which only signatures of files come near to. */
enum { SIG_BYTES_MAX = 64 << 20, SIG_ENTRIES_MAX = 32 };

static const unsigned char lead_magic[4] = {0xed, 0xab, 0xee, 0xdb};

int rpm_read_at(int fd, uint64_t off, void *p, size_t n, struct err *e)
{
    return file_read_at(fd, "the package file", off, p, n, e);
}

static int read_lead(const struct rpm_read *r, bool *source, struct err *e)
{
    unsigned char lead[LEAD] = {0};
    size_t n = r->size < LEAD ? (size_t)r->size : LEAD;
    if (rpm_read_at(r->fd, 0, lead, n, e) < 0)
        return -1;
    if (n >= 4 && memcmp(lead, "drpm", 4) == 0)
        return err_set(e, ERR_FORMAT, "a delta package, which is no whole one");
    if (n < 4 || memcmp(lead, lead_magic, sizeof lead_magic) != 0)
        return err_set(e, ERR_FORMAT, "not an rpm package");
    if (n < LEAD)
        return err_set(e, ERR_FORMAT, "the package file ends early, at byte %zu", n);
    if (lead[4] < 3 || lead[4] > 4)
        return err_set(e, ERR_FORMAT, "rpm package format %u, expected 3 or 4", lead[4]);
    if (lead[LEAD_SIGTYPE] != 0 || lead[LEAD_SIGTYPE + 1] != SIGTYPE_HEADER)
        return err_set(e, ERR_FORMAT, "signatures of type %u, expected %d",
                       lead[LEAD_SIGTYPE] << 8 | lead[LEAD_SIGTYPE + 1], SIGTYPE_HEADER);
    *source = lead[LEAD_TYPE] == 0 && lead[LEAD_TYPE + 1] == 1;
    return 0;
}

/* Size and first tag of the header at off, which must fit into the file. */
static int read_intro(const struct rpm_read *r, uint64_t off, uint64_t max, uint64_t *size, uint32_t *first,
                      struct err *e)
{
    char intro[INTRO];
    size_t n = off < r->size && r->size - off < INTRO ? (size_t)(r->size - off) : INTRO;
    if (rpm_read_at(r->fd, off, intro, n, e) < 0 ||
        rpm_header_size((struct str){intro, n}, size, first, e) < 0)
        return -1;
    if (*size > max)
        return err_set(e, ERR_FORMAT, "%llu bytes, larger than any real one", (unsigned long long)*size);
    if (*size > r->size - off)
        return err_set(e, ERR_FORMAT, "cut off: says %llu bytes, the file has only %llu more",
                       (unsigned long long)*size, (unsigned long long)(r->size - off));
    return 0;
}

/* Where both headers are; what they are goes to r->bytes. */
static int read_headers(struct rpm_read *r, uint32_t first[2], struct err *e)
{
    uint64_t sig, main;
    if (read_intro(r, LEAD, SIG_BYTES_MAX, &sig, &first[0], e) < 0)
        return err_wrap(e, "signature header");
    r->header_off = LEAD + (sig + PAD - 1) / PAD * PAD;
    if (read_intro(r, r->header_off, RPM_HEADER_BYTES_MAX, &main, &first[1], e) < 0)
        return err_wrap(e, "header");
    r->payload_off = r->header_off + main;
    size_t n = (size_t)(r->payload_off - LEAD);
    buf_reserve(&r->bytes, n);
    if (rpm_read_at(r->fd, LEAD, r->bytes.p, n, e) < 0)
        return -1;
    r->bytes.n = n;
    r->bytes.p[n] = '\0';
    return 0;
}

/* Packages from before regions, of rpm 3, have none; then the first tag is a plain one. */
static int parse_headers(struct rpm_read *r, const uint32_t first[2], struct err *e)
{
    struct str all = buf_view(&r->bytes);
    uint32_t sig = first[0] == REGION_SIGNATURES ? REGION_SIGNATURES : 0;
    uint32_t main = first[1] == REGION_IMMUTABLE ? REGION_IMMUTABLE : 0;
    if (rpm_header_parse(&r->sig, all, sig, e) < 0)
        return err_wrap(e, "signature header");
    if (r->sig.n > SIG_ENTRIES_MAX)
        return err_set(e, ERR_FORMAT, "signature header: %zu entries, larger than any real one", r->sig.n);
    if (rpm_header_parse(&r->header, str_from(all, (size_t)(r->header_off - LEAD)), main, e) < 0 ||
        rpm_header_types(&r->header, e) < 0)
        return err_wrap(e, "header");
    return 0;
}

static int read_all(struct rpm_read *r, struct err *e)
{
    uint32_t first[2] = {0};
    bool lead_source = false;
    if (read_lead(r, &lead_source, e) < 0 || read_headers(r, first, e) < 0 || parse_headers(r, first, e) < 0)
        return -1;
    if (str_is(rpm_header_string(&r->header, RPM_TAG_PAYLOADFORMAT), "drpm"))
        return err_set(e, ERR_FORMAT, "a delta package, which is no whole one");
    if (rpm_header_find(&r->header, RPM_TAG_NAME) == NULL ||
        rpm_header_find(&r->header, RPM_TAG_VERSION) == NULL ||
        rpm_header_find(&r->header, RPM_TAG_RELEASE) == NULL)
        return err_set(e, ERR_FORMAT, "header: no name, version or release");
    r->source = rpm_header_find(&r->header, RPM_TAG_SOURCEPACKAGE) != NULL ||
                (rpm_header_find(&r->header, RPM_TAG_SOURCERPM) == NULL && lead_source);
    return 0;
}

int rpm_read_open(struct rpm_read *r, int fd, struct err *e)
{
    struct stat st;
    *r = (struct rpm_read){.fd = fd};
    if (fstat(fd, &st) < 0)
        return err_sys(e, ERR_HOST, errno, "cannot read the package file");
    r->size = (uint64_t)st.st_size;
    if (read_all(r, e) == 0)
        return 0;
    rpm_read_close(r);
    return -1;
}

void rpm_read_close(struct rpm_read *r)
{
    rpm_header_free(&r->sig);
    rpm_header_free(&r->header);
    buf_free(&r->bytes);
}
