#!/bin/bash
# --zone with a repository of rpm packages: what is added and refused, markers of the distribution, masks, file capabilities.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped zone_kinds_rpm "needs root"; done_; }
. "$here/rpm_repo.sh"
rpm_key
mkdir -p "$tree/alpha/usr/bin" "$work/repo"
printf '#!/bin/sh\n' >"$tree/alpha/usr/bin/sh"; echo >"$tree/alpha/usr/bin/ping"
files='/usr/bin/sh
%attr(755,root,root) %caps(cap_net_raw=ep) /usr/bin/ping' rpm_simple alpha 1
for p in rpm bash coreutils sed grep findutils diffutils util-linux centos-release system-release; do rpm_simple $p 1; done
rpm_simple systemd 257
rpm_sign "$rpms"/*.rpm
cp "$rpms"/*.rpm "$work/repo"
rpm_index "$work/repo"
mkdir -p "$work/later"
rpm_simple systemd 258; rpm_sign "$rpms"/systemd-258*.rpm; cp "$rpms"/*.rpm "$work/later"; rpm_index "$work/later"
rpm_packages="alpha bash coreutils findutils grep rpm sed" rpm_layout='link /bin usr/bin
link /sbin usr/bin
link /usr/sbin bin' rpm_recipe "file://$work/repo"
for d in opensuse amazon openeuler; do sed 's/^\[release one\]/&\nversion 7.1/' "$recipes/mine.distro" >"$recipes/$d.distro"; done
sed "s,/repo ,/later ," "$recipes/mine.distro" >"$recipes/later.distro"

names() { echo $(zs_local plan --names "$@"); }
base="alpha bash coreutils findutils grep rpm sed"
gives() { local want=$1 got; shift; got=$(names "$@") && [ "$got" = "$want" ] || { echo "got: $got"; echo "want: $want"; return 1; }; }
create() { local d=$1; shift; rm -rf "$work/root"; zs_local create --second-stage "${when:-never}" "$@" $d/one "$work/root"; }
masked() { local u; for u; do [ "$(readlink "$work/root/etc/systemd/system/$u")" = /dev/null ] || { echo "$u is not masked"; return 1; }; done; }

t_packages() {
    local k
    for k in none oci wsl jail; do gives "$base" -z $k mine/one || return 1; done
    for k in lx nspawn lxc; do gives "$base systemd util-linux" -z $k mine/one && gives "$base util-linux" -z $k -x systemd mine/one || return 1; done
    zs_local plan -z lx mine/one | grep -Eq '^util-linux .* zone lx$' && zs_local plan -z jail mine/one 2>&1 >/dev/null | grep 'zone jail: its only init is systemd' &&
    [ -z "$(zs_local plan -z lx mine/one 2>&1 >/dev/null)" ]
}
case_ "the packages that each kind adds; a jail without an init says so" t_packages
t_too_new() {
    gives "$base systemd util-linux" -z nspawn later/one &&
    fails_with 2 'zone kind lx cannot serve later/one: its systemd.*kinds that can: jail, lxc, none, nspawn, oci, wsl' zs_local plan -z lx later/one &&
    gives "$base util-linux" -z lx -x systemd later/one
}
case_ "a systemd that the kind cannot run" t_too_new
t_markers() {
    create opensuse -z lx && grep -qx 'VERSION = 7.1' "$work/root/etc/SuSE-release" && [ ! -e "$work/root/etc/redhat-release" ] || return 1
    local d
    for d in amazon openeuler; do
        create $d -z lx && [ "$(readlink "$work/root/etc/redhat-release")" = system-release ] && [ ! -e "$work/root/etc/SuSE-release" ] || return 1
    done
    create mine -z lx -i centos-release --hostname box && [ "$(echo $(cat "$work/root/etc/sysconfig/network"))" = "NETWORKING=yes HOSTNAME=box" ] &&
    [ ! -L "$work/root/etc/redhat-release" ] && create opensuse && [ ! -e "$work/root/etc/SuSE-release" ]
}
case_ "lx: what the brand knows distributions by" t_markers
t_masks() {
    create mine -z lx && masked systemd-remount-fs.service kdump.service microcode.service mdmonitor.service smartd.service auditd.service irqbalance.service &&
    [ -d "$work/root/native/etc/zones" ] && [ -e "$work/root/usr/bin/sh" ] && [ ! -L "$work/root/usr/bin/sh" ] && grep -q zfs "$work/root/etc/fstab" || return 1
    create mine -z wsl -i systemd && masked NetworkManager.service tmp.mount systemd-networkd.service && grep -qx systemd=true "$work/root/etc/wsl.conf" &&
    create mine -z wsl && grep -qx systemd=false "$work/root/etc/wsl.conf" || return 1
    create mine -z lxc && masked systemd-firstboot.service && [ ! -s "$work/root/etc/machine-id" ] && [ -e "$work/root/etc/machine-id" ] && [ ! -e "$work/root/dev/null" ]
}
case_ "masks, links and files of systemd roots" t_masks
t_caps() {
    local k
    for k in lx jail; do when=later create mine -z $k && grep -q ':/usr/bin/ping' "$work/root/zonestrap/netshared" || return 1; done
    for k in none nspawn lxc wsl oci; do when=later create mine -z $k && grep -q '^/proc:' "$work/root/zonestrap/netshared" && ! grep -q ping "$work/root/zonestrap/netshared" || return 1; done
}
t_no_caps() {
    create mine -z nspawn && getcap "$work/root/usr/bin/ping" | grep -q cap_net_raw && create mine -z lx && [ -z "$(getcap "$work/root/usr/bin/ping")" ] || return 1
    zs_local create --second-stage never -z nspawn mine/one "$work/caps.tar" && zs_local create --second-stage never -z jail mine/one "$work/none.tar" &&
    grep -aq SCHILY.xattr.security.capability "$work/caps.tar" && ! grep -aq security.capability "$work/none.tar"
}
command -v getcap >/dev/null && case_ "and the root has none" t_no_caps || skipped "and the root has none" "getcap is missing"
case_ "where files cannot have capabilities, rpm leaves those that have some alone" t_caps
t_host() {
    mkdir -p "$work/host"
    create mine -z jail --host-files "$work/host" && grep -q 'x /etc/init.d/rc' "$work/host/root.jail.conf" && create mine -z lx --host-files "$work/host" && [ -e "$work/host/root.zonecfg" ]
}
case_ "the files for the host" t_host
done_
