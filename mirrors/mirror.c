#include "mirrors/mirror.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/kw.h"
#include "base/mem.h"
#include "mirrors/apt_sources.h"

enum { URL_MAX = 2000 };

#define SNAPSHOT_TIME "{timestamp}"

/* `host-apt /debian main`: the end of a URI's path and, if need be, a component that the entry must have.
   Third parties' repositories end in /debian too, but have no main. */
struct host_apt {
    struct str tail, component;
};

/* What one list says, before the host's configuration and --mirror are looked at. */
struct list {
    struct mirror_urls urls, snapshots; /* the latter with {timestamp} */
    struct host_apt *apt;
    size_t napt;
    const char *canonical;
};

static void urls_add(struct mirror_urls *u, struct arena *a, const char *url)
{
    for (size_t i = 0; i < u->n; i++)
        if (strcmp(u->url[i], url) == 0)
            return;
    const char **grown = arena_array(a, u->n + 1, sizeof *grown);
    if (u->n > 0)
        memcpy(grown, u->url, u->n * sizeof *grown);
    grown[u->n++] = url;
    u->url = grown;
}

/* Where the user name and password of a URL stand: [*from, *to) ends behind the `@`; empty when there is
 * none. */
static void userinfo(const char *url, size_t *from, size_t *to)
{
    const char *p = strstr(url, "://");
    *from = p ? (size_t)(p - url) + 3 : 0;
    *to = *from;
    if (p == NULL)
        return;
    size_t end = *from + strcspn(url + *from, "/?#");
    for (size_t i = *from; i < end; i++)
        if (url[i] == '@')
            *to = i + 1;
}

const char *mirror_public(const char *url, struct arena *a)
{
    size_t from, to;
    userinfo(url, &from, &to);
    return arena_printf(a, "%.*s%s", (int)from, url, url + to);
}

/* apt and people write file:/srv/x; curl and we want file:///srv/x. */
static const char *spell_file_url(const char *url, struct arena *a)
{
    if (strncasecmp(url, "file:/", 6) == 0 && url[6] != '/')
        return arena_printf(a, "file://%s", url + 5);
    return url;
}

/* The URL without trailing slashes, or NULL and *why. */
static const char *clean_url(const char *url, struct arena *a, const char **why)
{
    static const char *const schemes[] = {"http://", "https://", "file://"};
    bool known = false;
    url = spell_file_url(url, a);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        known = known || strncasecmp(url, schemes[i], strlen(schemes[i])) == 0;
    *why = "not a http, https or file URL";
    if (!known)
        return NULL;
    *why = "the URL names no host";
    if (strncasecmp(url, "http", 4) == 0 && strchr("/?#", strstr(url, "://")[3]) != NULL)
        return NULL;
    *why = "blanks and control characters must be written as %XX";
    for (const char *p = url; *p != '\0'; p++)
        if ((unsigned char)*p <= 0x20 || *p == 0x7f)
            return NULL;
    *why = "a mirror's URL has no ? or # part";
    if (strpbrk(url, "?#") != NULL)
        return NULL;
    *why = "malformed URL";
    CURLU *u = curl_url();
    bool good = u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK;
    curl_url_cleanup(u);
    if (!good)
        return NULL;
    struct str s = str_c(url);
    while (s.n > 0 && s.p[s.n - 1] == '/')
        s.n--;
    return arena_str(a, s);
}

const char *mirror_remote(struct str url, struct arena *a)
{
    const char *why, *text = url.n <= URL_MAX ? arena_str(a, url) : "";
    if (strlen(text) != url.n || strncasecmp(text, "http", 4) != 0)
        return NULL;
    return clean_url(text, a, &why);
}

void mirror_escape(struct buf *out, struct str path)
{
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        if (c < 0x80 && (isalnum(c) || strchr("-._~/!$&'()*+,;=:@", c) != NULL) && c != '\0')
            buf_putc(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

bool mirror_file_url(struct buf *out, const char *url, const char *path)
{
    struct str base = str_c(url), rest = str_c(path);
    size_t scheme = str_find(base, STR("://")) + 3, host = scheme + str_chr(str_from(base, scheme), '/');
    while (str_starts(rest, STR("../"))) {
        if (strncasecmp(url, "http", 4) != 0 || base.n <= host)
            return false;
        while (base.p[--base.n] != '/')
            ;
        rest = str_from(rest, 3);
    }
    buf_str(out, base);
    if (rest.n > 0)
        buf_putc(out, '/');
    mirror_escape(out, rest);
    return true;
}

/* A directory as a file: URL, made absolute. */
static int dir_url(const char *dir, struct arena *a, const char **url, struct err *e)
{
    struct stat st;
    AUTO_BUF b = {0};
    char cwd[PATH_MAX];
    int rc = stat(dir, &st);
    if (rc < 0 || !S_ISDIR(st.st_mode)) {
        err_set(e, ERR_USAGE, "mirror %s: %s", dir, rc < 0 ? strerror(errno) : "not a directory");
        return err_hint(e, "give a http, https or file URL, or a directory that holds a mirror");
    }
    buf_puts(&b, "file://");
    if (dir[0] != '/') {
        if (getcwd(cwd, sizeof cwd) == NULL)
            return err_sys(e, ERR_HOST, errno, "current directory");
        mirror_escape(&b, str_c(cwd));
        buf_putc(&b, '/');
    }
    mirror_escape(&b, str_c(dir));
    while (b.n > strlen("file:///") && b.p[b.n - 1] == '/')
        b.p[--b.n] = '\0';
    *url = arena_str(a, buf_view(&b));
    return 0;
}

static bool has_scheme(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    return n > 1 && s[n] == ':';
}

/* One URL or directory that a person gave. */
static int place_url(const char *place, struct arena *a, const char **url, struct err *e)
{
    const char *why;
    if (!has_scheme(place))
        return dir_url(place, a, url, e);
    *url = clean_url(place, a, &why);
    if (*url == NULL)
        return err_set(e, ERR_USAGE, "mirror %s: %s", mirror_public(place, a), why);
    return 0;
}

static int parse_url(const struct kw_file *f, const struct kw_line *l, struct arena *a, const char **url,
                     struct err *e)
{
    const char *why;
    *url = clean_url(arena_str(a, l->arg), a, &why);
    if (*url == NULL)
        return kw_error(f, l->line, l->arg_col, e, "%s: %s", mirror_public(arena_str(a, l->arg), a), why);
    return 0;
}

static int parse_host_apt(const struct kw_file *f, const struct kw_line *l, struct arena *a, struct list *out,
                          struct err *e)
{
    struct host_apt h = {0};
    struct str rest = l->arg, extra;
    str_word(&rest, &h.tail);
    str_word(&rest, &h.component);
    if (h.tail.p[0] != '/' || str_word(&rest, &extra))
        return kw_error(f, l->line, l->arg_col, e,
                        "host-apt wants the end of a path and at most one component");
    struct host_apt *grown = arena_array(a, out->napt + 1, sizeof *grown);
    if (out->napt > 0)
        memcpy(grown, out->apt, out->napt * sizeof *grown);
    grown[out->napt++] = h;
    out->apt = grown;
    return 0;
}

/* The template as a URL for the time of an index. An archive answers with its last state before the time that
   it is asked for. At the index's own Date it has not seen that index yet: it comes by some hours later,
   every few hours. A day later it has, and what the index names is still there, for a distribution keeps a
   superseded package in its pool for longer than a day. (A time to come gives the newest state.) */
static const char *snapshot_url(struct str template, int64_t index_date, struct arena *a)
{
    enum { LATER = 24 * 3600 };
    time_t when = (time_t)(index_date + LATER);
    size_t at = str_find(template, STR(SNAPSHOT_TIME));
    char text[32];
    struct tm tm;
    if (at == template.n || gmtime_r(&when, &tm) == NULL ||
        strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &tm) == 0)
        return NULL;
    return arena_printf(a, "%.*s%s%s", (int)at, template.p, text, template.p + at + strlen(SNAPSHOT_TIME));
}

static int parse_snapshot(const struct kw_file *f, const struct kw_line *l, struct arena *a, struct list *out,
                          struct err *e)
{
    const char *template = arena_str(a, l->arg), *why, *url = snapshot_url(str_c(template), 0, a);
    if (url == NULL)
        return kw_error(f, l->line, l->arg_col, e, "snapshot wants a URL with " SNAPSHOT_TIME " in it");
    if (clean_url(url, a, &why) == NULL)
        return kw_error(f, l->line, l->arg_col, e, "%s: %s", mirror_public(template, a), why);
    urls_add(&out->snapshots, a, template);
    return 0;
}

static int parse_line(const struct kw_file *f, const struct kw_line *l, struct arena *a, struct list *out,
                      struct err *e)
{
    const char *url;
    bool host_apt = str_is(l->key, "host-apt"), canonical = str_is(l->key, "canonical");
    bool snapshot = str_is(l->key, "snapshot");
    if (!host_apt && !canonical && !snapshot && !str_is(l->key, "url"))
        return kw_error(f, l->line, l->col, e,
                        "unknown keyword %" STR_FMT ", expected host-apt, url, canonical or snapshot",
                        STR_ARG(l->key));
    if (l->arg.n == 0)
        return kw_error(f, l->line, l->arg_col, e, "%" STR_FMT " without an argument", STR_ARG(l->key));
    if (host_apt)
        return parse_host_apt(f, l, a, out, e);
    if (snapshot)
        return parse_snapshot(f, l, a, out, e);
    if (parse_url(f, l, a, &url, e) < 0)
        return -1;
    if (!canonical) {
        urls_add(&out->urls, a, url);
        return 0;
    }
    if (out->canonical != NULL)
        return kw_error(f, l->line, l->col, e, "a second canonical");
    out->canonical = url;
    return 0;
}

static int list_parse(const char *name, struct str text, struct arena *a, struct list *out, struct err *e)
{
    struct kw_file f;
    bool seen = false;
    *out = (struct list){0};
    if (kw_parse(&f, name, text, a, e) < 0)
        return -1;
    for (size_t i = 0; i < f.n; i++) {
        const struct kw_section *s = &f.sections[i];
        if (s->name.n == 0 && s->nlines == 0)
            continue;
        if (!str_is(s->name, "mirrors") || s->label.n > 0 || s->nquals > 0 || seen)
            return kw_error(&f, s->line ? s->line : s->lines[0].line, s->col, e,
                            "expected one section, [mirrors], and nothing outside it");
        seen = true;
        for (size_t k = 0; k < s->nlines; k++)
            if (parse_line(&f, &s->lines[k], a, out, e) < 0)
                return -1;
    }
    if (out->urls.n == 0)
        return kw_error(&f, 1, 1, e, "the list names no url");
    if (out->canonical == NULL)
        out->canonical = out->urls.url[0];
    return 0;
}

/* Reads a list by its name: 0, 1 when there is no such list, -1. */
static int list_read(const char *id, const struct mirror_opts *o, struct arena *a, struct list *out,
                     struct err *e)
{
    struct str text;
    const char *origin;
    if (id[0] == '\0' || strchr(id, '/') != NULL)
        return 1;
    int rc = data_read(o->data, "mirrors", arena_printf(a, "%s.mirrors", id), a, &text, &origin, e);
    return rc != 0 ? rc : list_parse(origin, text, a, out, e);
}

static int no_such_list(const char *id, const struct mirror_opts *o, struct arena *a, struct err *e)
{
    const char **names;
    size_t n;
    struct err ignored = {0};
    AUTO_BUF known = {0};
    if (data_list(o->data, "mirrors", "*.mirrors", a, &names, &n, &ignored) == 0)
        for (size_t i = 0; i < n; i++)
            buf_printf(&known, "%s%.*s", i ? ", " : "", (int)(strlen(names[i]) - strlen(".mirrors")),
                       names[i]);
    err_set(e, ERR_USAGE, "there is no mirror list %s", id);
    return known.n ? err_hint(e, "known lists: %s", buf_c(&known)) : -1;
}

static bool tail_matches(const struct apt_source *s, struct host_apt h)
{
    if (!str_ends(str_c(s->uri), h.tail))
        return false;
    for (size_t i = 0; i < s->ncomponents; i++)
        if (str_is(h.component, s->components[i]))
            return true;
    return h.component.n == 0;
}

static int add_host_apt(const struct list *l, const struct mirror_opts *o, struct arena *a,
                        struct mirror_urls *out, struct err *e)
{
    struct apt_source *sources;
    size_t n;
    const char *why;
    if (l->napt == 0)
        return 0;
    if (apt_sources_read(o->apt_dir ? o->apt_dir : "/etc/apt", a, &sources, &n, e) < 0)
        return -1;
    for (size_t k = 0; k < l->napt; k++)
        for (size_t i = 0; i < n; i++) {
            const char *url =
                tail_matches(&sources[i], l->apt[k]) ? clean_url(sources[i].uri, a, &why) : NULL;
            if (url != NULL)
                urls_add(out, a, url);
        }
    return 0;
}

/* The ID before an override's `=`; empty when it has none. A URL's `=` stands behind a `:` or `/`. */
static struct str override_id(const char *override)
{
    size_t n = strcspn(override, "=:/");
    return (struct str){override, override[n] == '=' ? n : 0};
}

static int add_overrides(const char *list, const struct mirror_opts *o, struct arena *a,
                         struct mirror_urls *out, struct err *e)
{
    for (size_t i = 0; i < o->noverrides; i++) {
        const char *text = o->overrides[i], *url = "";
        struct str id = override_id(text);
        struct list other = {0};
        int rc = id.n > 0 ? list_read(arena_str(a, id), o, a, &other, e) : 0;
        if (rc != 0)
            return rc < 0 ? -1 : no_such_list(arena_str(a, id), o, a, e);
        if (id.n > 0 ? !str_is(id, list) : o->main_list == NULL || strcmp(list, o->main_list) != 0)
            continue;
        if (place_url(id.n > 0 ? text + id.n + 1 : text, a, &url, e) < 0)
            return -1;
        urls_add(out, a, url);
    }
    return 0;
}

/* A zone cannot reach the host's directories, and its sources are readable by everybody in it. */
static void choose_configured(struct mirror_urls *u, struct arena *a)
{
    u->configured = strncasecmp(u->canonical, "file:", 5) == 0 ? u->url[0] : u->canonical;
    for (size_t i = u->n; i-- > 0;)
        if (strncasecmp(u->url[i], "file:", 5) != 0)
            u->configured = u->url[i];
    u->configured = mirror_public(u->configured, a);
}

static void add_snapshots(const struct list *l, int64_t index_date, struct arena *a, struct mirror_urls *out)
{
    const char *why, *url;
    size_t before = out->n;
    for (size_t i = 0; i < l->snapshots.n; i++) {
        url = snapshot_url(str_c(l->snapshots.url[i]), index_date, a);
        url = url != NULL ? clean_url(url, a, &why) : NULL;
        if (url != NULL)
            urls_add(out, a, url);
    }
    out->nsnapshots = out->n - before;
}

int mirror_resolve(const char *list, const struct mirror_opts *o, struct arena *a, struct mirror_urls *out,
                   struct err *e)
{
    struct list l = {0};
    const char *place = NULL;
    *out = (struct mirror_urls){0};
    if (has_scheme(list) || list[0] == '/') {
        if (place_url(list, a, &place, e) < 0)
            return -1;
        out->canonical = mirror_public(place, a);
    } else {
        int rc = list_read(list, o, a, &l, e);
        if (rc != 0)
            return rc < 0 ? -1 : no_such_list(list, o, a, e);
        out->canonical = l.canonical;
    }
    if (add_overrides(list, o, a, out, e) < 0)
        return -1;
    bool own = out->n > 0;
    if (!own && place != NULL)
        urls_add(out, a, place);
    if (out->n == 0) {
        if (add_host_apt(&l, o, a, out, e) < 0)
            return -1;
        for (size_t i = 0; i < l.urls.n; i++)
            urls_add(out, a, l.urls.url[i]);
    }
    choose_configured(out, a);
    out->overridden = own;
    if (!own && o->index_date != 0)
        add_snapshots(&l, o->index_date, a, out);
    return 0;
}

const char *mirror_join(const char *url, const char *path, struct arena *a)
{
    AUTO_BUF b = {0};
    struct str p = str_c(path);
    while (p.n > 0 && p.p[p.n - 1] == '/')
        p.n--;
    while (p.n > 0 && p.p[0] == '/')
        p = str_from(p, 1);
    if (p.n == 0 || str_is(p, "."))
        return url;
    buf_puts(&b, url);
    if (!str_ends(str_c(url), STR("/")))
        buf_putc(&b, '/');
    mirror_escape(&b, p);
    return arena_str(a, buf_view(&b));
}

void mirror_urls_join(struct mirror_urls *u, const char *path, struct arena *a)
{
    const char **url = arena_array(a, u->n, sizeof *url);
    for (size_t i = 0; i < u->n; i++)
        url[i] = mirror_join(u->url[i], path, a);
    u->url = url;
    u->canonical = mirror_join(u->canonical, path, a);
    u->configured = mirror_join(u->configured, path, a);
}

void mirror_urls_first(struct mirror_urls *u, const char *const *url, size_t n, struct arena *a)
{
    struct mirror_urls all = *u;
    all.n = 0;
    all.url = NULL;
    for (size_t i = 0; i < n; i++)
        urls_add(&all, a, url[i]);
    for (size_t i = 0; i < u->n; i++)
        urls_add(&all, a, u->url[i]);
    *u = all;
}

int mirror_check(const char *name, struct str text, struct err *e)
{
    AUTO_ARENA a = {0};
    struct list l;
    return list_parse(name, text, &a, &l, e);
}
