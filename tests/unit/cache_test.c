#include "mirrors/cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static const char *dir;

static struct digest digest_text(const char *text)
{
    struct digest d = {0};
    struct err e = {0};
    CHECK(digest_of(&d, DIGEST_SHA256, str_c(text), &e) == 0);
    return d;
}

static void put(struct cache *c, const char *text)
{
    struct err e = {0};
    struct cache_part p;
    struct digest d = digest_text(text);
    CHECK(cache_part_open(c, &d, &p, &e) == 0 && p.have == 0);
    CHECK(file_write_fd(p.fd, "part", text, strlen(text), &e) == 0);
    CHECK(cache_part_commit(c, &p, &d, &e) == 0);
    close(p.fd);
}

static void get(struct cache *c, const char *text, bool there)
{
    struct err e = {0};
    AUTO_BUF b = {0};
    struct digest d = digest_text(text);
    AUTO_FD fd = cache_get(c, &d, strlen(text));
    CHECK((fd >= 0) == there);
    if (fd >= 0 && there) {
        CHECK(file_read_fd(fd, "got", 1000, &b, &e) == 0);
        CHECK_STR(buf_c(&b), text);
    }
}

static const char *path_of(struct cache *c, const char *text)
{
    static char path[256];
    char hex[DIGEST_HEX_MAX];
    struct digest d = digest_text(text);
    digest_hex(&d, hex);
    snprintf(path, sizeof path, "%s/sha256/%.2s/%s", c->dir, hex, hex + 2);
    return path;
}

static void open_it(struct cache *c)
{
    struct err e = {0};
    CHECK(cache_open(c, dir, &e) == 0);
    if (e.msg[0])
        printf("%s\n", e.msg);
}

static void stores_and_finds(void)
{
    struct cache c;
    open_it(&c);
    get(&c, "hello", false);
    put(&c, "hello");
    get(&c, "hello", true);
    cache_close(&c);
    open_it(&c);
    get(&c, "hello", true);
    CHECK(access(path_of(&c, "hello"), R_OK) == 0);
    cache_close(&c);
}

static void damaged_files_are_removed(void)
{
    struct cache c;
    struct err e = {0};
    open_it(&c);
    put(&c, "precious");
    CHECK(file_replace(path_of(&c, "precious"), STR("precjous"), 0644, &e) == 0);
    get(&c, "precious", false);
    CHECK(access(path_of(&c, "precious"), F_OK) < 0);
    put(&c, "precious");
    CHECK(truncate(path_of(&c, "precious"), 3) == 0);
    get(&c, "precious", false);
    CHECK(access(path_of(&c, "precious"), F_OK) < 0);
    CHECK(symlink("/etc/passwd", path_of(&c, "precious")) == 0);
    get(&c, "precious", false);
    put(&c, "precious"); /* replaces the link, does not write through it */
    get(&c, "precious", true);
    cache_close(&c);
}

static void partials_are_kept_or_not(void)
{
    struct cache c;
    struct err e = {0};
    struct cache_part p;
    struct digest d = digest_text("long content");
    open_it(&c);
    CHECK(cache_part_open(&c, &d, &p, &e) == 0 && p.have == 0);
    CHECK(write(p.fd, "long", 4) == 4);
    cache_part_drop(&c, &p, 1);
    CHECK(cache_part_open(&c, &d, &p, &e) == 0 && p.have == 4);
    CHECK(write(p.fd, " content", 8) == 8); /* the offset is at the end */
    CHECK(cache_part_commit(&c, &p, &d, &e) == 0);
    CHECK(lseek(p.fd, 0, SEEK_SET) == 0);
    close(p.fd);
    get(&c, "long content", true);
    d = digest_text("other content");
    CHECK(cache_part_open(&c, &d, &p, &e) == 0 && p.have == 0);
    CHECK(write(p.fd, "bad", 3) == 3);
    cache_part_drop(&c, &p, 0);
    CHECK(cache_part_open(&c, &d, &p, &e) == 0 && p.have == 0);
    cache_part_drop(&c, &p, 0);
    cache_close(&c);
}

static void a_held_partial_gives_a_private_one(void)
{
    struct cache c;
    struct err e = {0};
    struct cache_part p, q;
    struct digest d = digest_text("wanted by two");
    open_it(&c);
    CHECK(cache_part_open(&c, &d, &p, &e) == 0);
    CHECK(write(p.fd, "wan", 3) == 3);
    CHECK(cache_part_open(&c, &d, &q, &e) == 0 && q.have == 0);
    CHECK(strcmp(p.name, q.name) != 0);
    CHECK(write(q.fd, "wanted by two", 13) == 13);
    CHECK(cache_part_commit(&c, &q, &d, &e) == 0);
    get(&c, "wanted by two", true);
    CHECK(write(p.fd, "ted by two", 10) == 10);
    CHECK(cache_part_commit(&c, &p, &d, &e) == 0);
    get(&c, "wanted by two", true);
    close(p.fd);
    close(q.fd);
    cache_close(&c);
}

/* A committed file must not be written to by who waited for its partial's lock under the old name. */
static void a_committed_partial_is_not_reused(void)
{
    struct cache c;
    struct err e = {0};
    struct cache_part p, q;
    struct digest d = digest_text("final");
    open_it(&c);
    CHECK(cache_part_open(&c, &d, &p, &e) == 0);
    CHECK(write(p.fd, "final", 5) == 5);
    CHECK(cache_part_commit(&c, &p, &d, &e) == 0);
    CHECK(cache_part_open(&c, &d, &q, &e) == 0 && q.have == 0); /* while p.fd is open and locked */
    CHECK(write(q.fd, "junk!", 5) == 5);
    get(&c, "final", true);
    cache_part_drop(&c, &q, 0);
    close(p.fd);
    get(&c, "final", true);
    cache_close(&c);
}

static void what_killed_runs_left_is_swept(void)
{
    struct cache c;
    struct err e = {0};
    struct cache_part p, q;
    char stale[192], live[192], forgotten[192], young[192];
    struct digest d = digest_text("never finished");
    struct timespec old[2] = {{time(NULL) - 100000, 0}, {time(NULL) - 100000, 0}};
    open_it(&c);
    CHECK(cache_part_open(&c, &d, &p, &e) == 0);
    CHECK(cache_part_open(&c, &d, &q, &e) == 0); /* private, and locked */
    snprintf(live, sizeof live, "%s/%s", dir, q.name);
    snprintf(stale, sizeof stale, "%s/partial/private-1-1", dir);
    CHECK(file_replace(stale, STR("x"), 0644, &e) == 0);
    snprintf(forgotten, sizeof forgotten, "%s/partial/sha256-aa", dir);
    snprintf(young, sizeof young, "%s/partial/sha256-bb", dir);
    CHECK(file_replace(forgotten, STR("x"), 0644, &e) == 0 && file_replace(young, STR("x"), 0644, &e) == 0);
    CHECK(utimensat(AT_FDCWD, young, old, 0) == 0);
    old[1].tv_sec -= 30 * 24 * 3600;
    CHECK(utimensat(AT_FDCWD, forgotten, old, 0) == 0);
    CHECK(utimensat(AT_FDCWD, stale, old, 0) == 0 && utimensat(AT_FDCWD, live, old, 0) == 0);
    struct cache again;
    open_it(&again);
    CHECK(access(stale, F_OK) < 0 && access(forgotten, F_OK) < 0);
    CHECK(access(young, F_OK) == 0 && unlink(young) == 0);
    CHECK(access(live, F_OK) == 0);
    cache_close(&again);
    cache_part_drop(&c, &p, 0);
    cache_part_drop(&c, &q, 1); /* nobody would find a private one again */
    CHECK(access(live, F_OK) < 0);
    cache_close(&c);
}

static void named_entries(void)
{
    struct cache c;
    struct err e = {0};
    AUTO_BUF b = {0};
    open_it(&c);
    CHECK(cache_get_named(&c, "http://h.example dists/x", 100, &b, &e) == 1);
    CHECK(e.class == ERR_NONE);
    CHECK(cache_put_named(&c, "http://h.example dists/x", STR("first"), &e) == 0);
    CHECK(cache_put_named(&c, "http://h.example dists/x", STR("second"), &e) == 0);
    CHECK(cache_get_named(&c, "http://h.example dists/x", 100, &b, &e) == 0);
    CHECK_STR(buf_c(&b), "second");
    CHECK(cache_get_named(&c, "http://h.example dists/y", 100, &b, &e) == 1);
    buf_clear(&b);
    CHECK(cache_get_named(&c, "http://h.example dists/x", 3, &b, &e) == -1 && e.class == ERR_HOST);
    cache_close(&c);
}

static void an_unusable_directory_is_an_error(void)
{
    struct cache c;
    struct err e = {0};
    char file[128];
    CHECK(cache_open(&c, "/proc/nonexistent/cache", &e) < 0);
    CHECK(e.class == ERR_HOST && strstr(e.msg, "/proc/nonexistent") != NULL);
    snprintf(file, sizeof file, "%s/file", dir);
    CHECK(file_replace(file, STR("x"), 0644, &e) == 0);
    CHECK(cache_open(&c, file, &e) < 0 && e.class == ERR_HOST);
    cache_close(&c); /* after a failure too */
}

/* Another user could change what was verified, before it is read. */
static void what_others_may_write_is_refused(void)
{
    struct cache c;
    struct err e = {0};
    struct digest d = digest_text("theirs");
    struct cache_part p;
    open_it(&c);
    put(&c, "theirs");
    CHECK(chmod(path_of(&c, "theirs"), 0666) == 0);
    get(&c, "theirs", false);
    CHECK(cache_part_open(&c, &d, &p, &e) == 0 && fchmod(p.fd, 0664) == 0);
    CHECK(file_write_fd(p.fd, "part", "poison", 6, &e) == 0);
    cache_part_drop(&c, &p, 1);
    CHECK(cache_part_open(&c, &d, &p, &e) == 0 && p.have == 0);
    cache_part_drop(&c, &p, 0);
    cache_close(&c);
    CHECK(chmod(dir, 0777) == 0);
    CHECK(cache_open(&c, dir, &e) == -1 && e.class == ERR_HOST && strstr(e.msg, "others") != NULL);
    CHECK(chmod(dir, 01775) == 0 && cache_open(&c, dir, &e) == -1 && e.hint[0] != '\0');
    CHECK(chmod(dir, 0755) == 0);
    if (geteuid() == 0) {
        CHECK(chown(dir, 12345, 0) == 0);
        CHECK(cache_open(&c, dir, &e) == -1 && strstr(e.msg, "12345") != NULL);
        CHECK(chown(dir, 0, 0) == 0);
    }
    open_it(&c);
    cache_close(&c);
}

static void a_directory_without_write_permission(void)
{
    int status = -1;
    if (geteuid() != 0)
        SKIP("needs root, to become somebody else");
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct cache c;
        struct err e = {0};
        if (setuid(65534) < 0)
            _exit(2);
        _exit(cache_open(&c, dir, &e) < 0 && e.class == ERR_HOST && strstr(e.msg, dir) != NULL ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    CHECK(status == 0);
}

int main(void)
{
    dir = scratch_new();
    if (chmod(dir, 0755) < 0)
        return 1;
    RUN(stores_and_finds);
    RUN(damaged_files_are_removed);
    RUN(partials_are_kept_or_not);
    RUN(a_held_partial_gives_a_private_one);
    RUN(a_committed_partial_is_not_reused);
    RUN(what_killed_runs_left_is_swept);
    RUN(named_entries);
    RUN(an_unusable_directory_is_an_error);
    RUN(what_others_may_write_is_refused);
    RUN(a_directory_without_write_permission);
    scratch_remove();
    return test_done();
}
