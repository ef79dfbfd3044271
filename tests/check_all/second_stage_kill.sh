#!/bin/bash
# The second stage cut off at many points, then run again: the same finished system every time, nothing left running or mounted.
. "$(dirname "$0")/../flow/lib.sh"
[ "$(id -u)" = 0 ] || { skipped second_stage_kill "needs root"; done_; }
. "$top/tests/flow/mirror.sh"
[ -n "$mirror" ] || { skipped second_stage_kill "the host's apt configuration names no Debian mirror that answers"; done_; }
make_pending() { # a root whose second stage is pending
    rm -rf "$1"
    "$zs" create --cache-dir "$shared_cache" --progress none --second-stage later debian/bookworm "$1"
}
audit() { [ -z "$("$zs" run "$1" -- dpkg --audit 2>&1)" ] && [ "$("$zs" run "$1" -- dpkg-query -W -f '${db:Status-Abbrev}\n' | grep -c '^ii')" = 88 ] && [ -z "$("$zs" run "$1" -- dpkg --verify)" ] && [ ! -e "$1/zonestrap" ]; }
cut() { # SIGNAL SECONDS
    make_pending "$work/k" || return 1
    "$zs" second-stage --progress none "$work/k" 2>"$work/err" & local pid=$!
    sleep "$2"; kill -s "$1" $pid 2>/dev/null; wait $pid 2>/dev/null; local rc=$?
    sleep 0.3
    [ -z "$(grep -l "$work/k" /proc/[0-9]*/mountinfo 2>/dev/null)" ] || { echo "something is still mounted"; return 1; }
    [ $rc = 0 ] || "$zs" second-stage --progress none "$work/k" || return 1
    audit "$work/k" || { "$zs" run "$work/k" -- dpkg --audit; ls "$work/k/zonestrap"; return 1; }
}
for sig in KILL INT; do for at in 0.1 0.3 0.6 1.0 1.5 2.0 2.6 3.3; do case_ "SIG$sig after $at s" cut $sig $at; done; done
done_
