/* What the commands share: the options, the job, the table of commands. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/data.h"
#include "base/err.h"
#include "base/log.h"
#include "cmd/options.h"
#include "cmd/progress.h"
#include "mirrors/cache.h"

/* One run of the program. */
struct job {
    struct arena arena; /* lives to the end */
    struct options opt;
    struct data data;
    struct progress_ui ui;
    const struct log *log; /* into ui */
    struct cache cache;
    bool have_cache;
    const char *solv_dir; /* where parsed indexes are kept; NULL: nowhere */
    int64_t now;
};

/* How many of SIGINT, SIGTERM and SIGHUP came; everything that waits looks at it. */
extern volatile int job_stop;
/* ERR_INTR when a signal asked to stop. */
int job_check_stop(struct err *e);

/* Data directories, log, clock from the options. */
int job_init(struct job *j, struct err *e);
/* The cache, for commands that fetch. A cache that cannot be used is a warning, not an error. */
void job_open_cache(struct job *j);
/* --hostname, else what the root's /etc/hostname says, else "zone". */
const char *job_hostname(struct job *j, const char *root);
void job_free(struct job *j);

struct command {
    const char *name;
    unsigned bit;         /* CMD_*: which options it takes */
    const char *operands; /* as in the synopsis */
    const char *what;     /* one line of help */
    int (*run)(struct job *j, struct err *e);
};
extern const struct command commands[];

int cmd_create(struct job *j, struct err *e);
int cmd_plan(struct job *j, struct err *e);
int cmd_second_stage(struct job *j, struct err *e);
int cmd_run(struct job *j, struct err *e);
int cmd_boot(struct job *j, struct err *e);
int cmd_clone(struct job *j, struct err *e);
int cmd_remove(struct job *j, struct err *e);
int cmd_zone(struct job *j, struct err *e);
int cmd_list(struct job *j, struct err *e);
int cmd_check(struct job *j, struct err *e);
int cmd_new(struct job *j, struct err *e);

/* What `check' says about a recipe's text. Other recipes, mirror lists and keys are looked for in path's own
 * directory first. */
int check_recipe(struct job *j, const char *path, struct str text, struct err *e);

/* --help for one command (NULL: the program), the bash completion script. To standard output. */
void help_print(const struct command *c);
void help_completion_bash(void);

#endif
