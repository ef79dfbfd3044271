#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/create_plan.h"
#include "cmd/sbom.h"

static void totals(const struct plan *p, uint64_t *download, uint64_t *installed)
{
    *download = *installed = 0;
    for (size_t i = 0; i < p->n; i++) {
        *download += p->pkgs[i].size;
        *installed += p->pkgs[i].installed_size;
    }
}

static void print_text(const struct create_plan *p)
{
    uint64_t download, installed;
    char a[32], b[32];
    for (size_t i = 0; i < p->plan.n; i++) {
        const struct plan_pkg *pkg = &p->plan.pkgs[i];
        printf("%-28s %-28s %-6s %9s  %-9s %s\n", pkg->name, pkg->version, pkg->arch,
               progress_bytes(pkg->size, a), p->sources[pkg->repo].repo->id, pkg->reason);
    }
    totals(&p->plan, &download, &installed);
    printf("%s %s: %zu packages, %s to transfer, %s to unpack\n", p->what, p->release.arch, p->plan.n,
           progress_bytes(download, a), progress_bytes(installed, b));
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
    json_field("url", arena_printf(&j->arena, "%s/%s", s->urls.url[0], pkg->path), ",");
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
    json_field("zone", "none", ",");
    printf(",\"epoch\":%" PRId64 ",\"download_bytes\":%" PRIu64 ",\"installed_bytes\":%" PRIu64
           ",\n\"repos\":[",
           p->epoch, download, installed);
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

int cmd_plan(struct job *j, struct err *e)
{
    struct create_plan p = {0};
    int rc = 0;
    if (j->opt.operands.n != 1) {
        err_set(e, ERR_USAGE, "plan takes DISTRO[/RELEASE]");
        return err_hint(e, "see zonestrap plan --help");
    }
    if (sbom_check(&j->opt, NULL, e) < 0)
        return -1;
    j->ui.json = stderr;
    job_open_cache(j);
    rc = create_plan_make(j, &p, e);
    if (rc == 0)
        rc = sbom_write(j, &p, NULL, e);
    if (rc == 0 && j->opt.why != NULL)
        rc = print_why(j, &p, e);
    else if (rc == 0 && j->opt.json)
        print_json(j, &p);
    else if (rc == 0 && j->opt.names)
        print_names(j, &p);
    else if (rc == 0)
        print_text(&p);
    create_plan_free(&p);
    return rc;
}
