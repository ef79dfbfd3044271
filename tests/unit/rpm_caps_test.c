/* File capabilities: the text that rpm has, as setcap(8) makes an attribute of it. */
#include <sys/wait.h>

#include "pkgfmt/rpm_caps.h"
#include "tests/unit/tree_help.h"

static const char *value(const char *text, struct err *e)
{
    static char hex[2 * RPM_CAPS_SIZE + 1];
    unsigned char out[RPM_CAPS_SIZE];
    *e = (struct err){0};
    if (rpm_caps_value(str_c(text), out, e) < 0)
        return NULL;
    for (int i = 0; i < RPM_CAPS_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", out[i]);
    return hex;
}

static const char *const texts[] = {
    "cap_net_raw+p",
    "= cap_net_raw+p",
    "= cap_net_admin,cap_net_raw+p",
    "= cap_net_admin,cap_net_raw+ep",
    "cap_net_raw,cap_net_admin=ep",
    "cap_sys_ptrace,cap_sys_admin=ep",
    "cap_chown=ei cap_fowner+ei",
    "cap_setuid=eip",
    "cap_setuid+eip cap_setgid+eip cap_setgid-eip",
    "=",
    "=ep cap_chown-ep",
    "CAP_Net_Raw=ep",
    "cap_perfmon,cap_bpf,cap_checkpoint_restore=ep",
    "  cap_kill=i  ",
    "all=i",
    "13=p",
    "0xd=p",
};

static void values(void)
{
    struct err e;
    CHECK_STR(value("cap_net_raw+p", &e), "0000000200200000000000000000000000000000");
    CHECK_STR(value("= cap_net_admin,cap_net_raw=ep", &e), "0100000200300000000000000000000000000000");
    CHECK_STR(value("cap_bpf=i", &e), "0000000200000000000000000000000080000000");
    CHECK_STR(value("=", &e), "0000000200000000000000000000000000000000");
    CHECK_STR(value("cap_bpf,cap_chown=p", &e), "0000000201000000000000008000000000000000");
}

static void refused(void)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "cap_net_raw",
                                      "+p",
                                      "cap_nonsense=p",
                                      "net_raw=p",
                                      "cap_kill=x",
                                      "cap_kill,=p",
                                      "cap_kill=p,",
                                      "64=p",
                                      "cap_kill=pcap_chown=p",
                                      "cap_kill cap_chown=p",
                                      "cap_kill=e cap_chown=p",
                                      "0x=p",
                                      "cap_kill =p"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e;
        if (value(bad[i], &e) != NULL || e.class != ERR_FORMAT) {
            printf("`%s' was taken\n", bad[i]);
            test_failed_here = 1;
        }
    }
}

/* What setcap leaves behind; false where it does not want to. */
static bool by_setcap(const char *text, char hex[64])
{
    char cmd[9000];
    snprintf(cmd, sizeof cmd,
             "f='%s'; rm -f \"$f\"; : >\"$f\"; setcap '%s' \"$f\" 2>/dev/null && python3 -c 'import os, sys; "
             "sys.stdout.write(os.getxattr(sys.argv[1], \"security.capability\").hex())' \"$f\" 2>/dev/null",
             in_scratch("caps"), text);
    FILE *p = popen(cmd, "r");
    hex[0] = '\0';
    if (p == NULL || fgets(hex, 64, p) == NULL)
        hex[0] = '\0';
    return p != NULL && pclose(p) == 0 && hex[0] != '\0';
}

static void as_setcap(void)
{
    size_t n = 0;
    char hex[64];
    scratch_new();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct err e;
        const char *got = value(texts[i], &e);
        if (got == NULL) {
            printf("`%s': %s\n", texts[i], e.msg);
            test_failed_here = 1;
        } else if (by_setcap(texts[i], hex)) {
            n++;
            if (strcmp(got, hex) != 0) {
                printf("`%s': %s, setcap says %s\n", texts[i], got, hex);
                test_failed_here = 1;
            }
        } else
            printf("# setcap does not take `%s'\n", texts[i]);
    }
    scratch_remove();
    if (n == 0)
        SKIP("no setcap, no python3, or not root");
    printf("# %zu of %zu compared\n", n, sizeof texts / sizeof texts[0]);
}

int main(void)
{
    RUN(values);
    RUN(refused);
    RUN(as_setcap);
    return test_done();
}
