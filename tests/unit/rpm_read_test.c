/* The container, made here and real; header contents against rpm's own. */
#include "pkgfmt/rpm_read.h"

#include "base/mem.h"
#include "tests/unit/rpm_files.h"
#include "tests/unit/rpm_make.h"

static const char *open_bytes(struct str bytes)
{
    static struct err e;
    struct rpm_read r;
    AUTO_FD fd = scratch_fd(bytes);
    e = (struct err){0};
    int rc = rpm_read_open(&r, fd, &e);
    CHECK(rc == 0 || (e.class == ERR_FORMAT && r.bytes.p == NULL && r.sig.entries == NULL));
    rpm_read_close(&r);
    return rc == 0 ? "ok" : e.msg;
}

static const struct rpm_make_entry names[] = {
    RPM_MAKE_STR(RPM_TAG_NAME, "n"), RPM_MAKE_STR(RPM_TAG_VERSION, "1"), RPM_MAKE_STR(RPM_TAG_RELEASE, "2"),
    RPM_MAKE_STR(RPM_TAG_PAYLOADFORMAT, "cpio"), RPM_MAKE_STR(RPM_TAG_SOURCERPM, "n.src.rpm")};
static const struct rpm_make_entry size[] = {{1000, RPM_INT32, 1, {"\0\0\0\1", 4}}};

static void package(struct buf *out, uint32_t sig_region, uint32_t region)
{
    AUTO_BUF sig = {0}, header = {0};
    rpm_make_header(&sig, sig_region, size, 1, 0);
    rpm_make_header(&header, region, names, 5, 0);
    rpm_make_package(out, buf_view(&sig), buf_view(&header), STR("payload"));
}

static void container(void)
{
    AUTO_BUF b = {0};
    struct rpm_read r;
    struct err e;
    package(&b, 62, 63);
    AUTO_FD fd = scratch_fd(buf_view(&b));
    CHECK(rpm_read_open(&r, fd, &e) == 0);
    CHECK(r.header_off == 96 + 72 && r.payload_off == b.n - 7 && r.size == b.n && !r.source);
    CHECK(r.payload_off == r.header_off + r.header.size);
    CHECK(r.sig.n == 1 && r.header.n == 5 && str_is(rpm_header_string(&r.header, 1002), "2"));
    rpm_read_close(&r);
    CHECK(rpm_read_open(&r, -1, &e) < 0 && e.class == ERR_HOST);
}

/* As rpm 3 made them: no region; the signature header's may lack alone. */
static void without_regions(void)
{
    AUTO_BUF none = {0}, sig = {0}, header = {0};
    package(&none, 0, 0);
    CHECK_STR(open_bytes(buf_view(&none)), "ok");
    package(&sig, 0, 63);
    CHECK_STR(open_bytes(buf_view(&sig)), "ok");
    package(&header, 62, 62);
    CHECK_STR(open_bytes(buf_view(&header)),
              "header: entry 0 (tag 62, type 7, count 16): a tag that is none");
}

static void patched(size_t at, const char *byte, const char *want)
{
    AUTO_BUF b = {0};
    package(&b, 62, 63);
    memcpy(b.p + at, byte, 1);
    const char *got = open_bytes(buf_view(&b));
    if (strstr(got, want) == NULL) {
        printf("%zu: got `%s', want `%s'\n", at, got, want);
        test_failed_here = 1;
    }
}

static void leads(void)
{
    patched(0, "\xee", "not an rpm package");
    patched(4, "\2", "rpm package format 2, expected 3 or 4");
    patched(4, "\5", "rpm package format 5, expected 3 or 4");
    patched(4, "\4", "ok");
    patched(79, "\1", "signatures of type 1, expected 5");
    patched(96, "\0", "signature header: no header stands there: bad magic");
    patched(96 + 10, "\1", "signature header: cut off: says");
    patched(96 + 8, "\x80", "signature header: 34359738");
    patched(96 + 12, "\xff", "larger than any real one");
    patched(96 + 72, "\0", "header: no header stands there: bad magic");
    patched(96 + 72 + 8, "\x80", "header: 34359738");
    CHECK_STR(open_bytes(STR("")), "not an rpm package");
    CHECK_STR(open_bytes(STR("\xed\xab\xee\xdb")), "the package file ends early, at byte 4");
    CHECK_STR(open_bytes(STR("drpm\0\0\0")), "a delta package, which is no whole one");
    CHECK_STR(open_bytes(STR("!<arch>\n")), "not an rpm package");
}

static void many_signature_entries(void)
{
    struct rpm_make_entry v[33];
    AUTO_BUF header = {0};
    rpm_make_header(&header, 63, names, 5, 0);
    for (size_t n = 32; n <= 33; n++) {
        AUTO_BUF sig = {0}, b = {0};
        for (size_t i = 0; i < n; i++)
            v[i] = (struct rpm_make_entry){(uint32_t)(300 + i), RPM_CHAR, 1, {"x", 1}};
        rpm_make_header(&sig, 62, v, n, 0);
        rpm_make_package(&b, buf_view(&sig), buf_view(&header), STR(""));
        CHECK_STR(open_bytes(buf_view(&b)),
                  n == 32 ? "ok" : "signature header: 33 entries, larger than any real one");
    }
}

static void headers_that_lack(void)
{
    static const struct rpm_make_entry delta[] = {
        RPM_MAKE_STR(RPM_TAG_NAME, "n"), RPM_MAKE_STR(RPM_TAG_VERSION, "1"),
        RPM_MAKE_STR(RPM_TAG_RELEASE, "2"), RPM_MAKE_STR(RPM_TAG_PAYLOADFORMAT, "drpm")};
    static const struct rpm_make_entry wrong[] = {{RPM_TAG_FILEMODES, RPM_INT32, 1, {"1234", 4}}};
    static const struct {
        const struct rpm_make_entry *v;
        size_t n;
        const char *want;
    } rows[] = {{names, 2, "header: no name, version or release"},
                {names + 1, 4, "header: no name, version or release"},
                {delta, 4, "a delta package, which is no whole one"},
                {wrong, 1, "header: tag 1030 has type 4, expected 3"}};
    AUTO_BUF sig = {0};
    rpm_make_header(&sig, 62, size, 1, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_BUF header = {0}, b = {0};
        rpm_make_header(&header, 63, rows[i].v, rows[i].n, 0);
        rpm_make_package(&b, buf_view(&sig), buf_view(&header), STR(""));
        CHECK_STR(open_bytes(buf_view(&b)), rows[i].want);
    }
}

/* A real one cut at every byte of its headers, and with every byte of them changed. */
static void real_one_damaged(void)
{
    AUTO_BUF path = {0}, b = {0};
    struct err e;
    struct rpm_read r;
    buf_printf(&path, "%s/rpm/rpm-upstream/foo-1.0-1.noarch.rpm", test_data());
    if (file_read(buf_c(&path), 1 << 20, &b, &e) < 0)
        SKIP("no packages in the test data");
    AUTO_FD fd = scratch_fd(buf_view(&b));
    CHECK(rpm_read_open(&r, fd, &e) == 0);
    size_t payload = (size_t)r.payload_off;
    rpm_read_close(&r);
    for (size_t n = 0; n < payload; n++)
        CHECK(strcmp(open_bytes((struct str){b.p, n}), "ok") != 0);
    CHECK_STR(open_bytes((struct str){b.p, payload}), "ok");
    for (size_t i = 0; i < payload; i++) {
        char keep = b.p[i];
        b.p[i] = (char)(keep ^ 0xff);
        open_bytes((struct str){b.p, payload});
        b.p[i] = keep;
    }
}

/* --- what rpm says */

static void add_line(struct buf *out, const struct rpm_read *r)
{
    const struct rpm_header *h = &r->header;
    const struct rpm_entry *files = rpm_header_find(h, RPM_TAG_BASENAMES);
    uint64_t epoch = 0;
    if (files == NULL)
        files = rpm_header_find(h, RPM_TAG_OLDFILENAMES);
    rpm_header_u64(h, RPM_TAG_EPOCH, 0, &epoch);
    buf_str(out, rpm_header_string(h, RPM_TAG_NAME));
    buf_printf(out, " %llu ", (unsigned long long)epoch);
    buf_str(out, rpm_header_string(h, RPM_TAG_VERSION));
    buf_putc(out, ' ');
    buf_str(out, rpm_header_string(h, RPM_TAG_RELEASE));
    buf_putc(out, ' ');
    buf_str(out, rpm_header_string(h, RPM_TAG_ARCH));
    buf_printf(out, " %s %u\n", r->source ? "src" : "bin", files != NULL ? files->count : 0);
}

static void agrees_with_rpm(void)
{
    AUTO_BUF ours = {0}, theirs = {0};
    const char **good;
    size_t ngood = 0;
    if (system("command -v rpm >/dev/null") != 0)
        SKIP("no rpm");
    if (rpm_nfiles == 0)
        SKIP("no packages in the test data");
    good = mem_alloc(rpm_nfiles * sizeof *good);
    for (size_t i = 0; i < rpm_nfiles; i++) {
        struct rpm_read r;
        struct err e;
        AUTO_FD fd = open(rpm_files[i], O_RDONLY | O_CLOEXEC);
        if (rpm_read_open(&r, fd, &e) == 0) {
            good[ngood++] = rpm_files[i];
            add_line(&ours, &r);
        }
        rpm_read_close(&r);
    }
    rpm_files_run("rpm -qp --nosignature --nodigest --qf '%{NAME} %{EPOCHNUM} %{VERSION} %{RELEASE} %{ARCH} "
                  "%|SOURCERPM?{bin}:{src}| %|BASENAMES?{%{BASENAMES:arraysize}}:{0}|\\n'",
                  good, ngood, &theirs);
    struct str a = buf_view(&ours), b = buf_view(&theirs), x, y;
    for (size_t i = 0; str_line(&a, &x); i++)
        if (!str_line(&b, &y) || !str_eq(x, y)) {
            printf("%s: ours `%" STR_FMT "', rpm's `%" STR_FMT "'\n", good[i], STR_ARG(x), STR_ARG(y));
            test_failed_here = 1;
            break;
        }
    CHECK(b.n == 0);
    printf("%zu packages read as rpm does\n", ngood);
    free(good);
}

/* Those of the test data that are refused. rpm refuses them as well but for the delta package, whose header
   it shows. */
static void refused(void)
{
    static const struct {
        const char *file, *want;
    } rows[] = {{"evil/rpm-broken/no.rpm", "not an rpm package"},
                {"evil/libarchive/test_read_format_huge_rpm.rpm", "signatures of type 0, expected 5"},
                {"rpm/libzypp-sigcheck/no.rpm", "not an rpm package"},
                {"rpm/signed-by-known-key/suse_RPM-GPG-KEY-SuSE-SLE-12/"
                 "suse-build-key-12.0-150000.8.25.1_150000.8.28.1.noarch.drpm",
                 "a delta package, which is no whole one"}};
    size_t found = 0;
    if (rpm_nfiles == 0)
        SKIP("no packages in the test data");
    for (size_t i = 0; i < rpm_nfiles; i++) {
        struct rpm_read r;
        struct err e = {0};
        const char *want = "", *below = rpm_files[i] + strlen(test_data()) + 1;
        AUTO_FD fd = open(rpm_files[i], O_RDONLY | O_CLOEXEC);
        rpm_read_open(&r, fd, &e);
        rpm_read_close(&r);
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
            if (strcmp(below, rows[k].file) == 0) {
                want = rows[k].want;
                found++;
            }
        if (strcmp(e.msg, want) != 0)
            printf("%s: ", below);
        CHECK_STR(e.msg, want);
    }
    printf("%zu packages read, %zu refused\n", rpm_nfiles - found, found);
}

int main(void)
{
    scratch_new();
    rpm_files_find();
    RUN(container);
    RUN(without_regions);
    RUN(leads);
    RUN(many_signature_entries);
    RUN(headers_that_lack);
    RUN(real_one_damaged);
    RUN(agrees_with_rpm);
    RUN(refused);
    rpm_files_free();
    scratch_remove();
    return test_done();
}
