#!/bin/bash
# A desktop's set streamed into a tarball: the memory it takes is bounded, whatever the compression. Prints peak and time.
. "$(dirname "$0")/../flow/lib.sh"
. "$top/tests/flow/mirror.sh"
[ -n "$mirror" ] || { skipped desktop "the host's apt configuration names no Debian mirror that answers"; done_; }
limit=256 # MB
make_() { # NAME [OPTION...]: $work/NAME; peak memory and seconds in $work/NAME.used
    local name=$1; shift
    python3 - "$work/$name.used" "$zs" create --cache-dir "$shared_cache" --progress none --second-stage later --include gnome-core "$@" debian/trixie "$work/$name" <<'P'
import resource, subprocess, sys, time
began = time.monotonic()
rc = subprocess.call(sys.argv[2:])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
open(sys.argv[1], "w").write("%d %.1f" % (peak, time.monotonic() - began))
sys.exit(rc)
P
}
small() { # NAME [OPTION...]
    local peak seconds
    make_ "$@" || return
    read -r peak seconds <"$work/$1.used"
    echo "$1: $(stat -c %s "$work/$1") bytes, $peak MB at most, $seconds s" | tee -a "$work/report"
    [ "$peak" -le $limit ]
}
# The first one fetches, too.
case_ "gnome-core of trixie to a tarball: up to $limit MB" small desktop.tar
case_ "the same compressed" small desktop.tar.zst
packages() { [ "$(tar -xOf "$work/desktop.tar" ./zonestrap/plan | grep -c '^package ')" -gt 900 ]; }
case_ "more than 900 packages" packages
sum() { sha256sum | cut -c1-64; }
agree() { [ "$(sum <"$work/desktop.tar")" = "$(zstd -dcq "$work/desktop.tar.zst" | sum)" ]; }
case_ "both hold the same" agree
sed 's/^/# /' "$work/report"
done_
