#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/lock.h"

struct writer {
    struct buf *out;
    const char *bad; /* the first word that no line can hold */
};

/* A word ends at a blank, and one that begins with `#' would be a comment. */
static bool word_ok(const char *s)
{
    if (*s == '\0' || *s == '#')
        return false;
    for (; *s != '\0'; s++)
        if ((unsigned char)*s <= ' ' || *s == 0x7f)
            return false;
    return true;
}

static const char *word(struct writer *w, const char *s)
{
    if (!word_ok(s) && w->bad == NULL)
        w->bad = s;
    return s;
}

/* What was asked for may have blanks in it ("webserver >= 2"); a `#' behind one would be a comment. */
static void put_names(struct writer *w, const char *key, const struct option_list *names)
{
    for (size_t i = 0; i < names->n; i++) {
        const char *s = names->v[i];
        bool good =
            *s != '\0' && *s != ' ' && *s != '#' && s[strlen(s) - 1] != ' ' && strstr(s, " #") == NULL;
        for (const char *p = s; *p != '\0'; p++)
            good = good && (unsigned char)*p >= ' ' && *p != 0x7f;
        if (!good && w->bad == NULL)
            w->bad = s;
        buf_printf(w->out, "%-10s %s\n", key, s);
    }
}

static void put_word(struct writer *w, const char *key, const char *value)
{
    buf_printf(w->out, "%-10s %s\n", key, word(w, value));
}

/* The number, and what a reader wants to know in a comment. */
static void put_time(struct writer *w, const char *key, int64_t seconds)
{
    time_t when = (time_t)seconds;
    char text[64] = "";
    struct tm tm;
    if (gmtime_r(&when, &tm) == NULL || strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        text[0] = '\0';
    buf_printf(w->out, "%-10s %" PRId64 "  # %s\n", key, seconds, text);
}

static void put_digest(struct writer *w, const char *key, const struct digest *d)
{
    char hex[DIGEST_HEX_MAX];
    buf_printf(w->out, "%-10s %s:%s\n", key, digest_name(d->kind), digest_hex(d, hex));
}

static void put_request(struct writer *w, const struct lock *l)
{
    put_word(w, "distro", l->distro);
    put_word(w, "release", l->release);
    put_word(w, "arch", l->arch);
    put_word(w, "set", l->set);
    if (l->zone != NULL && strcmp(l->zone, "none") != 0)
        put_word(w, "zone", l->zone);
    put_names(w, "include", &l->include);
    put_names(w, "exclude", &l->exclude);
    if (l->weak)
        put_word(w, "weak", "yes");
    if (l->security)
        put_word(w, "security", "yes");
}

static void put_repo(struct writer *w, const struct lock_repo *r)
{
    buf_printf(w->out, "\n[repo %s]\n", word(w, r->repo.id));
    put_word(w, "mirrors", r->repo.mirrors);
    put_word(w, "suite", r->repo.suite);
    for (size_t i = 0; i < r->repo.ncomponents; i++)
        buf_printf(w->out, i ? " %s" : "components %s", word(w, r->repo.components[i]));
    if (r->repo.ncomponents > 0)
        buf_putc(w->out, '\n');
    put_time(w, "date", r->date);
    put_digest(w, "index", &r->index);
    if (r->keyring.kind != DIGEST_NONE)
        put_digest(w, "keyring", &r->keyring);
}

static void put_package(struct writer *w, const struct lock *l, const struct plan_pkg *p)
{
    char hex[DIGEST_HEX_MAX];
    buf_printf(w->out, "package %s %s %s %" PRIu64 " %" PRIu64 " %s:%s %s %s\n", word(w, p->name),
               word(w, p->version), word(w, p->arch), p->size, p->installed_size, digest_name(p->digest.kind),
               digest_hex(&p->digest, hex), word(w, l->repos[p->repo].repo.id), word(w, p->path));
}

int lock_render(const struct lock *l, struct buf *out, struct err *e)
{
    struct writer w = {.out = out};
    buf_printf(out,
               "# What `zonestrap create --locked FILE %s/%s TARGET' installs; see zonestrap(8).\n[lock]\n"
               "%-10s 1\n",
               l->distro, l->release, "version");
    put_request(&w, l);
    put_time(&w, "epoch", l->epoch);
    buf_printf(out, "%-10s %zu\n", "packages", l->plan.n);
    for (size_t i = 0; i < l->nrepos; i++)
        put_repo(&w, &l->repos[i]);
    buf_puts(out, "\n# package NAME VERSION ARCH SIZE INSTALLED-SIZE DIGEST REPO PATH, in the order of "
                  "unpacking; sizes in bytes\n[packages]\n");
    for (size_t i = 0; i < l->plan.n; i++)
        put_package(&w, l, &l->plan.pkgs[i]);
    return w.bad ? err_set(e, ERR_FORMAT, "`%.200s' cannot be written into a lock", w.bad) : 0;
}

int lock_write(const struct lock *l, const char *file, struct err *e)
{
    AUTO_BUF text = {0};
    struct stat st;
    if (lock_render(l, &text, e) < 0)
        return -1;
    if (strcmp(file, "-") == 0) {
        fwrite(text.p, 1, text.n, stdout); /* whether it arrived is seen at the end */
        return 0;
    }
    if (lstat(file, &st) == 0 && !S_ISREG(st.st_mode)) {
        err_set(e, ERR_USAGE, "--lock: %s: no regular file", file);
        return err_hint(e, "`-' stands for standard output");
    }
    return file_replace(file, buf_view(&text), 0644, e) < 0 ? err_wrap(e, "--lock") : 0;
}
