#!/bin/bash
# create --dataset: zones of LXC and systemd-nspawn whose roots are ZFS file systems, on a pool on a file, under zfs-fuse.
. "$(dirname "$0")/../flow/lib.sh"
here=$top/tests/flow
. "$here/managed.sh"
managed_enter
. "$here/mirror.sh"
[ "$(id -u)" = 0 ] && [ -n "${ZS_MANAGED:-}" ] || { skipped zone_zfs "needs root and mount namespaces"; done_; }
command -v zfs-fuse >/dev/null && command -v zpool >/dev/null || { skipped zone_zfs "zfs-fuse is missing"; done_; }
[ -c /dev/fuse ] || { skipped zone_zfs "there is no /dev/fuse"; done_; }
[ -n "$mirror" ] || { skipped zone_zfs "the host's apt configuration names no Debian mirror that answers"; done_; }
mkdir -p /run/zfs /run/lock/zfs /var/lock/zfs
zfs-fuse --no-daemon --no-kstat-mount >"$work/zfs-fuse.log" 2>&1 &
daemon=$!
pool=zonestrap-test-$$ zone=zs-test-$$
stop() { cd /; managed_stop; zpool destroy -f "$pool" >/dev/null 2>&1; kill "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; }
cleanup_hooks=stop
for i in $(seq 100); do [ -S /run/zfs/zfs_socket ] && break; sleep 0.1; done
truncate -s 3G "$work/pool.img"
zpool create -o cachefile=none -o ashift=9 -m "$work/pool" "$pool" "$work/pool.img" >"$work/out" 2>&1 || { skipped zone_zfs "no pool can be made: $(tail -n 1 "$work/out")"; done_; }
zfs create "$pool/zones"
datasets() { zfs list -H -o name | sort | tr '\n' ,; }
as_before() { [ "$(datasets)" = "$pool,$pool/zones," ] && nothing_left "$zone" || { datasets; return 1; }; }
create() { zs_ create --cache-dir "$shared_cache" --progress none --manager $m --net none "$@" debian/bookworm "zone:$zone"; }
round() {
    create --dataset "$pool/zones" && booted "$zone" && [ "$(datasets)" = "$pool,$pool/zones,$pool/zones/$zone," ] || { tail -n 20 $zones/$zone.console; return 1; }
    [ "$(zfs get -H -o value mountpoint "$pool/zones/$zone")" = "$(zs_ zone list | awk '{ print $NF }')" ] && [ -z "$(managed_in "$zone" /usr/bin/dpkg --audit)" ] &&
        zs_ zone halt "$zone" && zs_ zone boot "$zone" && booted "$zone" && zs_ zone remove "$zone" && as_before
}
refused() {
    fails_with 7 'dataset none/such: zfs get' create --dataset none/such && fails_with 2 'no name of a ZFS file system' create --dataset -r && as_before &&
        zfs create "$pool/zones/$zone" && fails_with 7 "$pool/zones/$zone is there already" create --dataset "$pool/zones" && until_ zfs destroy "$pool/zones/$zone" && as_before
}
failing() { # what comes after the file system was made
    mount --bind /bin/false "$(readlink -f "$(command -v $1)")" || return
    fails_with 7 'cannot be booted' create --second-stage first-boot --dataset "$pool/zones"; local rc=$?
    umount "$(readlink -f "$(command -v $1)")"; [ $rc = 0 ] && as_before
}
busy() { # the file system is in use: it stays in the record until it is not
    create --second-stage never --dataset "$pool/zones" || return
    (cd "$(zs_ zone list | awk '{ print $NF }')"; exec sleep 60) & local pid=$!
    sleep 0.2; fails_with 7 'zfs destroy .* failed.*(busy|unmount)' zs_ zone remove "$zone"; local rc=$?
    [ $rc = 0 ] && fails_with 7 'zfs destroy' zs_ zone remove "$zone" && state_is "$zone" half; rc=$?
    kill $pid; wait $pid 2>/dev/null; [ $rc = 0 ] && zs_ zone remove "$zone" && as_before
}
for m in lxc nspawn; do
    manager=$m
    why=$(managed_why $m)
    [ -z "$why" ] || { skipped "$m on zfs" "$why"; continue; }
    case_ "$m: a round" round
    case_ "$m: what is refused" refused
    case_ "$m: the boot fails" failing "$([ $m = lxc ] && echo lxc-start || echo systemd-nspawn)"
    case_ "$m: in use" busy
done
done_
