/* Every release, architecture and set of every recipe, against tests/golden/distro/DISTRO-RELEASE.txt. To
   write those anew after a change, for reading in review: ZONESTRAP_GOLDEN=write build/unit/distro_test */
#include "distros/distro.h"

#include "base/auto.h"
#include "base/file.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static int resolve(const char *what, const char *arch, const char *set, struct arena *a, struct release *r,
                   bool *alias, struct err *e)
{
    struct data none = {0};
    struct distro_opts o = {.data = &none, .arch = arch, .set = set};
    *alias = false;
    *e = (struct err){0};
    return distro_resolve(what, &o, a, r, alias, e);
}

static void print_words(struct buf *b, const char *title, const struct distro_words *w)
{
    buf_printf(b, "  %s", title);
    for (size_t i = 0; i < w->n; i++)
        buf_printf(b, " %s", w->v[i]);
    buf_putc(b, '\n');
}

static void print_where(struct buf *b, const struct release *r)
{
    for (size_t i = 0; i < r->nrepos; i++) {
        const struct distro_repo *p = &r->repos[i];
        buf_printf(b, "  repo %s %s %s", p->id, p->mirrors, p->suite);
        for (size_t k = 0; k < p->ncomponents; k++)
            buf_printf(b, " %s", p->components[k]);
        buf_puts(b, p->release ? " (release)\n" : "\n");
        if (p->metalink != NULL)
            buf_printf(b, "    metalink %s\n", p->metalink);
        if (p->mirrorlist != NULL)
            buf_printf(b, "    mirrorlist %s\n", p->mirrorlist);
    }
    if (r->trust != DISTRO_TRUST_SIGNATURE)
        buf_printf(b, "  trust %s\n", r->trust == DISTRO_TRUST_METALINK ? "metalink" : "packages");
    if (r->ship_sources.n > 0)
        print_words(b, "ship-sources", &r->ship_sources);
    if (r->first.n > 0)
        print_words(b, "first", &r->first);
    for (size_t i = 0; i < r->nlayout; i++)
        buf_printf(b, "  link %s %s\n", r->layout[i].path, r->layout[i].text);
}

/* What one architecture gets: places, layout, every set. false: the release does not have it. */
static bool print_arch(struct buf *b, const char *what, const char *arch, const struct distro_info *info)
{
    for (size_t s = 0; s < info->sets.n; s++) {
        AUTO_ARENA a = {0};
        struct release r;
        struct err e;
        bool alias;
        if (resolve(what, arch, info->sets.v[s], &a, &r, &alias, &e) < 0) {
            CHECK(strstr(e.msg, "has no architecture") != NULL);
            return false;
        }
        CHECK(r.nkeys > 0 || r.keys_at[0] != '\0'); /* a user must be able to go on */
        CHECK(!alias && strcmp(r.arch, arch) == 0 && strcmp(r.set_name, info->sets.v[s]) == 0);
        if (s == 0)
            print_where(b, &r);
        buf_printf(b, "  set %s\n", r.set_name);
        print_words(b, "  packages", &r.packages);
        print_words(b, "  prefer", &r.prefer);
    }
    return true;
}

/* Architectures that get the same stand in one line. */
static void print_release(struct buf *b, const char *what, const struct distro_info *info,
                          const char *version)
{
    AUTO_BUF before = {0};
    buf_printf(b, "%s (%s), version \"%s\", format %s\n", what, info->title, version, info->format);
    for (size_t k = 0; k < info->archs.n; k++) {
        AUTO_BUF now = {0};
        if (!print_arch(&now, what, info->archs.v[k], info))
            continue;
        if (before.n == 0 || !str_eq(buf_view(&now), buf_view(&before))) {
            buf_str(b, buf_view(&before));
            buf_puts(b, "arch");
        } else {
            b->n--; /* the line goes on */
        }
        buf_printf(b, " %s\n", info->archs.v[k]);
        buf_clear(&before);
        buf_str(&before, buf_view(&now));
    }
    buf_str(b, buf_view(&before));
}

static void print_keys(struct buf *b, const char *what, const char *arch)
{
    AUTO_ARENA a = {0};
    struct release r;
    struct err e;
    bool alias;
    CHECK(resolve(what, arch, NULL, &a, &r, &alias, &e) == 0);
    for (size_t i = 0; i < r.nkeys; i++)
        buf_printf(b, "key %s, %zu bytes\n", r.keys[i].name, r.keys[i].bytes.n);
    if (r.nkeys == 0)
        buf_printf(b, "no key; published at %s\n", r.keys_at);
}

static void golden(const char *path, struct str got)
{
    AUTO_BUF want = {0};
    struct err e = {0};
    const char *mode = getenv("ZONESTRAP_GOLDEN");
    if (mode != NULL && strcmp(mode, "write") == 0)
        CHECK(file_replace(path, got, 0644, &e) == 0);
    CHECK(file_read(path, 1 << 20, &want, &e) == 0);
    if (!str_eq(buf_view(&want), got)) {
        printf("%s differs from what the recipe gives now:\n%.*s", path, (int)got.n, got.p);
        CHECK(!"golden");
    }
}

static void every_release(void)
{
    AUTO_ARENA a = {0};
    struct data none = {0};
    struct distro_info *info;
    struct err e = {0};
    size_t n;
    CHECK(distro_list(&none, &a, &info, &n, &e) == 0);
    CHECK(n >= 3);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < info[i].releases.n; k++) {
            AUTO_BUF b = {0};
            const char *what = arena_printf(&a, "%s/%s", info[i].name, info[i].releases.v[k]);
            print_release(&b, what, &info[i], info[i].versions.v[k]);
            print_keys(&b, what, "amd64");
            golden(arena_printf(&a, "tests/golden/distro/%s-%s.txt", info[i].name, info[i].releases.v[k]),
                   buf_view(&b));
        }
}

static void names_and_numbers(void)
{
    static const struct {
        const char *what, *name;
        bool alias;
    } rows[] = {
        {"debian/12", "bookworm", false},
        {"debian/unstable", "sid", false},
        {"debian/stable", "stable", true},
        {"debian", "stable", true},
        {"debian/testing", "testing", true},
        {"debian/oldstable", "oldstable", true},
        {"ubuntu/24.04", "noble", false},
        {"ubuntu/26.10", "stonking", false},
        {"ubuntu", "resolute", false},
        {"ubuntu/devel", "devel", true},
        {"devuan/stable", "stable", true},
        {"devuan/5", "daedalus", false},
        {"devuan/unstable", "ceres", false},
        {"centos/7", "7", false},
        {"centos/7.9.2009", "7", false},
        {"centos-stream/stream9", "9", false},
        {"centos-stream/9-stream", "9", false},
        {"opensuse/leap", "16.0", false},
        {"opensuse", "16.0", false},
        {"opensuse/tumbleweed", "tumbleweed", false},
        {"rocky", "10", false},
        {"fedora/rawhide", "rawhide", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_ARENA a = {0};
        struct release r;
        struct err e;
        bool alias;
        CHECK(resolve(rows[i].what, "x86_64", NULL, &a, &r, &alias, &e) == 0);
        CHECK_STR(r.name, rows[i].name);
        CHECK(alias == rows[i].alias);
        if (strcmp(r.format, "deb") == 0)
            CHECK_STR(r.repos[0].suite, rows[i].name);
        CHECK(!alias || (r.nrepos == 1 && r.nkeys > 0));
    }
}

static void architectures(void)
{
    static const char *const rows[][3] = {
        {"x86_64", "amd64", "x86_64"},   {"amd64", "amd64", "x86_64"}, {"i86pc", "amd64", "x86_64"},
        {"aarch64", "arm64", "aarch64"}, {"i586", "i386", "i686"},     {"armv8l", "armhf", "armv7l"},
    };
    static const char *const rpm[][3] = {
        {"x86_64", "x86_64", "x86_64"},    {"amd64", "x86_64", "x86_64"},   {"i86pc", "x86_64", "x86_64"},
        {"aarch64", "aarch64", "aarch64"}, {"arm64", "aarch64", "aarch64"}, {"s390x", "s390x", "s390x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_ARENA a = {0};
        struct release r;
        struct err e;
        bool alias;
        CHECK(resolve("debian/trixie", rows[i][0], NULL, &a, &r, &alias, &e) == 0);
        CHECK_STR(r.arch, rows[i][1]);
        CHECK_STR(r.machine, rows[i][2]);
        CHECK(resolve("rocky/9", rpm[i][0], NULL, &a, &r, &alias, &e) == 0);
        CHECK_STR(r.arch, rpm[i][1]);
        CHECK_STR(r.machine, rpm[i][2]);
    }
}

static void wrong_choices(void)
{
    static const char *const rows[][5] = {
        /* what, architecture, set, message, hint */
        {"debain/trixie", "amd64", NULL, "no recipe for the distribution `debain'",
         "known: almalinux, amazon, centos-stream, centos, debian, devuan, fedora, "},
        {"../debian", "amd64", NULL, "no recipe for the distribution `..'", "known: "},
        {"", "amd64", NULL, "no recipe for the distribution `'", "known: "},
        {"debian/hamm", "amd64", NULL, "distros/debian.distro: the distribution debian has no release `hamm'",
         "bullseye, bookworm, trixie, forky, sid"},
        {"debian/*", "amd64", NULL, "has no release `*'", "bookworm"},
        {"debian/trixie", "vax", NULL, "debian/trixie has no architecture `vax'", "amd64"},
        {"debian/bullseye", "s390x", NULL, "debian/bullseye has no architecture `s390x'",
         "amd64, arm64, armhf, i386"},
        {"debian/trixie", "amd64", "huge", "debian/trixie has no package set `huge'",
         "essential, base, important"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_ARENA a = {0};
        struct release r;
        struct err e;
        bool alias;
        CHECK(resolve(rows[i][0], rows[i][1], rows[i][2], &a, &r, &alias, &e) == -1);
        CHECK(e.class == ERR_USAGE);
        if (strstr(e.msg, rows[i][3]) == NULL)
            CHECK_STR(e.msg, rows[i][3]);
        if (strstr(e.hint, rows[i][4]) == NULL)
            CHECK_STR(e.hint, rows[i][4]);
    }
}

#define HEAD "[distro]\nformat deb\narch x86_64=amd64\nrepo main m {release} main\n"

static void bad_recipes(void)
{
    static const char *const rows[][2] = {
        {"format deb\n", "x.distro:1:1: `format' before any [section]"},
        {"[distro\n", "x.distro:1:1: section heading without `]'"},
        {"[distro]\nfromat deb\n", "x.distro:2:1: unknown keyword `fromat' in [distro]"},
        {"[distro]\n  packages a\n", "x.distro:2:3: `packages' does not belong into [distro]"},
        {"[flavour x]\n", "x.distro:1:1: unknown section [flavour]"},
        {"[set]\npackages a\n", "x.distro:1:1: [set] needs a name"},
        {"[layout x]\n", "x.distro:1:1: [layout] takes no name"},
        {"[layout colour=red]\n", "x.distro:1:1: [layout] has no qualifier `colour'"},
        {"[distro]\nformat deb rpm\n", "x.distro:2:8: `format' takes 1 word, not 2"},
        {"[distro]\nrepo main m\n", "x.distro:2:6: `repo' needs 3 words at least, not 2"},
        {"[distro]\nformat deb\nformat deb\n",
         "x.distro:3:1: `format' stands in this section already, in line 2"},
        {"[distro]\nrepo main m {suite} c\n", "x.distro:2:13: unknown variable {suite}"},
        {"[distro]\nrepo main m {release c\n", "x.distro:2:13: unknown variable {release c}"},
        {"[distro]\nlike nothing\n", "x.distro:2:6: no recipe for the distribution `nothing'"},
        {"[distro]\nlike x/../debian\n", "x.distro:2:6: no recipe for the distribution `x/../debian'"},
        {"[distro]\ntitle A\narch x=x\n[release 1]\n[set base]\npackages a\n",
         "x.distro: [distro] has no `format'"},
        {HEAD "[set base]\npackages a\n", "x.distro: the recipe has no [release NAME]"},
        {HEAD "[release 1]\n", "x.distro: the recipe has no package set"},
        {HEAD "[release 1]\n[set base]\n", "x.distro: the package set base of x/1 has no `packages' line"},
        {HEAD "arch amd64\n[release 1]\n[set base]\npackages a\n",
         "x.distro:5:6: `amd64' is no MACHINE=ARCH"},
        {HEAD "repo main n s c\n[release 1]\n[set base]\npackages a\n",
         "x.distro:5:6: repository `main' stands in this section already, in line 4"},
        {HEAD "keys no-such-*.asc\n[release 1]\n[set base]\npackages a\n",
         "x.distro:5:6: no key file matches `no-such-*.asc'"},
        {HEAD "keys /etc/passwd\n[release 1]\n[set base]\npackages a\n",
         "x.distro:5:6: `/etc/passwd': the path of a key"},
        {HEAD "keys ../x.asc\n[release 1]\n[set base]\npackages a\n",
         "x.distro:5:6: `../x.asc': the path of a key"},
        {HEAD "[release 1]\n[set base]\npackages a\n[layout]\nlink /bin /usr/bin\n",
         "x.distro:9:6: link `/usr/bin' must be relative"},
        {HEAD "[release 1]\n[set base]\npackages a\n[layout]\nlink /var/run ../../run\n",
         "x.distro:9:6: link `../../run' must be relative"},
        {HEAD "[release 1]\n[set base]\npackages a\n[layout]\nlink /../bin usr/bin\n",
         "x.distro:9:6: link `usr/bin' must be relative"},
        {"[distro]\nformat deb\narch x86_64=amd64\n[release 1]\n[set base]\npackages a\n",
         "x.distro: no `repo' for x/1 on amd64"},
        {HEAD "metalink other https://example.org/m\n[release 1]\n[set base]\npackages a\n",
         "x.distro:5:10: there is no repository `other' above"},
        {HEAD "mirrorlist main ftp://example.org/{arch}\n[release 1]\n[set base]\npackages a\n",
         "x.distro:5:12: `ftp://example.org/amd64' is no http or https URL"},
        {"[distro]\nmetalink main\n", "x.distro:2:10: `metalink' needs 2 words"},
        {"[set base]\nmirrorlist main https://example.org\n",
         "x.distro:2:1: `mirrorlist' does not belong into [set]"},
        {HEAD "trust nobody\n[release 1]\n[set base]\npackages a\n",
         "x.distro:5:7: `nobody' is none of signature, metalink, packages"},
        {HEAD "keys-at http://example.org/key\n[release 1]\n[set base]\npackages a\n",
         "x.distro:5:9: `http://example.org/key' is no https URL"},
        {HEAD "trust packages\ntrust metalink\n", "x.distro:6:1: `trust' stands in this section already"},
        {"[distro]\nformat deb\nrepo main /srv x\n[release 1]\n[set base]\npackages a\n",
         "x.distro: [distro] has no `arch'"},
        {HEAD "[release 1]\narch amd46\n[set base]\npackages a\n",
         "x.distro:6:6: `amd46' is no architecture of [distro]"},
        {HEAD "[release 1]\n[release 2 arch=amd46]\n[set base]\npackages a\n",
         "x.distro:6:1: `amd46' is no architecture of [distro]"},
        {HEAD "[release 1]\n[set base]\npackages a\n[set base release=1,3]\npackages b\n",
         "x.distro:8:1: `3' is no release of this recipe"},
        {HEAD "[release 1]\n[arch amd46]\nlink /bin usr/bin\n[set base]\npackages a\n",
         "x.distro:6:1: `amd46' is no architecture of [distro]"},
        {HEAD "default 2\n[release 1]\n[set base]\npackages a\n",
         "x.distro: the distribution x has no release `2'"},
        {"[distro]\nfirst setup\n", "x.distro:2:1: `first' does not belong into [distro]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct data none = {0};
        struct err e = {0};
        CHECK(distro_check(&none, "x.distro", str_c(rows[i][0]), NULL, NULL, &e) == -1);
        CHECK(e.class == ERR_USAGE);
        if (strncmp(e.msg, rows[i][1], strlen(rows[i][1])) != 0)
            CHECK_STR(e.msg, rows[i][1]);
    }
}

static void repo_option(void)
{
    AUTO_ARENA a = {0};
    struct release r;
    struct distro_repo repo;
    struct err e;
    bool alias;
    CHECK(resolve("debian/trixie", "amd64", NULL, &a, &r, &alias, &e) == 0);
    CHECK(distro_repo_parse("mine https://example.org/x {release}-{arch} a b", &r, &a, &repo, &e) == 0);
    CHECK_STR(repo.id, "mine");
    CHECK_STR(repo.mirrors, "https://example.org/x");
    CHECK_STR(repo.suite, "trixie-amd64");
    CHECK(repo.ncomponents == 2 && repo.release);
    static const char *const bad[] = {"", "mine", "mine x", "mine x {suite}", "mine x {release", "mine x }{"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        e = (struct err){0};
        CHECK(distro_repo_parse(bad[i], &r, &a, &repo, &e) == -1 && e.class == ERR_USAGE);
    }
}

/* A directory of the user's own recipes. */
struct dir {
    const char *dirs[1];
    struct data data;
};

static void dir_open(struct dir *d)
{
    d->dirs[0] = scratch_new();
    d->data = (struct data){d->dirs, 1};
}

static void dir_add(const char *name, const char *text)
{
    struct err e = {0};
    CHECK(file_replace(in_scratch(name), str_c(text), 0644, &e) == 0);
}

static void local_repository(void)
{
    AUTO_ARENA a = {0};
    struct dir d;
    struct release r;
    struct err e = {0};
    bool alias;
    dir_open(&d);
    dir_add("mine.asc", "not looked at here\n");
    dir_add("mine.distro", "[distro]                                  # mine.distro\n"
                           "title     My own packages\n"
                           "format    rpm\n"
                           "arch      x86_64=x86_64\n"
                           "keys      mine.asc                        # relative to the recipe\n"
                           "repo      main  file:///srv/repo  .\n"
                           "[release 1]\n"
                           "[set base]\n"
                           "packages  bash coreutils rpm\n");
    struct distro_opts o = {.data = &d.data, .arch = "x86_64"};
    CHECK(distro_resolve("mine/1", &o, &a, &r, &alias, &e) == 0);
    CHECK_STR(r.title, "My own packages");
    CHECK_STR(r.format, "rpm");
    CHECK_STR(r.repos[0].mirrors, "file:///srv/repo");
    CHECK_STR(r.repos[0].suite, ".");
    CHECK(r.repos[0].ncomponents == 0 && r.nlayout == 0 && r.packages.n == 3 && r.nkeys == 1);
    CHECK_STR(r.keys[0].name, "mine.asc");
    CHECK(str_is(r.keys[0].bytes, "not looked at here\n"));
    CHECK(distro_resolve("mine", &o, &a, &r, &alias, &e) == -1);
    CHECK_STR(e.hint, "name one: mine/RELEASE");
    scratch_remove();
}

/* Where a repository's mirrors are asked for, and what is trusted: the later line wins, the release before
   the distribution, and another `repo` line forgets its predecessor's list. */
static void asks_for_mirrors(void)
{
    AUTO_ARENA a = {0};
    struct dir d;
    struct release r;
    struct err e = {0};
    bool alias;
    dir_open(&d);
    dir_add("p.distro",
            "[distro]\nformat rpm\narch x86_64=x86_64 aarch64=aarch64\nrepo os list {version}/os/{arch}\n"
            "metalink os https://example.org/m?repo=os-{release}&arch={arch}\n"
            "mirrorlist os https://example.org/l\ntrust metalink\nship-sources p-repos\n"
            "[distro arch=aarch64]\nrepo os alt {version}/os/{arch}\n"
            "[release 1]\nversion 1.5\nrepo up list {version}/up\nmirrorlist up http://example.org/u\n"
            "ship-sources p-release{release}\n"
            "[release 2]\ntrust packages\nrepo os old {release}/os\n"
            "[set base]\npackages a\n[layout]\nfirst filesystem setup\n[layout release=2]\nfirst late\n");
    dir_add("heir.distro", "[distro]\nlike p\nrepo os mine .\n");
    struct distro_opts o = {.data = &d.data, .arch = "x86_64"};
    CHECK(distro_resolve("p/1", &o, &a, &r, &alias, &e) == 0);
    CHECK(r.nrepos == 2 && r.trust == DISTRO_TRUST_METALINK && r.first.n == 2 && r.ship_sources.n == 2);
    CHECK_STR(r.repos[0].suite, "1.5/os/x86_64");
    CHECK_STR(r.repos[0].metalink, "https://example.org/m?repo=os-1&arch=x86_64");
    CHECK_STR(r.repos[0].mirrorlist, "https://example.org/l");
    CHECK_STR(r.repos[1].mirrorlist, "http://example.org/u");
    CHECK(r.repos[0].release && !r.repos[1].release && r.repos[1].metalink == NULL);
    CHECK_STR(r.first.v[1], "setup");
    CHECK_STR(r.ship_sources.v[1], "p-release1");
    CHECK(distro_resolve("p/2", &o, &a, &r, &alias, &e) == 0);
    CHECK(r.trust == DISTRO_TRUST_PACKAGES && r.first.n == 3 && r.nrepos == 1);
    CHECK(r.repos[0].metalink == NULL && r.repos[0].mirrorlist == NULL && r.repos[0].release);
    CHECK(distro_resolve("heir/1", &o, &a, &r, &alias, &e) == 0);
    CHECK_STR(r.repos[1].mirrors, "mine");
    CHECK(r.repos[1].metalink == NULL && r.trust == DISTRO_TRUST_METALINK);
    o.arch = "aarch64";
    CHECK(distro_resolve("p/1", &o, &a, &r, &alias, &e) == 0);
    CHECK_STR(r.repos[0].mirrors, "alt");
    CHECK(r.repos[0].metalink == NULL);
    scratch_remove();
}

static void like_another(void)
{
    AUTO_ARENA a = {0};
    struct dir d;
    struct release r;
    struct err e = {0};
    bool alias;
    dir_open(&d);
    dir_add("heir.distro", "[distro]\nlike debian\ntitle Heir\nrepo extra https://example.org/heir "
                           "{release}-{arch}-{version} a b\n"
                           "[set base]\npackages vim-tiny\n");
    dir_add("next.distro", "[distro]\nlike heir\ndefault duke\n[release duke]\nversion 15\n");
    dir_add("ring.distro", "[distro]\nlike ring\n");
    struct distro_opts o = {.data = &d.data, .arch = "amd64"};
    CHECK(distro_resolve("heir/13", &o, &a, &r, &alias, &e) == 0);
    CHECK_STR(r.title, "Heir");
    CHECK_STR(r.distro, "heir");
    CHECK(r.nrepos == 4 && r.packages.n == 1 && r.repos[3].release && r.nkeys > 8 && r.nlayout > 5);
    CHECK_STR(r.repos[3].id, "extra");
    CHECK_STR(r.repos[3].suite, "trixie-amd64-13");
    CHECK(r.repos[3].ncomponents == 2);
    CHECK(distro_resolve("next", &o, &a, &r, &alias, &e) == 0);
    CHECK_STR(r.name, "duke");
    CHECK_STR(r.title, "Heir");
    CHECK(!alias && r.nrepos == 2);
    CHECK(distro_resolve("next/trixie", &o, &a, &r, &alias, &e) == -1);
    CHECK(distro_resolve("ring", &o, &a, &r, &alias, &e) == -1);
    const char *ring = strstr(e.msg, "ring.distro:2:6: `like' goes in a circle");
    CHECK(ring != NULL && strstr(e.msg, "ring.distro") == ring);
    dir_add("orphan.distro", "[distro]\nlike nobody\n");
    dir_add("child.distro", "[distro]\nlike orphan\n");
    CHECK(distro_resolve("child", &o, &a, &r, &alias, &e) == -1);
    CHECK(strstr(e.msg, "orphan.distro:2:6: no recipe for the distribution `nobody'") != NULL);
    dir_add("hollow.distro", "[distro]\nlike debian\n[set none]\n");
    o.set = "none";
    CHECK(distro_resolve("hollow/trixie", &o, &a, &r, &alias, &e) == -1);
    CHECK(strstr(e.msg, "the package set none of hollow/trixie has no `packages' line") != NULL);
    scratch_remove();
}

/* Notes what it is shown; says no from the third on. */
struct shown {
    char text[200];
    unsigned n;
};
static int show(void *ctx, const struct release *r, struct err *e)
{
    struct shown *s = ctx;
    size_t used = strlen(s->text);
    snprintf(s->text + used, sizeof s->text - used, "%s/%s@%s ", r->name, r->arch, r->repos[0].where);
    return ++s->n < 3 ? 0 : err_set(e, ERR_TRUST, "enough");
}

static void check_shows_releases(void)
{
    static const char text[] =
        "[distro]\nformat deb\narch x=one y=two\nrepo main /srv x\n[release 1]\narch two\n"
        "[release 2]\nrepo main /srv {release}\n[set a]\npackages a\n[set b]\npackages b\n";
    struct data none = {0};
    struct err e = {0};
    struct shown s = {0};
    CHECK(distro_check(&none, "d/x.distro", str_c(text), show, &s, &e) == -1);
    CHECK_STR(s.text, "1/two@d/x.distro:4:6 2/one@d/x.distro:8:6 2/two@d/x.distro:8:6 ");
    CHECK(e.class == ERR_TRUST);
    CHECK_STR(e.msg, "enough");
    e = (struct err){0};
    CHECK(distro_check(&none, "d/x.distro", str_c(text), NULL, NULL, &e) == 0);
    CHECK(e.class == ERR_NONE);
    /* Where the default is an alias, a set that each release has in its own way is none of the alias's. */
    CHECK(
        distro_check(&none, "x.distro",
                     STR("[distro]\nformat deb\narch x=one\nrepo main /srv x\nsuite-alias new\ndefault new\n"
                         "[release 1]\n[release 2]\n[set base release=1]\npackages a\n"
                         "[set base release=2]\npackages b\n"),
                     NULL, NULL, &e) == 0);
    CHECK_STR(e.msg, "");
}

static void checks_the_built_in_ones(void)
{
    AUTO_ARENA a = {0};
    struct data none = {0};
    struct err e = {0};
    const char **names;
    size_t n;
    CHECK(data_list(&none, "distros", "*.distro", &a, &names, &n, &e) == 0);
    for (size_t i = 0; i < n; i++) {
        struct str text;
        CHECK(data_read(&none, "distros", names[i], &a, &text, NULL, &e) == 0);
        if (distro_check(&none, names[i], text, NULL, NULL, &e) < 0)
            CHECK_STR(e.msg, "");
    }
}

int main(void)
{
    RUN(every_release);
    RUN(names_and_numbers);
    RUN(architectures);
    RUN(wrong_choices);
    RUN(bad_recipes);
    RUN(repo_option);
    RUN(local_repository);
    RUN(asks_for_mirrors);
    RUN(like_another);
    RUN(check_shows_releases);
    RUN(checks_the_built_in_ones);
    return test_done();
}
