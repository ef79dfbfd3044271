#!/bin/bash
# `zonestrap run`: a zone as its user sees it. What the isolation holds off is in tests/unit/zone_linux*_test.c.
. "$(dirname "$0")/lib.sh"
cases="status streams environment terminal stopped killed parallel errors"
why=
[ "$(id -u)" -eq 0 ] || why="needs root"
[ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1 || why="no static /bin/busybox (Debian: busybox-static)"
if [ -n "$why" ]; then
    for c in $cases; do skipped "zone $c" "$why"; done
    done_
fi

root=$work/root
mkdir -p "$root"/{bin,etc,proc,sys,dev,run,tmp}
cp /bin/busybox "$root/bin/"
for a in $(/bin/busybox --list); do [ "$a" = busybox ] || ln -s busybox "$root/bin/$a"; done
in_zone() { "$zs" run "$root" -- "$@"; }
# What the run of this pid left on the host: mounts at the test's place, cgroups.
left() { grep -F "$work" /proc/self/mountinfo; find /sys/fs/cgroup -name "zonestrap-$1.*" 2>/dev/null; }
# A process of the zone: its command line, and so its marker, can be seen from outside.
sleepers() { grep -als "$1" /proc/[0-9]*/cmdline 2>/dev/null | while read -r f; do
    [ "$(tr '\0' ' ' <"$f" 2>/dev/null | cut -d ' ' -f 1)" = sleep ] && echo "$f"; done; }
until_() { local i; for i in $(seq 300); do "$@" && return 0; sleep 0.02; done; echo "not reached: $*"; return 1; }
awake() { [ -n "$(sleepers "$1")" ]; }
gone() { [ -z "$(sleepers "$1")" ]; }

status() {
    in_zone true || return
    in_zone sh -c 'exit 9'; [ $? -eq 9 ] || return 1
    in_zone sh -c 'kill -9 $$'; [ $? -eq 137 ]
}
streams() {
    [ "$(echo through | in_zone cat)" = through ] &&
        [ "$(in_zone sh -c 'echo out; echo err >&2' 2>/dev/null)" = out ] &&
        [ "$(in_zone sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)" = err ] &&
        [ "$(in_zone ls /proc/self/fd 3</etc/passwd 9</ | tr '\n' ' ')" = "0 1 2 3 " ]
}
environment() {
    LD_PRELOAD_NOT=1 TMPDIR=/no/such APT_CONFIG=/no/such PATH="/host/bin:$PATH" "$zs" run "$root" -- env >"$work/env"
    cat "$work/env"
    ! grep -Eq '^(LD_|TMPDIR|APT_CONFIG)|/host/bin' "$work/env" && grep -q '^PATH=' "$work/env"
}
terminal() {
    command -v script >/dev/null || { echo "no script(1)"; return 1; }
    script -qec "'$zs' run '$root' -- sh -c 'tty; [ -t 0 ] && echo interactive; echo direct >/dev/tty; exit 4'" \
        "$work/typescript" </dev/null >"$work/tty"
    [ $? -eq 4 ] && [ "$(tr -d '\r\4' <"$work/tty" | sed 's/\^D\x08*//' | tr '\n' ' ')" = "/dev/console interactive direct " ] ||
        { cat -A "$work/tty"; return 1; }
}
# ends SIGNAL STATUS: a run with processes in the background is ended from outside.
ends() {
    local marker=$((RANDOM + 100000)).$$ pid rc
    "$zs" run "$root" -- sh -c "(setsid sleep $marker &); mount -t tmpfs none /tmp; sleep $marker & wait" </dev/null &
    pid=$!
    until_ awake "$marker" || return 1
    kill -"$1" "$pid"
    wait "$pid" 2>/dev/null
    rc=$?
    [ $rc -eq "$2" ] || { echo "exit status $rc"; return 1; }
    until_ gone "$marker" && until_ clean "$pid"
}
clean() { [ -z "$(left "$1")" ]; }
stopped() { ends TERM 130 && ends INT 130; }
killed() { ends KILL 137; }
parallel() {
    local i pids=
    for i in 1 2 3 4 5 6; do
        "$zs" run "$root" -- sh -c "hostname z$i; sleep 0.2; [ \$(hostname) = z$i ] && exit $i" </dev/null &
        pids="$pids $!"
    done
    i=0
    for p in $pids; do i=$((i + 1)); wait "$p"; [ $? -eq $i ] || return 1; done
}
errors() {
    fails_with 7 'absent: no such program in the zone' in_zone absent &&
        { echo text >"$root/etc/text"; fails_with 7 'cannot run /etc/text: .*may be executed' in_zone /etc/text; } &&
        fails_with 2 'ab ?/c.* is no host name' "$zs" run --hostname 'ab /c' "$root" -- true &&
        fails_with 2 'is no host name' "$zs" run --hostname "$(printf %065d 1)" "$root" -- true &&
        fails_with 7 'no such directory|No such file' "$zs" run "$root/none" -- true &&
        fails_with 7 "host's own root" "$zs" run / -- true &&
        { mkdir "$work/empty"; fails_with 7 'proc: no such directory' "$zs" run "$work/empty" -- true; } &&
        { cp /bin/sh "$root/bin/foreign-libc"; fails_with 7 'interpreter /lib.* is missing' in_zone foreign-libc; }
}
for c in $cases; do case_ "zone $c" "$c"; done
done_
