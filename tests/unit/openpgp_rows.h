/* The table of openpgp_test.c: stored signed files, and where we differ from gpgv, why. */
// clang-format off
#define NOW         INT64_C(1795500000) /* 2026-11-24, when the data was gathered */
#define RELEASE     "openpgp/debian-release/"
#define DEBIAN_KEYS "openpgp/keyrings/debian-archive-keyring/"
#define DEBIAN      DEBIAN_KEYS "usr/share/keyrings/debian-archive-keyring.gpg"
#define DEBIAN_OLD  DEBIAN_KEYS "usr/share/keyrings/debian-archive-removed-keys.gpg"
#define UBUNTU_KEYS "openpgp/keyrings/ubuntu-keyring/usr/share/keyrings/"
#define MINIOS      "openpgp/thirdparty-apt/minios/"
#define MINIOS_KEY  MINIOS "minios-linux.asc"
#define TI          "openpgp/thirdparty-apt/ti-debpkgs/"
#define TI_KEY      TI "ti-debpkgs.gpg.key"
#define DPKG        "openpgp/dpkg/"
#define LIBREPO     "openpgp/librepo/"
#define RNP         "openpgp/rnp/"
#define RNP_SIGS    RNP "test_stream_signatures/"
#define RNP_KEYS    RNP "test_key_validity/"
#define RNP_ARMOR   RNP "test_stream_armor/"
#define RPGP        "openpgp/rpgp/rfc9580/"
#define REPO_YUM    "repomd/librepo/test_data/repo_yum_01/repodata/"
#define YUM_MOCK    "repomd/librepo/python/tests/servermock/yum_mock/static/01/repodata/"
#define EXPIRED     "repomd/librepo/test_data/expired_test/"
#define ZYPP        "repomd/opensuse-libzypp/11.0-update/repodata/"
#define EMPTY       "repomd/signed-empty/"
#define EVIL        "evil/dpkg-control/"

#define FIRST_BAD  "gpgv stops at the first bad signature; we report them all"
#define FIRST_ONLY "gpgv looks at the first of several standalone signatures only; we report them all"
#define SHA1_SELF  "gpgv applies --weak-digest to self-signatures too, we accept SHA1 there (openpgp_crypto.c says why)"
#define LABEL      "a revocation in the armor of a key block: gpgv ignores labels, we want a SIGNATURE block"
#define COMPRESSED "compressed messages are refused: 5 KB here that unpack to 4 GB, on which gpgv spends ten seconds"
#define NOT_ASKED  ""
#define V6         "gpgv 2.2 drops version 6 signatures; we report that they are not supported"
#define CLOCK      "the row's clock stands in 2023, before the key's binding; gpgv has no clock to set"

enum how { CLEAR, DETACHED, INLINE };

struct row {
    const char *file;
    enum how how;
    const char *data; /* of a detached signature */
    const char *keys; /* keyring; NULL: an empty one */
    int64_t now;
    const char *crypto, *policy; /* a word per signature; "none", "-": refused before any signature was looked at */
    const char *gpgv, *why;      /* where gpgv's words are others: which (or NOT_ASKED), and why */
};

static const struct row rows[] = {
    {RELEASE "bookworm-security/InRelease", CLEAR, NULL, DEBIAN, NOW, "good good", "ok ok", NULL, NULL},
    {RELEASE "bookworm-security/Release.gpg", DETACHED, RELEASE "bookworm-security/Release", DEBIAN, NOW, "bad bad", "- -", "bad", FIRST_BAD},
    {RELEASE "bookworm-updates/InRelease", CLEAR, NULL, DEBIAN, NOW, "good good", "ok ok", NULL, NULL},
    {RELEASE "bookworm-updates/Release.gpg", DETACHED, RELEASE "bookworm-updates/Release", DEBIAN, NOW, "bad bad", "- -", "bad", FIRST_BAD},
    {RELEASE "bookworm/InRelease", CLEAR, NULL, DEBIAN, NOW, "good good good", "ok ok ok", NULL, NULL},
    {RELEASE "bookworm/Release.gpg", DETACHED, RELEASE "bookworm/Release", DEBIAN, NOW, "good good good", "ok ok ok", NULL, NULL},
    {RELEASE "sid/InRelease", CLEAR, NULL, DEBIAN, NOW, "good good", "ok ok", NULL, NULL},
    {RELEASE "sid/Release.gpg", DETACHED, RELEASE "sid/Release", DEBIAN, NOW, "good good", "ok ok", NULL, NULL},
    {RELEASE "trixie/InRelease", CLEAR, NULL, DEBIAN, NOW, "good good good", "ok ok ok", NULL, NULL},
    {RELEASE "trixie/Release.gpg", DETACHED, RELEASE "trixie/Release", DEBIAN, NOW, "good good good", "ok ok ok", NULL, NULL},
    {MINIOS "bionic/InRelease", CLEAR, NULL, MINIOS_KEY, NOW, "good", "ok", NULL, NULL},
    {MINIOS "bionic/Release.gpg", DETACHED, MINIOS "bionic/Release", MINIOS_KEY, NOW, "good", "ok", NULL, NULL},
    {MINIOS "bookworm/InRelease", CLEAR, NULL, MINIOS_KEY, NOW, "good", "ok", NULL, NULL},
    {MINIOS "bookworm/Release.gpg", DETACHED, MINIOS "bookworm/Release", MINIOS_KEY, NOW, "good", "ok", NULL, NULL},
    {MINIOS "jammy/InRelease", CLEAR, NULL, MINIOS_KEY, NOW, "good", "ok", NULL, NULL},
    {MINIOS "jammy/Release.gpg", DETACHED, MINIOS "jammy/Release", MINIOS_KEY, NOW, "good", "ok", NULL, NULL},
    {MINIOS "noble/InRelease", CLEAR, NULL, MINIOS_KEY, NOW, "good", "ok", NULL, NULL},
    {MINIOS "noble/Release.gpg", DETACHED, MINIOS "noble/Release", MINIOS_KEY, NOW, "good", "ok", NULL, NULL},
    {MINIOS "trixie/InRelease", CLEAR, NULL, MINIOS_KEY, NOW, "good", "ok", NULL, NULL},
    {MINIOS "trixie/Release.gpg", DETACHED, MINIOS "trixie/Release", MINIOS_KEY, NOW, "good", "ok", NULL, NULL},
    {TI "bookworm/InRelease", CLEAR, NULL, TI_KEY, NOW, "good", "ok", NULL, NULL},
    {TI "bookworm/Release.gpg", DETACHED, TI "bookworm/Release", TI_KEY, NOW, "good", "ok", NULL, NULL},
    {TI "jammy/InRelease", CLEAR, NULL, TI_KEY, NOW, "good", "ok", NULL, NULL},
    {TI "jammy/Release.gpg", DETACHED, TI "jammy/Release", TI_KEY, NOW, "good", "ok", NULL, NULL},
    {TI "noble/InRelease", CLEAR, NULL, TI_KEY, NOW, "good", "ok", NULL, NULL},
    {TI "noble/Release.gpg", DETACHED, TI "noble/Release", TI_KEY, NOW, "good", "ok", NULL, NULL},
    {TI "trixie/InRelease", CLEAR, NULL, TI_KEY, NOW, "good", "ok", NULL, NULL},
    {TI "trixie/Release.gpg", DETACHED, TI "trixie/Release", TI_KEY, NOW, "good", "ok", NULL, NULL},
    {DPKG "sign-file.sig", DETACHED, DPKG "sign-file", DPKG "dpkg-test-pub.asc", NOW, "good", "ok", NULL, NULL},
    {DPKG "sign-file.asc", DETACHED, DPKG "sign-file", DPKG "dpkg-test-pub.asc", NOW, "good", "ok", NULL, NULL},
    {DPKG "sign-file-inline.asc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "good", "ok", NULL, NULL},
    {DPKG "sign-file-inline.sig", INLINE, NULL, DPKG "dpkg-test-pub.asc", NOW, "good", "ok", NULL, NULL},
    {DPKG "bogus-armor-double.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {DPKG "bogus-armor-formfeed.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {DPKG "bogus-armor-inline.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {DPKG "bogus-armor-nested.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {DPKG "bogus-armor-no-sig.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {DPKG "bogus-armor-spaces.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {DPKG "bogus-armor-trail.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {DPKG "bogus-unsigned.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {EVIL "bogus-armor-double.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {EVIL "bogus-armor-formfeed.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {EVIL "bogus-armor-inline.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {EVIL "bogus-armor-nested.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {EVIL "bogus-armor-no-sig.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {EVIL "bogus-armor-spaces.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {EVIL "bogus-armor-trail.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {EVIL "bogus-unsigned.dsc", CLEAR, NULL, DPKG "dpkg-test-pub.asc", NOW, "none", "-", NULL, NULL},
    {LIBREPO "repomd.xml.asc", DETACHED, REPO_YUM "repomd.xml", LIBREPO "repomd.xml.key", NOW, "good", "ok", NULL, NULL},
    {LIBREPO "repomd.xml.asc.bad", DETACHED, REPO_YUM "repomd.xml", LIBREPO "repomd.xml.key", NOW, "unknown", "-", NULL, NULL},
    {LIBREPO "test_data.txt.asc", DETACHED, LIBREPO "test_data.txt", LIBREPO "expired_key.asc", NOW, "good", "key-expired", NULL, NULL},
    {REPO_YUM "repomd.xml.asc", DETACHED, REPO_YUM "repomd.xml", REPO_YUM "repomd.xml.key", NOW, "good", "ok", NULL, NULL},
    {REPO_YUM "repomd.xml.asc", DETACHED, REPO_YUM "repomd.xml", REPO_YUM "repomd.xml.key.asc", NOW, "good", "ok", NULL, NULL},
    {REPO_YUM "repomd.xml.asc", DETACHED, REPO_YUM "repomd.xml_bad", REPO_YUM "repomd.xml.key.asc", NOW, "bad", "-", NULL, NULL},
    {REPO_YUM "repomd.xml_bad.sig", DETACHED, REPO_YUM "repomd.xml", REPO_YUM "repomd.xml_bad.key.asc", NOW, "bad", "-", "bad-key", SHA1_SELF},
    {YUM_MOCK "repomd.xml.asc", DETACHED, YUM_MOCK "repomd.xml", YUM_MOCK "repomd.xml.key", NOW, "good", "ok", NULL, NULL},
    {YUM_MOCK "repomd.xml.asc.bad", DETACHED, YUM_MOCK "repomd.xml", YUM_MOCK "repomd.xml.key", NOW, "unknown", "-", NULL, NULL},
    {EXPIRED "test_data.txt.asc", DETACHED, EXPIRED "test_data.txt", EXPIRED "expired_key.asc", NOW, "good", "key-expired", NULL, NULL},
    {EMPTY "repomd.xml.asc", DETACHED, EMPTY "repomd.xml", EMPTY "repomd.xml.key", NOW, "good", "key-expired", "bad-key", SHA1_SELF},
    {ZYPP "repomd.xml.asc", DETACHED, ZYPP "repomd.xml", ZYPP "repomd.xml.key", NOW, "good", "key-expired", "bad-key", SHA1_SELF},
    {RNP_SIGS "source.txt.sig", DETACHED, RNP_SIGS "source.txt", RNP_SIGS "pub.asc", NOW, "good", "ok", NULL, NULL},
    {RNP_SIGS "source.txt.sig", DETACHED, RNP_SIGS "source_forged.txt", RNP_SIGS "pub.asc", NOW, "bad", "-", NULL, NULL},
    {RNP_SIGS "source.txt.sig.asc", DETACHED, RNP_SIGS "source.txt", RNP_SIGS "pub.asc", NOW, "good", "ok", NULL, NULL},
    {RNP_SIGS "source.txt.sig.asc", DETACHED, RNP_SIGS "source_forged.txt", RNP_SIGS "pub.asc", NOW, "bad", "-", NULL, NULL},
    {RNP_SIGS "source.txt.text.sig", DETACHED, RNP_SIGS "source.txt", RNP_SIGS "pub.asc", NOW, "good", "ok", NULL, NULL},
    {RNP_SIGS "source.txt.text.sig", DETACHED, RNP_SIGS "source_forged.txt", RNP_SIGS "pub.asc", NOW, "bad", "-", NULL, NULL},
    {RNP_SIGS "source.txt.asc", CLEAR, NULL, RNP_SIGS "pub.asc", NOW, "good", "ok", NULL, NULL},
    {RNP_SIGS "source.txt.asc.asc", CLEAR, NULL, RNP_SIGS "pub.asc", NOW, "good", "ok", NULL, NULL},
    {RNP_SIGS "signature-timestamp.asc", DETACHED, RNP_SIGS "source.txt", RNP_SIGS "pub.asc", NOW, "unsupported", "-", NULL, NULL},
    {RNP_SIGS "revoked-key-sig.gpg", DETACHED, RNP_SIGS "source.txt", RNP_SIGS "pub.asc", NOW, "unsupported", "-", NULL, NULL},
    {RNP_KEYS "case8/message.txt.asc", CLEAR, NULL, RNP_KEYS "case8/pubring.gpg", NOW, "good good", "key-not-valid key-not-valid", NULL, NULL},
    {RNP_KEYS "alice-cert.pgp", DETACHED, RNP_SIGS "source.txt", RNP_KEYS "alice-pub.asc", NOW, "unsupported", "-", NULL, NULL},
    {RNP_KEYS "alice-rev.pgp", DETACHED, RNP_SIGS "source.txt", RNP_KEYS "alice-pub.asc", NOW, "none", "-", "unsupported", LABEL},
    {RNP_KEYS "alice-revoker-sig.asc", DETACHED, RNP_SIGS "source.txt", RNP_KEYS "alice-pub.asc", NOW, "unsupported", "-", NULL, NULL},
    {RNP_KEYS "alice-revoker-sig.pgp", DETACHED, RNP_SIGS "source.txt", RNP_KEYS "alice-pub.asc", NOW, "unsupported", "-", NULL, NULL},
    {RNP_KEYS "alice-sigs.asc", DETACHED, RNP_SIGS "source.txt", RNP_KEYS "alice-pub.asc", NOW, "unsupported unsupported", "- -", "unsupported", FIRST_ONLY},
    {RNP_KEYS "alice-sigs.pgp", DETACHED, RNP_SIGS "source.txt", RNP_KEYS "alice-pub.asc", NOW, "unsupported unsupported", "- -", "unsupported", FIRST_ONLY},
    {RNP_KEYS "alice-sigs-malf.pgp", DETACHED, RNP_SIGS "source.txt", RNP_KEYS "alice-pub.asc", NOW, "unsupported unsupported", "- -", "unsupported", FIRST_ONLY},
    {RNP "test_repgp/signed.gpg", INLINE, NULL, NULL, NOW, "unknown", "-", NULL, NULL},
    {RNP "test_repgp/encrypted_text.gpg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RNP "test_large_packet/4g.bzip2.gpg", INLINE, NULL, NULL, NOW, "none", "-", NOT_ASKED, COMPRESSED},
    {RNP "test_stream_verification/verify_encrypted_no_key.pgp", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RNP_ARMOR "misc_headers.asc", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RNP_ARMOR "message_64k_oneline.asc", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RNP_ARMOR "64k_whitespace_before_armored_message.asc", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RNP_ARMOR "too_short_header.asc", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v4-ed25519-x25519/csf.msg", CLEAR, NULL, NULL, NOW, "unknown", "-", NULL, NULL},
    {RPGP "v4-ed25519-x25519/enc-seipdv1.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v4-ed25519-x25519/enc-seipdv2.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v4-legacy/enc-seipdv2.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v4-nistp/enc-seipdv2.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v4-rsa/enc-seipdv2.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v6-25519-annex-a-4/csf.msg", CLEAR, NULL, NULL, NOW, "unsupported", "-", "none", V6},
    {RPGP "v6-25519-annex-a-4/enc-seipdv1.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v6-25519-annex-a-4/enc-seipdv2.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v6-ed25519-x448/csf.msg", CLEAR, NULL, NULL, NOW, "unsupported", "-", "none", V6},
    {RPGP "v6-ed25519-x448/enc-seipdv1.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v6-ed25519-x448/enc-seipdv2.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v6-ed448-x448/csf.msg", CLEAR, NULL, NULL, NOW, "unsupported", "-", "none", V6},
    {RPGP "v6-ed448-x448/enc-seipdv1.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v6-ed448-x448/enc-seipdv2.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v6-legacy_illegal/csf.msg", CLEAR, NULL, NULL, NOW, "unsupported", "-", "none", V6},
    {RPGP "v6-legacy_illegal/enc-seipdv2.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v6-nistp/csf.msg", CLEAR, NULL, NULL, NOW, "unsupported", "-", "none", V6},
    {RPGP "v6-nistp/enc-seipdv1.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v6-nistp/enc-seipdv2.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v6-rsa/csf.msg", CLEAR, NULL, NULL, NOW, "unsupported", "-", "none", V6},
    {RPGP "v6-rsa/enc-seipdv1.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {RPGP "v6-rsa/enc-seipdv2.msg", INLINE, NULL, NULL, NOW, "none", "-", NULL, NULL},
    {EMPTY "repomd.xml.asc", DETACHED, EMPTY "repomd.xml", EMPTY "repomd.xml.key", 1631807458, "good", "ok", "bad-key", SHA1_SELF},
    {ZYPP "repomd.xml.asc", DETACHED, ZYPP "repomd.xml", ZYPP "repomd.xml.key", 1224755538, "good", "weak-digest", "bad-key", SHA1_SELF},
    {LIBREPO "test_data.txt.asc", DETACHED, LIBREPO "test_data.txt", LIBREPO "expired_key.asc", 3000, "good", "ok", NULL, NULL},
    {RELEASE "bookworm/InRelease", CLEAR, NULL, UBUNTU_KEYS "ubuntu-archive-keyring.gpg", NOW, "unknown unknown unknown", "- - -", NULL, NULL},
    {RELEASE "bookworm/InRelease", CLEAR, NULL, DEBIAN_KEYS "etc/apt/trusted.gpg.d/debian-archive-bookworm-stable.asc", NOW, "unknown unknown good", "- - ok", NULL, NULL},
    {RELEASE "bookworm/InRelease", CLEAR, NULL, DEBIAN, 1700000000, "good good good", "sig-future key-not-valid sig-future", "good good good", CLOCK},
    {RELEASE "bookworm/InRelease", CLEAR, NULL, DEBIAN, 2100000000, "good good good", "key-expired key-expired key-expired", NULL, NULL},
    {RELEASE "bookworm/InRelease", CLEAR, NULL, DEBIAN_OLD, NOW, "unknown unknown unknown", "- - -", NULL, NULL},
    {DPKG "sign-file.asc", DETACHED, DPKG "Dpkg_OpenPGP.t", DPKG "dpkg-test-pub.asc", NOW, "bad", "-", NULL, NULL},
};
// clang-format on
