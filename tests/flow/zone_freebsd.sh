#!/bin/bash
# create ... zone:NAME on FreeBSD, and what becomes of the zone: against stand-ins for jail, jls, jexec, kldload, mount, umount and zfs.
. "$(dirname "$0")/lib.sh"
. "$here/zone_standins.sh"
why=$(standins_why)
[ -z "$why" ] || { skipped zone_freebsd "$why"; done_; }
standins_enter "$@"
. "$here/repo.sh"
standins_start jail jls jexec kldload mount umount zfs
standins_kind jail freebsd
begin() { standins_reset; rm -rf "$work/jails" "$work/jail.conf.d" "$work/tank"; }
root=$work/jails/web
conf=$work/jail.conf.d/web.conf
fstab=$work/jail.conf.d/web.fstab
load="kldload -n linux64 fdescfs linprocfs linsysfs tmpfs"
start="jail -f $conf -c web"
stop="jail -f $conf -r web"
second="jexec web /bin/sh /zonestrap/second-stage"
gone() { [ ! -e "$work/jails" ] && [ ! -e "$work/jail.conf.d" ] && standins_clean; }

t_whole() {
    begin
    make_zone && did "$load" "$start" "$second" "$stop" "$start" && zone_is running && [ -e "$root/usr/bin/sh" ] && [ ! -e "$root/zonestrap" ] &&
        [ "$(cat "$root/etc/hostname")" = web ] && [ "$(awk '{ print $3 }' "$state/mounts" | xargs)" = "devfs tmpfs fdescfs linprocfs linsysfs" ]
}
case_ "freebsd: a jail is made, its second stage is run in it, and it is started again" t_whole
t_show() {
    begin
    make_zone --dry-run >"$work/shown" && did && gone && make_zone && shown "$work/shown" | diff - "$state/calls" &&
        sed -n "\\,^write $conf,,/^[^ w]/s/^    //p" "$work/shown" | diff - <(cat "$conf" "$fstab")
}
case_ "freebsd: --dry-run prints what is done then" t_show

t_each() {
    local n status calls=("$load" "$start" "$second" "$stop" "$start") back
    for n in 1 2 3 5; do
        begin; echo $n >"$state/nth"
        status=7; [ $n != 3 ] || status=8
        fails_with $status "zone web: (.*${calls[n - 1]} failed: .*told to fail|second stage: .*told to fail)" make_zone || return 1
        back=()
        [ $n != 3 ] || back=("$stop")
        did "${calls[@]:0:n}" "${back[@]}" && gone && zone_is "" || { echo "at call $n"; cat "$work/err"; return 1; }
        ! grep -i warning "$work/err" || return 1
    done
}
case_ "freebsd: each call fails in turn: the error names it, all is undone, the last first" t_each
force=("jail -R web" "umount -f $root/sys" "umount -f $root/proc" "umount -f $root/dev/fd" "umount -f $root/dev/shm" "umount -f $root/dev")
t_stop() {
    begin; echo 4 >"$state/nth"
    make_zone 2>"$work/err" && grep 'warning: zone web: does not shut down, it is halted: .*told to fail' "$work/err" && did "$load" "$start" "$second" "$stop" "${force[@]}" "$start" && zone_is running
}
case_ "freebsd: a jail that does not stop is ended, and what it had mounted goes" t_stop
t_half() {
    begin; echo second-stage >"$state/half"
    fails_with 8 "zone web: second stage: exit status 1: .*configure: told to fail" make_zone && gone || return 1
    begin; echo second-stage >"$state/early"
    fails_with 8 "zone web: second stage: it ended before it was finished" make_zone && gone || return 1
    begin; echo ' -c web' >"$state/half"
    fails_with 7 "zone web: cannot be booted: $start failed: jail: web: killed" make_zone && did "$load" "$start" "${force[@]:1}" && gone || return 1
    begin; : >"$state/fails"
    fails_with 7 "zone web: cannot be booted: $start failed: jail: web: exec.start: failed: zonestrap: second stage: configure: told to fail" make_zone --second-stage first-boot && gone
}
case_ "freebsd: half a second stage, one that ended unseen, a jail(8) that was killed and left its mounts" t_half
t_undo() {
    begin; echo 3 >"$state/nth"; printf '%s\n' ' -r web' '-R web' >"$state/fail"
    fails_with 8 "zone web: second stage" make_zone && grep -E 'warning: zone web: not all could be undone: cannot be halted: jail -R web failed: .*told to fail.*zone remove web' "$work/err" &&
        [ -e "$root/usr" ] && zone_is half && fails_with 7 "web: it is not whole" zone boot web || return 1
    fails_with 7 "zone web: cannot be halted: jail -R web failed" zone remove web && zone_is half && rm "$state/fail" && zone remove web && gone && zone_is "" || return 1
    begin; echo ' -c web' >"$state/half"; echo 'umount' >"$state/fail"
    fails_with 7 "zone web: cannot be booted" make_zone && grep "warning: .*not all could be undone: cannot be halted: umount -f $root/sys failed" "$work/err" && [ -e "$root/usr" ] && [ -e "$conf" ] &&
        rm "$state/fail" && zone remove web && gone
}
case_ "freebsd: what cannot be undone is said, and taken away by zone remove" t_undo
t_killed() {
    local at
    for at in kldload ' -c web' jexec; do
        begin; echo "$at" >"$state/hang"
        when_hanging KILL 137 make_zone && zone_is half && fails_with 7 'zone web: there is one already' make_zone && zone remove web && gone || { echo "killed at $at"; return 1; }
    done
}
case_ "freebsd: a killed run is taken away by zone remove" t_killed
t_interrupted() {
    local at
    for at in kldload ' -c web' jexec; do
        begin; echo "$at" >"$state/hang"
        when_hanging INT 130 make_zone && grep 'zonestrap: error: interrupted' "$work/said" && gone && zone_is "" || { echo "at $at"; cat "$work/said"; return 1; }
    done
}
case_ "freebsd: an interrupted run undoes what it did" t_interrupted

t_taken() {
    begin; echo /x >"$state/jails/web"
    fails_with 7 'zone web: freebsd has one of this name, which zonestrap did not make' make_zone && did && [ -e "$state/jails/web" ] || return 1
    begin; mkdir -p "$root/mine"
    fails_with 7 "zone web: $root is there already" make_zone && did && [ -d "$root/mine" ] || return 1
    begin; mkdir -p "$work/jail.conf.d"; echo mine >"$conf"
    fails_with 7 'zone web: freebsd has one of this name' make_zone && [ "$(cat "$conf")" = mine ] || return 1
    begin; mkdir -p "$work/jail.conf.d"; echo mine >"$fstab"
    fails_with 7 "zone web: $fstab is there already" make_zone && [ "$(cat "$fstab")" = mine ] || return 1
    begin; make_zone && fails_with 7 'zone web: there is one already' make_zone && zone_is running
}
case_ "freebsd: names and places that are taken are left alone" t_taken
t_host() {
    begin; mv /usr/local/sbin/jail "$work/jail"
    fails_with 7 'zone manager freebsd: there is no program jail here' make_zone; local rc=$?
    mv "$work/jail" /usr/local/sbin/jail
    [ $rc = 0 ] && fails_with 7 'zone manager freebsd is for hosts with FreeBSD' zs_local create -z jail mine/one zone:web && did
}
case_ "freebsd: a program that is missing, another host" t_host

has() { local l; for l; do grep -qxF -- "    $l" "$conf" || { echo "no line: $l"; cat "$conf"; return 1; }; done; }
net() { begin; make_zone --second-stage later "$@"; }
resolvers() { diff <(printf 'nameserver %s\n' "$@") "$root/etc/resolv.conf"; }
t_net() {
    net && has 'ip4 = inherit;' 'ip6 = inherit;' 'linux.osrelease = "5.15.0";' && did "$load" && zone_is halted && resolvers 127.0.0.1 192.0.2.53 2001:db8::53 || return 1
    net --net none && has 'ip4 = disable;' 'ip6 = disable;' && [ ! -e "$root/etc/resolv.conf" ] || return 1
    net --net igb0=192.0.2.7/24 && has 'ip4.addr = "igb0|192.0.2.7/24";' && resolvers 192.0.2.53 2001:db8::53 || return 1
    net --net igb0=2001:db8::7/64 --kernel-version 4.4.0 && has 'ip6.addr = "igb0|2001:db8::7/64";' 'linux.osrelease = "4.4.0";' || return 1
    begin; fails_with 2 '--net igb0: zone manager freebsd gives no network of this kind .dhcp' make_zone --net igb0 &&
        fails_with 2 '--net igb0=.*gives no network of this kind .routed' make_zone --net igb0=192.0.2.7/24,192.0.2.1 &&
        fails_with 2 '--kernel-version: .5.15. is not of three numbers' make_zone --kernel-version 5.15 && did
}
/bin/mount --bind "$work/resolv.conf" "$(readlink -f /etc/resolv.conf)"
case_ "freebsd: networks, name servers and a kernel version" t_net
/bin/umount "$(readlink -f /etc/resolv.conf)"
t_dataset() {
    local ds=tank/jails/web
    begin; mkdir "$work/tank"; echo "$work/tank" >"$state/zfs/tank:jails"
    make_zone --dataset tank/jails && did "$load" "zfs create -o mountpoint=$root $ds" "$start" "$second" "$stop" "$start" && "$zs" zone list --json | grep -F "\"dataset\":\"$ds\"" &&
        : >"$state/calls" && zone remove web && did "$stop" "zfs destroy -r $ds" && [ ! -e "$state/zfs/tank:jails:web" ] && [ ! -e "$conf" ] || return 1
    begin; echo "$work/tank" >"$state/zfs/tank:jails"; echo 2 >"$state/nth"
    fails_with 7 "zfs create .* failed" make_zone --dataset tank/jails && did "$load" "zfs create -o mountpoint=$root $ds" "zfs destroy -r $ds" && zone_is "" || return 1
    # Somebody else's is not destroyed.
    begin; mkdir -p "$work/tank/other"; echo "$work/tank" >"$state/zfs/tank:jails"; echo "$work/tank/other" >"$state/zfs/tank:jails:web"
    fails_with 7 "zone web: zfs $ds is there already" make_zone --dataset tank/jails && did && [ -d "$work/tank/other" ] && [ -e "$state/zfs/tank:jails:web" ]
}
case_ "freebsd: --dataset" t_dataset
t_life() {
    begin; make_zone && fails_with 7 'zone web: it runs already' zone boot web || return 1
    : >"$state/calls"; zone halt web && did "$stop" && zone_is halted && [ ! -s "$state/mounts" ] && fails_with 7 'zone web: it does not run' zone halt web || return 1
    : >"$state/calls"; zone boot web && did "$start" && zone_is running || return 1
    : >"$state/calls"; echo ' -r web' >"$state/half"
    zone halt web 2>"$work/err" && grep 'warning: zone web: does not shut down, it is halted: .*exec.stop: failed' "$work/err" && did "$stop" "${force[@]}" && zone_is halted || return 1
    rm "$state/half"; echo "devfs $root/dev devfs rw 0 0" >"$state/mounts"; : >"$state/calls"
    zone boot web && did "umount -f $root/dev" "$start" && : >"$state/calls" && zone remove web && did "$stop" && gone && zone_is ""
}
case_ "freebsd: zone list, boot, halt and remove" t_life
t_when() {
    begin; make_zone --second-stage first-boot && did "$load" "$start" && [ ! -e "$root/zonestrap" ] && zone_is running || return 1
    begin; make_zone --second-stage later && did "$load" && [ -x "$root/zonestrap/second-stage" ] && [ ! -e "$root/zonestrap/first-boot" ] && zone_is halted || return 1
    begin; make_zone --second-stage never && did "$load" && [ ! -e "$root/zonestrap" ] && zone_is halted
}
case_ "freebsd: --second-stage first-boot, later, never" t_when

. "$here/mirror.sh"
if [ -z "$mirror" ]; then skipped "freebsd: bookworm, finished in the jail" "no Debian mirror answers"; done_; fi
# Its exec.start and exec.stop are run, too: the second one is what finishes it.
t_real() {
    begin
    "$zs" create --recipes "$recipes" --cache-dir "$shared_cache" --mirror "$mirror" --suites release --progress none --manager freebsd -z jail --second-stage first-boot debian/bookworm zone:web &&
        did "$load" "$start" && [ ! -e "$root/zonestrap" ] && [ -z "$("$linux_zs" run "$root" -- dpkg --audit)" ] && "$linux_zs" run "$root" -- dpkg-query -W sysvinit-core &&
        [ -z "$(find "$root" -name '*.zonestrap')" ] && zone halt web && zone remove web && gone
}
case_ "freebsd: bookworm, which finishes itself when the jail is started" t_real
done_
