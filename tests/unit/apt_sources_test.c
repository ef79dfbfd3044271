#include "mirrors/apt_sources.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static const char *dir;

static void begin(void)
{
    struct err e = {0};
    dir = scratch_new();
    CHECK(file_mkdirs(in_scratch("sources.list.d"), 0755, &e) == 0);
}

static void put(const char *name, const char *text)
{
    struct err e = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    CHECK(file_replace(path, str_c(text), 0644, &e) == 0);
}

/* All sources as `uri suite,suite component,component` lines. */
static const char *all(struct arena *a)
{
    struct apt_source *s;
    size_t n;
    struct err e = {0};
    AUTO_BUF b = {0};
    CHECK(apt_sources_read(dir, a, &s, &n, &e) == 0);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&b, "%s ", s[i].uri);
        for (size_t k = 0; k < s[i].nsuites; k++)
            buf_printf(&b, "%s%s", k ? "," : "", s[i].suites[k]);
        for (size_t k = 0; k < s[i].ncomponents; k++)
            buf_printf(&b, "%s%s", k ? "," : " ", s[i].components[k]);
        buf_putc(&b, '\n');
    }
    return arena_str(a, buf_view(&b));
}

static void one_line_form(void)
{
    AUTO_ARENA a = {0};
    begin();
    put("sources.list", "# a comment\n"
                        "deb http://m1.example/debian/ bookworm main contrib # the main one\n"
                        "deb-src http://m1.example/debian bookworm main\n"
                        "#deb http://off.example/debian bookworm main\n"
                        "  deb\t[arch=amd64 signed-by=/a/b.gpg]   https://m2.example/debian  trixie\tmain\r\n"
                        "deb [ trusted=yes ] file:/srv/repo ./\n"
                        "deb cdrom:[Debian GNU/Linux 12]/ bookworm main\n"
                        "deb mirror://mirrors.example/list bookworm main\n"
                        "deb mirror+file:/etc/apt/mirrors.txt bookworm main\n"
                        "deb [arch=amd64 http://unclosed.example/debian bookworm main\n"
                        "deb http://nosuite.example/debian\n"
                        "deb\n"
                        "nonsense\n"
                        "deb http://last.example/debian sid main");
    CHECK_STR(all(&a), "http://m1.example/debian bookworm main,contrib\n"
                       "https://m2.example/debian trixie main\n"
                       "file:/srv/repo ./\n"
                       "http://last.example/debian sid main\n");
    scratch_remove();
}

static void deb822_form(void)
{
    AUTO_ARENA a = {0};
    begin();
    put("sources.list.d/b.sources",
        "# two suites, two types\n"
        "Types: deb deb-src\n"
        "URIs: http://m1.example/debian/ https://m2.example/debian\n"
        "Suites: bookworm bookworm-updates\n"
        "Components: main\n"
        " contrib\n"
        "# in the middle\n"
        "\tnon-free\n"
        "Signed-By:\n"
        " -----BEGIN PGP PUBLIC KEY BLOCK-----\n"
        " .\n"
        " URIs: http://evil.example/debian\n"
        " -----END PGP PUBLIC KEY BLOCK-----\n"
        "\n"
        "Enabled: no\n"
        "Types: deb\nURIs: http://off.example/debian\nSuites: sid\nComponents: main\n"
        " \t \n"
        "types: deb\nuris:\n http://m3.example/debian\n http://m4.example/debian\nsuites: sid\ncomponents: "
        "main\n"
        "enabled: yes\n"
        "\n\n"
        "Types: deb-src\nURIs: http://src.example/debian\nSuites: sid\nComponents: main\n"
        "\n"
        "Types: deb\nURIs: http://nosuite.example/debian\n"
        "\n"
        "Enabled: False\nTypes: deb\nURIs: http://off2.example/debian\nSuites: sid\nComponents: main\n"
        "\n"
        "Types: deb\nURIs: http://m5.example/debian\nSuites: ./");
    CHECK_STR(all(&a), "http://m1.example/debian bookworm,bookworm-updates main,contrib,non-free\n"
                       "https://m2.example/debian bookworm,bookworm-updates main,contrib,non-free\n"
                       "http://m3.example/debian sid main\n"
                       "http://m4.example/debian sid main\n"
                       "http://m5.example/debian ./\n");
    scratch_remove();
}

static void which_files_and_in_what_order(void)
{
    AUTO_ARENA a = {0};
    begin();
    put("sources.list.d/b.list", "deb http://b.example/x s c\n");
    put("sources.list.d/a.list", "deb http://a.example/x s c\n");
    put("sources.list.d/c.sources", "Types: deb\nURIs: http://c.example/x\nSuites: s\nComponents: c\n");
    put("sources.list.d/d.list.disabled", "deb http://d.example/x s c\n");
    put("sources.list.d/e.list~", "deb http://e.example/x s c\n");
    put("sources.list.d/f g.list", "deb http://f.example/x s c\n");
    put("sources.list.d/.h.list", "deb http://h.example/x s c\n");
    put("sources.list", "deb http://main.example/x s c\n");
    CHECK_STR(all(&a), "http://main.example/x s c\nhttp://a.example/x s c\n"
                       "http://b.example/x s c\nhttp://c.example/x s c\n");
    scratch_remove();
}

static void odd_files_are_skipped(void)
{
    AUTO_ARENA a = {0};
    char path[128];
    struct err e = {0};
    begin();
    snprintf(path, sizeof path, "%s/sources.list.d/dir.list", dir);
    CHECK(mkdir(path, 0755) == 0);
    snprintf(path, sizeof path, "%s/sources.list.d/dangling.sources", dir);
    CHECK(symlink("nowhere", path) == 0);
    snprintf(path, sizeof path, "%s/sources.list.d/nul.sources", dir);
    CHECK(file_replace(path, STR("Types: deb\0\nURIs: \0\n:\n: :\n\n \n#\n"), 0644, &e) == 0);
    put("sources.list.d/empty.list", "");
    put("sources.list.d/noise.sources", ":::\n continued nothing\nTypes\nURIs http://x.example\n\xff\xfe\n");
    put("sources.list.d/z.list", "deb http://z.example/x s c\n");
    CHECK_STR(all(&a), "http://z.example/x s c\n");
    scratch_remove();
    CHECK_STR(all(&a), ""); /* no directory at all */
}

int main(void)
{
    RUN(one_line_form);
    RUN(deb822_form);
    RUN(which_files_and_in_what_order);
    RUN(odd_files_are_skipped);
    return test_done();
}
