#!/bin/bash
# Tarballs of a real bookworm: finished and to be finished, the same every time, used by the clients that people have.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped tarball_debian "needs root"; done_; }
. "$here/mirror.sh"
[ -n "$mirror" ] || { skipped tarball_debian "the host's apt configuration names no Debian mirror that answers"; done_; }
create() { "$zs" create --cache-dir "$shared_cache" --progress none "$@"; }
audit_is_empty() { [ -z "$("$zs" run "$1" -- dpkg --audit 2>&1)" ] && [ "$("$zs" run "$1" -- dpkg-query -W -f '${db:Status-Abbrev}\n' | grep -c '^ii')" = 88 ]; }
export TMPDIR=$work/tmp; mkdir -m 1777 "$TMPDIR"

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
t_epoch() { # the newest of the signed indexes
    local want; want=$("$zs" plan --cache-dir "$shared_cache" --progress none --json debian/bookworm | python3 -c 'import json, sys; print(json.load(sys.stdin)["epoch"])') &&
    tar -xOf "$work/a.tar.zst" ./etc/shadow | grep -q "^root:[^:]*:$((want / 86400)):" && [ "$(date -ud "$(tar -tvf "$work/a.tar.zst" --utc --full-time ./etc/hostname | awk '{print $4, $5}')" +%s)" = "$want" ]
}
case_ "the epoch is the plan's, the days of passwords, too" t_epoch
t_directory() {
    create debian/bookworm "$work/dir" && "$here/compare_roots.sh" "$work/dir" "$work/bsd" /dev/null
}
case_ "it equals the directory target" t_directory
. "$here/user.sh"
if command -v newuidmap >/dev/null && [ "$(cat /proc/sys/user/max_user_namespaces)" -gt 0 ]; then
    t_user() { as_user zstest:200000:65536 "$work/zs-copy" create --progress none debian/bookworm u.tar.zst && cmp "$work/a.tar.zst" "$work/user/u.tar.zst"; }
    case_ "an ordinary user makes the same finished tarball, to the last byte" t_user
    t_caps() {
        local more="--progress none -i iputils-ping,libcap2-bin debian/bookworm"
        as_user zstest:200000:65536 "$work/zs-copy" create $more c.tar && create $more "$work/c.tar" && cmp "$work/c.tar" "$work/user/c.tar" &&
        mkdir "$work/caps" && bsdtar -C "$work/caps" -xpf "$work/c.tar" && "$zs" run "$work/caps" -- getcap /bin/ping | grep -q cap_net_raw
    }
    case_ "file capabilities come through, for both" t_caps
    t_groups() {
        install -d -m 2770 -g 4999 "$work/theirs" && GROUPS_=--groups=4999 as_user zstest:200000:65536 "$work/zs-copy" create --progress none --sbom ../theirs/g.json debian/bookworm ../theirs/g.tar.zst &&
        cmp "$work/a.tar.zst" "$work/theirs/g.tar.zst" && [ -s "$work/theirs/g.json" ]
    }
    case_ "into a directory that only the user's group may write" t_groups
    t_no_ids() {
        fails_with 7 'subordinate.*--second-stage later' as_user somebody:200000:65536 "$work/zs-copy" create --progress none debian/bookworm v.tar && [ ! -e "$work/user/v.tar" ] &&
        as_user somebody:200000:65536 "$work/zs-copy" create --progress none --second-stage later debian/bookworm v.tar && [ -s "$work/user/v.tar" ]
    }
    case_ "a user without subordinate ids is told so, and offered a stage-1 tarball" t_no_ids
    t_no_tool() {
        HIDE=$(command -v newuidmap) fails_with 7 'newuidmap, which is not installed.*--second-stage later' as_user zstest:200000:65536 "$work/zs-copy" create --progress none debian/bookworm y.tar && [ ! -e "$work/user/y.tar" ]
    }
    case_ "newuidmap missing: said so, and a stage-1 tarball offered" t_no_tool
    t_no_rights() {
        install -m 755 "$(command -v newuidmap)" "$work/newuidmap" &&
        BY=$work/newuidmap HIDE=$(command -v newuidmap) fails_with 7 'newuidmap cannot map the user ids: .*setuid.*--second-stage later' as_user zstest:200000:65536 "$work/zs-copy" create --progress none debian/bookworm y.tar && [ ! -e "$work/user/y.tar" ]
    }
    case_ "newuidmap without its rights: said so" t_no_rights
else
    skipped "an ordinary user" "newuidmap or user namespaces are missing"
fi
# Root of a namespace that has all ids, and may make no more of them.
t_forbidden() {
    unshare --user sleep 300 & local holder=$! rc
    sleep 0.5; echo "0 0 65537" >/proc/$holder/uid_map && echo "0 0 65537" >/proc/$holder/gid_map || { kill $holder; return 1; }
    fails_with 7 'user namespace.*--second-stage later' nsenter -t $holder -U -S 0 -G 0 sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' - "$zs" create --cache-dir "$work/c4" --progress none debian/bookworm "$work/w.tar"; rc=$?
    grep -q max_user_namespaces "$work/err" || rc=1
    kill $holder; [ ! -e "$work/w.tar" ] && return $rc
}
case_ "user namespaces forbidden: said so, and a stage-1 tarball offered" t_forbidden
t_small_namespace() {
    fails_with 7 'user namespace.*--second-stage later' unshare --user --map-root-user "$zs" create --cache-dir "$work/c3" --progress none debian/bookworm "$work/w.tar" && [ ! -e "$work/w.tar" ]
}
case_ "root of a namespace with too few ids is told so" t_small_namespace
# What goes wrong with a finished one: known at once, or when there is nothing left but to pack it.
t_at_once() {
    local cache=$work/c5
    finish() { "$zs" create --cache-dir "$cache" --progress none debian/bookworm "$1"; }
    echo precious >"$work/p.tar"
    fails_with 7 'p.tar: exists' finish "$work/p.tar" && [ "$(cat "$work/p.tar")" = precious ] && fails_with 7 'no/such.*make it first' finish "$work/no/such/a.tar" && [ -z "$(find "$cache" -type f)" ]
}
case_ "finished: an existing file, a directory that is not there, before anything is fetched" t_at_once
on_small() { # SIZE COMMAND...: with $work/small; nothing stays there
    local rc; mkdir -p "$work/small" && mount -t tmpfs -o "size=$1" small "$work/small" || return 1
    shift; "$@"; rc=$?
    [ -z "$(ls -A "$work/small")" ] || { ls -lA "$work/small"; rc=1; }
    umount "$work/small"; return $rc
}
t_full_target() { fails_with 7 'small/a.tar.*No space left' create debian/bookworm "$work/small/a.tar" && [ -z "$(ls -A "$TMPDIR" | grep zonestrap)" ]; }
case_ "finished: the disk is full half-way" on_small 20m t_full_target
t_full_place() {
    echo "MemAvailable: 100000 kB" >"$work/meminfo"
    TMPDIR=$work/small fails_with 7 'No space left.*free some space' unshare --mount --propagation private sh -c 'mount --bind "$0" /proc/meminfo && exec "$@"' "$work/meminfo" "$zs" create --cache-dir "$shared_cache" --progress none debian/bookworm "$work/f.tar" && [ ! -e "$work/f.tar" ]
}
case_ "finished: no room for the root, in memory nor on disk" on_small 60m t_full_place
t_closed() { fails_with 7 'standard output: .*closed it' bash -c '"$@" | true; exit ${PIPESTATUS[0]}' - "$zs" create --cache-dir "$shared_cache" --progress none debian/bookworm -; }
case_ "finished: a closed pipe" t_closed
t_later() {
    create --second-stage later debian/bookworm - | tee "$work/s1.tar" | tar -C "$(mkdir "$work/s1" && echo "$work/s1")" -xpf - || return 1
    "$zs" second-stage --progress none "$work/s1" && audit_is_empty "$work/s1" && [ ! -e "$work/s1/zonestrap" ]
}
case_ "a stage-1 tarball through a pipe: finished where it was unpacked" t_later
t_locked() {
    "$zs" plan --cache-dir "$shared_cache" --progress none --lock "$work/lock" debian/bookworm && create --second-stage later --locked "$work/lock" debian/bookworm "$work/l.tar" && cmp "$work/l.tar" "$work/s1.tar"
}
case_ "from a lock: the same bytes" t_locked
t_foreign() {
    create --arch arm64 --second-stage later debian/bookworm - | tar -C "$(mkdir "$work/arm" && echo "$work/arm")" -xpf - &&
    od -An -tx1 -j18 -N2 "$work/arm/usr/bin/dpkg" | grep -q 'b7 00' && grep -q '^package dpkg ' "$work/arm/zonestrap/plan"
}
case_ "another architecture, through a pipe" t_foreign
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
# Until the second stage of the run with this pid is at work, in its own view of the file systems.
at_second_stage() { local i; for i in $(seq 600); do [ -n "$(find "/proc/$1/root$work/t/" -maxdepth 5 -path '*/var/log/zonestrap.log' -size +0 2>/dev/null)" ] && return; sleep 0.05; done; echo "it never came to the second stage"; return 1; }
t_interrupted() {
    mkdir -p "$work/t"; TMPDIR=$work/t "$zs" create --cache-dir "$shared_cache" --progress none debian/bookworm "$work/i.tar" 2>"$work/err" & local pid=$!
    at_second_stage $pid || return 1
    kill -INT $pid; wait $pid; [ $? = 130 ] && grep -q interrupted "$work/err" && [ ! -e "$work/i.tar" ] && [ -z "$(ls -A "$work" | grep partial)" ] && [ -z "$(ls -A "$work/t")" ]
}
case_ "interrupted in the second stage: nothing is left" t_interrupted
t_packing() {
    "$zs" create --cache-dir "$shared_cache" --progress none debian/bookworm "$work/i.tar.xz" 2>"$work/err" & local pid=$!
    for _ in $(seq 600); do [ -s "$work/.i.tar.xz.zonestrap-partial" ] && break; sleep 0.05; done
    kill -TERM $pid; wait $pid; [ $? = 130 ] && grep -q interrupted "$work/err" && [ ! -e "$work/i.tar.xz" ] && [ -z "$(ls -A "$work" | grep partial)" ]
}
case_ "interrupted while it is packed: nothing is left" t_packing
t_killed_memory() {
    mkdir -p "$work/t"; TMPDIR=$work/t "$zs" create --cache-dir "$shared_cache" --progress none debian/bookworm "$work/m.tar" 2>/dev/null & local pid=$!
    at_second_stage $pid || return 1
    kill -KILL $pid; wait $pid 2>/dev/null
    [ -n "$(ls -A "$work/t")" ] && sleep 1 && touch -d '-1 hour' "$work"/t/* && TMPDIR=$work/t create debian/bookworm "$work/m.tar.zst" && cmp "$work/m.tar.zst" "$work/a.tar.zst" && [ -z "$(ls -A "$work/t")" ]
}
case_ "killed with its root in memory: the next run leaves no trace of it" t_killed_memory
t_killed() {
    # Little memory: on disk.
    mkdir -p "$work/t"; echo "MemAvailable: 100000 kB" >"$work/meminfo"
    TMPDIR=$work/t unshare --mount --propagation private sh -c 'mount --bind "$0" /proc/meminfo && exec "$@"' "$work/meminfo" "$zs" create --cache-dir "$shared_cache" --progress none debian/bookworm "$work/k.tar" 2>/dev/null & local pid=$!
    at_second_stage $pid || return 1
    kill -KILL $pid; wait $pid 2>/dev/null
    [ ! -e "$work/k.tar" ] && [ -n "$(ls -A "$work/t")" ] && sleep 1 && touch -d '-1 hour' "$work"/t/* &&
    TMPDIR=$work/t unshare --mount --propagation private sh -c 'mount --bind "$0" /proc/meminfo && exec "$@"' "$work/meminfo" "$zs" create --cache-dir "$shared_cache" --progress none debian/bookworm "$work/k.tar.zst" &&
    cmp "$work/k.tar.zst" "$work/a.tar.zst" && [ -z "$(ls -A "$work/t")" ]
}
case_ "killed with its root on disk: the next run takes that away and makes the same bytes" t_killed
t_clean() { podman_gone; ! grep -F "$work" /proc/self/mountinfo && [ -z "$(ls -A "$TMPDIR" | grep zonestrap)" ]; }
case_ "the host's mounts are as before, nothing is left in the temporary directory" t_clean
done_
