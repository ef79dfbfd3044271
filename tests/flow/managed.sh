# Sourced after lib.sh by the tests of zones that LXC and systemd-nspawn run. The whole test goes into a mount namespace of its
# own: the managers' directories and zonestrap's records are in memory, so that a zone that remounts its root has nothing of
# the host's at hand; no systemd is seen, so that systemd-nspawn is run as where there is none.
#   managed_enter                first of all
#   managed_why lxc|nspawn       what is missing, on standard output; nothing when zones can be run
#   managed_in NAME COMMAND...   in the zone, which is up
#   managed_left NAME            what there is of it on the host
managed_enter() {
    [ "$(id -u)" = 0 ] && [ -z "${ZS_MANAGED:-}" ] && unshare -m true 2>/dev/null || { managed_mount; return; }
    rm -rf "$work"
    ZS_MANAGED=1 exec unshare --mount --propagation private bash "$0"
}
managed_mount() {
    [ -n "${ZS_MANAGED:-}" ] || return 0
    local p
    for p in /var/lib /run /etc/systemd; do [ ! -d $p ] || mount -t tmpfs -o mode=755 none $p || exit 1; done
    cleanup_hooks="$cleanup_hooks managed_stop"
}
managed_stop() { # what a failed case left
    local file name pid
    for file in /var/lib/lxc/*; do
        name=$(basename "$file"); [ ! -d "$file" ] || timeout 20 lxc-stop -k -n "$name" >/dev/null 2>&1
    done
    for file in "$zones"/*.run; do
        pid=; [ ! -s "$file" ] || read -r pid <"$file"
        if [ -n "$pid" ] && grep -qs systemd-nspawn "/proc/$pid/comm"; then kill -9 "$pid"; fi
    done
}
zones=/var/lib/zonestrap/zones
leader() { # of systemd-nspawn: the zone's process 1
    local pid inner
    read -r pid <"$zones/$1.run" && read -r inner < <(cat "/proc/$pid/task/$pid/children"; echo) && [ -n "$inner" ] &&
        [ "$(readlink "/proc/$inner/ns/pid")" != "$(readlink /proc/self/ns/pid)" ] && echo $inner
}
managed_in() {
    local name=$1 pid; shift
    if [ -d "/var/lib/lxc/$name" ]; then lxc-attach -n "$name" -- "$@"; return; fi
    pid=$(leader "$name") && [ -n "$pid" ] || { echo "it has no process 1"; return 1; }
    nsenter -t "$pid" -m -p -u -i -n -r -w -- "$@"
}
managed_left() {
    # LXC leaves its monitor's control groups when a start fails: those that nothing is in.
    find /sys/fs/cgroup -depth -type d -name "lxc.monitor.$1*" -exec rmdir {} \; 2>/dev/null
    pgrep -af "[^ ]*$1" | grep -v "pgrep\|bash"
    grep -F "$1" /proc/self/mountinfo
    find /sys/fs/cgroup -name "*$1*" 2>/dev/null
    ls -d /var/lib/*/*"$1"* "$zones"/*"$1"* /etc/systemd/nspawn/*"$1"* 2>/dev/null
    true
}
nothing_left() { local left i; for i in 1 2 3 4 5 6 7 8 9 10; do left=$(managed_left "$1"); [ -n "$left" ] || return 0; sleep 0.2; done; echo "left: $left"; return 1; }
managed_why() {
    [ "$(id -u)" = 0 ] || { echo "needs root"; return; }
    [ -n "${ZS_MANAGED:-}" ] || { echo "no mount namespaces here"; return; }
    local probe=/var/lib/probe said
    mkdir -p $probe/{bin,dev,proc,sys,run,tmp,usr/bin,etc} && cp /bin/busybox $probe/bin/ 2>/dev/null && ln -sf busybox $probe/bin/sh || { echo "no /bin/busybox (Debian: busybox-static)"; return; }
    case $1 in
    lxc) command -v lxc-execute >/dev/null && command -v lxc-attach >/dev/null || { echo "no LXC (Debian: lxc)"; return; }
        printf '%s\n' 'lxc.include = /usr/share/lxc/config/common.conf' "lxc.rootfs.path = dir:$probe" 'lxc.net.0.type = empty' 'lxc.init.cmd = /bin/sh -c true' >/var/lib/probe.conf
        mkdir -p "/var/lib/probe-lxc/zs-probe-$$"
        said=$(timeout 20 lxc-start -F -P /var/lib/probe-lxc -n "zs-probe-$$" -f /var/lib/probe.conf 2>&1 </dev/null) || echo "LXC cannot run a zone here: $(tail -n 1 <<<"$said")" ;;
    nspawn) command -v systemd-nspawn >/dev/null || { echo "no systemd-nspawn (Debian: systemd-container)"; return; }
        said=$(timeout 20 systemd-nspawn --quiet --keep-unit --register=no --machine="zs-probe-$$" --directory=$probe /bin/sh -c true 2>&1 </dev/null) || echo "systemd-nspawn cannot run a zone here: $(tail -n 1 <<<"$said")" ;;
    esac
    rm -rf $probe /var/lib/probe*
}
until_() { local i; for i in $(seq 150); do "$@" >/dev/null 2>&1 && return 0; sleep 0.1; done; echo "not reached: $*"; "$@"; }

# --- the same for both managers, with Debian
managed_debian() { # MANAGER
    local why c; manager=$1 zone=zs-test-$$
    why=$(managed_why "$manager")
    [ -n "$why" ] || { . "$here/mirror.sh"; [ -n "$mirror" ] || why="the host's apt configuration names no Debian mirror that answers"; }
    for c in debian debian_rounds debian_power debian_template debian_removed; do
        if [ -n "$why" ]; then skipped "$manager $c" "$why"; else case_ "$manager $c" $c; fi
    done
}
zs_() { timeout 300 "$zs" "$@" </dev/null; }
state_is() { [ "$(zs_ zone list | awk -v n="$1" '$1 == n { print $2 }')" = "$2" ] || { echo "wanted $1 $2:"; zs_ zone list; return 1; }; }
login() { grep -aq "$1 login:" "$zones/$1.console"; }
running() { managed_in "$1" /bin/systemctl is-system-running | grep -qx 'running'; }
# Its file system, which it may have remounted, is still writable.
writable() { local d; for d in /var/lib/*/"$zone"*; do touch "$d/still-writable" && rm "$d/still-writable" || return 1; done; }
booted() { until_ state_is "$1" running && until_ running "$1" && { [ "$manager" = lxc ] || until_ login "$1"; }; }
debian() {
    echo 'from the overlay' >"$work/motd"; mkdir -p "$work/over/etc"; mv "$work/motd" "$work/over/etc/motd"
    printf '#!/bin/sh\necho hooked >/etc/hooked\n' >"$work/hook"
    zs_ create --cache-dir "$shared_cache" --progress none --manager "$manager" --net none --overlay "$work/over" --hook "$work/hook" --manifest "$work/list" --sbom "$work/sbom" debian/bookworm "zone:$zone" &&
        booted "$zone" || { zs_ zone list; tail -n 20 "$zones/$zone.console"; return 1; }
    [ "$(managed_in "$zone" /bin/hostname)" = "$zone" ] && [ -z "$(managed_in "$zone" /usr/bin/dpkg --audit)" ] && [ "$(managed_in "$zone" /bin/cat /etc/motd /etc/hooked | tr '\n' ,)" = 'from the overlay,hooked,' ] &&
        grep -q '^dpkg' "$work/list" && [ -s "$work/sbom" ] && [ "$(managed_in "$zone" /bin/cat /proc/net/dev | grep -c :)" = 1 ] && [ -z "$(managed_in "$zone" /bin/systemctl list-units --failed --plain --no-legend)" ]
}
debian_rounds() {
    zs_ zone halt "$zone" && state_is "$zone" halted && writable && zs_ zone boot "$zone" && zs_ zone halt "$zone" && state_is "$zone" halted && zs_ zone boot "$zone" && booted "$zone"
}
debian_power() {
    managed_in "$zone" /bin/systemctl reboot; sleep 1; booted "$zone" && writable || return
    managed_in "$zone" /bin/systemctl poweroff; until_ state_is "$zone" halted && writable
}
debian_template() { # a clone of it is one more zone
    zs_ create --template "$zone" --manager "$manager" --net none "zone:$zone-b" && booted "$zone-b" && [ "$(managed_in "$zone-b" /bin/hostname)" = "$zone-b" ] && [ "$(zs_ zone list --names | tr '\n' ,)" = "$zone,$zone-b," ] &&
        zs_ zone remove "$zone-b" && nothing_left "$zone-b" && state_is "$zone" halted
}
debian_removed() { zs_ zone boot "$zone" && zs_ zone remove "$zone" && [ -z "$(zs_ zone list)" ] && nothing_left "$zone"; }
