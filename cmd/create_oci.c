#include "cmd/create_oci.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/os.h"
#include "cmd/oci_base.h"
#include "cmd/oci_layer.h"

#define LAYER ".zonestrap-layer.tar.gz"
#define WHOLE ".zonestrap-whole.tar.zst"
#define BLOBS "blobs/sha256"

enum { LAYOUT_MAX = 64 * 1024, INDEX_MAX = 16 * 1024 * 1024 };

struct create_oci {
    struct arena arena;
    struct oci_name name;
    struct tree *fresh; /* a new layout's directory; NULL: the layout was there */
    int fd;             /* of that one, locked */
    const char *at;     /* what is filled */
    const char *layer;
    const char *whole;     /* with a base: the tarball of the whole root, which the layer is made from */
    struct oci_base *base; /* NULL: none */
    struct tarball_opts opts;
    struct buf old;     /* its index */
    mode_t old_mode;    /* and the mode of that */
    const char **added; /* blobs that were not there before */
    size_t nadded;
    bool sealed;
};

static const char *in(struct create_oci *o, const char *name)
{
    return arena_printf(&o->arena, "%s/%s", o->at, name);
}

static int make_dir(const char *path, struct err *e)
{
    if (mkdir(path, 0755) == 0)
        return chmod(path, 0755) < 0 ? err_sys(e, ERR_HOST, errno, "%s", path) : 0;
    return errno == EEXIST ? 0 : err_sys(e, ERR_HOST, errno, "%s", path);
}

static int lock(struct create_oci *o, struct err *e)
{
    o->fd = open(o->at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (o->fd < 0)
        return err_sys(e, ERR_HOST, errno, "%s", o->at);
    if (os_lock(o->fd) == 0 || errno != EWOULDBLOCK)
        return 0;
    err_set(e, ERR_HOST, "%s: another zonestrap is writing to it", o->at);
    return err_hint(e, "wait until it is done, or choose another target");
}

/* One more image for a layout that is there. */
static int open_layout(struct create_oci *o, struct err *e)
{
    AUTO_BUF version = {0};
    struct stat st;
    o->at = o->name.dir;
    const char *layout = in(o, "oci-layout"), *index = in(o, "index.json");
    if (lock(o, e) < 0 || file_read(layout, LAYOUT_MAX, &version, e) < 0)
        return -1;
    if (!oci_layout_known(buf_view(&version))) {
        err_set(e, ERR_FORMAT, "%s: is no image layout of version 1.0.0", layout);
        return err_hint(e, "choose another directory");
    }
    if (stat(index, &st) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", index);
    o->old_mode = st.st_mode & 0777;
    if (file_read(index, INDEX_MAX, &o->old, e) < 0 ||
        oci_index_check(index, buf_view(&o->old), o->name.tag, e) < 0)
        return -1;
    (void)unlink(in(o, LAYER)); /* a killed run's */
    (void)unlink(in(o, WHOLE));
    return 0;
}

static int open_place(struct job *j, struct create_oci *o, struct err *e)
{
    struct stat st;
    if (tree_open_dir(&o->fresh, o->name.dir, j->log, e) == 0) {
        o->at = tree_path(o->fresh);
    } else {
        if (e->class != ERR_HOST || stat(arena_printf(&o->arena, "%s/oci-layout", o->name.dir), &st) < 0)
            return -1;
        *e = (struct err){0};
        if (open_layout(o, e) < 0)
            return -1;
    }
    o->layer = in(o, LAYER);
    o->whole = o->base != NULL ? in(o, WHOLE) : NULL;
    return make_dir(in(o, "blobs"), e) < 0 ? -1 : make_dir(in(o, BLOBS), e);
}

int create_oci_open(struct job *j, const char *target, const struct tarball_opts *opts,
                    struct create_oci **out, struct err *e)
{
    struct create_oci *o = mem_alloc(sizeof *o);
    o->fd = -1;
    o->opts = *opts;
    if (oci_name_parse(target, &o->arena, &o->name, e) < 0 ||
        (j->opt.base != NULL && oci_base_open(&o->base, j->opt.base, e) < 0) || open_place(j, o, e) < 0) {
        create_oci_close(o);
        return -1;
    }
    *out = o;
    return 0;
}

int create_oci_check(const struct create_oci *o, const char *machine, struct err *e)
{
    if (oci_platform_check(machine, e) < 0)
        return -1;
    return o->base != NULL ? oci_base_check(o->base, machine, e) : 0;
}

const char *create_oci_tarball(const struct create_oci *o)
{
    return o->whole != NULL ? o->whole : o->layer;
}

bool create_oci_based(const struct create_oci *o)
{
    return o->base != NULL;
}

void create_oci_describe(struct job *j, const struct create_plan *p, struct tree *t, const char *state,
                         const char *init, struct oci_image *out)
{
    static const char *const shells[] = {"/bin/bash", "/bin/sh"};
    const struct release *r = &p->release;
    struct err ignored = {0};
    bool there = false;
    *out = (struct oci_image){.machine = r->machine,
                              .title = r->title,
                              .version = r->version[0] != '\0' ? r->version : r->name,
                              .what = p->what,
                              .state = state,
                              .created = p->epoch};
    for (size_t i = 0; init == NULL && i < sizeof shells / sizeof *shells && !there; i++) {
        out->command = shells[i];
        if (tree_exists(t, shells[i], &there, &ignored) < 0)
            there = false;
    }
    if (init != NULL)
        out->command = arena_dup(&j->arena, init);
}

/* Where a blob goes, and whether it is there; that it is new is remembered. */
static const char *blob_path(struct create_oci *o, const struct oci_blob *b, bool *there)
{
    char hex[DIGEST_HEX_MAX];
    struct stat st;
    const char *path = in(o, arena_printf(&o->arena, BLOBS "/%s", digest_hex(&b->digest, hex)));
    *there = lstat(path, &st) == 0 || errno != ENOENT;
    if (*there)
        return path;
    o->added = mem_grow(o->added, o->nadded + 1, sizeof *o->added);
    return o->added[o->nadded++] = path;
}

static int put_text(struct create_oci *o, const struct buf *text, struct oci_blob *b, struct err *e)
{
    bool there;
    b->size = text->n;
    if (digest_of(&b->digest, DIGEST_SHA256, buf_view(text), e) < 0)
        return -1;
    return file_replace(blob_path(o, b, &there), buf_view(text), 0644, e);
}

static int put_layer(struct create_oci *o, struct oci_blob *b, struct err *e)
{
    bool there;
    AUTO_FD fd = open(o->layer, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, 0644) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", o->layer);
    if (digest_of_fd(&b->digest, DIGEST_SHA256, fd, &b->size, e) < 0)
        return err_wrap(e, "%s", o->layer);
    return rename(o->layer, blob_path(o, b, &there)) < 0 ? err_sys(e, ERR_HOST, errno, "%s", o->layer) : 0;
}

/* The base's layers, where they are not; the new one is made of what they have not. */
static int put_base(struct create_oci *o, int64_t epoch, struct digest *tar, struct err *e)
{
    const struct oci_below *below = oci_base_below(o->base);
    bool there;
    if (oci_layer_write(o->whole, oci_base_tree(o->base), epoch, o->layer, &o->opts, tar, e) < 0)
        return -1;
    (void)unlink(o->whole);
    for (size_t i = 0; i < below->n; i++) {
        const char *path = blob_path(o, &below->layers[i].blob, &there);
        if (!there && oci_base_put(o->base, i, path, e) < 0)
            return -1;
    }
    return 0;
}

/* Everything that it names is on the disk first. */
static int put_index(struct create_oci *o, const struct buf *index, struct err *e)
{
    if (o->fresh != NULL)
        return file_replace(in(o, "index.json"), buf_view(index), 0644, e) < 0 ||
                       file_replace(in(o, "oci-layout"), str_c(oci_layout_text), 0644, e) < 0
                   ? -1
                   : tree_seal(o->fresh, false, e);
    if (os_sync_fs(o->fd, e) < 0)
        return err_wrap(e, "%s", o->at);
    if (file_replace(in(o, "index.json"), buf_view(index), o->old_mode, e) < 0)
        return -1;
    o->sealed = true;
    return fsync(o->fd) < 0 ? err_sys(e, ERR_HOST, errno, "%s", o->at) : 0;
}

int create_oci_seal(struct create_oci *o, const struct oci_image *i, struct digest *tar, struct err *e)
{
    struct oci_blob layer, config, manifest;
    const struct oci_below *below = o->base != NULL ? oci_base_below(o->base) : NULL;
    AUTO_BUF config_text = {0}, manifest_text = {0}, index = {0};
    if ((below != NULL && put_base(o, i->created, tar, e) < 0) || put_layer(o, &layer, e) < 0 ||
        oci_config(i, below, tar, &config_text, e) < 0 || put_text(o, &config_text, &config, e) < 0 ||
        oci_manifest(&config, below, &layer, &manifest_text, e) < 0 ||
        put_text(o, &manifest_text, &manifest, e) < 0 ||
        oci_index(in(o, "index.json"), buf_view(&o->old), i, o->name.tag, &manifest, &index, e) < 0)
        return -1;
    return put_index(o, &index, e);
}

void create_oci_close(struct create_oci *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; o->fresh == NULL && !o->sealed && i < o->nadded; i++)
        (void)unlink(o->added[i]);
    if (o->fresh == NULL && !o->sealed && o->layer != NULL)
        (void)unlink(o->layer);
    if (o->fresh == NULL && !o->sealed && o->whole != NULL)
        (void)unlink(o->whole);
    tree_close(o->fresh);
    if (o->fd >= 0)
        close(o->fd);
    oci_base_close(o->base);
    buf_free(&o->old);
    free(o->added);
    arena_free(&o->arena);
    free(o);
}
