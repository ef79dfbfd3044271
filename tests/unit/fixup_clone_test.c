/* [clone]: its grammar, and what the built-in fixups do to a clone. */
#include <sys/stat.h>

#include "base/data.h"
#include "fixups/fixup_int.h"
#include "tests/unit/scratch.h"
#include "tests/unit/test.h"

static struct err err;
static struct arena arena;

static void grammar(void)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"[match]\n[clone]\nremove /x/*\n?file /y 0644\n| {hostname}\n[clone has=/a,/b]\nremove /c\n", ""},
        {"[match]\n[clone x]\n", "x.fixup:2:1: [clone] takes no name but `image'"},
        {"[match]\n[clone image has=/a]\nremove /c\n", ""},
        {"[match]\n[before-boot image]\n", "x.fixup:2:1: [before-boot] takes no name"},
        {"[match]\n[clone zone=lx]\n", "x.fixup:2:1: [clone] takes one qualifier, has=PATH,..."},
        {"[match]\n[clone has=a]\n", "x.fixup:2:1: has=: up to 16 paths that begin with `/'"},
        {"[match]\n[clone]\nfile /x 0644\n| {release}\n",
         "x.fixup:4:3: [clone] knows {hostname} alone, not {release}"},
        {"[match]\n[clone]\nremove /{arch}\n", "x.fixup:3:9: [clone] knows {hostname} alone, not {arch}"},
        {"[match]\n[clone]\nremove /x*/y\n", "x.fixup:3:1: /x*/y: only the last name may be a pattern"},
        {"[match]\n[clone]\nrc-remove S x\n",
         "x.fixup:3:1: `rc-remove' needs the zone's own tools: it belongs into [after-install]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        err = (struct err){0};
        CHECK((fixup_check("x.fixup", str_c(rows[i].text), &err) < 0) == (rows[i].message[0] != '\0'));
        CHECK_STR(err.msg, rows[i].message);
    }
}

static void sh(const char *line)
{
    char all[8192];
    snprintf(all, sizeof all, "cd %s/root && { %s; }", scratch, line);
    if (system(all) != 0)
        printf("failed: %s\n", line);
}

static bool is(const char *test)
{
    char all[8192];
    snprintf(all, sizeof all, "cd %s/root && { %s; }", scratch, test);
    if (system(all) == 0)
        return true;
    printf("not so: %s\n", test);
    return false;
}

/* own: the text of a fixup that stands in a directory; NULL: the built-in ones alone. keep: what an image's
   root keeps; NULL: a clone. */
static int apply_to(const char *own, const struct str *keep, size_t nkeep)
{
    const char *dirs[] = {in_scratch("recipes")};
    const struct data d = {dirs, 1};
    struct fixup_set *set;
    struct tree *t = NULL;
    mkdir(in_scratch("recipes"), 0755);
    err = (struct err){0};
    if (own != NULL && file_replace(in_scratch("recipes/own.fixup"), str_c(own), 0644, &err) < 0)
        return -1;
    int rc = fixup_load_clone(&d, "web1", &arena, &set, &err);
    if (rc == 0)
        rc = tree_open_existing(&t, in_scratch("root"), NULL, &err);
    if (rc == 0)
        rc = keep != NULL ? fixup_apply_image(set, t, keep, nkeep, NULL, &err)
                          : fixup_apply_clone(set, t, NULL, &err);
    tree_close(t);
    return rc;
}

static int apply(const char *own)
{
    return apply_to(own, NULL, 0);
}

static void verbs(void)
{
    scratch_new();
    mkdir(in_scratch("root"), 0755);
    sh("mkdir -p etc var/x usr; : >var/x/a.lease; : >var/x/b.lease; : >var/x/.hidden.lease; : >var/x/c; : "
       ">usr/there");
    CHECK(apply("[match]\nzone lx\npackage none-such\n[clone]\nremove /var/x/*.lease\nremove "
                "/var/none/*\n?file /etc/none 0644\n"
                "?link /etc/none2 x\n[clone has=/usr/none,/usr/there]\nfile /etc/one 0600\n| {hostname}\n"
                "[clone has=/usr/none]\nfile /etc/two 0600\n") == 0);
    CHECK_STR(err.msg, "");
    CHECK(is(
        "[ ! -e var/x/a.lease ] && [ ! -e var/x/b.lease ] && [ -e var/x/.hidden.lease ] && [ -e var/x/c ]"));
    CHECK(is("[ ! -e etc/none ] && [ ! -L etc/none2 ] && [ ! -e etc/two ] && [ \"$(cat etc/one)\" = web1 ]"));
    CHECK(apply("[match]\n[clone]\nmode /etc/missing 0644\n") < 0);
    CHECK(strstr(err.msg, "own.fixup:3:1: mode: /etc/missing is missing") != NULL);
}

/* Twice: the second time nothing changes. */
static void built_in(void)
{
    scratch_new();
    mkdir(in_scratch("root"), 0755);
    sh("mkdir -p etc/ssh etc/default etc/init.d etc/sysconfig usr/lib/systemd/system var/lib/dbus "
       "var/lib/dhcp "
       "var/lib/systemd var/lib/NetworkManager; echo old >etc/hostname; echo 0123 >etc/machine-id; chmod 444 "
       "etc/machine-id; "
       "printf '127.0.0.1\\tlocalhost\\n127.0.1.1\\told old.example\\n::1 localhost\\n' >etc/hosts; "
       "echo 'HOSTNAME=old' >etc/sysconfig/network; for k in rsa ed25519; do echo k "
       ">etc/ssh/ssh_host_${k}_key; "
       "echo k >etc/ssh/ssh_host_${k}_key.pub; done; echo conf >etc/ssh/sshd_config; echo 'SSHD_OPTS=' "
       ">etc/default/ssh; "
       ": >etc/init.d/ssh; : >usr/lib/systemd/system/ssh.service; echo x >var/lib/dbus/machine-id; "
       "echo x >var/lib/dhcp/dhclient.eth0.leases; echo x >var/lib/systemd/random-seed; echo x "
       ">var/lib/NetworkManager/a.lease");
    CHECK(apply(NULL) == 0);
    CHECK_STR(err.msg, "");
    CHECK(is("[ \"$(cat etc/hostname)\" = web1 ] && [ \"$(cat etc/sysconfig/network)\" = HOSTNAME=web1 ]"));
    CHECK(is("[ \"$(grep -c . etc/hosts)\" = 3 ] && grep -qx '127.0.1.1\tweb1' etc/hosts && grep -q "
             "localhost etc/hosts"));
    CHECK(is("[ -f etc/machine-id ] && [ ! -s etc/machine-id ] && [ $(stat -c %a etc/machine-id) = 444 ]"));
    CHECK(
        is("[ \"$(ls etc/ssh)\" = sshd_config ] && [ -z \"$(ls var/lib/dbus var/lib/dhcp | grep -v :)\" ]"));
    CHECK(is("[ ! -e var/lib/systemd/random-seed ] && [ ! -e var/lib/NetworkManager/a.lease ]"));
    CHECK(is("grep -q 'ssh-keygen -A' etc/systemd/system/ssh.service.d/zonestrap-keys.conf"));
    sh("mkdir ../bin; printf '#!/bin/sh\\necho made >&2\\n' >../bin/ssh-keygen; chmod 755 ../bin/ssh-keygen");
    CHECK(is("[ \"$(PATH=$PWD/../bin:$PATH; . ./etc/default/ssh 2>&1)\" = made ]"));
    sh("find . -printf '%p %m %T@ %C@ %s\\n' | sort >../before");
    CHECK(apply(NULL) == 0);
    CHECK(is("find . -printf '%p %m %T@ %C@ %s\\n' | sort | diff ../before -"));
}

/* What will be packed is named already, and keeps what an overlay brought. */
static void images(void)
{
    const struct str keep[] = {STR("etc/ssh/ssh_host_rsa_key"), STR("var/lib/systemd/credential.secret/x"),
                               STR("opt/kept")};
    scratch_new();
    mkdir(in_scratch("root"), 0755);
    sh("mkdir -p etc/ssh usr/lib/systemd/system var/lib/systemd/credential.secret opt; echo old "
       ">etc/hostname; "
       "echo 0123 >etc/machine-id; for k in rsa ed25519; do echo k >etc/ssh/ssh_host_${k}_key; echo k "
       ">etc/ssh/ssh_host_${k}_key.pub; done; : >usr/lib/systemd/system/ssh.service; : "
       ">var/lib/systemd/random-seed; : >var/lib/systemd/credential.secret/x; echo old >opt/kept; echo old "
       ">opt/changed");
    CHECK(apply_to("[match]\n[clone image has=/opt]\n?file /opt/kept 0600\n?file /opt/changed 0600\n[clone "
                   "image has=/none]\nfile /opt/none 0600\n[clone]\nfile /opt/none 0600\n",
                   keep, 3) == 0);
    CHECK_STR(err.msg, "");
    CHECK(is("[ \"$(ls etc/ssh)\" = ssh_host_rsa_key ] && [ -e "
             "etc/systemd/system/ssh.service.d/zonestrap-keys.conf ]"));
    CHECK(is("[ \"$(find var/lib/systemd -type f)\" = var/lib/systemd/credential.secret/x ]"));
    CHECK(is("[ \"$(cat etc/hostname etc/machine-id)\" = \"$(printf 'old\\n0123')\" ]"));
    CHECK(is("[ \"$(cat opt/kept)\" = old ] && [ ! -s opt/changed ] && [ ! -e opt/none ]"));
}

/* A small root gets a name, and nothing that it had no use for. */
static void nothing_to_do(void)
{
    scratch_new();
    mkdir(in_scratch("root"), 0755);
    CHECK(apply(NULL) == 0);
    CHECK(is("[ \"$(find . | sort | tr '\\n' ' ')\" = '. ./etc ./etc/hostname ' ]"));
}

int main(void)
{
    RUN(grammar);
    RUN(verbs);
    RUN(built_in);
    RUN(images);
    RUN(nothing_to_do);
    scratch_remove();
    arena_free(&arena);
    return test_done();
}
