#include "cmd/zone/manager.h"

#include <stdarg.h>
#include <time.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/zone/command.h"

static const struct manager *const managers[] = {&manager_illumos, &manager_freebsd, &manager_lxc,
                                                 &manager_nspawn};

/* Seconds that a zone has to come up; looks at it within one; what is read of its console, and lines of that
   which are said. */
enum { UP_WITHIN = 30, LOOKS = 5, CONSOLE_MAX = 16 << 20, WORDS = 3 };
enum { NAME_BYTES = 60 }; /* of a zone's name */

const struct manager *manager_find(const char *name)
{
    for (size_t i = 0; i < sizeof managers / sizeof *managers; i++)
        if (strcmp(managers[i]->name, name) == 0)
            return managers[i];
    return NULL;
}

const char *manager_names(struct arena *a)
{
    AUTO_BUF b = {0};
    for (size_t i = 0; i < sizeof managers / sizeof *managers; i++)
        buf_printf(&b, "%s%s", i ? ", " : "", managers[i]->name);
    return arena_str(a, buf_view(&b));
}

int manager_can(const struct manager *m, struct arena *a, struct err *e)
{
    for (const char *const *p = m->programs; *p != NULL; p++)
        if (command_find(*p, a) == NULL)
            return err_set(e, ERR_HOST, "zone manager %s: there is no program %s here", m->name, *p);
    return 0;
}

const char *const *manager_argv(struct arena *a, const char *word, ...)
{
    va_list ap;
    size_t n = 0;
    const char **v = arena_array(a, MANAGER_WORDS_MAX + 1, sizeof *v);
    va_start(ap, word);
    for (const char *w = word; w != NULL && n < MANAGER_WORDS_MAX; w = va_arg(ap, const char *))
        v[n++] = w;
    va_end(ap);
    return v;
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int manager_name_check(const char *name, struct err *e)
{
    size_t n = strlen(name);
    bool good = n > 0 && n <= NAME_BYTES && letter(name[0]) && name[n - 1] != '-';
    for (size_t i = 0; i < n; i++)
        good = good && (letter(name[i]) || (name[i] >= '0' && name[i] <= '9') || name[i] == '-');
    if (good && strcmp(name, "global") != 0) /* illumos: the host itself */
        return 0;
    return err_set(e, ERR_USAGE,
                   "zone:%s: a zone's name is made of up to %d letters, digits and `-', begins with a letter "
                   "and does not end with `-'",
                   name, NAME_BYTES);
}

static int run(const struct manager_zone *z, const char *const *argv, struct buf *out, int *status,
               struct err *e)
{
    const char *const *whole;
    AUTO_BUF said = {0};
    if (command_resolve(argv, z->arena, &whole, e) < 0)
        return -1;
    for (size_t i = 0; argv[i] != NULL; i++)
        buf_printf(&said, "%s%s", i ? " " : "", argv[i]);
    log_debug(z->log, "%s", buf_c(&said));
    const struct command_opts o = {
        .out = out, .stop = z->stop, .stops = z->stops, .shown = buf_c(&said), .status = status};
    return command_run_with(whole, &o, e);
}

int manager_run(const struct manager_zone *z, const char *const *argv, struct buf *out, struct err *e)
{
    return run(z, argv, out, NULL, e);
}

int manager_found(const struct manager_zone *z, const char *const *argv, struct err *e)
{
    int status = 0;
    return run(z, argv, NULL, &status, e) < 0 ? -1 : status == 0;
}

const char *manager_beside(const struct manager_zone *z, const char *suffix)
{
    return arena_printf(z->arena, MANAGER_ZONES "/%s.%s", z->name, suffix);
}

bool manager_stopped(const struct manager_zone *z)
{
    return z->stop != NULL && *z->stop > z->stops;
}

/* Without what moves a terminal's cursor or colours its text. */
static struct str plain(struct str line, struct arena *a)
{
    struct buf b = {0};
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '\033' && i + 1 < line.n && line.p[i + 1] == '[')
            for (i += 2; i < line.n && (line.p[i] < '@' || line.p[i] > '~');)
                i++;
        else if ((unsigned char)line.p[i] >= ' ')
            buf_putc(&b, line.p[i]);
    }
    struct str out = str_trim(arena_copy(a, buf_view(&b)));
    buf_free(&b);
    return out;
}

/* The last lines of a file, on one; "" when it has none. */
static const char *last_words(const struct manager_zone *z, const char *path)
{
    AUTO_BUF text = {0}, words = {0};
    struct err ignored = {0};
    struct str line, last[WORDS];
    size_t n = 0;
    if (file_read(path, CONSOLE_MAX, &text, &ignored) < 0)
        return "";
    struct str rest = buf_view(&text);
    while (str_line(&rest, &line))
        if ((line = plain(line, z->arena)).n > 0)
            last[n++ % WORDS] = line;
    for (size_t i = n > WORDS ? n - WORDS : 0; i < n; i++)
        buf_printf(&words, "%s%" STR_FMT, words.n > 0 ? " | " : "", STR_ARG(last[i % WORDS]));
    return arena_str(z->arena, buf_view(&words));
}

const char *manager_last_words(const struct manager_zone *z, const char *suffix)
{
    return last_words(z, manager_beside(z, suffix));
}

int manager_explain(const struct manager_zone *z, const char *path, struct err *e)
{
    const char *said = arena_dup(z->arena, e->msg), *words = last_words(z, path);
    return e->class == ERR_HOST && *words ? err_set(e, ERR_HOST, "%s: %s", said, words) : -1;
}

/* Until the manager says that it runs; at once when it ended again. */
static int wait_up(const struct manager_zone *z, struct err *e)
{
    const struct timespec tick = {0, 1000000000L / LOOKS};
    enum manager_state state = MANAGER_ABSENT;
    int seen = 0;
    for (int i = 0; i < UP_WITHIN * LOOKS; i++) {
        if (z->manager->state(z, &state, e) < 0)
            return -1;
        if (state == MANAGER_HALTED || state == MANAGER_ABSENT) {
            const char *words = manager_last_words(z, "console");
            return err_set(e, ERR_HOST, "it ended as soon as it was booted%s%s", *words ? ": " : "", words);
        }
        seen = state == MANAGER_RUNNING ? seen + 1 : 0;
        if (seen > z->manager->settle)
            return 0;
        if (manager_stopped(z))
            return err_set(e, ERR_INTR, "interrupted");
        nanosleep(&tick, NULL);
    }
    return err_set(e, ERR_HOST, "it was booted, but does not run after %d seconds", UP_WITHIN);
}

int manager_boot(const struct manager_zone *z, struct err *e)
{
    int rc = z->manager->do_boot != NULL ? z->manager->do_boot(z, e)
                                         : manager_run(z, z->manager->boot(z), NULL, e);
    return rc < 0 || wait_up(z, e) < 0 ? err_wrap(e, "cannot be booted") : 0;
}

int manager_halt(const struct manager_zone *z, struct err *e)
{
    enum manager_state state;
    if (z->manager->state(z, &state, e) < 0)
        return -1;
    if (state == MANAGER_ABSENT || state == MANAGER_HALTED)
        return 0;
    int rc = z->manager->do_halt != NULL ? z->manager->do_halt(z, e)
                                         : manager_run(z, z->manager->halt(z), NULL, e);
    return rc < 0 ? err_wrap(e, "cannot be halted") : 0;
}
