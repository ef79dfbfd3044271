#!/bin/bash
# Finished tarballs of larger systems: the same bytes for root and for an ordinary user, and nothing in them says when they were made.
. "$(dirname "$0")/../flow/lib.sh"
[ "$(id -u)" = 0 ] || { skipped reproducible "needs root"; done_; }
. "$top/tests/flow/mirror.sh"
[ -n "$mirror" ] || { skipped reproducible "the host's apt configuration names no Debian mirror that answers"; done_; }
. "$top/tests/flow/user.sh"
chmod 755 "$work"
# No index and no package is of that day.
export SOURCE_DATE_EPOCH=$(($(date +%s) - 2592000))
user=as_root
if command -v newuidmap >/dev/null && [ "$(cat /proc/sys/user/max_user_namespaces)" -gt 0 ]; then user="as_user zstest:200000:65536"
else skipped "an ordinary user makes the same" "newuidmap or user namespaces are missing"; fi
as_root() { (mkdir -p "$work/user" && cp "$zs" "$work/zs-copy" && cd "$work/user" && "$@"); }
# today ROOT: files that have this day in them, by any of its usual names. Fails if there are none to look at.
today() {
    local now day; now=$(date +%s) day=$((now / 86400))
    grep -rlIE "(^|[^0-9])(${now:0:5}[0-9]{5}([^0-9]|$)|$(date -u +%Y-%m-%d))|:$day:|$(date -u '+%a %b %e')" "$1"
    [ $? -le 1 ] && [ -s "$1/etc/shadow" ]
}
same() { # RELEASE PACKAGES [OPTION...]
    local release=$1 packages=$2 rc; shift 2
    rm -rf "$work"/{a.tar,root,user}
    "$zs" create --cache-dir "$shared_cache" --progress none "$@" -i "$packages" "debian/$release" "$work/a.tar" &&
        TZ=Asia/Kathmandu LC_ALL=C.UTF-8 $user env "$work/zs-copy" create --progress none --jobs 3 --mirror "$mirror" "$@" -i "$packages" "debian/$release" b.tar || return 1
    mkdir "$work/root" && bsdtar -C "$work/root" -xpf "$work/a.tar" && today "$work/root" >"$work/today"; rc=$?
    [ $rc = 0 ] && [ ! -s "$work/today" ] || { cat "$work/today"; rc=1; }
    cmp "$work/a.tar" "$work/user/b.tar" || {
        mkdir "$work/user/root" && bsdtar -C "$work/user/root" -xpf "$work/user/b.tar" && diff --no-dereference -rq "$work/root" "$work/user/root" | head -n 20; rc=1; }
    return $rc
}
case_ "trixie with systemd, python3, exim, initramfs-tools, man-db, sshd" same trixie \
    systemd-sysv,dbus,python3,exim4-daemon-light,initramfs-tools,openssh-server,ca-certificates,man-db --set important
keyless_dir() { [ -z "$(find "$work/root/etc/ssh" -name 'ssh_host_*')" ]; }
keyless() { keyless_dir && grep -q 'ssh-keygen -A' "$work/root/etc/systemd/system/ssh.service.d/zonestrap-keys.conf"; }
case_ "it has no host keys, and makes them" keyless
case_ "bookworm with sysvinit, sshd, fontconfig, perl" same bookworm sysvinit-core,openssh-server,fontconfig,perl,shared-mime-info
booted() { # ZONE RELEASE PACKAGES TEXT
    rm -rf "$work/root" "$work/log"; mkdir "$work/root"
    "$zs" create --cache-dir "$shared_cache" --progress none --zone "$1" -i "$3" "debian/$2" - | bsdtar -C "$work/root" -xpf - && [ -e "$work/root/etc/ssh/sshd_config" ] && keyless_dir &&
        setsid "$zs" boot --timeout 100 --until "$4" "$work/root" </dev/null >"$work/log" 2>&1 && [ "$(ls "$work"/root/etc/ssh/ssh_host_*_key | wc -l)" -gt 1 ] || { tail -n 5 "$work/log"; return 1; }
}
case_ "systemd of trixie makes host keys at its first boot" booted nspawn trixie systemd-sysv,openssh-server 'login:'
case_ "sysvinit of bookworm, too" booted none bookworm sysvinit-core,sysv-rc,initscripts,openssh-server 'Starting OpenBSD'
done_
