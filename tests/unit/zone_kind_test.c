/* Every built-in zone kind, against tests/golden/zone/KIND.txt (written anew by ZONESTRAP_GOLDEN=write
   build/unit/zone_kind_test); the grammar, qualifiers, refusals, and the files for the host. */
#include "fixups/zone_kind.h"

#include "base/auto.h"
#include "base/file.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

#define SAMPLE(f, d, r, v, a, m)                                                                             \
    {                                                                                                        \
        .format = f, .distro = d, .release = r, .version = v, .arch = a, .machine = m, .name = "my-zone",    \
        .file = "my-zone.tar.gz", .hostname = "host-1", .epoch = 1700000000                                  \
    }
static const struct zone_facts samples[] = {
    SAMPLE("deb", "debian", "bookworm", "12", "amd64", "x86_64"),
    SAMPLE("deb", "devuan", "daedalus", "5", "amd64", "x86_64"),
    SAMPLE("deb", "ubuntu", "noble", "24.04", "arm64", "aarch64"),
    SAMPLE("rpm", "fedora", "43", "", "x86_64", "x86_64"),
};
enum { NSAMPLES = sizeof samples / sizeof *samples };

static void print_words(struct buf *b, const char *title, struct zone_words w)
{
    buf_puts(b, title);
    for (size_t i = 0; i < w.n; i++)
        buf_printf(b, " %s", w.v[i]);
    buf_putc(b, '\n');
}

/* What a kind makes of a release; the text of its files for the first one alone. */
static void print_sample(struct buf *b, const struct zone_kind *k, const struct zone_facts *f)
{
    AUTO_ARENA a = {0};
    struct data none = {0};
    struct err e = {0};
    struct zone_words add, without;
    struct zone_file *v;
    size_t n;
    buf_printf(b, "--- %s/%s %s\n", f->distro, f->release, f->arch);
    if (zone_kind_serves(&none, k, f, NULL, 0, &e) < 0)
        buf_printf(b, "%s\n", e.msg);
    zone_kind_packages(k, f, &a, &add, &without);
    print_words(b, "packages", add);
    print_words(b, "without", without);
    const struct zone_words notes = zone_kind_notes(k, f, &a);
    for (size_t i = 0; i < notes.n; i++)
        buf_printf(b, "note %s\n", notes.v[i]);
    CHECK(zone_kind_host(k, f, &a, &v, &n, &e) == 0);
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "host %s\n", v[i].name);
        if (f == samples)
            buf_str(b, v[i].text);
    }
}

/* What each manager is told of a zone, and its files for each kind of network that it gives. */
static void print_managers(struct buf *b, const struct zone_kind *k)
{
    AUTO_ARENA a = {0};
    struct err e = {0};
    const struct zone_words managers = zone_kind_managers(k, &a);
    for (size_t i = 0; i < managers.n; i++) {
        struct zone_manager_data d;
        struct zone_facts f = samples[0];
        CHECK(zone_kind_manager(k, managers.v[i], &f, &a, &d, &e) == 0);
        buf_printf(b, "=== manager %s\nsystem %s\nnet %s\ndir %s\nroot %s\n", d.name, d.system, d.net, d.dir,
                   d.root);
        for (size_t n = 0; n < d.nbefore; n++)
            for (size_t w = 0; w < d.before[n].n; w++)
                buf_printf(b, "%s%s%s", w ? " " : "before ", d.before[n].v[w],
                           w + 1 == d.before[n].n ? "\n" : "");
        for (size_t n = 0; n < d.asks.n; n++)
            buf_printf(b, "asks %s\n", d.asks.v[n]);
        for (size_t n = 0; n < d.n; n++)
            buf_printf(b, "file %s %s %s\n", d.files[n].key, d.files[n].name, d.files[n].path);
        for (size_t n = 0; n < d.nets.n; n++) {
            struct zone_file *v;
            size_t nv;
            f.net = d.nets.v[n];
            f.link = "eth0";
            f.address = n % 2 ? "192.0.2.7/24" : "2001:db8::7/64";
            f.gateway = n % 2 ? "192.0.2.1" : "2001:db8::1";
            f.resolvers = n % 2 ? "192.0.2.53,2001:db8::53" : NULL;
            CHECK(zone_kind_host(k, &f, &a, &v, &nv, &e) == 0);
            buf_printf(b, "=== net %s\n", f.net);
            for (size_t h = 0; h < d.n; h++)
                for (size_t x = 0; x < nv; x++)
                    if (strcmp(v[x].name, d.files[h].name) == 0)
                        buf_str(b, v[x].text);
        }
    }
}

static void built_in(void)
{
    AUTO_ARENA a = {0};
    struct data none = {0};
    struct zone_words kinds;
    struct err e = {0};
    CHECK(zone_kind_list(&none, &a, &kinds, &e) == 0 && kinds.n >= 7);
    for (size_t i = 0; i < kinds.n; i++) {
        AUTO_BUF got = {0}, want = {0};
        struct zone_kind *k;
        const char *path = arena_printf(&a, "tests/golden/zone/%s.txt", kinds.v[i]);
        const char *mode = getenv("ZONESTRAP_GOLDEN");
        CHECK(zone_kind_load(&none, kinds.v[i], &a, &k, &e) == 0);
        CHECK_STR(zone_kind_name(k), kinds.v[i]);
        buf_printf(&got, "%s\n", zone_kind_title(k));
        for (size_t s = 0; s < NSAMPLES; s++)
            print_sample(&got, k, &samples[s]);
        print_managers(&got, k);
        if (mode != NULL && strcmp(mode, "write") == 0)
            CHECK(file_replace(path, buf_view(&got), 0644, &e) == 0);
        CHECK(file_read(path, 1 << 20, &want, &e) == 0);
        CHECK_STR(buf_c(&got), buf_c(&want));
    }
}

/* A kind with this text in a directory of its own. */
static int load(const char *text, struct arena *a, struct zone_kind **k, struct err *e)
{
    static const char *dirs[1];
    static struct data d;
    dirs[0] = scratch;
    d = (struct data){dirs, 1};
    CHECK(file_replace(in_scratch("x.zone"), str_c(text), 0644, e) == 0);
    *e = (struct err){0};
    return zone_kind_load(&d, "x", a, k, e);
}

#define ZONE    "[zone]\ntitle X\n"
#define MANAGER "[manager x]\nsystem X\nnet none\nnets none\ndir /x/{name}\nroot {dir}\n"

static void errors(void)
{
    static const char *const rows[][2] = {
        {"", "x.zone:1:1: a zone kind has one [zone], not 0"},
        {ZONE ZONE, "x.zone:1:1: a zone kind has one [zone], not 2"},
        {"title X\n[zone]\n", "x.zone:1:1: `title' before any [section]"},
        {"[zone]\n", "x.zone:1:1: [zone] has no `title'"},
        {"[zone]\ntitle\n", "x.zone:2:6: `title' takes 1 word at least, not 0"},
        {ZONE "title Y\n", "x.zone:3:1: `title' stands in this section already, in line 2"},
        {"[zone format=deb]\ntitle X\n", "x.zone:1:1: [zone] has no qualifier `format'"},
        {"[zone x]\ntitle X\n", "x.zone:1:1: [zone] takes no name"},
        {ZONE "colour red\n", "x.zone:3:1: unknown keyword `colour' in [zone]"},
        {ZONE "capability wings yes\n", "x.zone:3:12: unknown capability `wings'"},
        {ZONE "capability file-caps\n", "x.zone:3:12: `capability' takes 2 words, not 1"},
        {ZONE "capability file-caps maybe\n",
         "x.zone:3:12: capability file-caps: `maybe' is neither yes nor no"},
        {ZONE "capability kernel six\n", "x.zone:3:12: capability kernel: `six' is no version"},
        {ZONE "capability file-caps no\ncapability file-caps no\n",
         "x.zone:4:12: capability `file-caps' has a value already"},
        {ZONE "[later]\n", "x.zone:3:1: unknown section [later]"},
        {ZONE "[packages colour=red]\n", "x.zone:3:1: [packages] has no qualifier `colour'"},
        {ZONE "[packages]\npackages\n", "x.zone:4:9: `packages' takes 1 word at least, not 0"},
        {ZONE "[packages]\nreason x\n", "x.zone:4:1: unknown keyword `reason' in [packages]"},
        {ZONE "[note]\n", "x.zone:3:1: [note] has no `text'"},
        {ZONE "[refuse]\nnewer x 1\n", "x.zone:3:1: [refuse] has no `reason'"},
        {ZONE "[refuse]\nnewer x\n", "x.zone:4:7: `newer' takes 2 words, not 1"},
        {ZONE "[refuse]\nreason x\nnewer x 1.2\n", "x.zone:5:7: `1.2' is no number"},
        {ZONE "[append x]\n| y\n", "x.zone:3:1: [append]: no [host x] stands before it"},
        {ZONE "[note package=a]\ntext x\n", "x.zone:3:1: [note] has no qualifier `package'"},
        {ZONE "[note net=dhcp]\ntext x\n", "x.zone:3:1: [note] has no qualifier `net'"},
        {ZONE "[note resolvers=known]\ntext x\n", "x.zone:3:1: [note] has no qualifier `resolvers'"},
        {ZONE MANAGER "before\n", "x.zone:9:7: `before' takes 1 word at least, not 0"},
        {ZONE "[manager]\n", "x.zone:3:1: [manager NAME] wants a zone manager's name"},
        {ZONE "[manager x net=dhcp]\n", "x.zone:3:1: [manager] has no qualifier `net'"},
        {ZONE MANAGER MANAGER, "x.zone:9:1: [manager x] stands in line 3 already"},
        {ZONE "[manager x]\nsystem X\n", "x.zone:3:1: [manager] has no `net'"},
        {ZONE "[manager x]\ndir x/{name}\n", "x.zone:4:5: `x/{name}' is no path from the root on"},
        {ZONE MANAGER "file config c {dir}/c\n", "x.zone:9:6: there is no [host c]"},
        {ZONE MANAGER "file config c c\n[host c]\n| c\n", "x.zone:9:6: `c' is no path from the root on"},
        {ZONE "[manager x]\ndir /{nam}\n", "x.zone:4:6: unknown variable {nam}"},
        {ZONE MANAGER "file config x\n", "x.zone:9:6: `file' takes 3 words, not 2"},
        {ZONE "[host]\n", "x.zone:3:1: [host FILE] wants a file's name"},
        {ZONE "[host a/b]\n", "x.zone:3:1: [host FILE] wants a file's name"},
        {ZONE "[host ..]\n", "x.zone:3:1: [host FILE] wants a file's name"},
        {ZONE "[host {colour}]\n", "x.zone:3:1: unknown variable {colour}"},
        {ZONE "[host a]\ntext\n", "x.zone:4:1: `text' in [host], which has lines of text alone"},
        {ZONE "[host a]\n| b {colour}\n", "x.zone:4:5: unknown variable {colour}"},
        {ZONE "[host a\n", "x.zone:3:"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_ARENA a = {0};
        struct zone_kind *k;
        struct err e = {0};
        CHECK(load(rows[i][0], &a, &k, &e) == -1 && e.class == ERR_USAGE);
        const char *at = strstr(e.msg, rows[i][1]);
        if (at == NULL)
            CHECK_STR(e.msg, rows[i][1]);
        e = (struct err){0};
        CHECK(zone_kind_check("dir/x.zone", str_c(rows[i][0]), &e) == -1);
        CHECK(strstr(e.msg, rows[i][1]) != NULL);
    }
}

static void names(void)
{
    static const char *const bad[] = {
        "", "../x", "X", "9", "-a", "a b", "nothing-like-it", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    struct data none = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AUTO_ARENA a = {0};
        struct zone_kind *k;
        struct err e = {0};
        CHECK(zone_kind_load(&none, bad[i], &a, &k, &e) == -1 && e.class == ERR_USAGE);
        CHECK(strstr(e.msg, "there is no zone kind `") == e.msg && strstr(e.msg, "but jail, lx,") != NULL);
    }
    struct err e = {0};
    CHECK(zone_kind_check("Nice.zone", STR(ZONE), &e) == -1 && strstr(e.msg, "small letters") != NULL);
    CHECK(zone_kind_check("/some/where/nice-1.zone", STR(ZONE), &e) == 0);
}

static void capabilities(void)
{
    AUTO_ARENA a = {0};
    struct zone_kind *k;
    struct err e = {0};
    CHECK(load(ZONE "capability file-caps no\ncapability kernel 6.1\ncapability proc-chown yes\n", &a, &k,
               &e) == 0);
    CHECK(!zone_kind_can(k, "file-caps") && zone_kind_can(k, "proc-chown"));
    CHECK_STR(zone_kind_capability(k, "kernel"), "6.1");
    CHECK(load(ZONE, &a, &k, &e) == 0);
    CHECK(zone_kind_can(k, "file-caps") && zone_kind_capability(k, "kernel") == NULL);
    CHECK(zone_kind_machines(k).n == 0);
}

/* The last section that fits counts alone, for packages and for a file of one name. */
static void the_last_one(void)
{
    static const char text[] =
        ZONE "[packages]\npackages a b\nwithout c\n"
             "[packages distro=ubuntu,devuan format=deb]\npackages d\npackages e\n"
             "[packages format=rpm]\n"
             "[host {name}.x]\n| all # {hostname} { x } {machine}={hostarch}\n|\n| end\n"
             "[host {name}.x distro=ubuntu release=noble arch=arm64]\n| ubuntu\n"
             "[host {name}.x format=rpm]\n";
    static const char *const want[NSAMPLES][3] = {
        {"add a b\nwithout c\n", "all # host-1 { x } x86_64=x86_64\n\nend\n", "my-zone.x"},
        {"add d e\nwithout\n", "all # host-1 { x } x86_64=x86_64\n\nend\n", "my-zone.x"},
        {"add d e\nwithout\n", "ubuntu\n", "my-zone.x"},
        {"add\nwithout\n", NULL, NULL},
    };
    for (size_t i = 0; i < NSAMPLES; i++) {
        AUTO_ARENA a = {0};
        AUTO_BUF b = {0};
        struct zone_kind *k;
        struct zone_words add, without;
        struct zone_file *v;
        struct err e = {0};
        size_t n;
        CHECK(load(text, &a, &k, &e) == 0);
        zone_kind_packages(k, &samples[i], &a, &add, &without);
        print_words(&b, "add", add);
        print_words(&b, "without", without);
        CHECK_STR(buf_c(&b), want[i][0]);
        CHECK(zone_kind_host(k, &samples[i], &a, &v, &n, &e) == 0 && n == (want[i][1] != NULL));
        if (n == 0)
            continue;
        CHECK_STR(v[0].name, want[i][2]);
        CHECK(str_is(v[0].text, want[i][1]));
    }
}

static int serves(const char *text, const struct zone_facts *f, const char *systemd, struct err *e)
{
    AUTO_ARENA a = {0};
    struct zone_kind *k;
    struct data none = {0};
    const struct zone_package pkgs[] = {{"bash", "999-1"}, {"systemd", systemd}};
    if (load(text, &a, &k, e) < 0)
        return -1;
    return zone_kind_serves(&none, k, f, pkgs, systemd ? 2 : 0, e);
}

static void refusals(void)
{
    static const char newer[] = ZONE "[refuse]\nnewer systemd 257\nreason too new\ninstead an older one\n";
    static const char *const fine[] = {NULL, "257.9-1~deb13u1", "1:257-1", "252.39-1", "v300", "", "99"};
    static const char *const bad[] = {"258-1", "1:258~rc1-1", "1000"};
    struct err e = {0};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        CHECK(serves(newer, samples, fine[i], &e) == 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(serves(newer, samples, bad[i], &e) == -1 && e.class == ERR_USAGE);
        CHECK_STR(e.msg, "zone kind x cannot serve debian/bookworm: too new");
        CHECK(strncmp(e.hint, "an older one; kinds that can: jail, ", 36) == 0);
        CHECK(strstr(e.hint, "nspawn") != NULL && strstr(e.hint, "lx,") != NULL);
    }
    CHECK(serves(newer, &samples[3], "258-1", &e) == -1);
    CHECK_STR(e.hint, "an older one; kinds that can: jail, lxc, none, nspawn, oci, wsl");
    e = (struct err){0};
    CHECK(serves(ZONE "[refuse release=trixie,43 distro=fedora]\nreason no\n", &samples[3], NULL, &e) == -1);
    CHECK_STR(e.msg, "zone kind x cannot serve fedora/43: no");
    CHECK(serves(ZONE "[refuse release=trixie,43 distro=debian]\nreason no\n", &samples[3], NULL, &e) == 0);
    CHECK(serves(ZONE "arch x86_64=a\narch vax\n", samples, NULL, &e) == 0);
    CHECK(serves(ZONE "arch x86_64=a\narch vax\n", &samples[2], NULL, &e) == -1);
    CHECK_STR(e.msg, "zone kind x is for x86_64, vax, not for aarch64");
    CHECK_STR(e.hint, "kinds that can: jail, lxc, none, nspawn, oci, wsl");
}

/* Of the plan: any of those that are named. */
static void by_package(void)
{
    static const struct zone_package plan[] = {{"apt", "2.6"}, {"runit", "2.1"}};
    AUTO_ARENA a = {0};
    struct zone_facts f = samples[0];
    struct zone_kind *k;
    struct zone_file *v;
    struct err e = {0};
    size_t n;
    CHECK(load(ZONE "[host a]\n| one\n[append a package=sysvinit-core,runit]\n| two\n[append a package=apt "
                    "format=rpm]\n| three\n",
               &a, &k, &e) == 0);
    CHECK(zone_kind_host(k, &f, &a, &v, &n, &e) == 0 && n == 1 && str_is(v[0].text, "one\n"));
    f.packages = plan;
    f.npackages = 1;
    CHECK(zone_kind_host(k, &f, &a, &v, &n, &e) == 0 && str_is(v[0].text, "one\n"));
    f.npackages = 2;
    CHECK(zone_kind_host(k, &f, &a, &v, &n, &e) == 0 && str_is(v[0].text, "one\ntwo\n"));
}

static void hostile_values(void)
{
    static const char *const bad[] = {"a b", "a\"b", "a\nb", "a;b", "$x", "a'b", "a`b", "a\\b", "{x}", "#"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AUTO_ARENA a = {0};
        struct zone_facts f = samples[0];
        struct zone_kind *k;
        struct zone_file *v;
        struct err e = {0};
        size_t n;
        f.file = bad[i];
        CHECK(load(ZONE "[host a]\n| {file}\n", &a, &k, &e) == 0);
        CHECK(zone_kind_host(k, &f, &a, &v, &n, &e) == -1 && e.class == ERR_USAGE);
        CHECK(strstr(e.msg, "zone kind x: {file} is `") == e.msg);
    }
    AUTO_ARENA a = {0};
    struct zone_kind *k;
    struct zone_file *v;
    struct err e = {0};
    size_t n;
    CHECK(load(ZONE "[host {name}]\n| a\n[host my-zone]\n| b\n", &a, &k, &e) == 0);
    CHECK(zone_kind_host(k, samples, &a, &v, &n, &e) == -1);
    CHECK(strstr(e.msg, "x.zone:5:1: two files for the host are called `my-zone'") != NULL);
}

int main(void)
{
    scratch_new();
    RUN(built_in);
    RUN(errors);
    RUN(names);
    RUN(capabilities);
    RUN(the_last_one);
    RUN(refusals);
    RUN(by_package);
    RUN(hostile_values);
    scratch_remove();
    return test_done();
}
