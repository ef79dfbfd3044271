/* Every verb, as C on a tree and as sh on an equal one: the two roots must be the same, and doing it twice
 * must change nothing. */
#include "fixups/fixup_int.h"

#include <sys/stat.h>

#include "base/auto.h"
#include "base/file.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static const char *const facts_packages[] = {"apt", "dpkg"};
static const struct fixup_facts facts = {.zone = "none",
                                         .format = "deb",
                                         .distro = "debian",
                                         .release = "trixie",
                                         .version = "13",
                                         .arch = "amd64",
                                         .packages = facts_packages,
                                         .npackages = 2,
                                         .sources = {"Types: deb\nURIs: http://x/y\n", 28},
                                         .keyring_name = "k.gpg",
                                         .hostname = "zone1"};

static const char *base;

static int run(const char *fmt, const char *a, const char *b)
{
    char cmd[4096];
    int n = snprintf(cmd, sizeof cmd, fmt, base, a, b);
    CHECK(n > 0 && n < (int)sizeof cmd);
    return system(cmd);
}

/* Both roots the same way: a few files, links and directories, then the case's own shell lines. */
static void make_roots(const char *seed)
{
    CHECK(run("cd %s && rm -rf c sh && mkdir c && cd c && umask 022 && mkdir -p etc/rcS.d usr/bin usr/sbin "
              "dev && "
              "ln -s usr/bin bin && ln -s usr/sbin sbin && "
              "printf 'root:x:0:0::/:\\nmail:x:8:8::/:\\n' >etc/passwd && printf 'root:x:0:\\nmail:x:8:\\n' "
              ">etc/group && "
              "{ %s\n} && cp -a ../c ../sh",
              seed, "") == 0);
}

/* -1: refused when read; 1: failed; 0: done. */
static int apply_c(const struct fixup_set *set)
{
    char root[80];
    struct tree *t;
    struct err e = {0};
    snprintf(root, sizeof root, "%s/c", base);
    CHECK(tree_open_existing(&t, root, NULL, &e) == 0);
    int rc = fixup_apply((struct fixup_set *)set, t, NULL, &e);
    if (rc < 0)
        printf("# %s\n", e.msg);
    CHECK(rc == 0 || (e.class != ERR_NONE && strstr(e.msg, "t.fixup:3") != NULL));
    tree_close(t);
    return rc;
}

static int apply_sh(struct fixup_set *set)
{
    AUTO_BUF script = {0};
    char path[80];
    struct err e = {0};
    CHECK(fixup_render(set, &script, &e) == 0);
    snprintf(path, sizeof path, "%s/script", base);
    CHECK(file_replace(path, buf_view(&script), 0644, &e) == 0);
    return run("cd %s && ROOT=$PWD/sh sh script 2>err || { sed 's/^/# /' err; false; }", "", "") ? -1 : 0;
}

/* Type, mode, owner, link, device and content of everything. */
static void snapshot(const char *root, const char *into, const char *more)
{
    char cmd[600];
    snprintf(cmd, sizeof cmd,
             "cd %s/%s && { find . -printf '%%y %%m %%U %%G %%l %s %%p\\n' | sort; find . -type f | sort | "
             "xargs sha256sum; "
             "find . -type c | sort | xargs -r stat -c '%%n %%t %%T'; } >../%s",
             base, root, more, into);
    CHECK(system(cmd) == 0);
}

static void check_case(const char *lines, const char *seed, bool fails)
{
    AUTO_ARENA a = {0};
    struct fixup x = {.name = "t"};
    struct fixup_set set = {&x, 1};
    struct err e = {0};
    bool matches;
    const char *text = arena_printf(&a, "[match]\n[before-boot]\n%s\n", lines);
    make_roots(seed);
    if (fixup_read("t.fixup", str_c(text), &facts, &a, &x, &matches, &e) < 0) {
        CHECK_STR(e.msg, "");
        return;
    }
    printf("# %s\n", lines);
    CHECK(matches && x.nbefore > 0);
    snapshot("c", "before", "");
    CHECK((apply_c(&set) < 0) == fails);
    CHECK((apply_sh(&set) < 0) == fails);
    snapshot("c", "c.1", "");
    snapshot("sh", "sh.1", "");
    CHECK(run("cd %s && diff c.1 sh.1", "", "") == 0);
    if (fails)
        return;
    snapshot("c", "c.time", "%T@ %i");
    CHECK(apply_c(&set) == 0);
    CHECK(apply_sh(&set) == 0);
    snapshot("c", "c.2", "");
    snapshot("c", "c.time2", "%T@ %i");
    snapshot("sh", "sh.2", "");
    CHECK(run("cd %s && diff c.1 c.2 && diff c.time c.time2 && diff sh.1 sh.2", "", "") == 0);
    if (run("cd %s && cmp -s before c.1", "", "") == 0 && strstr(lines, "?") == NULL &&
        strstr(lines, "!") == NULL)
        CHECK(!"the case changes nothing at all");
}

static void verbs_alike(void)
{
    static const struct {
        const char *lines, *seed;
        bool fails;
    } rows[] = {
        {"copy /etc/passwd /etc/deep/er/copy", "chown 8:8 etc/passwd; chmod 640 etc/passwd;", false},
        {"copy /etc/passwd /etc/old", "echo old >etc/old;", false},
        {"copy /etc/passwd /etc/old", "ln -s nowhere etc/old;", false},
        {"copy /etc/passwd /etc/old", "mkdir etc/old;", true},
        {"copy /etc/none /etc/old", ":;", true},
        {"copy /etc/ln /etc/old", "ln -s passwd etc/ln;", true},
        {"?copy /etc/none /etc/old", ":;", false},
        {"!copy /etc/passwd /etc/old", "echo kept >etc/old;", false},
        {"!copy /etc/passwd /etc/old", "ln -s nowhere etc/old;", false},
        {"?!copy /etc/passwd /etc/new", ":;", false},
        {"file /etc/a/b 0640 root:mail\n| {hostname} on {arch} # not a comment\n|\n|   three blanks, "
         "'quoted' $x `y` \\z",
         ":;", false},
        {"file /etc/passwd 0600 8:8\n| ZS_END\n| ZS_END_", ":;", false},
        {"file /etc/sources 0644\n| {sources}\n| # end", ":;", false},
        {"file /etc/empty 0444", ":;", false},
        {"file /etc/ln 0644\n| x", "ln -s passwd etc/ln;", false},
        {"file /etc/rcS.d 0644\n| x", ":;", true},
        {"mkdir /etc/x/y 0755 root:nobody", ":;", true},
        {"file /etc/x 0644 root:nobody\n| x", ":;", true},
        {"!file /etc/passwd 0644\n| x", ":;", false},
        {"mkdir /srv/a/b", ":;", false},
        {"mkdir /etc/rcS.d 1777 mail:mail", ":;", false},
        {"mkdir /etc/passwd", ":;", true},
        {"!mkdir /etc/rcS.d 0700", ":;", false},
        {"link /sbin/sh ../bin/sh", ":;", false},
        {"link /etc/a/rel ../it's", ":;", false},
        {"link /etc/passwd /dev/null", ":;", false},
        {"link /etc/rcS.d x", ":;", true},
        {"!link /etc/passwd x", ":;", false},
        {"node /dev/null c 1 3", ":;", false},
        {"node /dev/deep/loop b 7 1 0640", ":;", false},
        {"node /etc/passwd c 1 3\nlink /x y", ":;", false},
        {"remove /etc", ":;", false},
        {"remove /etc/ln", "ln -s rcS.d etc/ln; touch etc/rcS.d/stays;", false},
        {"remove /no/such\nlink /x y", ":;", false},
        {"edit /etc/passwd comment ^root", ":;", false},
        {"edit /etc/tab comment tty[1-6]",
         "printf '1:getty tty1\\n#2:getty tty2\\n # 3 tty3\\nconsole\\n' >etc/tab; chmod 600 etc/tab; chown "
         "8:8 etc/tab;",
         false},
        {"edit /etc/tab uncomment ^de_(AT|DE)",
         "printf '# de_AT\\n#de_DE\\n## de_DE x\\n# en\\nde_AT\\n' >etc/tab;", false},
        {"edit /etc/tab delete ^a+$", "printf 'a\\nab\\naa' >etc/tab;", false},
        {"edit /etc/tab delete ^$", "printf 'a\\n\\n\\nb\\n' >etc/tab;", false},
        {"edit /etc/tab delete /usr/(s?bin|lib)/",
         "printf '/usr/bin/x\\n/usr/lib\\n/usr/sbin/y\\n' >etc/tab;", false},
        {"edit /etc/tab replace |^#?Port .*|Port 22 & /x\\y|",
         "printf '#Port 2\\nPort 3\\nport\\n' >etc/tab;", false},
        {"edit /etc/tab replace /b{2}/c/", "printf 'abb' >etc/tab;", false},
        {"edit /etc/none comment x", ":;", true},
        {"?edit /etc/none comment x", ":;", false},
        {"edit /etc/ln comment x", "ln -s passwd etc/ln;", true},
        {"edit /bin/x delete a", "printf 'a\\nb\\n' >usr/bin/x; chmod 755 usr/bin/x;", false},
        {"append /etc/passwd  a line with 'quotes' -e * \\ $HOME", ":;", false},
        {"append /etc/tab -x", "printf 'no end' >etc/tab;", false},
        {"append /etc/tab x", ": >etc/tab;", false},
        {"append /etc/passwd\n| # one\n| root:x:0:0::/:\n| two", ":;", false},
        {"?append /etc/none\n| one\n| two", ":;", false},
        {"append /etc/none x", ":;", true},
        {"mode /etc/passwd 4755", ":;", false},
        {"mode /etc/rcS.d 0700", ":;", false},
        {"mode /etc/ln 0700", "ln -s passwd etc/ln;", true},
        {"mode /etc/none 0700", ":;", true},
        {"?mode /etc/none 0700", ":;", false},
        {"owner /etc/passwd mail:root", ":;", false},
        {"owner /etc/ln 8:8", "ln -s passwd etc/ln;", false},
        {"owner /etc/none 8:8", ":;", true},
        {"owner /etc/passwd nobody:root", ":;", true},
        {"mask fstrim.timer", ":;", false},
    };
    if (geteuid() != 0)
        SKIP("owners and nodes need root");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_case(rows[i].lines, rows[i].seed, rows[i].fails);
}

/* Zone verbs have no C: what the shell does is looked at. */
static void zone_verbs(void)
{
    AUTO_ARENA a = {0};
    struct fixup x = {.name = "t"};
    struct fixup_set set = {&x, 1};
    struct err e = {0};
    bool matches;
    make_roots("touch etc/rcS.d/S01a.sh etc/rcS.d/K02b etc/rcS.d/S03ab etc/rcS.d/README; mkdir etc/rc2.d; "
               "touch etc/rc2.d/S01b;");
    CHECK(fixup_read("t.fixup", STR("[match]\n[after-install]\nrc-remove S2 a.sh b none\n"), &facts, &a, &x,
                     &matches, &e) == 0);
    CHECK(x.nbefore == 0 && x.nafter == 1);
    CHECK(apply_sh(&set) == 0);
    CHECK(apply_sh(&set) == 0);
    CHECK(run("cd %s/sh && [ \"$(echo etc/rcS.d/* etc/rc2.d/*)\" = 'etc/rcS.d/README etc/rcS.d/S03ab "
              "etc/rc2.d/*' ]",
              "", "") == 0);
}

/* What a file holds is the line's text to the letter. */
static void text_lines(void)
{
    AUTO_ARENA a = {0};
    struct fixup x = {.name = "t"};
    struct err e = {0};
    bool matches;
    CHECK(
        fixup_read(
            "t.fixup",
            STR("[match]\n[before-boot]\nfile /a 0644 # a comment\n| # b  # c  \n|\n| {sources}\n| {x1} {\n"),
            &facts, &a, &x, &matches, &e) == 0);
    CHECK_STR(arena_str(&a, x.before[0].text), "# b  # c  \n\nTypes: deb\nURIs: http://x/y\n{x1} {\n");
}

int main(void)
{
    base = scratch_new();
    RUN(verbs_alike);
    RUN(zone_verbs);
    RUN(text_lines);
    scratch_remove();
    return test_done();
}
