/* What unpacking leaves for rpm: packages whole, plan, keys, the paths that it must leave alone. */
#include "pkgfmt/rpm_second.h"

#include "base/data.h"
#include "pkgfmt/rpm.h"
#include "pkgfmt/rpm_files.h"
#include "tests/unit/second_help.h"
#include "tests/unit/tree_help.h"

struct file {
    const char *path; /* absolute */
    uint32_t mode, flags, inode;
    const char *caps;
};

enum { CONFIG = RPM_FILE_CONFIG, NOREPLACE = RPM_FILE_CONFIG | RPM_FILE_NOREPLACE, FILES = 8 };

/* Each package is there for one rule. */
static const struct package {
    const char *name, *version, *arch;
    struct file files[FILES];
} packages[] = {
    {"own",
     "2:1^a-3.el9",
     "x86_64",
     {{"/etc/keeps", 0100644, NOREPLACE, 1, ""},
      {"/etc/loses", 0100644, CONFIG, 2, ""},
      {"/usr/bin/a", 0100755, 0, 3, ""},
      {"/usr/bin/b", 0100755, 0, 3, ""},
      {"/bin/c", 0100755, 0, 4, ""},
      {"/usr/share/100%\\n", 0100644, 0, 5, ""},
      {"/usr/share/ghost", 0100644, RPM_FILE_GHOST, 6, ""},
      {"/usr/share/dir", 0040755, 0, 7, ""}}},
    {"caps",
     "1-1",
     "noarch",
     {{"/usr/bin/ping", 0100755, 0, 1, "cap_net_raw=ep"},
      {"/usr/bin/plain", 0100755, 0, 2, ""},
      {"/usr/share/a:b", 0100644, 0, 3, ""}}},
    {"edited",
     "1-1",
     "noarch",
     {{"/etc/edited", 0100644, CONFIG, 1, ""},
      {"/etc/other", 0100644, CONFIG, 2, ""},
      {"/usr/lib/made/x", 0100644, 0, 3, ""},
      {"/usr/lib/made-not", 0100644, 0, 4, ""}}},
    {"init", "1-1", "noarch", {{"/usr/sbin/init", 0120777, 0, 1, ""}, {"/usr/lib/null", 0020666, 0, 2, ""}}},
};
enum { PACKAGES = sizeof packages / sizeof packages[0] };

static struct plan_pkg pkgs[PACKAGES];
static const struct plan plan = {.pkgs = pkgs, .n = PACKAGES};
static struct pkgfmt_second_opts opts;

/* A column of the header. */
struct column {
    struct buf data;
    uint32_t count;
};

static void number(struct column *c, uint32_t v, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0;)
        buf_putc(&c->data, (char)(v >> (8 * i)));
    c->count++;
}

static void string(struct column *c, const char *s)
{
    buf_add(&c->data, s, strlen(s) + 1);
    c->count++;
}

enum { SIZES, MODES, FLAGS, DEVICES, INODES, INDEXES, BASES, DIRS, CAPABILITIES, COLUMNS };

static const struct {
    uint32_t tag, type;
} columns[COLUMNS] = {{RPM_TAG_FILESIZES, RPM_INT32},        {RPM_TAG_FILEMODES, RPM_INT16},
                      {RPM_TAG_FILEFLAGS, RPM_INT32},        {RPM_TAG_FILEDEVICES, RPM_INT32},
                      {RPM_TAG_FILEINODES, RPM_INT32},       {RPM_TAG_DIRINDEXES, RPM_INT32},
                      {RPM_TAG_BASENAMES, RPM_STRING_ARRAY}, {RPM_TAG_DIRNAMES, RPM_STRING_ARRAY},
                      {RPM_TAG_FILECAPS, RPM_STRING_ARRAY}};

/* The package's header as rpm_read_open() would give it; its bytes say no more than the name. */
static int keep(struct pkgfmt_second *s, struct tree *t, unsigned index, struct err *e)
{
    struct column c[COLUMNS] = {0};
    struct rpm_entry entries[COLUMNS];
    const struct package *p = &packages[index];
    struct tree_writer *w;
    for (uint32_t i = 0; i < FILES && p->files[i].path != NULL; i++) {
        const struct file *f = &p->files[i];
        number(&c[SIZES], 0, 4);
        number(&c[MODES], f->mode, 2);
        number(&c[FLAGS], f->flags, 4);
        number(&c[DEVICES], 1, 4);
        number(&c[INODES], f->inode, 4);
        number(&c[INDEXES], i, 4);
        string(&c[BASES], strrchr(f->path, '/') + 1);
        char dir[64];
        snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(f->path, '/') + 1 - f->path), f->path);
        string(&c[DIRS], dir);
        string(&c[CAPABILITIES], f->caps);
    }
    for (size_t i = 0; i < COLUMNS; i++)
        entries[i] = (struct rpm_entry){columns[i].tag, columns[i].type, c[i].count,
                                        (const unsigned char *)c[i].data.p, c[i].data.n};
    const struct rpm_read r = {.header = {.entries = entries, .n = COLUMNS}};
    AUTO_FD fd = scratch_fd(str_c(p->name));
    const struct pkgfmt_package pkg = {.fd = fd, .pkg = &pkgs[index], .index = index};
    struct rpm_second_copy *copy = NULL;
    int rc = tree_writer_open(t, index, p->name, 1 << 20, false, &w, e);
    if (rc == 0)
        rc = rpm_second_keep(s, &pkg, &r, w, &copy, e);
    if (rc == 0)
        rc = tree_writer_finish(&w, e);
    tree_writer_close(w);
    for (size_t i = 0; i < COLUMNS; i++)
        buf_free(&c[i].data);
    return rc;
}

static int leave(struct tree **t, struct err *e)
{
    static const struct tree_layout links[] = {{"bin", "usr/bin"}, {"sbin", "usr/sbin"}};
    struct pkgfmt_second *s = NULL;
    *e = (struct err){0};
    int rc = tree_open_dir(t, in_scratch("root"), NULL, e);
    if (rc < 0 || tree_layout(*t, links, 2, e) < 0 || rpm_second_begin(&s, *t, &plan, false, e) < 0)
        return -1;
    for (unsigned i = 0; rc == 0 && i < PACKAGES; i++)
        rc = keep(s, *t, i, e);
    if (rc == 0)
        rc = rpm_second_settle(s, e);
    if (rc == 0)
        rc = tree_settle(*t, e);
    if (rc == 0)
        rc = rpm_second_finish(s, &opts, e);
    rpm_second_free(s);
    return rc;
}

/* In the scratch directory, where the root is `root'. */
static bool sh(const char *command)
{
    AUTO_BUF b = {0};
    buf_printf(&b, "cd '%s' && { %s\n}", scratch, command);
    return system(buf_c(&b)) == 0;
}

static void reset(void)
{
    opts = (struct pkgfmt_second_opts){.fixups_sh = STR("true\n"), .epoch = 7};
}

static void packages_whole(void)
{
    struct tree *t = NULL;
    struct err e;
    AUTO_BUF b = {0};
    if (geteuid() != 0)
        SKIP("not root");
    reset();
    CHECK(leave(&t, &e) == 0);
    CHECK_STR(left(t, "plan", &b),
              "format rpm\nepoch 7\ncount 4\npackage own own-2%3a1%5ea-3.el9.x86_64.rpm\n"
              "package caps caps-1-1.noarch.rpm\npackage edited edited-1-1.noarch.rpm\n"
              "package init init-1-1.noarch.rpm\n");
    CHECK_STR(left(t, "packages/own-2%3a1%5ea-3.el9.x86_64.rpm", &b), "own");
    CHECK_STR(left(t, "netshared", &b), "/proc:/sys:/dev:/usr/lib/null");
    CHECK_STR(left(t, "expected", &b), "");
    CHECK_STR(left(t, "fixups.sh", &b), "true\n");
    CHECK_STR(left(t, "done", &b), "");
    CHECK(strncmp(left(t, "second-stage", &b), "#!/bin/sh\n", 10) == 0);
    CHECK(strstr(buf_c(&b), "\nmain 1 verify install ") != NULL);
    CHECK(sh("cd .root.*/zonestrap && sha256sum -c --quiet digests && sh -n second-stage && "
             "test $(grep -c . digests) = 8"));
    tree_close(t);
}

/* Whose paths they are: all names of a file go together, a configuration file that rpm keeps needs nothing.
 */
static void own_paths(void)
{
    static const struct str own[] = {{"etc/keeps", 9},       {"etc/loses", 9}, {"not/packaged", 12},
                                     {"usr/bin/b", 9},       {"usr/bin/c", 9}, {"usr/share/100%\\n", 16},
                                     {"usr/share/ghost", 15}};
    struct tree *t = NULL;
    struct err e;
    AUTO_BUF b = {0};
    if (geteuid() != 0)
        SKIP("not root");
    reset();
    opts.own = own;
    opts.nown = sizeof own / sizeof own[0];
    CHECK(leave(&t, &e) == 0);
    CHECK_STR(left(t, "netshared", &b), "/proc:/sys:/dev:/etc/loses:/usr/bin/a:/usr/bin/b:/bin/c:"
                                        "/usr/share/100%%\\\\n:/usr/lib/null");
    CHECK_STR(left(t, "expected", &b), "/etc/keeps\n/etc/loses\n/usr/bin/b\n/bin/c\n/usr/share/100%\\n\n"
                                       "/usr/share/ghost\n");
    tree_close(t);
}

static void no_capabilities(void)
{
    struct tree *t = NULL;
    struct err e;
    AUTO_BUF b = {0};
    if (geteuid() != 0)
        SKIP("not root");
    reset();
    opts.no_caps = true;
    CHECK(leave(&t, &e) == 0);
    CHECK_STR(left(t, "netshared", &b), "/proc:/sys:/dev:/usr/bin/ping:/usr/lib/null");
    CHECK_STR(left(t, "expected", &b), "");
    tree_close(t);
}

static void touched(void)
{
    static const struct str paths[] = {{"usr/lib/made", 12}, {"etc/edited", 10}, {"etc/none", 8}};
    struct tree *t = NULL;
    struct err e;
    AUTO_BUF b = {0};
    if (geteuid() != 0)
        SKIP("not root");
    reset();
    opts.touched = paths;
    opts.ntouched = 3;
    CHECK(leave(&t, &e) == 0);
    CHECK_STR(left(t, "netshared", &b), "/proc:/sys:/dev:/usr/lib/null");
    CHECK_STR(left(t, "expected", &b), "/etc/edited\n/usr/lib/made/x\n");
    tree_close(t);
}

static void first_boot(void)
{
    struct tree *t = NULL;
    struct err e;
    AUTO_BUF a = {0}, b = {0};
    if (geteuid() != 0)
        SKIP("not root");
    reset();
    opts.first_boot = true;
    CHECK(leave(&t, &e) == 0);
    CHECK_STR(left(t, "netshared", &b), "/proc:/sys:/dev:/usr/sbin/init:/usr/lib/null");
    CHECK(strncmp(left(t, "first-boot", &a), "#!/bin/sh\n", 10) == 0);
    buf_clear(&b);
    CHECK(tree_read(t, "/sbin/init", 1 << 20, &b, &e) == 0 && str_eq(buf_view(&a), buf_view(&b)));
    tree_close(t);
}

/* gpg reads what was armored; the certificates are told apart. */
static void keys(void)
{
    const struct str none[] = {STR("no key"), STR("\x99\x01"), STR("\x98\5abc"), STR("\xcd\1x")};
    struct tree *t = NULL;
    struct err e;
    AUTO_BUF b = {0}, binary = {0};
    if (geteuid() != 0)
        SKIP("not root");
    reset();
    opts.nkeys = 1;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        opts.keys = &none[i];
        CHECK(leave(&t, &e) < 0 && e.class == ERR_FORMAT);
        CHECK_STR(e.msg, "a keyring holds neither armored nor binary OpenPGP certificates");
        tree_close(t);
    }
    if (!sh("for f in bookworm trixie; do gpg --homedir . --batch --quiet --dearmor "
            "<\"$OLDPWD\"/distros/keys/debian-archive-$f-stable.asc || exit 1; done >binary 2>/dev/null"))
        SKIP("no gpg");
    CHECK(file_read(in_scratch("binary"), 1 << 20, &binary, &e) == 0);
    const struct str two[] = {buf_view(&binary), STR("-----BEGIN PGP PUBLIC KEY BLOCK-----\nas it is")};
    opts.keys = two;
    opts.nkeys = 2;
    CHECK(leave(&t, &e) == 0);
    CHECK_STR(left(t, "keys/2.asc", &b), "-----BEGIN PGP PUBLIC KEY BLOCK-----\nas it is\n");
    CHECK(sh("f=$(echo .root.*/zonestrap/keys/1.asc); test $(grep -c BEGIN $f) = 2 && "
             "gpg --homedir . --batch --dearmor <$f 2>/dev/null | cmp - binary"));
    tree_close(t);
}

static void refused(void)
{
    static const struct str own[] = {{"usr/share/a:b", 13}};
    struct plan_pkg bad = {.name = "a b", .version = "1", .arch = "noarch"};
    const struct plan one = {.pkgs = &bad, .n = 1};
    struct pkgfmt_second *s = NULL;
    struct tree *t = NULL;
    struct err e = {0};
    if (geteuid() != 0)
        SKIP("not root");
    reset();
    CHECK(tree_open_dir(&t, in_scratch("root"), NULL, &e) == 0);
    CHECK(rpm_second_begin(&s, t, &one, false, &e) < 0 && e.class == ERR_FORMAT);
    CHECK_STR(e.msg, "`a b' is no name of a package");
    CHECK(rpm_second_begin(&s, t, &plan, false, &e) == 0 && keep(s, t, 0, &e) == 0);
    CHECK(rpm_second_settle(s, &e) < 0);
    CHECK_STR(e.msg, "caps was not unpacked before the second stage was left in the tree");
    rpm_second_free(s);
    tree_close(t);
    opts.own = own;
    opts.nown = 1;
    CHECK(leave(&t, &e) < 0 && e.class == ERR_FORMAT);
    CHECK_STR(e.msg, "caps: /usr/share/a:b: rpm cannot be told to leave a path alone that has a `:'");
    tree_close(t);
}

/* Runs the script's functions with another rpm, dates and places than the zone's; log and answer in files. */
static void script(const char *answer, const char *calls, const char *want)
{
    AUTO_ARENA a = {0};
    AUTO_BUF b = {0}, got = {0};
    struct str first = {NULL, 0}, second = {NULL, 0};
    struct err e = {0};
    CHECK(data_read(NULL, "pkgfmt", "second.sh", &a, &first, NULL, &e) == 0 &&
          data_read(NULL, "pkgfmt", "rpm_second.sh", &a, &second, NULL, &e) == 0);
    buf_str(&b, first);
    buf_str(&b, second);
    CHECK(file_replace(in_scratch("whole.sh"), buf_view(&b), 0644, &e) == 0);
    buf_clear(&b);
    buf_printf(
        &b, "mkdir -p zs; cd zs; rm -rf *; mkdir keys packages; : >done; : >expected; echo n >netshared\n"
            "printf 'format rpm\\ncount 2\\npackage a a-1%%%%3a2-3.x86_64.rpm\\npackage b "
            "b-1%%%%5ex-1.noarch.rpm\\n' "
            ">plan\n"
            "sed \"s|^zs=.*|zs=$PWD|; s|^log=.*|log=$PWD/log|; /^main /d; /^cd \\/ /d\" ../whole.sh >run.sh\n"
            "printf '%%s\\n' 'rpm() {' \"$RPM\" '}' 'total=2 count=2 SOURCE_DATE_EPOCH=86400' \"$CALLS\" "
            ">>run.sh\n"
            "ZONESTRAP_SECOND=clean sh run.sh >out 2>&1; sed \"s|$PWD|.|g\" out >../out");
    setenv("RPM", answer, 1);
    setenv("CALLS", calls, 1);
    CHECK(sh(buf_c(&b)) && file_read(in_scratch("out"), 1 << 20, &got, &e) == 0);
    if (strcmp(buf_c(&got), want) != 0)
        CHECK_STR(buf_c(&got), want);
}

#define RPM(lines)                                                                                           \
    "case $1 in --eval) echo \"$zs/d/db\"; return ;; --initdb | --import) return ;; esac; " lines

static void script_installs(void)
{
    /* Lines that are no package's are the scriptlets'. */
    script(RPM("printf '%s\\n' 'Preparing packages...' a-1:2-3.x86_64 c-1-1.noarch 'a word' b-1^x-1.noarch; "
               "echo \"$*\" >rpm-args"),
           "step_install; sed 's/ -/\\n-/g; s/ [^ ]*packages/ packages/g' rpm-args; cat log",
           "zs-progress 0 2 install a\nzs-progress 1 2 install b\n"
           "-Uv\n--replacepkgs\n--replacefiles\n--ignorearch\n--ignoreos\n--ignoresize\n--nosignature\n--"
           "nodigest\n"
           "--define _netsharedpath n packages/a-1%3a2-3.x86_64.rpm packages/b-1%5ex-1.noarch.rpm\n"
           "Preparing packages...\na-1:2-3.x86_64\nc-1-1.noarch\na word\nb-1^x-1.noarch\n");
    script(RPM("echo a-1:2-3.x86_64; echo 'error: Failed dependencies:' >&2; echo '\tx is needed by a' >&2; "
               "echo 'error: another' >&2; return 1"),
           "step_install",
           "zs-progress 0 2 install a\nerror: Failed dependencies:\n\tx is needed by a\nerror: another\n"
           "zonestrap: second stage: install: Failed dependencies: x is needed by a\n");
    script(RPM("echo 'warning: %post(a-1.x) scriptlet failed, exit status 1'; return 3"), "step_install",
           "zs-warning %post(a-1.x) scriptlet failed, exit status 1\n"
           "warning: %post(a-1.x) scriptlet failed, exit status 1\n"
           "zonestrap: second stage: install: rpm failed\n");
    script(RPM("return 0"),
           "step_install; [ -e begun ] && [ ! -e resumed ]; step_install; ls begun resumed d",
           "begun\nresumed\n\nd:\ndb\n");
    /* Whatever rpm says: no place that is no database's is emptied. */
    script("echo /", "step_install",
           "zonestrap: second stage: install: rpm says that its database is at `/'\n");
    script("echo /var/../..", "step_install",
           "zonestrap: second stage: install: rpm says that its database is at `/var/../..'\n");
    script("echo x/y", "step_install",
           "zonestrap: second stage: install: rpm says that its database is at `x/y'\n");
    script("[ $1 = --eval ] && echo $zs/d/db; [ $1 != --import ]",
           ": >keys/1.asc; find_db; import_keys; cat log", "rpm does not take the key 1.asc\n");
}

static void script_checks(void)
{
    static const char good[] = "case $1 in -qa) printf 'b\\na\\ngpg-pubkey\\n' ;; -Va) cat va ;; esac";
    static const struct {
        const char *line, *want;
    } rows[] = {
        {"S.5....T.  c /etc/config", ""},
        {"missing   c /etc/config", ""},
        {".M...UG..    /usr/bin/mode", ""},
        {".......T.    /usr/bin/time", ""},
        {"..?......  g /var/ghost", ""},
        {"missing     /run/x", ""},
        {"....L....    /dev/stdin", ""},
        {"missing     /usr/touched by fixups", ""},
        {"missing     /usr/touched", "missing /usr/touched"},
        {"S.5....T.  d /usr/share/doc", "S.5....T. /usr/share/doc"},
        {"..5......    /usr/bin/a b", "..5...... /usr/bin/a b"},
        {"....L....    /usr/bin/link", "....L.... /usr/bin/link"},
        {"Unsatisfied dependencies for a-1:", ""},
        {"Segmentation fault /x", ""},
        {"5 is a number", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_BUF calls = {0}, want = {0};
        buf_printf(&calls, "echo '/usr/touched by fixups' >expected; printf '%%s\\n' '%s' >va; step_check",
                   rows[i].line);
        if (rows[i].want[0] != '\0')
            buf_printf(&want,
                       "%s\nzonestrap: second stage: check: rpm -Va finds files that are not as they were "
                       "packaged (1): %s; "
                       "./expected lists what may be so\n",
                       rows[i].line, rows[i].want);
        script(good, buf_c(&calls), buf_c(&want));
    }
    script("[ $1 != -qa ] || echo a", "step_check",
           "zonestrap: second stage: check: 1 packages are installed, expected 2; b is not\n");
    script("[ $1 != -qa ] || printf 'a\\na\\nb\\n'", "step_check",
           "zonestrap: second stage: check: 3 packages are installed, expected 2\n");
}

int main(void)
{
    scratch_new();
    for (size_t i = 0; i < PACKAGES; i++)
        pkgs[i] = (struct plan_pkg){
            .name = packages[i].name, .version = packages[i].version, .arch = packages[i].arch};
    RUN(packages_whole);
    RUN(own_paths);
    RUN(no_capabilities);
    RUN(touched);
    RUN(first_boot);
    RUN(keys);
    RUN(refused);
    RUN(script_installs);
    RUN(script_checks);
    scratch_remove();
    return test_done();
}
