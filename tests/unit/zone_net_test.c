#include "cmd/zone_net.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static struct arena arena;
static struct err err;

static void good(void)
{
    static const struct {
        const char *word, *mode, *link, *address, *gateway;
    } rows[] = {
        {"none", "none", NULL, NULL, NULL},
        {"host", "host", NULL, NULL, NULL},
        {"br0", "dhcp", "br0", NULL, NULL},
        {"enp0s31f6.12", "dhcp", "enp0s31f6.12", NULL, NULL},
        {"lo1=192.0.2.7/24", "static", "lo1", "192.0.2.7/24", NULL},
        {"lo1=0.0.0.0/0", "static", "lo1", "0.0.0.0/0", NULL},
        {"br-a_b=192.0.2.7/32,192.0.2.1", "routed", "br-a_b", "192.0.2.7/32", "192.0.2.1"},
        {"e1000g0=2001:db8::7/64,fe80::1", "routed", "e1000g0", "2001:db8::7/64", "fe80::1"},
        {"x=::1/128", "static", "x", "::1/128", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct zone_net n;
        CHECK(zone_net_parse(rows[i].word, &arena, &n, &err) == 0);
        CHECK_STR(n.mode, rows[i].mode);
        CHECK((n.link == NULL) == (rows[i].link == NULL) &&
              (n.link == NULL || strcmp(n.link, rows[i].link) == 0));
        CHECK((n.address == NULL) == (rows[i].address == NULL) &&
              (n.address == NULL || strcmp(n.address, rows[i].address) == 0));
        CHECK((n.gateway == NULL) == (rows[i].gateway == NULL) &&
              (n.gateway == NULL || strcmp(n.gateway, rows[i].gateway) == 0));
    }
}

static void bad(void)
{
    static const char *const rows[][2] = {
        {"", "is no name of a link"},
        {"=192.0.2.7/24", "is no name of a link"},
        {"-x", "is no name of a link"},
        {".", "is no name of a link"},
        {"../x", "is no name of a link"},
        {"a b", "is no name of a link"},
        {"a\nb", "is no name of a link"},
        {"abcdefghijklmnopqrstuvwxyzabcdef", "is no name of a link"},
        {"br0=", "is no address"},
        {"br0=192.0.2.7", "is no address"},
        {"br0=192.0.2.7/", "is no address"},
        {"br0=192.0.2.7/33", "is no address"},
        {"br0=192.0.2.7/-1", "is no address"},
        {"br0=192.0.2.7/24/8", "is no address"},
        {"br0=192.0.2/24", "is no address"},
        {"br0=192.0.2.256/24", "is no address"},
        {"br0=2001:db8::7/129", "is no address"},
        {"br0=dhcp", "is no address"},
        {"br0=192.0.2.7/24,", "for a gateway"},
        {"br0=192.0.2.7/24,192.0.2.1/24", "for a gateway"},
        {"br0=192.0.2.7/24,2001:db8::1", "for a gateway"},
        {"br0=2001:db8::7/64,192.0.2.1", "for a gateway"},
        {"br0=192.0.2.7/24,192.0.2.1,192.0.2.2", "for a gateway"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct zone_net n;
        err = (struct err){0};
        if (zone_net_parse(rows[i][0], &arena, &n, &err) == 0 || strstr(err.msg, rows[i][1]) == NULL ||
            err.class != ERR_USAGE || err.hint[0] == '\0')
            CHECK_STR(err.msg, rows[i][0]);
    }
}

static void links(void)
{
    CHECK(zone_net_link_there("lo") && !zone_net_link_there("no-such-link0"));
}

/* What zone_net_resolvers() makes of a file with this text, loopback addresses left out or not. */
static const char *resolvers(const char *text, bool loopback)
{
    const char *path = in_scratch("resolv.conf");
    CHECK(file_replace(path, str_c(text), 0644, &err) == 0);
    const char *got = zone_net_resolvers(path, loopback, &arena);
    return got != NULL ? got : "none";
}

static void name_servers(void)
{
    static const char own[] = "nameserver 127.0.0.53\nnameserver ::1\n";
    CHECK_STR(resolvers("", true), "none");
    CHECK_STR(resolvers("search example.org\nnameserver\noptions edns0\n", true), "none");
    CHECK_STR(resolvers("# nameserver 192.0.2.1\nnameserver 192.0.2.53\n\tnameserver\t2001:db8::53 # mine\n",
                        false),
              "192.0.2.53,2001:db8::53");
    CHECK_STR(resolvers(own, false), "none");
    CHECK_STR(resolvers(own, true), "127.0.0.53,::1");
    /* No address, one of a link alone, and those above three. */
    CHECK_STR(resolvers("nameserver a;b\nnameserver fe80::1%em0\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n"
                        "nameserver 192.0.2.3\nnameserver 192.0.2.4",
                        false),
              "192.0.2.1,192.0.2.2,192.0.2.3");
    CHECK(zone_net_resolvers(in_scratch("none"), true, &arena) == NULL);
}

static void its_resolv_conf(void)
{
    static const char *const paths[] = {"/etc/none", "/etc/resolv.conf"};
    AUTO_BUF text = {0};
    const char *root = in_scratch("root"), *etc = in_scratch("root/etc"),
               *conf = in_scratch("root/etc/resolv.conf");
    CHECK(zone_net_give_resolvers(root, "192.0.2.53", &err) == 0); /* nowhere to */
    CHECK(mkdir(root, 0755) == 0 && mkdir(etc, 0755) == 0);
    CHECK(zone_net_give_resolvers(root, NULL, &err) == 0 && !zone_net_has(root, paths, 2));
    CHECK(zone_net_give_resolvers(root, "192.0.2.53,2001:db8::53", &err) == 0);
    CHECK(file_read(conf, 100, &text, &err) == 0);
    CHECK_STR(buf_c(&text), "nameserver 192.0.2.53\nnameserver 2001:db8::53\n");
    CHECK(zone_net_has(root, paths, 2) && !zone_net_has(root, paths, 1) && !zone_net_has(root, paths, 0));
    /* One's own stays, a link that leads nowhere yet, too. */
    CHECK(unlink(conf) == 0 && symlink("../run/stub.conf", conf) == 0);
    CHECK(zone_net_give_resolvers(root, "192.0.2.53", &err) == 0);
    CHECK(zone_net_has(root, paths, 2) && access(conf, F_OK) < 0);
}

int main(void)
{
    scratch_new();
    RUN(good);
    RUN(bad);
    RUN(links);
    RUN(name_servers);
    RUN(its_resolv_conf);
    scratch_remove();
    arena_free(&arena);
    return test_done();
}
