# Sourced after lib.sh by tests that clone: a small root with everything that can stand in one.
#   clone_root DIR               makes it
#   clone_equal SOURCE CLONE     the same but for what makes a clone a system of its own
#   clone_own CLONE NAME         it has an identity of its own
clone_hidden() { find "$1" -mindepth 1 -maxdepth 1 -name '.*' ! -name .zfs; }

clone_root() {
    local d=$1 a i
    mkdir -p "$d"/{bin,etc/ssh,proc,sys,dev,run,tmp,usr/share/deep/er,var/lib/systemd,var/lib/dhcp,var/lib/dbus,var/log,root}
    cp /bin/busybox "$d/bin/busybox"
    for a in sh cat hostname ls rm touch; do ln "$d/bin/busybox" "$d/bin/$a"; done
    ln -s bin/busybox "$d/init"
    printf 'root:x:0:0::/root:/bin/sh\n' >"$d/etc/passwd"; printf 'root:x:0:\n' >"$d/etc/group"
    echo source >"$d/etc/hostname"; printf '127.0.0.1\tlocalhost\n127.0.1.1\tsource\n' >"$d/etc/hosts"
    echo 0123456789abcdef0123456789abcdef >"$d/etc/machine-id"; chmod 444 "$d/etc/machine-id"
    echo key >"$d/etc/ssh/ssh_host_rsa_key"; chmod 600 "$d/etc/ssh/ssh_host_rsa_key"; echo key >"$d/etc/ssh/ssh_host_rsa_key.pub"
    echo conf >"$d/etc/ssh/sshd_config"
    echo x >"$d/var/lib/dbus/machine-id"; echo x >"$d/var/lib/systemd/random-seed"; echo x >"$d/var/lib/dhcp/dhclient.eth0.leases"
    echo made >"$d/var/log/zonestrap.log"
    for i in $(seq 200); do echo "$i" >"$d/usr/share/deep/er/$i"; done
    head -c "${clone_bytes:-4000000}" /dev/urandom >"$d/usr/share/large"
    ln "$d/usr/share/large" "$d/usr/share/deep/same"
    truncate -s 64M "$d/usr/share/sparse"; echo middle | dd of="$d/usr/share/sparse" bs=1M seek=30 conv=notrunc 2>/dev/null
    mknod "$d/dev/null" c 1 3; mkfifo "$d/usr/share/fifo"; chmod 4755 "$d/bin/busybox"; chmod 1777 "$d/tmp"; chmod 2775 "$d/usr/share/deep"
    chown 12:34 "$d/usr/share/deep/er/7"; chown -h 56:78 "$d/init"
    setfattr -n user.colour -v blue "$d/usr/share/large" 2>/dev/null
    setcap cap_net_raw+ep "$d/usr/share/deep/er/8" 2>/dev/null || /sbin/setcap cap_net_raw+ep "$d/usr/share/deep/er/8" 2>/dev/null
    find "$d" -exec touch -h -d '2020-02-03 04:05:06.789012345' {} +
    sync -f "$d"
}
clone_listing() {
    (cd "$1" && find . -printf '%P %y %m %U:%G %T@ %n %l %s\n' | sed -E 's/^([^ ]* d .*) [0-9]+  [0-9]+$/\1/; s/^( d .*) [0-9]+  [0-9]+$/\1/' |
        grep -vE "^($clone_own_paths|etc/zonestrap-clone) |^(etc|var/lib|etc/ssh|var/lib/[a-z]*) d " | sort
        find . -type f -links +1 -printf '%i %P\n' | sort -k 2 | awk '{ if (!($1 in n)) n[$1] = $2; print $2, n[$1] }'
        find . -type f ! -path './etc/*' ! -path './var/lib/*' -exec sha256sum {} + | sort -k 2
        find . -type c -exec stat -c '%n %t %T' {} +
        find . | sort | tr '\n' '\0' | xargs -0 getfattr -hd -m '^(user|security.cap|trusted.t)' 2>/dev/null)
}
clone_own_paths='etc/(hostname|hosts|machine-id|ssh/ssh_host.*)|var/lib/(dbus/machine-id|systemd/random-seed|dhcp/.*)'
clone_equal() {
    clone_listing "$1" >"$work/list.source"; clone_listing "$2" >"$work/list.clone"
    [ "$(wc -l <"$work/list.source")" -gt 400 ] || { echo "no listing"; return 1; }
    diff "$work/list.source" "$work/list.clone" || return 1
    [ "$(stat -c %b "$2/usr/share/sparse")" -lt 4096 ] || { echo "not sparse any more"; return 1; }
}
clone_own() {
    local d=$1
    [ "$(cat "$d/etc/hostname")" = "$2" ] && grep -qx "127.0.1.1	$2" "$d/etc/hosts" && [ -f "$d/etc/machine-id" ] &&
        [ ! -s "$d/etc/machine-id" ] && [ "$(ls "$d/etc/ssh")" = sshd_config ] &&
        [ -z "$(ls "$d/var/lib/dbus" "$d/var/lib/systemd" "$d/var/lib/dhcp" | grep -v :)" ] ||
        { (cd "$d" && find etc var/lib && cat etc/hostname etc/hosts); return 1; }
}
