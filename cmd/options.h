/* The command line: one table serves parsing, --help and the completion. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* Which commands take an option. */
enum {
    CMD_CREATE = 1,
    CMD_PLAN = 2,
    CMD_SECOND = 4,
    CMD_RUN = 8,
    CMD_LIST = 16,
    CMD_CHECK = 32,
    CMD_CLONE = 64,
    CMD_REMOVE = 128,
    CMD_BOOT = 256,
    CMD_NEW = 512,
    CMD_ZONE = 1024,
    CMD_ALL = 2047
};

struct option_list {
    const char **v;
    size_t n;
};

struct options {
    const char *arch, *set, *suites, *target_mirror, *second_stage, *cache_dir, *log_file, *progress, *why,
        *hostname, *locked, *lock, *manifest, *sbom, *zone, *host_files, *how, *template_root, *like, *format,
        *base;
    struct option_list include, exclude, mirrors, components, repos, keyrings, recipes, overlays, hooks;
    bool insecure, ignore_expiry, second_stage_full, keep, offline, weak, security, json, names, quiet, help,
        version, unfinished, force;
    uint64_t jobs, verbose, now;
    const char *manager, *dataset, *kernel_version; /* of a zone that is made, with net and dry_run */
    bool dry_run;
    const char *init, *net, *until; /* of boot, with the next two lines */
    bool single, no_reboot;
    uint64_t timeout;
    struct option_list operands; /* what is no option; for `run` everything behind ROOT */
};

enum option_kind {
    OPT_FLAG,
    OPT_COUNT,
    OPT_STRING,
    OPT_NUMBER,
    OPT_LIST /* repeatable */,
    OPT_COMMAS /* and split at commas */
};

struct option_row {
    char brief;       /* short form, or 0 */
    const char *name; /* without -- */
    const char *arg;  /* NULL: takes none. "A|B|C" in capitals or words: completion offers the words */
    enum option_kind kind;
    size_t field; /* offsetof(struct options, ...) */
    unsigned commands;
    const char *what;
};
extern const struct option_row option_rows[]; /* ends with name NULL */

/* Parses what follows the command's name. Options and operands may be mixed until `--`; for CMD_RUN the first
 * operand ends the options. ERR_USAGE. */
int options_parse(struct options *o, unsigned command, int argc, char **argv, struct arena *a, struct err *e);
/* Whether the option of this long name was given (a number: one that is not 0). */
bool options_given(const struct options *o, const char *name);

#endif
