#!/bin/bash
# Real inits finish their root at its first boot: to a running system and off again; cut off at many points; with a package that
# fails until it is mended; on a disk whose power goes. The result is that of `second-stage ROOT`.
. "$(dirname "$0")/../flow/lib.sh"
. "$top/tests/flow/boot.sh"
. "$top/tests/flow/mirror.sh"
boot_start
why=$(boot_why)
[ -n "$mirror" ] || why="the host's apt configuration names no Debian mirror that answers"
[ -z "$why" ] || { skipped first_boot "$why"; done_; }
sysv=sysvinit-core,sysv-rc,initscripts
root=$boots/root
make_root() { # RELEASE PACKAGES [OPTION...]; into $root unless `to` says where
    local release=$1 packages=$2; shift 2
    "$zs" create --cache-dir "$shared_cache" --progress none --second-stage first-boot ${packages:+-i "$packages"} "$@" "debian/$release" "${to:-$root}"
}
whole() { # ROOT
    [ -z "$("$zs" run "$1" -- sh -c 'dpkg --audit; dpkg --verify' 2>&1)" ] && [ ! -e "$1/zonestrap" ] && [ -z "$(find "$1/usr" "$1/sbin/" -name '*.zonestrap')" ] || {
        "$zs" run "$1" -- sh -c 'dpkg --audit; dpkg --verify' | head -n 5; ls -d "$1/zonestrap"; find "$1/usr" -name '*.zonestrap'; return 1; }
}
runs() { # RELEASE PACKAGES SIGN INIT-ARGUMENT...
    local release=$1 packages=$2 sign=$3; shift 3
    rm -rf "$root"
    make_root "$release" "$packages" && boot "$work/log" 'wait 120 second stage is finished' "wait 60 $sign" 'run boot_in /sbin/poweroff || :' 'end 60' -- "$root" "$@" && whole "$root"
}
case_ "bookworm with sysvinit runs, and is powered off" runs bookworm $sysv 'Entering runlevel: 2' -b
case_ "bookworm with OpenRC" runs bookworm openrc,sysvinit-core 'OpenRC .* is starting up' -b
case_ "bookworm with systemd" runs bookworm systemd-sysv 'login:' -b
case_ "trixie with systemd" runs trixie systemd-sysv 'login:' -b
from_tarball() {
    make_root() { rm -rf "$root"; mkdir "$root" && "$zs" create --cache-dir "$shared_cache" --progress none --second-stage first-boot -i "$2" "debian/$1" - | tar -C "$root" -xpf -; }
    runs trixie systemd-sysv 'login:' -b
}
case_ "trixie with systemd, from a tarball" eval '(from_tarball)'
case_ "trixie with systemd, started as /sbin/init" runs trixie systemd-sysv 'login:' /sbin/init
case_ "trixie with sysvinit" runs trixie $sysv 'Entering runlevel: 2' -b

# The init itself is only asked for its version (which systemd refuses as process 1), so that nothing else happens.
: >"$work/allow"
same() { # RELEASE PACKAGES VERSION [OPTION...]
    local release=$1 packages=$2 version=$3; shift 3
    rm -rf "$boots"/{root,host,plain}
    make_root "$release" "$packages" "$@" && to=$boots/host make_root "$release" "$packages" "$@" &&
        "$zs" create --cache-dir "$shared_cache" --progress none --second-stage later ${packages:+-i "$packages"} "$@" "debian/$release" "$boots/plain" || return
    boot "$work/log" 'wait 120 second stage is finished' "wait 9 $version" 'end 20' -- "$root" /sbin/init --version </dev/null &&
        "$zs" second-stage --progress none "$boots/host" && "$zs" second-stage --progress none "$boots/plain" || return
    local init; for init in sbin/init lib/systemd/systemd; do
        [ "$(cd "$root" && stat -c '%F %a %u:%g %s %Y' $init 2>&1)" = "$(cd "$boots/plain" && stat -c '%F %a %u:%g %s %Y' $init 2>&1)" ] || { stat "$root/$init" "$boots/plain/$init"; return 1; }
    done
    whole "$root" && whole "$boots/host" && cp -a "$boots/plain" "$boots/plain2" && bash "$top/tests/flow/compare_roots.sh" "$boots/plain" "$root" "$work/allow" &&
        bash "$top/tests/flow/compare_roots.sh" "$boots/plain2" "$boots/host" "$work/allow"
    local rc=$?
    rm -rf "$boots"/{root,host,plain,plain2}
    return $rc
}
case_ "the same root as second-stage ROOT: sysvinit" same bookworm $sysv 'SysV init version'
case_ "the same, with --second-stage-full" same bookworm $sysv 'SysV init version' --second-stage-full
case_ "the same: systemd of trixie" same trixie systemd-sysv 'Unsupported execution mode while PID 1'
case_ "the same, with --second-stage-full" same trixie systemd-sysv 'Unsupported execution mode while PID 1' --second-stage-full
case_ "the same: systemd of bullseye, whose /usr is not merged" same bullseye systemd-sysv 'Unsupported execution mode while PID 1'

cut() { # PACKAGES SIGN
    local at
    rm -rf "$root"
    make_root bookworm "$1" || return
    for at in '0 % unpack' '15 % unpack' '45 % unpack' '50 % configure' '% configure' '% configure' '% configure' '100 % fixups'; do
        boot "$work/log" "wait 60 $at" 'run sleep 0.$((RANDOM % 5))' -- "$root" -b || return
    done
    boot "$work/log" "wait 60 $2" 'run boot_in /sbin/poweroff || :' 'end 60' -- "$root" -b && whole "$root"
}
case_ "cut off again and again: sysvinit" cut $sysv 'Entering runlevel: 2'
case_ "cut off again and again: systemd" cut systemd-sysv 'login:'

mended() {
    rm -rf "$root"
    make_root bookworm $sysv && mv "$root/usr/sbin/pam-auth-update" "$root/root/" &&
        boot "$work/log" 'wait 60 libpam-runtime failed' 'wait 9 SECOND STAGE HAS FAILED' 'wait 9 shell' 'send exit' 'wait 60 SECOND STAGE HAS FAILED' -- "$root" -b &&
        boot "$work/log" 'wait 60 libpam-runtime failed' 'wait 9 shell to mend' 'send mv /root/pam-auth-update /usr/sbin/; exit' 'wait 60 second stage is finished' \
            'wait 60 Entering runlevel: 2' 'run boot_in /sbin/poweroff || :' 'end 60' -- "$root" -b && whole "$root"
}
case_ "a package that fails: a message, a shell, and on" mended

# What the disk has when the power goes: what nothing but time would have brought there is not.
disk=$boots/disk
power() {
    local at mount="mount -o loop,commit=300"
    mkdir -p "$boots/mnt"
    truncate -s 1500M "$disk" && mkfs.ext4 -q -F "$disk" && $mount "$disk" "$boots/mnt" || return
    to=$boots/mnt make_root bookworm $sysv || return
    for at in '30 % unpack' '55 % configure' '% configure' '100 % clean' 'stage is finished'; do
        boot "$work/log" "wait 100 $at" -- "$boots/mnt" -b && cp --sparse=always "$disk" "$disk.then" || return
        umount "$boots/mnt" && mv "$disk.then" "$disk" && $mount "$disk" "$boots/mnt" || return
    done
    boot "$work/log" 'wait 60 Entering runlevel: 2' 'run boot_in /sbin/poweroff || :' 'end 60' -- "$boots/mnt" -b && whole "$boots/mnt"
}
power_off() { power; local rc=$?; umount "$boots/mnt"; rm -f "$disk" "$disk.then"; return $rc; }
if [ -e /dev/loop-control ] && command -v mkfs.ext4 >/dev/null; then
    case_ "a disk whose power goes" power_off
else
    skipped "a disk whose power goes" "no loop devices, or no mkfs.ext4 (Debian: e2fsprogs)"
fi

# sysvinit makes /var/lock anew as it boots; the disk has it when the journal is written, every five seconds.
kernel() {
    rm -rf "$root"
    make_root bookworm $sysv && mkfs.ext4 -q -F -d "$root" "$disk" 1500M && boot_uml "$work/log" 'wait 60 . readonly on device' 'wait 600 second stage is finished' \
        'wait 200 Entering runlevel: 2' 'run sleep 8' -- "$disk" || return
    mkdir -p "$boots/mnt" && mount -o loop "$disk" "$boots/mnt" && whole "$boots/mnt"
}
if [ -e /dev/loop-control ] && command -v linux.uml >/dev/null; then
    case_ "a kernel of its own" kernel
    ! mountpoint -q "$boots/mnt" || umount "$boots/mnt"
else
    skipped "a kernel of its own" "no loop devices, or no User-Mode Linux (Debian: user-mode-linux)"
fi

# A container's runtime forbids mounts and nodes, mounts files of its own, and gives no terminal.
podman_at() { podman --root "$boots/podman" --runroot "$boots/podman-run" --storage-driver vfs --cgroup-manager cgroupfs "$@"; }
podman_run() { podman_at run --runtime "$(command -v runc)" --ulimit nofile=20000:20000 --ulimit nproc=1000:1000 --network none "$@"; }
podman_gone() { mount | grep -o "$boots/podman[^ ]*" | xargs -r umount 2>/dev/null; rm -rf "$boots/podman" "$boots/podman-run"; }
container() {
    "$zs" create --cache-dir "$shared_cache" --progress none --second-stage first-boot debian/bookworm "$work/c.tar" && podman_at import "$work/c.tar" zs:first && podman_run --name first zs:first /sbin/init </dev/null >"$work/log" 2>&1 || { cat "$work/log"; return 1; }
    grep -q 'second stage is finished' "$work/log" && podman_at commit first zs:second &&
        [ "$(podman_run --rm zs:second sh -c 'dpkg --audit; dpkg --verify; ls -d /zonestrap /sbin/init 2>&1 | grep -c "No such"' 2>&1)" = 2 ]
}
if command -v podman >/dev/null && command -v runc >/dev/null; then
    case_ "a container of podman's" container
    podman_gone
else
    skipped "a container of podman's" "podman or runc is missing"
fi
done_
