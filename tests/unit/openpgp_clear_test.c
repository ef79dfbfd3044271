/* The frames around signatures: cleartext messages, armor, inline messages; what is refused, and what text
 * comes out. */
#include "tests/unit/openpgp_gpgv.h"
#include "tests/unit/openpgp_make.h"

#define T0  INT64_C(1600000000)
#define NOW (T0 + 86400)

static struct make_key key;
static struct openpgp_keyring *ring;
static struct buf ring_bytes;
static bool have_gpgv;

static void set_up(void)
{
    struct err e = {0};
    key = make_key("ed25519-legacy", T0);
    make_primary(&ring_bytes, &key);
    make_uid(&ring_bytes, &key, &key, (struct make_sig){.created = T0, .flags = 3});
    ring = openpgp_keyring_new();
    if (openpgp_keyring_add(ring, "ring", buf_view(&ring_bytes), &e) < 0)
        abort();
}

static void tear_down(void)
{
    openpgp_keyring_free(ring);
    buf_free(&ring_bytes);
    make_key_free(&key);
    gpgv_clean();
}

static void sign(struct buf *out, unsigned type, struct str canonical)
{
    make_sig(out, &key, (struct make_sig){.type = type, .created = T0 + 60}, canonical);
}

/* head, text as it stands in the file, an armored text signature over canonical, tail. */
static void clear_message(struct buf *out, const char *head, const char *text, const char *canonical,
                          const char *tail)
{
    AUTO_BUF sig = {0};
    sign(&sig, OPENPGP_TYPE_TEXT, str_c(canonical));
    buf_puts(out, head);
    buf_puts(out, text);
    make_armor(out, "SIGNATURE", buf_view(&sig));
    buf_puts(out, tail);
}

#define HEAD "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"

/* Trusted, with this text. */
static void clear_good(const char *head, const char *text, const char *canonical, const char *tail,
                       const char *body)
{
    AUTO_BUF message = {0}, got = {0}, theirs = {0};
    struct err e = {0};
    clear_message(&message, head, text, canonical, tail);
    int r = openpgp_verify_clear(ring, buf_view(&message), NOW, &got, NULL, &e);
    if (r < 0)
        CHECK_STR(e.msg, "");
    CHECK_STR(buf_c(&got), body);
    if (have_gpgv) {
        gpgv_verdicts(buf_view(&ring_bytes), buf_view(&message), NULL, true, &theirs);
        CHECK_STR(buf_c(&theirs), "good");
    }
}

static void clear_bad(const char *head, const char *text, const char *canonical, const char *tail,
                      const char *why)
{
    AUTO_BUF message = {0}, got = {0};
    struct err e = {0};
    clear_message(&message, head, text, canonical, tail);
    CHECK(openpgp_verify_clear(ring, buf_view(&message), NOW, &got, NULL, &e) < 0);
    CHECK(e.class == ERR_TRUST && got.n == 0);
    if (strstr(e.msg, why) == NULL)
        CHECK_STR(e.msg, why);
}

static void clear_canonical_text(void)
{
    clear_good(HEAD, "one\ntwo\n", "one\r\ntwo", "", "one\ntwo\n");
    clear_good(HEAD, "one\r\ntwo\r\n", "one\r\ntwo", "", "one\ntwo\n");
    clear_good(HEAD, "one \t\ntwo  \r\n", "one\r\ntwo", "", "one\ntwo\n");
    clear_good(HEAD, "  one\n\n\ntwo\n\n", "  one\r\n\r\n\r\ntwo\r\n", "", "  one\n\n\ntwo\n\n");
    clear_good(HEAD, "- -----BEGIN PGP SIGNATURE-----\n- - x\n- From me\n",
               "-----BEGIN PGP SIGNATURE-----\r\n- x\r\nFrom me", "",
               "-----BEGIN PGP SIGNATURE-----\n- x\nFrom me\n");
    clear_good(HEAD, "- \n", "", "", "\n");
    clear_good(HEAD, "a\rb\n", "a\rb", "", "a\rb\n");
    clear_good(HEAD, "one\n", "one", "\n \n\t\n", "one\n");
    clear_good("-----BEGIN PGP SIGNED MESSAGE-----  \r\nHash: SHA512, SHA256\r\nHash: SHA1\r\n \t\r\n",
               "one\r\n", "one", "", "one\n");
    clear_good(HEAD, "", "", "", "");
}

static void clear_refused(void)
{
    clear_bad(HEAD, "one\ntwo \n", "one\r\ntwo ", "", "wrong signature by a key of the keyring");
    clear_bad(HEAD, "one\ntw0\n", "one\r\ntwo", "", "wrong signature by a key of the keyring");
    clear_bad("x\n" HEAD, "one\n", "one", "", "the first line must be");
    clear_bad("\n" HEAD, "one\n", "one", "", "the first line must be");
    clear_bad(" " HEAD, "one\n", "one", "", "the first line must be");
    clear_bad("", "one\n", "one", "", "the first line must be");
    clear_bad(HEAD, "one\n", "one", "x", "text behind the signature");
    clear_bad(HEAD, "one\n", "one", "\n" HEAD "two\n", "text behind the signature");
    clear_bad(HEAD, "one\n-two\n", "one\r\n-two", "", "unescaped dash");
    clear_bad(HEAD, "-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\none\n", "one", "",
              "text behind");
    clear_bad(HEAD, "-----BEGIN PGP MESSAGE-----\none\n", "one", "", "another block");
    clear_bad("-----BEGIN PGP SIGNED MESSAGE-----\nSuite: evil\n\n", "one\n", "one", "",
              "a header other than Hash");
    clear_bad("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\nNotDashEscaped: yes\n\n", "one\n", "one", "",
              "a header other than Hash");
    clear_bad("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256; x\n\n", "one\n", "one", "",
              "a header other than Hash");
    clear_bad("-----BEGIN PGP SIGNED MESSAGE-----\n", "one\n", "one", "", "a header other than Hash");
}

/* Only text signatures cover a cleartext message. */
static void clear_binary_signature(void)
{
    AUTO_BUF message = {0}, sig = {0}, body = {0};
    struct openpgp_report rep = {0};
    struct err e = {0};
    sign(&sig, OPENPGP_TYPE_BINARY, STR("one"));
    buf_puts(&message, HEAD "one\n");
    make_armor(&message, "SIGNATURE", buf_view(&sig));
    CHECK(openpgp_verify_clear(ring, buf_view(&message), NOW, &body, &rep, &e) < 0);
    CHECK(rep.n == 1 && rep.sigs[0].crypto == OPENPGP_UNSUPPORTED);
    openpgp_report_free(&rep);
    CHECK(openpgp_clear_text(buf_view(&message), &body, &e) == 0);
    CHECK_STR(buf_c(&body), "one\n");
}

static void report_and_message(void)
{
    AUTO_BUF sig = {0};
    struct openpgp_keyring *empty = openpgp_keyring_new();
    struct openpgp_report rep = {0};
    struct err e = {0};
    char want[128];
    const uint8_t *id = key.read.id;
    sign(&sig, OPENPGP_TYPE_BINARY, STR("one"));
    CHECK(openpgp_verify_detached(ring, STR("one"), buf_view(&sig), NOW, &rep, &e) == 0);
    CHECK(rep.n == 1 && rep.sigs[0].created == T0 + 60 && rep.sigs[0].digest == DIGEST_SHA256);
    CHECK(memcmp(rep.sigs[0].key_id, id, 8) == 0 && rep.sigs[0].fingerprint_len == 20 &&
          rep.sigs[0].primary_len == 20);
    CHECK(memcmp(rep.sigs[0].fingerprint, key.read.fpr, 20) == 0 &&
          memcmp(rep.sigs[0].primary, key.read.fpr, 20) == 0);
    openpgp_report_free(&rep);
    CHECK(openpgp_verify_detached(empty, STR("one"), buf_view(&sig), NOW, NULL, &e) < 0);
    snprintf(want, sizeof want, "not signed by a trusted key: %02X%02X%02X%02X%02X%02X%02X%02X unknown",
             id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7]);
    CHECK_STR(e.msg, want);
    CHECK(openpgp_verify_detached(ring, STR("one"), STR(""), NOW, NULL, &e) < 0);
    CHECK(openpgp_verify_detached(ring, STR("one"), STR("<html>not found</html>"), NOW, NULL, &e) < 0);
    CHECK_STR(e.msg, "no PGP SIGNATURE, binary or armored");
    openpgp_keyring_free(empty);
}

/* An armored block with one thing changed; good: it still verifies. */
static void armor(void)
{
    AUTO_BUF sig = {0}, plain = {0};
    struct err e = {0};
    sign(&sig, OPENPGP_TYPE_BINARY, STR("one"));
    make_armor(&plain, "SIGNATURE", buf_view(&sig));
    const struct {
        const char *before, *after;
        bool cut_first_line, good;
    } rows[] = {
        {"", "", false, true},
        {"\n\n", "\n\n", false, true},
        {"text\n", "", false, false},
        {"", "text\n", false, false},
        {"-----BEGIN PGP SIGNATURE-----\nVersion: x\nComment: a: b\n", "", true, true},
        {"-----BEGIN PGP SIGNATURE-----\nno header\n", "", true, false},
        {"-----BEGIN PGP MESSAGE-----\n", "", true, false},
        {"-----BEGIN PGP SIGNATURE----\n", "", true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_BUF all = {0};
        struct str rest = buf_view(&plain), line;
        if (rows[i].cut_first_line)
            str_line(&rest, &line);
        buf_puts(&all, rows[i].before);
        buf_str(&all, rest);
        buf_puts(&all, rows[i].after);
        CHECK((openpgp_verify_detached(ring, STR("one"), buf_view(&all), NOW, NULL, &e) == 0) ==
              rows[i].good);
    }
    make_armor(&plain, "SIGNATURE", buf_view(&sig)); /* a second block */
    CHECK(openpgp_verify_detached(ring, STR("one"), buf_view(&plain), NOW, NULL, &e) == 0);
}

static void literal(struct buf *out, struct str text)
{
    AUTO_BUF body = {0};
    buf_add(&body, "b\0\0\0\0\0", 6);
    buf_str(&body, text);
    make_packet(out, OPENPGP_TAG_LITERAL, buf_view(&body));
}

static void one_pass(struct buf *out, unsigned last)
{
    AUTO_BUF body = {0};
    make_num(&body, 3, 1);
    make_num(&body, 0, 1);
    make_num(&body, SHA256, 1);
    make_num(&body, 22, 1);
    buf_add(&body, key.read.id, 8);
    make_num(&body, last, 1);
    make_packet(out, OPENPGP_TAG_ONE_PASS, buf_view(&body));
}

/* Builds from a recipe: o one-pass (last), p one-pass (more follow), l literal, s signature, z compressed, m
 * marker, x unknown. */
static void inline_case(const char *recipe, bool good)
{
    AUTO_BUF message = {0}, body = {0}, theirs = {0};
    struct err e = {0};
    for (const char *c = recipe; *c != '\0'; c++) {
        if (*c == 'o' || *c == 'p')
            one_pass(&message, *c == 'o');
        else if (*c == 'l')
            literal(&message, STR("some text\n"));
        else if (*c == 's')
            sign(&message, OPENPGP_TYPE_BINARY, STR("some text\n"));
        else if (*c == 'z')
            make_packet(&message, OPENPGP_TAG_COMPRESSED, STR("\0abc"));
        else if (*c == 'm')
            make_packet(&message, OPENPGP_TAG_MARKER, STR("PGP"));
        else
            make_packet(&message, 60, STR("x"));
    }
    int r = openpgp_verify_inline(ring, buf_view(&message), NOW, &body, NULL, &e);
    if ((r == 0) != good)
        printf("%s: %s\n", recipe, e.msg);
    CHECK((r == 0) == good);
    CHECK_STR(buf_c(&body), good ? "some text\n" : "");
    if (good && have_gpgv) {
        gpgv_verdicts(buf_view(&ring_bytes), buf_view(&message), NULL, true, &theirs);
        CHECK(pgp_has_word(buf_c(&theirs), "good"));
    }
}

static void inline_messages(void)
{
    inline_case("ols", true);
    inline_case("polss", true);
    inline_case("sl", true);
    inline_case("mols", true);
    inline_case("ol", false);
    inline_case("ls", false);
    inline_case("l", false);
    inline_case("s", false);
    inline_case("oolss", false); /* nested */
    inline_case("pls", false);
    inline_case("ollss", false);
    inline_case("olsl", false);
    inline_case("slz", false);
    inline_case("z", false);
    inline_case("olsx", false);
    inline_case("", false);
}

/* A literal packet in partial lengths, as gpg writes what it streams. */
static void inline_partial(void)
{
    AUTO_BUF message = {0}, text = {0}, body = {0}, armored = {0};
    struct err e = {0};
    for (int i = 0; i < 600; i++)
        buf_putc(&text, (char)('a' + i % 26));
    one_pass(&message, 1);
    make_num(&message, 0xc0 | OPENPGP_TAG_LITERAL, 1);
    make_num(&message, 0xe0 | 9, 1); /* 512 bytes, more follow */
    buf_add(&message, "b\0\0\0\0\0", 6);
    buf_add(&message, text.p, 506);
    make_num(&message, 600 - 506, 1);
    buf_add(&message, text.p + 506, 600 - 506);
    sign(&message, OPENPGP_TYPE_BINARY, buf_view(&text));
    CHECK(openpgp_verify_inline(ring, buf_view(&message), NOW, &body, NULL, &e) == 0);
    CHECK(str_eq(buf_view(&body), buf_view(&text)));
    make_armor(&armored, "MESSAGE", buf_view(&message));
    buf_clear(&body);
    CHECK(openpgp_verify_inline(ring, buf_view(&armored), NOW, &body, NULL, &e) == 0);
    CHECK(str_eq(buf_view(&body), buf_view(&text)));
}

int main(void)
{
    have_gpgv = gpgv_present();
    if (!have_gpgv)
        printf("skipped - frames_against_gpgv: no gpgv\n");
    set_up();
    RUN(clear_canonical_text);
    RUN(clear_refused);
    RUN(clear_binary_signature);
    RUN(report_and_message);
    RUN(armor);
    RUN(inline_messages);
    RUN(inline_partial);
    tear_down();
    return test_done();
}
