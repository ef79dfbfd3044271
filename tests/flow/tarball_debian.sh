#!/bin/bash
# Tarballs of a real bookworm: finished and to be finished, the same every time, used by the clients that people have.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped tarball_debian "needs root"; done_; }
. "$here/mirror.sh"
[ -n "$mirror" ] || { skipped tarball_debian "the host's apt configuration names no Debian mirror that answers"; done_; }
create() { "$zs" create --cache-dir "$shared_cache" --progress none "$@"; }
audit_is_empty() { [ -z "$("$zs" run "$1" -- dpkg --audit 2>&1)" ] && [ "$("$zs" run "$1" -- dpkg-query -W -f '${db:Status-Abbrev}\n' | grep -c '^ii')" = 88 ]; }
mounts_before=$(sort /proc/self/mountinfo | sha256sum)
tmp_before=$(ls -A "${TMPDIR:-/tmp}" | grep zonestrap)

t_finished() { create debian/bookworm "$work/a.tar.zst" 2>"$work/said"; local rc=$?; cat "$work/said"; [ $rc = 0 ] && grep -q "tar sha256:$(zstd -dcq "$work/a.tar.zst" | sha256sum | cut -d' ' -f1)" "$work/said"; }
case_ "create debian/bookworm a.tar.zst: finished, its digest is said" t_finished
t_again() {
    (mkdir -p "$work/elsewhere/tmp" && cd "$work/elsewhere" && umask 077 && export TMPDIR=$work/elsewhere/tmp TZ=Asia/Kathmandu LC_ALL=C.UTF-8 && create --jobs 1 debian/bookworm b.tar.zst) &&
    cmp "$work/a.tar.zst" "$work/elsewhere/b.tar.zst" && [ -z "$(ls -A "$work/elsewhere/tmp")" ]
}
case_ "again from elsewhere, with another umask, zone and --jobs: the same bytes" t_again
t_unpacked() {
    mkdir "$work/gnu" "$work/bsd" && tar -C "$work/gnu" -xpf "$work/a.tar.zst" && bsdtar -C "$work/bsd" --numeric-owner -xpf "$work/a.tar.zst" || return 1
    audit_is_empty "$work/gnu" && audit_is_empty "$work/bsd" && [ -z "$("$zs" run "$work/gnu" -- dpkg --verify)" ] && [ ! -e "$work/gnu/zonestrap" ]
}
case_ "GNU tar and bsdtar unpack it; dpkg finds all in order" t_unpacked
t_times() { [ -z "$(tar -tvf "$work/a.tar.zst" --utc --full-time | awk -v e="$(tar -tvf "$work/a.tar.zst" --utc --full-time ./etc/hostname | awk '{print $4 "T" $5}')" '$4 "T" $5 > e')" ]; }
case_ "nothing in it is newer than the epoch" t_times
t_directory() {
    create debian/bookworm "$work/dir" && "$here/compare_roots.sh" "$work/dir" "$work/bsd" /dev/null
}
case_ "it equals the directory target" t_directory
t_later() {
    create --second-stage later debian/bookworm - | tee "$work/s1.tar" | tar -C "$(mkdir "$work/s1" && echo "$work/s1")" -xpf - || return 1
    "$zs" second-stage --progress none "$work/s1" && audit_is_empty "$work/s1" && [ ! -e "$work/s1/zonestrap" ]
}
case_ "a stage-1 tarball through a pipe: finished where it was unpacked" t_later
t_small() {
    local all thin; mkdir -p "$work/z" && tar -C "$work/z" -xf "$work/s1.tar" ./zonestrap && thin=$(tar -C "$work/z" -c zonestrap | xz -6 | wc -c) &&
    echo "second stage: $thin bytes" && [ "$thin" -lt 900000 ]
}
case_ "what the second stage needs is well under a megabyte, compressed" t_small
t_tampered() {
    rm -rf "$work/s2"; mkdir "$work/s2" && tar -C "$work/s2" -xpf "$work/s1.tar" && printf x | dd of="$(ls "$work"/s2/zonestrap/packages/apt_*.deb)" bs=1 seek=300 conv=notrunc status=none &&
    fails_with 8 'verify: packages/apt_.*FAILED' "$zs" second-stage --progress none "$work/s2"
}
case_ "packages in it that were changed: refused before use" t_tampered
t_full() {
    create --second-stage later --second-stage-full debian/bookworm "$work/full.tar" && rm -rf "$work/s3" && mkdir "$work/s3" && tar -C "$work/s3" -xpf "$work/full.tar" &&
    "$zs" second-stage --progress none "$work/s3" && audit_is_empty "$work/s3"
}
case_ "the whole packages ride along with --second-stage-full" t_full

run_podman() { podman --root "$work/podman" --runroot "$work/podman-run" --storage-driver vfs --cgroup-manager cgroupfs "$@"; }
podman_gone() { mount | grep -o "$work/podman[^ ]*" | xargs -r umount 2>/dev/null; }
cleanup_hooks="$cleanup_hooks podman_gone"
t_podman() {
    run_podman import "$work/a.tar.zst" zs:test 2>&1 &&
    run_podman run --rm --runtime "$runtime" --ulimit nofile=20000:20000 --ulimit nproc=1000:1000 --network none zs:test dpkg -l >"$work/dpkg" && grep -c '^ii ' "$work/dpkg" | grep -qx 88
}
runtime=$(command -v runc)
if [ -n "$runtime" ] && command -v podman >/dev/null; then case_ "podman imports it and runs dpkg -l" t_podman; else skipped "podman" "podman or runc is missing"; fi
# On a file system of its own: what a container does to its mounts must not be done to the host's.
t_nspawn() {
    mkdir "$work/ns" && mount -t tmpfs -o size=1g nspawn "$work/ns" && tar -C "$work/ns" -xpf "$work/a.tar.zst" || return 1
    timeout 60 setsid systemd-nspawn -q --keep-unit --register=no --console=pipe -D "$work/ns" dpkg -l >"$work/dpkg" 2>"$work/err" </dev/null; local rc=$?
    umount "$work/ns"; cat "$work/err"; [ $rc = 0 ] && [ "$(grep -c '^ii ' "$work/dpkg")" = 88 ]
}
if command -v systemd-nspawn >/dev/null; then case_ "systemd-nspawn runs a command in it" t_nspawn; else skipped "systemd-nspawn" "it is missing"; fi
t_clean() { [ "$(sort /proc/self/mountinfo | sha256sum)" = "$mounts_before" ] && [ "$(ls -A "${TMPDIR:-/tmp}" | grep zonestrap)" = "$tmp_before" ]; }
case_ "the host's mounts are as before, nothing is left in the temporary directory" t_clean
done_
