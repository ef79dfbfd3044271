#include "pkgfmt/purl.h"

#include "base/auto.h"
#include "tests/unit/test.h"

static void check(struct purl p, const char *want)
{
    AUTO_BUF b = {0};
    purl_write(&b, &p);
    CHECK_STR(buf_c(&b), want);
}

/* The first three are examples of the specification. */
static void spells_them_canonically(void)
{
    check((struct purl){"deb", "debian", "curl", "7.50.3-1", "i386", "jessie", false},
          "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie");
    check((struct purl){"deb", "ubuntu", "dpkg", "1.19.0.4", "amd64", NULL, false},
          "pkg:deb/ubuntu/dpkg@1.19.0.4?arch=amd64");
    check((struct purl){"deb", "debian", "attr", "1:2.4.47-2+b1", "amd64", "", false},
          "pkg:deb/debian/attr@1:2.4.47-2%2Bb1?arch=amd64");
    check((struct purl){"deb", "debian", "libstdc++6", "12~rc1-1+deb12u1", "", "bookworm", false},
          "pkg:deb/debian/libstdc%2B%2B6@12~rc1-1%2Bdeb12u1?distro=bookworm");
    check((struct purl){"deb", "Debian", "a", "1", NULL, NULL, false}, "pkg:deb/debian/a@1");
}

/* Of the specification's type rpm: the epoch is a qualifier. */
static void has_the_epoch_apart(void)
{
    check((struct purl){"rpm", "fedora", "curl", "7.50.3-1.fc25", "i386", "fedora-25", true},
          "pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&distro=fedora-25");
    check((struct purl){"rpm", "Fedora", "bash", "1:5.2.26-3.fc40", "x86_64", "fedora-40", true},
          "pkg:rpm/fedora/bash@5.2.26-3.fc40?arch=x86_64&distro=fedora-40&epoch=1");
    check((struct purl){"rpm", "centos", "libstdc++", "10:1~rc1^git-1", NULL, NULL, true},
          "pkg:rpm/centos/libstdc%2B%2B@1~rc1%5Egit-1?epoch=10");
    check((struct purl){"rpm", "x", "a", "0:1-1", NULL, NULL, true}, "pkg:rpm/x/a@1-1");
    check((struct purl){"rpm", "x", "a", ":1:2", NULL, NULL, true}, "pkg:rpm/x/a@1:2");
    check((struct purl){"rpm", "x", "a", "y&:1", NULL, NULL, true}, "pkg:rpm/x/a@1?epoch=y%26");
}

static void encodes_whatever_else(void)
{
    check((struct purl){"deb", "", "a", "1", NULL, NULL, false}, "pkg:deb/a@1");
    check((struct purl){"deb", "My Shop", "a/b", "1@2?3#4", "x&y", "p=q", false},
          "pkg:deb/my%20shop/a%2Fb@1%402%3F3%234?arch=x%26y&distro=p%3Dq");
    check((struct purl){"deb", "d", "\xc3\xa4\x01%", "1", NULL, NULL, false}, "pkg:deb/d/%C3%A4%01%25@1");
}

int main(void)
{
    RUN(spells_them_canonically);
    RUN(has_the_epoch_apart);
    RUN(encodes_whatever_else);
    return test_done();
}
