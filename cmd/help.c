#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

static void print_option(const struct option_row *r)
{
    char left[64];
    snprintf(left, sizeof left, "%c%c%s--%s%s%s", r->brief ? '-' : ' ', r->brief ? r->brief : ' ',
             r->brief ? ", " : "  ", r->name, r->arg ? " " : "", r->arg ? r->arg : "");
    /* A long one has the line to itself. */
    printf("  %-30s%s%s\n", left, strlen(left) > 30 ? "\n                                 " : " ", r->what);
}

static void print_program(void)
{
    puts("usage: zonestrap COMMAND [options] ...\n\n"
         "Puts a Linux distribution into a directory, a tarball, an OCI image or a zone, verified and "
         "properly installed.\n\ncommands:");
    for (const struct command *c = commands; c->name != NULL; c++)
        printf("  %-14s %s\n", c->name, c->what);
    puts("\n`zonestrap COMMAND --help' lists a command's options; zonestrap(8) explains them.\n\n"
         "  zonestrap create debian/bookworm ./root\n"
         "  zonestrap create debian/trixie trixie.tar.zst\n"
         "  zonestrap create debian/trixie oci:./trixie:latest\n"
         "  zonestrap plan --why perl-base debian/trixie\n"
         "  zonestrap run ./root -- dpkg --audit\n"
         "  zonestrap clone ./root ./web1\n"
         "  zonestrap create debian/bookworm zone:web1\n\n"
         "exit status: 0 done, 2 usage or recipe, 3 network, 4 trust, 5 bad package or index,\n"
         "  6 no solution, 7 host, 8 second stage failed, 130 interrupted");
}

void help_print(const struct command *c)
{
    if (c == NULL) {
        print_program();
        return;
    }
    printf("usage: zonestrap %s [options] %s\n\n%s\n\n", c->name, c->operands, c->what);
    if (c->bit == CMD_CREATE)
        puts("TARGET: a directory; NAME.tar, .tar.gz, .tar.xz, .tar.zst or `-', a tarball; oci:DIR[:TAG], an "
             "image\n  in an OCI image layout; zone:NAME, a zone of the host's zone manager; ./ before a "
             "directory that\n  is called so\n");
    puts("options:");
    for (const struct option_row *r = option_rows; r->name != NULL; r++)
        if (r->commands & c->bit)
            print_option(r);
}

/* `now|never|auto` gives its words; `URL|DIR` and the like give nothing. */
static bool has_words(const char *arg)
{
    return arg != NULL && strchr(arg, '|') != NULL && arg[0] >= 'a' && arg[0] <= 'z';
}

static void completion_values(void)
{
    puts("    case $prev in");
    for (const struct option_row *r = option_rows; r->name != NULL; r++) {
        if (!has_words(r->arg))
            continue;
        printf("    --%s) COMPREPLY=($(compgen -W \"", r->name);
        /* Up to what stands for the user's own: LINK */
        for (const char *p = r->arg; *p != '\0' && (*p < 'A' || *p > 'Z'); p++)
            putchar(*p == '|' ? ' ' : *p);
        puts("\" -- \"$cur\")); return ;;");
    }
    puts("    --like) COMPREPLY=($(compgen -W \"$(zonestrap list --names 2>/dev/null | grep -v /)\" -- "
         "\"$cur\")); return ;;");
    puts("    "
         "--keyring|--log|--cache-dir|--recipes|--mirror|--lock|--locked|--manifest|--sbom|--overlay|--hook|-"
         "-template) "
         "COMPREPLY=($(compgen -f -- "
         "\"$cur\")); return "
         ";;\n"
         "    --host-files) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
         "    --zone|-z) COMPREPLY=($(compgen -W \"$(zonestrap list 2>/dev/null | sed -n '/^zone "
         "kinds:/,$s/^  "
         "\\([a-z0-9-]*\\) .*/\\1/p')\" -- \"$cur\")); return ;;\n"
         "    esac");
}

void help_completion_bash(void)
{
    puts("# bash completion for zonestrap, made by `zonestrap completion bash'\n_zonestrap() {\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd=${COMP_WORDS[1]} "
         "options=");
    printf("    if [ \"$COMP_CWORD\" -eq 1 ]; then COMPREPLY=($(compgen -W \"");
    for (const struct command *c = commands; c->name != NULL; c++)
        printf("%s ", c->name);
    puts("--help --version\" -- \"$cur\")); return; fi");
    completion_values();
    puts("    case $cmd in");
    for (const struct command *c = commands; c->name != NULL; c++) {
        printf("    %s) options=\"", c->name);
        for (const struct option_row *r = option_rows; r->name != NULL; r++)
            if (r->commands & c->bit)
                printf("--%s ", r->name);
        puts("\" ;;");
    }
    puts("    esac\n"
         "    case $cur in\n"
         "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\")) ;;\n"
         "    *)  COMPREPLY=($(compgen -f -- \"$cur\"))\n"
         "        case $cmd in zone) COMPREPLY=($(compgen -W \"list boot halt remove $(zonestrap zone list "
         "--names 2>/dev/null)\" -- \"$cur\")) ;;\n"
         "        create|plan|list) COMPREPLY+=($(compgen -W \"$(zonestrap list --names "
         "2>/dev/null)\" -- \"$cur\")) ;; esac ;;\n"
         "    esac\n}\n"
         "complete -o filenames -F _zonestrap zonestrap");
}
