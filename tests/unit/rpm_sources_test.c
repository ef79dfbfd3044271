/* The .repo file, by its text and by dnf's own reader. */
#include "pkgfmt/rpm.h"

#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static const struct pkgfmt_query query = {.suite = "BaseOS"};

static const char text[] = "[baseos]\nname=baseos\nbaseurl=https://m.example/9/BaseOS/\nenabled=1\n"
                           "gpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/KEY\n"
                           "\n[my_repo.x-2]\nname=my repo.x-2\nbaseurl=file:///srv/repo/\nenabled=1\n"
                           "gpgcheck=1\n";

static void make(struct buf *out)
{
    static const struct pkgfmt_source v[] = {
        {"https://m.example/9/AppStream/", &query, "/etc/pki/rpm-gpg/KEY", "appstream", false},
        {"https://m.example/9/BaseOS/", &query, "/etc/pki/rpm-gpg/KEY", "baseos", true},
        {"file:///srv/repo/", &query, "", "my repo.x-2", true},
        {"https://other.example/9/BaseOS/", &query, "", "baseos", true},
    };
    rpm_sources(v, sizeof v / sizeof v[0], out);
}

/* What a package ships stays out; an id stands once. */
static void repo_file(void)
{
    AUTO_BUF b = {0};
    make(&b);
    CHECK_STR(buf_c(&b), text);
}

static void nothing(void)
{
    static const struct pkgfmt_source v = {"https://m.example/", &query, "", "x", false};
    AUTO_BUF b = {0};
    rpm_sources(&v, 1, &b);
    rpm_sources(NULL, 0, &b);
    CHECK(b.n == 0);
}

static void dnf_reads_it(void)
{
    AUTO_BUF b = {0}, cmd = {0};
    struct err e;
    if (system("command -v dnf >/dev/null") != 0)
        SKIP("no dnf");
    make(&b);
    CHECK(file_replace(in_scratch("x.repo"), buf_view(&b), 0644, &e) == 0);
    buf_printf(&cmd,
               "cd '%s' && dnf -q --setopt=reposdir=$PWD --setopt=cachedir=$PWD/cache --setopt=logdir=$PWD "
               "--installroot $PWD/root --releasever 9 repolist 2>&1 | tr -s ' ' | sort | tr '\\n' '|' | "
               "grep -qF 'baseos baseos|my_repo.x-2 my repo.x-2|'",
               scratch);
    CHECK(system(buf_c(&cmd)) == 0);
}

int main(void)
{
    scratch_new();
    RUN(repo_file);
    RUN(nothing);
    RUN(dnf_reads_it);
    scratch_remove();
    return test_done();
}
