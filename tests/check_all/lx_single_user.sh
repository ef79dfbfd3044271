#!/bin/bash
# A stage-1 root for an lx zone, of which no maintainer script has run, boots to a single-user shell on the strength of its fixups;
# the second stage, run from that shell, gives the finished system: its init goes on to the login. Under systemd-nspawn.
. "$(dirname "$0")/../flow/lib.sh"
. "$top/tests/flow/boot.sh"
. "$top/tests/flow/mirror.sh"
releases="bullseye bookworm trixie"
boot_start
why=$(boot_why)
[ -n "$why" ] || [ -n "$mirror" ] || why="the host's apt has no Debian mirror that answers"
if [ -n "$why" ]; then
    for r in $releases; do skipped "$r" "$why"; done
    done_
fi
export HOME=$work XDG_CONFIG_HOME=$work/config
root=$boots/root
single_user() {
    rm -rf --one-file-system "$root"
    "$zs" create --progress none -z lx --mirror "$mirror" --cache-dir "$shared_cache" --suites release --second-stage later "debian/$1" "$root" || return 1
    boot "$work/log" 'wait 60 Enter for' 'enter 30 #' 'send echo zone-$((40+2)) $(cat /proc/1/comm) $(dpkg -l bash 2>/dev/null | grep -c ^ii)' 'wait 30 zone-42 init 0' \
        'send /zonestrap/second-stage >/dev/null; echo second-$? $(ls -d /zonestrap 2>&1); dpkg --audit' 'wait 600 second-0 .*No such' 'wait 60 #' \
        'send ls /etc/rcS.d; exit' 'wait 60 mountall.sh' 'wait 120 login:' -- "$root" /sbin/init -s || return 1
    ! ls "$root"/etc/rcS.d | grep -E 'hwclock|checkroot.sh|checkfs|kmod|udev|procps' && [ -z "$(chroot_audit)" ]
}
chroot_audit() { "$zs" run "$root" -- dpkg --audit 2>&1; }
for r in $releases; do case_ "$r: single-user before the second stage, login after it" single_user "$r"; done
done_
