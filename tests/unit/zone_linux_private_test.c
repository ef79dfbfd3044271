/* cmd/zone/linux_private.c: becoming root of a namespace of one's own, and zones in it. Needs root, to be a
 * user of its own making: the machine's accounts are hidden by mounts that only the test sees. */
#define _GNU_SOURCE /* unshare(2) */
#include "tests/unit/zone_help.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

enum { USER = 61234, GROUP = 61235, SKIPPED = 77 };
static const char *const ids =
    "zonetest:700000:40000\n61234:750000:30000\nzonetest:710000:1000\nother:1:65536\n";
static const char *why;

/* The file in place of the host's, in the mount namespace of a test's own. */
static bool hide(const char *path, const char *text)
{
    char own[96];
    static int n;
    snprintf(own, sizeof own, "%s/hidden.%d.%d", outside, (int)getpid(), n++);
    return put_file(outside, strrchr(own, '/') + 1, text, 0644) && mount(own, path, NULL, MS_BIND, NULL) == 0;
}

static bool own_accounts(const char *subuid, const char *subgid)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           hide("/etc/passwd", "root:x:0:0::/root:/bin/sh\nzonetest:x:61234:61235::/:/bin/sh\n") &&
           hide("/etc/subuid", subuid) && hide("/etc/subgid", subgid);
}

static bool become_user(void)
{
    return setgroups(0, NULL) == 0 && setresgid(GROUP, GROUP, GROUP) == 0 &&
           setresuid(USER, USER, USER) == 0 && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}

/* Runs fn in a process of its own; its failed checks are this test's. What it returns is a reason to skip. */
static void apart(const char *(*fn)(void))
{
    int st = 0, fds[2];
    static char text[256];
    fflush(stdout);
    CHECK(pipe(fds) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        const char *s = fn();
        fflush(stdout);
        if (s != NULL && write(fds[1], s, strlen(s)) < 0)
            _exit(1);
        _exit(s != NULL ? SKIPPED : test_failed_here);
    }
    close(fds[1]);
    memset(text, 0, sizeof text);
    ssize_t n = read(fds[0], text, sizeof text - 1);
    close(fds[0]);
    CHECK(pid > 0 && waitpid(pid, &st, 0) == pid && WIFEXITED(st));
    why = n > 0 ? text : NULL;
    CHECK(WEXITSTATUS(st) == 0 || (WEXITSTATUS(st) == SKIPPED && why != NULL));
    CHECK(nothing_left(pid));
}
#define APART(fn)                                                                                            \
    do {                                                                                                     \
        NEEDS_ROOT;                                                                                          \
        apart(fn);                                                                                           \
        if (why != NULL)                                                                                     \
            SKIP(why);                                                                                       \
    } while (0)

/* Before an entry as a user; NULL, or what this machine lacks. */
static const char *user_with(const char *subuid, const char *subgid)
{
    if (access("/usr/bin/newuidmap", X_OK) != 0)
        return "no newuidmap (Debian: uidmap)";
    if (!own_accounts(subuid, subgid) || !become_user())
        return "no mount namespace here";
    pid_t pid = fork();
    int st = 0;
    if (pid == 0)
        _exit(unshare(CLONE_NEWUSER) != 0);
    if (pid < 0 || waitpid(pid, &st, 0) != pid || st != 0)
        return "this machine lets users make no user namespace";
    return NULL;
}

static char home[66];

static const char *entered_as_user(void)
{
    const char *lacks = user_with(ids, ids);
    if (lacks != NULL)
        return lacks;
    CHECK(zone_private_can(&err) == 0);
    CHECK(geteuid() == USER);
    CHECK(zone_private_enter(&err) == 0);
    if (test_failed_here)
        printf("%s\n", err.msg);
    snprintf(root, sizeof root, "%s/root", home);
    if (access(root, F_OK) != 0)
        make_root(root);
    CHECK(getuid() == 0 && geteuid() == 0 && getgid() == 0 && getegid() == 0 && getgroups(0, NULL) == 0);
    return NULL;
}

static const char *owners(void)
{
    const char *lacks = entered_as_user();
    if (lacks != NULL)
        return lacks;
    char path[128];
    static const unsigned owned[] = {0, 1, 40000, 40001, 65534, 70000};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) {
        snprintf(path, sizeof path, "%u", owned[i]);
        CHECK(put_file(home, path, "", 0600));
        snprintf(path, sizeof path, "%s/%u", home, owned[i]);
        CHECK(chown(path, owned[i], owned[i]) == 0);
    }
    CHECK(chown(path, 70001, 0) == -1 && chown(path, 0, 70001) == -1);
    snprintf(path, sizeof path, "%s/node", home);
    CHECK(mknod(path, S_IFCHR | 0600, makedev(1, 3)) == -1 && errno == EPERM);
    /* What is mounted here is seen here alone. */
    CHECK(mount("t", home, "tmpfs", 0, NULL) == 0);
    return NULL;
}

static void ids_of_the_user(void)
{
    static const unsigned inside[] = {0, 1, 40000, 40001, 65534, 70000},
                          below[] = {USER, 700000, 739999, 750000, 775533, 779999};
    struct stat st;
    char path[128];
    APART(owners);
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        snprintf(path, sizeof path, "%s/%u", home, inside[i]);
        CHECK(stat(path, &st) == 0 && st.st_uid == below[i] && st.st_gid == below[i] + (i == 0));
    }
}

static const char *zones(void)
{
    const char *lacks = entered_as_user();
    if (lacks != NULL)
        return lacks;
    CHECK(zone_supported("pdp11", &err) == -1 && strstr(err.msg, "root's rights") == NULL);
    CHECK(run("id -u; id -G; hostname; echo $(cat /proc/self/uid_map)") == 0 && status == 0);
    CHECK_STR(buf_c(&out), "0\n0\nzone\n0 0 1 1 1 40000 40001 40001 30000\n");
    CHECK(run("ls -d /proc/self /sys/class /dev/null /dev/pts/ptmx /dev/shm /run/lock; ls /sys/class/net") ==
              0 &&
          status == 0 && said("\nlo\n"));
    CHECK(run("chown 65534 /tmp; stat -c %u /tmp; chown 0 /tmp; su nobody -c 'id -u'") == 0);
    CHECK_STR(buf_c(&out), "65534\n65534\n");
    CHECK(run("exit 3") == 0 && status == 3);
    CHECK(run_opts((struct zone_opts){.no_fsync = true}, "dd if=/dev/null of=/dev/null conv=fsync") == 0 &&
          status == 0);
    CHECK(run("mknod /tmp/disk b 1 0") == 0 && status != 0);
    CHECK(run("for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname "
              "/sys/kernel/uevent_helper; do [ ! -e $f ] || ! echo h >$f || echo wrote $f; done; umount "
              "/proc/sys; "
              "mount -o remount,rw,bind /proc/sys; echo x >/proc/sys/kernel/domainname || echo refused") ==
              0 &&
          said("refused") && !said("wrote"));
    CHECK(run("mount -o remount,ro / || echo refused; poweroff -f") == 0 && said("refused") &&
          status == 128 + SIGINT);
    CHECK(put_file(root, "written", "after\n", 0644));
    return NULL;
}

static void zone_of_a_user(void)
{
    APART(zones);
}

/* The host's network means the host's /sys, with what is mounted there. */
static const char *host_network(void)
{
    const char *lacks = entered_as_user();
    if (lacks != NULL)
        return lacks;
    CHECK(
        run_opts((struct zone_opts){.net = true},
                 "grep -c ' /sys' /proc/self/mountinfo; grep ' /sys' /proc/self/mountinfo | cut -d ' ' -f 6 "
                 "| grep -v ^ro,; umount -l /sys/fs/cgroup; mount -o remount,rw,bind /sys; mkdir "
                 "/sys/fs/cgroup/x; "
                 "echo end") == 0 &&
        status == 0);
    CHECK(said("end") && !said("rw,") && !said("\n0\n"));
    return NULL;
}

static void zone_with_the_hosts_network(void)
{
    APART(host_network);
}

static const char *killed_caller(void)
{
    const char *lacks = entered_as_user();
    if (lacks != NULL)
        return lacks;
    pid_t pid = fork();
    if (pid == 0)
        _exit(run("echo up >/tmp/up; setsid sleep 1000 & sleep 1000") == 0);
    char up[96];
    snprintf(up, sizeof up, "%s/tmp/up", root);
    for (int i = 0; i < 500 && access(up, F_OK) != 0; i++)
        usleep(10000);
    char line[160];
    bool gone = false;
    snprintf(line, sizeof line, "grep -qs %s /proc/[0-9]*/mountinfo", root);
    CHECK(access(up, F_OK) == 0 && system(line) == 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (int i = 0; i < 500 && !gone; i++) {
        usleep(10000);
        gone = system(line) != 0;
    }
    CHECK(gone);
    return NULL;
}

static void zone_of_a_killed_caller(void)
{
    APART(killed_caller);
}

/* An entry that fails: the message and the hint, which always offers the way out. */
static void refused_with(const char *msg, const char *hint)
{
    for (int i = 0; i < 2; i++) {
        err = (struct err){0};
        CHECK((i == 0 ? zone_private_can(&err) : zone_private_enter(&err)) == -1 && err.class == ERR_HOST);
        if (strstr(err.msg, msg) == NULL || strstr(err.hint, hint) == NULL)
            printf("%s (%s)\n", err.msg, err.hint);
        CHECK(strstr(err.msg, msg) != NULL && strstr(err.hint, hint) != NULL);
        CHECK(strstr(err.hint, "--second-stage later") != NULL);
    }
}

static const char *without_newuidmap(void)
{
    if (!own_accounts(ids, ids) || mount("t", "/usr/bin", "tmpfs", 0, NULL) != 0 || !become_user())
        return "no mount namespace here";
    setenv("PATH", "relative:/nonexistent", 1);
    refused_with("needs newuidmap, which is not installed",
                 "install newuidmap and newgidmap (uidmap, shadow-utils)");
    return NULL;
}

static const char *without_newgidmap(void)
{
    if (!own_accounts(ids, ids) || mount("/bin/true", "/usr/bin/newgidmap", NULL, MS_BIND, NULL) != 0 ||
        mount(NULL, "/usr/bin/newgidmap", NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC, NULL) != 0 ||
        !become_user())
        return "no newgidmap (Debian: uidmap)";
    refused_with("needs newgidmap, which is not installed", "install newuidmap");
    return NULL;
}

static const char *without_subids(void)
{
    if (!own_accounts("other:1:65536\n", "") || !become_user())
        return "no mount namespace here";
    if (access("/usr/bin/newuidmap", X_OK) != 0)
        return "no newuidmap (Debian: uidmap)";
    refused_with("/etc/subuid: the user zonetest has no subordinate user ids; a whole system needs 65535",
                 "usermod --add-subuids FIRST-LAST zonetest");
    return NULL;
}

static const char *with_few_subids(void)
{
    if (!own_accounts(ids, "zonetest:500000:1000\n") || !become_user())
        return "no mount namespace here";
    if (access("/usr/bin/newuidmap", X_OK) != 0)
        return "no newuidmap (Debian: uidmap)";
    refused_with("/etc/subgid: the user zonetest has 1000 subordinate group ids; a whole system needs 65535",
                 "usermod --add-subgids FIRST-LAST zonetest");
    return NULL;
}

static void what_is_missing(void)
{
    APART(without_newuidmap);
    APART(without_newgidmap);
    APART(without_subids);
    APART(with_few_subids);
}

/* One that says no, and the real one without its right. */
static const char *failing_newuidmap(void)
{
    const char *lacks = user_with(ids, ids);
    if (lacks != NULL)
        return lacks;
    char path[128];
    snprintf(path, sizeof path, "%s:/usr/bin:/bin", home);
    setenv("PATH", path, 1);
    CHECK(put_file(home, "newuidmap",
                   "#!/bin/sh\necho first\necho 'newuidmap: no luck with' \"$2-$3\" >&2\nexit 1\n", 0755));
    refused_with("/newuidmap cannot map the user ids: newuidmap: no luck with 0-61234",
                 "/etc/subuid must be its own");
    return NULL;
}

static const char *silent_newuidmap(void)
{
    const char *lacks = user_with(ids, ids);
    if (lacks != NULL)
        return lacks;
    setenv("PATH", home, 1);
    CHECK(put_file(home, "newuidmap", "#!/bin/sh\nexit 5\n", 0755));
    refused_with("/newuidmap cannot map the user ids: exit status 5", "/etc/subuid must be its own");
    return NULL;
}

static const char *no_new_rights(void)
{
    const char *lacks = user_with(ids, ids);
    if (lacks != NULL)
        return lacks;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    refused_with("newuidmap cannot map the user ids: newuidmap: ", "no_new_privs");
    return NULL;
}

static void newuidmap_fails(void)
{
    APART(failing_newuidmap);
    APART(silent_newuidmap);
    APART(no_new_rights);
}

/* A user namespace with all the ids, but a limit of its own. */
static const char *forbidden(void)
{
    int go = -1, st = 1;
    if (access("/usr/bin/newuidmap", X_OK) != 0)
        return "no newuidmap (Debian: uidmap)";
    if (!own_accounts(ids, ids))
        return "no mount namespace here";
    pid_t pid = map_all_ids(&go);
    int r = unshare(CLONE_NEWUSER);
    close(go);
    if (pid < 0 || waitpid(pid, &st, 0) != pid || st != 0 || r != 0 ||
        !write_file("/proc/sys/user/max_user_namespaces", "0") || !become_user())
        return "no user namespace with limits of its own here";
    refused_with(
        "lets users make no user namespace of their own (unshare: No space left on device; the sysctl "
        "user.max_user_namespaces is 0)",
        "sysctl user.max_user_namespaces=65536");
    return NULL;
}

static void user_namespaces_forbidden(void)
{
    APART(forbidden);
}

static const char *as_root(void)
{
    char path[128];
    bool mounted;
    CHECK(zone_private_memory(outside, 1 << 20, &mounted, NULL, &err) == -1 && !mounted &&
          err.class == ERR_HOST);
    if (zone_private_can(&err) != 0 && strstr(err.msg, "refuses a mount namespace") != NULL)
        return "no mount namespace here";
    CHECK(zone_private_can(&err) == 0);
    CHECK(zone_private_enter(&err) == 0 && geteuid() == 0);
    CHECK(mount("t", outside, "tmpfs", 0, NULL) == 0);
    snprintf(path, sizeof path, "%s/of-root", outside);
    CHECK(put_file(outside, "of-root", "", 0600) && chown(path, 4000000000u, 4000000000u) == 0);
    CHECK(run("id -u") == 0 && status == 0);
    return NULL;
}

static void enters_as_root(void)
{
    char path[128];
    APART(as_root);
    snprintf(path, sizeof path, "%s/of-root", outside);
    CHECK(access(path, F_OK) != 0);
}

static const char *as_small_root(void)
{
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !write_file("/proc/self/uid_map", "0 0 1"))
        return "no user namespace here";
    refused_with("a user namespace with 1 of the 65536 ids that a whole system needs (/proc/self/uid_map)",
                 "run it outside");
    return NULL;
}

static void root_of_few_ids(void)
{
    APART(as_small_root);
}

int main(void)
{
    make_place();
    if (skip_all == NULL) {
        snprintf(home, sizeof home, "%s/u", place);
        if (chmod(place, 0711) != 0 || mkdir(home, 0755) != 0 || chown(home, USER, GROUP) != 0)
            skip_all = "no directory for a user";
    }
    RUN(ids_of_the_user);
    RUN(zone_of_a_user);
    RUN(zone_with_the_hosts_network);
    RUN(zone_of_a_killed_caller);
    RUN(what_is_missing);
    RUN(newuidmap_fails);
    RUN(user_namespaces_forbidden);
    RUN(enters_as_root);
    RUN(root_of_few_ids);
    remove_place();
    return test_done();
}
