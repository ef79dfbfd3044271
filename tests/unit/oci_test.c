/* Names, configs, manifests and indexes of images. */
#include "cmd/oci.h"

#include "base/auto.h"
#include "base/json.h"
#include "tests/unit/test.h"

static struct oci_image image(void)
{
    return (struct oci_image){.machine = "aarch64",
                              .title = "My \"own\"",
                              .version = "1",
                              .what = "mine/one",
                              .state = "second stage pending",
                              .command = "/bin/sh",
                              .created = 1000000000};
}

static struct oci_blob blob(uint8_t first, uint64_t size)
{
    return (struct oci_blob){.digest = {.kind = DIGEST_SHA256, .bytes = {first}}, .size = size};
}

#define REF     "org.opencontainers.image.ref.name"
#define ZEROS62 "00000000000000000000000000000000000000000000000000000000000000"

static void names(void)
{
    static const struct {
        const char *target, *dir, *tag;
    } good[] = {{"oci:x", "x", "latest"},
                {"oci:/a b/c:1.2", "/a b/c", "1.2"},
                {"oci:x:localhost/me/x:13-slim", "x", "localhost/me/x:13-slim"},
                {"oci:./x:a--b_c@d+e", "./x", "a--b_c@d+e"}};
    static const char *const bad[] = {
        "oci:",     "oci::a",     "oci:x:",      "oci:x:-a",  "oci:x:a-",   "oci:x:a//b",
        "oci:x:/a", "oci:x:a/",   "oci:x:a---b", "oci:x:a b", "oci:x:a..b", "oci:x:a\xc3\xb6",
        "oci:x::a", "oci:x:a-.b", "oci:x:a.-b",  "oci:x:--a", "oci:x:a\n"};
    AUTO_ARENA a = {0};
    struct oci_name n;
    struct err e = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK(oci_is(good[i].target) && oci_name_parse(good[i].target, &a, &n, &e) == 0);
        CHECK_STR(n.dir, good[i].dir);
        CHECK_STR(n.tag, good[i].tag);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        e = (struct err){0};
        CHECK(oci_name_parse(bad[i], &a, &n, &e) == -1 && e.class == ERR_USAGE && e.hint[0] != '\0');
        if (e.class != ERR_USAGE)
            printf("# %s\n", bad[i]);
    }
    char name[300] = "oci:x:";
    memset(name + 6, 'a', 256);
    CHECK(oci_name_parse(name, &a, &n, &e) == -1);
    name[6 + 255] = '\0';
    CHECK(oci_name_parse(name, &a, &n, &e) == 0);
    CHECK(!oci_is("oci") && !oci_is("./oci:x") && !oci_is("OCI:x"));
}

static void config_text(void)
{
    AUTO_BUF b = {0};
    struct err e = {0};
    struct oci_image i = image();
    struct digest d = blob(0xab, 0).digest;
    CHECK(oci_config(&i, NULL, &d, &b, &e) == 0 && json_valid(buf_view(&b)));
    CHECK_STR(
        buf_c(&b),
        "{\"created\":\"2001-09-09T01:46:40Z\",\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":"
        "\"v8\","
        "\"config\":{\"Env\":[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"],"
        "\"Cmd\":[\"/bin/sh\"],\"Labels\":{\"org.opencontainers.image.created\":\"2001-09-09T01:46:40Z\","
        "\"org.opencontainers.image.title\":\"My \\\"own\\\"\",\"org.opencontainers.image.version\":\"1\"}},"
        "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:ab" ZEROS62 "\"]},"
        "\"history\":[{\"created\":\"2001-09-09T01:46:40Z\",\"created_by\":\"zonestrap create mine/one\","
        "\"comment\":\"second stage pending\"}]}");
    buf_clear(&b);
    i.machine = "x86_64";
    i.version = i.state = "";
    CHECK(oci_config(&i, NULL, &d, &b, &e) == 0 && json_valid(buf_view(&b)));
    CHECK(strstr(buf_c(&b), "\"amd64\",\"os\":\"linux\",\"config\"") != NULL &&
          strstr(buf_c(&b), "comment") == NULL && strstr(buf_c(&b), "image.version") == NULL);
}

static void manifest_text(void)
{
    AUTO_BUF b = {0};
    struct err e = {0};
    struct oci_blob config = blob(1, 20), layer = blob(2, 12345678901);
    CHECK(oci_manifest(&config, NULL, &layer, &b, &e) == 0 && json_valid(buf_view(&b)));
    CHECK_STR(buf_c(&b),
              "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":"
              "{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"sha256:01" ZEROS62
              "\",\"size\":20},\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\","
              "\"digest\":\"sha256:02" ZEROS62 "\",\"size\":12345678901}]}");
}

static void with_base(void)
{
    AUTO_BUF b = {0};
    struct err e = {0};
    struct oci_image i = image();
    const struct oci_layer layers[] = {{blob(4, 40), "layer.v1.tar+zstd", blob(5, 0).digest},
                                       {blob(6, 60), "layer.v1.tar", blob(7, 0).digest}};
    const struct oci_below below = {blob(9, 0).digest, layers, 2, STR("{\"x\":1},{}")};
    struct digest d = blob(0xab, 0).digest;
    struct oci_blob config = blob(1, 20), layer = blob(2, 3);
    CHECK(oci_config(&i, &below, &d, &b, &e) == 0 && json_valid(buf_view(&b)));
    CHECK(strstr(buf_c(&b), "\"diff_ids\":[\"sha256:05" ZEROS62 "\",\"sha256:07" ZEROS62
                            "\",\"sha256:ab" ZEROS62 "\"]},\"history\":[{\"x\":1},{},{\"created\"") != NULL);
    CHECK(strstr(buf_c(&b), "\"org.opencontainers.image.base.digest\":\"sha256:09" ZEROS62 "\"}}") != NULL);
    buf_clear(&b);
    CHECK(oci_manifest(&config, &below, &layer, &b, &e) == 0 && json_valid(buf_view(&b)));
    CHECK(strstr(buf_c(&b),
                 "\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+zstd\",\"digest\":"
                 "\"sha256:04" ZEROS62
                 "\",\"size\":40},{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
                 "\"digest\":\"sha256:06" ZEROS62 "\",\"size\":60},{\"mediaType\":\"application/"
                 "vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"sha256:02" ZEROS62
                 "\",\"size\":3}]}") != NULL);
}

static void other_platforms(void)
{
    static const struct {
        const char *machine, *config, *is;
        bool good;
    } rows[] = {
        {"x86_64", "{\"architecture\":\"amd64\",\"os\":\"linux\"}", "linux/amd64", true},
        {"x86_64", "{\"architecture\":\"386\",\"os\":\"linux\"}", "linux/386", false},
        {"x86_64", "{\"architecture\":\"amd64\",\"os\":\"freebsd\"}", "freebsd/amd64", false},
        {"aarch64", "{\"architecture\":\"arm64\",\"os\":\"linux\"}", "linux/arm64", true},
        {"aarch64", "{\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\"}", "linux/arm64/v8",
         true},
        {"armv7l", "{\"architecture\":\"arm\",\"os\":\"linux\",\"variant\":\"v6\"}", "linux/arm/v6", false},
        {"x86_64", "{\"architecture\":7}", "/", false},
        {"vax", "{\"architecture\":\"vax\",\"os\":\"linux\"}", "linux/vax", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_BUF is = {0};
        CHECK(oci_platform_is(rows[i].machine, str_c(rows[i].config), &is) == rows[i].good);
        CHECK_STR(buf_c(&is), rows[i].is);
    }
}

static void finding(void)
{
    static const char index[] =
        "{\"schemaVersion\":2,\"manifests\":[1,{\"annotations\":{\"" REF "\":\"a\"}},{\"x\":1,"
        "\"annotations\":{\"" REF "\":\"b\"}},{\"annotations\":{\"" REF "\":\"a\"}}]}";
    struct err e = {0};
    struct str d;
    CHECK(oci_index_find("i", STR(index), "b", &d, &e) == 0 && str_starts(d, STR("{\"x\":1,")));
    CHECK(oci_index_find("i", STR(index), "a", &d, &e) == -1 && e.class == ERR_FORMAT);
    CHECK(oci_index_find("i", STR(index), "c", &d, &e) == -1 && e.class == ERR_USAGE);
    CHECK_STR(e.hint, "its tags: a, b, a");
    CHECK(oci_index_find("i", STR("{}"), "c", &d, &e) == -1 && e.class == ERR_FORMAT);
}

static void platforms(void)
{
    struct err e = {0};
    CHECK(oci_platform_check("riscv64", &e) == 0 && oci_platform_check("ppc64le", &e) == 0);
    CHECK(oci_platform_check("vax", &e) == -1 && e.class == ERR_USAGE && strstr(e.msg, "`vax'") != NULL);
}

#define MANIFEST3(tag)                                                                                       \
    "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:03" ZEROS62           \
    "\",\"size\":7,\"annotations\":{\"org.opencontainers.image.ref.name\":\"" tag                            \
    "\"},\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\"}}"

static void indexes(void)
{
    static const struct {
        const char *old, *want;
    } rows[] = {
        {"", "{\"schemaVersion\":2,\"mediaType\":\"application/"
             "vnd.oci.image.index.v1+json\",\"manifests\":[" MANIFEST3("a/b:c") "]}"},
        {"{\"manifests\":[ ] , \"schemaVersion\" : 2}\n",
         "{\"manifests\":[" MANIFEST3("a/b:c") " ] , \"schemaVersion\" : 2}\n"},
        {" {\"schemaVersion\":2,\"x\":[1],\n\"manifests\":[{\"digest\":\"a\"} ,\n "
         "{\"annotations\":{\"org.opencontainers"
         ".image.ref.name\":\"a/b\"}}\n]}",
         " {\"schemaVersion\":2,\"x\":[1],\n\"manifests\":[{\"digest\":\"a\"} ,\n "
         "{\"annotations\":{\"org.opencontainers"
         ".image.ref.name\":\"a/b\"}}," MANIFEST3("a/b:c") "\n]}"},
    };
    const struct oci_image i = image();
    const struct oci_blob m = blob(3, 7);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        AUTO_BUF b = {0};
        struct err e = {0};
        CHECK(oci_index("i", str_c(rows[k].old), &i, "a/b:c", &m, &b, &e) == 0 && json_valid(buf_view(&b)));
        CHECK_STR(buf_c(&b), rows[k].want);
        AUTO_BUF again = {0};
        CHECK(oci_index("i", buf_view(&b), &i, "a/b:c", &m, &again, &e) == -1 && e.class == ERR_HOST &&
              again.n == 0);
        CHECK_STR(e.msg, "i: has an image with the tag `a/b:c' already");
        CHECK(oci_index_check("i", buf_view(&b), "a/b:c", &e) == -1 &&
              oci_index_check("i", buf_view(&b), "a/b", &e) == (k == 2 ? -1 : 0));
    }
}

static void bad_indexes(void)
{
    static const char *const bad[] = {"{}",
                                      "[]",
                                      "x",
                                      "{\"schemaVersion\":2}",
                                      "{\"schemaVersion\":1,\"manifests\":[]}",
                                      "{\"schemaVersion\":2,\"manifests\":{}}",
                                      "{\"schemaVersion\":2,\"manifests\":[}",
                                      "{\"schemaVersion\":2,\"manifests\":[]} x",
                                      "{\"schemaVersion\":2,\"manifests\":null}"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        struct err e = {0};
        CHECK(oci_index_check("i", str_c(bad[k]), "t", &e) == -1 && e.class == ERR_FORMAT);
    }
    struct err e = {0};
    CHECK(oci_index_check("i", STR("{\"schemaVersion\":2,\"manifests\":[1,\"a\",[],{\"annotations\":[]}]}"),
                          "t", &e) == 0);
}

static void layouts(void)
{
    CHECK(oci_layout_known(str_c(oci_layout_text)) &&
          oci_layout_known(STR("{ \"x\":1, \"imageLayoutVersion\" : \"1.0.0\" }\n")));
    CHECK(!oci_layout_known(STR("{\"imageLayoutVersion\":\"2.0.0\"}")) && !oci_layout_known(STR("")) &&
          !oci_layout_known(STR("{\"imageLayoutVersion\":1.0}")) && !oci_layout_known(STR("{}")));
}

int main(void)
{
    RUN(names);
    RUN(config_text);
    RUN(manifest_text);
    RUN(platforms);
    RUN(with_base);
    RUN(other_platforms);
    RUN(finding);
    RUN(indexes);
    RUN(bad_indexes);
    RUN(layouts);
    return test_done();
}
