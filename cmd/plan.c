#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "cmd/changes.h"
#include "cmd/create_plan.h"
#include "cmd/sbom.h"

enum { COLUMN_MAX = 60 }; /* what is longer shifts its line */

static void totals(const struct plan *p, uint64_t *download, uint64_t *installed)
{
    *download = *installed = 0;
    for (size_t i = 0; i < p->n; i++) {
        *download += p->pkgs[i].size;
        *installed += p->pkgs[i].installed_size;
    }
}

static int wider(int width, const char *s)
{
    size_t n = strlen(s);
    return n > COLUMN_MAX ? COLUMN_MAX : (int)n > width ? (int)n : width;
}

static void print_text(const struct create_plan *p)
{
    uint64_t download, installed;
    char a[32], b[32];
    int name = 28, version = 28, arch = 6, repo = 9;
    for (size_t i = 0; i < p->plan.n; i++) {
        const struct plan_pkg *pkg = &p->plan.pkgs[i];
        name = wider(name, pkg->name);
        version = wider(version, pkg->version);
        arch = wider(arch, pkg->arch);
        repo = wider(repo, p->sources[pkg->repo].repo->id);
    }
    for (size_t i = 0; i < p->plan.n; i++) {
        const struct plan_pkg *pkg = &p->plan.pkgs[i];
        printf("%-*s %-*s %-*s %9s  %-*s %s\n", name, pkg->name, version, pkg->version, arch, pkg->arch,
               progress_bytes(pkg->size, a), repo, p->sources[pkg->repo].repo->id, pkg->reason);
    }
    totals(&p->plan, &download, &installed);
    printf("%s %s: %zu packages, %s to transfer, %s to unpack", p->what, p->release.arch, p->plan.n,
           progress_bytes(download, a), progress_bytes(installed, b));
    if (p->fmt->rides_whole)
        printf("; %s more wait in it for its second stage", progress_bytes(download, a));
    putchar('\n');
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const struct plan_pkg *const *)a)->name, (*(const struct plan_pkg *const *)b)->name);
}

static void print_names(struct job *j, const struct create_plan *p)
{
    const struct plan_pkg **v = arena_array(&j->arena, p->plan.n + 1, sizeof *v);
    for (size_t i = 0; i < p->plan.n; i++)
        v[i] = &p->plan.pkgs[i];
    qsort(v, p->plan.n, sizeof *v, compare_names);
    for (size_t i = 0; i < p->plan.n; i++)
        puts(v[i]->name);
}

static void json_field(const char *key, const char *value, const char *before)
{
    printf("%s\"%s\":", before, key);
    progress_json_string(stdout, value);
}

static void json_digest(const struct digest *d)
{
    char hex[DIGEST_HEX_MAX];
    printf(",\"digest\":\"%s:%s\"", digest_name(d->kind), digest_hex(d, hex));
}

static void json_package(struct job *j, const struct create_plan *p, const struct plan_pkg *pkg)
{
    const struct source *s = &p->sources[pkg->repo];
    json_field("name", pkg->name, "{");
    json_field("version", pkg->version, ",");
    json_field("arch", pkg->arch, ",");
    printf(",\"size\":%" PRIu64 ",\"installed_size\":%" PRIu64, pkg->size, pkg->installed_size);
    json_digest(&pkg->digest);
    AUTO_BUF url = {0};
    mirror_file_url(&url, s->urls.url[0], pkg->path);
    json_field("url", arena_str(&j->arena, buf_view(&url)), ",");
    json_field("repo", s->repo->id, ",");
    json_field("reason", pkg->reason, ",");
    putchar('}');
}

static void print_json(struct job *j, const struct create_plan *p)
{
    uint64_t download, installed;
    totals(&p->plan, &download, &installed);
    json_field("distro", p->release.distro, "{");
    json_field("release", p->release.name, ",");
    json_field("arch", p->release.arch, ",");
    json_field("set", p->release.set_name, ",");
    json_field("zone", zone_kind_name(p->zone), ",");
    printf(",\"epoch\":%" PRId64 ",\"download_bytes\":%" PRIu64 ",\"installed_bytes\":%" PRIu64
           ",\"second_stage_bytes\":%" PRIu64 ",\n\"repos\":[",
           p->epoch, download, installed, p->fmt->rides_whole ? download : 0);
    for (size_t i = 0; i < p->nsources; i++) {
        json_field("id", p->sources[i].repo->id, i ? ",\n{" : "{");
        json_field("url", p->sources[i].urls.url[0], ",");
        json_field("suite", p->sources[i].query.suite, ",");
        json_digest(&p->sources[i].root_digest);
        putchar('}');
    }
    fputs("],\n\"packages\":[", stdout);
    for (size_t i = 0; i < p->plan.n; i++) {
        fputs(i ? ",\n" : "", stdout);
        json_package(j, p, &p->plan.pkgs[i]);
    }
    puts("]}");
}

static int print_why(struct job *j, const struct create_plan *p, struct err *e)
{
    const char **steps = NULL;
    size_t n = 0;
    if (solve_why(p->solve, j->opt.why, &j->arena, &steps, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        puts(steps[i]);
    return 0;
}

static void print_change(const struct change *c)
{
    printf("%-10s  %-28s %s", change_name(c->kind), c->old ? c->old->name : c->now->name,
           c->old ? c->old->version : c->now->version);
    if (c->kind == CHANGE_REBUILT)
        fputs(", other bytes", stdout);
    else if (c->old != NULL && c->now != NULL)
        printf(" -> %s", c->now->version);
    putchar('\n');
}

static void print_changes(const struct create_plan *p, const struct changes *c)
{
    char bytes[32];
    for (size_t i = 0; i < c->n; i++)
        print_change(&c->v[i]);
    printf("%s %s: ", p->what, p->release.arch);
    if (c->n == 0) {
        printf("nothing to change: %zu packages as in %s\n", p->plan.n, p->lock->file);
        return;
    }
    for (int k = CHANGE_ADDED; k < CHANGE_KINDS; k++)
        printf("%zu %s, ", c->count[k], change_name((enum change_kind)k));
    printf("%zu %s, %s to transfer\n", c->count[CHANGE_NONE], change_name(CHANGE_NONE),
           progress_bytes(c->download, bytes));
}

static void json_side(const char *key, const struct plan_pkg *pkg)
{
    if (pkg == NULL)
        return;
    printf(",\"%s\":", key);
    json_field("version", pkg->version, "{");
    json_field("arch", pkg->arch, ",");
    printf(",\"size\":%" PRIu64, pkg->size);
    json_digest(&pkg->digest);
    putchar('}');
}

static void print_changes_json(const struct create_plan *p, const struct changes *c)
{
    json_field("distro", p->release.distro, "{");
    json_field("release", p->release.name, ",");
    json_field("arch", p->release.arch, ",");
    json_field("set", p->release.set_name, ",");
    for (int k = CHANGE_NONE; k < CHANGE_KINDS; k++)
        printf(",\"%s\":%zu", change_name((enum change_kind)k), c->count[k]);
    printf(",\"download_bytes\":%" PRIu64 ",\n\"changes\":[", c->download);
    for (size_t i = 0; i < c->n; i++) {
        const struct change *x = &c->v[i];
        json_field("change", change_name(x->kind), i ? ",\n{" : "{");
        json_field("name", x->old ? x->old->name : x->now->name, ",");
        json_side("old", x->old);
        json_side("new", x->now);
        putchar('}');
    }
    puts("]}");
}

static void compare(struct job *j, const struct create_plan *p)
{
    struct changes c;
    changes_find(&p->lock->plan, &p->plan, p->solve, &j->arena, &c);
    if (j->opt.json)
        print_changes_json(p, &c);
    else
        print_changes(p, &c);
}

static int write_lock(struct job *j, const struct create_plan *p, struct err *e)
{
    struct lock l;
    return create_locked_from(j, p, &l, e) < 0 || lock_write(&l, j->opt.lock, e) < 0 ? -1 : 0;
}

static int print(struct job *j, const struct create_plan *p, struct err *e)
{
    if (j->opt.lock != NULL && strcmp(j->opt.lock, "-") == 0)
        return 0;
    if (j->opt.why != NULL)
        return print_why(j, p, e);
    if (p->lock != NULL)
        compare(j, p);
    else if (j->opt.json)
        print_json(j, p);
    else if (j->opt.names)
        print_names(j, p);
    else
        print_text(p);
    return 0;
}

static int check_request(const struct options *o, struct err *e)
{
    const char *other = o->why ? "--why" : o->names ? "--names" : NULL;
    if (o->operands.n != 1) {
        err_set(e, ERR_USAGE, "plan takes DISTRO[/RELEASE]");
        return err_hint(e, "see zonestrap plan --help");
    }
    if (o->locked != NULL && other != NULL)
        return err_set(e, ERR_USAGE, "--locked and %s: each prints something else, give one of them", other);
    other = other ? other : o->locked ? "--locked" : o->json ? "--json" : NULL;
    if (o->lock != NULL && strcmp(o->lock, "-") == 0 && other != NULL)
        return err_set(e, ERR_USAGE, "--lock - and %s: both are for standard output", other);
    return 0;
}

int cmd_plan(struct job *j, struct err *e)
{
    struct create_plan p = {0};
    if (check_request(&j->opt, e) < 0 || sbom_check(&j->opt, NULL, e) < 0)
        return -1;
    if (j->opt.locked != NULL && create_locked_request(j, &p, e) < 0)
        return -1;
    job_open_cache(j);
    int rc = create_plan_make(j, &p, e);
    if (rc == 0 && j->opt.lock != NULL)
        rc = write_lock(j, &p, e);
    if (rc == 0)
        rc = sbom_write(j, &p, NULL, e);
    if (rc == 0)
        rc = print(j, &p, e);
    create_plan_free(&p);
    return rc;
}
