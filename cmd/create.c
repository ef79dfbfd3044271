/* create: every stage in one straight line. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "cmd/clone.h"
#include "cmd/create_managed.h"
#include "cmd/create_stages.h"
#include "cmd/create_target.h"
#include "cmd/create_unpack.h"
#include "cmd/create_zone.h"
#include "cmd/sbom.h"
#include "cmd/zone/zone.h"
#include "pkgfmt/first_boot.h"

static int parse_when(const char *word, enum create_when *out)
{
    static const char *const words[] = {[CREATE_NEVER] = "never",
                                        [CREATE_LATER] = "later",
                                        [CREATE_FIRST_BOOT] = "first-boot",
                                        [CREATE_NOW] = "now",
                                        [CREATE_AUTO] = "auto"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0) {
            *out = (enum create_when)i;
            return 0;
        }
    return -1;
}

/* It goes into the root's sources as it is; apt knows more kinds of URL than we fetch from. */
static int check_target_mirror(const char *url, struct err *e)
{
    size_t scheme = url ? strspn(url, "abcdefghijklmnopqrstuvwxyz0123456789+-.") : 0,
           n = url ? strlen(url) : 0;
    if (url == NULL || strcmp(url, "canonical") == 0)
        return 0;
    bool good = scheme > 0 && url[scheme] == ':' && n > scheme + 1;
    for (size_t i = 0; i < n; i++)
        good = good && (unsigned char)url[i] > ' ' && url[i] != 0x7f;
    return good ? 0 : err_set(e, ERR_USAGE, "--target-mirror: `%s' is neither a URL nor `canonical'", url);
}

/* A tarball or an image in a form that is not made here shall not become a directory of that name. */
static int check_target_name(const char *target, struct err *e)
{
    static const char *const archives[] = {".tar",  ".tgz", ".txz", ".tbz", ".tbz2",    ".tzst",
                                           ".ext2", ".img", ".iso", ".zip", ".squashfs"};
    size_t n = strlen(target);
    AUTO_BUF lower = {0};
    AUTO_ARENA a = {0};
    struct oci_name image;
    if (oci_is(target))
        return oci_name_parse(target, &a, &image, e);
    if (tarball_name(target) || (n > 0 && target[n - 1] == '/') || create_managed_is(target))
        return 0;
    for (size_t i = 0; i < n; i++) {
        char c = target[i];
        buf_putc(&lower, c);
        if (c >= 'A' && c <= 'Z')
            lower.p[i] = (char)(c | 0x20);
    }
    const char *base = strrchr(buf_c(&lower), '/');
    base = base != NULL ? base + 1 : buf_c(&lower);
    bool bad = strstr(base, ".tar.") != NULL;
    for (size_t i = 0; i < sizeof archives / sizeof *archives; i++)
        bad = bad || str_ends(str_c(base), str_c(archives[i]));
    if (!bad)
        return 0;
    err_set(e, ERR_USAGE, "%s: tarballs are called NAME.tar, .tar.gz, .tgz, .tar.xz, .txz or .tar.zst",
            target);
    return err_hint(e, "for a directory of that name: %s/", target);
}

/* Hooks are the second stage's; of the root of a tarball that is not finished here there is nothing to keep.
 */
static int check_extras(const struct options *o, enum create_when when, struct err *e)
{
    if (o->hooks.n > 0 && when == CREATE_NEVER)
        return err_set(e, ERR_USAGE, "--hook needs a second stage: not with --second-stage never");
    if (o->keep && when < CREATE_NOW)
        return err_set(e, ERR_USAGE,
                       "--keep is for a second stage that runs at once: not with --second-stage %s",
                       o->second_stage);
    if (o->base != NULL && !oci_is(o->operands.v[1]))
        return err_set(e, ERR_USAGE, "--base is for an image: TARGET oci:DIR or oci:DIR:TAG");
    return 0;
}

static int check_request(struct job *j, enum create_when *when, struct err *e)
{
    const struct options *o = &j->opt;
    const char *word = o->second_stage ? o->second_stage : "auto";
    if (o->operands.n != 2) {
        err_set(e, ERR_USAGE, "create takes DISTRO[/RELEASE] and TARGET");
        return err_hint(e, "see zonestrap create --help");
    }
    if (parse_when(word, when) < 0)
        return err_set(e, ERR_USAGE, "--second-stage: `%s' is none of auto, now, later, first-boot, never",
                       word);
    if (check_target_name(o->operands.v[1], e) < 0 || create_managed_check(j, o->operands.v[1], e) < 0 ||
        check_target_mirror(o->target_mirror, e) < 0 || check_extras(o, *when, e) < 0 ||
        sbom_check(o, create_target_path(j, o->operands.v[1]), e) < 0)
        return -1;
    if (geteuid() != 0 && !create_target_packed(o->operands.v[1]) && !create_managed_is(o->operands.v[1])) {
        err_set(e, ERR_HOST, "writing a root directory needs root: its files have many owners");
        return err_hint(e, "run it as root or with sudo, or make a tarball: NAME.tar.zst");
    }
    return 0;
}

int create_check_needs(const struct create_plan *p, enum create_when when, struct err *e)
{
    for (const char *const *need = p->fmt->second_needs; when != CREATE_NEVER && *need != NULL; need++) {
        bool found = false;
        for (size_t i = 0; i < p->plan.n && !found; i++)
            found = strcmp(p->plan.pkgs[i].name, *need) == 0;
        if (found)
            continue;
        err_set(e, ERR_SOLVE, "the set has no %s, which the second stage runs", *need);
        return err_hint(e, "--include it and do not exclude it, or --second-stage never");
    }
    return 0;
}

/* The host must be able to run the second stage when it is to run at once. */
static int check_second(struct job *j, struct create_plan *p, const struct create_target *t,
                        enum create_when *when, struct err *e)
{
    struct err why = {0};
    if (*when == CREATE_NEVER)
        return 0;
    if (create_check_needs(p, *when, e) < 0)
        return -1;
    if (*when == CREATE_LATER || *when == CREATE_FIRST_BOOT)
        return 0;
    int rc = zone_supported(p->release.machine, &why);
    if (rc < 0 && *when == CREATE_AUTO) {
        log_warn(j->log, "the second stage cannot run here, it is left for later: %s", why.msg);
        *when = CREATE_LATER;
        return 0;
    }
    if (rc == 0 && t->no_place.class != ERR_NONE) {
        why = t->no_place;
        rc = -1;
    }
    *when = CREATE_NOW;
    if (rc < 0)
        *e = why;
    return rc;
}

/* What fixups and the first boot will touch is known before the first byte is written. */
static int prepare(struct job *j, struct create_plan *p, struct tree *t, struct fixup_set *f,
                   enum create_when when, struct err *e)
{
    struct tree_layout *links = arena_array(&j->arena, p->release.nlayout, sizeof *links);
    const char **paths, **inits;
    struct str script;
    size_t ninits;
    for (size_t i = 0; i < p->release.nlayout; i++)
        links[i] = (struct tree_layout){p->release.layout[i].path, p->release.layout[i].text};
    tree_set_epoch(t, p->epoch);
    size_t n = create_fixup_paths(j, p, f, &paths);
    if (tree_layout(t, links, p->release.nlayout, e) < 0 || tree_hold(t, paths, n, e) < 0)
        return -1;
    if (p->overlays != NULL && overlay_hold(p->overlays, t, e) < 0)
        return -1;
    if (when != CREATE_FIRST_BOOT)
        return 0;
    return first_boot_places(&j->arena, &script, &inits, &ninits, e) < 0 ? -1
                                                                         : tree_hold(t, inits, ninits, e);
}

/* What a root takes while it is made: the packages may lie in it, too. */
static uint64_t plan_bytes(const struct create_plan *p)
{
    uint64_t n = 0;
    for (size_t i = 0; i < p->plan.n; i++)
        n += (p->fmt->rides_whole ? 2 : 1) * p->plan.pkgs[i].installed_size + p->plan.pkgs[i].size;
    return p->overlays != NULL ? n + overlay_bytes(p->overlays) : n;
}

static int fill(struct job *j, struct create_plan *p, struct tree *t, struct fixup_set *f,
                enum create_when when, struct err *e)
{
    struct pkgfmt_second *second = NULL;
    struct pkgfmt_owners *owners = NULL;
    int rc = prepare(j, p, t, f, when, e);
    if (rc == 0)
        rc = sbom_watch(j, p, t, e);
    if (rc == 0 && when != CREATE_NEVER)
        rc = p->fmt->second_begin(&second, t, &p->plan,
                                  (j->opt.second_stage_full ? PKGFMT_SECOND_FULL : 0) |
                                      (when == CREATE_NOW ? PKGFMT_SECOND_AT_ONCE : 0),
                                  e);
    if (rc == 0)
        owners = create_fixup_owners(j, p, f);
    if (rc == 0)
        rc = create_unpack(j, p, t, second, owners, e);
    progress_begin(&j->ui, "fixup");
    if (rc == 0)
        rc = fixup_apply(f, t, j->log, e) < 0 ? -1 : create_fixup_keys(j, p, t, e);
    if (rc == 0 && p->overlays != NULL)
        rc = overlay_put(p->overlays, t, e);
    if (rc == 0 && second != NULL)
        rc = create_second(j, p, f, t, second, when == CREATE_FIRST_BOOT, e);
    progress_end(&j->ui, "fixup");
    if (second != NULL)
        p->fmt->second_free(second);
    if (owners != NULL)
        p->fmt->owners_free(owners);
    return rc;
}

/* "" for a root that is finished. */
static const char *state_of(enum create_when when)
{
    return when == CREATE_NOW          ? ""
           : when == CREATE_NEVER      ? "unpacked only"
           : when == CREATE_FIRST_BOOT ? "second stage at its first boot"
                                       : "second stage pending";
}

/* What an image says of itself. */
static int describe(struct job *j, struct create_plan *p, struct create_target *t, enum create_when when,
                    struct err *e)
{
    struct str script;
    const char **inits = NULL;
    size_t n;
    if (t->oci == NULL)
        return 0;
    if (when == CREATE_FIRST_BOOT && first_boot_places(&j->arena, &script, &inits, &n, e) < 0)
        return -1;
    create_oci_describe(j, p, t->tree, state_of(when), inits != NULL ? inits[0] : NULL, &t->image);
    return 0;
}

/* What tells when and how the tarball was made, and what no two systems shall share. */
static int leave_out(struct job *j, struct create_plan *p, struct tree *t, const char *hostname,
                     struct err *e)
{
    struct fixup_set *f;
    const struct str *own = NULL;
    size_t n = p->overlays != NULL ? overlay_paths(p->overlays, &own) : 0;
    return tree_remove(t, SECOND_STAGE_LOG, e) < 0 ||
                   fixup_load_clone(&j->data, hostname, &j->arena, &f, e) < 0
               ? -1
               : fixup_apply_image(f, t, own, n, j->log, e);
}

/* A root whose second stage failed is put in place all the same, to look at and to go on with. */
static int finish(struct job *j, struct create_plan *p, struct create_target *t, enum create_when when,
                  struct err *e)
{
    struct err second = {0};
    const char *hostname = j->opt.hostname ? j->opt.hostname : p->release.distro;
    const char *kept = create_target_kept(t);
    int rc = when == CREATE_NOW ? second_stage_run(j, tree_path(t->tree), kept, hostname, true, &second) : 0;
    if (rc < 0 && (second.class != ERR_SECOND || kept == NULL)) {
        *e = second;
        return -1;
    }
    if (when == CREATE_NOW && rc == 0 && t->tarball != NULL && leave_out(j, p, t->tree, hostname, e) < 0)
        return -1;
    if (rc == 0 && describe(j, p, t, when, e) < 0)
        return -1;
    int sealed = rc < 0 ? create_target_keep(j, t, e) : create_target_seal(j, t, e);
    if (sealed == 0 && rc < 0)
        *e = second;
    return sealed < 0 || rc < 0 ? -1 : 0;
}

/* Of what holds the whole root; NULL: no archive does, kind DIGEST_NONE: several together do. */
static const struct digest *result_digest(const struct create_target *t)
{
    static const struct digest none;
    if (t->tarball == NULL)
        return NULL;
    return t->oci != NULL && create_oci_based(t->oci) ? &none : &t->digest;
}

/* From the plan, which may be made already, to the sealed target. */
static int make(struct job *j, struct create_plan *p, struct create_target *t, enum create_when *when,
                struct err *e)
{
    struct fixup_set *f = NULL;
    struct zone_host host;
    if (p->plan.n == 0 && create_plan_make(j, p, e) < 0)
        return -1;
    int rc = t->oci != NULL ? create_oci_check(t->oci, p->release.machine, e) : 0;
    if (rc == 0)
        rc = create_zone_host(j, p, t->name, &host, e);
    if (rc == 0)
        rc = check_second(j, p, t, when, e);
    if (rc == 0)
        rc = create_fixup_load(j, p, &f, e);
    if (rc == 0)
        rc = create_target_tree(j, t, *when == CREATE_NOW, plan_bytes(p), e);
    if (rc == 0 && !zone_kind_can(p->zone, "file-caps"))
        create_target_drop_caps(t);
    if (rc == 0)
        rc = fill(j, p, t->tree, f, *when, e);
    create_plan_drop_solver(p); /* the processors are idle from here on: the disk or dpkg is waited for */
    if (rc == 0)
        rc = finish(j, p, t, *when, e);
    if (rc == 0)
        rc = sbom_write(j, p, result_digest(t), e);
    if (rc == 0)
        rc = create_zone_write(j, &host, e);
    return rc < 0 ? err_wrap(e, "%s", p->what) : 0;
}

static void say_done(struct job *j, const struct create_plan *p, const struct create_target *t,
                     enum create_when when)
{
    char hex[DIGEST_HEX_MAX];
    const char *state = state_of(when);
    const char *name = strcmp(t->name, "-") == 0 ? "standard output" : t->name;
    progress_done(&j->ui,
                  arena_printf(&j->arena, "%s: %zu packages in %s%s%s%s", p->what, p->plan.n, name,
                               *state ? ", " : "", state, create_zone_hint(j, p)),
                  t->tarball != NULL ? digest_hex(&t->digest, hex) : NULL);
}

int create_to(struct job *j, struct create_plan *p, const char *target, enum create_when when, bool say,
              struct err *e)
{
    struct create_target t;
    int rc = create_target_open(j, target, when >= CREATE_NOW, &t, e);
    if (rc == 0)
        rc = make(j, p, &t, &when, e);
    if (rc == 0 && say)
        say_done(j, p, &t, when);
    create_target_close(j, &t);
    return rc < 0 && e->class == ERR_INTR ? err_set(e, ERR_INTR, "interrupted") : rc;
}

/* What is wrong with them is known before anything is fetched. */
static int read_extras(struct job *j, struct create_plan *p, struct err *e)
{
    const struct options *o = &j->opt;
    if (hook_read(&p->hooks, o->hooks.v, o->hooks.n, &j->arena, e) < 0)
        return -1;
    return o->overlays.n > 0 ? overlay_open(&p->overlays, o->overlays.v, o->overlays.n, j->log, e) : 0;
}

/* A zone out of a template: the one operand is TARGET. */
static int create_zone_clone(struct job *j, struct err *e)
{
    struct create_plan p = {0};
    const char *target = j->opt.operands.v[0];
    if (create_managed_check(j, target, e) < 0)
        return -1;
    int rc = create_managed(j, &p, target, CREATE_NOW, e);
    create_plan_free(&p);
    return rc;
}

int cmd_create(struct job *j, struct err *e)
{
    struct create_plan p = {0};
    enum create_when when = CREATE_NEVER;
    const struct option_list *args = &j->opt.operands;
    if (j->opt.template_root != NULL)
        return args->n == 1 && create_managed_is(args->v[0]) ? create_zone_clone(j, e) : clone_template(j, e);
    if (j->opt.how != NULL)
        return err_set(e, ERR_USAGE, "--how says how to clone: it needs --template");
    if (check_request(j, &when, e) < 0 || read_extras(j, &p, e) < 0)
        return -1;
    job_open_cache(j);
    const char *target = args->v[1];
    int rc = create_managed_is(target) ? create_managed(j, &p, target, when, e)
                                       : create_to(j, &p, target, when, true, e);
    create_plan_free(&p);
    overlay_close(p.overlays);
    return rc;
}
