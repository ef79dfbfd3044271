/* Images that others made, read as a base. */
#include "cmd/oci_base.h"

#include <sys/stat.h>

#include "base/tarball.h"
#include "cmd/oci.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

#define TYPE "application/vnd.oci.image."

static void write_file(const char *name, struct str text)
{
    struct err e;
    if (file_replace(in_scratch(name), text, 0644, &e) < 0)
        abort();
}

static const char *blob_name(const struct digest *d)
{
    static char name[256];
    char hex[DIGEST_HEX_MAX];
    snprintf(name, sizeof name, "l/blobs/sha256/%s", digest_hex(d, hex));
    return name;
}

static struct oci_blob put_blob(struct str text)
{
    struct oci_blob b = {.size = text.n};
    struct err e;
    if (digest_of(&b.digest, DIGEST_SHA256, text, &e) < 0)
        abort();
    write_file(blob_name(&b.digest), text);
    return b;
}

/* A layer with one file; *tar gets its digest before compression. */
static struct oci_blob put_layer(const char *path, const char *suffix, struct digest *tar)
{
    const struct tarball_opts o = {.jobs = 1};
    const struct tree_entry en = {.path = str_c(path), .mode = 0644};
    AUTO_BUF bytes = {0};
    struct tarball *t;
    struct err e = {0};
    char name[64];
    snprintf(name, sizeof name, "layer%s", suffix);
    unlink(in_scratch(name));
    if (tarball_open(&t, in_scratch(name), &o, &e) < 0 || tarball_entry(t, &en, &e) < 0 ||
        tarball_finish(t, true, tar, &e) < 0 || file_read(in_scratch(name), 1 << 20, &bytes, &e) < 0)
        abort();
    tarball_close(t);
    return put_blob(buf_view(&bytes));
}

/* What the test's image is made of; each may be changed before write_image(). */
static struct {
    struct oci_layer layers[2];
    const char *platform, *history;
} image;

static void new_image(void)
{
    scratch_new();
    mkdir(in_scratch("l"), 0755);
    mkdir(in_scratch("l/blobs"), 0755);
    mkdir(in_scratch("l/blobs/sha256"), 0755);
    write_file("l/oci-layout", str_c(oci_layout_text));
    image.platform = "\"architecture\":\"amd64\",\"os\":\"linux\"";
    image.history = ",\"history\":[{\"a\":1},{\"empty_layer\":true},{\"b\":2}]";
    image.layers[0].blob = put_layer("low", ".tar.gz", &image.layers[0].tar);
    image.layers[0].type = "layer.v1.tar+gzip";
    image.layers[1].blob = put_layer("high", ".tar.zst", &image.layers[1].tar);
    image.layers[1].type = "layer.v1.tar+zstd";
}

static void add_descriptor(struct buf *b, const char *type, const struct oci_blob *blob)
{
    char hex[DIGEST_HEX_MAX];
    buf_printf(b, "{\"mediaType\":\"" TYPE "%s\",\"digest\":\"sha256:%s\",\"size\":%llu", type,
               digest_hex(&blob->digest, hex), (unsigned long long)blob->size);
}

static struct digest write_image(void)
{
    AUTO_BUF config = {0}, manifest = {0}, index = {0};
    char hex[DIGEST_HEX_MAX];
    buf_printf(&config, "{%s,\"rootfs\":{\"diff_ids\":[\"sha256:%s\",", image.platform,
               digest_hex(&image.layers[0].tar, hex));
    buf_printf(&config, "\"sha256:%s\"]}%s}", digest_hex(&image.layers[1].tar, hex), image.history);
    const struct oci_blob c = put_blob(buf_view(&config));
    buf_puts(&manifest, "{\"schemaVersion\":2,\"config\":");
    add_descriptor(&manifest, "config.v1+json", &c);
    for (int i = 0; i < 2; i++) {
        buf_puts(&manifest, i == 0 ? "},\"layers\":[" : "},");
        add_descriptor(&manifest, image.layers[i].type, &image.layers[i].blob);
    }
    buf_puts(&manifest, "}]}");
    const struct oci_blob m = put_blob(buf_view(&manifest));
    buf_puts(&index, "{\"schemaVersion\":2,\"manifests\":[");
    add_descriptor(&index, "manifest.v1+json", &m);
    buf_puts(&index, ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"t\"}}]}");
    write_file("l/index.json", buf_view(&index));
    return m.digest;
}

static int open_ref(struct oci_base **b, const char *scheme, const char *tag, struct err *e)
{
    char ref[8192];
    *e = (struct err){0};
    snprintf(ref, sizeof ref, "%s%s%s", scheme, in_scratch("l"), tag);
    return oci_base_open(b, ref, e);
}

static void is_error(enum err_class class, const char *why)
{
    struct oci_base *b = NULL;
    struct err e;
    CHECK(open_ref(&b, "", ":t", &e) == -1);
    CHECK(e.class == class && strncmp(e.msg, "--base ", 7) == 0 && strstr(e.msg, why) != NULL);
    if (e.class != class || strstr(e.msg, why) == NULL)
        printf("# %d: %s\n", (int)e.class, e.msg);
}

static void sound(void)
{
    struct oci_base *b;
    struct err e;
    new_image();
    struct digest manifest = write_image();
    for (int i = 0; i < 2; i++) {
        CHECK(open_ref(&b, i == 0 ? "" : "oci:", ":t", &e) == 0);
        const struct oci_below *below = oci_base_below(b);
        CHECK(below->n == 2 && digest_eq(&below->manifest, &manifest));
        CHECK(str_is(below->history, "{\"a\":1},{\"empty_layer\":true},{\"b\":2}"));
        for (int k = 0; k < 2; k++) {
            CHECK(digest_eq(&below->layers[k].blob.digest, &image.layers[k].blob.digest) &&
                  digest_eq(&below->layers[k].tar, &image.layers[k].tar));
            CHECK_STR(below->layers[k].type, image.layers[k].type);
        }
        CHECK(oci_base_check(b, "x86_64", &e) == 0);
        CHECK(oci_base_check(b, "aarch64", &e) == -1 && e.class == ERR_USAGE &&
              strstr(e.msg, "is for linux/amd64, expected aarch64") != NULL);
        oci_base_close(b);
    }
    CHECK(open_ref(&b, "", ":other", &e) == -1 && e.class == ERR_USAGE);
    CHECK_STR(e.hint, "its tags: t");
    CHECK(open_ref(&b, "", "", &e) == -1 && e.class == ERR_USAGE && strstr(e.msg, "`latest'") != NULL);
}

static void histories(void)
{
    static const char *const odd[] = {"", ",\"history\":[]", ",\"history\":[{}]", ",\"history\":[1,2]",
                                      ",\"history\":7"};
    struct oci_base *b;
    struct err e;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        new_image();
        image.history = odd[i];
        write_image();
        CHECK(open_ref(&b, "", ":t", &e) == 0 && str_is(oci_base_below(b)->history, "{},{}"));
        oci_base_close(b);
    }
}

static bool same_content(const char *a, const char *b)
{
    AUTO_BUF x = {0}, y = {0};
    struct err e;
    return file_read(a, 1 << 20, &x, &e) == 0 && file_read(b, 1 << 20, &y, &e) == 0 &&
           str_eq(buf_view(&x), buf_view(&y));
}

static void put(void)
{
    struct oci_base *b;
    struct stat from = {0}, to = {0};
    struct err e;
    char source[8192];
    new_image();
    write_image();
    CHECK(open_ref(&b, "", ":t", &e) == 0);
    snprintf(source, sizeof source, "%s", in_scratch(blob_name(&image.layers[0].blob.digest)));
    CHECK(oci_base_put(b, 0, in_scratch("linked"), &e) == 0 && stat(source, &from) == 0 &&
          stat(in_scratch("linked"), &to) == 0 && from.st_ino == to.st_ino);
    /* A file that could be told from a copy is copied. */
    CHECK(chmod(source, 0600) == 0 && oci_base_put(b, 0, in_scratch("copied"), &e) == 0 &&
          stat(in_scratch("copied"), &to) == 0 && from.st_ino != to.st_ino && (to.st_mode & 07777) == 0644);
    CHECK(same_content(source, in_scratch("copied")));
    CHECK(oci_base_put(b, 0, in_scratch("copied"), &e) == -1 && e.class == ERR_HOST);
    /* Another file under the name is not taken for it; what was opened is still there. */
    CHECK(unlink(source) == 0);
    write_file(blob_name(&image.layers[0].blob.digest), STR("other"));
    CHECK(oci_base_put(b, 0, in_scratch("kept"), &e) == 0 &&
          same_content(in_scratch("copied"), in_scratch("kept")));
    oci_base_close(b);
}

static void written_over(void)
{
    struct oci_base *b;
    struct err e;
    new_image();
    write_image();
    CHECK(open_ref(&b, "", ":t", &e) == 0);
    const char *source = in_scratch(blob_name(&image.layers[0].blob.digest));
    CHECK(chmod(source, 0600) == 0);
    FILE *f = fopen(source, "r+");
    CHECK(f != NULL && fputs("xxxx", f) >= 0 && fclose(f) == 0);
    CHECK(oci_base_put(b, 0, in_scratch("copied"), &e) == -1 && e.class == ERR_TRUST);
    oci_base_close(b);
}

static void bad_layers(void)
{
    struct digest other;
    new_image();
    image.layers[0].type = "layer.v1.tar+lz";
    write_image();
    is_error(ERR_FORMAT, "a layer of type `layer.v1.tar+lz'");
    new_image();
    image.layers[0].tar = image.layers[1].tar;
    write_image();
    is_error(ERR_TRUST, "is not the layer whose diff_id the config has");
    new_image();
    image.layers[1].blob = put_layer("../up", ".tar", &image.layers[1].tar);
    write_image();
    is_error(ERR_FORMAT, "`..'");
    new_image();
    image.layers[1].blob.size++;
    write_image();
    is_error(ERR_TRUST, "bytes, expected");
    new_image();
    write_image();
    unlink(in_scratch(blob_name(&image.layers[1].blob.digest)));
    is_error(ERR_HOST, "No such file");
    new_image();
    write_image();
    other = image.layers[1].blob.digest;
    AUTO_BUF zeros = {0};
    while (zeros.n < image.layers[1].blob.size)
        buf_putc(&zeros, '0');
    write_file(blob_name(&other), buf_view(&zeros));
    is_error(ERR_TRUST, "its digest is wrong");
}

static void no_layouts(void)
{
    scratch_new();
    is_error(ERR_HOST, "is no image layout");
    new_image();
    is_error(ERR_HOST, "index.json: No such file");
    write_file("l/index.json",
               STR("{\"schemaVersion\":2,\"manifests\":[{\"annotations\":{\"org.opencontainers.image."
                   "ref.name\":\"t\"}}]}"));
    is_error(ERR_FORMAT, "a descriptor without");
    write_file("l/oci-layout", STR("{}"));
    is_error(ERR_FORMAT, "is no image layout of version 1.0.0");
}

int main(void)
{
    RUN(sound);
    RUN(histories);
    RUN(put);
    RUN(written_over);
    RUN(bad_layers);
    RUN(no_layouts);
    scratch_remove();
    return test_done();
}
