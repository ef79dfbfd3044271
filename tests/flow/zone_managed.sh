#!/bin/bash
# create ... zone:NAME and zone list|boot|halt|remove with LXC and systemd-nspawn, on a root of busybox whose init is a script.
# Debian's are in zone_lxc.sh and zone_nspawn.sh.
. "$(dirname "$0")/lib.sh"
. "$here/managed.sh"
managed_enter
[ "$(id -u)" = 0 ] || { skipped zone_managed "needs root"; done_; }
[ -n "${ZS_MANAGED:-}" ] || { skipped zone_managed "no mount namespaces here"; done_; }
[ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1 || { skipped zone_managed "no static /bin/busybox (Debian: busybox-static)"; done_; }
. "$here/repo.sh"
repo_key
r=$tree/systemd-sysv
mkdir -p "$r"/{bin,sbin,etc,proc,sys,dev,run,tmp,usr/bin}
cp /bin/busybox "$r/bin/"
for a in $(/bin/busybox --list); do [ "$a" = busybox ] || [ "$a" = init ] || [ "$a" = poweroff ] || ln -s busybox "$r/bin/$a"; done
echo ID=mine >"$r/etc/os-release"
cat >"$r/sbin/init" <<'I'
#!/bin/sh
PATH=/bin
off() { echo going down; busybox poweroff -f; }
trap off PWR 37
echo "up: $(hostname)"
while :; do sleep 0.05; done
I
chmod 755 "$r/sbin/init"
for p in systemd-sysv dpkg dash coreutils; do repo_deb $p 1; done
repo_index "$work/repo" one
repo_packages="dpkg dash coreutils"
repo_recipe "file://$work/repo"
zone=zs-test-$$
zs_() { timeout 100 "$zs" "$@" </dev/null; }
create() { timeout 100 "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch amd64 --progress none "$@" </dev/null; }
never() { create --second-stage never --net none "$@"; }
state_is() { [ "$(zs_ zone list | awk -v n="$1" '$1 == n { print $2 }')" = "$2" ] || { echo "wanted $1 $2:"; zs_ zone list; return 1; }; }
said() { grep -Eq -- "$1" "$work/err" || { echo "not said: $1"; cat "$work/err"; return 1; }; }
json() { zs_ zone list --json | python3 -c "import json, sys; d = json.load(sys.stdin); print(*[z['name'] + ':' + z['state'] for z in d])"; }

nothing() { [ -z "$(zs_ zone list)" ] && [ "$(zs_ zone list --json)" = "[]" ] && [ -z "$(zs_ zone list --names)" ]; }
dry_run() {
    never --dry-run --manager lxc mine/one "zone:$zone" >"$work/out" && diff - "$work/out" <<END || return 1
mkdir -p /var/lib/lxc/$zone
zonestrap create --zone lxc mine/one /var/lib/lxc/$zone/rootfs
write /var/lib/lxc/$zone/config
$(sed -n '/^write/,$p' "$work/out" | sed 1d)
END
    grep -qx "    lxc.rootfs.path = dir:/var/lib/lxc/$zone/rootfs" "$work/out" && grep -qx '    lxc.net.0.type = empty' "$work/out" || return 1
    create --second-stage first-boot --dry-run --net host --manager nspawn mine/one "zone:$zone" >"$work/out" && grep -qx "zonestrap create --zone nspawn mine/one /var/lib/machines/$zone" "$work/out" &&
        tail -n 1 "$work/out" | grep -qx "systemd-nspawn --quiet --keep-unit --register=no --settings=trusted --boot --machine=$zone --directory=/var/lib/machines/$zone" && nothing_left "$zone"
}
# Nothing in this root asks for an address: said, when one is to be asked for.
no_client() {
    local never_=(create --second-stage never --manager lxc mine/one "zone:$zone")
    "${never_[@]}" --net lo 2>"$work/err" && said "warning.*zone $zone: it gets no address: .*--include a DHCP client, or give the address: --net lo=ADDRESS/BITS" && zs_ zone remove "$zone" &&
        "${never_[@]}" --net lo=192.0.2.7/24 2>"$work/err" && ! grep 'no address' "$work/err" && zs_ zone remove "$zone" || return
    mkdir -p "$work/asks/usr/sbin" && : >"$work/asks/usr/sbin/NetworkManager" && "${never_[@]}" --net lo --overlay "$work/asks" 2>"$work/err" && ! grep 'no address' "$work/err" && zs_ zone remove "$zone"
}
bad_requests() {
    fails_with 2 "made of up to 60 letters" never mine/one zone: && fails_with 2 "made of up to 60 letters" never mine/one zone:a_b && fails_with 2 "made of up to 60 letters" never mine/one zone:../a &&
        fails_with 2 'net is for zone:NAME' create --net host mine/one "$work/x" && fails_with 2 'dry-run is for zone:NAME' create --dry-run mine/one "$work/x.tar" &&
        fails_with 2 'host-files does not go with' never --host-files . mine/one "zone:$zone" && fails_with 2 'keep does not go with' never --keep mine/one "zone:$zone" &&
        fails_with 2 'there is no zone manager .docker' never --manager docker mine/one "zone:$zone" && fails_with 2 'zone kind nspawn is not for zone manager lxc' never --zone nspawn --manager lxc mine/one "zone:$zone" &&
        fails_with 2 'zone kind none has no zone manager' never --zone none mine/one "zone:$zone" && fails_with 7 'zone manager illumos is for hosts with SunOS' never --zone lx mine/one "zone:$zone" &&
        fails_with 2 'no address with the bits' create --net lo=192.0.2.7 --manager lxc mine/one "zone:$zone" && fails_with 7 'no network interface zs-none0 here' create --net zs-none0=192.0.2.7/24 --manager lxc mine/one "zone:$zone" &&
        fails_with 2 'gives no network of this kind \(static\)' create --net lo=192.0.2.7/24 --manager nspawn mine/one "zone:$zone" && fails_with 2 'no name of a ZFS file system' never --dataset /tank mine/one "zone:$zone" &&
        fails_with 2 'takes .list' zs_ zone && fails_with 2 'takes .list' zs_ zone boot && fails_with 2 'takes .list' zs_ zone stop x && fails_with 2 'made of up to' zs_ zone boot ../x && fails_with 7 'made none of this name' zs_ zone halt "$zone" &&
        fails_with 7 'made none of this name' zs_ zone remove "$zone" && nothing_left "$zone" && [ ! -e $zones/$zone.lock ]
}
foreign() { # what cannot run here is not booted here
    local other=arm64 rc; [ "$(uname -m)" = x86_64 ] || other=amd64
    "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --progress none --arch $other --manager lxc --net none mine/one "zone:$zone" >"$work/out" 2>"$work/err" </dev/null; rc=$?
    [ $rc = 7 ] && said 'second-stage later makes the zone without booting it' && nothing_left "$zone" || { [ $rc != 7 ] && grep -q ^interpreter /proc/sys/fs/binfmt_misc/* 2>/dev/null; }
}
hidden() { # PROGRAM...: not there
    local p; for p; do p=$(readlink -f "$(command -v "$p")") && mount --bind /dev/null "$p" || return 1; done
}
shown() { local p; for p; do umount "$(readlink -f "$(command -v "$p" || echo /usr/bin/"$p")")"; done; }
no_manager() {
    hidden lxc-start systemd-nspawn || return
    fails_with 7 'no zone manager can be used here: zone manager lxc: there is no program lxc-start here; its programs are in the package lxc' never mine/one "zone:$zone"; local rc=$?
    fails_with 7 'nspawn: there is no program systemd-nspawn here; .*systemd-container' never --manager nspawn mine/one "zone:$zone" || rc=1
    umount "$(readlink -f /usr/bin/lxc-start)"; umount "$(readlink -f /usr/bin/systemd-nspawn)"; return $rc
}
taken() {
    mkdir -p "/var/lib/lxc/$zone" && fails_with 7 "$zone: /var/lib/lxc/$zone is there already" never --manager lxc mine/one "zone:$zone" && : >"/var/lib/lxc/$zone/config" &&
        fails_with 7 'lxc has one of this name, which zonestrap did not make' never --manager lxc mine/one "zone:$zone" && rm -r "/var/lib/lxc/$zone" || return
    mkdir -p "/var/lib/machines/$zone" && fails_with 7 "/var/lib/machines/$zone is there already" never --manager nspawn mine/one "zone:$zone" && rm -r /var/lib/machines || return
    never --manager lxc mine/one "zone:$zone" && fails_with 7 'there is one already; .*zone remove' never --manager lxc mine/one "zone:$zone" && fails_with 7 'there is one already' never --manager nspawn mine/one "zone:$zone" && state_is "$zone" halted || return
    (flock 9; fails_with 7 'another zonestrap is at work on it' zs_ zone boot "$zone") 9<>"$zones/$zone.lock" && zs_ zone remove "$zone" && nothing_left "$zone"
}
records() {
    never --manager lxc mine/one "zone:$zone" && never --manager nspawn mine/one "zone:$zone-b" && [ "$(json)" = "$zone:halted $zone-b:halted" ] && [ "$(zs_ zone list --names | tr '\n' ,)" = "$zone,$zone-b," ] || return
    [ "$(stat -c %a "$zones" "/var/lib/lxc/$zone" /var/lib/machines "$zones/$zone.zone" | tr '\n' ,)" = 700,700,700,600, ] || { stat -c '%a %n' "$zones" /var/lib/lxc/* /var/lib/machines "$zones"/*; return 1; }
    cp "$zones/$zone.zone" "$work/record"
    sed -i '$d' "$zones/$zone.zone"; fails_with 7 'not a whole record' zs_ zone remove "$zone" && [ "$(json 2>"$work/err")" = "$zone-b:halted" ] && said 'warning.*not a whole record' && [ -d "/var/lib/lxc/$zone/rootfs/bin" ] || return
    cp "$work/record" "$zones/$zone.zone"; chmod 666 "$zones/$zone.zone"; fails_with 7 'others than root could have written it' zs_ zone remove "$zone" || return
    chmod 600 "$zones/$zone.zone"
    # Behind our back: by another name in the manager's directory, and gone altogether.
    mv "/var/lib/lxc/$zone" "/var/lib/lxc/moved" && state_is "$zone" missing && fails_with 7 'does not know it any more; .*zone remove' zs_ zone boot "$zone" && fails_with 7 'does not run' zs_ zone halt "$zone" &&
        zs_ zone remove "$zone" && rm -r /var/lib/lxc/moved && nothing_left "$zone$" && : >"/var/lib/machines/keep" && zs_ zone remove "$zone-b" && nothing_left "$zone" && rm /var/lib/machines/keep
}
no_room() {
    mkdir -p /var/lib/lxc && mount -t tmpfs -o size=600k none /var/lib/lxc || return
    fails_with 7 'No space left' never --manager lxc mine/one "zone:$zone"; local rc=$?
    [ -z "$(ls -A /var/lib/lxc)" ] || rc=1
    umount /var/lib/lxc; [ $rc = 0 ] && nothing_left "$zone"
}
leftover() { # what is not ours stays, and is said
    never --manager lxc mine/one "zone:$zone" && echo mine >"/var/lib/lxc/$zone/notes" && fails_with 7 "Directory not empty.*--force" zs_ zone remove "$zone" && state_is "$zone" half &&
        fails_with 7 'it is not whole' zs_ zone boot "$zone" && fails_with 7 'Directory not empty' zs_ zone remove "$zone" && zs_ zone remove --force "$zone" 2>"$work/err" && said 'this stays as it is' &&
        [ "$(ls "/var/lib/lxc/$zone")" = notes ] && rm -r "/var/lib/lxc/$zone" && nothing_left "$zone"
}
kind_with() { # SED KIND: a kind of one's own in the place of the built-in one
    sed "$1" "$top/fixups/$2.zone" >"$recipes/$2.zone"
}
kinds() { bad_kinds; local rc=$?; rm -f "$recipes/nspawn.zone"; [ $rc = 0 ] && nothing_left "$zone"; }
bad_kinds() { # what is wrong with a kind's file is said, and not passed over
    kind_with '/^file /d' nspawn && fails_with 2 'zone kind nspawn: .manager nspawn. lacks .file config' never --manager nspawn mine/one "zone:$zone" || return
    kind_with 's/^net .*/net host/; s/^nets .*/nets none/' nspawn && fails_with 2 '--net host: zone manager nspawn gives no network' create --second-stage never --manager nspawn mine/one "zone:$zone" || return
    kind_with 's/^system .*/system Linux\nbefore true\nbefore true\nbefore true\nbefore true\nbefore true\nbefore true\nbefore true\nbefore true\nbefore true/' nspawn &&
        fails_with 2 'more than 8 .before' never --manager nspawn mine/one "zone:$zone" || return
    kind_with 's/^dir .*/dir x/' nspawn && fails_with 2 'nspawn.zone:[0-9:]* .x. is no path' never --manager nspawn mine/one "zone:$zone"
}
needs() { # a set without what the second stage runs: known before any step
    fails_with 6 'the set has no dash, which the second stage runs' create --net none --manager lxc --exclude dash mine/one "zone:$zone" && [ ! -e /var/lib/lxc ] && nothing_left "$zone" &&
        never --manager lxc --exclude dash mine/one "zone:$zone" && zs_ zone remove "$zone" && nothing_left "$zone"
}
meanwhile() { # what somebody puts in the root's place while it is made is not taken away
    local pid rc i
    cat >"$work/serve.py" <<'P'
import http.server, os, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.endswith(".deb"):
            os.makedirs(sys.argv[1], exist_ok=True)
            open(sys.argv[1] + "/file", "w").write("mine\n")
        super().do_GET()
    def log_message(self, *a):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
P
    (cd "$work/repo" && exec python3 "$work/serve.py" "/var/lib/machines/$zone") >"$work/port" & pid=$!
    for ((i = 0; i < 100; i++)); do [ ! -s "$work/port" ] || break; sleep 0.1; done
    repo_recipe "http://127.0.0.1:$(cat "$work/port")"
    fails_with 7 'appeared while it was being built' never --cache-dir none --manager nspawn mine/one "zone:$zone"; rc=$?
    kill $pid; wait $pid; repo_recipe "file://$work/repo"
    [ $rc = 0 ] && [ "$(cat "/var/lib/machines/$zone/file")" = mine ] && ! grep -i warning "$work/err" && rm -r "/var/lib/machines/$zone" && nothing_left "$zone"
}
template() { # a clone knows its init by what is installed in it
    local status=/var/lib/machines/$zone/var/lib/dpkg/status
    never --manager nspawn mine/one "zone:$zone" && mkdir -p "${status%/*}" "/var/lib/machines/$zone/usr" && printf 'ID=mine\n' >"/var/lib/machines/$zone/etc/os-release" || return
    rm -rf "/var/lib/machines/$zone/zonestrap"
    printf 'Package: sysvinit-core\nStatus: deinstall ok config-files\n\nPackage: a\nStatus: install ok installed\n' >"$status"
    create_from --dry-run >"$work/out" && ! grep KillSignal "$work/out" || return
    printf 'Package: sysvinit-core\nStatus: install ok installed\n\nPackage: a\nStatus: install ok installed\n' >"$status"
    create_from --dry-run >"$work/out" && grep -qx '    KillSignal=SIGPWR' "$work/out" || return
    fails_with 2 'kernel-version: zone kind nspawn shows its zones the host.s own' create_from --dry-run --kernel-version 5.1 || return
    (flock 9; fails_with 7 "template $zone: zone $zone: another zonestrap is at work on it" create_from) 9<>"$zones/$zone.lock" && fails_with 7 'there is one already' create_from "zone:$zone" || return
    (umask 077; create_from) && [ -e "/var/lib/machines/$zone-b/etc/os-release" ] && zs_ zone remove "$zone-b" && zs_ zone remove "$zone" && nothing_left "$zone"
}
create_from() { # [OPTION]... [zone:NAME]
    case " $*" in *zone:*) ;; *) set -- "$@" "zone:$zone-b" ;; esac
    timeout 100 "$zs" create --recipes "$recipes" --progress none --manager nspawn --net none --template "$zone" "$@" </dev/null
}
for c in nothing dry_run no_client kinds needs meanwhile template bad_requests foreign no_manager taken records no_room leftover; do
    case $c in
    dry_run | no_client | kinds | needs | meanwhile | template | bad_requests | no_manager | taken | records | no_room | leftover | foreign)
        command -v lxc-start >/dev/null && command -v systemd-nspawn >/dev/null || { skipped "$c" "LXC or systemd-nspawn is missing (Debian: lxc, systemd-container)"; continue; } ;;
    esac
    case_ "$c" $c
done

# --- with zones that run

console() { cat "$zones/$zone.console"; }
up() { grep -q "up: $1" "$zones/$zone.console"; }
rounds() {
    never --manager $m --hostname inner mine/one "zone:$zone" && state_is "$zone" halted && zs_ zone boot "$zone" && until_ up inner && state_is "$zone" running && [ "$(managed_in "$zone" /bin/hostname)" = inner ] || return
    fails_with 7 'it runs already' zs_ zone boot "$zone" && zs_ zone halt "$zone" && console | grep -q 'going down' && state_is "$zone" halted && fails_with 7 'it does not run' zs_ zone halt "$zone" || return
    zs_ zone boot "$zone" && until_ up inner && managed_in "$zone" /bin/busybox reboot -f; sleep 1; until_ state_is "$zone" running && until_ managed_in "$zone" /bin/true || return
    managed_in "$zone" /bin/busybox poweroff -f; until_ state_is "$zone" halted && zs_ zone boot "$zone" && zs_ zone remove "$zone" && nothing_left "$zone" && touch "/var/lib/writable"
}
bad_boots() {
    local root s
    never --manager $m mine/one "zone:$zone" || return
    root=$(zs_ zone list | awk '{ print $NF }'); mv "$root/sbin/init" "$root/init-"
    s=$(date +%s); fails_with 7 'cannot be booted: .*(Failed to exec "/sbin/init"|execv\(.*No such file)' zs_ zone boot "$zone" && state_is "$zone" halted || return
    printf '#!/bin/sh\necho my last words; exit 3\n' >"$root/sbin/init"; chmod 755 "$root/sbin/init"
    fails_with 7 'ended as soon as it was booted: .*my last words' zs_ zone boot "$zone" && [ $(($(date +%s) - s)) -lt 15 ] || return
    zs_ zone remove "$zone" && nothing_left "$zone"
}
# A zone that finishes itself is booted at once.
booted() { create --second-stage first-boot --net none --manager $m mine/one "zone:$zone" "$@"; }
program() { [ $m = lxc ] && echo lxc-start || echo systemd-nspawn; }
instead() { # TEXT: of the program that boots
    local p; p=$(readlink -f "$(command -v "$(program)")")
    printf '#!/bin/sh\n%s\n' "$1" >"$work/stand-in"; chmod 755 "$work/stand-in"; mount --bind "$work/stand-in" "$p"
}
no_more() { umount "$(readlink -f "$(command -v "$(program)")")"; }
boot_fails() {
    instead 'echo "cannot do that: made up" >&2; exit 1' || return
    fails_with 7 'cannot be booted: .*made up' booted; local rc=$?
    no_more; [ $rc = 0 ] && nothing_left "$zone" && booted && state_is "$zone" running && zs_ zone remove "$zone" && nothing_left "$zone"
}
interrupted() { # SIGNAL: while the manager's program is at work, and deaf
    local pid rc p=$(program)
    rm -f "$work/at"; instead "trap '' INT; echo \$\$ >$work/at; exec sleep 30" || return
    "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch amd64 --progress none --second-stage first-boot --net none --manager $m mine/one "zone:$zone" </dev/null >"$work/out" 2>"$work/err" & pid=$!
    until_ [ -s "$work/at" ] && sleep 0.3
    state_is "$zone" half && fails_with 7 'another zonestrap is at work on it' zs_ zone remove "$zone" || return
    kill "-$1" $pid; wait $pid; rc=$?
    umount "$(readlink -f "$(command -v "$p")")"; echo $rc >"$work/rc"
    [ "$1" != INT ] || [ $rc = 130 ]
}
at_work() { kill -0 "$(cat "$work/at")" 2>/dev/null; }
gone() { ! at_work; }
sigint() { interrupted INT && [ "$(cat "$work/rc")" = 130 ] && until_ gone && nothing_left "$zone" || { cat "$work/rc" "$work/err"; return 1; }; }
sigkill() {
    interrupted KILL && [ "$(cat "$work/rc")" = 137 ] && state_is "$zone" half && fails_with 7 'it is not whole.*; .*zone remove' zs_ zone boot "$zone" || return
    [ $m = nspawn ] || kill "$(cat "$work/at")"
    zs_ zone remove "$zone" && until_ gone && nothing_left "$zone"
}
# In a network namespace of its own, with the view of /sys that belongs to it.
cat >"$work/bridge" <<'B'
set -e
mkdir -p "$1/groups"; mount --rbind /sys/fs/cgroup "$1/groups"; mount -t sysfs none /sys; mount --rbind "$1/groups" /sys/fs/cgroup
ip link set lo up; ip link add zsbr0 type bridge; ip addr add 198.51.100.1/24 dev zsbr0; ip link set zsbr0 up
shift; "$@"
B
on_bridge() { unshare -n -m --propagation private bash "$work/bridge" "$work" "$@"; }
in_network() {
    never_=(create --second-stage never --manager lxc mine/one "zone:$zone"); local rc
    "${never_[@]}" --net zsbr0=198.51.100.7/24,198.51.100.1 && zs_ zone boot "$zone" && lxc-attach -n "$zone" -- /bin/sh -c 'ip addr show eth0; ip route; ping -c 1 -W 5 198.51.100.1' >"$work/inside"; rc=$?
    zs_ zone remove "$zone"; cat "$work/inside"
    [ $rc = 0 ] && grep -q 'inet 198.51.100.7/24' "$work/inside" && grep -q 'default via 198.51.100.1' "$work/inside" || return
    "${never_[@]}" --net none && zs_ zone boot "$zone" && lxc-attach -n "$zone" -- /bin/sh -c 'cat /proc/net/dev' >"$work/inside"; zs_ zone remove "$zone"
    [ "$(grep -c : "$work/inside")" = 1 ] || { cat "$work/inside"; return 1; }
    "${never_[@]}" --net host && zs_ zone boot "$zone" && lxc-attach -n "$zone" -- /bin/sh -c 'cat /proc/net/dev' >"$work/inside"; zs_ zone remove "$zone"
    grep -q zsbr0: "$work/inside" || { cat "$work/inside"; return 1; }
}
network() {
    export -f in_network create zs_; export zs recipes work zone
    on_bridge bash -c in_network && nothing_left "$zone"
}
# Where systemd is process 1, it runs the zone: stand-ins for its programs.
with_systemd() {
    local p rc
    cat >"$work/systemd" <<END
#!/bin/sh
[ "\$1" = show ] || echo "\${0##*/} \$*" >>"$work/calls"
case \$1 in start) : >"$work/machine" ;; stop) rm "$work/machine" ;; show) [ -e "$work/machine" ] && echo State=running ;; esac
END
    chmod 755 "$work/systemd"; rm -f "$work/calls"
    for p in machinectl systemctl; do
        p=$(readlink -f "$(command -v $p)"); cp "$work/systemd" "$work/$(basename "$p")" && mount --bind "$work/$(basename "$p")" "$p" || return 1
    done
    mkdir -p /run/systemd/system
    booted && state_is "$zone" running && zs_ zone halt "$zone" && state_is "$zone" halted && zs_ zone boot "$zone" && zs_ zone remove "$zone"; rc=$?
    rmdir /run/systemd/system
    for p in machinectl systemctl; do umount "$(readlink -f "$(command -v $p)")"; done
    [ $rc = 0 ] && nothing_left "$zone" && diff - "$work/calls" <<END
machinectl start $zone
systemctl stop systemd-nspawn@$zone.service
machinectl start $zone
systemctl stop systemd-nspawn@$zone.service
END
}
for m in lxc nspawn; do
    why=$(managed_why $m)
    for c in rounds bad_boots boot_fails sigint sigkill; do
        if [ -n "$why" ]; then skipped "$m $c" "$why"; else case_ "$m $c" $c; fi
    done
    if [ $m = nspawn ]; then
        if command -v machinectl systemctl >/dev/null; then case_ "nspawn by systemd" with_systemd; else skipped "nspawn by systemd" "no machinectl"; fi
        continue
    fi
    [ -n "$why" ] || on_bridge true 2>/dev/null || why="no bridge can be made here"
    if [ -n "$why" ]; then skipped "lxc network" "$why"; else case_ "lxc network" network; fi
done
done_
