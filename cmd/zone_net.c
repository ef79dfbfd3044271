#include "cmd/zone_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/str.h"

/* RESOLVERS_MAX: MAXNS of resolver(3). */
enum { LINK_MAX = 31, RESOLV_MAX = 1 << 16, RESOLVERS_MAX = 3 };

static int bad(const char *word, const char *what, const char *why, struct err *e)
{
    err_set(e, ERR_USAGE, "--net %s: `%s' %s", word, what, why);
    return err_hint(e, "none, host, or LINK[=ADDRESS/BITS[,GATEWAY]], as in lo1=192.0.2.7/24,192.0.2.1");
}

/* AF_INET, AF_INET6, or 0. */
static int family_of(const char *address)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, address, bytes) == 1    ? AF_INET
           : inet_pton(AF_INET6, address, bytes) == 1 ? AF_INET6
                                                      : 0;
}

static bool link_ok(struct str s)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    for (size_t i = 0; i < s.n; i++)
        if (memchr(ok, s.p[i], sizeof ok - 1) == NULL)
            return false;
    return s.n > 0 && s.n <= LINK_MAX && s.p[0] != '-' && s.p[0] != '.';
}

int zone_net_parse(const char *word, struct arena *a, struct zone_net *out, struct err *e)
{
    struct str rest = str_c(word), link, both, address;
    uint64_t bits = 0;
    *out = (struct zone_net){.mode = word};
    if (strcmp(word, "none") == 0 || strcmp(word, "host") == 0)
        return 0;
    str_cut(&rest, '=', &link);
    out->mode = "dhcp";
    out->link = arena_str(a, link);
    if (!link_ok(link))
        return bad(word, out->link, "is no name of a link", e);
    if (rest.p == NULL)
        return 0;
    str_cut(&rest, ',', &both);
    out->mode = rest.p != NULL ? "routed" : "static";
    out->address = arena_str(a, both);
    out->gateway = rest.p != NULL ? arena_str(a, rest) : NULL;
    str_cut(&both, '/', &address);
    int family = family_of(arena_str(a, address));
    if (family == 0 || !str_u64(both, &bits) || bits > (family == AF_INET ? 32 : 128))
        return bad(word, out->address, "is no address with the bits of its network", e);
    if (out->gateway != NULL && family_of(out->gateway) != family)
        return bad(word, out->gateway, "is no address of the same kind for a gateway", e);
    return 0;
}

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

const char *zone_net_resolvers(const char *path, bool loopback, struct arena *a)
{
    AUTO_BUF text = {0}, out = {0};
    struct err ignored = {0};
    if (file_read(path, RESOLV_MAX, &text, &ignored) < 0)
        return NULL;
    struct str rest = buf_view(&text), line, word;
    for (int n = 0; n < RESOLVERS_MAX && str_line(&rest, &line);) {
        if (!str_word(&line, &word) || !str_is(word, "nameserver") || !str_word(&line, &word))
            continue;
        const char *address = arena_str(a, word);
        if (family_of(address) == 0 || (!loopback && is_loopback(address)))
            continue;
        buf_printf(&out, "%s%s", n++ > 0 ? "," : "", address);
    }
    return out.n > 0 ? arena_str(a, buf_view(&out)) : NULL;
}

int zone_net_give_resolvers(const char *root, const char *addresses, struct err *e)
{
    AUTO_BUF text = {0}, path = {0};
    struct str rest = str_c(addresses), address;
    buf_printf(&path, "%s/etc", root);
    AUTO_FD etc = open(buf_c(&path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (rest.n == 0 || etc < 0)
        return 0;
    while (str_cut(&rest, ',', &address))
        buf_printf(&text, "nameserver %" STR_FMT "\n", STR_ARG(address));
    AUTO_FD fd = openat(etc, "resolv.conf", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST)
        return 0;
    if (fd < 0 || fchmod(fd, 0644) < 0) /* whatever the umask: all that runs there reads it */
        return err_sys(e, ERR_HOST, errno, "%s" RESOLV_CONF, root);
    return file_write_fd(fd, RESOLV_CONF, text.p, text.n, e);
}

bool zone_net_has(const char *root, const char *const *paths, size_t n)
{
    struct stat st;
    bool has = false;
    for (size_t i = 0; !has && i < n; i++) {
        AUTO_BUF path = {0};
        buf_printf(&path, "%s%s", root, paths[i]);
        has = lstat(buf_c(&path), &st) == 0;
    }
    return has;
}

bool zone_net_link_there(const char *link)
{
    return if_nametoindex(link) != 0;
}
