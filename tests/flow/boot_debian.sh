#!/bin/bash
# `zonestrap boot` of real systems: Debian with sysvinit as zone lx makes it, before its second stage, finished, and out of a
# bare tarball that finishes itself; with systemd. More releases in tests/check_all/boot_matrix.sh.
. "$(dirname "$0")/lib.sh"
cases="single_user second_stage_by_hand finished poweroff_inside first_boot systemd"
why=
[ "$(id -u)" -eq 0 ] || why="needs root"
[ -n "$why" ] || { . "$here/mirror.sh"; [ -n "$mirror" ] || why="the host's apt configuration names no Debian mirror that answers"; }
if [ -n "$why" ]; then
    for c in $cases; do skipped "boot Debian $c" "$why"; done
    done_
fi
# boot_ SECONDS ARGUMENT...: boots without a terminal
boot_() {
    timeout "$1" bash -c 'echo $$ >"$1"; shift; exec "$@"' - "$work/pid" "$zs" boot "${@:2}" </dev/null >"$work/out" 2>"$work/err" ||
        { tail -n 30 "$work/out"; cat "$work/err"; return 1; }
}
create() { "$zs" create --cache-dir "$shared_cache" --progress none "$@"; }
# session LOG STEP... -- ARGUMENT...: boots at a terminal
session() {
    local log=$1 steps=(); shift
    while [ "$1" != -- ]; do steps+=("$1"); shift; done
    shift
    python3 "$here/console.py" "$log" "${steps[@]}" -- bash -c 'echo $$ >"$1"; shift; exec "$@"' - "$work/pid" "$zs" boot "$@" </dev/null >"$work/status" && [ "$(cat "$work/status")" = 0 ] ||
        { tr -d '\r' <"$log" | tail -n 30; echo "status $(cat "$work/status")"; return 1; }
}
whole() { # ROOT: what is left to do in it, and what of the zone is left on the host
    [ -z "$("$zs" run "$1" -- sh -c 'dpkg --audit; dpkg --verify' 2>&1)" ] && [ ! -e "$1/zonestrap" ] || { "$zs" run "$1" -- sh -c 'dpkg --audit; dpkg --verify' | head -n 5; return 1; }
    ! grep -F "$work" /proc/self/mountinfo && [ -z "$(find /sys/fs/cgroup -name "zonestrap-$(cat "$work/pid").*" 2>/dev/null)" ] && : >"$1/root/still-writable"
}

root=$work/bookworm
single_user() {
    create --zone lx --second-stage later debian/bookworm "$root" && [ -e "$root/zonestrap/second-stage" ] &&
        session "$work/log" 'wait 20 to continue' 'enter 20 # ' 'send echo in runlevel $RUNLEVEL, pid 1 is $(cat /proc/1/comm)' 'wait 9 in runlevel S, pid 1 is init' \
            'send echo count: $(dpkg -l | grep -c ^ii)' 'wait 9 count: 0' 'send poweroff -f' 'end 9' -- -s "$root" && [ -e "$root/zonestrap/second-stage" ] && ! grep -a 'job control' "$work/log"
}
# From that shell, which nothing but stage 1 has made possible.
second_stage_by_hand() {
    session "$work/log" 'wait 20 to continue' 'enter 20 # ' 'send sh /zonestrap/second-stage >/tmp/said 2>&1; echo "ended: $?"' 'wait 120 ended: 0' \
        'send telinit 2' 'wait 30 login:' 'run sleep 0.2' "send $(printf '\035\035\035')" 'end 60' -- -s "$root" && whole "$root"
}
finished() {
    boot_ 120 --timeout 60 --until 'login:' "$root" || return
    grep -q 'Entering runlevel: 2' "$work/out" && grep -q 'Will now halt' "$work/out" && whole "$root"
}
poweroff_inside() {
    session "$work/log" 'wait 60 login:' 'send root' 'wait 9 # ' 'send tty; poweroff' 'wait 9 /dev/console' 'wait 30 Will now halt' 'end 30' -- "$root" && whole "$root"
}
# The root account of a fresh system is locked: the test opens it.
poweroff_inside_() { sed -i 's,^root:[^:]*:,root::,' "$root/etc/shadow" && poweroff_inside; }
first_boot() {
    local r=$work/tarball
    mkdir "$r" && create --zone lx --second-stage first-boot debian/bookworm "$work/b.tar" && tar -C "$r" -xpf "$work/b.tar" && rm "$work/b.tar" &&
        boot_ 300 --timeout 240 --until 'login:' "$r" || return
    grep -q 'second stage is finished' "$work/out" && [ ! -s "$work/err" ] && whole "$r" && rm -rf "$r"
}
# The two mounts that fail want the host's root: systemd does not see that it is not (its check is for another id).
systemd() {
    local r=$work/trixie
    create --zone nspawn debian/trixie "$r" && boot_ 120 --timeout 60 --until 'login:' "$r" || return
    grep -q 'multi-user.target' "$work/out" && grep -q 'Powering off' "$work/out" && ! grep '\[FAILED' "$work/out" | grep -vE 'dev-hugepages|sys-fs-fuse' && whole "$r" &&
        boot_ 120 --timeout 60 --until 'rescue' -s "$r" || return
    ! grep -q multi-user "$work/out" && rm -rf "$r"
}
for c in ${CASES:-$cases}; do
    f=$c; [ $c != poweroff_inside ] || f=poweroff_inside_
    case_ "boot Debian $c" "$f"
done
done_
