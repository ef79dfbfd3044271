#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/cmd.h"

const struct command commands[] = {
    {"create", CMD_CREATE, "DISTRO[/RELEASE] TARGET", "make a root directory, a tarball or an OCI image",
     cmd_create},
    {"plan", CMD_PLAN, "DISTRO[/RELEASE]", "show what would be installed, why and from where", cmd_plan},
    {"second-stage", CMD_SECOND, "ROOT", "run the pending second stage of a root", cmd_second_stage},
    {"run", CMD_RUN, "ROOT [-- COMMAND...]", "run a command inside a root", cmd_run},
    {"boot", CMD_BOOT, "ROOT [-- ARGUMENT...]", "boot a root's own init as a zone", cmd_boot},
    {"clone", CMD_CLONE, "SOURCE TARGET", "make a root out of a finished one", cmd_clone},
    {"remove", CMD_REMOVE, "ROOT", "destroy a root", cmd_remove},
    {"zone", CMD_ZONE, "list | boot NAME | halt NAME | remove NAME",
     "the zones that `create ... zone:NAME' made", cmd_zone},
    {"list", CMD_LIST, "[DISTRO]", "show distributions, releases and sets", cmd_list},
    {"check", CMD_CHECK, "[FILE...]", "lint recipes, fixups and mirror lists", cmd_check},
    {"new", CMD_NEW, "NAME", "begin a recipe for one more distribution", cmd_new},
    {0},
};

static void on_signal(int sig)
{
    (void)sig;
    job_stop = job_stop + 1;
}

static void catch_signals(void)
{
    static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction sa = {.sa_handler = on_signal};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        sigaction(stops[i], &sa, NULL);
    sa.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &sa, NULL);
}

static void out_of_memory(void)
{
    static const char text[] = "zonestrap: error: out of memory; choose a smaller set or lower --jobs\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(ERR_HOST);
}

static const struct command *find_command(const char *name)
{
    for (const struct command *c = commands; c->name != NULL; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

/* What stands in place of a command: --help, --version, completion bash. Returns true when it was one of
 * them. */
static bool special(int argc, char **argv)
{
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        help_print(argc > 2 ? find_command(argv[2]) : NULL);
    else if (strcmp(argv[1], "--version") == 0)
        puts("zonestrap " ZONESTRAP_VERSION);
    else if (strcmp(argv[1], "completion") == 0 && argc == 3 && strcmp(argv[2], "bash") == 0)
        help_completion_bash();
    else
        return false;
    return true;
}

static int run_command(const struct command *c, struct job *j, int argc, char **argv, struct err *e)
{
    if (options_parse(&j->opt, c->bit, argc - 2, argv + 2, &j->arena, e) < 0)
        return -1;
    if (j->opt.help) {
        help_print(c);
        return 0;
    }
    /* Standard output is the result's, from the first error on. */
    const struct option_list *to = &j->opt.operands;
    if (c->bit == CMD_PLAN || (c->bit == CMD_CREATE && to->n == 2 && strcmp(to->v[1], "-") == 0))
        j->ui.json = stderr;
    if (job_init(j, e) < 0)
        return -1;
    return c->run(j, e);
}

/* `plan | head`: nobody reads on. */
static bool reader_is_gone(void)
{
    struct pollfd p = {.fd = STDOUT_FILENO};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

/* What was printed must have arrived: `plan > /dev/full` is no success. */
static int flush_output(struct err *e)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return err_set(e, ERR_HOST, "standard output: cannot be written");
    return 0;
}

int main(int argc, char **argv)
{
    struct job j = {0};
    struct err e = {0};
    mem_on_exhaustion(out_of_memory);
    if (argc < 2) {
        fputs("usage: zonestrap COMMAND [options] ...; see zonestrap --help\n", stderr);
        return ERR_USAGE;
    }
    if (special(argc, argv))
        return flush_output(&e) < 0 ? ERR_HOST : 0;
    catch_signals();
    const struct command *c = find_command(argv[1]);
    int rc;
    if (c == NULL) {
        err_set(&e, ERR_USAGE, "unknown command `%s'", argv[1]);
        rc = err_hint(&e, "see zonestrap --help");
    } else {
        rc = run_command(c, &j, argc, argv, &e);
    }
    bool unread = rc >= 0 && flush_output(&e) < 0;
    if (unread)
        rc = -1;
    unread = unread && reader_is_gone();
    if (rc < 0 && !unread)
        progress_error(&j.ui, &e);
    job_free(&j);
    if (unread) { /* ends without a word, as a program does that does not catch SIGPIPE */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    return rc < 0 ? (int)e.class : rc;
}
