#include "mirrors/mirror.h"

#include <limits.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static const char *dir;
static const char *data_dirs[1];
static struct data data = {data_dirs, 1};

static void put(const char *name, const char *text)
{
    struct err e = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    CHECK(file_replace(path, str_c(text), 0644, &e) == 0);
}

static int64_t index_date;

/* `url url | canonical | configured`, or the error's message. */
static const char *resolve(const char *list, const char *main_list, const char *const *overrides, size_t n,
                           struct arena *a)
{
    struct mirror_opts o = {.data = &data,
                            .apt_dir = dir,
                            .overrides = overrides,
                            .noverrides = n,
                            .main_list = main_list,
                            .index_date = index_date};
    struct mirror_urls u;
    struct err e = {0};
    AUTO_BUF b = {0};
    if (mirror_resolve(list, &o, a, &u, &e) < 0) {
        CHECK(e.class == ERR_USAGE);
        return arena_dup(a, e.msg);
    }
    for (size_t i = 0; i < u.n; i++)
        buf_printf(&b, "%s%s ", i == u.n - u.nsnapshots ? "then " : "", u.url[i]);
    buf_printf(&b, "| %s | %s", u.canonical, u.configured);
    return arena_str(a, buf_view(&b));
}

/* The URL, or "-". */
static const char *file_url(const char *url, const char *path, struct arena *a)
{
    AUTO_BUF b = {0};
    return mirror_file_url(&b, url, path) ? arena_str(a, buf_view(&b)) : "-";
}

static void urls_of_files(void)
{
    static const struct {
        const char *url, *path, *want;
    } t[] = {
        {"http://h/r", "pool/a b", "http://h/r/pool/a%20b"},
        {"http://h/r", "", "http://h/r"},
        {"http://h", "a", "http://h/a"},
        {"https://h/r/guids/1/x86_64", "../../../blobs/a", "https://h/r/blobs/a"},
        {"https://h/r", "../a", "https://h/a"},
        {"https://h/r", "../../a", "-"},
        {"https://h", "../a", "-"},
        {"file:///r/os", "a", "file:///r/os/a"},
        {"file:///r/os", "../a", "-"},
    };
    AUTO_ARENA a = {0};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        CHECK_STR(file_url(t[i].url, t[i].path, &a), t[i].want);
}

static void the_hosts_mirrors_come_first(void)
{
    AUTO_ARENA a = {0};
    put("sources.list", "deb http://third.example/linux/debian bookworm stable\n"
                        "deb http://near.example/debian/ bookworm main\n"
                        "deb http://near.example/debian bookworm-updates main\n"
                        "deb ftp://old.example/debian bookworm main\n"
                        "deb file:/srv/debian bookworm main\n"
                        "deb http://near.example/debian-security bookworm-security main\n");
    CHECK_STR(
        resolve("one", NULL, NULL, 0, &a),
        "http://near.example/debian file:///srv/debian http://u1.example/debian https://u2.example/debian "
        "| http://u1.example/debian | http://near.example/debian");
    CHECK_STR(resolve("two", NULL, NULL, 0, &a),
              "http://u3.example/x | http://canon.example/x | http://u3.example/x");
    put("sources.list", "deb file:/srv/debian bookworm main\n");
    CHECK_STR(resolve("one", NULL, NULL, 0, &a),
              "file:///srv/debian http://u1.example/debian https://u2.example/debian "
              "| http://u1.example/debian | http://u1.example/debian");
    put("sources.list", "deb http://u1.example/debian bookworm main\n"); /* each once */
    CHECK_STR(resolve("one", NULL, NULL, 0, &a), "http://u1.example/debian https://u2.example/debian "
                                                 "| http://u1.example/debian | http://u1.example/debian");
}

static void overrides_come_alone(void)
{
    AUTO_ARENA a = {0};
    static const char *const some[] = {"http://o1.example/a/", "two=https://o2.example/b=c",
                                       "one=http://o3.example"};
    CHECK_STR(resolve("one", "one", some, 3, &a),
              "http://o1.example/a http://o3.example | http://u1.example/debian "
              "| http://o1.example/a");
    CHECK_STR(resolve("two", "one", some, 3, &a),
              "https://o2.example/b=c | http://canon.example/x | https://o2.example/b=c");
    static const char *const unknown[] = {"tow=http://o.example"};
    CHECK_STR(resolve("one", "one", unknown, 1, &a), "there is no mirror list tow");
    static const char *const bad[] = {"ftp://me:secret@o.example"};
    CHECK_STR(resolve("one", "one", bad, 1, &a), "mirror ftp://o.example: not a http, https or file URL");
    static const char *const query[] = {"http://o.example/?q"};
    CHECK_STR(resolve("one", "one", query, 1, &a),
              "mirror http://o.example/?q: a mirror's URL has no ? or # part");
    static const char *const nohost[] = {"http:///x"};
    CHECK_STR(resolve("one", "one", nohost, 1, &a), "mirror http:///x: the URL names no host");
    static const char *const twice[] = {"http://me:p@ss@o.example/x"};
    CHECK_STR(resolve("one", "one", twice, 1, &a), "mirror http://o.example/x: malformed URL");
    static const char *const secret[] = {"http://me:pass@o.example/x"};
    CHECK_STR(resolve("one", "one", secret, 1, &a),
              "http://me:pass@o.example/x | http://u1.example/debian | http://o.example/x");
}

static void directories_become_file_urls(void)
{
    AUTO_ARENA a = {0};
    char cwd[PATH_MAX], odd[128], want[PATH_MAX + 256];
    CHECK(getcwd(cwd, sizeof cwd) != NULL);
    snprintf(odd, sizeof odd, "%s/a b%%c#d", dir);
    struct err e = {0};
    CHECK(file_mkdirs(odd, 0755, &e) == 0);
    const char *one[] = {odd};
    snprintf(want, sizeof want,
             "file://%s/a%%20b%%25c%%23d | http://u1.example/debian | http://u1.example/debian", dir);
    CHECK_STR(resolve("one", "one", one, 1, &a), want);
    CHECK(chdir(dir) == 0);
    one[0] = "a b%c#d/";
    CHECK_STR(resolve("one", "one", one, 1, &a), want);
    one[0] = "one=a b%c#d";
    CHECK_STR(resolve("one", NULL, one, 1, &a), want);
    CHECK(chdir(cwd) == 0);
    one[0] = "/nonexistent/dir";
    CHECK_STR(resolve("one", "one", one, 1, &a), "mirror /nonexistent/dir: No such file or directory");
    one[0] = "/etc/passwd";
    CHECK_STR(resolve("one", "one", one, 1, &a), "mirror /etc/passwd: not a directory");
}

static void a_url_in_place_of_a_list(void)
{
    AUTO_ARENA a = {0};
    char want[256];
    static const char *const other[] = {"http://o.example/y"};
    CHECK_STR(resolve("http://h.example/x//", NULL, NULL, 0, &a),
              "http://h.example/x | http://h.example/x | http://h.example/x");
    CHECK_STR(resolve("file:/srv/repo", NULL, NULL, 0, &a),
              "file:///srv/repo | file:///srv/repo | file:///srv/repo");
    snprintf(want, sizeof want, "file://%s | file://%s | file://%s", dir, dir, dir);
    CHECK_STR(resolve(dir, NULL, NULL, 0, &a), want);
    CHECK_STR(resolve("http://h.example/x", "http://h.example/x", other, 1, &a),
              "http://o.example/y | http://h.example/x | http://o.example/y");
    CHECK_STR(resolve("nosuch", NULL, NULL, 0, &a), "there is no mirror list nosuch");
    CHECK_STR(resolve("../one", NULL, NULL, 0, &a), "there is no mirror list ../one");
}

/* For locks alone, behind all others, a day after the index's date; --mirror takes their place, too. */
static void snapshots(void)
{
    AUTO_ARENA a = {0};
    static const char *const own[] = {"three=http://o.example"};
    put("three.mirrors", "[mirrors]\nsnapshot http://s.example/{timestamp}/x/\nurl http://u.example/x\n"
                         "snapshot http://u.example/x/{timestamp}\n");
    CHECK_STR(resolve("three", NULL, NULL, 0, &a),
              "http://u.example/x | http://u.example/x | http://u.example/x");
    index_date = 1783764997; /* 2026-07-11 10:16:37 */
    CHECK_STR(resolve("three", NULL, NULL, 0, &a),
              "http://u.example/x then http://s.example/20260712T101637Z/x "
              "http://u.example/x/20260712T101637Z | http://u.example/x | http://u.example/x");
    CHECK_STR(resolve("three", NULL, own, 1, &a), "http://o.example | http://u.example/x | http://o.example");
    CHECK_STR(resolve("http://h.example/x", NULL, NULL, 0, &a),
              "http://h.example/x | http://h.example/x | http://h.example/x");
    index_date = INT64_MAX - 24 * 3600; /* no date that a calendar has */
    CHECK_STR(resolve("three", NULL, NULL, 0, &a),
              "http://u.example/x | http://u.example/x | http://u.example/x");
    index_date = 0;
}

static const char *check(const char *text, struct arena *a)
{
    struct err e = {0};
    return mirror_check("l.mirrors", str_c(text), &e) == 0 ? "good" : arena_dup(a, e.msg);
}

static void lists_are_checked(void)
{
    AUTO_ARENA a = {0};
    CHECK_STR(
        check("[mirrors]\nhost-apt /x main\nurl http://h.example/x\ncanonical http://h.example/x\n", &a),
        "good");
    CHECK_STR(check("[mirrors]\n  uri http://h.example/x\n", &a),
              "l.mirrors:2:3: unknown keyword uri, expected host-apt, url, canonical or snapshot");
    CHECK_STR(check("[mirrors]\nurl\n", &a), "l.mirrors:2:4: url without an argument");
    CHECK_STR(check("[mirrors]\nurl ftp://h.example/\n", &a),
              "l.mirrors:2:5: ftp://h.example/: not a http, https or file URL");
    CHECK_STR(check("[mirrors]\nurl http://h.example/a b\n", &a),
              "l.mirrors:2:5: http://h.example/a b: blanks and control characters must be written as %XX");
    CHECK_STR(check("[mirrors]\nurl http://h.example\nhost-apt debian\n", &a),
              "l.mirrors:3:10: host-apt wants the end of a path and at most one component");
    CHECK_STR(
        check("[mirrors]\nurl http://h.example\ncanonical http://a.example\ncanonical http://a.example\n",
              &a),
        "l.mirrors:4:1: a second canonical");
    CHECK_STR(check("[mirrors]\nurl http://h.example\nsnapshot http://me:p@h.example/\n", &a),
              "l.mirrors:3:10: snapshot wants a URL with {timestamp} in it");
    CHECK_STR(check("[mirrors]\nurl http://h.example\nsnapshot ftp://me:p@h.example/{timestamp}\n", &a),
              "l.mirrors:3:10: ftp://h.example/{timestamp}: not a http, https or file URL");
    CHECK_STR(check("[mirrors]\nsnapshot http://h.example/{timestamp}\n", &a),
              "l.mirrors:1:1: the list names no url");
    CHECK_STR(check("[mirrors]\nhost-apt /debian\n", &a), "l.mirrors:1:1: the list names no url");
    CHECK_STR(check("url http://h.example\n", &a),
              "l.mirrors:1:1: expected one section, [mirrors], and nothing outside it");
    CHECK_STR(check("", &a), "l.mirrors:1:1: the list names no url");
}

static void built_in_lists_are_good(void)
{
    AUTO_ARENA a = {0};
    const char **names;
    size_t n;
    struct err e = {0};
    struct str text;
    const char *origin;
    CHECK(data_list(NULL, "mirrors", "*.mirrors", &a, &names, &n, &e) == 0);
    CHECK(n >= 5);
    for (size_t i = 0; i < n; i++) {
        CHECK(data_read(NULL, "mirrors", names[i], &a, &text, &origin, &e) == 0);
        if (mirror_check(origin, text, &e) < 0) {
            printf("%s\n", e.msg);
            CHECK(false);
        }
    }
}

static void escapes_paths(void)
{
    AUTO_BUF b = {0};
    mirror_escape(&b, STR("pool/a~b+c/x_1%3a2.deb?q#f\xc3\xa4^ \n"));
    CHECK_STR(buf_c(&b), "pool/a~b+c/x_1%253a2.deb%3Fq%23f%C3%A4%5E%20%0A");
}

static void joined_and_first(void)
{
    AUTO_ARENA a = {0};
    static const char *const urls[] = {"http://a.example", "file:///srv"};
    static const char *const more[] = {"https://b.example/x/os", "http://a.example/8/os"};
    struct mirror_urls u = {.url = (const char **)urls,
                            .n = 2,
                            .nsnapshots = 1,
                            .canonical = "http://c.example",
                            .configured = "http://a.example"};
    struct mirror_urls same = u;
    mirror_urls_join(&same, ".", &a);
    mirror_urls_join(&same, "", &a);
    mirror_urls_join(&same, "/", &a);
    CHECK(same.n == 2 && same.url[1] == u.url[1] && same.canonical == u.canonical);
    mirror_urls_join(&u, "/8/os/", &a);
    CHECK_STR(u.url[0], "http://a.example/8/os");
    CHECK_STR(u.url[1], "file:///srv/8/os");
    CHECK_STR(u.canonical, "http://c.example/8/os");
    CHECK_STR(u.configured, "http://a.example/8/os");
    mirror_urls_first(&u, more, 2, &a);
    CHECK(u.n == 3 && u.nsnapshots == 1);
    CHECK_STR(u.url[0], "https://b.example/x/os");
    CHECK_STR(u.url[1], "http://a.example/8/os");
    CHECK_STR(u.url[2], "file:///srv/8/os");
    CHECK_STR(u.configured, "http://a.example/8/os");
    mirror_urls_join(&same, "a b?c", &a);
    CHECK_STR(same.url[0], "http://a.example/a%20b%3Fc");
}

static void overridden(void)
{
    AUTO_ARENA a = {0};
    static const char *const own[] = {"http://o.example"};
    struct mirror_opts o = {.data = &data, .apt_dir = dir};
    struct mirror_urls u;
    struct err e = {0};
    CHECK(mirror_resolve("one", &o, &a, &u, &e) == 0 && !u.overridden);
    o.overrides = own;
    o.noverrides = 1;
    CHECK(mirror_resolve("one", &o, &a, &u, &e) == 0 && !u.overridden);
    o.main_list = "one";
    CHECK(mirror_resolve("one", &o, &a, &u, &e) == 0 && u.overridden);
}

int main(void)
{
    dir = scratch_new();
    data_dirs[0] = dir;
    put("one.mirrors", "[mirrors]\nhost-apt /debian main\nurl http://u1.example/debian/\n"
                       "url https://u2.example/debian\n");
    put("two.mirrors", "[mirrors]\nurl http://u3.example/x\ncanonical http://canon.example/x\n");
    RUN(the_hosts_mirrors_come_first);
    RUN(overrides_come_alone);
    RUN(directories_become_file_urls);
    RUN(a_url_in_place_of_a_list);
    RUN(snapshots);
    RUN(joined_and_first);
    RUN(overridden);
    RUN(lists_are_checked);
    RUN(built_in_lists_are_good);
    RUN(escapes_paths);
    RUN(urls_of_files);
    scratch_remove();
    return test_done();
}
