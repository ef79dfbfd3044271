/* Memory in place of a disk for a root that is built and thrown away. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/zone/linux.h"

/* Free memory that is left alone, whatever the root needs; and bytes of memory for each file that may be
 * made. */
static const uint64_t spare = 512 << 20, bytes_per_file = 4096;

/* The number behind key in lines `KEY NUMBER ...'. */
static bool find_number(struct str text, const char *key, uint64_t *n)
{
    struct str line, word;
    while (str_line(&text, &line))
        if (str_word(&line, &word) && str_is(word, key))
            return str_word(&line, &word) && str_u64(word, n);
    return false;
}

static bool read_text(const char *dir, const char *name, struct buf *text)
{
    AUTO_BUF path = {0};
    struct err ignored = {0};
    buf_clear(text);
    buf_printf(&path, "%s/%s", dir, name);
    return file_read(buf_c(&path), 1 << 20, text, &ignored) == 0;
}

/* False when the file is not there or says `max'. */
static bool read_number(const char *dir, const char *name, uint64_t *n)
{
    AUTO_BUF text = {0};
    return read_text(dir, name, &text) && str_u64(str_trim(buf_view(&text)), n);
}

/* What one cgroup may still take: cached files are given up for it (Documentation/admin-guide/cgroup-v2.rst,
 * cgroup-v1/memory.rst). */
static uint64_t left_here(const char *dir, bool v1)
{
    static const char *const limits[2][2] = {{"memory.max", "memory.high"}, {"memory.limit_in_bytes", NULL}};
    AUTO_BUF stat = {0};
    uint64_t limit = UINT64_MAX, used = 0, cached = 0, n;
    for (int i = 0; i < 2 && limits[v1][i] != NULL; i++)
        if (read_number(dir, limits[v1][i], &n) && n < limit)
            limit = n;
    if (limit == UINT64_MAX || !read_number(dir, v1 ? "memory.usage_in_bytes" : "memory.current", &used))
        return limit;
    if (read_text(dir, "memory.stat", &stat))
        find_number(buf_view(&stat), v1 ? "total_inactive_file" : "inactive_file", &cached);
    used -= cached < used ? cached : used;
    return limit > used ? limit - used : 0;
}

uint64_t linux_memory_left(const char *dir, size_t top, bool v1)
{
    AUTO_BUF path = {0};
    uint64_t least = UINT64_MAX;
    buf_puts(&path, dir);
    for (;;) {
        uint64_t left = left_here(buf_c(&path), v1);
        least = left < least ? left : least;
        while (path.n > top && path.p[path.n - 1] != '/')
            path.p[--path.n] = '\0';
        if (path.n <= top)
            return least;
        path.p[--path.n] = '\0';
    }
}

/* 0 when the kernel does not say. */
static uint64_t memory_free(void)
{
    AUTO_BUF info = {0};
    AUTO_BUF dir = {0};
    uint64_t kib;
    size_t top;
    bool v1;
    if (!read_text("/proc", "meminfo", &info) ||
        !find_number(buf_view(&info), "MemAvailable:", &kib)) /* Linux 3.14 */
        return 0;
    uint64_t left =
        linux_cgroup_find("memory", &dir, &top, &v1) ? linux_memory_left(buf_c(&dir), top, v1) : UINT64_MAX;
    return left < kib * 1024 ? left : kib * 1024;
}

int zone_private_memory(const char *dir, uint64_t need_bytes, bool *mounted, const struct log *log,
                        struct err *e)
{
    char data[128];
    struct stat st;
    uint64_t have = memory_free();
    *mounted = false;
    if (!linux_private_entered())
        return err_set(e, ERR_HOST, "%s: no mount namespace of its own to mount memory in", dir);
    if (stat(dir, &st) != 0)
        return err_sys(e, ERR_HOST, errno, "%s", dir);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_HOST, "%s: not a directory", dir);
    if (have < spare || need_bytes > (have - spare) / 3 * 2) {
        log_debug(log, "%s: stays on disk: it needs %llu MiB, %llu MiB of memory are free", dir,
                  (unsigned long long)need_bytes >> 20, (unsigned long long)have >> 20);
        return 0;
    }
    /* Half of what it does not need is left to everybody else. */
    unsigned long long size = need_bytes + (have - need_bytes) / 2;
    snprintf(data, sizeof data, "mode=0755,size=%llu,nr_inodes=%llu", size, size / bytes_per_file);
    if (mount("zonestrap", dir, "tmpfs", MS_NODEV | MS_NOATIME, data) != 0) {
        log_debug(log, "%s: stays on disk: tmpfs: %s", dir, strerror(errno));
        return 0;
    }
    log_debug(log, "%s: in memory, at most %llu MiB", dir, size >> 20);
    *mounted = true;
    return 0;
}

void zone_private_forget(const char *dir)
{
    umount2(dir, MNT_DETACH);
}
