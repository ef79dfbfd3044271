/* Loading, matching, errors; and every built-in fixup on a small root: C and sh agree, twice is as once. */
#include "fixups/fixup.h"

#include "base/auto.h"
#include "base/file.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static const char *const all_packages[] = {"apt",         "base-passwd", "dbus",    "debianutils",   "dpkg",
                                           "initscripts", "mawk",        "systemd", "sysvinit-core", NULL};

static const char *const rpm_packages[] = {"centos-release", "dbus",   "dnf", "system-user-root",
                                           "systemd",        "zypper", NULL};

static struct fixup_facts facts(const char *zone, const char *format, const char *const *packages)
{
    size_t n = 0;
    while (packages[n] != NULL)
        n++;
    return (struct fixup_facts){.zone = zone,
                                .format = format,
                                .distro = "debian",
                                .release = "trixie",
                                .version = "13",
                                .arch = "amd64",
                                .packages = packages,
                                .npackages = n,
                                .sources = STR("Types: deb\nSuites: trixie\n"),
                                .keyring_name = "debian-archive-keyring.gpg",
                                .hostname = "zone-1.example"};
}

static void which_match(void)
{
    static const char *const minbase[] = {"apt", "base-passwd", "debianutils", "dpkg", "mawk", NULL},
                             *const none[] = {NULL};
    static const struct {
        const char *zone, *format;
        const char *const *packages;
        const char *names;
    } rows[] = {
        {"none", "deb", minbase, "apt-sources awk base-passwd dev dpkg fstab hostname localtime shells"},
        {"lx", "deb", minbase,
         "apt-sources awk base-passwd dpkg fstab hostname localtime lx-dirs lx-marker lx shells"},
        {"lx", "deb", all_packages,
         "apt-sources awk base-passwd dbus-machine-id dpkg fstab hostname localtime lx-dirs lx-marker "
         "lx-network lx-systemd lx machine-id shells sysvinit-console"},
        {"jail", "deb", all_packages,
         "apt-sources awk base-passwd dbus-machine-id dpkg fstab hostname jail-apt jail localtime "
         "machine-id shells sysvinit-console"},
        {"wsl", "deb", all_packages,
         "apt-sources awk base-passwd dbus-machine-id dpkg fstab hostname localtime machine-id shells "
         "wsl-systemd wsl"},
        {"oci", "deb", minbase, "apt-sources awk base-passwd dpkg fstab hostname localtime shells"},
        {"lxc", "deb", all_packages,
         "apt-sources awk base-passwd container-network container-systemd dbus-machine-id dpkg fstab "
         "hostname localtime "
         "machine-id shells sysvinit-console sysvinit-power"},
        {"none", "rpm", none, "dev filesystem fstab hostname localtime"},
        {"nspawn", "rpm", rpm_packages,
         "container-network container-systemd dbus-machine-id filesystem fstab hostname localtime machine-id "
         "system-user-root "
         "yum-sources zypp-sources"},
        {"lx", "rpm", rpm_packages,
         "dbus-machine-id filesystem fstab hostname localtime lx-dirs lx-marker lx-sysconfig lx-systemd lx "
         "machine-id system-user-root yum-sources zypp-sources"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_ARENA a = {0};
        AUTO_BUF b = {0};
        struct data builtin = {0};
        struct fixup_facts f = facts(rows[i].zone, rows[i].format, rows[i].packages);
        struct fixup_set *s;
        const char **names;
        struct err e = {0};
        CHECK(fixup_load(&builtin, &f, &a, &s, &e) == 0);
        size_t n = fixup_names(s, &a, &names);
        for (size_t k = 0; k < n; k++)
            buf_printf(&b, "%s%s", k ? " " : "", names[k]);
        CHECK_STR(buf_c(&b), rows[i].names);
    }
}

#define BEFORE "[match]\n[before-boot]\n"

static void errors(void)
{
    static const char *const rows[][2] = {
        {"", "x.fixup:1:1: a fixup has one [match], not 0"},
        {"[match]\n[match]\n", "x.fixup:1:1: a fixup has one [match], not 2"},
        {"zone lx\n[match]\n", "x.fixup:1:1: `zone' before any [section]"},
        {"[match]\n zone\n", "x.fixup:2:2: `zone' needs a value"},
        {"[match]\ncolour red\n", "x.fixup:2:1: unknown keyword `colour' in [match]"},
        {"[match zone=lx]\n", "x.fixup:1:1: [match] takes no qualifier"},
        {"[match]\n[later]\n", "x.fixup:2:1: unknown section [later]"},
        {"[match]\n[before-boot x]\n", "x.fixup:2:1: [before-boot] takes no name"},
        {"[match]\n[before-boot colour=red]\n", "x.fixup:2:1: [before-boot] has no qualifier `colour'"},
        {"[match]\nvariable colour\n", "x.fixup:2:10: there is no variable `colour'"},
        {"[match]\n[before-boot variable=arch,colour]\n", "x.fixup:2:1: there is no variable `colour'"},
        {BEFORE "move /a /b\n", "x.fixup:3:1: unknown verb `move'"},
        {BEFORE "?\n", "x.fixup:3:1: unknown verb `'"},
        {BEFORE "  rc-remove S x\n", "x.fixup:3:3: `rc-remove' needs the zone's own tools"},
        {"[match]\n[after-install]\n?rc-remove S x\n", "x.fixup:3:1: `rc-remove' takes no prefix"},
        {"[match]\n[after-install]\nrc-remove 9 x\n", "x.fixup:3:1: `9' is no run of levels"},
        {"[match]\n[after-install]\nrc-remove S x/y\n", "x.fixup:3:1: `x/y' is no init script's name"},
        {BEFORE "copy /a\n", "x.fixup:3:1: `copy' is used so: copy SOURCE PATH"},
        {BEFORE "remove a\n", "x.fixup:3:1: `a' is no path"},
        {BEFORE "remove /\n", "x.fixup:3:1: `/' is no path"},
        {BEFORE "remove /a/../b\n", "x.fixup:3:1: `/a/../b' is no path"},
        {BEFORE "remove /a//b\n", "x.fixup:3:1: `/a//b' is no path"},
        {BEFORE "mode /a 888\n", "x.fixup:3:1: `888' is no octal mode"},
        {BEFORE "mode /a 77777\n", "x.fixup:3:1: `77777' is no octal mode"},
        {BEFORE "owner /a root\n", "x.fixup:3:1: `root' is no USER:GROUP"},
        {BEFORE "owner /a $x:root\n", "x.fixup:3:1: `$x:root' is no USER:GROUP"},
        {BEFORE "node /a p 1 2\n", "x.fixup:3:1: `p' is no kind of node"},
        {BEFORE "node /a c 1 x\n", "x.fixup:3:1: `x' is no device number"},
        {BEFORE "edit /a sort x\n", "x.fixup:3:1: unknown edit `sort'"},
        {BEFORE "edit /a delete (\n", "x.fixup:3:1: `(' is no extended regular expression"},
        {BEFORE "edit /a delete \\d+\n",
         "x.fixup:3:1: `\\d+': a backslash may stand before punctuation only"},
        {BEFORE "edit /a delete x\\\n", "x.fixup:3:1: `x\\': a backslash may stand before punctuation only"},
        {BEFORE "edit /a replace /x/y\n", "x.fixup:3:1: `replace' is used so: replace /ERE/TEXT/"},
        {BEFORE "edit /a replace /x/y/z/\n", "x.fixup:3:1: `replace' is used so: replace /ERE/TEXT/"},
        {BEFORE "edit /a replace //y/\n", "x.fixup:3:1: empty regular expression"},
        {BEFORE "append /a\n", "x.fixup:3:1: `append' takes either a line behind the path or lines"},
        {BEFORE "append /a b\n| c\n", "x.fixup:3:1: `append' takes either a line behind the path or lines"},
        {BEFORE "| text\n", "x.fixup:3:1: a line of text without a verb before it"},
        {BEFORE "remove /a\n| text\n", "x.fixup:4:1: a line of text without a verb before it"},
        {BEFORE "file /a 0644\n|text\n", "x.fixup:4:1: a line of text begins with `|' and a blank"},
        {BEFORE "file /a 0644\n| x {color}\n", "x.fixup:4:5: unknown variable {color}"},
        {BEFORE "file /a/{color} 0644\n", "x.fixup:3:9: unknown variable {color}"},
        {BEFORE "mask ../x\n", "x.fixup:3:1: `../x' is no unit's name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        CHECK(fixup_check("x.fixup", str_c(rows[i][0]), &e) == -1);
        CHECK(e.class == ERR_USAGE);
        if (strncmp(e.msg, rows[i][1], strlen(rows[i][1])) != 0)
            CHECK_STR(e.msg, rows[i][1]);
    }
}

static void host_names(void)
{
    char longest[66] = {0};
    memset(longest, 'a', 64);
    CHECK(fixup_hostname_ok(longest));
    longest[64] = 'a';
    const char *const bad[] = {NULL, "", "-x", "a b", "x;reboot", "a\nb", "a/b", "'", longest};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        AUTO_ARENA a = {0};
        struct data builtin = {0};
        struct fixup_facts f = facts("none", "deb", all_packages);
        struct fixup_set *s;
        struct err e = {0};
        f.hostname = bad[i];
        CHECK(fixup_load(&builtin, &f, &a, &s, &e) == -1);
        CHECK(e.class == ERR_USAGE && strstr(e.msg, "is no host name") != NULL);
    }
}

static const char *base;

static int sh(const char *cmd)
{
    AUTO_ARENA a = {0};
    return system(arena_printf(&a, "cd %s && { %s\n}", base, cmd));
}

/* Qualifiers, an own fixup beside the built-in ones, one that takes the place of a built-in one. */
static void own_fixups(void)
{
    AUTO_ARENA a = {0};
    const char *dirs[] = {base}, **names;
    struct data d = {dirs, 1};
    static const char *const none[] = {NULL};
    struct fixup_facts f = facts("lx", "rpm", none);
    struct fixup_set *s;
    struct err e = {0};
    struct buf b = {0};
    CHECK(sh("printf '[match]\\nzone none jail\\nzone lx\\nformat rpm\\n[before-boot arch=arm64,amd64 "
             "release=trixie]\\nremove "
             "/yes\\n[before-boot arch=arm64]\\nremove /no\\n[after-install zone=lx]\\nremove /then\\n' "
             ">mine.fixup; "
             "printf '[match]\\nzone none\\nzone jail\\n' >hostname.fixup") == 0);
    CHECK(fixup_load(&d, &f, &a, &s, &e) == 0);
    CHECK(fixup_names(s, &a, &names) == 7);
    CHECK_STR(names[6], "mine");
    CHECK(fixup_render(s, &b, &e) == 0);
    CHECK(strstr(buf_c(&b), "rm -rf \"$ROOT\"'/yes'") != NULL);
    CHECK(strstr(buf_c(&b), "/no") == NULL);
    CHECK(strstr(buf_c(&b), "/yes") < strstr(buf_c(&b), "/then"));
    CHECK(sh("echo '[nonsense]' >>mine.fixup") == 0);
    CHECK(fixup_load(&d, &f, &a, &s, &e) == -1);
    CHECK(strstr(e.msg, "mine.fixup:11:1: unknown section [nonsense]") != NULL);
    CHECK(sh("rm *.fixup") == 0);
    buf_free(&b);
}

static bool matches(const char *name, const struct fixup_facts *f)
{
    AUTO_ARENA a = {0};
    struct data builtin = {0};
    struct fixup_set *s;
    const char **names;
    struct err e = {0};
    bool found = false;
    CHECK(fixup_load(&builtin, f, &a, &s, &e) == 0);
    for (size_t i = fixup_names(s, &a, &names); i-- > 0;)
        found = found || strcmp(names[i], name) == 0;
    return found;
}

/* Who has no sources of its own gets no file of them; any of several package managers is enough. */
static void variables_match(void)
{
    static const char *const managers[] = {"dnf", "dnf5", "microdnf", "yum"};
    const char *packages[] = {NULL, NULL};
    for (size_t i = 0; i < 4; i++) {
        packages[0] = managers[i];
        struct fixup_facts f = facts("none", "rpm", packages);
        CHECK(matches("yum-sources", &f));
        f.sources.n = 0;
        CHECK(!matches("yum-sources", &f));
    }
    packages[0] = "zypper";
    struct fixup_facts f = facts("none", "rpm", packages);
    CHECK(matches("zypp-sources", &f) && !matches("yum-sources", &f));
}

/* What is known of passwd and group before anything is unpacked, and what may change afterwards. */
static void texts_and_changes(void)
{
    AUTO_ARENA a = {0};
    const char *dirs[] = {base}, **paths;
    struct data d = {dirs, 1}, builtin = {0};
    struct fixup_facts f = facts("oci", "rpm", rpm_packages);
    struct fixup_set *s;
    struct err e = {0};
    AUTO_BUF b = {0};
    CHECK(fixup_load(&builtin, &f, &a, &s, &e) == 0);
    CHECK(str_eq(fixup_file_text(s, "/etc/passwd"), STR("root:x:0:0:root:/root:/bin/bash\n")));
    CHECK(str_starts(fixup_file_text(s, "/etc/group"), STR("root:x:0:\nshadow:x:15:\n")));
    CHECK(fixup_file_text(s, "/etc/localtime").n == 0 && fixup_file_text(s, "/etc/none").n == 0);
    size_t n = fixup_changes(s, &a, &paths);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s ", paths[i]);
    CHECK_STR(buf_c(&b),
              "/var/lib/dbus/machine-id /proc /sys /etc/fstab /etc/hostname /etc/hosts /etc/localtime "
              "/etc/machine-id /etc/passwd /etc/group /etc/yum.repos.d/zonestrap.repo "
              "/etc/zypp/repos.d/zonestrap.repo ");
    CHECK(sh("printf '[match]\\n[before-boot]\\nfile /etc/x 0644\\n| one\\n!file /etc/x 0644\\n| two "
             "{hostname}\\ncopy /a /etc/y\\n[after-install]\\nrc-remove S x\\nfile /etc/x 0644\\n| three\\n' "
             ">mine.fixup") == 0);
    CHECK(fixup_load(&d, &f, &a, &s, &e) == 0);
    CHECK(str_eq(fixup_file_text(s, "/etc/x"), STR("two zone-1.example\n")));
    CHECK(fixup_file_text(s, "/etc/y").n == 0 && fixup_changes(s, &a, &paths) == n + 4);
    CHECK(sh("rm mine.fixup") == 0);
}

/* The files that the built-in fixups want to find, no more. */
static const char seed[] =
    "rm -rf c sh; mkdir -p c/usr/share/base-passwd c/usr/share/sysvinit c/usr/share/debianutils c/usr/bin "
    "c/usr/sbin "
    "c/etc/rcS.d c/var/lib/dpkg c/var/lib/dbus c/dev; cd c; ln -s usr/bin bin; ln -s usr/sbin sbin; "
    "echo 'root:*:0:0:root:/root:/bin/bash' >usr/share/base-passwd/passwd.master; "
    "echo 'root:*:0:' >usr/share/base-passwd/group.master; echo /bin/sh >usr/share/debianutils/shells; "
    "printf 'id:2:initdefault:\\n1:2345:respawn:/sbin/getty --noclear 38400 tty1\\n2:23:respawn:/sbin/getty "
    "38400 tty2\\n"
    "#T0:23:respawn:/sbin/getty -L ttyS0 9600 vt100\\n' >usr/share/sysvinit/inittab; "
    "touch etc/rcS.d/S01hwclock.sh etc/rcS.d/S02other; cp -a . ../sh";

/* The facts of a run, and the names of all fixups that have matched in one. */
struct run {
    const char *zone, *format, *distro;
};

static struct buf matched;

static void apply_both(const struct run *r)
{
    AUTO_ARENA a = {0};
    AUTO_BUF script = {0};
    struct data builtin = {0};
    bool deb = strcmp(r->format, "deb") == 0;
    struct fixup_facts f = facts(r->zone, r->format, deb ? all_packages : rpm_packages);
    struct fixup_set *s;
    struct tree *t;
    const char **names;
    struct err e = {0};
    f.distro = r->distro;
    CHECK(fixup_load(&builtin, &f, &a, &s, &e) == 0);
    for (size_t i = fixup_names(s, &a, &names); i-- > 0;)
        buf_printf(&matched, " %s ", names[i]);
    CHECK(tree_open_existing(&t, arena_printf(&a, "%s/c", base), NULL, &e) == 0);
    if (fixup_apply(s, t, NULL, &e) < 0)
        CHECK_STR(e.msg, "");
    tree_close(t);
    CHECK(fixup_render(s, &script, &e) == 0);
    CHECK(file_replace(arena_printf(&a, "%s/script", base), buf_view(&script), 0644, &e) == 0);
    CHECK(sh("ROOT=$PWD/sh sh script") == 0);
}

/* Every fixup that there is has been in one of the runs, or is fixup_clone_test's. */
static void all_matched(void)
{
    AUTO_ARENA a = {0};
    struct data builtin = {0};
    struct fixup_set *clone;
    struct err e = {0};
    const char **names;
    size_t n;
    CHECK(fixup_load_clone(&builtin, "x", &a, &clone, &e) == 0);
    for (n = fixup_names(clone, &a, &names); n-- > 0;)
        buf_printf(&matched, " %s ", names[n]);
    CHECK(data_list(&builtin, "fixups", "*.fixup", &a, &names, &n, &e) == 0);
    for (size_t i = 0; i < n; i++) {
        const char *name = arena_printf(&a, " %.*s ", (int)(strlen(names[i]) - strlen(".fixup")), names[i]);
        if (strstr(buf_c(&matched), name) == NULL)
            CHECK_STR(name, "");
    }
    buf_free(&matched);
}

static void every_fixup_twice(void)
{
    static const struct run runs[] = {
        {"none", "rpm", "fedora"},   {"lx", "rpm", "opensuse"}, {"lx", "rpm", "amazon"},
        {"lx", "rpm", "centos"},     {"wsl", "rpm", "fedora"},  {"nspawn", "rpm", "fedora"},
        {"none", "deb", "debian"},   {"jail", "deb", "debian"}, {"wsl", "deb", "debian"},
        {"nspawn", "deb", "debian"}, {"lx", "deb", "devuan"},   {"lx", "deb", "debian"},
    };
    static const char list[] =
        "for r in c sh; do (cd $r; find . -printf '%y %m %U %G %l %s %p\\n' | sort; find . -type f | sort | "
        "xargs sha256sum; find . -type c | sort | xargs -r stat -c '%n %t %T') >$r.$n; done";
    if (geteuid() != 0)
        SKIP("owners and nodes need root");
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        AUTO_ARENA a = {0};
        bool rpm = strcmp(runs[i].format, "rpm") == 0;
        CHECK(sh(seed) == 0);
        apply_both(&runs[i]);
        CHECK(sh(arena_printf(&a, "n=1; %s", list)) == 0);
        apply_both(&runs[i]);
        CHECK(sh(arena_printf(&a, "n=2; %s", list)) == 0);
        CHECK(sh("diff c.1 c.2 && diff sh.1 sh.2") == 0);
        /* [after-install] is the shell's alone */
        CHECK(sh("sed -i '/hwclock.sh/d; s/ [0-9]* .\\/etc\\/rcS.d$/ d/' c.1 sh.1 && diff c.1 sh.1") == 0);
        if (rpm)
            CHECK(sh("test \"$(cat c/etc/yum.repos.d/zonestrap.repo)\" = \"$(printf 'Types: deb\\nSuites: "
                     "trixie')\" && grep -q ^shadow:x:15: c/etc/group") == 0);
        if (strcmp(runs[i].distro, "opensuse") == 0)
            CHECK(sh("grep -q '^VERSION = 13' c/etc/SuSE-release && test ! -e c/etc/redhat-release && test "
                     "-d c/native/etc/svc/volatile && test $(stat -c %a c/native/tmp) = 1777") == 0);
        if (strcmp(runs[i].distro, "amazon") == 0)
            CHECK(sh("test \"$(readlink c/etc/redhat-release)\" = system-release && test \"$(readlink "
                     "c/etc/systemd/system/fstrim.timer)\" = /dev/null && grep -qx ProtectHome=no "
                     "c/etc/systemd/system/systemd-logind.service.d/override.conf") == 0);
    }
    CHECK(sh("test \"$(cat c/etc/hostname)\" = zone-1.example && grep -q '^#1:2345.*tty1' c/etc/inittab && "
             "grep -q '^1:2345:respawn:/sbin/getty 38400 console' c/etc/inittab && "
             "cmp c/etc/passwd c/usr/share/base-passwd/passwd.master && test \"$(readlink c/usr/sbin/sh)\" = "
             "../bin/sh && grep -q '^none */ *zfs' c/etc/fstab && "
             "test -f c/etc/apt/sources.list.d/debian.sources && test -f c/etc/rcS.d/S01hwclock.sh && "
             "test ! -e sh/etc/rcS.d/S01hwclock.sh && test \"$(tail -n 1 "
             "c/etc/apt/sources.list.d/debian.sources)\" = 'Suites: "
             "trixie'") == 0);
    all_matched();
}

/* What the zone has changed since is not taken back when the fixups run again. */
static void keeps_what_changed(void)
{
    if (geteuid() != 0)
        SKIP("owners and nodes need root");
    static const struct run lx = {"lx", "deb", "debian"};
    CHECK(sh(seed) == 0);
    apply_both(&lx);
    CHECK(sh("for r in c sh; do echo new:x:1:1::/: >>$r/etc/passwd; echo /x / ext4 >$r/etc/fstab; echo "
             "Package: x "
             ">$r/var/lib/dpkg/status; ln -sf /etc/alternatives/awk $r/usr/bin/awk; ln -sf /x "
             "$r/etc/localtime; done") == 0);
    apply_both(&lx);
    CHECK(sh("for r in c sh; do grep -q new $r/etc/passwd && grep -q ext4 $r/etc/fstab && grep -q x "
             "$r/var/lib/dpkg/status && "
             "test $(readlink $r/usr/bin/awk) = /etc/alternatives/awk && test $(readlink $r/etc/localtime) = "
             "/x || exit 1; done") == 0);
}

int main(void)
{
    base = scratch_new();
    RUN(which_match);
    RUN(errors);
    RUN(host_names);
    RUN(own_fixups);
    RUN(variables_match);
    RUN(texts_and_changes);
    RUN(every_fixup_twice);
    RUN(keeps_what_changed);
    scratch_remove();
    return test_done();
}
