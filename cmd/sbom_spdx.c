/* The bill of materials as SPDX 2.3 JSON (https://spdx.github.io/spdx-spec/v2.3/). The same plan and the same
   licences give the same bytes: no clock, no random numbers, nothing of the host. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/auto.h"
#include "cmd/sbom.h"
#include "mirrors/mirror.h"
#include "pkgfmt/purl.h"

struct writer {
    FILE *f;
    const struct create_plan *p;
    const struct pkgfmt_licence *licences; /* or NULL */
    const struct plan_pkg **pkgs;          /* sorted */
    const char **ids;                      /* of pkgs, each once */
    const char *name;                      /* of what all of it makes: "debian-bookworm-amd64" */
    struct arena *a;
};

static void field(struct writer *w, const char *key, const char *value)
{
    fprintf(w->f, "\"%s\":", key);
    progress_json_string(w->f, value);
    putc(',', w->f);
}

static void checksum(struct writer *w, const struct digest *d)
{
    static const char *const names[] = {
        [DIGEST_SHA256] = "SHA256", [DIGEST_SHA384] = "SHA384", [DIGEST_SHA512] = "SHA512"};
    char hex[DIGEST_HEX_MAX];
    if (digest_trusted(d->kind))
        fprintf(w->f, "\"checksums\":[{\"algorithm\":\"%s\",\"checksumValue\":\"%s\"}],", names[d->kind],
                digest_hex(d, hex));
}

/* Letters, digits, `.` and `-` may stand in an identifier. What is none of these, and capitals, becomes X and
   a number in hexadecimal, so that it is no other name's. */
static void add_escaped(struct buf *b, const char *s)
{
    for (; *s != '\0'; s++)
        if ((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '.' || *s == '-')
            buf_putc(b, *s);
        else
            buf_printf(b, "X%02X", (unsigned)(unsigned char)*s);
}

struct id {
    const char *text;
    size_t i; /* whose, in w->pkgs */
};

static int by_text(const void *a, const void *b)
{
    const struct id *x = a, *y = b;
    int c = strcmp(x->text, y->text);
    return c != 0 ? c : x->i < y->i ? -1 : 1;
}

/* Those that several packages have get the package's version behind them, or else (an X stands before two
   digits in all others) their number. */
static void part_ids(struct writer *w, bool numbered)
{
    size_t n = w->p->plan.n;
    struct id *v = arena_array(w->a, n + 1, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = (struct id){w->ids[i], i};
    qsort(v, n, sizeof *v, by_text);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && strcmp(v[from].text, v[to].text) == 0;)
            to++;
        for (size_t k = from; to - from > 1 && k < to; k++) {
            AUTO_BUF b = {0};
            buf_printf(&b, "%s-", v[k].text);
            if (numbered)
                buf_printf(&b, "X-%zu", k - from + 1);
            else
                add_escaped(&b, w->pkgs[v[k].i]->version);
            w->ids[v[k].i] = arena_str(w->a, buf_view(&b));
        }
    }
}

static void make_ids(struct writer *w)
{
    w->ids = arena_array(w->a, w->p->plan.n + 1, sizeof *w->ids);
    for (size_t i = 0; i < w->p->plan.n; i++) {
        AUTO_BUF b = {0};
        buf_puts(&b, "SPDXRef-Package-");
        add_escaped(&b, w->pkgs[i]->name);
        buf_putc(&b, '-');
        add_escaped(&b, w->pkgs[i]->arch);
        w->ids[i] = arena_str(w->a, buf_view(&b));
    }
    part_ids(w, false);
    part_ids(w, true);
}

static const char *supplier(struct writer *w, const struct source *s)
{
    const char *origin = s->root.origin;
    return origin != NULL && origin[0] != '\0' ? arena_printf(w->a, "Organization: %s", origin)
                                               : "NOASSERTION";
}

/* The repository's public address, whatever mirror served it. A directory of this host is no such place. */
static const char *location(struct writer *w, const struct source *s, const struct plan_pkg *pkg)
{
    AUTO_BUF b = {0};
    if (strncasecmp(s->urls.canonical, "file:", 5) == 0 ||
        !mirror_file_url(&b, mirror_public(s->urls.canonical, w->a), pkg->path))
        return "NOASSERTION";
    return arena_str(w->a, buf_view(&b));
}

/* The distribution's own repositories call themselves after it, with a word more at times ("Xyz Backports");
   another one's packages are not the distribution's. */
static const char *vendor(struct writer *w, const struct source *s)
{
    const char *origin = s->root.origin, *distro = w->p->release.distro;
    size_t n = strlen(distro);
    bool own = origin == NULL || origin[0] == '\0' ||
               (strncasecmp(origin, distro, n) == 0 && (origin[n] == '\0' || origin[n] == ' '));
    return own ? distro : origin;
}

static const char *package_url(struct writer *w, const struct source *s, const struct plan_pkg *pkg)
{
    AUTO_BUF b = {0};
    const struct release *r = &w->p->release;
    bool apart = w->p->fmt->purl_apart;
    purl_write(&b, &(struct purl){.type = w->p->fmt->purl_type,
                                  .vendor = vendor(w, s),
                                  .name = pkg->name,
                                  .version = pkg->version,
                                  .arch = pkg->arch,
                                  .distro = apart ? arena_printf(w->a, "%s-%s", r->distro, r->name) : r->name,
                                  .epoch_apart = apart});
    return arena_str(w->a, buf_view(&b));
}

static const struct pkgfmt_licence *licence_of(const struct writer *w, const struct plan_pkg *pkg)
{
    static const struct pkgfmt_licence none;
    return w->licences != NULL ? &w->licences[pkg - w->p->plan.pkgs] : &none;
}

static void package(struct writer *w, const char *id, const struct plan_pkg *pkg)
{
    const struct source *s = &w->p->sources[pkg->repo];
    const struct pkgfmt_licence *l = licence_of(w, pkg);
    fputs(",\n{", w->f);
    field(w, "SPDXID", id);
    field(w, "name", pkg->name);
    field(w, "versionInfo", pkg->version);
    field(w, "supplier", supplier(w, s));
    field(w, "downloadLocation", location(w, s, pkg));
    fputs("\"filesAnalyzed\":false,", w->f);
    checksum(w, &pkg->digest);
    field(w, "licenseConcluded", "NOASSERTION");
    field(w, "licenseDeclared", l->expression != NULL ? l->expression : "NOASSERTION");
    field(w, "copyrightText", "NOASSERTION");
    field(w, "primaryPackagePurpose", "INSTALL");
    fputs("\"externalRefs\":[{\"referenceCategory\":\"PACKAGE-MANAGER\",\"referenceType\":\"purl\","
          "\"referenceLocator\":",
          w->f);
    progress_json_string(w->f, package_url(w, s, pkg));
    fputs("}]}", w->f);
}

static const char *source_info(struct writer *w)
{
    AUTO_BUF b = {0};
    char hex[DIGEST_HEX_MAX];
    const struct release *r = &w->p->release;
    buf_printf(&b, "%s/%s %s, set %s", r->distro, r->name, r->arch, r->set_name);
    const char *before = "; signed indexes:";
    for (size_t i = 0; i < w->p->nsources; i++) {
        const struct digest *d = &w->p->sources[i].root_digest;
        if (d->kind == DIGEST_NONE)
            continue;
        buf_printf(&b, "%s %s %s:%s", before, w->p->sources[i].repo->id, digest_name(d->kind),
                   digest_hex(d, hex));
        before = ",";
    }
    return arena_str(w->a, buf_view(&b));
}

/* What all packages make together. */
static void result(struct writer *w, const struct digest *archive)
{
    const struct release *r = &w->p->release;
    fputs("\"packages\":[\n{", w->f);
    field(w, "SPDXID", "SPDXRef-Root");
    field(w, "name", w->name);
    if (r->version[0] != '\0')
        field(w, "versionInfo", r->version);
    field(w, "summary", arena_printf(w->a, "%s, a root %s", r->title, archive ? "archive" : "directory"));
    field(w, "sourceInfo", source_info(w));
    field(w, "supplier", supplier(w, &w->p->sources[0]));
    field(w, "downloadLocation", "NOASSERTION");
    fputs("\"filesAnalyzed\":false,", w->f);
    if (archive != NULL)
        checksum(w, archive);
    field(w, "licenseConcluded", "NOASSERTION");
    field(w, "licenseDeclared", "NOASSERTION");
    field(w, "copyrightText", "NOASSERTION");
    fputs("\"primaryPackagePurpose\":\"OPERATING_SYSTEM\"}", w->f);
}

static void relationships(struct writer *w)
{
    static const char form[] = "{\"spdxElementId\":\"%s\",\"relationshipType\":\"%s\","
                               "\"relatedSpdxElement\":\"%s\"}";
    fputs("],\n\"relationships\":[\n", w->f);
    fprintf(w->f, form, "SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Root");
    for (size_t i = 0; i < w->p->plan.n; i++) {
        fputs(",\n", w->f);
        fprintf(w->f, form, "SPDXRef-Root", "CONTAINS", w->ids[i]);
    }
    fputs("\n]", w->f);
}

static int by_id(const void *a, const void *b)
{
    const struct pkgfmt_licence_ref *x = *(const struct pkgfmt_licence_ref *const *)a,
                                    *y = *(const struct pkgfmt_licence_ref *const *)b;
    int c = strcmp(x->id, y->id);
    return c != 0 ? c : strcmp(x->name, y->name);
}

/* Each once: packages of one source say the same. */
static void extracted(struct writer *w)
{
    size_t n = 0, written = 0;
    for (size_t i = 0; i < w->p->plan.n; i++)
        n += licence_of(w, w->pkgs[i])->nrefs;
    const struct pkgfmt_licence_ref **refs = arena_array(w->a, n, sizeof *refs);
    n = 0;
    for (size_t i = 0; i < w->p->plan.n; i++)
        for (size_t k = 0; k < licence_of(w, w->pkgs[i])->nrefs; k++)
            refs[n++] = &licence_of(w, w->pkgs[i])->refs[k];
    if (n > 0)
        qsort(refs, n, sizeof *refs, by_id);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && strcmp(refs[i]->id, refs[i - 1]->id) == 0)
            continue;
        fputs(written++ == 0 ? ",\n\"hasExtractedLicensingInfos\":[\n{" : ",\n{", w->f);
        field(w, "licenseId", refs[i]->id);
        field(w, "name", refs[i]->name);
        fputs("\"extractedText\":", w->f);
        progress_json_string(w->f, refs[i]->text);
        putc('}', w->f);
    }
    if (written > 0)
        fputs("\n]", w->f);
}

/* Everything behind the namespace. */
static void body(struct writer *w, const struct digest *archive)
{
    char created[32] = "1970-01-01T00:00:00Z";
    time_t epoch = (time_t)w->p->epoch;
    struct tm tm;
    if (gmtime_r(&epoch, &tm) != NULL && tm.tm_year >= 0 && tm.tm_year < 9999 - 1900)
        strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", &tm);
    fprintf(w->f,
            ",\n\"creationInfo\":{\"created\":\"%s\",\"creators\":[\"Tool: zonestrap-" ZONESTRAP_VERSION
            "\"]},\n",
            created);
    result(w, archive);
    for (size_t i = 0; i < w->p->plan.n; i++)
        package(w, w->ids[i], w->pkgs[i]);
    relationships(w);
    extracted(w);
    fputs("}\n", w->f);
}

/* The namespace must be this document's alone (6.5): the digest of all the rest makes it so. */
static int head(const struct writer *w, struct str rest, struct buf *out, struct err *e)
{
    struct digest d;
    char hex[DIGEST_HEX_MAX];
    if (digest_of(&d, DIGEST_SHA256, rest, e) < 0)
        return -1;
    buf_printf(out,
               "{\"spdxVersion\":\"SPDX-2.3\",\"dataLicense\":\"CC0-1.0\",\"SPDXID\":\"SPDXRef-DOCUMENT\",\n"
               "\"name\":\"%s\",\n\"documentNamespace\":\"https://spdx.org/spdxdocs/%s-%s\"",
               w->name, w->name, digest_hex(&d, hex));
    buf_str(out, rest);
    return 0;
}

/* For a URL and for an identifier; names of recipes, releases and architectures are words. */
static const char *result_name(const struct release *r, struct arena *a)
{
    char *name = arena_printf(a, "%s-%s-%s", r->distro, r->name, r->arch);
    for (char *p = name; *p != '\0'; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '.'))
            *p = '-';
    return name;
}

int sbom_spdx(const struct create_plan *p, const struct pkgfmt_licence *licences,
              const struct digest *archive, struct arena *a, struct buf *out, struct err *e)
{
    AUTO_MEM char *rest = NULL;
    size_t n = 0;
    struct writer w = {.p = p, .licences = licences, .a = a, .pkgs = sbom_sorted(&p->plan, a)};
    w.name = result_name(&p->release, a);
    make_ids(&w);
    w.f = open_memstream(&rest, &n);
    if (w.f == NULL)
        return err_set(e, ERR_HOST, "out of memory");
    body(&w, archive);
    bool bad = ferror(w.f) != 0;
    if (fclose(w.f) != 0 || bad)
        return err_set(e, ERR_HOST, "out of memory");
    return head(&w, (struct str){rest, n}, out, e);
}
