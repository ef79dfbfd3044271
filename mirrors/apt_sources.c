#include "mirrors/apt_sources.h"

#include <ctype.h>
#include <dirent.h>
#include <strings.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/mem.h"

enum { SOURCES_MAX = 1024 * 1024 };

struct found {
    struct apt_source *v;
    size_t n;
    struct arena *a;
};

/* The words of text as an array in the arena. */
static size_t words(struct str text, struct arena *a, const char ***out)
{
    struct str rest = text, w;
    size_t n = 0;
    while (str_word(&rest, &w))
        n++;
    *out = arena_array(a, n + 1, sizeof **out);
    n = 0;
    while (str_word(&text, &w))
        (*out)[n++] = arena_str(a, w);
    return n;
}

/* cdrom:, mirror:, mirror+file: and the like name no base URL that could be fetched from. */
static bool usable(struct str uri)
{
    return str_chr(uri, ':') < uri.n && !str_starts(uri, STR("cdrom:")) && !str_starts(uri, STR("mirror:")) &&
           !str_starts(uri, STR("mirror+"));
}

static void add(struct found *f, struct str uri, struct str suites, struct str components)
{
    if (!usable(uri))
        return;
    while (uri.n > 0 && uri.p[uri.n - 1] == '/')
        uri.n--;
    struct apt_source s = {.uri = arena_str(f->a, uri)};
    s.nsuites = words(suites, f->a, &s.suites);
    s.ncomponents = words(components, f->a, &s.components);
    if (s.nsuites == 0)
        return;
    f->v = mem_grow(f->v, f->n + 1, sizeof *f->v);
    f->v[f->n++] = s;
}

/* deb [ option=value ... ] uri suite component... (sources.list(5), ONE-LINE-STYLE FORMAT) */
static void one_line(struct found *f, struct str line)
{
    struct str word, suite;
    line.n = str_chr(line, '#');
    if (!str_word(&line, &word) || !str_is(word, "deb"))
        return;
    line = str_trim(line);
    if (line.n > 0 && line.p[0] == '[') {
        size_t close = str_chr(line, ']');
        if (close == line.n)
            return;
        line = str_from(line, close + 1);
    }
    if (str_word(&line, &word) && str_word(&line, &suite))
        add(f, word, suite, line);
}

static void read_list(struct found *f, struct str text)
{
    struct str line;
    while (str_line(&text, &line))
        one_line(f, line);
}

/* One stanza of the deb822 form; values of continued fields are joined with blanks. */
struct stanza {
    struct buf types, uris, suites, components, enabled;
};

static struct buf *field(struct stanza *s, struct str name)
{
    const struct {
        const char *name;
        struct buf *value;
    } known[] = {
        {"Types", &s->types},           {"URIs", &s->uris},       {"Suites", &s->suites},
        {"Components", &s->components}, {"Enabled", &s->enabled},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (name.n == strlen(known[i].name) && strncasecmp(name.p, known[i].name, name.n) == 0)
            return known[i].value;
    return NULL;
}

static bool has_word(const struct buf *b, const char *word)
{
    struct str rest = buf_view(b), w;
    while (str_word(&rest, &w))
        if (str_is(w, word))
            return true;
    return false;
}

/* apt's StringToBool(): these mean no, everything else that is there or not there means yes. */
static bool disabled(const struct buf *b)
{
    static const char *const no[] = {"no", "false", "without", "off", "disable", "0"};
    struct str v = str_trim(buf_view(b));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (v.n == strlen(no[i]) && strncasecmp(v.p, no[i], v.n) == 0)
            return true;
    return false;
}

static void stanza_end(struct found *f, struct stanza *s)
{
    struct str uris = buf_view(&s->uris), uri;
    if (has_word(&s->types, "deb") && !disabled(&s->enabled))
        while (str_word(&uris, &uri))
            add(f, uri, buf_view(&s->suites), buf_view(&s->components));
    buf_free(&s->types);
    buf_free(&s->uris);
    buf_free(&s->suites);
    buf_free(&s->components);
    buf_free(&s->enabled);
}

/* sources.list(5), DEB822-STYLE FORMAT; deb822(5) for comments and continuation lines. */
static void read_deb822(struct found *f, struct str text)
{
    struct stanza s = {0};
    struct buf *current = NULL;
    struct str line;
    while (str_line(&text, &line)) {
        struct str trimmed = str_trim(line);
        if (trimmed.n == 0) {
            stanza_end(f, &s);
            current = NULL;
            continue;
        }
        if (line.p[0] == '#')
            continue;
        struct str value = trimmed;
        if (line.p[0] != ' ' && line.p[0] != '\t') {
            size_t colon = str_chr(line, ':');
            current = field(&s, str_trim((struct str){line.p, colon}));
            value = str_trim(str_from(line, colon + 1));
            if (current != NULL)
                buf_clear(current);
        }
        if (current != NULL) {
            buf_str(current, value);
            buf_putc(current, ' ');
        }
    }
    stanza_end(f, &s);
}

static void read_one(struct found *f, const char *path)
{
    AUTO_BUF b = {0};
    struct err ignored = {0};
    if (file_read(path, SOURCES_MAX, &b, &ignored) < 0)
        return;
    if (str_ends(str_c(path), STR(".sources")))
        read_deb822(f, buf_view(&b));
    else
        read_list(f, buf_view(&b));
}

/* Names that apt would read: letters, digits, `_`, `-` and `.`, ending in .list or .sources. */
static bool apt_reads(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!isalnum((unsigned char)name.p[i]) && strchr("_-.", name.p[i]) == NULL)
            return false;
    return name.p[0] != '.' && (str_ends(name, STR(".list")) || str_ends(name, STR(".sources")));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_parts(struct found *f, const char *dir)
{
    char **names = NULL;
    size_t n = 0;
    DIR *d = opendir(dir);
    if (d == NULL)
        return;
    for (struct dirent *de; (de = readdir(d)) != NULL;)
        if (apt_reads(str_c(de->d_name))) {
            names = mem_grow(names, n + 1, sizeof *names);
            names[n++] = arena_printf(f->a, "%s/%s", dir, de->d_name);
        }
    closedir(d);
    if (n > 0)
        qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++)
        read_one(f, names[i]);
    free(names);
}

int apt_sources_read(const char *apt_dir, struct arena *a, struct apt_source **out, size_t *n, struct err *e)
{
    struct found f = {.a = a};
    (void)e; /* a hint that cannot be read is no error */
    read_one(&f, arena_printf(a, "%s/sources.list", apt_dir));
    read_parts(&f, arena_printf(a, "%s/sources.list.d", apt_dir));
    *out = arena_array(a, f.n + 1, sizeof **out);
    if (f.n > 0)
        memcpy(*out, f.v, f.n * sizeof **out);
    *n = f.n;
    free(f.v);
    return 0;
}
