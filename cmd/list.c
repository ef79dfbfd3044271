#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "distros/distro.h"

static void words(const char *title, const struct distro_words *w)
{
    printf("  %-14s", title);
    for (size_t i = 0; i < w->n; i++)
        printf(" %s", w->v[i]);
    putchar('\n');
}

static void show_text(const struct distro_info *d)
{
    printf("%s: %s (%s)\n  %-14s", d->name, d->title, d->format, "releases");
    for (size_t i = 0; i < d->releases.n; i++)
        printf(" %s%s%s%s", d->releases.v[i], d->versions.v[i][0] ? " (" : "", d->versions.v[i],
               d->versions.v[i][0] ? ")" : "");
    putchar('\n');
    if (d->aliases.n > 0)
        words("aliases", &d->aliases);
    words("sets", &d->sets);
    words("architectures", &d->archs);
}

static void json_words(const char *key, const struct distro_words *w)
{
    printf(",\"%s\":[", key);
    for (size_t i = 0; i < w->n; i++) {
        fputs(i ? "," : "", stdout);
        progress_json_string(stdout, w->v[i]);
    }
    putchar(']');
}

static void show_json(const struct distro_info *d)
{
    fputs("{\"name\":", stdout);
    progress_json_string(stdout, d->name);
    fputs(",\"title\":", stdout);
    progress_json_string(stdout, d->title);
    fputs(",\"format\":", stdout);
    progress_json_string(stdout, d->format);
    json_words("releases", &d->releases);
    json_words("versions", &d->versions);
    json_words("aliases", &d->aliases);
    json_words("sets", &d->sets);
    json_words("architectures", &d->archs);
    putchar('}');
}

static void show_names(const struct distro_info *d)
{
    printf("%s\n", d->name);
    for (size_t i = 0; i < d->releases.n; i++)
        printf("%s/%s\n", d->name, d->releases.v[i]);
}

int cmd_list(struct job *j, struct err *e)
{
    struct distro_info *d;
    size_t n, shown = 0;
    const struct options *o = &j->opt;
    const char *only = o->operands.n > 0 ? o->operands.v[0] : NULL;
    if (o->operands.n > 1)
        return err_set(e, ERR_USAGE, "list takes at most one DISTRO");
    if (distro_list(&j->data, &j->arena, &d, &n, e) < 0)
        return -1;
    if (o->json)
        putchar('[');
    for (size_t i = 0; i < n; i++) {
        if (only != NULL && strcmp(only, d[i].name) != 0)
            continue;
        fputs(o->json && shown++ ? ",\n" : "", stdout);
        (o->json ? show_json : o->names ? show_names : show_text)(&d[i]);
        shown += !o->json;
    }
    if (o->json)
        puts("]");
    if (only == NULL || shown > 0)
        return 0;
    err_set(e, ERR_USAGE, "unknown distribution `%s'", only);
    return err_hint(e, "`zonestrap list' shows those there are");
}
