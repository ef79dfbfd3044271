#include "pkgfmt/rpm_caps.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

/* By number, linux/capability.h */
static const char *const names[] = {"chown",
                                    "dac_override",
                                    "dac_read_search",
                                    "fowner",
                                    "fsetid",
                                    "kill",
                                    "setgid",
                                    "setuid",
                                    "setpcap",
                                    "linux_immutable",
                                    "net_bind_service",
                                    "net_broadcast",
                                    "net_admin",
                                    "net_raw",
                                    "ipc_lock",
                                    "ipc_owner",
                                    "sys_module",
                                    "sys_rawio",
                                    "sys_chroot",
                                    "sys_ptrace",
                                    "sys_pacct",
                                    "sys_admin",
                                    "sys_boot",
                                    "sys_nice",
                                    "sys_resource",
                                    "sys_time",
                                    "sys_tty_config",
                                    "mknod",
                                    "lease",
                                    "audit_write",
                                    "audit_control",
                                    "setfcap",
                                    "mac_override",
                                    "mac_admin",
                                    "syslog",
                                    "wake_alarm",
                                    "block_suspend",
                                    "audit_read",
                                    "perfmon",
                                    "bpf",
                                    "checkpoint_restore"};
enum { NAMES = sizeof names / sizeof names[0], NAME_MAX_BYTES = 32 };

#define ALL ((UINT64_C(1) << NAMES) - 1)

enum set { EFFECTIVE, PERMITTED, INHERITABLE, SETS };

static char next_char(const struct str *s)
{
    static const char none;
    return *(s->n > 0 ? s->p : &none);
}

static bool in_name(char c)
{
    return isalnum((unsigned char)c) != 0 || c == '_';
}

/* A name, `all`, or a number in C's notation. */
static bool one_cap(struct str *s, uint64_t *mask)
{
    char word[NAME_MAX_BYTES];
    size_t n = 0;
    while (n < s->n && in_name(s->p[n]))
        n++;
    if (n == 0 || n >= sizeof word)
        return false;
    memcpy(word, s->p, n);
    word[n] = '\0';
    *s = str_from(*s, n);
    if (strcasecmp(word, "all") == 0) {
        *mask |= ALL;
        return true;
    }
    if (isdigit((unsigned char)word[0]) != 0) {
        char *end;
        unsigned long number = strtoul(word, &end, 0);
        *mask |= number < 64 ? UINT64_C(1) << number : 0;
        return *end == '\0' && number < 64;
    }
    for (size_t i = 0; i < NAMES; i++)
        if (strncasecmp(word, "cap_", 4) == 0 && strcasecmp(word + 4, names[i]) == 0) {
            *mask |= UINT64_C(1) << i;
            return true;
        }
    return false;
}

static bool cap_list(struct str *s, uint64_t *mask)
{
    if (next_char(s) == '=') { /* of all */
        *mask = ALL;
        return true;
    }
    for (;;) {
        if (!one_cap(s, mask))
            return false;
        if (next_char(s) != ',')
            return true;
        *s = str_from(*s, 1);
    }
}

/* The operators behind a list; at least one. */
static bool operators(struct str *s, uint64_t mask, uint64_t sets[SETS])
{
    static const char flags[] = "epi";
    bool some = false;
    for (char op; (op = next_char(s)) == '=' || op == '+' || op == '-'; some = true) {
        *s = str_from(*s, 1);
        for (int i = 0; i < SETS && op == '='; i++)
            sets[i] &= ~mask;
        const char *flag;
        while (s->n > 0 && (flag = strchr(flags, s->p[0])) != NULL && *flag != '\0') {
            uint64_t *set = &sets[flag - flags];
            *set = op == '-' ? *set & ~mask : *set | mask;
            *s = str_from(*s, 1);
        }
    }
    return some;
}

static bool parse(struct str s, uint64_t sets[SETS])
{
    bool some = false;
    for (;; some = true) {
        uint64_t mask = 0;
        while (s.n > 0 && isspace((unsigned char)s.p[0]) != 0)
            s = str_from(s, 1);
        if (s.n == 0)
            return some;
        if (!cap_list(&s, &mask) || !operators(&s, mask, sets) ||
            (s.n > 0 && isspace((unsigned char)s.p[0]) == 0))
            return false;
    }
}

static void put_le(unsigned char *p, uint64_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}

int rpm_caps_value(struct str text, unsigned char out[RPM_CAPS_SIZE], struct err *e)
{
    enum { REVISION_2 = 0x02000000, FLAG_EFFECTIVE = 1 };
    uint64_t sets[SETS] = {0};
    if (!parse(text, sets))
        return err_set(e, ERR_FORMAT, "`%" STR_FMT "' are no capabilities that are known here",
                       STR_ARG(text));
    uint64_t both = sets[PERMITTED] | sets[INHERITABLE];
    if (sets[EFFECTIVE] != 0 && (both & ~sets[EFFECTIVE]) != 0)
        return err_set(e, ERR_FORMAT, "`%" STR_FMT "': of a file's capabilities all are effective, or none",
                       STR_ARG(text));
    put_le(out, REVISION_2 | (sets[EFFECTIVE] != 0 ? FLAG_EFFECTIVE : 0));
    for (unsigned i = 0; i < 2; i++) {
        put_le(out + 4 + 8 * i, sets[PERMITTED] >> (32 * i));
        put_le(out + 8 + 8 * i, sets[INHERITABLE] >> (32 * i));
    }
    return 0;
}
