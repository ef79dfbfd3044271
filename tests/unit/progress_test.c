#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/progress.h"

static void json_strings(void)
{
    static const struct {
        const char *text, *want;
    } t[] = {
        {"", "\"\""},
        {"plain /x", "\"plain /x\""},
        {"q\"b\\s", "\"q\\\"b\\\\s\""},
        {"\n\t\x1f\x7f", "\"\\u000a\\u0009\\u001f\x7f\""},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7", "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7\""},
        {"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf",
         "\"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\""},
        {"\xed\x9f\xbf \xee\x80\x80", "\"\xed\x9f\xbf \xee\x80\x80\""},
        {"a\x80z", "\"a\\ufffdz\""},        /* a continuation alone */
        {"\xc3", "\"\\ufffd\""},            /* cut at the end */
        {"\xe2\x82", "\"\\ufffd\\ufffd\""}, /* likewise */
        {"\xf0\x9f\x90", "\"\\ufffd\\ufffd\\ufffd\""},
        {"\xc3(", "\"\\ufffd(\""},                /* no continuation */
        {"\xe2\x82\"", "\"\\ufffd\\ufffd\\\"\""}, /* must not swallow the quote */
        {"\xc0\xaf", "\"\\ufffd\\ufffd\""},       /* overlong, two bytes */
        {"\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\""},
        {"\xf0\x80\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},            /* a surrogate */
        {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* above U+10FFFF */
        {"\xff\xfe", "\"\\ufffd\\ufffd\""},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        char *got = NULL;
        size_t n;
        FILE *f = open_memstream(&got, &n);
        progress_json_string(f, t[i].text);
        fclose(f);
        CHECK_STR(got, t[i].want);
        free(got);
    }
}

static void bytes(void)
{
    static const struct {
        uint64_t n;
        const char *want;
    } t[] = {{0, "0 B"},
             {999, "999 B"},
             {1000, "1.0 kB"},
             {1550, "1.6 kB"},
             {999900, "999.9 kB"},
             {999999, "1.0 MB"},
             {31400000, "31.4 MB"},
             {999999999, "1.0 GB"},
             {5000000000, "5.0 GB"},
             {999999999999, "1.0 TB"},
             {UINT64_MAX, "18446744.1 TB"}};
    char out[32];
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        CHECK_STR(progress_bytes(t[i].n, out), t[i].want);
}

static void modes(void)
{
    static const struct {
        const char *word;
        bool quiet;
        enum progress_mode mode;
    } t[] = {{"none", false, PROGRESS_NONE}, {"plain", false, PROGRESS_PLAIN}, {"bar", true, PROGRESS_BAR},
             {"json", false, PROGRESS_JSON}, {"auto", true, PROGRESS_NONE},    {NULL, true, PROGRESS_NONE}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct progress_ui ui = {0};
        struct err e = {0};
        CHECK(progress_init(&ui, t[i].word, t[i].quiet, 0, NULL, &e) == 0);
        CHECK(ui.mode == t[i].mode);
        progress_free(&ui);
    }
}

static void init_errors(void)
{
    struct progress_ui ui = {0};
    struct err e = {0};
    CHECK(progress_init(&ui, "fancy", false, 0, NULL, &e) == -1 && e.class == ERR_USAGE);
    CHECK(strstr(e.msg, "fancy") != NULL);
    progress_free(&ui);
    CHECK(progress_init(&ui, "none", false, 0, "/nonexistent/dir/log", &e) == -1);
    CHECK(e.class == ERR_HOST && strstr(e.msg, "/nonexistent/dir/log") != NULL);
    progress_free(&ui);
}

/* Runs fn in a child; what it wrote to both outputs, and to its log file, comes back. */
struct outputs {
    struct buf out, err, file;
};

static void capture_init(struct outputs *o, char path[3][32])
{
    *o = (struct outputs){0};
    for (int i = 0; i < 3; i++) {
        strcpy(path[i], "/tmp/zs-progress.XXXXXX");
        close(mkstemp(path[i]));
    }
}

static void capture(struct outputs *o, const char *mode, bool quiet, unsigned verbose,
                    void (*fn)(struct progress_ui *ui))
{
    char path[3][32];
    struct err e = {0};
    capture_init(o, path);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct progress_ui ui = {0};
        if (freopen(path[0], "w", stdout) == NULL || freopen(path[1], "w", stderr) == NULL)
            _exit(1);
        if (progress_init(&ui, mode, quiet, verbose, path[2], &e) < 0)
            _exit(1);
        ui.shown_us = 0; /* the next snapshot is due */
        fn(&ui);
        progress_free(&ui);
        fflush(NULL);
        _exit(0);
    }
    int status = 1;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(file_read(path[0], 1 << 20, &o->out, &e) == 0);
    CHECK(file_read(path[1], 1 << 20, &o->err, &e) == 0);
    CHECK(file_read(path[2], 1 << 20, &o->file, &e) == 0);
    for (int i = 0; i < 3; i++)
        unlink(path[i]);
}

static void outputs_free(struct outputs *o)
{
    buf_free(&o->out);
    buf_free(&o->err);
    buf_free(&o->file);
}

static void a_job(struct progress_ui *ui)
{
    progress_begin(ui, "fetch");
    log_progress(&ui->log, &(struct progress){"fetch", 5, 9, "bytes", "a\"\xff\033"});
    log_warn(&ui->log, "careful\033[2J");
    log_info(&ui->log, "by the way");
    log_debug(&ui->log, "detail");
    progress_end(ui, "fetch");
    progress_done(ui, "debian/x in a\nb", NULL);
}

static void json_job(void)
{
    struct outputs o;
    capture(&o, "json", false, 0, a_job);
    struct str rest = buf_view(&o.out), line;
    CHECK(str_line(&rest, &line) && str_starts(line, STR("{\"stage\":\"fetch\",\"done\":0,\"total\":0,")));
    CHECK(str_line(&rest, &line) &&
          str_starts(line, STR("{\"stage\":\"fetch\",\"done\":5,\"total\":9,\"unit\":\"bytes\","
                               "\"item\":\"a\\\"\\ufffd\\u001b\",\"elapsed_ms\":")));
    CHECK(str_line(&rest, &line) && str_starts(line, STR("{\"stage\":\"done\",\"done\":1,\"total\":1,")) &&
          str_ends(line, STR("}}")) && str_find(line, STR("\"stages\":{\"fetch\":")) < line.n);
    CHECK(!str_line(&rest, &line));
    CHECK_STR(buf_c(&o.err), "zonestrap: warning: careful\\x1b[2J\n");
    outputs_free(&o);
}

static void plain_job(void)
{
    struct outputs o;
    capture(&o, "plain", false, 2, a_job);
    CHECK_STR(buf_c(&o.out), "");
    struct str rest = buf_view(&o.err), line;
    CHECK(str_line(&rest, &line) && str_is(line, "zonestrap: fetch: 5 B / 9 B, a\"\xff\\x1b"));
    CHECK(str_line(&rest, &line) && str_is(line, "zonestrap: warning: careful\\x1b[2J"));
    CHECK(str_line(&rest, &line) && str_is(line, "zonestrap: by the way"));
    CHECK(str_line(&rest, &line) && str_is(line, "zonestrap: detail"));
    CHECK(str_line(&rest, &line) && str_starts(line, STR("zonestrap: debian/x in a\\x0ab in ")) &&
          str_ends(line, STR(")")) && str_find(line, STR(" (fetch 0.")) < line.n);
    CHECK(!str_line(&rest, &line));
    outputs_free(&o);
}

static void quiet_job(void)
{
    struct outputs o;
    capture(&o, NULL, true, 0, a_job);
    CHECK_STR(buf_c(&o.out), "");
    CHECK_STR(buf_c(&o.err), "");
    struct str log = buf_view(&o.file);
    CHECK(str_find(log, STR(" warning: careful")) < log.n && str_find(log, STR(" detail\n")) < log.n);
    outputs_free(&o);
}

static void a_failure(struct progress_ui *ui)
{
    struct err e = {0};
    err_set(&e, ERR_TRUST, "main: no \"good\" signature");
    err_hint(&e, "try --keyring");
    progress_error(ui, &e);
}

static void errors(void)
{
    struct outputs o;
    capture(&o, "json", false, 0, a_failure);
    CHECK_STR(buf_c(&o.err), "zonestrap: error: main: no \"good\" signature; try --keyring\n");
    CHECK_STR(buf_c(&o.out), "{\"error\":{\"class\":\"trust\",\"message\":\"main: no \\\"good\\\" "
                             "signature\",\"hint\":\"try --keyring\"}}\n");
    CHECK_STR(buf_c(&o.file), "error: main: no \"good\" signature; try --keyring\n");
    outputs_free(&o);
    capture(&o, NULL, true, 0, a_failure);
    CHECK_STR(buf_c(&o.out), "");
    CHECK(o.err.n > 0);
    outputs_free(&o);
}

static void unknown_total(struct progress_ui *ui)
{
    log_progress(&ui->log, &(struct progress){"unpack", 3, 0, "packages", NULL});
}

static void no_total(void)
{
    struct outputs o;
    capture(&o, "plain", false, 0, unknown_total);
    CHECK_STR(buf_c(&o.err), "zonestrap: unpack: 3 packages\n");
    outputs_free(&o);
    capture(&o, "bar", false, 0, unknown_total);
    CHECK(strstr(buf_c(&o.err), "[------------------------] 3 packages") != NULL);
    CHECK(str_ends(buf_view(&o.err), STR("\r\033[K")));
    outputs_free(&o);
}

static void a_long_item(struct progress_ui *ui)
{
    log_progress(&ui->log,
                 &(struct progress){"second-stage", 113, 176, "steps", "configure libpam-modules-bin:amd64"});
}

/* What is shown on a terminal that many columns wide, without the control sequence that begins the line. */
static struct str bar_line(unsigned columns, char *out, size_t cap)
{
    struct winsize w = {.ws_row = 24, .ws_col = (unsigned short)columns};
    int master = posix_openpt(O_RDWR | O_NOCTTY), saved = dup(STDERR_FILENO), slave;
    CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    CHECK((slave = open(ptsname(master), O_RDWR | O_NOCTTY)) >= 0 && ioctl(slave, TIOCSWINSZ, &w) == 0);
    fflush(stderr);
    dup2(slave, STDERR_FILENO);
    struct progress_ui ui = {0};
    struct err e = {0};
    CHECK(progress_init(&ui, NULL, false, 0, NULL, &e) == 0 && ui.mode == PROGRESS_BAR);
    ui.shown_us = 0;
    a_long_item(&ui);
    ssize_t n = read(master, out, cap);
    progress_free(&ui);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(slave);
    close(master);
    struct str line = {out, n > 0 ? (size_t)n : 0};
    CHECK(str_starts(line, STR("\r\033[K")));
    return (struct str){line.p + 4, line.n - 4};
}

static void terminal_width(void)
{
    static const struct {
        unsigned columns;
        const char *want;
    } t[] = {
        {100, "second-stage [###############---------] 113 / 176 steps  configure libpam-modules-bin:a"},
        {80, "second-stage [###############---------] 113 / 176 steps  configure libpam-modul"},
        {40, "second-stage 113 / 176 steps  configure"},
        {10, "second-st"},
        {1, ""},
        {0, "second-stage [###############---------] 113 / 176 steps  configure libpam-modul"}, /* unknown */
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        char out[256], text[256];
        struct str line = bar_line(t[i].columns, out, sizeof out);
        snprintf(text, sizeof text, "%" STR_FMT, STR_ARG(line));
        CHECK_STR(text, t[i].want);
    }
}

int main(void)
{
    RUN(json_strings);
    RUN(bytes);
    RUN(modes);
    RUN(init_errors);
    RUN(json_job);
    RUN(plain_job);
    RUN(quiet_job);
    RUN(errors);
    RUN(no_total);
    RUN(terminal_width);
    return test_done();
}
