#include "cmd/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"

enum {
    TICK_MS = 100,
    ASK_MS = 1000,    /* between requests to shut down */
    GRACE_MS = 60000, /* for a shutdown, before the zone is killed */
    HANGUP_MS = 50,   /* between looks at a console that nobody has open */
    ESCAPE_MS = 1000, /* for the escape sequence */
    ESCAPE = 0x1d,    /* Ctrl-] */
    ESCAPES = 3,
    LAST_BYTES_MS = 2000 /* for what is left to be shown when the zone has ended */
};

static volatile sig_atomic_t resized;

static void on_resize(int sig)
{
    (void)sig;
    resized = 1;
}

int64_t console_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void console_attach(struct console *c)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &c->before) != 0)
        return;
    struct termios raw = c->before;
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_oflag &= ~(tcflag_t)OPOST;
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_cflag = (raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    c->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
#ifdef SIGWINCH
    struct sigaction sa = {.sa_handler = on_resize};
    sigaction(SIGWINCH, &sa, NULL);
#endif
    resized = 1;
}

void console_detach(struct console *c)
{
    if (c->raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &c->before);
    c->raw = false;
}

void console_free(struct console *c)
{
    buf_free(&c->seen);
}

/* until may come in pieces: what could be its beginning is kept. */
static void look_for(struct console *c, const char *p, size_t n)
{
    if (c->until == NULL || c->shown)
        return;
    struct str want = str_c(c->until);
    buf_add(&c->seen, p, n);
    struct str have = buf_view(&c->seen);
    if (str_find(have, want) < have.n) {
        c->shown = true;
        buf_clear(&c->seen);
    } else if (have.n >= want.n) {
        char keep[4096];
        size_t rest = want.n - 1 < sizeof keep ? want.n - 1 : sizeof keep;
        memcpy(keep, have.p + have.n - rest, rest);
        buf_clear(&c->seen);
        buf_add(&c->seen, keep, rest);
    }
}

/* What the terminal makes of line feeds is undone; more carriage returns than that stay. */
static size_t plain_lines(struct console *c, const char *p, size_t n, char *to)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\r' && c->carriage_returns < 8) {
            c->carriage_returns++;
            continue;
        }
        for (; p[i] != '\n' && c->carriage_returns > 0; c->carriage_returns--)
            to[out++] = '\r';
        c->carriage_returns = 0;
        to[out++] = p[i];
    }
    return out;
}

static void read_console(struct console *c, struct zone *z, int64_t now)
{
    char data[2048], plain[sizeof data + 8];
    ssize_t r = read(zone_console(z), data, sizeof data);
    if (r <= 0) { /* EIO: nobody has it open */
        c->hangup_until = now + HANGUP_MS;
        return;
    }
    size_t n = plain_lines(c, data, (size_t)r, plain);
    look_for(c, plain, n);
    c->out.at = 0;
    c->out.n = c->raw ? (size_t)r : n;
    memcpy(c->out.data, c->raw ? data : plain, c->out.n);
}

/* True where fd takes no more, ever. */
static bool write_some(struct console_flow *f, int fd)
{
    ssize_t r = write(fd, f->data + f->at, f->n - f->at);
    if (r < 0)
        return errno != EINTR && errno != EAGAIN;
    f->at += (size_t)r;
    if (f->at == f->n)
        f->at = f->n = 0;
    return false;
}

/* The escape sequence's keys reach the zone, too: a single one is nothing special. */
static bool escaped(struct console *c, const char *p, size_t n, int64_t now)
{
    for (size_t i = 0; c->raw && i < n; i++) {
        if (p[i] != ESCAPE || now - c->escape_at > ESCAPE_MS)
            c->escapes = 0;
        if (p[i] != ESCAPE)
            continue;
        if (c->escapes++ == 0)
            c->escape_at = now;
        if (c->escapes == ESCAPES) {
            c->escapes = 0;
            return true;
        }
    }
    return false;
}

static bool read_input(struct console *c, int64_t now)
{
    ssize_t r = read(STDIN_FILENO, c->in.data, sizeof c->in.data);
    if (r < 0 && errno == EINTR)
        return false;
    if (r <= 0) {
        c->input_ended = true;
        return false;
    }
    c->in.at = 0;
    c->in.n = (size_t)r;
    return escaped(c, c->in.data, c->in.n, now);
}

struct session {
    struct console *c;
    struct zone *z;
    enum console_why why; /* CONSOLE_ENDED: nobody asked it to end */
    bool escaped, ended;
    int stops; /* job_stop when it was asked */
    int64_t asked, next;
};

/* Waits for something to do, and does it. */
static void turn(struct session *s, int64_t now)
{
    struct console *c = s->c;
    short wants = (short)((c->out.n == 0 ? POLLIN : 0) | (c->in.n > 0 ? POLLOUT : 0));
    bool quiet = wants == 0 || now < c->hangup_until;
    struct pollfd fds[] = {{zone_events(s->z), POLLIN, 0},
                           {quiet ? -1 : zone_console(s->z), wants, 0},
                           {c->input_ended || c->in.n > 0 ? -1 : STDIN_FILENO, POLLIN, 0},
                           {c->out.n > 0 ? STDOUT_FILENO : -1, POLLOUT, 0}};
    if (resized) {
        resized = 0;
        zone_console_size(s->z, STDIN_FILENO);
    }
    if (poll(fds, 4, quiet ? HANGUP_MS : TICK_MS) <= 0)
        return;
    if (fds[3].revents != 0 && write_some(&c->out, STDOUT_FILENO))
        c->output_closed = true;
    if (c->output_closed)
        c->out.n = 0;
    if ((fds[1].revents & (POLLIN | POLLHUP | POLLERR)) && c->out.n == 0)
        read_console(c, s->z, now);
    if ((fds[1].revents & POLLOUT) && c->in.n > 0 && write_some(&c->in, zone_console(s->z)))
        c->in.n = 0;
    if (fds[2].revents != 0)
        s->escaped = read_input(c, now);
    if (fds[0].revents != 0)
        s->ended = zone_ended(s->z);
}

/* A reason to end the zone; CONSOLE_ENDED is none. */
static enum console_why reason(const struct session *s, int64_t now)
{
    return s->c->shown                                    ? CONSOLE_UNTIL
           : job_stop                                     ? CONSOLE_STOPPED
           : s->escaped                                   ? CONSOLE_ESCAPE
           : s->c->output_closed                          ? CONSOLE_CLOSED
           : s->c->deadline != 0 && now >= s->c->deadline ? CONSOLE_TIMEOUT
                                                          : CONSOLE_ENDED;
}

/* What processes that are gone had written. */
static void last_bytes(struct console *c, struct zone *z)
{
    int64_t until = console_clock() + LAST_BYTES_MS;
    c->hangup_until = 0;
    while (!c->output_closed && console_clock() < until) {
        if (c->out.n == 0)
            read_console(c, z, 0);
        if (c->out.n == 0)
            break;
        struct pollfd p = {STDOUT_FILENO, POLLOUT, 0};
        if (poll(&p, 1, TICK_MS) > 0 && write_some(&c->out, STDOUT_FILENO))
            c->output_closed = true;
    }
    c->out.n = c->in.n = 0;
    c->hangup_until = 0;
}

/* True when it has had its time. */
static bool ask_again(struct session *s, int64_t now)
{
    if (now >= s->next) {
        zone_shut_down(s->z);
        s->next = now + ASK_MS;
    }
    return now - s->asked > GRACE_MS || job_stop > s->stops || s->escaped;
}

enum console_why console_use(struct console *c, struct zone *z)
{
    struct session s = {.c = c, .z = z, .why = CONSOLE_ENDED};
    resized = 1;
    for (;;) {
        int64_t now = console_clock();
        if (s.why == CONSOLE_ENDED && (s.why = reason(&s, now)) != CONSOLE_ENDED) {
            s.asked = s.next = now;
            s.stops = job_stop;
            s.escaped = false;
        }
        if (s.ended || (s.why != CONSOLE_ENDED && ask_again(&s, now)))
            break;
        turn(&s, now);
    }
    last_bytes(c, z);
    /* Its last words may be what was waited for. */
    return s.why == CONSOLE_ENDED && c->shown ? CONSOLE_UNTIL : s.why;
}
