/* The verbs as POSIX sh, for the zone: it has /bin/sh, coreutils, grep and sed. $ROOT is empty there; tests
 * set it. */
#include "fixups/fixup_int.h"

static const char prelude[] =
    "#!/bin/sh\n"
    "# The fixups of this root: [before-boot] again, then [after-install].\n"
    "set -eu\n"
    "umask 022\n"
    "LC_ALL=C\n"
    "export LC_ALL\n"
    "ROOT=${ROOT-}\n"
    "at=\n"
    "zs_die() { echo \"$at: $*\" >&2; exit 1; }\n"
    "zs_has() { [ -e \"$ROOT$1\" ] || [ -L \"$ROOT$1\" ]; }\n"
    "zs_is_dir() { [ -d \"$ROOT$1\" ] && [ ! -L \"$ROOT$1\" ]; }\n"
    "zs_need() { zs_has \"$1\" || zs_die \"$1 is missing\"; }\n"
    "zs_regular() {\n"
    "\tzs_need \"$1\"\n"
    "\t[ -f \"$ROOT$1\" ] && [ ! -L \"$ROOT$1\" ] || zs_die \"$1 is no regular file\"\n"
    "}\n"
    "zs_parent() { mkdir -p \"$(dirname \"$ROOT$1\")\"; }\n"
    "# Number of a name: passwd|group NAME\n"
    "zs_id() {\n"
    "\tcase $2 in\n"
    "\t*[!0-9]*) id=$(sed -n \"s/^$2:[^:]*:\\([0-9]*\\):.*/\\1/p\" \"$ROOT/etc/$1\" | head -n 1) ;;\n"
    "\t*) id=$2 ;;\n"
    "\tesac\n"
    "\t[ -n \"$id\" ] || zs_die \"/etc/$1 has no $2\"\n"
    "}\n"
    "zs_ids() { # USER GROUP\n"
    "\tzs_id passwd \"$1\"\n"
    "\tuid=$id\n"
    "\tzs_id group \"$2\"\n"
    "\tgid=$id\n"
    "}\n"
    "# The new file takes the place of the old one, if anything differs.\n"
    "zs_put() {\n"
    "\tnew=$ROOT$1.zonestrap-new\n"
    "\tif zs_is_dir \"$1\"; then rm -f \"$new\"; zs_die \"$1 is a directory\"; fi\n"
    "\tif [ -f \"$ROOT$1\" ] && [ ! -L \"$ROOT$1\" ] &&\n"
    "\t\t[ \"$(stat -c '%a %u %g' \"$new\")\" = \"$(stat -c '%a %u %g' \"$ROOT$1\")\" ] &&\n"
    "\t\t[ \"$(sha256sum <\"$new\")\" = \"$(sha256sum <\"$ROOT$1\")\" ]; then\n"
    "\t\trm -f \"$new\"\n"
    "\t\treturn\n"
    "\tfi\n"
    "\t# A container's runtime mounts some files of its own.\n"
    "\tif grep -qsF \" $ROOT$1 \" /proc/self/mountinfo; then\n"
    "\t\trm -f \"$new\"\n"
    "\t\techo \"$at: $1 left to the host\" >&2\n"
    "\t\treturn\n"
    "\tfi\n"
    "\t[ ! -L \"$ROOT$1\" ] || rm -f \"$ROOT$1\"\n"
    "\tmv -f \"$new\" \"$ROOT$1\"\n"
    "}\n"
    "zs_copy() { # SOURCE PATH\n"
    "\tzs_regular \"$1\"\n"
    "\tzs_parent \"$2\"\n"
    "\tcp -p \"$ROOT$1\" \"$ROOT$2.zonestrap-new\"\n"
    "\tzs_put \"$2\"\n"
    "}\n"
    "zs_file() { # PATH MODE USER GROUP, the content on standard input\n"
    "\tzs_ids \"$3\" \"$4\"\n"
    "\tzs_parent \"$1\"\n"
    "\tcat >\"$ROOT$1.zonestrap-new\"\n"
    "\tchown \"$uid:$gid\" \"$ROOT$1.zonestrap-new\"\n"
    "\tchmod \"$2\" \"$ROOT$1.zonestrap-new\"\n"
    "\tzs_put \"$1\"\n"
    "}\n"
    "zs_mkdir() { # PATH MODE USER GROUP\n"
    "\tif zs_has \"$1\" && ! zs_is_dir \"$1\"; then zs_die \"$1 is no directory\"; fi\n"
    "\tzs_ids \"$3\" \"$4\"\n"
    "\tmkdir -p \"$ROOT$1\"\n"
    "\tchown \"$uid:$gid\" \"$ROOT$1\"\n"
    "\tchmod \"$2\" \"$ROOT$1\"\n"
    "}\n"
    "zs_link() { # PATH TEXT\n"
    "\tif [ -L \"$ROOT$1\" ] && [ \"$(readlink \"$ROOT$1\")\" = \"$2\" ]; then return; fi\n"
    "\tif zs_is_dir \"$1\"; then zs_die \"$1 is a directory\"; fi\n"
    "\tzs_parent \"$1\"\n"
    "\trm -f \"$ROOT$1\"\n"
    "\tln -s \"$2\" \"$ROOT$1\"\n"
    "}\n"
    "# A zone may not be allowed to make nodes: its /dev is the host's matter.\n"
    "zs_node() { # PATH TYPE MAJOR MINOR MODE\n"
    "\tif zs_has \"$1\"; then return; fi\n"
    "\tzs_parent \"$1\"\n"
    "\tmknod -m \"$5\" \"$ROOT$1\" \"$2\" \"$3\" \"$4\" || echo \"$at: $1 left to the host\" >&2\n"
    "}\n"
    "zs_edit() { # PATH SCRIPT\n"
    "\tzs_regular \"$1\"\n"
    "\tcp -p \"$ROOT$1\" \"$ROOT$1.zonestrap-new\"\n"
    "\tsed -E \"$2\" \"$ROOT$1\" >\"$ROOT$1.zonestrap-new\"\n"
    "\tzs_put \"$1\"\n"
    "}\n"
    "zs_append() { # PATH LINE\n"
    "\tzs_regular \"$1\"\n"
    "\tif grep -qxF -e \"$2\" \"$ROOT$1\"; then return; fi\n"
    "\t[ -z \"$(tail -c 1 \"$ROOT$1\")\" ] || echo >>\"$ROOT$1\"\n"
    "\tprintf '%s\\n' \"$2\" >>\"$ROOT$1\"\n"
    "}\n"
    "zs_mode() { # PATH MODE\n"
    "\tzs_need \"$1\"\n"
    "\t[ ! -L \"$ROOT$1\" ] || zs_die \"$1 is a link: it has no mode\"\n"
    "\tchmod \"$2\" \"$ROOT$1\"\n"
    "}\n"
    "zs_owner() { # PATH USER GROUP\n"
    "\tzs_need \"$1\"\n"
    "\tzs_ids \"$2\" \"$3\"\n"
    "\tchown -h \"$uid:$gid\" \"$ROOT$1\"\n"
    "}\n"
    "zs_rc_remove() { # LEVEL SCRIPT...\n"
    "\tlevel=$1\n"
    "\tshift\n"
    "\tfor script; do rm -f \"$ROOT/etc/rc$level.d/\"[SK][0-9][0-9]\"$script\"; done\n"
    "}\n";

void fixup_sh_begin(struct buf *b)
{
    buf_puts(b, prelude);
}

/* The one byte that quotes do not hold is '. */
static void quoted(struct buf *b, struct str s)
{
    buf_putc(b, '\'');
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\'')
            buf_puts(b, "'\\''");
        else
            buf_putc(b, s.p[i]);
    buf_putc(b, '\'');
}

static void arg(struct buf *b, struct str s)
{
    buf_putc(b, ' ');
    quoted(b, s);
}

static void path(struct buf *b, const char *p)
{
    arg(b, str_c(p));
}

/* Line, and what the prefixes mean: `!` is done with when the path is there, `?` when what is needed is not.
 */
void fixup_sh_op(const struct fixup_op *op, struct buf *b)
{
    struct buf where = {0};
    buf_printf(&where, "%s:%u", op->file->name, op->line->line);
    buf_puts(b, "at=");
    quoted(b, buf_view(&where));
    buf_putc(b, '\n');
    buf_free(&where);
    if (op->if_absent) {
        buf_puts(b, "zs_has");
        path(b, op->path);
        buf_puts(b, " || ");
    }
    if (op->missing_ok) {
        buf_puts(b, "! zs_has");
        path(b, op->source ? op->source : op->path);
        buf_puts(b, " || ");
    }
    op->verb->sh(op, b);
}

void fixup_sh_copy(const struct fixup_op *op, struct buf *b)
{
    buf_puts(b, "zs_copy");
    path(b, op->source);
    path(b, op->path);
    buf_putc(b, '\n');
}

/* A here-document ends at a line that the content does not have. */
void fixup_sh_file(const struct fixup_op *op, struct buf *b)
{
    struct buf end = {0};
    buf_puts(&end, "ZS_END");
    while (str_find(op->text, buf_view(&end)) < op->text.n)
        buf_putc(&end, '_');
    buf_puts(b, "zs_file");
    path(b, op->path);
    buf_printf(b, " %04o %s %s <<'%s'\n", (unsigned)op->mode, op->user, op->group, buf_c(&end));
    buf_str(b, op->text);
    if (op->text.n > 0 && op->text.p[op->text.n - 1] != '\n')
        buf_putc(b, '\n');
    buf_printf(b, "%s\n", buf_c(&end));
    buf_free(&end);
}

void fixup_sh_mkdir(const struct fixup_op *op, struct buf *b)
{
    buf_puts(b, "zs_mkdir");
    path(b, op->path);
    buf_printf(b, " %04o %s %s\n", (unsigned)op->mode, op->user, op->group);
}

void fixup_sh_link(const struct fixup_op *op, struct buf *b)
{
    buf_puts(b, "zs_link");
    path(b, op->path);
    arg(b, op->text);
    buf_putc(b, '\n');
}

void fixup_sh_node(const struct fixup_op *op, struct buf *b)
{
    buf_puts(b, "zs_node");
    path(b, op->path);
    buf_printf(b, " %c %u %u %04o\n", op->type, (unsigned)op->major, (unsigned)op->minor, (unsigned)op->mode);
}

void fixup_sh_remove(const struct fixup_op *op, struct buf *b)
{
    buf_puts(b, "rm -rf \"$ROOT\"");
    quoted(b, str_c(op->path));
    buf_putc(b, '\n');
}

/* An ERE between sed's slashes. */
static void sed_ere(struct buf *b, const char *ere)
{
    for (; *ere; ere++) {
        if (*ere == '\\')
            buf_putc(b, *ere++);
        else if (*ere == '/')
            buf_putc(b, '\\');
        buf_putc(b, *ere);
    }
}

void fixup_sh_edit(const struct fixup_op *op, struct buf *b)
{
    static const struct {
        const char *before, *after;
    } sed[] = {
        [EDIT_COMMENT] = {"/^#/!{/", "/s/^/#/;}"},
        [EDIT_UNCOMMENT] = {"/^#/{h;s/^[#[:blank:]]*//;/", "/!g;}"},
        [EDIT_DELETE] = {"/", "/d"},
        [EDIT_REPLACE] = {"s/", "/"},
    };
    struct buf script = {0};
    buf_puts(&script, sed[op->edit].before);
    sed_ere(&script, op->ere);
    buf_puts(&script, sed[op->edit].after);
    if (op->edit == EDIT_REPLACE) {
        for (size_t i = 0; i < op->text.n; i++) {
            if (strchr("/&\\", op->text.p[i]) != NULL)
                buf_putc(&script, '\\');
            buf_putc(&script, op->text.p[i]);
        }
        buf_putc(&script, '/');
    }
    buf_puts(b, "zs_edit");
    path(b, op->path);
    arg(b, buf_view(&script));
    buf_putc(b, '\n');
    buf_free(&script);
}

void fixup_sh_append(const struct fixup_op *op, struct buf *b)
{
    struct str text = op->text, line;
    bool one = text.n > 0 && str_chr(text, '\n') + 1 >= text.n;
    buf_puts(b, one ? "" : "{\n:\n");
    while (str_line(&text, &line)) {
        buf_puts(b, "zs_append");
        path(b, op->path);
        arg(b, line);
        buf_putc(b, '\n');
    }
    buf_puts(b, one ? "" : "}\n");
}

void fixup_sh_mode(const struct fixup_op *op, struct buf *b)
{
    buf_puts(b, "zs_mode");
    path(b, op->path);
    buf_printf(b, " %04o\n", (unsigned)op->mode);
}

void fixup_sh_owner(const struct fixup_op *op, struct buf *b)
{
    buf_puts(b, "zs_owner");
    path(b, op->path);
    buf_printf(b, " %s %s\n", op->user, op->group);
}

void fixup_sh_rc_remove(const struct fixup_op *op, struct buf *b)
{
    for (size_t i = 0; i < op->words[0].n; i++) {
        buf_printf(b, "zs_rc_remove %c", op->words[0].p[i]);
        for (size_t k = 1; k < op->nwords; k++)
            arg(b, op->words[k]);
        buf_putc(b, '\n');
    }
}
