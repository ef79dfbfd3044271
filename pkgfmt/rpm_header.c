#include "pkgfmt/rpm_header.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* 16 bytes in front: magic with version and reserved bytes, entries, bytes of the store. */
enum { INTRO = 16, ENTRY = 16, MAGIC = 8 };
enum {
    TAG_REGION_IMAGE = 61, /* old packages have it in the trailer of their signatures' region */
    TAG_REGION_SIGNATURES = 62,
    TAG_MIN = 100, /* below: regions */
    ARRAY_MAX = 0xfffff
};

static const unsigned char magic[MAGIC] = {0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0};

/* By type. Size 0: strings. */
static const unsigned char type_size[] = {
    [RPM_NULL] = 0,  [RPM_CHAR] = 1,   [RPM_INT8] = 1, [RPM_INT16] = 2,        [RPM_INT32] = 4,
    [RPM_INT64] = 8, [RPM_STRING] = 0, [RPM_BIN] = 1,  [RPM_STRING_ARRAY] = 0, [RPM_I18NSTRING] = 0};

/* What the tags that are read here must be (rpm: tagtbl), so that nobody meets another type. */
static const struct {
    uint32_t tag, type;
} tag_types[] = {
    {RPM_TAG_NAME, RPM_STRING},
    {RPM_TAG_VERSION, RPM_STRING},
    {RPM_TAG_RELEASE, RPM_STRING},
    {RPM_TAG_EPOCH, RPM_INT32},
    {RPM_TAG_SIZE, RPM_INT32},
    {RPM_TAG_LICENSE, RPM_STRING},
    {RPM_TAG_OS, RPM_STRING},
    {RPM_TAG_ARCH, RPM_STRING},
    {RPM_TAG_OLDFILENAMES, RPM_STRING_ARRAY},
    {RPM_TAG_FILESIZES, RPM_INT32},
    {RPM_TAG_FILEMODES, RPM_INT16},
    {RPM_TAG_FILERDEVS, RPM_INT16},
    {RPM_TAG_FILEMTIMES, RPM_INT32},
    {RPM_TAG_FILEDIGESTS, RPM_STRING_ARRAY},
    {RPM_TAG_FILELINKTOS, RPM_STRING_ARRAY},
    {RPM_TAG_FILEFLAGS, RPM_INT32},
    {RPM_TAG_FILEUSERNAME, RPM_STRING_ARRAY},
    {RPM_TAG_FILEGROUPNAME, RPM_STRING_ARRAY},
    {RPM_TAG_SOURCERPM, RPM_STRING},
    {RPM_TAG_PROVIDENAME, RPM_STRING_ARRAY},
    {RPM_TAG_FILEDEVICES, RPM_INT32},
    {RPM_TAG_FILEINODES, RPM_INT32},
    {RPM_TAG_SOURCEPACKAGE, RPM_INT32},
    {RPM_TAG_PROVIDEFLAGS, RPM_INT32},
    {RPM_TAG_PROVIDEVERSION, RPM_STRING_ARRAY},
    {RPM_TAG_DIRINDEXES, RPM_INT32},
    {RPM_TAG_BASENAMES, RPM_STRING_ARRAY},
    {RPM_TAG_DIRNAMES, RPM_STRING_ARRAY},
    {RPM_TAG_PAYLOADFORMAT, RPM_STRING},
    {RPM_TAG_PAYLOADCOMPRESSOR, RPM_STRING},
    {RPM_TAG_LONGFILESIZES, RPM_INT64},
    {RPM_TAG_LONGSIZE, RPM_INT64},
    {RPM_TAG_FILECAPS, RPM_STRING_ARRAY},
    {RPM_TAG_FILEDIGESTALGO, RPM_INT32},
    {RPM_TAG_PAYLOADSHA256, RPM_STRING_ARRAY},
    {RPM_TAG_PAYLOADSHA256ALGO, RPM_INT32},
    {RPM_TAG_PAYLOADSHA256ALT, RPM_STRING_ARRAY},
    {RPM_TAG_RPMFORMAT, RPM_INT32},
    {RPM_TAG_PAYLOADSHA512, RPM_STRING},
    {RPM_TAG_PAYLOADSHA512ALT, RPM_STRING},
    {RPM_TAG_PAYLOADSHA3_256, RPM_STRING},
    {RPM_TAG_PAYLOADSHA3_256ALT, RPM_STRING},
};

/* A header under the parser. */
struct parse {
    const unsigned char *index, *store;
    uint32_t entries, bytes;               /* of the whole */
    uint32_t region_entries, region_bytes; /* without a region: those of the whole */
    bool region;
    bool closed; /* nothing may stand outside of the region */
    uint32_t at; /* where the last entry's data ended */
};

static uint32_t get32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool is_text(uint32_t type)
{
    return type == RPM_STRING || type == RPM_STRING_ARRAY || type == RPM_I18NSTRING;
}

/* Bytes of count values at p, of which max may be used; 0: they do not fit. */
static size_t length_of(uint32_t type, uint32_t count, const unsigned char *p, size_t max)
{
    size_t each = type_size[type], n = 0;
    if (each > 0)
        return count <= max / each ? count * each : 0;
    for (uint32_t i = 0; i < count; i++) {
        const unsigned char *end = n < max ? memchr(p + n, '\0', max - n) : NULL;
        if (end == NULL)
            return 0;
        n = (size_t)(end - p) + 1;
    }
    return n;
}

/* The region's entry is the first and points at its trailer, which looks like an entry, too: its offset is
   minus the bytes of the region's entries. */
static int parse_region(struct parse *p, uint32_t tag, struct err *e)
{
    uint32_t off = get32(p->index + 8);
    if (get32(p->index) != tag || get32(p->index + 4) != RPM_BIN || get32(p->index + 12) != ENTRY)
        return err_set(e, ERR_FORMAT, "the first entry is no region %u", tag);
    if (p->bytes < ENTRY || off > p->bytes - ENTRY)
        return err_set(e, ERR_FORMAT, "the region's end at byte %u is outside of the data (%u bytes)", off,
                       p->bytes);
    const unsigned char *trailer = p->store + off;
    uint32_t its = get32(trailer), size = 0u - get32(trailer + 8);
    if (tag == TAG_REGION_SIGNATURES && its == TAG_REGION_IMAGE)
        its = tag;
    if (its != tag || get32(trailer + 4) != RPM_BIN || get32(trailer + 12) != ENTRY)
        return err_set(e, ERR_FORMAT, "the region's trailer is damaged");
    p->region = true;
    p->region_entries = size / ENTRY;
    p->region_bytes = off + ENTRY;
    if (size % ENTRY != 0 || p->region_entries < 1 || p->region_entries > p->entries)
        return err_set(e, ERR_FORMAT, "the region has %u bytes of entries, the header has %u entries", size,
                       p->entries);
    if (p->closed && (p->region_entries != p->entries || p->region_bytes != p->bytes))
        return err_set(e, ERR_FORMAT, "%u entries and %u bytes stand outside of what its maker closed",
                       p->entries - p->region_entries, p->bytes - p->region_bytes);
    return 0;
}

/* Entry i's data must begin where the last one's ended, but for alignment: no gaps, no overlaps. */
static int parse_entry(struct parse *p, uint32_t i, struct rpm_entry *en, struct err *e)
{
    const unsigned char *raw = p->index + (size_t)i * ENTRY;
    uint32_t tag = get32(raw), type = get32(raw + 4), off = get32(raw + 8), count = get32(raw + 12);
    bool inside = p->region && i < p->region_entries;
    uint32_t end = inside ? p->region_bytes - ENTRY : p->bytes;
    const char *why = NULL;
    if (tag < TAG_MIN)
        why = "a tag that is none";
    else if (type < RPM_CHAR || type > RPM_I18NSTRING)
        why = "a type that is none";
    else if (count == 0 || (type == RPM_STRING && count != 1) || (type != RPM_BIN && count > ARRAY_MAX))
        why = "a count that cannot be";
    if (why != NULL)
        return err_set(e, ERR_FORMAT, "entry %u (tag %u, type %u, count %u): %s", i, tag, type, count, why);
    uint32_t align = type_size[type] > 1 ? type_size[type] : 1;
    if (off != (p->at + align - 1) / align * align || off >= end)
        return err_set(e, ERR_FORMAT, "entry %u (tag %u): its data stands at %u, expected %u", i, tag, off,
                       (p->at + align - 1) / align * align);
    *en = (struct rpm_entry){.tag = tag, .type = type, .count = count, .data = p->store + off};
    en->n = length_of(type, count, en->data, end - off);
    if (en->n == 0)
        return err_set(e, ERR_FORMAT, "entry %u (tag %u): %u values do not fit into the data", i, tag, count);
    p->at = off + (uint32_t)en->n;
    return 0;
}

static int parse_entries(struct parse *p, struct rpm_header *h, struct err *e)
{
    uint32_t i = p->region ? 1 : 0;
    h->entries = mem_alloc(((size_t)p->entries + 1) * sizeof *h->entries);
    for (; i <= p->entries; i++) {
        if (p->region && i == p->region_entries) {
            if (p->at != p->region_bytes - ENTRY)
                return err_set(e, ERR_FORMAT, "the region's data ends at %u, expected %u", p->at,
                               p->region_bytes - ENTRY);
            p->at = p->region_bytes;
        }
        if (i < p->entries && parse_entry(p, i, &h->entries[h->n++], e) < 0)
            return -1;
    }
    if (p->at != p->bytes)
        return err_set(e, ERR_FORMAT, "the data ends at %u, expected %u", p->at, p->bytes);
    return 0;
}

static int by_tag(const void *a, const void *b)
{
    uint32_t x = ((const struct rpm_entry *)a)->tag, y = ((const struct rpm_entry *)b)->tag;
    return (x > y) - (x < y);
}

static int parse_all(struct rpm_header *h, struct parse *p, uint32_t region, struct err *e)
{
    if (p->entries == 0)
        return err_set(e, ERR_FORMAT, "a header without entries");
    if ((region != 0 && parse_region(p, region, e) < 0) || parse_entries(p, h, e) < 0)
        return -1;
    qsort(h->entries, h->n, sizeof *h->entries, by_tag);
    for (size_t i = 1; i < h->n; i++)
        if (h->entries[i].tag == h->entries[i - 1].tag)
            return err_set(e, ERR_FORMAT, "tag %u stands there twice", h->entries[i].tag);
    return 0;
}

int rpm_header_size(struct str bytes, uint64_t *size, uint32_t *first, struct err *e)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    if (bytes.n < INTRO)
        return err_set(e, ERR_FORMAT, "cut off before its first entry");
    if (memcmp(p, magic, sizeof magic) != 0)
        return err_set(e, ERR_FORMAT, "no header stands there: bad magic");
    *size = INTRO + (uint64_t)get32(p + 8) * ENTRY + get32(p + 12);
    *first = get32(p + 8) > 0 && bytes.n >= INTRO + 4 ? get32(p + INTRO) : 0;
    return 0;
}

int rpm_header_parse(struct rpm_header *h, struct str bytes, uint32_t region, struct err *e)
{
    uint64_t size = 0;
    uint32_t first;
    *h = (struct rpm_header){0};
    if (rpm_header_size(bytes, &size, &first, e) < 0)
        return -1;
    const unsigned char *p = (const unsigned char *)bytes.p;
    uint32_t entries = get32(p + 8), store = get32(p + 12);
    if (entries > RPM_HEADER_ENTRIES_MAX || store > RPM_HEADER_BYTES_MAX)
        return err_set(e, ERR_FORMAT, "%u entries and %u bytes of data, larger than any real one", entries,
                       store);
    if (size > bytes.n)
        return err_set(e, ERR_FORMAT, "cut off: %llu bytes expected, %zu there", (unsigned long long)size,
                       bytes.n);
    struct parse parse = {.index = p + INTRO,
                          .store = p + INTRO + (size_t)entries * ENTRY,
                          .entries = entries,
                          .bytes = store,
                          .closed = region != TAG_REGION_SIGNATURES};
    h->size = (size_t)size;
    if (parse_all(h, &parse, region, e) == 0)
        return 0;
    rpm_header_free(h);
    return -1;
}

int rpm_header_types(const struct rpm_header *h, struct err *e)
{
    for (size_t i = 0; i < sizeof tag_types / sizeof *tag_types; i++) {
        const struct rpm_entry *en = rpm_header_find(h, tag_types[i].tag);
        if (en != NULL && en->type != tag_types[i].type && !(is_text(en->type) && is_text(tag_types[i].type)))
            return err_set(e, ERR_FORMAT, "tag %u has type %u, expected %u", en->tag, en->type,
                           tag_types[i].type);
    }
    return 0;
}

void rpm_header_free(struct rpm_header *h)
{
    free(h->entries);
    *h = (struct rpm_header){0};
}

const struct rpm_entry *rpm_header_find(const struct rpm_header *h, uint32_t tag)
{
    struct rpm_entry key = {.tag = tag};
    return h->n > 0 ? bsearch(&key, h->entries, h->n, sizeof *h->entries, by_tag) : NULL;
}

struct str rpm_header_string(const struct rpm_header *h, uint32_t tag)
{
    const struct rpm_entry *en = rpm_header_find(h, tag);
    struct str s = {0};
    size_t at = 0;
    if (en != NULL)
        rpm_entry_string(en, &at, &s);
    return s;
}

bool rpm_header_u64(const struct rpm_header *h, uint32_t tag, size_t i, uint64_t *out)
{
    const struct rpm_entry *en = rpm_header_find(h, tag);
    if (en == NULL || is_text(en->type) || en->type == RPM_BIN || i >= en->count)
        return false;
    size_t n = type_size[en->type];
    *out = 0;
    for (size_t k = 0; k < n; k++)
        *out = *out << 8 | en->data[i * n + k];
    return true;
}

bool rpm_entry_string(const struct rpm_entry *en, size_t *at, struct str *out)
{
    if (!is_text(en->type) || *at >= en->n)
        return false;
    const char *p = (const char *)en->data + *at;
    *out = (struct str){p, strlen(p)};
    *at += out->n + 1;
    return true;
}
