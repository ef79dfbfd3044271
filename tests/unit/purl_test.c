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
    check((struct purl){"deb", "debian", "curl", "7.50.3-1", "i386", "jessie"},
          "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie");
    check((struct purl){"deb", "ubuntu", "dpkg", "1.19.0.4", "amd64", NULL},
          "pkg:deb/ubuntu/dpkg@1.19.0.4?arch=amd64");
    check((struct purl){"deb", "debian", "attr", "1:2.4.47-2+b1", "amd64", ""},
          "pkg:deb/debian/attr@1:2.4.47-2%2Bb1?arch=amd64");
    check((struct purl){"deb", "debian", "libstdc++6", "12~rc1-1+deb12u1", "", "bookworm"},
          "pkg:deb/debian/libstdc%2B%2B6@12~rc1-1%2Bdeb12u1?distro=bookworm");
    check((struct purl){"deb", "Debian", "a", "1", NULL, NULL}, "pkg:deb/debian/a@1");
}

static void encodes_whatever_else(void)
{
    check((struct purl){"deb", "", "a", "1", NULL, NULL}, "pkg:deb/a@1");
    check((struct purl){"deb", "My Shop", "a/b", "1@2?3#4", "x&y", "p=q"},
          "pkg:deb/my%20shop/a%2Fb@1%402%3F3%234?arch=x%26y&distro=p%3Dq");
    check((struct purl){"deb", "d", "\xc3\xa4\x01%", "1", NULL, NULL}, "pkg:deb/d/%C3%A4%01%25@1");
}

int main(void)
{
    RUN(spells_them_canonically);
    RUN(encodes_whatever_else);
    return test_done();
}
