#!/bin/bash
# create ... zone:NAME on illumos, and what becomes of the zone: against stand-ins for zonecfg, zoneadm, zlogin, dladm and zfs.
. "$(dirname "$0")/lib.sh"
. "$here/zone_standins.sh"
why=$(standins_why)
[ -z "$why" ] || { skipped zone_illumos "$why"; done_; }
standins_enter "$@"
. "$here/repo.sh"
standins_start zonecfg zoneadm zlogin dladm zfs
standins_kind lx illumos
begin() { standins_reset; rm -rf "$work/zones" "$work/tank"; mkdir -p "$work/zones"; }
root=$work/zones/web/root
config=$state/zones/web/config
zones=/var/lib/zonestrap/zones
configure="zonecfg -z web -f $zones/web.zonecfg"
install="zoneadm -z web install -s $zones/web.tar.gz"
second="zlogin -S web /bin/sh /zonestrap/second-stage"
undo=("zoneadm -z web uninstall -F" "zonecfg -z web delete -F")

t_whole() {
    begin
    make_zone --net igb0 && did "dladm create-vnic -l igb0 web0" "$configure" "$install" "zoneadm -z web boot" "$second" "zoneadm -z web halt" "zoneadm -z web boot" &&
        zone_is running && [ -e "$root/usr/bin/sh" ] && [ ! -e "$root/zonestrap" ] && [ ! -e "$zones/web.tar.gz" ] && [ "$(stat -c %a "$work/zones/web")" = 700 ] &&
        [ "$(cat "$root/etc/hostname")" = web ]
}
case_ "illumos: a zone is made, its second stage is run in it, and it is booted again" t_whole
t_show() {
    begin
    make_zone --net igb0 --dry-run >"$work/shown" && did && standins_clean && make_zone --net igb0 && shown "$work/shown" | diff - "$state/calls" &&
        sed -n '/^write/,/^[^ w]/s/^    //p' "$work/shown" | diff - "$config"
}
case_ "illumos: --dry-run prints what is done then" t_show

# The calls that undo what was done before the call that fails; the failed one may have done something.
t_each() {
    local n i status calls=("dladm create-vnic -l igb0 web0" "$configure" "$install" "zoneadm -z web boot" "$second" "zoneadm -z web halt" "zoneadm -z web boot") back
    for n in 1 2 3 4 5 6 7; do
        begin; echo $n >"$state/nth"
        status=7; [ $n != 5 ] || status=8
        fails_with $status "zone web: (.*${calls[n - 1]} failed: .*told to fail|second stage: .*told to fail)" make_zone --net igb0 || return 1
        back=("dladm delete-vnic web0")
        [ $n -lt 2 ] || back=("zonecfg -z web delete -F" "${back[@]}")
        [ $n -lt 4 ] || back=("zoneadm -z web uninstall -F" "${back[@]}")
        case $n in 5 | 6) back=("zoneadm -z web halt" "${back[@]}") ;; esac
        did "${calls[@]:0:n}" "${back[@]}" && standins_clean && zone_is "" || { echo "at call $n"; cat "$work/err"; return 1; }
        ! grep -i warning "$work/err" || return 1
    done
}
case_ "illumos: each call fails in turn: the error names it, all is undone, the last first" t_each
t_half() {
    begin; echo ' install ' >"$state/half"
    fails_with 7 "zoneadm -z web install .*brand-specific installation failed: ERROR: no space" make_zone && did "$configure" "$install" "${undo[@]}" && standins_clean || return 1
    begin; echo second-stage >"$state/half"
    fails_with 8 "zone web: second stage: exit status 1: .*configure: told to fail" make_zone && standins_clean || return 1
    begin; echo second-stage >"$state/early"
    fails_with 8 "zone web: second stage: it ended before it was finished" make_zone && standins_clean
}
case_ "illumos: half an installation, half a second stage, a second stage that ended unseen" t_half
t_undo() {
    begin; echo 3 >"$state/nth"; echo 'web delete -F' >"$state/fail"
    fails_with 7 "zone web: cannot be booted: zoneadm -z web boot failed" make_zone && grep -E 'warning: zone web: not all could be undone: zonecfg -z web delete -F failed: .*told to fail.*zone remove web' "$work/err" &&
        [ ! -e "$work/zones/web" ] && zone_is half && fails_with 7 "web: it is not whole" zone boot web || return 1
    fails_with 7 "zone web: zonecfg -z web delete -F failed" zone remove web && zone_is half && rm "$state/fail" && zone remove web && standins_clean && zone_is ""
}
case_ "illumos: what cannot be undone is said, and taken away by zone remove" t_undo
t_killed() {
    local at
    for at in create-vnic zonecfg ' install ' ' boot' zlogin; do
        begin; echo "$at" >"$state/hang"
        when_hanging KILL 137 make_zone --net igb0 && zone_is half && fails_with 7 'zone web: there is one already' make_zone && zone remove web && standins_clean || { echo "killed at $at"; return 1; }
    done
}
case_ "illumos: a killed run is taken away by zone remove" t_killed
t_interrupted() {
    local at
    for at in ' install ' zlogin; do
        begin; echo "$at" >"$state/hang"
        when_hanging INT 130 make_zone --net igb0 && grep 'zonestrap: error: interrupted' "$work/said" && standins_clean && zone_is "" || { echo "at $at"; cat "$work/said"; return 1; }
    done
}
case_ "illumos: an interrupted run undoes what it did" t_interrupted

t_taken() {
    begin; mkdir "$state/zones/web"; echo installed >"$state/zones/web/state"; echo /x >"$state/zones/web/path"
    fails_with 7 'zone web: illumos has one of this name, which zonestrap did not make' make_zone && did && [ -e "$state/zones/web" ] || return 1
    begin; mkdir "$work/zones/web"
    fails_with 7 "zone web: $work/zones/web is there already" make_zone && did && [ -d "$work/zones/web" ] || return 1
    begin; echo igb1 >"$state/vnics/web0"
    fails_with 7 "zone web: dladm web0 is there already" make_zone --net igb0 && did && [ "$(cat "$state/vnics/web0")" = igb1 ] || return 1
    begin; make_zone && fails_with 7 'zone web: there is one already' make_zone && zone_is running || return 1
    begin; rmdir "$work/zones"; fails_with 7 "zone web: there is no $work/zones for it to lie in" make_zone && did
}
case_ "illumos: names and places that are taken are left alone" t_taken
t_host() {
    begin; mv /usr/local/sbin/zlogin "$work/zlogin"
    fails_with 7 'zone manager illumos: there is no program zlogin here' make_zone && grep 'pkg install system/zones/brand/lx' "$work/err"; local rc=$?
    mv "$work/zlogin" /usr/local/sbin/zlogin
    [ $rc = 0 ] && fails_with 7 'zone manager illumos is for hosts with SunOS' zs_local create -z lx mine/one zone:web &&
        fails_with 2 'zone kind wsl is not for zone manager illumos|zone kind wsl has no zone manager' zs_local create --manager illumos -z wsl mine/one zone:web && did
}
case_ "illumos: a program that is missing, another host" t_host

t_early() { # known before anything is done
    begin; fails_with 2 "zone:SUNWweb: a zone's name does not begin with SUNW" zs_local create --manager illumos -z lx mine/one zone:SUNWweb &&
        fails_with 6 'the set has no dash, which the second stage runs' make_zone --exclude dash && fails_with 2 'kernel-version: .* is no version' make_zone --kernel-version 5-1 && did && zone_is ""
}
case_ "illumos: a name of the system's own, a set that no second stage can finish" t_early

has() { local l; for l; do grep -qxF -- "$l" "$config" || { echo "no line: $l"; cat "$config"; return 1; }; done; }
net() { begin; make_zone --second-stage later "$@"; }
t_net() {
    net && ! grep -E '^add net|^set name=resolvers' "$config" && has 'set ip-type=exclusive' 'set value="5.10.0"' && did "$configure" "$install" && zone_is halted || return 1
    net --net igb0 && has 'set physical=web0' 'add property (name=ips,value="dhcp")' 'add property (name=primary,value="true")' &&
        has 'set name=resolvers' 'set value="192.0.2.53,2001:db8::53"' || return 1
    net --net igb0=192.0.2.7/24 && has 'add property (name=ips,value="192.0.2.7/24")' && ! grep gateway "$config" || return 1
    net --net igb0=2001:db8::7/64 && has 'add property (name=ips,value="2001:db8::7/64")' || return 1
    net --net stub0=192.0.2.7/24,192.0.2.1 && has 'add property (name=ips,value="192.0.2.7/24")' 'add property (name=gateway,value="192.0.2.1")' &&
        [ "$(cat "$state/vnics/web0")" = stub0 ] || return 1
    net --net none --kernel-version 4.4 && has 'set value="4.4"' || return 1
    begin; fails_with 2 '--net host: zone manager illumos gives no network of this kind' make_zone --net host &&
        fails_with 2 'an lx zone has no IPv6 gateway .2001:db8::1' make_zone --net igb0=2001:db8::7/64,2001:db8::1 && did
}
/bin/mount --bind "$work/resolv.conf" "$(readlink -f /etc/resolv.conf)"
case_ "illumos: networks, name servers and a kernel version, as zonecfg is given them" t_net
/bin/umount "$(readlink -f /etc/resolv.conf)"
t_dataset() {
    begin; mkdir "$work/tank"; echo "$work/tank" >"$state/zfs/rpool:tank"; echo legacy >"$state/zfs/rpool:old"
    make_zone --dataset rpool/tank && has "set zonepath=$work/tank/web" && [ -d "$work/tank/web/root/usr" ] && zone list | grep -F "$work/tank/web/root" &&
        zone remove web && [ -z "$(ls "$work/tank")" ] || return 1
    fails_with 7 '--dataset rpool/none: zfs get .*does not exist' make_zone --dataset rpool/none &&
        fails_with 7 '--dataset rpool/old: it is mounted nowhere .legacy' make_zone --dataset rpool/old &&
        fails_with 2 "--dataset: .-x. is no name" make_zone --dataset=-x
}
case_ "illumos: --dataset" t_dataset
t_life() {
    begin; make_zone --net igb0 && fails_with 7 'zone web: it runs already' zone boot web || return 1
    : >"$state/calls"; zone halt web && did "zoneadm -z web shutdown" && zone_is halted && fails_with 7 'zone web: it does not run' zone halt web || return 1
    : >"$state/calls"; zone boot web && did "zoneadm -z web boot" && zone_is running || return 1
    : >"$state/calls"; echo ' shutdown' >"$state/half"
    zone halt web 2>"$work/err" && grep 'warning: zone web: does not shut down, it is halted: .*unable to shutdown' "$work/err" && did "zoneadm -z web shutdown" "zoneadm -z web halt" && zone_is halted || return 1
    echo shutting_down >"$state/zones/web/state"; : >"$state/calls" # one that hangs half-way
    zone halt web && did "zoneadm -z web halt" && zone_is halted || return 1
    zone boot web && : >"$state/calls" && zone remove web && did "zoneadm -z web halt" "${undo[@]}" "dladm delete-vnic web0" && standins_clean && zone_is "" || return 1
    fails_with 7 'zone web: zonestrap made none of this name' zone remove web
}
case_ "illumos: zone list, boot, halt and remove" t_life
clone_zone() { "$zs" create --recipes "$recipes" --progress none --manager illumos -z lx "$@" zone:new; }
t_template() {
    local copy="zoneadm -z new clone web" configure_new="zonecfg -z new -f $zones/new.zonecfg"
    begin; make_zone && mkdir -p "$root/usr/lib" && printf 'ID=mine\nVERSION_ID="1"\n' >"$root/usr/lib/os-release" && echo 0123 >"$root/etc/machine-id" || return 1
    fails_with 7 "--template web: the zone runs; .*zone halt web" clone_zone --template web && zone halt web && : >"$state/calls" || return 1
    clone_zone --template web --net igb0 --dry-run | grep -xF "$copy" && did || return 1
    clone_zone --template web --net igb0 && did "dladm create-vnic -l igb0 new0" "$configure_new" "$copy" "zoneadm -z new boot" &&
        [ "$(cat "$work/zones/new/root/etc/hostname")" = new ] && [ ! -s "$work/zones/new/root/etc/machine-id" ] && [ "$(cat "$root/etc/hostname")" = web ] &&
        zone list | grep -E '^new +running +illumos +mine/1 ' && zone remove new && [ ! -e "$work/zones/new" ] && [ -e "$root/etc/hostname" ] || return 1
    : >"$state/calls"; echo ' clone ' >"$state/half"
    fails_with 7 "zone new: zoneadm -z new clone web failed: .*clone failed" clone_zone --template web && did "$configure_new" "$copy" "zoneadm -z new uninstall -F" "zonecfg -z new delete -F" || return 1
    rm "$state/half" && fails_with 2 "--template $root: zone manager illumos clones zones alone" clone_zone --template "$root" && fails_with 2 "--dataset does not go with --template" clone_zone --template web --dataset rpool/x &&
        zone remove web && standins_clean
}
case_ "illumos: --template: a clone of a zone, by zoneadm" t_template
t_by_hand() {
    begin; make_zone --net igb0 && echo installed >"$state/zones/web/state" && zoneadm -z web uninstall -F && zone_is half && zone remove web && standins_clean || return 1
    begin; make_zone --net igb0 && rm -r "$state/zones/web" "$state/vnics/web0" "$work/zones/web" && zone_is missing && zone remove web && standins_clean
}
case_ "illumos: a zone that was taken away by other means" t_by_hand
t_when() {
    begin; make_zone --second-stage first-boot && did "$configure" "$install" "zoneadm -z web boot" && [ -x "$root/zonestrap/first-boot" ] && zone_is running || return 1
    begin; make_zone --second-stage later && did "$configure" "$install" && [ -x "$root/zonestrap/second-stage" ] && [ ! -e "$root/zonestrap/first-boot" ] && zone_is halted || return 1
    begin; make_zone --second-stage never && did "$configure" "$install" && [ ! -e "$root/zonestrap" ] && zone_is halted
}
case_ "illumos: --second-stage first-boot, later, never" t_when

. "$here/mirror.sh"
if [ -z "$mirror" ]; then skipped "illumos: bookworm, finished in the zone" "no Debian mirror answers"; done_; fi
t_real() {
    begin
    "$zs" create --recipes "$recipes" --cache-dir "$shared_cache" --mirror "$mirror" --suites release --progress none --manager illumos -z lx debian/bookworm zone:web &&
        did "$configure" "$install" "zoneadm -z web boot" "$second" "zoneadm -z web halt" "zoneadm -z web boot" && [ ! -e "$root/zonestrap" ] &&
        [ -z "$("$linux_zs" run "$root" -- dpkg --audit)" ] && "$linux_zs" run "$root" -- dpkg-query -W sysvinit-core && grep -q '^1:2345:respawn:/sbin/getty 38400 console' "$root/etc/inittab" &&
        zone remove web && standins_clean
}
case_ "illumos: bookworm, finished in the zone" t_real
done_
