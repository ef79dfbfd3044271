/* cmd/zone/manager_record.c: what is kept of a zone, and what is not believed. */
#define _GNU_SOURCE /* unshare(2) */
#include <sched.h>
#include <sys/wait.h>

#include "tests/unit/manager_help.h"

static const char *const lines[] = {"rmdir /a/b", "run rm -f /x", "run a ; b", "halt",
                                    "uninstall",  "root /r",      "unlink /u", "rmdir-parent /p"};
enum { LINES = sizeof lines / sizeof *lines };

static struct manager_zone sample(const char *name)
{
    struct manager_zone z = zone_named(name);
    z.manager = &manager_lxc;
    z.kind = "lxc";
    z.what = "debian/bookworm";
    z.dir = "/zones/one";
    z.root = "/zones/one/rootfs";
    z.config = "/zones/one/config";
    z.net = "none";
    return z;
}

static int write_sample(const char *name)
{
    struct manager_zone z = sample(name);
    const struct manager_undo u = {(const char **)lines, LINES, LINES};
    int fd, rc = manager_record_lock(name, true, &fd, &err);
    if (rc == 0)
        rc = manager_record_write(&z, &u, &err);
    manager_record_unlock(name, fd, true);
    return rc;
}

static void names(void)
{
    static const char *const good[] = {"a", "web1", "A-b-3",
                                       "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefgh"},
                             *const bad[] = {"",
                                             "-a",
                                             "a-",
                                             "1a",
                                             "a_b",
                                             "a.b",
                                             "a/b",
                                             "../x",
                                             "a b",
                                             "global",
                                             "ä",
                                             "a\n",
                                             "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(manager_name_check(good[i], &err) == 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        begin();
        CHECK(manager_name_check(bad[i], &err) < 0 && err.class == ERR_USAGE);
    }
}

static void round_trip(void)
{
    NEEDS_ZONES;
    begin();
    struct manager_undo u;
    struct manager_zone z = zone_named("one");
    CHECK(manager_record_read(&z, &u, &err) == 1);
    CHECK(write_sample("one") == 0 && manager_record_read(&z, &u, &err) == 0);
    CHECK(z.manager == &manager_lxc && !z.ready && !z.sure && z.link == NULL);
    CHECK_STR(z.what, "debian/bookworm");
    CHECK_STR(z.root, "/zones/one/rootfs");
    CHECK(u.n == LINES);
    for (size_t i = 0; i < u.n; i++)
        CHECK_STR(u.v[i], lines[i]);
    z.ready = true;
    CHECK(manager_record_write(&z, &u, &err) == 0 && manager_record_read(&z, &u, &err) == 0 && z.ready);
    z.ready = false;
    z.sure = true;
    CHECK(manager_record_write(&z, &u, &err) == 0 && manager_record_read(&z, &u, &err) == 0 && z.sure &&
          !z.ready);
    struct stat st;
    CHECK(stat(MANAGER_ZONES "/one.zone", &st) == 0 && (st.st_mode & 07777) == 0600);
    CHECK(stat(MANAGER_ZONES, &st) == 0 && (st.st_mode & 07777) == 0700);
}

static void put(const char *text)
{
    CHECK(file_replace(MANAGER_ZONES "/one.zone", str_c(text), 0600, &err) == 0);
}

#define HEAD                                                                                                 \
    "[zone]\nmanager lxc\nstate ready\nkind lxc\ndir /zones/one\nroot /zones/one/rootfs\n[undo]\nhalt\n"

/* Each is one line of error that names the file. */
static void refused(const char *text, const char *why)
{
    struct manager_undo u;
    struct manager_zone z = zone_named("one");
    begin();
    put(text);
    CHECK(manager_record_read(&z, &u, &err) == -1 && err.class == ERR_HOST);
    if (strstr(err.msg, why) == NULL || strstr(err.msg, MANAGER_ZONES "/one.zone") == NULL)
        CHECK_STR(err.msg, why);
}

static void hand_edited(void)
{
    NEEDS_ZONES;
    struct manager_undo u;
    struct manager_zone z = zone_named("one");
    CHECK(write_sample("one") == 0);
    put(HEAD "[end]\n");
    CHECK(manager_record_read(&z, &u, &err) == 0 && u.n == 1);
    refused("", "not a whole record");
    refused("[zone", "");
    refused("[zone]\n", "not a whole record");
    refused(HEAD, "not a whole record"); /* torn: what stood behind is lost */
    refused(HEAD "rmdir /a\n[en", "");
    refused(HEAD "\0 rmdir /a\n[end]\n", "not a whole record");
    refused(HEAD "[more]\n[end]\n", "unknown section `more'");
    refused("x y\n" HEAD "[end]\n", "unknown section");
    refused(HEAD "erase /a\n[end]\n", "no way to undo `erase /a'");
    refused(HEAD "rmdir a\n[end]\n", "no way to undo `rmdir a'");
    refused(HEAD "unlink /a /b\n[end]\n", "no way to undo");
    refused(HEAD "run\n[end]\n", "no way to undo `run'");
    refused(HEAD "run rm /a ;\n[end]\n", "no way to undo `run rm /a ;'");
    refused(HEAD "run ; rm /a\n[end]\n", "no way to undo");
    refused(HEAD "run rm /a ; test -e /a ; true\n[end]\n", "no way to undo");
    refused(HEAD "run rm a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a\n[end]\n",
            "no way to undo");
    refused(HEAD "halt now\n[end]\n", "no way to undo");
    refused("[zone]\nmanager none\n[end]\n", "no zone manager `none'");
    refused("[zone]\nstate odd\n[end]\n", "unknown state");
    refused("[zone]\ndir zones/one\n[end]\n", "dir is a path from the root on");
    refused("[zone]\nkind a b\n[end]\n", "kind is one word");
    refused("[zone]\ndataset -r\n[end]\n", "dataset is one word");
    refused("[zone]\ncolour red\n[end]\n", "unknown keyword");
}

static void not_believed(void)
{
    NEEDS_ZONES;
    struct manager_undo u;
    struct manager_zone z = zone_named("one");
    const char *file = MANAGER_ZONES "/one.zone";
    begin();
    put(HEAD "[end]\n");
    CHECK(chmod(file, 0620) == 0 && manager_record_read(&z, &u, &err) == -1);
    CHECK(strstr(err.msg, "others than root could have written it") != NULL);
    CHECK(chmod(file, 0600) == 0 && chown(file, 1, 0) == 0 && manager_record_read(&z, &u, &err) == -1);
    CHECK(chown(file, 0, 0) == 0 && chmod(MANAGER_ZONES, 0777) == 0 &&
          manager_record_read(&z, &u, &err) == -1);
    CHECK(chmod(MANAGER_ZONES, 0700) == 0 && manager_record_read(&z, &u, &err) == 0);
    CHECK(rename(file, MANAGER_ZONES "/other") == 0 && symlink("other", file) == 0 &&
          manager_record_read(&z, &u, &err) == -1);
    CHECK(unlink(file) == 0 && mkfifo(file, 0600) == 0 && manager_record_read(&z, &u, &err) == -1);
    CHECK(unlink(file) == 0 && unlink(MANAGER_ZONES "/other") == 0);
}

static void locked(void)
{
    NEEDS_ZONES;
    int fd, again = -1;
    begin();
    CHECK(manager_record_lock("two", true, &fd, &err) == 0);
    CHECK(manager_record_lock("two", true, &again, &err) < 0 && again == -1);
    CHECK_STR(err.msg, "zone two: another zonestrap is at work on it");
    manager_record_unlock("two", again, true); /* of none: nothing happens */
    CHECK(zones_has("two.lock"));
    manager_record_unlock("two", fd, false);
    CHECK(zones_has("two.lock") &&
          manager_record_lock("two", false, &fd, &err) == 0); /* a stale file is no lock */
    manager_record_unlock("two", fd, true);
    CHECK(!zones_has("two.lock"));
    /* A killed one's is free. */
    pid_t pid = fork();
    if (pid == 0)
        _exit(manager_record_lock("two", true, &fd, &err) != 0);
    int status = -1;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0 && manager_record_lock("two", true, &fd, &err) == 0);
    manager_record_unlock("two", fd, true);
}

static void removed_and_listed(void)
{
    NEEDS_ZONES;
    begin();
    static const char *const beside[] = {"one.console",     "one.run",  "one.zone.abcdef",
                                         ".one.tar.gz-new", "one.lock", "one-b.console"};
    const char **names_found;
    size_t n;
    CHECK(write_sample("one-b") == 0 && write_sample("one") == 0 && write_sample("a") == 0);
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
        CHECK(file_replace(arena_printf(&arena, MANAGER_ZONES "/%s", beside[i]), STR("x"), 0600, &err) == 0);
    CHECK(file_replace(MANAGER_ZONES "/no name.zone", STR("x"), 0600, &err) == 0);
    CHECK(manager_record_list(&arena, &names_found, &n, &err) == 0 && n == 3);
    CHECK_STR(names_found[0], "a");
    CHECK_STR(names_found[2], "one-b");
    CHECK(manager_record_remove("one", &err) == 0 && manager_record_remove("one", &err) == 0);
    CHECK(!zones_has("one.zone") && !zones_has("one.console") && !zones_has("one.run") &&
          !zones_has("one.zone.abcdef") && !zones_has(".one.tar.gz-new"));
    CHECK(zones_has("one.lock") && zones_has("one-b.console") && zones_has("one-b.zone"));
}

int main(void)
{
    own_zones("mode=755");
    RUN(names);
    RUN(round_trip);
    RUN(hand_edited);
    RUN(not_believed);
    RUN(locked);
    RUN(removed_and_listed);
    arena_free(&arena);
    buf_free(&warned);
    return test_done();
}
