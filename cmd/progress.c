#include "cmd/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/os.h"

enum { REFRESH_US = 100 * 1000, PLAIN_REFRESH_US = 5 * 1000 * 1000 };
enum { BAR_WIDTH = 24, BAR_COLUMNS = 72 /* in a narrower terminal the words have the room */ };

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

const char *progress_bytes(uint64_t n, char out[32])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double v = (double)n;
    unsigned u = 0;
    for (; v >= (u ? 999.95 : 1000) && u < 4; u++) /* 999.95 kB would be shown as 1000.0 kB */
        v /= 1000;
    snprintf(out, 32, u == 0 ? "%.0f %s" : "%.1f %s", v, units[u]);
    return out;
}

/* Length of the well-formed UTF-8 character at p, or 0 (RFC 3629 section 4: no overlong forms, no
 * surrogates). */
static size_t utf8_len(const unsigned char *p)
{
    size_t n = p[0] < 0x80                   ? 1
               : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
               : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
               : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
                                             : 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

/* What the target's programs and the mirrors say must not move the terminal's cursor. */
static const char *clean(const char *text, char *out, size_t cap)
{
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0' && n + 5 < cap; p++)
        n += (size_t)snprintf(out + n, cap - n, *p < 0x20 || *p == 0x7f ? "\\x%02x" : "%c", *p);
    out[n] = '\0';
    return out;
}

void progress_json_string(FILE *f, const char *s)
{
    putc('"', f);
    for (const unsigned char *p = (const unsigned char *)s; *p != '\0';) {
        size_t n = utf8_len(p);
        if (n == 0) {
            fputs("\\ufffd", f);
            p++;
        } else if (*p == '"' || *p == '\\') {
            fprintf(f, "\\%c", *p++);
        } else if (*p < 0x20) {
            fprintf(f, "\\u%04x", *p++);
        } else {
            fwrite(p, 1, n, f);
            p += n;
        }
    }
    putc('"', f);
}

static void clear_bar(struct progress_ui *ui)
{
    if (ui->bar_shown)
        fputs("\r\033[K", stderr);
    ui->bar_shown = false;
}

static void on_line(void *ctx, enum log_level level, const char *text)
{
    static const char *const prefix[] = {"warning: ", "", ""};
    struct progress_ui *ui = ctx;
    char shown[2048];
    text = clean(text, shown, sizeof shown);
    pthread_mutex_lock(&ui->lock);
    if (ui->file != NULL) {
        fprintf(ui->file, "%10.3f %s%s\n", (double)(now_us() - ui->begin_us) / 1e6, prefix[level], text);
        fflush(ui->file);
    }
    if (!ui->quiet && (unsigned)level <= ui->verbose) {
        clear_bar(ui);
        fprintf(stderr, "zonestrap: %s%s\n", prefix[level], text);
    }
    pthread_mutex_unlock(&ui->lock);
}

static void show_json(struct progress_ui *ui, const struct progress *p)
{
    fputs("{\"stage\":", ui->json);
    progress_json_string(ui->json, p->stage);
    fprintf(ui->json, ",\"done\":%" PRIu64 ",\"total\":%" PRIu64 ",\"unit\":", p->done, p->total);
    progress_json_string(ui->json, p->unit);
    fputs(",\"item\":", ui->json);
    progress_json_string(ui->json, p->item ? p->item : "");
    fprintf(ui->json, ",\"elapsed_ms\":%" PRId64 "}\n", (now_us() - ui->begin_us) / 1000);
    fflush(ui->json);
}

static void amounts(const struct progress *p, char out[80])
{
    char a[32], b[32];
    if (p->total == 0 && strcmp(p->unit, "bytes") == 0)
        snprintf(out, 80, "%s", progress_bytes(p->done, a));
    else if (p->total == 0)
        snprintf(out, 80, "%" PRIu64 " %s", p->done, p->unit);
    else if (strcmp(p->unit, "bytes") == 0)
        snprintf(out, 80, "%s / %s", progress_bytes(p->done, a), progress_bytes(p->total, b));
    else
        snprintf(out, 80, "%" PRIu64 " / %" PRIu64 " %s", p->done, p->total, p->unit);
}

/* What wraps is not overwritten by what comes next. */
static void show_bar(struct progress_ui *ui, const struct progress *p)
{
    char bar[BAR_WIDTH + 1], text[80], item[128], line[256];
    unsigned fill = p->total ? (unsigned)((double)p->done / (double)p->total * BAR_WIDTH) : 0;
    unsigned columns = os_terminal_columns(STDERR_FILENO);
    columns = columns > 0 ? columns : 80;
    memset(bar, '-', BAR_WIDTH);
    memset(bar, '#', fill > BAR_WIDTH ? BAR_WIDTH : fill);
    bar[BAR_WIDTH] = '\0';
    amounts(p, text);
    clean(p->item ? p->item : "", item, sizeof item);
    if (columns < BAR_COLUMNS)
        snprintf(line, sizeof line, "%s %s  %.30s", p->stage, text, item);
    else
        snprintf(line, sizeof line, "%-12s [%s] %s  %.30s", p->stage, bar, text, item);
    fprintf(stderr, "\r\033[K%.*s", (int)columns - 1, line);
    fflush(stderr);
    ui->bar_shown = true;
}

static void show_plain(const struct progress *p)
{
    char text[80], item[256];
    amounts(p, text);
    fprintf(stderr, "zonestrap: %s: %s%s%s\n", p->stage, text, p->item ? ", " : "",
            clean(p->item ? p->item : "", item, sizeof item));
}

static void on_progress(void *ctx, const struct progress *p)
{
    struct progress_ui *ui = ctx;
    pthread_mutex_lock(&ui->lock);
    int64_t now = now_us();
    int64_t wait = ui->mode == PROGRESS_PLAIN ? PLAIN_REFRESH_US : REFRESH_US;
    if (ui->mode != PROGRESS_NONE && now - ui->shown_us >= wait) {
        ui->shown_us = now;
        if (ui->mode == PROGRESS_JSON)
            show_json(ui, p);
        else if (ui->mode == PROGRESS_BAR)
            show_bar(ui, p);
        else
            show_plain(p);
    }
    pthread_mutex_unlock(&ui->lock);
}

static int pick_mode(struct progress_ui *ui, const char *word, struct err *e)
{
    static const char *const words[] = {[PROGRESS_NONE] = "none",
                                        [PROGRESS_PLAIN] = "plain",
                                        [PROGRESS_BAR] = "bar",
                                        [PROGRESS_JSON] = "json"};
    if (word == NULL || strcmp(word, "auto") == 0) {
        ui->mode = ui->quiet ? PROGRESS_NONE : isatty(STDERR_FILENO) ? PROGRESS_BAR : PROGRESS_PLAIN;
        return 0;
    }
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0) {
            ui->mode = (enum progress_mode)i;
            return 0;
        }
    return err_set(e, ERR_USAGE, "--progress: `%s' is none of auto, bar, plain, json, none", word);
}

int progress_init(struct progress_ui *ui, const char *mode, bool quiet, unsigned verbose,
                  const char *log_file, struct err *e)
{
    FILE *json = ui->json != NULL ? ui->json : stdout;
    *ui = (struct progress_ui){.quiet = quiet, .verbose = verbose, .json = json, .begin_us = now_us()};
    pthread_mutex_init(&ui->lock, NULL);
    ui->log = (struct log){on_line, on_progress, ui};
    ui->shown_us = ui->begin_us;
    if (pick_mode(ui, mode, e) < 0)
        return -1;
    if (log_file != NULL && (ui->file = fopen(log_file, "ae")) == NULL)
        return err_sys(e, ERR_HOST, errno, "%s", log_file);
    return 0;
}

void progress_free(struct progress_ui *ui)
{
    clear_bar(ui);
    if (ui->file != NULL)
        fclose(ui->file);
    ui->file = NULL;
}

static struct progress_stage *find_stage(struct progress_ui *ui, const char *stage)
{
    for (unsigned i = 0; i < ui->nstages; i++)
        if (strcmp(ui->stages[i].name, stage) == 0)
            return &ui->stages[i];
    return NULL;
}

void progress_begin(struct progress_ui *ui, const char *stage)
{
    pthread_mutex_lock(&ui->lock);
    if (find_stage(ui, stage) == NULL && ui->nstages < PROGRESS_STAGES)
        ui->stages[ui->nstages++] = (struct progress_stage){stage, now_us(), 0};
    if (ui->mode == PROGRESS_JSON)
        show_json(ui, &(struct progress){.stage = stage, .unit = "", .item = "begin"});
    pthread_mutex_unlock(&ui->lock);
}

void progress_end(struct progress_ui *ui, const char *stage)
{
    pthread_mutex_lock(&ui->lock);
    struct progress_stage *s = find_stage(ui, stage);
    if (s != NULL)
        s->end_us = now_us();
    pthread_mutex_unlock(&ui->lock);
}

void progress_done(struct progress_ui *ui, const char *what, const char *tar)
{
    pthread_mutex_lock(&ui->lock);
    clear_bar(ui);
    double all = (double)(now_us() - ui->begin_us) / 1e6;
    if (ui->mode == PROGRESS_JSON) {
        fprintf(ui->json, "{\"stage\":\"done\",\"done\":1,\"total\":1,\"unit\":\"\",\"item\":");
        progress_json_string(ui->json, what);
        if (tar != NULL)
            fprintf(ui->json, ",\"tar_sha256\":\"%s\"", tar);
        fprintf(ui->json, ",\"elapsed_ms\":%.0f,\"stages\":{", all * 1000);
        for (unsigned i = 0; i < ui->nstages; i++)
            fprintf(ui->json, "%s\"%s\":%" PRId64, i ? "," : "", ui->stages[i].name,
                    (ui->stages[i].end_us - ui->stages[i].begin_us) / 1000);
        fputs("}}\n", ui->json);
        fflush(ui->json);
    } else if (!ui->quiet) {
        char shown[2048];
        fprintf(stderr, "zonestrap: %s%s%s in %.1f s", clean(what, shown, sizeof shown),
                tar != NULL ? ", tar sha256:" : "", tar != NULL ? tar : "", all);
        for (unsigned i = 0; i < ui->nstages; i++)
            fprintf(stderr, "%s%s %.2f", i ? ", " : " (", ui->stages[i].name,
                    (double)(ui->stages[i].end_us - ui->stages[i].begin_us) / 1e6);
        fputs(ui->nstages ? ")\n" : "\n", stderr);
    }
    pthread_mutex_unlock(&ui->lock);
}

void progress_error(struct progress_ui *ui, const struct err *e)
{
    clear_bar(ui);
    const char *sep = e->hint[0] ? "; " : "";
    fprintf(stderr, "zonestrap: error: %s%s%s\n", e->msg, sep, e->hint);
    if (ui->file != NULL)
        fprintf(ui->file, "error: %s%s%s\n", e->msg, sep, e->hint);
    if (ui->mode != PROGRESS_JSON)
        return;
    fputs("{\"error\":{\"class\":", ui->json);
    progress_json_string(ui->json, err_class_name(e->class));
    fputs(",\"message\":", ui->json);
    progress_json_string(ui->json, e->msg);
    fputs(",\"hint\":", ui->json);
    progress_json_string(ui->json, e->hint);
    fputs("}}\n", ui->json);
    fflush(ui->json);
}
