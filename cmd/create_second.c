/* What the second stage needs, left in the tree. */
#include <string.h>

#include "base/auto.h"
#include "cmd/create_stages.h"

/* The files that overlays brought and that fixups may change: put aside before the fixups run again, and back
   where anything has happened to them. A run that was killed finds them put aside. */
static const char keep_sh[] =
    "#!/bin/sh\n"
    "own=/zonestrap/own\n"
    "mkdir -p \"$own\"\n"
    "own_aside() { # N PATH\n"
    "\tif [ -e \"$own/$1.at\" ]; then return; fi\n"
    "\tif [ ! -e \"$2\" ] && [ ! -L \"$2\" ]; then return; fi\n"
    "\trm -f \"$own/$1\"\n"
    "\tcp -a \"$2\" \"$own/$1\"\n"
    "\tstat -c '%i %z' \"$2\" >\"$own/new\"\n"
    "\tmv \"$own/new\" \"$own/$1.at\"\n"
    "}\n"
    "own_back() { # N PATH\n"
    "\tif [ ! -e \"$own/$1.at\" ]; then return; fi\n"
    "\tif [ \"$(stat -c '%i %z' \"$2\" 2>&1)\" = \"$(cat \"$own/$1.at\")\" ]; then return; fi\n"
    "\tmkdir -p \"$(dirname \"$2\")\"\n"
    "\tcp -a \"$own/$1\" \"$2.zonestrap-new\"\n"
    "\tmv -f \"$2.zonestrap-new\" \"$2\"\n"
    "}\n"
    "set -eu\n";

static void call(struct buf *sh, const char *function, size_t i, struct str path)
{
    buf_printf(sh, "%s %zu '/", function, i);
    for (size_t k = 0; k < path.n; k++)
        if (path.p[k] == '\'')
            buf_puts(sh, "'\\''");
        else
            buf_putc(sh, path.p[k]);
    buf_puts(sh, "'\n");
}

/* Whether a fixup names the path or a directory above it. */
static bool is_touched(struct str path, const struct str *touched, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_starts(path, touched[i]) && (path.n == touched[i].n || path.p[touched[i].n] == '/'))
            return true;
    return false;
}

/* What fixups may change, and the keyrings that create_fixup_keys() writes. */
static int touched_paths(struct job *j, const struct create_plan *p, const struct fixup_set *f,
                         const struct tree *t, struct pkgfmt_second_opts *o, struct err *e)
{
    const char **held, **changed;
    size_t nheld = create_fixup_paths(j, p, f, &held), n = fixup_changes(f, &j->arena, &changed);
    struct str *touched = arena_array(&j->arena, nheld + n, sizeof *touched);
    for (size_t i = 0; i < nheld + n; i++)
        if (tree_canonical(t, str_c(i < nheld ? held[i] : changed[i - nheld]), &j->arena, &touched[i], e) < 0)
            return -1;
    o->touched = touched;
    o->ntouched = nheld + n;
    return 0;
}

/* The fixups, around which what overlays brought stays as it is. */
static int render(struct fixup_set *f, const struct pkgfmt_second_opts *o, struct buf *sh, struct err *e)
{
    AUTO_BUF back = {0};
    for (size_t i = 0; i < o->nown; i++) {
        if (!is_touched(o->own[i], o->touched, o->ntouched))
            continue;
        buf_puts(sh, back.n == 0 ? keep_sh : "");
        call(sh, "own_aside", i, o->own[i]);
        call(&back, "own_back", i, o->own[i]);
    }
    if (fixup_render(f, sh, e) < 0)
        return -1;
    buf_str(sh, buf_view(&back));
    return 0;
}

int create_second(struct job *j, struct create_plan *p, struct fixup_set *f, struct tree *t,
                  struct pkgfmt_second *s, bool first_boot, struct err *e)
{
    AUTO_BUF sh = {0};
    struct pkgfmt_second_opts o = {
        .epoch = p->epoch, .first_boot = first_boot, .hooks = p->hooks.v, .nhooks = p->hooks.n};
    if (p->overlays != NULL)
        o.nown = overlay_paths(p->overlays, &o.own);
    if (touched_paths(j, p, f, t, &o, e) < 0 || render(f, &o, &sh, e) < 0 ||
        create_plan_keys(j, p, &o.keys, &o.nkeys, e) < 0)
        return -1;
    o.no_caps = !tree_has_xattrs(t) || !zone_kind_can(p->zone, "file-caps");
    o.fixups_sh = buf_view(&sh);
    return p->fmt->second_finish(s, &o, e);
}
