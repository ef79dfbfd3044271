#!/bin/bash
# What --net gives zones of LXC and systemd-nspawn, in a network namespace of the test's own: a bridge with a DHCP server, and an
# eth0 on it, which stands for the host's. LINK alone: an address by DHCP; LINK=ADDRESS: that one alone; host: nothing of the
# host's is touched, though a zone that asks by DHCP is what runs there.
. "$(dirname "$0")/../flow/lib.sh"
here=$top/tests/flow
. "$here/managed.sh"
managed_enter
. "$here/mirror.sh"
zone=zs-net-$$ roots=/var/lib/roots
for m in lxc nspawn; do
    why=$(managed_why $m)
    [ -n "$mirror" ] || why="the host's apt configuration names no Debian mirror that answers"
    [ "$(busybox --list | grep -cx 'udhcpd')" = 1 ] || why="no busybox with udhcpd (Debian: busybox-static)"
    [ -z "$why" ] || { skipped "zone_net" "$why"; exit 0; }
done
mkdir $roots
printf '%s\n' 'start 198.51.100.50' 'end 198.51.100.99' 'interface zsbr0' 'lease_file /var/lib/udhcpd.leases' 'option subnet 255.255.255.0' 'option router 198.51.100.1' >/var/lib/udhcpd.conf
: >/var/lib/udhcpd.leases; echo 'nameserver 198.51.100.1' >/var/lib/resolv.conf
cat >/var/lib/place <<'E2'
mkdir -p /var/lib/cgroup && mount --rbind /sys/fs/cgroup /var/lib/cgroup && mount -t sysfs none /sys && mount --rbind /var/lib/cgroup /sys/fs/cgroup && mount --bind /var/lib/resolv.conf /etc/resolv.conf &&
    ip link set lo up && ip link add zsbr0 type bridge && ip addr add 198.51.100.1/24 dev zsbr0 && ip link set zsbr0 up &&
    ip link add eth0 type veth peer name zsport && ip link set zsport master zsbr0 up && ip addr add 203.0.113.5/24 dev eth0 && ip link set eth0 up &&
    ip route add default via 203.0.113.1 && ip route add 192.0.2.0/24 via 203.0.113.2 && ip rule add from 192.0.2.9 lookup 77 && echo ready >/var/lib/ready && exec busybox udhcpd -f /var/lib/udhcpd.conf
E2
unshare --net --mount --propagation slave bash /var/lib/place >"$work/udhcpd" 2>&1 &
place=$!
cleanup_hooks="$cleanup_hooks place_off"
place_off() { zs_ zone remove --force "$zone" >/dev/null 2>&1; kill $place 2>/dev/null; wait $place 2>/dev/null; }
until_ test -e /var/lib/ready || { cat "$work/udhcpd"; not_ok "a network of its own"; exit 1; }
at() { nsenter -t $place -n -m -w -- "$@"; }
zs_() { at timeout 300 "$zs" "$@" </dev/null; }
# LXC's programs find a zone by a socket of the network namespace.
lxc-attach() { at lxc-attach "$@"; }
settled() { at ip -o addr show dev eth0 | grep -q fe80; }
until_ settled
# What a zone on it could change; an address that the kernel still tries is none yet.
host_net() { at ip -o link | sed '/^[0-9]*: \(vb-\|veth\|ve-\)/d'; at ip -o addr show dev eth0; at ip route show table all | grep -v ' dev \(vb-\|veth\|ve-\)'; at ip rule; }
stop() { zs_ zone remove "$zone" && nothing_left "$zone"; }
root() { timeout 300 "$zs" create --cache-dir "$shared_cache" --progress none --zone "$1" ${3:-} debian/"$2" "$roots/$1-$2" </dev/null; }
made() { zs_ create --template "$roots/$manager-$release" --manager "$manager" --net "$1" "zone:$zone" 2>"$work/said" && booted "$zone" || { cat "$work/said"; managed_in "$zone" /bin/systemctl --failed; return 1; }; }
# Base sets have no ip(8): the kernel's tables, read by the host's.
init_pid() { if [ $manager = lxc ]; then at lxc-info -n "$zone" -p -H; else leader "$zone"; fi; }
zone_ip() { nsenter -t "$(init_pid)" -n -- ip "$@"; }
cannot_change() { local caps; caps=$(awk '/^CapBnd/ { print $2 }' "/proc/$(init_pid)/status") && [ -n "$caps" ] && [ $((0x$caps >> 12 & 1)) = 0 ]; } # CAP_NET_ADMIN
addresses() { zone_ip -4 -o addr show scope global | awk '{ print $4 }' | tr '\n' ,; }
by_dhcp() { addresses | grep -Eq '^198\.51\.100\.[5-9][0-9]/24,$'; }
is() { managed_in "$zone" /bin/systemctl "$@" systemd-networkd.service; }
no_complaint() { [ -z "$(managed_in "$zone" /bin/systemctl list-units --failed --plain --no-legend)" ] || { managed_in "$zone" /bin/systemctl --failed; return 1; }; }
t_dhcp() {
    made zsbr0 && until_ by_dhcp && zone_ip route | grep -q '^default via 198.51.100.1' && is is-active && [ "$(is is-enabled)" = enabled ] && no_complaint &&
        [ "$(managed_in "$zone" /bin/cat /etc/resolv.conf)" = 'nameserver 198.51.100.1' ] && ! grep -q 'no address' "$work/said" && [ -z "$(managed_in "$zone" /usr/bin/dpkg --audit)" ] &&
        managed_in "$zone" /bin/systemctl start network-online.target && managed_in "$zone" /bin/systemctl is-active systemd-networkd-wait-online.service && no_complaint && stop
    local rc=$?; [ $rc = 0 ] || { addresses; zone_ip route; managed_in "$zone" /bin/systemctl status systemd-networkd; zs_ zone remove "$zone"; }; return $rc
}
t_static() { # with a client at work in it
    made zsbr0=198.51.100.7/24,198.51.100.1 && managed_in "$zone" /bin/systemctl restart systemd-networkd && sleep 4 && [ "$(addresses)" = 198.51.100.7/24, ] && [ "$(zone_ip route | grep -c '^default')" = 1 ] &&
        zone_ip route | grep -q '^default via 198.51.100.1' && managed_in "$zone" /bin/systemctl start network-online.target && no_complaint && stop
    local rc=$?; [ $rc = 0 ] || { addresses; zone_ip route; zs_ zone remove "$zone"; }; return $rc
}
t_none() { made none && [ -z "$(addresses)" ] && managed_in "$zone" /bin/systemctl start network-online.target && no_complaint && stop; local rc=$?; [ $rc = 0 ] || zs_ zone remove "$zone"; return $rc; }
t_host() {
    host_net >"$work/before"
    made host && managed_in "$zone" /bin/systemctl start network-online.target; managed_in "$zone" /bin/systemctl start systemd-networkd; sleep 4
    host_net >"$work/during"; [ "$(is is-active)" = inactive ] && [ "$(is is-enabled)" = enabled ] && cannot_change && no_complaint && stop && host_net >"$work/after" && diff "$work/before" "$work/during" && diff "$work/before" "$work/after"
    local rc=$?; [ $rc = 0 ] || { is status; zs_ zone remove "$zone"; }; return $rc
}
t_host_unguarded() { # the same without what guards it: this test can tell
    host_net >"$work/before"
    made none && zs_ zone halt "$zone" && sed -i 's/^lxc.net.0.type = empty/lxc.net.0.type = none/' "/var/lib/lxc/$zone/config" && zs_ zone boot "$zone" && booted "$zone" && until_ is is-active; sleep 4; host_net >"$work/during"
    zs_ zone remove "$zone"; ! diff "$work/before" "$work/during" >"$work/changed" && grep -q '198\.51\.100\.[5-9][0-9]' "$work/changed"
}
for place_of in ${ZS_PLACES:-lxc:bookworm nspawn:bookworm lxc:trixie nspawn:trixie lxc:bullseye}; do
    manager=${place_of%:*} release=${place_of#*:}
    case_ "$manager $release: a root" root "$manager" "$release"
    case_ "$manager $release: an address by DHCP" t_dhcp
    case_ "$manager $release: none" t_none
    [ $manager = nspawn ] || case_ "$manager $release: a given address is the only one" t_static
    case_ "$manager $release: the host's network stays as it is" t_host
    [ $place_of != lxc:bookworm ] || case_ "$manager $release: without its guard it would not" t_host_unguarded
    rm -rf "$roots/$manager-$release"
done
done_
