#include "cmd/options.h"

#include <string.h>

#include "base/str.h"

#define FIELD(f) offsetof(struct options, f)
#define BOTH     (CMD_CREATE | CMD_PLAN)
#define RUNNING  (CMD_CREATE | CMD_SECOND)

const struct option_row option_rows[] = {
    {'a', "arch", "ARCH", OPT_STRING, FIELD(arch), BOTH,
     "architecture, either spelling (x86_64, amd64); default: the host's"},
    {'s', "set", "NAME", OPT_STRING, FIELD(set), BOTH, "package set of the recipe; default: base"},
    {'i', "include", "PKG,...", OPT_COMMAS, FIELD(include), BOTH, "more packages"},
    {'x', "exclude", "PKG,...", OPT_COMMAS, FIELD(exclude), BOTH,
     "never these; an error if a dependency needs one"},
    {'z', "zone", "KIND", OPT_STRING, FIELD(zone), BOTH,
     "kind of zone the root is for: none (default), lx, ...; `zonestrap list' shows them"},
    {0, "mirror", "[ID=]URL|DIR", OPT_LIST, FIELD(mirrors), BOTH,
     "instead of mirror list ID (default: the distribution's main one); tried in order"},
    {0, "suites", "release|all", OPT_STRING, FIELD(suites), BOTH,
     "the release suite alone, or with updates and security (default)"},
    {0, "components", "NAME,...", OPT_COMMAS, FIELD(components), BOTH, "instead of the recipe's (deb)"},
    {0, "repo", "SPEC", OPT_LIST, FIELD(repos), BOTH, "one more repository: `ID MIRRORS SUITE COMPONENT...'"},
    {0, "keyring", "[ID=]FILE", OPT_LIST, FIELD(keyrings), BOTH,
     "trust these keys instead of the recipe's (for ID alone)"},
    {0, "insecure", NULL, OPT_FLAG, FIELD(insecure), BOTH, "no signature check (digests still hold)"},
    {0, "ignore-expiry", NULL, OPT_FLAG, FIELD(ignore_expiry), BOTH, "accept an index past its Valid-Until"},
    {0, "now", "SECONDS", OPT_NUMBER, FIELD(now), BOTH,
     "judge keys and expiry as of this time (seconds since 1970)"},
    {0, "weak", NULL, OPT_FLAG, FIELD(weak), BOTH, "follow Recommends too"},
    {0, "security", NULL, OPT_FLAG, FIELD(security), BOTH,
     "rpm: beyond the release only what fixes its security, by the repositories' advisories"},
    {0, "target-mirror", "URL|canonical", OPT_STRING, FIELD(target_mirror), CMD_CREATE,
     "what the root's own sources name; default: the first configured mirror"},
    {0, "hostname", "NAME", OPT_STRING, FIELD(hostname), RUNNING | CMD_RUN | CMD_BOOT | CMD_CLONE,
     "the root's host name; default: its /etc/hostname, for create the distribution's name, for clone "
     "TARGET's"},
    {0, "host-files", "DIR", OPT_STRING, FIELD(host_files), CMD_CREATE,
     "write what the zone's host needs (zonecfg commands, jail.conf, ...) into DIR"},
    {'s', "single", NULL, OPT_FLAG, FIELD(single), CMD_BOOT, "stop at the single-user shell"},
    {0, "init", "PATH", OPT_STRING, FIELD(init), CMD_BOOT,
     "the program to boot, a path in the ROOT; default: where a kernel looks"},
    {0, "net", "none|host|LINK...", OPT_STRING, FIELD(net), CMD_BOOT | CMD_CREATE,
     "boot: nothing but `lo' (default), or the host's network; create zone:NAME: none, the host's, or "
     "LINK[=ADDRESS/BITS[,GATEWAY]] of the host's"},
    {0, "dataset", "DATASET", OPT_STRING, FIELD(dataset), CMD_CREATE,
     "zone:NAME: the ZFS file system below which the zone gets one of its own"},
    {0, "kernel-version", "VERSION", OPT_STRING, FIELD(kernel_version), CMD_CREATE,
     "the kernel's version that the zone is shown, where its kind shows one"},
    {0, "manager", "illumos|freebsd|lxc|nspawn", OPT_STRING, FIELD(manager), CMD_CREATE,
     "zone:NAME: the zone manager; default: the host's"},
    {0, "dry-run", NULL, OPT_FLAG, FIELD(dry_run), CMD_CREATE,
     "zone:NAME: show what would be done, and do nothing"},
    {0, "timeout", "SECONDS", OPT_NUMBER, FIELD(timeout), CMD_BOOT,
     "an error if it is still up then: it is shut down"},
    {0, "until", "TEXT", OPT_STRING, FIELD(until), CMD_BOOT,
     "shut it down, with success, when its console has shown TEXT"},
    {0, "no-reboot", NULL, OPT_FLAG, FIELD(no_reboot), CMD_BOOT,
     "end where the zone asks for a reboot, instead of booting it again"},
    {0, "second-stage", "auto|now|later|first-boot|never", OPT_STRING, FIELD(second_stage), CMD_CREATE,
     "when to install the packages properly; default auto: now where the host can run the target"},
    {0, "second-stage-full", NULL, OPT_FLAG, FIELD(second_stage_full), CMD_CREATE,
     "the target's dpkg writes every file again (rpm always does)"},
    {0, "overlay", "DIR|TAR", OPT_LIST, FIELD(overlays), CMD_CREATE,
     "copy these files into the root before the second stage; repeatable, a later one wins"},
    {0, "base", "DIR[:TAG]", OPT_STRING, FIELD(base), CMD_CREATE,
     "oci: an image whose layers are shared; the new layer has only what differs"},
    {0, "hook", "FILE", OPT_LIST, FIELD(hooks), CMD_CREATE,
     "run this program in the root at the end of the second stage; repeatable, in order"},
    {0, "keep", NULL, OPT_FLAG, FIELD(keep), CMD_CREATE,
     "keep the root of a tarball whose second stage fails, as TARGET.root"},
    {0, "why", "PKG", OPT_STRING, FIELD(why), CMD_PLAN, "show the chain of reasons for a package"},
    {0, "names", NULL, OPT_FLAG, FIELD(names), CMD_PLAN | CMD_LIST | CMD_ZONE,
     "bare names, one a line, sorted"},
    {0, "json", NULL, OPT_FLAG, FIELD(json), CMD_PLAN | CMD_LIST | CMD_ZONE, "machine-readable output"},
    {0, "locked", "FILE", OPT_STRING, FIELD(locked), BOTH,
     "create: install exactly what this lock names; plan: show what would change since"},
    {0, "lock", "FILE", OPT_STRING, FIELD(lock), CMD_PLAN,
     "write the plan as a lock; `-' is standard output"},
    {0, "cache-dir", "DIR", OPT_STRING, FIELD(cache_dir), BOTH,
     "where packages and indexes are kept; `none' for nowhere"},
    {0, "offline", NULL, OPT_FLAG, FIELD(offline), BOTH, "use the cache and local mirrors alone"},
    {0, "manifest", "FILE", OPT_STRING, FIELD(manifest), BOTH, "write a sorted list of the packages to FILE"},
    {0, "sbom", "FILE", OPT_STRING, FIELD(sbom), BOTH, "write a bill of materials (SPDX 2.3 JSON) to FILE"},
    {0, "template", "NAME|ROOT", OPT_STRING, FIELD(template_root), CMD_CREATE,
     "clone this finished root instead; the only operand is TARGET"},
    {0, "how", "auto|zfs|btrfs|reflink|overlay|copy", OPT_STRING, FIELD(how), CMD_CREATE | CMD_CLONE,
     "how to clone; default auto: a snapshot where SOURCE stands on zfs or btrfs, else a copy"},
    {0, "unfinished", NULL, OPT_FLAG, FIELD(unfinished), CMD_CLONE,
     "clone a root whose second stage is pending, too"},
    {0, "force", NULL, OPT_FLAG, FIELD(force), CMD_REMOVE | CMD_NEW | CMD_ZONE,
     "remove: what does not look like zonestrap's, too; new: a recipe by a known one's name, too; zone: what "
     "cannot be undone is left"},
    {0, "like", "DISTRO", OPT_STRING, FIELD(like), CMD_NEW,
     "a derivative: everything of this one's recipe holds that the new one does not say itself"},
    {0, "format", "deb|rpm", OPT_STRING, FIELD(format), CMD_NEW, "a recipe from scratch, for such packages"},
    {0, "jobs", "N", OPT_NUMBER, FIELD(jobs), CMD_CREATE | CMD_CLONE,
     "packages unpacked, directories copied, and processors compressing, at a time; default: one per "
     "processor"},
    {0, "recipes", "DIR", OPT_LIST, FIELD(recipes), BOTH | CMD_LIST | CMD_CHECK | CMD_NEW | CMD_CLONE,
     "recipes, fixups and mirror lists that come before the built-in ones; new: where it is put (default: "
     ".)"},
    {0, "progress", "auto|bar|plain|json|none", OPT_STRING, FIELD(progress), BOTH | CMD_SECOND | CMD_CLONE,
     "how progress is shown"},
    {0, "log", "FILE", OPT_STRING, FIELD(log_file), CMD_ALL, "write everything that -vv says to FILE, too"},
    {'q', "quiet", NULL, OPT_FLAG, FIELD(quiet), CMD_ALL, "errors only"},
    {'v', "verbose", NULL, OPT_COUNT, FIELD(verbose), CMD_ALL, "say more; twice: everything"},
    {'h', "help", NULL, OPT_FLAG, FIELD(help), CMD_ALL, "this help"},
    {0},
};

static void list_add(struct option_list *l, const char *value, struct arena *a)
{
    const char **v = arena_array(a, l->n + 1, sizeof *v);
    if (l->n > 0)
        memcpy(v, l->v, l->n * sizeof *v);
    v[l->n++] = value;
    l->v = v;
}

static int set_value(struct options *o, const struct option_row *r, const char *value, struct arena *a,
                     struct err *e)
{
    char *field = (char *)o + r->field;
    struct str rest = str_c(value), part;
    switch (r->kind) {
    case OPT_FLAG:
        *(bool *)field = true;
        return 0;
    case OPT_COUNT:
        ++*(uint64_t *)field;
        return 0;
    case OPT_STRING:
        *(const char **)field = value;
        return 0;
    case OPT_NUMBER:
        if (!str_u64(str_c(value), (uint64_t *)field))
            return err_set(e, ERR_USAGE, "--%s: `%s' is no number", r->name, value);
        return 0;
    case OPT_LIST:
        list_add((struct option_list *)field, value, a);
        return 0;
    case OPT_COMMAS:
        while (str_cut(&rest, ',', &part))
            if (part.n > 0)
                list_add((struct option_list *)field, arena_str(a, part), a);
        return 0;
    }
    return 0;
}

static const struct option_row *find_long(struct str name, unsigned command)
{
    for (const struct option_row *r = option_rows; r->name != NULL; r++)
        if ((r->commands & command) && str_is(name, r->name))
            return r;
    return NULL;
}

bool options_given(const struct options *o, const char *name)
{
    const struct option_row *r = find_long(str_c(name), CMD_ALL);
    const char *field = (const char *)o + r->field;
    switch (r->kind) {
    case OPT_FLAG:
        return *(const bool *)field;
    case OPT_COUNT:
    case OPT_NUMBER:
        return *(const uint64_t *)field != 0;
    case OPT_STRING:
        return *(const char *const *)field != NULL;
    case OPT_LIST:
    case OPT_COMMAS:
        return ((const struct option_list *)field)->n > 0;
    }
    return false;
}

static const struct option_row *find_brief(char c, unsigned command)
{
    for (const struct option_row *r = option_rows; r->name != NULL; r++)
        if ((r->commands & command) && r->brief == c)
            return r;
    return NULL;
}

/* One argv word that starts with --; returns how many words it took, or -1. */
static int parse_long(struct options *o, unsigned command, char **argv, struct arena *a, struct err *e)
{
    struct str rest = str_c(argv[0] + 2), name;
    str_cut(&rest, '=', &name);
    const struct option_row *r = find_long(name, command);
    if (r == NULL) {
        err_set(e, ERR_USAGE, "unknown option --%" STR_FMT, STR_ARG(name));
        return err_hint(e, "see --help");
    }
    if (r->arg == NULL) {
        if (rest.p != NULL)
            return err_set(e, ERR_USAGE, "--%s takes no value", r->name);
        return set_value(o, r, NULL, a, e) < 0 ? -1 : 1;
    }
    if (rest.p == NULL && argv[1] == NULL)
        return err_set(e, ERR_USAGE, "--%s needs a value: %s", r->name, r->arg);
    if (set_value(o, r, rest.p != NULL ? arena_str(a, rest) : argv[1], a, e) < 0)
        return -1;
    return rest.p != NULL ? 1 : 2;
}

/* One argv word of short options; returns how many words it took, or -1. */
static int parse_brief(struct options *o, unsigned command, char **argv, struct arena *a, struct err *e)
{
    for (char *p = argv[0] + 1; *p != '\0'; p++) {
        const struct option_row *r = find_brief(*p, command);
        if (r == NULL) {
            err_set(e, ERR_USAGE, "unknown option -%c", *p);
            return err_hint(e, "see --help");
        }
        if (r->arg == NULL) {
            if (set_value(o, r, NULL, a, e) < 0)
                return -1;
            continue;
        }
        if (p[1] == '\0' && argv[1] == NULL)
            return err_set(e, ERR_USAGE, "-%c needs a value: %s", *p, r->arg);
        if (set_value(o, r, p[1] != '\0' ? p + 1 : argv[1], a, e) < 0)
            return -1;
        return p[1] != '\0' ? 1 : 2;
    }
    return 1;
}

int options_parse(struct options *o, unsigned command, int argc, char **argv, struct arena *a, struct err *e)
{
    bool only_operands = false;
    for (int i = 0; i < argc;) {
        int took = 1;
        if (!only_operands && strcmp(argv[i], "--") == 0)
            only_operands = true;
        else if (only_operands || argv[i][0] != '-' || argv[i][1] == '\0')
            list_add(&o->operands, argv[i], a);
        else
            took = argv[i][1] == '-' ? parse_long(o, command, argv + i, a, e)
                                     : parse_brief(o, command, argv + i, a, e);
        if (took < 0)
            return -1;
        /* `run ROOT ls -l`: what follows the root belongs to the command; one `--` in between is ours. */
        if (command == CMD_RUN && o->operands.n == 1 && !only_operands) {
            only_operands = true;
            if (i + 1 < argc && strcmp(argv[i + 1], "--") == 0)
                took++;
        }
        i += took;
    }
    return 0;
}
