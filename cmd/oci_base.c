#include "cmd/oci_base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/cmd.h"

#define TYPE "application/vnd.oci.image."
#define GIB  ((uint64_t)1 << 30)
/* What a few compressed bytes may become; nobody means to have more than this in an image. */
#define TAR_MAX   (64 * GIB)
#define TAR_RATIO 256

enum { LAYOUT_MAX = 64 * 1024, INDEX_MAX = 16 * 1024 * 1024, TEXT_MAX = 4 * 1024 * 1024, LAYERS_MAX = 127 };

struct oci_base {
    struct arena arena;
    const char *ref;
    struct oci_name name;
    struct buf config, history;
    struct oci_layer layers[LAYERS_MAX];
    int fds[LAYERS_MAX]; /* of the layers' blobs */
    struct oci_below below;
    struct oci_tree *tree;
};

static const char *blob_path(struct oci_base *b, const struct digest *d)
{
    char hex[DIGEST_HEX_MAX];
    return arena_printf(&b->arena, "%s/blobs/sha256/%s", b->name.dir, digest_hex(d, hex));
}

static bool read_digest(struct str value, struct digest *d)
{
    struct str text;
    return json_plain(value, &text) && str_starts(text, STR("sha256:")) &&
           digest_parse(d, DIGEST_SHA256, str_from(text, strlen("sha256:")));
}

/* descriptor.md; *type gets what stands behind `application/vnd.oci.image.', or everything. */
static int read_descriptor(struct oci_base *b, struct str text, const char **type, struct oci_blob *out,
                           struct err *e)
{
    struct str t, d, n, plain;
    if (!json_member(text, "mediaType", &t) || !json_plain(t, &plain) || !json_member(text, "digest", &d) ||
        !read_digest(d, &out->digest) || !json_member(text, "size", &n) || !str_u64(n, &out->size))
        return err_set(e, ERR_FORMAT, "a descriptor without a media type, a SHA256 digest or a size");
    *type = arena_str(&b->arena, str_starts(plain, STR(TYPE)) ? str_from(plain, strlen(TYPE)) : plain);
    return 0;
}

/* A blob whose digest is right, open. */
static int open_blob(struct oci_base *b, const struct oci_blob *blob, int *out, struct err *e)
{
    const char *path = blob_path(b, &blob->digest);
    struct digest is;
    struct stat st;
    uint64_t size;
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_HOST, "%s: is no file", path);
    if ((uint64_t)st.st_size != blob->size)
        return err_set(e, ERR_TRUST, "%s: is of %lld bytes, expected %llu", path, (long long)st.st_size,
                       (unsigned long long)blob->size);
    if (digest_of_fd(&is, DIGEST_SHA256, fd, &size, e) < 0)
        return err_wrap(e, "%s", path);
    if (size != blob->size || !digest_eq(&is, &blob->digest)) {
        err_set(e, ERR_TRUST, "%s: its digest is wrong", path);
        return err_hint(e, "the layout is damaged: make it again");
    }
    *out = auto_take_fd(&fd);
    return job_check_stop(e);
}

static int read_text(struct oci_base *b, const struct oci_blob *blob, const char *what, struct buf *out,
                     struct err *e)
{
    AUTO_FD fd = -1;
    if (blob->size > TEXT_MAX)
        return err_set(e, ERR_FORMAT, "the %s is said to be of %llu bytes, more than %d", what,
                       (unsigned long long)blob->size, TEXT_MAX);
    if (open_blob(b, blob, &fd, e) < 0 || file_read_fd(fd, blob_path(b, &blob->digest), TEXT_MAX, out, e) < 0)
        return -1;
    if (json_valid(buf_view(out)) && json_is_object(buf_view(out)))
        return 0;
    return err_set(e, ERR_FORMAT, "the %s is no JSON object", what);
}

static int read_layers(struct oci_base *b, struct str manifest, struct err *e)
{
    static const char *const types[] = {"layer.v1.tar+gzip", "layer.v1.tar", "layer.v1.tar+zstd"};
    struct str rest, one;
    if (!json_member(manifest, "layers", &rest) || !json_is_array(rest))
        return err_set(e, ERR_FORMAT, "the manifest has no layers");
    while (json_element(&rest, &one)) {
        struct oci_layer *l = &b->layers[b->below.n];
        bool known = false;
        if (b->below.n == LAYERS_MAX)
            return err_set(e, ERR_FORMAT, "has more than %d layers", LAYERS_MAX);
        if (read_descriptor(b, one, &l->type, &l->blob, e) < 0)
            return -1;
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
            known = known || strcmp(l->type, types[i]) == 0;
        if (!known)
            return err_set(e, ERR_FORMAT,
                           "a layer of type `%s', expected a tar, with gzip or zstd or as it is", l->type);
        b->below.n++;
    }
    return b->below.n > 0 ? 0 : err_set(e, ERR_FORMAT, "has no layer");
}

static int read_diff_ids(struct oci_base *b, struct err *e)
{
    struct str rootfs, rest = {0}, one;
    size_t n = 0;
    if (json_member(buf_view(&b->config), "rootfs", &rootfs))
        json_member(rootfs, "diff_ids", &rest);
    while (rest.n > 0 && json_element(&rest, &one)) {
        if (n < b->below.n && !read_digest(one, &b->layers[n].tar))
            return err_set(e, ERR_FORMAT, "the config has a diff_id that is no SHA256 digest");
        n++;
    }
    if (n == b->below.n)
        return 0;
    return err_set(e, ERR_FORMAT, "has %zu layers, and its config names %zu of them", b->below.n, n);
}

/* It may be missing, or tell of another number of layers: then it says nothing of any. */
static void read_history(struct oci_base *b)
{
    struct str rest = {0}, one, empty;
    size_t n = 0;
    bool good = true;
    json_member(buf_view(&b->config), "history", &rest);
    while (rest.n > 0 && json_element(&rest, &one)) {
        n += json_member(one, "empty_layer", &empty) && str_is(empty, "true") ? 0 : 1;
        good = good && json_is_object(one);
        if (b->history.n > 0)
            buf_putc(&b->history, ',');
        buf_str(&b->history, one);
    }
    if (!good || n != b->below.n) {
        buf_clear(&b->history);
        for (size_t i = 0; i < b->below.n; i++)
            buf_puts(&b->history, i > 0 ? ",{}" : "{}");
    }
    b->below.history = buf_view(&b->history);
}

static int read_manifest(struct oci_base *b, const struct oci_blob *blob, struct err *e)
{
    AUTO_BUF text = {0};
    struct oci_blob config = {0};
    struct str one;
    const char *type = "";
    if (read_text(b, blob, "manifest", &text, e) < 0)
        return -1;
    if (!json_member(buf_view(&text), "config", &one))
        return err_set(e, ERR_FORMAT, "the manifest has no config");
    if (read_descriptor(b, one, &type, &config, e) < 0)
        return -1;
    if (strcmp(type, "config.v1+json") != 0)
        return err_set(e, ERR_FORMAT, "has a config of type `%s': is no image of a root", type);
    if (read_layers(b, buf_view(&text), e) < 0 || read_text(b, &config, "config", &b->config, e) < 0 ||
        read_diff_ids(b, e) < 0)
        return -1;
    read_history(b);
    return 0;
}

static int read_index(struct oci_base *b, struct oci_blob *manifest, struct err *e)
{
    AUTO_BUF text = {0};
    struct str one;
    const char *type = "", *index = arena_printf(&b->arena, "%s/index.json", b->name.dir);
    if (file_read(index, INDEX_MAX, &text, e) < 0 ||
        oci_index_find(index, buf_view(&text), b->name.tag, &one, e) < 0 ||
        read_descriptor(b, one, &type, manifest, e) < 0)
        return -1;
    if (strcmp(type, "index.v1+json") == 0) {
        err_set(e, ERR_FORMAT, "is an index of images, expected one image");
        return err_hint(e, "copy the one for the platform into a layout of its own, as with `skopeo copy'");
    }
    return strcmp(type, "manifest.v1+json") == 0
               ? 0
               : err_set(e, ERR_FORMAT, "is of type `%s', expected an OCI image manifest", type);
}

static int check_layout(struct oci_base *b, struct err *e)
{
    AUTO_BUF text = {0};
    const char *layout = arena_printf(&b->arena, "%s/oci-layout", b->name.dir);
    if (file_read(layout, LAYOUT_MAX, &text, e) < 0) {
        if (e->sys == ENOENT || e->sys == ENOTDIR)
            err_set(e, ERR_HOST, "%s: is no image layout: there is no oci-layout in it", b->name.dir);
        return err_hint(e, "name a directory that was made as oci:DIR");
    }
    return oci_layout_known(buf_view(&text))
               ? 0
               : err_set(e, ERR_FORMAT, "%s: is no image layout of version 1.0.0", layout);
}

static int apply_layer(struct oci_base *b, size_t i, struct err *e)
{
    const struct oci_layer *l = &b->layers[i];
    const char *path = blob_path(b, &l->blob.digest);
    uint64_t max =
        l->blob.size > TAR_MAX / TAR_RATIO - GIB / TAR_RATIO ? TAR_MAX : GIB + l->blob.size * TAR_RATIO;
    struct tar_in *r;
    struct digest is;
    if (open_blob(b, &l->blob, &b->fds[i], e) < 0 || tar_in_open(&r, b->fds[i], path, max, true, e) < 0)
        return -1;
    int rc = oci_tree_apply(b->tree, r, e);
    if (rc == 0)
        rc = tar_in_end(r, &is, e);
    tar_in_close(r);
    if (rc < 0)
        return -1;
    if (digest_eq(&is, &l->tar))
        return 0;
    return err_set(e, ERR_TRUST, "%s: is not the layer whose diff_id the config has", path);
}

static int open_image(struct oci_base *b, struct err *e)
{
    struct oci_blob manifest = {0};
    if (check_layout(b, e) < 0 || read_index(b, &manifest, e) < 0 || read_manifest(b, &manifest, e) < 0)
        return -1;
    b->below.manifest = manifest.digest;
    b->tree = oci_tree_new(TAR_MAX, true);
    for (size_t i = 0; i < b->below.n; i++)
        if (apply_layer(b, i, e) < 0)
            return -1;
    return 0;
}

int oci_base_open(struct oci_base **out, const char *ref, struct err *e)
{
    struct oci_base *b = mem_alloc(sizeof *b);
    const char *name = oci_is(ref) ? ref : arena_printf(&b->arena, "oci:%s", ref);
    for (size_t i = 0; i < LAYERS_MAX; i++)
        b->fds[i] = -1;
    b->ref = arena_dup(&b->arena, ref);
    b->below.layers = b->layers;
    if (oci_name_parse(name, &b->arena, &b->name, e) < 0 || open_image(b, e) < 0) {
        oci_base_close(b);
        return e->class == ERR_INTR ? -1 : err_wrap(e, "--base %s", ref);
    }
    *out = b;
    return 0;
}

int oci_base_check(const struct oci_base *b, const char *machine, struct err *e)
{
    AUTO_BUF is = {0};
    if (oci_platform_is(machine, buf_view(&b->config), &is))
        return 0;
    err_set(e, ERR_USAGE, "--base %s: is for %s, expected %s", b->ref, buf_c(&is), machine);
    return err_hint(e, "choose a base for that machine, or --arch");
}

const struct oci_below *oci_base_below(const struct oci_base *b)
{
    return &b->below;
}

struct oci_tree *oci_base_tree(const struct oci_base *b)
{
    return b->tree;
}

/* Another name for a blob that is ours and cannot be told from a copy. */
static bool link_blob(int fd, const char *from, const char *to)
{
    struct stat st, now;
    if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 07777) != 0644 || link(from, to) < 0)
        return false;
    if (lstat(to, &now) == 0 && now.st_dev == st.st_dev && now.st_ino == st.st_ino)
        return true;
    (void)unlink(to);
    return false;
}

static int copy_bytes(int from, int to, const char *path, const struct oci_blob *blob, struct err *e)
{
    enum { WINDOW = 1 << 20 };
    AUTO_MEM char *window = mem_alloc(WINDOW);
    struct digest is;
    for (uint64_t at = 0; at < blob->size;) {
        size_t n = blob->size - at < WINDOW ? (size_t)(blob->size - at) : WINDOW;
        if (job_check_stop(e) < 0 || file_read_at(from, path, at, window, n, e) < 0 ||
            file_write_fd(to, path, window, n, e) < 0)
            return -1;
        at += n;
    }
    if (digest_of_fd(&is, DIGEST_SHA256, to, NULL, e) < 0)
        return -1;
    return digest_eq(&is, &blob->digest)
               ? 0
               : err_set(e, ERR_TRUST, "%s: the base's layer changed while it was read", path);
}

int oci_base_put(const struct oci_base *b, size_t i, const char *path, struct err *e)
{
    const struct oci_blob *blob = &b->layers[i].blob;
    char hex[DIGEST_HEX_MAX];
    AUTO_BUF from = {0};
    buf_printf(&from, "%s/blobs/sha256/%s", b->name.dir, digest_hex(&blob->digest, hex));
    if (link_blob(b->fds[i], buf_c(&from), path))
        return 0;
    AUTO_FD to = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (to < 0 || fchmod(to, 0644) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", path);
    return copy_bytes(b->fds[i], to, path, blob, e);
}

void oci_base_close(struct oci_base *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < LAYERS_MAX; i++)
        if (b->fds[i] >= 0)
            close(b->fds[i]);
    oci_tree_free(b->tree);
    buf_free(&b->config);
    buf_free(&b->history);
    arena_free(&b->arena);
    free(b);
}
