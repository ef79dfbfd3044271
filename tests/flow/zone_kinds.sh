#!/bin/bash
# --zone with a repository of the test's own: what each kind adds to plan and root, what it refuses, the files for the host.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped zone_kinds "needs root"; done_; }
. "$here/repo.sh"
repo_key
kinds="jail lx lxc none nspawn oci wsl"

# Packages with the names that kinds and fixups look for, and what fixups read of them.
mkdir -p "$tree/alpha/usr/bin" "$tree/alpha/sbin"; printf '#!/bin/sh\n' | tee "$tree/alpha/usr/bin/sh" >"$tree/alpha/sbin/alpha"
mkdir -p "$tree/sysvinit-core/usr/share/sysvinit" "$tree/sysvinit-core/usr/sbin"
printf '%s\n' id:2:initdefault: '1:2345:respawn:/sbin/getty 38400 tty1' '2:23:respawn:/sbin/getty 38400 tty2' >"$tree/sysvinit-core/usr/share/sysvinit/inittab"
repo_deb alpha 1
repo_deb apt 1
repo_deb sysvinit-core 3 "Conflicts: systemd-sysv"
repo_deb initscripts 3
repo_deb systemd 252.39-1
repo_deb systemd-sysv 252.39-1 "Depends: systemd (= 252.39-1)" "Conflicts: sysvinit-core" "Priority: important"
repo_deb needs-init 1 "Depends: systemd-sysv | sysvinit-core"
repo_index "$work/repo" one
repo_packages="alpha apt"
repo_recipe "file://$work/repo"
# A later release, with a systemd that lx does not have the kernel for.
(debs=$work/debs2 tree=$work/pkg2; mkdir -p "$debs"
 repo_deb alpha 1; repo_deb apt 1; repo_deb systemd 258-1; repo_deb systemd-sysv 258-1 "Depends: systemd"; repo_deb sysvinit-core 3; repo_index "$work/repo2" two)
sed "s,^repo .*,repo main file://$work/repo2 {release} main,; s/^\[release one\]/[release two]/" "$recipes/mine.distro" >"$recipes/later.distro"
layout() { printf '[layout]\nlink /bin usr/bin\nlink /sbin usr/sbin\n' >>"$recipes/$1.distro"; }
layout mine

plan() { zs_local plan "$@"; }
names() { echo $(plan --names "$@"); }
gives() { local want=$1 got; shift; got=$(names "$@") && [ "$got" = "$want" ] || { echo "got: $got"; echo "want: $want"; return 1; }; }
stage1() { rm -rf "$work/root"; zs_local create --second-stage never "$@" mine/one "$work/root"; }
has() { # what stands in the root: PATH, PATH=LINE, PATH->LINK
    local w
    for w; do
        case $w in
        *'->'*) [ "$(readlink "$work/root${w%%->*}")" = "${w#*->}" ] ;;
        *=*) grep -qxF -- "${w#*=}" "$work/root${w%%=*}" ;;
        *) [ -e "$work/root$w" ] ;;
        esac || { echo "not so: $w"; ls -l "$work/root${w%%[=-]*}"; return 1; }
    done
}
lacks() { local w; for w; do [ ! -e "$work/root$w" ] && [ ! -L "$work/root$w" ] || { echo "is there: $w"; return 1; }; done; }

t_list() {
    "$zs" list | sed -n '/^zone kinds:/,$p' >"$work/list"
    [ "${ZONESTRAP_GOLDEN:-}" != write ] || cp "$work/list" "$top/tests/golden/zone/list"
    diff "$top/tests/golden/zone/list" "$work/list" && ! "$zs" list --names | grep -qx lx && ! "$zs" list debian | grep -q 'zone kinds' &&
    "$zs" list --json debian | python3 -c 'import json,sys; assert json.load(sys.stdin)[0]["zones"] == sys.argv[1].split()' "$kinds"
}
case_ "list shows the kinds" t_list
t_packages() {
    gives "alpha apt" mine/one && gives "alpha apt" --zone none mine/one && gives "alpha apt" -z oci mine/one && gives "alpha apt" -z wsl mine/one &&
    gives "alpha apt sysvinit-core" -z lx mine/one && gives "alpha apt sysvinit-core" -z jail mine/one &&
    gives "alpha apt systemd systemd-sysv" -z nspawn mine/one && gives "alpha apt systemd systemd-sysv" -z lxc mine/one
}
case_ "the packages that each kind adds" t_packages
t_reason() {
    plan -z lx mine/one | grep -Eq '^sysvinit-core .* zone lx$' && plan -z lx --why sysvinit-core mine/one | grep 'zone lx' &&
    plan -z lx --json mine/one | python3 -c 'import json,sys; p=json.load(sys.stdin); assert p["zone"]=="lx", p; assert [x["reason"] for x in p["packages"] if x["name"]=="sysvinit-core"]==["zone lx"]'
}
case_ "plan says why they are there" t_reason
t_exclude() {
    gives "alpha apt" -z lx -x sysvinit-core mine/one && gives "alpha apt systemd systemd-sysv" -z lx -i systemd-sysv mine/one &&
    gives "alpha apt needs-init sysvinit-core" -z lx -i needs-init mine/one && gives "alpha apt needs-init systemd systemd-sysv" -i needs-init mine/one
}
case_ "--exclude leaves them out, another init that is asked for takes their place" t_exclude
t_important() {
    sed 's/^packages .*/packages alpha priority:important/' "$recipes/mine.distro" >"$recipes/much.distro"
    gives "alpha systemd systemd-sysv" much/one && gives "alpha sysvinit-core" -z lx much/one
}
case_ "a set with another init" t_important
t_missing() {
    sed 's,/repo ,/none ,' "$recipes/mine.distro" >"$recipes/nowhere.distro"
    fails_with 2 "zone kind .lxx., but jail, lx, lxc, none, nspawn, oci, wsl" plan -z lxx nowhere/one &&
    fails_with 2 "zone kind .\.\./lx.," plan -z ../lx nowhere/one && fails_with 2 "no zone kind ..," plan -z "" nowhere/one &&
    fails_with 2 "lx is for x86_64, i686, not for aarch64.*kinds that can: jail, lxc, none, nspawn, oci, wsl" plan -z lx --arch arm64 nowhere/one &&
    (rm -f "$debs"/sysvinit*; repo_index "$work/repo3" one; rm "$work"/repo3/pool/sysvinit*; repo_index "$work/repo3" one) &&
    sed 's,/repo ,/repo3 ,' "$recipes/mine.distro" >"$recipes/without.distro" &&
    fails_with 2 "zone lx: there is no package .sysvinit-core" plan -z lx without/one && grep -q -- '--exclude sysvinit-core' "$work/err" &&
    gives "alpha apt" -z lx -x sysvinit-core without/one
}
case_ "a kind that is not there, another architecture, a package that is not there" t_missing
t_too_new() {
    gives "alpha apt sysvinit-core" -z lx later/two && gives "alpha apt systemd systemd-sysv" -z nspawn later/two &&
    fails_with 2 'zone kind lx cannot serve later/two: its systemd wants control groups of version 2.*kinds that can: jail, lxc, none, nspawn, oci, wsl' plan -z lx -i systemd-sysv later/two &&
    fails_with 2 'zone kind lx cannot serve' zs_local create -z lx -i systemd-sysv later/two "$work/none" && [ ! -e "$work/none" ]
}
case_ "a release that a kind cannot serve: why, and what can" t_too_new

t_lx() {
    stage1 -z lx -i initscripts --hostname box || return 1
    has /native/etc/svc/volatile /native/dev /var/ld /system/contract /etc/mnttab '/sbin/sh->../bin/sh' '/etc/inittab=#1:2345:respawn:/sbin/getty 38400 tty1' \
        '/etc/inittab=1:2345:respawn:/sbin/getty 38400 console' '/etc/network/interfaces=iface net0 inet manual' /etc/resolv.conf /proc /dev &&
    [ "$(stat -c %a "$work/root/native/tmp")" = 1777 ] && grep -q '^none */ *zfs' "$work/root/etc/fstab" && grep -q '^swapfs */dev/shm' "$work/root/etc/fstab" &&
    lacks /dev/null /etc/wsl.conf /etc/apt/apt.conf.d/00jail /etc/systemd || return 1
    stage1 -z lx -i systemd-sysv && lacks /etc/inittab || return 1
    has '/etc/systemd/system/systemd-remount-fs.service->/dev/null' '/etc/systemd/system/fstrim.timer->/dev/null' '/etc/systemd/system/e2scrub_all.timer->/dev/null' \
        '/etc/systemd/system/run-rpc_pipefs.mount->/dev/null' '/etc/systemd/system/systemd-resolved.service->/dev/null' || return 1
    local s
    for s in hostnamed localed timedated logind initctl journald; do
        has /etc/systemd/system/systemd-$s.service.d/override.conf={'[Service]',PrivateTmp=no,PrivateDevices=no,PrivateNetwork=no,ProtectSystem=no,ProtectHome=no,NoNewPrivileges=no} || return 1
    done
}
case_ "lx" t_lx
t_jail() { stage1 -z jail && has '/etc/apt/apt.conf.d/00jail=APT::Cache-Start "251658240";' '/etc/inittab=1:2345:respawn:/sbin/getty 38400 console' && lacks /native /dev/null; }
case_ "jail" t_jail
t_wsl() {
    stage1 -z wsl && has /etc/wsl.conf=systemd=false '/etc/wsl-distribution.conf=defaultName = mine-one' && lacks /etc/resolv.conf /etc/systemd /boot/vmlinuz || return 1
    [ "$(stat -c '%a %u:%g' "$work/root/etc/wsl.conf" "$work/root/etc/wsl-distribution.conf" | uniq)" = "644 0:0" ] || return 1
    stage1 -z wsl -i systemd-sysv && has /etc/wsl.conf=systemd=true '/etc/systemd/system/tmp.mount->/dev/null' '/etc/systemd/system/systemd-tmpfiles-setup-dev-early.service->/dev/null' \
        '/etc/systemd/system/NetworkManager.service->/dev/null'
}
case_ "wsl" t_wsl
t_containers() {
    local k
    for k in nspawn lxc; do
        stage1 -z $k && has '/etc/systemd/system/systemd-firstboot.service->/dev/null' /etc/machine-id && [ ! -s "$work/root/etc/machine-id" ] && lacks /native /dev/null /etc/inittab || return 1
        stage1 -z $k -x systemd-sysv -i sysvinit-core && has '/etc/inittab=1:2345:respawn:/sbin/getty 38400 console' && lacks /etc/machine-id || return 1
    done
    stage1 -z oci && lacks /dev/null /etc/inittab /etc/systemd /native && stage1 && [ -c "$work/root/dev/null" ]
}
case_ "nspawn, lxc, oci, none" t_containers
t_tar() {
    local k
    for k in lx jail wsl nspawn; do
        stage1 -z $k -i systemd-sysv 2>/dev/null || stage1 -z $k || return 1
        rm -f "$work/root.tar"; zs_local create --second-stage never -z $k -i systemd-sysv mine/one "$work/root.tar" || return 1
        rm -rf "$work/unpacked"; mkdir "$work/unpacked"; tar -xf "$work/root.tar" -C "$work/unpacked" || return 1
        diff <(cd "$work/root" && find . -mindepth 1 -printf '%P %y %m %l %s\n' | grep -v ' d ' | sort) <(cd "$work/unpacked" && find . -mindepth 1 -printf '%P %y %m %l %s\n' | grep -v ' d ' | sort) || return 1
    done
}
case_ "a tarball holds the same as a directory" t_tar

host=$work/host
t_host() {
    local k files
    rm -rf "$host"; mkdir "$host"
    stage1 -z lx >"$work/said" 2>&1 && [ -z "$(ls "$host")" ] && grep 'zone kind lx (--host-files DIR' "$work/said" && stage1 >"$work/said" 2>&1 && ! grep host-files "$work/said" || return 1
    for k in lx:zonecfg "jail:fstab jail.conf" wsl:wsl.txt oci:containerfile "lxc:lxc.conf metadata.yaml" nspawn:nspawn; do
        rm -rf "$host"; mkdir "$host"
        zs_local create --second-stage never -z ${k%%:*} --hostname box --host-files "$host" mine/one "$work/My_zone.1.tar.gz" || return 1
        files=$(cd "$host" && ls | sed 's/^My-zone-1\.//'); [ "$(echo $files)" = "${k#*:}" ] || { echo "$k: $files"; return 1; }
        ! grep -n '{[a-z]*}' "$host"/* || return 1
        rm "$work/My_zone.1.tar.gz"
    done
    rm -rf "$host"; mkdir "$host"; stage1 -z lx --host-files "$host" && grep -qx 'set brand=lx' "$host/root.zonecfg" && grep -qx 'set value="5.10.0"' "$host/root.zonecfg" &&
    [ "$(stat -c %a "$host/root.zonecfg")" = 644 ]
}
case_ "--host-files: what each kind's host gets, when it is asked for" t_host
t_parse() {
    rm -rf "$host"; mkdir "$host"
    stage1 -z lxc --hostname box --host-files "$host" && stage1 -z jail --host-files "$host" && stage1 -z nspawn --host-files "$host" || return 1
    python3 - "$host" <<'P'
import configparser, re, sys
d = sys.argv[1]
conf = dict(l.split(" = ", 1) for l in open(d + "/root.lxc.conf").read().splitlines() if l and l[0] != "#")
assert conf["lxc.uts.name"] == "box" and conf["lxc.arch"] == "x86_64", conf
meta = open(d + "/root.metadata.yaml").read()
assert re.search(r"^architecture: x86_64$", meta, re.M) and re.search(r"^creation_date: [0-9]{9,}$", meta, re.M), meta
tab = [l.split() for l in open(d + "/root.fstab") if l[0] != "#"]
assert [t[2] for t in tab] == ["devfs", "tmpfs", "fdescfs", "linprocfs", "linsysfs"] and all(len(t) == 6 for t in tab), tab
assert "linrdlnk" in tab[2][3] and "mode=1777" in tab[1][3]
jail = open(d + "/root.jail.conf").read()
assert jail.count("{") == jail.count("}") and "devfs_ruleset = 4;" in jail and "persist;" in jail
n = configparser.ConfigParser(); n.optionxform = str; n.read(d + "/root.nspawn")
assert n["Exec"]["Boot"] == "yes", dict(n["Exec"])
P
}
case_ "--host-files: they say what they should" t_parse
t_host_bad() {
    rm -rf "$host" "$work/root"; mkdir "$host"
    create() { zs_local create --second-stage never "$@" mine/one "$work/root"; }
    fails_with 2 'host-files .*/nowhere: No such' create -z lx --host-files "$work/nowhere" && fails_with 2 'host-files.*not a directory' create -z lx --host-files "$lock_or_file" &&
    fails_with 2 'host-files: zone kind none has none' create --host-files "$host" && [ ! -e "$work/root" ] || return 1
    mkdir "$host/root.fstab" && fails_with 2 'host-files: .*/root.fstab is no regular file' create -z jail --host-files "$host" && [ ! -e "$work/root" ] && [ "$(ls "$host")" = root.fstab ] || return 1
    rmdir "$host/root.fstab"; echo old >"$host/root.fstab"
    create -z jail --host-files "$host" && grep -q linprocfs "$host/root.fstab" && [ "$(echo $(ls "$host"))" = "root.fstab root.jail.conf" ]
}
lock_or_file=$recipes/mine.distro
case_ "--host-files: a bad place is known before anything is made; an old file is replaced" t_host_bad
in_full() { # /dev/zero has taken all but one block
    { head -c 20k /dev/zero >"$work/m/fill"; cat /dev/zero >"$work/m/fill2"; truncate -s -4096 "$work/m/fill2"; } 2>/dev/null
    rm -rf "$work/root"
    fails_with 7 'host-files: .*No space left' zs_local create --second-stage never -z jail --host-files "$work/m" mine/one "$work/root" &&
    [ "$(echo $(ls "$work/m"))" = "fill fill2" ] && [ -e "$work/root/usr/bin/sh" ]
}
t_full() {
    mkdir "$work/m" && mount -t tmpfs -o size=64k zs-test "$work/m" || return 1
    # Two files of a kind of its own; the second one is too large for the place.
    mkdir -p "$work/kinds"; { printf '[zone]\ntitle big\n[host a]\n| a\n[host b]\n'; yes '| 0123456789012345678901234567890123456789' | head -n 400; } >"$work/kinds/jail.zone"
    recipes_kept=$recipes
    cp "$work/kinds/jail.zone" "$recipes/jail.zone"; in_full; local rc=$?; rm "$recipes/jail.zone"; umount "$work/m"; return $rc
}
case_ "--host-files: all or none, on a full disk" t_full

t_lock() {
    plan -z lx --lock "$work/lx.lock" mine/one >/dev/null && plan --lock "$work/none.lock" mine/one >/dev/null &&
    grep -qx 'zone       lx' "$work/lx.lock" && ! grep -q '^zone' "$work/none.lock" || return 1
    rm -rf "$work/root"; zs_local create --second-stage never --locked "$work/lx.lock" mine/one "$work/root" && has /native /etc/inittab || return 1
    rm -rf "$work/root"; zs_local create --second-stage never -z lx --locked "$work/lx.lock" mine/one "$work/root" && has /native || return 1
    rm -rf "$work/root"; zs_local create --second-stage never --locked "$work/none.lock" mine/one "$work/root" && lacks /native && [ -c "$work/root/dev/null" ] || return 1
    rm -rf "$work/root"
    fails_with 2 'lx.lock: the lock is for zone kind lx, not for jail.*plan --zone jail' zs_local create --second-stage never -z jail --locked "$work/lx.lock" mine/one "$work/root" &&
    fails_with 2 'none.lock: the lock is for zone kind none, not for lx' zs_local create --second-stage never -z lx --locked "$work/none.lock" mine/one "$work/root" &&
    sed 's/^zone .*/zone ..\/x/' "$work/lx.lock" >"$work/bad.lock" && fails_with 2 'bad.lock: there is no zone kind .../x' zs_local create --second-stage never --locked "$work/bad.lock" mine/one "$work/root" &&
    [ ! -e "$work/root" ] && plan --locked "$work/lx.lock" mine/one | grep 'nothing to change: 3 packages' &&
    plan -z none --locked "$work/lx.lock" mine/one | grep -E '^removed +sysvinit-core'
}
case_ "a lock remembers the kind" t_lock
t_own() {
    printf '[zone]\ntitle Mine\n[packages distro=mine]\npackages needs-init\n[host {name}.txt]\n| {distro} # {machine}\n' >"$recipes/pod.zone"
    gives "alpha apt needs-init systemd systemd-sysv" -z pod mine/one && "$zs" list --recipes "$recipes" | grep -Eq '^  pod +Mine$' && "$zs" check "$recipes/pod.zone" || return 1
    rm -rf "$host"; mkdir "$host"; stage1 -z pod --host-files "$host" && [ "$(cat "$host/root.txt")" = "mine # x86_64" ] || return 1
    echo 'colour red' >>"$recipes/pod.zone"
    fails_with 2 "pod.zone:7:1: .colour. in \[host\]" plan -z pod mine/one && fails_with 2 'pod.zone:7:1: ' "$zs" check "$recipes/pod.zone" && gives "alpha apt" mine/one
    local rc=$?; rm "$recipes/pod.zone"; return $rc
}
case_ "a kind of one's own is one file" t_own
done_
