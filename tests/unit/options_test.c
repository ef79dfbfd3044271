#include "tests/unit/test.h"

#include "base/auto.h"
#include "cmd/options.h"

enum { WORDS = 12 };

/* Everything that was set, in one line: operands first, each in <>. */
static void show_list(struct buf *b, const char *name, const struct option_list *l)
{
    if (l->n == 0)
        return;
    buf_printf(b, " %s", name);
    for (size_t i = 0; i < l->n; i++)
        buf_printf(b, "<%s>", l->v[i]);
}

static void show_string(struct buf *b, const char *name, const char *value)
{
    if (value != NULL)
        buf_printf(b, " %s<%s>", name, value);
}

static void show_number(struct buf *b, const char *name, uint64_t value)
{
    if (value != 0)
        buf_printf(b, " %s<%llu>", name, (unsigned long long)value);
}

static void show(struct buf *b, const struct options *o)
{
    show_list(b, "", &o->operands);
    for (const struct option_row *r = option_rows; r->name != NULL; r++) {
        const char *field = (const char *)o + r->field;
        if (r->kind == OPT_FLAG)
            show_number(b, r->name, *(const bool *)field);
        else if (r->kind == OPT_COUNT || r->kind == OPT_NUMBER)
            show_number(b, r->name, *(const uint64_t *)field);
        else if (r->kind == OPT_STRING)
            show_string(b, r->name, *(const char *const *)field);
        else
            show_list(b, r->name, (const struct option_list *)field);
    }
}

static int parse(struct options *o, unsigned command, const char *const *words, struct arena *a,
                 struct err *e)
{
    char *argv[WORDS + 1] = {0};
    int argc = 0;
    for (; words[argc] != NULL; argc++)
        argv[argc] = arena_dup(a, words[argc]);
    return options_parse(o, command, argc, argv, a, e);
}

static void good(void)
{
    static const struct {
        unsigned command;
        const char *words[WORDS], *want;
    } t[] = {
        {CMD_CREATE, {"debian", "root"}, " <debian><root>"},
        {CMD_CREATE, {NULL}, ""},
        {CMD_CREATE, {"debian", "--arch", "arm64", "root"}, " <debian><root> arch<arm64>"},
        {CMD_CREATE, {"--arch=arm64", "d", "--set=", "r"}, " <d><r> arch<arm64> set<>"},
        {CMD_CREATE, {"--mirror=a=b=c", "d"}, " <d> mirror<a=b=c>"},
        {CMD_CREATE, {"-aarm64", "-s", "min", "d"}, " <d> arch<arm64> set<min>"},
        {CMD_CREATE, {"-qv", "d", "-v"}, " <d> quiet<1> verbose<2>"},
        {CMD_CREATE, {"-vvsx", "d"}, " <d> set<x> verbose<2>"},
        {CMD_CREATE, {"-qs", "x", "d"}, " <d> set<x> quiet<1>"},
        {CMD_CREATE, {"-i", "a,b", "--include=,c,,d,", "-x", "e"}, " include<a><b><c><d> exclude<e>"},
        {CMD_CREATE, {"--include", ""}, ""},
        {CMD_CREATE, {"--mirror", "a,b", "--mirror", "c"}, " mirror<a,b><c>"},
        {CMD_CREATE, {"--arch", "x", "--arch", "y"}, " arch<y>"},
        {CMD_CREATE, {"--jobs", "18446744073709551615"}, " jobs<18446744073709551615>"},
        {CMD_CREATE, {"--set", "--offline"}, " set<--offline>"},
        {CMD_CREATE, {"-", "--", "-x", "--arch", "--"}, " <-><-x><--arch><-->"},
        {CMD_CREATE,
         {"d", "--second-stage", "never", "--second-stage-full"},
         " <d> second-stage<never> second-stage-full<1>"},
        {CMD_PLAN, {"--why", "apt", "d", "--json", "--names"}, " <d> why<apt> names<1> json<1>"},
        {CMD_PLAN, {"d", "--locked=a", "--lock", "-"}, " <d> locked<a> lock<->"},
        {CMD_RUN, {"root", "ls", "-l", "--help"}, " <root><ls><-l><--help>"},
        {CMD_RUN, {"root", "--", "ls", "-l"}, " <root><ls><-l>"},
        {CMD_RUN, {"root", "--", "--", "x"}, " <root><--><x>"},
        {CMD_RUN, {"root", "ls", "--", "x"}, " <root><ls><--><x>"},
        {CMD_RUN, {"--hostname", "h", "-q", "root", "-q"}, " <root><-q> hostname<h> quiet<1>"},
        {CMD_RUN, {"--", "-root", "-l"}, " <-root><-l>"},
        {CMD_RUN, {"root", "--"}, " <root>"},
        {CMD_BOOT, {"root", "-s", "--", "-b", "3"}, " <root><-b><3> single<1>"},
        {CMD_BOOT,
         {"--until=login: ", "--timeout", "9", "root", "--net", "host"},
         " <root> net<host> timeout<9> until<login: >"},
        {CMD_LIST, {"--help"}, " help<1>"},
        {CMD_CHECK, {"a", "-h"}, " <a> help<1>"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        AUTO_ARENA a = {0};
        AUTO_BUF got = {0};
        struct options o = {0};
        struct err e = {0};
        if (parse(&o, t[i].command, t[i].words, &a, &e) < 0)
            buf_puts(&got, e.msg);
        else
            show(&got, &o);
        CHECK_STR(buf_c(&got), t[i].want);
    }
}

static void bad(void)
{
    static const struct {
        unsigned command;
        const char *words[WORDS], *want;
    } t[] = {
        {CMD_CREATE, {"--nope"}, "unknown option --nope"},
        {CMD_CREATE, {"--nope=1"}, "unknown option --nope"},
        {CMD_CREATE, {"--arc", "x"}, "unknown option --arc"},
        {CMD_CREATE, {"--=x"}, "unknown option --"},
        {CMD_CREATE, {"-Z"}, "unknown option -Z"},
        {CMD_CREATE, {"-qZ"}, "unknown option -Z"},
        {CMD_CREATE, {"--why", "x"}, "unknown option --why"},
        {CMD_CREATE, {"--lock", "x"}, "unknown option --lock"},
        {CMD_LIST, {"-a", "x"}, "unknown option -a"},
        {CMD_CREATE, {"d", "--arch"}, "--arch needs a value: ARCH"},
        {CMD_CREATE, {"d", "-a"}, "-a needs a value: ARCH"},
        {CMD_CREATE, {"-qa"}, "-a needs a value: ARCH"},
        {CMD_CREATE, {"--offline=yes"}, "--offline takes no value"},
        {CMD_CREATE, {"--offline="}, "--offline takes no value"},
        {CMD_CREATE, {"--jobs", "two"}, "--jobs: `two' is no number"},
        {CMD_CREATE, {"--jobs="}, "--jobs: `' is no number"},
        {CMD_CREATE, {"--jobs", "-1"}, "--jobs: `-1' is no number"},
        {CMD_CREATE, {"--now", "18446744073709551616"}, "--now: `18446744073709551616' is no number"},
        {CMD_RUN, {"--arch", "x", "root"}, "unknown option --arch"},
        {CMD_BOOT, {"root", "--set", "x"}, "unknown option --set"},
        {CMD_BOOT, {"--timeout", "1s", "root"}, "--timeout: `1s' is no number"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        AUTO_ARENA a = {0};
        struct options o = {0};
        struct err e = {0};
        CHECK(parse(&o, t[i].command, t[i].words, &a, &e) == -1);
        CHECK(e.class == ERR_USAGE);
        CHECK_STR(e.msg, t[i].want);
    }
}

static void given(void)
{
    struct options o = {.set = "x", .weak = true};
    const char *one[] = {"vim"};
    o.include = (struct option_list){one, 1};
    CHECK(options_given(&o, "set") && options_given(&o, "weak") && options_given(&o, "include"));
    CHECK(!options_given(&o, "arch") && !options_given(&o, "offline") && !options_given(&o, "exclude"));
    CHECK(!options_given(&o, "jobs"));
    o.jobs = 2;
    CHECK(options_given(&o, "jobs"));
}

/* The table is the source of --help and of the completion: no name or letter twice in one command. */
static void table(void)
{
    for (const struct option_row *r = option_rows; r->name != NULL; r++) {
        CHECK(r->what[0] != '\0' && (r->commands & ~(unsigned)CMD_ALL) == 0 && r->commands != 0);
        CHECK((r->arg == NULL) == (r->kind == OPT_FLAG || r->kind == OPT_COUNT));
        for (const struct option_row *s = r + 1; s->name != NULL; s++) {
            CHECK(strcmp(r->name, s->name) != 0);
            CHECK(r->brief == 0 || r->brief != s->brief || (r->commands & s->commands) == 0);
            CHECK(r->field != s->field);
        }
    }
}

int main(void)
{
    RUN(good);
    RUN(bad);
    RUN(given);
    RUN(table);
    return test_done();
}
