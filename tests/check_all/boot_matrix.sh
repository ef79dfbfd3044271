#!/bin/bash
# Every release of Debian with --zone lx boots to what it should, before its second stage, finished, and out of a bare tarball;
# systemd ones with --zone nspawn to their login; Devuan's, where a mirror of it answers, with its own init everywhere. A table of seconds at the end: from the start of `boot` to the text, and to
# the end of the shutdown.
. "$(dirname "$0")/../flow/lib.sh"
. "$top/tests/flow/mirror.sh"
distro=debian
releases=${RELEASES:-bullseye bookworm trixie}
why=
[ "$(id -u)" -eq 0 ] || why="needs root"
[ -n "$mirror" ] || why="the host's apt configuration names no Debian mirror that answers"
[ -z "$why" ] || { skipped boot_matrix "$why"; done_; }
table=$work/table
create() { "$zs" create --cache-dir "$shared_cache" --progress none "$@"; }
now() { date +%s.%N; }
row() { LC_ALL=C printf '%-12s %-8s %-18s %10.1f %10.1f\n' "$@" >>"$table"; }
clean() { ! grep -F "$work" /proc/self/mountinfo && [ -z "$(find /sys/fs/cgroup -name "zonestrap-$(cat "$work/pid").*" 2>/dev/null)" ]; }
whole() {
    local said; said=$("$zs" run "$1" -- sh -c 'dpkg --audit; dpkg --verify' 2>&1)
    [ -z "$said" ] && [ ! -e "$1/zonestrap" ] && clean && : >"$1/root/still-writable" || { echo "$said" | head -n 5; return 1; }
}
# timed RELEASE KIND WHAT STEP... -- ROOT [OPTION...]: boots at a terminal until the steps are done, then shuts down.
escape=$(printf '\035\035\035')
timed() {
    local release=$1 kind=$2 what=$3 steps=() begin end; shift 3
    while [ "$1" != -- ]; do steps+=("$1"); shift; done
    shift
    begin=$(now)
    python3 "$top/tests/flow/console.py" "$work/log" "${steps[@]}" "run date +%s.%N >$work/shown" "send $escape" 'end 90' -- bash -c 'echo $$ >"$1"; shift; exec "$@"' - "$work/pid" "$zs" boot "$@" </dev/null >"$work/status"
    end=$(now)
    [ "$(cat "$work/status")" = 0 ] || { tr -d '\r' <"$work/log" | tail -n 30; cat "$work/status"; return 1; }
    row "$release" "$kind" "$what" "$(echo "$(cat "$work/shown") - $begin" | bc)" "$(echo "$end - $begin" | bc)"
}
root=$work/root
single_user() { # stage 1 alone: no program of it has run
    rm -rf "$root"; create --zone lx --second-stage later "$distro/$1" "$root" &&
        timed "$1" lx 'single-user' 'wait 20 to continue' 'enter 20 # ' 'send echo in $RUNLEVEL: $(dpkg -l | grep -c ^ii)' 'wait 9 in S: 0' -- -s "$root" &&
        ! grep -a 'job control' "$work/log" && [ -e "$root/zonestrap/second-stage" ] && clean
}
finished() { # and the second stage from outside
    "$zs" second-stage --progress none "$root" && timed "$1" lx 'login, finished' 'wait 60 Entering runlevel: 2' 'wait 30 login:' -- "$root" && whole "$root"
}
first_boot() {
    rm -rf "$root"; mkdir "$root" && create --zone lx --second-stage first-boot "$distro/$1" - | tar -C "$root" -xpf - &&
        timed "$1" lx 'login, first boot' 'wait 300 second stage is finished' 'wait 60 login:' -- "$root" && whole "$root"
}
systemd() {
    rm -rf "$root"; create --zone nspawn "$distro/$1" "$root" && timed "$1" nspawn 'login, finished' 'wait 60 login:' -- "$root" && grep -aq 'Multi-User System' "$work/log" && ! grep -a 'FAILED' "$work/log" && whole "$root"
}
systemd_first_boot() {
    rm -rf "$root"; mkdir "$root" && create --zone nspawn --second-stage first-boot "$distro/$1" - | tar -C "$root" -xpf - &&
        timed "$1" nspawn 'login, first boot' 'wait 300 second stage is finished' 'wait 60 login:' -- "$root" && whole "$root"
}
for r in $releases; do
    for what in single_user finished first_boot systemd systemd_first_boot; do case_ "boot $r $what" "$what" "$r"; done
done
sysvinit() { rm -rf "$root"; create --zone "$2" "devuan/$1" "$root" && timed "$1" "$2" 'login, finished' 'wait 60 Entering runlevel: 2' 'wait 30 login:' -- "$root" && whole "$root"; }
distro=devuan
if "$zs" plan --cache-dir "$shared_cache" --progress none devuan/daedalus >/dev/null 2>"$work/devuan.err"; then
    for r in ${DEVUAN_RELEASES:-daedalus excalibur}; do
        for what in single_user finished first_boot; do case_ "boot Devuan $r $what" "$what" "$r"; done
        for kind in lxc nspawn; do case_ "boot Devuan $r $kind" sysvinit "$r" "$kind"; done
    done
else
    for what in single_user finished first_boot lxc nspawn; do skipped "boot Devuan $what" "no mirror of Devuan answers: $(tail -n 1 "$work/devuan.err" | cut -c 1-300)"; done
fi
printf '# %-12s %-8s %-18s %10s %10s\n' release zone 'boots to' seconds 'and off'
sed 's/^/# /' "$table"
done_
