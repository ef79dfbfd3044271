/* Zones that the host's own zone manager runs: `create ... zone:NAME' makes them, `zone' lists, boots, halts
   and removes them. What managers have in common is here; each has a driver, cmd/zone/manager_NAME.c. Where a
   zone's files lie is data: the [manager] section of its kind.

   A zone is made in steps. Each is written down with how it is undone before it is begun (cmd/zone/
   manager_record.c): what a failed or a killed run leaves can always be taken back. */
#ifndef CMD_ZONE_MANAGER_H
#define CMD_ZONE_MANAGER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"

/* Where the records of zones lie, and what goes with them: NAME.zone, NAME.lock, ... */
#define MANAGER_ZONES "/var/lib/zonestrap/zones"

enum { MANAGER_STEPS_MAX = 32, MANAGER_WORDS_MAX = 32 };

struct manager;

/* A zone, asked for or made. Strings live in the arena; paths and names have no blanks. */
struct manager_zone {
    const char *name, *kind;
    const struct manager *manager;
    const char *what;           /* the distribution and its release */
    const char *dir, *root;     /* its own directory; its root, there or below */
    const char *config, *extra; /* where its configuration files are; NULL: it has none */
    struct str config_text, extra_text;
    const char *parent, *dataset;  /* ZFS: the one above, and its own there; NULL: none */
    const char *net, *link, *vnic; /* how it is on the network: see zone_facts */
    const char *gateway, *kernel;  /* as asked for; or NULL */
    const char *tarball;           /* packed: where that lies until it is installed */
    const char *source;            /* the root that its own is a clone of; or NULL */
    const char *source_zone;       /* the zone that this is the root of, if its manager clones itself */
    bool second;                   /* the second stage is run in it (a manager with `inside') */
    bool boot;                     /* it is booted when it is made */
    bool ready;                    /* a record's: it was made whole */
    bool sure;                     /* a record's, of one that is not ready: its last line's step was done */
    bool force;                    /* what cannot be undone is said and passed over */
    struct arena *arena;
    const struct log *log;
    const volatile int *stop; /* above stops: interrupted. May be NULL */
    int stops;
};

enum manager_what {
    MANAGER_COMMAND, /* runs argv */
    MANAGER_DIR,     /* makes a directory, and those above it */
    MANAGER_FILE,    /* writes a file */
    MANAGER_FILL,    /* the root is made: a directory, or the tarball that a packing manager is given */
    MANAGER_OWN,     /* a cloned root gets its own host name, keys, ... */
    MANAGER_DROP,    /* a file goes */
    MANAGER_LATER,   /* nothing is done now: it has something to undo */
    MANAGER_BOOT,    /* boots it and waits until it runs */
    MANAGER_HALT,    /* and the contrary */
    MANAGER_SECOND   /* runs argv, which is the second stage */
};

struct manager_step {
    enum manager_what what;
    const char *const *argv;
    const char *path;
    struct str text;
    const char *undo; /* a line of the record, or NULL */
    const char *log;  /* a file that says more when argv fails, and goes when that is undone; or NULL */
    const char *const *found; /* succeeds while there is what the step makes; or NULL */
};

struct manager_steps {
    struct manager_step v[MANAGER_STEPS_MAX];
    size_t n;
    struct arena *arena;
};

enum manager_state {
    MANAGER_ABSENT,
    MANAGER_HALF, /* the manager knows it, and cannot boot it */
    MANAGER_HALTED,
    MANAGER_RUNNING
};

struct manager {
    const char *name;            /* as [manager NAME] has it */
    const char *const *programs; /* without which it does nothing; NULL at the end */
    const char *const *files;    /* that it wants of a kind, `file KEY ...': the keys; NULL at the end */
    bool packed;                 /* it is given the root as a tarball */
    bool clones;                 /* it clones its zones itself, and nothing else */
    bool inside;                 /* the second stage needs the zone: it runs there */
    bool links;                  /* a network's link is an interface of the host's */
    int settle;                  /* how often in succession it is seen running until it is believed */
    /* What makes the zone, in order. */
    int (*steps)(const struct manager_zone *z, struct manager_steps *s, struct err *e);
    /* Whether the manager has a zone of this name, and how it is. */
    int (*state)(const struct manager_zone *z, enum manager_state *out, struct err *e);
    /* The command that boots it, and the one that halts it: cleanly if that can be. */
    const char *const *(*boot)(const struct manager_zone *z);
    const char *const *(*halt)(const struct manager_zone *z);
    /* NULL: the command is run to its end, and that does it. A zone that is not `ready' is halted to be taken
       away: no need to be gentle. */
    int (*do_boot)(const struct manager_zone *z, struct err *e);
    int (*do_halt)(const struct manager_zone *z, struct err *e);
    /* Takes the contents away that the manager was told to install, if there are any: the line `uninstall' of
       a record. May be NULL. */
    int (*uninstall)(const struct manager_zone *z, struct err *e);
};
extern const struct manager manager_illumos, manager_freebsd, manager_lxc, manager_nspawn;

/* The driver of this name, or NULL. */
const struct manager *manager_find(const char *name);
/* The names of all, with commas between them. */
const char *manager_names(struct arena *a);
/* ERR_HOST when a program that it needs is not there: which one. */
int manager_can(const struct manager *m, struct arena *a, struct err *e);
/* Letters, digits and `-', a letter first, a letter or digit last, up to 60: what all managers take. */
int manager_name_check(const char *name, struct err *e);
bool manager_stopped(const struct manager_zone *z);
/* A file beside the record: NAME.SUFFIX. */
const char *manager_beside(const struct manager_zone *z, const char *suffix);
/* An argv in the arena: of the words up to NULL. */
const char *const *manager_argv(struct arena *a, const char *word, ...) __attribute__((sentinel));
/* Runs one of the host's commands, argv[0] a bare name; out may be NULL. */
int manager_run(const struct manager_zone *z, const char *const *argv, struct buf *out, struct err *e);
/* Whether what the command looks for is there: it succeeds. -1: that cannot be told. */
int manager_found(const struct manager_zone *z, const char *const *argv, struct err *e);
int manager_boot(const struct manager_zone *z, struct err *e);
int manager_halt(const struct manager_zone *z, struct err *e);
/* The last lines of the file NAME.SUFFIX beside the record, on one; "" when it has none. */
const char *manager_last_words(const struct manager_zone *z, const char *suffix);
/* -1; an ERR_HOST of a command that failed gets the last lines of the file that the command wrote. */
int manager_explain(const struct manager_zone *z, const char *path, struct err *e);

/* --- cmd/zone/manager_steps.c */

/* Adds a step that runs argv; undo, in printf's way, is the command that takes it back, or NULL. */
void manager_steps_command(struct manager_steps *s, const char *const *argv, const char *undo, ...)
    __attribute__((format(printf, 3, 4)));
/* The last step makes what this command finds, a success: a zone whose things are there already is not made,
 * and what is not there is undone.
 */
void manager_steps_found(struct manager_steps *s, const char *const *argv);
/* Adds another step; path and text as it needs them. */
void manager_steps_add(struct manager_steps *s, enum manager_what what, const char *path, struct str text);
/* The place for a root: a ZFS file system of its own mounted at path where one is asked for, else a
 * directory.
 */
void manager_steps_place(struct manager_steps *s, const struct manager_zone *z, const char *path);
/* A file that the manager will leave, which goes when the zone goes. */
void manager_steps_leftover(struct manager_steps *s, const char *path);
/* The steps as a user would type them, a line each. */
void manager_steps_show(const struct manager_zone *z, const struct manager_steps *s, struct buf *out);

/* --- cmd/zone/manager_undo.c */

/* The lines that undo what was done, in the order in which it was done. */
struct manager_undo {
    const char **v;
    size_t n, room;
};
/* What needs more than the host's commands. */
struct manager_calls {
    /* MANAGER_FILL; what somebody put there meanwhile is an error with sys EEXIST or ENOTEMPTY, and stays. */
    int (*fill)(void *ctx, const char *path, struct err *e);
    int (*second)(void *ctx, const char *const *argv, struct err *e); /* MANAGER_SECOND */
    int (*own)(void *ctx, const char *path, struct err *e);           /* MANAGER_OWN */
    int (*drop_root)(void *ctx, const char *path, struct err *e);     /* a root goes, if it is there */
    void *ctx;
};
/* ERR_HOST when this is no line of a record that can be undone. */
int manager_undo_check(const char *line, struct err *e);
/* Backwards, as far as that goes; what cannot be undone stays in the record. sure: the last line's step was
   done; else there may be nothing to undo, which a command cannot tell from a failure; quiet: that is said
   already. */
int manager_undo_all(struct manager_zone *z, struct manager_undo *u, const struct manager_calls *c, bool sure,
                     bool quiet, struct err *e);

/* --- cmd/zone/manager_make.c */

/* ERR_HOST when there is a zone of this name, or something in a place that it would have. */
int manager_make_check(const struct manager_zone *z, const struct manager_steps *s, struct err *e);
/* Makes the zone. However it fails, what was done is undone and nothing stays; what cannot be undone is said,
   and the record stays for manager_unmake(). ERR_HOST when there is a zone of this name. */
int manager_make(struct manager_zone *z, const struct manager_steps *s, const struct manager_calls *c,
                 struct err *e);
/* Takes a zone apart, whole or not, by its record. Interrupted or failing, it stops there, and the record
   says what is left. */
int manager_unmake(struct manager_zone *z, const struct manager_calls *c, struct err *e);
/* --- cmd/zone/manager_record.c */

/* Takes the name's lock; -1 with ERR_HOST while somebody has it. make: the zone's directory is made first. */
int manager_record_lock(const char *name, bool make, int *fd, struct err *e);
void manager_record_unlock(const char *name, int fd, bool gone);
/* z and its undo lines to its record. */
int manager_record_write(const struct manager_zone *z, const struct manager_undo *u, struct err *e);
/* Fills z (name, arena, log, stop are the caller's) and u. 1: there is none. ERR_HOST: it cannot be read, it
   is not this user's alone, or not whole: what is undone by it is undone with root's rights. */
int manager_record_read(struct manager_zone *z, struct manager_undo *u, struct err *e);
/* And what else is called NAME.SUFFIX, but for the lock, and what of it a killed run had not finished. */
int manager_record_remove(const char *name, struct err *e);
/* Names of all records, sorted. */
int manager_record_list(struct arena *a, const char ***names, size_t *n, struct err *e);

#endif
