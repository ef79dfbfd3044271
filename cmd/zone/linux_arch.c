/* Which architectures' programs this host runs. */
#include "cmd/zone/linux.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"

/* Linux's uname -m spellings, the ELF header that binfmt_misc sees, and the 64-bit machine that may run it
 * itself. */
static const struct machine {
    const char *name;
    unsigned short elf;
    unsigned char class, data;
    const char *native_on;
} machines[] = {
    {"x86_64", EM_X86_64, ELFCLASS64, ELFDATA2LSB, NULL},
    {"i386", EM_386, ELFCLASS32, ELFDATA2LSB, "x86_64"},
    {"i586", EM_386, ELFCLASS32, ELFDATA2LSB, "x86_64"},
    {"i686", EM_386, ELFCLASS32, ELFDATA2LSB, "x86_64"},
    {"aarch64", EM_AARCH64, ELFCLASS64, ELFDATA2LSB, NULL},
    {"armv5tel", EM_ARM, ELFCLASS32, ELFDATA2LSB, "aarch64"},
    {"armv6l", EM_ARM, ELFCLASS32, ELFDATA2LSB, "aarch64"},
    {"armv7l", EM_ARM, ELFCLASS32, ELFDATA2LSB, "aarch64"},
    {"riscv64", EM_RISCV, ELFCLASS64, ELFDATA2LSB, NULL},
    {"ppc64le", EM_PPC64, ELFCLASS64, ELFDATA2LSB, NULL},
    {"ppc64", EM_PPC64, ELFCLASS64, ELFDATA2MSB, NULL},
    {"s390x", EM_S390, ELFCLASS64, ELFDATA2MSB, NULL},
    {"mips64", EM_MIPS, ELFCLASS64, ELFDATA2LSB, NULL},
    {"loongarch64", 258, ELFCLASS64, ELFDATA2LSB, NULL},
};

static const struct machine *find_machine(const char *name)
{
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        if (strcmp(machines[i].name, name) == 0)
            return &machines[i];
    return NULL;
}

const char *linux_machine(unsigned number, unsigned char elf_class, unsigned char data)
{
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        if (machines[i].elf == number && machines[i].class == elf_class && machines[i].data == data)
            return machines[i].name;
    return NULL;
}

/* Asks the kernel: PER_LINUX32 is refused by an arm64 that has no 32-bit mode; x86 shows its own in
 * abi/vsyscall32. */
static bool runs_32bit(const char *host)
{
    if (strcmp(host, "x86_64") == 0)
        return access("/proc/sys/abi/vsyscall32", F_OK) == 0;
    int old = personality(0xffffffff);
    if (old < 0 || personality(PER_LINUX32) < 0)
        return false;
    personality((unsigned long)old);
    return true;
}

/* The start of a program of this machine, as binfmt_misc compares it. */
static void elf_start(const struct machine *m, unsigned char h[20])
{
    bool big = m->data == ELFDATA2MSB;
    memset(h, 0, 20);
    memcpy(h, ELFMAG, SELFMAG);
    h[EI_CLASS] = m->class;
    h[EI_DATA] = m->data;
    h[EI_VERSION] = EV_CURRENT;
    h[big ? 17 : 16] = ET_EXEC;
    h[big ? 18 : 19] = (unsigned char)(m->elf >> 8);
    h[big ? 19 : 18] = (unsigned char)(m->elf & 0xff);
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *p = c ? strchr(digits, c) : NULL;
    return p ? (int)(p - digits) : -1;
}

static size_t unhex(struct str text, unsigned char *out, size_t max)
{
    size_t n = 0;
    for (; n < max && 2 * n + 1 < text.n; n++) {
        int hi = hex_digit(text.p[2 * n]), lo = hex_digit(text.p[2 * n + 1]);
        if (hi < 0 || lo < 0)
            break;
        out[n] = (unsigned char)(hi << 4 | lo);
    }
    return n;
}

/* One registration (Documentation/admin-guide/binfmt-misc.rst). */
struct entry {
    bool enabled, fixed; /* flag F: the interpreter was opened when it was registered */
    struct str interpreter, offset, magic, mask;
};

static void parse_entry(struct str text, struct entry *en)
{
    struct str line, key;
    *en = (struct entry){.enabled = false};
    while (str_line(&text, &line)) {
        if (!str_word(&line, &key))
            continue;
        struct str value = str_trim(line);
        if (str_is(key, "enabled"))
            en->enabled = true;
        else if (str_is(key, "interpreter"))
            en->interpreter = value;
        else if (str_is(key, "flags:"))
            en->fixed = str_chr(value, 'F') < value.n;
        else if (str_is(key, "offset"))
            en->offset = value;
        else if (str_is(key, "magic"))
            en->magic = value;
        else if (str_is(key, "mask"))
            en->mask = value;
    }
}

static bool entry_matches(const struct entry *en, const struct machine *m)
{
    unsigned char start[20], magic[20], mask[20];
    memset(mask, 0xff, sizeof mask);
    size_t n = unhex(en->magic, magic, sizeof magic);
    unhex(en->mask, mask, sizeof mask);
    elf_start(m, start);
    /* Without the machine's number it is no registration of an architecture. */
    if (!str_is(en->offset, "0") || n < sizeof magic)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((start[i] ^ magic[i]) & mask[i])
            return false;
    return true;
}

/* 1: dir/name is a usable registration for m; 0: it is none; -1: it is one, but not usable. */
static int check_entry(const char *dir, const char *name, const struct machine *m, struct err *e)
{
    AUTO_BUF path = {0};
    AUTO_BUF text = {0};
    struct err ignored = {0};
    struct entry en;
    buf_printf(&path, "%s/%s", dir, name);
    if (name[0] == '.' || strcmp(name, "register") == 0 || strcmp(name, "status") == 0 ||
        file_read(buf_c(&path), 65536, &text, &ignored) != 0)
        return 0;
    parse_entry(buf_view(&text), &en);
    if (!entry_matches(&en, m))
        return 0;
    if (!en.enabled) {
        err_set(e, ERR_HOST, "%s: the interpreter for %s programs is disabled", buf_c(&path), m->name);
        return err_hint(e, "enable it: echo 1 > %s", buf_c(&path));
    }
    if (!en.fixed) {
        err_set(e, ERR_HOST,
                "%s: registered without the flag F, its interpreter %" STR_FMT " is not found inside a root",
                buf_c(&path), STR_ARG(en.interpreter));
        return err_hint(e, "register a statically linked interpreter with the flag F (fix binary)");
    }
    return 1;
}

int linux_binfmt(const char *dir, const char *machine, struct err *e)
{
    const struct machine *m = find_machine(machine);
    if (m == NULL)
        return err_set(e, ERR_HOST, "this host cannot run programs of the architecture %s", machine);
    AUTO_BUF status = {0};
    AUTO_BUF path = {0};
    struct err ignored = {0};
    buf_printf(&path, "%s/status", dir);
    bool on =
        file_read(buf_c(&path), 64, &status, &ignored) == 0 && str_is(str_trim(buf_view(&status)), "enabled");
    DIR *d = on ? opendir(dir) : NULL;
    int found = 0;
    for (struct dirent *en; d != NULL && found <= 0 && (en = readdir(d)) != NULL;) {
        int r = check_entry(dir, en->d_name, m, e);
        found = r != 0 ? r : found;
    }
    if (d != NULL)
        closedir(d);
    if (found > 0)
        return 0;
    if (found == 0) {
        err_set(e, ERR_HOST, "this host cannot run %s programs: %s has no interpreter for them%s", machine,
                dir, on ? "" : " (it is not mounted or not enabled)");
        err_hint(e,
                 "install an emulator that registers itself there with the flag F, or finish the root on a "
                 "host that is %s",
                 machine);
    }
    return -1;
}

int zone_supported(const char *machine, struct err *e)
{
    struct utsname u;
    if (uname(&u) != 0)
        return err_sys(e, ERR_HOST, errno, "uname");
    if (strcmp(u.machine, machine) == 0)
        return 0;
    const struct machine *m = find_machine(machine);
    if (m != NULL && m->native_on != NULL && strcmp(m->native_on, u.machine) == 0 && runs_32bit(u.machine))
        return 0;
    return linux_binfmt("/proc/sys/fs/binfmt_misc", machine, e);
}
