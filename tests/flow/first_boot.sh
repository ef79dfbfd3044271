#!/bin/bash
# A root that finishes itself at its first boot: what stands in for init, on small roots of busybox and a second stage of two
# lines, then on a real one without an init. Real inits are in tests/check_all/first_boot.sh.
. "$(dirname "$0")/lib.sh"
. "$here/boot.sh"
cases="init_file init_link no_init systemd_path failure no_terminal cut_off not_pid_1 by_hand bare_boot read_only"
boot_start
why=$(boot_why)
if [ -n "$why" ]; then
    for c in $cases "bookworm"; do skipped "first boot $c" "$why"; done
    done_
fi

# A root whose init is pkgfmt/first_boot.sh and whose second stage is the given lines of sh.
root=$boots/root
script=$top/pkgfmt/first_boot.sh
plain=$boots/plain
mkdir -p "$plain"/{usr/lib/systemd,bin,sbin,lib,etc,proc,sys,dev,run,tmp,root,var/log,zonestrap}
cp /bin/busybox "$plain/bin/"
for a in $(/bin/busybox --list); do [ "$a" = busybox ] || [ "$a" = init ] || echo "$plain/bin/$a"; done | xargs -n 1 ln -s busybox
ln -s ../usr/lib/systemd "$plain/lib/systemd"
mknod "$plain/dev/null" c 1 3
: >"$plain/dev/console" # where no zone has its own: the node would be the host's
install -m 755 "$script" "$plain/sbin/init"
install -m 755 "$script" "$plain/zonestrap/first-boot"
make_root() {
    rm -rf "$root"
    cp -a "$plain" "$root"
    { echo '#!/bin/sh'; [ $# = 0 ] || printf '%s\n' "$@"; echo 'echo "second stage: $*" >>/ran; rm -rf /zonestrap'; } >"$root/zonestrap/second-stage"
}
real_init() { # PATH: what the packages shipped there
    printf '#!/bin/sh\necho "the real init: $0 $* pid $$ container=$container PATH=$PATH"\ncp /proc/self/mountinfo /mounts 2>/dev/null; exit 7\n' >"$root/$1"
    chmod 751 "$root/$1"; touch -d 2001-02-03 "$root/$1"
}
is_real() { [ "$(stat -c '%a %Y' "$root/$1")" = "751 $(date -d 2001-02-03 +%s)" ] && head -n 2 "$root/$1" | grep -q 'the real init'; }
clean() { [ ! -e "$root/zonestrap" ] && [ -z "$(find "$root" -name '*.zonestrap')" ] && ! grep -rlqs 'stands in for init' "$root/sbin" "$root/usr"; }
ran() { [ "$(cat "$root/ran" 2>/dev/null)" = "$1" ] || { cat "$root/ran"; return 1; }; }
once='second stage: first-boot'

init_file() {
    make_root 'for i in 0 1 2 3 4; do echo "zs-progress $i 4 unpack p$i:amd64"; done' 'echo "zs-warning p5 of 100 % failed"'
    real_init sbin/init.zonestrap
    boot "$work/log" 'wait 9 0 % unpack p0:amd64' 'wait 9 100 % unpack p4' 'wait 9 zonestrap: warning: p5 of 100 % failed' 'wait 9 second stage is finished' \
        'wait 9 real init: /sbin/init one two pid 1 container=systemd-nspawn PATH=' 'end 9' -- "$root" /sbin/init one two >"$work/status" &&
        [ "$(cat "$work/status")" = 7 ] && is_real sbin/init && clean && ran "$once"
}
init_link() {
    make_root; real_init usr/lib/the-init; ln -s ../usr/lib/the-init "$root/sbin/init.zonestrap"
    boot "$work/log" 'wait 9 real init: /sbin/init' 'end 9' -- "$root" /sbin/init &&
        [ "$(readlink "$root/sbin/init")" = ../usr/lib/the-init ] && clean && ran "$once"
}
no_init() {
    make_root
    boot "$work/log" 'wait 9 this root has no init; this is a shell' 'send echo pid $$ in $PWD' 'wait 9 pid 1 in /root' 'send exit 5' 'end 9' \
        -- "$root" /sbin/init >"$work/status" && [ "$(cat "$work/status")" = 5 ] && clean && [ ! -e "$root/sbin/init" ] && ran "$once"
}
# nspawn -b starts systemd where it finds it, past /sbin/init.
systemd_path() {
    make_root; install -m 755 "$script" "$root/usr/lib/systemd/systemd"; real_init usr/lib/systemd/systemd.zonestrap
    ln -s ../lib/systemd/systemd "$root/sbin/init.zonestrap"; : >"$root/etc/os-release"
    boot "$work/log" 'wait 9 real init: /usr/lib/systemd/systemd' 'end 9' -- "$root" -b &&
        is_real usr/lib/systemd/systemd && [ "$(readlink "$root/sbin/init")" = ../lib/systemd/systemd ] && clean && ran "$once"
}
failure() {
    make_root '[ -e /mended ] || { echo "zonestrap: second stage: configure: bash failed"; exit 1; }'; real_init sbin/init.zonestrap
    boot "$work/log" 'wait 9 configure: bash failed' 'wait 9 SECOND STAGE HAS FAILED.*/var/log/zonestrap.log' 'wait 9 shell to mend.*leave it.*every boot' \
        'send exit' 'wait 9 SECOND STAGE HAS FAILED' 'wait 9 shell' 'send echo tty: $(tty); >/mended; exit' 'wait 9 tty: /dev/' 'wait 9 real init' 'end 9' \
        -- "$root" /sbin/init && is_real sbin/init && clean && ran "$once"
}
no_terminal() {
    make_root 'exit 9'; real_init sbin/init.zonestrap
    (for g in $boot_groups; do echo 0 >"$g/cgroup.procs"; done 2>/dev/null
        exec timeout 20 systemd-nspawn -q --keep-unit --register=no --private-network --console=pipe -D "$root" /sbin/init </dev/null) >"$work/log" 2>&1
    [ $? = 1 ] && grep -q 'SECOND STAGE HAS FAILED' "$work/log" && [ -e "$root/zonestrap/second-stage" ] && [ -e "$root/sbin/init.zonestrap" ] || { cat "$work/log"; return 1; }
}
# Every state that a boot may leave behind, which was cut off after the second stage.
cut_off() {
    local s
    for s in gone empty first second; do
        make_root; install -m 755 "$script" "$root/usr/lib/systemd/systemd"
        real_init sbin/init.zonestrap; real_init usr/lib/systemd/systemd.zonestrap
        rm -r "$root/zonestrap"; [ $s != empty ] || mkdir "$root/zonestrap"
        [ $s != first ] || mv "$root/sbin/init.zonestrap" "$root/sbin/init"
        [ $s != second ] || mv "$root/usr/lib/systemd/systemd.zonestrap" "$root/usr/lib/systemd/systemd"
        [ $s = first ] && set -- /usr/lib/systemd/systemd || set -- /sbin/init
        boot "$work/log" "wait 9 real init: $1" 'end 9' -- "$root" "$1" && clean && is_real sbin/init && is_real usr/lib/systemd/systemd && [ ! -e "$root/ran" ] || { echo "$s"; return 1; }
    done
}
# A package's script asks for init: the real one answers.
not_pid_1() {
    make_root '/sbin/init u && /sbin/telinit q && /sbin/init --version; /sbin/init --version >/out; echo $? >>/out'
    real_init sbin/init.zonestrap; ln -s init "$root/sbin/telinit"
    boot "$work/log" 'wait 9 real init: /sbin/init.zonestrap --version pid' 'wait 9 real init: /sbin/init  pid 1' 'end 9' -- "$root" /sbin/init && grep -qx 7 "$root/out" || return
    make_root '/sbin/init 6 && echo gone'
    boot "$work/log" 'wait 9 no init before the second stage is finished' 'wait 9 is finished' -- "$root" /sbin/init && ! grep -q gone "$work/log" || return
    # systemd's /sbin/init is a link to another of the places, which leads back here.
    make_root '/sbin/init --version >/out; echo $? >>/out'; install -m 755 "$script" "$root/usr/lib/systemd/systemd"
    ln -s ../usr/lib/systemd/systemd "$root/sbin/init.zonestrap"; real_init usr/lib/systemd/systemd.zonestrap
    boot "$work/log" 'wait 9 real init' 'end 9' -- "$root" /sbin/init && grep -q 'real init: /lib/systemd/systemd.zonestrap --version' "$root/out" && grep -qx 7 "$root/out"
}
# What the real second stage does when the script does not call it.
by_hand() {
    make_root 'sh /zonestrap/first-boot put-back || exit'; real_init sbin/init.zonestrap
    install -m 755 "$script" "$root/usr/lib/systemd/systemd" # made by us, shipped by nobody
    boot "$work/log" 'end 9' -- "$root" /bin/sh /zonestrap/second-stage && is_real sbin/init && clean
}
# Without nspawn's help, as a kernel does it: nothing is mounted, no descriptor is open. /dev has what the fixups make: with
# an empty one it would be the host's devtmpfs.
bare() { timeout -k 1 20 unshare -m -p -f -u --kill-child --propagation private chroot "$root" "$@"; }
bare_boot() {
    make_root 'hostname >/name; grep " /run " /proc/self/mountinfo >/run-there; [ -e /dev/stdin ] && [ -d /sys/kernel ] || exit'
    real_init sbin/init.zonestrap; echo mine >"$root/etc/hostname"; rm -rf "$root/sys" "$root/run"
    bare /bin/sh -c 'hostname "(none)"; exec /sbin/init <&- >&- 2>&-'
    cat "$root/dev/console"
    ran "$once" && is_real sbin/init && clean && [ "$(cat "$root/name")" = mine ] && [ -s "$root/run-there" ] && [ ! -s "$root/mounts" ]
}
read_only() {
    make_root; real_init sbin/init.zonestrap
    mkdir "$boots/ro" && mount -t tmpfs zs-ro "$boots/ro" && cp -a "$root/." "$boots/ro/" || return
    (root=$boots/ro; mount -o remount,ro "$root"; bare /sbin/init </dev/null >/dev/null 2>&1; cat "$root/dev/console"; [ "$(cat "$root/ran")" = "$once" ] && is_real sbin/init && clean && ! touch "$root/x" 2>/dev/null)
    local rc=$?
    umount "$boots/ro"; rmdir "$boots/ro"
    return $rc
}
for c in $cases; do case_ "first boot $c" "$c"; done

# A kernel mounts the root read-only and nothing else but its devices.
kernel() {
    make_root '[ -e /proc/self ] && [ -d /sys/kernel ] && [ -e /dev/stdin ] && grep -q " /run tmpfs" /proc/mounts && hostname && >/written || exit'
    real_init sbin/init.zonestrap; echo mine >"$root/etc/hostname"; rm "$root"/dev/*
    printf 'mount -t proc proc /proc; cat /proc/mounts; ls -d /zonestrap /sbin/*.zonestrap; echo "home $HOME."; poweroff -f\n' >"$root/sbin/real"
    sed -i 's,^cp .*,. /sbin/real,' "$root/sbin/init.zonestrap"
    mkfs.ext4 -q -F -d "$root" "$boots/disk" 32M &&
        boot_uml "$work/log" 'wait 60 Mounted root .ext4 filesystem. readonly' 'wait 20 the packages are being installed' 'wait 9 mine' 'wait 9 is finished' \
            'wait 9 the real init: /sbin/init single pid 1' 'wait 9 home /\.' 'end 20' -- "$boots/disk" single &&
        tr -d '\r' <"$work/log" >"$work/kernel" && grep -q '^/dev/root / ext4 ro' "$work/kernel" && ! grep -qE '^[^ ]+ /(run|sys) ' "$work/kernel" &&
        grep -q 'zonestrap: No such file' "$work/kernel" || { tail -n 40 "$work/kernel"; return 1; }
}
if command -v linux.uml >/dev/null; then case_ "first boot kernel" kernel; else skipped "first boot kernel" "no User-Mode Linux (Debian: user-mode-linux)"; fi

# A real root without an init, out of a tarball: the first boot is cut off twice, and goes on.
. "$here/mirror.sh"
[ -n "$mirror" ] || { skipped "first boot bookworm" "the host's apt configuration names no Debian mirror that answers"; done_; }
bookworm() {
    local r=$boots/bookworm
    mkdir "$r" && "$zs" create --cache-dir "$shared_cache" --progress none --second-stage first-boot debian/bookworm "$work/b.tar" 2>"$work/said" &&
        tar -C "$r" -xpf "$work/b.tar" || return
    grep -q 'second stage at its first boot' "$work/said" && [ -x "$r/sbin/init" ] || return
    boot "$work/log" 'wait 30 20 % unpack' -- "$r" /sbin/init && boot "$work/log" 'wait 30 7[05] % configure' -- "$r" /sbin/init &&
        [ -e "$r/zonestrap/second-stage" ] && boot "$work/log" 'wait 60 second stage is finished' 'wait 9 this root has no init' \
        'send echo audit-$(dpkg --audit | wc -l)-$(dpkg --verify | wc -l)-$(dpkg -l | grep -c ^ii)' 'wait 20 audit-0-0-88' 'send exit' 'end 9' -- "$r" /sbin/init &&
        ! grep -q unpack "$work/log" && [ ! -e "$r/zonestrap" ] && [ ! -e "$r/sbin/init" ]
}
case_ "first boot of bookworm without an init, cut off twice" bookworm
done_
