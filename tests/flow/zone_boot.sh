#!/bin/bash
# `zonestrap boot` as its user sees it, on small roots whose init is a script. Real systems are in boot_debian.sh; what the
# isolation holds off is in tests/unit/zone_linux_boot_test.c.
. "$(dirname "$0")/lib.sh"
cases="status arguments until until_fails timeout typed output_closed stopped stopped_twice killed reboot terminal escape systemd_signal network notes errors other_arch in_use removed"
why=
[ "$(id -u)" -eq 0 ] || why="needs root"
[ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1 || why="no static /bin/busybox (Debian: busybox-static)"
if [ -n "$why" ]; then
    for c in $cases; do skipped "boot $c" "$why"; done
    done_
fi

root=$work/root
mkdir -p "$root"/{bin,sbin,etc,proc,sys,dev,run,tmp}
cp /bin/busybox "$root/bin/"
for a in $(/bin/busybox --list); do [ "$a" = busybox ] || [ "$a" = init ] || ln -s busybox "$root/bin/$a"; done
init() { rm -f "$root/sbin/init"; printf '%s\n' '#!/bin/sh' "$@" >"$root/sbin/init"; chmod 755 "$root/sbin/init"; } # never through a link
boot() { timeout -k 1 60 "$zs" boot "$@" </dev/null; }
gives() { # STATUS COMMAND...
    local want=$1 rc; shift
    "$@"; rc=$?
    [ $rc -eq "$want" ] || { echo "exit status $rc, expected $want"; return 1; }
}
left() { grep -F "$work" /proc/self/mountinfo; find /sys/fs/cgroup -name "zonestrap-$1.*" 2>/dev/null; }
until_() { local i; for i in $(seq 300); do "$@" && return 0; sleep 0.02; done; echo "not reached: $*"; return 1; }
has() { grep -qs "$1" "$work/log"; }
clean() { [ -z "$(left "$1")" ]; }

status() {
    init poweroff\ -f; gives 0 boot "$root" || return
    init 'echo no; exit 5'; gives 5 boot "$root" || return
    init 'kill -9 $$; echo still here; exit 6'; gives 6 boot "$root" # by its own kill it is not reached
}
arguments() {
    init 'echo "$0: $# $*"; echo $container $HOME; hostname; poweroff -f'; echo named >"$root/etc/hostname"
    [ "$(boot "$root" | tr '\n' ,)" = '/sbin/init: 0 ,zonestrap /,named,' ] && [ "$(boot -s "$root" -- -x 'a b' | head -n 1)" = '/sbin/init: 3 single -x a b' ] &&
        [ "$(boot --hostname other "$root" | tail -n 1)" = other ] && printf '#!/bin/sh\necho "mine $0"\n' >"$root/etc/mine" && chmod 755 "$root/etc/mine" &&
        [ "$(boot --init /etc/mine "$root")" = 'mine /etc/mine' ]
}
up='echo up; while :; do sleep 0.05; [ ! -e /run/off ] || busybox poweroff -f; done'
poweroff_by_file() { rm -f "$root/bin/poweroff"; printf '#!/bin/sh\necho going down >/dev/console; touch /run/off\n' >"$root/bin/poweroff"; chmod 755 "$root/bin/poweroff"; }
poweroff_by_file
until_text() {
    init 'printf "log"; sleep 0.1; printf "in: "' "$up"
    gives 0 boot --timeout 20 --until 'login: ' "$root" >"$work/out" 2>"$work/err" && grep -q 'going down' "$work/out" && [ ! -s "$work/err" ] || return
    init 'printf "one\ntwo\nthree"; sleep 0.1; exit 3'; gives 0 boot --until "$(printf 'one\ntwo')" "$root" >/dev/null # its last words
}
until_fails() {
    init 'echo hello; busybox poweroff -f'; fails_with 7 'ended before its console showed `login:' boot --until login: "$root" || return
    init "$up"; fails_with 7 'did not show `login:. within 1 s; it was shut down' boot --until login: --timeout 1 "$root"
}
timeout_() {
    init "$up"; fails_with 7 'still up after 1 s; it was shut down' boot --timeout 1 "$root" && grep -q 'going down' "$work/out" || return
    init 'echo ready; exec sleep 1000'; fails_with 7 'still up after 1 s; it was shut down' boot --timeout 1 "$root" # deaf and alone
}
typed() {
    init 'stty -echo; echo ready; read a; read b; echo "got $a $b"; read c || echo no more; busybox poweroff -f'
    (echo one; echo two; sleep 1; echo) | gives 0 "$zs" boot --timeout 20 "$root" >"$work/out" && grep -qx 'got one two' "$work/out" && ! grep -q "$(printf '\r')" "$work/out" || return
    init 'read -t 1 a || echo nothing; busybox poweroff -f'; [ "$(boot --timeout 9 "$root")" = nothing ] # the end of standard input is none
    printf 'x%.0s' $(seq 100000) >"$work/long"
    init 'echo ready; sleep 0.5; busybox poweroff -f'; timeout 20 "$zs" boot --timeout 9 "$root" <"$work/long" >"$work/out"
}
output_closed() {
    init 'while :; do echo line; sleep 0.02; [ ! -e /run/off ] || busybox poweroff -f; done'
    { boot "$root" 2>"$work/err"; echo $? >"$work/rc"; } | head -n 3 >/dev/null
    [ "$(cat "$work/rc")" = 7 ] && grep -q 'standard output, its console, was closed; it was shut down' "$work/err" || { cat "$work/err"; return 1; }
    init 'echo line; busybox poweroff -f'; gives 7 boot "$root" >/dev/full 2>"$work/err" && grep -q 'was closed' "$work/err"
}
signalled() { # STATUS PATTERN INIT-LINE SIGNAL...
    local status=$1 pattern=$2 pid s; init "$3"; shift 3
    "$zs" boot "$root" </dev/null >"$work/log" 2>"$work/err" & pid=$!
    until_ has up || return
    for s; do kill -"$s" $pid; sleep 0.3; done
    wait $pid 2>/dev/null; [ $? = "$status" ] && { [ -z "$pattern" ] || grep -q "$pattern" "$work/err"; } && until_ clean $pid || { cat "$work/log" "$work/err"; return 1; }
}
stopped() { signalled 130 'interrupted; it was shut down' "$up" TERM && has 'going down' && signalled 130 'it was shut down' "$up" INT && signalled 130 'it was shut down' "$up" HUP; }
stopped_twice() { signalled 130 'interrupted; it was killed' 'echo up; sleep 1000 & wait; wait' TERM INT; }
killed() { signalled 137 '' 'mount -t tmpfs none /tmp; echo up; sleep 1000 & wait' KILL; }
reboot() {
    rm -f "$root/count"
    init 'echo x >>/count; n=$(wc -l </count); hostname z$n; echo "boot $n on $(hostname), $(ls /run)"; [ $n -lt 3 ] && busybox reboot -f; busybox poweroff -f'
    boot -v "$root" >"$work/out" 2>"$work/err" && [ "$(tr '\n' / <"$work/out")" = 'boot 1 on z1, /boot 2 on z2, /boot 3 on z3, /' ] && [ "$(grep -c 'boots again' "$work/err")" = 2 ] || return
    rm "$root/count"; gives 0 boot --no-reboot "$root" >"$work/out" 2>"$work/err" && [ "$(wc -l <"$root/count")" = 1 ] && grep -q 'asked for a reboot' "$work/err" || return
    init 'busybox reboot -f'; fails_with 7 'still up after 1 s' boot --timeout 1 "$root"
}
console() { local log=$1; shift; python3 "$top/tests/flow/console.py" "$log" "$@" </dev/null; }
terminal() {
    printf '#!/bin/sh\n%s\n' "trap 'echo interrupt' INT; stty -F /dev/console size; read a; echo got \$a; stty -a | grep -o ' icanon'; busybox poweroff -f" >"$root/etc/session"
    init 'echo "TERM $TERM"; setsid -c sh /etc/session'
    cat >"$work/on-tty" <<END
stty rows 31 cols 117; before=\$(stty -g); "$zs" boot "$root"; echo "status \$?"; [ "\$before" = "\$(stty -g)" ] && echo as it was
END
    TERM=vt220 console "$work/log" 'wait 9 Ctrl-\] three times' 'wait 9 TERM vt220' 'wait 9 31 117' "send $(printf '\003')hello" 'wait 9 interrupt' 'wait 9 got hello' 'wait 9 icanon' \
        'wait 9 status 0' 'wait 2 as it was' 'end 9' -- bash "$work/on-tty" || { cat -v "$work/log"; return 1; }
}
escape() {
    local key; key=$(printf '\035')
    init "$up"; console "$work/log" 'wait 9 up' "send $key$key" 'run sleep 1.2' "send $key$key$key" 'wait 9 going down' 'wait 9 status 0' 'wait 2 as it was' 'end 9' -- bash "$work/on-tty" || return
    init 'echo up; sleep 1000 & while :; do sleep 1000; done'
    console "$work/log" 'wait 9 up' "send $key$key$key" 'run sleep 1.2' "send $key$key$key" 'wait 9 was killed' 'wait 9 status 0' 'wait 2 as it was' 'end 9' -- bash "$work/on-tty"
}
systemd_signal() {
    init 'trap "echo by signal; busybox poweroff -f" 38; echo up; while :; do sleep 0.05; done'
    gives 0 boot --timeout 20 --until up "$root" >"$work/out" && grep -q 'by signal' "$work/out" && ! grep -q 'going down' "$work/out"
}
network() {
    init 'ls /sys/class/net | tr "\n" " "; wc -c </etc/resolv.conf; busybox poweroff -f' 2>/dev/null
    rm -f "$root/etc/resolv.conf"; : >"$root/etc/resolv.conf"
    [ "$(boot "$root")" = 'lo 0' ] && [ "$(boot --net host "$root" | grep -o '[0-9]*$')" = "$(wc -c </etc/resolv.conf)" ]
}
notes() {
    init 'busybox poweroff -f'; mkdir "$root/zonestrap"; : >"$root/zonestrap/second-stage"
    boot "$root" 2>"$work/err" && grep -q 'second stage is pending' "$work/err" && boot -s "$root" 2>"$work/err" && [ ! -s "$work/err" ] &&
        : >"$root/zonestrap/first-boot" && boot "$root" 2>"$work/err" && [ ! -s "$work/err" ]
    local rc=$?
    rm -r "$root/zonestrap"; return $rc
}
errors() {
    init 'exit 0'
    fails_with 2 'boot takes a ROOT' "$zs" boot && fails_with 2 'name of the ROOT is empty' "$zs" boot '' && fails_with 2 'no absolute path' boot --init bin/sh "$root" &&
        fails_with 2 'neither none nor host' boot --net eth0 "$root" && fails_with 2 'is no number' boot --timeout soon "$root" && fails_with 2 'more than a year' boot --timeout 99999999999 "$root" &&
        fails_with 2 '1 to 1024 bytes' boot --until '' "$root" && fails_with 7 'No such file' boot "$work/none" && fails_with 7 "host's own root" boot / || return
    : >"$root/.zonestrap-incomplete"; fails_with 7 'incomplete' boot "$root" || return
    rm "$root/.zonestrap-incomplete" "$root/sbin/init"
    fails_with 7 'there is no init .*/sbin/init.*/bin/init.*--init /bin/sh' boot "$root" && fails_with 7 'there is no init .*/etc/none' boot --init /etc/none "$root" || return
    printf '\177ELF\2\2\1xxxxxxxxxxx' >"$root/sbin/init"; chmod 755 "$root/sbin/init"; fails_with 7 'host cannot run it.*another architecture' boot "$root" || return
    printf '#!/bin/none\n' >"$root/sbin/init"; fails_with 7 'its interpreter /bin/none is missing' boot "$root" || return
    init 'exit 0'; chmod 644 "$root/sbin/init"; fails_with 7 'no file that may be executed' boot "$root" || return
    init 'exit 0'
    if command -v setpriv >/dev/null; then
        chmod 755 "$work"; cp "$zs" "$work/zs" && fails_with 7 'needs root' setpriv --reuid 65534 --regid 65534 --clear-groups "$work/zs" boot "$root"
    fi
}
in_use() {
    local pid; init "$up"
    "$zs" boot "$root" </dev/null >"$work/log" 2>&1 & pid=$!
    until_ has up && fails_with 7 'in use' boot "$root" && mkdir "$root/zonestrap" && : >"$root/zonestrap/second-stage" && fails_with 7 'in use' "$zs" second-stage "$root"
    local rc=$?
    rm -rf "$root/zonestrap"
    [ "$("$zs" run "$root" -- echo beside)" = beside ] || rc=1
    kill "$pid"; wait "$pid"; return $rc
}
elf() { printf "\\177ELF\\$1\\$2\\1\\0\\0\\0\\0\\0\\0\\0\\0\\0$3"; head -c 100 /dev/zero; } # CLASS DATA TYPE-AND-MACHINE
other_arch() { # links lead where they lead in the zone
    local off=/proc/sys/fs/binfmt_misc own=$root/own-programs
    mkdir "$own" && rm "$root/sbin/init" && ln -s /own-programs/init "$root/sbin/init" && elf 1 2 '\0\2\0\2' >"$own/init" && chmod 755 "$own/init" || return
    fails_with 7 'root: /sbin/init is a program for another architecture \(number 2 in ELF\); boot it on a host' boot "$root" || return
    printf '#! /own-programs/init x\n' >"$own/script"; chmod 755 "$own/script"; fails_with 7 'root: /own-programs/init is a program for another' boot --init /own-programs/script "$root" || return
    if [ "$(uname -m)" != s390x ] && ! ls $off 2>/dev/null | grep -q s390x; then
        elf 2 2 '\0\2\0\26' >"$own/init"; fails_with 7 "root: /sbin/init is a program for s390x: this host cannot run s390x programs.*; install an emulator" boot "$root" || return
    fi
    ln -sf loop "$own/loop"; fails_with 7 'cannot run /own-programs/loop' boot --init /own-programs/loop "$root" || return
    printf '#!/bin/sh\necho own; exit 4\n' >"$own/init"; gives 4 boot "$root" >"$work/out" && grep -qx own "$work/out" && [ -z "$(left '*')" ]
    local rc=$?; rm -r "$own"; return $rc
}
removed() { # not while something runs in it
    local pid; init "$up"
    "$zs" boot "$root" </dev/null >"$work/log" 2>&1 & pid=$!
    until_ has up && fails_with 7 "root: in use: process [0-9]+ runs in it; end that first" "$zs" remove --force "$root" && [ -e "$root/sbin/init" ]
    local rc=$?
    kill "$pid"; wait "$pid"; [ $rc = 0 ] || return $rc
    "$zs" run "$root" -- sh -c 'echo running; sleep 1000' </dev/null >"$work/log" 2>&1 & pid=$!
    until_ has running && fails_with 7 "in use: process" "$zs" remove --force "$root/../root"; rc=$?
    kill "$pid"; wait "$pid"; [ $rc = 0 ] || return $rc
    if command -v flock >/dev/null; then
        flock "$root" sleep 5 & pid=$!; until_ sh -c "! flock -n '$root' true" && fails_with 7 "in use: it is being made or finished" "$zs" remove --force "$root"; rc=$?; kill $pid; wait $pid 2>/dev/null; [ $rc = 0 ] || return $rc
        until_ flock -n "$root" true || return
    fi
    [ -e "$root/bin/busybox" ] && "$zs" remove --force "$root" && [ ! -e "$root" ]
}
for c in $cases; do
    f=$c; [ $c != timeout ] || f=timeout_
    [ $c != until ] || f=until_text
    case_ "boot $c" "$f"
done
done_
