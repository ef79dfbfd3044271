#!/bin/bash
# The sets hold exactly the packages that debootstrap's variants hold, from the release suite alone.
. "$(dirname "$0")/../flow/lib.sh"
. "$top/tests/flow/mirror.sh"
[ -n "$mirror" ] || { skipped plan_debootstrap "the host's apt configuration names no Debian mirror that answers"; done_; }
command -v debootstrap >/dev/null || { skipped plan_debootstrap "debootstrap is missing"; done_; }
# same_set SET SUITE ARCH VARIANT-OPTION...
same_set() {
    local set=$1 suite=$2 arch=$3 expiry=; shift 3
    # A mirror that stopped syncing serves sid past its Valid-Until, which debootstrap does not look at.
    [ "$suite" = sid ] && expiry=--ignore-expiry
    debootstrap --arch="$arch" "$@" --print-debs "$suite" "$work/debootstrap" "$mirror" >"$work/said" 2>"$work/log" ||
        { cat "$work/said" "$work/log"; return 1; }
    rm -rf "$work/debootstrap"
    tr ' ' '\n' <"$work/said" | grep . | LC_ALL=C sort >"$work/theirs"
    "$zs" plan --cache-dir "$shared_cache" --progress none --names --set "$set" --suites release --arch "$arch" $expiry "debian/$suite" >"$work/ours" || return 1
    [ "$(wc -l <"$work/theirs")" -gt 50 ] || { echo "debootstrap names too few packages:"; cat "$work/said"; return 1; }
    LC_ALL=C sort "$work/ours" | diff "$work/theirs" -
}
for suite in bullseye bookworm trixie sid; do
    for arch in amd64 arm64; do
        case_ "base of $suite, $arch: debootstrap's minbase" same_set base $suite $arch --variant=minbase
    done
done
for suite in bookworm trixie; do
    case_ "important of $suite, amd64: debootstrap's default" same_set important $suite amd64
    case_ "buildd of $suite, amd64: debootstrap's buildd" same_set buildd $suite amd64 --variant=buildd
done
done_
