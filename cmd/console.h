/* Between a booted zone's console and this program's standard input and output. */
#ifndef CMD_CONSOLE_H
#define CMD_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "base/err.h"
#include "base/str.h"
#include "cmd/zone/zone.h"

/* Why a console's use came to its end. */
enum console_why {
    CONSOLE_ENDED,   /* the zone ended by itself */
    CONSOLE_UNTIL,   /* it had shown the text */
    CONSOLE_TIMEOUT, /* time was up */
    CONSOLE_ESCAPE,  /* the user's escape sequence */
    CONSOLE_STOPPED, /* a signal: job_stop */
    CONSOLE_CLOSED   /* nobody reads standard output any more */
};

/* One use of standard input and output, for a zone and its reboots. */
struct console {
    const char *until; /* NULL: none */
    int64_t deadline;  /* console_clock() in milliseconds; 0: none */
    bool raw;          /* a user at a terminal */
    struct termios before;
    bool shown; /* until was seen */
    /* private */
    struct buf seen;         /* the end of what was shown, where until may have begun */
    size_t carriage_returns; /* held back: before a line feed they are the terminal's own */
    bool input_ended, output_closed;
    int escapes; /* Ctrl-] in a row */
    int64_t escape_at, hangup_until;
    struct console_flow {
        char data[4096];
        size_t at, n;
    } out, in;
};

int64_t console_clock(void);
/* A terminal on both ends becomes raw, until console_detach(). */
void console_attach(struct console *c);
void console_detach(struct console *c);
/* Until the zone has ended, or was asked to and had its time. */
enum console_why console_use(struct console *c, struct zone *z);
void console_free(struct console *c);

#endif
