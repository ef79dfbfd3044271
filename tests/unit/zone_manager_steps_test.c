/* cmd/zone/manager_steps.c: a zone is made whole or not at all, wherever it fails. The manager is one of the
   test's own; its commands are true, false, touch and the like. */
#define _GNU_SOURCE /* unshare(2) */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/manager_help.h"

/* What the manager was told, and what it shall do. */
static struct buf said;
static enum manager_state state_now;
static bool boot_fails, halt_fails, ends_at_once;
static const char *fill_does; /* "", or what goes wrong in it */

static int fake_state(const struct manager_zone *z, enum manager_state *out, struct err *e)
{
    (void)z;
    (void)e;
    *out = state_now;
    return 0;
}

static int fake_boot(const struct manager_zone *z, struct err *e)
{
    buf_puts(&said, "boot ");
    if (boot_fails)
        return err_set(e, ERR_HOST, "%s does not boot", z->name);
    state_now = ends_at_once ? MANAGER_HALTED : MANAGER_RUNNING;
    return 0;
}

static int fake_halt(const struct manager_zone *z, struct err *e)
{
    buf_puts(&said, "halt ");
    if (halt_fails)
        return err_set(e, ERR_HOST, "%s does not halt", z->name);
    state_now = MANAGER_HALTED;
    return 0;
}

static const char *const *no_command(const struct manager_zone *z)
{
    return manager_argv(z->arena, "false", NULL);
}

/* Its records are read as nspawn's, which halts what runs by a file that none of these zones has. */
static const struct manager fake = {.name = "nspawn",
                                    .state = fake_state,
                                    .boot = no_command,
                                    .halt = no_command,
                                    .do_boot = fake_boot,
                                    .do_halt = fake_halt};

static const char *at(const char *name)
{
    return arena_dup(&arena, in_scratch(name));
}

static int fill(void *ctx, const char *path, struct err *e)
{
    (void)ctx;
    if (mkdir(path, 0755) < 0 || mkdir(arena_printf(&arena, "%s/etc", path), 0755) < 0)
        return err_set(e, ERR_HOST, "%s: there", path);
    if (strcmp(fill_does, "fail") == 0)
        return err_set(e, ERR_HOST, "the root does not come to be");
    if (strcmp(fill_does, "die") == 0)
        kill(getpid(), SIGKILL);
    if (strcmp(fill_does, "stop") == 0)
        stop = stop + 1;
    if (strcmp(fill_does, "taken") == 0) { /* by somebody else, while it is made elsewhere */
        err_set(e, ERR_HOST, "%s: appeared", path);
        e->sys = EEXIST;
        return -1;
    }
    if (strcmp(fill_does, "conf") == 0 && close(creat(at("zone/conf"), 0644)) < 0)
        abort();
    if (strcmp(fill_does, "disk") == 0) {
        static const char block[4096];
        AUTO_FD fd = creat("/var/lib/full", 0600);
        while (write(fd, block, sizeof block) > 0)
            ;
    }
    return 0;
}

static int second(void *ctx, const char *const *argv, struct err *e)
{
    (void)ctx;
    (void)e;
    buf_printf(&said, "second:%s ", argv[0]);
    return 0;
}

static int drop_root(void *ctx, const char *path, struct err *e)
{
    (void)ctx;
    if (strcmp(fill_does, "stop") == 0)
        stop = stop + 1; /* once more, while it is undone */
    AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    return tree_rm_below(fd, NULL, path, e) < 0 || rmdir(path) < 0 ? -1 : 0;
}

static const struct manager_calls calls = {.fill = fill, .second = second, .drop_root = drop_root};

static struct manager_zone new_zone(void)
{
    struct manager_zone z = zone_named("fake1");
    begin();
    buf_clear(&said);
    state_now = MANAGER_ABSENT;
    boot_fails = halt_fails = ends_at_once = false;
    fill_does = "";
    z.manager = &fake;
    z.kind = "none";
    z.dir = at("zone");
    z.root = at("zone/root");
    return z;
}

static const char *const *touch(const char *path)
{
    return manager_argv(&arena, "touch", path, NULL);
}

static void add_failing(struct manager_steps *s, size_t where)
{
    if (s->n == where)
        manager_steps_command(s, manager_argv(&arena, "false", NULL), "false");
}

enum { STEPS = 9, NEVER = 99 };

/* Steps of all kinds; one more that fails before the step `where'. */
static void add_steps(const struct manager_zone *z, struct manager_steps *s, size_t where)
{
    *s = (struct manager_steps){.arena = &arena};
    add_failing(s, where);
    manager_steps_add(s, MANAGER_DIR, z->dir, (struct str){0});
    add_failing(s, where);
    manager_steps_command(s, touch(at("made")), "rm %s", at("made"));
    add_failing(s, where);
    manager_steps_command(s, touch(at("sought")), "rm %s", at("sought"));
    manager_steps_found(s, manager_argv(&arena, "test", "-e", at("sought"), NULL));
    add_failing(s, where);
    manager_steps_place(s, z, z->root);
    add_failing(s, where);
    manager_steps_add(s, MANAGER_FILE, at("zone/conf"), STR("a = b\n"));
    add_failing(s, where);
    manager_steps_add(s, MANAGER_FILE, at("etc/zones/deep/conf"), STR("c\n"));
    add_failing(s, where);
    manager_steps_leftover(s, at("lock"));
    add_failing(s, where);
    manager_steps_add(s, MANAGER_BOOT, NULL, (struct str){0});
    add_failing(s, where);
    manager_steps_add(s, MANAGER_SECOND, NULL, (struct str){0});
    s->v[s->n - 1].argv = manager_argv(&arena, "sh", NULL);
    add_failing(s, where);
}

static bool nothing_left(void)
{
    bool empty = system(arena_printf(&arena, "[ -z \"$(find %s -mindepth 1)\" ] || { find %s; exit 1; }",
                                     scratch, scratch)) == 0;
    return empty && !zones_has("fake1.zone") && state_now != MANAGER_RUNNING;
}

static void whole(void)
{
    NEEDS_ZONES;
    struct manager_steps s;
    struct str text;
    struct buf conf = {0};
    scratch_new();
    struct manager_zone z = new_zone();
    add_steps(&z, &s, NEVER);
    CHECK(s.n == STEPS && manager_make_check(&z, &s, &err) == 0 && manager_make(&z, &s, &calls, &err) == 0);
    CHECK_STR(err.msg, "");
    CHECK_STR(buf_c(&said), "boot second:sh ");
    CHECK(z.ready && is_there(at("made")) && is_there(at("zone/root/etc")));
    CHECK(file_read(at("etc/zones/deep/conf"), 99, &conf, &err) == 0);
    text = buf_view(&conf);
    CHECK(str_is(text, "c\n"));
    buf_free(&conf);
    /* A second one of its name, or in its place. */
    CHECK(manager_make(&z, &s, &calls, &err) < 0);
    CHECK_STR(err.msg, "there is one already");
    CHECK(close(creat(at("lock"), 0600)) == 0); /* by the manager */
    state_now = MANAGER_HALTED;
    CHECK(manager_unmake(&z, &calls, &err) == 0 && nothing_left());
    CHECK_STR(buf_c(&warned), "");
    CHECK(manager_unmake(&z, &calls, &err) < 0);
    CHECK_STR(err.msg, "there is none of this name");
}

static void fails_at_each(void)
{
    NEEDS_ZONES;
    for (size_t where = 0; where <= STEPS; where++) {
        struct manager_steps s;
        scratch_new();
        struct manager_zone z = new_zone();
        add_steps(&z, &s, where);
        CHECK(s.n == STEPS + 1 && manager_make(&z, &s, &calls, &err) < 0 && err.class == ERR_HOST);
        CHECK_STR(err.msg, "false failed: it did not say why");
        CHECK(nothing_left());
        CHECK_STR(buf_c(&warned), "");
    }
}

static int make_with(struct manager_zone *z)
{
    struct manager_steps s;
    add_steps(z, &s, NEVER);
    return manager_make(z, &s, &calls, &err);
}

static void fails_inside(void)
{
    NEEDS_ZONES;
    scratch_new();
    struct manager_zone z = new_zone();
    fill_does = "fail";
    CHECK(make_with(&z) < 0 && nothing_left());
    CHECK_STR(err.msg, "the root does not come to be");
    z = new_zone();
    boot_fails = true;
    CHECK(make_with(&z) < 0 && nothing_left());
    CHECK_STR(err.msg, "cannot be booted: fake1 does not boot");
    z = new_zone();
    ends_at_once = true;
    CHECK(make_with(&z) < 0 && nothing_left());
    CHECK_STR(err.msg, "cannot be booted: it ended as soon as it was booted");
    /* What another one put there in between is not taken away. */
    z = new_zone();
    fill_does = "conf";
    CHECK(make_with(&z) < 0 && strstr(err.msg, "zone/conf") != NULL);
    CHECK(strstr(buf_c(&warned), "not all could be undone") != NULL && is_there(at("zone/conf")));
    CHECK(zones_has("fake1.zone") && unlink(at("zone/conf")) == 0);
    CHECK(manager_unmake(&z, &calls, &err) == 0 && nothing_left());
}

/* A command that did half its work before it failed is undone by its line. */
static void half_a_command(void)
{
    NEEDS_ZONES;
    struct manager_steps s = {.arena = &arena};
    scratch_new();
    struct manager_zone z = new_zone();
    const char *half = at("half");
    manager_steps_command(&s, manager_argv(&arena, "cp", "/dev/null", half, "/no/such/dir", NULL), "rm -f %s",
                          half);
    manager_steps_command(&s, manager_argv(&arena, "mkdir", half, "/no/such/dir/x", NULL), "rmdir %s", half);
    CHECK(manager_make(&z, &s, &calls, &err) < 0 && nothing_left());
}

static void in_the_way(void)
{
    NEEDS_ZONES;
    static const char *const places[] = {"zone", "zone/root", "etc/zones/deep/conf", "sought"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct manager_steps s;
        scratch_new();
        struct manager_zone z = new_zone();
        add_steps(&z, &s, NEVER);
        CHECK(file_mkdirs(at(places[i]), 0755, &err) == 0 && manager_make_check(&z, &s, &err) < 0);
        CHECK(strstr(err.msg, "is there already") != NULL);
        CHECK(manager_make(&z, &s, &calls, &err) < 0 && is_there(at(places[i])) && !zones_has("fake1.zone") &&
              !is_there(at("made")));
    }
    struct manager_steps s;
    scratch_new();
    struct manager_zone z = new_zone();
    add_steps(&z, &s, NEVER);
    state_now = MANAGER_HALTED;
    CHECK(manager_make_check(&z, &s, &err) < 0);
    CHECK_STR(err.msg, "nspawn has one of this name, which zonestrap did not make");
}

/* What cannot be undone stays in the record, and is no less there when undoing is tried again. */
/* What appears in the root's place in the meantime is not undone. */
static void taken_meanwhile(void)
{
    NEEDS_ZONES;
    struct manager_steps s;
    scratch_new();
    struct manager_zone z = new_zone();
    z.dir = z.root = at("root");
    s = (struct manager_steps){.arena = &arena};
    manager_steps_place(&s, &z, z.root);
    fill_does = "taken";
    CHECK(manager_make(&z, &s, &calls, &err) < 0 && strstr(err.msg, "appeared") != NULL);
    CHECK(is_there(at("root/etc")) && !zones_has("fake1.zone"));
    CHECK_STR(buf_c(&warned), "");
}

/* What the step before made, or somebody else meanwhile, is found before the step, and is not undone. */
static void found_meanwhile(void)
{
    NEEDS_ZONES;
    struct manager_steps s;
    scratch_new();
    struct manager_zone z = new_zone();
    s = (struct manager_steps){.arena = &arena};
    manager_steps_command(&s, touch(at("sought")), NULL);
    manager_steps_command(&s, manager_argv(&arena, "false", NULL), "rm %s", at("sought"));
    manager_steps_found(&s, manager_argv(&arena, "test", "-e", at("sought"), NULL));
    CHECK(manager_make(&z, &s, &calls, &err) < 0 && strstr(err.msg, "is there already") != NULL);
    CHECK(is_there(at("sought")) && !zones_has("fake1.zone"));
}

static void undoing_fails(void)
{
    NEEDS_ZONES;
    struct manager_steps s = {.arena = &arena};
    scratch_new();
    struct manager_zone z = new_zone();
    const char *first = at("first"), *key = at("key");
    manager_steps_command(&s, touch(first), "rm %s", first);
    manager_steps_command(&s, manager_argv(&arena, "true", NULL), "rm %s", key);
    manager_steps_command(&s, manager_argv(&arena, "false", NULL), NULL);
    CHECK(manager_make(&z, &s, &calls, &err) < 0);
    CHECK_STR(err.msg, "false failed: it did not say why"); /* the first failure is the one that is told */
    CHECK(strstr(buf_c(&warned), "not all could be undone: rm ") != NULL && is_there(first));
    for (int i = 0; i < 2; i++) {
        begin();
        CHECK(manager_unmake(&z, &calls, &err) < 0 && strstr(err.msg, "rm ") != NULL && is_there(first) &&
              zones_has("fake1.zone") && !z.ready && z.sure);
    }
    z.force = true;
    begin();
    CHECK(manager_unmake(&z, &calls, &err) == 0 && nothing_left());
    CHECK(strstr(buf_c(&warned), "this stays as it is: rm ") != NULL);
    z = new_zone();
    CHECK(manager_make(&z, &s, &calls, &err) < 0 && close(creat(key, 0600)) == 0 &&
          manager_unmake(&z, &calls, &err) == 0 && nothing_left());
}

/* A line of a step that was begun: only with `found' can it be told whether there is something. */
static void half_records(void)
{
    NEEDS_ZONES;
    static const struct {
        const char *line;
        bool sure;
        int rc;
    } rows[] = {{"run false", false, 0},
                {"run false", true, -1},
                {"run false ; false", true, 0},
                {"run false ; true", false, -1},
                {"run true", true, 0},
                {"run no-such-program", false, 0},
                {"run false ; no-such-program", false, -1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *v[] = {"rmdir-parent /no/such/place", rows[i].line};
        struct manager_zone z = new_zone();
        struct manager_undo u = {v, 2, 2};
        z.sure = rows[i].sure;
        CHECK(manager_record_write(&z, &u, &err) == 0);
        int rc = manager_unmake(&z, &calls, &err);
        if (rc != rows[i].rc)
            CHECK_STR(rows[i].line, err.msg);
        CHECK(zones_has("fake1.zone") == (rc < 0));
    }
    CHECK(manager_record_remove("fake1", &err) == 0);
}

static void stopped(void)
{
    NEEDS_ZONES;
    scratch_new();
    struct manager_zone z = new_zone();
    fill_does = "stop"; /* while the root is made, and again while it is taken away */
    CHECK(make_with(&z) < 0 && err.class == ERR_INTR);
    CHECK_STR(err.msg, "interrupted");
    CHECK(strstr(buf_c(&warned), "not all could be undone: interrupted") != NULL && zones_has("fake1.zone"));
    CHECK(!is_there(at("zone/root")) && is_there(at("made")));
    z.stop = NULL;
    begin();
    CHECK(manager_unmake(&z, &calls, &err) == 0 && nothing_left());
    z = new_zone();
    stop = 1;
    CHECK(make_with(&z) < 0 && err.class == ERR_INTR && nothing_left());
}

static void killed(void)
{
    NEEDS_ZONES;
    scratch_new();
    struct manager_zone z = new_zone();
    int status = 0;
    fill_does = "die";
    pid_t pid = fork();
    if (pid == 0)
        _exit(make_with(&z) != 0);
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
    CHECK(is_there(at("zone/root/etc")) && zones_has("fake1.zone"));
    fill_does = "";
    CHECK(manager_unmake(&z, &calls, &err) == 0 && nothing_left());
}

/* Where the records lie there is no room any more: what was done before is undone. */
static void disk_full(void)
{
    NEEDS_ZONES;
    own_zones("mode=755,size=256k");
    scratch_new();
    struct manager_zone z = new_zone();
    fill_does = "disk";
    CHECK(file_mkdirs(MANAGER_ZONES, 0700, &err) == 0);
    CHECK(make_with(&z) < 0 && strstr(err.msg, "No space left") != NULL && nothing_left());
    umount("/var/lib");
}

static void shown(void)
{
    struct manager_steps s;
    struct buf out = {0};
    struct manager_zone z = new_zone();
    z.what = "debian/bookworm";
    z.dir = "/z";
    z.root = "/z/root";
    z.dataset = "pool/z";
    s = (struct manager_steps){.arena = &arena};
    manager_steps_add(&s, MANAGER_DIR, z.dir, (struct str){0});
    manager_steps_place(&s, &z, z.root);
    manager_steps_add(&s, MANAGER_FILE, "/z/conf", STR("a\nb\n"));
    manager_steps_leftover(&s, "/z/lock");
    manager_steps_add(&s, MANAGER_BOOT, NULL, (struct str){0});
    manager_steps_show(&z, &s, &out);
    CHECK_STR(buf_c(&out),
              "mkdir -p /z\nzfs create -o mountpoint=/z/root pool/z\n"
              "zonestrap create --zone none debian/bookworm /z/root\nwrite /z/conf\n    a\n    b\nfalse\n");
    buf_free(&out);
}

int main(void)
{
    own_zones("mode=755");
    if (skip_all == NULL && file_mkdirs(MANAGER_ZONES, 0700, &err) < 0)
        skip_all = "cannot make directories here";
    RUN(shown);
    RUN(whole);
    RUN(fails_at_each);
    RUN(fails_inside);
    RUN(half_a_command);
    RUN(in_the_way);
    RUN(taken_meanwhile);
    RUN(found_meanwhile);
    RUN(undoing_fails);
    RUN(half_records);
    RUN(stopped);
    RUN(killed);
    RUN(disk_full);
    scratch_remove();
    arena_free(&arena);
    buf_free(&warned);
    buf_free(&said);
    return test_done();
}
