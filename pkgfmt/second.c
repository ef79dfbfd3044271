#include "pkgfmt/second.h"

#include <string.h>

#include "base/auto.h"
#include "base/data.h"
#include "pkgfmt/first_boot.h"

void second_escape(const char *part, struct buf *out)
{
    for (const char *p = part; *p != '\0'; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                     strchr("._+~-", *p) != NULL;
        if (plain)
            buf_putc(out, *p);
        else
            buf_printf(out, "%%%02x", (unsigned char)*p);
    }
}

int second_put(const char *file, int fd, struct tree_writer *w, struct err *e)
{
    AUTO_BUF path = {0};
    buf_printf(&path, "%s/%s", SECOND_PACKAGES, file);
    return tree_put_fd(w, buf_c(&path), 0644, fd, e);
}

void second_out_free(struct second_out *o)
{
    buf_free(&o->plan);
    buf_free(&o->digests);
}

void second_plan(struct second_out *o, const char *format, int64_t epoch, size_t count)
{
    buf_printf(&o->plan, "format %s\nepoch %lld\ncount %zu\n", format, (long long)epoch, count);
}

void second_package(struct second_out *o, const char *name, const char *file, const struct digest *digest)
{
    char hex[DIGEST_HEX_MAX];
    buf_printf(&o->plan, "package %s %s\n", name, file);
    buf_printf(&o->digests, "%s  packages/%s\n", digest_hex(digest, hex), file);
}

static int write_text(struct second_out *o, const char *name, struct str text, mode_t mode, struct err *e)
{
    AUTO_BUF path = {0};
    buf_printf(&path, "/%s/%s", SECOND_DIR, name);
    return tree_write(o->tree, buf_c(&path), text, mode, 0, 0, e);
}

int second_text(struct second_out *o, const char *name, struct str text, mode_t mode, struct err *e)
{
    char hex[DIGEST_HEX_MAX];
    struct digest d;
    if (digest_of(&d, DIGEST_SHA256, text, e) < 0)
        return -1;
    buf_printf(&o->digests, "%s  %s\n", digest_hex(&d, hex), name);
    return write_text(o, name, text, mode, e);
}

int second_take_init(struct second_out *o, struct arena *a, const char ***owned, size_t *n, struct err *e)
{
    const char **places;
    struct str script;
    size_t nplaces;
    if (first_boot_take(o->tree, a, owned, n, e) < 0 ||
        first_boot_places(a, &script, &places, &nplaces, e) < 0)
        return -1;
    return second_text(o, "first-boot", script, 0755, e);
}

static int add_script(const char *name, struct buf *out, struct err *e)
{
    AUTO_ARENA a = {0};
    struct str text;
    int r = data_read(NULL, "pkgfmt", name, &a, &text, NULL, e);
    if (r != 0)
        return r < 0 ? -1 : err_set(e, ERR_HOST, "%s is not in this binary", name);
    buf_str(out, text);
    return 0;
}

static int write_hooks(struct second_out *o, const struct pkgfmt_second_opts *opts, struct err *e)
{
    for (size_t i = 0; i < opts->nhooks; i++) {
        AUTO_BUF name = {0};
        buf_printf(&name, "hooks/%s", opts->hooks[i].name);
        if (second_text(o, buf_c(&name), opts->hooks[i].content, 0755, e) < 0)
            return -1;
    }
    return 0;
}

int second_leave(struct second_out *o, const char *part, const struct pkgfmt_second_opts *opts, struct err *e)
{
    AUTO_BUF script = {0};
    if (add_script("second.sh", &script, e) < 0)
        return -1;
    buf_putc(&script, '\n');
    if (add_script(part, &script, e) < 0 || write_hooks(o, opts, e) < 0)
        return -1;
    if (second_text(o, "plan", buf_view(&o->plan), 0644, e) < 0 ||
        second_text(o, "fixups.sh", opts->fixups_sh, 0755, e) < 0 ||
        write_text(o, "digests", buf_view(&o->digests), 0644, e) < 0 ||
        write_text(o, "done", STR(""), 0644, e) < 0)
        return -1;
    return write_text(o, "second-stage", buf_view(&script), 0755, e);
}
