/* Errors: set once where the failure happens, given context at room borders, printed only by cmd/. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* The class decides the exit status (the numbers are the exit statuses). */
enum err_class {
    ERR_NONE = 0,
    ERR_USAGE = 2,  /* command line, recipe, fixup, mirror list */
    ERR_NET = 3,    /* no mirror gave the file */
    ERR_TRUST = 4,  /* signature, digest, expiry, wrong suite */
    ERR_FORMAT = 5, /* bad package or index */
    ERR_SOLVE = 6,  /* no set of packages fulfils the request */
    ERR_HOST = 7,   /* rights, disk, file system, memory */
    ERR_SECOND = 8, /* the second stage failed */
    ERR_INTR = 130  /* interrupted */
};

/* One line of text without control characters. Needs no init beyond zero and no free. */
struct err {
    enum err_class class;
    int sys;        /* errno where a system call failed, else 0 */
    char msg[2048]; /* what failed, on what, what was expected */
    char hint[512]; /* what the user can do; may be empty */
};

/* Each returns -1, so that `return err_set(...)` reads well. Bytes below 0x20 and 0x7f in the result are
 * shown as \xNN. */
int err_set(struct err *e, enum err_class c, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* As err_set, with `: strerror(errnum)` appended; ENOSPC, EROFS, EACCES and EPERM get a hint. */
int err_sys(struct err *e, enum err_class c, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Puts `context: ` before the message. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Sets what the user can do about it. */
int err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The class's name in machine-readable output: "usage", "network", "trust", ... */
const char *err_class_name(enum err_class c);

#endif
