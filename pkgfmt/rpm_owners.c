#include "pkgfmt/rpm_owners.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/mem.h"
#include "pkgfmt/rpm.h"
#include "pkgfmt/rpm_content.h"
#include "pkgfmt/rpm_verify.h"

enum { NAMES_MAX = 16384, TEXT_MAX = 1 << 20 };

struct pkgfmt_owners {
    const struct log *log;
    struct rpm_accounts known;
};

/* Where the name is, or belongs; *there whether it is. */
static size_t place(const struct rpm_names *names, struct str name, bool *there)
{
    size_t from = 0, to = names->n;
    *there = false;
    while (from < to && !*there) {
        size_t mid = from + (to - from) / 2;
        int c = str_cmp(name, str_c(names->v[mid].name));
        *there = c == 0;
        if (c > 0)
            from = mid + 1;
        else
            to = mid;
    }
    return to;
}

bool rpm_owners_find(const struct rpm_names *names, const char *name, uint32_t *id)
{
    bool there;
    size_t at = place(names, str_c(name), &there);
    if (there)
        *id = names->v[at].id;
    return there;
}

static void add(struct rpm_names *names, struct str name, uint64_t id)
{
    bool there;
    size_t at = place(names, name, &there);
    /* To chown(2) the greatest means: leave it as it is. */
    if (there || id >= UINT32_MAX || names->n == NAMES_MAX || name.n == 0 ||
        memchr(name.p, '\0', name.n) != NULL)
        return;
    if (names->n == names->cap) {
        names->cap = names->cap > 0 ? 2 * names->cap : 64;
        names->v = mem_grow(names->v, names->cap, sizeof *names->v);
    }
    memmove(&names->v[at + 1], &names->v[at], (names->n - at) * sizeof *names->v);
    names->v[at] = (struct rpm_name){arena_str(&names->arena, name), (uint32_t)id};
    names->n++;
}

void rpm_owners_clear(struct rpm_accounts *a)
{
    free(a->users.v);
    free(a->groups.v);
    arena_free(&a->users.arena);
    arena_free(&a->groups.arena);
    *a = (struct rpm_accounts){0};
}

void rpm_owners_text(struct rpm_names *names, struct str text)
{
    struct str line, name, password, number;
    uint64_t id;
    while (str_line(&text, &line))
        if (str_cut(&line, ':', &name) && str_cut(&line, ':', &password) && str_cut(&line, ':', &number) &&
            name.n > 0 && strchr("+-#", name.p[0]) == NULL && str_u64(number, &id))
            add(names, name, id);
}

/* Bytes up to the first that is none of base64's, padding is not needed. */
static void base64(struct str in, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    int n = 0;
    for (size_t i = 0; i < in.n; i++) {
        const char *at = in.p[i] != '\0' ? strchr(digits, in.p[i]) : NULL;
        if (at == NULL)
            return;
        bits = (bits << 6 | (uint32_t)(at - digits)) & 0xffffff;
        n += 6;
        if (n >= 8) {
            n -= 8;
            buf_putc(out, (char)(bits >> n & 0xff));
        }
    }
}

/* A line of sysusers.d(5) for that name: TYPE NAME ID ..., where ID may be UID:GID, too. A user without such
   a GID gets a group of its name and number. */
static void add_account(struct rpm_accounts *a, bool user, struct str name, struct str line)
{
    struct str type, said, id, first;
    uint64_t uid, gid;
    line.n = str_chr(line, '\0'); /* it is padded with them */
    line = str_trim(line);
    if (!str_word(&line, &type) || !str_word(&line, &said) || !str_word(&line, &id) || type.n == 0 ||
        !str_eq(said, name))
        return;
    if (type.p[0] == 'g' && str_u64(id, &gid))
        add(&a->groups, name, gid);
    if (type.p[0] != 'u')
        return;
    bool pair = str_chr(id, ':') < id.n;
    str_cut(&id, ':', &first);
    if (!str_u64(first, &uid))
        return;
    if (user)
        add(&a->users, name, uid);
    if (!pair)
        add(&a->groups, name, uid);
}

/* "user(x)": x. */
static bool in_brackets(struct str s, struct str kind, struct str *name)
{
    if (!str_starts(s, kind) || s.n < kind.n + 2 || s.p[s.n - 1] != ')')
        return false;
    *name = (struct str){s.p + kind.n, s.n - kind.n - 1};
    return true;
}

void rpm_owners_provides(struct rpm_accounts *a, const struct rpm_header *h)
{
    const struct rpm_entry *names = rpm_header_find(h, RPM_TAG_PROVIDENAME);
    const struct rpm_entry *versions = rpm_header_find(h, RPM_TAG_PROVIDEVERSION);
    struct str provide, version, name;
    size_t at = 0, version_at = 0;
    while (names != NULL && versions != NULL && rpm_entry_string(names, &at, &provide) &&
           rpm_entry_string(versions, &version_at, &version)) {
        bool user = in_brackets(provide, STR("user("), &name);
        AUTO_BUF line = {0};
        if ((!user && !in_brackets(provide, STR("group("), &name)) || version.n == 0)
            continue;
        base64(version, &line);
        add_account(a, user, name, buf_view(&line));
    }
}

struct pkgfmt_owners *rpm_owners_new(struct str passwd, struct str group, const struct log *log)
{
    struct pkgfmt_owners *o = mem_alloc(sizeof *o);
    o->log = log;
    rpm_owners_text(&o->known.users, passwd);
    rpm_owners_text(&o->known.groups, group);
    return o;
}

void rpm_owners_free(struct pkgfmt_owners *o)
{
    if (o == NULL)
        return;
    rpm_owners_clear(&o->known);
    free(o);
}

static int read_text(struct rpm_content *c, const struct rpm_file *f, struct rpm_names *names, struct err *e)
{
    AUTO_BUF text = {0};
    const void *p;
    size_t n;
    uint64_t off;
    int r;
    if (f->size > TEXT_MAX)
        return err_set(e, ERR_FORMAT, "/%s: more than %d bytes", f->path, TEXT_MAX);
    while ((r = rpm_content_data(c, &p, &n, &off, e)) > 0)
        buf_add(&text, p, n);
    if (r == 0)
        rpm_owners_text(names, buf_view(&text));
    return r;
}

/* Until both files were found or the payload ends; what else stands there is bounded. */
static int read_entries(struct rpm_content *c, const struct rpm_file *const want[2],
                        struct rpm_names *const names[2], uint64_t max, struct err *e)
{
    const struct rpm_file *f;
    uint64_t size, all = 0;
    size_t left = (want[0] != NULL) + (want[1] != NULL);
    int rc = 1;
    while (left > 0 && (rc = rpm_content_next(c, &f, &size, e)) > 0) {
        bool wanted = false;
        for (size_t i = 0; i < 2; i++)
            if (f == want[i]) {
                wanted = true;
                left--;
                if (read_text(c, f, names[i], e) < 0)
                    return -1;
            }
        if (!wanted && size > max - all)
            return err_set(e, ERR_FORMAT, "%s: expands to more than %llu bytes", f->path,
                           (unsigned long long)max);
        all += wanted ? 0 : size;
    }
    return rc < 0 ? -1 : 0;
}

/* The files with names that the package ships; NULL where it has none. */
static int read_files(struct pkgfmt_owners *o, const struct rpm_read *r, const struct rpm_files *files,
                      const struct rpm_file *const want[2], uint64_t max, struct err *e)
{
    struct rpm_names *const names[2] = {&o->known.users, &o->known.groups};
    struct rpm_content *c = NULL;
    if (want[0] == NULL && want[1] == NULL)
        return 0;
    if (rpm_content_open(&c, r, files, NULL, e) < 0)
        return -1;
    int rc = read_entries(c, want, names, max, e);
    rpm_content_close(c);
    return rc;
}

static int read_package(struct pkgfmt_owners *o, const struct rpm_read *r, const struct pkgfmt_package *p,
                        struct err *e)
{
    static const char *const paths[2] = {"etc/passwd", "etc/group"};
    const struct rpm_file *want[2];
    struct rpm_files files = {0};
    int rc = rpm_verify(r, p, e);
    if (rc == 0)
        rc = rpm_files_read(&files, &r->header, e);
    for (size_t i = 0; rc == 0 && i < 2; i++) {
        const struct rpm_file *f = rpm_files_find(&files, str_c(paths[i]));
        bool has = f != NULL && rpm_file_type(f) == RPM_REG && (f->flags & RPM_FILE_GHOST) == 0;
        want[i] = has ? f : NULL;
    }
    if (rc == 0)
        rc = read_files(o, r, &files, want, p->max_bytes, e);
    rpm_files_free(&files);
    if (rc == 0)
        rpm_owners_provides(&o->known, &r->header);
    return rc;
}

int rpm_owners_read(const struct pkgfmt_package *p, struct err *e)
{
    struct rpm_read r;
    int rc = rpm_read_open(&r, p->fd, e);
    if (rc == 0) {
        rc = read_package(p->owners, &r, p, e);
        rpm_read_close(&r);
    }
    return rc < 0 ? err_wrap(e, "%s", p->pkg->name) : 0;
}

void rpm_owner_begin(struct rpm_owner *o, const struct pkgfmt_owners *owners, const char *package,
                     const struct rpm_header *h)
{
    *o = (struct rpm_owner){.owners = owners, .package = package};
    rpm_owners_provides(&o->own, h);
}

void rpm_owner_end(struct rpm_owner *o)
{
    rpm_owners_clear(&o->own);
    rpm_owners_clear(&o->missing);
}

/* False: the name is not known. */
static bool id_of(const char *name, const struct rpm_names *known, const struct rpm_names *own, uint32_t *id)
{
    *id = 0;
    return name[0] == '\0' || strcmp(name, "root") == 0 ||
           (known != NULL && rpm_owners_find(known, name, id)) || rpm_owners_find(own, name, id);
}

static void report(struct rpm_owner *o, const char *kind, struct rpm_names *missing, const char *name)
{
    size_t before = missing->n;
    add(missing, str_c(name), 0);
    if (missing->n > before)
        log_info(o->owners != NULL ? o->owners->log : NULL,
                 "%s: the %s `%s' is not known yet: root in its place", o->package, kind, name);
}

void rpm_owner_set(struct rpm_owner *o, const struct rpm_file *f, struct tree_entry *en)
{
    const struct rpm_accounts *known = o->owners != NULL ? &o->owners->known : NULL;
    if (!id_of(f->user, known != NULL ? &known->users : NULL, &o->own.users, &en->uid)) {
        en->mode &= ~(mode_t)S_ISUID;
        report(o, "user", &o->missing.users, f->user);
    }
    if (!id_of(f->group, known != NULL ? &known->groups : NULL, &o->own.groups, &en->gid)) {
        en->mode &= ~(mode_t)S_ISGID;
        report(o, "group", &o->missing.groups, f->group);
    }
}
