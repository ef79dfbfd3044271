#include "pkgfmt/deb_release.h"

#include <stdlib.h>

enum { RELEASE_MAX = 32 << 20, FILES_MAX = 400000 };

struct parser {
    struct arena *a;
    struct deb_release *r;
    unsigned line;
    enum digest_kind section; /* of the checksum lines that follow; DIGEST_NONE: lines are passed over */
    bool in_list;             /* a continuation line may follow */
    unsigned seen;            /* bit per row of the field table */
    struct deb_release_file *files;
    size_t n, cap;
};

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* Days since 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t days_from_civil(int64_t y, unsigned m, unsigned d)
{
    y -= m <= 2;
    int64_t era = y / 400;
    unsigned yoe = (unsigned)(y - era * 400), doy = (153 * (m + (m > 2 ? -3U : 9U)) + 2) / 5 + d - 1;
    return era * 146097 + (int64_t)(yoe * 365 + yoe / 4 - yoe / 100 + doy) - 719468;
}

static bool parse_clock(struct str s, int64_t *seconds)
{
    uint64_t v[3];
    struct str part;
    for (int i = 0; i < 3; i++)
        if (!str_cut(&s, ':', &part) || part.n == 0 || part.n > 2 || !str_u64(part, &v[i]))
            return false;
    if (s.n > 0 || v[0] > 23 || v[1] > 59 || v[2] > 60)
        return false;
    *seconds = (int64_t)(v[0] * 3600 + v[1] * 60 + v[2]);
    return true;
}

static unsigned month_number(struct str s)
{
    for (unsigned i = 0; i < 12; i++)
        if (str_is(s, months[i]))
            return i + 1;
    return 0;
}

bool deb_release_date(struct str s, int64_t *out)
{
    static const unsigned char month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct str w;
    uint64_t day, year;
    int64_t clock;
    if (!str_word(&s, &w))
        return false;
    if (w.n == 4 && w.p[3] == ',' && !str_word(&s, &w))
        return false;
    if (w.n > 2 || !str_u64(w, &day) || !str_word(&s, &w))
        return false;
    unsigned month = month_number(w);
    if (month == 0 || day < 1 || day > month_days[month - 1] || !str_word(&s, &w))
        return false;
    if (w.n != 4 || !str_u64(w, &year) || year < 1970 || !str_word(&s, &w) || !parse_clock(w, &clock))
        return false;
    if (!str_word(&s, &w) || !(str_is(w, "UTC") || str_is(w, "GMT") || str_is(w, "Z") || str_is(w, "+0000")))
        return false;
    if (str_word(&s, &w))
        return false;
    *out = days_from_civil((int64_t)year, month, (unsigned)day) * 86400 + clock;
    return true;
}

static int bad_line(const struct parser *p, struct err *e, const char *what, struct str got)
{
    return err_set(e, ERR_FORMAT, "Release:%u: %s: `%" STR_FMT "'", p->line, what, STR_ARG(got));
}

/* A path below the Release's directory; no component of it may be `..`. */
static bool path_is_inside(struct str path)
{
    struct str part;
    if (path.n == 0 || path.p[0] == '/')
        return false;
    while (str_cut(&path, '/', &part))
        if (str_is(part, ".."))
            return false;
    return true;
}

/* " DIGEST SIZE PATH" */
static int add_file(struct parser *p, struct str line, struct err *e)
{
    struct str hex, size, path, rest = line;
    struct deb_release_file f;
    memset(&f, 0, sizeof f);
    if (!str_word(&rest, &hex) || !str_word(&rest, &size) || !str_word(&rest, &path) || str_trim(rest).n > 0)
        return bad_line(p, e, "expected DIGEST SIZE PATH", line);
    if (p->section == DIGEST_NONE)
        return 0;
    if (!digest_parse(&f.digest, p->section, hex))
        return bad_line(p, e, p->section == DIGEST_SHA512 ? "no SHA512 digest" : "no SHA256 digest", hex);
    if (!str_u64(size, &f.size))
        return bad_line(p, e, "no size", size);
    if (!path_is_inside(path))
        return bad_line(p, e, "a path that leaves the repository", path);
    if (str_starts(path, STR("./")))
        path = str_from(path, 2);
    f.path = path;
    if (p->n == FILES_MAX)
        return err_set(e, ERR_FORMAT, "Release:%u: more than %d files", p->line, FILES_MAX);
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 512;
        struct deb_release_file *files = arena_array(p->a, cap, sizeof *files);
        if (p->n > 0)
            memcpy(files, p->files, p->n * sizeof *files);
        p->files = files;
        p->cap = cap;
    }
    p->files[p->n++] = f;
    return 0;
}

enum field_kind { FIELD_TEXT, FIELD_DATE, FIELD_FLAG, FIELD_FILES };
static const struct field {
    const char *name;
    enum field_kind kind;
    size_t offset; /* in struct deb_release; for FIELD_FILES the digest kind */
    const char *yes;
} fields[] = {
    {"suite", FIELD_TEXT, offsetof(struct deb_release, suite), NULL},
    {"codename", FIELD_TEXT, offsetof(struct deb_release, codename), NULL},
    {"origin", FIELD_TEXT, offsetof(struct deb_release, origin), NULL},
    {"label", FIELD_TEXT, offsetof(struct deb_release, label), NULL},
    {"version", FIELD_TEXT, offsetof(struct deb_release, version), NULL},
    {"components", FIELD_TEXT, offsetof(struct deb_release, components), NULL},
    {"architectures", FIELD_TEXT, offsetof(struct deb_release, architectures), NULL},
    {"date", FIELD_DATE, offsetof(struct deb_release, date), NULL},
    {"valid-until", FIELD_DATE, offsetof(struct deb_release, valid_until), NULL},
    {"acquire-by-hash", FIELD_FLAG, offsetof(struct deb_release, by_hash), "yes"},
    {"no-support-for-architecture-all", FIELD_FLAG, offsetof(struct deb_release, all_in_arch), "Packages"},
    {"sha256", FIELD_FILES, DIGEST_SHA256, NULL},
    {"sha512", FIELD_FILES, DIGEST_SHA512, NULL},
};

static bool same_ignoring_case(struct str a, const char *lower)
{
    size_t n = strlen(lower);
    if (a.n != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = a.p[i];
        if ((c >= 'A' && c <= 'Z' ? (char)(c + 32) : c) != lower[i])
            return false;
    }
    return true;
}

static int store(struct parser *p, const struct field *f, struct str value, struct err *e)
{
    char *at = (char *)p->r + f->offset;
    switch (f->kind) {
    case FIELD_TEXT:
        *(struct str *)(void *)at = value;
        return 0;
    case FIELD_DATE:
        /* Taking an unreadable Valid-Until for none would let an old Release live forever. */
        if (!deb_release_date(value, (int64_t *)(void *)at))
            return bad_line(p, e, "no date in UTC", value);
        return 0;
    case FIELD_FLAG:
        *(bool *)at = str_is(value, f->yes);
        return 0;
    case FIELD_FILES:
        p->section = (enum digest_kind)f->offset;
        return value.n > 0 ? add_file(p, value, e) : 0;
    }
    return 0;
}

static int parse_line(struct parser *p, struct str line, struct err *e)
{
    if (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t')) {
        if (!p->in_list)
            return bad_line(p, e, "a continuation of nothing", line);
        return p->section == DIGEST_NONE ? 0 : add_file(p, line, e);
    }
    size_t colon = str_chr(line, ':');
    if (colon == 0 || colon == line.n)
        return bad_line(p, e, "expected FIELD: VALUE", line);
    struct str name = {line.p, colon}, value = str_trim(str_from(line, colon + 1));
    p->in_list = true;
    p->section = DIGEST_NONE;
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!same_ignoring_case(name, fields[i].name))
            continue;
        if (p->seen & 1U << i)
            return bad_line(p, e, "a field that stands there twice", name);
        p->seen |= 1U << i;
        return store(p, &fields[i], value, e);
    }
    return 0;
}

static int cmp_file(const void *a, const void *b)
{
    const struct deb_release_file *x = a, *y = b;
    int c = str_cmp(x->path, y->path);
    /* The stronger first, so that it is the one that stays. */
    return c != 0 ? c : (int)y->digest.kind - (int)x->digest.kind;
}

/* Sorts the files and leaves the strongest digest of each. */
static int merge_files(struct parser *p, struct err *e)
{
    size_t kept = 0;
    if (p->n > 1)
        qsort(p->files, p->n, sizeof *p->files, cmp_file);
    for (size_t i = 0; i < p->n; i++) {
        const struct deb_release_file *f = &p->files[i], *last = kept > 0 ? &p->files[kept - 1] : NULL;
        if (last == NULL || !str_eq(f->path, last->path)) {
            p->files[kept++] = *f;
            continue;
        }
        if (f->size != last->size ||
            (f->digest.kind == last->digest.kind && !digest_eq(&f->digest, &last->digest)))
            return err_set(e, ERR_FORMAT, "Release: two different sizes or digests for %" STR_FMT,
                           STR_ARG(f->path));
    }
    p->r->files = p->files;
    p->r->nfiles = kept;
    return 0;
}

int deb_release_parse(struct str text, struct arena *a, struct deb_release *out, struct err *e)
{
    struct parser p = {.a = a, .r = out};
    struct str line;
    memset(out, 0, sizeof *out);
    if (text.n > RELEASE_MAX)
        return err_set(e, ERR_FORMAT, "Release: %zu bytes, more than %d", text.n, RELEASE_MAX);
    if (str_chr(text, '\0') < text.n)
        return err_set(e, ERR_FORMAT, "Release: a NUL byte at offset %zu", str_chr(text, '\0'));
    while (str_line(&text, &line)) {
        p.line++;
        if (str_trim(line).n == 0) {
            if (str_trim(text).n > 0)
                return err_set(e, ERR_FORMAT, "Release:%u: an empty line inside", p.line);
            break;
        }
        if (parse_line(&p, line, e) != 0)
            return -1;
    }
    if (!p.in_list)
        return err_set(e, ERR_FORMAT, "Release: no field in it");
    if (p.n == 0)
        return err_set(e, ERR_TRUST,
                       "Release: it has neither SHA256 nor SHA512 digests (MD5 and SHA1 are not trusted)");
    return merge_files(&p, e);
}

const struct deb_release_file *deb_release_find(const struct deb_release *r, struct str path)
{
    size_t lo = 0, hi = r->nfiles;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = str_cmp(path, r->files[mid].path);
        if (c == 0)
            return &r->files[mid];
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}
