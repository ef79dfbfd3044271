#!/bin/bash
# The program as it is built for Unix systems other than Linux (base/os_unix.c, cmd/zone/unix.c), on this one: its unit tests,
# a tarball of the same bytes, a directory, and what it cannot do.
. "$(dirname "$0")/../flow/lib.sh"
. "$top/tests/flow/mirror.sh"
[ "$(id -u)" -eq 0 ] || { skipped unix_host "needs root"; done_; }
[ -n "$mirror" ] || { skipped unix_host "the host's apt configuration names no Debian mirror that answers"; done_; }
unix=$work/build/zonestrap
create() { local bin=$1; shift; "$bin" create --cache-dir "$shared_cache" --progress none "$@"; }
build() { make -s -C "$top" HOST=Unix B="$work/build" "$work/build/zonestrap" unit && ! nm "$unix" | grep -E ' U (unshare|setns|openat2|renameat2|mount|llistxattr)(@|$)'; }
case_ "it builds, without Linux's calls" build
units() { cd "$top" && tests/run "$work"/build/unit/*_test; }
case_ "unit tests" units
same() { for b in "$zs" "$unix"; do create "$b" --second-stage later debian/bookworm "$work/$(basename "$(dirname "$b")")-$RANDOM.tar" || return 1; done; set -- "$work"/*.tar; [ $# = 2 ] && cmp "$@"; }
case_ "the same tarball" same
directory() { create "$unix" debian/bookworm "$work/root" 2>"$work/said" && grep 'the second stage cannot run here, it is left for later: running programs of the root.s needs Linux' "$work/said" &&
    [ -e "$work/root/zonestrap/second-stage" ] && "$zs" second-stage --progress none "$work/root" && [ -z "$("$zs" run "$work/root" -- dpkg --audit)" ]; }
case_ "a directory, finished by Linux's" directory
case_ "run" fails_with 7 'needs Linux' "$unix" run "$work/root" -- true
case_ "boot" fails_with 7 'needs Linux' "$unix" boot "$work/root"
case_ "second-stage now" fails_with 7 'needs Linux' create "$unix" --second-stage now debian/bookworm "$work/other"
clone() { "$unix" clone "$work/root" "$work/copy" && [ -s "$work/copy/etc/passwd" ] && "$unix" remove "$work/copy" && [ ! -e "$work/copy" ]; }
case_ "clone and remove" clone
case_ "clone --how btrfs" fails_with 7 'needs Linux' "$unix" clone --how btrfs "$work/root" "$work/copy"
mounted() { mkdir -p "$work/root/mnt" && mount -t tmpfs none "$work/root/mnt" && { fails_with 7 "$work/root/mnt is mounted in it" "$unix" remove "$work/root"; local rc=$?; umount "$work/root/mnt"; return $rc; }; }
case_ "remove sees what is mounted" mounted
for host in illumos freebsd; do
    case_ "zones of $host, their managers' stand-ins" env ZONESTRAP="$unix" ZONESTRAP_LINUX="$zs" bash "$top/tests/flow/zone_$host.sh"
done
done_
