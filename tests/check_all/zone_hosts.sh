#!/bin/bash
# What --host-files writes is used as its own comments say: a bookworm is put in place, started by LXC and by systemd-nspawn, and
# stopped. Both run in a network namespace of their own, where nothing of this machine's is.
. "$(dirname "$0")/../flow/lib.sh"
. "$top/tests/flow/mirror.sh"
. "$top/tests/flow/boot.sh"
why=$(boot_why)
[ -n "$mirror" ] || why="the host's apt configuration names no Debian mirror that answers"
[ -z "$why" ] || { skipped zone_hosts "$why"; exit 0; }
boot_start || { not_ok "a place of its own for the roots"; exit 1; }
host=$work/host; mkdir "$host"
make_zone() { "$zs" create --cache-dir "$shared_cache" --progress none --host-files "$host" --zone "$1" --hostname "$2" debian/bookworm "$host/$3.tar.gz"; }
# comments FILE MARK: the commands that the file's comments give, from the one with MARK on.
comments() { sed -n "/^# *$2/,/^[^#]/s/^# *\(LXC: \)\?//p" "$1"; }
# PROGRAM...: in a network of its own, with the bridge that LXC's packages make or without one; $work/pid is who is there.
alone() {
    unshare --net --mount --propagation slave bash -c 'echo $$ >"$WORK/pid"; mkdir -p "$WORK/cgroup" && mount --rbind /sys/fs/cgroup "$WORK/cgroup" && mount -t sysfs none /sys && mount --rbind "$WORK/cgroup" /sys/fs/cgroup &&
        ip link set lo up && { [ -z "$BRIDGE" ] || { ip link add "$BRIDGE" type bridge && ip link set "$BRIDGE" up; }; } && exec "$@"' - "$@"
}
there() { echo "nsenter -t \$(cat $work/pid) -n -m $*"; }
export WORK=$work; export -f alone
lxc=$boots/lxc
t_lxc_place() {
    mkdir "$lxc" && make_zone lxc boxed box && [ "$(echo $(ls "$host"))" = "box.lxc.conf box.metadata.yaml box.tar.gz" ] && sed -i "s,/var/lib/lxc/,$lxc/,g" "$host/box.lxc.conf" &&
        comments "$host/box.lxc.conf" LXC: | head -n 2 | sed "s/ && lxc-start.*//" >"$work/place" && [ "$(wc -l <"$work/place")" = 2 ] && (cd "$host" && sh -ex "$work/place") && [ -x "$lxc/box/rootfs/sbin/init" ] && cmp "$host/box.lxc.conf" "$lxc/box/config"
}
lxc_boot() { # STEP...
    boot_with "$work/lxc.log" "$@" -- bash -c 'alone lxc-start -P "$1" -n box -F -o "$2" -l NOTICE' - "$lxc" "$work/lxc.trace" >"$work/status" || { tail -n 20 "$work/lxc.trace"; return 1; }
}
in_lxc() { there "lxc-attach -P $lxc -n box --clear-env -- $*"; }
t_lxc() {
    BRIDGE=lxcbr0 lxc_boot 'wait 90 Debian GNU/Linux 12 boxed' 'wait 30 boxed login:' "run $(in_lxc /bin/systemctl is-system-running --wait) >$work/state || true" \
        "run $(in_lxc /bin/systemctl list-units --state=failed --no-legend --plain) >$work/failed" "run $(in_lxc /bin/ls /sys/class/net) >$work/net" "run $(there "lxc-stop -P $lxc -n box -t 60 --nokill")" 'end 30' || return 1
    cat "$work/state" "$work/failed" "$work/net"
    [ "$(cat "$work/status")" = 0 ] && [ "$(cat "$work/state")" = running ] && [ "$(echo $(cat "$work/net"))" = "eth0 lo" ]
}
t_lxc_no_bridge() {
    BRIDGE= lxc_boot 'end 30' && [ "$(cat "$work/status")" = 1 ] && grep -q 'bridge interface doesn.t exist' "$work/lxc.trace" || return 1
    sed -n "s/^# .*\`\(lxc.net =\)' and \`\(lxc.net.0.type = empty\)'$/\1\n\2/p" "$lxc/box/config" >"$work/lines" && [ "$(wc -l <"$work/lines")" = 2 ] && cat "$work/lines" >>"$lxc/box/config" &&
        BRIDGE= lxc_boot 'wait 90 boxed login:' "run $(in_lxc /bin/ls /sys/class/net) >$work/net" "run $(there "lxc-stop -P $lxc -n box -t 60 --nokill")" 'end 30' && [ "$(cat "$work/status") $(echo $(cat "$work/net"))" = "0 lo" ]
}
nspawn=$boots/pen
t_nspawn() {
    make_zone nspawn penned pen && [ "$(echo $(ls "$host" | grep pen))" = "pen.nspawn pen.tar.gz" ] && sed -i "s,/var/lib/machines/,$boots/,g" "$host/pen.nspawn" &&
        comments "$host/pen.nspawn" mkdir | head -n 1 >"$work/place" && (cd "$host" && sh -ex "$work/place") && cp "$host/pen.nspawn" "$boots/" || return 1
    # Without a systemd on this machine it cannot be machinectl that starts it; what stands beside the root is trusted when that is said.
    BRIDGE= boot_with "$work/nspawn.log" 'wait 90 Debian GNU/Linux 12 penned' 'wait 30 penned login:' "run boot_in /bin/systemctl is-system-running --wait >$work/state || true" \
        "run boot_in /bin/systemctl list-units --state=failed --no-legend --plain >$work/failed" "run boot_in /bin/ls /sys/class/net >$work/net" "run $(there ip -br link) >$work/links" 'run boot_in /bin/systemctl poweroff' 'end 60' -- \
        bash -c 'alone systemd-nspawn -q --keep-unit --register=no --timezone=off --resolv-conf=off --link-journal=no --settings=trusted -D "$1"' - "$nspawn" >"$work/status" || return 1
    cat "$work/state" "$work/failed" "$work/net" "$work/links"
    [ "$(cat "$work/status")" = 0 ] && [ "$(cat "$work/state")" = running ] && [ "$(echo $(cat "$work/net"))" = "host0 lo" ] && grep -q '^ve-pen@' "$work/links"
}
if command -v lxc-start >/dev/null; then
    case_ "LXC: a tarball and its configuration, put in place as they say" t_lxc_place
    case_ "LXC starts it: login, all units up, the network's interface; and stops it" t_lxc
    case_ "LXC where its bridge is missing: it says so, and the two lines that the comments name help" t_lxc_no_bridge
else skipped "LXC" "lxc-start is missing (Debian: lxc)"; fi
case_ "systemd-nspawn with its settings: login, all units up, an interface on either side; and off" t_nspawn
t_clean() { boot_off; ! grep -F "$work/cgroup" /proc/self/mountinfo && [ -z "$(boot_pids)" ] && ! find /sys/fs/cgroup -name "lxc*box*" | grep .; }
case_ "nothing runs, no cgroup or mount is left" t_clean
done_
