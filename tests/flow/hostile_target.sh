#!/bin/bash
# Targets that cannot take a root, and runs that are cut off: what was there stays, nothing half-made appears, the next run works.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped hostile_target "needs root"; done_; }
. "$here/repo.sh"
repo_key
mkdir -p "$tree/alpha/usr/share/alpha"
for i in 1 2 3 4 5 6; do head -c 4000000 /dev/urandom >"$tree/alpha/usr/share/alpha/$i"; done
comp=none repo_deb alpha 1.0 "Depends: beta"
head -c 6000000 /dev/urandom >"$work/n"; mkdir -p "$tree/beta/usr/share/beta"; cp "$work/n" "$tree/beta/usr/share/beta/n"
comp=xz repo_deb beta 1
repo_index "$work/repo" one
repo_recipe "file://$work/repo"
create() { zs_local create --second-stage never mine/one "$@"; }
clean() { # DIR: nothing of ours is left beside the target
    [ -z "$(ls -A "$1" | grep -v '^lost+found$')" ] || { echo "left in $1:"; ls -A "$1"; return 1; }
}
t_file() { mkdir "$work/t1"; echo keep >"$work/t1/file"; fails_with 7 'file' create "$work/t1/file" && [ "$(cat "$work/t1/file")" = keep ]; }
case_ "a target that is a file" t_file
t_full_dir() { mkdir -p "$work/t2/root"; echo keep >"$work/t2/root/mine"; fails_with 7 'not empty' create "$work/t2/root" && [ "$(ls -A "$work/t2/root")" = mine ] && [ "$(ls -A "$work/t2")" = root ]; }
case_ "a target that is not empty" t_full_dir
t_noparent() { fails_with 7 'no/such' create "$work/no/such/root"; }
case_ "a target whose parent is missing" t_noparent
with_mount() { # OPTIONS COMMAND...: $work/m mounted as tmpfs
    local opts=$1; shift
    mkdir -p "$work/m"; mount -t tmpfs -o "$opts" zs-test "$work/m" || return 1
    "$@"; local rc=$?
    umount "$work/m"; return $rc
}
in_full() { fails_with 7 'No space' create "$work/m/root" && clean "$work/m"; }
t_full() { with_mount size=12m in_full; }
case_ "a full file system" t_full
in_full_place() { fails_with 7 'No space' create "$work/m" && clean "$work/m"; }
t_full_place() { with_mount size=12m in_full_place; }
case_ "a full file system, filled in place" t_full_place
in_ro() { mount -o remount,ro "$work/m" && fails_with 7 'read-only' create "$work/m/root"; }
t_ro() { with_mount size=12m in_ro; }
case_ "a read-only file system" t_ro
# A signal at many points of the run; then the same command works. KILL leaves a hidden directory that the next run takes away.
same_root() {
    diff <(cd "$1" && find . \( -type d -printf '%p %y %m\n' \) -o -printf '%p %y %m %s %l\n' | sort) <(cd "$2" && find . \( -type d -printf '%p %y %m\n' \) -o -printf '%p %y %m %s %l\n' | sort) &&
        diff -r "$1/usr" "$2/usr"
}
interrupt() { # SIGNAL STATUS TARGETDIR
    local sig=$1 want=$2 place=$3 delay rc n=0
    for delay in 0.01 0.03 0.05 0.08 0.1 0.13 0.17 0.2 0.25 0.3; do
        rm -rf "$place"; mkdir -p "$place"
        [ "$4" = fresh ] && rm -rf "$work/cache"
        "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch amd64 --progress none --second-stage never mine/one "$place/root" 2>"$work/err" &
        local pid=$!
        sleep $delay; kill -s $sig $pid 2>/dev/null; wait $pid 2>/dev/null; rc=$?
        if [ $rc = 0 ]; then same_root "$work/whole" "$place/root" || return 1; continue; fi
        # Within the first moments the program has not begun to catch signals: nothing is there then.
        [ $rc = 143 ] && [ $delay \< 0.15 ] && [ -z "$(ls -A "$place")" ] && rc=$want
        [ $rc = "$want" ] || { echo "delay $delay: exit status $rc"; cat "$work/err"; return 1; }
        n=$((n + 1))
        # The end may come between the rename and the exit: then the target must be whole.
        if [ -e "$place/root" ]; then
            same_root "$work/whole" "$place/root" && [ "$(ls -A "$place")" = root ] || { echo "delay $delay: half a target"; return 1; }
            continue
        fi
        [ $sig = KILL ] || clean "$place" || return 1
        create "$place/root" || { echo "delay $delay: the run after it fails"; return 1; }
        cmp "$work/n" "$place/root/usr/share/beta/n" && [ "$(ls -A "$place")" = root ] || { ls -A "$place"; return 1; }
    done
    echo "$n of 10 were interrupted"; [ $n -gt 0 ]
}
create "$work/whole" 2>/dev/null
case_ "SIGINT at ten points, then again" interrupt INT 130 "$work/i1" fresh
case_ "SIGTERM at ten points, then again" interrupt TERM 130 "$work/i2" fresh
case_ "SIGKILL at ten points, then again" interrupt KILL 137 "$work/i3" fresh
t_place_kill() {
    local d
    for d in 0.03 0.08 0.12; do
        rm -rf "$work/p"; mkdir "$work/p"
        "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch amd64 --progress none --second-stage never mine/one "$work/p" 2>/dev/null &
        local pid=$!; sleep $d; kill -KILL $pid 2>/dev/null; wait $pid 2>/dev/null
        [ -e "$work/p/usr/share/alpha/6" ] && [ ! -e "$work/p/.zonestrap-incomplete" ] && continue
        create "$work/p" && cmp "$work/n" "$work/p/usr/share/beta/n" && [ ! -e "$work/p/.zonestrap-incomplete" ] || return 1
    done
}
case_ "SIGKILL while filling in place, then again" t_place_kill
t_two() {
    rm -rf "$work/t4"; mkdir "$work/t4"
    for i in 1 2 3 4; do create "$work/t4/root$i" & done
    wait
    for i in 1 2 3 4; do cmp "$work/n" "$work/t4/root$i/usr/share/beta/n" || return 1; done
}
case_ "four runs at a time with one cache" t_two
done_
