#!/bin/bash
# What zonestrap makes equals what debootstrap makes, but for the list in equality.allow.
. "$(dirname "$0")/../flow/lib.sh"
[ "$(id -u)" = 0 ] || { skipped equality "needs root"; done_; }
. "$top/tests/flow/mirror.sh"
[ -n "$mirror" ] || { skipped equality "the host's apt configuration names no Debian mirror that answers"; done_; }
command -v debootstrap >/dev/null || { skipped equality "debootstrap is missing"; done_; }
equal() {
    local suite=$1
    "$zs" create --cache-dir "$shared_cache" --progress none --suites release "debian/$suite" "$work/z-$suite" || return 1
    unshare --mount --pid --fork --kill-child --propagation private debootstrap --variant=minbase "$suite" "$work/d-$suite" "$mirror" >"$work/deboot.log" 2>&1 || { tail "$work/deboot.log"; return 1; }
    bash "$top/tests/flow/compare_roots.sh" "$work/d-$suite" "$work/z-$suite" "$top/tests/check_all/equality.allow"
}
for suite in bullseye bookworm trixie; do
    case_ "debian/$suite equals debootstrap's minbase" equal $suite
    rm -rf "$work"/[zd]-$suite
done
done_
