/* cmd/zone/linux_memory.c: memory in place of a disk. Mounting needs root. */
#include "tests/unit/zone_help.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

static char top[128];

/* The files of a cgroup, as NAME=TEXT words; dir is below top. */
static void cgroup(const char *dir, const char *files)
{
    char path[256];
    struct str rest = str_c(files), word, name;
    snprintf(path, sizeof path, "%s%s", top, dir);
    mkdir(path, 0755);
    while (str_word(&rest, &word)) {
        char file[64], text[256];
        str_cut(&word, '=', &name);
        snprintf(file, sizeof file, "%.*s", (int)name.n, name.p);
        snprintf(text, sizeof text, "%.*s\n", (int)word.n, word.p);
        for (char *p = text; (p = strpbrk(p, ",;")) != NULL;)
            *p = *p == ',' ? ' ' : '\n';
        CHECK(put_file(path, file, text, 0644));
    }
}

static uint64_t left(const char *dir, bool v1)
{
    char path[256];
    snprintf(path, sizeof path, "%s%s", top, dir);
    return linux_memory_left(path, strlen(top), v1);
}

static void limits(void)
{
    char name[] = "/var/tmp/zs-unit.XXXXXX";
    CHECK(mkdtemp(name) != NULL);
    snprintf(top, sizeof top, "%s", name);
    cgroup("/a",
           "memory.max=1000 memory.high=max memory.current=400 memory.stat=anon,5;inactive_file,150;file,9");
    cgroup("/a/b", "memory.max=max memory.current=90");
    cgroup("/a/b/c", "memory.max=800 memory.high=700 memory.current=650 memory.stat=inactive_file,10000");
    CHECK(left("/a/b/c", false) == 700 && left("/a/b", false) == 750 && left("/a", false) == 750);
    CHECK(left("/a/b/", false) == 750 && left("/none", false) == UINT64_MAX && left("", false) == UINT64_MAX);
    cgroup("/a/b/c", "memory.current=900 memory.stat=");
    CHECK(left("/a/b/c", false) == 0);
    cgroup("", "memory.limit_in_bytes=9223372036854771712 memory.usage_in_bytes=1");
    cgroup("/v", "memory.limit_in_bytes=5000 memory.usage_in_bytes=4000 "
                 "memory.stat=inactive_file,1;total_inactive_file,7");
    cgroup("/v/w", "memory.limit_in_bytes=9223372036854771712 memory.usage_in_bytes=10");
    CHECK(left("/v/w", true) == 1007 && left("/", true) == 9223372036854771711u);
    cgroup("/v/w", "memory.limit_in_bytes=-1 memory.usage_in_bytes=x");
    CHECK(left("/v/w", true) == 1007);
    host_shell("rm -r %s", name);
}

static bool mounted;

/* In a process of its own, whose mounts nobody else sees; 77: no namespaces here. */
static void apart(int (*fn)(void))
{
    int st = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int r = zone_private_enter(&err) == 0 ? fn() : 77;
        fflush(stdout);
        _exit(r != 0 ? r : test_failed_here);
    }
    CHECK(pid > 0 && waitpid(pid, &st, 0) == pid && WIFEXITED(st));
    if (WEXITSTATUS(st) == 77)
        SKIP("no mount namespace, or no memory cgroup that may be written");
    CHECK(WEXITSTATUS(st) == 0);
    CHECK(nothing_left(pid));
}

static int take(void)
{
    struct stat dir, above;
    struct statvfs fs;
    CHECK(zone_private_memory(outside, 1 << 20, &mounted, NULL, &err) == 0);
    CHECK(stat(outside, &dir) == 0 && stat(place, &above) == 0);
    if (!mounted) /* a machine with very little memory */
        return dir.st_dev == above.st_dev ? 77 : 1;
    CHECK(dir.st_dev != above.st_dev && dir.st_mode == (S_IFDIR | 0755) && dir.st_uid == 0);
    CHECK(statvfs(outside, &fs) == 0 && (uint64_t)fs.f_blocks * fs.f_frsize >= 256 << 20 &&
          fs.f_files >= 65536);
    CHECK((uint64_t)fs.f_blocks * fs.f_frsize <
          (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
    char path[128];
    snprintf(path, sizeof path, "%s/f", outside);
    CHECK(put_file(outside, "f", "x", 0600) && chown(path, 1, 65534) == 0);
    return 0;
}

static int refuse(void)
{
    struct stat dir, above;
    static const uint64_t much[] = {UINT64_MAX, UINT64_MAX / 2, (uint64_t)1 << 50};
    for (size_t i = 0; i < sizeof much / sizeof *much; i++) {
        mounted = true;
        CHECK(zone_private_memory(outside, much[i], &mounted, NULL, &err) == 0 && !mounted);
    }
    CHECK(stat(outside, &dir) == 0 && stat(place, &above) == 0 && dir.st_dev == above.st_dev);
    CHECK(zone_private_memory("/no/such/dir", 1, &mounted, NULL, &err) == -1 && err.sys == ENOENT &&
          !mounted);
    CHECK(zone_private_memory("/etc/passwd", 1, &mounted, NULL, &err) == -1 && err.class == ERR_HOST &&
          !mounted);
    return 0;
}

static void taken(void)
{
    NEEDS_ROOT;
    apart(take);
    char path[128];
    snprintf(path, sizeof path, "%s/f", outside);
    CHECK(access(path, F_OK) != 0);
}

static void not_taken(void)
{
    NEEDS_ROOT;
    apart(refuse);
}

/* In a memory cgroup of its own, v1 or v2, what the machine has does not count. */
static int limited(void)
{
    struct buf dir = {0};
    char own[512], pid[32];
    size_t n;
    bool v1;
    if (!linux_cgroup_find("memory", &dir, &n, &v1))
        return 77;
    snprintf(own, sizeof own, "%s/zs-unit.%d", buf_c(&dir), (int)getpid());
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    buf_free(&dir);
    const char *limit = v1 ? "memory.limit_in_bytes" : "memory.max";
    char line[1400];
    snprintf(line, sizeof line,
             "mkdir %s 2>/dev/null && cd %s && test -w %s && echo 1G >%s && echo %s >cgroup.procs", own, own,
             limit, limit, pid);
    int r = system(line) == 0 ? 0 : 77;
    if (r == 0) {
        CHECK(zone_private_memory(outside, 700 << 20, &mounted, NULL, &err) == 0 && !mounted);
        CHECK(zone_private_memory(outside, 100 << 20, &mounted, NULL, &err) == 0 && mounted);
    }
    snprintf(line, sizeof line, "cd %s/.. && echo %s >cgroup.procs && echo $$ >cgroup.procs; rmdir %s", own,
             pid, own);
    if (system(line) != 0)
        printf("# %s stays\n", own);
    return r;
}

static void limit_of_a_cgroup(void)
{
    NEEDS_ROOT;
    apart(limited);
}

int main(void)
{
    make_place();
    RUN(limits);
    RUN(taken);
    RUN(not_taken);
    RUN(limit_of_a_cgroup);
    remove_place();
    return test_done();
}
