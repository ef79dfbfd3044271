/* Users and groups by name. */
#include "base/mem.h"
#include "pkgfmt/rpm.h"
#include "pkgfmt/rpm_owners.h"
#include "tests/unit/rpm_fixture.h"
#include "tests/unit/tree_help.h"

static const char passwd[] =
    "root:x:0:0:root:/root:/bin/bash\nbin:x:1:1:bin:/bin:/sbin/nologin\r\n+::::\n#a:x:3:\n"
    "mail:x:8:12:mail\nbad:x:-1:\nbad:x:4294967295:1\nbad:x:99999999999:\n:x:7:\nshort:x\n"
    "bin:x:99:99:again\nbad:x:0x5:\nlast:x:42:";

static bool has(const struct rpm_names *n, const char *name, uint32_t want)
{
    uint32_t id = 77;
    return rpm_owners_find(n, name, &id) && id == want;
}

static bool lacks(const struct rpm_names *n, const char *name)
{
    uint32_t id = 77;
    return !rpm_owners_find(n, name, &id) && id == 77;
}

static void texts(void)
{
    struct rpm_accounts a = {0};
    CHECK(lacks(&a.users, "root"));
    rpm_owners_text(&a.users, str_c(passwd));
    CHECK(has(&a.users, "root", 0) && has(&a.users, "bin", 1) && has(&a.users, "mail", 8));
    CHECK(has(&a.users, "last", 42));
    CHECK(lacks(&a.users, "bad") && lacks(&a.users, "+") && lacks(&a.users, "a") && lacks(&a.users, "#a"));
    CHECK(lacks(&a.users, "") && lacks(&a.users, "short"));
    CHECK(a.users.n == 4);
    rpm_owners_text(&a.users, STR("bin:x:5:\nnew:x:6:\n"));
    CHECK(has(&a.users, "bin", 1) && has(&a.users, "new", 6));
    rpm_owners_clear(&a);
}

static void provided(struct rpm_accounts *a, const char *name, const char *version)
{
    struct buf b = {0};
    struct rpm_header h = {0};
    made_main(&b, &(struct made){.provide = name, .version = version}, NULL, 0);
    CHECK(rpm_header_parse(&h, buf_view(&b), 0, &err) == 0);
    rpm_owners_provides(a, &h);
    rpm_header_free(&h);
    buf_free(&b);
}

/* The lines are what rpm >= 4.19 writes (sysusers.prov): base64, padded with NUL bytes. */
static void provides(void)
{
    struct rpm_accounts a = {0};
    /* u systemd-network 192 "systemd Network Management" - - */
    provided(&a, "user(systemd-network)",
             "dSBzeXN0ZW1kLW5ldHdvcmsgMTkyICJzeXN0ZW1kIE5ldHdvcmsgTWFuYWdlbWVudCIgLSAtAA");
    CHECK(has(&a.users, "systemd-network", 192) && has(&a.groups, "systemd-network", 192));
    /* g utmp 22 - - */
    provided(&a, "group(utmp)", "ZyB1dG1wIDIyIC0gLQA=");
    CHECK(has(&a.groups, "utmp", 22) && lacks(&a.users, "utmp"));
    /* u one 5:6 x; u two - x; u! tri 7 x; g four 8; m bin wheel */
    provided(&a, "user(one)", "dSBvbmUgNTo2IHg=");
    CHECK(has(&a.users, "one", 5) && lacks(&a.groups, "one"));
    provided(&a, "user(two)", "dSB0d28gLSB4");
    CHECK(lacks(&a.users, "two") && lacks(&a.groups, "two"));
    provided(&a, "user(tri)", "dSEgdHJpIDcgeA");
    CHECK(has(&a.users, "tri", 7));
    provided(&a, "user(four)", "ZyBmb3VyIDg=");
    CHECK(lacks(&a.users, "four"));
    provided(&a, "group(four)", "dSBmb3VyIDk="); /* u four 9: a user brings a group of its name */
    CHECK(lacks(&a.users, "four") && has(&a.groups, "four", 8));
    provided(&a, "groupmember(bin/wheel)", "bSBiaW4gd2hlZWw=");
    provided(&a, "user(other)", "dSBvbmUgNTo2IHg="); /* a line about another name */
    provided(&a, "user(none)", "");
    provided(&a, "user(odd)", "*");
    provided(&a, "user()", "dSAgMSB4");
    CHECK(lacks(&a.users, "other") && lacks(&a.users, "none") && lacks(&a.users, "odd") &&
          lacks(&a.users, ""));
    rpm_owners_clear(&a);
}

static struct buf lines;

static void on_line(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    (void)level;
    buf_printf(&lines, "%s\n", text);
}

static const struct log log_here = {.line = on_line};

/* uid:gid and mode of a 06755 file of these. */
static const char *owned(struct rpm_owner *o, const char *user, const char *group)
{
    static char out[64];
    const struct rpm_file f = {.user = user, .group = group};
    struct tree_entry en = {.mode = 06755, .uid = 9, .gid = 9};
    rpm_owner_set(o, &f, &en);
    snprintf(out, sizeof out, "%u:%u %o", en.uid, en.gid, (unsigned)en.mode);
    return out;
}

static void owners(void)
{
    struct pkgfmt_owners *known = rpm_owners_new(str_c(passwd), STR("mail:x:12:\nutmp:x:22:\n"), &log_here);
    struct rpm_owner o;
    struct buf b = {0};
    struct rpm_header h = {0};
    made_main(&b, &(struct made){.provide = "user(one)", .version = "dSBvbmUgNSB4"}, NULL, 0);
    CHECK(rpm_header_parse(&h, buf_view(&b), 0, &err) == 0);
    rpm_owner_begin(&o, known, "pkg", &h);
    CHECK_STR(owned(&o, "root", "root"), "0:0 6755");
    CHECK_STR(owned(&o, "", ""), "0:0 6755");
    CHECK_STR(owned(&o, "mail", "mail"), "8:12 6755");
    CHECK_STR(owned(&o, "one", "one"), "5:5 6755"); /* the package's own */
    CHECK(lines.n == 0);
    CHECK_STR(owned(&o, "nobody", "utmp"), "0:22 2755");
    CHECK_STR(owned(&o, "mail", "nobody"), "8:0 4755");
    CHECK_STR(owned(&o, "nobody", "nobody"), "0:0 755");
    CHECK_STR(buf_c(&lines), "pkg: the user `nobody' is not known yet: root in its place\n"
                             "pkg: the group `nobody' is not known yet: root in its place\n");
    rpm_owner_end(&o);
    rpm_owners_free(known);
    rpm_header_free(&h);
    buf_free(&b);
    rpm_owner_begin(&o, NULL, "pkg", &h);
    CHECK_STR(owned(&o, "bin", "root"), "0:0 2755");
    rpm_owner_end(&o);
    buf_free(&lines);
}

static uint64_t max_bytes = 1 << 20;

static int read_package(struct pkgfmt_owners *o, const struct made *m, const struct made_file *f, size_t n)
{
    const struct plan_pkg pkg = {.name = "evil", .version = "1-1", .arch = "noarch"};
    AUTO_BUF package = {0};
    made_package(&package, m, f, n);
    AUTO_FD fd = scratch_fd(buf_view(&package));
    return rpm_owners_read(
        &(struct pkgfmt_package){.fd = fd, .pkg = &pkg, .max_bytes = max_bytes, .owners = o}, &err);
}

static const char *known_as(struct pkgfmt_owners *known, const char *user, const char *group)
{
    static char out[64];
    struct rpm_owner o;
    const struct rpm_header none = {0};
    rpm_owner_begin(&o, known, "pkg", &none);
    snprintf(out, sizeof out, "%s", owned(&o, user, group));
    rpm_owner_end(&o);
    return out;
}

static void from_packages(void)
{
    static const struct made_file f[] = {{.path = "/etc", .mode = S_IFDIR | 0755},
                                         {.path = "/etc/group", .text = "g:x:3:\nmail:x:99:\n"},
                                         {.path = "/etc/passwd", .text = "u:x:4:4:\nmail:x:99:99:\n"}};
    static const struct made_file ghosts[] = {
        {.path = "/etc/group", .text = "x:x:3:\n", .flags = RPM_FILE_GHOST},
        {.path = "/etc/passwd", .mode = S_IFLNK | 0777, .text = "y"}};
    static const struct made_file wrong[] = {
        {.path = "/etc/passwd",
         .text = "w:x:4:4:\n",
         .digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}};
    struct pkgfmt_owners *known = rpm_owners_new(STR("mail:x:8:12:\n"), STR("mail:x:12:\n"), NULL);
    CHECK(read_package(known, &(struct made){0}, ghosts, 2) == 0);
    CHECK(read_package(known, &(struct made){.provide = "user(v)", .version = "dSB2IDYgeA"}, f, 3) == 0);
    CHECK_STR(known_as(known, "u", "g"), "4:3 6755");
    CHECK_STR(known_as(known, "v", "v"), "6:6 6755");
    CHECK_STR(known_as(known, "mail", "mail"), "8:12 6755"); /* fixups come first */
    CHECK(read_package(known, &(struct made){0}, wrong, 1) < 0 && err.class == ERR_FORMAT);
    CHECK(strncmp(err.msg, "evil: ", 6) == 0);
    CHECK_STR(known_as(known, "w", "w"), "0:0 755");
    CHECK(read_package(known, &(struct made){.name = "other"}, f, 3) < 0 && err.class == ERR_TRUST);
    CHECK(read_package(known, &(struct made){.payload = STR("nothing")}, f, 3) < 0 &&
          err.class == ERR_FORMAT);
    rpm_owners_free(known);
    rpm_owners_free(NULL);
}

/* What stands before the files is bounded as all that a package may expand to. */
static void bounds(void)
{
    static const struct made_file f[] = {
        {.path = "/a", .text = "xxxx"},
        {.path = "/etc/group", .text = "g:x:3:\n"},
        {.path = "/g", .text = "xxxx", .flags = RPM_FILE_GHOST, .present = true},
        {.path = "/etc/passwd", .text = "u:x:4:4:\n"}};
    struct pkgfmt_owners *known = rpm_owners_new(STR(""), STR(""), NULL);
    uint64_t before = max_bytes;
    max_bytes = 8;
    CHECK(read_package(known, &(struct made){0}, f, 4) == 0);
    max_bytes = 7;
    CHECK(read_package(known, &(struct made){0}, f, 4) < 0 && err.class == ERR_FORMAT);
    CHECK_STR(err.msg, "evil: g: expands to more than 7 bytes");
    CHECK_STR(known_as(known, "u", "g"), "4:3 6755");
    max_bytes = before;
    rpm_owners_free(known);
}

int main(void)
{
    RUN(texts);
    RUN(provides);
    RUN(owners);
    RUN(from_packages);
    RUN(bounds);
    return test_done();
}
