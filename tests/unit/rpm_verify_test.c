/* Who signed what: packages made here with each way to sign, and not to; and every real one against rpmkeys.
 */
#include "pkgfmt/rpm_verify.h"

#include "base/mem.h"
#include "tests/unit/openpgp_make.h"
#include "tests/unit/rpm_files.h"
#include "tests/unit/rpm_make.h"

#define T0  INT64_C(1600000000)
#define NOW (T0 + 1000000)

/* --- as the program will be wired */

struct keys {
    struct openpgp_keyring *ring;
    int64_t now;
    struct buf words; /* what was thought of each signature that was asked for */
    bool wrong;
    bool unsigned_index;
};

static int verify(void *ctx, unsigned repo, int fd, uint64_t off, uint64_t n, struct str sig, struct err *e)
{
    struct keys *k = ctx;
    struct openpgp_report rep;
    CHECK(repo == 7);
    int r = openpgp_verify_range(k->ring, fd, off, n, sig, k->now, &rep, e);
    for (size_t i = 0; i < rep.n; i++)
        buf_printf(&k->words, "%s%s", k->words.n > 0 ? " " : "",
                   rep.sigs[i].crypto != OPENPGP_GOOD ? openpgp_crypto_name(rep.sigs[i].crypto)
                                                      : openpgp_policy_name(rep.sigs[i].policy));
    k->wrong = k->wrong || openpgp_report_wrong(&rep);
    if (r < 0 && e->class == ERR_TRUST && rep.n > 0 && !openpgp_report_wrong(&rep))
        r = 1;
    openpgp_report_free(&rep);
    return r;
}

static bool vouched(void *ctx, unsigned repo)
{
    const struct keys *k = ctx;
    CHECK(repo == 7);
    return !k->unsigned_index;
}

/* --- packages made here */

static struct make_key known, second, stranger;
static struct keys keys = {.now = NOW};

struct make {
    const char *header, *all; /* words, one a signature: see add_sigs; NULL: none */
    const char *v6;           /* the same, for tag 278 */
    const char *digests;      /* a letter each: 5 MD5, 1 SHA1, 2 SHA256, 3 SHA3-256; upper case where wrong */
    const char *payload;      /* 2 SHA256, a its alternative, 5 SHA512, 3 SHA3-256; ! before a wrong one */
    bool no_plan_digest;
};

static void add_sig(struct buf *out, struct str word, struct str data)
{
    struct make_sig s = {.created = T0 + 10, .hash = SHA256};
    const struct make_key *k = &known;
    if (str_is(word, "stranger"))
        k = &stranger;
    else if (str_is(word, "second"))
        k = &second;
    else if (str_is(word, "weak"))
        s.hash = SHA1;
    else if (str_is(word, "wrong"))
        s.spoil = true;
    else if (str_is(word, "other"))
        data = STR("other data");
    else if (str_is(word, "text"))
        s.type = OPENPGP_TYPE_TEXT;
    else if (str_is(word, "strange"))
        s.critical = 99;
    if (str_is(word, "junk"))
        buf_puts(out, "\xc2\x7fjunk");
    else if (str_is(word, "malformed"))
        buf_puts(out, "\xc2\x04\x04xxx");
    else
        make_sig(out, k, s, data);
}

static void add_sigs(struct buf *out, const char *words, struct str data)
{
    struct str rest = str_c(words), word;
    while (str_word(&rest, &word))
        add_sig(out, word, data);
}

static void hex_of(struct buf *out, enum digest_kind kind, struct str data, bool wrong)
{
    struct digest d;
    struct err e;
    char hex[DIGEST_HEX_MAX];
    digest_of(&d, kind, data, &e);
    d.bytes[3] ^= wrong;
    buf_puts(out, digest_hex(&d, hex));
}

enum { ENTRIES = 32 };

/* Entries whose data is kept in one place. */
struct list {
    struct rpm_make_entry v[ENTRIES];
    struct buf data[ENTRIES];
    size_t n;
};

static struct buf *list_add(struct list *l, uint32_t tag, uint32_t type)
{
    l->v[l->n] = (struct rpm_make_entry){.tag = tag, .type = type, .count = 1};
    return &l->data[l->n++];
}

static void list_header(struct list *l, uint32_t region, struct buf *out)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i].type != RPM_BIN)
            buf_putc(&l->data[i], '\0');
        else
            l->v[i].count = (uint32_t)l->data[i].n;
        l->v[i].data = buf_view(&l->data[i]);
    }
    rpm_make_header(out, region, l->v, l->n, 0);
    for (size_t i = 0; i < l->n; i++)
        buf_free(&l->data[i]);
}

static void header_of(const struct make *m, struct str payload, struct buf *out)
{
    static const struct {
        char letter;
        uint32_t tag;
        enum digest_kind kind;
    } kinds[] = {{'2', RPM_TAG_PAYLOADSHA256, DIGEST_SHA256},
                 {'a', RPM_TAG_PAYLOADSHA256ALT, DIGEST_SHA256},
                 {'5', RPM_TAG_PAYLOADSHA512, DIGEST_SHA512},
                 {'3', RPM_TAG_PAYLOADSHA3_256, DIGEST_SHA3_256}};
    struct list l = {0};
    buf_puts(list_add(&l, RPM_TAG_NAME, RPM_STRING), "hello");
    buf_puts(list_add(&l, RPM_TAG_VERSION, RPM_STRING), "1.0");
    buf_puts(list_add(&l, RPM_TAG_RELEASE, RPM_STRING), "2");
    buf_puts(list_add(&l, RPM_TAG_ARCH, RPM_STRING), "noarch");
    buf_puts(list_add(&l, RPM_TAG_SOURCERPM, RPM_STRING), "hello.src.rpm");
    for (const char *p = m->payload != NULL ? m->payload : ""; *p != '\0'; p++)
        for (size_t i = 0; i < 4; i++)
            if (*p == kinds[i].letter) {
                bool array = *p == '2' || *p == 'a';
                hex_of(list_add(&l, kinds[i].tag, array ? RPM_STRING_ARRAY : RPM_STRING), kinds[i].kind,
                       payload, p > m->payload && p[-1] == '!');
            }
    list_header(&l, 63, out);
}

static void sig_header_of(const struct make *m, struct str header, struct str all, struct buf *out)
{
    static const struct {
        char letter, wrong;
        uint32_t tag;
        enum digest_kind kind;
    } kinds[] = {
        {'1', 'i', 269, DIGEST_SHA1}, {'2', 'z', 273, DIGEST_SHA256}, {'3', 'e', 279, DIGEST_SHA3_256}};
    const char *digests = m->digests != NULL ? m->digests : "";
    struct list l = {0};
    if (m->header != NULL)
        add_sigs(list_add(&l, 268, RPM_BIN), m->header, header);
    for (size_t i = 0; i < 3; i++)
        if (strchr(digests, kinds[i].letter) != NULL || strchr(digests, kinds[i].wrong) != NULL)
            hex_of(list_add(&l, kinds[i].tag, RPM_STRING), kinds[i].kind, header,
                   strchr(digests, kinds[i].wrong) != NULL);
    if (m->v6 != NULL) {
        AUTO_BUF sigs = {0}, text = {0};
        add_sigs(&sigs, m->v6, header);
        buf_reserve(&text, 2 * sigs.n + 4);
        text.n = (size_t)EVP_EncodeBlock((unsigned char *)text.p, (unsigned char *)sigs.p, (int)sigs.n);
        buf_str(list_add(&l, 278, RPM_STRING_ARRAY), buf_view(&text));
    }
    if (m->all != NULL)
        add_sigs(list_add(&l, 1002, RPM_BIN), m->all, all);
    if (strchr(digests, '5') != NULL || strchr(digests, 's') != NULL) {
        struct digest d;
        struct err e;
        digest_of(&d, DIGEST_MD5, all, &e);
        d.bytes[0] ^= strchr(digests, 's') != NULL;
        buf_add(list_add(&l, 1004, RPM_BIN), d.bytes, 16);
    }
    if (l.n == 0)
        buf_puts(list_add(&l, 1008, RPM_BIN), "reserved");
    list_header(&l, 62, out);
}

static void package_of(const struct make *m, struct buf *out)
{
    AUTO_BUF header = {0}, all = {0}, sig = {0};
    struct str payload = STR("the payload");
    header_of(m, payload, &header);
    buf_str(&all, buf_view(&header));
    buf_str(&all, payload);
    sig_header_of(m, buf_view(&header), buf_view(&all), &sig);
    rpm_make_package(out, buf_view(&sig), buf_view(&header), payload);
}

static const struct pkgfmt_trust trust = {verify, vouched, &keys};
static const struct plan_pkg planned = {
    .name = "hello", .version = "1.0-2", .arch = "noarch", .repo = 7, .digest = {.kind = DIGEST_SHA256}};

static const char *verify_bytes(struct str bytes, const struct plan_pkg *pkg, const struct pkgfmt_trust *t,
                                enum err_class *class)
{
    static struct err e;
    struct rpm_read r;
    AUTO_FD fd = scratch_fd(bytes);
    e = (struct err){0};
    if (rpm_read_open(&r, fd, &e) < 0)
        return e.msg;
    int rc = rpm_verify(&r, &(struct pkgfmt_package){.fd = fd, .pkg = pkg, .trust = t}, &e);
    rpm_read_close(&r);
    *class = rc < 0 ? e.class : ERR_NONE;
    return rc < 0 ? e.msg : "ok";
}

static void row(const struct make *m, const struct pkgfmt_trust *t, enum err_class want_class,
                const char *want)
{
    AUTO_BUF b = {0};
    struct plan_pkg pkg = planned;
    enum err_class class = ERR_NONE;
    if (m->no_plan_digest)
        pkg.digest.kind = DIGEST_SHA1;
    package_of(m, &b);
    const char *got = verify_bytes(buf_view(&b), &pkg, t, &class);
    if (strstr(got, want) == NULL || class != want_class) {
        printf("header %s, all %s, v6 %s, digests %s, payload %s: got class %d `%s', want %d `%s'\n",
               m->header ? m->header : "-", m->all ? m->all : "-", m->v6 ? m->v6 : "-",
               m->digests ? m->digests : "-", m->payload ? m->payload : "-", class, got, want_class, want);
        test_failed_here = 1;
    }
}

#define HEADER_ALONE "the signature covers the header alone"
#define BY_KNOWN     "wrong signature by a key of the keyring"
#define NOT_TRUSTED  "not signed by a trusted key"

static void signatures(void)
{
    static const struct {
        struct make m;
        enum err_class class;
        const char *want;
    } rows[] = {
        {{.header = "good", .payload = "2"}, ERR_NONE, "ok"},
        {{.header = "good", .payload = "2", .no_plan_digest = true}, ERR_NONE, "ok"},
        {{.header = "good", .payload = "5", .no_plan_digest = true}, ERR_NONE, "ok"},
        {{.header = "good", .payload = "3", .no_plan_digest = true}, ERR_NONE, "ok"},
        {{.header = "good"}, ERR_NONE, "ok"}, /* by the plan's digest */
        {{.header = "good", .digests = "5", .no_plan_digest = true}, ERR_TRUST, HEADER_ALONE},
        {{.header = "good", .no_plan_digest = true}, ERR_TRUST, HEADER_ALONE},
        {{.header = "good", .all = "good", .no_plan_digest = true}, ERR_NONE, "ok"},
        {{.header = "good", .all = "stranger", .no_plan_digest = true}, ERR_TRUST, HEADER_ALONE},
        {{.header = "good", .all = "weak", .no_plan_digest = true}, ERR_TRUST, HEADER_ALONE},
        {{.header = "good", .all = "weak", .payload = "2"}, ERR_NONE, "ok"},
        {{.header = "good", .all = "stranger", .payload = "2"}, ERR_NONE, "ok"},
        {{.header = "good", .all = "wrong", .payload = "2"},
         ERR_TRUST,
         "signature over header and payload: " BY_KNOWN},
        {{.header = "wrong", .all = "good", .payload = "2"}, ERR_TRUST, "header signature: " BY_KNOWN},
        {{.header = "other", .payload = "2"}, ERR_TRUST, "header signature: " BY_KNOWN},
        {{.header = "stranger", .payload = "2"}, ERR_TRUST, "header signature: " NOT_TRUSTED},
        {{.header = "stranger", .all = "good"}, ERR_NONE, "ok"},
        {{.header = "stranger", .all = "stranger"}, ERR_TRUST, "header signature: " NOT_TRUSTED},
        {{.all = "good", .no_plan_digest = true}, ERR_NONE, "ok"},
        {{.all = "stranger"}, ERR_TRUST, "signature over header and payload: " NOT_TRUSTED},
        {{.all = "weak"}, ERR_TRUST, "weak digest sha1"},
        {{.header = "weak", .payload = "2"}, ERR_TRUST, "weak digest sha1"},
        {{.header = "text", .payload = "2"}, ERR_TRUST, "not supported"},
        {{.header = "strange", .payload = "2"}, ERR_TRUST, "not supported"},
        {{.header = "malformed", .payload = "2"}, ERR_TRUST, "malformed"},
        {{.header = "junk", .payload = "2"}, ERR_TRUST, "cut off or damaged"},
        {{.payload = "2"}, ERR_TRUST, "the package is not signed"},
        {{.digests = "5123", .payload = "2"}, ERR_TRUST, "the package is not signed"},
        {{.header = "good stranger", .payload = "2"}, ERR_NONE, "ok"},
        {{.header = "stranger good", .payload = "2"}, ERR_NONE, "ok"},
        {{.header = "good wrong", .payload = "2"}, ERR_TRUST, BY_KNOWN},
        {{.v6 = "good", .payload = "253"}, ERR_NONE, "ok"},
        {{.v6 = "good second", .payload = "253"}, ERR_NONE, "ok"},
        {{.v6 = "strange", .header = "good", .payload = "2"}, ERR_NONE, "ok"},
        {{.v6 = "stranger", .payload = "2"}, ERR_TRUST, NOT_TRUSTED},
        {{.v6 = "wrong", .header = "good", .payload = "2"}, ERR_TRUST, BY_KNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        row(&rows[i].m, &trust, rows[i].class, rows[i].want);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) /* --insecure: digests alone */
        row(&rows[i].m, NULL, ERR_NONE, "ok");
}

/* The digest of an index that nobody signed is whoever's who sent the file. */
static void unsigned_index(void)
{
    keys.unsigned_index = true;
    row(&(struct make){.header = "good", .payload = "2"}, &trust, ERR_NONE, "ok");
    row(&(struct make){.all = "good"}, &trust, ERR_NONE, "ok");
    row(&(struct make){.header = "good", .all = "good"}, &trust, ERR_NONE, "ok");
    row(&(struct make){.header = "good"}, &trust, ERR_TRUST, HEADER_ALONE);
    row(&(struct make){.header = "good", .digests = "5"}, &trust, ERR_TRUST, HEADER_ALONE);
    row(&(struct make){.header = "good", .all = "stranger"}, &trust, ERR_TRUST, HEADER_ALONE);
    keys.unsigned_index = false;
}

static void digests(void)
{
    static const struct {
        struct make m;
        const char *want;
    } rows[] = {
        {{.digests = "5123", .payload = "2a53"}, "ok"},
        {{.digests = "i"}, "wrong sha1 digest of the header"},
        {{.digests = "z"}, "wrong sha256 digest of the header"},
        {{.digests = "e"}, "wrong sha3-256 digest of the header"},
        {{.digests = "s"}, "wrong md5 digest of the header and payload"},
        {{.digests = "5123", .payload = "!2"}, "wrong sha256 digest of the payload"},
        {{.digests = "5123", .payload = "2!5"}, "wrong sha512 digest of the payload"},
        {{.digests = "5123", .payload = "25!3"}, "wrong sha3-256 digest of the payload"},
        {{.payload = "2!a"}, "ok"}, /* the alternative is of the payload as it was before compression */
        {{.payload = "!2a"}, "ok"},
        {{.payload = "!2!a"}, "wrong sha256 digest of the payload"},
        {{.payload = "!a"}, "wrong sha256 digest of the payload"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct make m = rows[i].m;
        enum err_class class = strcmp(rows[i].want, "ok") == 0 ? ERR_NONE : ERR_FORMAT;
        row(&m, NULL, class, rows[i].want);
        m.header = "good";
        row(&m, &trust, class, rows[i].want);
    }
}

/* Every byte behind the signature header changed: what is signed does not pass. */
static void changed_bytes(void)
{
    static const struct make ways[] = {{.header = "good", .payload = "2"}, {.all = "good"}};
    for (size_t w = 0; w < 2; w++) {
        AUTO_BUF b = {0};
        struct rpm_read r;
        struct err e;
        enum err_class class;
        package_of(&ways[w], &b);
        AUTO_FD fd = scratch_fd(buf_view(&b));
        CHECK(rpm_read_open(&r, fd, &e) == 0);
        size_t from = (size_t)r.header_off;
        rpm_read_close(&r);
        CHECK_STR(verify_bytes(buf_view(&b), &planned, &trust, &class), "ok");
        for (size_t i = from; i < b.n; i++) {
            b.p[i] = (char)(b.p[i] ^ 1);
            CHECK(strcmp(verify_bytes(buf_view(&b), &planned, &trust, &class), "ok") != 0);
            b.p[i] = (char)(b.p[i] ^ 1);
        }
        buf_puts(&b, "more");
        CHECK(strcmp(verify_bytes(buf_view(&b), &planned, &trust, &class), "ok") != 0);
    }
}

static void tags_of_wrong_types(void)
{
    static const struct {
        struct rpm_make_entry sig, header;
        const char *want;
    } rows[] = {
        {{268, RPM_STRING, 1, {"x", 2}},
         {5000, RPM_CHAR, 1, {"x", 1}},
         "tag 268 has type 6, which no signature has"},
        {{278, RPM_BIN, 1, {"x", 1}},
         {5000, RPM_CHAR, 1, {"x", 1}},
         "tag 278 has type 7, which no signature has"},
        {{278, RPM_STRING_ARRAY, 1, {"no!!", 5}}, {5000, RPM_CHAR, 1, {"x", 1}}, "tag 278: no base64"},
        {{278, RPM_STRING_ARRAY, 1, {"abc", 4}}, {5000, RPM_CHAR, 1, {"x", 1}}, "tag 278: no base64"},
        {{278, RPM_STRING_ARRAY, 1, {"", 1}}, {5000, RPM_CHAR, 1, {"x", 1}}, "tag 278: no base64"},
        {{278, RPM_STRING_ARRAY, 1, {"====", 5}}, {5000, RPM_CHAR, 1, {"x", 1}}, "header signature: "},
        {{273, RPM_STRING, 1, {"1234", 5}}, {5000, RPM_CHAR, 1, {"x", 1}}, "tag 273 is no sha256 digest"},
        {{273, RPM_INT32, 1, {"1234", 4}}, {5000, RPM_CHAR, 1, {"x", 1}}, "tag 273 is no sha256 digest"},
        {{1004, RPM_BIN, 15, {"0123456789abcde", 15}},
         {5000, RPM_CHAR, 1, {"x", 1}},
         "tag 1004 is no md5 digest"},
        {{1008, RPM_BIN, 1, {"x", 1}},
         {5092, RPM_STRING_ARRAY, 2, {"a\0b", 4}},
         "tag 5092 is no sha256 digest"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_BUF sig = {0}, header = {0}, b = {0};
        enum err_class class;
        const struct rpm_make_entry v[] = {
            RPM_MAKE_STR(RPM_TAG_NAME, "hello"), RPM_MAKE_STR(RPM_TAG_VERSION, "1.0"),
            RPM_MAKE_STR(RPM_TAG_RELEASE, "2"), RPM_MAKE_STR(RPM_TAG_ARCH, "noarch"), rows[i].header};
        rpm_make_header(&sig, 62, &rows[i].sig, 1, 0);
        rpm_make_header(&header, 63, v, 5, 0);
        rpm_make_package(&b, buf_view(&sig), buf_view(&header), STR("x"));
        const char *got = verify_bytes(buf_view(&b), &planned, &trust, &class);
        if (strstr(got, rows[i].want) == NULL)
            CHECK_STR(got, rows[i].want);
    }
}

static void another_package(void)
{
    static const struct {
        const char *name, *version, *arch;
        bool ok;
    } rows[] = {
        {"hello", "1.0-2", "noarch", true},    {"hello", "0:1.0-2", "noarch", true},
        {"hello", "1:1.0-2", "noarch", false}, {"hello", "1.0-3", "noarch", false},
        {"hello", "1.0", "noarch", false},     {"hullo", "1.0-2", "noarch", false},
        {"hello", "1.0-2", "x86_64", false},
    };
    const struct make m = {.header = "good", .payload = "2"};
    AUTO_BUF b = {0};
    package_of(&m, &b);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plan_pkg pkg = planned;
        enum err_class class;
        pkg.name = rows[i].name;
        pkg.version = rows[i].version;
        pkg.arch = rows[i].arch;
        const char *got = verify_bytes(buf_view(&b), &pkg, &trust, &class);
        CHECK(rows[i].ok
                  ? strcmp(got, "ok") == 0
                  : class == ERR_TRUST && strstr(got, "the file is hello-0:1.0-2.noarch, the index says h"));
    }
}

/* --- real ones, against rpmkeys with the same keys */

#define REAL_NOW INT64_C(1780272000) /* 2026-06-01: keys expire */

enum { ENDS = 4 };
static char **key_files;
static size_t nkey_files, nkeys_read;
static struct keys real = {.now = REAL_NOW};

static int add_key(const char *path, const struct stat *st, int type, struct FTW *f)
{
    static const char *const ends[ENDS] = {".asc", ".pub", ".key", ".pgp"};
    AUTO_BUF b = {0};
    struct err e = {0};
    (void)st;
    (void)f;
    bool is = strstr(path, "/rpm/keys/") != NULL;
    for (size_t i = 0; i < ENDS && !is; i++)
        is = str_ends(str_c(path), str_c(ends[i]));
    if (type != FTW_F || !is || file_read(path, 1 << 20, &b, &e) < 0)
        return 0;
    key_files = mem_grow(key_files, nkey_files + 1, sizeof *key_files);
    key_files[nkey_files++] = mem_dup(path);
    nkeys_read += openpgp_keyring_add(real.ring, path, buf_view(&b), &e) == 0;
    return 0;
}

/* The part of rpmkeys' output about one path: "PATH: digests signatures OK". */
static const char *theirs_of(const char *all, const char *path)
{
    static char word[256];
    size_t n = strlen(path);
    const char *at = all;
    while ((at = strstr(at, path)) != NULL && at[n] != ':')
        at++;
    if (at == NULL)
        return "nothing";
    snprintf(word, sizeof word, "%.*s", (int)strcspn(at + n + 1, "\n/"), at + n + 1);
    char *p = word + strspn(word, " ");
    p[strcspn(p, ".")] = '\0'; /* the next path, where rpmkeys only complained */
    return *p != '\0' ? p : "unreadable";
}

static const char *ours_of(const char *path, bool signatures)
{
    static char word[512];
    struct rpm_read r;
    struct err e = {0};
    AUTO_BUF evr = {0}, name = {0}, arch = {0};
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    static const struct pkgfmt_trust by = {verify, vouched, &real};
    uint64_t epoch = 0;
    if (rpm_read_open(&r, fd, &e) < 0)
        return "unreadable";
    rpm_header_u64(&r.header, RPM_TAG_EPOCH, 0, &epoch);
    buf_printf(&evr, "%llu:", (unsigned long long)epoch);
    buf_str(&evr, rpm_header_string(&r.header, RPM_TAG_VERSION));
    buf_putc(&evr, '-');
    buf_str(&evr, rpm_header_string(&r.header, RPM_TAG_RELEASE));
    buf_str(&name, rpm_header_string(&r.header, RPM_TAG_NAME));
    buf_str(&arch, r.source ? STR("src") : rpm_header_string(&r.header, RPM_TAG_ARCH));
    const struct plan_pkg pkg = {.name = buf_c(&name),
                                 .version = buf_c(&evr),
                                 .arch = buf_c(&arch),
                                 .repo = 7,
                                 .digest = {.kind = DIGEST_SHA256}};
    buf_clear(&real.words);
    int rc =
        rpm_verify(&r, &(struct pkgfmt_package){.fd = fd, .pkg = &pkg, .trust = signatures ? &by : NULL}, &e);
    rpm_read_close(&r);
    snprintf(word, sizeof word, "%s%s%s%s",
             rc == 0                                  ? "ok"
             : e.class == ERR_FORMAT                  ? "broken"
             : strstr(e.msg, "is not signed") != NULL ? "unsigned"
                                                      : "refused",
             real.words.n > 0 ? " (" : "", buf_c(&real.words), real.words.n > 0 ? ")" : "");
    return word;
}

/* What we say of what rpm says, and why where that is not the same (why NULL: it is). A star ends a pattern.
 */
#define DIGEST "rpm 4.18 takes SHA1 and MD5 under signatures"
static struct pair {
    const char *theirs, *ours, *why;
    size_t seen;
} pairs[] = {
    {"digests signatures OK", "ok (ok*", NULL, 0},
    {"digests signatures OK", "refused (weak digest*", DIGEST, 0},
    {"digests SIGNATURES NOT OK", "refused (*", NULL, 0},
    {"digests SIGNATURES NOT OK", "ok (ok)", "rpm 4.18 has no ECDSA", 0},
    {"digests OK", "unsigned", NULL, 0},
    {"digests OK", "refused (not supported)",
     "rpm 4.18 does not see signatures in tag 278; these are of OpenPGP 6", 0},
    {"DIGESTS SIGNATURES NOT OK", "broken", NULL, 0},
    {"DIGESTS NOT OK", "broken", NULL, 0},
    {"DIGESTS signatures NOT OK", "unreadable",
     "a delta package, which is refused before anything is verified", 0},
    {"unreadable", "unreadable", NULL, 0},
};
/* The same with signatures left aside. */
static struct pair plain_pairs[] = {
    {"digests OK", "ok", NULL, 0},
    {"DIGESTS NOT OK", "broken", NULL, 0},
    {"DIGESTS NOT OK", "unreadable", "a delta package", 0},
    {"unreadable", "unreadable", NULL, 0},
};

static bool fits(const char *pattern, const char *word)
{
    size_t n = strcspn(pattern, "*");
    return pattern[n] == '*' ? strncmp(pattern, word, n) == 0 : strcmp(pattern, word) == 0;
}

static void compare(const char *all, struct pair *v, size_t n, bool signatures)
{
    size_t same = 0, differ = 0;
    for (size_t i = 0; i < rpm_nfiles; i++) {
        const char *theirs = theirs_of(all, rpm_files[i]), *ours = ours_of(rpm_files[i], signatures);
        size_t k = 0;
        while (k < n && !(strcmp(v[k].theirs, theirs) == 0 && fits(v[k].ours, ours)))
            k++;
        if (k == n) {
            printf("%s: rpmkeys `%s', we `%s'\n", rpm_files[i], theirs, ours);
            test_failed_here = 1;
            continue;
        }
        v[k].seen++;
        *(v[k].why != NULL ? &differ : &same) += 1;
    }
    for (size_t k = 0; k < n; k++) {
        printf("%5zu rpmkeys `%s', we `%s'%s%s\n", v[k].seen, v[k].theirs, v[k].ours, v[k].why ? ": " : "",
               v[k].why ? v[k].why : "");
        CHECK(v[k].seen > 0);
    }
    printf("%zu packages%s: %zu as rpmkeys, %zu differ for a reason\n", rpm_nfiles,
           signatures ? "" : " without signatures", same, differ);
}

static void import_keys(void)
{
    AUTO_BUF ignored = {0}, command = {0};
    nftw(test_data(), add_key, 16, FTW_PHYS);
    buf_printf(&command, "rpmkeys --dbpath '%s' --import", in_scratch("db"));
    rpm_files_run(buf_c(&command), (const char *const *)key_files, nkey_files, &ignored);
    printf("%zu of %zu files have keys, %zu certificates\n", nkeys_read, nkey_files,
           openpgp_keyring_count(real.ring));
    for (size_t i = 0; i < nkey_files; i++)
        free(key_files[i]);
    free(key_files);
}

static void agrees_with_rpmkeys(void)
{
    AUTO_BUF with = {0}, without = {0}, command = {0};
    if (system("command -v rpmkeys >/dev/null") != 0)
        SKIP("no rpmkeys");
    if (rpm_nfiles == 0)
        SKIP("no packages in the test data");
    real.ring = openpgp_keyring_new();
    import_keys();
    buf_printf(&command, "rpmkeys --dbpath '%s' -K", in_scratch("db"));
    rpm_files_run(buf_c(&command), (const char *const *)rpm_files, rpm_nfiles, &with);
    buf_puts(&command, " --nosignature");
    rpm_files_run(buf_c(&command), (const char *const *)rpm_files, rpm_nfiles, &without);
    compare(buf_c(&with), pairs, sizeof pairs / sizeof *pairs, true);
    compare(buf_c(&without), plain_pairs, sizeof plain_pairs / sizeof *plain_pairs, false);
    openpgp_keyring_free(real.ring);
    buf_free(&real.words);
}

static void make_keys(void)
{
    AUTO_BUF ring = {0};
    struct err e;
    const struct make_sig self = {.created = T0, .flags = 3, .hash = SHA256};
    known = make_key("p256", T0);
    second = make_key("ed25519", T0);
    stranger = make_key("p256", T0);
    make_primary(&ring, &known);
    make_uid(&ring, &known, &known, self);
    make_primary(&ring, &second);
    make_uid(&ring, &second, &second, self);
    keys.ring = openpgp_keyring_new();
    if (openpgp_keyring_add(keys.ring, "test", buf_view(&ring), &e) < 0)
        abort();
}

int main(void)
{
    scratch_new();
    make_keys();
    rpm_files_find();
    RUN(signatures);
    RUN(unsigned_index);
    RUN(digests);
    RUN(changed_bytes);
    RUN(tags_of_wrong_types);
    RUN(another_package);
    RUN(agrees_with_rpmkeys);
    openpgp_keyring_free(keys.ring);
    buf_free(&keys.words);
    make_key_free(&known);
    make_key_free(&second);
    make_key_free(&stranger);
    rpm_files_free();
    scratch_remove();
    return test_done();
}
