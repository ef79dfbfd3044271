/* Pid 1 of the zone, and its child on the way to the target's program. See linux.h. */
#include "cmd/zone/linux.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/mem.h"

_Noreturn static void give_up(const struct linux_zone *z, const struct err *e)
{
    linux_send_err(z, e);
    _exit(127);
}

static int loopback_up(struct err *e)
{
    struct ifreq ifr = {.ifr_name = "lo"};
    AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr) != 0)
        return err_sys(e, ERR_HOST, errno, "loopback interface");
    ifr.ifr_flags |= IFF_UP | IFF_RUNNING;
    if (ioctl(fd, SIOCSIFFLAGS, &ifr) != 0)
        return err_sys(e, ERR_HOST, errno, "loopback interface");
    return 0;
}

static int init_setup(const struct linux_zone *z, struct err *e)
{
    const char *name = z->o->hostname ? z->o->hostname : "zone";
    if (sethostname(name, strlen(name)) != 0)
        return err_sys(e, ERR_HOST, errno, "host name `%s'", name);
    if (setdomainname("(none)", 6) != 0)
        return err_sys(e, ERR_HOST, errno, "domain name");
    if (unshare(CLONE_NEWCGROUP) != 0) {
        err_sys(e, ERR_HOST, errno, "this host refuses a cgroup namespace (unshare)");
        return err_hint(e, "see the sysctl user.max_cgroup_namespaces");
    }
    if (setgroups(0, NULL) != 0)
        return err_sys(e, ERR_HOST, errno, "cannot leave the caller's groups (setgroups)");
    struct err lo = {0};
    if (!z->o->net && loopback_up(&lo) != 0)
        linux_send_log(z, "%s", lo.msg);
    return 0;
}

/* The zone's root may read /proc/1/environ: the host's environment must be gone. What o->env borrowed from it
 * stays. */
static const char **keep_env(const char *const *env)
{
    size_t n = 0;
    while (env[n] != NULL)
        n++;
    const char **copy = mem_alloc((n + 1) * sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = mem_dup(env[i]);
    for (char **v = environ; v != NULL && *v != NULL; v++)
        memset(*v, 0, strlen(*v));
    return copy;
}

/* Until the target ends; then pid 1's end is the end of all that it left behind. */
_Noreturn static void reap(const struct linux_zone *z, pid_t target)
{
    for (;;) {
        int st;
        pid_t pid = waitpid(-1, &st, __WALL | WUNTRACED);
        if (pid < 0 && errno != EINTR)
            _exit(1);
        if (pid != target)
            continue;
        if (WIFSTOPPED(st)) {
            /* Nobody outside could continue it: its shell does not know of the zone's process groups. */
            if (z->foreground)
                kill(-target, SIGCONT);
            continue;
        }
        linux_send_exit(z, WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st));
        _exit(0);
    }
}

void linux_init(struct linux_zone *z)
{
    struct err e = {0};
    char go;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "zone-init");
    linux_close_but((int[]){z->msg, z->go, z->console}, 3);
    if (read(z->go, &go, 1) != 1)
        _exit(1);
    if (init_setup(z, &e) != 0)
        give_up(z, &e);
    const char **env = keep_env(z->o->env);
    if (z->console >= 0)
        linux_target(z, env);
    pid_t pid = fork();
    if (pid < 0) {
        err_sys(&e, ERR_HOST, errno, "fork");
        give_up(z, &e);
    }
    if (pid == 0)
        linux_target(z, env);
    close(0), close(1), close(2);
    reap(z, pid);
}

static void plain_limits(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur > 1024) {
        r.rlim_cur = 1024; /* programs that close every possible descriptor are slow with a million of them */
        setrlimit(RLIMIT_NOFILE, &r);
    }
    if (getrlimit(RLIMIT_STACK, &r) == 0 && r.rlim_max >= 8 << 20) {
        r.rlim_cur = 8 << 20;
        setrlimit(RLIMIT_STACK, &r);
    }
}

static int target_setup(const struct linux_zone *z, struct err *e)
{
    if (linux_mounts_enter(z, e) != 0)
        return -1;
    if (z->console < 0 && !z->o->stdio)
        setsid();
    else if (z->foreground) {
        /* A group of its own, in the foreground: Ctrl-C is the zone's, and a shell inside sees a group that
         * it knows. */
        setpgid(0, 0);
        tcsetpgrp(0, getpid());
    }
    if (z->console >= 0 && linux_boot_console(z, e) != 0)
        return -1;
    umask(022);
    plain_limits();
    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    if (setgroups(0, NULL) != 0 || setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0)
        return err_sys(e, ERR_HOST, errno, "%s: cannot become the zone's root", z->path);
    int r = linux_seccomp(z->o->no_fsync, z->o->stdio, e);
    if (r == 1)
        linux_send_log(z, "this kernel has no seccomp filters: fsync stays as it is");
    return r < 0 ? -1 : 0;
}

/* The program is there but execve() says ENOENT: names the interpreter that is missing. */
static void interpreter(const char *path, struct buf *name)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    char head[4096] = "";
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head - 1);
    struct str text = {head, n > 0 ? (size_t)n : 0}, line, word;
    if (str_starts(text, STR("#!"))) {
        text = str_from(text, 2);
        if (str_line(&text, &line) && str_word(&line, &word))
            buf_str(name, word);
    } else if (n >= (ssize_t)sizeof(Elf64_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0 &&
               head[EI_CLASS] == ELFCLASS64) {
        Elf64_Ehdr h;
        memcpy(&h, head, sizeof h);
        for (size_t i = 0, off = h.e_phoff; i < h.e_phnum && off <= (size_t)n - sizeof(Elf64_Phdr);
             i++, off += h.e_phentsize) {
            Elf64_Phdr p;
            memcpy(&p, head + off, sizeof p);
            if (p.p_type == PT_INTERP && p.p_offset < (size_t)n && p.p_filesz <= (size_t)n - p.p_offset)
                buf_add(name, head + p.p_offset, strnlen(head + p.p_offset, p.p_filesz));
        }
    }
}

int linux_exec_failed(const char *root, const char *path, int errnum, struct err *e)
{
    struct stat st;
    if (errnum == ENOEXEC) {
        err_set(e, ERR_HOST, "%s: %s: this host cannot run it", root, path);
        return err_hint(e, "it is a program for another architecture, or a script without a #! line");
    }
    if ((errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP) && stat(path, &st) == 0) {
        AUTO_BUF name = {0};
        interpreter(path, &name);
        return err_set(e, ERR_HOST, "%s: %s: its interpreter %s is missing in the root", root, path,
                       buf_c(&name));
    }
    err_sys(e, ERR_HOST, errnum, "%s: cannot run %s", root, path);
    return errnum == EACCES ? err_hint(e, "it is no file that may be executed") : -1;
}

/* execvp(3) with the zone's PATH. Returns only when nothing could be run. */
static int run_program(const char *root, const char *const *argv, const char *const *env, struct err *e)
{
    if (argv[0] == NULL || argv[0][0] == '\0')
        return err_set(e, ERR_HOST, "%s: no command given", root);
    if (strchr(argv[0], '/') != NULL) {
        execve(argv[0], (char **)argv, (char **)env);
        return linux_exec_failed(root, argv[0], errno, e);
    }
    struct str path = STR("/usr/sbin:/usr/bin:/sbin:/bin"), dir;
    for (size_t i = 0; env[i] != NULL; i++)
        if (strncmp(env[i], "PATH=", 5) == 0)
            path = str_c(env[i] + 5);
    struct str rest = path;
    int denied = 0;
    while (str_cut(&rest, ':', &dir)) {
        AUTO_BUF file = {0};
        struct stat st;
        buf_str(&file, dir.n > 0 ? dir : STR("."));
        buf_printf(&file, "/%s", argv[0]);
        execve(buf_c(&file), (char **)argv, (char **)env);
        int errnum = errno;
        if (errnum == EACCES)
            denied = EACCES;
        else if (stat(buf_c(&file), &st) == 0)
            return linux_exec_failed(root, buf_c(&file), errnum, e);
    }
    if (denied != 0)
        return linux_exec_failed(root, argv[0], denied, e);
    return err_set(e, ERR_HOST, "%s: %s: no such program in the zone's PATH (%" STR_FMT ")", root, argv[0],
                   STR_ARG(path));
}

void linux_target(struct linux_zone *z, const char *const *env)
{
    struct err e = {0};
    close(z->go);
    if (target_setup(z, &e) == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        if (z->console >= 0)
            linux_boot_exec(z, env, &e);
        else
            run_program(z->path, z->o->argv, env, &e);
    }
    give_up(z, &e);
}
