/* What a finished root says of itself, where a zone is made out of it: os-release(5). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/create_managed.h"

enum { OS_RELEASE_MAX = 64 * 1024 };

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~-"

/* The file proper; the name in /etc is a link to it. */
static int read_os_release(struct job *j, const char *root, struct buf *text, struct err *e)
{
    static const char *const places[] = {"usr/lib/os-release", "etc/os-release"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *path = arena_printf(&j->arena, "%s/%s", root, places[i]);
        AUTO_FD fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0)
            return file_read_fd(fd, path, OS_RELEASE_MAX, text, e);
    }
    return err_set(e, ERR_HOST, "%s: has no /usr/lib/os-release, so that it is not known what it is", root);
}

/* NAME=value, the value in quotes or not; "" when there is none, or one that no file for the host can hold.
 */
static const char *value_of(struct job *j, struct str text, const char *name)
{
    struct str line, key;
    while (str_line(&text, &line)) {
        if (!str_cut(&line, '=', &key) || !str_is(key, name))
            continue;
        if (line.n >= 2 && (line.p[0] == '"' || line.p[0] == '\'') && line.p[line.n - 1] == line.p[0])
            line = (struct str){line.p + 1, line.n - 2};
        const char *value = arena_str(&j->arena, line);
        return value[strspn(value, WORD)] == '\0' ? value : "";
    }
    return "";
}

int create_template_release(struct job *j, const char *root, struct create_plan *p, struct err *e)
{
    AUTO_BUF text = {0};
    struct utsname u;
    struct stat st;
    if (stat(root, &st) < 0)
        return err_sys(e, ERR_HOST, errno, "%s", root);
    if (read_os_release(j, root, &text, e) < 0)
        return -1;
    const char *distro = value_of(j, buf_view(&text), "ID");
    const char *version = value_of(j, buf_view(&text), "VERSION_ID");
    const char *name = value_of(j, buf_view(&text), "VERSION_CODENAME");
    const char *dpkg = arena_printf(&j->arena, "%s/var/lib/dpkg", root);
    p->release.distro = *distro != '\0' ? distro : "linux";
    p->release.version = version;
    p->release.name = *name != '\0' ? name : version;
    p->release.format = stat(dpkg, &st) == 0 ? "deb" : "rpm";
    p->release.machine = uname(&u) == 0 ? arena_dup(&j->arena, u.machine) : "";
    p->release.arch = p->release.machine;
    p->epoch = time(NULL);
    p->what = arena_printf(&j->arena, "%s/%s", p->release.distro, p->release.name);
    return 0;
}
