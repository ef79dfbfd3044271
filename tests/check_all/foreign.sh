#!/bin/bash
# Architectures that are not the host's: stage 1 of each; stage 2 under the emulator that binfmt_misc starts, and i386 on amd64 itself.
. "$(dirname "$0")/../flow/lib.sh"
. "$top/tests/flow/mirror.sh"
why=
[ "$(id -u)" = 0 ] || why="needs root"
[ -n "$why" ] || [ -n "$mirror" ] || why="the host's apt configuration names no Debian mirror that answers"
[ -z "$why" ] || { skipped foreign "$why"; done_; }
binfmt=/proc/sys/fs/binfmt_misc registered= mounted=

# Our registrations go again, whatever happens.
unregister() { local r; for r in $registered; do echo -1 >$binfmt/$r; done; [ -z "$mounted" ] || umount $binfmt; }
cleanup_hooks=unregister

# emulator NAME (qemu's): a registration that works in a root, the host's or ours; else $why.
emulator() {
    local conf=/usr/lib/binfmt.d/qemu-$1.conf
    why=
    [ -e $binfmt/register ] || { mount -t binfmt_misc binfmt_misc $binfmt 2>/dev/null && mounted=1; } ||
        { why="the kernel has no binfmt_misc"; return 1; }
    grep -qs '^flags:.*F' "$binfmt/qemu-$1" && return
    [ ! -e "$binfmt/qemu-$1" ] || { why="$binfmt/qemu-$1 lacks the flag F"; return 1; }
    [ -e "$conf" ] || { why="no $conf (Debian: qemu-user-static)"; return 1; }
    sed 's/:[A-Z]*$/:OCPF/' "$conf" >$binfmt/register 2>/dev/null || { why="binfmt_misc refuses $conf"; return 1; }
    registered="$registered qemu-$1"
}

# create_ ARCH WHEN: into $work/ARCH, from the first release of which the mirror has indexes of this architecture that fit its
# signed ones; $from says which. 2: there is none, $why.
create_() {
    local choice rc
    why=
    for choice in debian/bookworm "--suites release debian/bookworm" debian/trixie "--suites release debian/trixie" "--ignore-expiry debian/forky"; do
        rm -rf --one-file-system "${work:?}/$1"
        # shellcheck disable=SC2086
        setsid "$zs" create --cache-dir "$shared_cache" --progress none -a "$1" --second-stage "$2" $choice "$work/$1" >"$work/create.out" 2>&1 </dev/null
        rc=$? from=$choice
        [ $rc != 0 ] || return 0
        grep -Eq 'size mismatch|digest mismatch|expired|has no architecture|names no Packages file' "$work/create.out" || { cat "$work/create.out"; return 1; }
        why="$(grep -Eo 'size mismatch.*|digest mismatch.*|.*expired.*|.*no architecture.*|.*names no.*' "$work/create.out" | head -n 1 | cut -c 1-160)"
    done
    why="the mirror has no whole index of $1: $why"
    return 2
}

# stage1 ARCH ELF: no program of it can have run, and its shell is one of that machine (bytes 18 and 19).
stage1() {
    create_ "$1" never || return
    [ "$(od -An -tx1 -j18 -N2 "$work/$1/bin/sh" | tr -d ' \n')" = "$2" ] || { od -An -tx1 -N20 "$work/$1/bin/sh"; return 1; }
    [ -s "$work/$1/etc/passwd" ] && [ ! -e "$work/$1/zonestrap" ]
}
in_root() { local root=$work/$1; shift; setsid "$zs" run "$root" -- "$@" </dev/null 2>&1; }
finished() {
    create_ "$1" now || return
    [ "$(in_root "$1" dpkg --print-architecture)" = "$1" ] || return 1
    in_root "$1" dpkg --audit >"$work/audit" && [ ! -s "$work/audit" ] || { cat "$work/audit"; return 1; }
    in_root "$1" dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | grep -v '^ii ' && return 1
    [ -z "$(in_root "$1" dpkg --verify)" ] && [ ! -e "$work/$1/zonestrap" ]
}
# tried NAME COMMAND ARCH...: as case_, with the release that it was made from; status 2 is a skip.
tried() {
    local name=$1 rc; shift
    from=
    "$@" >"$work/case.out" 2>&1; rc=$?
    rm -rf --one-file-system "$work/$2"
    case $rc in
    0) ok "$name (${from##* })" ;;
    2) skipped "$name" "$why" ;;
    *) sed 's/^/# /' "$work/case.out"; not_ok "$name ($from)" ;;
    esac
}
refused() {
    fails_with 7 'cannot run aarch64 programs: .*binfmt_misc has no interpreter for them' \
        "$zs" create --cache-dir "$shared_cache" --progress none -a arm64 --second-stage now debian/bookworm "$work/refused" && [ ! -e "$work/refused" ]
}

for a in arm64:b700 armhf:2800 riscv64:f300 s390x:0016 ppc64el:1500 i386:0300; do
    tried "stage 1 of ${a%:*}" stage1 "${a%:*}" "${a#*:}"
done
host=$(uname -m)
if [ "$host" = x86_64 ]; then tried "stage 2 of i386 without an emulator" finished i386
else skipped "stage 2 of i386 without an emulator" "the host is $host"; fi
if [ "$host" = aarch64 ] || [ -e $binfmt/qemu-aarch64 ]; then skipped "stage 2 of arm64 is refused without an emulator" "this host can run it"
else case_ "stage 2 of arm64 is refused without an emulator" refused; fi
for a in arm64:aarch64 riscv64:riscv64; do
    if [ "$host" = "${a#*:}" ] || emulator "${a#*:}"; then tried "stage 2 of ${a%:*} under an emulator" finished "${a%:*}"
    else skipped "stage 2 of ${a%:*} under an emulator" "$why"; fi
done
done_
