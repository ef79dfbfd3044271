/* Whether a program in a root is one for this host: known before a zone is made around it. */
#include "cmd/zone/linux.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"

enum { HEAD = 256, SCRIPTS_MAX = 4 };

/* Links lead where they lead in the zone, which does not see what is mounted below its root. Without
   openat2(2) nobody can tell. */
static int open_in(int root, const char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static ssize_t read_head(int root, const char *path, char *head)
{
    struct stat st;
    AUTO_FD fd = open_in(root, path);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return -1;
    return pread(fd, head, HEAD, 0);
}

static int check_elf(const char *root, const char *path, const unsigned char *h, struct err *e)
{
    bool big = h[EI_DATA] == ELFDATA2MSB;
    unsigned number = (unsigned)h[big ? 18 : 19] << 8 | h[big ? 19 : 18];
    const char *machine = linux_machine(number, h[EI_CLASS], h[EI_DATA]);
    if (machine == NULL) {
        err_set(e, ERR_HOST, "%s: %s is a program for another architecture (number %u in ELF)", root, path,
                number);
        return err_hint(e, "boot it on a host of that architecture");
    }
    if (zone_supported(machine, e) == 0)
        return 0;
    return err_wrap(e, "%s: %s is a program for %s", root, path, machine);
}

/* The interpreter of a script, in place of its name. */
static bool interpreter(char *head, size_t n, char *path)
{
    struct str text = {head, n}, line, word;
    if (!str_starts(text, STR("#!")))
        return false;
    text = str_from(text, 2);
    if (!str_line(&text, &line) || !str_word(&line, &word) || word.n >= HEAD)
        return false;
    memcpy(path, word.p, word.n);
    path[word.n] = '\0';
    return true;
}

/* What is no program at all is left to execve(2). */
static int check_program(int dir, const char *root, const char *path, struct err *e)
{
    char head[HEAD], name[HEAD] = "";
    for (int scripts = 0; scripts <= SCRIPTS_MAX; scripts++) {
        const char *at = scripts == 0 ? path : name;
        ssize_t n = read_head(dir, at, head);
        if (n >= 20 && memcmp(head, ELFMAG, SELFMAG) == 0)
            return check_elf(root, at, (const unsigned char *)head, e);
        if (n <= 0 || !interpreter(head, (size_t)n, name))
            return 0;
    }
    return 0;
}

int linux_programs_check(const char *root, const char *const *paths, struct err *e)
{
    struct stat st;
    AUTO_FD dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (; dir >= 0 && *paths != NULL; paths++) {
        AUTO_FD fd = open_in(dir, *paths);
        if (fd >= 0 && fstat(fd, &st) == 0)
            return check_program(dir, root, *paths, e);
    }
    return 0;
}
