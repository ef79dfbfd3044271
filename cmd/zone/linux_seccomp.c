/* Seccomp filters for the zone's processes. Installed with the rights of the zone's root and without
   no_new_privs, so that programs with the setuid bit keep it. */
#include "cmd/zone/linux.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef TIOCLINUX
#define TIOCLINUX 0x541C
#endif

/* Numbers from the kernel's tables (arch/.../syscall*.tbl, include/uapi/asm-generic/unistd.h), for every
   architecture that linux_arch.c knows and the 32-bit ones that such a host's kernel runs itself. A program
   under qemu-user makes the host's calls, by the host's numbers. Processes of an architecture that is not
   here are not filtered. */
static const struct arch {
    uint32_t audit;
    uint32_t ioctl;
    uint32_t sync[6]; /* fsync, fdatasync, msync, sync, sync_file_range, syncfs */
} archs[] = {
    {AUDIT_ARCH_X86_64, 16, {74, 75, 26, 162, 277, 306}},
    {AUDIT_ARCH_I386, 54, {118, 148, 144, 36, 314, 344}},
    {AUDIT_ARCH_AARCH64, 29, {82, 83, 227, 81, 84, 267}},
    {AUDIT_ARCH_ARM, 54, {118, 148, 144, 36, 341, 373}},
    {AUDIT_ARCH_RISCV64, 29, {82, 83, 227, 81, 84, 267}},
    {AUDIT_ARCH_RISCV32, 29, {82, 83, 227, 81, 84, 267}},
    {AUDIT_ARCH_LOONGARCH64, 29, {82, 83, 227, 81, 84, 267}},
    {AUDIT_ARCH_PPC64LE, 54, {118, 148, 144, 36, 308, 348}},
    {AUDIT_ARCH_PPC64, 54, {118, 148, 144, 36, 308, 348}},
    {AUDIT_ARCH_PPC, 54, {118, 148, 144, 36, 308, 348}},
    {AUDIT_ARCH_S390X, 54, {118, 148, 144, 36, 307, 338}},
    {AUDIT_ARCH_S390, 54, {118, 148, 144, 36, 307, 338}},
    {AUDIT_ARCH_MIPSEL64, 5015, {5072, 5073, 5025, 5157, 5264, 5301}},
    {AUDIT_ARCH_MIPSEL64N32, 6015, {6072, 6073, 6025, 6157, 6268, 6306}},
    {AUDIT_ARCH_MIPSEL, 4054, {4118, 4152, 4144, 4036, 4305, 4342}},
};
enum { NARCHS = sizeof archs / sizeof *archs, NSYNC = 6, X32_BIT = 0x40000000, X32_IOCTL = 514 };

struct prog {
    struct sock_filter code[NARCHS * (2 * NSYNC + 11) + 8];
    unsigned short n;
};

static void add(struct prog *p, struct sock_filter op)
{
    p->code[p->n++] = op;
}

static void ret(struct prog *p, uint32_t what)
{
    add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what));
}

static void load(struct prog *p, uint32_t off)
{
    add(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, off));
}

/* The block for one architecture; every path through it ends in a return. */
static void add_arch(struct prog *p, const struct arch *a, bool no_fsync, bool terminal)
{
    bool x32 = a->audit == AUDIT_ARCH_X86_64; /* the same numbers but for ioctl, and one bit more */
    if (x32)
        add(p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)X32_BIT));
    for (int i = 0; no_fsync && i < NSYNC; i++) {
        add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, a->sync[i], 0, 1));
        ret(p, SECCOMP_RET_ERRNO | 0);
    }
    if (terminal) {
        /* The low half of the command is what the kernel looks at. */
        uint32_t arg = offsetof(struct seccomp_data, args[1]);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        arg += 4;
#endif
        add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, x32 ? X32_IOCTL : a->ioctl, 1, 0));
        add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, a->ioctl, 0, 4));
        load(p, arg);
        add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCSTI, 1, 0));
        add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCLINUX, 0, 1));
        ret(p, SECCOMP_RET_ERRNO | EPERM);
    }
    ret(p, SECCOMP_RET_ALLOW);
}

int linux_seccomp(bool no_fsync, bool terminal, struct err *e)
{
    struct prog p = {.n = 0};
    if (!no_fsync && !terminal)
        return 0;
    for (int i = 0; i < NARCHS; i++) {
        struct prog block = {.n = 0};
        load(&block, offsetof(struct seccomp_data, nr));
        add_arch(&block, &archs[i], no_fsync, terminal);
        load(&p, offsetof(struct seccomp_data, arch));
        add(&p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, archs[i].audit, 0,
                                             (unsigned char)block.n));
        for (unsigned k = 0; k < block.n; k++)
            add(&p, block.code[k]);
    }
    ret(&p, SECCOMP_RET_ALLOW);
    struct sock_fprog fprog = {.len = p.n, .filter = p.code};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &fprog) == 0)
        return 0;
    if (errno == ENOSYS || errno == EINVAL)
        return 1;
    return err_sys(e, ERR_HOST, errno, "seccomp filter");
}
