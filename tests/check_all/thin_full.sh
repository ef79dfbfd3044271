#!/bin/bash
# The second stage with thin packages gives the same root as --second-stage-full, where dpkg writes every file again.
. "$(dirname "$0")/../flow/lib.sh"
[ "$(id -u)" = 0 ] || { skipped thin_full "needs root"; done_; }
. "$top/tests/flow/mirror.sh"
[ -n "$mirror" ] || { skipped thin_full "the host's apt configuration names no Debian mirror that answers"; done_; }
: >"$work/allow"
same() {
    local name=$1 release=$2; shift 2
    "$zs" create --cache-dir "$shared_cache" --progress none "$@" "debian/$release" "$work/thin" || return 1
    "$zs" create --cache-dir "$shared_cache" --progress none --second-stage-full "$@" "debian/$release" "$work/full" || return 1
    bash "$top/tests/flow/compare_roots.sh" "$work/full" "$work/thin" "$top/tests/check_all/thin_full.allow"
    local rc=$?
    rm -rf "$work/thin" "$work/full"; return $rc
}
for r in bullseye bookworm trixie; do case_ "base of $r" same base $r; done
case_ "base of sid" same base sid --ignore-expiry
case_ "a large set: systemd, python3, a JRE, exim, initramfs-tools" same large bookworm --set important \
    --include systemd-sysv,python3,default-jre-headless,exim4-daemon-light,initramfs-tools,openssh-server
done_
