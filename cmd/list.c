#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "distros/distro.h"
#include "fixups/zone_kind.h"

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

static void show_json(const struct distro_info *d, const struct distro_words *zones)
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
    json_words("zones", zones);
    putchar('}');
}

static void show_names(const struct distro_info *d)
{
    printf("%s\n", d->name);
    for (size_t i = 0; i < d->releases.n; i++)
        printf("%s/%s\n", d->name, d->releases.v[i]);
}

/* A kind in a line: what it is, the machines it is for, what it can and cannot. */
static int show_zone(struct job *j, const char *name, struct err *e)
{
    static const char *const caps[] = {"file-caps", "proc-chown", "kernel"};
    struct zone_kind *k;
    const char *before = "; ";
    if (zone_kind_load(&j->data, name, &j->arena, &k, e) < 0)
        return -1;
    const struct zone_words machines = zone_kind_machines(k);
    printf("  %-14s %s", name, zone_kind_title(k));
    for (size_t i = 0; i < machines.n; i++)
        printf("%s%s", i ? " " : ": ", machines.v[i]);
    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
        const char *value = zone_kind_capability(k, caps[i]);
        if (value == NULL)
            continue;
        printf("%s%s %s", before, caps[i], value);
        before = ", ";
    }
    putchar('\n');
    return 0;
}

static int show_zones(struct job *j, const struct zone_words *zones, struct err *e)
{
    puts("zone kinds:");
    for (size_t i = 0; i < zones->n; i++)
        if (show_zone(j, zones->v[i], e) < 0)
            return -1;
    return 0;
}

int cmd_list(struct job *j, struct err *e)
{
    struct distro_info *d;
    struct zone_words kinds;
    size_t n, shown = 0;
    const struct options *o = &j->opt;
    const char *only = o->operands.n > 0 ? o->operands.v[0] : NULL;
    if (o->operands.n > 1)
        return err_set(e, ERR_USAGE, "list takes at most one DISTRO");
    if (distro_list(&j->data, &j->arena, &d, &n, e) < 0 || zone_kind_list(&j->data, &j->arena, &kinds, e) < 0)
        return -1;
    const struct distro_words zones = {kinds.v, kinds.n};
    if (o->json)
        putchar('[');
    for (size_t i = 0; i < n; i++) {
        if (only != NULL && strcmp(only, d[i].name) != 0)
            continue;
        fputs(o->json && shown++ ? ",\n" : "", stdout);
        if (o->json)
            show_json(&d[i], &zones);
        else
            (o->names ? show_names : show_text)(&d[i]);
        shown += !o->json;
    }
    if (o->json)
        puts("]");
    else if (only == NULL && !o->names)
        return show_zones(j, &kinds, e);
    if (only == NULL || shown > 0)
        return 0;
    err_set(e, ERR_USAGE, "unknown distribution `%s'", only);
    return err_hint(e, "`zonestrap list' shows those there are");
}
