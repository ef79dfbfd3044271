#include "cmd/oci.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/json.h"
#include "cmd/progress.h"

#define SCHEME    "oci:"
#define TYPE      "application/vnd.oci.image."
#define LABEL     "org.opencontainers.image."
#define REF_NAME  LABEL "ref.name"
#define NO_IMAGES "{\"schemaVersion\":2,\"mediaType\":\"" TYPE "index.v1+json\",\"manifests\":[]}"

enum { TAG_MAX = 255 };

const char oci_layout_text[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

/* uname -m, Go's GOARCH, and the variant that image-index.md asks for. Little-endian MIPS does not say so in
   uname; nothing big-endian is made any more. */
static const struct platform {
    const char *machine, *arch, *variant;
} platforms[] = {
    {"x86_64", "amd64", NULL},    {"i686", "386", NULL},
    {"i586", "386", NULL},        {"i386", "386", NULL},
    {"aarch64", "arm64", "v8"},   {"armv8l", "arm", "v7"},
    {"armv7l", "arm", "v7"},      {"armv6l", "arm", "v6"},
    {"armv5tel", "arm", "v5"},    {"ppc64le", "ppc64le", NULL},
    {"s390x", "s390x", NULL},     {"riscv64", "riscv64", NULL},
    {"mips64", "mips64le", NULL}, {"loongarch64", "loong64", NULL},
};

static const struct platform *find_platform(const char *machine)
{
    for (size_t i = 0; i < sizeof platforms / sizeof *platforms; i++)
        if (strcmp(platforms[i].machine, machine) == 0)
            return &platforms[i];
    return NULL;
}

int oci_platform_check(const char *machine, struct err *e)
{
    if (find_platform(machine) != NULL)
        return 0;
    err_set(e, ERR_USAGE, "OCI images have no name for the machine `%s'", machine);
    return err_hint(e, "make a tarball or a directory");
}

bool oci_platform_is(const char *machine, struct str config, struct buf *is)
{
    const struct platform *p = find_platform(machine);
    struct str os = {0}, arch = {0}, variant = {0}, v;
    if (json_member(config, "os", &v))
        json_plain(v, &os);
    if (json_member(config, "architecture", &v))
        json_plain(v, &arch);
    if (json_member(config, "variant", &v))
        json_plain(v, &variant);
    if (is != NULL)
        buf_printf(is, "%" STR_FMT "/%" STR_FMT "%s%" STR_FMT, STR_ARG(os), STR_ARG(arch),
                   variant.n > 0 ? "/" : "", STR_ARG(variant));
    return p != NULL && str_is(os, "linux") && str_is(arch, p->arch) &&
           (p->variant == NULL || variant.n == 0 || str_is(variant, p->variant));
}

bool oci_is(const char *target)
{
    return strncmp(target, SCHEME, strlen(SCHEME)) == 0;
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Letters and digits; between them one of -._:@+ or --, or the / between components. */
static bool tag_good(const char *t)
{
    for (size_t i = 0; t[i] != '\0';) {
        if (is_alnum(t[i])) {
            i++;
            continue;
        }
        if (i == 0 || strchr("-._:@+/", t[i]) == NULL)
            return false;
        i += t[i] == '-' && t[i + 1] == '-' ? 2 : 1;
        if (!is_alnum(t[i]))
            return false;
    }
    return t[0] != '\0' && strlen(t) <= TAG_MAX;
}

int oci_name_parse(const char *target, struct arena *a, struct oci_name *out, struct err *e)
{
    struct str rest = str_c(target + strlen(SCHEME)), dir = {0};
    str_cut(&rest, ':', &dir);
    out->dir = arena_str(a, dir);
    out->tag = rest.p != NULL ? arena_str(a, rest) : "latest";
    if (dir.n == 0) {
        err_set(e, ERR_USAGE, "%s: names no directory", target);
        return err_hint(e, "an image layout is oci:DIR or oci:DIR:TAG");
    }
    if (tag_good(out->tag))
        return 0;
    err_set(e, ERR_USAGE, "%s: `%s' is no tag: letters and digits, with one of -._:@+/ between them", target,
            out->tag);
    return err_hint(e, "an image layout is oci:DIR or oci:DIR:TAG");
}

/* A JSON text while it is written. */
struct writer {
    FILE *f;
    char *p;
    size_t n;
};

static int begin(struct writer *w, struct err *e)
{
    *w = (struct writer){0};
    w->f = open_memstream(&w->p, &w->n);
    return w->f == NULL ? err_sys(e, ERR_HOST, errno, "an image's JSON") : 0;
}

static int end(struct writer *w, struct buf *out, struct err *e)
{
    bool good = !ferror(w->f);
    if (fclose(w->f) != 0 || !good) {
        free(w->p);
        return err_set(e, ERR_HOST, "an image's JSON: out of memory");
    }
    buf_add(out, w->p, w->n);
    free(w->p);
    return 0;
}

static void field(struct writer *w, const char *key, const char *value)
{
    fprintf(w->f, "\"%s\":", key);
    progress_json_string(w->f, value);
}

static const char *time_text(int64_t t, char out[32])
{
    time_t when = (time_t)t;
    struct tm tm;
    if (gmtime_r(&when, &tm) == NULL || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return "1970-01-01T00:00:00Z";
    return out;
}

static void platform(struct writer *w, const struct oci_image *i)
{
    const struct platform *p = find_platform(i->machine);
    field(w, "architecture", p->arch);
    fputs(",\"os\":\"linux\"", w->f);
    if (p->variant != NULL)
        fprintf(w->f, ",\"variant\":\"%s\"", p->variant);
}

static void labels(struct writer *w, const struct oci_image *i, const char *created)
{
    field(w, LABEL "created", created);
    putc(',', w->f);
    field(w, LABEL "title", i->title);
    if (i->version[0] != '\0') {
        putc(',', w->f);
        field(w, LABEL "version", i->version);
    }
}

static void diff_ids(struct writer *w, const struct oci_below *below, const struct digest *layer)
{
    char hex[DIGEST_HEX_MAX];
    fputs("\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[", w->f);
    for (size_t i = 0; below != NULL && i < below->n; i++)
        fprintf(w->f, "\"sha256:%s\",", digest_hex(&below->layers[i].tar, hex));
    fprintf(w->f, "\"sha256:%s\"]},", digest_hex(layer, hex));
}

static void history(struct writer *w, const struct oci_image *i, const struct oci_below *below,
                    const char *created)
{
    AUTO_BUF by = {0};
    fputs("\"history\":[", w->f);
    if (below != NULL) {
        fwrite(below->history.p, 1, below->history.n, w->f);
        putc(',', w->f);
    }
    putc('{', w->f);
    field(w, "created", created);
    putc(',', w->f);
    buf_printf(&by, "zonestrap create %s", i->what);
    field(w, "created_by", buf_c(&by));
    if (i->state[0] != '\0') {
        putc(',', w->f);
        field(w, "comment", i->state);
    }
    fputs("}]", w->f);
}

int oci_config(const struct oci_image *i, const struct oci_below *below, const struct digest *layer,
               struct buf *out, struct err *e)
{
    struct writer w;
    char hex[DIGEST_HEX_MAX], text[32];
    const char *created = time_text(i->created, text);
    if (begin(&w, e) < 0)
        return -1;
    putc('{', w.f);
    field(&w, "created", created);
    putc(',', w.f);
    platform(&w, i);
    fputs(",\"config\":{\"Env\":[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/"
          "bin\"],\"Cmd\":[",
          w.f);
    progress_json_string(w.f, i->command);
    fputs("],\"Labels\":{", w.f);
    labels(&w, i, created);
    if (below != NULL)
        fprintf(w.f, ",\"" LABEL "base.digest\":\"sha256:%s\"", digest_hex(&below->manifest, hex));
    fputs("}},", w.f);
    diff_ids(&w, below, layer);
    history(&w, i, below, created);
    putc('}', w.f);
    return end(&w, out, e);
}

/* descriptor.md, without the closing brace. */
static void descriptor(struct writer *w, const char *type, const struct oci_blob *b)
{
    char hex[DIGEST_HEX_MAX];
    fprintf(w->f, "{\"mediaType\":\"" TYPE "%s\",\"digest\":\"sha256:%s\",\"size\":%llu", type,
            digest_hex(&b->digest, hex), (unsigned long long)b->size);
}

int oci_manifest(const struct oci_blob *config, const struct oci_below *below, const struct oci_blob *layer,
                 struct buf *out, struct err *e)
{
    struct writer w;
    if (begin(&w, e) < 0)
        return -1;
    fputs("{\"schemaVersion\":2,\"mediaType\":\"" TYPE "manifest.v1+json\",\"config\":", w.f);
    descriptor(&w, "config.v1+json", config);
    fputs("},\"layers\":[", w.f);
    for (size_t i = 0; below != NULL && i < below->n; i++) {
        descriptor(&w, below->layers[i].type, &below->layers[i].blob);
        fputs("},", w.f);
    }
    descriptor(&w, "layer.v1.tar+gzip", layer);
    fputs("}]}", w.f);
    return end(&w, out, e);
}

bool oci_layout_known(struct str text)
{
    struct str version;
    return json_valid(text) && json_member(text, "imageLayoutVersion", &version) && json_is(version, "1.0.0");
}

static bool has_tag(struct str manifest, const char *tag)
{
    struct str notes, name;
    return json_member(manifest, "annotations", &notes) && json_member(notes, REF_NAME, &name) &&
           json_is(name, tag);
}

static int check_index(const char *where, struct str index, struct str *manifests, struct err *e)
{
    struct str version;
    if (json_valid(index) && json_member(index, "schemaVersion", &version) && str_is(version, "2") &&
        json_member(index, "manifests", manifests) && json_is_array(*manifests))
        return 0;
    err_set(e, ERR_FORMAT, "%s: is no image index: a JSON object with schemaVersion 2 and manifests", where);
    return err_hint(e, "choose another directory");
}

/* Where in the old index the new descriptor goes, behind the last one; *first: there is none. */
static int find_place(const char *where, struct str old, const char *tag, size_t *at, bool *first,
                      struct err *e)
{
    struct str rest = {0}, one;
    *first = true;
    if (check_index(where, old, &rest, e) < 0)
        return -1;
    *at = (size_t)(rest.p - old.p) + 1;
    while (json_element(&rest, &one)) {
        *first = false;
        *at = (size_t)(one.p - old.p) + one.n;
        if (has_tag(one, tag)) {
            err_set(e, ERR_HOST, "%s: has an image with the tag `%s' already", where, tag);
            return err_hint(e, "choose another tag or another directory: oci:DIR:TAG");
        }
    }
    return 0;
}

static int no_tag(const char *where, struct str manifests, const char *tag, struct err *e)
{
    AUTO_BUF tags = {0};
    struct str one, notes, name, text;
    while (tags.n < TAG_MAX && json_element(&manifests, &one))
        if (json_member(one, "annotations", &notes) && json_member(notes, REF_NAME, &name) &&
            json_plain(name, &text))
            buf_printf(&tags, "%s%" STR_FMT, tags.n > 0 ? ", " : "", STR_ARG(text));
    err_set(e, ERR_USAGE, "%s: has no image with the tag `%s'", where, tag);
    return tags.n > 0 ? err_hint(e, "its tags: %s", buf_c(&tags)) : -1;
}

int oci_index_find(const char *where, struct str index, const char *tag, struct str *descriptor,
                   struct err *e)
{
    struct str manifests = {0}, rest, one;
    size_t n = 0;
    if (check_index(where, index, &manifests, e) < 0)
        return -1;
    for (rest = manifests; json_element(&rest, &one);)
        if (has_tag(one, tag)) {
            *descriptor = one;
            n++;
        }
    if (n > 1)
        return err_set(e, ERR_FORMAT, "%s: has several images with the tag `%s'", where, tag);
    return n == 1 ? 0 : no_tag(where, manifests, tag, e);
}

int oci_index_check(const char *where, struct str old, const char *tag, struct err *e)
{
    size_t at;
    bool first;
    return find_place(where, old, tag, &at, &first, e);
}

int oci_index(const char *where, struct str old, const struct oci_image *i, const char *tag,
              const struct oci_blob *manifest, struct buf *out, struct err *e)
{
    struct writer w;
    size_t at = 0;
    bool first = true;
    old = old.n > 0 ? old : STR(NO_IMAGES);
    if (find_place(where, old, tag, &at, &first, e) < 0 || begin(&w, e) < 0)
        return -1;
    fwrite(old.p, 1, at, w.f);
    if (!first)
        putc(',', w.f);
    descriptor(&w, "manifest.v1+json", manifest);
    fputs(",\"annotations\":{", w.f);
    field(&w, REF_NAME, tag);
    fputs("},\"platform\":{", w.f);
    platform(&w, i);
    fputs("}}", w.f);
    fwrite(old.p + at, 1, old.n - at, w.f);
    return end(&w, out, e);
}
