/* What the user sees while a job runs: bars, plain lines, JSON lines or nothing; and the times per stage at
 * the end. */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"

enum progress_mode { PROGRESS_NONE, PROGRESS_PLAIN, PROGRESS_BAR, PROGRESS_JSON };
enum { PROGRESS_STAGES = 16 };

struct progress_stage {
    const char *name;
    int64_t begin_us, end_us; /* end 0: still runs */
};

struct progress_ui {
    pthread_mutex_t lock;
    struct log log;
    enum progress_mode mode;
    unsigned verbose; /* 0 warnings, 1 info, 2 everything; quiet: none, and no times */
    bool quiet;
    FILE *json; /* where JSON lines go; NULL before progress_init(): standard output, which a command may need
                 */
    FILE *file; /* --log */
    struct progress_stage stages[PROGRESS_STAGES];
    unsigned nstages;
    int64_t begin_us, shown_us;
    bool bar_shown;
};

/* mode: the option's word, NULL is auto. ERR_USAGE for an unknown word, ERR_HOST when log_file cannot be
 * opened. */
int progress_init(struct progress_ui *ui, const char *mode, bool quiet, unsigned verbose,
                  const char *log_file, struct err *e);
void progress_free(struct progress_ui *ui);
/* Stages may overlap (fetch and unpack do). */
void progress_begin(struct progress_ui *ui, const char *stage);
void progress_end(struct progress_ui *ui, const char *stage);
/* The last line: what was made and the times of all stages. tar: a tarball's digest before compression, in
 * hexadecimal, or NULL. */
void progress_done(struct progress_ui *ui, const char *what, const char *tar);
/* The one line of a failed run, on standard error (and as JSON where progress is JSON). */
void progress_error(struct progress_ui *ui, const struct err *e);
/* Adds s as a JSON string with its quotes; bytes that are no UTF-8 come as U+FFFD. */
void progress_json_string(FILE *f, const char *s);
/* "31.4 MB" */
const char *progress_bytes(uint64_t n, char out[32]);

#endif
